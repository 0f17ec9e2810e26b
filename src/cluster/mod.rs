//! The only user of `kube`: context, discovery, gathering evidence, applying, watching.

pub mod connect;
pub mod error;

pub use connect::{Cluster, ConnectOptions, ContextFacts};
pub use error::ClusterError;
