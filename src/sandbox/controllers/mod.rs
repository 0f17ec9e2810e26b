//! The controllers: what a cluster does on its own after every write and as time goes by.

mod autoscale;
mod container;
mod cron_job;
mod daemon_set;
mod deployment;
mod garbage;
mod job;
mod network;
mod node;
mod pod;
mod replica_set;
mod revision;
mod schedule;
mod spaces;
mod stateful_set;
mod storage;

use std::time::Instant;

use serde_json::{Value, json};

use super::cluster::{Cluster, Due, own};
use super::json::{at, is_terminating, items, namespace, set, text};
use super::quota;
use super::selector::Labels;

/// More passes than any settled cluster needs; reaching it means that two controllers disagree.
const PASS_LIMIT: usize = 200;

/// The most pods that one owner gets, whatever it asks for: a sandbox is no place for thousands.
const POD_LIMIT: i64 = 200;

/// Runs every controller until none has anything left to do at this moment.
pub(super) fn reconcile(cluster: &mut Cluster) {
    cluster.begin_round();
    for _ in 0..PASS_LIMIT {
        let before = cluster.store.version();
        cluster.widen_scope();
        spaces::reconcile(cluster);
        node::reconcile(cluster);
        schedule::reconcile(cluster);
        garbage::reconcile(cluster);
        deployment::reconcile(cluster);
        replica_set::reconcile(cluster);
        stateful_set::reconcile(cluster);
        daemon_set::reconcile(cluster);
        job::reconcile(cluster);
        cron_job::reconcile(cluster);
        storage::reconcile(cluster);
        pod::reconcile(cluster);
        network::reconcile(cluster);
        autoscale::reconcile(cluster);
        quota::reconcile(cluster);
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
        Due::NamespaceGone { name } => spaces::end(cluster, &name),
        Due::Look => cluster.look_everywhere(),
        Due::Minute => {
            cron_job::start_due(cluster);
            cluster.await_minute();
        }
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
    !is_terminating(pod) && !matches!(text(pod, "/status/phase"), "Succeeded" | "Failed")
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

/// Takes on objects that match the owner's selector and that no controller has.
fn adopt(cluster: &mut Cluster, table: &str, owner: &Value, kind: &str) {
    let selector = Labels::from_spec(&at(owner, "/spec/selector"));
    if selector.is_empty() {
        return;
    }
    for object in cluster.controlled(table, namespace(owner), "") {
        if !is_terminating(&object) && selector.matches(&object) {
            let mut taken = (*object).clone();
            own(&mut taken, owner, "apps/v1", kind);
            cluster.update(table, taken);
        }
    }
}

/// A count that may be written as a percentage of `total`.
fn amount(value: &Value, total: i64, rounds_up: bool) -> i64 {
    let most = i64::from(i32::MAX);
    if let Some(number) = value.as_i64() {
        return number.clamp(0, most);
    }
    let percent: i64 = value
        .as_str()
        .and_then(|text| text.strip_suffix('%'))
        .and_then(|text| text.parse().ok())
        .unwrap_or(0);
    let product = total.saturating_mul(percent);
    let rounded = if rounds_up {
        product.saturating_add(99) / 100
    } else {
        product / 100
    };
    rounded.clamp(0, most)
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
