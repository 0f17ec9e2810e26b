//! One answer: from a request to its pieces.

use std::sync::Arc;

use either::Either;
use mistralrs::{
    ChunkChoice, NormalRequest, Request, RequestLike, Response, SamplingParams, TextMessageRole, TextMessages,
};
use tokio::sync::mpsc::{self, Receiver, Sender};

use super::sampling::Chooser;
use super::{PIECES, Shared, grammar};
use crate::engine::host::{Finish, Generation, HostError, Message, Piece, Token};
use crate::engine::panics;

/// Tokens of an answer whose request does not limit them.
const DEFAULT_TOKENS: usize = 1024;

/// Characters of a complaint that a client gets to see.
const LONGEST_COMPLAINT: usize = 600;

type Answer = Sender<Result<Piece, HostError>>;

/// Computes an answer, in its turn. Ends early when nobody listens any more.
pub(super) async fn answer(shared: Arc<Shared>, generation: Generation, out: Answer) {
    let turn = tokio::select! {
        turn = shared.gate.acquire() => turn,
        () = out.closed() => return,
    };
    if turn.is_err() {
        return;
    }
    if let Err(error) = stream(&shared, generation, &out).await {
        // If nobody listens, nobody is told.
        let _ = out.send(Err(error)).await;
    }
}

async fn stream(shared: &Shared, generation: Generation, out: &Answer) -> Result<(), HostError> {
    let panics_before = panics::count();
    let prompt_tokens = count(shared, &generation.messages).await?;
    let context = shared.facts.context;
    if prompt_tokens >= context {
        return Err(HostError::TooLong {
            tokens: prompt_tokens,
            context,
        });
    }
    let room = context - prompt_tokens;
    let limit = generation.max_tokens.unwrap_or(DEFAULT_TOKENS).min(room);
    let chunks = submit(shared, generation, limit).await?;
    let mut relay = Relay {
        out,
        prompt_tokens,
        limit,
        tokens: 0,
        started: false,
    };
    let ended = relay.run(chunks).await;
    shared.cached(prompt_tokens + relay.tokens).await;
    match ended? {
        Ended::Cancelled | Ended::Complete => Ok(()),
        Ended::Silent if panics::count() > panics_before => Err(HostError::Lost),
        Ended::Silent => {
            relay.finish_cut_character().await;
            Ok(())
        }
    }
}

fn chat(shared: &Shared, messages: &[Message]) -> TextMessages {
    messages.iter().fold(TextMessages::new(), |chat, message| {
        let role = match message.role.as_str() {
            "user" => TextMessageRole::User,
            "assistant" => TextMessageRole::Assistant,
            "tool" => TextMessageRole::Tool,
            _ => TextMessageRole::System,
        };
        chat.add_message(role, shared.facts.defuse(&message.content))
    })
}

async fn count(shared: &Shared, messages: &[Message]) -> Result<usize, HostError> {
    shared.engine().await?;
    let text = Either::Left(chat(shared, messages));
    let tokens = shared.model.tokenize(text, None, true, true, None).await;
    tokens
        .map(|tokens| tokens.len())
        .map_err(|error| HostError::Broken(error.to_string()))
}

async fn submit(
    shared: &Shared,
    generation: Generation,
    limit: usize,
) -> Result<Receiver<Response>, HostError> {
    let engine = shared.engine().await?;
    let (response, chunks) = mpsc::channel(PIECES);
    let sampling = SamplingParams {
        // Greedy over what the chooser returns; `None` would mean 1 here.
        temperature: Some(0.0),
        max_len: Some(limit),
        top_n_logprobs: generation.logprobs.unwrap_or_default(),
        ..SamplingParams::deterministic()
    };
    let chooser = Chooser::new(generation.temperature, generation.top_p, generation.seed);
    let request = NormalRequest {
        messages: chat(shared, &generation.messages).take_messages(),
        sampling_params: sampling,
        response,
        return_logprobs: generation.logprobs.is_some(),
        is_streaming: true,
        id: 0,
        constraint: grammar::native(generation.constraint, shared.facts.end)?,
        suffix: None,
        tools: None,
        tool_choice: None,
        logits_processors: Some(vec![Arc::new(chooser)]),
        return_raw_logits: false,
        web_search_options: None,
        model_id: None,
        truncate_sequence: false,
    };
    engine
        .send(Request::Normal(Box::new(request)))
        .await
        .map_err(|_| HostError::Lost)?;
    Ok(chunks)
}

enum Ended {
    /// Nobody listened any more.
    Cancelled,
    /// `Done` is sent.
    Complete,
    /// The engine stopped sending without a word.
    Silent,
}

/// Passes chunks on as pieces.
struct Relay<'a> {
    out: &'a Answer,
    prompt_tokens: usize,
    limit: usize,
    tokens: usize,
    started: bool,
}

impl Relay<'_> {
    /// Until the end, or until nobody listens: then `chunks` is dropped, which the engine notices at its next
    /// token.
    async fn run(&mut self, mut chunks: Receiver<Response>) -> Result<Ended, HostError> {
        loop {
            let response = tokio::select! {
                response = chunks.recv() => response,
                () = self.out.closed() => return Ok(Ended::Cancelled),
            };
            let Some(response) = response else {
                return Ok(Ended::Silent);
            };
            let chunk = match response {
                Response::Chunk(chunk) => chunk,
                Response::ValidationError(error) => {
                    return Err(HostError::Refused(short(&error.to_string())));
                }
                Response::InternalError(error) => return Err(HostError::Broken(error.to_string())),
                Response::ModelError(error, _) => return Err(HostError::Broken(error)),
                _ => {
                    return Err(HostError::Broken(
                        "mistral.rs sent something unexpected".to_owned(),
                    ));
                }
            };
            let exact = chunk.usage.map(|usage| usage.completion_tokens);
            for choice in chunk.choices {
                self.tokens += 1;
                if let Some(finish) = self.pass(choice).await {
                    let completion_tokens = exact.unwrap_or_default().max(self.tokens);
                    self.send(Piece::Done {
                        finish,
                        completion_tokens,
                    })
                    .await;
                    return Ok(Ended::Complete);
                }
            }
        }
    }

    /// A last chunk that ends inside a character is never sent by mistral.rs; only the limit cuts there.
    async fn finish_cut_character(&mut self) {
        self.start().await;
        self.send(Piece::Done {
            finish: Finish::Length,
            completion_tokens: self.limit,
        })
        .await;
    }

    async fn pass(&mut self, choice: ChunkChoice) -> Option<Finish> {
        self.start().await;
        let finish = choice.finish_reason.as_deref().map(|reason| match reason {
            "length" => Finish::Length,
            _ => Finish::Stop,
        });
        let text = choice.delta.content.unwrap_or_default();
        let is_end_token = finish == Some(Finish::Stop) && text.is_empty();
        if !is_end_token {
            let (logprob, alternatives) = choice.logprobs.map_or((None, Vec::new()), |found| {
                let others = found.top_logprobs.into_iter();
                let others = others.map(|other| (other.bytes.unwrap_or_default(), natural(other.logprob)));
                (Some(natural(found.logprob)), others.collect())
            });
            self.send(Piece::Token(Token {
                text,
                logprob,
                alternatives,
            }))
            .await;
        }
        finish
    }

    async fn start(&mut self) {
        if !std::mem::replace(&mut self.started, true) {
            self.send(Piece::Started {
                prompt_tokens: self.prompt_tokens,
            })
            .await;
        }
    }

    async fn send(&self, piece: Piece) {
        // A reader that went away is noticed in `run`.
        let _ = self.out.send(Ok(piece)).await;
    }
}

/// The beginning of a complaint: those about grammars repeat the grammar, several times.
fn short(complaint: &str) -> String {
    match complaint.char_indices().nth(LONGEST_COMPLAINT) {
        Some((at, _)) => format!("{}...", &complaint[..at]),
        None => complaint.to_owned(),
    }
}

/// mistral.rs reports logarithms to base 10; impossible tokens get a number that JSON can carry.
fn natural(logprob: f32) -> f32 {
    (logprob * std::f32::consts::LN_10).max(-9999.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_complaints_are_cut_at_a_character() {
        assert_eq!(short("bad regex"), "bad regex");
        assert_eq!(short(&"é".repeat(700)).chars().count(), LONGEST_COMPLAINT + 3);
    }

    #[test]
    fn logprobs_are_natural_and_finite() {
        assert!((natural(-1.0).exp() - 0.1).abs() < 1e-6);
        assert!((natural(f32::NEG_INFINITY) + 9999.0).abs() < f32::EPSILON);
    }
}
