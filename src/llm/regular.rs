//! A regular expression as a tree that can be written in other notations.

use regex_syntax::Parser;
use regex_syntax::hir::{Class, Hir, HirKind, Repetition};

/// What a regular expression says, without its notation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Node {
    /// Exactly this; empty for the empty text.
    Text(String),
    /// One character of these ranges; of none at all, where the list is empty.
    Class(Vec<(char, char)>),
    /// One behind the other.
    Seq(Vec<Node>),
    /// One of them.
    Any(Vec<Node>),
    /// So many times.
    Repeat(Box<Node>, u32, Option<u32>),
}

impl Node {
    /// Reads an expression; nothing where it has something that no other notation has, such as an anchor.
    pub(super) fn read(pattern: &str) -> Option<Node> {
        Node::of(&Parser::new().parse(pattern).ok()?)
    }

    fn of(hir: &Hir) -> Option<Node> {
        let all = |parts: &[Hir]| parts.iter().map(Node::of).collect::<Option<Vec<_>>>();
        Some(match hir.kind() {
            HirKind::Empty => Node::Text(String::new()),
            HirKind::Literal(literal) => Node::Text(String::from_utf8(literal.0.to_vec()).ok()?),
            HirKind::Class(class) => Node::Class(ranges(class)?),
            HirKind::Look(_) => return None,
            HirKind::Repetition(Repetition { min, max, sub, .. }) => {
                Node::Repeat(Box::new(Node::of(sub)?), *min, *max)
            }
            HirKind::Capture(capture) => Node::of(&capture.sub)?,
            HirKind::Concat(parts) => Node::Seq(all(parts)?),
            HirKind::Alternation(parts) => Node::Any(all(parts)?),
        })
    }

    /// The part of the language that stands in a JSON string as it is: printable ASCII without `"` and `\`. Nothing
    /// where no text is left.
    ///
    /// Some servers put a pattern's characters into JSON without escaping them, and what is no text of theirs is no
    /// loss: only patches and quoted words hold such characters.
    pub(super) fn plain(&self) -> Option<Node> {
        match self {
            Node::Text(text) => text.chars().all(is_plain).then(|| self.clone()),
            Node::Class(ranges) => {
                let kept: Vec<_> = ranges.iter().flat_map(|range| plain_ranges(*range)).collect();
                (!kept.is_empty()).then_some(Node::Class(kept))
            }
            Node::Seq(parts) => Some(Node::Seq(parts.iter().map(Node::plain).collect::<Option<_>>()?)),
            Node::Any(parts) => {
                let kept: Vec<_> = parts.iter().filter_map(Node::plain).collect();
                (!kept.is_empty()).then_some(Node::Any(kept))
            }
            Node::Repeat(node, min, max) => match node.plain() {
                Some(node) => Some(Node::Repeat(Box::new(node), *min, *max)),
                None => (*min == 0).then(|| Node::Text(String::new())),
            },
        }
    }

    /// As an expression of the kind that every reader of `pattern` in a JSON schema knows: groups, classes, `|` and
    /// counted repetition. No escape stands outside a class, since some readers keep the backslash.
    pub(super) fn pattern(&self) -> String {
        match self {
            Node::Text(text) => text.chars().map(literal).collect(),
            Node::Class(ranges) => class(ranges),
            Node::Seq(parts) => parts.iter().map(Node::part).collect(),
            Node::Any(parts) => {
                let parts: Vec<_> = parts.iter().map(Node::pattern).collect();
                parts.join("|")
            }
            Node::Repeat(node, min, max) => format!("{}{}", node.atom(), times(*min, *max)),
        }
    }

    /// For a place in a sequence.
    fn part(&self) -> String {
        match self {
            Node::Any(_) => format!("({})", self.pattern()),
            _ => self.pattern(),
        }
    }

    /// For a place in front of a count.
    fn atom(&self) -> String {
        match self {
            Node::Class(_) => self.pattern(),
            _ => format!("({})", self.pattern()),
        }
    }
}

/// How often, behind what is repeated; the same in every notation.
pub(super) fn times(min: u32, max: Option<u32>) -> String {
    match (min, max) {
        (0, Some(1)) => "?".to_owned(),
        (0, None) => "*".to_owned(),
        (1, None) => "+".to_owned(),
        (min, None) => format!("{{{min},}}"),
        (min, Some(max)) if min == max => format!("{{{min}}}"),
        (min, Some(max)) => format!("{{{min},{max}}}"),
    }
}

fn ranges(class: &Class) -> Option<Vec<(char, char)>> {
    match class {
        Class::Unicode(class) => Some(class.iter().map(|range| (range.start(), range.end())).collect()),
        Class::Bytes(class) => {
            let ascii = class.iter().all(|range| range.end() < 128);
            ascii.then(|| {
                let each = class
                    .iter()
                    .map(|range| (range.start().into(), range.end().into()));
                each.collect()
            })
        }
    }
}

fn is_plain(c: char) -> bool {
    (' '..='~').contains(&c) && !matches!(c, '"' | '\\')
}

/// What is left of a range between the characters that do not stand in JSON as they are.
fn plain_ranges((from, to): (char, char)) -> Vec<(char, char)> {
    [(' ', '!'), ('#', '['), (']', '~')]
        .into_iter()
        .map(|(low, high)| (from.max(low), to.min(high)))
        .filter(|(from, to)| from <= to)
        .collect()
}

fn literal(c: char) -> String {
    match c {
        '.' | '(' | ')' | '*' | '+' | '?' | '|' | '{' | '}' | '$' => format!("[{c}]"),
        '[' | ']' => format!("[\\{c}]"),
        '^' | '\\' => format!("\\{c}"),
        c => c.to_string(),
    }
}

/// A class with what has a meaning in one put where it has none: `-` last, `^` not first.
fn class(ranges: &[(char, char)]) -> String {
    let (mut inner, mut last) = (String::new(), String::new());
    for &(from, to) in &split_specials(ranges) {
        match (from, to) {
            ('-', '-') => last.push('-'),
            ('^', '^') => last.insert(0, '^'),
            (from, to) if from == to => inner.push_str(&in_class(from)),
            (from, to) => inner.push_str(&format!("{}-{}", in_class(from), in_class(to))),
        }
    }
    if inner.is_empty() && last == "^" {
        return "\\^".to_owned();
    }
    if inner.is_empty() && last == "^-" {
        "-^".clone_into(&mut last);
    }
    format!("[{inner}{last}]")
}

/// Ranges that begin or end at `-` or `^` without them, and these alone.
fn split_specials(ranges: &[(char, char)]) -> Vec<(char, char)> {
    let mut split = Vec::new();
    for &(mut from, mut to) in ranges {
        if matches!(from, '-' | '^') && from < to {
            split.push((from, from));
            from = char::from_u32(u32::from(from) + 1).unwrap_or(from);
        }
        if matches!(to, '-' | '^') && from < to {
            split.push((to, to));
            to = char::from_u32(u32::from(to) - 1).unwrap_or(to);
        }
        split.push((from, to));
    }
    split
}

fn in_class(c: char) -> String {
    match c {
        '[' | ']' | '\\' => format!("\\{c}"),
        c => c.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use rand::SeedableRng as _;
    use rand::distr::Distribution as _;

    use super::*;
    use crate::plan::{Focus, ObjectFact, Snapshot, plan_grammar};

    fn shop() -> Focus {
        let object = |kind: &str, name: &str| ObjectFact {
            kind: kind.into(),
            namespace: "shop".into(),
            name: name.into(),
            containers: vec![("nginx".into(), "nginx:1.27".into())],
            ..ObjectFact::default()
        };
        let snapshot = Snapshot {
            objects: vec![object("deployment", "web"), object("service", "web.v1")],
            namespaces: vec!["shop".into()],
            default_namespace: "shop".into(),
            ..Snapshot::default()
        };
        Focus::on("scale web to 5 and create a namespace called fresh", &snapshot)
    }

    fn samples(pattern: &str, count: usize) -> Vec<String> {
        let regex = rand_regex::Regex::compile(pattern, 12).unwrap();
        let mut random = rand::rngs::StdRng::seed_from_u64(7);
        (0..count).map(|_| regex.sample(&mut random)).collect()
    }

    fn whole(pattern: &str) -> regex::Regex {
        regex::RegexBuilder::new(&format!("^({pattern})$"))
            .size_limit(1 << 30)
            .build()
            .unwrap()
    }

    #[test]
    fn an_expression_and_its_tree_say_the_same() {
        for pattern in [
            "get (pods|nodes)( -n shop)?",
            "[a-z]([-a-z0-9]{0,60}[a-z0-9])?",
            "a{2}b{3,}c*d+",
            "[\\[\\]^-]x[+-/]{2}",
            "\\^\\.\\$(\\(\\)|\\{\\})",
            "",
        ] {
            let again = Node::read(pattern).unwrap().pattern();
            for text in samples(pattern, 50) {
                assert!(
                    whole(&again).is_match(&text),
                    "{pattern} gave {again}, not {text:?}"
                );
            }
            for text in samples(&again, 50) {
                assert!(
                    whole(pattern).is_match(&text),
                    "{again} is of {pattern}, but {text:?}"
                );
            }
        }
        assert!(Node::read("^a").is_none() && Node::read("(").is_none());
    }

    #[test]
    fn the_line_of_a_plan_is_parsed_and_stands_in_json_as_it_is() {
        let grammar = plan_grammar(&shop());
        let plain = Node::read(&grammar.line).unwrap().plain().unwrap().pattern();
        let original = whole(&grammar.line);
        for text in samples(&plain, 300) {
            assert!(original.is_match(&text), "{text}");
            assert_eq!(serde_json::to_string(&text).unwrap(), format!("\"{text}\""));
            assert!(crate::plan::parse_rough(&text).is_ok(), "{text}");
        }
    }

    #[test]
    fn what_json_would_escape_is_left_out() {
        let plain = |pattern: &str| Node::read(pattern).unwrap().plain().map(|node| node.pattern());
        assert_eq!(
            plain("patch '\\{\"a\":1\\}'|get pods").as_deref(),
            Some("get pods")
        );
        assert_eq!(plain("a\"?b").as_deref(), Some("ab"));
        assert_eq!(plain("[^'\\n]").as_deref(), Some("[ -!#-&(-\\[\\]-~]"));
        assert_eq!(plain("say \"a\""), None);
    }
}
