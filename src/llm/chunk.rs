//! One event of a completion stream, and the reply that they add up to. Servers differ, so every field is optional.

use serde::Deserialize;
use serde_json::Value;

use super::error::LlmError;
use super::peer::Peer;
use super::types::{ModelReply, OtherReply, TokenChoice};

/// The longest reply, in bytes of text.
const REPLY: usize = 4 << 20;

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Chunk {
    choices: Option<Vec<Choice>>,
    usage: Option<Value>,
    error: Option<Value>,
    /// Our own engine's: replies that were less likely.
    others: Option<Vec<OtherReply>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Choice {
    delta: Option<Delta>,
    finish_reason: Option<String>,
    logprobs: Option<Logprobs>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Delta {
    content: Option<String>,
    /// What reasoning models think first, by two names: a sign of life, but no part of the reply.
    reasoning_content: Option<Value>,
    reasoning: Option<Value>,
}

/// OpenAI lists tokens under `content`; mistral.rs streams one token without the list.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Logprobs {
    content: Option<Vec<Token>>,
    #[serde(flatten)]
    single: Token,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Token {
    /// mistral.rs gives the alternatives as numbers.
    #[serde(rename = "token")]
    text: Option<Value>,
    logprob: Option<f32>,
    top_logprobs: Option<Vec<Token>>,
}

impl Token {
    /// The token with its runner-up, if it has a probability at all.
    fn choice(&self) -> Option<TokenChoice> {
        let logprob = self.logprob?;
        let text = self.text.as_ref().and_then(Value::as_str)?.to_owned();
        Some(TokenChoice {
            text,
            logprob,
            runner_up: self.runner_up(logprob),
        })
    }

    /// The best alternative besides the token itself, which most servers list among them.
    fn runner_up(&self, chosen: f32) -> Option<f32> {
        let alternatives = self.top_logprobs.as_deref().unwrap_or_default();
        let is_chosen = |other: &Token| {
            let same_text = other.text.as_ref().is_some_and(Value::is_string) && other.text == self.text;
            let same_chance = other
                .logprob
                .is_some_and(|logprob| (logprob - chosen).abs() < 1e-6);
            same_text || same_chance
        };
        let itself = alternatives.iter().position(is_chosen);
        let others = alternatives
            .iter()
            .enumerate()
            .filter(|(index, _)| Some(*index) != itself);
        others
            .filter_map(|(_, other)| other.logprob)
            .max_by(f32::total_cmp)
    }
}

/// No token is longer on average, in bytes; a reply that is did not keep to its limit of tokens.
const LONGEST_TOKEN: usize = 64;
/// A reply of few tokens may still be this long.
const SHORT: usize = 4 << 10;

/// A reply in the making.
#[derive(Debug, Default)]
pub(super) struct Assembly {
    reply: ModelReply,
    /// The most bytes of text that the limit on tokens leaves room for.
    most: usize,
    /// Whether the model has produced anything yet.
    pub(super) started: bool,
    /// Whether the server said why it stopped; without that the stream was cut.
    pub(super) finished: bool,
}

impl Assembly {
    /// For a reply of at most so many tokens.
    pub(super) fn within(max_tokens: u32) -> Self {
        let tokens = usize::try_from(max_tokens).unwrap_or(usize::MAX);
        Self {
            most: tokens.saturating_mul(LONGEST_TOKEN).saturating_add(SHORT),
            ..Self::default()
        }
    }

    /// Whether the server goes on behind the limit on tokens. The reply then counts as cut off at it.
    pub(super) fn is_full(&mut self) -> bool {
        let full = self.reply.text.len() > self.most;
        if full {
            (self.finished, self.reply.truncated) = (true, true);
        }
        full
    }

    /// Adds one event; new text goes to `on_text`.
    pub(super) fn accept(
        &mut self,
        chunk: Chunk,
        peer: &Peer,
        on_text: &mut (dyn FnMut(&str) + Send),
    ) -> Result<(), LlmError> {
        if let Some(error) = chunk.error {
            let message = peer.quote(&error_message(&error));
            return Err(LlmError::GaveUp {
                endpoint: peer.name.clone(),
                message,
            });
        }
        if let Some(counts) = chunk.usage.filter(Value::is_object) {
            self.reply.usage.prompt_tokens = count(&counts, "prompt_tokens");
            self.reply.usage.completion_tokens = count(&counts, "completion_tokens");
        }
        self.reply.others.extend(chunk.others.unwrap_or_default());
        // Only one choice is ever asked for.
        match chunk.choices.and_then(|choices| choices.into_iter().next()) {
            Some(choice) => self.accept_choice(choice, peer, on_text),
            None => Ok(()),
        }
    }

    fn accept_choice(
        &mut self,
        choice: Choice,
        peer: &Peer,
        on_text: &mut (dyn FnMut(&str) + Send),
    ) -> Result<(), LlmError> {
        let delta = choice.delta.unwrap_or_default();
        let text = delta.content.unwrap_or_default();
        if self.reply.text.len() + text.len() > REPLY {
            return Err(peer.too_large("a reply", REPLY));
        }
        if !text.is_empty() {
            on_text(&text);
            self.reply.text.push_str(&text);
        }
        self.started |= !text.is_empty() || delta.reasoning_content.or(delta.reasoning).is_some();
        self.accept_tokens(&choice.logprobs.unwrap_or_default());
        if let Some(reason) = choice.finish_reason {
            self.finished = true;
            self.reply.truncated = reason == "length";
        }
        Ok(())
    }

    fn accept_tokens(&mut self, logprobs: &Logprobs) {
        let listed = logprobs.content.as_deref().unwrap_or_default();
        let tokens = listed.iter().chain(std::iter::once(&logprobs.single));
        self.reply.tokens.extend(tokens.filter_map(Token::choice));
    }

    pub(super) fn into_reply(self) -> ModelReply {
        self.reply
    }
}

/// The message in an error document: OpenAI nests it, some servers give a bare string.
pub(super) fn error_message(error: &Value) -> String {
    let found = [
        error.pointer("/error/message"),
        error.get("message"),
        error.get("detail"),
        error.get("error"),
    ];
    let text = found.into_iter().flatten().chain([error]).find_map(Value::as_str);
    text.map_or_else(|| error.to_string(), str::to_owned)
}

/// A count that a server gives; 0 for what is no count.
fn count(counts: &Value, name: &str) -> u32 {
    let count = counts.get(name).and_then(Value::as_u64).unwrap_or(0);
    u32::try_from(count).unwrap_or(u32::MAX)
}
