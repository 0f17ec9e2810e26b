//! Records as actions: what was intended beside what came of it. Reads these fields of bodies, where
//! they are there: `user`, `context`, `steps[].command`, `outcome`.

use super::record::{ActionId, Entry, Record};
use jiff::Timestamp;
use serde_json::Value;
use std::collections::HashMap;

/// Everything recorded about one action.
#[derive(Debug, Clone, PartialEq)]
pub struct Action {
    /// Its name.
    pub id: ActionId,
    /// When the first of its records was written.
    pub at: Timestamp,
    /// In the order in which they were written; never empty.
    pub records: Vec<Record>,
}

impl Action {
    /// What was about to be done; none if nothing was going to be changed.
    pub fn intent(&self) -> Option<&Value> {
        self.bodies()
            .find_map(|(entry, body)| matches!(entry, Entry::Intent { .. }).then_some(body))
    }

    /// What came of it, as it was last told; none while it runs, and if it was cut short.
    pub fn outcome(&self) -> Option<&Value> {
        self.bodies()
            .filter_map(|(entry, body)| matches!(entry, Entry::Outcome { .. }).then_some(body))
            .last()
    }

    /// Why nothing was applied; none if something was.
    pub fn decision(&self) -> Option<&Value> {
        self.bodies()
            .find_map(|(entry, body)| matches!(entry, Entry::Decision { .. }).then_some(body))
    }

    /// Who asked; empty if it was not recorded.
    pub fn user(&self) -> &str {
        self.field("user")
    }

    /// In which cluster; empty if it was not recorded.
    pub fn context(&self) -> &str {
        self.field("context")
    }

    /// The commands, from the first record that has any.
    pub fn commands(&self) -> Vec<&str> {
        let mut steps = self
            .bodies()
            .filter_map(|(_, body)| body.get("steps").and_then(Value::as_array));
        let steps = steps.find(|steps| !steps.is_empty());
        steps
            .into_iter()
            .flatten()
            .filter_map(|step| step.get("command").and_then(Value::as_str))
            .collect()
    }

    /// How it ended: the last recorded `outcome`, else `unfinished` for a bare intent, else `unknown`.
    pub fn verdict(&self) -> &str {
        let ended = self
            .bodies()
            .filter(|(entry, _)| !matches!(entry, Entry::Intent { .. }));
        match (
            ended.filter_map(|(_, body)| text(body, "outcome")).last(),
            self.outcome(),
            self.decision(),
        ) {
            (Some(outcome), _, _) => outcome,
            (None, None, None) if self.intent().is_some() => "unfinished",
            _ => "unknown",
        }
    }

    fn field(&self, name: &str) -> &str {
        self.bodies()
            .find_map(|(_, body)| text(body, name))
            .unwrap_or_default()
    }

    fn bodies(&self) -> impl Iterator<Item = (&Entry, &Value)> {
        self.records
            .iter()
            .filter_map(|record| Some((&record.entry, record.entry.body()?)))
    }
}

/// Which actions to keep; an empty filter keeps all.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Filter {
    /// Begun at or after this time.
    pub since: Option<Timestamp>,
    /// By exactly this user.
    pub user: Option<String>,
    /// With this text in one of the commands, such as `deployment/web`.
    pub object: Option<String>,
    /// With exactly this [`Action::verdict`].
    pub verdict: Option<String>,
}

impl Filter {
    /// Whether the action passes every condition.
    pub fn keeps(&self, action: &Action) -> bool {
        let object = |object: &String| action.commands().iter().any(|command| command.contains(object));
        self.since.is_none_or(|since| action.at >= since)
            && self.user.as_ref().is_none_or(|user| action.user() == user)
            && self.object.as_ref().is_none_or(object)
            && self
                .verdict
                .as_ref()
                .is_none_or(|verdict| action.verdict() == verdict)
    }
}

/// The actions in these records that pass the filter, in the order in which they began.
pub fn actions(records: impl IntoIterator<Item = Record>, filter: &Filter) -> Vec<Action> {
    let mut actions: Vec<Action> = Vec::new();
    let mut places: HashMap<ActionId, usize> = HashMap::new();
    for record in records {
        let Some(id) = record.entry.action() else { continue };
        let place = *places.entry(id).or_insert(actions.len());
        match actions.get_mut(place) {
            Some(action) => action.records.push(record),
            None => actions.push(Action {
                id,
                at: record.at,
                records: vec![record],
            }),
        }
    }
    actions.retain(|action| filter.keeps(action));
    actions
}

fn text<'a>(body: &'a Value, field: &str) -> Option<&'a str> {
    body.get(field).and_then(Value::as_str)
}
