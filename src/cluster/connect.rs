//! From kubeconfig to a client.

use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use kube::Config;
use kube::config::{KubeConfigOptions, Kubeconfig, KubeconfigError};

use super::discovery::Resources;
use super::error::ClusterError;
use super::transport;

/// How long one request may take before the server counts as silent.
pub const REQUEST_TIMEOUT: Duration = Duration::from_secs(30);

/// How long a connection may take.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

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
    pub(super) client: kube::Client,
    pub(super) context: Arc<ContextFacts>,
    pub(super) resources: Arc<Resources>,
    config: Arc<Config>,
    patient: Arc<OnceLock<kube::Client>>,
}

impl Cluster {
    /// Reads the configuration and makes a client; runs the kubeconfig's login command, if it names one. Talks to
    /// no server yet.
    pub async fn connect(options: &ConnectOptions) -> Result<Cluster, ClusterError> {
        let (mut config, mut facts) = match read_kubeconfig(options)? {
            Some(kubeconfig) => from_kubeconfig(kubeconfig, options).await?,
            None => from_pod(options)?,
        };
        config.connect_timeout = Some(CONNECT_TIMEOUT);
        if let Some(namespace) = &options.namespace {
            config.default_namespace.clone_from(namespace);
            facts.namespace.clone_from(namespace);
        }
        act_as(&mut config, &mut facts, options)?;
        let client = transport::client(config.clone()).map_err(|error| transport::client_failed(&error))?;
        Ok(Cluster {
            client,
            context: Arc::new(facts),
            resources: Arc::new(Resources::default()),
            config: Arc::new(config),
            patient: Arc::default(),
        })
    }

    /// The same cluster with another namespace where none is named.
    pub fn in_namespace(&self, namespace: &str) -> Cluster {
        let mut facts = ContextFacts::clone(&self.context);
        namespace.clone_into(&mut facts.namespace);
        Cluster {
            context: Arc::new(facts),
            ..self.clone()
        }
    }

    /// The client for what waits for news; made when first needed.
    pub(super) fn patient(&self) -> Result<kube::Client, ClusterError> {
        if let Some(client) = self.patient.get() {
            return Ok(client.clone());
        }
        let client = transport::patient_client(Config::clone(&self.config))
            .map_err(|error| transport::client_failed(&error))?;
        Ok(self.patient.get_or_init(|| client).clone())
    }

    /// The server's version, as in `v1.34.1`; which is also whether it can be reached.
    pub async fn version(&self) -> Result<String, ClusterError> {
        let version = self.fetch("/version").await?;
        Ok(version["gitVersion"].as_str().unwrap_or("unknown").to_owned())
    }

    /// Where requests go.
    pub fn context(&self) -> &ContextFacts {
        &self.context
    }
}

/// The names of the contexts that could be chosen, in the kubeconfig's order.
pub fn contexts(options: &ConnectOptions) -> Result<Vec<String>, ClusterError> {
    let found = read_kubeconfig(options)?;
    let contexts = found.into_iter().flat_map(|kubeconfig| kubeconfig.contexts);
    Ok(contexts.map(|entry| entry.name).collect())
}

/// The name of the context that applies, from the kubeconfig alone: no login command is run, and a kubeconfig that
/// cannot be used has none.
pub fn context_name(options: &ConnectOptions) -> Option<String> {
    let kubeconfig = read_kubeconfig(options).ok()??;
    chosen_context(&kubeconfig, options).ok()
}

/// The kubeconfig that applies, or nothing where there is none and we may be in a pod.
fn read_kubeconfig(options: &ConnectOptions) -> Result<Option<Kubeconfig>, ClusterError> {
    if let Some(text) = &options.inline {
        let read = Kubeconfig::from_yaml(text);
        return read
            .map(Some)
            .map_err(|error| malformed("the kubeconfig given as text", &error));
    }
    if let Some(path) = &options.kubeconfig {
        return read_file(path).map(Some);
    }
    match Kubeconfig::from_env() {
        Ok(Some(found)) => return Ok(Some(found)),
        Ok(None) => {}
        Err(error) => return Err(malformed("the kubeconfig named by KUBECONFIG", &error)),
    }
    match Kubeconfig::read() {
        Ok(found) => Ok(Some(found)),
        Err(KubeconfigError::FindPath) => Ok(None),
        Err(KubeconfigError::ReadConfig(cause, _)) if cause.kind() == std::io::ErrorKind::NotFound => {
            Ok(None)
        }
        Err(error) => Err(malformed("the kubeconfig at `~/.kube/config`", &error)),
    }
}

fn read_file(path: &Path) -> Result<Kubeconfig, ClusterError> {
    Kubeconfig::read_from(path)
        .map_err(|error| malformed(&format!("the kubeconfig `{}`", path.display()), &error))
}

fn malformed(which: &str, error: &KubeconfigError) -> ClusterError {
    let message = match error {
        KubeconfigError::ReadConfig(cause, path) => {
            format!("cannot read the kubeconfig `{}`: {cause}", path.display())
        }
        KubeconfigError::Parse(cause) => {
            let cause = cause.to_string();
            format!(
                "{which} is malformed: {}",
                cause.lines().next().unwrap_or_default()
            )
        }
        other => format!("{which} cannot be used: {other}"),
    };
    ClusterError::Config { message }
}

async fn from_kubeconfig(
    kubeconfig: Kubeconfig,
    options: &ConnectOptions,
) -> Result<(Config, ContextFacts), ClusterError> {
    let name = chosen_context(&kubeconfig, options)?;
    let entry = kubeconfig.contexts.iter().find(|entry| entry.name == name);
    let context = entry.and_then(|entry| entry.context.as_ref());
    let user = context
        .and_then(|context| context.user.clone())
        .unwrap_or_default();
    let choice = KubeConfigOptions {
        context: Some(name.clone()),
        ..KubeConfigOptions::default()
    };
    let config = Config::from_custom_kubeconfig(kubeconfig, &choice)
        .await
        .map_err(|error| malformed(&format!("the context `{name}`"), &error))?;
    let facts = ContextFacts {
        name,
        namespace: config.default_namespace.clone(),
        server: address(&config),
        user,
    };
    Ok((config, facts))
}

/// The name of the context that applies, after a look whether there is one of that name.
fn chosen_context(kubeconfig: &Kubeconfig, options: &ConnectOptions) -> Result<String, ClusterError> {
    let known: Vec<String> = kubeconfig
        .contexts
        .iter()
        .map(|entry| format!("`{}`", entry.name))
        .collect();
    let known_words = match known.as_slice() {
        [] => "it has none".to_owned(),
        names => format!("it has {}", names.join(", ")),
    };
    let current = kubeconfig.current_context.clone().filter(|name| !name.is_empty());
    let Some(name) = options.context.clone().or(current) else {
        let message = format!("the kubeconfig names no current context; {known_words}");
        return Err(ClusterError::Config { message });
    };
    if kubeconfig.contexts.iter().all(|entry| entry.name != name) {
        let message = format!("the kubeconfig has no context `{name}`; {known_words}");
        return Err(ClusterError::Config { message });
    }
    Ok(name)
}

/// The account of the pod that we run in.
fn from_pod(options: &ConnectOptions) -> Result<(Config, ContextFacts), ClusterError> {
    if let Some(name) = &options.context {
        let message = format!("there is no kubeconfig to look for the context `{name}` in");
        return Err(ClusterError::Config { message });
    }
    let config = Config::incluster().map_err(|_| ClusterError::Config {
        message: "no kubeconfig found: KUBECONFIG is not set, and there is no `~/.kube/config`".to_owned(),
    })?;
    let facts = ContextFacts {
        name: "in-cluster".to_owned(),
        namespace: config.default_namespace.clone(),
        server: address(&config),
        user: "the pod's service account".to_owned(),
    };
    Ok((config, facts))
}

fn address(config: &Config) -> String {
    config.cluster_url.to_string().trim_end_matches('/').to_owned()
}

fn act_as(
    config: &mut Config,
    facts: &mut ContextFacts,
    options: &ConnectOptions,
) -> Result<(), ClusterError> {
    if options.impersonate.is_none() && !options.impersonate_groups.is_empty() {
        let message = "groups to act with need somebody to act as (`--as`)".to_owned();
        return Err(ClusterError::Config { message });
    }
    if let Some(user) = &options.impersonate {
        config.auth_info.impersonate = Some(user.clone());
        config.auth_info.impersonate_groups = Some(options.impersonate_groups.clone());
    }
    if let Some(user) = &config.auth_info.impersonate {
        facts.user.clone_from(user);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    const TWO: &str = "
apiVersion: v1
kind: Config
current-context: dev
clusters: [{name: one, cluster: {server: 'http://127.0.0.1:1'}}]
users: [{name: ann, user: {token: t}}]
contexts:
- {name: dev, context: {cluster: one, user: ann, namespace: shop}}
- {name: prod, context: {cluster: one, user: ann}}
";

    fn inline(text: &str) -> ConnectOptions {
        ConnectOptions {
            inline: Some(text.to_owned()),
            ..ConnectOptions::default()
        }
    }

    async fn failure(options: ConnectOptions) -> String {
        match Cluster::connect(&options).await {
            Ok(_) => panic!("connected"),
            Err(error) => error.to_string(),
        }
    }

    #[tokio::test]
    async fn the_current_context_tells_where_and_who() {
        let cluster = Cluster::connect(&inline(TWO)).await.unwrap();
        let facts = ContextFacts {
            name: "dev".to_owned(),
            namespace: "shop".to_owned(),
            server: "http://127.0.0.1:1".to_owned(),
            user: "ann".to_owned(),
        };
        assert_eq!(*cluster.context(), facts);
    }

    #[tokio::test]
    async fn flags_win_over_the_kubeconfig() {
        let options = ConnectOptions {
            context: Some("prod".to_owned()),
            namespace: Some("blog".to_owned()),
            impersonate: Some("bob".to_owned()),
            ..inline(TWO)
        };
        let cluster = Cluster::connect(&options).await.unwrap();
        let facts = cluster.context();
        assert_eq!(
            (facts.name.as_str(), facts.namespace.as_str(), facts.user.as_str()),
            ("prod", "blog", "bob")
        );
    }

    #[tokio::test]
    async fn an_unknown_context_lists_the_known_ones() {
        let options = ConnectOptions {
            context: Some("staging".to_owned()),
            ..inline(TWO)
        };
        let message = failure(options).await;
        assert_eq!(
            message,
            "the kubeconfig has no context `staging`; it has `dev`, `prod`"
        );
    }

    #[tokio::test]
    async fn a_malformed_kubeconfig_is_told_apart_from_a_missing_one() {
        let message = failure(inline("clusters: 7")).await;
        assert!(
            message.starts_with("the kubeconfig given as text is malformed: "),
            "{message}"
        );
        let options = ConnectOptions {
            kubeconfig: Some(PathBuf::from("/nowhere/config")),
            ..ConnectOptions::default()
        };
        let message = failure(options).await;
        assert!(
            message.starts_with("cannot read the kubeconfig `/nowhere/config`: "),
            "{message}"
        );
    }

    #[tokio::test]
    async fn a_failing_login_command_is_named_with_its_last_words() {
        let exec = TWO.replace(
            "{token: t}",
            "{exec: {apiVersion: client.authentication.k8s.io/v1, interactiveMode: Never, command: sh, args: ['-c', 'echo no ticket >&2; exit 3']}}",
        );
        let message = failure(inline(&exec)).await;
        assert!(
            message.starts_with("the login command of the kubeconfig failed")
                && message.ends_with(": no ticket"),
            "{message}"
        );
    }

    #[tokio::test]
    async fn a_server_that_is_not_there_is_unreachable() {
        let cluster = Cluster::connect(&inline(TWO)).await.unwrap();
        let error = cluster.fetch("/api/v1/namespaces/shop").await.unwrap_err();
        assert!(matches!(error, ClusterError::Unreachable { .. }), "{error:?}");
        assert!(
            error
                .to_string()
                .starts_with("cannot reach the cluster at `http://127.0.0.1:1`: "),
            "{error}"
        );
    }
}
