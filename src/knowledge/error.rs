//! What can go wrong with the knowledge base.

use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};

/// Why the knowledge base could not be read or changed.
#[derive(Debug, thiserror::Error)]
pub enum KnowledgeError {
    /// No space, quota or file size left.
    #[error("no space left for the knowledge base in `{}`", path.display())]
    Full {
        /// The folder.
        path: PathBuf,
    },
    /// A file or folder that cannot be read or written.
    #[error("cannot use `{}`: {cause}", path.display())]
    Io {
        /// The file or folder.
        path: PathBuf,
        /// The cause.
        cause: io::Error,
    },
    /// The search engine failed.
    #[error("the index in `{}` cannot be used: {message}", path.display())]
    Index {
        /// The index.
        path: PathBuf,
        /// The cause.
        message: String,
    },
    /// A page that is not what it should be.
    #[error("`{page}`: {message}")]
    Page {
        /// The page's id.
        page: String,
        /// What is wrong with it.
        message: String,
    },
    /// Nothing to read at a path.
    #[error("there is no Markdown or text in `{0}`")]
    NothingToRead(String),
    /// A name that stands for no source.
    #[error("`{0}` is not a source of the knowledge base")]
    NoSuchSource(String),
    /// Git did not give a repository.
    #[error("git could not fetch `{address}`: {message}")]
    Git {
        /// The address as typed.
        address: String,
        /// Its words.
        message: String,
    },
}

impl KnowledgeError {
    /// Sorts an error of the file system.
    pub fn from_io(path: &Path, cause: io::Error) -> KnowledgeError {
        let path = path.to_owned();
        match cause.kind() {
            ErrorKind::StorageFull | ErrorKind::QuotaExceeded | ErrorKind::FileTooLarge => {
                KnowledgeError::Full { path }
            }
            _ => KnowledgeError::Io { path, cause },
        }
    }

    /// Sorts an error of the search engine.
    pub fn from_index(path: &Path, error: &tantivy::TantivyError) -> KnowledgeError {
        let message = error.to_string();
        let full = ["StorageFull", "No space left", "FileTooLarge", "File too large"];
        if full.iter().any(|words| message.contains(words)) {
            return KnowledgeError::Full {
                path: path.to_owned(),
            };
        }
        KnowledgeError::Index {
            path: path.to_owned(),
            message,
        }
    }

    /// What to do next.
    pub fn hint(&self) -> Option<String> {
        let hint = match self {
            KnowledgeError::Full { .. } => "free some space, or set XDG_CACHE_HOME to a folder that has some",
            KnowledgeError::Io { .. } => "see who may read and write there",
            KnowledgeError::Index { .. } => "`sayso knowledge rebuild` makes it again",
            KnowledgeError::Page { .. } => return None,
            KnowledgeError::NothingToRead(_) => {
                "name a file or folder with .md or .txt files, or a git address"
            }
            KnowledgeError::NoSuchSource(_) => "`sayso knowledge list` shows the sources",
            KnowledgeError::Git { .. } => "try `git clone` with the same address",
        };
        Some(hint.to_owned())
    }
}
