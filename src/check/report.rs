//! What is shown before anybody says yes.

use serde::Serialize;
use sha2::{Digest, Sha256};

use super::diff::diff;
use super::evidence::{Evidence, Problem, StepEvidence};
use super::inverse::{Inverse, inverse};
use super::risk::risks;
use super::verdict::{Policy, Reason, Verdict, Weight};
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
}

impl Report {
    /// Whether `--yes` covers it: nothing is denied, impossible, or a danger.
    pub fn yes_suffices(&self) -> bool {
        let dangers = self
            .steps
            .iter()
            .flat_map(|step| &step.reasons)
            .any(|reason| reason.weight == Weight::Danger);
        self.verdict != Verdict::Deny && !dangers && self.blocked().is_none()
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
    let steps: Vec<StepReport> = plan
        .steps()
        .iter()
        .zip(found)
        .map(|(step, found)| step_report(step, found, &evidence.context, policy))
        .collect();
    let verdict = steps.iter().map(|step| step.verdict).max().unwrap_or_default();
    Report {
        steps,
        verdict,
        digest: digest(plan, evidence),
    }
}

fn step_report(step: &Step, found: &StepEvidence, context: &str, policy: &Policy) -> StepReport {
    if !step.writes() {
        let (diff, inverse) = (String::new(), Vec::new());
        return StepReport {
            step: step.clone(),
            verdict: Verdict::Allow,
            reasons: Vec::new(),
            diff,
            inverse,
            problem: None,
        };
    }
    let mut reasons = risks(step, found, context, policy);
    if policy.read_only {
        reasons.push(Reason::deny("sayso was told to change nothing (read-only)"));
    }
    let inverse: Vec<Inverse> = found
        .touched
        .iter()
        .rev()
        .map(|touched| inverse(touched, touched.after.as_ref()))
        .collect();
    reasons.extend(inverse.iter().find_map(|inverse| match inverse {
        Inverse::None(reason) => Some(Reason::caution(format!("cannot be taken back: {reason}"))),
        Inverse::Step(_) => None,
    }));
    reasons.sort_by_key(|reason| std::cmp::Reverse((reason.verdict, reason.weight)));
    let verdict = reasons
        .iter()
        .map(|reason| reason.verdict)
        .max()
        .unwrap_or_default()
        .max(Verdict::Confirm);
    let diff = found.touched.iter().map(diff).collect::<Vec<_>>().concat();
    StepReport {
        step: step.clone(),
        verdict,
        reasons,
        diff,
        inverse,
        problem: found.problem.clone(),
    }
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
