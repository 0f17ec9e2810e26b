//! A model whose replies were written beforehand, so that everything above it can be tested without one.

use std::collections::VecDeque;
use std::future::{pending, ready};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use reqwest::header::HeaderMap;
use tokio::time::Instant;

use super::body::Body;
use super::dialect::Dialect;
use super::error::LlmError;
use super::peer::{Peer, root_cause};
use super::stream::{Connection, Deadline, open};
use super::transport::plain_builder;
use super::types::{Constraint, ModelIdentity, ModelReply, ModelRequest};

const NAME: &str = "scripted";
/// Nothing in a script takes time, except what hangs forever.
const PATIENCE: Duration = Duration::from_secs(60);

/// One entry of a script.
#[derive(Debug, Clone)]
pub enum ScriptedReply {
    /// This text; it counts as constrained if a constraint was asked for.
    Text(String),
    /// Exactly this reply.
    Reply(ModelReply),
    /// This error, before any text.
    Error(LlmError),
    /// Never anything.
    Hang,
    /// These bytes as a server's event stream, read by the same code as a real one.
    Bytes(Vec<u8>),
}

impl From<&str> for ScriptedReply {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl From<LlmError> for ScriptedReply {
    fn from(error: LlmError) -> Self {
        Self::Error(error)
    }
}

#[derive(Debug, Default)]
struct Script {
    replies: VecDeque<ScriptedReply>,
    requests: Vec<ModelRequest>,
}

/// The script and the record of what was asked; clones share both.
#[derive(Debug, Clone, Default)]
pub struct Scripted {
    script: Arc<Mutex<Script>>,
}

impl Scripted {
    /// Replies in the order in which they will be given.
    pub fn new<R: Into<ScriptedReply>>(replies: impl IntoIterator<Item = R>) -> Self {
        let scripted = Self::default();
        for reply in replies {
            scripted.push(reply);
        }
        scripted
    }

    /// Adds a reply at the end.
    pub fn push(&self, reply: impl Into<ScriptedReply>) {
        self.lock().replies.push_back(reply.into());
    }

    /// Everything that was asked so far, oldest first.
    pub fn requests(&self) -> Vec<ModelRequest> {
        self.lock().requests.clone()
    }

    pub(super) fn identity() -> ModelIdentity {
        ModelIdentity {
            name: NAME.to_owned(),
            digest: None,
            endpoint: NAME.to_owned(),
            device: None,
        }
    }

    pub(super) async fn complete(
        &self,
        request: ModelRequest,
        on_text: &mut (dyn FnMut(&str) + Send),
    ) -> Result<ModelReply, LlmError> {
        let next = {
            let mut script = self.lock();
            script.requests.push(request.clone());
            script.replies.pop_front()
        };
        let constrained = request.constraint != Constraint::None;
        match next.ok_or(LlmError::ScriptEnded)? {
            ScriptedReply::Text(text) => Ok(say(
                ModelReply {
                    text,
                    constrained,
                    ..ModelReply::default()
                },
                on_text,
            )),
            ScriptedReply::Reply(reply) => Ok(say(reply, on_text)),
            ScriptedReply::Error(error) => Err(error),
            ScriptedReply::Hang => pending().await,
            ScriptedReply::Bytes(bytes) => stream(&request, bytes, on_text).await,
        }
    }

    fn lock(&self) -> MutexGuard<'_, Script> {
        self.script.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Word by word, as a server would.
fn say(reply: ModelReply, on_text: &mut (dyn FnMut(&str) + Send)) -> ModelReply {
    reply.text.split_inclusive(' ').for_each(on_text);
    reply
}

async fn stream(
    request: &ModelRequest,
    bytes: Vec<u8>,
    on_text: &mut (dyn FnMut(&str) + Send),
) -> Result<ModelReply, LlmError> {
    let form = Body::first(Dialect::MistralRs, &request.constraint);
    let body = Body::new(Dialect::MistralRs, NAME, request, form);
    let send = move |_| ready(Ok(http::Response::new(bytes.clone()).into()));
    let answer = open(&connection()?, &body, send)
        .await
        .map_err(|fault| fault.error)?;
    let deadline = Deadline {
        at: Instant::now() + PATIENCE,
        allowed: PATIENCE,
        between: PATIENCE,
    };
    let reply = answer.read(deadline, request.max_tokens, on_text).await?;
    Ok(ModelReply {
        constrained: body.constrained,
        ..reply
    })
}

/// `async-openai` wants a client to write the request with; nothing is ever sent by it.
fn connection() -> Result<Connection, LlmError> {
    let setup = |error: reqwest::Error| LlmError::Setup {
        endpoint: NAME.to_owned(),
        reason: root_cause(&error),
    };
    Ok(Connection {
        base: "http://scripted.invalid".to_owned(),
        headers: HeaderMap::new(),
        key: String::new().into(),
        http: plain_builder(PATIENCE)
            .no_proxy()
            .tls_certs_only([])
            .build()
            .map_err(setup)?,
        peer: Peer {
            name: NAME.to_owned(),
            key: None,
        },
    })
}
