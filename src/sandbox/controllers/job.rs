//! Jobs: pods until enough of them have succeeded, or too many failed.

use std::sync::Arc;

use serde_json::{Value, json};

use super::{is_active, is_ready, pod_from_template};
use crate::sandbox::cluster::{Cluster, own};
use crate::sandbox::json::{
    at, count, ensure, flag, integer, is_terminating, items, name, namespace, present, set, text, uid,
};

const TABLE: &str = "jobs.batch";

pub(super) fn reconcile(cluster: &mut Cluster) {
    for job in cluster.due(TABLE) {
        if !is_terminating(&job) && !is_finished(&job) {
            sync(cluster, &job);
        }
    }
}

pub(super) fn is_finished(job: &Value) -> bool {
    let conditions = items(job, "/status/conditions");
    conditions
        .iter()
        .any(|one| matches!(text(one, "/type"), "Complete" | "Failed") && text(one, "/status") == "True")
}

fn sync(cluster: &mut Cluster, job: &Value) {
    let pods = cluster.controlled("pods", namespace(job), uid(job));
    let in_phase = |phase: &str| {
        i64::try_from(
            pods.iter()
                .filter(|pod| text(pod, "/status/phase") == phase)
                .count(),
        )
        .unwrap_or(0)
    };
    let (succeeded, failed) = (in_phase("Succeeded"), in_phase("Failed"));
    let active: Vec<&Arc<Value>> = pods.iter().filter(|pod| is_active(pod)).collect();
    let completions = integer(job, "/spec/completions").unwrap_or(1);
    let has_failed = failed > count(job, "/spec/backoffLimit");
    let is_complete = succeeded >= completions;
    let is_suspended = flag(job, "/spec/suspend");
    let running = i64::try_from(active.len()).unwrap_or(0);
    let wanted = if is_suspended || has_failed || is_complete {
        0
    } else {
        (completions - succeeded)
            .min(count(job, "/spec/parallelism"))
            .min(super::POD_LIMIT)
    };
    for _ in running..wanted {
        add(cluster, job);
    }
    if wanted == 0 {
        for pod in active {
            cluster.delete("pods", pod);
        }
    }
    report(cluster, job, succeeded, failed, wanted);
}

fn add(cluster: &mut Cluster, job: &Value) {
    let mut pod = pod_from_template(&at(job, "/spec/template"), namespace(job));
    let prefix = format!("{}-", name(job));
    let suffix = cluster.suffix(&prefix);
    set(&mut pod, "/metadata/name", format!("{prefix}{suffix}"));
    set(&mut pod, "/metadata/generateName", prefix);
    own(&mut pod, job, "batch/v1", "Job");
    super::pod::create_for(cluster, pod, job, "job-controller");
}

fn report(cluster: &mut Cluster, job: &Value, succeeded: i64, failed: i64, active: i64) {
    let now = cluster.timestamp();
    let mut object = job.clone();
    if !flag(job, "/spec/suspend") {
        ensure(&mut object, "/status/startTime", now.clone());
    }
    let pods = cluster.controlled("pods", namespace(job), uid(job));
    let ready = pods.iter().filter(|pod| is_active(pod) && is_ready(pod)).count();
    for (field, number) in [("active", active), ("succeeded", succeeded), ("failed", failed)] {
        if number > 0 || present(job, &format!("/status/{field}")) {
            set(&mut object, &format!("/status/{field}"), number);
        }
    }
    set(&mut object, "/status/ready", ready);
    let condition = |class: &str, reason: &str, message: &str| json!({"type": class, "status": "True", "lastProbeTime": now, "lastTransitionTime": now, "reason": reason, "message": message});
    if succeeded >= integer(job, "/spec/completions").unwrap_or(1) {
        let message = "Reached expected number of succeeded pods";
        let both = [
            condition("SuccessCriteriaMet", "CompletionsReached", message),
            condition("Complete", "CompletionsReached", message),
        ];
        set(&mut object, "/status/conditions", json!(both));
        set(&mut object, "/status/completionTime", now.clone());
        cluster.event(
            job,
            "batch/v1",
            "Job",
            "Normal",
            "Completed",
            "Job completed",
            "job-controller",
        );
    } else if failed > count(job, "/spec/backoffLimit") {
        let message = "Job has reached the specified backoff limit";
        set(
            &mut object,
            "/status/conditions",
            json!([condition("Failed", "BackoffLimitExceeded", message)]),
        );
        cluster.event(
            job,
            "batch/v1",
            "Job",
            "Warning",
            "BackoffLimitExceeded",
            message,
            "job-controller",
        );
    }
    cluster.update(TABLE, object);
}
