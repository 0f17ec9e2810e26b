//! Resource metrics: plausible numbers that are the same on every reading.

use std::sync::Arc;

use axum::Json;
use axum::response::{IntoResponse as _, Response};
use jiff::Timestamp;
use serde_json::{Value, json};

use super::cluster::{Cluster, format_time};
use super::json::{items, name, namespace, text};
use super::quantity;
use super::read::{List, Selection};
use super::request::{Asked, Target};
use super::resource::Resource;
use super::status::ApiError;

/// Answers a get or list of pod or node metrics.
pub(super) fn answer(
    cluster: &Cluster,
    resource: &Resource,
    asked: &Asked,
    target: &Target,
) -> Result<Response, ApiError> {
    if target.name.is_empty() {
        let selection = Selection::read(&asked.query, &target.namespace)?;
        let sources = cluster
            .store
            .list(&resource.plural, selection.namespace.as_deref());
        let all = sources
            .iter()
            .filter(|source| selection.matches(resource, source))
            .filter_map(|source| measured(cluster, resource, source))
            .map(Arc::new)
            .collect();
        return List::of(cluster, resource, all, asked.shape(), &asked.query).map(List::respond);
    }
    cluster
        .get(&resource.plural, &target.namespace, &target.name)
        .and_then(|source| measured(cluster, resource, &source))
        .map(|made| Json(made).into_response())
        .ok_or_else(|| ApiError::not_found(resource, &target.name))
}

fn measured(cluster: &Cluster, resource: &Resource, source: &Value) -> Option<Value> {
    if resource.plural == "nodes" {
        Some(node(cluster, source))
    } else {
        pod(cluster.now(), source)
    }
}

/// CPU in thousandths of a core and memory in mebibytes that one container uses.
pub(super) fn usage(pod: &Value, container: &Value) -> (u64, u64) {
    let seed = format!("{}/{}", name(pod), text(container, "/name"));
    let draw = seed.bytes().fold(17_u64, |sum, byte| {
        sum.wrapping_mul(31).wrapping_add(u64::from(byte))
    });
    let share = 25 + draw % 50;
    let cpu = requested(container, "cpu", 1000.0).unwrap_or(40);
    let memory = requested(container, "memory", 1.0 / 1_048_576.0).unwrap_or(64);
    ((cpu * share / 100).max(1), (memory * (share + 15) / 100).max(1))
}

#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
fn requested(container: &Value, kind: &str, factor: f64) -> Option<u64> {
    let amount = quantity::parse(text(container, &format!("/resources/requests/{kind}")))?;
    Some((amount * factor).clamp(0.0, 1e12) as u64)
}

fn pod(now: Timestamp, pod: &Value) -> Option<Value> {
    if text(pod, "/status/phase") != "Running" {
        return None;
    }
    let containers: Vec<Value> = items(pod, "/spec/containers")
        .iter()
        .map(|container| {
            let (cpu, memory) = usage(pod, container);
            json!({"name": text(container, "/name"), "usage": {"cpu": format!("{cpu}m"), "memory": format!("{memory}Mi")}})
        })
        .collect();
    Some(
        json!({"kind": "PodMetrics", "apiVersion": "metrics.k8s.io/v1beta1",
        "metadata": {"name": name(pod), "namespace": namespace(pod), "labels": pod.pointer("/metadata/labels"),
            "creationTimestamp": format_time(now)},
        "timestamp": format_time(now), "window": "15s", "containers": containers}),
    )
}

fn node(cluster: &Cluster, node: &Value) -> Value {
    let (mut cpu, mut memory) = (150, 900);
    for pod in cluster.store.list("pods", None) {
        if text(&pod, "/spec/nodeName") == name(node) && text(&pod, "/status/phase") == "Running" {
            for container in items(&pod, "/spec/containers") {
                let used = usage(&pod, container);
                cpu += used.0;
                memory += used.1;
            }
        }
    }
    let now = format_time(cluster.now());
    json!({"kind": "NodeMetrics", "apiVersion": "metrics.k8s.io/v1beta1",
        "metadata": {"name": name(node), "labels": node.pointer("/metadata/labels"), "creationTimestamp": now},
        "timestamp": now, "window": "20s", "usage": {"cpu": format!("{cpu}m"), "memory": format!("{memory}Mi")}})
}
