//! How a request ended.

use serde::Serialize;
use serde_json::Value;

use super::passage::Passage;
use crate::check::{Inverse, Report, StepReport};
use crate::plan::Earlier;

/// How a request ended, in the words of `-o json`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Ending {
    /// Every change was made and seen to hold.
    Done,
    /// A plan was made and nothing else was asked for.
    Planned,
    /// What was asked for was read, or looked up.
    Answered,
    /// Nobody was there to say yes.
    NeedsApproval,
    /// Policy says no.
    Denied,
    /// Somebody said no, or the request is not one to plan for.
    Refused,
    /// The request can be read in several ways, or in none.
    Unclear,
    /// Something went wrong.
    Failed,
    /// The user stopped it.
    Interrupted,
}

/// What went wrong, and what to do about it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Failure {
    /// One lower-case clause.
    pub message: String,
    /// What to do next.
    pub hint: Option<String>,
}

impl Failure {
    /// A failure that has no advice to give.
    pub fn new(message: impl Into<String>) -> Failure {
        Failure {
            message: message.into(),
            hint: None,
        }
    }

    /// Adds advice.
    pub fn with_hint(mut self, hint: impl Into<String>) -> Failure {
        self.hint = Some(hint.into());
        self
    }
}

/// What became of one step.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct StepResult {
    /// Whether its calls were all made.
    pub applied: bool,
    /// What the server answered, one entry a call that was made.
    pub receipts: Vec<Value>,
    /// What was seen afterwards.
    pub verified: Option<String>,
    /// Whether what was seen is what was wanted.
    pub settled: Option<bool>,
    /// Text that a read printed.
    pub text: Option<String>,
    /// Data that a read found.
    pub data: Option<Value>,
    /// Why it was not done, or not to its end.
    pub error: Option<Failure>,
    /// Whether a call of it may have been made although its answer was lost. A later outcome of the same action says.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub uncertain: bool,
}

/// The end of a session.
#[derive(Clone, Debug, PartialEq)]
pub struct Outcome {
    /// How it ended.
    pub ending: Ending,
    /// The request in full, where it leant on an earlier one.
    pub understood: Option<String>,
    /// The plan as it was judged last, if there was one.
    pub report: Option<Report>,
    /// Passages that answer a question, best first.
    pub passages: Vec<Passage>,
    /// What became of each step; empty where none was begun.
    pub results: Vec<StepResult>,
    /// Confidence of the planner in each step, from 0 to 1, where it gave one.
    pub confidence: Vec<Option<f32>>,
    /// What to ask the user.
    pub question: Option<String>,
    /// What went wrong.
    pub failure: Option<Failure>,
    /// Whether an intent was recorded.
    pub recorded: bool,
    /// The exit status for an interrupted or failed run still counts what was applied.
    pub applied_steps: usize,
}

impl Outcome {
    /// What the next request of a conversation may lean on.
    pub fn earlier(&self, request: &str) -> Earlier {
        let steps = self.report.iter().flat_map(|report| &report.steps);
        Earlier {
            words: self.understood.clone().unwrap_or_else(|| request.to_owned()),
            steps: steps.map(|step| step.step.clone()).collect(),
            asked_back: self.ending == Ending::Unclear,
        }
    }

    /// Whether something was changed, and each of the changes has a way back.
    pub fn can_be_undone(&self) -> bool {
        let Some(report) = &self.report else {
            return false;
        };
        // First it has to be known what is to be taken back.
        if self.results.iter().any(|result| result.uncertain) {
            return false;
        }
        let mut made = report
            .steps
            .iter()
            .zip(&self.results)
            .filter(|(_, result)| !result.receipts.is_empty())
            .peekable();
        let has_way = |step: &StepReport| {
            step.inverse
                .iter()
                .all(|inverse| matches!(inverse, Inverse::Step(_)))
        };
        made.peek().is_some() && made.all(|(step, _)| has_way(step))
    }

    /// The outcome of a session that never got anywhere.
    pub fn nothing() -> Outcome {
        Outcome {
            ending: Ending::Failed,
            understood: None,
            report: None,
            passages: Vec::new(),
            results: Vec::new(),
            confidence: Vec::new(),
            question: None,
            failure: Some(Failure::new("the session ended before it began")),
            recorded: false,
            applied_steps: 0,
        }
    }
}
