//! What is known about a plan, and what follows from it: evidence in, report and verdict out.

pub mod evidence;

pub use evidence::{Access, Call, CallVerb, Evidence, Problem, StepEvidence, Touched};
