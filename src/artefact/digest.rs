//! SHA-256 of files.

use std::fs::File;
use std::io::Read;
use std::path::Path;

use sha2::{Digest, Sha256};

use super::error::ArtefactError;

/// How much is read at a time, in bytes.
const PIECE: usize = 1 << 20;

/// The SHA-256 of a file in hex. `on_bytes` is told how many more bytes were read.
pub fn sha256_of(path: &Path, on_bytes: &mut dyn FnMut(u64)) -> Result<String, ArtefactError> {
    let mut hash = Sha256::new();
    feed(&mut hash, path, on_bytes)?;
    Ok(hex::encode(hash.finalize()))
}

/// Hashes a file's bytes into what was hashed before.
pub(super) fn feed(
    hash: &mut Sha256,
    path: &Path,
    on_bytes: &mut dyn FnMut(u64),
) -> Result<(), ArtefactError> {
    let wrong = |error| ArtefactError::io(path, &error);
    let mut file = File::open(path).map_err(wrong)?;
    let mut piece = vec![0; PIECE];
    loop {
        let count = file.read(&mut piece).map_err(wrong)?;
        if count == 0 {
            return Ok(());
        }
        hash.update(&piece[..count]);
        on_bytes(count as u64);
    }
}

/// The SHA-256 of a text in hex.
pub(super) fn sha256_of_bytes(bytes: &[u8]) -> String {
    hex::encode(Sha256::digest(bytes))
}
