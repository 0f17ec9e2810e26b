//! Which node a pod goes to.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::{Value, json};

use crate::sandbox::cluster::Cluster;
use crate::sandbox::json::{at, entries, flag, is_terminating, items, name, namespace, set_list, text};
use crate::sandbox::quantity;
use crate::sandbox::selector::Labels;

/// What is taken on each node. Made once for many placements, as adding up every pod's requests takes time.
pub(super) struct Room {
    nodes: Vec<Taken>,
}

struct Taken {
    node: Arc<Value>,
    used: BTreeMap<String, f64>,
    pods: u32,
}

impl Room {
    pub(super) fn of(cluster: &Cluster) -> Self {
        let empty = |node| Taken {
            node,
            used: BTreeMap::new(),
            pods: 0,
        };
        let nodes: Vec<Taken> = cluster.store.list("nodes", None).into_iter().map(empty).collect();
        let mut room = Self { nodes };
        let places: BTreeMap<String, usize> = room
            .nodes
            .iter()
            .enumerate()
            .map(|(index, taken)| (name(&taken.node).to_owned(), index))
            .collect();
        let pods = cluster.store.list("pods", None);
        for pod in pods.iter().filter(|pod| super::is_active(pod)) {
            if let Some(index) = places.get(text(pod, "/spec/nodeName")) {
                room.nodes[*index].add(pod);
            }
        }
        room
    }

    /// The emptiest node that suits the pod, whose place is then taken; or why there is none.
    pub(super) fn choose(&mut self, cluster: &Cluster, pod: &Value) -> Result<String, String> {
        let total = self.nodes.len();
        if let Some(why) = missing_claim(cluster, pod) {
            return Err(said(total, &why));
        }
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

/// Why the pod's volumes cannot be there yet, if so.
fn missing_claim(cluster: &Cluster, pod: &Value) -> Option<String> {
    let claims = items(pod, "/spec/volumes")
        .iter()
        .map(|volume| text(volume, "/persistentVolumeClaim/claimName"))
        .filter(|claim| !claim.is_empty());
    for wanted in claims {
        match cluster.get("persistentvolumeclaims", namespace(pod), wanted) {
            None => return Some(format!("persistentvolumeclaim {wanted:?} not found")),
            Some(claim) if is_terminating(&claim) => {
                return Some(format!("persistentvolumeclaim {wanted:?} is being deleted"));
            }
            Some(claim) if text(&claim, "/status/phase") != "Bound" => {
                return Some("pod has unbound immediate PersistentVolumeClaims".into());
            }
            Some(_) => {}
        }
    }
    None
}

impl Taken {
    fn add(&mut self, pod: &Value) {
        self.pods += 1;
        for (kind, amount) in requests(pod) {
            *self.used.entry(kind).or_default() += amount;
        }
    }

    fn obstacle(&self, pod: &Value) -> Option<String> {
        if Cluster::fault_of(pod) == "unschedulable" {
            return Some("Insufficient memory".into());
        }
        let node = &self.node;
        if flag(node, "/spec/unschedulable")
            && !tolerates(pod, "node.kubernetes.io/unschedulable", "", "NoSchedule")
        {
            return Some("node(s) were unschedulable".into());
        }
        if !is_wanted(pod, node) {
            return Some("node(s) didn't match Pod's node affinity/selector".into());
        }
        if let Some(taint) = untolerated(pod, node) {
            let (key, value) = (text(taint, "/key"), text(taint, "/value"));
            return Some(format!("node(s) had untolerated taint {{{key}: {value}}}"));
        }
        let room = at(node, "/status/allocatable");
        let capacity = |kind: &str| room.get(kind).and_then(Value::as_str).and_then(quantity::parse);
        if capacity("pods").is_some_and(|most| f64::from(self.pods) >= most) {
            return Some("Too many pods".into());
        }
        requests(pod).into_iter().find_map(|(kind, needed)| {
            // A node that says nothing of CPU and memory has enough; of a device that it does not name it has none.
            let capacity = match capacity(&kind) {
                None if matches!(kind.as_str(), "cpu" | "memory" | "ephemeral-storage") => return None,
                known => known.unwrap_or(0.0),
            };
            let used = self.used.get(&kind).copied().unwrap_or(0.0);
            (needed > 0.0 && used + needed > capacity).then(|| format!("Insufficient {kind}"))
        })
    }
}

fn explain(nodes: usize, mut obstacles: Vec<String>) -> String {
    if nodes == 0 {
        return "no nodes available to schedule pods".into();
    }
    obstacles.sort_unstable();
    let mut distinct = obstacles.clone();
    distinct.dedup();
    let parts: Vec<String> = distinct
        .iter()
        .map(|one| format!("{} {one}", obstacles.iter().filter(|other| *other == one).count()))
        .collect();
    said(nodes, &parts.join(", "))
}

fn said(nodes: usize, why: &str) -> String {
    format!(
        "0/{nodes} nodes are available: {why}. preemption: 0/{nodes} nodes are available: {nodes} Preemption is not helpful for scheduling."
    )
}

/// What a pod's containers ask for, by the kind of resource.
fn requests(pod: &Value) -> BTreeMap<String, f64> {
    let mut all = BTreeMap::new();
    let asked = items(pod, "/spec/containers")
        .iter()
        .filter_map(|one| entries(one, "/resources/requests"));
    for (kind, amount) in asked.flatten() {
        let amount = amount
            .as_str()
            .and_then(quantity::parse)
            .or_else(|| amount.as_f64());
        *all.entry(kind.clone()).or_default() += amount.unwrap_or(0.0);
    }
    all
}

/// True if the node has what the pod's selector and required affinity name.
fn is_wanted(pod: &Value, node: &Value) -> bool {
    let affinity =
        "/spec/affinity/nodeAffinity/requiredDuringSchedulingIgnoredDuringExecution/nodeSelectorTerms";
    let terms = items(pod, affinity);
    Labels::from_map(entries(pod, "/spec/nodeSelector")).matches(node)
        && (terms.is_empty() || terms.iter().any(|term| Labels::from_spec(term).matches(node)))
}

/// Cordoned nodes bear a taint that says so.
pub(super) fn reconcile(cluster: &mut Cluster) {
    const KEY: &str = "node.kubernetes.io/unschedulable";
    for node in cluster.due("nodes") {
        let taints = items(&node, "/spec/taints");
        let is_tainted = taints.iter().any(|taint| text(taint, "/key") == KEY);
        if is_tainted == flag(&node, "/spec/unschedulable") {
            continue;
        }
        let mut kept: Vec<Value> = taints
            .iter()
            .filter(|taint| text(taint, "/key") != KEY)
            .cloned()
            .collect();
        if !is_tainted {
            kept.push(json!({"key": KEY, "effect": "NoSchedule", "timeAdded": cluster.timestamp()}));
        }
        let mut changed = (*node).clone();
        set_list(&mut changed, "/spec/taints", kept);
        cluster.update("nodes", changed);
    }
}

/// The first taint of the node that keeps the pod away.
fn untolerated<'a>(pod: &Value, node: &'a Value) -> Option<&'a Value> {
    items(node, "/spec/taints")
        .iter()
        .filter(|taint| {
            text(taint, "/effect") != "PreferNoSchedule"
                && text(taint, "/key") != "node.kubernetes.io/unschedulable"
        })
        .find(|taint| {
            !tolerates(
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
    is_wanted(pod, node) && untolerated(pod, node).is_none()
}
