//! What a model folder says about itself.

use std::collections::BTreeMap;
use std::fs::File;
use std::path::Path;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

const NAME: &str = "manifest.json";

/// Raised when the same base and adapter would make other files than before.
pub(super) const RECIPE: u32 = 1;

/// The contents of `manifest.json`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(in crate::engine) struct Manifest {
    /// What the model is called to clients.
    pub(in crate::engine) name: String,
    /// Where the base came from.
    pub(super) source: String,
    /// Version of that source.
    pub(super) version: String,
    pub(super) base_model: String,
    /// SPDX name; covers the base and ours.
    pub(super) license: String,
    pub(super) quantization: String,
    pub(super) recipe: u32,
    /// Of the base's GGUF file.
    pub(super) base_sha256: String,
    /// Of the adapter's safetensors file.
    pub(super) adapter_sha256: String,
    /// File name of the weights.
    pub(in crate::engine) gguf: String,
    pub(super) gguf_sha256: String,
    /// Of the weights, in bytes.
    pub(super) size: u64,
    /// Every file of the model with its size in bytes.
    pub(super) files: BTreeMap<String, u64>,
}

impl Manifest {
    /// The manifest of a folder, if there is one that can be understood.
    pub(in crate::engine) fn read(directory: &Path) -> Option<Self> {
        let text = std::fs::read(directory.join(NAME)).ok()?;
        serde_json::from_slice(&text).ok()
    }

    /// Whether every file that it names is there, with its size.
    pub(in crate::engine) fn is_complete(&self, directory: &Path) -> bool {
        self.files.get(&self.gguf) == Some(&self.size)
            && self.files.iter().all(|(name, size)| {
                std::fs::metadata(directory.join(name))
                    .is_ok_and(|found| found.is_file() && found.len() == *size)
            })
    }

    /// `sha256:...` of the weights.
    pub(in crate::engine) fn digest(&self) -> String {
        format!("sha256:{}", self.gguf_sha256)
    }

    /// Withdraws the folder's manifest, whatever it says.
    pub(super) fn remove_from(directory: &Path) -> std::io::Result<()> {
        match std::fs::remove_file(directory.join(NAME)) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(error),
            _ => Ok(()),
        }
    }

    /// Writes it whole or not at all, and waits until it is on disk.
    pub(super) fn write_to(&self, directory: &Path) -> std::io::Result<()> {
        let mut file = tempfile::NamedTempFile::new_in(directory)?;
        serde_json::to_writer_pretty(&mut file, self)?;
        file.as_file().sync_all()?;
        file.persist(directory.join(NAME)).map_err(|error| error.error)?;
        if cfg!(unix) {
            File::open(directory)?.sync_all()
        } else {
            Ok(())
        }
    }
}

/// The sha256 of a file, in hex.
pub(in crate::engine) fn digest_of(path: &Path) -> std::io::Result<String> {
    let mut hash = Sha256::new();
    std::io::copy(&mut File::open(path)?, &mut hash)?;
    Ok(hex::encode(hash.finalize()))
}
