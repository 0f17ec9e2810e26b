//! Completion of names as they are typed.

use super::command::WORDS;
use crate::driver::cockpit::Names;

/// Choices that are offered at the most.
const MOST: usize = 50;

/// An open choice of completions.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Completion {
    /// What there is to choose from; never empty.
    pub choices: Vec<String>,
    /// Which one stands in the line.
    pub index: usize,
    /// How many characters of the line it takes.
    pub length: usize,
}

/// What could stand in place of the word in front of the cursor, best first. `is_command` says that the word is a
/// command's; otherwise one that begins with `/` may be.
pub fn choices(before: &str, is_command: bool, names: &Names) -> Vec<String> {
    let word = last_word(before);
    let is_first = before.trim_start() == word;
    let mut found = if let Some(rest) = word.strip_prefix('@') {
        let objects = names
            .objects
            .iter()
            .map(|object| format!("@{}/{}", object.kind, object.name));
        ranked(objects, rest, |text, rest| {
            place(text.split('/').nth(1).unwrap_or(text), rest).or(place(&text[1..], rest))
        })
    } else if let (true, Some(rest)) = (is_first, word.strip_prefix('/')) {
        let commands = WORDS.iter().map(|word| format!("/{word}"));
        let kinds = names.kinds.iter().map(|kind| format!("/{kind}"));
        ranked(commands.chain(kinds), rest, |text, rest| place(&text[1..], rest))
    } else if is_command && is_first {
        let words = WORDS.iter().map(|word| (*word).to_owned());
        ranked(words.chain(names.kinds.iter().cloned()), word, place)
    } else if is_command {
        ranked(names.namespaces.iter().cloned(), word, place)
    } else if word.is_empty() {
        Vec::new()
    } else {
        let objects = names.objects.iter().map(|object| object.name.clone());
        let others = names.namespaces.iter().chain(&names.kinds).cloned();
        ranked(objects.chain(others), word, place)
    };
    found.truncate(MOST);
    found
}

/// The word that ends at the cursor.
pub fn last_word(before: &str) -> &str {
    before.rsplit(char::is_whitespace).next().unwrap_or_default()
}

/// Where a word occurs in a text, in whatever case: earlier is better.
fn place(text: &str, word: &str) -> Option<usize> {
    text.to_lowercase().find(&word.to_lowercase())
}

fn ranked(
    texts: impl Iterator<Item = String>,
    word: &str,
    place: impl Fn(&str, &str) -> Option<usize>,
) -> Vec<String> {
    let mut found: Vec<(usize, usize, String)> = texts
        .filter_map(|text| Some((place(&text, word)?.min(1), text.len(), text)))
        .collect();
    found.sort();
    found.dedup();
    found.into_iter().map(|(_, _, text)| text).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::driver::cockpit::ObjectName;

    fn names() -> Names {
        let object = |kind: &str, name: &str| ObjectName {
            kind: kind.into(),
            namespace: "shop".into(),
            name: name.into(),
        };
        Names {
            namespaces: vec!["shop".into(), "kube-system".into()],
            kinds: vec!["pods".into(), "poddisruptionbudgets".into(), "services".into()],
            objects: vec![
                object("deployment", "web"),
                object("deployment", "webhooks"),
                object("service", "web"),
            ],
        }
    }

    #[test]
    fn objects_are_named_behind_an_at_sign() {
        let found = choices("why is @we", false, &names());
        assert_eq!(found, ["@service/web", "@deployment/web", "@deployment/webhooks"]);
        assert_eq!(choices("@service/", false, &names()), ["@service/web"]);
    }

    #[test]
    fn words_are_completed_from_the_cluster() {
        assert_eq!(choices("scale web", false, &names()), ["web", "webhooks"]);
        assert_eq!(choices("scale ", false, &names()), Vec::<String>::new());
    }

    #[test]
    fn commands_take_kinds_and_then_namespaces() {
        assert_eq!(choices("pod", true, &names()), ["pods", "poddisruptionbudgets"]);
        assert_eq!(choices("pods sy", true, &names()), ["kube-system"]);
        assert_eq!(choices("/und", false, &names()), ["/undo"]);
    }
}
