//! Requests as plain values, sent over one connection pool: what every read and write of ours goes through.

use std::error::Error;
use std::time::Duration;

use http::header::{CONTENT_TYPE, RETRY_AFTER, USER_AGENT};
use http::{HeaderMap, HeaderValue, Method, Request, Response, StatusCode};
use kube::client::Body;
use kube::client::ClientBuilder;
use kube::{Client, Config};
use serde_json::Value;
use tower::BoxError;
use tower::buffer::BufferLayer;
use tower::retry::{Policy, RetryLayer};
use tower::util::MapRequestLayer;

use super::connect::{Cluster, REQUEST_TIMEOUT};
use super::error::ClusterError;

/// How often a read is tried again when the server is busy.
const READ_RETRIES: u32 = 3;

/// The longest that we wait before a retry, whatever the server asks for.
const LONGEST_WAIT: Duration = Duration::from_secs(5);

/// Requests waiting for the connection pool before senders are held back.
const QUEUE: usize = 256;

/// What programs are told that ask who is calling.
pub(super) const AGENT: &str = concat!("sayso/", env!("CARGO_PKG_VERSION"));

/// One request.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Outgoing {
    pub method: Method,
    /// Path with query, as in `/api/v1/pods?limit=5`.
    pub path: String,
    /// MIME type of the body.
    pub content_type: &'static str,
    pub body: Option<Value>,
    /// Who is calling; [`AGENT`] where it is not given.
    pub agent: Option<String>,
}

/// One answer that is not an error.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Reply {
    pub code: u16,
    pub body: Value,
    /// The id under which the server's own audit log has the request, where it tells.
    pub audit_id: Option<String>,
}

/// An answer that is an error, with what only the wire tells.
#[derive(Debug)]
pub(super) struct Refusal {
    pub error: ClusterError,
    /// How long the server asks us to wait.
    pub retry_after: Option<Duration>,
}

impl Outgoing {
    pub fn get(path: String) -> Outgoing {
        Outgoing {
            method: Method::GET,
            path,
            content_type: "application/json",
            body: None,
            agent: None,
        }
    }

    pub fn post(path: String, body: Value) -> Outgoing {
        Outgoing {
            method: Method::POST,
            body: Some(body),
            ..Outgoing::get(path)
        }
    }

    fn build(&self) -> Result<Request<Body>, ClusterError> {
        let agent = self.agent.as_deref().unwrap_or(AGENT);
        let body = self.body.as_ref().map(Value::to_string).unwrap_or_default();
        Request::builder()
            .method(&self.method)
            .uri(&self.path)
            .header(CONTENT_TYPE, self.content_type)
            .header(USER_AGENT, agent)
            .body(Body::from(body.into_bytes()))
            .map_err(|error| ClusterError::Impossible(format!("cannot ask for `{}`: {error}", self.path)))
    }
}

impl Cluster {
    /// Sends one request, once (reads are retried below, in the client).
    pub(super) async fn exchange(&self, outgoing: &Outgoing) -> Result<Reply, Refusal> {
        let request = outgoing.build().map_err(Refusal::from)?;
        let answer = tokio::time::timeout(REQUEST_TIMEOUT, self.receive(request)).await;
        let (status, headers, bytes) = match answer {
            Ok(received) => received.map_err(|error| Refusal::from(self.explain(error)))?,
            Err(_) => return Err(Refusal::from(self.timed_out())),
        };
        let body = read_body(&bytes);
        if status.is_success() {
            return Ok(Reply {
                code: status.as_u16(),
                body,
                audit_id: audit_id(&headers),
            });
        }
        Err(Refusal {
            error: api_error(status, &body),
            retry_after: retry_after(&headers, &body),
        })
    }

    async fn receive(&self, request: Request<Body>) -> Result<(StatusCode, HeaderMap, Vec<u8>), kube::Error> {
        let response = self.client.send(request).await?;
        let (parts, body) = response.into_parts();
        let bytes = body.collect_bytes().await?;
        Ok((parts.status, parts.headers, bytes.to_vec()))
    }

    /// Reads one path.
    pub(super) async fn fetch(&self, path: &str) -> Result<Value, ClusterError> {
        let reply = self.exchange(&Outgoing::get(path.to_owned())).await;
        reply.map(|reply| reply.body).map_err(|refusal| refusal.error)
    }

    /// Reads one path; nothing where there is no such object.
    pub(super) async fn fetch_if_there(&self, path: &str) -> Result<Option<Value>, ClusterError> {
        match self.fetch(path).await {
            Ok(body) => Ok(Some(body)),
            Err(ClusterError::Api { code: 404, .. }) => Ok(None),
            Err(error) => Err(error),
        }
    }

    fn timed_out(&self) -> ClusterError {
        ClusterError::Timeout {
            server: self.context.server.clone(),
            seconds: REQUEST_TIMEOUT.as_secs(),
        }
    }

    /// Puts an error of `kube` into our words. The only place that does.
    pub(super) fn explain(&self, error: kube::Error) -> ClusterError {
        match error {
            kube::Error::Api(status) => ClusterError::Api {
                code: status.code,
                reason: status.reason.clone(),
                message: status.message.clone(),
            },
            kube::Error::Auth(error) => login_failed(&error),
            error => self.lost(&error),
        }
    }

    /// An error below HTTP: name lookup, connection, TLS, a plugin that logs in.
    fn lost(&self, error: &kube::Error) -> ClusterError {
        let mut cause: Option<&(dyn Error + 'static)> = Some(error);
        while let Some(current) = cause {
            if let Some(auth) = current.downcast_ref::<kube::client::AuthError>() {
                return login_failed(auth);
            }
            let silent = current
                .downcast_ref::<std::io::Error>()
                .is_some_and(|error| error.kind() == std::io::ErrorKind::TimedOut);
            if silent {
                return self.timed_out();
            }
            cause = current.source();
        }
        ClusterError::Unreachable {
            server: self.context.server.clone(),
            message: root_cause(error),
        }
    }
}

impl From<ClusterError> for Refusal {
    fn from(error: ClusterError) -> Refusal {
        Refusal {
            error,
            retry_after: None,
        }
    }
}

/// The JSON of an answer; a string where it is none (a proxy's page, say).
fn read_body(bytes: &[u8]) -> Value {
    serde_json::from_slice(bytes)
        .unwrap_or_else(|_| Value::String(String::from_utf8_lossy(bytes).trim().to_owned()))
}

/// Status code, reason and message of an answer that is an error.
fn api_error(status: StatusCode, body: &Value) -> ClusterError {
    let code = status.as_u16();
    let fallback = status.canonical_reason().unwrap_or("unknown");
    let text = |pointer: &str| {
        body.pointer(pointer)
            .and_then(Value::as_str)
            .filter(|text| !text.is_empty())
    };
    let detail = text("/details/causes/0/message").filter(|_| code == 429);
    let message = match (
        text("/message").or(body.as_str().filter(|text| !text.is_empty())),
        detail,
    ) {
        (Some(message), Some(detail)) => format!("{message} {detail}"),
        (Some(message), None) => message.to_owned(),
        (None, _) => format!("the server answered {code} {fallback}"),
    };
    ClusterError::Api {
        code,
        reason: text("/reason").unwrap_or(fallback).to_owned(),
        message,
    }
}

/// The server's id for the request. It ends up in our record, so it has to look like one.
fn audit_id(headers: &HeaderMap) -> Option<String> {
    let id = headers.get("audit-id")?.to_str().ok()?;
    let is_plain = |c: char| c.is_ascii_alphanumeric() || c == '-';
    (!id.is_empty() && id.len() <= 64 && id.chars().all(is_plain)).then(|| id.to_owned())
}

fn retry_after(headers: &HeaderMap, body: &Value) -> Option<Duration> {
    let header = headers
        .get(RETRY_AFTER)
        .and_then(|value| value.to_str().ok()?.parse().ok());
    let seconds = header.or_else(|| body.pointer("/details/retryAfterSeconds")?.as_u64())?;
    Some(Duration::from_secs(seconds))
}

fn root_cause(error: &(dyn Error + 'static)) -> String {
    let mut cause = error;
    while let Some(deeper) = cause.source() {
        cause = deeper;
    }
    cause.to_string()
}

/// A login that failed: an exec plugin, a token file, an OIDC refresh.
fn login_failed(error: &kube::client::AuthError) -> ClusterError {
    let message = match error {
        kube::client::AuthError::AuthExecRun { out, .. } => {
            // Its arguments stay out of the message: they may hold secrets. One that may talk to the user has no last
            // words for us.
            let said = String::from_utf8_lossy(&out.stderr);
            let said = said
                .trim()
                .lines()
                .last()
                .map_or_else(String::new, |line| format!(": {line}"));
            format!(
                "the login command of the kubeconfig failed ({}){said}",
                out.status
            )
        }
        kube::client::AuthError::AuthExecStart(error) => {
            format!("the login command of the kubeconfig cannot be started: {error}")
        }
        other => format!("cannot log in to the cluster: {other}"),
    };
    ClusterError::Login { message }
}

/// A client that could not be made: a login that failed, or a configuration that makes no sense.
pub(super) fn client_failed(error: &kube::Error) -> ClusterError {
    let mut cause: Option<&(dyn Error + 'static)> = Some(error);
    while let Some(current) = cause {
        if let Some(auth) = current.downcast_ref::<kube::client::AuthError>() {
            return login_failed(auth);
        }
        cause = current.source();
    }
    let message = format!("the kubeconfig cannot be used: {}", root_cause(error));
    ClusterError::Config { message }
}

/// Whether a request changes nothing, so that it may be sent twice. A dry run of an eviction is left out: there, 429 is
/// the answer that was asked for.
fn is_read(request: &Request<Body>) -> bool {
    let uri = request.uri();
    let dry =
        uri.query().is_some_and(|query| query.contains("dryRun=All")) && !uri.path().ends_with("/eviction");
    request.method() == Method::GET || dry || uri.path().ends_with("/selfsubjectaccessreviews")
}

/// Tries reads again, and only those, when the server says that it is busy.
#[derive(Clone, Debug, Default)]
struct ReadRetry {
    tried: u32,
}

impl<B> Policy<Request<Body>, Response<B>, BoxError> for ReadRetry {
    type Future = tokio::time::Sleep;

    fn retry(
        &mut self,
        request: &mut Request<Body>,
        result: &mut Result<Response<B>, BoxError>,
    ) -> Option<Self::Future> {
        let response = result.as_ref().ok()?;
        let busy = matches!(response.status().as_u16(), 429 | 503 | 504);
        if !busy || !is_read(request) || self.tried >= READ_RETRIES {
            return None;
        }
        self.tried += 1;
        let asked = retry_after(response.headers(), &Value::Null);
        Some(tokio::time::sleep(wait_before(self.tried, asked)))
    }

    fn clone_request(&mut self, request: &Request<Body>) -> Option<Request<Body>> {
        if !is_read(request) {
            return None;
        }
        let mut copy = Request::new(request.body().try_clone()?);
        *copy.method_mut() = request.method().clone();
        *copy.uri_mut() = request.uri().clone();
        *copy.version_mut() = request.version();
        *copy.headers_mut() = request.headers().clone();
        *copy.extensions_mut() = request.extensions().clone();
        Some(copy)
    }
}

/// How long to wait before another try: what the server asks for, otherwise longer each time; never very long.
pub(super) fn wait_before(tried: u32, asked: Option<Duration>) -> Duration {
    let doubling = Duration::from_millis(100) * 2_u32.saturating_pow(tried.min(10));
    asked.unwrap_or(doubling).min(LONGEST_WAIT)
}

/// The client that everything here talks through, except what waits for news.
pub(super) fn client(mut config: Config) -> Result<Client, kube::Error> {
    config.read_timeout = Some(REQUEST_TIMEOUT);
    build(config)
}

/// A client for watches and for logs that are followed, in which there may be silence for long.
pub(super) fn patient_client(mut config: Config) -> Result<Client, kube::Error> {
    config.read_timeout = None;
    build(config)
}

fn build(mut config: Config) -> Result<Client, kube::Error> {
    config.default_retry = false;
    config.reset_reader_on_write = true;
    let name = MapRequestLayer::new(|mut request: Request<Body>| {
        let headers = request.headers_mut();
        headers
            .entry(USER_AGENT)
            .or_insert(HeaderValue::from_static(AGENT));
        request
    });
    let builder = ClientBuilder::try_from(config)?
        .with_layer(&BufferLayer::new(QUEUE))
        .with_layer(&RetryLayer::new(ReadRetry::default()))
        .with_layer(&name);
    Ok(builder.build())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn an_error_keeps_the_servers_words() {
        let body = json!({"kind": "Status", "reason": "Conflict", "message": "object was modified"});
        let error = api_error(StatusCode::CONFLICT, &body);
        assert_eq!(error.to_string(), "object was modified");
        assert!(matches!(error, ClusterError::Api { code: 409, reason, .. } if reason == "Conflict"));
    }

    #[test]
    fn an_error_without_words_names_its_code() {
        let error = api_error(StatusCode::BAD_GATEWAY, &read_body(b""));
        assert_eq!(error.to_string(), "the server answered 502 Bad Gateway");
        assert_eq!(
            api_error(StatusCode::BAD_GATEWAY, &read_body(b"oops\n")).to_string(),
            "oops"
        );
    }

    #[test]
    fn a_blocked_eviction_names_the_budget() {
        let body = json!({"message": "Cannot evict pod.", "details": {"causes": [{"message": "budget web needs 2"}]}});
        let error = api_error(StatusCode::TOO_MANY_REQUESTS, &body);
        assert_eq!(error.to_string(), "Cannot evict pod. budget web needs 2");
    }

    #[test]
    fn only_what_changes_nothing_may_be_sent_twice() {
        let read = |method: &str, uri: &str| {
            let request = Request::builder().method(method).uri(uri);
            is_read(&request.body(Body::empty()).unwrap())
        };
        assert!(read("GET", "/api/v1/pods"));
        assert!(read("PATCH", "/api/v1/nodes/n1?dryRun=All&fieldManager=sayso"));
        assert!(!read("PATCH", "/api/v1/nodes/n1?fieldManager=sayso"));
        assert!(!read(
            "POST",
            "/api/v1/namespaces/shop/pods/a/eviction?dryRun=All"
        ));
    }

    #[test]
    fn waits_grow_and_have_an_end() {
        assert!(wait_before(1, None) < wait_before(2, None));
        assert_eq!(wait_before(9, Some(Duration::from_secs(900))), LONGEST_WAIT);
        assert_eq!(
            wait_before(1, Some(Duration::from_secs(2))),
            Duration::from_secs(2)
        );
    }
}
