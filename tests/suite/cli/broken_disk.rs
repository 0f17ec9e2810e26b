//! A disk that breaks at a chosen moment: a small library that is put between the program and the system's.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::LazyLock;

use tempfile::TempDir;

/// Compiled once, by the C compiler that building Sayso needs anyway.
static LIBRARY: LazyLock<(TempDir, PathBuf)> = LazyLock::new(|| {
    let folder = tempfile::tempdir().unwrap();
    let library = folder.path().join("broken_disk.so");
    let source = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/suite/fixtures/broken_disk.c");
    let compiled = Command::new("cc")
        .args(["-shared", "-fPIC", "-O1", "-Wall", "-Werror", "-o"])
        .args([library.as_path(), Path::new(source)])
        .arg("-ldl")
        .status();
    assert!(compiled.unwrap().success());
    (folder, library)
});

/// A folder on such a disk.
pub struct BrokenDisk {
    folder: PathBuf,
    count: PathBuf,
}

impl BrokenDisk {
    /// Everything under `folder`; what is done to it is counted in the file `count`.
    pub fn under(folder: &Path, count: &Path) -> BrokenDisk {
        BrokenDisk {
            folder: folder.to_owned(),
            count: count.to_owned(),
        }
    }

    /// Makes it break in a way that `broken_disk.c` lists at the operation with this number; 0 is never.
    pub fn breaks<'a>(&self, command: &'a mut Command, how: &str, at: u32) -> &'a mut Command {
        command
            .env("LD_PRELOAD", &LIBRARY.1)
            .env("BROKEN_UNDER", &self.folder)
            .env("BROKEN_COUNT", &self.count)
            .env("BROKEN_HOW", how)
            .env("BROKEN_AT", at.to_string())
    }

    /// How many operations there were.
    pub fn operations(&self) -> u32 {
        std::fs::read_to_string(&self.count).unwrap().parse().unwrap()
    }
}
