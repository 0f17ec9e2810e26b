//! One request from words to receipt, as a pure state machine.

pub mod approved;

pub use approved::{Approved, ApprovedStep};
