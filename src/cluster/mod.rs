//! The only user of `kube`: context, discovery, gathering evidence, applying, watching.

pub mod connect;
pub mod discovery;
pub mod error;
mod json;
mod lower;
mod manifest;
mod paths;
pub mod read;
mod snapshot;
mod transport;

pub use connect::{Cluster, ConnectOptions, ContextFacts};
pub use discovery::Served;
pub use error::ClusterError;
pub use read::ReadOutput;
