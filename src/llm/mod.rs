//! The model client: constraints, one OpenAI-compatible connection, the local engine, and a scripted model for tests.
//!
//! Everything that asks a model goes through [`Model::complete`]. Three things stand behind it: an [`Endpoint`] that
//! the user configured, the [`LocalEngine`] that Sayso starts itself, and a [`Scripted`] one for tests. What comes
//! back is text and nothing more: whoever asked parses it, and a server is never trusted to have kept a constraint.
//!
//! Bounds that hold for every server: an event of at most 1 MiB, a reply of at most 4 MiB and of no more text than its
//! limit on tokens leaves room for, 64 MiB on the wire, and the four [`Timeouts`]. Dropping the future of a call cancels it and closes the connection.

mod ability;
pub mod advice;
pub mod author;
mod body;
mod chunk;
mod dialect;
mod endpoint;
mod error;
mod form;
mod gbnf;
mod guard;
mod learn;
mod lines;
mod local;
mod peer;
mod process;
pub mod prompts;
mod refusal;
mod regular;
mod scripted;
mod stream;
mod transport;
mod types;

pub use dialect::Dialect;
pub use endpoint::{ApiKey, Endpoint, EndpointConfig, Timeouts};
pub use error::LlmError;
pub use form::Form;
pub use local::LocalEngine;
pub use scripted::{Scripted, ScriptedReply};
pub use transport::Transport;
pub use types::{
    Constraint, Message, ModelIdentity, ModelReply, ModelRequest, OtherReply, Progress, Role, TokenChoice,
    Usage,
};

/// A model that can be asked; cheap to clone, and clones share connections (or the script).
#[derive(Debug, Clone)]
pub enum Model {
    /// Our own engine on this machine, started when it is first needed.
    Local(LocalEngine),
    /// Any OpenAI-compatible server.
    Endpoint(Endpoint),
    /// Replies written beforehand, for tests.
    Scripted(Scripted),
}

impl Model {
    /// Asks the model and waits for the whole reply.
    ///
    /// `on_text` sees the text as it arrives, for display only: the returned reply is what counts.
    ///
    /// # Errors
    ///
    /// When no complete reply was received. A constraint that the server's dialect cannot carry is no error:
    /// see [`ModelReply::constrained`].
    pub async fn complete(
        &self,
        request: ModelRequest,
        on_text: &mut (dyn FnMut(&str) + Send),
    ) -> Result<ModelReply, LlmError> {
        match self {
            Self::Local(engine) => engine.complete(&request, on_text).await,
            Self::Endpoint(endpoint) => endpoint.complete(&request, on_text).await,
            Self::Scripted(scripted) => scripted.complete(request, on_text).await,
        }
    }

    /// Which model answers, for the audit log. The local engine is started for it if it is not running.
    pub async fn identity(&self) -> Result<ModelIdentity, LlmError> {
        match self {
            Self::Local(engine) => engine.identity().await,
            Self::Endpoint(endpoint) => Ok(endpoint.identity()),
            Self::Scripted(_) => Ok(Scripted::identity()),
        }
    }

    /// Makes the first request quick: prepares the files of the local engine, starts it and waits until it is ready.
    /// An endpoint that is not known yet is asked what it keeps to.
    pub async fn warm(&self, on_progress: &mut (dyn FnMut(Progress) + Send)) -> Result<(), LlmError> {
        match self {
            Self::Local(engine) => engine.warm(on_progress).await,
            Self::Endpoint(endpoint) => endpoint.learn(on_progress).await,
            Self::Scripted(_) => Ok(()),
        }
    }
}
