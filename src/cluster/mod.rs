//! The only user of `kube`: context, discovery, gathering evidence, applying, watching.

mod apply;
mod compare;
pub mod connect;
pub mod discovery;
mod drafting;
pub mod error;
mod follow;
mod gather;
mod json;
mod lower;
mod manifest;
mod paths;
pub mod read;
mod schemas;
mod snapshot;
#[cfg(test)]
mod tests;
mod transport;
mod verify;
mod watch;

pub use apply::{ApplyFailure, Receipt};
pub use connect::{Cluster, ConnectOptions, ContextFacts, context_name};
pub use discovery::Served;
pub use error::ClusterError;
pub use follow::LogOf;
pub use read::ReadOutput;
pub use schemas::SchemaPlace;
pub use verify::{Settling, Verified};
pub use watch::{Column, Row, Watched};
