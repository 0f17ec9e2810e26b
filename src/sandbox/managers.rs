//! Who manages which fields: the bookkeeping in `metadata.managedFields`.

use serde_json::{Map, Value, json};

use super::json::{at, items, remove, set, text};
use super::patch::merge_key;

/// Keeps the record of the object as it was; a writer cannot edit it.
pub(super) fn keep(existing: &Value, object: &mut Value) {
    match existing.pointer("/metadata/managedFields") {
        Some(old) => set(object, "/metadata/managedFields", old.clone()),
        None => {
            remove(object, "/metadata/managedFields");
        }
    }
}

fn put_entry(object: &mut Value, entry: Value) {
    let is_same = |one: &Value| {
        ["/manager", "/operation", "/subresource"]
            .iter()
            .all(|part| one.pointer(part) == entry.pointer(part))
    };
    let mut all = items(object, "/metadata/managedFields").to_vec();
    all.retain(|one| !is_same(one));
    all.push(entry);
    set(object, "/metadata/managedFields", all);
}

/// Notes that `manager` wrote to the object.
pub(super) fn record_update(object: &mut Value, manager: &str, operation: &str, now: &str) {
    let version = at(object, "/apiVersion");
    let entry = json!({"manager": manager, "operation": operation, "apiVersion": version, "time": now,
        "fieldsType": "FieldsV1", "fieldsV1": {}});
    put_entry(object, entry);
}

/// Notes the fields of `body` as applied by `manager`.
pub(super) fn record_apply(object: &mut Value, manager: &str, body: &Value, now: &str) {
    let version = at(body, "/apiVersion");
    let entry = json!({"manager": manager, "operation": "Apply", "apiVersion": version, "time": now,
        "fieldsType": "FieldsV1", "fieldsV1": applied_fields(body)});
    put_entry(object, entry);
}

fn applied_fields(body: &Value) -> Value {
    let mut body = body.clone();
    for identity in ["/apiVersion", "/kind", "/metadata/name", "/metadata/namespace"] {
        remove(&mut body, identity);
    }
    fields_of(&body, "")
}

/// The set of fields of `value` in the FieldsV1 form.
fn fields_of(value: &Value, field: &str) -> Value {
    match value {
        Value::Object(map) => Value::Object(
            map.iter()
                .map(|(key, value)| (format!("f:{key}"), fields_of(value, key)))
                .collect(),
        ),
        Value::Array(list) => Value::Object(list.iter().filter_map(|item| keyed(field, item)).collect()),
        _ => json!({}),
    }
}

fn keyed(field: &str, item: &Value) -> Option<(String, Value)> {
    let key = merge_key(field, item)?;
    let mut inner = match fields_of(item, "") {
        Value::Object(map) => map,
        _ => Map::new(),
    };
    inner.insert(".".into(), json!({}));
    Some((
        format!("k:{}", json!({key: item.get(key)?})),
        Value::Object(inner),
    ))
}

/// Takes out the fields that `manager` applied before, no longer applies, and nobody else applies.
pub(super) fn drop_given_up(patched: &mut Value, shown: &Value, body: &Value, manager: &str) {
    let is_apply = |entry: &&Value| text(entry, "/operation") == "Apply";
    let entries = items(shown, "/metadata/managedFields");
    let Some(before) = entries
        .iter()
        .filter(is_apply)
        .find(|entry| text(entry, "/manager") == manager)
    else {
        return;
    };
    let mut wanted = applied_fields(body);
    for other in entries
        .iter()
        .filter(is_apply)
        .filter(|entry| text(entry, "/manager") != manager)
    {
        json_patch::merge(&mut wanted, &at(other, "/fieldsV1"));
    }
    drop_missing(patched, &at(before, "/fieldsV1"), &wanted);
}

fn drop_missing(object: &mut Value, before: &Value, wanted: &Value) {
    let Some(fields) = before.as_object() else { return };
    for (key, inner) in fields {
        let still = wanted.get(key);
        if let Some(field) = key.strip_prefix("f:") {
            let Some(map) = object.as_object_mut() else { return };
            match (still, map.get_mut(field)) {
                (Some(still), Some(child)) => drop_missing(child, inner, still),
                (None, Some(_)) => {
                    map.shift_remove(field);
                }
                (_, None) => {}
            }
        } else if let Some(identity) = key.strip_prefix("k:") {
            drop_item(object, identity, inner, still);
        }
    }
}

fn drop_item(list: &mut Value, identity: &str, inner: &Value, still: Option<&Value>) {
    let Some(list) = list.as_array_mut() else { return };
    let identity: Map<String, Value> = serde_json::from_str(identity).unwrap_or_default();
    let fits = |item: &Value| identity.iter().all(|(key, value)| item.get(key) == Some(value));
    match still {
        None => list.retain(|item| !fits(item)),
        Some(still) => list
            .iter_mut()
            .filter(|item| fits(item))
            .for_each(|item| drop_missing(item, inner, still)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_apply_gives_up_what_it_leaves_out() {
        let first = json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "a", "labels": {"x": "1"}},
            "data": {"a": "1", "b": "2"}});
        let mut object = first.clone();
        record_apply(&mut object, "me", &first, "now");
        set(&mut object, "/data/c", "3");
        let second =
            json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "a"}, "data": {"a": "1"}});
        let mut patched = object.clone();
        drop_given_up(&mut patched, &object, &second, "me");
        assert_eq!(patched["data"], json!({"a": "1", "c": "3"}));
        assert!(patched.pointer("/metadata/labels").is_none());
    }
}
