//! The key in its file.

// The one place of this module that touches files.
use std::fs::{DirBuilder, File, OpenOptions};
use std::io::{ErrorKind, Read as _, Write as _};
use std::path::Path;

use super::{Key, SignError};

/// More than this is no key file.
const LONGEST: u64 = 64 * 1024;

/// Reads the key at `path`; makes one there, for nobody else to read, where there is none. A key that others may read is
/// refused.
pub fn load_or_create(path: &Path, comment: &str) -> Result<Key, SignError> {
    match File::open(path) {
        Ok(file) => read(path, &file),
        Err(error) if error.kind() == ErrorKind::NotFound => create(path, comment),
        Err(source) => Err(failed(path)(source)),
    }
}

/// Reads the key at `path`; nothing where there is none.
pub fn load(path: &Path) -> Result<Option<Key>, SignError> {
    match File::open(path) {
        Ok(file) => read(path, &file).map(Some),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(source) => Err(failed(path)(source)),
    }
}

fn failed(path: &Path) -> impl Fn(std::io::Error) -> SignError + '_ {
    |source| SignError::File {
        path: path.to_owned(),
        source,
    }
}

fn read(path: &Path, file: &File) -> Result<Key, SignError> {
    if is_open_to_others(file).map_err(failed(path))? {
        return Err(SignError::Open {
            path: path.to_owned(),
        });
    }
    let mut text = String::new();
    file.take(LONGEST)
        .read_to_string(&mut text)
        .map_err(failed(path))?;
    Key::read(&text)
}

/// Written under another name first, so that two processes at once end up with one whole key.
fn create(path: &Path, comment: &str) -> Result<Key, SignError> {
    let key = Key::generate(comment)?;
    if let Some(folder) = path.parent() {
        create_folder(folder).map_err(failed(path))?;
    }
    let new = path.with_extension(format!("new.{}", std::process::id()));
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let text = key.to_file()?;
    let written = options
        .open(&new)
        .and_then(|mut file| file.write_all(text.as_bytes()).and_then(|()| file.sync_all()));
    let placed = written.and_then(|()| std::fs::hard_link(&new, path));
    let _ = std::fs::remove_file(&new);
    match placed {
        Ok(()) => {
            // For other programs, and for people: nothing here reads it.
            let _ = std::fs::write(path.with_extension("pub"), key.public() + "\n");
            Ok(key)
        }
        Err(error) if error.kind() == ErrorKind::AlreadyExists => {
            read(path, &File::open(path).map_err(failed(path))?)
        }
        Err(source) => Err(failed(path)(source)),
    }
}

fn create_folder(folder: &Path) -> std::io::Result<()> {
    let mut builder = DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(folder)
}

#[cfg(unix)]
fn is_open_to_others(file: &File) -> std::io::Result<bool> {
    use std::os::unix::fs::PermissionsExt as _;
    Ok(file.metadata()?.permissions().mode() & 0o077 != 0)
}

#[cfg(not(unix))]
fn is_open_to_others(_file: &File) -> std::io::Result<bool> {
    Ok(false)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[cfg(unix)]
    #[test]
    fn a_key_is_made_once_and_kept_private() {
        use std::os::unix::fs::PermissionsExt as _;
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("sayso/id_ed25519");
        let first = load_or_create(&path, "ann").unwrap();
        assert_eq!(load_or_create(&path, "bob").unwrap().public(), first.public());
        assert_eq!(
            std::fs::metadata(&path).unwrap().permissions().mode() & 0o777,
            0o600
        );
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o640)).unwrap();
        assert!(matches!(
            load_or_create(&path, "ann"),
            Err(SignError::Open { .. })
        ));
    }
}
