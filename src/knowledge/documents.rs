//! What the user added: which folders, files and repositories, and their pages.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use super::error::KnowledgeError;
use super::own::{self, Change, Refreshed, Unit};
use super::page::{Page, slug};
use super::schema::Entry;
use crate::session::{Origin, Passage};

/// A file with more bytes is no document: 2 MiB.
const FILE_LIMIT: u64 = 2 * 1024 * 1024;
/// Endings of files that are read.
const ENDINGS: &[&str] = &["md", "markdown", "txt"];

/// Something that the user added.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Source {
    /// Unique; made of the last part of its place.
    pub name: String,
    /// A file, a folder, or the address of a git repository.
    pub place: String,
    /// Whether it is a repository.
    #[serde(default)]
    pub git: bool,
}

/// The list of what the user added, in a file, and where it is indexed.
pub struct Documents {
    list: PathBuf,
    cache: PathBuf,
}

impl Documents {
    /// The list lies in `data`, since nothing else can tell it; the index and copies of repositories in `cache`.
    pub fn new(data: &Path, cache: &Path) -> Documents {
        Documents {
            list: data.join("sources.json"),
            cache: cache.to_owned(),
        }
    }

    /// Everything that was added.
    pub fn sources(&self) -> Result<Vec<Source>, KnowledgeError> {
        let text = match fs::read(&self.list) {
            Ok(text) => text,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => return Err(KnowledgeError::from_io(&self.list, error)),
        };
        serde_json::from_slice(&text).map_err(|error| KnowledgeError::Page {
            page: self.list.display().to_string(),
            message: error.to_string(),
        })
    }

    /// Adds a path or a repository, and indexes it. One that is there already is brought up to date.
    pub fn add(&self, place: &str) -> Result<(Source, Change), KnowledgeError> {
        let git = is_address(place);
        let place = if git { place.to_owned() } else { absolute(place)? };
        let mut all = self.sources()?;
        let known = all.iter().find(|source| source.place == place).cloned();
        let source = known.clone().unwrap_or_else(|| Source {
            name: free_name(&place, &all),
            place,
            git,
        });
        let units = self.read(&source, true)?;
        if units.is_empty() {
            return Err(KnowledgeError::NothingToRead(source.place));
        }
        let change = own::sync(&self.cache, &key(&source), &units, true)?;
        if known.is_none() {
            all.push(source.clone());
            self.save(&all)?;
        }
        Ok((source, change))
    }

    /// Forgets a source, named by its name or place.
    pub fn remove(&self, given: &str) -> Result<(Source, Change), KnowledgeError> {
        let mut all = self.sources()?;
        let full = absolute(given).unwrap_or_default();
        let is_it = |source: &Source| source.name == given || source.place == given || source.place == full;
        let at = all.iter().position(is_it);
        let at = at.ok_or_else(|| KnowledgeError::NoSuchSource(given.to_owned()))?;
        let source = all.remove(at);
        self.save(&all)?;
        let change = own::forget(&self.cache, &key(&source))?;
        let _ = fs::remove_dir_all(self.checkout(&source));
        Ok((source, change))
    }

    /// Brings every source up to date. `fetch` says whether repositories are asked for what is new. A source that
    /// cannot be read keeps what was indexed of it, and is told.
    pub fn refresh(&self, fetch: bool) -> Result<Vec<Refreshed<Source>>, KnowledgeError> {
        let update = |source: &Source| own::sync(&self.cache, &key(source), &self.read(source, fetch)?, true);
        Ok(self
            .sources()?
            .into_iter()
            .map(|source| {
                let change = update(&source);
                (source, change)
            })
            .collect())
    }

    fn read(&self, source: &Source, fetch: bool) -> Result<Vec<Unit>, KnowledgeError> {
        let root = if source.git {
            let copy = self.checkout(source);
            if fetch || !copy.exists() {
                fetch_repository(&source.place, &copy)?;
            }
            copy
        } else {
            PathBuf::from(&source.place)
        };
        let mut files = Vec::new();
        find_files(&root, &mut files)?;
        files.sort();
        files
            .iter()
            .filter_map(|file| unit(source, &root, file).transpose())
            .collect()
    }

    fn checkout(&self, source: &Source) -> PathBuf {
        self.cache.join("git").join(&source.name)
    }

    /// Writes the list whole or not at all.
    fn save(&self, all: &[Source]) -> Result<(), KnowledgeError> {
        let folder = self.list.parent().unwrap_or(Path::new("."));
        let write = || -> std::io::Result<()> {
            fs::create_dir_all(folder)?;
            let mut file = tempfile::NamedTempFile::new_in(folder)?;
            serde_json::to_writer_pretty(&mut file, all)?;
            file.as_file().sync_all()?;
            file.persist(&self.list).map_err(|error| error.error)?;
            Ok(())
        };
        write().map_err(|error| KnowledgeError::from_io(&self.list, error))
    }
}

/// The source's name in the index.
fn key(source: &Source) -> String {
    format!("user:{}", source.name)
}

fn is_address(place: &str) -> bool {
    let schemes = ["https://", "http://", "ssh://", "git://", "file://", "git@"];
    schemes.iter().any(|scheme| place.starts_with(scheme))
}

fn absolute(place: &str) -> Result<String, KnowledgeError> {
    let path = Path::new(place);
    let full = fs::canonicalize(path).map_err(|error| KnowledgeError::from_io(path, error))?;
    Ok(full.to_string_lossy().into_owned())
}

fn free_name(place: &str, all: &[Source]) -> String {
    let last = place
        .trim_end_matches('/')
        .rsplit(['/', ':'])
        .next()
        .unwrap_or_default();
    let stem = last.strip_suffix(".git").unwrap_or(last);
    let stem = ENDINGS
        .iter()
        .find_map(|ending| stem.strip_suffix(&format!(".{ending}")))
        .unwrap_or(stem);
    let base = match slug(stem) {
        base if base.is_empty() => "documents".to_owned(),
        base => base,
    };
    let taken = |name: &String| all.iter().any(|source| source.name == *name);
    let numbered = (2..).map(|number| format!("{base}-{number}"));
    std::iter::once(base.clone())
        .chain(numbered)
        .find(|name| !taken(name))
        .unwrap_or(base)
}

/// Files that can be read, below a folder or the file itself. Hidden ones are passed over, and links to folders, which
/// may lead in a circle.
fn find_files(path: &Path, found: &mut Vec<PathBuf>) -> Result<(), KnowledgeError> {
    let failed = |error| KnowledgeError::from_io(path, error);
    if path.is_file() {
        found.push(path.to_owned());
        return Ok(());
    }
    for entry in fs::read_dir(path).map_err(failed)? {
        let entry = entry.map_err(failed)?;
        let hidden = entry.file_name().to_string_lossy().starts_with('.');
        let kind = entry.file_type().map_err(failed)?;
        let ending = entry
            .path()
            .extension()
            .map(|ending| ending.to_string_lossy().to_lowercase());
        let readable = ending.is_some_and(|ending| ENDINGS.contains(&ending.as_str()));
        if kind.is_dir() && !hidden {
            find_files(&entry.path(), found)?;
        } else if readable && !hidden && entry.path().is_file() {
            found.push(entry.path());
        }
    }
    Ok(())
}

/// A file as a unit; nothing for one that is too long or no text.
fn unit(source: &Source, root: &Path, file: &Path) -> Result<Option<Unit>, KnowledgeError> {
    let failed = |error| KnowledgeError::from_io(file, error);
    if fs::metadata(file).map_err(failed)?.len() > FILE_LIMIT {
        return Ok(None);
    }
    let Ok(text) = String::from_utf8(fs::read(file).map_err(failed)?) else {
        return Ok(None);
    };
    let relative = file
        .strip_prefix(root)
        .ok()
        .filter(|path| !path.as_os_str().is_empty());
    let name = relative.map_or_else(
        || {
            file.file_name()
                .unwrap_or_default()
                .to_string_lossy()
                .into_owned()
        },
        |path| path.to_string_lossy().replace('\\', "/"),
    );
    let digest = hex::encode(&Sha256::digest(&text)[..8]);
    let stem = name.rsplit_once('.').map_or(name.as_str(), |(stem, _)| stem);
    let page = Page::lenient(&format!("user/{}/{stem}", source.name), &text);
    let at = if source.git {
        format!("{}:{name}", source.place)
    } else {
        file.display().to_string()
    };
    Ok(Some(Unit {
        entries: entries(&page, &at, &digest),
        name,
        digest,
    }))
}

fn entries(page: &Page, at: &str, digest: &str) -> Vec<Entry> {
    let each = page.sections.iter().map(|section| Entry {
        passage: Passage {
            id: format!("{}#{}", page.id, section.anchor),
            title: page.front.title.clone(),
            heading: section.heading.clone(),
            text: section.text.clone(),
            origin: Origin::User,
            source: at.to_owned(),
            version: digest.to_owned(),
        },
        kinds: Vec::new(),
        fields: Vec::new(),
        symptoms: Vec::new(),
        asked: Vec::new(),
        leads: false,
        tags: page.front.tags.clone(),
    });
    each.collect()
}

/// Clones a repository, or brings the copy of it to what it is now. Nothing in it is run.
fn fetch_repository(address: &str, copy: &Path) -> Result<(), KnowledgeError> {
    let parent = copy.parent().unwrap_or(copy);
    fs::create_dir_all(parent).map_err(|error| KnowledgeError::from_io(parent, error))?;
    if copy.join(".git").exists() {
        git(
            address,
            copy,
            &["fetch", "--quiet", "--depth=1", "origin", "HEAD"],
        )?;
        return git(address, copy, &["reset", "--quiet", "--hard", "FETCH_HEAD"]);
    }
    let failed = |error| KnowledgeError::from_io(parent, error);
    let fresh = tempfile::Builder::new()
        .prefix(".cloning-")
        .tempdir_in(parent)
        .map_err(failed)?;
    let target = fresh.path().to_string_lossy().into_owned();
    git(
        address,
        parent,
        &["clone", "--quiet", "--depth=1", "--", address, &target],
    )?;
    let _ = fs::remove_dir_all(copy);
    fs::rename(fresh.keep(), copy).map_err(failed)
}

fn git(address: &str, folder: &Path, arguments: &[&str]) -> Result<(), KnowledgeError> {
    let failed = |message: String| KnowledgeError::Git {
        address: address.to_owned(),
        message,
    };
    let output = Command::new("git")
        .args(["-c", "core.hooksPath=/dev/null", "-c", "protocol.ext.allow=never"])
        .args(arguments)
        .current_dir(folder)
        .env("GIT_TERMINAL_PROMPT", "0")
        .stdin(Stdio::null())
        .output()
        .map_err(|error| failed(error.to_string()))?;
    if output.status.success() {
        return Ok(());
    }
    let words = String::from_utf8_lossy(&output.stderr);
    Err(failed(
        words.lines().last().unwrap_or("it gave no reason").to_owned(),
    ))
}
