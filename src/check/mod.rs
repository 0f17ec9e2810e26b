//! What is known about a plan, and what follows from it: evidence in, report and verdict out.

pub mod diff;
pub mod evidence;
pub mod inverse;
pub mod report;
pub mod risk;
pub mod verdict;

#[cfg(test)]
mod tests;

pub use evidence::{Access, Call, CallVerb, Evidence, Problem, StepEvidence, Touched};
pub use inverse::Inverse;
pub use report::{Report, StepReport, report};
pub use verdict::{Policy, Reason, Verdict, Weight};
