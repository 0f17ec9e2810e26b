//! The table of pods.

use jiff::Timestamp;
use serde_json::{Value, json};

use super::cells::{age, name, or_none, since};
use super::{Column, column, wide};
use crate::sandbox::json::{count, flag, items, present, text};

pub(super) const PODS: &[Column] = &[
    column("Name", name),
    column("Ready", ready),
    column("Status", status),
    column("Restarts", restarts),
    column("Age", age),
    wide("IP", |pod, _| or_none(pod, "/status/podIP")),
    wide("Node", |pod, _| or_none(pod, "/spec/nodeName")),
    wide("Nominated Node", |pod, _| {
        or_none(pod, "/status/nominatedNodeName")
    }),
    wide("Readiness Gates", |_, _| json!("<none>")),
];

fn ready(pod: &Value, _: Timestamp) -> Value {
    let ready = items(pod, "/status/containerStatuses")
        .iter()
        .filter(|one| flag(one, "/ready"))
        .count();
    json!(format!("{ready}/{}", items(pod, "/spec/containers").len()))
}

fn status(pod: &Value, _: Timestamp) -> Value {
    if present(pod, "/metadata/deletionTimestamp") {
        return json!("Terminating");
    }
    let mut shown = match text(pod, "/status/reason") {
        "" => text(pod, "/status/phase"),
        reason => reason,
    };
    for one in items(pod, "/status/containerStatuses").iter().rev() {
        let reasons = [
            text(one, "/state/waiting/reason"),
            text(one, "/state/terminated/reason"),
        ];
        if let Some(reason) = reasons.into_iter().find(|reason| !reason.is_empty()) {
            shown = reason;
        }
    }
    json!(shown)
}

fn restarts(pod: &Value, now: Timestamp) -> Value {
    let statuses = items(pod, "/status/containerStatuses");
    let total: i64 = statuses.iter().map(|one| count(one, "/restartCount")).sum();
    let last = statuses
        .iter()
        .map(|one| text(one, "/lastState/terminated/finishedAt"))
        .max()
        .unwrap_or("");
    if total == 0 || last.is_empty() {
        return json!(total.to_string());
    }
    json!(format!(
        "{total} ({} ago)",
        since(last, now).as_str().unwrap_or("")
    ))
}
