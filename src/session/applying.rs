//! From a recorded intent to the last step.

use serde_json::Value;

use super::events::{Effect, RecordKind, Stage};
use super::machine::Session;
use super::outcome::{Ending, Failure, StepResult};

/// How often a plan is reviewed again because an object changed in the meantime.
const REVIEW_ROUNDS: u32 = 3;

impl Session {
    pub(super) fn recorded(&mut self) -> Vec<Effect> {
        if let Some(outcome) = self.pending.take() {
            self.stage = Stage::Done;
            return vec![Effect::Finish(Box::new(outcome))];
        }
        self.recorded = true;
        if self.interrupted {
            return self.record_outcome(Ending::Interrupted, None);
        }
        self.begin_step(0)
    }

    pub(super) fn begin_step(&mut self, index: usize) -> Vec<Effect> {
        self.current = index;
        let Some(approved) = self.approved.clone() else {
            return self.failed(Failure::new("nothing was approved"));
        };
        let Some(step) = approved
            .steps()
            .get(index)
            .map(|approved| approved.step().clone())
        else {
            let settled = self.results.iter().all(|result| result.settled != Some(false));
            let failure = (!settled).then(|| Failure::new("applied, but it did not come to rest as wanted"));
            return self.record_outcome(if settled { Ending::Done } else { Ending::Failed }, failure);
        };
        self.stage = Stage::Applying;
        if step.writes() {
            vec![Effect::Apply(Box::new(approved), index)]
        } else {
            vec![Effect::Read(step)]
        }
    }

    pub(super) fn next_step(&mut self) -> Vec<Effect> {
        if self.interrupted {
            return self.record_outcome(Ending::Interrupted, None);
        }
        self.begin_step(self.current + 1)
    }

    pub(super) fn applied(&mut self, receipts: Vec<Value>) -> Vec<Effect> {
        let result = &mut self.results[self.current];
        result.applied = true;
        result.receipts = receipts;
        if self.interrupted {
            return self.record_outcome(Ending::Interrupted, None);
        }
        self.stage = Stage::Verifying;
        self.approved
            .clone()
            .map(|approved| Effect::Verify(Box::new(approved), self.current))
            .into_iter()
            .collect()
    }

    pub(super) fn not_applied(
        &mut self,
        receipts: Vec<Value>,
        mut failure: Failure,
        changed: bool,
        uncertain: bool,
    ) -> Vec<Effect> {
        if uncertain {
            failure = unknown(&failure, self.current + 1);
        }
        let untouched = receipts.is_empty() && self.results.iter().all(|result| result.receipts.is_empty());
        let result = &mut self.results[self.current];
        result.receipts = receipts;
        result.uncertain = uncertain;
        result.error = Some(failure.clone());
        self.rounds += 1;
        if changed && untouched && !self.interrupted && self.rounds < REVIEW_ROUNDS {
            return self.review_again();
        }
        self.record_outcome(
            if self.interrupted {
                Ending::Interrupted
            } else {
                Ending::Failed
            },
            Some(failure),
        )
    }

    /// The approval is void: its outcome is recorded, and the plan is tried afresh.
    pub(super) fn review_again(&mut self) -> Vec<Effect> {
        let body = self.body(RecordKind::Outcome);
        let Some(plan) = self.plan.clone() else {
            return self.failed(Failure::new("there is no plan to check"));
        };
        self.approved = None;
        self.recorded = false;
        self.results = vec![StepResult::default(); plan.steps().len()];
        self.stage = Stage::Checking;
        vec![Effect::Record(RecordKind::Outcome, body), Effect::Gather(plan)]
    }

    pub(super) fn verified(&mut self, settled: bool, summary: String) -> Vec<Effect> {
        let result = &mut self.results[self.current];
        result.verified = Some(summary.clone());
        result.settled = Some(settled);
        if settled || self.interrupted {
            return self.next_step();
        }
        let failure = Failure::new(format!("step {} was applied, but: {summary}", self.current + 1))
            .with_hint("`sayso undo` takes it back");
        result.error = Some(Failure::new(summary));
        self.record_outcome(Ending::Failed, Some(failure))
    }
}

/// What is said where the answer to a call was lost: it may have been made.
fn unknown(failure: &Failure, step: usize) -> Failure {
    let message = format!("{}; whether step {step} was done is not known", failure.message);
    Failure::new(message).with_hint("the next request asks the cluster first, and records what became of it")
}
