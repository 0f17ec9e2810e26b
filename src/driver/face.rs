//! What a driver needs of whoever shows what it does, and the words and numbers that they share.

use crate::check::Report;
use crate::cluster::ClusterError;
use crate::llm::LlmError;
use crate::session::{Decision, Failure, Stage};

/// What a driver needs of the face in front of it.
pub trait Face: Send {
    /// Something is under way. `detail` is for people, one line.
    fn stage(&mut self, stage: Stage, detail: &str);
    /// Something long is under way, with an end in sight.
    fn progress(&mut self, what: &str, done: u64, total: u64);
    /// The pods of the rollout that is waited for, by name and state, whenever one of them changed.
    fn pods(&mut self, _pods: &[(String, String)]) {}
    /// The model is writing this piece of its answer. For display only: what counts comes with the review.
    fn writing(&mut self, _text: &str) {}
    /// A read printed something. Notices are no part of it.
    fn read(&mut self, text: &str, notices: &[String]);
    /// Asks somebody. `confidence` is the planner's in each step, from 0 to 1, where it told.
    fn review(
        &mut self,
        report: &Report,
        confidence: &[Option<f32>],
    ) -> impl Future<Output = Decision> + Send;
}

/// What something long is called in front of people.
pub fn progress_words(what: &str) -> &str {
    match what {
        "download" => "fetching the planner (once)",
        "verify" => "checking the planner",
        "merge" => "preparing the planner (once)",
        "load" => "starting the planner",
        "probe" => "asking the model server what it keeps to (once)",
        other => other,
    }
}

/// Tokens that a request took.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize)]
pub struct Usage {
    /// Read by the model.
    pub prompt_tokens: u32,
    /// Written by it.
    pub completion_tokens: u32,
}

impl Usage {
    /// Adds what something else took. A server may count what it likes: the sum stops at the largest number.
    pub(super) fn add(&mut self, other: Usage) {
        self.prompt_tokens = self.prompt_tokens.saturating_add(other.prompt_tokens);
        self.completion_tokens = self.completion_tokens.saturating_add(other.completion_tokens);
    }
}

impl From<crate::llm::Usage> for Usage {
    fn from(reply: crate::llm::Usage) -> Usage {
        Usage {
            prompt_tokens: reply.prompt_tokens,
            completion_tokens: reply.completion_tokens,
        }
    }
}

/// What faces are told of an error of the cluster's.
pub(super) fn cluster_failure(error: &ClusterError) -> Failure {
    Failure {
        message: error.to_string(),
        hint: error.hint(),
    }
}

/// What faces are told of an error of a model's.
pub(super) fn model_failure(error: &LlmError) -> Failure {
    Failure {
        message: error.to_string(),
        hint: error.hint(),
    }
}
