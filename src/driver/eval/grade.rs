//! Right or wrong: reads by their typed steps, writes by what they do to twin clusters.

use std::collections::{BTreeSet, HashMap};

use serde::{Deserialize, Serialize};

use super::suite::{Expectation, Place, commands};
use super::twin::{Rehearsal, rehearse};
use crate::audit::AuditLog;
use crate::driver::Receipt;
use crate::plan::{Plan, Snapshot, Step, resolve};
use crate::session::Ending;

/// What a request came to.
#[derive(Clone, Debug, PartialEq)]
pub enum Produced {
    /// A plan, every namespace named.
    Plan(Plan),
    /// A question, or a refusal.
    Asked(String),
    /// Nothing that counts as an answer.
    Error(String),
}

/// What it is worth.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Grade {
    /// As it should be.
    Right,
    /// Another plan than any that is right.
    WrongPlan,
    /// A question or a refusal where there is a plan.
    AskedWrongly,
    /// A plan where there should be a question.
    PlannedWrongly,
    /// No answer, or one that cannot be graded.
    Error,
}

impl Produced {
    /// Reads the end of a session that was only to plan.
    pub(super) fn of(receipt: Receipt) -> Produced {
        let outcome = receipt.outcome;
        let failure = outcome.failure.map(|failure| failure.message);
        match (outcome.ending, outcome.report) {
            (Ending::Planned | Ending::Failed | Ending::Denied, Some(report)) => {
                let steps: Vec<Step> = report.steps.into_iter().map(|step| step.step).collect();
                Plan::new(steps).map_or_else(|error| Produced::Error(error.to_string()), Produced::Plan)
            }
            // Two answers in a row that nobody can read are no question.
            (Ending::Unclear, _) => match failure {
                Some(failure) => Produced::Error(failure),
                None => Produced::Asked(outcome.question.unwrap_or_default()),
            },
            (Ending::Refused, _) => Produced::Asked(failure.unwrap_or_default()),
            (ending, _) => {
                Produced::Error(failure.unwrap_or_else(|| format!("the session ended {ending:?}")))
            }
        }
    }

    /// What was produced, a command a line; what was said in brackets where there is no plan.
    pub fn commands(&self) -> Vec<String> {
        match self {
            Produced::Plan(plan) => commands(plan),
            Produced::Asked(text) => vec![format!("[asked: {text}]")],
            Produced::Error(text) => vec![format!("[error: {text}]")],
        }
    }
}

/// Grades, and remembers what plans did: many cases expect the same.
pub(super) struct Grader {
    audit: AuditLog,
    rehearsed: HashMap<(Place, Vec<String>), Rehearsal>,
}

impl Grader {
    /// Rehearsals are recorded in this log.
    pub(super) fn new(audit: AuditLog) -> Grader {
        Grader {
            audit,
            rehearsed: HashMap::new(),
        }
    }

    /// Grades what was produced. `snapshot` is of the cluster on which it was planned. Fails where that cannot be done.
    pub(super) async fn grade(
        &mut self,
        expect: &Expectation,
        produced: &Produced,
        place: &Place,
        snapshot: &Snapshot,
    ) -> anyhow::Result<Grade> {
        let (plans, produced) = match (expect, produced) {
            (_, Produced::Error(_)) => return Ok(Grade::Error),
            (Expectation::Ask, Produced::Asked(_)) => return Ok(Grade::Right),
            (Expectation::Ask, Produced::Plan(_)) => return Ok(Grade::PlannedWrongly),
            (Expectation::Plans(_), Produced::Asked(_)) => return Ok(Grade::AskedWrongly),
            (Expectation::Plans(plans), Produced::Plan(produced)) => (plans, produced),
        };
        let resolved = plans
            .iter()
            .map(|plan| resolve(plan, snapshot).map_err(|question| anyhow::anyhow!(question.0)));
        let plans: Vec<Plan> = resolved.collect::<Result<_, _>>()?;
        // What is the same word for word needs no rehearsal; so it is looked for first.
        if plans.iter().any(|plan| same_steps(plan, produced)) {
            return Ok(Grade::Right);
        }
        for plan in &plans {
            if Box::pin(self.same_effect(plan, produced, place)).await? {
                return Ok(Grade::Right);
            }
        }
        Ok(Grade::WrongPlan)
    }

    /// Whether two plans that write leave twin clusters in the same state. Where the one that is right leaves no trace
    /// (a token, a change that is there already), the writes must be the same, or fail for the same reason.
    async fn same_effect(&mut self, wanted: &Plan, produced: &Plan, place: &Place) -> anyhow::Result<bool> {
        if !wanted.writes() || !produced.writes() {
            return Ok(false);
        }
        let (right, given) = (
            Box::pin(self.rehearsal(wanted, place)).await?,
            Box::pin(self.rehearsal(produced, place)).await?,
        );
        let same_pods = right.after == given.after;
        // Twins may disagree on which of a deployment's pods goes first; that counts only where a pod is named.
        let same_count = right.nameless == given.nameless && !names_pods(wanted) && !names_pods(produced);
        let alike = right.ending == given.ending && (same_pods || same_count);
        let same_failure = right.failure.is_some() && right.failure == given.failure;
        Ok(alike && (right.changed || same_failure || writes(wanted) == writes(produced)))
    }

    async fn rehearsal(&mut self, plan: &Plan, place: &Place) -> anyhow::Result<Rehearsal> {
        let key = (place.clone(), commands(plan));
        if let Some(known) = self.rehearsed.get(&key) {
            return Ok(known.clone());
        }
        let rehearsal = Box::pin(rehearse(plan, place, &self.audit)).await?;
        self.rehearsed.insert(key, rehearsal.clone());
        Ok(rehearsal)
    }
}

/// Whether the steps are the same; the order of reads says nothing.
fn same_steps(wanted: &Plan, produced: &Plan) -> bool {
    if wanted.writes() || produced.writes() {
        return wanted == produced;
    }
    let lines = |plan: &Plan| commands(plan).into_iter().collect::<BTreeSet<String>>();
    lines(wanted) == lines(produced)
}

/// Whether a step is about a certain pod.
fn names_pods(plan: &Plan) -> bool {
    let mut targets = plan.steps().iter().flat_map(|step| step.action.targets());
    targets.any(|target| target.kind.is("pod"))
}

fn writes(plan: &Plan) -> Vec<String> {
    plan.steps()
        .iter()
        .filter(|step| step.writes())
        .map(ToString::to_string)
        .collect()
}
