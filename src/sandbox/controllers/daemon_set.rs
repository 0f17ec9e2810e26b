//! Daemon sets: one pod on each node that fits.

use std::sync::Arc;

use serde_json::{Value, json};

use super::{is_active, is_ready, pod_from_template, revision, schedule};
use crate::sandbox::cluster::{Cluster, own};
use crate::sandbox::json::{at, is_terminating, name, namespace, set, text, uid};

const TABLE: &str = "daemonsets.apps";
const HASH: &str = "/metadata/labels/controller-revision-hash";

pub(super) fn reconcile(cluster: &mut Cluster) {
    for owner in cluster.due(TABLE) {
        if !is_terminating(&owner) {
            sync(cluster, &owner);
        }
    }
}

fn sync(cluster: &mut Cluster, owner: &Value) {
    let hash = revision::current(cluster, owner, "DaemonSet");
    let pods = cluster.controlled("pods", namespace(owner), uid(owner));
    let probe = pod_from_template(&at(owner, "/spec/template"), namespace(owner));
    let nodes: Vec<Arc<Value>> = cluster
        .store
        .list("nodes", None)
        .into_iter()
        .filter(|node| schedule::suits_daemon(&probe, node))
        .collect();
    for node in &nodes {
        if !pods.iter().any(|pod| text(pod, "/spec/nodeName") == name(node)) {
            add(cluster, owner, node, &hash);
        }
    }
    let is_stray = |pod: &&Arc<Value>| !nodes.iter().any(|node| name(node) == text(pod, "/spec/nodeName"));
    for pod in pods.iter().filter(is_stray) {
        cluster.delete("pods", pod);
    }
    if pods.len() == nodes.len() && pods.iter().all(|pod| is_active(pod) && is_ready(pod)) {
        update_one(cluster, owner, &pods, &hash);
    } else {
        drop_failing(cluster, &pods, &hash);
    }
    report(cluster, owner, nodes.len(), &hash);
}

fn add(cluster: &mut Cluster, owner: &Value, node: &Value, hash: &str) {
    let mut pod = pod_from_template(&at(owner, "/spec/template"), namespace(owner));
    let prefix = format!("{}-", name(owner));
    let suffix = cluster.suffix(&prefix);
    set(&mut pod, "/metadata/name", format!("{prefix}{suffix}"));
    set(&mut pod, "/metadata/generateName", prefix);
    set(&mut pod, HASH, hash);
    set(&mut pod, "/spec/nodeName", name(node).to_owned());
    own(&mut pod, owner, "apps/v1", "DaemonSet");
    super::pod::create_for(cluster, pod, owner, "daemonset-controller");
}

fn update_one(cluster: &mut Cluster, owner: &Value, pods: &[Arc<Value>], hash: &str) {
    if text(owner, "/spec/updateStrategy/type") != "RollingUpdate" {
        return;
    }
    if let Some(pod) = pods.iter().find(|pod| text(pod, HASH) != hash) {
        cluster.delete("pods", pod);
    }
}

/// An outdated pod that is not ready makes way at once, so that a broken revision can be undone.
fn drop_failing(cluster: &mut Cluster, pods: &[Arc<Value>], hash: &str) {
    for pod in pods
        .iter()
        .filter(|pod| text(pod, HASH) != hash && !is_ready(pod) && is_active(pod))
    {
        cluster.delete("pods", pod);
    }
}

fn report(cluster: &mut Cluster, owner: &Value, desired: usize, hash: &str) {
    let mut pods = cluster.controlled("pods", namespace(owner), uid(owner));
    pods.retain(|pod| is_active(pod));
    let ready = pods.iter().filter(|pod| is_ready(pod)).count();
    let updated = pods.iter().filter(|pod| text(pod, HASH) == hash).count();
    let mut object = owner.clone();
    let mut status = json!({"currentNumberScheduled": pods.len(), "numberMisscheduled": 0,
        "desiredNumberScheduled": desired, "numberReady": ready,
        "observedGeneration": at(owner, "/metadata/generation"), "updatedNumberScheduled": updated,
        "numberAvailable": ready});
    if desired > ready {
        status["numberUnavailable"] = json!(desired - ready);
    }
    set(&mut object, "/status", status);
    cluster.update(TABLE, object);
}
