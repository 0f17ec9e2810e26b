//! Which node a pod goes to.

use serde_json::Value;

use crate::sandbox::cluster::Cluster;
use crate::sandbox::json::{entries, flag, items, name, text};
use crate::sandbox::quantity;
use crate::sandbox::selector::Labels;

/// The node for a pod, or why there is none, in the scheduler's words.
pub(super) fn choose(cluster: &Cluster, pod: &Value) -> Result<String, String> {
    let nodes = cluster.store.list("nodes", None);
    let mut obstacles: Vec<&'static str> = Vec::new();
    let mut best: Option<(usize, String)> = None;
    let placed = cluster.store.list("pods", None);
    for node in &nodes {
        if Cluster::fault_of(pod) == "unschedulable" {
            obstacles.push("Insufficient memory");
            continue;
        }
        if let Some(obstacle) = obstacle(pod, node, &placed) {
            obstacles.push(obstacle);
            continue;
        }
        let load = placed
            .iter()
            .filter(|one| text(one, "/spec/nodeName") == name(node))
            .count();
        if best.as_ref().is_none_or(|(least, _)| load < *least) {
            best = Some((load, name(node).to_owned()));
        }
    }
    best.map(|(_, node)| node)
        .ok_or_else(|| explain(nodes.len(), obstacles))
}

fn explain(nodes: usize, mut obstacles: Vec<&'static str>) -> String {
    if nodes == 0 {
        return "no nodes available to schedule pods".into();
    }
    obstacles.sort_unstable();
    let mut parts: Vec<String> = Vec::new();
    let mut distinct = obstacles.clone();
    distinct.dedup();
    for one in distinct {
        parts.push(format!(
            "{} {one}",
            obstacles.iter().filter(|other| **other == one).count()
        ));
    }
    format!(
        "0/{nodes} nodes are available: {}. preemption: 0/{nodes} nodes are available: {nodes} Preemption is not helpful for scheduling.",
        parts.join(", ")
    )
}

fn obstacle(pod: &Value, node: &Value, placed: &[std::sync::Arc<Value>]) -> Option<&'static str> {
    if flag(node, "/spec/unschedulable")
        && !tolerates(pod, "node.kubernetes.io/unschedulable", "", "NoSchedule")
    {
        return Some("node(s) were unschedulable");
    }
    if !Labels::from_map(entries(pod, "/spec/nodeSelector")).matches(node) {
        return Some("node(s) didn't match Pod's node affinity/selector");
    }
    if !tolerates_all(pod, node) {
        return Some("node(s) had untolerated taint(s)");
    }
    let here: Vec<&Value> = placed
        .iter()
        .map(|one| &**one)
        .filter(|one| text(one, "/spec/nodeName") == name(node) && super::is_active(one))
        .collect();
    [("cpu", "Insufficient cpu"), ("memory", "Insufficient memory")]
        .into_iter()
        .find_map(|(kind, why)| {
            let capacity = quantity::parse(text(node, &format!("/status/allocatable/{kind}")))?;
            let used: f64 = here.iter().map(|one| requested(one, kind)).sum();
            let needed = requested(pod, kind);
            (needed > 0.0 && used + needed > capacity).then_some(why)
        })
}

fn requested(pod: &Value, kind: &str) -> f64 {
    let containers = items(pod, "/spec/containers").iter();
    containers
        .filter_map(|one| quantity::parse(text(one, &format!("/resources/requests/{kind}"))))
        .sum()
}

fn tolerates_all(pod: &Value, node: &Value) -> bool {
    items(node, "/spec/taints")
        .iter()
        .filter(|taint| {
            text(taint, "/effect") != "PreferNoSchedule"
                && text(taint, "/key") != "node.kubernetes.io/unschedulable"
        })
        .all(|taint| {
            tolerates(
                pod,
                text(taint, "/key"),
                text(taint, "/value"),
                text(taint, "/effect"),
            )
        })
}

/// True if the pod bears this taint.
pub(super) fn tolerates(pod: &Value, key: &str, value: &str, effect: &str) -> bool {
    items(pod, "/spec/tolerations").iter().any(|toleration| {
        let is_open = text(toleration, "/operator") == "Exists";
        let own_key = text(toleration, "/key");
        (own_key == key || own_key.is_empty() && is_open)
            && (is_open || text(toleration, "/value") == value)
            && matches!(text(toleration, "/effect"), own if own.is_empty() || own == effect)
    })
}

/// True if a daemon's pod belongs on the node; cordons do not keep daemons away.
pub(super) fn suits_daemon(pod: &Value, node: &Value) -> bool {
    Labels::from_map(entries(pod, "/spec/nodeSelector")).matches(node) && tolerates_all(pod, node)
}
