//! What Sayso needs, looked at one thing after the other. Nothing is made, fetched or changed.

mod machine;

use std::path::Path;

use serde::Serialize;

use super::connect::{Connection, model, options};
use super::models;
use crate::artefact::{Device, Machine, Manifest};
use crate::audit::{AuditError, AuditLog};
use crate::cluster::{Cluster, ClusterError};
use crate::config::{Config, ModelChoice};
use crate::llm::Model;
use crate::plan::{Proposal, parse};
use crate::sandbox;

/// How something is. Ordered: the worst of several is their `max`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum State {
    /// As it should be.
    Ok,
    /// It works for now, or in part.
    Warn,
    /// Requests will fail because of it.
    Fail,
}

/// One thing that was looked at.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Check {
    /// What it is: `context`, `server`, `access`, `memory`, `gpu`, `engine`, `room`, `model`, `audit`, `folder ...`.
    pub name: String,
    /// How it is.
    pub state: State,
    /// What was found: one lower-case clause.
    pub detail: String,
    /// What to do about it.
    pub hint: Option<String>,
}

impl Check {
    fn new(name: &str, state: State, detail: impl Into<String>) -> Check {
        Check {
            name: name.to_owned(),
            state,
            detail: detail.into(),
            hint: None,
        }
    }

    fn with_hint(mut self, hint: Option<impl Into<String>>) -> Check {
        self.hint = hint.map(Into::into);
        self
    }
}

/// Looks at everything, in the order in which a request needs it.
pub async fn examine(config: &Config, connection: &Connection) -> Vec<Check> {
    let mut checks = folders(config);
    checks.push(audit(config));
    checks.extend(cluster(config, connection).await);
    checks.extend(planner(config).await);
    checks
}

/// Whether files can be put where they belong.
fn folders(config: &Config) -> Vec<Check> {
    let places = &config.places;
    let all = [
        ("audit", &places.audit),
        ("models", &places.models),
        ("cache", &places.cache),
        ("runtime", &places.runtime),
    ];
    all.into_iter()
        .map(|(name, path)| folder(&format!("folder {name}"), path))
        .collect()
}

/// The folder is there and can be written to, or can be made.
fn folder(name: &str, path: &Path) -> Check {
    let Some(nearest) = path.ancestors().find(|path| path.symlink_metadata().is_ok()) else {
        return Check::new(name, State::Fail, format!("`{}` cannot be made", path.display()));
    };
    let shown = path.display();
    if !nearest.is_dir() {
        let check = Check::new(
            name,
            State::Fail,
            format!("`{}` is not a folder", nearest.display()),
        );
        return check.with_hint(Some("move that file away"));
    }
    if !is_writable(nearest) {
        let check = Check::new(
            name,
            State::Fail,
            format!("no permission to write to `{}`", nearest.display()),
        );
        return check.with_hint(Some(
            "make it yours (`chown`), or choose another place with XDG variables",
        ));
    }
    let detail = if nearest == path {
        format!("`{shown}`")
    } else {
        format!("`{shown}`, made at first use")
    };
    Check::new(name, State::Ok, detail)
}

#[cfg(unix)]
fn is_writable(folder: &Path) -> bool {
    use rustix::fs::{Access, access};
    access(folder, Access::WRITE_OK | Access::EXEC_OK).is_ok()
}

#[cfg(not(unix))]
fn is_writable(folder: &Path) -> bool {
    folder
        .metadata()
        .is_ok_and(|found| !found.permissions().readonly())
}

/// Whether the record is whole.
fn audit(config: &Config) -> Check {
    match AuditLog::at(&config.places.audit).verify() {
        Ok(found) if found.intact() => {
            Check::new("audit", State::Ok, format!("intact, {} records", found.records))
        }
        Ok(found) => {
            let first = found.breaks.first();
            let place = first.map_or_else(String::new, |found| {
                format!(" at line {}: {}", found.line, found.reason)
            });
            Check::new("audit", State::Fail, format!("the record is broken{place}")).with_hint(Some(
                "`sayso audit verify` lists every break; keep the file as evidence",
            ))
        }
        Err(AuditError::Missing { .. }) => Check::new("audit", State::Ok, "nothing is recorded yet"),
        Err(error) => Check::new("audit", State::Fail, error.to_string()).with_hint(error.hint()),
    }
}

/// Whether there is a cluster, and what we may do there.
async fn cluster(config: &Config, connection: &Connection) -> Vec<Check> {
    let sandbox = match super::connect::sandbox(connection).await {
        Ok(sandbox) => sandbox,
        Err(error) => return vec![Check::new("context", State::Fail, format!("{error:#}"))],
    };
    let cluster = match Cluster::connect(&options(config, connection, sandbox.as_ref())).await {
        Ok(cluster) => cluster,
        Err(error) => return vec![trouble("context", &error)],
    };
    let facts = cluster.context();
    let place = format!(
        "`{}`, namespace `{}`, as `{}`",
        facts.name, facts.namespace, facts.user
    );
    let mut checks = vec![Check::new("context", State::Ok, place)];
    match cluster.version().await {
        Ok(version) => {
            checks.push(Check::new(
                "server",
                State::Ok,
                format!("`{}` answers, version {version}", facts.server),
            ));
            checks.push(access(&cluster).await);
        }
        Err(error) => checks.push(trouble("server", &error)),
    }
    drop::<Option<sandbox::Running>>(sandbox);
    checks
}

fn trouble(name: &str, error: &ClusterError) -> Check {
    Check::new(name, State::Fail, error.to_string()).with_hint(error.hint())
}

/// What most requests need: to see workloads, and to change them.
async fn access(cluster: &Cluster) -> Check {
    let mut missing = Vec::new();
    for wanted in ["list pods", "list deployments", "patch deployments"] {
        let Ok(Proposal::Plan(question)) = parse(&format!("auth can-i {wanted}")) else {
            continue;
        };
        match cluster.read(&question.steps()[0]).await {
            Ok(answer) if answer.text.starts_with("yes") => {}
            Ok(_) => missing.push(wanted),
            Err(error) => return trouble("access", &error),
        }
    }
    let namespace = &cluster.context().namespace;
    if missing.is_empty() {
        return Check::new(
            "access",
            State::Ok,
            format!("may see and change workloads in `{namespace}`"),
        );
    }
    Check::new(
        "access",
        State::Warn,
        format!("may not {} in `{namespace}`", missing.join(", ")),
    )
    .with_hint(Some("ask for the access, or use another context or `--as`"))
}

/// Whether there is somebody to plan, and what there is to compute on.
async fn planner(config: &Config) -> Vec<Check> {
    let looked = tokio::task::spawn_blocking({
        let config = config.clone();
        move || {
            let facts = models::engine_facts(&config);
            let (machine, device) = models::place(&config);
            (machine, device, facts)
        }
    });
    let Ok((machine, device, facts)) = looked.await else {
        return vec![Check::new(
            "memory",
            State::Fail,
            "the machine could not be looked at",
        )];
    };
    let mut checks = machine::checks(&machine);
    if !matches!(config.model, ModelChoice::Endpoint { .. }) {
        checks.push(machine::engine(&machine, facts.as_ref()));
    }
    checks.push(machine::room(&machine, device));
    checks.push(asked(config, &machine, device).await);
    checks
}

/// Whether the model itself is there.
async fn asked(config: &Config, machine: &Machine, device: Device) -> Check {
    match (&config.model, model(config)) {
        (_, Err(error)) => {
            Check::new("model", State::Fail, format!("{error:#}")).with_hint(super::hint(&error))
        }
        (
            ModelChoice::Stored {
                name, context_tokens, ..
            },
            Ok(_),
        ) => stored(config, name, *context_tokens, machine, device),
        (_, Ok(Model::Endpoint(endpoint))) => match endpoint.probe().await {
            Ok(()) => {
                let identity = endpoint.identity();
                let detail = format!("`{}` answers, for `{}`", identity.endpoint, identity.name);
                Check::new("model", State::Ok, detail)
            }
            Err(error) => Check::new("model", State::Fail, error.to_string()).with_hint(error.hint()),
        },
        (_, Ok(_)) => files(&config.places.models.join("planner")),
    }
}

/// Whether a model of the store is what its manifest says, and fits.
fn stored(config: &Config, name: &str, tokens: Option<u64>, machine: &Machine, device: Device) -> Check {
    let found = models::store(config).open(name).and_then(|stored| {
        stored.manifest.verify(&stored.folder, false, &mut |_| {})?;
        Ok(stored)
    });
    let stored = match found {
        Ok(stored) => stored,
        Err(error) => return Check::new("model", State::Fail, error.to_string()).with_hint(error.hint()),
    };
    let verdict = stored.judge(tokens.unwrap_or(models::TOKENS), device, machine);
    match verdict.refuse(name) {
        Ok(()) => Check::new(
            "model",
            State::Ok,
            format!("`{name}` is whole, {}", machine::need(&verdict)),
        ),
        // It may be loaded already, and then its own memory is what is missing.
        Err(error) => Check::new("model", State::Warn, error.to_string()).with_hint(error.hint()),
    }
}

/// Whether the planner's weights are there. The manifest is written last, so whoever finds it finds the rest.
fn files(folder: &Path) -> Check {
    match Manifest::read(folder) {
        Ok(Some(_)) => Check::new(
            "model",
            State::Ok,
            format!("the planner's files are in `{}`", folder.display()),
        ),
        Ok(None) | Err(_) => Check::new("model", State::Warn, "the planner's files are not there yet")
            .with_hint(Some("the first request fetches and prepares them, once")),
    }
}
