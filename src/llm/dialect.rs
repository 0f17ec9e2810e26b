//! How each kind of server is told what the reply must look like; the only place where servers differ.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::error::LlmError;
use super::form::Form;
use super::types::Constraint;

/// The way a server takes a [`Constraint`].
///
/// | dialect | a plan, the best form first | JSON schema |
/// |---|---|---|
/// | `mistral-rs` | `grammar` with the expression | `response_format` |
/// | `vllm` | `structured_outputs` (0.11 and later), `guided_regex` (before), then as `openai` | `response_format` |
/// | `llama-cpp` | `grammar` in its own notation, then as `ollama` | `response_format` |
/// | `ollama` | `response_format`: lines with a pattern each, then lines without one | `response_format` |
/// | `openai` | the same | `response_format`, enforced only for schemas within its strict subset |
///
/// All forms come from one expression. Which of them a server keeps to is learned: see [`Form`].
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

impl Dialect {
    /// The names as they are written in a configuration file.
    pub fn names() -> Vec<&'static str> {
        NAMES
            .iter()
            .filter_map(|(_, names)| names.first().copied())
            .collect()
    }

    /// The forms in which this kind of server may take a constraint, the best first.
    pub(super) fn forms(self, constraint: &Constraint) -> &'static [Form] {
        match (self, constraint) {
            (_, Constraint::None) => &[],
            (_, Constraint::JsonSchema(_)) => &[Form::Schema, Form::Object],
            (Self::MistralRs, _) => &[Form::Grammar],
            (Self::Vllm, _) => &[Form::Structured, Form::Guided, Form::Lines],
            (Self::LlamaCpp, _) => &[Form::Gbnf, Form::Lines],
            (Self::Ollama | Self::OpenAi, _) => &[Form::Lines, Form::PlainLines],
        }
    }

    /// Whether the server keeps to this schema: OpenAI does so only within its strict subset.
    pub(super) fn is_strict(self, constraint: &Constraint) -> bool {
        match constraint {
            Constraint::JsonSchema(schema) => self != Self::OpenAi || fits_strict(schema),
            _ => true,
        }
    }

    /// OpenAI's newer models refuse `max_tokens`; other servers do not all know its successor.
    pub(super) fn limit_field(self) -> &'static str {
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
