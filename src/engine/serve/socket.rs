//! The endpoint: a private Unix socket, or loopback with a token.

use std::fs::File;
use std::future::{Future, IntoFuture};
use std::io;
use std::net::Ipv4Addr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use tokio::net::TcpListener;
use tokio::sync::Notify;

use super::life::{Life, Reason};
use super::{Endpoint, ServeError};

/// How long answers in progress may take to end when the server leaves.
const GRACE: Duration = Duration::from_secs(1);

/// A bound endpoint.
pub(super) enum Listening {
    #[cfg(unix)]
    Socket(PrivateSocket),
    Port(TcpListener),
}

/// Binds the endpoint; `None` if another process serves there.
pub(super) fn listen(endpoint: &Endpoint) -> Result<Option<Listening>, ServeError> {
    match endpoint {
        Endpoint::Socket(path) => listen_on_socket(path),
        Endpoint::Port { token, .. } if token.is_empty() => Err(ServeError::NoToken),
        Endpoint::Port { port, .. } => {
            let wrong = |source| ServeError::Listen {
                place: format!("127.0.0.1:{port}"),
                source,
            };
            let listener = std::net::TcpListener::bind((Ipv4Addr::LOCALHOST, *port)).map_err(wrong)?;
            listener.set_nonblocking(true).map_err(wrong)?;
            TcpListener::from_std(listener)
                .map(|listener| Some(Listening::Port(listener)))
                .map_err(wrong)
        }
    }
}

#[cfg(unix)]
fn listen_on_socket(path: &Path) -> Result<Option<Listening>, ServeError> {
    let wrong = |source| ServeError::Listen {
        place: path.display().to_string(),
        source,
    };
    let socket = PrivateSocket::bind(path).map_err(wrong)?;
    Ok(socket.map(Listening::Socket))
}

#[cfg(not(unix))]
fn listen_on_socket(path: &Path) -> Result<Option<Listening>, ServeError> {
    let source = io::ErrorKind::Unsupported.into();
    Err(ServeError::Listen {
        place: path.display().to_string(),
        source,
    })
}

impl Listening {
    /// Answers requests until there is a reason to leave.
    pub(super) async fn serve(self, router: Router, life: &Arc<Life>) -> Result<Reason, ServeError> {
        let leaving = Arc::new(Notify::new());
        let left = Arc::clone(&leaving);
        let shutdown = async move { left.notified().await };
        match self {
            #[cfg(unix)]
            Self::Socket(mut socket) => {
                let Some(listener) = socket.listener.take() else {
                    return Err(ServeError::Listen {
                        place: socket.path.display().to_string(),
                        source: io::ErrorKind::NotConnected.into(),
                    });
                };
                let server = axum::serve(listener, router).with_graceful_shutdown(shutdown);
                let reason = until_end(server.into_future(), life.end(Some(&socket.path)), &leaving).await;
                if reason == Ok(Reason::Unreachable) {
                    socket.abandon();
                }
                reason.map_err(|source| ServeError::Listen {
                    place: socket.path.display().to_string(),
                    source: source.into(),
                })
            }
            Self::Port(listener) => {
                let server = axum::serve(listener, router).with_graceful_shutdown(shutdown);
                let reason = until_end(server.into_future(), life.end(None), &leaving).await;
                reason.map_err(|source| ServeError::Listen {
                    place: "loopback".to_owned(),
                    source: source.into(),
                })
            }
        }
    }
}

/// Serves until the end comes, and then for a moment more.
async fn until_end(
    server: impl Future<Output = io::Result<()>>,
    end: impl Future<Output = Reason>,
    leaving: &Notify,
) -> Result<Reason, io::ErrorKind> {
    tokio::pin!(server);
    let reason = tokio::select! {
        outcome = &mut server => return Err(outcome.err().map_or(io::ErrorKind::UnexpectedEof, |error| error.kind())),
        reason = end => reason,
    };
    leaving.notify_one();
    // Whoever is still connected then sees the connection end.
    let _ = tokio::time::timeout(GRACE, server).await;
    Ok(reason)
}

/// A socket that only this user can reach, removed when dropped.
#[cfg(unix)]
pub(super) struct PrivateSocket {
    path: PathBuf,
    listener: Option<tokio::net::UnixListener>,
    /// Held while the socket is; released by the kernel, however the process ends.
    _lock: File,
    abandoned: bool,
}

#[cfg(unix)]
impl PrivateSocket {
    /// Binds it; `None` if a living process holds its lock. A socket that no one serves is replaced.
    fn bind(path: &Path) -> io::Result<Option<Self>> {
        use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt};
        if let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
            std::fs::DirBuilder::new()
                .recursive(true)
                .mode(0o700)
                .create(folder)?;
        }
        let mut lock = path.as_os_str().to_owned();
        lock.push(".lock");
        let lock = File::options()
            .create(true)
            .write(true)
            .truncate(false)
            .mode(0o600)
            .open(lock)?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(std::fs::TryLockError::WouldBlock) => return Ok(None),
            Err(std::fs::TryLockError::Error(error)) => return Err(error),
        }
        remove_socket(path)?;
        let listener = Some(tokio::net::UnixListener::bind(path)?);
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o600))?;
        Ok(Some(Self {
            path: path.to_owned(),
            listener,
            _lock: lock,
            abandoned: false,
        }))
    }

    /// The path is another's now: leave it alone.
    fn abandon(&mut self) {
        self.abandoned = true;
    }
}

#[cfg(unix)]
impl Drop for PrivateSocket {
    fn drop(&mut self) {
        if !self.abandoned {
            // The next one to bind removes it otherwise.
            let _ = remove_socket(&self.path);
        }
    }
}

/// Removes a socket, and nothing that is not one.
#[cfg(unix)]
fn remove_socket(path: &Path) -> io::Result<()> {
    use std::os::unix::fs::FileTypeExt;
    match std::fs::symlink_metadata(path) {
        Ok(found) if found.file_type().is_socket() => std::fs::remove_file(path),
        Ok(_) => Err(io::ErrorKind::AlreadyExists.into()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(error) => Err(error),
    }
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    #[tokio::test]
    async fn one_at_a_time_private_and_gone_afterwards() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("run/engine.sock");
        let first = PrivateSocket::bind(&path).unwrap().unwrap();
        let mode = |path: &Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!((mode(&path), mode(path.parent().unwrap())), (0o600, 0o700));
        assert!(PrivateSocket::bind(&path).unwrap().is_none());
        drop(first);
        assert!(!path.exists());
    }

    #[tokio::test]
    async fn a_stale_socket_is_replaced_and_a_file_is_not() {
        let folder = tempfile::tempdir().unwrap();
        let stale = folder.path().join("stale");
        drop(std::os::unix::net::UnixListener::bind(&stale).unwrap());
        assert!(stale.exists());
        assert!(PrivateSocket::bind(&stale).unwrap().is_some());
        let file = folder.path().join("file");
        std::fs::write(&file, "precious").unwrap();
        assert!(PrivateSocket::bind(&file).is_err());
        assert_eq!(std::fs::read_to_string(file).unwrap(), "precious");
    }
}
