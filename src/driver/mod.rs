//! Performs the session's effects and feeds their events back.

mod adviser;
mod author;
pub mod bench;
pub mod cockpit;
mod connect;
pub mod doctor;
pub mod eval;
mod explaining;
mod face;
mod key;
mod library;
pub mod models;
mod perform;
mod precedents;
mod reconcile;
mod undo;

pub use adviser::{Advice, Adviser};
pub use connect::{Connection, ENGINE_COMMAND, Parts, connect, engine_command, model, model_of};
pub use face::{Face, Usage, progress_words};
pub use library::{Library, context_of};
pub use perform::{Driver, Receipt};
pub use undo::Undo;

/// Models as artefacts, for the commands that look after them.
pub use crate::artefact;
/// The audit log, for faces that show it.
pub use crate::audit;
/// Where requests go, for faces that show it.
pub use crate::cluster::ContextFacts;
/// The knowledge base, for the commands that look after it.
pub use crate::knowledge;
/// The sandbox, for the command that serves one.
pub use crate::sandbox;

/// Whether a value holds something that the audit log would not write down.
pub fn hides_secrets(value: &serde_json::Value) -> bool {
    let mut redacted = value.clone();
    audit::redact(&mut redacted);
    redacted != *value
}

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
                .and_then(audit::AuditError::hint)
                .map(str::to_owned)
        };
        let plan = || {
            let file = cause
                .downcast_ref::<crate::session::PlanFileError>()
                .map(crate::session::PlanFileError::hint);
            let sign = || {
                cause
                    .downcast_ref::<crate::sign::SignError>()
                    .and_then(crate::sign::SignError::hint)
            };
            file.or_else(sign).map(str::to_owned)
        };
        let knowledge = || {
            cause
                .downcast_ref::<knowledge::KnowledgeError>()
                .and_then(knowledge::KnowledgeError::hint)
        };
        let artefact = || {
            cause
                .downcast_ref::<artefact::ArtefactError>()
                .and_then(artefact::ArtefactError::hint)
        };
        let request = || {
            cause
                .is::<crate::request::RequestError>()
                .then(|| "say what you want, as in: sayso \"list pods\"".to_owned())
        };
        cluster
            .or_else(model)
            .or_else(audit)
            .or_else(plan)
            .or_else(knowledge)
            .or_else(artefact)
            .or_else(request)
    };
    error.chain().find_map(found)
}
