//! `describe` of every other kind: its fields as they are nested, in kubectl's labels.

use serde_json::Value;

use super::super::json::{items, text, word};
use super::report::Report;

/// How deep fields are followed.
const DEPTH: usize = 12;

/// All fields but those of the metadata that say nothing.
pub(super) fn render(report: &mut Report, object: &Value) {
    report.name(object);
    report.marks(object);
    report.line(0, "API Version", text(object, "/apiVersion"));
    report.line(0, "Kind", text(object, "/kind"));
    report.row(0, "Metadata:");
    report.field(1, "Creation Timestamp", object, "/metadata/creationTimestamp");
    report.field(1, "Generation", object, "/metadata/generation");
    for finalizer in items(object, "/metadata/finalizers") {
        report.line(1, "Finalizer", &word(finalizer));
    }
    let rest = object.as_object().into_iter().flatten();
    for (name, value) in rest {
        if !matches!(name.as_str(), "apiVersion" | "kind" | "metadata") {
            nested(report, 0, name, value);
        }
    }
}

/// A field and what is in it.
pub(super) fn nested(report: &mut Report, level: usize, name: &str, value: &Value) {
    let label = label(name);
    match value {
        _ if level > DEPTH => report.line(level, &label, "..."),
        Value::Object(fields) if !fields.is_empty() => {
            report.row(level, &format!("{label}:"));
            for (name, value) in fields {
                nested(report, level + 1, name, value);
            }
        }
        Value::Array(elements) if !elements.is_empty() => {
            report.row(level, &format!("{label}:"));
            for element in elements {
                list_element(report, level + 1, element);
            }
        }
        Value::Object(_) | Value::Array(_) | Value::Null => report.line(level, &label, ""),
        scalar => report.line(level, &label, &word(scalar)),
    }
}

fn list_element(report: &mut Report, level: usize, element: &Value) {
    match element {
        Value::Object(fields) => {
            for (name, value) in fields {
                nested(report, level, name, value);
            }
        }
        other => {
            let text = crate::plan::printable::cell(&word(other));
            report.row(level, &text);
        }
    }
}

/// `minAvailable` as `Min Available`, `podIP` as `Pod IP`, like kubectl.
fn label(name: &str) -> String {
    if name.contains(['.', '/', '-']) {
        return name.to_owned();
    }
    let mut out = String::new();
    for (index, c) in name.chars().enumerate() {
        if index == 0 {
            out.extend(c.to_uppercase());
            continue;
        }
        if c.is_uppercase() {
            out.push(' ');
        }
        out.push(c);
    }
    out.replace("I P", "IP")
}
