//! One request from words to receipt, as a pure state machine.

pub mod approved;
pub mod events;
pub mod machine;
pub mod outcome;
pub mod undo;

#[cfg(test)]
mod tests;

pub use approved::{Approved, ApprovedStep};
pub use events::{Answer, Decision, Effect, Event, RecordKind, Stage, Wishes};
pub use machine::Session;
pub use outcome::{Ending, Failure, Outcome, StepResult};
pub use undo::undo_steps;
