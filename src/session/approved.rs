//! What somebody has said yes to. Nothing else reaches a cluster's write path.

use crate::check::Touched;
use crate::plan::Step;

/// One step of an approved plan, with exactly the calls that were shown.
#[derive(Clone, Debug, PartialEq)]
pub struct ApprovedStep {
    step: Step,
    touched: Vec<Touched>,
}

/// An approval: for these calls on these versions of these objects, in this context, and for nothing else. Only the
/// session mints one, after a yes.
#[derive(Clone, Debug, PartialEq)]
pub struct Approved {
    steps: Vec<ApprovedStep>,
    digest: String,
}

impl ApprovedStep {
    /// The step.
    pub fn step(&self) -> &Step {
        &self.step
    }

    /// Its calls, each with the object it was reviewed against.
    pub fn touched(&self) -> &[Touched] {
        &self.touched
    }
}

impl Approved {
    /// Mints an approval. Only the session calls it.
    pub(super) fn mint(steps: Vec<(Step, Vec<Touched>)>, digest: String) -> Approved {
        let steps = steps
            .into_iter()
            .map(|(step, touched)| ApprovedStep { step, touched })
            .collect();
        Approved { steps, digest }
    }

    /// The steps, in order.
    pub fn steps(&self) -> &[ApprovedStep] {
        &self.steps
    }

    /// SHA-256 over the steps, the context and every call with its object's UID and version, in hexadecimal.
    pub fn digest(&self) -> &str {
        &self.digest
    }
}

#[cfg(test)]
pub(crate) use test_support::approve_for_test;

#[cfg(test)]
mod test_support {
    use super::{Approved, Step, Touched};

    /// An approval without a review, for tests of what comes after one.
    pub(crate) fn approve_for_test(step: Step, touched: Vec<Touched>) -> Approved {
        Approved::mint(vec![(step, touched)], "test".to_owned())
    }
}
