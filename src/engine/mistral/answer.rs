//! One answer: from a request to its pieces.

use std::sync::Arc;

use either::Either;
use mistralrs::{
    ChunkChoice, NormalRequest, Request, RequestLike, Response, SamplingParams, TextMessageRole, TextMessages,
};
use tokio::sync::mpsc::{self, Receiver, Sender};

use super::sampling::Chooser;
use super::search::Search;
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
    let bounds = Bounds { prompt_tokens, limit };
    if generation.best_of > 1 && generation.temperature < 1e-6 {
        return best(shared, &generation, bounds, out).await;
    }
    candidate(shared, &generation, bounds, Vec::new(), out).await?;
    Ok(())
}

/// How long a prompt is, and how long its answer may be.
#[derive(Clone, Copy)]
struct Bounds {
    prompt_tokens: usize,
    limit: usize,
}

/// Computes answers until none can be likelier than the likeliest so far, and passes that one on.
///
/// A new answer leaves an old one at the token where the likeliest other one stood. What leads there bounds how likely it
/// can become, so the most promising goes first, and none is computed that could not win.
async fn best(
    shared: &Shared,
    generation: &Generation,
    bounds: Bounds,
    out: &Answer,
) -> Result<(), HostError> {
    let mut search = Search::default();
    let mut found: Vec<(f32, Vec<Piece>)> = Vec::new();
    let mut begin = Some(Vec::new());
    for _ in 0..generation.best_of {
        let Some(forced) = begin else { break };
        // Room for all of it: nobody reads before it is complete.
        let (sender, mut pieces) = mpsc::channel(bounds.limit + 8);
        let begun = forced.len();
        let computed = tokio::select! {
            computed = candidate(shared, generation, bounds, forced, &sender) => computed?,
            () = out.closed() => return Ok(()),
        };
        drop(sender);
        let Some(chooser) = computed else { break };
        let logprob = search.add(&chooser.walk(), begun);
        if let Some(logprob) = logprob {
            let mut answer = Vec::new();
            while let Some(piece) = pieces.recv().await {
                answer.push(piece?);
            }
            found.push((logprob, answer));
        }
        begin = search.next();
    }
    found.sort_by(|(a, _), (b, _)| b.total_cmp(a));
    let mut found = found.into_iter();
    let (_, mut winner) = found.next().unwrap_or_default();
    let others = found.map(|(logprob, answer)| Piece::Other {
        text: text_of(&answer),
        logprob,
    });
    // Behind `Started`.
    let first = winner.len().min(1);
    winner.splice(first..first, others);
    for piece in winner {
        // A reader that went away misses nothing.
        let _ = out.send(Ok(piece)).await;
    }
    Ok(())
}

fn text_of(pieces: &[Piece]) -> String {
    let texts = pieces.iter().map(|piece| match piece {
        Piece::Token(token) => token.text.as_str(),
        _ => "",
    });
    texts.collect()
}

/// Computes one answer that begins with the given tokens; nothing comes back when nobody listened to its end.
async fn candidate(
    shared: &Shared,
    generation: &Generation,
    bounds: Bounds,
    forced: Vec<u32>,
    out: &Answer,
) -> Result<Option<Arc<Chooser>>, HostError> {
    let panics_before = panics::count();
    let chooser = Chooser::new(generation.temperature, generation.top_p, generation.seed);
    let chooser = Arc::new(chooser.beginning_with(forced));
    let chunks = submit(shared, generation, bounds.limit, Arc::clone(&chooser)).await?;
    let mut relay = Relay {
        out,
        chooser: &chooser,
        prompt_tokens: bounds.prompt_tokens,
        limit: bounds.limit,
        tokens: 0,
        started: false,
    };
    let ended = relay.run(chunks).await;
    shared.cached(bounds.prompt_tokens + relay.tokens).await;
    match ended? {
        Ended::Cancelled => Ok(None),
        Ended::Complete => Ok(Some(chooser)),
        Ended::Silent if panics::count() > panics_before => Err(HostError::Lost),
        Ended::Silent => {
            relay.finish_cut_character().await;
            Ok(Some(chooser))
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
    generation: &Generation,
    limit: usize,
    chooser: Arc<Chooser>,
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
    let request = NormalRequest {
        messages: chat(shared, &generation.messages).take_messages(),
        sampling_params: sampling,
        response,
        return_logprobs: generation.logprobs.is_some(),
        is_streaming: true,
        id: 0,
        constraint: grammar::native(generation.constraint.clone(), shared.facts.end)?,
        suffix: None,
        tools: None,
        tool_choice: None,
        logits_processors: Some(vec![chooser]),
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
    chooser: &'a Chooser,
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
            if self.chooser.walk().refused {
                // It cannot begin as it was to, and nobody wants it otherwise.
                return Ok(Ended::Complete);
            }
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
