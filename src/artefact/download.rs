//! One file from the hub: in pieces if need be, and never more of it than was announced.

use std::fs::{File, OpenOptions};
use std::io::Write;
use std::path::{Path, PathBuf};

use reqwest::StatusCode;
use reqwest::header::CONTENT_RANGE;
use sha2::{Digest, Sha256};

use super::digest::feed;
use super::error::ArtefactError;
use super::hub::{Fault, Hub, RemoteFile, Repository, TRIES, pause};
use super::manifest::FileFacts;

/// A file on its way.
struct Part<'a> {
    hub: &'a Hub,
    repository: &'a Repository,
    remote: &'a RemoteFile,
    path: PathBuf,
    file: File,
    hash: Sha256,
    /// Bytes that are on disk and in the hash.
    done: u64,
    /// As the hub told with the file.
    sha256: Option<String>,
}

/// Fetches a file to a path, going on where an earlier try ended. `on_bytes` is told how many bytes there are.
pub(super) async fn fetch(
    hub: &Hub,
    repository: &Repository,
    remote: &RemoteFile,
    path: &Path,
    on_bytes: &mut (dyn FnMut(u64) + Send),
) -> Result<FileFacts, ArtefactError> {
    let mut part = Part::open(hub, repository, remote, path)?;
    let (mut failures, mut restarted) = (0, false);
    loop {
        on_bytes(part.done);
        let before = part.done;
        match part.attempt(on_bytes).await {
            Ok(()) => match part.judge() {
                // What lay here from an earlier try may have been wrong; what came in one piece was.
                Err(ArtefactError::Hash { .. }) if !restarted && before > 0 => {
                    restarted = true;
                    part.restart()?;
                }
                Err(error) => {
                    part.restart()?;
                    return Err(error);
                }
                Ok(facts) => return Ok(facts),
            },
            Err(fault) => {
                failures = if part.done > before { 1 } else { failures + 1 };
                part.wait_after(&fault, failures).await?;
            }
        }
    }
}

impl<'a> Part<'a> {
    /// Opens the file and hashes what is there of it.
    fn open(
        hub: &'a Hub,
        repository: &'a Repository,
        remote: &'a RemoteFile,
        path: &Path,
    ) -> Result<Part<'a>, ArtefactError> {
        let wrong = |error: std::io::Error| ArtefactError::io(path, &error);
        if let Some(folder) = path.parent() {
            std::fs::create_dir_all(folder).map_err(wrong)?;
        }
        let file = OpenOptions::new()
            .create(true)
            .append(true)
            .open(path)
            .map_err(wrong)?;
        let there = file.metadata().map_err(wrong)?.len();
        let mut part = Part {
            hub,
            repository,
            remote,
            path: path.to_owned(),
            file,
            hash: Sha256::new(),
            done: there,
            sha256: remote.sha256.clone(),
        };
        if there > remote.size {
            part.restart()?;
        } else {
            feed(&mut part.hash, path, &mut |_| {})?;
        }
        Ok(part)
    }

    /// Throws away what is there.
    fn restart(&mut self) -> Result<(), ArtefactError> {
        self.file
            .set_len(0)
            .map_err(|error| ArtefactError::io(&self.path, &error))?;
        self.hash = Sha256::new();
        self.done = 0;
        Ok(())
    }

    /// One connection: from where it stands to the end, or to where it breaks.
    async fn attempt(&mut self, on_bytes: &mut (dyn FnMut(u64) + Send)) -> Result<(), Fault> {
        if self.done == self.remote.size && self.done > 0 {
            return Ok(());
        }
        let url = self.hub.file_url(self.repository, &self.remote.path)?;
        let range = (self.done > 0).then(|| format!("bytes={}-", self.done));
        let what = format!("{}/{}", self.repository.name, self.remote.path);
        let mut answer = self.hub.get(&url, range.as_deref(), &what).await?;
        self.sha256 = self.sha256.take().or(answer.sha256.take());
        if self.done > 0 && !self.goes_on(&answer.response) {
            self.restart()?;
            if answer.response.status() == StatusCode::PARTIAL_CONTENT {
                // It sent another part than was asked for; it may send the whole.
                let error = self
                    .hub
                    .garbled("it sent another part of the file than was asked for");
                return Err(Fault {
                    error,
                    again: Some(None),
                });
            }
        }
        while let Some(piece) = self.hub.piece(&mut answer.response).await? {
            self.take(&piece)?;
            on_bytes(self.done);
        }
        if self.done < self.remote.size {
            let error = self.hub.garbled("it ended before its end");
            return Err(Fault {
                error,
                again: Some(None),
            });
        }
        self.file
            .sync_all()
            .map_err(|error| ArtefactError::io(&self.path, &error))?;
        Ok(())
    }

    /// Whether the answer begins where this part ends.
    fn goes_on(&self, response: &reqwest::Response) -> bool {
        let range = response
            .headers()
            .get(CONTENT_RANGE)
            .and_then(|value| value.to_str().ok());
        let from = range
            .and_then(|range| range.strip_prefix("bytes "))
            .and_then(|range| range.split('-').next()?.parse::<u64>().ok());
        response.status() == StatusCode::PARTIAL_CONTENT && from == Some(self.done)
    }

    fn take(&mut self, piece: &[u8]) -> Result<(), Fault> {
        if self.done + piece.len() as u64 > self.remote.size {
            self.restart()?;
            return Err(self.hub.garbled("it sends more than it announced").into());
        }
        self.file
            .write_all(piece)
            .map_err(|error| ArtefactError::io(&self.path, &error))?;
        self.hash.update(piece);
        self.done += piece.len() as u64;
        Ok(())
    }

    /// Holds the whole file against what the hub said of it.
    fn judge(&self) -> Result<FileFacts, ArtefactError> {
        let found = hex::encode(self.hash.clone().finalize());
        match &self.sha256 {
            Some(expected) if *expected != found => Err(ArtefactError::Hash {
                file: self.remote.path.clone(),
                found,
                expected: expected.clone(),
            }),
            _ => Ok(FileFacts {
                size: self.done,
                sha256: found,
            }),
        }
    }

    /// Waits before the next try, or gives up.
    async fn wait_after(&self, fault: &Fault, failures: u32) -> Result<(), ArtefactError> {
        let Some(wished) = fault.again else {
            return Err(fault.error.clone());
        };
        match pause(failures, wished) {
            Some(pause) if failures < TRIES => {
                tokio::time::sleep(pause).await;
                Ok(())
            }
            _ if matches!(fault.error, ArtefactError::Limited { .. }) => Err(fault.error.clone()),
            _ => Err(ArtefactError::Cut {
                file: self.remote.path.clone(),
                tries: failures,
                reason: fault.error.to_string(),
            }),
        }
    }
}
