//! How a session ends, and what is recorded of it.

use serde_json::{Value, json};

use super::events::{Effect, RecordKind, Stage};
use super::machine::Session;
use super::outcome::{Ending, Failure, Outcome};
use crate::plan::{Plan, Step};

impl Session {
    pub(super) fn record(&mut self, kind: RecordKind) -> Vec<Effect> {
        self.stage = Stage::Recording;
        let body = self.body(kind);
        vec![Effect::Record(kind, body)]
    }

    pub(super) fn interrupt(&mut self) -> Vec<Effect> {
        self.interrupted = true;
        match self.stage {
            // What is under way is finished and recorded first.
            Stage::Applying | Stage::Recording => Vec::new(),
            Stage::Verifying => {
                self.results[self.current].verified = Some("not watched to the end: interrupted".to_owned());
                self.record_outcome(Ending::Interrupted, None)
            }
            _ => self.finish(Ending::Interrupted, None, None),
        }
    }

    pub(super) fn failed(&mut self, failure: Failure) -> Vec<Effect> {
        match self.stage {
            Stage::Applying | Stage::Verifying => {
                self.results[self.current].error = Some(failure.clone());
                self.record_outcome(Ending::Failed, Some(failure))
            }
            // What was looked for and not found, or not allowed, is as telling as what was read.
            Stage::Reading => {
                if let Some(result) = self.results.get_mut(self.current) {
                    result.error = Some(failure.clone());
                }
                self.record_and_finish(RecordKind::Read, Ending::Failed, None, Some(failure))
            }
            // An audit log that cannot be written ends everything: at the intent nothing was applied yet.
            Stage::Recording => match self.pending.take() {
                Some(mut outcome) => {
                    self.stage = Stage::Done;
                    if outcome.ending != Ending::Answered {
                        outcome.ending = Ending::Failed;
                        outcome.failure = Some(failure);
                    }
                    vec![Effect::Finish(Box::new(outcome))]
                }
                None => self.finish(Ending::Failed, None, Some(failure)),
            },
            _ => self.finish(Ending::Failed, None, Some(failure)),
        }
    }

    /// Ends without a change, and records that.
    pub(super) fn decide(
        &mut self,
        ending: Ending,
        question: Option<String>,
        failure: Option<Failure>,
    ) -> Vec<Effect> {
        self.record_and_finish(RecordKind::Decision, ending, question, failure)
    }

    pub(super) fn record_outcome(&mut self, ending: Ending, failure: Option<Failure>) -> Vec<Effect> {
        self.record_and_finish(RecordKind::Outcome, ending, None, failure)
    }

    pub(super) fn record_and_finish(
        &mut self,
        kind: RecordKind,
        ending: Ending,
        question: Option<String>,
        failure: Option<Failure>,
    ) -> Vec<Effect> {
        // An approval is for one application.
        self.approved = None;
        self.pending = Some(self.outcome(ending, question, failure));
        self.record(kind)
    }

    pub(super) fn finish(
        &mut self,
        ending: Ending,
        question: Option<String>,
        failure: Option<Failure>,
    ) -> Vec<Effect> {
        self.stage = Stage::Done;
        vec![Effect::Finish(Box::new(self.outcome(ending, question, failure)))]
    }

    pub(super) fn outcome(
        &self,
        ending: Ending,
        question: Option<String>,
        failure: Option<Failure>,
    ) -> Outcome {
        Outcome {
            ending,
            understood: self.understood.clone(),
            report: self.report.clone(),
            passages: self.passages.clone(),
            results: self.results.clone(),
            confidence: self.confidence.clone(),
            question,
            failure,
            recorded: self.recorded,
            applied_steps: self.results.iter().filter(|result| result.applied).count(),
        }
    }

    /// What the record says: everything that is known at this point. Who and when is added by the driver, and what a
    /// Secret holds is taken out by the log.
    pub(super) fn body(&self, kind: RecordKind) -> Value {
        let outcome = self.pending.as_ref();
        let commands = self.plan.iter().flat_map(Plan::steps).map(Step::by_hand);
        let mut body = json!({ "request": self.request.text() });
        if let Some(understood) = &self.understood {
            body["understood"] = json!(understood);
        }
        match kind {
            RecordKind::Intent => {
                body["steps"] = commands.map(|command| json!({ "command": command })).collect();
                body["approval"] = self.approval.clone();
                body["evidence"] = json!(self.evidence);
            }
            RecordKind::Outcome | RecordKind::Decision | RecordKind::Read => {
                let results = self.results.iter().map(|result| match kind {
                    RecordKind::Outcome => json!(result),
                    _ => json!({ "applied": result.applied }),
                });
                let steps = commands
                    .zip(results)
                    .map(|(command, result)| json!({ "command": command, "result": result }));
                body["steps"] = steps.collect();
                body["outcome"] = outcome.map_or_else(|| json!("void"), |outcome| json!(outcome.ending));
                body["failure"] = json!(outcome.and_then(|outcome| outcome.failure.as_ref()));
                body["question"] = json!(outcome.and_then(|outcome| outcome.question.as_ref()));
            }
        }
        body
    }
}
