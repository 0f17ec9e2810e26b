//! Which files of a model folder are the model.

use std::path::{Path, PathBuf};

use super::prepare::{Manifest, digest_of};

/// A model on disk, looked at but not loaded.
#[derive(Debug, Clone)]
pub(super) struct ModelFiles {
    /// The folder, as an absolute path: a relative one that does not exist would be looked up on a hub.
    pub(super) directory: PathBuf,
    /// The GGUF file's name in it.
    pub(super) weights: String,
    /// What the model is called to clients.
    pub(super) name: String,
    /// `sha256:...` of the weights.
    pub(super) digest: String,
}

/// Why a folder cannot be served.
#[derive(Debug, thiserror::Error)]
pub(super) enum FilesError {
    /// The folder is missing or unreadable.
    #[error("cannot read the model folder `{path}`: {source}")]
    Folder { path: PathBuf, source: std::io::Error },
    /// The manifest names files that are not there, or have another size.
    #[error("the model in `{0}` is damaged")]
    Damaged(PathBuf),
    /// Without a manifest there must be exactly one GGUF file.
    #[error("`{path}` holds {count} GGUF files, and one is needed")]
    Count { path: PathBuf, count: usize },
}

impl ModelFiles {
    /// Finds the model of a folder: the one that its manifest names, or its only GGUF file.
    ///
    /// The digest of a prepared model is taken from its manifest; that of any other file is computed, which
    /// reads the whole file.
    pub(super) fn find(directory: &Path) -> Result<Self, FilesError> {
        let unreadable = |source| FilesError::Folder {
            path: directory.to_owned(),
            source,
        };
        let directory = std::fs::canonicalize(directory).map_err(unreadable)?;
        match Manifest::read(&directory) {
            Some(manifest) if manifest.is_complete(&directory) => Ok(Self {
                digest: manifest.digest(),
                name: manifest.name,
                weights: manifest.gguf,
                directory,
            }),
            Some(_) => Err(FilesError::Damaged(directory)),
            None => Self::only_gguf(directory),
        }
    }

    /// The weights' path.
    pub(super) fn path(&self) -> PathBuf {
        self.directory.join(&self.weights)
    }

    fn only_gguf(directory: PathBuf) -> Result<Self, FilesError> {
        let unreadable = |source| FilesError::Folder {
            path: directory.clone(),
            source,
        };
        let mut found: Vec<PathBuf> = std::fs::read_dir(&directory)
            .map_err(unreadable)?
            .filter_map(|entry| entry.ok().map(|entry| entry.path()))
            .filter(|path| path.extension().is_some_and(|extension| extension == "gguf"))
            .collect();
        let count = found.len();
        let (1, Some(path)) = (count, found.pop()) else {
            return Err(FilesError::Count {
                path: directory,
                count,
            });
        };
        let text = |part: Option<&std::ffi::OsStr>| part.unwrap_or_default().to_string_lossy().into_owned();
        Ok(Self {
            digest: format!("sha256:{}", digest_of(&path).map_err(unreadable)?),
            weights: text(path.file_name()),
            name: text(path.file_stem()),
            directory,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_without_manifest_serves_its_only_gguf() {
        let folder = tempfile::tempdir().unwrap();
        assert!(matches!(
            ModelFiles::find(folder.path()),
            Err(FilesError::Count { count: 0, .. })
        ));
        std::fs::write(folder.path().join("a.gguf"), "abc").unwrap();
        let files = ModelFiles::find(folder.path()).unwrap();
        assert_eq!((files.name.as_str(), files.weights.as_str()), ("a", "a.gguf"));
        assert_eq!(
            files.digest,
            "sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
        );
        std::fs::write(folder.path().join("b.gguf"), "abc").unwrap();
        assert!(matches!(
            ModelFiles::find(folder.path()),
            Err(FilesError::Count { .. })
        ));
    }

    #[test]
    fn a_missing_folder_is_never_looked_up_elsewhere() {
        let missing = Path::new("HuggingFaceTB/SmolLM2-135M-Instruct");
        assert!(matches!(
            ModelFiles::find(missing),
            Err(FilesError::Folder { .. })
        ));
    }
}
