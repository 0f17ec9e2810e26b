//! What can go wrong with a model's files.

use std::path::{Path, PathBuf};

use super::machine::gigabytes;

/// Why a model cannot be had, or may not be used. Text from a server is shortened and has no control characters.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[expect(missing_docs, reason = "the message of each variant says what its fields are")]
pub enum ArtefactError {
    #[error("`{text}` names no model: {reason}")]
    Source { text: String, reason: String },
    #[error("there is no model `{name}` on this machine")]
    Unknown { name: String },
    #[error("the name `{name}` is taken by {taken}")]
    Taken { name: String, taken: String },
    #[error("cannot use `{}`: {reason}", path.display())]
    Io { path: PathBuf, reason: String },
    #[error("there is no room for {} in `{}`: {} are free", gigabytes(*needed), path.display(), gigabytes(*room))]
    NoSpace { path: PathBuf, room: u64, needed: u64 },
    #[error("cannot reach the hub at `{host}`: {reason}")]
    Unreachable { host: String, reason: String },
    #[error("the hub at `{host}` wants to know who asks for `{what}`")]
    Unauthorized { host: String, what: String },
    #[error("`{repository}` is gated: its owner has to let you in")]
    Gated { host: String, repository: String },
    #[error("the hub at `{host}` has no `{what}`")]
    Missing { host: String, what: String },
    #[error("the hub at `{host}` wants fewer requests")]
    Limited { host: String, after: Option<u64> },
    #[error("the hub at `{host}` answered with status {status}: {message}")]
    Refused {
        host: String,
        status: u16,
        message: String,
    },
    #[error("the answer of the hub at `{host}` makes no sense: {reason}")]
    Garbled { host: String, reason: String },
    #[error("the download of `{file}` was cut off {tries} times: {reason}")]
    Cut {
        file: String,
        tries: u32,
        reason: String,
    },
    #[error("`{file}` is not what was announced: sha256 is `{found}`, expected `{expected}`")]
    Hash {
        file: String,
        found: String,
        expected: String,
    },
    #[error("the model in `{}` is not what its manifest says: {reason}", path.display())]
    Changed { path: PathBuf, reason: String },
    #[error("`{}` is no manifest: {reason}", path.display())]
    Manifest { path: PathBuf, reason: String },
    #[error("`{}` is not a readable GGUF file: {reason}", path.display())]
    Gguf { path: PathBuf, reason: String },
    #[error("`{place}` has no model that can be loaded: {reason}")]
    NoModel { place: String, reason: String },
    #[error("`{place}` has no `{wanted}`")]
    NoVariant {
        place: String,
        wanted: String,
        there: Vec<String>,
    },
    #[error("the hub may not be asked: HF_HUB_OFFLINE is set")]
    Offline,
    #[error("`{name}` needs about {} and {device} has {} free", gigabytes(*needed), gigabytes(*free))]
    NoFit {
        name: String,
        device: String,
        needed: u64,
        free: u64,
        advice: String,
    },
}

impl ArtefactError {
    /// A failed file operation.
    pub fn io(path: &Path, error: &std::io::Error) -> ArtefactError {
        ArtefactError::Io {
            path: path.to_owned(),
            reason: error.to_string(),
        }
    }

    /// What to do next, where there is something to do.
    pub fn hint(&self) -> Option<String> {
        let fixed = match self {
            Self::NoVariant { there, .. } => return Some(format!("it has {}", there.join(", "))),
            Self::NoFit { advice, .. } => return Some(advice.clone()),
            Self::Gated { host, repository } => {
                return Some(format!(
                    "ask for access at {host}/{repository}, then set HF_TOKEN to a token of yours"
                ));
            }
            Self::Limited {
                after: Some(after), ..
            } => {
                return Some(format!(
                    "it asks for {after} s of patience; what was fetched is kept"
                ));
            }
            Self::Source { .. } => {
                "a model is `owner/repository`, `owner/repository:Q4_K_M`, a GGUF file, a folder, or a server's address"
            }
            Self::Unknown { .. } => {
                "`sayso model list` lists those that are there; `sayso model pull owner/repository` fetches one"
            }
            Self::Taken { .. } => "give this one another name with --name, or remove the other",
            Self::NoSpace { .. } => {
                "`sayso model remove NAME` makes room; XDG_DATA_HOME says where models are kept"
            }
            Self::Unreachable { .. } => "check the network and HF_ENDPOINT; what was fetched is kept",
            Self::Unauthorized { .. } => "set HF_TOKEN to a token of yours that may read it",
            Self::Missing { .. } => "check the name, the revision and, for a private one, HF_TOKEN",
            Self::Limited { .. } => "try again later; what was fetched is kept",
            Self::Cut { .. } => "try again: it goes on where it stopped",
            Self::Hash { .. } => "it was thrown away; try again, and if this stays, do not use that source",
            Self::Changed { .. } => "`sayso model remove NAME` and pull it again, or put the file back",
            Self::Manifest { .. } => "`sayso model remove NAME` and pull it again",
            Self::Offline => "unset HF_HUB_OFFLINE, or use a file that is here",
            _ => return None,
        };
        Some(fixed.to_owned())
    }

    /// Whether what was typed makes no sense here, as against something that failed.
    pub fn is_usage(&self) -> bool {
        matches!(
            self,
            Self::Source { .. } | Self::Unknown { .. } | Self::Taken { .. } | Self::NoVariant { .. }
        )
    }
}

/// Text from a server, fit to be shown: one line, no control characters, not long.
pub(super) fn quote(text: &str) -> String {
    let clean: String = text
        .chars()
        .map(|c| if c.is_control() { ' ' } else { c })
        .take(300)
        .collect();
    clean.trim().to_owned()
}
