//! Objects as documents: `-o json`, `-o yaml`, `-o name`.

use serde::Serialize;
use serde_json::{Value, json};

use super::ReadOutput;
use super::json::text;
use super::mask::mask;
use super::printable::printable;
use crate::cluster::{ClusterError, Served};

/// One object as it is, several as a `v1` List.
pub(super) fn whole(mut objects: Vec<Value>, is_list: bool) -> Value {
    let mut document = match objects.len() {
        1 if !is_list => objects.remove(0),
        _ => {
            json!({"apiVersion": "v1", "items": objects, "kind": "List", "metadata": {"resourceVersion": ""}})
        }
    };
    mask(&mut document);
    document.sort_all_objects();
    document
}

/// The document in a form: `json` with four spaces, or `yaml`.
pub(super) fn print(document: Value, form: &str) -> Result<ReadOutput, ClusterError> {
    let text = if form == "yaml" {
        yaml(&document)?
    } else {
        json_text(&document)?
    };
    let found = document
        .get("items")
        .is_none_or(|items| items.as_array().is_none_or(|items| !items.is_empty()));
    Ok(ReadOutput {
        found,
        ..ReadOutput::new(&text, Some(document))
    })
}

/// Objects by name, as in `deployment.apps/web`.
pub(super) fn names(served: &Served, objects: &[Value]) -> String {
    let each = objects
        .iter()
        .map(|object| format!("{}/{}\n", served.qualified(), text(object, "/metadata/name")));
    each.collect()
}

/// YAML as kubectl writes it, but for line folding.
pub(super) fn yaml(value: &Value) -> Result<String, ClusterError> {
    serde_saphyr::to_string(value).map_err(|error| ClusterError::Impossible(error.to_string()))
}

fn json_text(value: &Value) -> Result<String, ClusterError> {
    let mut out = Vec::new();
    let form = serde_json::ser::PrettyFormatter::with_indent(b"    ");
    let mut writer = serde_json::Serializer::with_formatter(&mut out, form);
    let written = value.serialize(&mut writer).map(|()| out);
    let out = written.map_err(|error| ClusterError::Impossible(error.to_string()))?;
    Ok(escaped(&String::from_utf8_lossy(&out)))
}

/// Writes what is not printable as JSON's own escapes, so that the document still says exactly what is there.
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        let shown = c.is_ascii() || printable(c.encode_utf8(&mut [0; 4])).chars().eq([c]);
        if shown {
            out.push(c);
        } else {
            // All of them are in the basic plane, where one escape is one character.
            out += &format!("\\u{:04x}", u32::from(c));
        }
    }
    out
}
