//! Which files of a model folder are the model.

use std::path::{Path, PathBuf};

use crate::artefact::{ArtefactError, Format, Manifest, sha256_of};

/// A model on disk, looked at but not loaded.
#[derive(Debug, Clone)]
pub(super) struct ModelFiles {
    /// The folder, as an absolute path: a relative one that does not exist would be looked up on a hub.
    pub(super) directory: PathBuf,
    /// The names in it of the files that hold the weights.
    pub(super) weights: Vec<String>,
    /// How they are stored.
    pub(super) format: Format,
    /// To what they are quantized while they are loaded.
    pub(super) isq: Option<String>,
    /// What the model is called to clients.
    pub(super) name: String,
    /// `sha256:...` of the manifest; of the weights where there is none.
    pub(super) digest: String,
    /// Tokens that prompt and answer may have together, where that is fewer than the model can.
    pub(super) context: Option<usize>,
}

/// Why a folder cannot be served.
#[derive(Debug, thiserror::Error)]
pub(super) enum FilesError {
    /// The folder is missing or unreadable.
    #[error("cannot read the model folder `{path}`: {source}")]
    Folder { path: PathBuf, source: std::io::Error },
    /// The files are not what the manifest says, or it says nothing.
    #[error(transparent)]
    Artefact(#[from] ArtefactError),
    /// Without a manifest there must be exactly one GGUF file.
    #[error("`{path}` holds {count} GGUF files, and one is needed")]
    Count { path: PathBuf, count: usize },
}

impl ModelFiles {
    /// Finds the model of a folder: the one that its manifest names, whose files are held against it; or its only
    /// GGUF file, whose digest is computed, unless only what has a manifest may be served (`stored`).
    pub(super) fn find(directory: &Path, stored: bool, context: Option<usize>) -> Result<Self, FilesError> {
        let unreadable = |source| FilesError::Folder {
            path: directory.to_owned(),
            source,
        };
        let directory = std::fs::canonicalize(directory).map_err(unreadable)?;
        let Some((manifest, digest)) = Manifest::read(&directory)? else {
            if stored {
                let name = directory.display().to_string();
                return Err(ArtefactError::Unknown { name }.into());
            }
            return Self::only_gguf(directory);
        };
        manifest.verify(&directory, false, &mut |_| {})?;
        Ok(Self {
            directory,
            weights: manifest.weights,
            format: manifest.format,
            isq: manifest.isq,
            name: manifest.name,
            digest,
            context,
        })
    }

    /// The path of the first file of the weights.
    pub(super) fn path(&self) -> PathBuf {
        self.directory
            .join(self.weights.first().map_or("", String::as_str))
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
            digest: format!("sha256:{}", sha256_of(&path, &mut |_| {})?),
            weights: vec![text(path.file_name())],
            format: Format::Gguf,
            isq: None,
            name: text(path.file_stem()),
            directory,
            context: None,
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
            ModelFiles::find(folder.path(), false, None),
            Err(FilesError::Count { count: 0, .. })
        ));
        std::fs::write(folder.path().join("a.gguf"), "abc").unwrap();
        let files = ModelFiles::find(folder.path(), false, None).unwrap();
        assert_eq!((files.name.as_str(), files.weights[0].as_str()), ("a", "a.gguf"));
        assert!(matches!(
            ModelFiles::find(folder.path(), true, None),
            Err(FilesError::Artefact(_))
        ));
        assert_eq!(
            files.digest,
            "sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
        );
        std::fs::write(folder.path().join("b.gguf"), "abc").unwrap();
        assert!(matches!(
            ModelFiles::find(folder.path(), false, None),
            Err(FilesError::Count { .. })
        ));
    }

    #[test]
    fn a_missing_folder_is_never_looked_up_elsewhere() {
        let missing = Path::new("HuggingFaceTB/SmolLM2-135M-Instruct");
        assert!(matches!(
            ModelFiles::find(missing, false, None),
            Err(FilesError::Folder { .. })
        ));
    }
}
