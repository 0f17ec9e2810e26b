//! The tables of phrasings: intents with their target lines and the ways to ask for them.

use crate::random::Random;

/// One intent.
#[derive(Debug, Default)]
pub struct Intent {
    pub name: String,
    pub weight: usize,
    /// In so many of a hundred cases a namespace is named.
    pub namespace: usize,
    /// In so many of a hundred cases every namespace is meant.
    pub everywhere: usize,
    /// Whether it can be one half of a request for two things.
    pub joins: bool,
    /// Whether the grammar must accept the target (a namespace that a plan's first step creates is in no grammar).
    pub checked: bool,
    /// Target lines with slots.
    pub lines: Vec<String>,
    pub phrases: Vec<Phrase>,
}

/// One way to ask: `(a|b)` is a choice, `[a]` may be left out, `{slot}` is filled, `\n` is a line end. Lines that begin with
/// `- ` are items of a list, which get bullets of one kind or numbers.
#[derive(Debug)]
pub struct Phrase {
    pub text: String,
    /// Whether it begins with a verb, so that `please` fits in front.
    pub imperative: bool,
}

/// Reads a table: `## NAME WEIGHT [nPERCENT] [APERCENT] [+] [!]`, then `> LINE` targets, then phrasings, those that are no
/// imperatives behind `~`.
pub fn read(table: &str) -> Vec<Intent> {
    let mut intents: Vec<Intent> = Vec::new();
    for line in table
        .lines()
        .map(str::trim)
        .filter(|line| !line.is_empty() && !line.starts_with("//"))
    {
        if let Some(head) = line.strip_prefix("## ") {
            intents.push(header(head));
            continue;
        }
        let Some(intent) = intents.last_mut() else {
            continue;
        };
        match (line.strip_prefix("> "), line.strip_prefix("~ ")) {
            (Some(target), _) => intent.lines.push(target.to_owned()),
            (_, Some(text)) => intent.phrases.push(Phrase {
                text: text.replace("\\n", "\n"),
                imperative: false,
            }),
            _ => intent.phrases.push(Phrase {
                text: line.replace("\\n", "\n"),
                imperative: true,
            }),
        }
    }
    intents
}

fn header(head: &str) -> Intent {
    let mut words = head.split_whitespace();
    let mut intent = Intent {
        name: words.next().unwrap_or_default().to_owned(),
        weight: words.next().and_then(|word| word.parse().ok()).unwrap_or(1),
        namespace: 10,
        checked: true,
        ..Intent::default()
    };
    for word in words {
        let (option, number) = word.split_at(1);
        match option {
            "n" => intent.namespace = number.parse().unwrap_or(0),
            "A" => intent.everywhere = number.parse().unwrap_or(0),
            "+" => intent.joins = true,
            _ => intent.checked = false,
        }
    }
    intent
}

/// Makes the choices of a phrase; slots stay.
pub fn choose(text: &str, random: &mut Random) -> String {
    let mut out = String::new();
    let mut rest = text;
    while let Some(at) = rest.find(['(', '[']) {
        out.push_str(&rest[..at]);
        let (inner, after) = group(&rest[at..]);
        if rest[at..].starts_with('(') || random.chance(50) {
            let options = alternatives(inner);
            out.push_str(&choose(options[random.below(options.len())], random));
        }
        rest = after;
    }
    out.push_str(rest);
    out
}

/// Splits off the group that a text begins with.
fn group(text: &str) -> (&str, &str) {
    let mut depth = 0;
    for (at, c) in text.char_indices() {
        match c {
            '(' | '[' => depth += 1,
            ')' | ']' => depth -= 1,
            _ => {}
        }
        if depth == 0 {
            return (&text[1..at], &text[at + 1..]);
        }
    }
    (&text[1..], "")
}

fn alternatives(text: &str) -> Vec<&str> {
    let (mut depth, mut start, mut result) = (0, 0, Vec::new());
    for (at, c) in text.char_indices() {
        match c {
            '(' | '[' => depth += 1,
            ')' | ']' => depth -= 1,
            '|' if depth == 0 => {
                result.push(&text[start..at]);
                start = at + 1;
            }
            _ => {}
        }
    }
    result.push(&text[start..]);
    result
}

/// A text in pieces: literal ones, and names of slots.
#[derive(Debug, PartialEq)]
pub enum Piece<'a> {
    Text(&'a str),
    Slot(&'a str),
}

/// Finds the slots, `{name}` with a lower-case name; other braces are text.
pub fn pieces(text: &str) -> Vec<Piece<'_>> {
    let (mut result, mut start, mut at) = (Vec::new(), 0, 0);
    while let Some(open) = text[at..].find('{').map(|found| found + at) {
        let name = text[open + 1..].split('}').next().unwrap_or_default();
        let slot = !name.is_empty() && name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit());
        if slot {
            result.push(Piece::Text(&text[start..open]));
            result.push(Piece::Slot(name));
            start = open + name.len() + 2;
            at = start;
        } else {
            at = open + 1;
        }
    }
    result.push(Piece::Text(&text[start..]));
    result
}
