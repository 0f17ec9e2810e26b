//! The machine: `handle(Event) -> Vec<Effect>`. It decides; the driver does.
//!
//! What it guarantees, and its tests show: no `Apply` before an `Approved` that was minted from the report last shown;
//! no `Apply` before the intent was `Recorded`; every recorded intent is followed by an outcome; nothing is applied
//! after a failure or an interruption.

use serde_json::{Value, json};

use super::approved::Approved;
use super::events::{Answer, Decision, Effect, Event, RecordKind, Stage, Wishes};
use super::outcome::{Ending, Failure, Outcome, StepResult};
use crate::check::{Evidence, Policy, Report, Touched, report};
use crate::plan::{Focus, Plan, Proposal, Snapshot, Step, parse, resolve};
use crate::request::Request;

/// How often a plan that does not parse is sent back.
const PLAN_ATTEMPTS: u32 = 2;
/// How often a plan is reviewed again because an object changed in the meantime.
const REVIEW_ROUNDS: u32 = 3;

/// One request from words to receipt.
#[derive(Debug)]
pub struct Session {
    request: Request,
    wishes: Wishes,
    policy: Policy,
    stage: Stage,
    attempts: u32,
    rounds: u32,
    given: Option<Plan>,
    snapshot: Snapshot,
    focus: Focus,
    plan: Option<Plan>,
    evidence: Evidence,
    report: Option<Report>,
    approved: Option<Approved>,
    approval: Value,
    current: usize,
    results: Vec<StepResult>,
    confidence: Vec<Option<f32>>,
    recorded: bool,
    interrupted: bool,
    pending: Option<Outcome>,
}

impl Session {
    /// Begins with a request in words.
    pub fn new(request: Request, wishes: Wishes, policy: Policy) -> Session {
        Session {
            request,
            wishes,
            policy,
            stage: Stage::Retrieving,
            attempts: 0,
            rounds: 0,
            given: None,
            snapshot: Snapshot::default(),
            focus: Focus::default(),
            plan: None,
            evidence: Evidence::default(),
            report: None,
            approved: None,
            approval: Value::Null,
            current: 0,
            results: Vec::new(),
            confidence: Vec::new(),
            recorded: false,
            interrupted: false,
            pending: None,
        }
    }

    /// Begins with a plan that exists (an undo, a plan file): no planner is asked.
    pub fn with_plan(request: Request, plan: Plan, wishes: Wishes, policy: Policy) -> Session {
        Session {
            given: Some(plan),
            ..Session::new(request, wishes, policy)
        }
    }

    /// What to do first.
    pub fn start(&self) -> Vec<Effect> {
        vec![Effect::Retrieve]
    }

    /// What was asked.
    pub fn request(&self) -> &Request {
        &self.request
    }

    /// Where the session is.
    pub fn stage(&self) -> Stage {
        self.stage
    }

    /// Takes one event and says what to do next.
    pub fn handle(&mut self, event: Event) -> Vec<Effect> {
        match (self.stage, event) {
            (Stage::Done, _) => Vec::new(),
            (_, Event::Interrupted) => self.interrupt(),
            (Stage::Retrieving, Event::Retrieved(snapshot)) => self.retrieved(snapshot),
            (Stage::Planning, Event::Planned(answer)) => self.planned(&answer),
            (Stage::Reading | Stage::Applying, Event::Read { text, data }) => self.read(text, data),
            (Stage::Checking, Event::Gathered(evidence)) => self.gathered(evidence),
            (Stage::Reviewing, Event::Decided(decision)) => self.decided(decision),
            (Stage::Recording, Event::Recorded) => self.recorded(),
            (Stage::Applying, Event::Applied { receipts }) => self.applied(receipts),
            (
                Stage::Applying,
                Event::NotApplied {
                    receipts,
                    failure,
                    changed,
                },
            ) => self.not_applied(receipts, failure, changed),
            (Stage::Verifying, Event::Verified { settled, summary }) => self.verified(settled, summary),
            (_, Event::Failed(failure)) => self.failed(failure),
            (stage, _) => self.failed(Failure::new(format!(
                "an event came that does not belong to {stage:?}"
            ))),
        }
    }

    fn retrieved(&mut self, snapshot: Snapshot) -> Vec<Effect> {
        self.focus = Focus::on(self.request.text(), &snapshot);
        self.focus
            .add_piped(self.request.piped().unwrap_or_default(), &snapshot);
        self.snapshot = snapshot;
        match self.given.take() {
            Some(plan) => self.settle_on(plan),
            None => self.ask_planner(None),
        }
    }

    fn ask_planner(&mut self, complaint: Option<(String, String)>) -> Vec<Effect> {
        self.stage = Stage::Planning;
        self.attempts += 1;
        vec![Effect::Plan {
            focus: self.focus.clone(),
            complaint,
        }]
    }

    fn planned(&mut self, answer: &Answer) -> Vec<Effect> {
        match parse(&answer.text) {
            Ok(Proposal::Plan(plan)) => {
                let each = |index| answer.confidence.get(index).copied();
                self.confidence = (0..plan.steps().len()).map(each).collect();
                self.settle_on(plan)
            }
            Ok(Proposal::Unclear) => self.unclear(self.question()),
            Ok(Proposal::Refuse) => {
                let failure =
                    Failure::new("this is not something to do in a cluster, or too dangerous to guess at")
                        .with_hint("say what should happen to which object, as in \"scale web to 5\"");
                self.decide(Ending::Refused, None, Some(failure))
            }
            Err(error) if self.attempts < PLAN_ATTEMPTS => {
                self.ask_planner(Some((answer.text.clone(), error.to_string())))
            }
            Err(error) => {
                let failure = Failure::new(format!("the planner gave no plan that can be read: {error}"));
                self.decide(Ending::Unclear, Some(self.question()), Some(failure))
            }
        }
    }

    /// What to ask where the planner found no plan.
    fn question(&self) -> String {
        let names: Vec<String> = self
            .focus
            .objects
            .iter()
            .take(4)
            .map(|object| format!("{}/{}", object.kind, object.name))
            .collect();
        if names.is_empty() {
            return "what should happen, and to which object? nothing in the cluster is called that"
                .to_owned();
        }
        format!(
            "what should happen, and to which object? these come close: {}",
            names.join(", ")
        )
    }

    fn settle_on(&mut self, plan: Plan) -> Vec<Effect> {
        let plan = if self.wishes.all_namespaces {
            plan.everywhere()
        } else {
            plan
        };
        let plan = match resolve(&plan, &self.snapshot) {
            Ok(plan) => plan,
            Err(question) => return self.unclear(question.0),
        };
        let writes = plan.writes();
        self.results = vec![StepResult::default(); plan.steps().len()];
        self.confidence.resize(plan.steps().len(), None);
        self.plan = Some(plan.clone());
        if writes {
            self.stage = Stage::Checking;
            return vec![Effect::Gather(plan)];
        }
        self.report = Some(report(&plan, &Evidence::default(), &self.policy));
        if self.wishes.plan_only {
            return self.finish(Ending::Planned, None, None);
        }
        self.stage = Stage::Reading;
        self.current = 0;
        vec![Effect::Read(plan.steps()[0].clone())]
    }

    fn read(&mut self, text: String, data: Option<Value>) -> Vec<Effect> {
        let result = &mut self.results[self.current];
        result.applied = true;
        result.text = Some(text);
        result.data = data;
        if self.stage == Stage::Applying {
            return self.next_step();
        }
        self.current += 1;
        let next = self
            .plan
            .as_ref()
            .and_then(|plan| plan.steps().get(self.current))
            .cloned();
        match next {
            Some(step) => vec![Effect::Read(step)],
            None => self.record_and_finish(RecordKind::Read, Ending::Answered, None, None),
        }
    }

    fn gathered(&mut self, evidence: Evidence) -> Vec<Effect> {
        let Some(plan) = &self.plan else {
            return self.failed(Failure::new("there is no plan to check"));
        };
        let report = report(plan, &evidence, &self.policy);
        self.evidence = evidence;
        self.report = Some(report.clone());
        if let Some((index, problem)) = report.blocked() {
            let failure = Failure::new(format!("step {}: {}", index + 1, problem.message()));
            let failure = match problem.hint() {
                Some(hint) => failure.with_hint(hint),
                None => failure,
            };
            return self.decide(Ending::Failed, None, Some(failure));
        }
        if report.verdict == crate::check::Verdict::Deny {
            let reason = report
                .steps
                .iter()
                .flat_map(|step| &step.reasons)
                .map(|reason| reason.text.clone())
                .next();
            let failure = Failure::new(reason.unwrap_or_else(|| "policy says no".to_owned()));
            return self.decide(Ending::Denied, None, Some(failure));
        }
        if self.wishes.plan_only {
            return self.finish(Ending::Planned, None, None);
        }
        if report.nothing_to_do() {
            return self.record_and_finish(RecordKind::Decision, Ending::Done, None, None);
        }
        self.stage = Stage::Reviewing;
        if self.wishes.yes && report.yes_suffices() {
            return self.decided(Decision::Approve {
                digest: report.digest,
                by: "--yes".to_owned(),
            });
        }
        if !self.wishes.interactive {
            return self.decided(Decision::Nobody);
        }
        vec![Effect::Review(Box::new(report), self.confidence.clone())]
    }

    fn decided(&mut self, decision: Decision) -> Vec<Effect> {
        match decision {
            Decision::Approve { digest, by } => self.approve(&digest, &by),
            Decision::Edit(plan) => {
                // A person wrote this plan: how sure the planner was of its own says nothing about it.
                self.confidence.clear();
                self.settle_on(plan)
            }
            Decision::Reject { reason } => {
                let failure = Failure::new(
                    reason.map_or_else(|| "rejected".to_owned(), |reason| format!("rejected: {reason}")),
                );
                self.decide(Ending::Refused, None, Some(failure))
            }
            Decision::Nobody => {
                let failure = Failure::new("this changes the cluster, and nobody was there to approve it")
                    .with_hint(if self.wishes.yes {
                        "run it in a terminal: a person has to look at this one"
                    } else {
                        "run it in a terminal, or pass --yes"
                    });
                self.decide(Ending::NeedsApproval, None, Some(failure))
            }
        }
    }

    /// An approval counts only for the report that is on the table.
    fn approve(&mut self, digest: &str, by: &str) -> Vec<Effect> {
        let Some((report, plan)) = self.report.as_ref().zip(self.plan.as_ref()) else {
            return self.failed(Failure::new("there is no report to approve"));
        };
        if report.digest != digest {
            let report = report.clone();
            return vec![Effect::Review(Box::new(report), self.confidence.clone())];
        }
        let touched = self
            .evidence
            .steps
            .iter()
            .map(|step| step.touched.clone())
            .chain(std::iter::repeat(Vec::new()));
        let steps: Vec<(Step, Vec<Touched>)> = plan.steps().iter().cloned().zip(touched).collect();
        self.approved = Some(Approved::mint(steps, digest.to_owned()));
        self.approval = json!({ "by": by, "digest": digest });
        self.record(RecordKind::Intent)
    }

    fn record(&mut self, kind: RecordKind) -> Vec<Effect> {
        self.stage = Stage::Recording;
        let body = self.body(kind);
        vec![Effect::Record(kind, body)]
    }

    fn recorded(&mut self) -> Vec<Effect> {
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

    fn begin_step(&mut self, index: usize) -> Vec<Effect> {
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

    fn next_step(&mut self) -> Vec<Effect> {
        if self.interrupted {
            return self.record_outcome(Ending::Interrupted, None);
        }
        self.begin_step(self.current + 1)
    }

    fn applied(&mut self, receipts: Vec<Value>) -> Vec<Effect> {
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

    fn not_applied(&mut self, receipts: Vec<Value>, failure: Failure, changed: bool) -> Vec<Effect> {
        let untouched = receipts.is_empty() && self.current == 0;
        let result = &mut self.results[self.current];
        result.receipts = receipts;
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
    fn review_again(&mut self) -> Vec<Effect> {
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

    fn verified(&mut self, settled: bool, summary: String) -> Vec<Effect> {
        let result = &mut self.results[self.current];
        result.verified = Some(summary.clone());
        result.settled = Some(settled);
        if settled || self.interrupted {
            return self.next_step();
        }
        result.error = Some(Failure::new(summary.clone()));
        let failure = Failure::new(format!("step {} was applied, but: {summary}", self.current + 1))
            .with_hint("`sayso undo` takes it back");
        self.record_outcome(Ending::Failed, Some(failure))
    }

    fn interrupt(&mut self) -> Vec<Effect> {
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

    fn failed(&mut self, failure: Failure) -> Vec<Effect> {
        match self.stage {
            Stage::Applying | Stage::Verifying => {
                self.results[self.current].error = Some(failure.clone());
                self.record_outcome(Ending::Failed, Some(failure))
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

    fn unclear(&mut self, question: String) -> Vec<Effect> {
        self.decide(Ending::Unclear, Some(question), None)
    }

    /// Ends without a change, and records that.
    fn decide(&mut self, ending: Ending, question: Option<String>, failure: Option<Failure>) -> Vec<Effect> {
        self.record_and_finish(RecordKind::Decision, ending, question, failure)
    }

    fn record_outcome(&mut self, ending: Ending, failure: Option<Failure>) -> Vec<Effect> {
        self.record_and_finish(RecordKind::Outcome, ending, None, failure)
    }

    fn record_and_finish(
        &mut self,
        kind: RecordKind,
        ending: Ending,
        question: Option<String>,
        failure: Option<Failure>,
    ) -> Vec<Effect> {
        self.pending = Some(self.outcome(ending, question, failure));
        self.record(kind)
    }

    fn finish(&mut self, ending: Ending, question: Option<String>, failure: Option<Failure>) -> Vec<Effect> {
        self.stage = Stage::Done;
        vec![Effect::Finish(Box::new(self.outcome(ending, question, failure)))]
    }

    fn outcome(&self, ending: Ending, question: Option<String>, failure: Option<Failure>) -> Outcome {
        Outcome {
            ending,
            report: self.report.clone(),
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
    fn body(&self, kind: RecordKind) -> Value {
        let outcome = self.pending.as_ref();
        let commands = self.plan.iter().flat_map(|plan| plan.steps()).map(Step::by_hand);
        let mut body = json!({ "request": self.request.text() });
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
