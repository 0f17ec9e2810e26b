//! Models whose files are on this machine already: they stay where they are.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::choose::{choose, companions, variants};
use super::digest::sha256_of;
use super::error::ArtefactError;
use super::manifest::{FileFacts, Format, Manifest, SCHEMA};
use super::pull::{free_name, lock, name_of};
use super::store::{Store, Stored};
use super::{OnStep, Step};

/// Makes a GGUF file, or the model in a folder, one of the store: its files are linked, hashed and described.
///
/// Behind the path, as in `models/phi:Q4K`, may stand which of several models of a folder is meant, or to what it is
/// quantized while loading.
pub fn register(
    store: &Store,
    path: &Path,
    name: Option<&str>,
    on_step: OnStep<'_>,
) -> Result<Stored, ArtefactError> {
    let (path, wish) = with_wish(path);
    let path = std::fs::canonicalize(&path).map_err(|error| ArtefactError::io(&path, &error))?;
    let found = Found::at(&path, wish.as_deref())?;
    let name = name.map_or_else(|| found.name(&path), str::to_owned);
    let source = format!("file:{}", path.display());
    let is_it = |manifest: &Manifest| {
        manifest.source == source && manifest.weights == found.weights && manifest.isq == found.isq
    };
    if let Some(stored) = free_name(store, &name, is_it)? {
        stored.manifest.verify(&stored.folder, false, on_step)?;
        return Ok(stored);
    }
    let work = store.work(&name);
    let wrong = |error: std::io::Error| ArtefactError::io(&work, &error);
    if work.exists() {
        std::fs::remove_dir_all(&work).map_err(wrong)?;
    }
    std::fs::create_dir_all(&work).map_err(wrong)?;
    let lock = lock(&work)?;
    if !cfg!(unix) {
        store.has_room(found.bytes)?;
    }
    let manifest = found.describe(&work, source, on_step)?;
    drop(lock);
    let _ = std::fs::remove_file(work.join(".lock"));
    store.publish(&name, &manifest)
}

/// A path, and what is wished behind its last colon. What is there by its whole name is a path and no more.
fn with_wish(path: &Path) -> (PathBuf, Option<String>) {
    let split = path.to_str().and_then(|text| text.rsplit_once(':'));
    match split {
        Some((front, wish)) if !path.exists() && Path::new(front).exists() => {
            (PathBuf::from(front), Some(wish.to_owned()))
        }
        _ => (path.to_owned(), None),
    }
}

/// The files of a model.
struct Found {
    folder: PathBuf,
    format: Format,
    variant: String,
    isq: Option<String>,
    weights: Vec<String>,
    companions: Vec<String>,
    others: BTreeMap<String, u64>,
    bytes: u64,
}

impl Found {
    fn at(path: &Path, wish: Option<&str>) -> Result<Found, ArtefactError> {
        let place = path.display().to_string();
        let no_model = |reason: &str| ArtefactError::NoModel {
            place: place.clone(),
            reason: reason.to_owned(),
        };
        let (folder, only) = if path.is_dir() {
            (path.to_owned(), None)
        } else {
            let folder = path.parent().ok_or_else(|| no_model("it is in no folder"))?;
            let file = path
                .file_name()
                .and_then(|name| name.to_str())
                .ok_or_else(|| no_model("its name is no text"))?;
            if !file.to_ascii_lowercase().ends_with(".gguf") {
                return Err(no_model(
                    "it is no GGUF file, and other models are given by their folder",
                ));
            }
            (folder.to_owned(), Some(file.to_owned()))
        };
        let files = files_of(&folder)?;
        let found = variants(&files);
        // A file that is one part of several stands for all of them.
        let choice = choose(&place, &found, only.as_deref().or(wish))?;
        let others = found
            .iter()
            .filter(|other| only.is_none() && other.name != choice.variant.name)
            .map(|other| (other.name.clone(), other.bytes))
            .collect();
        Ok(Found {
            companions: companions(&place, choice.variant.format, &files)?,
            folder,
            format: choice.variant.format,
            variant: choice.variant.name,
            isq: choice.isq,
            weights: choice.variant.weights,
            others,
            bytes: choice.variant.bytes,
        })
    }

    fn name(&self, path: &Path) -> String {
        let stem = if path.is_dir() {
            path.file_name()
        } else {
            path.file_stem()
        };
        let plain = |c: char| {
            if c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-') {
                c
            } else {
                '-'
            }
        };
        let stem: String = stem
            .unwrap_or_default()
            .to_string_lossy()
            .chars()
            .map(plain)
            .collect();
        name_of(
            stem.trim_start_matches(['.', '-']),
            &self.variant,
            self.isq.as_deref(),
        )
    }

    fn describe(&self, work: &Path, source: String, on_step: OnStep<'_>) -> Result<Manifest, ArtefactError> {
        let (mut files, mut done) = (BTreeMap::new(), 0);
        for name in self.weights.iter().chain(&self.companions) {
            let (from, to) = (self.folder.join(name), work.join(name));
            link(&from, &to).map_err(|error| ArtefactError::io(&to, &error))?;
            let size = std::fs::metadata(&to)
                .map_err(|error| ArtefactError::io(&to, &error))?
                .len();
            let sha256 = sha256_of(&to, &mut |bytes| {
                done += bytes;
                on_step(Step {
                    stage: "verify",
                    file: name,
                    done,
                    total: self.bytes.max(done),
                });
            })?;
            files.insert(name.clone(), FileFacts { size, sha256 });
        }
        let stem = self
            .folder
            .file_name()
            .unwrap_or_default()
            .to_string_lossy()
            .into_owned();
        let mut manifest = Manifest {
            schema: SCHEMA,
            name: if self.format == Format::Safetensors {
                stem
            } else {
                self.weights[0].clone()
            },
            source,
            revision: None,
            license: None,
            format: self.format,
            quantization: (self.format != Format::Safetensors).then(|| self.variant.clone()),
            isq: self.isq.clone(),
            weights: self.weights.clone(),
            tokenizer_sha256: None,
            template_sha256: None,
            shape: None,
            others: self.others.clone(),
            recipe: None,
            files,
        };
        manifest.describe(work)?;
        Ok(manifest)
    }
}

/// The files of a folder whose names a repository could have.
fn files_of(folder: &Path) -> Result<Vec<(String, u64)>, ArtefactError> {
    let entries = std::fs::read_dir(folder).map_err(|error| ArtefactError::io(folder, &error))?;
    let file = |entry: std::fs::DirEntry| {
        let found = std::fs::metadata(entry.path())
            .ok()
            .filter(std::fs::Metadata::is_file)?;
        let name = entry.file_name().into_string().ok()?;
        super::source::is_inner_path(&name).then_some((name, found.len()))
    };
    Ok(entries.flatten().filter_map(file).collect())
}

#[cfg(unix)]
fn link(from: &Path, to: &Path) -> std::io::Result<()> {
    std::os::unix::fs::symlink(std::fs::canonicalize(from)?, to)
}

#[cfg(not(unix))]
fn link(from: &Path, to: &Path) -> std::io::Result<()> {
    std::fs::copy(from, to).map(drop)
}
