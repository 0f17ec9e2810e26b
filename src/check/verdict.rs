//! How strict, and why.

use serde::{Deserialize, Serialize};

/// What may happen to a step. Ordered: where several rules speak, the strictest wins (`max`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Verdict {
    /// It may be done without asking.
    #[default]
    Allow,
    /// Somebody has to say yes.
    Confirm,
    /// It may not be done.
    Deny,
}

/// How much a reason weighs. Ordered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Weight {
    /// Worth knowing.
    Note,
    /// Worth a second look.
    Caution,
    /// A person has to look: `--yes` does not cover it.
    Danger,
}

/// Why a step got its verdict.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reason {
    /// What follows from it.
    pub verdict: Verdict,
    /// How much it weighs.
    pub weight: Weight,
    /// One lower-case clause.
    pub text: String,
    /// The policy rule that says so; nothing where no rule does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rule: Option<String>,
}

impl Reason {
    /// Something to know.
    pub fn note(text: impl Into<String>) -> Reason {
        Reason {
            verdict: Verdict::Confirm,
            weight: Weight::Note,
            text: text.into(),
            rule: None,
        }
    }

    /// Something to look at twice.
    pub fn caution(text: impl Into<String>) -> Reason {
        Reason {
            verdict: Verdict::Confirm,
            weight: Weight::Caution,
            text: text.into(),
            rule: None,
        }
    }

    /// Something that a person has to decide.
    pub fn danger(text: impl Into<String>) -> Reason {
        Reason {
            verdict: Verdict::Confirm,
            weight: Weight::Danger,
            text: text.into(),
            rule: None,
        }
    }

    /// Something that may not be.
    pub fn deny(text: impl Into<String>) -> Reason {
        Reason {
            verdict: Verdict::Deny,
            weight: Weight::Danger,
            text: text.into(),
            rule: None,
        }
    }
}
