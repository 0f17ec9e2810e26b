//! Strategic merge: lists whose items have an identity are merged by it, all others are replaced.

use serde_json::{Map, Value};

use crate::sandbox::status::ApiError;

/// Deeper nesting than any object has; a patch beyond it is refused rather than followed.
const DEPTH_LIMIT: u32 = 64;

/// The key by which the items of the list called `field` are told apart; `sample` is one of its items.
/// The same as the `patchMergeKey` tags of the Kubernetes API types.
pub(in crate::sandbox) fn merge_key(field: &str, sample: &Value) -> Option<&'static str> {
    let has = |key: &str| sample.get(key).is_some();
    match field {
        "containers"
        | "initContainers"
        | "ephemeralContainers"
        | "volumes"
        | "env"
        | "imagePullSecrets"
        | "secrets"
        | "resourceClaims" => Some("name"),
        "volumeMounts" => Some("mountPath"),
        "volumeDevices" => Some("devicePath"),
        "ports" if has("containerPort") => Some("containerPort"),
        "ports" if has("port") => Some("port"),
        "conditions" | "addresses" => Some("type"),
        "ownerReferences" => Some("uid"),
        "topologySpreadConstraints" => Some("topologyKey"),
        "podIPs" | "hostIPs" | "hostAliases" => Some("ip"),
        _ => None,
    }
}

/// How a patch is gone through.
#[derive(Debug, Clone, Copy)]
struct Walk {
    depth: u32,
    /// New items of keyed lists stand before those that were there.
    new_first: bool,
}

impl Walk {
    fn deeper(self) -> Self {
        Self {
            depth: self.depth + 1,
            ..self
        }
    }
}

/// Merges `patch` into `object`; what is new in a list comes first.
pub(in crate::sandbox) fn strategic(object: &mut Value, patch: &Value) -> Result<(), ApiError> {
    let walk = Walk {
        depth: 0,
        new_first: true,
    };
    merge(object, patch, walk)
}

/// Merges an applied configuration into `object`; what is new in a list comes last.
pub(super) fn applied(object: &mut Value, config: &Value) -> Result<(), ApiError> {
    let walk = Walk {
        depth: 0,
        new_first: false,
    };
    merge(object, config, walk)
}

fn merge(object: &mut Value, patch: &Value, walk: Walk) -> Result<(), ApiError> {
    let Value::Object(changes) = patch else {
        *object = patch.clone();
        return Ok(());
    };
    if walk.depth > DEPTH_LIMIT {
        return Err(ApiError::bad_request("error decoding patch: nested too deeply"));
    }
    match changes.get("$patch").and_then(Value::as_str) {
        Some("replace") => {
            *object = clean(patch);
            return Ok(());
        }
        Some("delete") => {
            *object = Value::Object(Map::new());
            return Ok(());
        }
        _ => {}
    }
    let mut merged = match object.take() {
        Value::Object(map) => map,
        _ => Map::new(),
    };
    let retained = retained_keys(changes);
    // An order is about what is there in the end.
    let is_order = |(key, _): &(&String, &Value)| key.starts_with("$setElementOrder/");
    let (last, first): (Vec<_>, Vec<_>) = changes
        .iter()
        .filter(|(key, _)| *key != "$patch")
        .partition(is_order);
    for (key, change) in first.into_iter().chain(last) {
        merge_field(&mut merged, key, change, walk)?;
    }
    if let Some(retained) = retained {
        merged.retain(|key, _| retained.iter().any(|kept| kept == key));
    }
    *object = Value::Object(merged);
    Ok(())
}

fn retained_keys(changes: &Map<String, Value>) -> Option<Vec<String>> {
    let keys = changes.get("$retainKeys")?.as_array()?;
    Some(keys.iter().filter_map(Value::as_str).map(str::to_owned).collect())
}

fn merge_field(
    merged: &mut Map<String, Value>,
    key: &str,
    change: &Value,
    walk: Walk,
) -> Result<(), ApiError> {
    if let Some(field) = key.strip_prefix("$deleteFromPrimitiveList/") {
        let unwanted = change.as_array().map_or(&[][..], Vec::as_slice);
        if let Some(list) = merged.get_mut(field).and_then(Value::as_array_mut) {
            list.retain(|item| !unwanted.contains(item));
        }
        return Ok(());
    }
    if let Some(field) = key.strip_prefix("$setElementOrder/") {
        let order = change.as_array().map_or(&[][..], Vec::as_slice);
        if let Some(list) = merged.get_mut(field).and_then(Value::as_array_mut) {
            put_in_order(list, order, field);
        }
        return Ok(());
    }
    if key == "$retainKeys" {
        return Ok(());
    }
    match change {
        Value::Null => {
            merged.shift_remove(key);
        }
        Value::Array(changes) => {
            let list = merge_list(key, merged.get(key), changes, walk)?;
            merged.insert(key.to_owned(), Value::Array(list));
        }
        Value::Object(_) => merge(merged.entry(key).or_insert(Value::Null), change, walk.deeper())?,
        plain => {
            merged.insert(key.to_owned(), plain.clone());
        }
    }
    Ok(())
}

fn merge_list(
    field: &str,
    old: Option<&Value>,
    changes: &[Value],
    walk: Walk,
) -> Result<Vec<Value>, ApiError> {
    let old = old.and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
    if changes.iter().any(|change| directive(change) == "replace") {
        return Ok(changes
            .iter()
            .filter(|change| directive(change) != "replace")
            .map(clean)
            .collect());
    }
    if field == "finalizers" {
        let new = changes.iter().filter(|change| !old.contains(change));
        return Ok(new.chain(old).cloned().collect());
    }
    let sample = old.iter().chain(changes).find(|item| directive(item).is_empty());
    match sample
        .or_else(|| changes.first())
        .and_then(|sample| merge_key(field, sample))
    {
        Some(key) => merge_keyed(field, key, old, changes, walk),
        None => Ok(changes.iter().map(clean).collect()),
    }
}

fn merge_keyed(
    field: &str,
    key: &str,
    old: &[Value],
    changes: &[Value],
    walk: Walk,
) -> Result<Vec<Value>, ApiError> {
    let mut list = old.to_vec();
    let mut added = Vec::new();
    for change in changes {
        let Some(identity) = change.get(key) else {
            let message = format!("map: {change} does not contain declared merge key: {key} (in {field})");
            return Err(ApiError::new(500, "InternalError", message));
        };
        let found = list
            .iter()
            .position(|item| item.get(key) == Some(identity) && is_same_protocol(item, change));
        match (found, directive(change)) {
            (Some(at), "delete") => {
                list.remove(at);
            }
            (None, "delete") => {}
            (Some(at), _) => merge(&mut list[at], change, walk.deeper())?,
            (None, _) => added.push(clean(change)),
        }
    }
    let parts = if walk.new_first {
        [added, list]
    } else {
        [list, added]
    };
    Ok(parts.concat())
}

/// Orders a list's items as the patch names them; those that it does not name keep their places behind.
fn put_in_order(list: &mut [Value], order: &[Value], field: &str) {
    let place = |item: &Value| {
        let named = |wanted: &Value| match merge_key(field, item) {
            Some(key) => wanted.get(key) == item.get(key),
            None => wanted == item,
        };
        order.iter().position(named).unwrap_or(order.len())
    };
    list.sort_by_key(place);
}

/// Two ports of one number are different if their protocols are.
fn is_same_protocol(item: &Value, change: &Value) -> bool {
    match change.get("protocol").and_then(Value::as_str) {
        Some(wanted) => item.get("protocol").and_then(Value::as_str).unwrap_or("TCP") == wanted,
        None => true,
    }
}

fn directive(item: &Value) -> &str {
    item.get("$patch").and_then(Value::as_str).unwrap_or("")
}

/// The value without directives and nulls, as a new object takes it.
fn clean(value: &Value) -> Value {
    match value {
        Value::Object(map) => {
            let kept = map
                .iter()
                .filter(|(key, value)| !key.starts_with('$') && !value.is_null());
            Value::Object(kept.map(|(key, value)| (key.clone(), clean(value))).collect())
        }
        Value::Array(list) => Value::Array(list.iter().map(clean).collect()),
        plain => plain.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn merged(object: &Value, patch: &Value) -> Value {
        let mut object = object.clone();
        strategic(&mut object, patch).unwrap();
        object
    }

    fn pod() -> Value {
        json!({"spec": {"containers": [
            {"name": "app", "image": "a:1", "env": [{"name": "A", "value": "1"}, {"name": "B", "value": "2"}]},
            {"name": "envoy", "image": "e:1"}],
            "tolerations": [{"key": "x"}]}})
    }

    #[test]
    fn containers_merge_by_name() {
        let after = merged(
            &pod(),
            &json!({"spec": {"containers": [
            {"name": "app", "image": "a:2", "env": [{"name": "A", "$patch": "delete"}, {"name": "C", "value": "3"}]}]}}),
        );
        assert_eq!(
            after["spec"]["containers"][0],
            json!({"name": "app", "image": "a:2",
            "env": [{"name": "C", "value": "3"}, {"name": "B", "value": "2"}]})
        );
        assert_eq!(after["spec"]["containers"][1]["name"], "envoy");
    }

    #[test]
    fn items_leave_by_directive() {
        let after = merged(
            &pod(),
            &json!({"spec": {"containers": [{"name": "envoy", "$patch": "delete"}],
            "$setElementOrder/containers": [{"name": "app"}]}}),
        );
        assert_eq!(after["spec"]["containers"].as_array().map(Vec::len), Some(1));
        let after = merged(
            &pod(),
            &json!({"spec": {"containers": [{"$patch": "replace"}, {"name": "z"}]}}),
        );
        assert_eq!(after["spec"]["containers"], json!([{"name": "z"}]));
    }

    #[test]
    fn other_lists_are_replaced_and_nulls_delete() {
        let after = merged(
            &pod(),
            &json!({"spec": {"tolerations": [{"key": "y"}], "containers": null}}),
        );
        assert_eq!(after, json!({"spec": {"tolerations": [{"key": "y"}]}}));
    }

    #[test]
    fn ports_merge_by_number() {
        let service = json!({"spec": {"ports": [{"port": 80, "targetPort": 1}, {"port": 443}]}});
        let after = merged(
            &service,
            &json!({"spec": {"ports": [{"port": 80, "targetPort": 2}]}}),
        );
        assert_eq!(
            after,
            json!({"spec": {"ports": [{"port": 80, "targetPort": 2}, {"port": 443}]}})
        );
    }

    #[test]
    fn retained_keys_drop_the_others() {
        let deployment = json!({"strategy": {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": 1}}});
        let after = merged(
            &deployment,
            &json!({"strategy": {"$retainKeys": ["type"], "type": "Recreate"}}),
        );
        assert_eq!(after, json!({"strategy": {"type": "Recreate"}}));
    }

    #[test]
    fn primitive_lists() {
        let object = json!({"metadata": {"finalizers": ["a", "b"]}});
        let after = merged(
            &object,
            &json!({"metadata": {"finalizers": ["c"], "$deleteFromPrimitiveList/finalizers": ["a"]}}),
        );
        assert_eq!(after, json!({"metadata": {"finalizers": ["c", "b"]}}));
    }

    #[test]
    fn a_keyless_item_is_an_error() {
        assert!(strategic(&mut pod(), &json!({"spec": {"containers": [{"image": "x"}]}})).is_err());
    }
}
