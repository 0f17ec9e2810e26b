//! From what happened to an exit status.

use crate::session::{Ending, Outcome};

/// The exit statuses of the design.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Exit {
    /// Done.
    Done = 0,
    /// Something failed, or somebody said no.
    Failed = 1,
    /// What was typed makes no sense.
    Usage = 2,
    /// Nobody was there to approve.
    NeedsApproval = 3,
    /// Policy says no.
    Denied = 4,
    /// There is no plan.
    NoPlan = 5,
    /// Interrupted.
    Interrupted = 130,
}

impl From<Exit> for std::process::ExitCode {
    fn from(exit: Exit) -> Self {
        std::process::ExitCode::from(exit as u8)
    }
}

/// The exit status of a session.
pub fn of_outcome(outcome: &Outcome) -> Exit {
    match outcome.ending {
        Ending::Done | Ending::Planned | Ending::Answered => Exit::Done,
        Ending::Failed => Exit::Failed,
        Ending::NeedsApproval => Exit::NeedsApproval,
        Ending::Denied => Exit::Denied,
        // A plan that somebody turned down is something else than no plan at all.
        Ending::Refused if outcome.report.is_some() => Exit::Failed,
        Ending::Refused | Ending::Unclear => Exit::NoPlan,
        Ending::Interrupted => Exit::Interrupted,
    }
}

/// The exit status of an error that no session saw.
pub fn of_error(error: &anyhow::Error) -> Exit {
    let no_such_model = error
        .downcast_ref::<crate::driver::artefact::ArtefactError>()
        .is_some_and(crate::driver::artefact::ArtefactError::is_usage);
    let usage = no_such_model
        || error.is::<crate::config::ConfigError>()
        || error.is::<crate::request::RequestError>();
    if usage { Exit::Usage } else { Exit::Failed }
}
