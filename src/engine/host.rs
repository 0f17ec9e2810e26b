//! The seam between the server and whatever computes tokens.
//!
//! The server knows [`Host`] and the plain values here; mistral.rs is the first host behind it.

use std::future::Future;

use tokio::sync::mpsc;

use super::files::ModelFiles;

/// Something that can answer a chat with one model.
pub(super) trait Host: Send + Sync + 'static {
    /// Loads a model. Takes seconds, and must never reach for the network.
    fn load(files: &ModelFiles) -> impl Future<Output = Result<Self, HostError>> + Send
    where
        Self: Sized;

    /// What it computes on: `cpu`, `cuda` or `metal`.
    fn device(&self) -> &'static str;

    /// Starts an answer; must be called inside a runtime.
    ///
    /// The answer's pieces arrive in order: `Started`, others, tokens, `Done`; or an error, which is the last. Dropping
    /// the receiver cancels the answer before its next token.
    fn generate(&self, generation: Generation) -> Pieces;
}

/// The pieces of one answer.
pub(super) type Pieces = mpsc::Receiver<Result<Piece, HostError>>;

/// What to answer, and how.
#[derive(Debug, Clone)]
pub(super) struct Generation {
    pub(super) messages: Vec<Message>,
    pub(super) constraint: Constraint,
    /// At most this many tokens, the end token included; the host may allow fewer.
    pub(super) max_tokens: Option<usize>,
    /// 0 takes the likeliest token each time.
    pub(super) temperature: f64,
    /// Share of the probability that sampling chooses from; 1 is all of it.
    pub(super) top_p: f64,
    /// Makes sampling repeatable.
    pub(super) seed: Option<u64>,
    /// Report probabilities, and of so many other tokens at each place.
    pub(super) logprobs: Option<usize>,
    /// At most so many answers are computed, and the likeliest as a whole is given: a constraint can lead what is chosen
    /// token by token into a corner. At temperature 0 only.
    pub(super) best_of: usize,
}

/// One message of the chat.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Message {
    pub(super) role: String,
    pub(super) content: String,
}

/// What the answer's text must match.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Constraint {
    None,
    /// The whole text, in the syntax of Rust's `regex`.
    Regex(String),
    /// A grammar in llguidance's Lark; it must say itself how the text ends.
    Lark(String),
    JsonSchema(serde_json::Value),
    /// llguidance's own JSON form.
    Llguidance(serde_json::Value),
}

/// A piece of an answer.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Piece {
    /// The prompt is accepted and read.
    Started { prompt_tokens: usize },
    /// A token, or several that make one character.
    Token(Token),
    /// A whole answer that was computed too and is less likely; before the first token.
    Other { text: String, logprob: f32 },
    /// The answer is complete.
    Done {
        finish: Finish,
        completion_tokens: usize,
    },
}

/// A token with its probability.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Token {
    pub(super) text: String,
    /// Natural logarithm of its probability among all tokens, those that the constraint forbids included. Present if asked
    /// for.
    pub(super) logprob: Option<f32>,
    /// The likeliest tokens at this place.
    pub(super) alternatives: Vec<(String, f32)>,
}

/// Why an answer ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Finish {
    /// The model ended it, or the constraint left nothing else.
    Stop,
    /// `max_tokens` or the context's end.
    Length,
}

/// Why there is no answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(super) enum HostError {
    /// The model cannot be loaded.
    #[error("cannot load the model: {0}")]
    Load(String),
    /// The prompt leaves no room for an answer.
    #[error("the prompt has {tokens} tokens, and the model's context is {context}")]
    TooLong { tokens: usize, context: usize },
    /// The request is wrong, for example its grammar.
    #[error("{0}")]
    Refused(String),
    /// The model failed at this request.
    #[error("the model failed: {0}")]
    Broken(String),
    /// The host died; no request will ever succeed again.
    #[error("the model's thread died")]
    Lost,
}
