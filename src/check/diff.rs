//! What will be different, as a unified diff of YAML.

use serde_json::{Map, Value};

use super::evidence::Touched;

/// Lines of context around a change.
const CONTEXT: usize = 3;

/// The difference between the object as it is and as the dry run left it. Empty where there is none, or where no dry
/// run was possible. Bookkeeping that changes by itself and values of Secrets are left out.
pub fn diff(touched: &Touched) -> String {
    let deleted = touched.call.verb == super::CallVerb::Delete;
    if touched.after.is_none() && !deleted {
        return String::new();
    }
    let mut before = touched.before.as_ref().map(presentable);
    let mut after = touched.after.as_ref().map(presentable);
    if let (Some(before), Some(after), Some(real_before), Some(real_after)) =
        (&mut before, &mut after, &touched.before, &touched.after)
    {
        mark_changed_secrets(before, after, real_before, real_after);
    }
    let (before, after) = (yaml(before.as_ref()), yaml(after.as_ref()));
    let name = format!("{}/{}", touched.call.kind, touched.call.name);
    let text = similar::TextDiff::from_lines(&before, &after);
    text.unified_diff()
        .context_radius(CONTEXT)
        .header(&name, &name)
        .to_string()
}

/// The object as YAML, in the order that the server gave.
fn yaml(value: Option<&Value>) -> String {
    value.map_or_else(String::new, |value| {
        serde_saphyr::to_string(value).unwrap_or_else(|_| value.to_string())
    })
}

/// Drops what changes by itself, and hides what a Secret holds.
pub(super) fn presentable(object: &Value) -> Value {
    let mut object = object.clone();
    if let Some(metadata) = object.get_mut("metadata").and_then(Value::as_object_mut) {
        for key in [
            "managedFields",
            "resourceVersion",
            "generation",
            "uid",
            "creationTimestamp",
            "selfLink",
        ] {
            metadata.remove(key);
        }
        if let Some(annotations) = metadata.get_mut("annotations").and_then(Value::as_object_mut) {
            annotations.remove("kubectl.kubernetes.io/last-applied-configuration");
        }
    }
    if let Some(fields) = object.as_object_mut() {
        fields.remove("status");
    }
    hide_secret_values(&mut object);
    object
}

/// Replaces the values of a Secret by their length.
pub fn hide_secret_values(object: &mut Value) {
    if object.get("kind").and_then(Value::as_str) != Some("Secret") {
        return;
    }
    for field in ["data", "stringData"] {
        for value in object
            .get_mut(field)
            .and_then(Value::as_object_mut)
            .into_iter()
            .flat_map(Map::values_mut)
        {
            *value = Value::String(format!(
                "<hidden, {} characters>",
                value.as_str().unwrap_or_default().len()
            ));
        }
    }
}

/// Lets a Secret's changed value show as changed even where the length is the same.
fn mark_changed_secrets(before: &mut Value, after: &mut Value, real_before: &Value, real_after: &Value) {
    if before.get("kind").and_then(Value::as_str) != Some("Secret") {
        return;
    }
    for field in ["data", "stringData"] {
        let Some(shown) = after.get_mut(field).and_then(Value::as_object_mut) else {
            continue;
        };
        for (key, value) in shown {
            let changed = real_before.get(field).and_then(|data| data.get(key)) != real_after[field].get(key);
            if let (true, Some(text)) = (changed, value.as_str()) {
                *value = Value::String(text.replace('>', ", new>"));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::check::{Call, CallVerb};

    fn touched(verb: CallVerb, before: Option<Value>, after: Option<Value>) -> Touched {
        let call = Call {
            verb,
            group: String::new(),
            version: "v1".into(),
            resource: "things".into(),
            subresource: None,
            namespace: None,
            name: "x".into(),
            kind: "thing".into(),
            body: None,
            dry_run: true,
        };
        Touched {
            call,
            access: None,
            uid: None,
            resource_version: None,
            before,
            after,
            pods: 0,
        }
    }

    #[test]
    fn only_what_was_meant_to_change_is_shown() {
        let before = json!({"kind": "Deployment", "metadata": {"name": "web", "resourceVersion": "1", "generation": 1},
            "spec": {"replicas": 3}, "status": {"replicas": 3}});
        let after = json!({"kind": "Deployment", "metadata": {"name": "web", "resourceVersion": "2", "generation": 2},
            "spec": {"replicas": 5}, "status": {"replicas": 3}});
        let text = diff(&touched(CallVerb::PatchMerge, Some(before), Some(after)));
        assert!(text.contains("-  replicas: 3\n+  replicas: 5"), "{text}");
        assert!(
            !text.contains("resourceVersion") && !text.contains("status"),
            "{text}"
        );
    }

    #[test]
    fn secret_values_are_never_shown_but_their_change_is() {
        let secret = |value: &str| json!({"kind": "Secret", "metadata": {"name": "s"}, "data": {"k": value}});
        let text = diff(&touched(
            CallVerb::PatchMerge,
            Some(secret("aaaa")),
            Some(secret("bbbb")),
        ));
        assert!(!text.contains("aaaa") && !text.contains("bbbb"), "{text}");
        assert!(
            text.contains("+  k: <hidden, 4 characters, new>")
                || text.contains("+  k: \"<hidden, 4 characters, new>\""),
            "{text}"
        );
    }

    #[test]
    fn a_deletion_is_all_minus_and_an_untried_call_is_nothing() {
        let object = json!({"kind": "Pod", "metadata": {"name": "x"}});
        let text = diff(&touched(CallVerb::Delete, Some(object.clone()), None));
        assert!(text.contains("-kind: Pod") && !text.contains("\n+k"), "{text}");
        assert_eq!(diff(&touched(CallVerb::Evict, Some(object), None)), "");
    }
}
