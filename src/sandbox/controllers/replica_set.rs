//! Replica sets: as many pods as they want.

use std::sync::Arc;

use serde_json::{Value, json};

use super::{is_active, is_ready, pod_from_template};
use crate::sandbox::cluster::{Cluster, own};
use crate::sandbox::json::{at, count, is_terminating, name, namespace, set, text, uid};

const TABLE: &str = "replicasets.apps";

pub(super) fn reconcile(cluster: &mut Cluster) {
    for replica_set in cluster.store.list(TABLE, None) {
        if !is_terminating(&replica_set) {
            sync(cluster, &replica_set);
        }
    }
}

fn sync(cluster: &mut Cluster, replica_set: &Value) {
    let wanted = usize::try_from(count(replica_set, "/spec/replicas")).unwrap_or(0);
    let pods = active_pods(cluster, replica_set);
    for _ in pods.len()..wanted {
        add(cluster, replica_set);
    }
    for pod in surplus(pods, wanted) {
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

/// The pods too many: those that are not ready first, then the youngest.
fn surplus(mut pods: Vec<Arc<Value>>, wanted: usize) -> Vec<Arc<Value>> {
    let rank = |pod: &Arc<Value>| {
        (
            !is_ready(pod),
            text(pod, "/metadata/creationTimestamp").to_owned(),
            name(pod).to_owned(),
        )
    };
    pods.sort_by_key(rank);
    pods.reverse();
    let excess = pods.len().saturating_sub(wanted);
    pods.truncate(excess);
    pods
}

fn add(cluster: &mut Cluster, replica_set: &Value) {
    let mut pod = pod_from_template(&at(replica_set, "/spec/template"), namespace(replica_set));
    let prefix = format!("{}-", name(replica_set));
    let suffix = cluster.suffix(&prefix);
    set(&mut pod, "/metadata/name", format!("{prefix}{suffix}"));
    set(&mut pod, "/metadata/generateName", prefix);
    own(&mut pod, replica_set, "apps/v1", "ReplicaSet");
    let message = format!("Created pod: {}", name(&pod));
    super::pod::create(cluster, pod);
    cluster.event(
        replica_set,
        "apps/v1",
        "ReplicaSet",
        "Normal",
        "SuccessfulCreate",
        &message,
        "replicaset-controller",
    );
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
