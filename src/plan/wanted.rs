//! Which kinds of objects a request wants written, and in which namespace: by its words, held against what the cluster
//! serves.

use super::kind::Kind;
use super::snapshot::Snapshot;

/// Kinds that one request may have written at a time.
pub const MOST_WANTED: usize = 3;
/// The most words that a kind is written in: `persistent volume claim`.
const LONGEST: usize = 3;
/// Short names that are words of English.
const ENGLISH: &[&str] = &["no", "po", "limits", "events", "ev"];
/// Words behind which stands what is wanted.
const INTRODUCING: &[&str] = &[
    "a", "an", "new", "another", "some", "write", "create", "make", "draft", "author", "add", "generate",
    "define", "need", "want",
];
/// Words behind which stands something else.
const ELSEWHERE: &[&str] = &[
    "the", "of", "for", "to", "in", "on", "into", "from", "with", "without", "that", "which", "this", "my",
    "our", "by", "each", "every", "all",
];
/// Words between two kinds that are both wanted.
const JOINING: &[&str] = &[
    "and", "plus", "also", "a", "an", "another", "its", "one", "matching", "own",
];

/// A kind as it stands in the words: which, and from where to where.
struct Found {
    kind: Kind,
    begin: usize,
    end: usize,
}

/// The kinds that a request wants written, in its order: the first that is introduced (`write a ...`), and those joined to
/// it by `and`. None where the words name no kind that the cluster serves.
pub fn wanted_kinds(request: &str, snapshot: &Snapshot) -> Vec<Kind> {
    let words = words_of(request);
    let found = kinds_in(&words, snapshot);
    let introduced = |one: &Found| one.begin == 0 || is_introduced(&words, one.begin);
    let Some(first) = found.iter().position(introduced) else {
        return Vec::new();
    };
    let mut kinds: Vec<Kind> = Vec::new();
    let mut last: Option<&Found> = None;
    for one in found.iter().skip(first) {
        let joined = last.is_none_or(|last| is_joined(&words[last.end..one.begin]));
        if !joined || kinds.len() == MOST_WANTED {
            break;
        }
        if !kinds.contains(&one.kind) {
            kinds.push(one.kind.clone());
        }
        last = Some(one);
    }
    kinds
}

/// The namespace that a request names, be it there or not; the one that applies where it names none.
pub fn wanted_namespace(request: &str, snapshot: &Snapshot) -> String {
    let words = words_of(request);
    let before = |word: &str| matches!(word, "namespace" | "ns" | "-n" | "--namespace");
    let named = words.iter().enumerate().find_map(|(index, word)| {
        let previous = index.checked_sub(1).map(|index| words[index].as_str());
        let next = words.get(index + 1).map(String::as_str);
        let known = snapshot.namespaces.contains(word);
        let placed = matches!(previous, Some("in" | "into" | "inside" | "within"));
        let said =
            previous.is_some_and(before) && super::value::is_label(word) && !is_kind_of(word, snapshot);
        let is_it = said && !JOINING.contains(&word.as_str()) && !ELSEWHERE.contains(&word.as_str());
        (is_it || known && (placed || next.is_some_and(before))).then(|| word.clone())
    });
    named.unwrap_or_else(|| snapshot.default_namespace.clone())
}

fn is_kind_of(word: &str, snapshot: &Snapshot) -> bool {
    kind_called(word, snapshot).is_some()
}

/// Words in lower case, without what is around them.
fn words_of(request: &str) -> Vec<String> {
    let around = |c: char| !c.is_alphanumeric() && c != '-';
    request
        .split(|c: char| c.is_whitespace() || matches!(c, '/' | '`' | '"' | '\''))
        .map(|word| word.trim_matches(around).to_lowercase())
        .filter(|word| !word.is_empty())
        .collect()
}

/// Every kind that the words name, the longest name first where several begin at one word.
fn kinds_in(words: &[String], snapshot: &Snapshot) -> Vec<Found> {
    let mut found = Vec::new();
    let mut begin = 0;
    while begin < words.len() {
        let longest = LONGEST.min(words.len() - begin);
        let here = (1..=longest).rev().find_map(|length| {
            let kind = kind_called(&words[begin..begin + length].concat(), snapshot)?;
            Some(Found {
                kind,
                begin,
                end: begin + length,
            })
        });
        begin = here.as_ref().map_or(begin + 1, |one| one.end);
        found.extend(here);
    }
    found
}

fn kind_called(name: &str, snapshot: &Snapshot) -> Option<Kind> {
    if ENGLISH.contains(&name) {
        return None;
    }
    let kind = Kind::read(name)?;
    if kind.builtin().is_some() {
        return Some(kind);
    }
    let custom = snapshot
        .custom_kinds
        .iter()
        .find(|custom| custom.is_called(name))?;
    Kind::read(&format!("{}.{}", custom.plural, custom.group))
}

/// Whether what begins here stands behind `a`, `write` and the like, with at most two adjectives between.
fn is_introduced(words: &[String], begin: usize) -> bool {
    let before = words[..begin].iter().rev().take(3);
    before
        .take_while(|word| !ELSEWHERE.contains(&word.as_str()))
        .any(|word| INTRODUCING.contains(&word.as_str()))
}

/// Whether the words between two kinds only join them; a name that the first is given may stand there, too.
fn is_joined(between: &[String]) -> bool {
    let rest = match between {
        [called, _, rest @ ..] if matches!(called.as_str(), "called" | "named") => rest,
        rest => rest,
    };
    !rest.is_empty() && rest.iter().all(|word| JOINING.contains(&word.as_str()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::CustomKind;

    fn snapshot() -> Snapshot {
        Snapshot {
            namespaces: vec!["shop".to_owned(), "blog".to_owned()],
            custom_kinds: vec![CustomKind {
                singular: "crontab".to_owned(),
                plural: "crontabs".to_owned(),
                group: "stable.example.com".to_owned(),
                namespaced: true,
            }],
            default_namespace: "shop".to_owned(),
            ..Snapshot::default()
        }
    }

    #[test]
    fn the_kind_that_is_introduced_is_wanted() {
        let cases: &[(&str, &[&str])] = &[
            (
                "write a deployment with a sidecar and a readiness probe",
                &["deployment"],
            ),
            (
                "create a NetworkPolicy that lets pods of the deployment web reach db",
                &["networkpolicy"],
            ),
            ("a network policy: no access to pods", &["networkpolicy"]),
            (
                "for the deployment web, write an HPA",
                &["horizontalpodautoscaler"],
            ),
            ("create NetworkPolicy for a deployment", &["networkpolicy"]),
            ("make a CronTab custom resource", &["crontabs.stable.example.com"]),
            (
                "draft a deployment called api, a headless service",
                &["deployment"],
            ),
            (
                "a deployment called api and its service plus a configmap and a role",
                &["deployment", "service", "configmap"],
            ),
            (
                "write a persistent volume claim of 10Gi",
                &["persistentvolumeclaim"],
            ),
            ("something that lets web talk to db", &[]),
            ("keep two pods of web through drains", &[]),
            ("Deployment of nginx", &["deployment"]),
        ];
        for (request, kinds) in cases {
            let found = wanted_kinds(request, &snapshot());
            let found: Vec<&str> = found.iter().map(Kind::as_str).collect();
            assert_eq!(&found, kinds, "{request}");
        }
    }

    #[test]
    fn the_namespace_is_the_one_that_is_said() {
        let said = |request: &str| wanted_namespace(request, &snapshot());
        assert_eq!(said("write a role in blog"), "blog");
        assert_eq!(said("write a role in the blog namespace"), "blog");
        assert_eq!(said("write a role in namespace staging"), "staging");
        assert_eq!(said("write a blog deployment"), "shop");
        assert_eq!(said("write a namespace and a role"), "shop");
    }
}
