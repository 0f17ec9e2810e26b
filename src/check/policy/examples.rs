//! The examples that rules carry, run: so that a policy is tested like code.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::Policy;
use super::facts::Facts;
use super::layer::Layer;
use super::rule::Rule;
use crate::check::evidence::{Call, CallVerb, Evidence, StepEvidence, Touched};
use crate::plan::{Kind, Step, Target};

/// A step in made-up circumstances.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Example {
    /// The command, without `kubectl`.
    pub step: String,
    /// Name of the context.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub context: Option<String>,
    /// Whether the context is protected.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub protected: Option<bool>,
    /// Who asks.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub user: Option<String>,
    /// When, as in `2026-01-30T17:00:00Z`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub now: Option<String>,
    /// The object's kind, where the command names none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub kind: Option<String>,
    /// The object as it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub before: Option<Value>,
    /// The object as it will be.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub after: Option<Value>,
    /// How many objects the step touches.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub objects: Option<usize>,
    /// How many running pods feel it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pods: Option<u32>,
}

/// What became of one example.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Trial {
    /// Where the rule stands.
    pub origin: String,
    /// The rule.
    pub rule: String,
    /// The example's command; empty where the rule has none.
    pub step: String,
    /// What is wrong with it; nothing where it came out as written.
    pub problem: Option<String>,
}

impl Layer {
    /// Runs every example of every rule. A rule without an example that matches and one that does not is told.
    pub fn try_examples(&self) -> Vec<Trial> {
        self.rules.iter().flat_map(|rule| self.try_rule(rule)).collect()
    }

    fn try_rule(&self, rule: &Rule) -> Vec<Trial> {
        let trial = |step: &str, problem: Option<String>| Trial {
            origin: self.origin.clone(),
            rule: rule.id.clone(),
            step: step.to_owned(),
            problem,
        };
        let mut trials = Vec::new();
        for (examples, wanted, kind) in [(&rule.matches, true, "match"), (&rule.misses, false, "miss")] {
            if examples.is_empty() {
                trials.push(trial("", Some(format!("it has no `{kind}` example"))));
            }
            let each = examples
                .iter()
                .map(|example| trial(&example.step, self.problem(rule, example, wanted)));
            trials.extend(each);
        }
        trials
    }

    fn problem(&self, rule: &Rule, example: &Example, wanted: bool) -> Option<String> {
        let facts = match self.facts(example) {
            Ok(facts) => facts,
            Err(problem) => return Some(problem),
        };
        let said: Vec<_> = facts.iter().flat_map(|facts| rule.ask(facts)).collect();
        match (said.first(), wanted) {
            (Some(reason), _) if reason.text.contains("could not be decided") => Some(reason.text.clone()),
            (Some(_), false) => Some("it should not match, and does".to_owned()),
            (None, true) => Some("it should match, and does not".to_owned()),
            _ => None,
        }
    }

    fn facts(&self, example: &Example) -> Result<Vec<Facts>, String> {
        let step: Step = example
            .step
            .parse()
            .map_err(|error| format!("its step cannot be read: {error}"))?;
        let at = match &example.now {
            Some(now) => now.parse().map_err(|_| format!("`{now}` is no time"))?,
            None => Timestamp::UNIX_EPOCH,
        };
        let context = example.context.clone().unwrap_or_else(|| "dev".to_owned());
        let mut policy = Policy {
            user: example.user.clone().unwrap_or_else(|| "ann".to_owned()),
            ..Policy::none()
        };
        policy
            .protected_contexts
            .extend(example.protected.unwrap_or_default().then(|| context.clone()));
        let zone = Layer {
            origin: String::new(),
            read_only: false,
            protected_contexts: Vec::new(),
            time_zone: self.time_zone.clone(),
            approvers: Vec::new(),
            rules: Vec::new(),
        };
        policy.add(zone);
        let evidence = Evidence {
            context,
            at: Some(at),
            steps: vec![StepEvidence {
                touched: touched(&step, example),
                ..StepEvidence::default()
            }],
            ..Evidence::default()
        };
        Ok(Facts::of(&step, &evidence.steps[0], &evidence, &policy))
    }
}

impl Policy {
    /// No rules at all, for trying one of them alone.
    fn none() -> Policy {
        Policy {
            layers: Vec::new(),
            ..Policy::default()
        }
    }
}

/// What the step would touch.
fn touched(step: &Step, example: &Example) -> Vec<Touched> {
    let mut targets: Vec<Target> = step.action.targets().into_iter().cloned().collect();
    let kind = example
        .kind
        .as_deref()
        .or(step.action.shape().words.strip_prefix("create "));
    if let (true, Some(kind)) = (targets.is_empty(), kind.and_then(Kind::read)) {
        let name = step.to_string().split(' ').nth(2).unwrap_or("new").to_owned();
        targets.push(Target { kind, name });
    }
    let count = example.objects.unwrap_or(targets.len());
    let numbered = targets
        .iter()
        .cycle()
        .take(if targets.is_empty() { 0 } else { count });
    numbered.map(|target| touch(step, target, example)).collect()
}

fn touch(step: &Step, target: &Target, example: &Example) -> Touched {
    let words = step.action.shape().words;
    let verb = match words.split(' ').next() {
        Some("delete") => CallVerb::Delete,
        Some("create" | "run" | "expose" | "autoscale") => CallVerb::Create,
        Some("apply") => CallVerb::Apply,
        _ => CallVerb::PatchMerge,
    };
    let exists = verb != CallVerb::Create || example.before.is_some();
    Touched {
        call: Call {
            verb,
            group: String::new(),
            version: "v1".to_owned(),
            resource: target.kind.plural().to_owned(),
            subresource: None,
            namespace: step.namespace().map(str::to_owned),
            name: target.name.clone(),
            kind: target.kind.as_str().to_owned(),
            body: None,
            dry_run: true,
        },
        access: None,
        uid: None,
        resource_version: None,
        before: exists.then(|| example.before.clone().unwrap_or_else(|| serde_json::json!({}))),
        after: example.after.clone(),
        pods: example.pods.unwrap_or_default(),
    }
}
