//! One try at one answer: `async-openai` over a sender of ours, which classifies failures and guards the body.

use std::future::Future;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_openai::Client;
use async_openai::config::Config;
use async_openai::error::OpenAIError;
use async_openai::middleware::HttpRequestFactory;
use futures::StreamExt;
use futures::stream::BoxStream;
use reqwest::Response;
use reqwest::header::HeaderMap;
use secrecy::SecretString;
use tokio::time::{Instant, timeout, timeout_at};

use super::body::Body;
use super::chunk::{Assembly, Chunk};
use super::error::LlmError;
use super::guard::guarded;
use super::peer::Peer;
use super::types::ModelReply;

/// A failed try, and what may be done about it.
#[derive(Debug, Clone)]
pub(super) struct Fault {
    pub(super) error: LlmError,
    pub(super) remedy: Remedy,
}

#[derive(Debug, Clone)]
pub(super) enum Remedy {
    None,
    /// Ask again, after the pause that the server wished for, if it did.
    Wait(Option<Duration>),
    /// Ask again without this field.
    Without(String),
}

impl From<LlmError> for Fault {
    fn from(error: LlmError) -> Self {
        Self {
            error,
            remedy: Remedy::None,
        }
    }
}

/// Where the lower layers leave the real reason of a failure, because the layers between keep only its text.
#[derive(Debug, Clone, Default)]
pub(super) struct Faults(Arc<Mutex<Option<Fault>>>);

impl Faults {
    /// Keeps the first fault; what comes back is only a token for the layers between.
    pub(super) fn tell(&self, fault: impl Into<Fault>) -> std::io::Error {
        let fault = fault.into();
        let text = fault.error.to_string();
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .get_or_insert(fault);
        std::io::Error::other(text)
    }

    fn take(&self) -> Option<Fault> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}

/// What `async-openai` wants to know of a server. Its own configuration would read the environment, which is not
/// this module's to read.
#[derive(Debug, Clone)]
pub(super) struct Connection {
    /// Without a slash at the end.
    pub(super) base: String,
    pub(super) headers: HeaderMap,
    pub(super) key: SecretString,
    pub(super) http: reqwest::Client,
    pub(super) peer: Peer,
}

impl Config for Connection {
    fn headers(&self) -> HeaderMap {
        self.headers.clone()
    }

    fn url(&self, path: &str) -> String {
        format!("{}{path}", self.base)
    }

    fn query(&self) -> Vec<(&str, &str)> {
        Vec::new()
    }

    fn api_base(&self) -> &str {
        &self.base
    }

    fn api_key(&self) -> &SecretString {
        &self.key
    }
}

/// An answer that has begun.
pub(super) struct Answer {
    chunks: BoxStream<'static, Result<Chunk, OpenAIError>>,
    faults: Faults,
    peer: Peer,
}

/// Sends the request with `send` and waits for the answer's head.
pub(super) async fn open<S, F>(connection: &Connection, body: &Body, send: S) -> Result<Answer, Fault>
where
    S: Fn(HttpRequestFactory) -> F + Clone + Send + Sync + 'static,
    F: Future<Output = Result<Response, Fault>> + Send + 'static,
{
    let (faults, peer) = (Faults::default(), connection.peer.clone());
    let (told, guarded_peer) = (faults.clone(), peer.clone());
    let service = tower::service_fn(move |factory| {
        let (answer, told, peer) = (send(factory), told.clone(), guarded_peer.clone());
        async move {
            match answer.await {
                Ok(response) => Ok(guarded(response, peer, told)),
                Err(fault) => Err(OpenAIError::InvalidArgument(told.tell(fault).to_string())),
            }
        }
    });
    let client = Client::build(connection.http.clone(), connection.clone()).with_http_service(service);
    let opened = client.chat().create_stream_byot(&body.fields).await;
    let chunks = opened.map_err(|error| faults.take().unwrap_or_else(|| describe(&peer, error).into()))?;
    Ok(Answer { chunks, faults, peer })
}

/// When the first text must have come, and what that allowed in all.
#[derive(Debug, Clone, Copy)]
pub(super) struct Deadline {
    pub(super) at: Instant,
    pub(super) allowed: Duration,
    /// How long the next piece may take once it has begun.
    pub(super) between: Duration,
}

impl Answer {
    /// Reads the answer to its end, or until it is longer than so many tokens can be: a server that goes on is left.
    pub(super) async fn read(
        mut self,
        deadline: Deadline,
        max_tokens: u32,
        on_text: &mut (dyn FnMut(&str) + Send),
    ) -> Result<ModelReply, LlmError> {
        let mut assembly = Assembly::within(max_tokens);
        while let Some(chunk) = self.next(&assembly, deadline).await? {
            match chunk {
                Ok(chunk) => assembly.accept(chunk, &self.peer, on_text)?,
                // Only the counts can be missing, and they are not worth the reply.
                Err(error) if assembly.finished && error.is_broken_connection() => break,
                Err(error) => return Err(error),
            }
            if assembly.is_full() {
                break;
            }
        }
        if assembly.finished {
            return Ok(assembly.into_reply());
        }
        Err(self.peer.cut("the stream ended before the model had finished"))
    }

    async fn next(
        &mut self,
        assembly: &Assembly,
        deadline: Deadline,
    ) -> Result<Option<Result<Chunk, LlmError>>, LlmError> {
        let next = self.chunks.next();
        let chunk = if assembly.started {
            timeout(deadline.between, next)
                .await
                .map_err(|_| silent(&self.peer, "further text", deadline.between))?
        } else {
            timeout_at(deadline.at, next)
                .await
                .map_err(|_| no_first_token(&self.peer, deadline.allowed))?
        };
        Ok(chunk.map(|chunk| chunk.map_err(|error| self.explain(error))))
    }

    fn explain(&self, error: OpenAIError) -> LlmError {
        self.faults
            .take()
            .map_or_else(|| describe(&self.peer, error), |fault| fault.error)
    }
}

pub(super) fn no_first_token(peer: &Peer, after: Duration) -> LlmError {
    silent(peer, "first token", after)
}

fn silent(peer: &Peer, what: &'static str, after: Duration) -> LlmError {
    LlmError::Timeout {
        endpoint: peer.name.clone(),
        what,
        after,
    }
}

/// For failures that come from `async-openai` itself. The text it failed on is left out: it may be large.
fn describe(peer: &Peer, error: OpenAIError) -> LlmError {
    match error {
        OpenAIError::Reqwest(error) => peer.unreachable(&error),
        OpenAIError::JSONDeserialize(error, _) => peer.garbled(&error.to_string()),
        other => peer.garbled(&other.to_string()),
    }
}
