//! The file itself: `audit.jsonl`, one record a line, mode 0600.
//!
//! An append holds the lock only while it finds the end and writes its line, and syncs after it has let go of it. So the
//! system writes the lines of several processes to disk at once, and each of them still returns only when its own line
//! is there.

// The one place of the audit log that touches files.
use super::AuditError;
use super::checkpoint::{self, Checkpoint, Found};
use super::record::{ActionId, Entry, Record, RecordId};
use super::redact;
use super::segments::{self, Lines};
use super::tail::{self, Tail};
use super::verify::{BreakReason, Verification, Verifier};
use crate::sign::Key;
use jiff::Timestamp;
use std::fs::{DirBuilder, File, OpenOptions, TryLockError};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

/// The name of the log in its folder.
pub const FILE_NAME: &str = "audit.jsonl";
/// How long to wait for another process that writes, unless told otherwise.
pub const PATIENCE: Duration = Duration::from_secs(10);
const FIRST_WAIT: Duration = Duration::from_micros(100);
const LONGEST_WAIT: Duration = Duration::from_millis(5);
/// How much of the end of the log is read first when a record is appended.
const WINDOW: u64 = 64 * 1024;
const SHORTEST_PREFIX: usize = 8;

/// An audit log on disk. Holds no open file, so it is cheap to clone and safe to share: every call
/// opens the file, and every append locks it against other threads and processes.
#[derive(Debug, Clone)]
pub struct AuditLog {
    path: PathBuf,
    patience: Duration,
    segment: u64,
    key: Option<Arc<Key>>,
    trusted: Option<String>,
}

impl AuditLog {
    /// Opens the log in `folder` for writing: creates the folder (0700) and the file (0600) where they
    /// are missing, makes the file private where it is not, and fails where nothing could be appended.
    pub fn open(folder: &Path) -> Result<Self, AuditError> {
        let log = Self::at(folder);
        create_folder(folder).map_err(|error| match error.kind() {
            io::ErrorKind::NotFound => AuditError::NotAFolder { path: folder.into() },
            _ => AuditError::from_io(folder, error),
        })?;
        log.open_for_append()?;
        Ok(log)
    }

    /// The log in `folder`, for reading: touches nothing, needs no permission to write.
    pub fn at(folder: &Path) -> Self {
        Self {
            path: folder.join(FILE_NAME),
            patience: PATIENCE,
            segment: segments::SEGMENT,
            key: None,
            trusted: None,
        }
    }

    /// Signs a checkpoint after each record, and trusts those of this key alone.
    pub fn signed_by(self, key: Arc<Key>) -> Self {
        let trusted = Some(key.public());
        Self {
            key: Some(key),
            trusted,
            ..self
        }
    }

    /// Trusts only checkpoints of this public key (a line of `authorized_keys`).
    pub fn trusting(self, key: String) -> Self {
        Self {
            trusted: Some(key),
            ..self
        }
    }

    /// Begins another segment after this many bytes, instead of [`segments::SEGMENT`].
    pub fn with_segments_of(self, bytes: u64) -> Self {
        Self {
            segment: bytes,
            ..self
        }
    }

    /// Where the log's files are.
    pub fn folder(&self) -> &Path {
        self.path.parent().unwrap_or(Path::new("."))
    }

    /// Waits this long, instead of [`PATIENCE`], while another process writes.
    pub fn with_patience(self, patience: Duration) -> Self {
        Self { patience, ..self }
    }

    /// Where the file is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Redacts the entry and writes it as one line, durably: when this returns `Ok`, the record has
    /// been synced to disk. On `Err` the file is cut back to what it was. What a crash left of an
    /// earlier line stays in the file and is explained by an [`Entry::Recovered`] of its own.
    ///
    /// Blocks, for up to the patience, while another process writes.
    pub fn append(&self, mut entry: Entry, at: Timestamp) -> Result<RecordId, AuditError> {
        let body = entry.body_mut().ok_or_else(|| AuditError::Unrecordable {
            because: "only the log itself records a recovery".into(),
        })?;
        redact(body);
        let (mut file, length, tail) = self.end()?;
        let (last, lines) = render(tail, &entry, at)?;
        let written = file.write_all(lines.as_bytes());
        written.map_err(|error| {
            // If even this fails, the rest of the line is found as a crash tear by the next append.
            let _ = file.set_len(length).and_then(|()| file.sync_all());
            self.failed(error)
        })?;
        file.unlock().map_err(|error| self.failed(error))?;
        file.sync_data()
            .map_err(|error| self.withdraw(&file, length, lines.len(), error))?;
        self.tell(&last, at);
        Ok(last.id)
    }

    /// The file that is written to, locked, with its length and what comes next. A segment that is full is closed first.
    fn end(&self) -> Result<(File, u64, Tail), AuditError> {
        loop {
            let mut file = self.open_for_append()?;
            self.lock(&file, File::try_lock)?;
            if !segments::is_current(&file, &self.path).map_err(|error| self.failed(error))? {
                continue;
            }
            let length = file.metadata().map_err(|error| self.failed(error))?.len();
            let tail = self.tail(&mut file, length)?;
            self.check_against_checkpoint(&tail)?;
            let is_full = length >= self.segment && tail.tear.is_none() && cfg!(unix);
            if !is_full {
                return Ok((file, length, tail));
            }
            // On disk before anything in the next segment is chained to it.
            let closed = file.sync_all().and_then(|()| segments::close(self.folder()));
            closed
                .and_then(|()| sync_folder(&self.path))
                .map_err(|error| self.failed(error))?;
        }
    }

    /// A record that could not be synced does not count: it is cut off again, if it is still the last.
    fn withdraw(&self, file: &File, length: u64, added: usize, error: io::Error) -> AuditError {
        let is_last = || {
            file.metadata()
                .is_ok_and(|facts| facts.len() == length + added as u64)
        };
        if self.lock(file, File::try_lock).is_ok() && is_last() {
            let _ = file.set_len(length).and_then(|()| file.sync_all());
        }
        self.failed(error)
    }

    /// Signs how far the log has come. One that cannot be written leaves an older one, which is as true.
    fn tell(&self, last: &Record, at: Timestamp) {
        let signed = self
            .key
            .as_ref()
            .and_then(|key| Checkpoint::sign(key, last.sequence, &last.hash, at));
        if let Some(checkpoint) = signed {
            let _ = checkpoint::write(self.folder(), &checkpoint);
        }
    }

    /// Nothing more is written to a log that lacks records which we have signed for.
    fn check_against_checkpoint(&self, tail: &Tail) -> Result<(), AuditError> {
        let found = checkpoint::read(self.folder()).map_err(|error| self.failed(error))?;
        let Found::Checkpoint(checkpoint) = found else {
            return Ok(());
        };
        let (last, is_ours) = (tail.sequence - 1, self.key.is_some());
        let differs =
            last < checkpoint.sequence || (last == checkpoint.sequence && tail.previous != checkpoint.head);
        if is_ours && differs && checkpoint.is_genuine(self.trusted.as_deref()) {
            return Err(AuditError::Truncated {
                path: self.path.clone(),
                sequence: checkpoint.sequence,
            });
        }
        Ok(())
    }

    /// Every record, oldest first, each checked against its own hash (not against its neighbours: that
    /// is [`AuditLog::verify`]). A line that cannot be trusted is an [`AuditError::Unreadable`], and
    /// reading goes on after it. Records that are appended meanwhile are not seen.
    pub fn records(&self) -> Result<Records, AuditError> {
        Ok(Records {
            log: self.clone(),
            lines: self.lines()?,
            line: 0,
        })
    }

    /// The records of one action, oldest first; none if there is no such action. It is named by its id
    /// or a record's id, or by 8 or more characters of its beginning or end. Lines that cannot be
    /// trusted are passed over.
    pub fn find(&self, given: &str) -> Result<Vec<Record>, AuditError> {
        let wanted = given.trim().to_ascii_lowercase();
        let wanted = wanted.split('.').next().unwrap_or_default();
        if wanted.len() < SHORTEST_PREFIX {
            return Err(AuditError::TooShort { given: given.into() });
        }
        let mut found = Vec::new();
        for record in self.trusted_records()? {
            let record = record?;
            if record
                .entry
                .action()
                .is_some_and(|action| is_named(action, wanted))
            {
                found.push(record);
            }
        }
        only_one_action(given, found)
    }

    /// The records that can be trusted by themselves; other failures than broken lines stay errors.
    pub fn trusted_records(
        &self,
    ) -> Result<impl Iterator<Item = Result<Record, AuditError>> + use<>, AuditError> {
        Ok(self
            .records()?
            .filter(|record| !matches!(record, Err(AuditError::Unreadable { .. }))))
    }

    /// Checks the whole chain, and the checkpoint. Breaks are in the result; `Err` means that the log could not be read.
    pub fn verify(&self) -> Result<Verification, AuditError> {
        let mut lines = self.lines()?;
        let found = checkpoint::read(self.folder()).map_err(|error| self.failed(error))?;
        let mut verifier = Verifier::expecting(found, self.trusted.as_deref());
        let mut line = Vec::new();
        while lines.read(&mut line).map_err(|error| self.failed(error))? > 0 {
            verifier.line(&line);
            line.clear();
        }
        Ok(verifier.finish())
    }

    /// What is in the files now, between two appends, without keeping writers waiting.
    fn lines(&self) -> Result<Lines, AuditError> {
        let failed = |error| self.failed(error);
        let mut lines = Lines::default();
        let last = loop {
            let file = match File::open(&self.path) {
                Ok(file) => Some(file),
                // A crash between closing a segment and beginning the next.
                Err(error) if error.kind() == io::ErrorKind::NotFound && self.has_segments() => None,
                Err(error) => return Err(failed(error)),
            };
            if let Some(file) = &file {
                self.lock(file, File::try_lock_shared)?;
                if !segments::is_current(file, &self.path).map_err(failed)? {
                    continue;
                }
            }
            break file;
        };
        for path in segments::closed(self.folder()).map_err(failed)? {
            let file = File::open(path).map_err(failed)?;
            let length = file.metadata().map_err(failed)?.len();
            lines.push(file, length);
        }
        if let Some(file) = last {
            let length = file.metadata().map_err(failed)?.len();
            file.unlock().map_err(failed)?;
            lines.push(file, length);
        }
        Ok(lines)
    }

    fn has_segments(&self) -> bool {
        segments::closed(self.folder()).is_ok_and(|closed| !closed.is_empty())
    }

    fn open_for_append(&self) -> Result<File, AuditError> {
        loop {
            let opened = match options().create_new(true).open(&self.path) {
                Ok(file) => sync_folder(&self.path).map(|()| file),
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => options()
                    .open(&self.path)
                    .and_then(|file| make_private(&file).map(|()| file)),
                Err(error) => Err(error),
            };
            match opened {
                // Another process has closed the segment between the two: the next one is to be made.
                Err(error) if error.kind() == io::ErrorKind::NotFound && self.has_segments() => {}
                opened => return opened.map_err(|error| self.failed(error)),
            }
        }
    }

    fn lock(&self, file: &File, try_lock: fn(&File) -> Result<(), TryLockError>) -> Result<(), AuditError> {
        let (mut waited, mut wait) = (Duration::ZERO, FIRST_WAIT);
        loop {
            match try_lock(file) {
                Ok(()) => return Ok(()),
                Err(TryLockError::Error(error)) => return Err(self.failed(error)),
                Err(TryLockError::WouldBlock) if waited >= self.patience => {
                    return Err(AuditError::Locked {
                        path: self.path.clone(),
                        waited,
                    });
                }
                Err(TryLockError::WouldBlock) => std::thread::sleep(wait),
            }
            waited += wait;
            wait = (wait * 2).min(LONGEST_WAIT);
        }
    }

    /// Reads as much of the end as is needed to find the last good record; that of the last closed segment where a new one
    /// was just begun.
    fn tail(&self, file: &mut File, length: u64) -> Result<Tail, AuditError> {
        if length == 0 {
            let closed = segments::closed(self.folder()).map_err(|error| self.failed(error))?;
            if let Some(path) = closed.last() {
                let mut file = File::open(path).map_err(|error| self.failed(error))?;
                let length = file.metadata().map_err(|error| self.failed(error))?.len();
                return self.last_record(&mut file, length);
            }
        }
        self.last_record(file, length)
    }

    fn last_record(&self, file: &mut File, length: u64) -> Result<Tail, AuditError> {
        let mut size = WINDOW;
        loop {
            let start = length.saturating_sub(size);
            let window = read_range(file, start, length).map_err(|error| self.failed(error))?;
            match tail::find(&window, start == 0) {
                Ok(Some(tail)) => return Ok(tail),
                Ok(None) => size = size.saturating_mul(4),
                Err(at) => {
                    let byte_offset = start + at as u64;
                    return Err(AuditError::Broken {
                        path: self.path.clone(),
                        byte_offset,
                    });
                }
            }
        }
    }

    fn failed(&self, error: io::Error) -> AuditError {
        AuditError::from_io(&self.path, error)
    }
}

/// The records of a log, one line at a time. See [`AuditLog::records`].
#[derive(Debug)]
pub struct Records {
    log: AuditLog,
    lines: Lines,
    line: u64,
}

impl Records {
    fn read(&mut self, bytes: &[u8]) -> Result<Record, AuditError> {
        let unreadable = |reason| AuditError::Unreadable {
            path: self.log.path.clone(),
            line: self.line,
            reason,
        };
        let line = bytes
            .strip_suffix(b"\n")
            .ok_or_else(|| unreadable(BreakReason::Torn))?;
        Record::parse(line).map_err(unreadable)
    }
}

impl Iterator for Records {
    type Item = Result<Record, AuditError>;

    fn next(&mut self) -> Option<Self::Item> {
        self.line += 1;
        let mut bytes = Vec::new();
        match self.lines.read(&mut bytes) {
            Ok(0) => None,
            Ok(_) => Some(self.read(&bytes)),
            Err(error) => Some(Err(self.log.failed(error))),
        }
    }
}

/// The text to append after this tail, and the last record in it.
fn render(tail: Tail, entry: &Entry, at: Timestamp) -> Result<(Record, String), AuditError> {
    let Tail {
        mut previous,
        mut sequence,
        tear,
    } = tail;
    let mut lines = String::new();
    if let Some(tear) = tear {
        let (recovered, line) = Record::write(&previous, sequence, at, &Entry::Recovered(tear))?;
        lines = format!("\n{line}\n");
        previous = recovered.hash;
        sequence += 1;
    }
    let (record, line) = Record::write(&previous, sequence, at, entry)?;
    lines.push_str(&line);
    lines.push('\n');
    Ok((record, lines))
}

fn is_named(action: ActionId, wanted: &str) -> bool {
    let id = action.to_string();
    id.starts_with(wanted) || id.ends_with(wanted)
}

fn only_one_action(given: &str, found: Vec<Record>) -> Result<Vec<Record>, AuditError> {
    let mut matches: Vec<_> = found.iter().filter_map(|record| record.entry.action()).collect();
    matches.sort_unstable();
    matches.dedup();
    match matches.len() {
        0 | 1 => Ok(found),
        _ => Err(AuditError::Ambiguous {
            given: given.into(),
            matches,
        }),
    }
}

fn read_range(file: &mut File, start: u64, end: u64) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    file.seek(SeekFrom::Start(start))?;
    file.take(end - start).read_to_end(&mut bytes)?;
    Ok(bytes)
}

fn options() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.read(true).append(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options
}

/// Private where this creates it; a folder that was there keeps the mode that its owner chose.
pub(super) fn create_folder(folder: &Path) -> io::Result<()> {
    let mut builder = DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(folder)
}

/// Makes the new file's name durable. Only Unix can sync a folder.
pub(super) fn sync_folder(file: &Path) -> io::Result<()> {
    match file.parent() {
        Some(folder) if cfg!(unix) => File::open(folder)?.sync_all(),
        _ => Ok(()),
    }
}

/// Takes the file's permissions from group and others.
#[cfg(unix)]
fn make_private(file: &File) -> io::Result<()> {
    use std::os::unix::fs::PermissionsExt;
    let metadata = file.metadata()?;
    if metadata.is_file() && metadata.permissions().mode() & 0o077 != 0 {
        file.set_permissions(std::fs::Permissions::from_mode(0o600))?;
    }
    Ok(())
}

#[cfg(not(unix))]
fn make_private(_file: &File) -> io::Result<()> {
    Ok(())
}
