//! From a configuration to the parts that a session needs: a cluster, a model, an audit log.

use std::ffi::OsString;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;

use super::adviser::Adviser;
use super::library::Library;
use crate::artefact::{Store, Stored};
use crate::audit::AuditLog;
use crate::cluster::{Cluster, ConnectOptions};
use crate::config::{Config, ModelChoice, Reach, Secret};
use crate::llm::{ApiKey, Endpoint, EndpointConfig, LocalEngine, Model, Timeouts, Transport};
use crate::{sandbox, sign};

/// Where a session takes place.
#[derive(Clone, Debug, Default)]
pub struct Connection {
    /// A kubeconfig file.
    pub kubeconfig: Option<PathBuf>,
    /// Somebody to act as.
    pub impersonate: Option<String>,
    /// Groups to act with.
    pub impersonate_groups: Vec<String>,
    /// A sandbox in this process instead of a real cluster: its seed.
    pub sandbox: Option<sandbox::Seed>,
}

/// The parts that a session needs. The sandbox, if any, ends with it.
pub struct Parts {
    /// The cluster.
    pub cluster: Cluster,
    /// The model.
    pub model: Model,
    /// Who explains, if somebody does.
    pub adviser: Option<Adviser>,
    /// The audit log.
    pub audit: AuditLog,
    /// The knowledge base.
    pub library: Library,
    /// Keeps the sandbox alive.
    pub sandbox: Option<sandbox::Running>,
}

/// Makes the parts. The audit log comes first: without a place to record, nothing is begun.
pub async fn connect(config: &Config, connection: &Connection) -> anyhow::Result<Parts> {
    let audit = sign_with(AuditLog::open(&config.places.audit)?, config);
    let sandbox = sandbox(connection).await?;
    let cluster = Cluster::connect(&options(config, connection, sandbox.as_ref())).await?;
    Ok(Parts {
        cluster,
        model: model(config)?,
        adviser: Adviser::configured(config)?,
        audit,
        library: Library::new(config),
        sandbox,
    })
}

/// A log that signs how far it has come. Without a key that can sign, it does without: what is recorded is recorded.
fn sign_with(log: AuditLog, config: &Config) -> AuditLog {
    match sign::load_or_create(&config.signing_key, &config.user) {
        Ok(key) => log.signed_by(Arc::new(key)),
        Err(error) => {
            tracing::warn!("the audit log goes unsigned: {error}");
            log
        }
    }
}

/// Starts the sandbox, if one is wanted.
pub(super) async fn sandbox(connection: &Connection) -> anyhow::Result<Option<sandbox::Running>> {
    let Some(seed) = &connection.sandbox else {
        return Ok(None);
    };
    let options = sandbox::Options {
        seed: seed.clone(),
        ..sandbox::Options::default()
    };
    Ok(Some(
        sandbox::start(options)
            .await
            .context("the sandbox did not start")?,
    ))
}

/// How to reach the cluster.
pub(super) fn options(
    config: &Config,
    connection: &Connection,
    sandbox: Option<&sandbox::Running>,
) -> ConnectOptions {
    ConnectOptions {
        inline: sandbox.map(sandbox::Running::kubeconfig),
        kubeconfig: connection.kubeconfig.clone(),
        // A sandbox has one context of its own; the configured one is about real clusters.
        context: config.context.clone().filter(|_| sandbox.is_none()),
        namespace: config.namespace.clone(),
        impersonate: connection.impersonate.clone(),
        impersonate_groups: connection.impersonate_groups.clone(),
    }
}

/// The model that plans; nothing is asked of it yet.
pub fn model(config: &Config) -> anyhow::Result<Model> {
    model_of(config, &config.model)
}

/// The model of a choice; nothing is asked of it yet.
///
/// # Errors
///
/// When a model of this machine is not there, or a server's settings make no sense.
pub fn model_of(config: &Config, choice: &ModelChoice) -> anyhow::Result<Model> {
    match choice {
        ModelChoice::Embedded { idle_seconds } => {
            let idle = Duration::from_secs(*idle_seconds);
            Ok(Model::Local(planner(config, idle)?))
        }
        ModelChoice::Stored {
            name,
            idle_seconds,
            context_tokens,
        } => {
            let stored = Store::new(&config.places.models).open(name)?;
            let idle = Duration::from_secs(*idle_seconds);
            Ok(Model::Local(stored_model(
                config,
                &stored,
                *context_tokens,
                idle,
            )?))
        }
        ModelChoice::Endpoint {
            url,
            name,
            dialect,
            key,
            reach,
        } => {
            let endpoint = EndpointConfig {
                base_url: url.clone(),
                model: name.clone(),
                key: key_of(key.as_ref(), reach)?,
                dialect: dialect.parse()?,
                timeouts: timeouts(reach),
                transport: transport(reach)?,
                memory: Some(config.places.cache.join("servers")),
            };
            Ok(Model::Endpoint(Endpoint::new(endpoint)?))
        }
    }
}

/// The key: from the program that keeps it, if one was named, else from the environment.
fn key_of(key: Option<&Secret>, reach: &Reach) -> anyhow::Result<Option<ApiKey>> {
    if !reach.key_command.is_empty() {
        return super::key::from_command(&reach.key_command).map(Some);
    }
    Ok(key.map(|key| ApiKey::from(key.reveal().to_owned())))
}

fn timeouts(reach: &Reach) -> Timeouts {
    let default = Timeouts::default();
    let seconds = |configured: Option<u64>, default| configured.map_or(default, Duration::from_secs);
    Timeouts {
        first_token: seconds(reach.first_token_seconds, default.first_token),
        whole: seconds(reach.whole_seconds, default.whole),
        ..default
    }
}

fn transport(reach: &Reach) -> anyhow::Result<Transport> {
    let read =
        |path: &PathBuf| std::fs::read(path).with_context(|| format!("cannot read `{}`", path.display()));
    Ok(Transport {
        proxy: reach
            .proxy
            .as_ref()
            .map(|proxy| ApiKey::from(proxy.reveal().to_owned())),
        ca: reach.ca.as_ref().map(read).transpose()?,
    })
}

/// The folder of the planner that comes with Sayso, among the models.
const PLANNER: &str = "planner";

/// Whether it is the planner that was trained for this, and needs no instructions.
pub(super) fn is_trained(model: &Model) -> bool {
    matches!(model, Model::Local(engine) if engine.model_dir.ends_with(PLANNER))
}

fn planner(config: &Config, idle: Duration) -> anyhow::Result<LocalEngine> {
    let (program, arguments) = engine_command()?;
    Ok(LocalEngine {
        program,
        arguments,
        model_dir: config.places.models.join(PLANNER),
        socket: socket(config, ""),
        log: config.places.cache.join("engine.log"),
        idle,
    })
}

/// A model of the store has an engine of its own, that makes nothing: what is not in the folder is not loaded.
fn stored_model(
    config: &Config,
    stored: &Stored,
    context_tokens: Option<u64>,
    idle: Duration,
) -> anyhow::Result<LocalEngine> {
    let (program, mut arguments) = engine_command()?;
    arguments.push(OsString::from("--stored"));
    let digest = stored.digest.trim_start_matches("sha256:");
    let mut mark = format!("-{}", digest.get(..12).unwrap_or(digest));
    if let Some(tokens) = context_tokens {
        arguments.extend([OsString::from("--context-tokens"), tokens.to_string().into()]);
        mark.push_str(&format!("-{tokens}"));
    }
    Ok(LocalEngine {
        program,
        arguments,
        model_dir: stored.folder.clone(),
        socket: socket(config, &mark),
        log: config.places.cache.join("engine.log"),
        idle,
    })
}

/// A socket a version and a model: a new binary does not talk to the engine of an old one.
fn socket(config: &Config, mark: &str) -> PathBuf {
    let name = format!("engine-{}{mark}.sock", env!("CARGO_PKG_VERSION"));
    config.places.runtime.join(name)
}

/// How to start the engine: `sayso-engine` beside this program, else this program itself where the engine is built in
/// (`cargo run` builds one binary only), else `sayso-engine` from PATH.
pub fn engine_command() -> anyhow::Result<(PathBuf, Vec<OsString>)> {
    let this = std::env::current_exe().context("cannot find this program's own file")?;
    let beside = this.with_file_name("sayso-engine");
    if beside.is_file() {
        return Ok((beside, Vec::new()));
    }
    if cfg!(feature = "engine") {
        return Ok((this, vec![OsString::from(ENGINE_COMMAND)]));
    }
    Ok((PathBuf::from("sayso-engine"), Vec::new()))
}

/// The hidden command under which `sayso` is an engine.
pub const ENGINE_COMMAND: &str = "engine-host";
