//! The folder of models: one folder each, with a manifest.

use std::path::{Path, PathBuf};

use super::error::ArtefactError;
use super::manifest::Manifest;
use super::source::is_name;

/// How the folders of models that are on their way begin.
const ON_ITS_WAY: &str = ".pull-";
/// The folder of the planner that comes with Sayso.
pub(super) const PLANNER: &str = "planner";

/// The models of this machine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Store {
    root: PathBuf,
}

/// A model of the store.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stored {
    /// Its name here.
    pub name: String,
    /// Its folder.
    pub folder: PathBuf,
    /// What it is.
    pub manifest: Manifest,
    /// `sha256:` and the manifest's digest.
    pub digest: String,
}

/// Something in the store.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Entry {
    /// A model.
    Whole(Box<Stored>),
    /// A download that was broken off, with the bytes that are there.
    Partial(String, u64),
    /// A folder whose manifest cannot be read.
    Broken(String, ArtefactError),
}

impl Store {
    /// The store in this folder, which need not exist.
    pub fn new(root: &Path) -> Store {
        Store {
            root: root.to_owned(),
        }
    }

    /// Its folder.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// Where a model of this name is, or would be.
    pub(super) fn folder(&self, name: &str) -> PathBuf {
        self.root.join(name)
    }

    /// Where a model of this name is put together.
    pub(super) fn work(&self, name: &str) -> PathBuf {
        self.root.join(format!("{ON_ITS_WAY}{name}"))
    }

    /// The model of this name. Its files are not looked at.
    pub fn open(&self, name: &str) -> Result<Stored, ArtefactError> {
        let folder = self.folder(name);
        let unknown = || ArtefactError::Unknown {
            name: name.to_owned(),
        };
        if !is_name(name) {
            return Err(unknown());
        }
        let (manifest, digest) = Manifest::read(&folder)?.ok_or_else(unknown)?;
        Ok(Stored {
            name: name.to_owned(),
            folder,
            manifest,
            digest,
        })
    }

    /// Everything that is there, by name. The planner that comes with Sayso is not in it.
    pub fn entries(&self) -> Vec<Entry> {
        let mut names: Vec<String> = std::fs::read_dir(&self.root)
            .into_iter()
            .flatten()
            .flatten()
            .filter(|entry| entry.path().is_dir())
            .filter_map(|entry| entry.file_name().into_string().ok())
            .filter(|name| name != PLANNER)
            .collect();
        names.sort();
        names.iter().filter_map(|name| self.entry(name)).collect()
    }

    fn entry(&self, name: &str) -> Option<Entry> {
        if let Some(name) = name.strip_prefix(ON_ITS_WAY) {
            return Some(Entry::Partial(name.to_owned(), bytes_under(&self.work(name))));
        }
        match self.open(name) {
            Ok(stored) => Some(Entry::Whole(Box::new(stored))),
            Err(ArtefactError::Unknown { .. }) => None,
            Err(error) => Some(Entry::Broken(name.to_owned(), error)),
        }
    }

    /// Removes a model, or what is there of it; gives the bytes that are free now. Files that only are linked stay.
    pub fn remove(&self, name: &str) -> Result<u64, ArtefactError> {
        let folders = [self.folder(name), self.work(name)];
        let mut there = folders
            .iter()
            .filter(|folder| is_name(name) && folder.is_dir())
            .peekable();
        if there.peek().is_none() {
            return Err(ArtefactError::Unknown {
                name: name.to_owned(),
            });
        }
        let mut freed = 0;
        for folder in there {
            freed += bytes_under(folder);
            let wrong = |error: std::io::Error| ArtefactError::io(folder, &error);
            // Without its manifest it is no model, so an end in the middle leaves nothing that looks like one.
            Manifest::remove(folder).map_err(wrong)?;
            std::fs::remove_dir_all(folder).map_err(wrong)?;
        }
        Ok(freed)
    }

    /// Makes a model that is put together one of the store.
    pub(super) fn publish(&self, name: &str, manifest: &Manifest) -> Result<Stored, ArtefactError> {
        let (work, folder) = (self.work(name), self.folder(name));
        manifest.write(&work)?;
        std::fs::rename(&work, &folder).map_err(|error| ArtefactError::io(&folder, &error))?;
        manifest.stamp(&folder);
        self.open(name)
    }

    /// Fails where a volume has not this many bytes left, and a little more.
    pub(super) fn has_room(&self, needed: u64) -> Result<(), ArtefactError> {
        const AIR: u64 = 64 << 20;
        let room = self
            .root
            .ancestors()
            .find_map(|folder| fs4::available_space(folder).ok());
        match room {
            Some(room) if needed > 0 && room < needed.saturating_add(AIR) => Err(ArtefactError::NoSpace {
                path: self.root.clone(),
                room,
                needed,
            }),
            _ => Ok(()),
        }
    }
}

/// Bytes of all files in a folder; those that only are linked do not count.
pub(super) fn bytes_under(folder: &Path) -> u64 {
    let size = |entry: std::fs::DirEntry| match entry.metadata() {
        Ok(found) if found.is_dir() => bytes_under(&entry.path()),
        Ok(found) if found.is_file() => found.len(),
        _ => 0,
    };
    std::fs::read_dir(folder)
        .into_iter()
        .flatten()
        .flatten()
        .map(size)
        .sum()
}
