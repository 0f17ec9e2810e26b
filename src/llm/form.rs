//! How a constraint is put into a request, and how what comes back is read. One constraint, as many forms as servers have.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::gbnf::gbnf;
use super::lines::unwrapped;
use super::regular::Node;
use super::types::{Constraint, ModelReply};
use crate::plan::{PlanGrammar, parse_rough};

/// The field in which lines come back where a server takes only a schema.
const LINES: &str = "plan";

/// One way to tell a server what the reply must look like.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Form {
    /// mistral.rs: `grammar` with the expression.
    Grammar,
    /// vLLM since 0.11: `structured_outputs` with the expression.
    Structured,
    /// vLLM before: `guided_regex`.
    Guided,
    /// llama.cpp: `grammar`, in its own notation, derived from the expression.
    Gbnf,
    /// `response_format`: a list of lines, each with the expression of a line.
    Lines,
    /// `response_format`: a list of lines of any text. It keeps the form and not the names, so it counts as no constraint.
    PlainLines,
    /// `response_format` with the schema.
    Schema,
    /// `response_format`: some JSON object. The schema has to stand in the prompt, so it counts as no constraint.
    Object,
}

impl Form {
    /// The field that carries the constraint; nothing where this form cannot say it.
    pub(super) fn render(self, constraint: &Constraint, strict: bool) -> Option<(&'static str, Value)> {
        if let Constraint::JsonSchema(schema) = constraint {
            return match self {
                Form::Schema => Some(("response_format", response_format(schema, strict))),
                Form::Object => Some(("response_format", json!({"type": "json_object"}))),
                _ => None,
            };
        }
        let pattern = whole(constraint)?;
        match self {
            Form::Grammar => Some(("grammar", json!({"type": "regex", "value": pattern}))),
            Form::Structured => Some(("structured_outputs", json!({"regex": pattern}))),
            Form::Guided => Some(("guided_regex", json!(pattern))),
            Form::Gbnf => Some(("grammar", json!(gbnf(pattern)?))),
            Form::Lines | Form::PlainLines => {
                let Constraint::Plan(grammar) = constraint else {
                    return None;
                };
                let schema = lines_schema(grammar, self == Form::Lines)?;
                Some(("response_format", response_format(&schema, true)))
            }
            Form::Schema | Form::Object => None,
        }
    }

    /// Whether a server that takes this form keeps to all of the constraint.
    pub(super) fn enforces(self) -> bool {
        !matches!(self, Form::PlainLines | Form::Object)
    }

    /// Whether the lines come back wrapped.
    pub(super) fn wraps(self) -> bool {
        matches!(self, Form::Lines | Form::PlainLines)
    }

    /// Takes the lines out of their wrapping. What is not wrapped stays as it is: whoever asked parses it in any case.
    pub(super) fn unwrap(self, mut reply: ModelReply) -> ModelReply {
        if self.wraps()
            && let Some(text) = unwrap(&reply.text)
        {
            reply.text = text;
            reply.tokens = unwrapped(reply.tokens);
        }
        reply
    }

    /// Whether a whole reply is as this form has it, so far as can be seen without the server's means.
    pub(super) fn holds(self, constraint: &Constraint, text: &str) -> bool {
        match constraint {
            Constraint::None | Constraint::Regex(_) => true,
            // Each line alone: a list cannot say what may follow what.
            Constraint::Plan(_) if self.wraps() => unwrap(text).is_some_and(|lines| {
                self == Form::PlainLines || lines.lines().all(|line| parse_rough(line).is_ok())
            }),
            Constraint::Plan(_) => parse_rough(text).is_ok(),
            Constraint::JsonSchema(schema) => serde_json::from_str(text)
                .is_ok_and(|value| self == Form::Object || has_required(schema, &value)),
        }
    }
}

fn whole(constraint: &Constraint) -> Option<&str> {
    match constraint {
        Constraint::Regex(pattern) => Some(pattern),
        Constraint::Plan(grammar) => Some(&grammar.whole),
        Constraint::None | Constraint::JsonSchema(_) => None,
    }
}

/// An object with the lines: strict enough for every server that takes schemas at all.
fn lines_schema(grammar: &PlanGrammar, patterned: bool) -> Option<Value> {
    let mut line = json!({"type": "string"});
    if patterned {
        let pattern = Node::read(&grammar.line)?.plain()?.pattern();
        line["pattern"] = json!(format!("^({pattern})$"));
    }
    Some(json!({
        "type": "object",
        "properties": {LINES: {"type": "array", "items": line, "minItems": 1, "maxItems": grammar.most}},
        "required": [LINES],
        "additionalProperties": false,
    }))
}

fn response_format(schema: &Value, strict: bool) -> Value {
    json!({"type": "json_schema", "json_schema": {"name": "reply", "schema": schema, "strict": strict}})
}

/// The lines of a wrapped plan. One text with line ends in it counts as lines.
pub(super) fn unwrap(text: &str) -> Option<String> {
    let value: Value = serde_json::from_str(text).ok()?;
    match value.get(LINES)? {
        Value::String(text) => Some(text.clone()),
        Value::Array(lines) => {
            let lines: Option<Vec<&str>> = lines.iter().map(Value::as_str).collect();
            Some(lines?.join("\n"))
        }
        _ => None,
    }
}

/// The part of a schema that tells an answer under it from one that ignores it: the type, and what must be there.
fn has_required(schema: &Value, value: &Value) -> bool {
    let is_object = schema.get("type").and_then(Value::as_str) == Some("object");
    let required = schema.get("required").and_then(Value::as_array);
    (!is_object || value.is_object())
        && required
            .into_iter()
            .flatten()
            .filter_map(Value::as_str)
            .all(|name| value.get(name).is_some())
}
