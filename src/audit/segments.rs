//! The files that a log consists of: closed segments `audit.000001.jsonl`, `audit.000002.jsonl`, ..., then `audit.jsonl`,
//! which is the one that is written to. The chain goes on from one to the next.

use std::collections::VecDeque;
use std::fs::File;
use std::io::{self, BufRead as _, BufReader, Read as _, Take};
use std::path::{Path, PathBuf};

use super::log::FILE_NAME;

/// How large a segment becomes, in bytes, before the next one is begun: 64 MiB.
pub const SEGMENT: u64 = 64 * 1024 * 1024;

/// The closed segments of a folder, oldest first.
pub(super) fn closed(folder: &Path) -> io::Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        if number_of(&path).is_some() {
            found.push(path);
        }
    }
    found.sort_by_key(|path| number_of(path));
    Ok(found)
}

/// The number in a closed segment's name.
fn number_of(path: &Path) -> Option<u64> {
    let name = path.file_name()?.to_str()?;
    let digits = name.strip_prefix("audit.")?.strip_suffix(".jsonl")?;
    (!digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit())).then(|| digits.parse().ok())?
}

/// Closes the segment that is written to. The caller holds its lock and has synced it.
pub(super) fn close(folder: &Path) -> io::Result<()> {
    let last = closed(folder)?
        .last()
        .and_then(|path| number_of(path))
        .unwrap_or_default();
    let name = format!("audit.{:06}.jsonl", last + 1);
    std::fs::rename(folder.join(FILE_NAME), folder.join(name))
}

/// Whether an open file is still the one of that name: another process may have closed the segment meanwhile.
#[cfg(unix)]
pub(super) fn is_current(file: &File, path: &Path) -> io::Result<bool> {
    use std::os::unix::fs::MetadataExt as _;
    let opened = file.metadata()?;
    match std::fs::metadata(path) {
        Ok(named) => Ok((opened.dev(), opened.ino()) == (named.dev(), named.ino())),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(error),
    }
}

/// Elsewhere an open file cannot be renamed, so segments are never closed.
#[cfg(not(unix))]
pub(super) fn is_current(_file: &File, _path: &Path) -> io::Result<bool> {
    Ok(true)
}

/// The lines of all segments, one after the other, each segment as long as it was when it was opened.
#[derive(Debug, Default)]
pub(super) struct Lines(VecDeque<BufReader<Take<File>>>);

impl Lines {
    /// Adds a file up to a length.
    pub fn push(&mut self, file: File, length: u64) {
        self.0.push_back(BufReader::new(file.take(length)));
    }

    /// Reads the next line with its newline, if it has one; 0 at the end of all.
    pub fn read(&mut self, line: &mut Vec<u8>) -> io::Result<usize> {
        while let Some(file) = self.0.front_mut() {
            let read = file.read_until(b'\n', line)?;
            if read > 0 {
                return Ok(read);
            }
            self.0.pop_front();
        }
        Ok(0)
    }
}
