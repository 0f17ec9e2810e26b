//! What somebody has said yes to. Nothing else reaches a cluster's write path.

use jiff::{SignedDuration, Timestamp};

use crate::check::Touched;
use crate::plan::Step;

/// How long after the look at the cluster an approval may be acted on.
pub const GOOD_FOR: SignedDuration = SignedDuration::from_mins(15);
/// How much clocks may jump.
const CLOCK_SLACK: SignedDuration = SignedDuration::from_mins(1);

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
    looked_at: Option<Timestamp>,
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
    pub(super) fn mint(
        steps: Vec<(Step, Vec<Touched>)>,
        digest: String,
        looked_at: Option<Timestamp>,
    ) -> Approved {
        let steps = steps
            .into_iter()
            .map(|(step, touched)| ApprovedStep { step, touched })
            .collect();
        Approved {
            steps,
            digest,
            looked_at,
        }
    }

    /// The steps, in order.
    pub fn steps(&self) -> &[ApprovedStep] {
        &self.steps
    }

    /// Whether it still counts: it does for [`GOOD_FOR`] after the cluster was looked at, and not if the clock says that this
    /// has yet to come.
    pub fn is_good(&self, now: Timestamp) -> bool {
        let Some(at) = self.looked_at else { return true };
        let age = now.duration_since(at);
        age >= -CLOCK_SLACK && age <= GOOD_FOR
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
        Approved::mint(vec![(step, touched)], "test".to_owned(), None)
    }
}
