//! Checks of the metadata that every kind has, but for names and labels.

use serde_json::{Value, json};

use super::{LABEL_KEY, is_label, is_label_text};
use crate::sandbox::json::{entries, items, text};
use crate::sandbox::status::Cause;

/// True for `name` and `prefix/name` as labels, annotations and finalizers are called.
pub(super) fn is_qualified(key: &str) -> bool {
    let (prefix, plain) = key
        .rsplit_once('/')
        .map_or((None, key), |(prefix, name)| (Some(prefix), name));
    let good_prefix = prefix.is_none_or(|prefix| prefix.split('.').all(|part| is_label(part, true)));
    !plain.is_empty() && plain.len() <= 63 && is_label_text(plain) && good_prefix
}

pub(super) fn check_annotations(object: &Value, causes: &mut Vec<Cause>) {
    let all = entries(object, "/metadata/annotations").into_iter();
    for key in all.flat_map(|map| map.keys()) {
        if !is_qualified(&key.to_lowercase()) {
            causes.push(Cause::invalid("metadata.annotations", &json!(key), LABEL_KEY));
        }
    }
}

pub(super) fn check_finalizers(object: &Value, causes: &mut Vec<Cause>) {
    const STANDARD: [&str; 3] = ["kubernetes", "orphan", "foregroundDeletion"];
    let all = items(object, "/metadata/finalizers").iter();
    for (index, name) in all.filter_map(Value::as_str).enumerate() {
        if !is_qualified(name) {
            causes.push(Cause::invalid("metadata.finalizers", &json!(name), LABEL_KEY));
        }
        if !name.contains('/') && !STANDARD.contains(&name) {
            let why = "name is neither a standard finalizer name nor is it fully qualified";
            causes.push(Cause::invalid(
                &format!("metadata.finalizers[{index}]"),
                &json!(name),
                why,
            ));
        }
    }
}

pub(super) fn check_owners(object: &Value, causes: &mut Vec<Cause>) {
    for owner in items(object, "/metadata/ownerReferences") {
        for field in ["apiVersion", "kind", "name", "uid"] {
            if text(owner, &format!("/{field}")).is_empty() {
                let place = format!("metadata.ownerReferences.{field}");
                causes.push(Cause::invalid(&place, &json!(""), "must not be empty"));
            }
        }
    }
}
