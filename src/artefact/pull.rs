//! From a name on the hub to a model of the store.

use std::collections::BTreeMap;
use std::fs::File;
use std::path::Path;

use serde_json::Value;

use super::choose::{choose, companions, variants};
use super::digest::sha256_of_bytes;
use super::download::fetch;
use super::error::ArtefactError;
use super::fit::{Device, Verdict, judge, loaded};
use super::gguf::Header;
use super::hub::{Hub, RemoteFile, Repository};
use super::machine::Machine;
use super::manifest::{FileFacts, Format, Manifest, SCHEMA};
use super::shape::Shape;
use super::source::{HubName, is_inner_path};
use super::store::{PLANNER, Store, Stored};
use super::{OnStep, Step};

/// How much of a GGUF file is fetched to know its dimensions, in bytes: they stand before its vocabulary.
const HEAD: usize = 256 << 10;
/// No `config.json` is longer, in bytes.
const CONFIG: usize = 1 << 20;

/// What shall be fetched, and under which name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wanted {
    /// The repository, its revision, and which of its models.
    pub from: HubName,
    /// The name here; made from the repository's without it.
    pub name: Option<String>,
}

/// What the hub offers for that. Nothing is fetched yet but what tells its size.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Offer {
    /// The name that it will have here.
    pub name: String,
    /// The repository at the commit that the revision means now.
    pub repository: Repository,
    /// How the weights are stored.
    pub format: Format,
    /// Which of its models, as in `Q4_K_M`.
    pub variant: String,
    /// To what the weights will be quantized while loading.
    pub isq: Option<String>,
    /// The files that hold the weights, in order.
    pub weights: Vec<String>,
    /// Every file that will be fetched.
    pub files: Vec<RemoteFile>,
    /// Other models of the repository, with their size in bytes.
    pub others: BTreeMap<String, u64>,
    /// Its dimensions, where they could be read.
    pub shape: Option<Shape>,
}

impl Offer {
    /// Bytes of all files.
    pub fn bytes(&self) -> u64 {
        self.files.iter().map(|file| file.size).sum()
    }

    /// Whether it will fit.
    pub fn judge(&self, tokens: u64, device: Device, machine: &Machine) -> Verdict {
        let bytes = self
            .files
            .iter()
            .filter(|file| self.weights.contains(&file.path))
            .map(|file| file.size)
            .sum();
        let weights = loaded(bytes, self.format, self.isq.as_deref(), device);
        judge(
            weights,
            self.shape.as_ref(),
            tokens,
            device,
            machine,
            self.others.iter(),
        )
    }

    fn is(&self, manifest: &Manifest) -> bool {
        manifest.source == format!("hf:{}", self.repository.name)
            && manifest.revision.as_deref() == Some(&self.repository.commit)
            && manifest.weights == self.weights
            && manifest.isq == self.isq
    }
}

impl Stored {
    /// Whether it fits.
    pub fn judge(&self, tokens: u64, device: Device, machine: &Machine) -> Verdict {
        let manifest = &self.manifest;
        let weights = loaded(
            manifest.weight_bytes(),
            manifest.format,
            manifest.isq.as_deref(),
            device,
        );
        judge(
            weights,
            manifest.shape.as_ref(),
            tokens,
            device,
            machine,
            manifest.others.iter(),
        )
    }
}

/// Asks the hub what there is.
pub async fn look(hub: &Hub, wanted: &Wanted) -> Result<Offer, ArtefactError> {
    let repository = hub
        .repository(&wanted.from.repository, wanted.from.revision.as_deref())
        .await?;
    let files: Vec<(String, u64)> = repository
        .files
        .iter()
        .map(|file| (file.path.clone(), file.size))
        .collect();
    let found = variants(&files);
    let choice = choose(&repository.name, &found, wanted.from.variant.as_deref())?;
    let variant = choice.variant;
    let names = [
        variant.weights.clone(),
        companions(&repository.name, variant.format, &files)?,
    ]
    .concat();
    if let Some(odd) = names.iter().find(|name| !is_inner_path(name)) {
        return Err(hub.garbled(&format!("it has a file named `{odd}`")));
    }
    let others = found
        .iter()
        .filter(|other| other.name != variant.name)
        .map(|other| (other.name.clone(), other.bytes))
        .collect();
    let shape = shape(hub, &repository, variant.format, &variant.weights[0]).await?;
    Ok(Offer {
        name: wanted
            .name
            .clone()
            .unwrap_or_else(|| name_of(&repository.name, &variant.name, choice.isq.as_deref())),
        files: repository
            .files
            .iter()
            .filter(|file| names.contains(&file.path))
            .cloned()
            .collect(),
        repository,
        format: variant.format,
        variant: variant.name,
        isq: choice.isq,
        weights: variant.weights,
        others,
        shape,
    })
}

/// The dimensions, from as little of the files as tells them.
async fn shape(
    hub: &Hub,
    repository: &Repository,
    format: Format,
    weights: &str,
) -> Result<Option<Shape>, ArtefactError> {
    if format == Format::Gguf {
        let head = hub.beginning(repository, weights, HEAD).await?;
        let header = Header::read(head.as_slice()).map_err(|reason| ArtefactError::Gguf {
            path: weights.into(),
            reason,
        })?;
        return Ok(Shape::of_gguf(&header));
    }
    let config = hub.beginning(repository, "config.json", CONFIG).await?;
    Ok(serde_json::from_slice::<Value>(&config)
        .ok()
        .as_ref()
        .and_then(Shape::of_config))
}

/// A name for here: the repository's without its owner and its format, and the quantization.
pub(super) fn name_of(repository: &str, variant: &str, isq: Option<&str>) -> String {
    let base = repository
        .rsplit('/')
        .next()
        .unwrap_or(repository)
        .to_ascii_lowercase();
    let base = ["-gguf", "-uqff"]
        .iter()
        .find_map(|end| base.strip_suffix(end))
        .unwrap_or(&base);
    let end = isq.unwrap_or(variant).to_ascii_lowercase();
    if end == "safetensors" || base.ends_with(&end) || end.contains(base) {
        return base.to_owned();
    }
    format!("{base}-{end}")
}

/// Fetches what was offered, checks it and puts it into the store. What is fetched already is not fetched again.
pub async fn pull(
    store: &Store,
    hub: &Hub,
    offer: &Offer,
    on_step: OnStep<'_>,
) -> Result<Stored, ArtefactError> {
    if let Some(stored) = free_name(store, &offer.name, |manifest| offer.is(manifest))? {
        stored.manifest.verify(&stored.folder, false, on_step)?;
        return Ok(stored);
    }
    let work = store.work(&offer.name);
    std::fs::create_dir_all(&work).map_err(|error| ArtefactError::io(&work, &error))?;
    let _lock = lock(&work)?;
    begin(&work, offer)?;
    let there: u64 = offer
        .files
        .iter()
        .map(|file| size_at(&work.join(&file.path)).min(file.size))
        .sum();
    store.has_room(offer.bytes().saturating_sub(there))?;
    let (total, mut done, mut files) = (offer.bytes(), 0, BTreeMap::new());
    for remote in &offer.files {
        let mut on_bytes = |here: u64| {
            on_step(Step {
                stage: "download",
                file: &remote.path,
                done: done + here,
                total,
            });
        };
        let facts = fetch(
            hub,
            &offer.repository,
            remote,
            &work.join(&remote.path),
            &mut on_bytes,
        )
        .await?;
        done += facts.size;
        files.insert(remote.path.clone(), facts);
    }
    let manifest = manifest(offer, &work, files)?;
    for left in [LOCK, ORIGIN] {
        // One that stays is in nobody's way.
        let _ = std::fs::remove_file(work.join(left));
    }
    store.publish(&offer.name, &manifest)
}

/// Kept locked while a model is put together.
const LOCK: &str = ".lock";
/// What the files in a folder of work are parts of.
const ORIGIN: &str = ".origin";

/// The model that has the name, if it is the one that is wanted; an error if it is another.
pub(super) fn free_name(
    store: &Store,
    name: &str,
    is_it: impl Fn(&Manifest) -> bool,
) -> Result<Option<Stored>, ArtefactError> {
    let taken = |taken: String| ArtefactError::Taken {
        name: name.to_owned(),
        taken,
    };
    if name == PLANNER || name == "embedded" {
        return Err(taken("the planner that comes with Sayso".to_owned()));
    }
    match store.open(name) {
        Ok(stored) if is_it(&stored.manifest) => Ok(Some(stored)),
        Ok(stored) => {
            let revision = stored
                .manifest
                .revision
                .map_or_else(String::new, |revision| format!(" at {revision}"));
            Err(taken(format!("`{}`{revision}", stored.manifest.source)))
        }
        Err(ArtefactError::Unknown { .. }) if super::source::is_name(name) => Ok(None),
        Err(ArtefactError::Unknown { .. }) => Err(ArtefactError::Source {
            text: super::error::quote(name),
            reason: "it has characters that no name has".to_owned(),
        }),
        Err(error) => Err(error),
    }
}

pub(super) fn lock(work: &Path) -> Result<File, ArtefactError> {
    let path = work.join(LOCK);
    let file = File::create(&path).map_err(|error| ArtefactError::io(&path, &error))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(_) => Err(ArtefactError::Io {
            path,
            reason: "another `sayso model` is at work on it".to_owned(),
        }),
    }
}

/// Throws away parts that are not known to be of this commit.
fn begin(work: &Path, offer: &Offer) -> Result<(), ArtefactError> {
    let (path, origin) = (
        work.join(ORIGIN),
        format!("{}@{}", offer.repository.name, offer.repository.commit),
    );
    let wrong = |error: std::io::Error| ArtefactError::io(&path, &error);
    if !std::fs::read_to_string(&path).is_ok_and(|found| found == origin) {
        for file in &offer.files {
            let _ = std::fs::remove_file(work.join(&file.path));
        }
    }
    std::fs::write(&path, origin).map_err(wrong)
}

fn size_at(path: &Path) -> u64 {
    std::fs::metadata(path).map_or(0, |found| found.len())
}

fn manifest(
    offer: &Offer,
    work: &Path,
    files: BTreeMap<String, FileFacts>,
) -> Result<Manifest, ArtefactError> {
    let mut manifest = Manifest {
        schema: SCHEMA,
        name: format!(
            "{}:{}",
            offer.repository.name,
            offer.isq.as_ref().unwrap_or(&offer.variant)
        ),
        source: format!("hf:{}", offer.repository.name),
        revision: Some(offer.repository.commit.clone()),
        license: offer.repository.license.clone(),
        format: offer.format,
        quantization: (offer.format != Format::Safetensors).then(|| offer.variant.clone()),
        isq: offer.isq.clone(),
        weights: offer.weights.clone(),
        tokenizer_sha256: None,
        template_sha256: None,
        shape: offer.shape.clone(),
        others: offer.others.clone(),
        recipe: None,
        files,
    };
    manifest.describe(work)?;
    Ok(manifest)
}

impl Manifest {
    /// Fills in what the files themselves say: dimensions, quantization, the digests of tokenizer and template.
    pub fn describe(&mut self, folder: &Path) -> Result<(), ArtefactError> {
        let manifest = self;
        if manifest.format == Format::Gguf {
            let header = Header::of_file(&folder.join(&manifest.weights[0]))?;
            manifest.shape = Shape::of_gguf(&header);
            manifest.quantization = header
                .quantization()
                .map(str::to_owned)
                .or(manifest.quantization.take());
            manifest.tokenizer_sha256 = header.tokenizer_sha256();
            manifest.template_sha256 = header.template_sha256();
        }
        let json = |name: &str| -> Option<Value> {
            serde_json::from_slice(&std::fs::read(folder.join(name)).ok()?).ok()
        };
        if manifest.files.contains_key("config.json") {
            manifest.shape = json("config.json")
                .as_ref()
                .and_then(Shape::of_config)
                .or(manifest.shape.take());
        }
        if let Some(file) = manifest.files.get("tokenizer.json") {
            manifest.tokenizer_sha256 = Some(file.sha256.clone());
        }
        let inside = |name: &str| {
            let template = json(name).filter(|_| manifest.files.contains_key(name))?;
            template
                .get("chat_template")?
                .as_str()
                .map(|text| sha256_of_bytes(text.as_bytes()))
        };
        let template = manifest
            .files
            .get("chat_template.jinja")
            .map(|file| file.sha256.clone());
        let template = template
            .or_else(|| inside("tokenizer_config.json"))
            .or_else(|| inside("chat_template.json"));
        manifest.template_sha256 = template.or(manifest.template_sha256.take());
        Ok(())
    }
}
