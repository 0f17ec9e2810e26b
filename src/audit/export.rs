//! Actions for other programs. The evidence is the log itself; these are views of it.

use super::replay::Action;
use serde::Serialize;
use serde_json::{Value, json};
use std::io::{self, Write};

/// What begins a formula in a spreadsheet.
const FORMULA: [char; 6] = ['=', '+', '-', '@', '\t', '\r'];

/// One action, flat, with its bodies.
#[derive(Serialize)]
struct Line<'a> {
    action: String,
    at: String,
    user: &'a str,
    context: &'a str,
    verdict: &'a str,
    commands: Vec<&'a str>,
    intent: Option<&'a Value>,
    decision: Option<&'a Value>,
    outcome: Option<&'a Value>,
}

/// Writes one JSON object a line: `action`, `at`, `user`, `context`, `verdict`, `commands`, and the
/// bodies `intent`, `decision` and `outcome` or null.
pub fn json_lines(actions: &[Action], mut out: impl Write) -> io::Result<()> {
    for action in actions {
        let line = Line {
            action: action.id.to_string(),
            at: action.at.to_string(),
            user: action.user(),
            context: action.context(),
            verdict: action.verdict(),
            commands: action.commands(),
            intent: action.intent(),
            decision: action.decision(),
            outcome: action.outcome(),
        };
        serde_json::to_writer(&mut out, &line)?;
        out.write_all(b"\n")?;
    }
    out.flush()
}

/// Writes a table with the columns `action,at,user,context,verdict,commands`, the commands one a line
/// in their cell. A cell that a spreadsheet would run as a formula gets an apostrophe in front.
pub fn csv(actions: &[Action], out: impl Write) -> io::Result<()> {
    let mut table = csv::Writer::from_writer(out);
    table.write_record(["action", "at", "user", "context", "verdict", "commands"])?;
    for action in actions {
        let (id, at, commands) = (
            action.id.to_string(),
            action.at.to_string(),
            action.commands().join("\n"),
        );
        let cells = [
            &id,
            &at,
            action.user(),
            action.context(),
            action.verdict(),
            &commands,
        ];
        table.write_record(cells.map(harmless))?;
    }
    table.flush()
}

/// Writes one OTLP/JSON request a line (`ExportLogsServiceRequest`), one action each: what an OpenTelemetry collector takes
/// at `/v1/logs`, and its file receiver from a file.
pub fn otlp(actions: &[Action], mut out: impl Write) -> io::Result<()> {
    for action in actions {
        let resource = json!({ "attributes": attributes(&[("service.name", "sayso"), ("service.version", env!("CARGO_PKG_VERSION"))]) });
        let scope = json!({ "name": "sayso.audit", "version": super::chain::DOMAIN });
        let request = json!({ "resourceLogs": [{ "resource": resource,
            "scopeLogs": [{ "scope": scope, "logRecords": [log_record(action)] }] }] });
        serde_json::to_writer(&mut out, &request)?;
        out.write_all(b"\n")?;
    }
    out.flush()
}

fn log_record(action: &Action) -> Value {
    let (number, severity) = match action.verdict() {
        "failed" | "unfinished" | "unknown" | "interrupted" => (17, "ERROR"),
        "denied" | "refused" | "void" | "needs-approval" | "reconciled" => (13, "WARN"),
        _ => (9, "INFO"),
    };
    let commands = action.commands().join("; ");
    let id = action.id.to_string();
    let last = action.records.last();
    let pairs = [
        ("sayso.action", id.as_str()),
        ("sayso.outcome", action.verdict()),
        ("sayso.hash", last.map_or("", |record| record.hash.as_str())),
        ("enduser.id", action.user()),
        ("k8s.context", action.context()),
    ];
    json!({ "timeUnixNano": action.at.as_nanosecond().to_string(), "severityNumber": number, "severityText": severity,
        "eventName": "sayso.action", "body": { "stringValue": commands }, "attributes": attributes(&pairs) })
}

fn attributes(pairs: &[(&str, &str)]) -> Vec<Value> {
    let each = pairs
        .iter()
        .map(|(key, value)| json!({ "key": key, "value": { "stringValue": value } }));
    each.collect()
}

fn harmless(cell: &str) -> String {
    if cell.starts_with(FORMULA) {
        format!("'{cell}")
    } else {
        cell.into()
    }
}
