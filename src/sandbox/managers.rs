//! Who manages which fields: the bookkeeping in `metadata.managedFields`, and the conflicts that it finds.

use serde_json::{Value, json};

use super::fields::{self, FieldSet, Typing};
use super::json::{at, items, remove, set, text};
use super::status::ApiError;

const PLACE: &str = "/metadata/managedFields";

/// Who writes, by what way.
#[derive(Debug, Clone, Copy)]
pub(super) struct Writer<'a> {
    pub(super) manager: &'a str,
    /// The subresource written to, or `""`.
    pub(super) subresource: &'a str,
    pub(super) typing: Typing,
}

/// One manager's entry, its set read.
struct Entry {
    head: Value,
    set: FieldSet,
}

fn entries(object: Option<&Value>) -> Vec<Entry> {
    let all = object.map_or(&[][..], |object| items(object, PLACE)).iter();
    all.map(|head| Entry {
        head: head.clone(),
        set: FieldSet::read(&at(head, "/fieldsV1")),
    })
    .collect()
}

impl Entry {
    fn new(writer: &Writer<'_>, operation: &str, api_version: &Value) -> Self {
        let mut head = json!({"manager": writer.manager, "operation": operation, "apiVersion": api_version,
            "time": null, "fieldsType": "FieldsV1", "fieldsV1": {}});
        if !writer.subresource.is_empty() {
            head["subresource"] = json!(writer.subresource);
        }
        Self {
            head,
            set: FieldSet::default(),
        }
    }

    fn is_of(&self, writer: &Writer<'_>, operation: &str) -> bool {
        text(&self.head, "/manager") == writer.manager
            && text(&self.head, "/operation") == operation
            && text(&self.head, "/subresource") == writer.subresource
    }

    fn put(&mut self, set: FieldSet, now: &str) {
        if self.set != set || self.head["time"].is_null() {
            self.set = set;
            self.head["time"] = json!(now);
        }
    }
}

/// Writes the entries back: applied ones first, then by age; those that manage nothing are dropped.
fn store(object: &mut Value, mut all: Vec<Entry>) {
    all.retain(|entry| !entry.set.is_empty());
    all.sort_by_key(|entry| {
        let head = &entry.head;
        (
            text(head, "/operation").to_owned(),
            text(head, "/time").to_owned(),
            text(head, "/manager").to_owned(),
        )
    });
    let all: Vec<Value> = all
        .into_iter()
        .map(|mut entry| {
            entry.head["fieldsV1"] = entry.set.write();
            entry.head
        })
        .collect();
    if all.is_empty() {
        remove(object, PLACE);
    } else {
        set(object, PLACE, all);
    }
}

/// Notes that the writer changed `existing`, if there was one, into `object`: what differs is now the writer's.
pub(super) fn record_update(existing: Option<&Value>, object: &mut Value, writer: &Writer<'_>, now: &str) {
    let before = existing.map_or_else(|| json!({}), fields::managed_part);
    let (changed, gone) = fields::compare(&before, &fields::managed_part(object), writer.typing);
    let changed = changed.shed(writer.typing);
    let mut all = entries(existing);
    if changed.is_empty() && gone.is_empty() {
        return store(object, all);
    }
    let mine = match all.iter().position(|entry| entry.is_of(writer, "Update")) {
        Some(index) => all.remove(index),
        None => Entry::new(writer, "Update", &at(object, "/apiVersion")),
    };
    for entry in &mut all {
        entry.set = entry.set.without(&changed).without(&gone);
    }
    let mut mine = mine;
    let mut set = mine.set.without(&gone);
    set.join(&changed);
    mine.put(set, now);
    all.push(mine);
    store(object, all);
}

/// Takes out of `patched` what the writer applied before, no longer applies, and nobody else manages.
pub(super) fn drop_given_up(existing: &Value, patched: &mut Value, body: &Value, writer: &Writer<'_>) {
    let config = fields::of(&fields::managed_part(body), writer.typing);
    let all = entries(Some(existing));
    let Some(last) = all.iter().find(|entry| entry.is_of(writer, "Apply")) else {
        return;
    };
    let mut kept = config;
    for entry in all.iter().filter(|entry| !entry.is_of(writer, "Apply")) {
        kept.join(&entry.set);
    }
    fields::prune(patched, &last.set.without(&kept), &kept);
}

/// Notes that the writer applied `body`, which made `object` of `existing`. A 409 if that changes what others manage and
/// it is not forced.
pub(super) fn record_apply(
    existing: Option<&Value>,
    object: &mut Value,
    body: &Value,
    writer: &Writer<'_>,
    force: bool,
    now: &str,
) -> Result<(), ApiError> {
    let config = fields::of(&fields::managed_part(body), writer.typing);
    let before = existing.map_or_else(|| json!({}), fields::managed_part);
    let (changed, gone) = fields::compare(&before, &fields::managed_part(object), writer.typing);
    // Defaults of what is applied for the first time are nobody's.
    let changed = changed.within(&config);
    let mut all = entries(existing);
    let mine = match all.iter().position(|entry| entry.is_of(writer, "Apply")) {
        Some(index) => all.remove(index),
        None => Entry::new(writer, "Apply", &at(body, "/apiVersion")),
    };
    let conflicts: Vec<(String, String)> = all
        .iter()
        .flat_map(|entry| {
            let named = fields::named(&entry.head);
            let paths = entry.set.within(&changed).paths().into_iter();
            paths.map(move |path| (named.clone(), path))
        })
        .collect();
    if !force && !conflicts.is_empty() {
        return Err(conflict(&conflicts));
    }
    for entry in &mut all {
        entry.set = entry.set.without(&changed).without(&gone);
    }
    let mut mine = mine;
    mine.put(config, now);
    all.push(mine);
    store(object, all);
    Ok(())
}

/// A 409 that names each field with its manager.
fn conflict(conflicts: &[(String, String)]) -> ApiError {
    let message = match conflicts {
        [(manager, path)] => format!("Apply failed with 1 conflict: conflict with {manager}: {path}"),
        many => {
            let mut lines: Vec<String> = Vec::new();
            let mut last = "";
            for (manager, path) in many {
                if manager != last {
                    lines.push(format!("conflicts with {manager}:"));
                    last = manager;
                }
                lines.push(format!("- {path}"));
            }
            format!("Apply failed with {} conflicts: {}", many.len(), lines.join("\n"))
        }
    };
    let causes: Vec<Value> = conflicts
        .iter()
        .map(|(manager, path)| {
            json!({"reason": "FieldManagerConflict", "message": format!("conflict with {manager}"), "field": path})
        })
        .collect();
    let mut error = ApiError::new(409, "Conflict", message);
    error.details = Some(Box::new(json!({"causes": causes})));
    error
}

#[cfg(test)]
mod tests {
    use super::*;

    fn writer(manager: &str) -> Writer<'_> {
        Writer {
            manager,
            subresource: "",
            typing: Typing::BuiltIn,
        }
    }

    fn map(data: &Value) -> Value {
        json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "a"}, "data": data})
    }

    fn applied(existing: Option<&Value>, body: &Value, who: &str, force: bool) -> Result<Value, ApiError> {
        let mut object = existing.cloned().unwrap_or_else(|| body.clone());
        json_patch::merge(&mut object, body);
        if let Some(existing) = existing {
            drop_given_up(existing, &mut object, body, &writer(who));
        }
        record_apply(existing, &mut object, body, &writer(who), force, "now").map(|()| object)
    }

    #[test]
    fn an_apply_gives_up_what_it_leaves_out() {
        let first = applied(None, &map(&json!({"a": "1", "b": "2"})), "me", false).unwrap();
        let mut edited = first.clone();
        set(&mut edited, "/data/c", "3");
        record_update(Some(&first), &mut edited, &writer("editor"), "now");
        let second = applied(Some(&edited), &map(&json!({"a": "1"})), "me", false).unwrap();
        assert_eq!(second["data"], json!({"a": "1", "c": "3"}));
    }

    #[test]
    fn what_others_manage_is_a_conflict_unless_forced() {
        let first = applied(None, &map(&json!({"a": "1"})), "me", false).unwrap();
        let error = applied(Some(&first), &map(&json!({"a": "2"})), "you", false).unwrap_err();
        assert_eq!(
            error.message,
            "Apply failed with 1 conflict: conflict with \"me\": .data.a"
        );
        assert!(applied(Some(&first), &map(&json!({"a": "1"})), "you", false).is_ok());
        let second = applied(Some(&first), &map(&json!({"a": "2"})), "you", true).unwrap();
        assert_eq!(items(&second, PLACE).len(), 1);
        assert_eq!(text(&second, "/metadata/managedFields/0/manager"), "you");
    }

    #[test]
    fn an_update_takes_over_what_it_changes() {
        let first = applied(None, &map(&json!({"a": "1", "b": "2"})), "me", false).unwrap();
        let mut edited = first.clone();
        set(&mut edited, "/data/a", "3");
        record_update(Some(&first), &mut edited, &writer("editor"), "now");
        let error = applied(Some(&edited), &map(&json!({"a": "1", "b": "2"})), "me", false).unwrap_err();
        assert!(
            error
                .message
                .contains("conflict with \"editor\" using v1: .data.a"),
            "{}",
            error.message
        );
    }
}
