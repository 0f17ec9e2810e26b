//! `events`, and the events at the end of `describe`.

use jiff::Timestamp;
use serde_json::{Value, json};

use super::age::age;
use super::grid::table;
use super::json::{number, text};
use super::{ReadOutput, Reader};
use crate::cluster::ClusterError;
use crate::plan::command::Events;
use crate::plan::printable::cell;

/// `events`.
pub(super) async fn read(reader: Reader<'_>, command: &Events) -> Result<ReadOutput, ClusterError> {
    let mut namespace = reader.namespace();
    let mut about = None;
    if let Some(target) = &command.about {
        let served = reader.served(&target.0.kind).await?;
        if !served.namespaced {
            // Events about a node are written to a namespace, only not to one that anybody would guess.
            namespace = None;
        }
        about = Some((served.api.kind, target.0.name.as_str()));
    }
    let mut events = reader.all("event", namespace, &[]).await?;
    events.retain(|event| {
        let concerned = about
            .as_ref()
            .is_none_or(|(kind, name)| is_about(event, kind, name));
        concerned
            && command
                .types
                .as_ref()
                .is_none_or(|types| text(event, "/type") == types.0)
    });
    sort(&mut events);
    if events.is_empty() {
        let place = namespace.map_or_else(|| ".".to_owned(), |name| format!(" in {name} namespace."));
        return Ok(ReadOutput::nothing(
            &format!("No events found{place}"),
            Some(json!([])),
        ));
    }
    let data = events.iter().map(fact).collect();
    let text = listing(&events, reader.namespace().is_none(), reader.now);
    Ok(ReadOutput::new(&text, Some(Value::Array(data))))
}

/// The events about one object, oldest first; none where they may not be read.
pub(super) async fn about(reader: Reader<'_>, object: &Value) -> Vec<Value> {
    let (kind, name) = (text(object, "/kind"), text(object, "/metadata/name"));
    let namespace = Some(text(object, "/metadata/namespace")).filter(|namespace| !namespace.is_empty());
    let by_name = format!("involvedObject.name={name}");
    let query = [("fieldSelector", by_name.as_str())];
    let mut events = reader.all("event", namespace, &query).await.unwrap_or_default();
    events.retain(|event| is_about(event, kind, name));
    sort(&mut events);
    events
}

fn is_about(event: &Value, kind: &str, name: &str) -> bool {
    let (about_kind, about_name) = ("/involvedObject/kind", "/involvedObject/name");
    text(event, about_name) == name && text(event, about_kind).eq_ignore_ascii_case(kind)
}

/// When an event was last seen.
pub(super) fn last_seen(event: &Value) -> &str {
    let places = [
        "/series/lastObservedTime",
        "/lastTimestamp",
        "/eventTime",
        "/firstTimestamp",
    ];
    let seen = places
        .iter()
        .map(|place| text(event, place))
        .find(|time| !time.is_empty());
    seen.unwrap_or_else(|| text(event, "/metadata/creationTimestamp"))
}

fn first_seen(event: &Value) -> &str {
    match text(event, "/firstTimestamp") {
        "" => text(event, "/eventTime"),
        time => time,
    }
}

fn sort(events: &mut [Value]) {
    events.sort_by_key(|event| {
        (
            last_seen(event).parse::<Timestamp>().ok(),
            text(event, "/metadata/name").to_owned(),
        )
    });
}

fn count(event: &Value) -> i64 {
    number(event, "/series/count").max(number(event, "/count"))
}

/// `3m (x12 over 1h)`, or `3m` for what was seen once.
fn seen(event: &Value, now: Timestamp) -> String {
    let last = age(last_seen(event), now);
    match count(event) {
        0 | 1 => last,
        count => format!("{last} (x{count} over {})", age(first_seen(event), now)),
    }
}

/// The table of `events`.
fn listing(events: &[Value], shows_namespace: bool, now: Timestamp) -> String {
    let mut header = vec!["LAST SEEN", "TYPE", "REASON", "OBJECT", "MESSAGE"];
    if shows_namespace {
        header.insert(0, "NAMESPACE");
    }
    let rows = events.iter().map(|event| {
        let object = format!(
            "{}/{}",
            text(event, "/involvedObject/kind"),
            text(event, "/involvedObject/name")
        );
        let mut row = vec![
            seen(event, now),
            text(event, "/type").to_owned(),
            text(event, "/reason").to_owned(),
            object,
            text(event, "/message").trim().to_owned(),
        ];
        if shows_namespace {
            row.insert(0, text(event, "/metadata/namespace").to_owned());
        }
        row
    });
    table(&header, &rows.collect::<Vec<_>>())
}

/// The lines at the end of `describe`, cells ending in tabs.
pub(super) fn section(events: &[Value], now: Timestamp) -> String {
    if events.is_empty() {
        return "Events:\t<none>\n".to_owned();
    }
    let mut out =
        "Events:\n  Type\tReason\tAge\tFrom\tMessage\n  ----\t------\t----\t----\t-------\n".to_owned();
    for event in events {
        let from = match text(event, "/source/component") {
            "" => text(event, "/reportingComponent"),
            component => component,
        };
        let cells = [
            text(event, "/type").to_owned(),
            text(event, "/reason").to_owned(),
            seen(event, now),
            from.to_owned(),
            text(event, "/message").trim().to_owned(),
        ];
        out += "  ";
        out += &cells.map(|text| cell(&text)).join("\t");
        out.push('\n');
    }
    out
}

/// An event without what nobody reads.
pub(super) fn fact(event: &Value) -> Value {
    json!({
        "namespace": text(event, "/metadata/namespace"),
        "lastSeen": last_seen(event),
        "count": count(event).max(1),
        "type": text(event, "/type"),
        "reason": text(event, "/reason"),
        "object": {"kind": text(event, "/involvedObject/kind"), "name": text(event, "/involvedObject/name")},
        "message": text(event, "/message"),
    })
}
