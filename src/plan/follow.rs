//! Requests that lean on the one before: "same for cart", "restart it", "no, 5", the answer to a question. They are said again in full,
//! by rules, so that whoever plans and whoever reads the record sees a whole request.

mod words;

use super::command::Action;
use super::{Kind, ObjectFact, Scope, Snapshot, Step, Target};
use words::{Found, Token, found, is_bare, rebuilt, tokens};

/// What was said before, and what came of it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Earlier {
    /// The request, in full.
    pub words: String,
    /// The steps that it led to; those before it where it led to none.
    pub steps: Vec<Step>,
    /// Whether it ended in a question.
    pub asked_back: bool,
}

/// What a request comes to after an earlier one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Followed {
    /// The request in full.
    Words(String),
    /// What has to be asked first.
    Unclear(String),
}

/// Words that carry nothing beside a name.
const FILLERS: [&str; 30] = [
    "a", "and", "by", "do", "does", "did", "for", "go", "i", "in", "is", "it's", "its", "just", "mean",
    "meant", "now", "of", "ok", "okay", "on", "one", "please", "that", "the", "then", "to", "was", "with",
    "yes",
];
/// Words that take an earlier request along to another object.
const ALIKE: [&str; 17] = [
    "about", "actually", "again", "also", "and", "as", "instead", "likewise", "no", "nope", "now", "rather",
    "same", "then", "too", "well", "what",
];
/// Words around a number that takes the place of another.
const INSTEAD: [&str; 13] = [
    "actually", "better", "instead", "it", "make", "nope", "no", "oops", "rather", "sorry", "wait", "only",
    "replicas",
];
const ONE: [&str; 2] = ["it", "that one"];
const MANY: [&str; 4] = ["them", "they", "these", "those"];

/// Whether a request takes the last change back, whatever it was.
pub fn asks_to_undo(request: &str) -> bool {
    let words: Vec<String> = tokens(request).into_iter().map(|token| token.core).collect();
    let words: Vec<&str> = words
        .iter()
        .map(String::as_str)
        .filter(|word| !matches!(*word, "please" | "the" | "can" | "you" | "pls"))
        .collect();
    let that: [&[&str]; 7] = [
        &[],
        &["it"],
        &["that"],
        &["this"],
        &["last", "change"],
        &["last", "one"],
        &["my", "last", "change"],
    ];
    match words.as_slice() {
        ["undo" | "revert", rest @ ..] => that.contains(&rest),
        ["take", rest @ .., "back"] => !rest.is_empty() && that.contains(&rest),
        _ => false,
    }
}

/// Whether a request may lean on one before it.
pub fn leans_back(request: &str) -> bool {
    let words: Vec<String> = tokens(request).into_iter().map(|token| token.core).collect();
    let says = |list: &[&str]| words.iter().any(|word| list.contains(&word.as_str()));
    says(&ONE)
        || says(&MANY)
        || says(&["its", "their", "other"])
        || words.first().is_some_and(|word| ALIKE.contains(&word.as_str()))
}

impl Earlier {
    /// What comes next: an object stays in mind until another takes its place.
    #[must_use]
    pub fn then(self, next: Earlier) -> Earlier {
        if next.steps.is_empty() {
            return Earlier {
                steps: self.steps,
                ..next
            };
        }
        next
    }

    /// A request in full; nothing where it says everything itself, or what it leans on is not known.
    pub fn in_full(&self, said: &str, snapshot: &Snapshot) -> Option<Followed> {
        let said = tokens(said);
        if let Some(full) = self.with_number(&said).or_else(|| self.again(&said)) {
            return Some(Followed::Words(full));
        }
        if let Some(followed) = self.other_one(&said, snapshot) {
            return Some(followed);
        }
        let found = found(&said, snapshot);
        let full = match found.as_slice() {
            [] => self
                .in_namespace(&said, snapshot)
                .or_else(|| self.with_names(&said, snapshot)),
            [one] if is_bare(&said, &found, &[]) && self.asked_back => Some(self.answered(one, snapshot)),
            [one] if is_bare(&said, &found, &ALIKE) && says_alike(&said) => self.with_other(one),
            _ => None,
        };
        full.map(Followed::Words)
    }

    /// "no, 5": the one number of the request becomes another.
    fn with_number(&self, said: &[Token<'_>]) -> Option<String> {
        let mut rest = said
            .iter()
            .filter(|token| !INSTEAD.contains(&&*token.core) && !FILLERS.contains(&&*token.core));
        let (number, None) = (rest.next()?, rest.next()) else {
            return None;
        };
        number.core.parse::<u32>().ok()?;
        let words = tokens(&self.words);
        let mut numbers = (0..words.len()).filter(|at| words[*at].core.parse::<u32>().is_ok());
        match (numbers.next(), numbers.next()) {
            (Some(at), None) => Some(rebuilt(&words, at..at + 1, &number.core)),
            (None, _)
                if matches!(
                    self.steps.as_slice(),
                    [Step {
                        action: Action::Scale(_),
                        ..
                    }]
                ) =>
            {
                let target = self.objects().into_iter().next()?;
                Some(format!(
                    "scale {} {} to {}",
                    target.kind.as_str(),
                    target.name,
                    number.core
                ))
            }
            _ => None,
        }
    }

    /// "once more".
    fn again(&self, said: &[Token<'_>]) -> Option<String> {
        let words: Vec<&str> = said
            .iter()
            .map(|token| &*token.core)
            .filter(|word| *word != "please")
            .collect();
        let is_again = matches!(
            words.as_slice(),
            ["again"]
                | ["once", "more"]
                | ["one", "more", "time"]
                | ["do", "it" | "that", "again"]
                | ["repeat", "that" | "it"]
        );
        (is_again && !self.words.is_empty()).then(|| self.words.clone())
    }

    /// "now the other one".
    fn other_one(&self, said: &[Token<'_>], snapshot: &Snapshot) -> Option<Followed> {
        let is_other = |token: &&Token<'_>| matches!(&*token.core, "other" | "others");
        said.iter().find(is_other)?;
        let is_bare = said.iter().filter(|token| !is_other(token)).all(|token| {
            let word = &*token.core;
            FILLERS.contains(&word)
                || ALIKE.contains(&word)
                || word == "one"
                || Kind::read(word).is_some_and(|kind| kind.builtin().is_some())
        });
        let target = self.objects().into_iter().next().filter(|_| is_bare)?;
        let place = self.place(snapshot);
        let alike: Vec<&ObjectFact> = snapshot
            .objects
            .iter()
            .filter(|object| object.kind == target.kind.as_str() && object.name != target.name)
            .filter(|object| object.namespace.is_empty() || object.namespace == place)
            .collect();
        match alike.as_slice() {
            [] => None,
            [one] => {
                let other = Found::new(&one.name, target.kind.clone());
                self.with_other(&other).map(Followed::Words)
            }
            several => {
                let names: Vec<&str> = several
                    .iter()
                    .take(6)
                    .map(|object| object.name.as_str())
                    .collect();
                let kind = target.kind.as_str();
                Some(Followed::Unclear(format!(
                    "which other {kind} is meant: {}?",
                    names.join(", ")
                )))
            }
        }
    }

    /// The answer to a question: the name takes the place of what was not clear.
    fn answered(&self, answer: &Found, snapshot: &Snapshot) -> String {
        let words = tokens(&self.words);
        let stem = |name: &str| name.trim_end_matches(|c: char| c.is_ascii_digit()).to_owned();
        let is_pronoun = |word: &str| ONE.contains(&word) || word == "this" || word == "that";
        let is_like = |word: &str| {
            let is_live = snapshot.objects.iter().any(|object| object.name == word);
            word == answer.name || (!is_live && stem(word) != word && stem(word) == stem(&answer.name))
        };
        let at = (0..words.len())
            .find(|at| is_like(&words[*at].core))
            .or_else(|| (0..words.len()).rfind(|at| is_pronoun(&words[*at].core)));
        match at {
            Some(at) => rebuilt(&words, at..at + 1, &answer.in_words()),
            None => format!("{}: {}", self.words, answer.in_words()),
        }
    }

    /// "same for cart": the request about another object.
    fn with_other(&self, other: &Found) -> Option<String> {
        let objects = self.objects();
        let [old] = objects.as_slice() else {
            return None;
        };
        if other.name == old.name {
            return None;
        }
        let words = tokens(&self.words);
        let is_kind = |at: usize| {
            words
                .get(at)
                .is_some_and(|token| Kind::read(&token.core).as_ref() == Some(&old.kind))
        };
        let slashed = old.to_string();
        let at = (0..words.len()).find(|at| words[*at].core == old.name || words[*at].core == slashed);
        let kind = other.kind.clone().unwrap_or_else(|| old.kind.clone());
        let Some(at) = at else {
            // The object was meant by other words, so what was planned is said of the other.
            let lines: Option<Vec<String>> = self
                .steps
                .iter()
                .map(|step| about(step, old, &kind, &other.name))
                .collect();
            return lines
                .filter(|lines| !lines.is_empty())
                .map(|lines| lines.join("\n"));
        };
        if words[at].core == slashed {
            return Some(rebuilt(
                &words,
                at..at + 1,
                &format!("{}/{}", kind.as_str(), other.name),
            ));
        }
        if kind == old.kind {
            return Some(rebuilt(&words, at..at + 1, &other.name));
        }
        let from = if at > 0 && is_kind(at - 1) { at - 1 } else { at };
        let to = if is_kind(at + 1) { at + 2 } else { at + 1 };
        Some(rebuilt(
            &words,
            from..to,
            &format!("{} {}", kind.as_str(), other.name),
        ))
    }

    /// "and in blog": the request in another namespace.
    fn in_namespace(&self, said: &[Token<'_>], snapshot: &Snapshot) -> Option<String> {
        let is_namespace = |word: &str| snapshot.namespaces.iter().any(|name| name == word);
        let mut named = said.iter().filter(|token| is_namespace(&token.core));
        let (name, None) = (named.next()?, named.next()) else {
            return None;
        };
        let is_bare = said.iter().all(|token| {
            let word = &*token.core;
            is_namespace(word)
                || matches!(word, "namespace" | "ns")
                || FILLERS.contains(&word)
                || ALIKE.contains(&word)
        });
        if !is_bare || said.len() == 1 || self.words.is_empty() {
            return None;
        }
        let words = tokens(&self.words);
        match (0..words.len()).find(|at| is_namespace(&words[*at].core)) {
            Some(at) => Some(rebuilt(&words, at..at + 1, &name.core)),
            None => Some(format!("{} in namespace {}", self.words, name.core)),
        }
    }

    /// "restart it": the pronoun becomes what it stands for.
    fn with_names(&self, said: &[Token<'_>], snapshot: &Snapshot) -> Option<String> {
        let objects = self.objects();
        let names: Vec<String> = objects
            .iter()
            .map(|target| format!("{} {}", target.kind.as_str(), target.name))
            .collect();
        let all = names.join(" and ");
        let one = matches!(names.as_slice(), [_]);
        let mut out = None;
        for (at, token) in said.iter().enumerate() {
            let next = said.get(at + 1).map(|token| &*token.core);
            let (to, with) = match (&*token.core, next) {
                ("it", _) if one => (at + 1, all.clone()),
                ("its", _) if one => (at + 1, format!("{all}'s")),
                ("that" | "this", Some("one")) if one => (at + 2, all.clone()),
                ("their", _) if !names.is_empty() => (at + 1, format!("{all}'s")),
                (word, _) if MANY.contains(&word) && !names.is_empty() => (at + 1, all.clone()),
                _ => continue,
            };
            out = Some(rebuilt(said, at..to, &with));
            break;
        }
        let place = self.place(snapshot);
        let is_elsewhere = place != snapshot.default_namespace
            && objects.iter().any(|target| snapshot.is_namespaced(&target.kind));
        out.map(|words| {
            if is_elsewhere {
                format!("{words} in namespace {place}")
            } else {
                words
            }
        })
    }

    /// The objects that the steps are about, else those that they make.
    fn objects(&self) -> Vec<Target> {
        let mut objects: Vec<Target> = Vec::new();
        for step in &self.steps {
            let targets: Vec<Target> = step.action.targets().into_iter().cloned().collect();
            let made = step.action.creates().into_iter();
            let about = if targets.is_empty() {
                made.collect()
            } else {
                targets
            };
            objects.extend(
                about
                    .into_iter()
                    .filter(|target| !objects.contains(target))
                    .collect::<Vec<_>>(),
            );
        }
        objects
    }

    /// The namespace that it was about.
    fn place(&self, snapshot: &Snapshot) -> String {
        let named = self.steps.iter().find_map(|step| match &step.scope {
            Scope::Named(name) => Some(name.clone()),
            _ => None,
        });
        named.unwrap_or_else(|| snapshot.default_namespace.clone())
    }
}

fn says_alike(said: &[Token<'_>]) -> bool {
    said.iter().any(|token| ALIKE.contains(&&*token.core))
}

/// A step about another object, as it is typed.
fn about(step: &Step, old: &Target, kind: &Kind, name: &str) -> Option<String> {
    let line = step.to_string();
    let words = tokens(&line);
    let slashed = old.to_string();
    let at = (0..words.len()).find(|at| words[*at].raw == slashed || words[*at].raw == old.name)?;
    let new = if words[at].raw == slashed {
        format!("{}/{name}", kind.as_str())
    } else {
        name.to_owned()
    };
    Some(rebuilt(&words, at..at + 1, &new))
}

#[cfg(test)]
mod tests;
