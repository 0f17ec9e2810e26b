//! The terminal UI: its real shell and driver on a sandbox, a model that answers from a script, and a screen that can be
//! read.

mod journeys;
mod pictures;
mod screens;
mod stage;
#[cfg(unix)]
mod terminal;
