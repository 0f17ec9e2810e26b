//! Counts the panics of this process, so that a thread that died can be told from one that ended.

use std::sync::atomic::{AtomicUsize, Ordering};

static PANICS: AtomicUsize = AtomicUsize::new(0);

/// Counts and logs every panic from here on, besides what the hook did before.
pub(super) fn watch() {
    let before = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| {
        PANICS.fetch_add(1, Ordering::SeqCst);
        tracing::error!("{panic}");
        before(panic);
    }));
}

/// How many panics there were since [`watch`].
pub(super) fn count() -> usize {
    PANICS.load(Ordering::SeqCst)
}
