//! `describe`: all about an object, in the order and words of kubectl, with the events about it.

mod container;
mod generic;
mod node;
mod others;
mod pod;
mod report;
mod service;
mod workload;

use futures::future::join_all;
use jiff::Timestamp;
use serde_json::Value;

use super::grid::align;
use super::json::text;
use super::mask::mask;
use super::{ReadOutput, Reader, document, events, pods};
use crate::cluster::{ClusterError, Served};
use crate::plan::command::{Describe, DescribeKind};
use report::Report;

pub(super) use service::{endpoint_query, endpoints};

/// What stands in other objects and belongs to the description. Empty where it may not be read.
#[derive(Clone, Debug, Default)]
pub(super) struct Related {
    pub(super) events: Vec<Value>,
    pub(super) pods: Vec<Value>,
    pub(super) replica_sets: Vec<Value>,
    pub(super) endpoint_slices: Vec<Value>,
}

/// `describe KIND/NAME ...`.
pub(super) async fn objects(reader: Reader<'_>, command: &Describe) -> Result<ReadOutput, ClusterError> {
    let asked = command.targets.0.iter().map(|target| reader.object(&target.0));
    let (mut found, mut errors) = (Vec::new(), Vec::new());
    for answer in join_all(asked).await {
        match answer {
            Ok((served, object)) => found.push((served.kind(), object)),
            Err(error) => errors.push(error),
        }
    }
    if found.is_empty() && !errors.is_empty() {
        return Err(errors.swap_remove(0));
    }
    let output = all(reader, found, false).await;
    Ok(ReadOutput {
        notices: errors.iter().map(ToString::to_string).collect(),
        ..output
    })
}

/// `describe KIND`.
pub(super) async fn kind(reader: Reader<'_>, command: &DescribeKind) -> Result<ReadOutput, ClusterError> {
    let served: Served = reader.served(&command.kind.0).await?;
    let selector = command
        .selector
        .as_ref()
        .map(|selector| ("labelSelector", selector.0.as_str()));
    let query: Vec<_> = selector.into_iter().collect();
    let objects = reader
        .cluster
        .objects(&served, reader.namespace(), &query)
        .await?;
    if objects.is_empty() {
        let text = match reader.namespace() {
            Some(namespace) if served.namespaced => {
                format!("No resources found in {namespace} namespace.")
            }
            _ => "No resources found".to_owned(),
        };
        return Ok(ReadOutput::nothing(&text, Some(document::whole(objects, true))));
    }
    let found = objects
        .into_iter()
        .map(|object| (served.kind(), object))
        .collect();
    Ok(all(reader, found, true).await)
}

async fn all(reader: Reader<'_>, mut found: Vec<(String, Value)>, is_list: bool) -> ReadOutput {
    // Masked before anything is rendered, so that no renderer can show what it must not.
    for (_, object) in &mut found {
        mask(object);
    }
    let mut texts = Vec::new();
    for (kind, object) in &found {
        let related = related(reader, kind, object).await;
        texts.push(render(kind, object, &related, reader.now));
    }
    let objects = found.into_iter().map(|(_, object)| object).collect();
    ReadOutput::new(&texts.join("\n\n"), Some(document::whole(objects, is_list)))
}

/// What else is read for a description. A part that may not be read is left out: the rest is still worth showing.
pub(super) async fn related(reader: Reader<'_>, kind: &str, object: &Value) -> Related {
    let namespace = Some(text(object, "/metadata/namespace"));
    let mut related = Related {
        events: events::about(reader, object).await,
        ..Related::default()
    };
    match kind {
        "replicaset" | "statefulset" | "daemonset" | "node" => {
            related.pods = pods::of(reader, kind, object).await.unwrap_or_default();
        }
        "deployment" => {
            let mut sets = reader.all("replicaset", namespace, &[]).await.unwrap_or_default();
            sets.retain(|set| pods::is_owned(set, object));
            related.replica_sets = sets;
        }
        "persistentvolumeclaim" => {
            let mut pods = reader.all("pod", namespace, &[]).await.unwrap_or_default();
            pods.retain(|pod| pods::mounts_claim(pod, text(object, "/metadata/name")));
            related.pods = pods;
        }
        "service" => related.endpoint_slices = endpoint_query(reader, object).await,
        _ => {}
    }
    related
}

/// The description of an object by its kind in the plan language. The object is masked already.
pub(super) fn render(kind: &str, object: &Value, related: &Related, now: Timestamp) -> String {
    let mut report = Report::new(now);
    match kind {
        "pod" => pod::render(&mut report, object),
        "deployment" => workload::deployment(&mut report, object, related),
        "replicaset" | "statefulset" | "daemonset" => workload::set(&mut report, object, related),
        "job" => workload::job(&mut report, object),
        "cronjob" => workload::cron_job(&mut report, object),
        "service" => service::render(&mut report, object, related),
        "node" => node::render(&mut report, object, related),
        "secret" => others::secret(&mut report, object),
        "configmap" => others::config_map(&mut report, object),
        "ingress" => others::ingress(&mut report, object),
        "persistentvolumeclaim" => others::claim(&mut report, object, related),
        "namespace" => others::namespace(&mut report, object),
        _ => generic::render(&mut report, object),
    }
    if kind != "secret" {
        report.raw(&events::section(&related.events, now));
    }
    align(&report.finish(), 0, 2)
}

/// A pod template as `rollout history` shows it, cells ending in tabs.
pub(super) fn template(template: &Value) -> String {
    let mut report = Report::new(Timestamp::UNIX_EPOCH);
    container::template(&mut report, template);
    report.finish()
}
