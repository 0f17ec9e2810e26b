//! Plans as text: reading what a model or a person wrote, and writing what will be done.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::command::{Action, CanI, Effect, Reach, SHAPES};
use super::field::Value as _;
use super::grammar::MAX_STEPS;
use super::target::is_name;
use super::value::{AccessResource, Subresource};
use super::words::ParseError;

/// Which namespaces a step is about.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub enum Scope {
    /// The one that applies where none is named.
    #[default]
    Default,
    /// One by name.
    Named(String),
    /// Every one.
    All,
}

/// One step: a command and the namespaces it is about.
#[derive(Clone, Debug, PartialEq)]
pub struct Step {
    /// The command.
    pub action: Action,
    /// The namespaces.
    pub scope: Scope,
}

/// Steps to be done in order; never empty.
#[derive(Clone, Debug, PartialEq)]
pub struct Plan {
    steps: Vec<Step>,
}

/// What a planner may answer: a plan, or a rough one ([`super::Rough`]), or that there is none.
#[derive(Clone, Debug, PartialEq)]
pub enum Proposal<P = Plan> {
    /// Steps.
    Plan(P),
    /// The request can be read in more than one way, or not at all.
    Unclear,
    /// The request is not about a cluster, or nothing that should be done.
    Refuse,
}

impl<P> Proposal<P> {
    /// The same about something that is made of the steps.
    pub(super) fn try_map<Q, E>(self, make: impl FnOnce(P) -> Result<Q, E>) -> Result<Proposal<Q>, E> {
        Ok(match self {
            Proposal::Plan(steps) => Proposal::Plan(make(steps)?),
            Proposal::Unclear => Proposal::Unclear,
            Proposal::Refuse => Proposal::Refuse,
        })
    }
}

impl Step {
    /// A step in the default namespace.
    pub fn new(action: Action) -> Step {
        Step {
            action,
            scope: Scope::Default,
        }
    }

    /// Whether the step changes the cluster.
    pub fn writes(&self) -> bool {
        self.action.shape().effect == Effect::Write
    }

    /// The namespace, if one is named.
    pub fn namespace(&self) -> Option<&str> {
        match &self.scope {
            Scope::Named(name) => Some(name),
            _ => None,
        }
    }

    /// The line as a person would type it: with `kubectl` in front, or `kubectl sayso` where kubectl has no such
    /// command.
    pub fn by_hand(&self) -> String {
        let program = if matches!(self.action, Action::Diagnose(_) | Action::DiagnoseAll(_)) {
            "kubectl sayso"
        } else {
            "kubectl"
        };
        match &self.action {
            Action::CanI(asked) => format!("{program} {}", self.with(Action::CanI(asked.spelt_out()))),
            _ => format!("{program} {self}"),
        }
    }

    fn with(&self, action: Action) -> Step {
        Step {
            action,
            scope: self.scope.clone(),
        }
    }
}

impl CanI {
    /// With a subresource in the flag where kubectl expects it: behind a slash kubectl reads the name of an object.
    pub fn spelt_out(&self) -> CanI {
        let parts = self.resource.0.split_once('/');
        let found = parts.and_then(|(resource, part)| Some((resource, Subresource::read(part)?)));
        match found {
            Some((resource, part)) => CanI {
                resource: AccessResource(resource.to_owned()),
                subresource: Some(part),
                ..self.clone()
            },
            None => self.clone(),
        }
    }
}

impl Plan {
    /// A plan of these steps.
    pub fn new(steps: Vec<Step>) -> Result<Plan, ParseError> {
        match steps.len() {
            0 => Err(ParseError::Empty),
            count if count > MAX_STEPS => Err(ParseError::TooLong(count, MAX_STEPS)),
            _ => Ok(Plan { steps }),
        }
    }

    /// The steps, in order.
    pub fn steps(&self) -> &[Step] {
        &self.steps
    }

    /// Whether any step changes the cluster.
    pub fn writes(&self) -> bool {
        self.steps.iter().any(Step::writes)
    }

    /// The steps, to change.
    pub fn steps_mut(&mut self) -> &mut [Step] {
        &mut self.steps
    }

    /// The plan with every list that names no namespace made to list them all. Writes stay as they are.
    pub fn everywhere(mut self) -> Plan {
        for step in &mut self.steps {
            if step.scope == Scope::Default && step.action.shape().reach == Reach::Any {
                step.scope = Scope::All;
            }
        }
        self
    }
}

impl fmt::Display for Step {
    /// Writes the line without `kubectl`; `parse` gives the same step back.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let line = self.action.put().finish();
        let scope = match &self.scope {
            Scope::Default => return f.write_str(&line),
            Scope::Named(name) => format!(" -n {name}"),
            Scope::All => " -A".to_owned(),
        };
        match line.split_once(" -- ") {
            Some((before, after)) if has_trailing(&self.action) => write!(f, "{before}{scope} -- {after}"),
            _ => write!(f, "{line}{scope}"),
        }
    }
}

impl Step {
    /// The line for telling what became of the step: a manifest is named, not spelled out.
    pub fn brief(&self) -> String {
        let Action::Apply(command) = &self.action else {
            return self.to_string();
        };
        let word = |pointer| {
            command
                .manifest
                .0
                .pointer(pointer)
                .and_then(serde_json::Value::as_str)
        };
        let kind = word("/kind").unwrap_or("?").to_lowercase();
        let name = word("/metadata/name").unwrap_or("?");
        match &self.scope {
            Scope::Named(namespace) => format!("apply {kind}/{name} -n {namespace}"),
            _ => format!("apply {kind}/{name}"),
        }
    }
}

/// Whether ` -- ` on the line is the separator, not part of a quoted value.
fn has_trailing(action: &Action) -> bool {
    match action {
        Action::Run(command) => !command.arguments.is_empty(),
        Action::CreateDeployment(command) => !command.arguments.is_empty(),
        Action::CreateJob(command) => !command.arguments.is_empty(),
        Action::CreateCronJob(command) => !command.arguments.is_empty(),
        _ => false,
    }
}

impl fmt::Display for Plan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let lines: Vec<String> = self.steps.iter().map(ToString::to_string).collect();
        f.write_str(&lines.join("\n"))
    }
}

impl FromStr for Step {
    type Err = ParseError;

    fn from_str(line: &str) -> Result<Step, ParseError> {
        let words = shlex::split(line).ok_or_else(|| ParseError::Quotes(shorten(line)))?;
        let words = without_program(words);
        let (words, scope) = take_scope(words)?;
        let action = read_action(&words)?;
        let scope = match (action.shape().reach, scope) {
            (Reach::Cluster, _) => Scope::Default,
            (Reach::Namespace, Scope::All) => return Err(ParseError::Unexpected("-A".to_owned())),
            (_, scope) => scope,
        };
        Ok(Step { action, scope })
    }
}

/// Reads a whole plan: one step a line; blank lines, comments and code fences are passed over.
pub fn parse(text: &str) -> Result<Proposal, ParseError> {
    read_lines(text)?.try_map(Plan::new)
}

/// Reads the lines of a plan, each by itself.
pub(super) fn read_lines<S: FromStr<Err = ParseError>>(text: &str) -> Result<Proposal<Vec<S>>, ParseError> {
    let lines = text
        .lines()
        .map(str::trim)
        .filter(|line| !line.is_empty() && !line.starts_with("```") && !line.starts_with('#'));
    let mut steps = Vec::new();
    for line in lines {
        match line {
            "unclear" if steps.is_empty() => return Ok(Proposal::Unclear),
            "refuse" if steps.is_empty() => return Ok(Proposal::Refuse),
            _ => steps.push(line.parse()?),
        }
    }
    Ok(Proposal::Plan(steps))
}

/// Drops `kubectl`, `kubectl sayso` or `$ kubectl` in front.
fn without_program(mut words: Vec<String>) -> Vec<String> {
    for program in ["$", "kubectl", "k", "sayso"] {
        if words.first().is_some_and(|word| word == program) {
            words.remove(0);
        }
    }
    words
}

/// Takes the namespace flags out, wherever they stand before ` -- `.
fn take_scope(words: Vec<String>) -> Result<(Vec<String>, Scope), ParseError> {
    let mut scope = Scope::Default;
    let mut kept = Vec::with_capacity(words.len());
    let mut rest = words.into_iter();
    while let Some(word) = rest.next() {
        let inline = word
            .strip_prefix("--namespace=")
            .or_else(|| word.strip_prefix("-n="))
            .map(str::to_owned);
        match word.as_str() {
            "--" => {
                kept.push(word);
                kept.extend(rest);
                break;
            }
            "-A" | "--all-namespaces" => scope = Scope::All,
            "-n" | "--namespace" => {
                let name = rest.next().ok_or_else(|| ParseError::FlagValue(word.clone()))?;
                scope = named_scope(name)?;
            }
            _ => match inline {
                Some(name) => scope = named_scope(name)?,
                None => kept.push(word),
            },
        }
    }
    Ok((kept, scope))
}

fn named_scope(name: String) -> Result<Scope, ParseError> {
    if is_name(&name) {
        return Ok(Scope::Named(name));
    }
    Err(ParseError::Value {
        value: name,
        expected: "the name of a namespace".to_owned(),
    })
}

/// Tries every command that begins with these words. Where none reads the line, the error of the one that began with
/// the most words is told, and among those the first, which is the common form.
fn read_action(words: &[String]) -> Result<Action, ParseError> {
    let mut failure: Option<(usize, ParseError)> = None;
    for shape in SHAPES {
        let own: Vec<&str> = shape.words.split(' ').collect();
        if words.len() < own.len()
            || own
                .iter()
                .zip(words)
                .any(|(own, word)| own != word && !is_alias(own, word))
        {
            continue;
        }
        match shape.read(&words[own.len()..]) {
            Ok(action) => return Ok(action),
            Err(error) if failure.as_ref().is_none_or(|(most, _)| own.len() > *most) => {
                failure = Some((own.len(), error));
            }
            Err(_) => {}
        }
    }
    Err(failure.map_or_else(|| unknown(words), |(_, error)| error))
}

/// kubectl's other spellings of a command's words.
fn is_alias(own: &str, word: &str) -> bool {
    matches!(
        (own, word),
        ("namespace", "ns")
            | ("deployment", "deploy" | "deployments")
            | ("service", "svc")
            | ("ingress", "ing")
            | ("configmap", "cm")
            | ("cronjob", "cj")
            | ("serviceaccount", "sa")
            | ("quota", "resourcequota")
            | ("poddisruptionbudget", "pdb")
            | ("priorityclass", "pc")
            | ("nodes", "node" | "no")
    )
}

fn unknown(words: &[String]) -> ParseError {
    match words {
        [] => ParseError::Empty,
        words => ParseError::UnknownCommand(shorten(&words[..words.len().min(2)].join(" "))),
    }
}

/// A text short enough for a message.
fn shorten(text: &str) -> String {
    match text.char_indices().nth(80) {
        Some((at, _)) => format!("{}...", &text[..at]),
        None => text.to_owned(),
    }
}

impl Serialize for Step {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Step {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Step, D::Error> {
        String::deserialize(deserializer)?
            .parse()
            .map_err(serde::de::Error::custom)
    }
}

impl Serialize for Plan {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.steps.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Plan {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Plan, D::Error> {
        Plan::new(Vec::deserialize(deserializer)?).map_err(serde::de::Error::custom)
    }
}
