//! What a definition's schema makes of an object: unknown fields go, defaults come.

use serde_json::Value;

use crate::sandbox::json::{flag, items};

/// Prunes and completes a custom object, but for what all objects have.
pub(in crate::sandbox) fn shape(object: &mut Value, schema: &Value) {
    let Some(map) = object.as_object_mut() else { return };
    let system: Vec<(String, Value)> = ["apiVersion", "kind", "metadata"]
        .iter()
        .filter_map(|key| map.shift_remove(*key).map(|value| ((*key).to_owned(), value)))
        .collect();
    refine(object, schema);
    if let Some(rest) = object.as_object_mut().map(std::mem::take) {
        *object = Value::Object(system.into_iter().chain(rest).collect());
    }
}

fn refine(value: &mut Value, schema: &Value) {
    match value {
        Value::Object(map) => {
            let known = schema.get("properties").and_then(Value::as_object);
            let each = schema.get("additionalProperties").filter(|each| each.is_object());
            let keeps = flag(schema, "/x-kubernetes-preserve-unknown-fields")
                || schema.get("additionalProperties").is_some();
            map.retain(|key, _| keeps || known.is_some_and(|known| known.contains_key(key)));
            for (key, schema) in known.into_iter().flatten() {
                let default = schema.get("default");
                let is_missing = match map.get(key) {
                    None => true,
                    Some(found) => found.is_null() && !flag(schema, "/nullable"),
                };
                if let (true, Some(default)) = (is_missing, default) {
                    map.insert(key.clone(), default.clone());
                }
            }
            for (key, inner) in map.iter_mut() {
                if let Some(schema) = known.and_then(|known| known.get(key)).or(each) {
                    refine(inner, schema);
                }
            }
        }
        Value::Array(list) => {
            if let Some(schema) = schema.get("items") {
                for item in list {
                    refine(item, schema);
                }
            }
        }
        _ => {}
    }
}

/// The first item of a keyed list whose keys an earlier item has already: its place and its keys.
pub(super) fn duplicate(list: &[Value], schema: &Value) -> Option<(usize, Value)> {
    let names: Vec<&str> = items(schema, "/x-kubernetes-list-map-keys")
        .iter()
        .filter_map(Value::as_str)
        .collect();
    let keys = |item: &Value| -> Value {
        names
            .iter()
            .map(|name| ((*name).to_owned(), item.get(*name).cloned().unwrap_or_default()))
            .collect()
    };
    let all: Vec<Value> = list.iter().map(keys).collect();
    (!names.is_empty())
        .then(|| (1..all.len()).find(|&at| all[..at].contains(&all[at])))
        .flatten()
        .map(|at| (at, all[at].clone()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn what_is_unknown_goes_and_defaults_come() {
        let schema = json!({"properties": {"spec": {"properties": {
            "size": {"default": 3}, "free": {"x-kubernetes-preserve-unknown-fields": true},
            "all": {"items": {"properties": {"a": {}}}}}}}});
        let mut object = json!({"kind": "A", "metadata": {"x": 1}, "other": 1,
            "spec": {"free": {"b": 1}, "gone": 1, "all": [{"a": 1, "b": 2}]}});
        shape(&mut object, &schema);
        let expected = json!({"kind": "A", "metadata": {"x": 1},
            "spec": {"free": {"b": 1}, "all": [{"a": 1}], "size": 3}});
        assert_eq!(object, expected);
    }

    #[test]
    fn a_key_comes_once() {
        let schema = json!({"x-kubernetes-list-map-keys": ["key"]});
        let list = [
            json!({"key": "a"}),
            json!({"key": "b"}),
            json!({"key": "a", "x": 1}),
        ];
        assert_eq!(duplicate(&list, &schema), Some((2, json!({"key": "a"}))));
        assert_eq!(duplicate(&list[..2], &schema), None);
    }
}
