//! Which node a pod goes to.

use std::sync::Arc;

use serde_json::Value;

use crate::sandbox::cluster::Cluster;
use crate::sandbox::json::{entries, flag, items, name, text};
use crate::sandbox::quantity;
use crate::sandbox::selector::Labels;

/// The kinds of resources that pods compete for, with the scheduler's words when one runs out.
const SCARCE: [(&str, &str); 2] = [("cpu", "Insufficient cpu"), ("memory", "Insufficient memory")];

/// What is taken on each node. Made once for many placements, as adding up every pod's requests takes time.
pub(super) struct Room {
    nodes: Vec<Taken>,
}

struct Taken {
    node: Arc<Value>,
    used: [f64; 2],
    pods: usize,
}

impl Room {
    pub(super) fn of(cluster: &Cluster) -> Self {
        let nodes = cluster.store.list("nodes", None).into_iter();
        let mut room = Self {
            nodes: nodes
                .map(|node| Taken {
                    node,
                    used: [0.0; 2],
                    pods: 0,
                })
                .collect(),
        };
        for pod in cluster
            .store
            .list("pods", None)
            .iter()
            .filter(|pod| super::is_active(pod))
        {
            let place = text(pod, "/spec/nodeName");
            if let Some(taken) = room.nodes.iter_mut().find(|taken| name(&taken.node) == place) {
                taken.add(pod);
            }
        }
        room
    }

    /// The emptiest node that suits the pod, whose place is then taken; or why there is none.
    pub(super) fn choose(&mut self, pod: &Value) -> Result<String, String> {
        let total = self.nodes.len();
        let mut obstacles = Vec::new();
        let mut best: Option<&mut Taken> = None;
        for taken in &mut self.nodes {
            if let Some(obstacle) = taken.obstacle(pod) {
                obstacles.push(obstacle);
            } else if best.as_ref().is_none_or(|best| taken.pods < best.pods) {
                best = Some(taken);
            }
        }
        let best = best.ok_or_else(|| explain(total, obstacles))?;
        best.add(pod);
        Ok(name(&best.node).to_owned())
    }
}

impl Taken {
    fn add(&mut self, pod: &Value) {
        self.pods += 1;
        for (used, (kind, _)) in self.used.iter_mut().zip(SCARCE) {
            *used += requested(pod, kind);
        }
    }

    fn obstacle(&self, pod: &Value) -> Option<&'static str> {
        if Cluster::fault_of(pod) == "unschedulable" {
            return Some("Insufficient memory");
        }
        let node = &self.node;
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
        self.used.iter().zip(SCARCE).find_map(|(used, (kind, why))| {
            let capacity = quantity::parse(text(node, &format!("/status/allocatable/{kind}")))?;
            let needed = requested(pod, kind);
            (needed > 0.0 && used + needed > capacity).then_some(why)
        })
    }
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
