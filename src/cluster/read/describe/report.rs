//! Lines of a description: labels and values with a tab between, two spaces a level.

use jiff::Timestamp;
use serde_json::Value;

use super::super::age::moment;
use super::super::json::{entries, items, or_none, pairs, selector, text, word};
use super::super::mask::LAST_APPLIED;
use crate::plan::printable::{cell, printable};

/// A description being written.
pub(super) struct Report {
    out: String,
    /// When it is written; ages count from here.
    pub(super) now: Timestamp,
}

impl Report {
    /// An empty one.
    pub(super) fn new(now: Timestamp) -> Report {
        Report {
            out: String::new(),
            now,
        }
    }

    /// `Label:  value`. Further lines of the value stand below its first.
    pub(super) fn line(&mut self, level: usize, label: &str, value: &str) {
        let value = printable(value).replace('\t', " ");
        let below = format!("\n{}\t", "  ".repeat(level));
        let value = value.trim_end().replace('\n', &below);
        self.row(level, &format!("{label}:\t{value}"));
    }

    /// A line with the value of a field; none where the object has no such field.
    pub(super) fn field(&mut self, level: usize, label: &str, object: &Value, pointer: &str) {
        if let Some(value) = object.pointer(pointer).filter(|value| !value.is_null()) {
            self.line(level, label, &word(value));
        }
    }

    /// A line with a moment; none where there is none.
    pub(super) fn time(&mut self, level: usize, label: &str, object: &Value, pointer: &str) {
        match text(object, pointer) {
            "" => {}
            time => self.line(level, label, &moment(time)),
        }
    }

    /// A line by itself, as in `Containers:`; cells end in tabs.
    pub(super) fn row(&mut self, level: usize, text: &str) {
        self.out += &"  ".repeat(level);
        self.out += text;
        self.out.push('\n');
    }

    /// Finished lines.
    pub(super) fn raw(&mut self, text: &str) {
        self.out += text;
    }

    /// Name, namespace and, where wanted, more of what every object has.
    pub(super) fn name(&mut self, object: &Value) {
        self.line(0, "Name", text(object, "/metadata/name"));
        if !text(object, "/metadata/namespace").is_empty() {
            self.line(0, "Namespace", text(object, "/metadata/namespace"));
        }
    }

    /// Labels one a line, `<none>` for none.
    pub(super) fn labels(&mut self, level: usize, object: &Value) {
        let labels = entries(object, "/metadata/labels");
        let lines: Vec<String> = labels
            .into_iter()
            .map(|(key, value)| format!("{key}={}", word(value)))
            .collect();
        self.line(level, "Labels", &or_none(lines.join("\n")));
    }

    /// Annotations one a line, without the copy that `kubectl apply` keeps; `<none>` for none.
    pub(super) fn annotations(&mut self, level: usize, object: &Value) {
        let annotations = entries(object, "/metadata/annotations");
        let lines: Vec<String> = annotations
            .into_iter()
            .filter(|(key, _)| *key != LAST_APPLIED)
            .map(|(key, value)| format!("{key}: {}", word(value)))
            .collect();
        self.line(level, "Annotations", &or_none(lines.join("\n")));
    }

    /// Labels and annotations.
    pub(super) fn marks(&mut self, object: &Value) {
        self.labels(0, object);
        self.annotations(0, object);
    }

    /// The selector of a workload.
    pub(super) fn selector(&mut self, object: &Value) {
        let selector = selector(object, "/spec/selector");
        self.line(0, "Selector", &or_none(selector.unwrap_or_default()));
    }

    /// `Controlled By`, where something does.
    pub(super) fn controller(&mut self, object: &Value) {
        let owner = items(object, "/metadata/ownerReferences")
            .iter()
            .find(|owner| owner.get("controller") == Some(&Value::Bool(true)));
        if let Some(owner) = owner {
            let named = format!("{}/{}", text(owner, "/kind"), text(owner, "/name"));
            self.line(0, "Controlled By", &named);
        }
    }

    /// A map as `key=value` pairs, one a line.
    pub(super) fn map(&mut self, level: usize, label: &str, object: &Value, pointer: &str) {
        self.line(level, label, &pairs(object, pointer).replace(',', "\n"));
    }

    /// The table of conditions with these columns, as pairs of a title and a field; nothing where there are none.
    pub(super) fn conditions(&mut self, object: &Value, columns: &[(&str, &str)]) {
        let conditions = items(object, "/status/conditions");
        if conditions.is_empty() {
            return;
        }
        let titles: Vec<&str> = columns.iter().map(|(title, _)| *title).collect();
        let rules: Vec<String> = titles.iter().map(|title| "-".repeat(title.len())).collect();
        let is_workload = columns.len() == 3;
        self.row(0, "Conditions:");
        self.row(1, &titles.join("\t"));
        // Pods have two columns and, in kubectl, no rule.
        if columns.len() > 2 {
            self.row(1, &rules.join("\t"));
        }
        for condition in conditions {
            let cells = columns.iter().map(|(_, field)| {
                let value = text(condition, field);
                let shown = if field.ends_with("Time") {
                    moment(value)
                } else {
                    cell(value)
                };
                // kubectl sets a space behind the cells of pods and nodes.
                if is_workload { shown } else { shown + " " }
            });
            let row = cells.collect::<Vec<_>>().join("\t");
            self.row(1, &row);
        }
    }

    /// The text, cells ending in tabs.
    pub(super) fn finish(self) -> String {
        self.out
    }
}
