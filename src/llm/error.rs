//! Everything that can go wrong between a question and its reply.

use std::path::PathBuf;
use std::time::Duration;

use super::dialect::Dialect;

/// Why there is no reply. Cloneable, so that a script can hold one; text from a server has been cleaned of control
/// characters and of the API key, and shortened.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[expect(missing_docs, reason = "the message of each variant says what its fields are")]
pub enum LlmError {
    /// The configured address cannot be used.
    #[error("`{url}` is not an address of a model server: {reason}")]
    Address { url: String, reason: String },
    /// A dialect that Sayso does not speak.
    #[error("`{0}` is not a dialect of a model server")]
    Dialect(String),
    /// The HTTP client could not be set up.
    #[error("cannot set up the connection to `{endpoint}`: {reason}")]
    Setup { endpoint: String, reason: String },
    /// No connection, or it broke before an answer came.
    #[error("cannot reach the model server at `{endpoint}`: {reason}")]
    Unreachable { endpoint: String, reason: String },
    /// The server will not answer this request, and asking again will not help.
    #[error("the model server at `{endpoint}` refused the request with status {status}: {message}")]
    Refused {
        endpoint: String,
        status: u16,
        message: String,
    },
    /// The server is overloaded or broken, also after the retries.
    #[error("the model server at `{endpoint}` is not available, status {status}: {message}")]
    Unavailable {
        endpoint: String,
        status: u16,
        message: String,
        retry_after: Option<Duration>,
    },
    /// A limit of [`Timeouts`](super::Timeouts) was passed; `what` names it.
    #[error("the model server at `{endpoint}` gave no {what} within {} s", .after.as_secs_f32())]
    Timeout {
        endpoint: String,
        what: &'static str,
        after: Duration,
    },
    /// The stream ended before the model had finished.
    #[error("the answer from `{endpoint}` was cut off: {reason}")]
    Cut { endpoint: String, reason: String },
    /// Something came back that is not a stream of completion chunks.
    #[error("the answer from `{endpoint}` is not in the OpenAI form: {reason}")]
    Garbled { endpoint: String, reason: String },
    /// The server reported an error in the middle of its answer.
    #[error("the model server at `{endpoint}` gave up: {message}")]
    GaveUp { endpoint: String, message: String },
    /// A limit on memory was passed.
    #[error("the answer from `{endpoint}` has {what} of more than {limit} bytes")]
    TooLarge {
        endpoint: String,
        what: &'static str,
        limit: usize,
    },
    /// The operating system has no sockets of the kind the engine listens on.
    #[error("the local engine needs Unix sockets, which this system does not offer")]
    Unsupported,
    /// The path does not fit into a socket address.
    #[error("the path of the engine's socket has {length} bytes, and at most {limit} fit: `{}`", .path.display())]
    SocketPath {
        path: PathBuf,
        length: usize,
        limit: usize,
    },
    /// The folder of the socket cannot be made, or others could put a socket of theirs there.
    #[error("the folder `{}` cannot hold the engine's socket: {reason}", .path.display())]
    SocketFolder { path: PathBuf, reason: String },
    /// The engine's program could not be run at all.
    #[error("cannot run the engine `{}`: {reason}", .program.display())]
    EngineMissing { program: PathBuf, reason: String },
    /// The engine could not get the model's files ready.
    #[error("cannot prepare the local model: {message}")]
    Prepare { message: String, hint: Option<String> },
    /// The engine started and said that it cannot serve.
    #[error("the local engine failed: {message}")]
    EngineFailed { message: String, log: PathBuf },
    /// The engine started and did not become ready.
    #[error("the local engine was not ready within {} s", .after.as_secs_f32())]
    EngineSlow { after: Duration, log: PathBuf },
    /// The engine went away in the middle of an answer, and again after it was restarted.
    #[error("the local engine broke off twice: {reason}")]
    EngineLost { reason: String, log: PathBuf },
    /// A scripted model was asked more often than its script foresaw.
    #[error("the script of the model has no reply left")]
    ScriptEnded,
}

impl LlmError {
    /// What to do next, where there is something to do.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Prepare { hint, .. } => hint.clone(),
            Self::EngineFailed { log, .. } | Self::EngineSlow { log, .. } | Self::EngineLost { log, .. } => {
                Some(format!("the engine's log is `{}`", log.display()))
            }
            Self::Refused { status, .. } => refusal_hint(*status),
            Self::Unavailable {
                retry_after: Some(after),
                ..
            } => Some(format!("the server asks for {} s of patience", after.as_secs())),
            other => other.fixed_hint(),
        }
    }

    fn fixed_hint(&self) -> Option<String> {
        let hint = match self {
            Self::Address { .. } => "it looks like `http://localhost:11434/v1`",
            Self::Dialect(_) => return Some(format!("one of {}", Dialect::names().join(", "))),
            Self::Unreachable { reason, .. } if reason.contains("certificate") => {
                "`ca` in config.toml names the certificate of whoever signed the server's"
            }
            Self::Unreachable { .. } => "check that the server runs and that the address is right",
            Self::Unavailable { .. } => "it was asked more than once; try again later",
            Self::Timeout { .. } => "the model may be too large for the machine; its timeouts can be raised",
            Self::Garbled { .. } => "the base URL of most servers ends in `/v1`",
            Self::Unsupported => "configure an endpoint instead",
            Self::SocketPath { .. } => "choose a shorter folder for runtime files",
            Self::SocketFolder { .. } => "choose a folder that only you can write to",
            Self::EngineMissing { .. } => "install `sayso-engine` beside `sayso`, or configure an endpoint",
            _ => return None,
        };
        Some(hint.to_owned())
    }

    /// Whether a server may have meant the form of a constraint; some say so with a status that means something else.
    pub(super) fn may_be_about_form(&self) -> bool {
        match self {
            Self::Refused { status, .. } => matches!(status, 400 | 422),
            _ => self.is_broken_server(),
        }
    }

    /// Whether the server says that it is its own fault.
    pub(super) fn is_broken_server(&self) -> bool {
        matches!(self, Self::Unavailable { status: 500, .. })
    }

    /// Whether the other side went away, so that a restarted engine may do better.
    pub(super) fn is_broken_connection(&self) -> bool {
        matches!(self, Self::Unreachable { .. } | Self::Cut { .. })
    }
}

fn refusal_hint(status: u16) -> Option<String> {
    let hint = match status {
        300..=399 => "redirects are not followed; configure the final address",
        400 | 422 => "check the configured dialect against the server, and the size of the request",
        401 | 403 => "check the API key",
        404 => "check the model's name and the base URL, which most often ends in `/v1`",
        413 => "the request is too large for this server",
        _ => return None,
    };
    Some(hint.to_owned())
}
