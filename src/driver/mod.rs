//! Performs the session's effects and feeds their events back.

mod connect;
pub mod doctor;
pub mod eval;
mod perform;

pub use connect::{Connection, ENGINE_COMMAND, Parts, connect, engine_command, model};
pub use perform::{Driver, Face, Receipt, Usage};

/// The audit log, for faces that show it.
pub use crate::audit;
/// The sandbox, for the command that serves one.
pub use crate::sandbox;

/// What the user can do about an error, where one of ours lies at its bottom.
pub fn hint(error: &anyhow::Error) -> Option<String> {
    let found = |cause: &(dyn std::error::Error + 'static)| {
        let cluster = cause
            .downcast_ref::<crate::cluster::ClusterError>()
            .and_then(crate::cluster::ClusterError::hint);
        let model = || {
            cause
                .downcast_ref::<crate::llm::LlmError>()
                .and_then(crate::llm::LlmError::hint)
        };
        let audit = || {
            cause
                .downcast_ref::<audit::AuditError>()
                .and_then(|error| error.hint())
                .map(str::to_owned)
        };
        let request = || {
            cause
                .is::<crate::request::RequestError>()
                .then(|| "say what you want, as in: sayso \"list pods\"".to_owned())
        };
        cluster.or_else(model).or_else(audit).or_else(request)
    };
    error.chain().find_map(found)
}
