//! What is known about a plan, and what follows from it: evidence in, report and verdict out.

pub mod diff;
pub mod essence;
pub mod evidence;
pub mod inverse;
pub mod place;
pub mod policy;
pub mod report;
pub mod verdict;

#[cfg(test)]
mod tests;

pub use evidence::{Access, Call, CallVerb, Evidence, Problem, StepEvidence, Touched};
pub use inverse::Inverse;
pub use place::{Bound, Place};
pub use policy::Policy;
pub use report::{Report, StepReport, report};
pub use verdict::{Reason, Verdict, Weight};
