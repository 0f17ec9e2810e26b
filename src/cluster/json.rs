//! Looking into objects that are known by their fields alone.

use serde_json::Value;

/// A text at a JSON pointer; empty where there is none.
pub(super) fn text<'a>(object: &'a Value, pointer: &str) -> &'a str {
    object
        .pointer(pointer)
        .and_then(Value::as_str)
        .unwrap_or_default()
}

/// A whole number at a JSON pointer.
pub(super) fn number(object: &Value, pointer: &str) -> Option<i64> {
    object.pointer(pointer).and_then(Value::as_i64)
}

/// A number of things at a JSON pointer; none where the field is missing.
pub(super) fn count(object: &Value, pointer: &str) -> u32 {
    number(object, pointer)
        .and_then(|number| u32::try_from(number).ok())
        .unwrap_or_default()
}

/// The elements of an array at a JSON pointer; none where there is no array.
pub(super) fn items<'a>(object: &'a Value, pointer: &str) -> &'a [Value] {
    object
        .pointer(pointer)
        .and_then(Value::as_array)
        .map_or(&[], Vec::as_slice)
}

/// One entry of a map of texts. Its key may hold `/`, which a JSON pointer would have to escape.
pub(super) fn entry<'a>(object: &'a Value, pointer: &str, key: &str) -> Option<&'a str> {
    object.pointer(pointer)?.get(key)?.as_str()
}

/// The owner that controls an object.
pub(super) fn controller(object: &Value) -> Option<&Value> {
    items(object, "/metadata/ownerReferences")
        .iter()
        .find(|owner| owner["controller"] == true)
}
