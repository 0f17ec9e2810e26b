//! The local model server: hosts mistral.rs and speaks the OpenAI chat protocol on a private socket.
//!
//! [`run`] is the whole program `sayso-engine`, in two commands. `prepare` makes the default planner in a
//! folder: the pinned base model, our adapter merged into it, and a manifest written last. `serve` hosts the
//! model of such a folder. Everything here needs the cargo feature `engine`; without it this module is empty.

#[cfg(feature = "engine")]
mod args;
#[cfg(feature = "engine")]
mod files;
#[cfg(feature = "engine")]
mod host;
#[cfg(feature = "engine")]
mod mistral;
#[cfg(feature = "engine")]
mod panics;
#[cfg(feature = "engine")]
mod prepare;
#[cfg(feature = "engine")]
mod serve;

#[cfg(feature = "engine")]
pub use args::run;
