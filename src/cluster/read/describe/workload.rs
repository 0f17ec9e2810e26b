//! `describe` of what makes pods.

use serde_json::Value;

use super::super::age::{moment, span};
use super::super::json::{items, number, or_none, text, word};
use super::Related;
use super::container;
use super::report::Report;

const REVISION: &str = "/metadata/annotations/deployment.kubernetes.io~1revision";

pub(super) fn deployment(report: &mut Report, object: &Value, related: &Related) {
    report.name(object);
    report.time(0, "CreationTimestamp", object, "/metadata/creationTimestamp");
    report.marks(object);
    report.selector(object);
    let count = |field: &str| number(object, &format!("/status/{field}"));
    let replicas = format!(
        "{} desired | {} updated | {} total | {} available | {} unavailable",
        desired(object),
        count("updatedReplicas"),
        count("replicas"),
        count("availableReplicas"),
        count("unavailableReplicas")
    );
    report.line(0, "Replicas", &replicas);
    report.field(0, "StrategyType", object, "/spec/strategy/type");
    report.line(
        0,
        "MinReadySeconds",
        &number(object, "/spec/minReadySeconds").to_string(),
    );
    if let Some(rolling) = object.pointer("/spec/strategy/rollingUpdate") {
        let share = |field: &str| rolling.get(field).map_or_else(|| "25%".to_owned(), word);
        let strategy = format!(
            "{} max unavailable, {} max surge",
            share("maxUnavailable"),
            share("maxSurge")
        );
        report.line(0, "RollingUpdateStrategy", &strategy);
    }
    container::template(report, &object["spec"]["template"]);
    report.conditions(
        object,
        &[("Type", "/type"), ("Status", "/status"), ("Reason", "/reason")],
    );
    replica_sets(report, object, &related.replica_sets);
}

/// The replica set of the revision that is wanted, and those of others that still have pods.
fn replica_sets(report: &mut Report, object: &Value, sets: &[Value]) {
    let is_new = |set: &&Value| text(set, REVISION) == text(object, REVISION);
    let show = |set: &Value| {
        let (made, wanted) = (number(set, "/status/replicas"), desired(set));
        format!(
            "{} ({made}/{wanted} replicas created)",
            text(set, "/metadata/name")
        )
    };
    let old: Vec<String> = sets.iter().filter(|set| !is_new(set)).map(show).collect();
    let new: Vec<String> = sets.iter().filter(is_new).map(show).collect();
    report.line(0, "OldReplicaSets", &or_none(old.join(", ")));
    report.line(0, "NewReplicaSet", &or_none(new.join(", ")));
}

/// Replica sets, stateful sets and daemon sets.
pub(super) fn set(report: &mut Report, object: &Value, related: &Related) {
    report.name(object);
    if text(object, "/kind") == "StatefulSet" {
        report.time(0, "CreationTimestamp", object, "/metadata/creationTimestamp");
    }
    report.selector(object);
    if text(object, "/kind") == "DaemonSet" {
        report.map(0, "Node-Selector", object, "/spec/template/spec/nodeSelector");
    }
    report.marks(object);
    report.controller(object);
    counts(report, object);
    report.line(0, "Pods Status", &phases(&related.pods));
    container::template(report, &object["spec"]["template"]);
    claims(report, object);
    report.conditions(
        object,
        &[("Type", "/type"), ("Status", "/status"), ("Reason", "/reason")],
    );
}

/// How many pods there are, and how many there should be.
fn counts(report: &mut Report, object: &Value) {
    let count = |field: &str| number(object, &format!("/status/{field}"));
    match text(object, "/kind") {
        "DaemonSet" => {
            for (label, field) in [
                ("Desired Number of Nodes Scheduled", "desiredNumberScheduled"),
                ("Current Number of Nodes Scheduled", "currentNumberScheduled"),
                (
                    "Number of Nodes Scheduled with Up-to-date Pods",
                    "updatedNumberScheduled",
                ),
                ("Number of Nodes Scheduled with Available Pods", "numberAvailable"),
                ("Number of Nodes Misscheduled", "numberMisscheduled"),
            ] {
                report.row(0, &format!("{label}: {}", count(field)));
            }
        }
        "StatefulSet" => {
            let replicas = format!("{} desired | {} total", desired(object), count("replicas"));
            report.line(0, "Replicas", &replicas);
            report.field(0, "Update Strategy", object, "/spec/updateStrategy/type");
            report.field(
                1,
                "Partition",
                object,
                "/spec/updateStrategy/rollingUpdate/partition",
            );
        }
        _ => {
            let replicas = format!("{} current / {} desired", count("replicas"), desired(object));
            report.line(0, "Replicas", &replicas);
        }
    }
}

/// The claims that a stateful set makes for each of its pods.
fn claims(report: &mut Report, object: &Value) {
    let Some(claims) = object
        .pointer("/spec/volumeClaimTemplates")
        .and_then(Value::as_array)
    else {
        return;
    };
    report.row(0, "Volume Claims:");
    for claim in claims {
        report.line(1, "Name", text(claim, "/metadata/name"));
        report.line(1, "StorageClass", text(claim, "/spec/storageClassName"));
        report.labels(1, claim);
        report.annotations(1, claim);
        report.field(1, "Capacity", claim, "/spec/resources/requests/storage");
        let modes: Vec<String> = items(claim, "/spec/accessModes").iter().map(word).collect();
        report.line(1, "Access Modes", &format!("[{}]", modes.join(" ")));
    }
}

pub(super) fn job(report: &mut Report, object: &Value) {
    report.name(object);
    report.selector(object);
    report.marks(object);
    report.controller(object);
    for (label, pointer) in [
        ("Parallelism", "/spec/parallelism"),
        ("Completions", "/spec/completions"),
        ("Completion Mode", "/spec/completionMode"),
        ("Suspend", "/spec/suspend"),
        ("Backoff Limit", "/spec/backoffLimit"),
    ] {
        report.field(0, label, object, pointer);
    }
    let (started, completed) = ("/status/startTime", "/status/completionTime");
    report.time(0, "Start Time", object, started);
    report.time(0, "Completed At", object, completed);
    if let (Ok(started), Ok(completed)) = (
        text(object, started).parse::<jiff::Timestamp>(),
        text(object, completed).parse::<jiff::Timestamp>(),
    ) {
        let seconds = (completed - started)
            .total(jiff::Unit::Second)
            .unwrap_or_default();
        report.line(0, "Duration", &span(seconds));
    }
    let count = |field: &str| number(object, &format!("/status/{field}"));
    let statuses = format!(
        "{} Active ({} Ready) / {} Succeeded / {} Failed",
        count("active"),
        count("ready"),
        count("succeeded"),
        count("failed")
    );
    report.line(0, "Pods Statuses", &statuses);
    container::template(report, &object["spec"]["template"]);
}

pub(super) fn cron_job(report: &mut Report, object: &Value) {
    report.name(object);
    report.marks(object);
    for (label, pointer) in [
        ("Schedule", "/spec/schedule"),
        ("Time Zone", "/spec/timeZone"),
        ("Concurrency Policy", "/spec/concurrencyPolicy"),
    ] {
        report.field(0, label, object, pointer);
    }
    let suspended = object.pointer("/spec/suspend") == Some(&Value::Bool(true));
    report.line(0, "Suspend", if suspended { "True" } else { "False" });
    for (label, pointer) in [
        ("Successful Job History Limit", "/spec/successfulJobsHistoryLimit"),
        ("Failed Job History Limit", "/spec/failedJobsHistoryLimit"),
    ] {
        report.field(0, label, object, pointer);
    }
    let place = "/spec/jobTemplate/spec";
    for (label, pointer) in [
        (
            "Starting Deadline Seconds",
            "/spec/startingDeadlineSeconds".to_owned(),
        ),
        ("Selector", format!("{place}/selector")),
        ("Parallelism", format!("{place}/parallelism")),
        ("Completions", format!("{place}/completions")),
    ] {
        let value = object.pointer(&pointer).map(word).unwrap_or_default();
        report.line(0, label, &or_unset(value));
    }
    container::template(report, &object["spec"]["jobTemplate"]["spec"]["template"]);
    let last = text(object, "/status/lastScheduleTime");
    report.line(0, "Last Schedule Time", &or_unset(moment(last)));
    let active: Vec<&str> = items(object, "/status/active")
        .iter()
        .map(|job| text(job, "/name"))
        .collect();
    report.line(0, "Active Jobs", &or_none(active.join(", ")));
}

fn or_unset(text: String) -> String {
    if text.is_empty() {
        "<unset>".to_owned()
    } else {
        text
    }
}

/// A missing count means one, as the server's default has it.
fn desired(object: &Value) -> i64 {
    object
        .pointer("/spec/replicas")
        .and_then(Value::as_i64)
        .unwrap_or(1)
}

fn phases(pods: &[Value]) -> String {
    let count = |phase: &str| {
        pods.iter()
            .filter(|pod| text(pod, "/status/phase") == phase)
            .count()
    };
    format!(
        "{} Running / {} Waiting / {} Succeeded / {} Failed",
        count("Running"),
        count("Pending"),
        count("Succeeded"),
        count("Failed")
    )
}
