//! A cluster in a box: a Kubernetes API served from memory on loopback.
//!
//! It keeps objects in plain maps, follows every write with the controllers that a cluster has (deployments get
//! replica sets get pods), and answers plain `kubectl`. It runs no containers and is no place for real work.
//!
//! Pods come up a moment after they are made. A pod whose image contains `missing` or ends in `:broken` never does;
//! the annotation `sandbox.sayso.dev/fault` (`crash-loop`, `image-pull`, `oom`, `unready`, `unschedulable`) on a pod
//! template makes its pods fail in that way, and the lines of `sandbox.sayso.dev/log` end its pods' logs. One owner gets 200 pods at most.
//!
//! What it does not do is listed in [`LIMITS`].

mod access;
mod cluster;
mod controllers;
mod convert;
mod cron;
mod defaults;
mod delete;
mod discovery;
mod escalation;
mod faults;
mod fields;
mod json;
mod logs;
mod managers;
mod metrics;
mod openapi;
mod patch;
mod protobuf;
mod quantity;
mod quota;

mod rbac;
mod read;
mod request;
mod resource;
mod routes;
mod scenario;
mod seed;
mod selector;
mod server;
mod state;
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

/// What a sandbox does not do, for its users to read.
pub const LIMITS: &str = "\
What a sandbox does not do:
  - run, attach to or copy from containers, forward ports, proxy to pods, services and nodes (501)
  - serve admission webhooks and policies, certificates, flow control, runtime classes, device claims (501)
  - authenticate: whoever reaches its port on loopback is an administrator, or whom --as names
  - keep pods apart by affinity to other pods or spread them by topology; it knows node affinity, selectors, taints,
    requests and devices
  - scale by autoscaler; autoscalers say what they see
  - evaluate validation rules in CEL and patterns of custom resources, and convert between their versions
  - hold back who may write roles from giving more rights than they have
  - protect claims and volumes in use from deletion, and mount the tokens of service accounts into pods
  - keep one list the same over its pages: a later page shows what is there then
  - give one owner more than 200 pods";

/// How long [`Running::stop`] waits for answers in flight.
const STOP_LIMIT: Duration = Duration::from_secs(2);

/// What the sandbox holds at its start.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Seed {
    /// A small online shop in working order: some twenty workloads and services in four namespaces on three nodes.
    Shop,
    /// The same shop with eight faults that have nothing to do with each other.
    BrokenShop,
    /// Machine learning: nodes with GPUs, notebooks and training jobs of Kubeflow, inference services of KServe.
    Ml,
    /// 500 nodes and 20,000 pods, for measurements.
    Big,
    /// A file, or a folder of files, of YAML or JSON manifests; several documents a file and lists are fine.
    Path(PathBuf),
    /// Manifests as text.
    Manifests(String),
}

impl Seed {
    /// The scenario of that name, else the manifests at that path; a file that is called like a scenario is `./shop`.
    pub fn named(named: PathBuf) -> Self {
        let known = scenario::NAMES
            .into_iter()
            .find(|(name, _)| named.as_os_str() == *name);
        known.map_or(Self::Path(named), |(_, scenario)| scenario)
    }
}

/// Where to serve what.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Options {
    /// The address to listen on; port 0 takes a free one. There is no authentication, so keep it on loopback.
    pub address: SocketAddr,
    /// The objects to start with.
    pub seed: Seed,
    /// A file that keeps the objects: where it exists, the sandbox starts from it and not from the seed;
    /// [`Running::save`] writes it.
    pub state: Option<PathBuf>,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            address: (Ipv4Addr::LOCALHOST, 0).into(),
            seed: Seed::Shop,
            state: None,
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
    /// The file that keeps the state cannot be written.
    #[error("cannot write `{path}`: {source}")]
    Write {
        /// The file.
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
    state: Option<PathBuf>,
    shared: Arc<server::Shared>,
    serving: Option<JoinHandle<std::io::Result<()>>>,
}

/// Starts a sandbox; when this returns, everything seeded has settled and requests are answered.
///
/// Must be called within a Tokio runtime, which then carries the server.
pub async fn start(options: Options) -> Result<Running, SandboxError> {
    let kept = options.state.as_deref().map(state::load).transpose()?.flatten();
    let cluster = match kept {
        Some(mut kept) => {
            controllers::reconcile(&mut kept);
            kept.go_live();
            kept
        }
        None => seed::plant(&options.seed)?,
    };
    let failed = |source| SandboxError::Listen {
        address: options.address,
        source,
    };
    let listener = TcpListener::bind(options.address).await.map_err(failed)?;
    let url = format!("http://{}", listener.local_addr().map_err(failed)?);
    let mut cluster = cluster;
    // Nobody can have watched what happened before.
    cluster.store.compact();
    let shared = Arc::new(server::Shared::new(cluster));
    tokio::spawn(server::tick(shared.clone()));
    tokio::task::spawn_blocking(openapi::warm);
    let stop = shared.stop.clone();
    let serve =
        axum::serve(listener, server::router(shared.clone())).with_graceful_shutdown(stop.cancelled_owned());
    let serving = Some(tokio::spawn(serve.into_future()));
    let namespace = scenario::namespace(&options.seed);
    Ok(Running {
        url,
        namespace,
        state: options.state,
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
    /// Its current namespace is the scenario's own, or `default` for manifests.
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

    /// How many requests have met a fault.
    pub fn faults_met(&self) -> u64 {
        self.shared.faults().met()
    }

    /// Makes the next matching requests fail or wait.
    pub fn inject(&self, fault: Fault) {
        self.shared.faults().add(fault);
    }

    /// Forgets the faults that nobody has met yet.
    pub fn heal(&self) {
        self.shared.faults().clear();
    }

    /// Forgets the history of changes, so that watches from older versions answer 410.
    pub fn compact(&self) {
        self.shared.lock().store.compact();
    }

    /// Writes the state to the file that keeps it, if one does.
    pub fn save(&self) -> Result<(), SandboxError> {
        match &self.state {
            Some(path) => state::save(&self.shared.lock(), path),
            None => Ok(()),
        }
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
