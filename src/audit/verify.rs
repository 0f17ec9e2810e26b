//! The whole chain, checked line by line; of an intact log no more than one line is held at a time.

use super::chain::{GENESIS, unseal};
use super::checkpoint::{Checkpoint, Found};
use super::record::{ActionId, Entry, Record, Tear};
use serde::Serialize;
use std::collections::BTreeSet;
use std::fmt;

/// What is wrong with a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum BreakReason {
    /// It is not a record.
    Malformed,
    /// It is a record that was changed after it was written.
    Altered,
    /// It does not continue the record before it: lines were dropped, inserted or moved.
    Unlinked,
    /// It explains a crash, but what stands before it is not what the crash left.
    Unexplained,
    /// The file ends in the middle of a line: a crash (the next append explains it) or a cut.
    Torn,
    /// Records are missing at the end that a signed checkpoint tells of.
    Truncated,
    /// It is not the record that a signed checkpoint tells of.
    Forged,
    /// What should be the checkpoint is none, or is signed by another key.
    Checkpoint,
}

impl fmt::Display for BreakReason {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Malformed => "it is not a record",
            Self::Altered => "it was changed after it was written",
            Self::Unlinked => "it does not follow the record before it",
            Self::Unexplained => "it explains a crash that did not leave this",
            Self::Torn => "the file ends in the middle of a line",
            Self::Truncated => "records are missing here that a signed checkpoint tells of",
            Self::Forged => "it is not the record that a signed checkpoint tells of",
            Self::Checkpoint => "the checkpoint is none, or is signed by another key",
        })
    }
}

/// One place where the log is not what was written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Break {
    /// Counted from 1 over all segments.
    pub line: u64,
    /// Where the line starts, counted over all segments.
    pub byte_offset: u64,
    /// What is wrong.
    pub reason: BreakReason,
}

/// The result of checking a whole log. Records that were cut off cleanly at the end are missed by the signed
/// checkpoint; where that was taken back as well, only a [`Verification::head`] kept elsewhere tells.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Verification {
    /// How many lines are records in themselves.
    pub records: u64,
    /// Everything that is wrong, in file order.
    pub breaks: Vec<Break>,
    /// The hash of the last record; none in an empty log.
    pub head: Option<String>,
    /// Actions with an intent but neither outcome nor decision, oldest first: running now, or cut short.
    pub open_intents: Vec<ActionId>,
    /// Lines of the records that explain a crash. Not breaks, but worth a look.
    pub tears: Vec<u64>,
    /// The sequence up to which a genuine checkpoint vouches for the log; nothing where there is none.
    pub vouched: Option<u64>,
}

impl Verification {
    /// Whether every line is what was written, in the order in which it was written.
    pub fn intact(&self) -> bool {
        self.breaks.is_empty()
    }
}

/// Takes the lines of a log one after the other.
#[derive(Debug, Clone, Default)]
pub(super) struct Verifier {
    result: Verification,
    line: u64,
    offset: u64,
    sequence: u64,
    open: BTreeSet<ActionId>,
    /// Lines since the last record that may turn out to be what a crash left, and their bytes.
    suspects: Vec<Break>,
    suspect_bytes: Vec<u8>,
    checkpoint: Option<Checkpoint>,
}

impl Verifier {
    /// One that holds the log against a checkpoint. Without a trusted key any genuine signature counts.
    pub fn expecting(found: Found, trusted: Option<&str>) -> Verifier {
        let mut verifier = Verifier::default();
        match found {
            Found::Nothing => {}
            Found::Checkpoint(checkpoint) if checkpoint.is_genuine(trusted) => {
                verifier.checkpoint = Some(*checkpoint);
            }
            Found::Garbage | Found::Checkpoint(_) => verifier.note(BreakReason::Checkpoint),
        }
        verifier
    }

    /// Takes the next line with its newline, if it has one.
    pub fn line(&mut self, bytes: &[u8]) {
        self.line += 1;
        let line = bytes.strip_suffix(b"\n");
        match Record::parse(line.unwrap_or(bytes)) {
            Ok(record) => self.record(record),
            Err(BreakReason::Malformed) => self.suspect(bytes),
            Err(reason) => self.altered(bytes, reason),
        }
        if line.is_none() {
            self.suspects.retain(|suspect| suspect.line != self.line);
            self.settle_suspects();
            self.note(BreakReason::Torn);
        }
        self.offset += bytes.len() as u64;
    }

    /// Whether a break was found so far.
    #[cfg(test)]
    pub fn is_broken(&self) -> bool {
        !self.result.breaks.is_empty()
    }

    /// The result, after the last line.
    pub fn finish(mut self) -> Verification {
        self.settle_suspects();
        let vouched = self.checkpoint.as_ref().map(|checkpoint| checkpoint.sequence);
        if vouched.is_some_and(|sequence| sequence > self.sequence) {
            self.line += 1;
            self.note(BreakReason::Truncated);
        }
        self.result.vouched = vouched;
        self.result.open_intents = self.open.into_iter().collect();
        self.result
    }

    fn record(&mut self, record: Record) {
        if let Entry::Recovered(tear) = &record.entry {
            self.explain(tear);
        }
        self.settle_suspects();
        let previous = self.result.head.as_deref().unwrap_or(GENESIS);
        if record.previous != previous || record.sequence != self.sequence + 1 {
            self.note(BreakReason::Unlinked);
        }
        let told = self
            .checkpoint
            .as_ref()
            .filter(|told| told.sequence == record.sequence);
        if told.is_some_and(|told| told.head != record.hash) {
            self.note(BreakReason::Forged);
        }
        self.track(&record.entry);
        self.result.records += 1;
        self.sequence = record.sequence;
        self.result.head = Some(record.hash);
    }

    /// Drops the suspects if this tear is exactly what they are.
    fn explain(&mut self, tear: &Tear) {
        let torn = self
            .suspect_bytes
            .strip_suffix(b"\n")
            .unwrap_or(&self.suspect_bytes);
        if Tear::of(torn) == *tear && self.suspects.is_empty() == (tear.bytes() == 0) {
            self.suspects.clear();
            self.result.tears.push(self.line);
        } else {
            self.settle_suspects();
            self.note(BreakReason::Unexplained);
        }
    }

    fn suspect(&mut self, bytes: &[u8]) {
        self.suspects.push(self.here(BreakReason::Malformed));
        self.suspect_bytes.extend_from_slice(bytes);
    }

    /// Goes on from the hash that the line claims, so that one altered line is one break.
    fn altered(&mut self, bytes: &[u8], reason: BreakReason) {
        self.settle_suspects();
        self.note(reason);
        self.sequence += 1;
        let line = bytes.strip_suffix(b"\n").unwrap_or(bytes);
        if let Some(sealed) = unseal(line) {
            self.result.head = Some(sealed.hash.into());
        }
    }

    fn track(&mut self, entry: &Entry) {
        match entry {
            Entry::Intent { action, .. } => {
                self.open.insert(*action);
            }
            Entry::Outcome { action, .. } | Entry::Decision { action, .. } => {
                self.open.remove(action);
            }
            Entry::Read { .. } | Entry::Recovered(_) => {}
        }
    }

    fn settle_suspects(&mut self) {
        self.result.breaks.append(&mut self.suspects);
        self.suspect_bytes.clear();
    }

    fn note(&mut self, reason: BreakReason) {
        self.result.breaks.push(self.here(reason));
    }

    fn here(&self, reason: BreakReason) -> Break {
        Break {
            line: self.line,
            byte_offset: self.offset,
            reason,
        }
    }
}
