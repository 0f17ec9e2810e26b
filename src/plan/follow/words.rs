//! Words of a request, and the objects that they name.

use super::FILLERS;
use crate::plan::{Kind, Snapshot, Target};

/// An object that is named in a request.
#[derive(Clone, Debug)]
pub(super) struct Found {
    pub(super) name: String,
    /// Its kind, where that was said.
    pub(super) said: Option<Kind>,
    /// Its kind, where that was said or there is but one of the name.
    pub(super) kind: Option<Kind>,
    /// Where it stands among the words.
    pub(super) from: usize,
    pub(super) to: usize,
}

impl Found {
    pub(super) fn new(name: &str, kind: Kind) -> Found {
        Found {
            name: name.to_owned(),
            said: Some(kind.clone()),
            kind: Some(kind),
            from: 0,
            to: 0,
        }
    }

    pub(super) fn in_words(&self) -> String {
        match &self.said {
            Some(kind) => format!("{} {}", kind.as_str(), self.name),
            None => self.name.clone(),
        }
    }
}

/// The objects that words name, but for namespaces, which are places.
pub(super) fn found(said: &[Token<'_>], snapshot: &Snapshot) -> Vec<Found> {
    let kind_at = |at: Option<usize>| {
        let token = said.get(at?)?;
        Kind::read(&token.core).filter(|kind| kind.builtin().is_some())
    };
    let mut all = Vec::new();
    for (at, token) in said.iter().enumerate() {
        if let Some(target) = Target::read(&token.core) {
            if snapshot.named(&target.kind, &target.name).next().is_some() {
                let (from, to) = (at, at + 1);
                all.push(Found {
                    from,
                    to,
                    ..Found::new(&target.name, target.kind)
                });
            }
            continue;
        }
        let namesakes = snapshot.objects.iter().filter(|object| object.name == token.core);
        let mut kinds: Vec<&str> = namesakes.map(|object| object.kind.as_str()).collect();
        kinds.retain(|kind| *kind != "namespace");
        kinds.sort_unstable();
        kinds.dedup();
        if kinds.is_empty() {
            continue;
        }
        let name = token.core.clone();
        let (before, after) = (kind_at(at.checked_sub(1)), kind_at(Some(at + 1)));
        let found = match (before, after, kinds.as_slice()) {
            (Some(kind), _, _) => Found {
                from: at - 1,
                to: at + 1,
                ..Found::new(&name, kind)
            },
            (None, Some(kind), _) => Found {
                from: at,
                to: at + 2,
                ..Found::new(&name, kind)
            },
            (None, None, [only]) => Found {
                name,
                said: None,
                kind: Kind::read(only),
                from: at,
                to: at + 1,
            },
            (None, None, _) => Found {
                name,
                said: None,
                kind: None,
                from: at,
                to: at + 1,
            },
        };
        all.push(found);
    }
    all
}

/// Whether words say nothing but names, fillers and some others.
pub(super) fn is_bare(said: &[Token<'_>], found: &[Found], others: &[&str]) -> bool {
    let is_named = |at: usize| found.iter().any(|one| (one.from..one.to).contains(&at));
    said.iter()
        .enumerate()
        .all(|(at, token)| is_named(at) || FILLERS.contains(&&*token.core) || others.contains(&&*token.core))
}

/// A word as it stands, and bare in small letters.
pub(super) struct Token<'a> {
    pub(super) raw: &'a str,
    pub(super) core: String,
}

pub(super) fn tokens(text: &str) -> Vec<Token<'_>> {
    let bare = |raw: &str| {
        let core = raw.trim_matches(|c: char| {
            matches!(
                c,
                ',' | '.' | '?' | '!' | ';' | ':' | '"' | '`' | '(' | ')' | '\''
            )
        });
        core.to_lowercase()
    };
    text.split_whitespace()
        .map(|raw| Token { raw, core: bare(raw) })
        .filter(|token| !token.core.is_empty())
        .collect()
}

/// The words with some of them replaced; what stood around those stays.
pub(super) fn rebuilt(words: &[Token<'_>], range: std::ops::Range<usize>, with: &str) -> String {
    let mut out: Vec<String> = words[..range.start]
        .iter()
        .map(|token| token.raw.to_owned())
        .collect();
    let last = &words[range.end - 1];
    let tail = last.raw.to_lowercase().find(&last.core).map_or("", |at| {
        let end = at + last.core.len();
        last.raw.get(end..).unwrap_or_default()
    });
    out.push(format!("{with}{tail}"));
    out.extend(words[range.end..].iter().map(|token| token.raw.to_owned()));
    out.join(" ")
}
