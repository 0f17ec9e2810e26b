//! An OpenAI-compatible server: its settings, when to ask it again, and how long to wait for it.

use std::fmt;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use async_openai::middleware::HttpRequestFactory;
use reqwest::header::{AUTHORIZATION, CONTENT_TYPE, HeaderMap, HeaderValue, RETRY_AFTER};
use reqwest::redirect::Policy;
use reqwest::{ClientBuilder, Response, StatusCode, Url};
use secrecy::{ExposeSecret, SecretString};
use tokio::time::{Instant, sleep, timeout, timeout_at};

use super::chunk::error_message;
use super::dialect::{Body, Dialect};
use super::error::LlmError;
use super::peer::{Peer, public_name};
use super::stream::{Answer, Connection, Deadline, Fault, Remedy, no_first_token, open};
use super::types::{ModelIdentity, ModelReply, ModelRequest};

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
/// How much is read of a page that explains a refusal, in bytes.
const EXPLANATION: usize = 16 << 10;

/// How long to wait for a server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Timeouts {
    /// For a connection.
    pub connect: Duration,
    /// From sending the request to the first text; a model may have to be loaded in that time. Counted per try.
    pub first_token: Duration,
    /// For everything, retries included.
    pub whole: Duration,
}

impl Default for Timeouts {
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(10),
            first_token: Duration::from_secs(120),
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
            .finish()
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
}

impl Endpoint {
    /// Checks the settings; nothing is connected yet.
    ///
    /// # Errors
    ///
    /// When the address is no `http` or `https` URL, or the key cannot be sent in a header.
    pub fn new(config: EndpointConfig) -> Result<Self, LlmError> {
        let url = base_url(&config.base_url)?;
        let builder = client_builder(&url, config.timeouts.connect);
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
        })
    }

    /// The model's name and the address; a server's word for its weights is not asked for.
    pub fn identity(&self) -> ModelIdentity {
        ModelIdentity {
            name: self.config.model.clone(),
            digest: None,
            endpoint: self.connection.peer.name.clone(),
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

    async fn answer(
        &self,
        request: &ModelRequest,
        on_text: &mut (dyn FnMut(&str) + Send),
    ) -> Result<ModelReply, LlmError> {
        let mut body = Body::new(self.config.dialect, &self.config.model, request);
        let (answer, deadline) = self.open(&mut body).await?;
        answer.read(deadline, body.constrained, on_text).await
    }

    /// Tries until an answer begins. After that nothing is repeated: text may have been shown already.
    async fn open(&self, body: &mut Body) -> Result<(Answer, Deadline), LlmError> {
        let mut tries = 1;
        loop {
            let allowed = self.config.timeouts.first_token;
            let deadline = Deadline {
                at: Instant::now() + allowed,
                allowed,
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

fn base_url(text: &str) -> Result<Url, LlmError> {
    // The text itself is not quoted unless it parses: it may hold a password.
    let wrong = |url: String, reason: String| LlmError::Address { url, reason };
    let url = Url::parse(text).map_err(|error| wrong("(unreadable)".to_owned(), error.to_string()))?;
    match url.scheme() {
        "http" | "https" if url.has_host() => Ok(url),
        scheme => Err(wrong(public_name(&url), format!("`{scheme}` is not spoken"))),
    }
}

fn client_builder(url: &Url, connect: Duration) -> ClientBuilder {
    let builder = plain_builder(connect);
    let builder = if is_this_machine(url) {
        builder.no_proxy()
    } else {
        builder
    };
    // Reading the certificates of the system takes time, and fails where there are none.
    if url.scheme() == "http" {
        builder.tls_certs_only([])
    } else {
        builder
    }
}

/// What every connection has in common.
pub(super) fn plain_builder(connect: Duration) -> ClientBuilder {
    reqwest::Client::builder()
        .redirect(Policy::none())
        .connect_timeout(connect)
}

fn is_this_machine(url: &Url) -> bool {
    let host = url.host_str().unwrap_or_default().trim_matches(['[', ']']);
    host == "localhost" || host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}

fn headers(key: Option<&ApiKey>) -> Result<HeaderMap, &'static str> {
    let mut headers = HeaderMap::new();
    if let Some(key) = key {
        let value = HeaderValue::from_str(&format!("Bearer {}", key.expose_secret()));
        let mut value = value.map_err(|_| "the API key has characters that cannot be sent")?;
        value.set_sensitive(true);
        headers.insert(AUTHORIZATION, value);
    }
    Ok(headers)
}

/// Sends one request, and tells an answer from the kinds of refusal.
async fn send(connection: Arc<Connection>, factory: HttpRequestFactory) -> Result<Response, Fault> {
    let peer = &connection.peer;
    let request = factory.build().await.map_err(|error| LlmError::Setup {
        endpoint: peer.name.clone(),
        reason: peer.quote(&error.to_string()),
    })?;
    let response = connection.http.execute(request).await.map_err(|error| Fault {
        remedy: if error.is_connect() {
            Remedy::Wait(None)
        } else {
            Remedy::None
        },
        error: peer.unreachable(&error),
    })?;
    if !response.status().is_success() {
        return Err(refusal(peer, response).await);
    }
    match unstreamed(&response) {
        Some(kind) => Err(peer
            .garbled(&format!("it is `{kind}` and not an event stream"))
            .into()),
        None => Ok(response),
    }
}

/// The content type, if it is one that certainly holds no events.
fn unstreamed(response: &Response) -> Option<String> {
    let kind = response.headers().get(CONTENT_TYPE)?.to_str().ok()?;
    let other = ["text/html", "application/json"]
        .iter()
        .any(|name| kind.starts_with(name));
    other.then(|| kind.to_owned())
}

async fn refusal(peer: &Peer, response: Response) -> Fault {
    let status = response.status();
    let wished = retry_after(response.headers());
    let page = explanation(response).await;
    let json: Option<serde_json::Value> = serde_json::from_str(&page).ok();
    let message = peer.quote(&json.as_ref().map_or(page, error_message));
    let endpoint = peer.name.clone();
    if matches!(status.as_u16(), 429 | 500 | 502 | 503 | 504) {
        let error = LlmError::Unavailable {
            endpoint,
            status: status.as_u16(),
            message,
            retry_after: wished,
        };
        return Fault {
            error,
            remedy: Remedy::Wait(wished),
        };
    }
    let field = json
        .as_ref()
        .and_then(|json| json.pointer("/error/param")?.as_str());
    let remedy = match field {
        Some(field) if status == StatusCode::BAD_REQUEST => Remedy::Without(field.to_owned()),
        _ => Remedy::None,
    };
    Fault {
        error: LlmError::Refused {
            endpoint,
            status: status.as_u16(),
            message,
        },
        remedy,
    }
}

/// Only seconds are understood; a date would need a clock that agrees with the server's.
fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let seconds = headers.get(RETRY_AFTER)?.to_str().ok()?.trim().parse().ok()?;
    Some(Duration::from_secs(seconds))
}

/// The beginning of the page that came with a refusal; empty when it cannot be read.
async fn explanation(mut response: Response) -> String {
    let mut page = Vec::new();
    while let Ok(Some(piece)) = response.chunk().await {
        page.extend_from_slice(&piece);
        if page.len() > EXPLANATION {
            page.truncate(EXPLANATION);
            break;
        }
    }
    String::from_utf8_lossy(&page).into_owned()
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

    #[test]
    fn proxies_are_not_used_for_this_machine() {
        let here = |text: &str| is_this_machine(&text.parse().unwrap());
        assert!(
            here("http://localhost:11434/v1") && here("http://127.8.0.1/v1") && here("http://[::1]:80/v1")
        );
        assert!(!here("http://localhost.example.com/v1") && !here("http://10.0.0.1/v1"));
    }
}
