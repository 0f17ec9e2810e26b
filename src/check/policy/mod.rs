//! Policy: rules with conditions, in layers of which the strictest wins.
//!
//! | file | what it does |
//! |---|---|
//! | [`rule`] | one rule: its condition, compiled, and what it says |
//! | [`layer`] | one file of rules, read from TOML |
//! | [`facts`] | what a condition can ask about |
//! | [`examples`] | the examples that rules carry, run |
//! | `builtin.toml` | the rules that come with Sayso |
//!
//! A rule can only add: a reason, a stricter verdict, a name to type, another approver. What several rules say is joined
//! by the maximum, so no rule can take back what another one asks for (a property test holds this).

mod examples;
mod facts;
mod layer;
mod rule;

#[cfg(test)]
mod tests;

use std::collections::BTreeSet;
use std::sync::{Arc, LazyLock};

pub use examples::Trial;
pub use layer::{Layer, PolicyError};
pub use rule::Rule;

use super::evidence::{Evidence, StepEvidence};
use super::verdict::{Reason, Verdict};
use crate::plan::Step;
use facts::Facts;

/// Names that have to be typed one by one; of more objects than this their number is typed.
const NAMES: usize = 3;

static BUILTIN: LazyLock<Arc<Layer>> = LazyLock::new(|| Arc::new(Layer::builtin()));

/// What may be done, and who says so.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Policy {
    /// Nothing may be written (`--read-only`, or a layer's `read_only`).
    pub read_only: bool,
    /// Contexts in which every change needs a person, whatever they are called.
    pub protected_contexts: Vec<String>,
    /// Who is asking, as conditions know them.
    pub user: String,
    /// The layers of rules; the built-in one is the first.
    pub layers: Vec<Arc<Layer>>,
}

impl Default for Policy {
    fn default() -> Policy {
        Policy {
            read_only: false,
            protected_contexts: Vec::new(),
            user: String::new(),
            layers: vec![BUILTIN.clone()],
        }
    }
}

/// What policy says of one step.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Judgement {
    /// Why, in the order of the rules.
    pub reasons: Vec<Reason>,
    /// Names that a person has to type.
    pub names: BTreeSet<String>,
    /// How many people have to say yes; 0 where no rule asks.
    pub approvers: u32,
}

impl Policy {
    /// Adds a layer: its rules, and what it says of everything.
    pub fn add(&mut self, layer: Layer) {
        self.read_only |= layer.read_only;
        self.protected_contexts
            .extend(layer.protected_contexts.iter().cloned());
        self.layers.push(Arc::new(layer));
    }

    /// Every rule with the layer that it stands in.
    pub fn rules(&self) -> impl Iterator<Item = (&Layer, &Rule)> {
        self.layers
            .iter()
            .flat_map(|layer| layer.rules.iter().map(move |rule| (layer.as_ref(), rule)))
    }

    /// Public keys of those whose signatures count, as lines of `authorized_keys`. Where a layer other than the user's own
    /// (the last) names any, the user's do not count: nobody appoints their own second pair of eyes.
    pub fn approver_keys(&self) -> Vec<String> {
        let named = self.layers.iter().find(|layer| !layer.approvers.is_empty());
        named.map_or_else(Vec::new, |layer| layer.approvers.clone())
    }

    /// What the rules say of a step that writes.
    pub fn judge(&self, step: &Step, found: &StepEvidence, evidence: &Evidence) -> Judgement {
        let mut judgement = Judgement::default();
        if self.read_only {
            let text = "sayso was told to change nothing (read-only)";
            judgement.reasons.push(Reason::deny(text));
        }
        let mut to_type = Vec::new();
        for facts in Facts::of(step, found, evidence, self) {
            for (_, rule) in self.rules() {
                let said = rule.ask(&facts);
                if !said.is_empty() {
                    judgement.approvers = judgement.approvers.max(rule.approvers);
                    to_type.extend(rule.type_name.then(|| facts.name.clone()));
                }
                judgement.reasons.extend(said);
            }
        }
        judgement.names = names(to_type);
        let mut seen = BTreeSet::new();
        judgement
            .reasons
            .retain(|reason| seen.insert((reason.text.clone(), reason.verdict, reason.weight)));
        judgement
    }
}

/// What has to be typed for these objects: their names, or where there are many, how many they are.
fn names(objects: Vec<String>) -> BTreeSet<String> {
    let names: BTreeSet<String> = objects.into_iter().filter(|name| !name.is_empty()).collect();
    if names.len() > NAMES {
        return BTreeSet::from([format!("{} objects", names.len())]);
    }
    names
}

impl Judgement {
    /// The strictest of all reasons; a write is confirmed at the least.
    pub fn verdict(&self) -> Verdict {
        let reasons = self.reasons.iter().map(|reason| reason.verdict);
        reasons.max().unwrap_or_default().max(Verdict::Confirm)
    }
}
