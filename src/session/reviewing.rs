//! From evidence to a yes or a no.

use serde_json::json;

use super::approved::Approved;
use super::events::{Decision, Effect, RecordKind, Stage};
use super::machine::{Origin, Session};
use super::outcome::{Ending, Failure};
use super::undo::conflicts;
use crate::check::{Evidence, Report, Touched, report};
use crate::plan::Step;

impl Session {
    pub(super) fn gathered(&mut self, evidence: Evidence) -> Vec<Effect> {
        let Some(plan) = &self.plan else {
            return self.failed(Failure::new("there is no plan to check"));
        };
        let report = report(plan, &evidence, &self.policy);
        self.evidence = evidence;
        self.report = Some(report.clone());
        if let Some((index, problem)) = report.blocked() {
            if let Some(effects) = self.send_back(problem) {
                return effects;
            }
            let failure = Failure::new(format!("step {}: {}", index + 1, problem.message()));
            let failure = match problem.hint() {
                Some(hint) => failure.with_hint(hint),
                None => failure,
            };
            return self.decide(Ending::Failed, None, Some(failure));
        }
        if let Some(failure) = self.moved_on(&report) {
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
        if let Some(failure) = self.too_few(&report) {
            return self.decide(Ending::NeedsApproval, None, Some(failure));
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

    pub(super) fn decided(&mut self, decision: Decision) -> Vec<Effect> {
        match decision {
            Decision::Approve { digest, by } => self.approve(&digest, &by, &[]),
            Decision::ApproveNamed { digest, by, names } => self.approve(&digest, &by, &names),
            Decision::Edit(_) if matches!(self.origin, Origin::File(..)) => {
                let failure = Failure::new("a plan from a file is applied as it is, or not at all")
                    .with_hint("make another one with `sayso plan REQUEST -f FILE`");
                self.decide(Ending::Refused, None, Some(failure))
            }
            Decision::Edit(plan) => {
                self.origin = Origin::Words;
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

    /// Why a plan that was made before does not fit what is there now.
    fn moved_on(&self, report: &Report) -> Option<Failure> {
        let (what, moved, hint) = match &self.origin {
            Origin::Words | Origin::Drafted(_) => return None,
            Origin::File(file, _) => (
                "the plan is void",
                file.moved(report),
                "make it again with `sayso plan REQUEST -f FILE`, and read what changed",
            ),
            Origin::Undo(expected) => (
                "the world moved on, and taking it back would undo what others did since",
                conflicts(expected, &self.evidence),
                "say what it should be now, as a request of its own",
            ),
        };
        let lines = moved.join("\n  ");
        (!moved.is_empty()).then(|| Failure::new(format!("{what}:\n  {lines}")).with_hint(hint))
    }

    /// Why policy wants more people than there are: the one at the review, and those who signed the file.
    fn too_few(&self, report: &Report) -> Option<Failure> {
        let signers = match &self.origin {
            Origin::File(_, signers) => signers.as_slice(),
            _ => &[],
        };
        let there = u32::try_from(signers.len()).unwrap_or(u32::MAX).saturating_add(1);
        (there < report.approvers).then(|| {
            Failure::new(format!("policy wants {} people to approve this, and there is {there}", report.approvers)).with_hint(
                "`sayso plan REQUEST -f FILE` writes it down, `sayso approve FILE` signs it, `sayso apply FILE` does it",
            )
        })
    }

    /// An approval counts only for the report that is on the table, and only with every name that it asks for.
    pub(super) fn approve(&mut self, digest: &str, by: &str, names: &[String]) -> Vec<Effect> {
        let Some((report, plan)) = self.report.as_ref().zip(self.plan.as_ref()) else {
            return self.failed(Failure::new("there is no report to approve"));
        };
        if report.digest != digest || report.names.iter().any(|name| !names.contains(name)) {
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
        self.approved = Some(Approved::mint(steps, digest.to_owned(), self.evidence.at));
        self.approval = json!({ "by": by, "digest": digest, "names": names });
        if let Origin::File(file, signers) = &self.origin {
            self.approval["plan"] =
                json!({ "id": file.id, "author": file.author, "seal": file.seal, "signers": signers });
        }
        self.record(RecordKind::Intent)
    }
}
