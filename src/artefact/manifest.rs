//! What a model's folder says about itself, and whether that is true.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::Write;
use std::path::Path;
use std::time::UNIX_EPOCH;

use serde::{Deserialize, Serialize};

use super::digest::{sha256_of, sha256_of_bytes};
use super::error::ArtefactError;
use super::shape::Shape;
use super::source::is_inner_path;
use super::{OnStep, Step};

/// The manifest's file name.
const NAME: &str = "manifest.json";
/// The stamp's file name.
const STAMP: &str = ".verified.json";
/// The form that is written.
pub const SCHEMA: u32 = 2;
/// No manifest is larger, in bytes.
const LIMIT: u64 = 4 << 20;

/// How the weights are stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Format {
    /// One file with everything, or several that are read as one.
    Gguf,
    /// Quantized layers of mistral.rs, with the rest beside them.
    Uqff,
    /// Whole numbers of floating point; may be quantized while loading.
    Safetensors,
}

/// One file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileFacts {
    /// In bytes.
    pub size: u64,
    /// In hex.
    pub sha256: String,
}

/// How a model was made here, where it was.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Recipe {
    /// Raised when the same base and adapter would make other files than before.
    pub version: u32,
    /// The model that the base is.
    pub base_model: String,
    /// Of the base's weights.
    pub base_sha256: String,
    /// Of the adapter.
    pub adapter_sha256: String,
}

/// The contents of `manifest.json`. The same source at the same revision gives the same bytes on every machine.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Manifest {
    /// The form of this file.
    pub schema: u32,
    /// What the model is called to clients.
    pub name: String,
    /// `hf:owner/name`, `pypi:package` or `file:path`.
    pub source: String,
    /// The commit, or the version, of the source.
    pub revision: Option<String>,
    /// As the source names it; nothing where it names none.
    pub license: Option<String>,
    /// How the weights are stored.
    pub format: Format,
    /// The quantization of the weights, as in `Q4_K_M`.
    pub quantization: Option<String>,
    /// To what the weights are quantized while they are loaded, as in `Q4K`.
    pub isq: Option<String>,
    /// The files that hold the weights, in order.
    pub weights: Vec<String>,
    /// Of `tokenizer.json`, or of the tokenizer inside a GGUF file.
    pub tokenizer_sha256: Option<String>,
    /// Of the chat template's text.
    pub template_sha256: Option<String>,
    /// What decides how much memory a context takes.
    pub shape: Option<Shape>,
    /// Other models of the same source, with their size in bytes.
    pub others: BTreeMap<String, u64>,
    /// How it was made, where it was made here.
    pub recipe: Option<Recipe>,
    /// Every file of the model.
    pub files: BTreeMap<String, FileFacts>,
}

/// What was true when the files were last hashed: as long as sizes and times stay, so do the hashes.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stamp {
    /// Of the manifest.
    digest: String,
    /// Size and time of the last change, in nanoseconds.
    files: BTreeMap<String, (u64, u64)>,
}

impl Manifest {
    /// The manifest of a folder with its digest; nothing where the folder has none.
    pub fn read(folder: &Path) -> Result<Option<(Manifest, String)>, ArtefactError> {
        let path = folder.join(NAME);
        match std::fs::metadata(&path) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(ArtefactError::io(&path, &error)),
            Ok(found) if found.len() > LIMIT => return Err(no_manifest(&path, "it is too large")),
            Ok(_) => {}
        }
        let text = std::fs::read(&path).map_err(|error| ArtefactError::io(&path, &error))?;
        let manifest: Manifest =
            serde_json::from_slice(&text).map_err(|error| no_manifest(&path, &error.to_string()))?;
        manifest.check().map_err(|reason| no_manifest(&path, &reason))?;
        Ok(Some((manifest, format!("sha256:{}", sha256_of_bytes(&text)))))
    }

    /// Whether what it says can be followed: its files lie in the folder, and its weights are among them.
    fn check(&self) -> Result<(), String> {
        if self.schema != SCHEMA {
            return Err(format!("its schema is {} and not {SCHEMA}", self.schema));
        }
        if let Some(name) = self.files.keys().find(|name| !is_inner_path(name)) {
            return Err(format!("`{name}` is no file of this folder"));
        }
        match self.weights.iter().find(|name| !self.files.contains_key(*name)) {
            Some(name) => Err(format!("`{name}` is not among its files")),
            None if self.weights.is_empty() => Err("it has no weights".to_owned()),
            None => Ok(()),
        }
    }

    /// Bytes of the weights.
    pub fn weight_bytes(&self) -> u64 {
        self.weights
            .iter()
            .filter_map(|name| self.files.get(name))
            .map(|file| file.size)
            .sum()
    }

    /// Bytes of all files.
    pub fn bytes(&self) -> u64 {
        self.files.values().map(|file| file.size).sum()
    }

    /// The bytes that are written.
    fn text(&self) -> std::io::Result<Vec<u8>> {
        let mut text = serde_json::to_vec_pretty(self)?;
        text.push(b'\n');
        Ok(text)
    }

    /// The digest that [`Manifest::read`] will give.
    pub fn digest(&self) -> String {
        // A map of texts and numbers can always be written.
        format!("sha256:{}", sha256_of_bytes(&self.text().unwrap_or_default()))
    }

    /// Writes it whole or not at all, and waits until it is on disk.
    pub fn write(&self, folder: &Path) -> Result<(), ArtefactError> {
        let wrong = |error: std::io::Error| ArtefactError::io(folder, &error);
        let text = self.text().map_err(wrong)?;
        write_whole(folder, NAME, &text).map_err(wrong)
    }

    /// Withdraws a folder's manifest, whatever it says.
    pub fn remove(folder: &Path) -> std::io::Result<()> {
        match std::fs::remove_file(folder.join(NAME)) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(error),
            _ => Ok(()),
        }
    }

    /// Holds every file of a folder against it.
    ///
    /// Files whose size and time of change are those of the last check are taken as they are; all others are hashed,
    /// and all are where `again`. What is right is remembered.
    pub fn verify(&self, folder: &Path, again: bool, on_step: OnStep<'_>) -> Result<(), ArtefactError> {
        let digest = self.digest();
        let known = Stamp::read(folder).filter(|stamp| !again && stamp.digest == digest);
        let mut stamp = Stamp {
            digest,
            files: BTreeMap::new(),
        };
        let (total, mut done) = (self.bytes(), 0);
        for (name, facts) in &self.files {
            let now = Self::state(folder, name, facts)?;
            if known.as_ref().and_then(|stamp| stamp.files.get(name)) == Some(&now) {
                done += facts.size;
            } else {
                Self::hash(folder, name, facts, &mut |bytes| {
                    done += bytes;
                    on_step(Step {
                        stage: "verify",
                        file: name,
                        done,
                        total,
                    });
                })?;
            }
            stamp.files.insert(name.clone(), now);
        }
        if known.as_ref() != Some(&stamp) {
            stamp.write(folder);
        }
        Ok(())
    }

    /// Size and time of a file that is there with the right size.
    fn state(folder: &Path, name: &str, facts: &FileFacts) -> Result<(u64, u64), ArtefactError> {
        let changed = |reason: String| ArtefactError::Changed {
            path: folder.to_owned(),
            reason,
        };
        let found =
            std::fs::metadata(folder.join(name)).map_err(|error| changed(format!("`{name}`: {error}")))?;
        if !found.is_file() || found.len() != facts.size {
            return Err(changed(format!(
                "`{name}` has {} bytes instead of {}",
                found.len(),
                facts.size
            )));
        }
        Ok((found.len(), changed_at(&found)))
    }

    fn hash(
        folder: &Path,
        name: &str,
        facts: &FileFacts,
        on_bytes: &mut dyn FnMut(u64),
    ) -> Result<(), ArtefactError> {
        let found = sha256_of(&folder.join(name), on_bytes)?;
        if found == facts.sha256 {
            return Ok(());
        }
        let reason = format!("`{name}` has the sha256 `{found}` instead of `{}`", facts.sha256);
        Err(ArtefactError::Changed {
            path: folder.to_owned(),
            reason,
        })
    }

    /// Remembers that the files are right, by whoever has just hashed them.
    pub fn stamp(&self, folder: &Path) {
        let mut stamp = Stamp {
            digest: self.digest(),
            files: BTreeMap::new(),
        };
        for name in self.files.keys() {
            let Ok(found) = std::fs::metadata(folder.join(name)) else {
                return;
            };
            stamp
                .files
                .insert(name.clone(), (found.len(), changed_at(&found)));
        }
        stamp.write(folder);
    }
}

impl Stamp {
    fn read(folder: &Path) -> Option<Stamp> {
        serde_json::from_slice(&std::fs::read(folder.join(STAMP)).ok()?).ok()
    }

    /// One that cannot be written costs a hash the next time, and nothing else.
    fn write(&self, folder: &Path) {
        let written = serde_json::to_vec(self)
            .map_err(std::io::Error::from)
            .and_then(|text| write_whole(folder, STAMP, &text));
        if let Err(error) = written {
            tracing::debug!(
                "the check of `{}` cannot be remembered: {error}",
                folder.display()
            );
        }
    }
}

/// When a file was last changed, in nanoseconds since 1970; 0 where that is not known.
fn changed_at(found: &std::fs::Metadata) -> u64 {
    let since = found
        .modified()
        .ok()
        .and_then(|time| time.duration_since(UNIX_EPOCH).ok());
    since
        .and_then(|since| u64::try_from(since.as_nanos()).ok())
        .unwrap_or_default()
}

fn write_whole(folder: &Path, name: &str, bytes: &[u8]) -> std::io::Result<()> {
    let mut file = tempfile::NamedTempFile::new_in(folder)?;
    file.write_all(bytes)?;
    file.as_file().sync_all()?;
    file.persist(folder.join(name)).map_err(|error| error.error)?;
    if cfg!(unix) {
        return File::open(folder)?.sync_all();
    }
    Ok(())
}

fn no_manifest(path: &Path, reason: &str) -> ArtefactError {
    ArtefactError::Manifest {
        path: path.to_owned(),
        reason: super::error::quote(reason),
    }
}
