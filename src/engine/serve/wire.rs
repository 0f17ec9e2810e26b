//! The OpenAI chat protocol: what is read, and what is written.

use axum::Json;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::engine::host::{Constraint, Finish, Generation, HostError, Message, Token};

/// The most answers of which one may be asked to give the best.
const MOST_ANSWERS: usize = 8;
/// The most alternatives that a request may ask for, as in the protocol.
const MOST_LOGPROBS: usize = 20;

/// The body of a chat request. What it has besides these fields is ignored.
#[derive(Debug, Deserialize)]
pub(super) struct ChatRequest {
    messages: Vec<WireMessage>,
    #[serde(default)]
    pub(super) stream: Option<bool>,
    #[serde(default)]
    stream_options: Option<StreamOptions>,
    #[serde(default)]
    max_tokens: Option<usize>,
    #[serde(default)]
    max_completion_tokens: Option<usize>,
    #[serde(default)]
    temperature: Option<f64>,
    #[serde(default)]
    top_p: Option<f64>,
    #[serde(default)]
    stop: Option<OneOrMany>,
    #[serde(default)]
    seed: Option<i64>,
    #[serde(default)]
    logprobs: Option<bool>,
    #[serde(default)]
    top_logprobs: Option<usize>,
    #[serde(default)]
    n: Option<u32>,
    #[serde(default)]
    best_of: Option<usize>,
    #[serde(default)]
    grammar: Option<Grammar>,
    #[serde(default)]
    response_format: Option<ResponseFormat>,
}

#[derive(Debug, Deserialize)]
struct WireMessage {
    role: String,
    #[serde(default)]
    content: Option<Content>,
}

#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum Content {
    Text(String),
    Parts(Vec<Part>),
}

#[derive(Debug, Deserialize)]
struct Part {
    #[serde(rename = "type")]
    kind: String,
    #[serde(default)]
    text: String,
}

#[derive(Debug, Deserialize)]
struct StreamOptions {
    #[serde(default)]
    include_usage: bool,
}

#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum OneOrMany {
    One(String),
    Many(Vec<String>),
}

/// mistral.rs' own way to pass a constraint.
#[derive(Debug, Deserialize)]
#[serde(tag = "type", content = "value", rename_all = "snake_case")]
enum Grammar {
    Regex(String),
    Lark(String),
    JsonSchema(Value),
    Llguidance(Value),
}

/// OpenAI's way to pass a constraint.
#[derive(Debug, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
enum ResponseFormat {
    Text,
    JsonObject,
    JsonSchema { json_schema: NamedSchema },
}

#[derive(Debug, Deserialize)]
struct NamedSchema {
    schema: Value,
}

impl ChatRequest {
    /// Whether the stream's last chunk shall carry the usage.
    pub(super) fn wants_usage(&self) -> bool {
        self.stream_options
            .as_ref()
            .is_some_and(|options| options.include_usage)
    }

    /// The strings that end the answer.
    pub(super) fn stops(&self) -> Vec<String> {
        match &self.stop {
            None => Vec::new(),
            Some(OneOrMany::One(stop)) => vec![stop.clone()],
            Some(OneOrMany::Many(stops)) => stops.clone(),
        }
    }

    /// What the host shall do; an error if the request asks for what cannot be, or makes no sense.
    pub(super) fn generation(self) -> Result<Generation, ApiError> {
        self.check()?;
        Ok(Generation {
            max_tokens: self.max_completion_tokens.or(self.max_tokens),
            temperature: self.temperature.unwrap_or(0.0),
            top_p: self.top_p.unwrap_or(1.0),
            seed: self.seed.map(i64::cast_unsigned),
            logprobs: self
                .logprobs
                .unwrap_or(false)
                .then_some(self.top_logprobs.unwrap_or(0)),
            best_of: self.best_of.unwrap_or(1),
            constraint: constraint(self.grammar, self.response_format)?,
            messages: self
                .messages
                .into_iter()
                .map(WireMessage::plain)
                .collect::<Result<_, _>>()?,
        })
    }

    fn check(&self) -> Result<(), ApiError> {
        let wrong = |message: &str| Err(ApiError::bad_request(message));
        if self.messages.is_empty() {
            return wrong("`messages` is empty");
        }
        if self.n.is_some_and(|n| n != 1) {
            return wrong("`n` must be 1");
        }
        if self
            .best_of
            .is_some_and(|count| !(1..=MOST_ANSWERS).contains(&count))
        {
            return wrong("`best_of` must be from 1 to 8");
        }
        if self.max_completion_tokens.or(self.max_tokens) == Some(0) {
            return wrong("`max_tokens` must be at least 1");
        }
        if !self
            .temperature
            .is_none_or(|temperature| (0.0..=2.0).contains(&temperature))
        {
            return wrong("`temperature` must be between 0 and 2");
        }
        if !self.top_p.is_none_or(|top_p| top_p > 0.0 && top_p <= 1.0) {
            return wrong("`top_p` must be above 0 and at most 1");
        }
        if self.top_logprobs.is_some_and(|count| count > MOST_LOGPROBS) {
            return wrong("`top_logprobs` must be at most 20");
        }
        Ok(())
    }
}

impl WireMessage {
    fn plain(self) -> Result<Message, ApiError> {
        let content = match self.content {
            None => String::new(),
            Some(Content::Text(text)) => text,
            Some(Content::Parts(parts)) => {
                if let Some(part) = parts.iter().find(|part| part.kind != "text") {
                    let message = format!("message parts of type `{}` are not supported", part.kind);
                    return Err(ApiError::bad_request(&message));
                }
                parts.into_iter().map(|part| part.text).collect()
            }
        };
        match self.role.as_str() {
            "system" | "developer" | "user" | "assistant" | "tool" => Ok(Message {
                role: self.role,
                content,
            }),
            other => Err(ApiError::bad_request(&format!("there is no role `{other}`"))),
        }
    }
}

fn constraint(grammar: Option<Grammar>, format: Option<ResponseFormat>) -> Result<Constraint, ApiError> {
    Ok(match (grammar, format) {
        (None, None | Some(ResponseFormat::Text)) => Constraint::None,
        (None, Some(ResponseFormat::JsonObject)) => Constraint::JsonSchema(json!({"type": "object"})),
        (None, Some(ResponseFormat::JsonSchema { json_schema })) => {
            Constraint::JsonSchema(json_schema.schema)
        }
        (Some(grammar), None | Some(ResponseFormat::Text)) => match grammar {
            Grammar::Regex(regex) => Constraint::Regex(regex),
            Grammar::Lark(lark) => Constraint::Lark(lark),
            Grammar::JsonSchema(schema) => Constraint::JsonSchema(schema),
            Grammar::Llguidance(value) => Constraint::Llguidance(value),
        },
        (Some(_), Some(_)) => {
            return Err(ApiError::bad_request(
                "`grammar` and `response_format` exclude each other",
            ));
        }
    })
}

/// Tokens read and written.
#[allow(clippy::struct_field_names)] // The protocol's names.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub(super) struct Usage {
    pub(super) prompt_tokens: usize,
    pub(super) completion_tokens: usize,
    pub(super) total_tokens: usize,
}

/// The protocol's word for an answer's end.
pub(super) fn finish_reason(finish: Finish) -> &'static str {
    match finish {
        Finish::Stop => "stop",
        Finish::Length => "length",
    }
}

/// A token's probability in the protocol's form, if it was asked for.
pub(super) fn logprob(token: &Token) -> Option<Value> {
    let entry =
        |text: &str, logprob: f32| json!({"token": text, "logprob": logprob, "bytes": text.as_bytes()});
    let logprob = token.logprob?;
    let mut value = entry(&token.text, logprob);
    value["top_logprobs"] = token
        .alternatives
        .iter()
        .map(|(text, logprob)| entry(text, *logprob))
        .collect();
    Some(value)
}

/// An error in the protocol's form.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct ApiError {
    pub(super) status: StatusCode,
    message: String,
    code: Option<&'static str>,
}

impl ApiError {
    pub(super) fn new(status: StatusCode, message: &str) -> Self {
        Self {
            status,
            message: message.to_owned(),
            code: None,
        }
    }

    pub(super) fn bad_request(message: &str) -> Self {
        Self::new(StatusCode::BAD_REQUEST, message)
    }

    /// `{"error": {...}}`.
    pub(super) fn body(&self) -> Value {
        let kind = if self.status.is_server_error() {
            "server_error"
        } else {
            "invalid_request_error"
        };
        json!({"error": {"message": self.message, "type": kind, "param": null, "code": self.code}})
    }
}

impl From<&HostError> for ApiError {
    fn from(error: &HostError) -> Self {
        let (status, code) = match error {
            HostError::TooLong { .. } => (StatusCode::BAD_REQUEST, Some("context_length_exceeded")),
            HostError::Refused(_) => (StatusCode::BAD_REQUEST, None),
            HostError::Load(_) => (StatusCode::SERVICE_UNAVAILABLE, None),
            HostError::Broken(_) | HostError::Lost => (StatusCode::INTERNAL_SERVER_ERROR, None),
        };
        Self {
            status,
            message: error.to_string(),
            code,
        }
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        (self.status, Json(self.body())).into_response()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(body: Value) -> Result<Generation, ApiError> {
        serde_json::from_value::<ChatRequest>(body).unwrap().generation()
    }

    fn with(name: &str, value: &Value) -> Result<Generation, ApiError> {
        read(json!({"model": "any", "messages": [{"role": "user", "content": "hi"}], name: value}))
    }

    #[test]
    fn defaults_are_greedy_and_free() {
        let generation = with("user", &json!("x")).unwrap();
        assert_eq!(generation.constraint, Constraint::None);
        assert!(generation.temperature.abs() < f64::EPSILON && generation.logprobs.is_none());
    }

    #[test]
    fn constraints_come_in_both_ways() {
        let regex = with("grammar", &json!({"type": "regex", "value": "a+"})).unwrap();
        assert_eq!(regex.constraint, Constraint::Regex("a+".to_owned()));
        let schema =
            json!({"type": "json_schema", "json_schema": {"name": "n", "schema": {"type": "array"}}});
        let schema = with("response_format", &schema).unwrap();
        assert_eq!(
            schema.constraint,
            Constraint::JsonSchema(json!({"type": "array"}))
        );
    }

    #[test]
    fn parts_are_joined_and_pictures_refused() {
        let parts = |kind: &str| json!([{"role": "user", "content": [{"type": "text", "text": "a"}, {"type": kind, "text": "b"}]}]);
        assert_eq!(
            read(json!({"messages": parts("text")})).unwrap().messages[0].content,
            "ab"
        );
        assert!(read(json!({"messages": parts("image_url")})).is_err());
    }

    #[test]
    fn nonsense_is_refused_with_400() {
        for (name, value) in [
            ("n", json!(2)),
            ("max_tokens", json!(0)),
            ("temperature", json!(-1)),
            ("top_p", json!(0)),
            ("top_logprobs", json!(21)),
            ("best_of", json!(0)),
            ("best_of", json!(9)),
            ("messages", json!([])),
            ("messages", json!([{"role": "king", "content": "x"}])),
        ] {
            let error = with(name, &value).unwrap_err();
            assert_eq!(error.status, StatusCode::BAD_REQUEST, "{name}");
        }
    }

    #[test]
    fn errors_have_the_protocols_form() {
        let error = ApiError::from(&HostError::TooLong {
            tokens: 9,
            context: 8,
        });
        assert_eq!(error.body()["error"]["code"], "context_length_exceeded");
        assert_eq!(error.body()["error"]["type"], "invalid_request_error");
        assert_eq!(
            ApiError::from(&HostError::Lost).body()["error"]["type"],
            "server_error"
        );
    }
}
