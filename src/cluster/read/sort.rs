//! Order of objects by a field, as `--sort-by` has it.

use std::cmp::Ordering;

use serde_json::Value;

use super::quantity::amount;

/// A path into an object, read from JSONPath's plain form: `.metadata.name`, `{.status.conditions[0].type}`,
/// `.metadata.labels.app\.kubernetes\.io/name`.
pub(super) fn pointer(path: &str) -> String {
    let path = path.trim_start_matches('{').trim_end_matches('}').trim();
    let mut out = String::new();
    let mut rest = path.chars();
    while let Some(c) = rest.next() {
        match c {
            '\\' => out.extend(rest.next()),
            '.' | '[' => out.push('/'),
            ']' | '\'' | '"' => {}
            '/' => out.push_str("~1"),
            '~' => out.push_str("~0"),
            c => out.push(c),
        }
    }
    let out = out.replace("//", "/");
    if out.starts_with('/') {
        out
    } else {
        format!("/{out}")
    }
}

/// Orders two fields: what is missing first, numbers and quantities by size, texts with their numbers by size
/// (`web-2` before `web-10`).
pub(super) fn compare(left: Option<&Value>, right: Option<&Value>) -> Ordering {
    match (left, right) {
        (Some(Value::String(left)), Some(Value::String(right))) => compare_texts(left, right),
        (Some(left), Some(right)) => match (left.as_f64(), right.as_f64()) {
            (Some(left), Some(right)) => left.total_cmp(&right),
            _ => left.to_string().cmp(&right.to_string()),
        },
        (left, right) => left.is_some().cmp(&right.is_some()),
    }
}

fn compare_texts(left: &str, right: &str) -> Ordering {
    match (amount(left), amount(right)) {
        (Some(left), Some(right)) => left.total_cmp(&right),
        _ => natural(left).cmp(&natural(right)),
    }
}

/// A text as runs of digits and of others; numbers come before texts.
fn natural(text: &str) -> Vec<(u128, String)> {
    let mut parts: Vec<(bool, String)> = Vec::new();
    for c in text.chars() {
        match parts.last_mut() {
            Some((digits, part)) if *digits == c.is_ascii_digit() => part.push(c),
            _ => parts.push((c.is_ascii_digit(), c.to_string())),
        }
    }
    let ranked = parts.into_iter().map(|(digits, part)| match part.parse() {
        Ok(number) if digits => (number, String::new()),
        _ => (u128::MAX, part),
    });
    ranked.collect()
}
