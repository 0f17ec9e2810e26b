//! The JSON of a request, ready to send.

use serde_json::{Map, Value, json};

use super::dialect::Dialect;
use super::form::Form;
use super::types::{Constraint, ModelRequest};

/// Fields that a server may reject without harm to the reply (the newest models of OpenAI do).
const DISPENSABLE: [&str; 5] = [
    "temperature",
    "logprobs",
    "top_logprobs",
    "best_of",
    "stream_options",
];

/// The JSON of a request.
#[derive(Debug, Clone)]
pub(super) struct Body {
    pub(super) fields: Map<String, Value>,
    /// The form that the constraint went in; nothing where there is none, or none that can say it.
    pub(super) form: Option<Form>,
    /// See [`ModelReply::constrained`](super::ModelReply::constrained).
    pub(super) constrained: bool,
}

impl Body {
    /// A request with its constraint in this form.
    pub(super) fn new(dialect: Dialect, model: &str, request: &ModelRequest, form: Option<Form>) -> Self {
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
        if request.best_of > 1 && dialect == Dialect::MistralRs {
            put("best_of", json!(request.best_of));
        }
        let strict = dialect.is_strict(&request.constraint);
        let field = form.and_then(|form| form.render(&request.constraint, strict));
        let form = form.filter(|_| field.is_some());
        if let Some((name, value)) = field {
            put(name, value);
        }
        Self {
            fields,
            form,
            constrained: strict && form.is_some_and(Form::enforces),
        }
    }

    /// The first form of a dialect, for whoever knows nothing of the server.
    pub(super) fn first(dialect: Dialect, constraint: &Constraint) -> Option<Form> {
        dialect.forms(constraint).first().copied()
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

/// The field that a refusal is about, where it is one that can be spared: named as such, or in the words.
pub(super) fn spared<'a>(named: Option<&'a str>, message: &str) -> Option<&'a str> {
    let is_word = |c: char| c.is_ascii_alphanumeric() || c == '_';
    named.or_else(|| {
        let words: Vec<_> = message.split(|c: char| !is_word(c)).collect();
        DISPENSABLE.into_iter().find(|field| words.contains(field))
    })
}
