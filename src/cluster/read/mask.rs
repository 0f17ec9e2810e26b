//! Secret values are taken out of objects before anything else sees them.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;

/// The annotation in which `kubectl apply` keeps the whole object.
pub(super) const LAST_APPLIED: &str = "kubectl.kubernetes.io/last-applied-configuration";

/// Replaces every value of a secret, or of each secret in a list, by its size. `managedFields`, which kubectl hides
/// too, goes from every object.
pub fn mask(object: &mut Value) {
    if let Some(metadata) = object.get_mut("metadata").and_then(Value::as_object_mut) {
        metadata.remove("managedFields");
    }
    let kind = object
        .get("kind")
        .and_then(Value::as_str)
        .unwrap_or_default()
        .to_owned();
    if kind == "Secret" {
        mask_secret(object);
    }
    for item in object
        .get_mut("items")
        .and_then(Value::as_array_mut)
        .into_iter()
        .flatten()
    {
        // Items of a typed list carry no kind of their own.
        if kind == "SecretList" {
            mask_secret(item);
        }
        mask(item);
    }
}

/// The size of a value of `data`, as describe and masking show it.
pub(super) fn size(value: &Value) -> String {
    let text = value.as_str().unwrap_or_default();
    let bytes = STANDARD.decode(text).map_or(text.len(), |decoded| decoded.len());
    format!("<{bytes} bytes>")
}

fn mask_secret(secret: &mut Value) {
    for value in values_mut(secret, "/data") {
        *value = Value::String(size(value));
    }
    for value in values_mut(secret, "/stringData") {
        let bytes = value.as_str().map_or(0, str::len);
        *value = Value::String(format!("<{bytes} bytes>"));
    }
    let applied = secret
        .pointer_mut("/metadata/annotations")
        .and_then(|all| all.get_mut(LAST_APPLIED));
    if let Some(applied) = applied {
        let bytes = applied.as_str().map_or(0, str::len);
        *applied = Value::String(format!("<{bytes} bytes>"));
    }
}

/// The values of a map, so far as they are not masked yet.
fn values_mut<'a>(secret: &'a mut Value, pointer: &str) -> impl Iterator<Item = &'a mut Value> {
    let map = secret.pointer_mut(pointer).and_then(Value::as_object_mut);
    map.into_iter()
        .flat_map(|map| map.values_mut())
        .filter(|value| !is_masked(value))
}

fn is_masked(value: &Value) -> bool {
    value
        .as_str()
        .and_then(|text| text.strip_prefix('<')?.strip_suffix(" bytes>"))
        .is_some_and(|digits| digits.parse::<u64>().is_ok())
}
