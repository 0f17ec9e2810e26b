//! What is shown before anybody says yes.

use std::collections::BTreeSet;

use serde::Serialize;
use sha2::{Digest, Sha256};

use super::diff::diff;
use super::evidence::{Evidence, Problem, StepEvidence};
use super::inverse::{Inverse, inverse};
use super::place::Place;
use super::policy::{Judgement, Policy};
use super::verdict::{Reason, Verdict, Weight};
use crate::plan::{Plan, Step};

/// One step as it is shown.
#[derive(Clone, Debug, PartialEq)]
pub struct StepReport {
    /// The step.
    pub step: Step,
    /// What may happen to it: the strictest of its reasons.
    pub verdict: Verdict,
    /// Why, heaviest first.
    pub reasons: Vec<Reason>,
    /// Unified diffs of all that it touches; empty for reads.
    pub diff: String,
    /// The ways back, in the order in which they would be walked.
    pub inverse: Vec<Inverse>,
    /// Why it cannot be done.
    pub problem: Option<Problem>,
}

/// A plan with everything that was found out about it, and what follows.
#[derive(Clone, Debug, PartialEq)]
pub struct Report {
    /// One entry a step.
    pub steps: Vec<StepReport>,
    /// The strictest of all steps.
    pub verdict: Verdict,
    /// What an approval of this report is bound to.
    pub digest: String,
    /// What a plan file is bound to: as the digest, but with the state of each object instead of its version, and whatever
    /// the context is called.
    pub substance: String,
    /// Names that a person has to type besides saying yes.
    pub names: Vec<String>,
    /// How many people have to say yes; 0 and 1 mean the one at the review.
    pub approvers: u32,
    /// Where it would happen, and to which versions of which objects.
    pub place: Place,
}

impl Report {
    /// Whether `--yes` covers it: nothing is denied, impossible, or a danger.
    pub fn yes_suffices(&self) -> bool {
        let dangers = self
            .steps
            .iter()
            .flat_map(|step| &step.reasons)
            .any(|reason| reason.weight == Weight::Danger);
        self.verdict != Verdict::Deny && !dangers && self.names.is_empty() && self.blocked().is_none()
    }

    /// The first step that cannot be done, with the reason.
    pub fn blocked(&self) -> Option<(usize, &Problem)> {
        let problems = self
            .steps
            .iter()
            .enumerate()
            .filter_map(|(index, step)| Some((index, step.problem.as_ref()?)));
        problems
            .into_iter()
            .find(|(_, problem)| !matches!(problem, Problem::NothingToDo { .. }))
    }

    /// Whether no step would change anything.
    pub fn nothing_to_do(&self) -> bool {
        let mut writes = self.steps.iter().filter(|step| step.step.writes()).peekable();
        writes.peek().is_some()
            && writes.all(|step| matches!(step.problem, Some(Problem::NothingToDo { .. })))
    }
}

/// Judges a plan by what was found out about it.
pub fn report(plan: &Plan, evidence: &Evidence, policy: &Policy) -> Report {
    let nothing = StepEvidence::default();
    let found = evidence.steps.iter().chain(std::iter::repeat(&nothing));
    let mut names = BTreeSet::new();
    let mut approvers = 0;
    let mut steps = Vec::new();
    for (step, found) in plan.steps().iter().zip(found) {
        if !step.writes() {
            steps.push(StepReport::of_read(step));
            continue;
        }
        let judgement = policy.judge(step, found, evidence);
        names.extend(judgement.names.iter().cloned());
        approvers = approvers.max(judgement.approvers);
        steps.push(step_report(step, found, judgement));
    }
    let verdict = steps.iter().map(|step| step.verdict).max().unwrap_or_default();
    Report {
        steps,
        verdict,
        digest: digest(plan, evidence),
        substance: substance(plan, evidence),
        names: names.into_iter().collect(),
        approvers,
        place: Place::of(evidence),
    }
}

impl StepReport {
    /// A read is free, and says nothing until it is done.
    fn of_read(step: &Step) -> StepReport {
        StepReport {
            step: step.clone(),
            verdict: Verdict::Allow,
            reasons: Vec::new(),
            diff: String::new(),
            inverse: Vec::new(),
            problem: None,
        }
    }
}

fn step_report(step: &Step, found: &StepEvidence, judgement: Judgement) -> StepReport {
    let verdict = judgement.verdict();
    let mut reasons = judgement.reasons;
    reasons.extend(pods(found));
    reasons.extend(found.notes.iter().map(Reason::note));
    let inverse: Vec<Inverse> = found
        .touched
        .iter()
        .rev()
        .map(|touched| inverse(touched, touched.after.as_ref()))
        .collect();
    reasons.extend(no_way_back(found, &inverse));
    reasons.sort_by_key(|reason| std::cmp::Reverse((reason.verdict, reason.weight)));
    StepReport {
        step: step.clone(),
        verdict,
        reasons,
        diff: found.touched.iter().map(diff).collect::<Vec<_>>().concat(),
        inverse,
        problem: found.problem.clone(),
    }
}

/// How many pods feel it.
fn pods(found: &StepEvidence) -> Option<Reason> {
    let pods: u32 = found.touched.iter().map(|touched| touched.pods).sum();
    let noun = if pods == 1 { "running pod" } else { "running pods" };
    (pods > 0).then(|| Reason::note(format!("affects {pods} {noun}")))
}

/// That a step cannot be taken back. One that cannot be done either needs no way back.
fn no_way_back(found: &StepEvidence, inverse: &[Inverse]) -> Option<Reason> {
    let reason = inverse.iter().find_map(|inverse| match inverse {
        Inverse::None(reason) => Some(reason),
        Inverse::Step(_) => None,
    })?;
    (found.problem.is_none()).then(|| Reason::caution(format!("cannot be taken back: {reason}")))
}

/// SHA-256, in hexadecimal, over the context, the cluster, every step and every call with the UID and version of the
/// object that it was reviewed against. Two reviews with one digest would do the same to the same objects.
fn digest(plan: &Plan, evidence: &Evidence) -> String {
    #[derive(Serialize)]
    struct Bound<'a> {
        context: &'a str,
        cluster: Option<&'a str>,
        steps: Vec<String>,
        calls: Vec<(&'a super::Call, Option<&'a str>, Option<&'a str>)>,
    }
    let touched = evidence.steps.iter().flat_map(|step| &step.touched);
    let bound = Bound {
        context: &evidence.context,
        cluster: evidence.cluster.as_deref(),
        steps: plan.steps().iter().map(ToString::to_string).collect(),
        calls: touched
            .map(|touched| {
                (
                    &touched.call,
                    touched.uid.as_deref(),
                    touched.resource_version.as_deref(),
                )
            })
            .collect(),
    };
    // These are plain structs of strings and JSON: writing them as JSON cannot fail.
    let bytes = serde_json::to_vec(&bound).unwrap_or_default();
    hex::encode(Sha256::digest(&bytes))
}

/// SHA-256, in hexadecimal, over the cluster, every step and every call with the UID and the state of its object: what two
/// reviews of one plan have in common while nothing but status changes.
fn substance(plan: &Plan, evidence: &Evidence) -> String {
    let steps: Vec<String> = plan.steps().iter().map(ToString::to_string).collect();
    let touched = evidence.steps.iter().flat_map(|step| &step.touched);
    let calls: Vec<_> = touched
        .map(|touched| {
            let bound = super::Bound::of(touched);
            let version = bound.resource_version.filter(|_| bound.state.is_none());
            (&touched.call, bound.uid, bound.state, version)
        })
        .collect();
    let bytes = serde_json::to_vec(&(&evidence.cluster, steps, calls)).unwrap_or_default();
    hex::encode(Sha256::digest(&bytes))
}
