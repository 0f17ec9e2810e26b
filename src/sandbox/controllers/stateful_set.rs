//! Stateful sets: numbered pods with volumes of their own, one after the other.

use std::sync::Arc;

use serde_json::{Value, json};

use super::{is_active, is_ready, pod_from_template, revision};
use crate::sandbox::cluster::{Cluster, own};
use crate::sandbox::json::{at, count, is_terminating, items, name, namespace, set, text, uid};

const TABLE: &str = "statefulsets.apps";
const HASH: &str = "/metadata/labels/controller-revision-hash";

pub(super) fn reconcile(cluster: &mut Cluster) {
    for owner in cluster.due(TABLE) {
        if !is_terminating(&owner) {
            sync(cluster, &owner);
        }
    }
}

fn sync(cluster: &mut Cluster, owner: &Value) {
    let hash = revision::current(cluster, owner, "StatefulSet");
    let wanted = count(owner, "/spec/replicas").min(super::POD_LIMIT);
    let pods = cluster.controlled("pods", namespace(owner), uid(owner));
    let is_parallel = text(owner, "/spec/podManagementPolicy") == "Parallel";
    let pod_of = |ordinal: i64| {
        let name = format!("{}-{ordinal}", name(owner));
        pods.iter()
            .find(|pod| text(pod, "/metadata/name") == name)
            .cloned()
    };
    let mut is_whole = true;
    for ordinal in 0..wanted {
        match pod_of(ordinal) {
            Some(pod) if is_active(&pod) && is_ready(&pod) => {}
            Some(_) => is_whole = false,
            None => {
                add(cluster, owner, ordinal, &hash);
                is_whole = false;
            }
        }
        if !is_whole && !is_parallel {
            break;
        }
    }
    shrink(cluster, owner, &pods, wanted, is_parallel);
    if is_whole {
        update_one(cluster, owner, &pods, &hash);
    }
    report(cluster, owner, &hash);
}

fn ordinal(pod: &Value) -> i64 {
    name(pod)
        .rsplit('-')
        .next()
        .and_then(|text| text.parse().ok())
        .unwrap_or(0)
}

fn add(cluster: &mut Cluster, owner: &Value, ordinal: i64, hash: &str) {
    let mut pod = pod_from_template(&at(owner, "/spec/template"), namespace(owner));
    let pod_name = format!("{}-{ordinal}", name(owner));
    set(&mut pod, "/metadata/name", pod_name.clone());
    set(&mut pod, "/metadata/generateName", format!("{}-", name(owner)));
    set(&mut pod, HASH, hash);
    set(
        &mut pod,
        "/metadata/labels/statefulset.kubernetes.io~1pod-name",
        pod_name.clone(),
    );
    set(
        &mut pod,
        "/metadata/labels/apps.kubernetes.io~1pod-index",
        ordinal.to_string(),
    );
    set(&mut pod, "/spec/hostname", pod_name.clone());
    set(
        &mut pod,
        "/spec/subdomain",
        text(owner, "/spec/serviceName").to_owned(),
    );
    let mut volumes = items(&pod, "/spec/volumes").to_vec();
    for claim in items(owner, "/spec/volumeClaimTemplates") {
        let claim_name = format!("{}-{pod_name}", name(claim));
        volumes.push(json!({"name": name(claim), "persistentVolumeClaim": {"claimName": claim_name}}));
        add_claim(cluster, owner, claim, &claim_name);
    }
    if !volumes.is_empty() {
        set(&mut pod, "/spec/volumes", volumes);
    }
    own(&mut pod, owner, "apps/v1", "StatefulSet");
    super::pod::create_for(cluster, pod, owner, "statefulset-controller");
}

fn add_claim(cluster: &mut Cluster, owner: &Value, template: &Value, claim_name: &str) {
    if cluster
        .get("persistentvolumeclaims", namespace(owner), claim_name)
        .is_some()
    {
        return;
    }
    let mut claim = json!({"apiVersion": "v1", "kind": "PersistentVolumeClaim",
        "metadata": {"name": claim_name, "namespace": namespace(owner),
            "labels": at(owner, "/spec/selector/matchLabels")},
        "spec": at(template, "/spec"), "status": {"phase": "Pending"}});
    crate::sandbox::json::ensure(&mut claim, "/spec/storageClassName", "standard");
    cluster.create("persistentvolumeclaims", claim);
}

/// Takes pods beyond the wanted number away, the highest first.
fn shrink(cluster: &mut Cluster, owner: &Value, pods: &[Arc<Value>], wanted: i64, is_parallel: bool) {
    let mut extra: Vec<&Arc<Value>> = pods.iter().filter(|pod| ordinal(pod) >= wanted).collect();
    extra.sort_by_key(|pod| -ordinal(pod));
    let most = if is_parallel { extra.len() } else { 1 };
    for pod in extra.into_iter().take(most).filter(|pod| !is_terminating(pod)) {
        cluster.delete("pods", pod);
        let message = format!(
            "delete Pod {} in StatefulSet {} successful",
            name(pod),
            name(owner)
        );
        cluster.event(
            owner,
            "apps/v1",
            "StatefulSet",
            "Normal",
            "SuccessfulDelete",
            &message,
            "statefulset-controller",
        );
    }
}

/// Replaces the highest pod of an older revision, down to the partition.
fn update_one(cluster: &mut Cluster, owner: &Value, pods: &[Arc<Value>], hash: &str) {
    if text(owner, "/spec/updateStrategy/type") != "RollingUpdate" {
        return;
    }
    let partition = count(owner, "/spec/updateStrategy/rollingUpdate/partition");
    let outdated = pods
        .iter()
        .filter(|pod| ordinal(pod) >= partition && text(pod, HASH) != hash);
    if let Some(pod) = outdated
        .max_by_key(|pod| ordinal(pod))
        .filter(|pod| is_active(pod))
    {
        cluster.delete("pods", pod);
    }
}

fn report(cluster: &mut Cluster, owner: &Value, hash: &str) {
    let mut pods = cluster.controlled("pods", namespace(owner), uid(owner));
    pods.retain(|pod| is_active(pod));
    let ready = pods.iter().filter(|pod| is_ready(pod)).count();
    let updated = pods.iter().filter(|pod| text(pod, HASH) == hash).count();
    let revision_name = format!("{}-{hash}", name(owner));
    let is_done = updated == pods.len();
    let before = text(owner, "/status/currentRevision");
    let current = if is_done || before.is_empty() {
        revision_name.as_str()
    } else {
        before
    };
    let mut object = owner.clone();
    set(
        &mut object,
        "/status",
        json!({"observedGeneration": at(owner, "/metadata/generation"), "replicas": pods.len(),
            "readyReplicas": ready, "availableReplicas": ready, "updatedReplicas": updated,
            "currentReplicas": if is_done { updated } else { pods.len() - updated },
            "currentRevision": current, "updateRevision": revision_name, "collisionCount": 0}),
    );
    cluster.update(TABLE, object);
}
