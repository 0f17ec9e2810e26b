//! A regular expression in the notation of llama.cpp's grammars.
//!
//! Parts that occur more than once become rules of their own, since the expression of a plan says the same names in
//! many places, and a server reads the grammar anew for each request.

use std::collections::HashMap;
use std::fmt::Write as _;

use super::regular::{Node, times};

/// Parts whose text is at least this long become rules, in bytes.
const RULE: usize = 24;

/// The grammar; nothing where the expression has something that grammars of this kind have not.
pub(super) fn gbnf(pattern: &str) -> Option<String> {
    let mut writer = Writer::default();
    let root = writer.write(&Node::read(pattern)?, Place::Top);
    let mut text = format!("root ::= {root}\n");
    for (number, rule) in writer.rules.iter().enumerate() {
        let _ = writeln!(text, "r{number} ::= {rule}");
    }
    Some(text)
}

/// Where a part stands, and so whether it needs brackets.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    Top,
    Sequence,
    Repeated,
}

#[derive(Default)]
struct Writer {
    rules: Vec<String>,
    known: HashMap<String, usize>,
}

impl Writer {
    fn write(&mut self, node: &Node, place: Place) -> String {
        let (text, whole) = match node {
            Node::Text(text) => (quoted(text), true),
            Node::Class(ranges) => return class(ranges),
            Node::Seq(parts) => {
                let parts: Vec<_> = parts
                    .iter()
                    .map(|part| self.write(part, Place::Sequence))
                    .collect();
                (parts.join(" "), false)
            }
            Node::Any(parts) => {
                let parts: Vec<_> = parts.iter().map(|part| self.write(part, Place::Top)).collect();
                (parts.join(" | "), false)
            }
            Node::Repeat(node, min, max) => {
                let part = self.write(node, Place::Repeated);
                (format!("{part}{}", times(*min, *max)), place != Place::Repeated)
            }
        };
        if place == Place::Top || (whole && text.len() < RULE) {
            return text;
        }
        if text.len() >= RULE {
            return format!("r{}", self.rule(text));
        }
        format!("({text})")
    }

    fn rule(&mut self, text: String) -> usize {
        if let Some(number) = self.known.get(&text) {
            return *number;
        }
        let number = self.rules.len();
        self.rules.push(text.clone());
        self.known.insert(text, number);
        number
    }
}

fn quoted(text: &str) -> String {
    let inner: String = text.chars().map(escaped).collect();
    format!("\"{inner}\"")
}

fn class(ranges: &[(char, char)]) -> String {
    let mut inner = String::new();
    for &(from, to) in ranges {
        inner.push_str(&in_class(from));
        if from != to {
            inner.push('-');
            inner.push_str(&in_class(to));
        }
    }
    format!("[{inner}]")
}

fn escaped(c: char) -> String {
    match c {
        '"' | '\\' => format!("\\{c}"),
        '\n' => "\\n".to_owned(),
        '\r' => "\\r".to_owned(),
        '\t' => "\\t".to_owned(),
        c if c.is_control() => format!("\\U{:08X}", u32::from(c)),
        c => c.to_string(),
    }
}

/// In a class everything that is no letter or digit is written as a number: `-`, `^` and brackets mean something there.
fn in_class(c: char) -> String {
    if c.is_ascii_alphanumeric() {
        return c.to_string();
    }
    format!("\\U{:08X}", u32::from(c))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn expressions_become_grammars() {
        let grammar = gbnf("unclear|(get (pods|nodes)( -n (shop|blog-with-a-long-name))?)(\\nscale web --replicas=[1-9][0-9]{0,8}){0,5}").unwrap();
        insta::assert_snapshot!(grammar);
        assert_eq!(
            gbnf("[-a-c^]\"\\\\").unwrap(),
            "root ::= [\\U0000002Da-c\\U0000005E] \"\\\"\\\\\"\n"
                .replace("\\U0000002Da-c\\U0000005E", "\\U0000002D\\U0000005Ea-c")
        );
        assert!(gbnf("a$").is_none());
    }

    #[test]
    fn what_is_said_twice_is_one_rule() {
        let name = "[a-z]([-a-z0-9]{0,60}[a-z0-9])?";
        let once = gbnf(&format!("get {name}")).unwrap();
        let twice = gbnf(&format!("get {name}|delete {name}")).unwrap();
        assert_eq!(once.matches("{0,60}").count(), 1);
        assert_eq!(twice.matches("{0,60}").count(), 1, "{twice}");
    }
}
