//! The only user of `kube`: context, discovery, gathering evidence, applying, watching.

mod apply;
mod compare;
pub mod connect;
pub mod discovery;
pub mod error;
mod gather;
mod json;
mod lower;
mod manifest;
mod paths;
pub mod read;
mod snapshot;
#[cfg(test)]
mod tests;
mod transport;
mod verify;

pub use apply::{ApplyFailure, Receipt};
pub use connect::{Cluster, ConnectOptions, ContextFacts};
pub use discovery::Served;
pub use error::ClusterError;
pub use read::ReadOutput;
pub use verify::Verified;
