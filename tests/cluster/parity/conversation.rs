//! Conversations with an API server as data, and what is said when one is held.

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde::Deserialize;
use serde_json::{Value, json};

/// One conversation, in a namespace of its own.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Conversation {
    /// What it is about; no two have the same.
    pub name: String,
    /// The requests, in order. A line alone is a request without anything else.
    pub turns: Vec<Line>,
}

/// A turn as it is written.
#[derive(Debug, Clone, Deserialize)]
#[serde(untagged)]
pub enum Line {
    /// The request alone.
    Bare(String),
    /// The request with what belongs to it.
    Whole(Box<Turn>),
}

impl Line {
    /// The turn.
    pub fn turn(&self) -> Turn {
        match self {
            Line::Bare(ask) => Turn {
                ask: ask.clone(),
                ..Turn::default()
            },
            Line::Whole(turn) => (**turn).clone(),
        }
    }
}

/// One request, and what is done with its answer. `$NS` is the conversation's namespace, `$name` what was saved as `name`.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Turn {
    /// A method and a path. `MERGE`, `STRATEGIC`, `JSONPATCH` and `APPLY` are the four kinds of `PATCH`; a path that does not
    /// begin with `/` is one in the namespace: `pods/a`, `apps/v1/deployments`.
    pub ask: String,
    /// The body, sent as JSON.
    pub body: Option<Value>,
    /// The body as it is, where it is not JSON, or no good one.
    pub text: Option<String>,
    /// The media type of the body, where the method does not say it.
    #[serde(rename = "type")]
    pub media: Option<String>,
    /// Who asks, if not an administrator.
    #[serde(rename = "as")]
    pub user: Option<String>,
    /// What is accepted for an answer.
    pub accept: Option<String>,
    /// What later turns use of the answer: names and pointers into it.
    pub save: BTreeMap<String, String>,
    /// The request is repeated until the answer has these values at these pointers (or the patience is at its end).
    pub until: BTreeMap<String, Value>,
    /// The answer's code alone is compared.
    pub quiet: bool,
    /// Only these parts of the answer are compared.
    pub only: Vec<String>,
    /// Parts of the answer that are not compared.
    pub without: Vec<String>,
    /// The answer's managed fields are compared, too.
    pub managers: bool,
}

/// Some conversations that belong together, in a file of their own.
pub struct Topic {
    /// The file's name.
    pub name: String,
    /// In order.
    pub conversations: Vec<Conversation>,
}

/// All topics, by name.
pub fn topics() -> Vec<Topic> {
    let folder = folder().join("asked");
    let mut files: Vec<PathBuf> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    files.sort();
    let read = |path: &PathBuf| {
        let text = std::fs::read_to_string(path).unwrap();
        Topic {
            name: path.file_stem().unwrap().to_string_lossy().into_owned(),
            conversations: serde_saphyr::from_str(&text)
                .unwrap_or_else(|error| panic!("{}: {error}", path.display())),
        }
    };
    files.iter().map(read).collect()
}

/// Where conversations and recorded answers are.
pub fn folder() -> PathBuf {
    PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/cluster/parity"))
}

/// An answer without what is volatile.
#[derive(Debug, Clone, PartialEq)]
pub struct Answer {
    /// The status code.
    pub code: u16,
    /// JSON as it is, a stream of it as an array, other text as a string.
    pub body: Value,
}

impl Answer {
    /// The answer on one line.
    pub fn write(&self) -> String {
        match &self.body {
            Value::Null => self.code.to_string(),
            body => format!("{} {body}", self.code),
        }
    }

    /// Reads what [`Answer::write`] wrote.
    pub fn read(line: &str) -> Self {
        let (code, body) = line.split_once(' ').unwrap_or((line, "null"));
        Self {
            code: code.parse().unwrap(),
            body: serde_json::from_str(body).unwrap(),
        }
    }
}

/// The answers that a real API server gave, by conversation.
pub fn recorded() -> BTreeMap<String, Vec<Answer>> {
    let mut all: BTreeMap<String, Vec<Answer>> = BTreeMap::new();
    for topic in topics() {
        let text = std::fs::read_to_string(answers_of(&topic.name)).unwrap_or_default();
        let mut name = "";
        for line in text.lines() {
            match line.strip_prefix("# ") {
                Some(next) => name = next,
                None => all.entry(name.to_owned()).or_default().push(Answer::read(line)),
            }
        }
    }
    all
}

/// Keeps the answers of a topic's conversations.
pub fn record(topic: &str, answers: &[(String, Vec<Answer>)]) {
    let lines = answers.iter().flat_map(|(name, answers)| {
        std::iter::once(format!("# {name}\n")).chain(answers.iter().map(|answer| answer.write() + "\n"))
    });
    std::fs::write(answers_of(topic), lines.collect::<String>()).unwrap();
}

fn answers_of(topic: &str) -> PathBuf {
    folder().join("answered").join(format!("{topic}.txt"))
}

/// Where two answers differ.
#[derive(Debug, Clone, PartialEq)]
pub struct Difference {
    /// The turn, from 1.
    pub turn: usize,
    /// A pointer into the body; `code` for the status code.
    pub place: String,
    /// What the real one said.
    pub real: Value,
    /// What the sandbox said.
    pub sandbox: Value,
}

impl std::fmt::Display for Difference {
    fn fmt(&self, to: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let shown = |value: &Value| match value {
            Value::Null => "nothing".to_owned(),
            value => value.to_string(),
        };
        let (real, sandbox) = (shown(&self.real), shown(&self.sandbox));
        write!(
            to,
            "turn {} {}: real {real}, sandbox {sandbox}",
            self.turn, self.place
        )
    }
}

/// All differences between two accounts of one conversation.
pub fn compare(real: &[Answer], sandbox: &[Answer]) -> Vec<Difference> {
    let mut found = Vec::new();
    let none = Answer {
        code: 0,
        body: Value::Null,
    };
    for at in 0..real.len().max(sandbox.len()) {
        let (one, other) = (real.get(at).unwrap_or(&none), sandbox.get(at).unwrap_or(&none));
        let mut all = Vec::new();
        if one.code != other.code {
            all.push(("code".to_owned(), json!(one.code), json!(other.code)));
        }
        if one.code / 100 == other.code / 100 {
            descend("", &one.body, &other.body, &mut all);
        }
        found.extend(all.into_iter().map(|(place, real, sandbox)| Difference {
            turn: at + 1,
            place,
            real,
            sandbox,
        }));
    }
    found
}

fn descend(place: &str, one: &Value, other: &Value, found: &mut Vec<(String, Value, Value)>) {
    match (one, other) {
        (Value::Object(a), Value::Object(b)) => {
            for (key, value) in a {
                let below = format!("{place}/{key}");
                descend(&below, value, b.get(key).unwrap_or(&Value::Null), found);
            }
            for (key, value) in b.iter().filter(|(key, _)| !a.contains_key(*key)) {
                found.push((format!("{place}/{key}"), Value::Null, value.clone()));
            }
        }
        (Value::Array(a), Value::Array(b)) if a.len() == b.len() => {
            for (at, (one, other)) in a.iter().zip(b).enumerate() {
                descend(&format!("{place}/{at}"), one, other, found);
            }
        }
        _ if one == other => {}
        // Each scheduler chooses among equals as it likes; fields of this name are left out before.
        (Value::String(a), Value::String(b))
            if place.contains("/cells/") && a.starts_with("node-") && b.starts_with("node-") => {}
        _ => found.push((place.to_owned(), one.clone(), other.clone())),
    }
}
