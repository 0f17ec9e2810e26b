//! What is typed behind `:`, and in the conversation behind `/`.

use crate::plan::Kind;

/// A command.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Command {
    /// Show objects of a kind; in a namespace, `all` of them, or the one that is shown.
    Kind(Kind, Option<String>),
    /// Go to a namespace, or list them.
    Namespace(Option<String>),
    /// Go to a context, or list them.
    Context(Option<String>),
    /// The record.
    Audit,
    /// The conversation.
    Talk,
    /// The keys.
    Help,
    /// Take back an action, or the last one.
    Undo(Option<String>),
    /// Forget what was said; the record stays.
    Clear,
    /// Leave.
    Quit,
}

/// Words that are commands, for completion.
pub const WORDS: &[&str] = &[
    "audit",
    "clear",
    "context",
    "help",
    "namespace",
    "quit",
    "talk",
    "undo",
];

/// Reads a command; nothing where it is none.
pub fn read(text: &str) -> Option<Command> {
    let mut words = text.split_whitespace();
    let word = words.next()?;
    let argument = words.next().map(str::to_owned);
    let argument = argument.map(|text| text.strip_prefix("-n").map_or(text.clone(), str::to_owned));
    Some(match word {
        "q" | "q!" | "quit" | "exit" => Command::Quit,
        "ns" | "namespace" | "namespaces" => Command::Namespace(argument),
        "ctx" | "context" | "contexts" => Command::Context(argument),
        "audit" | "history" => Command::Audit,
        "talk" | "ask" | "conversation" => Command::Talk,
        "help" | "h" | "?" => Command::Help,
        "undo" => Command::Undo(argument),
        "clear" => Command::Clear,
        kind => Command::Kind(Kind::read(kind)?, argument),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds_go_by_every_name_that_kubectl_knows() {
        let deployments = Kind::read("deployment").unwrap();
        for word in ["deploy", "deployments", "Deployment"] {
            assert_eq!(read(word), Some(Command::Kind(deployments.clone(), None)));
        }
        let elsewhere = Some(Command::Kind(deployments, Some("kube-system".into())));
        assert_eq!(read("deploy kube-system"), elsewhere);
    }

    #[test]
    fn words_are_commands_before_they_are_kinds() {
        assert_eq!(read("ns shop"), Some(Command::Namespace(Some("shop".into()))));
        assert_eq!(read("q"), Some(Command::Quit));
        assert_eq!((read(""), read("1/2")), (None, None));
        assert!(
            WORDS
                .iter()
                .all(|word| !matches!(read(word), Some(Command::Kind(..)) | None))
        );
    }
}
