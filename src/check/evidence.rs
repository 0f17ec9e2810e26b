//! What was found out about a plan: the calls it comes to, the objects it touches, what the server said of it.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::plan::{Kind, Target};

/// What an API call does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum CallVerb {
    /// POST of a new object.
    Create,
    /// PATCH, strategic merge.
    PatchStrategic,
    /// PATCH, RFC 7386.
    PatchMerge,
    /// PATCH, RFC 6902.
    PatchJson,
    /// PATCH, server-side apply with field manager `sayso`.
    Apply,
    /// PUT of a whole object.
    Replace,
    /// DELETE.
    Delete,
    /// POST of an eviction.
    Evict,
}

impl CallVerb {
    /// The verb that access control knows this call by.
    pub fn access_verb(self) -> &'static str {
        match self {
            CallVerb::Create | CallVerb::Evict => "create",
            CallVerb::PatchStrategic | CallVerb::PatchMerge | CallVerb::PatchJson | CallVerb::Apply => {
                "patch"
            }
            CallVerb::Replace => "update",
            CallVerb::Delete => "delete",
        }
    }
}

/// One write to the API, whole: what is reviewed, recorded, digested and sent is this value.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Call {
    /// What it does.
    pub verb: CallVerb,
    /// API group, empty for the core group.
    pub group: String,
    /// API version.
    pub version: String,
    /// The resource's name in paths.
    pub resource: String,
    /// `scale`, `eviction`, `token`, or nothing for the object itself.
    pub subresource: Option<String>,
    /// Nothing for what is not in a namespace.
    pub namespace: Option<String>,
    /// The object's name.
    pub name: String,
    /// Kind of the object, as the plan language spells it.
    pub kind: String,
    /// The body that is sent, before preconditions are added.
    pub body: Option<Value>,
    /// Whether the server can try the call without doing it (an eviction or a token can be tried too).
    pub dry_run: bool,
}

/// What access control says of one call.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Access {
    /// Verb, resource and place, as in `patch deployments/scale in shop`.
    pub what: String,
    /// Whether the server would let it pass.
    pub allowed: bool,
    /// Its reason, if it gave one.
    pub reason: Option<String>,
}

/// One object before and after a call.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Touched {
    /// The call.
    pub call: Call,
    /// May it be made.
    pub access: Option<Access>,
    /// The object's UID; nothing where it does not exist yet.
    pub uid: Option<String>,
    /// The object's version when it was looked at.
    pub resource_version: Option<String>,
    /// The whole object as it is; nothing where it does not exist yet.
    pub before: Option<Value>,
    /// The object as the server's dry run left it; nothing where it will be gone, or no dry run was possible.
    pub after: Option<Value>,
    /// How many running pods the call replaces, moves or ends.
    pub pods: u32,
}

impl Touched {
    /// The object as the plan language names it; nothing where its kind cannot be spelled.
    pub fn target(&self) -> Option<Target> {
        Some(Target {
            kind: Kind::read(&self.call.kind)?,
            name: self.call.name.clone(),
        })
    }
}

/// Why a step cannot be done, as far as the cluster can tell beforehand.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "problem", rename_all = "kebab-case")]
pub enum Problem {
    /// There is no such object.
    NotFound {
        /// The server's words.
        message: String,
    },
    /// Access control says no.
    Forbidden {
        /// The server's words.
        message: String,
    },
    /// The server's dry run says no.
    Rejected {
        /// HTTP status.
        code: u16,
        /// Machine-readable reason, as in `Invalid`.
        reason: String,
        /// The server's words.
        message: String,
    },
    /// The step cannot be put into calls here (no such container, no earlier revision, ...).
    Impossible {
        /// One lower-case clause.
        message: String,
    },
    /// The step would change nothing.
    NothingToDo {
        /// One lower-case clause.
        message: String,
    },
}

impl Problem {
    /// What stands in the way, as one clause.
    pub fn message(&self) -> &str {
        match self {
            Problem::NotFound { message }
            | Problem::Forbidden { message }
            | Problem::Rejected { message, .. }
            | Problem::Impossible { message }
            | Problem::NothingToDo { message } => message,
        }
    }

    /// What to do about it.
    pub fn hint(&self) -> Option<&'static str> {
        match self {
            Problem::NotFound { .. } => {
                Some("`sayso \"list ...\"` shows what is there; `-n` names another namespace")
            }
            Problem::Forbidden { .. } => Some("ask for the access, or use another context or `--as`"),
            _ => None,
        }
    }
}

/// What was found out about one step.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct StepEvidence {
    /// What it touches, in the order of the calls.
    pub touched: Vec<Touched>,
    /// Why it cannot be done.
    pub problem: Option<Problem>,
    /// Things worth knowing, each one lower-case clause.
    pub notes: Vec<String>,
}

/// What was found out about a plan: one entry a step.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Evidence {
    /// Name of the kubeconfig context.
    pub context: String,
    /// UID of the namespace `kube-system`, by which clusters are told apart; nothing where it may not be read.
    pub cluster: Option<String>,
    /// When the cluster was looked at.
    #[serde(default)]
    pub at: Option<Timestamp>,
    /// One entry a step; empty ones for reads.
    pub steps: Vec<StepEvidence>,
}
