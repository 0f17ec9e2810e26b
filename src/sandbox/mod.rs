//! A cluster in a box: a Kubernetes API served from memory on loopback.
//!
//! It keeps objects in plain maps, follows every write with the controllers that a cluster has (deployments get
//! replica sets get pods), and answers plain `kubectl`. It runs no containers and is no place for real work.
//!
//! Pods come up a moment after they are made. A pod whose image contains `missing` or ends in `:broken` never does;
//! the annotation `sandbox.sayso.dev/fault` (`crash-loop`, `image-pull`, `oom`, `unready`, `unschedulable`) on a pod
//! template makes its pods fail in that way.

mod access;
mod cluster;
mod controllers;
mod convert;
mod defaults;
mod delete;
mod discovery;
mod faults;
mod json;
mod logs;
mod managers;
mod metrics;
mod openapi;
mod patch;
mod protobuf;
mod quantity;
mod rbac;
mod read;
mod request;
mod resource;
mod routes;
mod seed;
mod selector;
mod server;
mod status;
mod store;
mod subresource;
mod table;
mod validate;
mod watch;
mod write;

use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

pub use faults::{Fault, FaultAnswer};

/// How long [`Running::stop`] waits for answers in flight.
const STOP_LIMIT: Duration = Duration::from_secs(2);

/// What the sandbox holds at its start.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Seed {
    /// A small shop: some twenty workloads and services in four namespaces on three nodes.
    Shop,
    /// A file, or a folder of files, of YAML or JSON manifests; several documents a file and lists are fine.
    Path(PathBuf),
    /// Manifests as text.
    Manifests(String),
}

/// Where to serve what.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Options {
    /// The address to listen on; port 0 takes a free one. There is no authentication, so keep it on loopback.
    pub address: SocketAddr,
    /// The objects to start with.
    pub seed: Seed,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            address: (Ipv4Addr::LOCALHOST, 0).into(),
            seed: Seed::Shop,
        }
    }
}

/// Why a sandbox did not start.
#[derive(Debug, thiserror::Error)]
pub enum SandboxError {
    /// The address cannot be listened on.
    #[error("cannot listen on `{address}`: {source}")]
    Listen {
        /// The address asked for.
        address: SocketAddr,
        /// What the system said.
        source: std::io::Error,
    },
    /// A manifest file or folder cannot be read.
    #[error("cannot read `{path}`: {source}")]
    Read {
        /// The file or folder.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// A text is not YAML.
    #[error("cannot parse `{source_name}`: {why}")]
    Manifest {
        /// The file's path, or what kind of text it is.
        source_name: String,
        /// What the parser said.
        why: String,
    },
    /// The API refuses an object of the seed.
    #[error("the sandbox refuses `{object}`: {why}")]
    Refused {
        /// Kind and name of the object.
        object: String,
        /// The API's message.
        why: String,
    },
}

/// A sandbox that serves until it is stopped or dropped.
#[derive(Debug)]
pub struct Running {
    url: String,
    namespace: &'static str,
    shared: Arc<server::Shared>,
    serving: Option<JoinHandle<std::io::Result<()>>>,
}

/// Starts a sandbox; when this returns, everything seeded has settled and requests are answered.
///
/// Must be called within a Tokio runtime, which then carries the server.
pub async fn start(options: Options) -> Result<Running, SandboxError> {
    let cluster = seed::plant(&options.seed)?;
    let failed = |source| SandboxError::Listen {
        address: options.address,
        source,
    };
    let listener = TcpListener::bind(options.address).await.map_err(failed)?;
    let url = format!("http://{}", listener.local_addr().map_err(failed)?);
    let shared = Arc::new(server::Shared::new(cluster));
    tokio::spawn(server::tick(shared.clone()));
    let stop = shared.stop.clone();
    let serve =
        axum::serve(listener, server::router(shared.clone())).with_graceful_shutdown(stop.cancelled_owned());
    let serving = Some(tokio::spawn(serve.into_future()));
    let namespace = if options.seed == Seed::Shop {
        "shop"
    } else {
        "default"
    };
    Ok(Running {
        url,
        namespace,
        shared,
        serving,
    })
}

impl Running {
    /// The server's address as `http://127.0.0.1:PORT`.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// A kubeconfig in YAML with one context, cluster and user, each called `sandbox`.
    /// Its current namespace is `shop` for [`Seed::Shop`], else `default`.
    pub fn kubeconfig(&self) -> String {
        let config = json!({
            "apiVersion": "v1", "kind": "Config", "current-context": "sandbox", "preferences": {},
            "clusters": [{"name": "sandbox", "cluster": {"server": self.url}}],
            "contexts": [{"name": "sandbox",
                "context": {"cluster": "sandbox", "user": "sandbox", "namespace": self.namespace}}],
            "users": [{"name": "sandbox", "user": {}}],
        });
        // JSON is YAML, so the fallback is a kubeconfig, too.
        serde_saphyr::to_string(&config).unwrap_or_else(|_| config.to_string())
    }

    /// Every stored object, ordered by group, kind, namespace and name, for comparing twin clusters.
    pub fn objects(&self) -> Vec<Value> {
        seed::dump(&self.shared.lock())
    }

    /// Makes the next matching requests fail or wait.
    pub fn inject(&self, fault: Fault) {
        self.shared.faults().add(fault);
    }

    /// Forgets the history of changes, so that watches from older versions answer 410.
    pub fn compact(&self) {
        self.shared.lock().store.compact();
    }

    /// Stops serving: watches end, answers in flight get two seconds.
    pub async fn stop(mut self) {
        self.shared.stop.cancel();
        if let Some(serving) = self.serving.take() {
            let abort = serving.abort_handle();
            if tokio::time::timeout(STOP_LIMIT, serving).await.is_err() {
                abort.abort();
            }
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.shared.stop.cancel();
    }
}
