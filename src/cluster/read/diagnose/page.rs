//! A diagnosis as text and as data.

use serde_json::{Value, json};

use super::super::age::age;
use super::super::events;
use super::super::grid::{align, table};
use super::super::json::{items, number, or_none, text};
use super::super::pods::is_ready;
use super::evidence::Evidence;
use super::findings::readiness;

/// Pods shown at the most; those that are not ready come first.
const PODS: usize = 20;

/// Findings first, then what they rest on.
pub(super) fn write(evidence: &Evidence, findings: &[String]) -> String {
    let mut out = String::new();
    if findings.is_empty() {
        out += &format!("no problem found: {}\n", standing(evidence));
    }
    for finding in findings {
        // Messages of the cluster may have several lines; a finding has one.
        out += &finding.split_whitespace().collect::<Vec<_>>().join(" ");
        out.push('\n');
    }
    out.push('\n');
    out += &heading(evidence);
    out += &pods(evidence);
    out += &conditions(&evidence.object);
    if !evidence.warnings.is_empty() {
        out += "\nWarnings of the last hour:\n";
        out += &indent(&align(
            &events::section(&evidence.warnings, evidence.now).replacen("Events:\n", "", 1),
            0,
            2,
        ));
    }
    for log in &evidence.logs {
        let run = if log.previous {
            ", run before the last restart"
        } else {
            ""
        };
        out += &format!(
            "\nEnd of the log of {}, container {}{run}:\n",
            log.pod, log.container
        );
        for line in log.text.lines() {
            out += &format!("  {line}\n");
        }
    }
    out
}

fn indent(lines: &str) -> String {
    // The section is indented already; only its last line end is made sure of.
    format!("{}\n", lines.trim_end())
}

/// The same for programs.
pub(super) fn data(evidence: &Evidence, findings: &[String]) -> Value {
    let (ready, all) = readiness(&evidence.pods);
    json!({
        "object": {
            "kind": evidence.kind,
            "namespace": text(&evidence.object, "/metadata/namespace"),
            "name": text(&evidence.object, "/metadata/name"),
        },
        "findings": findings,
        "pods": {"ready": ready, "total": all},
        "conditions": items(&evidence.object, "/status/conditions"),
        "warnings": evidence.warnings.iter().map(events::fact).collect::<Vec<_>>(),
        "logs": evidence.logs.iter().map(|log| json!({
            "pod": log.pod, "container": log.container, "previous": log.previous, "text": log.text,
        })).collect::<Vec<_>>(),
    })
}

fn standing(evidence: &Evidence) -> String {
    let (ready, all) = readiness(&evidence.pods);
    match (evidence.kind.as_str(), all) {
        ("node", _) => format!("the node is ready and has {all} pods"),
        (_, 0) => format!(
            "{} {} is as it should be",
            evidence.kind,
            text(&evidence.object, "/metadata/name")
        ),
        _ => format!("{ready} of {all} pods ready"),
    }
}

fn heading(evidence: &Evidence) -> String {
    let object = &evidence.object;
    let place = match text(object, "/metadata/namespace") {
        "" => String::new(),
        namespace => format!(" in {namespace}"),
    };
    let made = age(text(object, "/metadata/creationTimestamp"), evidence.now);
    let phase = match text(object, "/status/phase") {
        "" => String::new(),
        phase => format!(", {phase}"),
    };
    format!(
        "{} {}{place}, {made} old{phase}\n",
        evidence.kind,
        text(object, "/metadata/name")
    )
}

fn pods(evidence: &Evidence) -> String {
    if evidence.pods.is_empty() {
        return String::new();
    }
    let mut pods: Vec<&Value> = evidence.pods.iter().collect();
    pods.sort_by_key(|pod| (is_ready(pod), text(pod, "/metadata/name").to_owned()));
    let rows: Vec<Vec<String>> = pods.iter().take(PODS).map(|pod| row(pod, evidence)).collect();
    let header = ["POD", "READY", "STATUS", "RESTARTS", "AGE", "NODE"];
    let more = match pods.len().saturating_sub(PODS) {
        0 => String::new(),
        more => format!("and {more} more\n"),
    };
    format!("\n{}{more}", table(&header, &rows))
}

fn row(pod: &Value, evidence: &Evidence) -> Vec<String> {
    let statuses = items(pod, "/status/containerStatuses");
    let ready = statuses
        .iter()
        .filter(|status| status.get("ready") == Some(&Value::Bool(true)));
    let restarts: i64 = statuses
        .iter()
        .map(|status| number(status, "/restartCount"))
        .sum();
    vec![
        text(pod, "/metadata/name").to_owned(),
        format!("{}/{}", ready.count(), items(pod, "/spec/containers").len()),
        status(pod),
        restarts.to_string(),
        age(text(pod, "/metadata/creationTimestamp"), evidence.now),
        or_none(text(pod, "/spec/nodeName").to_owned()),
    ]
}

/// The first reason that a container gives for not running, else the phase.
pub(super) fn status(pod: &Value) -> String {
    if !text(pod, "/metadata/deletionTimestamp").is_empty() {
        return "Terminating".to_owned();
    }
    let reason = items(pod, "/status/containerStatuses").iter().find_map(|status| {
        ["/state/waiting/reason", "/state/terminated/reason"]
            .iter()
            .map(|place| text(status, place))
            .find(|reason| !reason.is_empty())
    });
    reason.unwrap_or_else(|| text(pod, "/status/phase")).to_owned()
}

fn conditions(object: &Value) -> String {
    let conditions = items(object, "/status/conditions");
    if conditions.is_empty() {
        return String::new();
    }
    let rows: Vec<Vec<String>> = conditions
        .iter()
        .map(|condition| {
            ["/type", "/status", "/reason", "/message"]
                .map(|field| text(condition, field).to_owned())
                .to_vec()
        })
        .collect();
    format!(
        "\n{}",
        table(&["CONDITION", "STATUS", "REASON", "MESSAGE"], &rows)
    )
}
