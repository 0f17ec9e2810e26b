//! When to leave.

use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::Notify;

/// How often it looks whether to leave.
const GLANCE: Duration = Duration::from_millis(250);

/// A server that cannot work leaves soon, so that its successor may find a repaired model.
const HASTE: Duration = Duration::from_secs(10);

/// Why the server leaves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Reason {
    /// No request for the idle time.
    Idle,
    /// A signal.
    Told,
    /// Its socket is gone or another's: no client can reach it.
    Unreachable,
    /// The host is dead.
    HostDied,
}

/// What is going on, as far as leaving is concerned.
pub(super) struct Life {
    idle: Duration,
    failed: AtomicBool,
    working: AtomicUsize,
    last: Mutex<Instant>,
    died: Notify,
}

impl Life {
    pub(super) fn new(idle: Duration) -> Self {
        let last = Mutex::new(Instant::now());
        Self {
            idle,
            failed: AtomicBool::new(false),
            working: AtomicUsize::new(0),
            last,
            died: Notify::new(),
        }
    }

    /// Marks work in progress until the value is dropped.
    pub(super) fn busy(self: &std::sync::Arc<Self>) -> Busy {
        self.working.fetch_add(1, Ordering::SeqCst);
        Busy(std::sync::Arc::clone(self))
    }

    /// Shortens the idle time: the model cannot be loaded.
    pub(super) fn hasten(&self) {
        self.failed.store(true, Ordering::SeqCst);
    }

    /// The host is dead: leave once the answers that say so are out.
    pub(super) fn host_died(&self) {
        self.died.notify_one();
    }

    fn is_idle(&self, now: Instant) -> bool {
        let limit = if self.failed.load(Ordering::SeqCst) {
            self.idle.min(HASTE)
        } else {
            self.idle
        };
        let last = *self.last.lock().unwrap_or_else(PoisonError::into_inner);
        self.working.load(Ordering::SeqCst) == 0 && now.saturating_duration_since(last) >= limit
    }

    /// Waits for a reason to leave. `socket` is the listening socket's path, if it has one.
    pub(super) async fn end(&self, socket: Option<&Path>) -> Reason {
        let identity = socket.map(identity);
        let mut glance = tokio::time::interval(GLANCE);
        let told = told();
        tokio::pin!(told);
        loop {
            tokio::select! {
                () = &mut told => return Reason::Told,
                () = self.died.notified() => return Reason::HostDied,
                _ = glance.tick() => {}
            }
            if self.is_idle(Instant::now()) {
                return Reason::Idle;
            }
            if socket.map(self::identity) != identity {
                return Reason::Unreachable;
            }
        }
    }
}

/// Work in progress.
pub(super) struct Busy(std::sync::Arc<Life>);

impl Drop for Busy {
    fn drop(&mut self) {
        *self.0.last.lock().unwrap_or_else(PoisonError::into_inner) = Instant::now();
        self.0.working.fetch_sub(1, Ordering::SeqCst);
    }
}

/// Tells one socket file from another at the same path.
#[cfg(unix)]
fn identity(path: &Path) -> Option<(u64, u64)> {
    use std::os::unix::fs::MetadataExt;
    std::fs::metadata(path)
        .ok()
        .map(|found| (found.dev(), found.ino()))
}

#[cfg(not(unix))]
fn identity(path: &Path) -> Option<()> {
    path.exists().then_some(())
}

#[cfg(unix)]
async fn told() {
    use tokio::signal::unix::{SignalKind, signal};
    let (Ok(mut terminate), Ok(mut interrupt)) =
        (signal(SignalKind::terminate()), signal(SignalKind::interrupt()))
    else {
        return std::future::pending().await;
    };
    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
}

#[cfg(not(unix))]
async fn told() {
    // Only fails where there is no console to be told from.
    if tokio::signal::ctrl_c().await.is_err() {
        std::future::pending::<()>().await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;

    #[test]
    fn work_keeps_it_alive_and_its_end_starts_the_clock() {
        let life = Arc::new(Life::new(Duration::from_secs(60)));
        let start = Instant::now();
        let later = start + Duration::from_secs(61);
        assert!(!life.is_idle(start));
        assert!(life.is_idle(later));
        let busy = life.busy();
        assert!(!life.is_idle(later));
        drop(busy);
        assert!(!life.is_idle(start) && life.is_idle(later + Duration::from_secs(1)));
    }

    #[test]
    fn a_failed_server_leaves_sooner() {
        let life = Life::new(Duration::from_secs(900));
        let soon = Instant::now() + Duration::from_secs(11);
        assert!(!life.is_idle(soon));
        life.hasten();
        assert!(life.is_idle(soon));
    }
}
