//! Actions under way: `open/ACTION` in the log's folder, locked by the process that acts for as long as it lives. A file
//! that nobody holds is an action that was cut short, and finding it costs no look into the log.

use std::fs::{File, OpenOptions};
use std::io;
use std::path::{Path, PathBuf};

use super::AuditError;
use super::log::AuditLog;
use super::record::ActionId;

const FOLDER: &str = "open";

/// An action under way. Dropped without [`Begun::end`] it stays to be found.
#[derive(Debug)]
pub struct Begun {
    action: ActionId,
    path: PathBuf,
    _file: File,
}

impl Begun {
    /// Whose it is.
    pub fn action(&self) -> ActionId {
        self.action
    }

    /// The action has its outcome on record.
    pub fn end(self) {
        // One that cannot be removed is looked up in the log at the next start, and found ended.
        let _ = std::fs::remove_file(&self.path);
    }
}

impl AuditLog {
    /// Marks an action as under way. To be called before its intent is appended.
    pub fn begin(&self, action: ActionId) -> Result<Begun, AuditError> {
        let folder = self.folder().join(FOLDER);
        let failed = |error: io::Error| AuditError::from_io(&folder, error);
        super::log::create_folder(&folder).map_err(failed)?;
        let path = folder.join(action.to_string());
        let mut options = OpenOptions::new();
        options.write(true).create_new(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let file = options.open(&path).map_err(failed)?;
        file.try_lock().map_err(|error| failed(error.into()))?;
        super::log::sync_folder(&path).map_err(failed)?;
        Ok(Begun {
            action,
            path,
            _file: file,
        })
    }

    /// The actions that were begun by processes that are gone, oldest first. Nobody else gets one that is held here.
    pub fn abandoned(&self) -> Vec<Begun> {
        let Ok(entries) = std::fs::read_dir(self.folder().join(FOLDER)) else {
            return Vec::new();
        };
        let mut found: Vec<Begun> = entries
            .flatten()
            .filter_map(|entry| claim(&entry.path()))
            .collect();
        found.sort_by_key(Begun::action);
        found
    }
}

/// Takes over a mark whose process is gone.
fn claim(path: &Path) -> Option<Begun> {
    let action = ActionId::try_from(path.file_name()?.to_str()?.to_owned()).ok()?;
    let file = OpenOptions::new().write(true).open(path).ok()?;
    file.try_lock().ok()?;
    // Whoever had it may have ended it between the two calls.
    path.exists().then(|| Begun {
        action,
        path: path.to_owned(),
        _file: file,
    })
}
