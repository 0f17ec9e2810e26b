//! Progress as JSON lines, for the program that started this one.

use std::io::Write;

use serde_json::{Value, json};

/// Where the lines go.
///
/// A reader that went away is not an error: the model is wanted all the same.
pub(in crate::engine) struct Progress {
    out: Box<dyn Write + Send>,
}

impl Progress {
    /// Lines to this writer, each flushed.
    pub(in crate::engine) fn new(out: impl Write + Send + 'static) -> Self {
        Self { out: Box::new(out) }
    }

    /// `done` of `total` units of a stage: bytes when downloading or verifying, layers when merging.
    pub(in crate::engine) fn step(&mut self, stage: &str, done: u64, total: u64) {
        self.line(&json!({"stage": stage, "done": done, "total": total}));
    }

    /// The last line of a run that succeeded.
    pub(in crate::engine) fn finished(&mut self, digest: &str) {
        self.line(&json!({"stage": "done", "digest": digest}));
    }

    /// The last line of a run that failed.
    pub(in crate::engine) fn failed(&mut self, message: &str, hint: Option<&str>) {
        self.line(&json!({"stage": "error", "message": message, "hint": hint}));
    }

    fn line(&mut self, value: &Value) {
        let _ = writeln!(self.out, "{value}").and_then(|()| self.out.flush());
    }
}
