//! Replica sets: as many pods as they want.

use std::sync::Arc;

use jiff::Timestamp;
use serde_json::{Value, json};

use super::{is_active, is_ready, pod_from_template};
use crate::sandbox::cluster::{Cluster, own};
use crate::sandbox::json::{at, count, is_terminating, name, namespace, set, text, uid};

const TABLE: &str = "replicasets.apps";

pub(super) fn reconcile(cluster: &mut Cluster) {
    for replica_set in cluster.due(TABLE) {
        if !is_terminating(&replica_set) {
            sync(cluster, &replica_set);
        }
    }
}

fn sync(cluster: &mut Cluster, replica_set: &Value) {
    super::adopt(cluster, "pods", replica_set, "ReplicaSet");
    let wanted = usize::try_from(count(replica_set, "/spec/replicas").min(super::POD_LIMIT)).unwrap_or(0);
    let pods = active_pods(cluster, replica_set);
    for _ in pods.len()..wanted {
        add(cluster, replica_set);
    }
    for pod in surplus(pods, wanted, cluster.now()) {
        let message = format!("Deleted pod: {}", name(&pod));
        cluster.delete("pods", &pod);
        cluster.event(
            replica_set,
            "apps/v1",
            "ReplicaSet",
            "Normal",
            "SuccessfulDelete",
            &message,
            "replicaset-controller",
        );
    }
    report(cluster, replica_set);
}

fn active_pods(cluster: &Cluster, owner: &Value) -> Vec<Arc<Value>> {
    let mut pods = cluster.controlled("pods", namespace(owner), uid(owner));
    pods.retain(|pod| is_active(pod));
    pods
}

/// The pods too many: those that are not ready first, then the youngest. Ages count by their order of magnitude and
/// uids decide among equals, as in kube-controller-manager since 1.31 (`LogarithmicScaleDown`); so twins let the same pod go.
fn surplus(mut pods: Vec<Arc<Value>>, wanted: usize, now: Timestamp) -> Vec<Arc<Value>> {
    let excess = pods.len().saturating_sub(wanted);
    if excess > 0 {
        pods.sort_by_cached_key(|pod| (is_ready(pod), magnitude(pod, now), uid(pod).to_owned()));
    }
    pods.truncate(excess);
    pods
}

/// The binary logarithm of the age in nanoseconds; nothing for a pod of this second.
fn magnitude(pod: &Value, now: Timestamp) -> Option<u32> {
    let created: Timestamp = text(pod, "/metadata/creationTimestamp").parse().ok()?;
    u128::try_from(now.duration_since(created).as_nanos())
        .ok()?
        .checked_ilog2()
}

fn add(cluster: &mut Cluster, replica_set: &Value) {
    let mut pod = pod_from_template(&at(replica_set, "/spec/template"), namespace(replica_set));
    let prefix = format!("{}-", name(replica_set));
    let suffix = cluster.suffix(&prefix);
    set(&mut pod, "/metadata/name", format!("{prefix}{suffix}"));
    set(&mut pod, "/metadata/generateName", prefix);
    own(&mut pod, replica_set, "apps/v1", "ReplicaSet");
    super::pod::create_for(cluster, pod, replica_set, "replicaset-controller");
}

fn report(cluster: &mut Cluster, replica_set: &Value) {
    let pods = active_pods(cluster, replica_set);
    let ready = pods.iter().filter(|pod| is_ready(pod)).count();
    let mut object = replica_set.clone();
    let mut status =
        json!({"replicas": pods.len(), "observedGeneration": at(replica_set, "/metadata/generation")});
    for (field, number) in [
        ("fullyLabeledReplicas", pods.len()),
        ("readyReplicas", ready),
        ("availableReplicas", ready),
    ] {
        if number > 0 {
            status[field] = json!(number);
        }
    }
    set(&mut object, "/status", status);
    cluster.update(TABLE, object);
}
