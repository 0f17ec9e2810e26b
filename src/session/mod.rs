//! One request from words to receipt, as a pure state machine.

mod applying;
pub mod approved;
mod authoring;
mod ending;
pub mod events;
mod explaining;
pub mod machine;
pub mod outcome;
pub mod passage;
pub mod planfile;
mod planning;
pub mod question;
pub mod reconcile;
mod reviewing;
pub mod undo;

#[cfg(test)]
mod tests;

pub use approved::{Approved, ApprovedStep};
pub use authoring::to_author;
pub use events::{Answer, Decision, Effect, Event, Order, RecordKind, Stage, Wishes};
pub use explaining::{to_explain, to_look_at};
pub use machine::Session;
pub use outcome::{Ending, Failure, Outcome, StepResult};
pub use passage::{Origin, Passage};
pub use planfile::{PlanFile, PlanFileError, Signed};
pub use reconcile::{Fate, is_unsettled, what_became};
pub use undo::{Expected, WayBack, conflicts, way_back};
