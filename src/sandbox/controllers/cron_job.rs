//! Cron jobs: a job whenever the schedule says so, and an end to old ones.

use std::sync::Arc;

use serde_json::{Value, json};

use super::job::is_finished;
use crate::sandbox::cluster::{Cluster, own};
use crate::sandbox::cron::Schedule;
use crate::sandbox::defaults;
use crate::sandbox::json::{
    at, flag, integer, is_terminating, items, name, namespace, present, set, text, uid,
};

const TABLE: &str = "cronjobs.batch";
const JOBS: &str = "jobs.batch";

pub(super) fn reconcile(cluster: &mut Cluster) {
    for owner in cluster.due(TABLE) {
        list_active(cluster, &owner);
        forget(cluster, &owner);
    }
}

/// Starts the jobs of this minute.
pub(super) fn start_due(cluster: &mut Cluster) {
    for owner in cluster.store.list(TABLE, None) {
        if is_due(cluster, &owner) && makes_room(cluster, &owner) {
            start(cluster, &owner);
        }
    }
}

fn is_due(cluster: &Cluster, owner: &Value) -> bool {
    if flag(owner, "/spec/suspend") || is_terminating(owner) {
        return false;
    }
    let zone = match text(owner, "/spec/timeZone") {
        "" => "UTC",
        named => named,
    };
    let now = cluster.now().in_tz(zone);
    let schedule = Schedule::parse(text(owner, "/spec/schedule"));
    matches!((now, schedule), (Ok(now), Ok(schedule)) if schedule.fits(&now))
}

/// What the concurrency policy says where a job still runs.
fn makes_room(cluster: &mut Cluster, owner: &Value) -> bool {
    let running: Vec<Arc<Value>> = jobs(cluster, owner)
        .into_iter()
        .filter(|job| !is_finished(job))
        .collect();
    match text(owner, "/spec/concurrencyPolicy") {
        "Forbid" => running.is_empty(),
        "Replace" => {
            for job in running {
                cluster.delete(JOBS, &job);
            }
            true
        }
        _ => true,
    }
}

fn start(cluster: &mut Cluster, owner: &Value) {
    let minute = cluster.now().as_second().div_euclid(60);
    let called = format!("{}-{minute}", name(owner));
    if cluster.get(JOBS, namespace(owner), &called).is_some() {
        return;
    }
    let mut job = json!({"apiVersion": "batch/v1", "kind": "Job",
        "metadata": {"name": called, "namespace": namespace(owner)},
        "spec": at(owner, "/spec/jobTemplate/spec")});
    for part in ["labels", "annotations"] {
        if present(owner, &format!("/spec/jobTemplate/metadata/{part}")) {
            let own = at(owner, &format!("/spec/jobTemplate/metadata/{part}"));
            set(&mut job, &format!("/metadata/{part}"), own);
        }
    }
    own(&mut job, owner, "batch/v1", "CronJob");
    defaults::job_of_cron_job(&mut job);
    let id = cluster.new_uid(JOBS, &job);
    set(&mut job, "/metadata/uid", id);
    defaults::job_selector(&mut job);
    cluster.create(JOBS, job);
    let message = format!("Created job {called}");
    cluster.event(
        owner,
        "batch/v1",
        "CronJob",
        "Normal",
        "SuccessfulCreate",
        &message,
        "cronjob-controller",
    );
    if let Some(stored) = cluster.get(TABLE, namespace(owner), name(owner)) {
        let mut told = (*stored).clone();
        let now = cluster.timestamp();
        set(&mut told, "/status/lastScheduleTime", now);
        cluster.update(TABLE, told);
    }
}

fn jobs(cluster: &Cluster, owner: &Value) -> Vec<Arc<Value>> {
    cluster.controlled(JOBS, namespace(owner), uid(owner))
}

/// Keeps the list of a cron job's running jobs.
fn list_active(cluster: &mut Cluster, owner: &Value) {
    let active: Vec<Value> = jobs(cluster, owner)
        .iter()
        .filter(|job| !is_finished(job))
        .map(|job| json!({"apiVersion": "batch/v1", "kind": "Job", "name": name(job), "namespace": namespace(job), "uid": uid(job)}))
        .collect();
    if active.is_empty() && !present(owner, "/status/active") {
        return;
    }
    let mut object = owner.clone();
    set(&mut object, "/status/active", active);
    cluster.update(TABLE, object);
}

/// Deletes the oldest finished jobs beyond the limits of the history.
fn forget(cluster: &mut Cluster, owner: &Value) {
    let has_failed = |job: &Value| {
        let mut conditions = items(job, "/status/conditions").iter();
        conditions.any(|one| text(one, "/type") == "Failed" && text(one, "/status") == "True")
    };
    let mut finished = jobs(cluster, owner);
    finished.retain(|job| is_finished(job) && !is_terminating(job));
    finished.sort_by_key(|job| text(job, "/metadata/creationTimestamp").to_owned());
    let (failed, succeeded): (Vec<_>, Vec<_>) = finished.into_iter().partition(|job| has_failed(job));
    for (jobs, limit) in [
        (failed, "failedJobsHistoryLimit"),
        (succeeded, "successfulJobsHistoryLimit"),
    ] {
        let kept = integer(owner, &format!("/spec/{limit}")).and_then(|kept| usize::try_from(kept).ok());
        let excess = jobs.len().saturating_sub(kept.unwrap_or(usize::MAX));
        for job in &jobs[..excess] {
            cluster.delete(JOBS, job);
        }
    }
}
