//! The tables of workloads.

use jiff::Timestamp;
use serde_json::{Value, json};

use super::cells::{age, duration, joined, name, or_none, pairs, since};
use super::{Column, column, wide};
use crate::sandbox::json::{count, flag, integer, items, text};

pub(super) fn columns(qualified: &str) -> Option<&'static [Column]> {
    Some(match qualified {
        "deployments.apps" => DEPLOYMENTS,
        "replicasets.apps" | "replicationcontrollers" => REPLICA_SETS,
        "statefulsets.apps" => STATEFUL_SETS,
        "daemonsets.apps" => DAEMON_SETS,
        "controllerrevisions.apps" => REVISIONS,
        "jobs.batch" => JOBS,
        "cronjobs.batch" => CRON_JOBS,
        "horizontalpodautoscalers.autoscaling" => AUTOSCALERS,
        "poddisruptionbudgets.policy" => BUDGETS,
        _ => return None,
    })
}

const DEPLOYMENTS: &[Column] = &[
    column("Name", name),
    column("Ready", ready),
    column("Up-to-date", |object, _| {
        number(object, "/status/updatedReplicas")
    }),
    column("Available", |object, _| {
        number(object, "/status/availableReplicas")
    }),
    column("Age", age),
    wide("Containers", containers),
    wide("Images", images),
    wide("Selector", selector),
];

const REPLICA_SETS: &[Column] = &[
    column("Name", name),
    column("Desired", |object, _| number(object, "/spec/replicas")),
    column("Current", |object, _| number(object, "/status/replicas")),
    column("Ready", |object, _| number(object, "/status/readyReplicas")),
    column("Age", age),
    wide("Containers", containers),
    wide("Images", images),
    wide("Selector", selector),
];

const STATEFUL_SETS: &[Column] = &[
    column("Name", name),
    column("Ready", ready),
    column("Age", age),
    wide("Containers", containers),
    wide("Images", images),
];

const DAEMON_SETS: &[Column] = &[
    column("Name", name),
    column("Desired", |object, _| {
        number(object, "/status/desiredNumberScheduled")
    }),
    column("Current", |object, _| {
        number(object, "/status/currentNumberScheduled")
    }),
    column("Ready", |object, _| number(object, "/status/numberReady")),
    column("Up-to-date", |object, _| {
        number(object, "/status/updatedNumberScheduled")
    }),
    column("Available", |object, _| number(object, "/status/numberAvailable")),
    column("Node Selector", |object, _| {
        pairs(object, "/spec/template/spec/nodeSelector")
    }),
    column("Age", age),
    wide("Containers", containers),
    wide("Images", images),
    wide("Selector", selector),
];

const REVISIONS: &[Column] = &[
    column("Name", name),
    column("Controller", |object, _| {
        let owner = items(object, "/metadata/ownerReferences")
            .first()
            .cloned()
            .unwrap_or_default();
        let group = text(&owner, "/apiVersion")
            .split('/')
            .next()
            .unwrap_or("")
            .to_owned();
        json!(format!(
            "{}.{group}/{}",
            text(&owner, "/kind").to_lowercase(),
            text(&owner, "/name")
        ))
    }),
    column("Revision", |object, _| number(object, "/revision")),
    column("Age", age),
];

const JOBS: &[Column] = &[
    column("Name", name),
    column("Status", job_status),
    column("Completions", |object, _| {
        let wanted = integer(object, "/spec/completions").unwrap_or(1);
        json!(format!("{}/{wanted}", count(object, "/status/succeeded")))
    }),
    column("Duration", job_duration),
    column("Age", age),
    wide("Containers", containers),
    wide("Images", images),
    wide("Selector", selector),
];

const CRON_JOBS: &[Column] = &[
    column("Name", name),
    column("Schedule", |object, _| json!(text(object, "/spec/schedule"))),
    column("Timezone", |object, _| or_none(object, "/spec/timeZone")),
    column("Suspend", |object, _| {
        json!(if flag(object, "/spec/suspend") {
            "True"
        } else {
            "False"
        })
    }),
    column("Active", |object, _| json!(items(object, "/status/active").len())),
    column("Last Schedule", |object, now| {
        match text(object, "/status/lastScheduleTime") {
            "" => json!("<none>"),
            when => since(when, now),
        }
    }),
    column("Age", age),
    wide("Containers", |object, _| {
        joined(object, "/spec/jobTemplate/spec/template/spec/containers", "/name")
    }),
    wide("Images", |object, _| {
        joined(
            object,
            "/spec/jobTemplate/spec/template/spec/containers",
            "/image",
        )
    }),
    wide("Selector", |_, _| json!("<none>")),
];

const AUTOSCALERS: &[Column] = &[
    column("Name", name),
    column("Reference", |object, _| {
        json!(format!(
            "{}/{}",
            text(object, "/spec/scaleTargetRef/kind"),
            text(object, "/spec/scaleTargetRef/name")
        ))
    }),
    column("Targets", targets),
    column("MinPods", |object, _| number(object, "/spec/minReplicas")),
    column("MaxPods", |object, _| number(object, "/spec/maxReplicas")),
    column("Replicas", |object, _| number(object, "/status/currentReplicas")),
    column("Age", age),
];

const BUDGETS: &[Column] = &[
    column("Name", name),
    column("Min Available", |object, _| written(object, "/spec/minAvailable")),
    column("Max Unavailable", |object, _| {
        written(object, "/spec/maxUnavailable")
    }),
    column("Allowed Disruptions", |object, _| {
        number(object, "/status/disruptionsAllowed")
    }),
    column("Age", age),
];

fn number(object: &Value, pointer: &str) -> Value {
    json!(count(object, pointer))
}

fn ready(object: &Value, _: Timestamp) -> Value {
    json!(format!(
        "{}/{}",
        count(object, "/status/readyReplicas"),
        count(object, "/spec/replicas")
    ))
}

fn containers(object: &Value, _: Timestamp) -> Value {
    joined(object, "/spec/template/spec/containers", "/name")
}

fn images(object: &Value, _: Timestamp) -> Value {
    joined(object, "/spec/template/spec/containers", "/image")
}

fn selector(object: &Value, _: Timestamp) -> Value {
    pairs(object, "/spec/selector/matchLabels")
}

fn written(object: &Value, pointer: &str) -> Value {
    match object.pointer(pointer) {
        None | Some(Value::Null) => json!("N/A"),
        Some(Value::String(text)) => json!(text),
        Some(other) => json!(other.to_string()),
    }
}

fn job_status(job: &Value, _: Timestamp) -> Value {
    let has = |class: &str| {
        items(job, "/status/conditions")
            .iter()
            .any(|one| text(one, "/type") == class && text(one, "/status") == "True")
    };
    json!(match () {
        () if has("Complete") => "Complete",
        () if has("Failed") => "Failed",
        () if flag(job, "/spec/suspend") => "Suspended",
        () => "Running",
    })
}

fn job_duration(job: &Value, now: Timestamp) -> Value {
    let time = |pointer: &str| text(job, pointer).parse::<Timestamp>().ok();
    let Some(started) = time("/status/startTime") else {
        return json!("");
    };
    let ended = time("/status/completionTime").unwrap_or(now);
    json!(duration(ended.duration_since(started).as_secs()))
}

fn targets(object: &Value, _: Timestamp) -> Value {
    let all: Vec<String> = items(object, "/spec/metrics")
        .iter()
        .map(|metric| {
            let kind = text(metric, "/resource/name");
            let wanted = count(metric, "/resource/target/averageUtilization");
            let found = items(object, "/status/currentMetrics")
                .iter()
                .find(|one| text(one, "/resource/name") == kind);
            let now = found.and_then(|one| integer(one, "/resource/current/averageUtilization"));
            let now = now.map_or_else(|| "<unknown>".to_owned(), |now| format!("{now}%"));
            format!("{kind}: {now}/{wanted}%")
        })
        .collect();
    if all.is_empty() {
        json!("<unknown>")
    } else {
        json!(all.join(", "))
    }
}
