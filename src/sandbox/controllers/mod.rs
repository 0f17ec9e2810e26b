//! The controllers: what a cluster does on its own after every write and as time goes by.

mod autoscale;
mod daemon_set;
mod deployment;
mod garbage;
mod job;
mod namespace;
mod network;
mod pod;
mod replica_set;
mod revision;
mod schedule;
mod stateful_set;
mod storage;

use std::time::Instant;

use serde_json::{Value, json};

use super::cluster::{Cluster, Due};
use super::json::{at, items, set, text};

/// More passes than any settled cluster needs; reaching it means that two controllers disagree.
const PASS_LIMIT: usize = 200;

/// Runs every controller until none has anything left to do at this moment.
pub(super) fn reconcile(cluster: &mut Cluster) {
    for _ in 0..PASS_LIMIT {
        let before = cluster.store.version();
        namespace::reconcile(cluster);
        garbage::reconcile(cluster);
        deployment::reconcile(cluster);
        replica_set::reconcile(cluster);
        stateful_set::reconcile(cluster);
        daemon_set::reconcile(cluster);
        job::reconcile(cluster);
        storage::reconcile(cluster);
        pod::reconcile(cluster);
        network::reconcile(cluster);
        autoscale::reconcile(cluster);
        if cluster.store.version() == before {
            return;
        }
    }
    tracing::warn!("the sandbox's controllers did not settle after {PASS_LIMIT} passes");
}

/// Lets everything happen whose time has come. True if anything did.
pub(super) fn advance(cluster: &mut Cluster) -> bool {
    let mut happened = false;
    while let Some((&key, _)) = cluster
        .timers
        .iter()
        .next()
        .filter(|((when, _), _)| *when <= Instant::now())
    {
        if let Some(due) = cluster.timers.remove(&key) {
            happen(cluster, due);
            happened = true;
        }
    }
    if happened {
        reconcile(cluster);
    }
    happened
}

/// Runs controllers and timers until nothing is pending, for a cluster that is not live yet.
pub(super) fn settle(cluster: &mut Cluster) {
    reconcile(cluster);
    for _ in 0..PASS_LIMIT {
        if !advance(cluster) {
            return;
        }
    }
}

fn happen(cluster: &mut Cluster, due: Due) {
    match due {
        Due::PodStart { namespace, name, uid } => pod::start(cluster, &namespace, &name, &uid),
        Due::PodFinish { namespace, name, uid } => pod::finish(cluster, &namespace, &name, &uid),
        Due::PodGone { namespace, name, uid } => pod::end(cluster, &namespace, &name, &uid),
        Due::NamespaceGone { name } => namespace::end(cluster, &name),
        Due::Look => {}
    }
}

/// True if the pod's Ready condition holds.
pub(super) fn is_ready(pod: &Value) -> bool {
    let conditions = items(pod, "/status/conditions");
    conditions
        .iter()
        .any(|one| text(one, "/type") == "Ready" && text(one, "/status") == "True")
}

/// True for a pod that still counts: neither on its way out nor finished.
fn is_active(pod: &Value) -> bool {
    !super::json::is_terminating(pod) && !matches!(text(pod, "/status/phase"), "Succeeded" | "Failed")
}

/// Sets a condition; its transition time moves only when its status does.
fn set_condition(object: &mut Value, class: &str, status: &str, reason: &str, message: &str, now: &str) {
    let mut all = items(object, "/status/conditions").to_vec();
    let old = all.iter().position(|one| text(one, "/type") == class);
    let before = old.map(|index| all[index].clone()).unwrap_or_default();
    let said = |field: &str| text(&before, field).to_owned();
    if said("/status") == status && said("/reason") == reason && said("/message") == message {
        return;
    }
    let since = if said("/status") == status {
        at(&before, "/lastTransitionTime")
    } else {
        json!(now)
    };
    let mut made = json!({"type": class, "status": status, "lastTransitionTime": since});
    if text(object, "/kind") == "Deployment" {
        made["lastUpdateTime"] = json!(now);
    }
    for (field, said) in [("reason", reason), ("message", message)] {
        if !said.is_empty() {
            made[field] = json!(said);
        }
    }
    match old {
        Some(index) => all[index] = made,
        None => all.push(made),
    }
    set(object, "/status/conditions", all);
}

/// The pod that a template makes for its owner, without name.
fn pod_from_template(template: &Value, place: &str) -> Value {
    let mut pod = json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"namespace": place}});
    for part in ["labels", "annotations", "finalizers"] {
        if let Some(value) = template
            .pointer(&format!("/metadata/{part}"))
            .filter(|value| !value.is_null())
        {
            set(&mut pod, &format!("/metadata/{part}"), value.clone());
        }
    }
    set(&mut pod, "/spec", at(template, "/spec"));
    pod
}

/// A count that may be written as a percentage of `total`.
fn amount(value: &Value, total: i64, rounds_up: bool) -> i64 {
    if let Some(number) = value.as_i64() {
        return number;
    }
    let percent: i64 = value
        .as_str()
        .and_then(|text| text.strip_suffix('%'))
        .and_then(|text| text.parse().ok())
        .unwrap_or(0);
    let product = total.saturating_mul(percent);
    if rounds_up {
        product.saturating_add(99) / 100
    } else {
        product / 100
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentages_round_as_asked() {
        assert_eq!(amount(&json!("25%"), 3, true), 1);
        assert_eq!(amount(&json!("25%"), 3, false), 0);
        assert_eq!(amount(&json!(2), 3, false), 2);
    }
}
