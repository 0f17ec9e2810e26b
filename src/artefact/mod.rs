//! Models as artefacts: where they come from, what exactly they are, whether they fit.
//!
//! A model on this machine is a folder with a [`Manifest`], which names every file with its size and SHA-256, the
//! source, the revision and the licence. The SHA-256 of the manifest's own bytes is the model's digest: whoever knows
//! it can say what answered. [`Manifest::verify`] holds the files against it, and a folder whose files differ is not
//! used.
//!
//! The hub is spoken to by a client of our own ([`Hub`]): resume, redirects, pauses and the check of each hash are
//! then ours to test. Nothing here loads a model; [`Need`] says what loading would take, from the head of its file.

mod choose;
mod digest;
mod download;
mod error;
mod fit;
mod gguf;
mod hub;
mod local;
mod machine;
mod manifest;
mod pull;
mod shape;
mod source;
mod store;

pub use choose::{Variant, variants};
pub use digest::sha256_of;
pub use error::ArtefactError;
pub use fit::{Device, Need, Verdict, judge};
pub use gguf::Header;
pub use hub::{Hub, HubSettings, Repository};
pub use local::register;
pub use machine::{Gpu, Machine, gigabytes};
pub use manifest::{FileFacts, Format, Manifest, Recipe, SCHEMA, Stamp};
pub use pull::{Offer, Wanted, look, pull};
pub use shape::Shape;
pub use source::{HubName, Source};
pub use store::{Entry, Store, Stored};

/// How far a slow piece of work is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Step<'a> {
    /// `download` or `verify`.
    pub stage: &'static str,
    /// The file that it is about.
    pub file: &'a str,
    /// Bytes done, of all files.
    pub done: u64,
    /// Bytes in all.
    pub total: u64,
}

/// Who is told how far it is.
pub type OnStep<'a> = &'a mut (dyn FnMut(Step<'_>) + Send);

#[cfg(test)]
mod tests;
