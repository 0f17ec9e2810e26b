//! Past actions, so that `do what we did last Tuesday` finds them.

use jiff::Timestamp;

use super::own::Unit;
use super::schema::Entry;
use crate::session::{Origin, Passage};

/// Name of the source that holds past actions.
pub const SOURCE: &str = "memory";

/// An action that was approved and carried out. Nothing in it is secret: it is made from records of which secret
/// values were taken out before they were written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PastAction {
    /// Its id in the record.
    pub id: String,
    /// When it was begun.
    pub at: Timestamp,
    /// The words that were asked.
    pub request: String,
    /// What was done, as commands.
    pub commands: Vec<String>,
    /// In which cluster.
    pub context: String,
    /// By whom.
    pub user: String,
    /// How it ended.
    pub outcome: String,
}

/// An action as a unit of one passage.
pub fn unit(action: &PastAction) -> Unit {
    let title = if action.request.is_empty() {
        action.commands.join("; ")
    } else {
        action.request.clone()
    };
    let day = action.at.strftime("%A %Y-%m-%d %H:%M UTC").to_string();
    let text = format!(
        "```sh\n{}\n```\n\nDone on {day} in the context `{}` by {}; it ended as `{}`.",
        action.commands.join("\n"),
        action.context,
        action.user,
        action.outcome
    );
    let passage = Passage {
        id: format!("memory/{}#action", action.id),
        title,
        heading: day.clone(),
        text,
        origin: Origin::Memory,
        source: "the audit log".to_owned(),
        version: action.at.to_string(),
    };
    let entry = Entry {
        passage,
        kinds: Vec::new(),
        fields: Vec::new(),
        symptoms: Vec::new(),
        asked: Vec::new(),
        leads: false,
        tags: vec!["done before".to_owned(), "past action".to_owned()],
    };
    Unit {
        name: action.id.clone(),
        digest: action.outcome.clone(),
        entries: vec![entry],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_action_is_found_by_its_words_its_commands_and_its_day() {
        let action = PastAction {
            id: "0190".to_owned(),
            at: "2026-11-17T08:00:00Z".parse().unwrap(),
            request: "give the shop more room".to_owned(),
            commands: vec!["kubectl scale deployment/web --replicas=6".to_owned()],
            context: "prod".to_owned(),
            user: "ann".to_owned(),
            outcome: "done".to_owned(),
        };
        let passage = unit(&action).entries.remove(0).passage;
        assert_eq!(passage.title, "give the shop more room");
        for words in ["Tuesday", "scale deployment/web", "`prod` by ann", "`done`"] {
            assert!(passage.text.contains(words), "{words} in {}", passage.text);
        }
    }
}
