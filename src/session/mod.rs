//! One request from words to receipt, as a pure state machine.

mod applying;
pub mod approved;
mod ending;
pub mod events;
pub mod machine;
pub mod outcome;
pub mod passage;
pub mod planfile;
pub mod question;
pub mod reconcile;
mod reviewing;
pub mod undo;

#[cfg(test)]
mod tests;

pub use approved::{Approved, ApprovedStep};
pub use events::{Answer, Decision, Effect, Event, RecordKind, Stage, Wishes};
pub use machine::Session;
pub use outcome::{Ending, Failure, Outcome, StepResult};
pub use passage::{Origin, Passage};
pub use planfile::{PlanFile, PlanFileError, Signed};
pub use reconcile::{Fate, is_unsettled, what_became};
pub use undo::{Expected, WayBack, conflicts, way_back};
