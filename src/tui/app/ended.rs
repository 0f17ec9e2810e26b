//! How a request ended, in the words of the conversation.

use std::time::Duration;

use serde_json::Value;

use super::table::{Table, Topic};
use crate::check::Problem;
use crate::driver::Receipt;
use crate::driver::cockpit::{Column, Row};
use crate::plan::{Kind, printable};
use crate::session::{Ending, Outcome, Passage, StepResult};

/// How a line is meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tone {
    /// It is well.
    Good,
    /// It deserves a second look.
    Warn,
    /// It is wrong.
    Bad,
    /// It matters less.
    Dim,
    /// It says what to do next.
    Hint,
}

/// How a request ended.
#[derive(Clone, Debug, PartialEq)]
pub struct Ended {
    /// How.
    pub ending: Ending,
    /// What there is to say.
    pub lines: Vec<(Tone, String)>,
    /// The id by which it can be taken back, where it can.
    pub undo: Option<String>,
    /// The objects that were found.
    pub found: Option<Found>,
    /// Passages that answer a question, best first.
    pub passages: Vec<Passage>,
}

/// Objects that a read found.
#[derive(Clone, Debug, PartialEq)]
pub struct Found {
    kind: Kind,
    columns: Vec<Column>,
    rows: Vec<Row>,
}

impl Ended {
    /// Reads a receipt.
    pub fn of(receipt: &Receipt) -> Ended {
        let outcome = &receipt.outcome;
        let understood = outcome.understood.iter();
        let mut lines: Vec<(Tone, String)> = understood
            .map(|words| (Tone::Dim, format!("understood as: {words}")))
            .collect();
        lines.extend(steps(outcome));
        lines.extend(trouble(outcome));
        lines.extend(receipt.notices.iter().map(|notice| (Tone::Dim, notice.clone())));
        if let Some(problem) = &receipt.unrecorded {
            lines.push((Tone::Warn, format!("not recorded: {problem}")));
        }
        let recorded = receipt.action.as_ref().filter(|_| outcome.recorded);
        let undo = recorded
            .filter(|_| outcome.can_be_undone())
            .map(crate::driver::audit::ActionId::short);
        if let Some(action) = recorded {
            lines.push((Tone::Dim, format!("audit record {action}")));
        }
        if undo.is_some() {
            lines.push((Tone::Hint, "alt-u or /undo takes it back".to_owned()));
        }
        let found = outcome.results.iter().rev().find_map(found);
        if let Some(found) = &found {
            let count = found.rows.len();
            lines.push((
                Tone::Hint,
                format!("enter opens the {count} {}", found.kind.plural()),
            ));
        }
        lines.extend(speed(receipt).map(|text| (Tone::Dim, text)));
        Ended {
            ending: outcome.ending,
            lines: lines
                .into_iter()
                .map(|(tone, text)| (tone, printable(&text)))
                .collect(),
            undo,
            found,
            passages: outcome.passages.clone(),
        }
    }
}

impl Found {
    /// The objects as a table.
    pub fn table(&self, id: u64) -> Table {
        let topic = Topic::Kind(self.kind.clone());
        Table::fixed(id, topic, self.columns.clone(), self.rows.clone())
    }
}

/// What was done, and after a failure what was not.
fn steps(outcome: &Outcome) -> Vec<(Tone, String)> {
    let Some(report) = &outcome.report else {
        return Vec::new();
    };
    let mut lines = Vec::new();
    for (index, step) in report.steps.iter().enumerate() {
        let line = step.step.brief();
        if !outcome.recorded {
            match &step.problem {
                Some(Problem::NothingToDo { message }) if outcome.ending == Ending::Done => {
                    lines.push((Tone::Dim, format!("nothing to do: {line}: {message}")));
                }
                _ if outcome.ending == Ending::Planned => {
                    lines.push((Tone::Good, format!("would do: {line}")));
                }
                _ => {}
            }
            continue;
        }
        let nothing = StepResult::default();
        let result = outcome.results.get(index).unwrap_or(&nothing);
        let seen = result
            .verified
            .as_deref()
            .map_or_else(String::new, |seen| format!(": {seen}"));
        lines.push(match (result.applied, &result.error) {
            (true, None) => (Tone::Good, format!("done {line}{seen}")),
            (true, Some(_)) => (Tone::Warn, format!("applied, not settled {line}{seen}")),
            (false, Some(error)) => (Tone::Bad, format!("failed {line}: {}", error.message)),
            (false, None) => (Tone::Dim, format!("not done {line}")),
        });
    }
    lines
}

/// What went wrong or is unclear, and what to do about it.
fn trouble(outcome: &Outcome) -> Vec<(Tone, String)> {
    let (label, tone) = match outcome.ending {
        Ending::Denied => ("denied: ", Tone::Bad),
        Ending::Refused | Ending::Unclear => ("", Tone::Warn),
        Ending::Interrupted => ("interrupted: ", Tone::Warn),
        Ending::NeedsApproval => ("needs approval: ", Tone::Warn),
        _ => ("", Tone::Bad),
    };
    let mut lines = Vec::new();
    match &outcome.failure {
        Some(failure) => {
            lines.push((tone, format!("{label}{}", failure.message)));
            lines.extend(failure.hint.iter().map(|hint| (Tone::Hint, hint.clone())));
        }
        None if outcome.ending == Ending::Interrupted => {
            let what = match outcome.applied_steps {
                _ if !outcome.recorded => "nothing was changed".to_owned(),
                0 => "nothing was changed".to_owned(),
                1 => "one step was applied, and is recorded".to_owned(),
                count => format!("{count} steps were applied, and are recorded"),
            };
            lines.push((tone, format!("{label}{what}")));
        }
        None => {}
    }
    lines.extend(
        outcome
            .question
            .iter()
            .map(|question| (Tone::Warn, question.clone())),
    );
    lines
}

/// The objects of a read that lists some.
fn found(result: &StepResult) -> Option<Found> {
    let data = result.data.as_ref()?;
    let rows = data["rows"].as_array()?;
    let word = |value: &Value| value.as_str().map_or_else(|| value.to_string(), printable);
    let kind = Kind::read(rows.first()?["kind"].as_str()?)?;
    let titles: Vec<&String> = rows.first()?["cells"].as_object()?.keys().collect();
    let columns = titles.iter().map(|title| Column {
        title: title.to_uppercase(),
        is_wide: false,
    });
    let same = rows
        .iter()
        .filter(|row| row["kind"].as_str() == Some(kind.as_str()));
    let rows = same.map(|row| Row {
        namespace: word(&row["namespace"]),
        name: word(&row["name"]),
        cells: titles
            .iter()
            .map(|title| word(&row["cells"][title.as_str()]))
            .collect(),
        since: String::new(),
        labels: Vec::new(),
    });
    Some(Found {
        columns: columns.collect(),
        rows: rows.collect(),
        kind,
    })
}

/// What the planner ran on, and how many tokens it wrote a second.
pub fn pace(receipt: &Receipt) -> Option<String> {
    let rate = rate(receipt)?;
    let device = receipt.device.as_ref();
    let device = device.map_or_else(String::new, |device| format!(" on {device}"));
    Some(format!("{device}, {rate:.0} tokens/s"))
}

/// Tokens that the planner wrote a second, from the moment it was asked. What the adviser wrote besides is not its work.
fn rate(receipt: &Receipt) -> Option<f64> {
    let advised = receipt
        .advice
        .as_ref()
        .map_or(0, |advice| advice.usage.completion_tokens);
    let written = receipt.usage.completion_tokens.saturating_sub(advised);
    let planning = *receipt.timing.get("plan").filter(|_| written > 0)?;
    Some(f64::from(written) / Duration::from_millis(planning.max(1)).as_secs_f64())
}

/// How long it took, and how fast the model wrote.
fn speed(receipt: &Receipt) -> Option<String> {
    let rate = rate(receipt)?;
    let total = receipt
        .timing
        .iter()
        .filter(|(stage, _)| **stage != "review")
        .map(|(_, ms)| ms)
        .sum::<u64>();
    let total = Duration::from_millis(total).as_secs_f64();
    Some(format!("{total:.1} s, {rate:.0} tokens/s"))
}
