//! The machine: `handle(Event) -> Vec<Effect>`. It decides; the driver does.
//!
//! What it guarantees, and its tests show: no `Apply` before an `Approved` that was minted from the report last shown;
//! no `Apply` before the intent was `Recorded`; every recorded intent is followed by an outcome; nothing is applied
//! after a failure or an interruption.

use serde_json::Value;

use super::approved::Approved;
use super::events::{Effect, Event, Order, RecordKind, Stage, Wishes};
use super::outcome::{Ending, Failure, Outcome, StepResult};
use super::passage::Passage;
use super::planfile::{PlanFile, PlanFileError};
use super::question::is_about_knowledge;
use super::undo::Expected;
use crate::check::{Evidence, Policy, Report, report};
use crate::plan::{Beyond, Earlier, Focus, Followed, Plan, Snapshot, asks_how_all_is, leans_back, resolve};
use crate::request::Request;

/// Where the plan comes from, and so what has to be true for it.
#[derive(Debug)]
pub(super) enum Origin {
    /// The planner, or a plan that somebody wrote.
    Words,
    /// A file, with those who signed it.
    File(Box<PlanFile>, Vec<String>),
    /// An action that is taken back.
    Undo(Vec<Expected>),
    /// Manifests that the adviser writes; what was asked for, and its last answer.
    Drafted(Box<Order>),
}

/// One request from words to receipt.
#[derive(Debug)]
pub struct Session {
    pub(super) request: Request,
    pub(super) wishes: Wishes,
    pub(super) policy: Policy,
    pub(super) stage: Stage,
    pub(super) attempts: u32,
    pub(super) rounds: u32,
    pub(super) given: Option<Plan>,
    pub(super) origin: Origin,
    pub(super) earlier: Option<Earlier>,
    pub(super) understood: Option<String>,
    pub(super) looked_up: bool,
    pub(super) passages: Vec<Passage>,
    pub(super) snapshot: Snapshot,
    pub(super) focus: Focus,
    pub(super) plan: Option<Plan>,
    pub(super) evidence: Evidence,
    pub(super) report: Option<Report>,
    pub(super) approved: Option<Approved>,
    pub(super) approval: Value,
    pub(super) current: usize,
    pub(super) results: Vec<StepResult>,
    pub(super) confidence: Vec<Option<f32>>,
    pub(super) recorded: bool,
    pub(super) interrupted: bool,
    pub(super) pending: Option<Outcome>,
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
            origin: Origin::Words,
            earlier: None,
            understood: None,
            looked_up: false,
            passages: Vec::new(),
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

    /// The same behind an earlier request of the same conversation, on which this one may lean.
    #[must_use]
    pub fn after(self, earlier: Earlier) -> Session {
        Session {
            earlier: Some(earlier),
            ..self
        }
    }

    /// Begins with a plan that exists (an undo, a plan file): no planner is asked.
    pub fn with_plan(request: Request, plan: Plan, wishes: Wishes, policy: Policy) -> Session {
        Session {
            given: Some(plan),
            ..Session::new(request, wishes, policy)
        }
    }

    /// Begins with a plan file. `signers` approved it; whoever applies it is one more.
    ///
    /// # Errors
    ///
    /// Its steps cannot be read.
    pub fn with_file(
        request: Request,
        file: PlanFile,
        signers: Vec<String>,
        wishes: Wishes,
        policy: Policy,
    ) -> Result<Session, PlanFileError> {
        let plan = file.plan()?;
        Ok(Session {
            origin: Origin::File(Box::new(file), signers),
            ..Session::with_plan(request, plan, wishes, policy)
        })
    }

    /// Begins with the way back from an action, which is walked only where the world is as the action left it.
    pub fn with_undo(
        request: Request,
        plan: Plan,
        expected: Vec<Expected>,
        wishes: Wishes,
        policy: Policy,
    ) -> Session {
        Session {
            origin: Origin::Undo(expected),
            ..Session::with_plan(request, plan, wishes, policy)
        }
    }

    /// Begins with a request for manifests that no command makes: the adviser writes them, and from there on they go the way
    /// of every plan.
    pub fn author(request: Request, wishes: Wishes, policy: Policy) -> Session {
        Session {
            origin: Origin::Drafted(Box::default()),
            ..Session::new(request, wishes, policy)
        }
    }

    /// What to do first, or next after a question was looked up in vain: a question about how things work is looked up,
    /// everything else begins at the cluster.
    pub fn start(&self) -> Vec<Effect> {
        let plan_wanted = self.given.is_some() || self.wishes.plan_only;
        let piped = self.request.piped().is_some() || matches!(self.origin, Origin::Drafted(_));
        let words = self.request.words();
        let is_of_cluster =
            asks_how_all_is(words, &[]).is_some() || (self.earlier.is_some() && leans_back(words));
        if !plan_wanted && !piped && !self.looked_up && !is_of_cluster && is_about_knowledge(words) {
            return vec![Effect::LookUp(self.request.text().to_owned())];
        }
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
            (Stage::Retrieving, Event::Found(passages)) => self.found(passages),
            (Stage::Retrieving, Event::Retrieved(snapshot)) => self.retrieved(snapshot),
            (Stage::Planning, Event::Planned(answer)) => self.planned(&answer),
            (Stage::Planning, Event::Drafted(draft)) => self.drafted(&draft),
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
                    uncertain,
                },
            ) => self.not_applied(receipts, failure, changed && !uncertain, uncertain),
            (Stage::Verifying, Event::Verified { settled, summary }) => self.verified(settled, summary),
            (_, Event::Failed(failure)) => self.failed(failure),
            (stage, _) => self.failed(Failure::new(format!(
                "an event came that does not belong to {stage:?}"
            ))),
        }
    }

    /// Passages are an answer, and end the request: no cluster was looked at, so there is nothing to record. Without
    /// them it goes the way of every request.
    fn found(&mut self, passages: Vec<Passage>) -> Vec<Effect> {
        self.looked_up = true;
        if passages.is_empty() {
            return self.start();
        }
        self.passages = passages;
        self.finish(Ending::Answered, None, None)
    }

    fn retrieved(&mut self, snapshot: Snapshot) -> Vec<Effect> {
        if let (Origin::Words, Some(earlier)) = (&self.origin, self.earlier.take()) {
            match earlier.in_full(self.request.words(), &snapshot) {
                Some(Followed::Words(full)) => {
                    self.request = self.request.in_full(&full);
                    self.understood = Some(full);
                }
                Some(Followed::Unclear(question)) => return self.unclear(question),
                None => {}
            }
        }
        self.focus = Focus::on(self.request.words(), &snapshot);
        self.focus
            .add_piped(self.request.piped().unwrap_or_default(), &snapshot);
        self.snapshot = snapshot;
        match self.given.take() {
            Some(plan) => self.settle_on(plan),
            None if matches!(self.origin, Origin::Drafted(_)) => self.order(),
            None => match self.as_typed().or_else(|| self.as_whole()) {
                Some(plan) => self.settle_on(plan),
                None => match Beyond::of(self.request.words()) {
                    Some(beyond) => self.beyond(&beyond),
                    None => self.ask_planner(None),
                },
            },
        }
    }

    pub(super) fn settle_on(&mut self, plan: Plan) -> Vec<Effect> {
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
}
