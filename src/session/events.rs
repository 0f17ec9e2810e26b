//! What happens to a session, and what it wants done: data, with no behaviour.

use serde_json::Value;

use super::approved::Approved;
use super::outcome::{Failure, Outcome};
use super::passage::Passage;
use crate::check::{Evidence, Report};
use crate::plan::{Draft, Focus, Kind, Plan, Snapshot, Step};

/// Where a session is. The names are those of the design.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Stage {
    /// Looking something up, or looking at the cluster.
    Retrieving,
    /// Asking the planner.
    Planning,
    /// Reading what was asked for.
    Reading,
    /// Trying the plan.
    Checking,
    /// Waiting for a yes.
    Reviewing,
    /// Writing to the audit log.
    Recording,
    /// Changing the cluster.
    Applying,
    /// Watching it settle.
    Verifying,
    /// At the end.
    Done,
}

/// What the user wants of this session beyond the request.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Wishes {
    /// Plan and check, then stop.
    pub plan_only: bool,
    /// Approve what `--yes` may approve.
    pub yes: bool,
    /// Somebody is there to be asked.
    pub interactive: bool,
    /// Lists are of every namespace where none is named.
    pub all_namespaces: bool,
}

/// What a planner answered.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Answer {
    /// Its text.
    pub text: String,
    /// How likely it found each line, from 0 to 1; empty where the server does not tell.
    pub confidence: Vec<f32>,
    /// Other texts that it found likely too, likeliest first, with their probabilities from 0 to 1.
    pub others: Vec<(String, f32)>,
    /// Whether its confidence was held against what is right, so that a low one is a reason to ask.
    pub measured: bool,
}

/// What somebody said to a review.
#[derive(Clone, Debug, PartialEq)]
pub enum Decision {
    /// Yes to the report with this digest.
    Approve {
        /// Of the report that was shown.
        digest: String,
        /// `terminal`, `--yes`, ...
        by: String,
    },
    /// Yes to the report with this digest, with the names typed that it asks for.
    ApproveNamed {
        /// Of the report that was shown.
        digest: String,
        /// `terminal`, ...
        by: String,
        /// What was typed.
        names: Vec<String>,
    },
    /// No.
    Reject {
        /// Why, if they said.
        reason: Option<String>,
    },
    /// Something else instead.
    Edit(Plan),
    /// Nobody is there.
    Nobody,
}

/// What happened.
#[derive(Clone, Debug, PartialEq)]
pub enum Event {
    /// The question was looked up: passages that answer it, best first; none where nothing is about it.
    Found(Vec<Passage>),
    /// The cluster was looked at.
    Retrieved(Snapshot),
    /// The planner answered.
    Planned(Answer),
    /// The adviser wrote manifests.
    Drafted(Draft),
    /// The plan was tried.
    Gathered(Evidence),
    /// A read step was done.
    Read {
        /// What it printed.
        text: String,
        /// What it found.
        data: Option<Value>,
    },
    /// Somebody decided.
    Decided(Decision),
    /// The record is on disk.
    Recorded,
    /// All calls of the step were made.
    Applied {
        /// What the server answered.
        receipts: Vec<Value>,
    },
    /// A call of the step failed.
    NotApplied {
        /// What the server answered to the calls before it.
        receipts: Vec<Value>,
        /// What went wrong.
        failure: Failure,
        /// Whether the object is not the one that was reviewed.
        changed: bool,
        /// Whether the call may have been made all the same, and only its answer was lost.
        uncertain: bool,
    },
    /// The step's effect was watched.
    Verified {
        /// Whether it is what was wanted.
        settled: bool,
        /// What was seen.
        summary: String,
    },
    /// The effect in hand could not be performed.
    Failed(Failure),
    /// The user wants it to stop.
    Interrupted,
}

/// What manifests are to be written.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Order {
    /// The kinds, in order; none where the request names none, and whoever writes has to choose.
    pub kinds: Vec<Kind>,
    /// The namespace that they are for.
    pub namespace: String,
    /// What the cluster has that the request may mean.
    pub focus: Focus,
    /// The last answer, and what was wrong with it.
    pub complaint: Option<(String, String)>,
}

/// What is to be recorded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RecordKind {
    /// Before the first change.
    Intent,
    /// After the last.
    Outcome,
    /// A decision after which nothing is changed.
    Decision,
    /// Something was only read.
    Read,
}

/// What is to be done.
#[derive(Clone, Debug, PartialEq)]
pub enum Effect {
    /// Look a question up in the knowledge base.
    LookUp(String),
    /// Look at the cluster.
    Retrieve,
    /// Ask the planner.
    Plan {
        /// The names it may use.
        focus: Focus,
        /// Its last answer and what was wrong with it.
        complaint: Option<(String, String)>,
    },
    /// Have manifests written.
    Draft(Box<Order>),
    /// Do a read step.
    Read(Step),
    /// Try a plan.
    Gather(Plan),
    /// Ask somebody. With the report goes how sure the planner was of each step, from 0 to 1, where it told.
    Review(Box<Report>, Vec<Option<f32>>),
    /// Write to the audit log.
    Record(RecordKind, Value),
    /// Make the calls of a step.
    Apply(Box<Approved>, usize),
    /// Watch the effect of a step.
    Verify(Box<Approved>, usize),
    /// Stop.
    Finish(Box<Outcome>),
}
