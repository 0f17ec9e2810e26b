//! An OpenAI-compatible server: its settings, when to ask it again, and how long to wait for it.

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use reqwest::{ClientBuilder, Url};
use secrecy::SecretString;
use tokio::time::{Instant, sleep, timeout, timeout_at};

use super::ability::{Finding, Memory};
use super::body::Body;
use super::dialect::Dialect;
use super::error::LlmError;
use super::form::Form;
use super::lines::Unwrapper;
use super::peer::{Peer, public_name};
use super::refusal::{refusal, send};
use super::stream::{Answer, Connection, Deadline, Fault, Remedy, no_first_token, open};
use super::transport::{Transport, base_url, client_builder, headers};
use super::types::{Constraint, ModelIdentity, ModelReply, ModelRequest};

/// A secret that is wiped from memory when dropped and shows nothing of itself in `Debug`.
pub type ApiKey = SecretString;

/// How often one request is sent at most.
const TRIES: u32 = 3;
/// The first pause between two tries; each further one is three times as long.
const PAUSE: Duration = Duration::from_millis(200);
/// A server that wishes for a longer pause than this is not waited for.
const LONGEST_PAUSE: Duration = Duration::from_secs(30);
/// How long a server may take to say that it is there.
const PROBE: Duration = Duration::from_secs(5);

/// How long to wait for a server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Timeouts {
    /// For a connection.
    pub connect: Duration,
    /// From sending the request to the first text; a model may have to be loaded in that time. Counted per try.
    pub first_token: Duration,
    /// From one piece of an answer to the next.
    pub between: Duration,
    /// For everything, retries included.
    pub whole: Duration,
}

impl Default for Timeouts {
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(10),
            first_token: Duration::from_secs(120),
            between: Duration::from_secs(60),
            whole: Duration::from_secs(600),
        }
    }
}

/// What there is to know about a server before it is asked.
#[derive(Clone)]
pub struct EndpointConfig {
    /// The address under which `/chat/completions` lies; for most servers it ends in `/v1`.
    pub base_url: String,
    /// The model's name, as the server knows it.
    pub model: String,
    /// Sent as a bearer token.
    pub key: Option<ApiKey>,
    /// How it takes constraints.
    pub dialect: Dialect,
    /// How long to wait for it.
    pub timeouts: Timeouts,
    /// How it is reached.
    pub transport: Transport,
    /// The folder in which it is remembered what the server keeps to; without one nothing is probed.
    pub memory: Option<PathBuf>,
}

impl fmt::Debug for EndpointConfig {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let address =
            Url::parse(&self.base_url).map_or_else(|_| "(not a URL)".to_owned(), |url| public_name(&url));
        formatter
            .debug_struct("EndpointConfig")
            .field("base_url", &address)
            .field("model", &self.model)
            .field("key", &self.key)
            .field("dialect", &self.dialect)
            .field("timeouts", &self.timeouts)
            .finish_non_exhaustive()
    }
}

/// A server that can be asked. Clones share its connections.
///
/// Redirects are not followed, so that a prompt goes nowhere but where the user said. The proxy variables of the
/// environment are honoured, except for this machine itself.
#[derive(Debug, Clone)]
pub struct Endpoint {
    connection: Arc<Connection>,
    config: EndpointConfig,
    memory: Arc<Memory>,
}

impl Endpoint {
    /// Checks the settings; nothing is connected yet.
    ///
    /// # Errors
    ///
    /// When the address is no `http` or `https` URL, or the key cannot be sent in a header.
    pub fn new(config: EndpointConfig) -> Result<Self, LlmError> {
        let url = base_url(&config.base_url)?;
        let builder = client_builder(&url, &config)?;
        Self::over(config, public_name(&url), builder)
    }

    /// With connections of the caller's making; to a Unix socket, say, where the host in the base URL means nothing.
    /// `name` is how errors call the server.
    pub(super) fn over(
        config: EndpointConfig,
        name: String,
        builder: ClientBuilder,
    ) -> Result<Self, LlmError> {
        let setup = |reason: String| LlmError::Setup {
            endpoint: name.clone(),
            reason,
        };
        let http = builder
            .build()
            .map_err(|error| setup(super::peer::root_cause(&error)))?;
        let memory = Memory::open(config.memory.as_deref(), &name, &config.model, config.dialect);
        let headers = headers(config.key.as_ref()).map_err(|reason| setup(reason.to_owned()))?;
        let connection = Connection {
            base: config.base_url.trim_end_matches('/').to_owned(),
            headers,
            key: config.key.clone().unwrap_or_default(),
            http,
            peer: Peer {
                name,
                key: config.key.clone(),
            },
        };
        Ok(Self {
            connection: Arc::new(connection),
            config,
            memory: Arc::new(memory),
        })
    }

    /// The model's name and the address; a server's word for its weights is not asked for.
    pub fn identity(&self) -> ModelIdentity {
        ModelIdentity {
            name: self.config.model.clone(),
            digest: None,
            endpoint: self.connection.peer.name.clone(),
            device: None,
        }
    }

    /// Whether the server answers and takes the key, within five seconds. No model is asked. A server that does not
    /// list its models is taken at its word.
    pub async fn probe(&self) -> Result<(), LlmError> {
        let connection = &self.connection;
        let asked = connection
            .http
            .get(format!("{}/models", connection.base))
            .headers(connection.headers.clone());
        let response = asked
            .timeout(PROBE)
            .send()
            .await
            .map_err(|error| connection.peer.unreachable(&error))?;
        match response.status().as_u16() {
            200..=299 | 404 | 405 | 501 => Ok(()),
            _ => Err(refusal(&connection.peer, response).await.error),
        }
    }

    pub(super) async fn complete(
        &self,
        request: &ModelRequest,
        on_text: &mut (dyn FnMut(&str) + Send),
    ) -> Result<ModelReply, LlmError> {
        let whole = self.config.timeouts.whole;
        let late = |_| LlmError::Timeout {
            endpoint: self.connection.peer.name.clone(),
            what: "complete answer",
            after: whole,
        };
        timeout(whole, self.answer(request, on_text))
            .await
            .map_err(late)?
    }

    /// Asks with the constraint in the best form; in the next one where the server refuses it, and in the end without.
    async fn answer(
        &self,
        request: &ModelRequest,
        on_text: &mut (dyn FnMut(&str) + Send),
    ) -> Result<ModelReply, LlmError> {
        let forms = self.memory.forms(self.config.dialect, &request.constraint);
        let mut refused = Vec::new();
        for form in forms {
            let body = Body::new(self.config.dialect, &self.config.model, request, Some(form));
            if body.form.is_none() {
                continue;
            }
            match self.answer_to(body, request, on_text).await {
                Err(error)
                    if error.may_be_about_form()
                        && !(error.is_broken_server() && self.memory.keeps(form)) =>
                {
                    refused.push((form, error));
                }
                Ok(reply) => {
                    for (form, _) in &refused {
                        self.memory.avoid(*form);
                    }
                    return Ok(self.judged(form, request, reply));
                }
                Err(error) => return Err(error),
            }
        }
        let body = Body::new(self.config.dialect, &self.config.model, request, None);
        let answered = self.answer_to(body, request, on_text).await;
        match (answered, refused.into_iter().next()) {
            (Ok(reply), first) => Ok(self.unkept(request, reply, first.is_some())),
            // The refusal of the constraint was none: it is the first that tells what is wrong.
            (Err(error), Some((_, first))) if error.may_be_about_form() => Err(first),
            (Err(error), _) => Err(error),
        }
    }

    /// One answer. Lines that come wrapped are shown without their wrapping.
    async fn answer_to(
        &self,
        mut body: Body,
        request: &ModelRequest,
        on_text: &mut (dyn FnMut(&str) + Send),
    ) -> Result<ModelReply, LlmError> {
        let wrapped = body.form.is_some_and(Form::wraps);
        let (answer, deadline) = self.open(&mut body).await?;
        let mut unwrapper = Unwrapper::default();
        let mut show = |text: &str| {
            if wrapped {
                on_text(&unwrapper.feed(text));
            } else {
                on_text(text);
            }
        };
        let reply = answer.read(deadline, request.max_tokens, &mut show).await?;
        Ok(ModelReply {
            constrained: body.constrained,
            ..reply
        })
    }

    /// Holds a reply against its constraint. A server that took it and did not keep to it is found out here.
    fn judged(&self, form: Form, request: &ModelRequest, mut reply: ModelReply) -> ModelReply {
        let whole = !reply.truncated && !reply.text.trim().is_empty();
        if whole && form.enforces() && !form.holds(&request.constraint, &reply.text) {
            self.memory.note(form, Finding::Ignored);
            reply.constrained = false;
            reply = self.unkept(request, reply, true);
        }
        form.unwrap(reply)
    }

    /// Has the user told, once, that the server keeps to no constraint, where that is known.
    fn unkept(&self, request: &ModelRequest, reply: ModelReply, known: bool) -> ModelReply {
        let asked = request.constraint != Constraint::None;
        let known = known || self.memory.is_settled(self.config.dialect, &request.constraint);
        let notice = (asked && known && self.memory.lasts() && self.memory.tell_once()).then(|| {
            format!(
                "the model server at `{}` does not keep to the grammar it is given; what it writes is checked all the same, \
                 and more of it will be unusable",
                self.connection.peer.name
            )
        });
        ModelReply { notice, ..reply }
    }

    /// The raw reply to a request in one form, for [`Endpoint::learn`].
    pub(super) async fn ask_in(&self, form: Form, request: &ModelRequest) -> Result<ModelReply, LlmError> {
        let body = Body::new(self.config.dialect, &self.config.model, request, Some(form));
        self.answer_to(body, request, &mut |_| {}).await
    }

    pub(super) fn memory(&self) -> &Memory {
        &self.memory
    }

    pub(super) fn dialect(&self) -> Dialect {
        self.config.dialect
    }

    /// Tries until an answer begins. After that nothing is repeated: text may have been shown already.
    async fn open(&self, body: &mut Body) -> Result<(Answer, Deadline), LlmError> {
        let mut tries = 1;
        loop {
            let allowed = self.config.timeouts.first_token;
            let deadline = Deadline {
                at: Instant::now() + allowed,
                allowed,
                between: self.config.timeouts.between,
            };
            let fault = match self.open_once(body, deadline).await {
                Ok(answer) => return Ok((answer, deadline)),
                Err(fault) => fault,
            };
            match fault.remedy {
                Remedy::Without(field) if body.without(&field) => {}
                Remedy::Wait(wished) if tries < TRIES => {
                    let Some(pause) = pause(tries, wished) else {
                        return Err(fault.error);
                    };
                    sleep(pause).await;
                    tries += 1;
                }
                _ => return Err(fault.error),
            }
        }
    }

    async fn open_once(&self, body: &Body, deadline: Deadline) -> Result<Answer, Fault> {
        let connection = Arc::clone(&self.connection);
        let send = move |factory| send(Arc::clone(&connection), factory);
        let opened = timeout_at(deadline.at, open(&self.connection, body, send)).await;
        opened.map_err(|_| no_first_token(&self.connection.peer, deadline.allowed))?
    }
}

/// How long to wait after a failed try; `None` when that is longer than anyone wants to wait.
fn pause(tries: u32, wished: Option<Duration>) -> Option<Duration> {
    let pause = wished.unwrap_or_else(|| PAUSE * 3u32.pow(tries - 1));
    (pause <= LONGEST_PAUSE).then_some(pause)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_and_obey_the_server() {
        let pauses = [1, 2].map(|tries| pause(tries, None));
        assert_eq!(
            pauses,
            [Some(Duration::from_millis(200)), Some(Duration::from_millis(600))]
        );
        assert_eq!(
            pause(1, Some(Duration::from_secs(7))),
            Some(Duration::from_secs(7))
        );
        assert_eq!(pause(1, Some(Duration::from_secs(31))), None);
    }
}
