//! The audit log: an append-only chain of records, written before and after every change.
//!
//! | file | what it does |
//! |---|---|
//! | [`record`] | what a record says, and how it becomes a line |
//! | [`chain`] | how lines are hashed; pure |
//! | [`tail`] | where the next record goes on, and what a crash left behind; pure |
//! | [`verify`] | the whole chain, checked line by line; pure |
//! | [`mod@redact`] | what is never written |
//! | [`log`], [`segments`] | the file itself, and the ones before it |
//! | [`checkpoint`] | signed statements of how far the log had come |
//! | [`open`] | actions under way, so that one that was cut short is found |
//! | [`replay`], [`export`] | records as actions; actions for other programs |
//!
//! The format is written down for verifiers in other languages in `docs/audit-format.md`.

pub mod chain;
pub mod checkpoint;
pub mod export;
pub mod log;
pub mod open;
pub mod record;
pub mod redact;
pub mod replay;
pub mod segments;
pub mod tail;
pub mod verify;

pub use checkpoint::Checkpoint;
pub use log::AuditLog;
pub use open::Begun;
pub use record::{ActionId, Entry, Record, RecordId, Tear};
pub use redact::{has_redactions, redact};
pub use replay::{Action, Filter, actions};
pub use verify::{Break, BreakReason, Verification};

#[cfg(test)]
mod tests;

use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Why something could not be recorded or read back. After any of these from
/// [`AuditLog::append`] the caller must act as if nothing was recorded.
#[derive(Debug, thiserror::Error)]
pub enum AuditError {
    /// No space, quota or file size left.
    #[error("no space left to write the audit log `{}`", path.display())]
    Full {
        /// The log.
        path: PathBuf,
    },
    /// The file system is mounted read-only.
    #[error("the audit log `{}` is on a read-only file system", path.display())]
    ReadOnly {
        /// The log or its folder.
        path: PathBuf,
    },
    /// The user may not read or write it.
    #[error("no permission for the audit log `{}`", path.display())]
    Denied {
        /// The log or its folder.
        path: PathBuf,
    },
    /// Something on the way to the log is a file, not a folder.
    #[error("the audit folder `{}` is not a folder", path.display())]
    NotAFolder {
        /// The folder as configured.
        path: PathBuf,
    },
    /// Nothing was recorded there yet, or the file was removed.
    #[error("there is no audit log at `{}`", path.display())]
    Missing {
        /// The log.
        path: PathBuf,
    },
    /// Another process kept the log locked for longer than we wait.
    #[error("the audit log `{}` is still locked by another process after {} ms", path.display(), waited.as_millis())]
    Locked {
        /// The log.
        path: PathBuf,
        /// How long was waited.
        waited: Duration,
    },
    /// The end of the log was altered, so nothing can be chained to it.
    #[error("the audit log `{}` is broken at byte {byte_offset}", path.display())]
    Broken {
        /// The log.
        path: PathBuf,
        /// Where the line that is not a record starts.
        byte_offset: u64,
    },
    /// Records are missing that a checkpoint of ours tells of.
    #[error("the audit log `{}` was cut short: a signed checkpoint tells of {sequence} records", path.display())]
    Truncated {
        /// The log.
        path: PathBuf,
        /// Of the last record that the checkpoint tells of.
        sequence: u64,
    },
    /// A line in the middle is no record, or not the one that was written.
    #[error("line {line} of the audit log `{}` cannot be trusted: {reason}", path.display())]
    Unreadable {
        /// The log.
        path: PathBuf,
        /// Counted from 1.
        line: u64,
        /// What is wrong with it.
        reason: BreakReason,
    },
    /// The entry would not be readable again, such as JSON nested deeper than 120 levels.
    #[error("this entry cannot be recorded: {because}")]
    Unrecordable {
        /// One clause.
        because: String,
    },
    /// Too short to name an action.
    #[error("`{given}` is too short to name an action")]
    TooShort {
        /// What was asked for.
        given: String,
    },
    /// Several actions are named so.
    #[error("`{given}` names {} actions: {}", matches.len(), list(matches))]
    Ambiguous {
        /// What was asked for.
        given: String,
        /// The actions, oldest first.
        matches: Vec<ActionId>,
    },
    /// Any other failure of the file system.
    #[error("the audit log `{}` failed", path.display())]
    Io {
        /// The log or its folder.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
}

impl AuditError {
    /// What the user can do next, as one clause; `None` where the message already says it.
    pub fn hint(&self) -> Option<&'static str> {
        Some(match self {
            Self::Full { .. } => "free some space, or raise the quota; nothing is applied unrecorded",
            Self::ReadOnly { .. } => "choose an audit folder on a writable file system",
            Self::Denied { .. } => "make the audit folder yours (`chown`), or choose another one",
            Self::NotAFolder { .. } => "move that file away, or choose another audit folder",
            Self::Missing { .. } => "the log is created with the first record",
            Self::Locked { .. } => "find who holds it with `fuser` or `lsof`, then try again",
            Self::Broken { .. } | Self::Truncated { .. } => {
                "see `sayso audit verify`; keep the folder as evidence, and move it away to start a new log"
            }
            Self::Unreadable { .. } => "`sayso audit verify` lists every break",
            Self::TooShort { .. } => "give at least 8 characters of its id",
            Self::Ambiguous { .. } => "give more characters; the last twelve differ most",
            Self::Unrecordable { .. } | Self::Io { .. } => return None,
        })
    }

    /// Sorts a failure of the file system at `path` into what the user can act on.
    fn from_io(path: &Path, source: io::Error) -> Self {
        let path = path.to_path_buf();
        match source.kind() {
            ErrorKind::StorageFull | ErrorKind::QuotaExceeded | ErrorKind::FileTooLarge => {
                Self::Full { path }
            }
            ErrorKind::ReadOnlyFilesystem => Self::ReadOnly { path },
            ErrorKind::PermissionDenied => Self::Denied { path },
            ErrorKind::NotADirectory | ErrorKind::AlreadyExists => Self::NotAFolder { path },
            ErrorKind::NotFound => Self::Missing { path },
            _ => Self::Io { path, source },
        }
    }
}

fn list(ids: &[ActionId]) -> String {
    ids.iter()
        .map(|id| format!("`{id}`"))
        .collect::<Vec<_>>()
        .join(", ")
}
