//! How each kind of server is told what the reply must look like; the only place where servers differ.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::error::LlmError;
use super::types::{Constraint, ModelRequest};

/// The way a server takes a [`Constraint`].
///
/// | dialect | regular expression | JSON schema |
/// |---|---|---|
/// | `mistral-rs` | `grammar` | `response_format` |
/// | `vllm` | `structured_outputs` (vLLM 0.11 and later; it replaced `guided_regex`) | `response_format` |
/// | `llama-cpp` | not sent | `response_format` |
/// | `ollama` | not sent | `response_format` |
/// | `openai` | not sent | `response_format`, enforced only for schemas within its strict subset |
///
/// llama.cpp would take a pattern inside the schema of a JSON string. The reply would then be that string, quoted and
/// escaped, and its converter knows only part of the regular expressions, so nothing is sent instead.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum Dialect {
    /// mistral.rs, and so our own engine.
    MistralRs,
    /// vLLM.
    Vllm,
    /// The server of llama.cpp.
    LlamaCpp,
    /// Ollama.
    Ollama,
    /// OpenAI, and whatever else takes no more than its API says.
    OpenAi,
}

/// The first name of each dialect is the one that is written; the others are understood.
const NAMES: [(Dialect, &[&str]); 5] = [
    (Dialect::MistralRs, &["mistral-rs", "mistralrs", "mistral.rs"]),
    (Dialect::Vllm, &["vllm"]),
    (Dialect::LlamaCpp, &["llama-cpp", "llamacpp", "llama.cpp"]),
    (Dialect::Ollama, &["ollama"]),
    (Dialect::OpenAi, &["openai", "open-ai"]),
];

/// Fields that a server may reject without harm to the reply (the newest models of OpenAI do).
const DISPENSABLE: [&str; 4] = ["temperature", "logprobs", "top_logprobs", "stream_options"];

impl Dialect {
    /// The names as they are written in a configuration file.
    pub fn names() -> Vec<&'static str> {
        NAMES
            .iter()
            .filter_map(|(_, names)| names.first().copied())
            .collect()
    }

    /// The field that carries the constraint, if this server has one, and whether the server then enforces it.
    fn constraint_field(self, constraint: &Constraint) -> Option<(&'static str, Value, bool)> {
        match (self, constraint) {
            (_, Constraint::None) | (Self::LlamaCpp | Self::Ollama | Self::OpenAi, Constraint::Regex(_)) => {
                None
            }
            (Self::MistralRs, Constraint::Regex(pattern)) => {
                Some(("grammar", json!({"type": "regex", "value": pattern}), true))
            }
            (Self::Vllm, Constraint::Regex(pattern)) => {
                Some(("structured_outputs", json!({"regex": pattern}), true))
            }
            (_, Constraint::JsonSchema(schema)) => {
                let strict = self != Self::OpenAi || fits_strict(schema);
                Some(("response_format", response_format(schema, strict), strict))
            }
        }
    }

    /// OpenAI's newer models refuse `max_tokens`; other servers do not all know its successor.
    fn limit_field(self) -> &'static str {
        if self == Self::OpenAi {
            "max_completion_tokens"
        } else {
            "max_tokens"
        }
    }
}

impl fmt::Display for Dialect {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names = NAMES
            .iter()
            .find(|(dialect, _)| dialect == self)
            .map(|(_, names)| *names);
        formatter.write_str(names.and_then(|names| names.first()).copied().unwrap_or_default())
    }
}

impl FromStr for Dialect {
    type Err = LlmError;

    fn from_str(name: &str) -> Result<Self, LlmError> {
        let found = NAMES.iter().find(|(_, names)| names.contains(&name));
        found
            .map(|(dialect, _)| *dialect)
            .ok_or_else(|| LlmError::Dialect(name.to_owned()))
    }
}

impl TryFrom<String> for Dialect {
    type Error = LlmError;

    fn try_from(name: String) -> Result<Self, LlmError> {
        name.parse()
    }
}

impl From<Dialect> for String {
    fn from(dialect: Dialect) -> Self {
        dialect.to_string()
    }
}

/// The JSON of a request, ready to send.
#[derive(Debug, Clone)]
pub(super) struct Body {
    pub(super) fields: Map<String, Value>,
    /// See [`ModelReply::constrained`](super::ModelReply::constrained).
    pub(super) constrained: bool,
}

impl Body {
    pub(super) fn new(dialect: Dialect, model: &str, request: &ModelRequest) -> Self {
        let mut fields = Map::new();
        let mut put = |name: &str, value: Value| fields.insert(name.to_owned(), value);
        put("model", json!(model));
        put("messages", json!(request.messages));
        put(dialect.limit_field(), json!(request.max_tokens));
        put("temperature", json!(request.temperature));
        put("stream", json!(true));
        put("stream_options", json!({"include_usage": true}));
        put("logprobs", json!(true));
        put("top_logprobs", json!(2));
        let mut constrained = false;
        if let Some((name, value, enforced)) = dialect.constraint_field(&request.constraint) {
            put(name, value);
            constrained = enforced;
        }
        Self { fields, constrained }
    }

    /// Takes out a field that the server does not want. `false` when it is not there or the reply depends on it.
    pub(super) fn without(&mut self, field: &str) -> bool {
        // A server that lists alternatives only together with probabilities wants neither without the other.
        if field == "logprobs" {
            self.fields.shift_remove("top_logprobs");
        }
        DISPENSABLE.contains(&field) && self.fields.shift_remove(field).is_some()
    }
}

fn response_format(schema: &Value, strict: bool) -> Value {
    json!({"type": "json_schema", "json_schema": {"name": "reply", "schema": schema, "strict": strict}})
}

/// Whether OpenAI would enforce the schema: an object, closed and with every property required all the way down.
fn fits_strict(schema: &Value) -> bool {
    schema.get("type") == Some(&json!("object")) && closed(schema)
}

fn closed(schema: &Value) -> bool {
    const UNSUPPORTED: [&str; 6] = [
        "allOf",
        "oneOf",
        "not",
        "if",
        "patternProperties",
        "dependentRequired",
    ];
    match schema {
        Value::Object(fields) => {
            !UNSUPPORTED.iter().any(|name| fields.contains_key(*name))
                && (fields.get("type") != Some(&json!("object")) || closed_object(fields))
                && fields.values().all(closed)
        }
        Value::Array(items) => items.iter().all(closed),
        _ => true,
    }
}

fn closed_object(fields: &Map<String, Value>) -> bool {
    let required = fields.get("required").and_then(Value::as_array);
    let is_required = |name: &String| required.is_some_and(|names| names.iter().any(|known| known == name));
    let properties = fields.get("properties").and_then(Value::as_object);
    fields.get("additionalProperties") == Some(&Value::Bool(false))
        && properties.is_some_and(|properties| properties.keys().all(is_required))
}
