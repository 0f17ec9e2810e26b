//! A signed statement of how far the log had come: what a cut at its end is found out by.
//!
//! `checkpoint.json` beside the log holds the latest one. It is written after the record that it tells of is on disk, by
//! renaming, so it is never ahead of the log and never half a file. What is signed is `sayso-checkpoint-v1`, the sequence,
//! the hash and the time of the last record, each ended by a newline.

// The other place of the audit log that touches files.
use std::io;
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::sign::{self, Key};

/// The name of the checkpoint in the log's folder.
pub const FILE_NAME: &str = "checkpoint.json";
/// More than this is no checkpoint.
const LONGEST: u64 = 16 * 1024;

/// How far the log had come.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Checkpoint {
    /// Of the last record.
    pub sequence: u64,
    /// Its hash.
    pub head: String,
    /// When, by the clock of the machine that wrote it.
    pub at: Timestamp,
    /// The public key, as a line of `authorized_keys`.
    pub key: String,
    /// In OpenSSH's format, in the namespace `sayso-checkpoint`.
    pub signature: String,
}

impl Checkpoint {
    /// Signs one. Nothing where the key cannot sign.
    pub(super) fn sign(key: &Key, sequence: u64, head: &str, at: Timestamp) -> Option<Checkpoint> {
        let signature = key.sign(sign::CHECKPOINT, &message(sequence, head, at)).ok()?;
        Some(Checkpoint {
            sequence,
            head: head.to_owned(),
            at,
            key: key.public(),
            signature,
        })
    }

    /// Whether its signature is of its key; and where `trusted` is given, whether that is the key.
    pub fn is_genuine(&self, trusted: Option<&str>) -> bool {
        let message = message(self.sequence, &self.head, self.at);
        trusted.is_none_or(|trusted| sign::is_same_key(trusted, &self.key))
            && sign::verify(&self.key, sign::CHECKPOINT, &message, &self.signature).is_ok()
    }
}

fn message(sequence: u64, head: &str, at: Timestamp) -> Vec<u8> {
    format!("sayso-checkpoint-v1\n{sequence}\n{head}\n{at}\n").into_bytes()
}

/// What lies in the folder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Found {
    /// Nothing.
    Nothing,
    /// Something that is no checkpoint.
    Garbage,
    /// A checkpoint, its signature not yet checked.
    Checkpoint(Box<Checkpoint>),
}

/// Reads the checkpoint in a folder.
pub(super) fn read(folder: &Path) -> io::Result<Found> {
    let path = folder.join(FILE_NAME);
    match std::fs::metadata(&path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Found::Nothing),
        Err(error) => return Err(error),
        Ok(facts) if facts.len() > LONGEST => return Ok(Found::Garbage),
        Ok(_) => {}
    }
    let bytes = std::fs::read(&path)?;
    Ok(
        serde_json::from_slice(&bytes).map_or(Found::Garbage, |checkpoint| {
            Found::Checkpoint(Box::new(checkpoint))
        }),
    )
}

/// Puts a checkpoint in the place of an older one. Two processes at once may leave the older of their two: it is as true.
pub(super) fn write(folder: &Path, checkpoint: &Checkpoint) -> io::Result<()> {
    if let Found::Checkpoint(old) = read(folder)?
        && old.sequence >= checkpoint.sequence
    {
        return Ok(());
    }
    let new = temporary(folder);
    let text = serde_json::to_string(checkpoint).map_err(io::Error::other)?;
    let placed = std::fs::write(&new, text).and_then(|()| std::fs::rename(&new, folder.join(FILE_NAME)));
    if placed.is_err() {
        let _ = std::fs::remove_file(&new);
    }
    placed
}

fn temporary(folder: &Path) -> PathBuf {
    let thread = format!("{:?}", std::thread::current().id());
    let thread: String = thread.chars().filter(char::is_ascii_digit).collect();
    folder.join(format!(".checkpoint.{}.{thread}", std::process::id()))
}
