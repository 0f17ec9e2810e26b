//! Short ways into objects as the API sends them.

use serde_json::Value;

/// The text at a pointer; empty where there is none.
pub(in crate::cluster) fn text<'a>(value: &'a Value, pointer: &str) -> &'a str {
    value.pointer(pointer).and_then(Value::as_str).unwrap_or_default()
}

/// The whole number at a pointer; 0 where there is none.
pub(in crate::cluster) fn number(value: &Value, pointer: &str) -> i64 {
    value.pointer(pointer).and_then(Value::as_i64).unwrap_or_default()
}

/// The list at a pointer; empty where there is none.
pub(in crate::cluster) fn items<'a>(value: &'a Value, pointer: &str) -> &'a [Value] {
    value
        .pointer(pointer)
        .and_then(Value::as_array)
        .map_or(&[], Vec::as_slice)
}

/// The entries of the map at a pointer, sorted by key; none where there is no map.
pub(in crate::cluster) fn entries<'a>(value: &'a Value, pointer: &str) -> Vec<(&'a str, &'a Value)> {
    let map = value.pointer(pointer).and_then(Value::as_object);
    let mut entries: Vec<_> = map
        .into_iter()
        .flatten()
        .map(|(key, value)| (key.as_str(), value))
        .collect();
    entries.sort_by_key(|(key, _)| *key);
    entries
}

/// A scalar as people write it: texts without quotes.
pub(in crate::cluster) fn word(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

/// A quantity at a pointer; servers write texts, people numbers, too. Empty where there is none.
pub(in crate::cluster) fn quantity(value: &Value, pointer: &str) -> String {
    value.pointer(pointer).map(word).unwrap_or_default()
}

/// A map as `a=1,b=2`, sorted; `<none>` for an empty one.
pub(in crate::cluster) fn pairs(value: &Value, pointer: &str) -> String {
    let each = entries(value, pointer)
        .into_iter()
        .map(|(key, value)| format!("{key}={}", word(value)));
    or_none(each.collect::<Vec<_>>().join(","))
}

/// `<none>` in place of an empty text.
pub(in crate::cluster) fn or_none(text: String) -> String {
    if text.is_empty() {
        "<none>".to_owned()
    } else {
        text
    }
}

/// A label selector as the API's query takes it; nothing where it selects nothing.
pub(in crate::cluster) fn selector(value: &Value, pointer: &str) -> Option<String> {
    let value = value.pointer(pointer)?;
    let labels = entries(value, "/matchLabels")
        .into_iter()
        .map(|(key, value)| format!("{key}={}", word(value)));
    let expressions = items(value, "/matchExpressions").iter().map(expression);
    let terms: Vec<String> = labels.chain(expressions).collect();
    (!terms.is_empty()).then(|| terms.join(","))
}

fn expression(value: &Value) -> String {
    let key = text(value, "/key");
    let values: Vec<String> = items(value, "/values").iter().map(word).collect();
    match text(value, "/operator") {
        "In" => format!("{key} in ({})", values.join(",")),
        "NotIn" => format!("{key} notin ({})", values.join(",")),
        "DoesNotExist" => format!("!{key}"),
        _ => key.to_owned(),
    }
}

/// The condition of a type, if the object's status has it.
pub(in crate::cluster) fn condition<'a>(object: &'a Value, class: &str) -> Option<&'a Value> {
    items(object, "/status/conditions")
        .iter()
        .find(|condition| text(condition, "/type") == class)
}

/// The first container status of a name, init containers included.
pub(in crate::cluster) fn container_status<'a>(pod: &'a Value, name: &str) -> Option<&'a Value> {
    [
        "/status/containerStatuses",
        "/status/initContainerStatuses",
        "/status/ephemeralContainerStatuses",
    ]
    .iter()
    .flat_map(|list| items(pod, list))
    .find(|status| text(status, "/name") == name)
}
