//! What is never written: the values of Secrets, and tokens. Keys and lengths stay.
//!
//! Two passes. The first hides values where the structure says that they are secret: `data` and
//! `stringData` of anything that calls itself a Secret (and of everything below it: items, `before`,
//! `after`, patches), the token of a TokenRequest, flags of `create secret`, and whole texts that
//! contain a Secret's manifest. The second removes copies of what the first has found from every other
//! text of the same body, such as a diff or the user's words. No hash of a value is kept, since a
//! short password can be guessed from its hash.
//!
//! Not found: a password that stands only in free text or in an environment variable of a pod.

use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use serde_json::{Map, Value};

const LAST_APPLIED: &str = "kubectl.kubernetes.io/last-applied-configuration";
const SECRET_FIELDS: [&str; 2] = ["data", "stringData"];
const SECRET_FLAGS: [&str; 3] = ["--from-literal", "--docker-password", "--token"];
const PATCH_FLAGS: [&str; 2] = ["--patch", "-p"];
/// Copies shorter than these are left in other texts: `true` or `1` stand there for other reasons.
const SHORTEST_PLAIN: usize = 6;
const SHORTEST_ENCODED: usize = 8;
/// One line of a longer value, such as of a key in PEM form, is looked for from this length on.
const SHORTEST_LINE: usize = 16;

/// Replaces every secret value in a body by `<redacted N bytes>`. [`AuditLog::append`](super::AuditLog::append)
/// does this to every body; what was redacted before stays as it is.
pub fn redact(body: &mut Value) {
    let mut found = Found::default();
    hide(body, false, &mut found);
    found.longest_first();
    scrub(body, "", &found);
}

/// Whether something in this value was redacted, so that it must not be written back to a cluster.
pub fn has_redactions(value: &Value) -> bool {
    match value {
        Value::String(text) => text.split("<redacted ").skip(1).any(|rest| {
            rest.split_once(" bytes>")
                .is_some_and(|(count, _)| count.parse::<usize>().is_ok())
        }),
        Value::Array(items) => items.iter().any(has_redactions),
        Value::Object(map) => map.values().any(has_redactions),
        _ => false,
    }
}

fn marker(bytes: usize) -> String {
    format!("<redacted {bytes} bytes>")
}

/// Secret values seen in a body, as text and as base64.
#[derive(Default)]
struct Found {
    plain: Vec<String>,
    encoded: Vec<String>,
}

impl Found {
    fn add(&mut self, plain: &str, encoded: String) {
        let lines = plain
            .lines()
            .map(str::trim)
            .filter(|line| line.len() >= SHORTEST_LINE);
        self.plain.extend(lines.map(Into::into));
        if plain.trim().len() >= SHORTEST_PLAIN {
            self.plain.push(plain.trim().into());
        }
        if encoded.len() >= SHORTEST_ENCODED {
            self.encoded.push(encoded);
        }
    }

    /// So that a value which contains another one is replaced as a whole.
    fn longest_first(&mut self) {
        for values in [&mut self.plain, &mut self.encoded] {
            values.sort_by_key(|value| std::cmp::Reverse(value.len()));
            values.dedup();
        }
    }
}

fn hide(value: &mut Value, in_secret: bool, found: &mut Found) {
    match value {
        Value::Object(map) => {
            let in_secret = in_secret || is_kind(map, &["secret", "secrets", "secretlist"]);
            if in_secret {
                hide_secret(map, found);
            }
            if is_kind(map, &["tokenrequest"]) {
                hide_token(map, found);
            }
            map.values_mut().for_each(|child| hide(child, in_secret, found));
        }
        Value::Array(items) => items.iter_mut().for_each(|item| hide(item, in_secret, found)),
        Value::String(text) => hide_in_text(text, found),
        _ => {}
    }
}

fn is_kind(map: &Map<String, Value>, names: &[&str]) -> bool {
    ["kind", "resource"].iter().any(|field| {
        map.get(*field)
            .and_then(Value::as_str)
            .is_some_and(|kind| names.contains(&kind.to_ascii_lowercase().as_str()))
    })
}

/// Hides what this object of a Secret (or a step of a JSON patch of one) holds itself.
fn hide_secret(map: &mut Map<String, Value>, found: &mut Found) {
    for field in SECRET_FIELDS {
        if let Some(values) = map.get_mut(field) {
            hide_values(values, field == "data", found);
        }
    }
    let path = map.get("path").and_then(Value::as_str).unwrap_or_default();
    let field = path.trim_start_matches('/').split('/').next().unwrap_or_default();
    let (encoded, secret) = (field == "data", SECRET_FIELDS.contains(&field));
    if let (true, Some(value)) = (secret, map.get_mut("value")) {
        hide_values(value, encoded, found);
    }
    if let Some(Value::Object(annotations)) = map.get_mut("annotations") {
        annotations.shift_remove(LAST_APPLIED);
    }
}

fn hide_token(map: &mut Map<String, Value>, found: &mut Found) {
    if let Some(token) = map.get_mut("status").and_then(|status| status.get_mut("token")) {
        hide_values(token, false, found);
    }
}

/// Hides one value, or all values of a map. A null stays: in a patch it deletes the key.
fn hide_values(value: &mut Value, encoded: bool, found: &mut Found) {
    let text = match value {
        Value::Null => return,
        Value::Object(map) => {
            return map
                .values_mut()
                .for_each(|value| hide_values(value, encoded, found));
        }
        Value::String(text) if is_marker(text) => return,
        Value::String(text) => std::mem::take(text),
        ref other => other.to_string(),
    };
    let decoded = if encoded {
        BASE64.decode(text.trim()).ok()
    } else {
        None
    };
    let length = decoded.as_ref().map_or(text.len(), Vec::len);
    match decoded {
        Some(bytes) => found.add(&String::from_utf8(bytes).unwrap_or_default(), text),
        None => found.add(&text, BASE64.encode(&text)),
    }
    *value = Value::String(marker(length));
}

fn is_marker(text: &str) -> bool {
    let count = text
        .strip_prefix("<redacted ")
        .and_then(|rest| rest.strip_suffix(" bytes>"));
    count.is_some_and(|count| count.parse::<usize>().is_ok())
}

fn hide_in_text(text: &mut String, found: &mut Found) {
    if has_secret_manifest(text) {
        *text = marker(text.len());
        return;
    }
    if text.contains("secret") || !text.contains("configmap") {
        for flag in SECRET_FLAGS {
            hide_flag(text, flag, found);
        }
    }
    if text.contains("secret") && text.contains("patch ") {
        for flag in PATCH_FLAGS {
            hide_flag(text, flag, found);
        }
    }
}

/// Whether a text holds the YAML or JSON of a Secret, quoted and escaped in whatever way.
fn has_secret_manifest(text: &str) -> bool {
    let is_noise = |c: &char| c.is_whitespace() || matches!(c, '"' | '\'' | '\\');
    if !text.contains("Secret") {
        return false;
    }
    let bare: String = text.chars().filter(|c| !is_noise(c)).collect();
    bare.contains("kind:Secret") && (bare.contains("data:") || bare.contains("stringData:"))
}

/// Hides what follows each `flag` (after `=` or spaces); of `key=value` the key stays.
fn hide_flag(text: &mut String, flag: &str, found: &mut Found) {
    let mut done = 0;
    while let Some(at) = text[done..].find(flag) {
        let before = done + at;
        done = before + flag.len();
        let starts_word = text[..before].chars().next_back().is_none_or(char::is_whitespace);
        let rest = &text[done..];
        let start = done + rest.len() - rest.trim_start_matches(['=', ' ']).len();
        if !starts_word || start == done || text[start..].starts_with("<redacted ") {
            continue;
        }
        let end = start + word_length(&text[start..]);
        let word: String = text[start..end]
            .chars()
            .filter(|c| !matches!(c, '"' | '\'' | '\\'))
            .collect();
        let (key, value) = match word.split_once('=') {
            Some((key, value)) if flag == "--from-literal" => (format!("{key}="), value),
            _ => (String::new(), word.as_str()),
        };
        if is_marker(value) || value.starts_with("<redacted") {
            continue;
        }
        found.add(value, BASE64.encode(value));
        text.replace_range(start..end, &format!("{key}{}", marker(value.len())));
    }
}

/// The length of the first word of a shell command, with its quotes.
fn word_length(text: &str) -> usize {
    let mut quote = None;
    let mut escaped = false;
    for (at, c) in text.char_indices() {
        match (quote, c) {
            _ if escaped => escaped = false,
            (None | Some('"'), '\\') => escaped = true,
            (Some(open), c) if c == open => quote = None,
            (None, '"' | '\'') => quote = Some(c),
            (None, c) if c.is_whitespace() => return at,
            _ => {}
        }
    }
    text.len()
}

/// Removes copies. A single word that equals a secret (a user called `postgres`) may be a name, and
/// so may a word of a `command`; there only the base64 form is removed.
fn scrub(value: &mut Value, key: &str, found: &Found) {
    match value {
        Value::Object(map) => map.iter_mut().for_each(|(key, child)| scrub(child, key, found)),
        Value::Array(items) => items.iter_mut().for_each(|item| scrub(item, key, found)),
        Value::String(text) => {
            replace_all(text, &found.encoded);
            if key != "command" && text.contains(char::is_whitespace) {
                replace_all(text, &found.plain);
            }
        }
        _ => {}
    }
}

fn replace_all(text: &mut String, values: &[String]) {
    for value in values {
        if text.contains(value) {
            *text = text.replace(value, &marker(value.len()));
        }
    }
}
