//! Deployments: one replica set per revision of the template, rolled from old to new.

use std::sync::Arc;

use serde_json::{Value, json};

use super::{amount, set_condition};
use crate::sandbox::cluster::{Cluster, Due, annotate, letters, own};
use crate::sandbox::json::{
    annotation, at, count, flag, integer, is_terminating, items, name, namespace, remove, set, text, uid,
};

const TABLE: &str = "deployments.apps";
const SETS: &str = "replicasets.apps";
const HASH: &str = "pod-template-hash";
const REVISION: &str = "deployment.kubernetes.io/revision";

pub(super) fn reconcile(cluster: &mut Cluster) {
    for deployment in cluster.due(TABLE) {
        if !is_terminating(&deployment) {
            sync(cluster, &deployment);
        }
    }
}

fn sync(cluster: &mut Cluster, deployment: &Value) {
    super::adopt(cluster, SETS, deployment, "Deployment");
    let sets = cluster.controlled(SETS, namespace(deployment), uid(deployment));
    let current = sets.iter().find(|set| is_same_template(deployment, set)).cloned();
    let is_paused = flag(deployment, "/spec/paused");
    let current = match current {
        Some(found) => Some(touch(cluster, deployment, &sets, &found)),
        None if is_paused => None,
        None => Some(new_set(cluster, deployment, &sets)),
    };
    let sets = cluster.controlled(SETS, namespace(deployment), uid(deployment));
    let old: Vec<Arc<Value>> = sets
        .iter()
        .filter(|one| current.as_ref().is_none_or(|current| uid(one) != uid(current)))
        .cloned()
        .collect();
    if is_paused {
        resize_paused(cluster, deployment, current.as_deref(), &old);
    } else if let Some(current) = &current {
        if text(deployment, "/spec/strategy/type") == "Recreate" {
            recreate(cluster, deployment, current, &old);
        } else {
            roll(cluster, deployment, current, &old);
        }
        forget(cluster, deployment, &old);
    }
    report(cluster, deployment, current.as_deref());
}

fn is_same_template(deployment: &Value, set: &Value) -> bool {
    let mut template = at(set, "/spec/template");
    remove(&mut template, &format!("/metadata/labels/{HASH}"));
    let plain = |mut template: Value| {
        remove(&mut template, "/metadata/creationTimestamp");
        template
    };
    plain(template) == plain(at(deployment, "/spec/template"))
}

fn revision(object: &Value) -> i64 {
    annotation(object, REVISION).parse().unwrap_or(0)
}

/// Gives the current set the newest revision, as after an undo.
fn touch(cluster: &mut Cluster, deployment: &Value, sets: &[Arc<Value>], current: &Arc<Value>) -> Arc<Value> {
    let newest = sets
        .iter()
        .filter(|one| uid(one) != uid(current))
        .map(|one| revision(one))
        .max()
        .unwrap_or(0);
    let mut set = (**current).clone();
    if revision(current) <= newest {
        annotate(&mut set, REVISION, &newest.saturating_add(1).to_string());
    }
    copy_annotations(deployment, &mut set);
    let stored = cluster.update(SETS, set);
    mark_revision(cluster, deployment, revision(&stored));
    stored
}

/// The change cause and the like travel with the revision.
fn copy_annotations(deployment: &Value, set: &mut Value) {
    let cause = annotation(deployment, "kubernetes.io/change-cause");
    if !cause.is_empty() {
        annotate(set, "kubernetes.io/change-cause", cause);
    }
}

fn mark_revision(cluster: &mut Cluster, deployment: &Value, revision: i64) {
    let Some(stored) = cluster.get(TABLE, namespace(deployment), name(deployment)) else {
        return;
    };
    let mut marked = (*stored).clone();
    annotate(&mut marked, REVISION, &revision.to_string());
    cluster.update(TABLE, marked);
}

fn new_set(cluster: &mut Cluster, deployment: &Value, sets: &[Arc<Value>]) -> Arc<Value> {
    let template = at(deployment, "/spec/template");
    let mut hash = letters(&template.to_string(), 10);
    while sets
        .iter()
        .any(|one| name(one) == format!("{}-{hash}", name(deployment)))
    {
        hash = letters(&format!("{hash} again"), 10);
    }
    let newest = sets.iter().map(|one| revision(one)).max().unwrap_or(0);
    // The first one gets all pods at once.
    let replicas = if sets.is_empty() {
        count(deployment, "/spec/replicas")
    } else {
        0
    };
    let mut set = json!({"apiVersion": "apps/v1", "kind": "ReplicaSet",
        "metadata": {"name": format!("{}-{hash}", name(deployment)), "namespace": namespace(deployment),
            "labels": at(&template, "/metadata/labels")},
        "spec": {"replicas": replicas, "selector": at(deployment, "/spec/selector"), "template": template},
        "status": {"replicas": 0}});
    for place in [
        "/metadata/labels",
        "/spec/selector/matchLabels",
        "/spec/template/metadata/labels",
    ] {
        crate::sandbox::json::set(&mut set, &format!("{place}/{HASH}"), hash.clone());
    }
    annotate(&mut set, REVISION, &newest.saturating_add(1).to_string());
    copy_annotations(deployment, &mut set);
    own(&mut set, deployment, "apps/v1", "Deployment");
    annotate_size(deployment, &mut set);
    if replicas > 0 {
        tell_size(cluster, deployment, &set, 0, replicas);
    }
    let stored = cluster.create(SETS, set);
    mark_revision(cluster, deployment, newest.saturating_add(1));
    stored
}

fn total(sets: &[Arc<Value>], field: &str) -> i64 {
    sets.iter().map(|set| count(set, field)).sum()
}

fn scale_set(cluster: &mut Cluster, deployment: &Value, set: &Value, replicas: i64) {
    let before = count(set, "/spec/replicas");
    if before == replicas {
        return;
    }
    let mut scaled = set.clone();
    crate::sandbox::json::set(&mut scaled, "/spec/replicas", replicas);
    annotate_size(deployment, &mut scaled);
    cluster.update(SETS, scaled);
    tell_size(cluster, deployment, set, before, replicas);
}

/// How many pods the deployment wants, and has at most, as its sets remember it.
fn annotate_size(deployment: &Value, set: &mut Value) {
    let wanted = count(deployment, "/spec/replicas");
    let surge = at(deployment, "/spec/strategy/rollingUpdate/maxSurge");
    let most = wanted + amount(&surge, wanted, true);
    annotate(
        set,
        "deployment.kubernetes.io/desired-replicas",
        &wanted.to_string(),
    );
    annotate(set, "deployment.kubernetes.io/max-replicas", &most.to_string());
}

fn tell_size(cluster: &mut Cluster, deployment: &Value, set: &Value, before: i64, replicas: i64) {
    let direction = if replicas > before { "up" } else { "down" };
    let message = format!(
        "Scaled {direction} replica set {} from {before} to {replicas}",
        name(set)
    );
    cluster.event(
        deployment,
        "apps/v1",
        "Deployment",
        "Normal",
        "ScalingReplicaSet",
        &message,
        "deployment-controller",
    );
}

/// One step of a rolling update, within surge and unavailability.
fn roll(cluster: &mut Cluster, deployment: &Value, current: &Value, old: &[Arc<Value>]) {
    let wanted = count(deployment, "/spec/replicas");
    let surge = amount(
        &at(deployment, "/spec/strategy/rollingUpdate/maxSurge"),
        wanted,
        true,
    );
    let unavailable = amount(
        &at(deployment, "/spec/strategy/rollingUpdate/maxUnavailable"),
        wanted,
        false,
    );
    let unavailable = if surge == 0 {
        unavailable.max(1)
    } else {
        unavailable
    };
    let now = count(current, "/spec/replicas");
    let old_replicas = total(old, "/spec/replicas");
    let next = if now > wanted {
        wanted
    } else {
        (now + (wanted + surge - old_replicas - now).max(0))
            .min(wanted)
            .max(now)
    };
    scale_set(cluster, deployment, current, next);
    let available = total(old, "/status/availableReplicas") + count(current, "/status/availableReplicas");
    let mut spare = available - (wanted - unavailable);
    for set in old {
        let replicas = count(set, "/spec/replicas");
        // Replicas that are not available help nobody; they go first and cost nothing.
        let useless = (replicas - count(set, "/status/availableReplicas")).clamp(0, replicas);
        let removable = (replicas - useless).min(spare.max(0));
        spare -= removable;
        scale_set(cluster, deployment, set, replicas - useless - removable);
    }
}

fn recreate(cluster: &mut Cluster, deployment: &Value, current: &Value, old: &[Arc<Value>]) {
    for set in old {
        scale_set(cluster, deployment, set, 0);
    }
    let is_clear = old
        .iter()
        .all(|set| cluster.controlled("pods", namespace(set), uid(set)).is_empty());
    if is_clear {
        scale_set(cluster, deployment, current, count(deployment, "/spec/replicas"));
    }
}

/// A paused deployment follows its size, on the newest set there is, but rolls nothing.
fn resize_paused(cluster: &mut Cluster, deployment: &Value, current: Option<&Value>, old: &[Arc<Value>]) {
    let newest = current.cloned().or_else(|| {
        old.iter()
            .max_by_key(|one| revision(one))
            .map(|one| (**one).clone())
    });
    let Some(newest) = newest else { return };
    let others: i64 = old
        .iter()
        .filter(|one| uid(one) != uid(&newest))
        .map(|one| count(one, "/spec/replicas"))
        .sum();
    let wanted = (count(deployment, "/spec/replicas") - others).max(0);
    scale_set(cluster, deployment, &newest, wanted);
}

/// Drops empty old sets beyond the history limit.
fn forget(cluster: &mut Cluster, deployment: &Value, old: &[Arc<Value>]) {
    let limit =
        usize::try_from(integer(deployment, "/spec/revisionHistoryLimit").unwrap_or(10)).unwrap_or(10);
    let mut empty: Vec<&Arc<Value>> = old
        .iter()
        .filter(|set| count(set, "/spec/replicas") == 0 && count(set, "/status/replicas") == 0)
        .collect();
    empty.sort_by_key(|set| revision(set));
    let excess = empty.len().saturating_sub(limit);
    for set in &empty[..excess] {
        cluster.delete(SETS, set);
    }
}

fn report(cluster: &mut Cluster, deployment: &Value, current: Option<&Value>) {
    let sets = cluster.controlled(SETS, namespace(deployment), uid(deployment));
    let current = current.and_then(|current| sets.iter().find(|set| uid(set) == uid(current)));
    let Some(stored) = cluster.get(TABLE, namespace(deployment), name(deployment)) else {
        return;
    };
    let mut object = (*stored).clone();
    let wanted = count(&object, "/spec/replicas");
    let replicas = total(&sets, "/status/replicas");
    let updated = current.map_or(0, |set| count(set, "/status/replicas"));
    let available = total(&sets, "/status/availableReplicas");
    let conditions = items(&object, "/status/conditions").to_vec();
    let mut status = json!({"observedGeneration": at(&object, "/metadata/generation")});
    let numbers = [
        ("replicas", replicas),
        ("updatedReplicas", updated),
        ("readyReplicas", total(&sets, "/status/readyReplicas")),
        ("availableReplicas", available),
        ("unavailableReplicas", (replicas.max(wanted) - available).max(0)),
    ];
    for (field, number) in numbers.into_iter().filter(|(_, number)| *number > 0) {
        status[field] = json!(number);
    }
    status["conditions"] = json!(conditions);
    let has_moved = numbers
        .iter()
        .any(|(field, number)| count(&stored, &format!("/status/{field}")) != *number);
    set(&mut object, "/status", status);
    let is_complete = updated == wanted && replicas == wanted && available == wanted;
    judge(
        cluster,
        &mut object,
        current.map(|set| &**set),
        is_complete,
        has_moved,
    );
    cluster.update(TABLE, object);
}

/// Sets the conditions Available and Progressing.
fn judge(
    cluster: &mut Cluster,
    object: &mut Value,
    current: Option<&Value>,
    is_complete: bool,
    has_moved: bool,
) {
    let now = cluster.timestamp();
    let wanted = count(object, "/spec/replicas");
    let unavailable = amount(
        &at(object, "/spec/strategy/rollingUpdate/maxUnavailable"),
        wanted,
        false,
    );
    let (status, reason, message) = if count(object, "/status/availableReplicas") >= wanted - unavailable {
        (
            "True",
            "MinimumReplicasAvailable",
            "Deployment has minimum availability.",
        )
    } else {
        (
            "False",
            "MinimumReplicasUnavailable",
            "Deployment does not have minimum availability.",
        )
    };
    set_condition(object, "Available", status, reason, message, &now);
    let is_paused = flag(object, "/spec/paused");
    let was_paused = items(object, "/status/conditions")
        .iter()
        .any(|one| text(one, "/reason") == "DeploymentPaused");
    if is_paused || was_paused {
        let (reason, message) = if is_paused {
            ("DeploymentPaused", "Deployment is paused")
        } else {
            ("DeploymentResumed", "Deployment is resumed")
        };
        set_condition(object, "Progressing", "Unknown", reason, message, &now);
    } else if let Some(current) = current {
        judge_progress(cluster, object, current, is_complete, has_moved);
    }
}

/// Sets the condition Progressing.
fn judge_progress(
    cluster: &mut Cluster,
    object: &mut Value,
    current: &Value,
    is_complete: bool,
    has_moved: bool,
) {
    let now = cluster.timestamp();
    let subject = format!("ReplicaSet {:?}", name(current));
    if is_complete {
        let message = format!("{subject} has successfully progressed.");
        set_condition(
            object,
            "Progressing",
            "True",
            "NewReplicaSetAvailable",
            &message,
            &now,
        );
        return;
    }
    let progress = items(object, "/status/conditions")
        .iter()
        .find(|one| text(one, "/type") == "Progressing");
    let reason = progress.map_or("", |one| text(one, "/reason")).to_owned();
    let since: Option<jiff::Timestamp> = progress.and_then(|one| text(one, "/lastUpdateTime").parse().ok());
    let deadline = integer(object, "/spec/progressDeadlineSeconds")
        .unwrap_or(600)
        .clamp(1, 86_400);
    let is_late = since.is_some_and(|since| cluster.now().duration_since(since).as_secs() >= deadline);
    if has_moved || !matches!(reason.as_str(), "ReplicaSetUpdated" | "ProgressDeadlineExceeded") {
        let message = format!("{subject} is progressing.");
        renew_progress(object, &message, &now);
        let wait =
            std::time::Duration::from_secs(deadline.unsigned_abs()) + std::time::Duration::from_secs(1);
        cluster.after(wait, Due::Look);
    } else if is_late && reason == "ReplicaSetUpdated" {
        let message = format!("{subject} has timed out progressing.");
        set_condition(
            object,
            "Progressing",
            "False",
            "ProgressDeadlineExceeded",
            &message,
            &now,
        );
    }
}

/// Progress counts anew from now, also where the words stay the same.
fn renew_progress(object: &mut Value, message: &str, now: &str) {
    set_condition(object, "Progressing", "True", "ReplicaSetUpdated", message, now);
    for condition in crate::sandbox::json::items_mut(object, "/status/conditions") {
        if text(condition, "/type") == "Progressing" {
            set(condition, "/lastUpdateTime", now);
        }
    }
}
