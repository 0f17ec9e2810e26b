//! Bodies in the Kubernetes protobuf encoding, which some commands of kubectl send, read into JSON.

use std::collections::HashMap;
use std::sync::LazyLock;

use base64::Engine as _;
use jiff::Timestamp;
use serde_json::{Map, Value, json};

const TABLE: &str = include_str!("../../assets/sandbox/protobuf.txt");
const MAGIC: &[u8] = b"k8s\0";
/// Deeper than any API type nests without recursion.
const DEPTH_LIMIT: u32 = 60;

/// How a field stands in JSON.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Mark {
    /// Left out where it has its type's zero value.
    Plain,
    /// Kept whatever its value.
    Pointer,
    List,
    Map,
    /// Its own fields stand in place of it.
    Inline,
}

#[derive(Debug)]
struct Field {
    number: u64,
    mark: Mark,
    name: &'static str,
    kind: &'static str,
}

static MESSAGES: LazyLock<HashMap<&'static str, Vec<Field>>> = LazyLock::new(|| {
    let lines = TABLE.lines().filter(|line| !line.starts_with('#'));
    lines
        .filter_map(|line| {
            let mut words = line.split(' ');
            let name = words.next()?;
            Some((name, words.filter_map(field).collect()))
        })
        .collect()
});

fn field(word: &'static str) -> Option<Field> {
    let end = word.find(|c: char| !c.is_ascii_digit())?;
    let (name, kind) = word.get(end + 1..)?.split_once(':')?;
    let mark = match word.as_bytes().get(end)? {
        b'!' => Mark::Pointer,
        b'*' => Mark::List,
        b'%' => Mark::Map,
        b'^' => Mark::Inline,
        _ => Mark::Plain,
    };
    Some(Field {
        number: word[..end].parse().ok()?,
        mark,
        name,
        kind,
    })
}

/// One field as it stands on the wire.
enum Wire<'a> {
    Number(u64),
    Bytes(&'a [u8]),
}

/// Reads a whole body; `None` if it is malformed or of a kind that is not known.
pub(super) fn decode(body: &[u8]) -> Option<Value> {
    let (mut class, mut raw) = (None, &[][..]);
    for (number, wire) in fields(body.strip_prefix(MAGIC)?)? {
        match (number, wire) {
            (1, Wire::Bytes(bytes)) => class = Some(type_of(bytes)?),
            (2, Wire::Bytes(bytes)) => raw = bytes,
            _ => {}
        }
    }
    let (version, kind) = class?;
    let group = version
        .rsplit_once('/')
        .map_or("core", |(group, _)| group.split('.').next().unwrap_or(""));
    let number = version.rsplit('/').next().unwrap_or("");
    let name = if kind == "DeleteOptions" {
        "meta.v1.DeleteOptions".to_owned()
    } else {
        format!("{group}.{number}.{kind}")
    };
    let (name, _) = MESSAGES.get_key_value(name.as_str())?;
    let mut object = json!({"apiVersion": version, "kind": kind});
    let Value::Object(own) = message(name, raw, 0)? else {
        return None;
    };
    if let Some(object) = object.as_object_mut() {
        object.extend(own);
    }
    Some(object)
}

fn type_of(bytes: &[u8]) -> Option<(String, String)> {
    let mut parts = (String::new(), String::new());
    for (number, wire) in fields(bytes)? {
        if let Wire::Bytes(bytes) = wire {
            let text = String::from_utf8(bytes.to_vec()).ok()?;
            if number == 1 {
                parts.0 = text;
            } else {
                parts.1 = text;
            }
        }
    }
    Some(parts)
}

fn fields(mut bytes: &[u8]) -> Option<Vec<(u64, Wire<'_>)>> {
    let mut all = Vec::new();
    while !bytes.is_empty() {
        let key = varint(&mut bytes)?;
        let wire = match key & 7 {
            0 => Wire::Number(varint(&mut bytes)?),
            1 => Wire::Number(u64::from_le_bytes(take(&mut bytes, 8)?.try_into().ok()?)),
            2 => {
                let length = usize::try_from(varint(&mut bytes)?).ok()?;
                Wire::Bytes(take(&mut bytes, length)?)
            }
            5 => Wire::Number(u64::from(u32::from_le_bytes(
                take(&mut bytes, 4)?.try_into().ok()?,
            ))),
            _ => return None,
        };
        all.push((key >> 3, wire));
    }
    Some(all)
}

fn take<'a>(bytes: &mut &'a [u8], length: usize) -> Option<&'a [u8]> {
    let (taken, rest) = bytes.split_at_checked(length)?;
    *bytes = rest;
    Some(taken)
}

fn varint(bytes: &mut &[u8]) -> Option<u64> {
    let mut value = 0;
    for shift in (0..64).step_by(7) {
        let byte = *take(bytes, 1)?.first()?;
        value |= u64::from(byte & 0x7f) << shift;
        if byte < 0x80 {
            return Some(value);
        }
    }
    None
}

fn message(kind: &str, bytes: &[u8], depth: u32) -> Option<Value> {
    if depth > DEPTH_LIMIT {
        return None;
    }
    let all = fields(bytes)?;
    match kind {
        "resource.Quantity" => return Some(plain_text(&all, 1)),
        "intstr.IntOrString" => return Some(int_or_string(&all)),
        "meta.v1.Time" | "meta.v1.MicroTime" => return Some(time(&all, kind)),
        "runtime.RawExtension" | "meta.v1.FieldsV1" => return raw_json(&all),
        "authorization.v1.ExtraValue" | "authentication.v1.ExtraValue" => {
            return Some(all.iter().map(|(_, wire)| string(wire)).collect());
        }
        _ => {}
    }
    let known = MESSAGES.get(kind)?;
    let mut made = Map::new();
    for (number, wire) in &all {
        if let Some(field) = known.iter().find(|field| field.number == *number) {
            put(&mut made, field, wire, depth)?;
        }
    }
    Some(Value::Object(made))
}

fn put(made: &mut Map<String, Value>, field: &Field, wire: &Wire<'_>, depth: u32) -> Option<()> {
    match field.mark {
        Mark::List => {
            let item = value(field.kind, wire, depth)?;
            if let Some(list) = made.entry(field.name).or_insert_with(|| json!([])).as_array_mut() {
                list.push(item);
            }
        }
        Mark::Map => {
            let (key, item) = entry(field.kind, wire, depth)?;
            if let Some(map) = made
                .entry(field.name)
                .or_insert_with(|| json!({}))
                .as_object_mut()
            {
                map.insert(key, item);
            }
        }
        Mark::Inline => {
            if let Value::Object(inner) = value(field.kind, wire, depth)? {
                made.extend(inner);
            }
        }
        Mark::Pointer | Mark::Plain => {
            let item = value(field.kind, wire, depth)?;
            if field.mark == Mark::Pointer && !item.is_null() || !is_zero(&item) {
                made.insert(field.name.to_owned(), item);
            }
        }
    }
    Some(())
}

fn is_zero(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Bool(flag) => !flag,
        Value::Number(number) => number.as_f64() == Some(0.0),
        Value::String(text) => text.is_empty(),
        Value::Array(list) => list.is_empty(),
        Value::Object(map) => map.is_empty(),
    }
}

fn value(kind: &str, wire: &Wire<'_>, depth: u32) -> Option<Value> {
    Some(match (kind, wire) {
        ("s", Wire::Bytes(_)) => string(wire),
        ("i", Wire::Number(number)) => json!(number.cast_signed()),
        ("b", Wire::Number(number)) => json!(*number != 0),
        ("d", Wire::Number(bits)) => json!(f64::from_bits(*bits)),
        ("y", Wire::Bytes(bytes)) => json!(base64::engine::general_purpose::STANDARD.encode(bytes)),
        (_, Wire::Bytes(bytes)) if kind.contains('.') => message(kind, bytes, depth + 1)?,
        _ => return None,
    })
}

fn entry(kind: &str, wire: &Wire<'_>, depth: u32) -> Option<(String, Value)> {
    let Wire::Bytes(bytes) = wire else { return None };
    let (mut key, mut item) = (String::new(), Value::Null);
    for (number, wire) in fields(bytes)? {
        match number {
            1 => string(&wire).as_str()?.clone_into(&mut key),
            _ => item = value(kind, &wire, depth)?,
        }
    }
    Some((
        key,
        if item.is_null() && matches!(kind, "s" | "y") {
            json!("")
        } else {
            item
        },
    ))
}

fn string(wire: &Wire<'_>) -> Value {
    match wire {
        Wire::Bytes(bytes) => json!(String::from_utf8_lossy(bytes)),
        Wire::Number(_) => Value::Null,
    }
}

fn number(all: &[(u64, Wire<'_>)], wanted: u64) -> i64 {
    all.iter()
        .find_map(|(field, wire)| match wire {
            Wire::Number(number) if *field == wanted => Some(number.cast_signed()),
            _ => None,
        })
        .unwrap_or(0)
}

fn plain_text(all: &[(u64, Wire<'_>)], wanted: u64) -> Value {
    all.iter()
        .find(|(field, _)| *field == wanted)
        .map_or(json!(""), |(_, wire)| string(wire))
}

fn int_or_string(all: &[(u64, Wire<'_>)]) -> Value {
    if number(all, 1) == 1 {
        plain_text(all, 3)
    } else {
        json!(number(all, 2))
    }
}

fn time(all: &[(u64, Wire<'_>)], kind: &str) -> Value {
    if all.is_empty() {
        return Value::Null;
    }
    let nanos = i32::try_from(number(all, 2)).unwrap_or(0);
    let Ok(time) = Timestamp::new(number(all, 1), nanos) else {
        return Value::Null;
    };
    let form = if kind == "meta.v1.MicroTime" {
        "%Y-%m-%dT%H:%M:%S%.6fZ"
    } else {
        "%Y-%m-%dT%H:%M:%SZ"
    };
    json!(time.strftime(form).to_string())
}

fn raw_json(all: &[(u64, Wire<'_>)]) -> Option<Value> {
    match all.iter().find(|(field, _)| *field == 1) {
        Some((_, Wire::Bytes(bytes))) => serde_json::from_slice(bytes).ok(),
        _ => Some(Value::Null),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What kubectl sends for `auth can-i get pods`, as captured.
    const CAN_I: &[u8] = b"k8s\x00\n2\n\x17authorization.k8s.io/v1\x12\x17SelfSubjectAccessReview\x12<\n\x10\n\x00\x12\x00\x1a\x00\"\x00*\x002\x008\x00B\x00\x12\x1e\n\x1c\n\x07default\x12\x03get\x1a\x00\"\x00*\x04pods2\x00:\x00\x1a\x08\x08\x00\x12\x00\x1a\x00 \x00\x1a\x00\"\x00";

    #[test]
    fn a_review_as_kubectl_sends_it() {
        let attributes = json!({"namespace": "default", "verb": "get", "resource": "pods"});
        let expected = json!({"apiVersion": "authorization.k8s.io/v1", "kind": "SelfSubjectAccessReview",
            "spec": {"resourceAttributes": attributes}});
        assert_eq!(decode(CAN_I), Some(expected));
    }

    #[test]
    fn no_prefix_of_it_is_a_panic() {
        for end in 0..CAN_I.len() {
            let _ = decode(&CAN_I[..end]);
        }
        assert_eq!(decode(b"k8s\0\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff"), None);
        assert_eq!(decode(b"{}"), None);
    }

    #[test]
    fn every_type_named_is_in_the_table() {
        for (name, fields) in MESSAGES.iter() {
            for field in fields.iter().filter(|field| field.kind.contains('.')) {
                assert!(MESSAGES.contains_key(field.kind), "{name}: {}", field.kind);
            }
        }
    }
}
