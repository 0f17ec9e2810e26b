//! The record as a list.

use crate::driver::audit::Action;
use crate::driver::cockpit::Past;
use crate::session::Failure;

/// The record as a list, newest first.
#[derive(Clone, Debug, Default)]
pub struct Audit {
    past: Option<Past>,
    /// Why it cannot be read.
    pub failure: Option<Failure>,
    filter: String,
    cursor: usize,
}

impl Audit {
    /// Takes the record.
    pub fn take(&mut self, past: Result<Past, Failure>) {
        match past {
            Ok(past) => (self.past, self.failure) = (Some(past), None),
            Err(failure) => self.failure = Some(failure),
        }
        self.go(0);
    }

    /// Whether it is still being read.
    pub fn loading(&self) -> bool {
        self.past.is_none() && self.failure.is_none()
    }

    /// Whether the chain is intact, and in which words.
    pub fn chain(&self) -> Option<&(bool, String)> {
        self.past.as_ref().map(|past| &past.chain)
    }

    /// Shows only actions with these words in their commands, user, context or outcome.
    pub fn set_filter(&mut self, filter: &str) {
        filter.clone_into(&mut self.filter);
        self.go(0);
    }

    /// The filter as it was typed.
    pub fn filter(&self) -> &str {
        &self.filter
    }

    /// The actions that are shown, newest first.
    pub fn shown(&self) -> Vec<&Action> {
        let words: Vec<String> = self.filter.split_whitespace().map(str::to_lowercase).collect();
        let all = self.past.iter().flat_map(|past| past.actions.iter().rev());
        all.filter(|action| fits(action, &words)).collect()
    }

    /// Moves the cursor.
    pub fn go(&mut self, rows: isize) {
        let last = self.shown().len().saturating_sub(1);
        self.cursor = self.cursor.saturating_add_signed(rows).min(last);
    }

    /// Where the cursor is.
    pub fn cursor(&self) -> usize {
        self.cursor
    }

    /// The action under the cursor.
    pub fn selected(&self) -> Option<&Action> {
        self.shown().get(self.cursor).copied()
    }
}

fn fits(action: &Action, words: &[String]) -> bool {
    let text =
        [action.user(), action.context(), action.verdict()].join(" ") + " " + &action.commands().join(" ");
    let text = text.to_lowercase();
    words.iter().all(|word| text.contains(word))
}

/// One action whole: every record of it as YAML.
pub fn whole(action: &Action) -> String {
    let records: Vec<String> = action
        .records
        .iter()
        .map(|record| serde_saphyr::to_string(record).unwrap_or_else(|error| error.to_string()))
        .collect();
    records.join("---\n")
}

/// What was asked, oldest first, each once in a row.
pub fn requests(past: &Past) -> Vec<String> {
    let asked = past.actions.iter().filter_map(|action| {
        let mut bodies = action.records.iter().filter_map(|record| record.entry.body());
        bodies
            .find_map(|body| body["request"].as_str())
            .map(str::to_owned)
    });
    let mut asked: Vec<String> = asked.collect();
    asked.dedup();
    asked
}
