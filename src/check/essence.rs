//! What makes two states of an object the same to a reviewer: everything but status and bookkeeping.

use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};

/// Annotations and taints that controllers keep for themselves begin so.
const CONTROLLERS_OWN: &[&str] = &[
    "deployment.kubernetes.io/",
    "deprecated.daemonset.template.generation",
    "node.kubernetes.io/",
    "pv.kubernetes.io/",
    "volume.beta.kubernetes.io/",
    "volume.kubernetes.io/",
    "csi.volume.kubernetes.io/",
    "node.alpha.kubernetes.io/",
    "volumes.kubernetes.io/",
];

/// An object without its status, its bookkeeping and the marks that controllers keep in it.
pub fn essence(object: &Value) -> Value {
    let Some(fields) = object.as_object() else {
        return object.clone();
    };
    let kept = fields
        .iter()
        .filter(|(key, _)| !matches!(key.as_str(), "status" | "metadata" | "apiVersion" | "kind"));
    let mut essence: Map<String, Value> = kept.map(|(key, value)| (key.clone(), value.clone())).collect();
    essence.insert("metadata".to_owned(), metadata(&object["metadata"]));
    let mut essence = Value::Object(essence);
    if let Some(taints) = essence.pointer_mut("/spec/taints").and_then(Value::as_array_mut) {
        taints.retain(|taint| !is_controllers_own(taint["key"].as_str().unwrap_or_default()));
    }
    without_empty(&mut essence);
    essence
}

fn metadata(metadata: &Value) -> Value {
    let annotations = metadata["annotations"].as_object();
    let annotations: Map<String, Value> = annotations
        .into_iter()
        .flatten()
        .filter(|(key, _)| !is_controllers_own(key))
        .map(|(key, value)| (key.clone(), value.clone()))
        .collect();
    json!({"labels": metadata["labels"], "annotations": annotations, "ownerReferences": metadata["ownerReferences"],
        "finalizers": metadata["finalizers"], "deleting": metadata["deletionTimestamp"].is_string()})
}

fn is_controllers_own(key: &str) -> bool {
    CONTROLLERS_OWN.iter().any(|prefix| key.starts_with(prefix))
}

/// Drops what a server may write as empty or leave out: `null`, `[]` and `{}` at the two outer levels.
pub fn without_empty(value: &mut Value) {
    let Some(fields) = value.as_object_mut() else {
        return;
    };
    for (_, field) in fields.iter_mut() {
        if let Some(inner) = field.as_object_mut() {
            inner.retain(|_, value| !is_empty(value));
        }
    }
    fields.retain(|_, value| !is_empty(value));
}

fn is_empty(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Array(items) => items.is_empty(),
        Value::Object(fields) => fields.is_empty(),
        _ => false,
    }
}

/// SHA-256, in hexadecimal, of an object's essence, whatever the order of its keys.
pub fn fingerprint(object: &Value) -> String {
    let mut essence = essence(object);
    essence.sort_all_objects();
    hex::encode(Sha256::digest(essence.to_string()))
}
