//! What is asked of a model and what comes back, the same for every server.

use serde::{Deserialize, Serialize};

use crate::plan::PlanGrammar;

/// Who speaks in a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// Instructions of ours.
    System,
    /// The person, and the material that they gave.
    User,
    /// The model, in an example or an earlier turn.
    Assistant,
}

/// One message of a conversation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Message {
    /// Who speaks.
    pub role: Role,
    /// Plain text; it is sent as it stands.
    pub content: String,
}

impl Message {
    /// A message with the given speaker.
    pub fn new(role: Role, content: impl Into<String>) -> Self {
        Self {
            role,
            content: content.into(),
        }
    }
}

/// The language that a reply must be in. It is derived once; each [`Dialect`](super::Dialect) renders it its own way.
#[derive(Debug, Clone, Default, PartialEq)]
pub enum Constraint {
    /// Free text.
    #[default]
    None,
    /// The whole reply matches this regular expression (no anchors, no look-around, no back-references).
    Regex(String),
    /// The whole reply is a plan, or one of the words for none.
    Plan(PlanGrammar),
    /// The whole reply is one JSON document that this schema describes.
    JsonSchema(serde_json::Value),
}

/// One question to a model.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct ModelRequest {
    /// The conversation, oldest first.
    pub messages: Vec<Message>,
    /// The language of the reply.
    pub constraint: Constraint,
    /// The longest reply, in tokens of the model.
    pub max_tokens: u32,
    /// 0 is the likeliest text every time; servers take up to 2.
    pub temperature: f32,
    /// Our own engine computes at most so many replies and gives the one that is likeliest as a whole; 0 and 1 are one.
    pub best_of: u32,
}

/// How many tokens a request cost, as the server counted them; zeros when it did not say, or said what cannot be.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Usage {
    /// Tokens of the conversation.
    pub prompt_tokens: u32,
    /// Tokens of the reply.
    pub completion_tokens: u32,
}

/// One token of a reply, and how sure the model was of it.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct TokenChoice {
    /// The token as text; a replacement character where it is only part of one.
    pub text: String,
    /// Natural logarithm of its probability.
    pub logprob: f32,
    /// The same of the best token that was not chosen, where the server told.
    pub runner_up: Option<f32>,
}

/// A whole reply that the model found less likely than the one it gave.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct OtherReply {
    /// The whole text.
    #[serde(rename = "content")]
    pub text: String,
    /// Natural logarithm of its probability.
    pub logprob: f32,
}

/// What a model answered.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct ModelReply {
    /// The whole text, at most 4 MiB.
    pub text: String,
    /// What it cost.
    pub usage: Usage,
    /// Every token with its probability; empty when the server gives none.
    pub tokens: Vec<TokenChoice>,
    /// Replies that were less likely, where several were asked for and the server told.
    pub others: Vec<OtherReply>,
    /// Whether a constraint was asked for and sent in a form that the server enforces. `false` says nothing about the
    /// text; `true` is still only the server's word.
    pub constrained: bool,
    /// What the user should know about the server, once: that it does not keep to constraints, say.
    pub notice: Option<String>,
    /// Whether the reply was cut off at `max_tokens`. Such text must not be acted on: its last line may be half of one.
    pub truncated: bool,
}

impl ModelReply {
    /// How likely the model found each line: the product of its tokens' probabilities.
    pub fn line_confidence(&self) -> Vec<f32> {
        let mut lines = Vec::new();
        let mut sum = 0.0;
        for token in &self.tokens {
            sum += token.logprob;
            if token.text.contains('\n') {
                lines.push(sum.exp());
                sum = 0.0;
            }
        }
        if !self.tokens.is_empty() {
            lines.push(sum.exp());
        }
        lines
    }
}

/// Which model answered, as far as that is known.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ModelIdentity {
    /// The name the server knows it by.
    pub name: String,
    /// `sha256:` and the digest of the weights, where known.
    pub digest: Option<String>,
    /// The base URL without credentials, or `unix:` and the socket's path.
    pub endpoint: String,
    /// What it runs on (`cpu`, `cuda`, `metal`), where known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub device: Option<String>,
}

/// How far a slow preparation is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Progress {
    /// `download`, `verify`, `merge` or `load`.
    pub stage: String,
    /// Units done: bytes, except for `load`.
    pub done: u64,
    /// Units in all; 0 when unknown.
    pub total: u64,
}
