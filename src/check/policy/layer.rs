//! One file of policy.

use serde::Deserialize;

use super::rule::{Rule, Written};

/// A policy that cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PolicyError {
    /// It is no TOML, or has keys that no rule has.
    #[error("it cannot be read: {0}")]
    Malformed(String),
    /// A condition that cannot work.
    #[error("the condition of rule `{id}` {message}")]
    Condition {
        /// The rule.
        id: String,
        /// What is wrong with it.
        message: String,
    },
    /// A message with a placeholder that nothing fills.
    #[error("the message of rule `{id}` has the unknown placeholder `{{{name}}}`")]
    Placeholder {
        /// The rule.
        id: String,
        /// The placeholder.
        name: String,
    },
    /// Two rules of one name.
    #[error("two rules are called `{0}`")]
    Twice(String),
    /// No such time zone.
    #[error("there is no time zone `{0}`")]
    TimeZone(String),
}

/// `policy.toml`, as it is written.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct File {
    read_only: bool,
    protected_contexts: Vec<String>,
    time_zone: Option<String>,
    approvers: Vec<String>,
    rule: Vec<Written>,
}

/// One file of policy, read.
#[derive(Debug, PartialEq, Eq)]
pub struct Layer {
    /// Where it comes from: `built-in`, or its path.
    pub origin: String,
    /// Nothing may be written.
    pub read_only: bool,
    /// Contexts in which every change needs a person.
    pub protected_contexts: Vec<String>,
    /// In which `now` is told; UTC without it.
    pub time_zone: Option<String>,
    /// Public keys of those whose signatures count.
    pub approvers: Vec<String>,
    /// The rules, in the order of the file.
    pub rules: Vec<Rule>,
}

impl Layer {
    /// Reads one. `origin` is what messages call it.
    pub fn parse(origin: &str, text: &str) -> Result<Layer, PolicyError> {
        let file: File = toml::from_str(text)
            .map_err(|error| PolicyError::Malformed(error.to_string().trim().replace('\n', " ")))?;
        let zone = file.time_zone.as_deref();
        if let Some(zone) = zone.filter(|zone| jiff::tz::TimeZone::get(zone).is_err()) {
            return Err(PolicyError::TimeZone(zone.to_owned()));
        }
        let mut rules: Vec<Rule> = Vec::new();
        for written in file.rule {
            if rules.iter().any(|rule| rule.id == written.id) {
                return Err(PolicyError::Twice(written.id));
            }
            rules.push(Rule::new(written)?);
        }
        Ok(Layer {
            origin: origin.to_owned(),
            read_only: file.read_only,
            protected_contexts: file.protected_contexts,
            time_zone: file.time_zone,
            approvers: file.approvers,
            rules,
        })
    }

    /// The rules that come with Sayso. A test reads them, so they can be read; were they not, everything would be denied.
    pub(super) fn builtin() -> Layer {
        Layer::parse("built-in", include_str!("builtin.toml")).unwrap_or_else(|_| Layer {
            origin: "built-in".to_owned(),
            read_only: true,
            protected_contexts: Vec::new(),
            time_zone: None,
            approvers: Vec::new(),
            rules: Vec::new(),
        })
    }
}
