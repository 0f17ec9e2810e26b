//! What can go wrong between us and an API server, in words that say what to do next.

/// An error of the cluster module.
#[derive(Debug, thiserror::Error)]
pub enum ClusterError {
    /// No kubeconfig, or one that cannot be read.
    #[error("{message}")]
    Config {
        /// What is wrong with which file.
        message: String,
    },
    /// The server cannot be reached.
    #[error("cannot reach the cluster at `{server}`: {message}")]
    Unreachable {
        /// Address.
        server: String,
        /// The cause.
        message: String,
    },
    /// The server did not answer in time.
    #[error("the cluster at `{server}` did not answer within {seconds} s")]
    Timeout {
        /// Address.
        server: String,
        /// The limit.
        seconds: u64,
    },
    /// The server answered with an error.
    #[error("{message}")]
    Api {
        /// HTTP status.
        code: u16,
        /// Machine-readable reason, as in `NotFound`.
        reason: String,
        /// The server's words.
        message: String,
    },
    /// The object that was reviewed is not the one that is there now.
    #[error("{object} changed since it was reviewed")]
    Changed {
        /// The object, as in `deployment/web in shop`.
        object: String,
    },
    /// The cluster serves no such kind.
    #[error("the cluster has no resource `{0}`")]
    NoSuchKind(String),
    /// Something that this step needs is not there.
    #[error("{0}")]
    Impossible(String),
}

impl ClusterError {
    /// What the user can do about it.
    pub fn hint(&self) -> Option<String> {
        let hint = match self {
            ClusterError::Config { .. } => "set KUBECONFIG or --kubeconfig, or try `--sandbox`",
            ClusterError::Unreachable { .. } | ClusterError::Timeout { .. } => {
                "check that the cluster is up and that `kubectl version` reaches it"
            }
            ClusterError::Api { code: 401, .. } => "your credentials have expired or are wrong; log in again",
            ClusterError::Api { code: 403, .. } => "ask for the access, or use another context or `--as`",
            ClusterError::Api { code: 429, .. } => "the server is busy; try again in a moment",
            ClusterError::Changed { .. } => "ask again to review what is there now",
            ClusterError::NoSuchKind(_) => "`kubectl api-resources` lists what the cluster serves",
            _ => return None,
        };
        Some(hint.to_owned())
    }
}
