//! One rule: a condition in CEL, and what follows where it holds.

use cel::{Context, Program, Value};
use serde::{Deserialize, Serialize};

use super::examples::Example;
use super::facts::{Facts, VARIABLES};
use super::layer::PolicyError;
use crate::check::verdict::{Reason, Verdict, Weight};

/// The most characters of a condition.
const LONGEST: usize = 4_000;
/// What may stand in braces in a message.
const PLACEHOLDERS: &[&str] = &[
    "target",
    "kind",
    "name",
    "namespace",
    "context",
    "count",
    "pods",
    "item",
    "user",
];

/// A rule as it is written. See `builtin.toml` for what each key does.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Written {
    /// What it is called.
    pub id: String,
    /// A condition in CEL, asked of each object that a step touches.
    pub when: String,
    /// A list in CEL: the condition is asked of each of its items, as `item`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub each: Option<String>,
    /// What may happen where it holds.
    #[serde(default = "confirm")]
    pub verdict: Verdict,
    /// How much it weighs: `danger` is not covered by `--yes`.
    #[serde(default = "caution")]
    pub weight: Weight,
    /// What people read.
    pub message: String,
    /// Whether the object's name has to be typed.
    #[serde(default, skip_serializing_if = "is_false")]
    pub type_name: bool,
    /// How many people have to say yes.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub approvers: u32,
    /// Examples in which it holds.
    #[serde(default, rename = "match")]
    pub matches: Vec<Example>,
    /// Examples in which it does not.
    #[serde(default, rename = "miss")]
    pub misses: Vec<Example>,
}

fn confirm() -> Verdict {
    Verdict::Confirm
}

fn caution() -> Weight {
    Weight::Caution
}

#[allow(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference")]
fn is_false(value: &bool) -> bool {
    !value
}

#[allow(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference")]
fn is_zero(value: &u32) -> bool {
    *value == 0
}

/// A rule that can be asked.
#[derive(Debug)]
pub struct Rule {
    written: Written,
    when: Program,
    each: Option<Program>,
}

impl std::ops::Deref for Rule {
    type Target = Written;

    fn deref(&self) -> &Written {
        &self.written
    }
}

impl PartialEq for Rule {
    fn eq(&self, other: &Rule) -> bool {
        self.written == other.written
    }
}

impl Eq for Rule {}

impl Rule {
    /// Compiles what is written, and finds what could never work: unknown variables, placeholders that nothing fills.
    pub(super) fn new(written: Written) -> Result<Rule, PolicyError> {
        let when = compile(&written.id, &written.when)?;
        let each = written
            .each
            .as_deref()
            .map(|text| compile(&written.id, text))
            .transpose()?;
        check_message(&written)?;
        Ok(Rule { written, when, each })
    }

    /// What the rule says of these facts: nothing, or a reason for each item that it holds for. A condition that cannot be
    /// decided counts as one that holds, so that a rule never falls silent by mistake.
    pub(super) fn ask(&self, facts: &Facts) -> Vec<Reason> {
        let Some(each) = &self.each else {
            return self.holds(&facts.context, facts, "").into_iter().collect();
        };
        match each.execute(&facts.context) {
            Ok(Value::List(items)) => items
                .iter()
                .filter_map(|item| self.holds_for(item, facts))
                .collect(),
            Ok(other) => vec![self.undecided(&format!("`each` gives {} and not a list", other.type_of()))],
            Err(error) => vec![self.undecided(&error.to_string())],
        }
    }

    fn holds_for(&self, item: &Value, facts: &Facts) -> Option<Reason> {
        let mut context = facts.context.new_inner_scope();
        context.add_variable_from_value("item", item.clone());
        let shown = match item {
            Value::String(text) => text.to_string(),
            other => format!("{other:?}"),
        };
        self.holds(&context, facts, &shown)
    }

    fn holds(&self, context: &Context, facts: &Facts, item: &str) -> Option<Reason> {
        match self.when.execute(context) {
            Ok(Value::Bool(false)) => None,
            Ok(Value::Bool(true)) => Some(self.reason(facts.fill(&self.message, item))),
            Ok(other) => Some(self.undecided(&format!("its condition gives {}", other.type_of()))),
            Err(error) => Some(self.undecided(&error.to_string())),
        }
    }

    fn reason(&self, text: String) -> Reason {
        Reason {
            verdict: self.verdict,
            weight: if self.verdict == Verdict::Deny {
                Weight::Danger
            } else {
                self.weight
            },
            text,
            rule: Some(self.id.clone()),
        }
    }

    /// An undecided rule never passes `--yes`.
    fn undecided(&self, why: &str) -> Reason {
        let text = format!("rule `{}` could not be decided, so it counts ({why})", self.id);
        Reason {
            weight: Weight::Danger,
            ..self.reason(text)
        }
    }
}

fn compile(id: &str, text: &str) -> Result<Program, PolicyError> {
    let wrong = |message: String| PolicyError::Condition {
        id: id.to_owned(),
        message,
    };
    if text.len() > LONGEST {
        return Err(wrong(format!("is longer than {LONGEST} bytes")));
    }
    let program = Program::compile(text).map_err(|error| wrong(first_line(&error.to_string())))?;
    let bare: String = text.chars().filter(|c| !c.is_whitespace()).collect();
    // A name that a macro such as `exists(p, ...)` brings in is known inside it.
    let is_known = |name: &str| {
        VARIABLES.contains(&name) || name.starts_with('@') || bare.contains(&format!("({name},"))
    };
    let references = program.references();
    let mut unknown: Vec<&str> = references
        .variables()
        .into_iter()
        .filter(|name| !is_known(name))
        .collect();
    unknown.sort_unstable();
    match unknown.first() {
        Some(name) => Err(wrong(format!(
            "asks about `{name}`, which is none of {}",
            VARIABLES.join(", ")
        ))),
        None => Ok(program),
    }
}

fn first_line(text: &str) -> String {
    text.lines()
        .map(str::trim)
        .find(|line| !line.is_empty())
        .unwrap_or_default()
        .to_owned()
}

fn check_message(written: &Written) -> Result<(), PolicyError> {
    for part in written.message.split('{').skip(1) {
        let name = part.split('}').next().unwrap_or_default();
        if !PLACEHOLDERS.contains(&name) {
            return Err(PolicyError::Placeholder {
                id: written.id.clone(),
                name: name.to_owned(),
            });
        }
    }
    Ok(())
}
