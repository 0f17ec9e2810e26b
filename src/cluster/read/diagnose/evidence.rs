//! What a diagnosis looks at.

use futures::future::join_all;
use jiff::{SignedDuration, Timestamp};
use serde_json::Value;

use super::super::json::{container_status, entries, items, number, text};
use super::super::logs::Wanted;
use super::super::mask::mask;
use super::super::{Reader, describe, events, pods};
use crate::cluster::ClusterError;
use crate::plan::Target;
use crate::plan::printable::printable;

/// Lines of each log.
const LOG_LINES: u32 = 20;
/// Logs at the most: pods of one owner fail alike.
const LOGS: usize = 4;
/// How old a warning may be.
const RECENT: SignedDuration = SignedDuration::from_hours(1);

/// Kinds to which no service leads by their labels.
pub(super) const ALONE: [&str; 5] = [
    "node",
    "persistentvolumeclaim",
    "job",
    "cronjob",
    "horizontalpodautoscaler",
];

/// Everything that was seen.
#[derive(Clone, Debug, Default)]
pub(in super::super) struct Evidence {
    /// Kind of the object in the plan language.
    pub kind: String,
    /// The object.
    pub object: Value,
    /// Its pods.
    pub pods: Vec<Value>,
    /// Warnings of the last hour about it, its pods and what stands between.
    pub warnings: Vec<Value>,
    /// Ends of logs of containers that fail.
    pub logs: Vec<LogEnd>,
    /// Claims that its pods use, or the claim itself.
    pub claims: Vec<Claim>,
    /// Services that lead to its pods, or that it leads to.
    pub backends: Vec<Backend>,
    /// When it was seen.
    pub now: Timestamp,
}

/// The end of a log.
#[derive(Clone, Debug)]
pub(in super::super) struct LogEnd {
    pub pod: String,
    pub container: String,
    /// Whether it is of the run before the last restart.
    pub previous: bool,
    pub text: String,
}

/// A claim by name, with the object if there is one.
#[derive(Clone, Debug)]
pub(in super::super) struct Claim {
    pub name: String,
    pub object: Option<Value>,
}

/// A service by name, with the object if there is one, and its addresses.
#[derive(Clone, Debug)]
pub(in super::super) struct Backend {
    pub name: String,
    pub object: Option<Value>,
    pub slices: Vec<Value>,
}

impl Evidence {
    /// Looks at an object and around it. What may not be read is left out, except for the object.
    pub(super) async fn collect(reader: Reader<'_>, target: &Target) -> Result<Evidence, ClusterError> {
        let (served, mut object) = reader.object(target).await?;
        mask(&mut object);
        let kind = served.kind();
        let namespace = text(&object, "/metadata/namespace").to_owned();
        let (pods, all_events) = tokio::join!(
            pods::of(reader, &kind, &object),
            reader.all(
                "event",
                Some(&namespace)
                    .filter(|name| !name.is_empty())
                    .map(String::as_str),
                &[]
            )
        );
        let pods = pods.unwrap_or_default();
        let mut evidence = Evidence {
            warnings: warnings(&object, &pods, all_events.unwrap_or_default(), reader.now),
            kind,
            object,
            pods,
            now: reader.now,
            ..Evidence::default()
        };
        let (logs, claims, backends) = tokio::join!(
            logs(reader, &evidence),
            claims(reader, &evidence, &namespace),
            backends(reader, &evidence, &namespace)
        );
        (evidence.logs, evidence.claims, evidence.backends) = (logs, claims, backends);
        Ok(evidence)
    }
}

/// Recent warnings about the object, its pods, or what it made to make them.
fn warnings(object: &Value, pods: &[Value], events: Vec<Value>, now: Timestamp) -> Vec<Value> {
    let name = text(object, "/metadata/name");
    let mut made = format!("{name}-");
    if name.is_empty() {
        made.clear();
    }
    let concerned = |event: &Value| {
        let (kind, about) = (
            text(event, "/involvedObject/kind"),
            text(event, "/involvedObject/name"),
        );
        let is_object = about == name && kind == text(object, "/kind");
        let is_pod = kind == "Pod" && pods.iter().any(|pod| text(pod, "/metadata/name") == about);
        let is_between =
            matches!(kind, "ReplicaSet" | "Job" | "PersistentVolumeClaim") && about.starts_with(&made);
        is_object || is_pod || is_between
    };
    let recent = |event: &Value| {
        let seen: Option<Timestamp> = events::last_seen(event).parse().ok();
        seen.is_some_and(|seen| now.duration_since(seen) <= RECENT)
    };
    let mut found: Vec<Value> = events
        .into_iter()
        .filter(|event| text(event, "/type") == "Warning" && concerned(event) && recent(event))
        .collect();
    found.sort_by_key(|event| events::last_seen(event).parse::<Timestamp>().ok());
    found
}

/// Whether a container fails or failed, by its status.
pub(super) fn fails(status: &Value) -> bool {
    let exits =
        |place: &str| status.pointer(place).is_some() && number(status, &format!("{place}/exitCode")) != 0;
    exits("/state/terminated") || exits("/lastState/terminated")
}

async fn logs(reader: Reader<'_>, evidence: &Evidence) -> Vec<LogEnd> {
    let mut asked = Vec::new();
    for pod in &evidence.pods {
        for container in ["/spec/initContainers", "/spec/containers"]
            .iter()
            .flat_map(|list| items(pod, list))
        {
            let name = text(container, "/name");
            let Some(status) = container_status(pod, name).filter(|status| fails(status)) else {
                continue;
            };
            // A container that waits to be started again has said what matters in the run before.
            let previous = status.pointer("/state/terminated").is_none();
            asked.push((pod, name, previous));
        }
    }
    asked.truncate(LOGS);
    let read = asked.into_iter().map(|(pod, container, previous)| async move {
        let wanted = Wanted {
            tail: Some(LOG_LINES),
            previous,
            ..Wanted::default()
        };
        let log = reader.cluster.log(pod, container, &wanted).await.ok()?;
        Some(LogEnd {
            pod: text(pod, "/metadata/name").to_owned(),
            container: container.to_owned(),
            previous,
            text: printable(&log.text),
        })
    });
    join_all(read).await.into_iter().flatten().collect()
}

async fn claims(reader: Reader<'_>, evidence: &Evidence, namespace: &str) -> Vec<Claim> {
    if evidence.kind == "persistentvolumeclaim" {
        return vec![Claim::of(&evidence.object)];
    }
    let is_used = evidence.pods.iter().any(|pod| claims_of(pod).next().is_some());
    if !is_used || evidence.kind == "node" {
        return Vec::new();
    }
    match reader.all("persistentvolumeclaim", Some(namespace), &[]).await {
        Ok(all) => used(&evidence.pods, &all.iter().collect::<Vec<_>>()),
        Err(_) => Vec::new(),
    }
}

impl Claim {
    /// A claim that is there.
    pub(super) fn of(object: &Value) -> Claim {
        Claim {
            name: text(object, "/metadata/name").to_owned(),
            object: Some(object.clone()),
        }
    }
}

/// The claims that pods use, found among all of their namespace.
pub(super) fn used(pods: &[Value], all: &[&Value]) -> Vec<Claim> {
    let mut names: Vec<&str> = pods.iter().flat_map(claims_of).collect();
    names.sort_unstable();
    names.dedup();
    let claim = |name: &str| {
        let object = all.iter().find(|claim| text(claim, "/metadata/name") == name);
        Claim {
            name: name.to_owned(),
            object: object.map(|&claim| claim.clone()),
        }
    };
    names.into_iter().map(claim).collect()
}

/// Names of the claims that a pod uses.
fn claims_of(pod: &Value) -> impl Iterator<Item = &str> {
    items(pod, "/spec/volumes")
        .iter()
        .map(|volume| text(volume, "/persistentVolumeClaim/claimName"))
        .filter(|name| !name.is_empty())
}

async fn backends(reader: Reader<'_>, evidence: &Evidence, namespace: &str) -> Vec<Backend> {
    if ALONE.contains(&evidence.kind.as_str()) {
        return Vec::new();
    }
    let Ok(services) = reader.all("service", Some(namespace), &[]).await else {
        return Vec::new();
    };
    let found = leading(&evidence.kind, &evidence.object, &services)
        .into_iter()
        .map(|name| {
            let object = services
                .iter()
                .find(|service| text(service, "/metadata/name") == name)
                .cloned();
            async move {
                let slices = match &object {
                    Some(service) => describe::endpoint_query(reader, service).await,
                    None => Vec::new(),
                };
                Backend { name, object, slices }
            }
        });
    join_all(found).await
}

/// The names of the services that lead to an object's pods, or that it leads to.
pub(super) fn leading<'a>(
    kind: &str,
    object: &Value,
    services: impl IntoIterator<Item = &'a Value>,
) -> Vec<String> {
    match kind {
        "service" => vec![text(object, "/metadata/name").to_owned()],
        "ingress" => ingress_services(object),
        _ => services
            .into_iter()
            .filter(|service| leads_to(service, object))
            .map(|service| text(service, "/metadata/name").to_owned())
            .collect(),
    }
}

fn ingress_services(ingress: &Value) -> Vec<String> {
    let paths = items(ingress, "/spec/rules")
        .iter()
        .flat_map(|rule| items(rule, "/http/paths"))
        .map(|path| text(path, "/backend/service/name"));
    let default = text(ingress, "/spec/defaultBackend/service/name");
    let mut names: Vec<String> = paths
        .chain([default])
        .filter(|name| !name.is_empty())
        .map(str::to_owned)
        .collect();
    names.sort();
    names.dedup();
    names
}

/// Whether a service selects the pods that an object's template makes, or the pod itself.
fn leads_to(service: &Value, object: &Value) -> bool {
    let labels = object
        .pointer("/spec/template/metadata/labels")
        .or_else(|| object.pointer("/metadata/labels"));
    let wanted = entries(service, "/spec/selector");
    !wanted.is_empty()
        && wanted
            .iter()
            .all(|(key, value)| labels.and_then(|labels| labels.get(key)) == Some(value))
}
