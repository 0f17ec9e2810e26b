//! Reading and writing `serde_json` values by JSON pointer, never failing on an unexpected shape.

use std::borrow::Cow;

use serde_json::{Map, Value};

/// The value at `pointer`. The same as `Value::pointer`, but it allocates only where a key is escaped: controllers
/// look at thousands of fields after every write.
fn find<'a>(value: &'a Value, pointer: &str) -> Option<&'a Value> {
    pointer
        .split('/')
        .skip(1)
        .try_fold(value, |here, step| match here {
            Value::Object(map) => map.get(&*unescape(step)),
            Value::Array(list) => list.get(step.parse::<usize>().ok()?),
            _ => None,
        })
}

/// The string at `pointer`, or `""`.
pub(super) fn text<'a>(value: &'a Value, pointer: &str) -> &'a str {
    find(value, pointer).and_then(Value::as_str).unwrap_or("")
}

/// The integer at `pointer`.
pub(super) fn integer(value: &Value, pointer: &str) -> Option<i64> {
    find(value, pointer).and_then(Value::as_i64)
}

/// The integer at `pointer`, or 0.
pub(super) fn count(value: &Value, pointer: &str) -> i64 {
    integer(value, pointer).unwrap_or(0)
}

/// True if `true` stands at `pointer`.
pub(super) fn flag(value: &Value, pointer: &str) -> bool {
    find(value, pointer).and_then(Value::as_bool).unwrap_or(false)
}

/// The list at `pointer`, or an empty one.
pub(super) fn items<'a>(value: &'a Value, pointer: &str) -> &'a [Value] {
    find(value, pointer)
        .and_then(Value::as_array)
        .map_or(&[], Vec::as_slice)
}

/// The object at `pointer`.
pub(super) fn entries<'a>(value: &'a Value, pointer: &str) -> Option<&'a Map<String, Value>> {
    find(value, pointer).and_then(Value::as_object)
}

/// The value at `pointer`, or null.
pub(super) fn at(value: &Value, pointer: &str) -> Value {
    find(value, pointer).cloned().unwrap_or(Value::Null)
}

/// True if something other than null stands at `pointer`.
pub(super) fn present(value: &Value, pointer: &str) -> bool {
    find(value, pointer).is_some_and(|found| !found.is_null())
}

/// Puts `new` at `pointer`; what stands in the way and is not an object becomes one.
pub(super) fn set(value: &mut Value, pointer: &str, new: impl Into<Value>) {
    let mut here = value;
    for raw in pointer.split('/').skip(1) {
        if !here.is_object() {
            *here = Value::Null;
        }
        here = &mut here[&*unescape(raw)];
    }
    *here = new.into();
}

/// Puts `default` at `pointer` where nothing (or null) stands.
pub(super) fn ensure(value: &mut Value, pointer: &str, default: impl Into<Value>) {
    if !present(value, pointer) {
        set(value, pointer, default);
    }
}

/// Takes the key at `pointer` out of its object.
pub(super) fn remove(value: &mut Value, pointer: &str) -> Option<Value> {
    let (parent, key) = pointer.rsplit_once('/')?;
    value
        .pointer_mut(parent)?
        .as_object_mut()?
        .shift_remove(&*unescape(key))
}

/// Puts a list at `pointer`; an empty one is none.
pub(super) fn set_list(value: &mut Value, pointer: &str, list: Vec<Value>) {
    if list.is_empty() {
        remove(value, pointer);
    } else {
        set(value, pointer, list);
    }
}

/// The objects inside the list at `pointer`, to change in place.
pub(super) fn items_mut<'a>(value: &'a mut Value, pointer: &str) -> impl Iterator<Item = &'a mut Value> {
    value
        .pointer_mut(pointer)
        .and_then(Value::as_array_mut)
        .into_iter()
        .flatten()
}

/// A key made fit for use as one step of a pointer.
pub(super) fn escape(key: &str) -> String {
    key.replace('~', "~0").replace('/', "~1")
}

fn unescape(key: &str) -> Cow<'_, str> {
    if key.contains('~') {
        key.replace("~1", "/").replace("~0", "~").into()
    } else {
        key.into()
    }
}

/// The annotation called `key`, or `""`.
pub(super) fn annotation<'a>(object: &'a Value, key: &str) -> &'a str {
    entries(object, "/metadata/annotations")
        .and_then(|all| all.get(key))
        .and_then(Value::as_str)
        .unwrap_or("")
}

/// The object's name.
pub(super) fn name(object: &Value) -> &str {
    text(object, "/metadata/name")
}

/// The object's namespace, `""` at cluster scope.
pub(super) fn namespace(object: &Value) -> &str {
    text(object, "/metadata/namespace")
}

/// The object's uid.
pub(super) fn uid(object: &Value) -> &str {
    text(object, "/metadata/uid")
}

/// True if the object is on its way out.
pub(super) fn is_terminating(object: &Value) -> bool {
    present(object, "/metadata/deletionTimestamp")
}

/// The uid of the controlling owner, or `""`.
pub(super) fn controller_uid(object: &Value) -> &str {
    items(object, "/metadata/ownerReferences")
        .iter()
        .find(|owner| flag(owner, "/controller"))
        .map_or("", |owner| text(owner, "/uid"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn set_replaces_what_stands_in_the_way() {
        let mut value = json!({"a": 3});
        set(&mut value, "/a/b~1c/d", 1);
        assert_eq!(value, json!({"a": {"b/c": {"d": 1}}}));
        assert_eq!(remove(&mut value, "/a/b~1c"), Some(json!({"d": 1})));
        assert_eq!(value, json!({"a": {}}));
        assert_eq!(remove(&mut value, "/x/y"), None);
    }
}
