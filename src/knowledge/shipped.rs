//! The knowledge that ships: read out of the binary, and kept as an index in the cache.
//!
//! The index lies in a folder that is named by what it was made of, so that another version builds another one. It is
//! built in a folder beside it and renamed when it is whole; whoever finds it damaged builds it again.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use include_dir::{Dir, include_dir};
use sha2::{Digest as _, Sha256};

use super::embedding::Embedding;
use super::error::KnowledgeError;
use super::page::{Page, Section};
use super::schema::{Entry, VERSION};
use super::shelf::{Shelf, build};
use crate::session::{Origin, Passage};

static CONTENT: Dir = include_dir!("$CARGO_MANIFEST_DIR/index");

/// Headings of sections that only point elsewhere: they are no passages.
const POINTERS: &[&str] = &["See also"];
/// Folders of indexes begin with this.
const PREFIX: &str = "shipped-";

/// Every file of the content with its text, by path.
pub fn files() -> Vec<(String, &'static str)> {
    let mut found = Vec::new();
    collect(&CONTENT, &mut found);
    found.sort();
    found
}

fn collect(folder: &'static Dir, found: &mut Vec<(String, &'static str)>) {
    for file in folder.files() {
        let markdown = file.path().extension().is_some_and(|ending| ending == "md");
        if let Some(text) = file.contents_utf8().filter(|_| markdown) {
            let path = file.path().to_string_lossy().replace('\\', "/");
            found.push((path, text));
        }
    }
    for inner in folder.dirs() {
        collect(inner, found);
    }
}

/// Every page. Those that cannot be read are left out here; a test finds them before they ship.
pub fn pages() -> Vec<Page> {
    let read = |(path, text): (String, &str)| Page::strict(path.trim_end_matches(".md"), text).ok();
    files().into_iter().filter_map(read).collect()
}

/// Every passage.
pub fn entries() -> Vec<Entry> {
    pages()
        .iter()
        .flat_map(|page| {
            let telling = page
                .sections
                .iter()
                .filter(|section| !POINTERS.contains(&section.heading.as_str()));
            telling
                .enumerate()
                .map(|(number, section)| entry(page, section, number == 0))
                .collect::<Vec<_>>()
        })
        .collect()
}

fn entry(page: &Page, section: &Section, leads: bool) -> Entry {
    let front = &page.front;
    Entry {
        passage: Passage {
            id: format!("{}#{}", page.id, section.anchor),
            title: front.title.clone(),
            heading: section.heading.clone(),
            text: section.text.clone(),
            origin: Origin::Shipped,
            source: String::new(),
            version: concat!("sayso ", env!("CARGO_PKG_VERSION")).to_owned(),
        },
        kinds: front.kinds.clone(),
        fields: front.fields.clone(),
        symptoms: front.symptoms.clone(),
        tags: front.tags.clone(),
        asked: front.asked.clone(),
        leads,
    }
}

/// What the content and its vectors are, in hex.
static DIGEST: LazyLock<String> = LazyLock::new(|| {
    let mut hash = Sha256::new();
    hash.update(Embedding::shipped().digest());
    for (path, text) in files() {
        hash.update(path.as_bytes());
        hash.update([0]);
        hash.update(text.as_bytes());
        hash.update([0]);
    }
    hex::encode(&hash.finalize()[..8])
});

/// Where the index of this program's content lies.
pub fn place(cache: &Path) -> PathBuf {
    cache.join(format!("{PREFIX}{VERSION}-{}", *DIGEST))
}

/// Opens the index, and builds it first where there is none, or none that is whole. Another process that does the same
/// is waited for.
///
/// Where the cache cannot be written the index is built in memory, and the reason comes with it.
pub fn open(cache: &Path) -> Result<(Shelf, Option<KnowledgeError>), KnowledgeError> {
    let folder = place(cache);
    if let Ok(shelf) = Shelf::open(&folder) {
        return Ok((shelf, None));
    }
    match make(cache, &folder) {
        Ok(shelf) => Ok((shelf, None)),
        Err(error) => {
            let in_memory =
                build(None, &entries(), &Embedding::shipped()).and_then(|index| Shelf::of(&index));
            let shelf = in_memory.map_err(|error| KnowledgeError::from_index(&folder, &error))?;
            Ok((shelf, Some(error)))
        }
    }
}

/// Builds the index again, whatever is there.
pub fn rebuild(cache: &Path) -> Result<Shelf, KnowledgeError> {
    let folder = place(cache);
    let _ = std::fs::remove_dir_all(&folder);
    make(cache, &folder)
}

fn make(cache: &Path, folder: &Path) -> Result<Shelf, KnowledgeError> {
    std::fs::create_dir_all(cache).map_err(|error| KnowledgeError::from_io(cache, error))?;
    let _lock = lock(cache, "shipped.lock")?;
    // Another process may have built it while we waited.
    if let Ok(shelf) = Shelf::open(folder) {
        return Ok(shelf);
    }
    sweep(cache);
    let failed = |error| KnowledgeError::from_io(cache, error);
    let building = tempfile::Builder::new()
        .prefix(".building-")
        .tempdir_in(cache)
        .map_err(failed)?;
    build(Some(building.path()), &entries(), &Embedding::shipped())
        .map_err(|error| KnowledgeError::from_index(cache, &error))?;
    let _ = std::fs::remove_dir_all(folder);
    std::fs::rename(building.keep(), folder).map_err(failed)?;
    Shelf::open(folder)
}

/// Removes what killed builds and other versions left. Only under the lock, so that no build under way is meant; an
/// index that another process reads stays readable to it.
fn sweep(cache: &Path) {
    for entry in std::fs::read_dir(cache).into_iter().flatten().flatten() {
        let name = entry.file_name();
        let name = name.to_string_lossy();
        if name.starts_with(".building-") || name.starts_with(PREFIX) && entry.path().is_dir() {
            let _ = std::fs::remove_dir_all(entry.path());
        }
    }
}

/// Waits for a lock of this name. It ends with what is given, and with the process.
pub(super) fn lock(cache: &Path, name: &str) -> Result<File, KnowledgeError> {
    let path = cache.join(name);
    let file = File::options()
        .create(true)
        .append(true)
        .open(&path)
        .map_err(|error| KnowledgeError::from_io(&path, error))?;
    file.lock()
        .map_err(|error| KnowledgeError::from_io(&path, error))?;
    Ok(file)
}
