//! What a request says that a container is to run.

use std::collections::BTreeSet;

use super::super::focus::any_of;
use super::super::words::quote;

/// Command lines that can be read out of a request, as they are written behind `--`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Commands {
    /// Expressions for what was described.
    described: Vec<&'static str>,
    /// What stood in quotes, whole.
    quoted: Vec<String>,
    /// Words that follow each other; a command is one of these or any beginning of it.
    runs: Vec<Vec<String>>,
}

/// The most words of a command that stood in no quotes.
const LONGEST: usize = 10;
/// Words of a request that are looked at.
const WORDS: usize = 120;
/// The most characters of a word that stands bare.
const WORD: usize = 60;
/// Characters that only a shell understands.
const SHELL: [char; 6] = [';', '|', '&', '>', '<', '$'];
/// Commands that people describe more than name, by how the word begins that they do it with: "lists its environment",
/// "sleeps for an hour".
const DESCRIBED: [(&str, &str); 2] = [
    ("env", "env"),
    ("sleep", "sleep ([1-9][0-9]{0,5}[smhd]?|infinity)"),
];

impl Commands {
    /// Reads them out of a request.
    pub fn of(request: &str) -> Commands {
        let mut whole = BTreeSet::new();
        let mut outside = request.to_owned();
        for text in quoted(request) {
            whole.extend(lines(text));
            // What is quoted is meant as it stands, and ends what goes before it.
            outside = outside.replacen(text, "\"", 1);
        }
        let words: Vec<&str> = outside.split_whitespace().take(WORDS).map(bare).collect();
        let described = DESCRIBED.iter().filter(|(word, _)| {
            let mut words = request.split_whitespace().map(bare);
            words.any(|said| said.to_ascii_lowercase().starts_with(word))
        });
        Commands {
            described: described.map(|(_, pattern)| *pattern).collect(),
            quoted: whole.into_iter().collect(),
            runs: (0..words.len()).flat_map(|at| runs(&words[at..])).collect(),
        }
    }

    /// A regular expression for what may stand behind `--`, or nothing where anything may.
    pub fn pattern(&self) -> Option<String> {
        let described = self.described.iter().map(|pattern| (*pattern).to_owned());
        let quoted = any_of(self.quoted.iter().cloned());
        let runs = self.runs.iter().map(|run| beginnings(run));
        let said: Vec<String> = described.chain(quoted).chain(runs).collect();
        (!said.is_empty()).then(|| said.join("|"))
    }
}

/// The command that words begin with: as they stand, and for "which echoes hi" also `echo hi`.
fn runs(words: &[&str]) -> Vec<Vec<String>> {
    let words = words.iter().copied().take(LONGEST).take_while(is_argument);
    let run: Vec<String> = words.map(quote).collect();
    let Some(first) = run.first() else {
        return Vec::new();
    };
    let verbs = ["es", "s"].iter().filter_map(|end| first.strip_suffix(end));
    let verbs = verbs.map(|verb| [&[verb.to_owned()], &run[1..]].concat());
    verbs.chain([run.clone()]).collect()
}

/// An expression for every beginning of words in a row.
fn beginnings(words: &[String]) -> String {
    let mut pattern = String::new();
    for word in words.iter().rev() {
        let word = regex_syntax::escape(word);
        pattern = if pattern.is_empty() {
            word
        } else {
            format!("{word}( {pattern})?")
        };
    }
    pattern
}

/// A word without what a sentence puts around it.
fn bare(word: &str) -> &str {
    let word = word.trim_matches(['"', '\'', '`', '(', ')', '“', '”', '‘', '’']);
    word.trim_end_matches([',', ';', ':', '?', '!', '.'])
}

fn is_argument(word: &&str) -> bool {
    let plain =
        |c: char| c.is_ascii_graphic() && !matches!(c, '\'' | '"' | '`' | '\\') && !SHELL.contains(&c);
    (1..=WORD).contains(&word.len()) && word.chars().all(plain)
}

/// What stands in quotes of any kind, each within one line.
fn quoted(request: &str) -> impl Iterator<Item = &str> {
    let pairs = [('"', '"'), ('\'', '\''), ('`', '`'), ('“', '”'), ('‘', '’')];
    let starts = request.char_indices();
    starts.filter_map(move |(at, c)| {
        let (_, close) = pairs.iter().find(|(open, _)| *open == c)?;
        // An apostrophe opens nothing: `let's`.
        let before = request[..at].chars().next_back();
        if before.is_some_and(char::is_alphanumeric) {
            return None;
        }
        let inner = &request[at + c.len_utf8()..];
        let inner = inner.lines().next().unwrap_or_default();
        let is_end = |end: &usize| {
            let after = inner[*end + close.len_utf8()..].chars().next();
            !after.is_some_and(char::is_alphanumeric)
        };
        let mut ends = inner
            .char_indices()
            .filter(|(_, c)| c == close)
            .map(|(end, _)| end);
        let text = inner[..ends.find(is_end)?].trim();
        (!text.is_empty()).then_some(text)
    })
}

/// A quoted text as command lines: its words as they are, said by `echo`, and run by a shell.
fn lines(text: &str) -> Vec<String> {
    // What the plan language can write: one line, and no quotes in quotes of a shell.
    let plain = |text: &str| !text.contains(['\'', '\\']);
    let mut lines = Vec::new();
    let words = shlex::split(text).filter(|words| words.iter().all(|word| plain(word)));
    let is_for_shell = text.contains(SHELL);
    if let Some(words) = words.filter(|_| !is_for_shell || text.contains("sh -c ")) {
        let words: Vec<String> = words.iter().map(|word| quote(word)).collect();
        lines.push(words.join(" "));
    }
    if plain(text) {
        let text = quote(text);
        if !is_for_shell {
            lines.push(format!("echo {text}"));
        }
        lines.extend(["/bin/sh", "sh"].map(|shell| format!("{shell} -c {text}")));
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    fn may_run(request: &str, command: &str) -> bool {
        let pattern = Commands::of(request).pattern().unwrap();
        regex::Regex::new(&format!("^({pattern})$"))
            .unwrap()
            .is_match(command)
    }

    #[test]
    fn a_container_runs_what_was_said() {
        for (request, command) in [
            ("a pod from busybox that runs env", "env"),
            (
                "job db from acme/migrate:2, command is ./migrate up.",
                "./migrate up",
            ),
            ("run busybox as t: sleep 3600", "sleep 3600"),
            ("a pod that sleeps an hour", "sleep 3600"),
            ("which echoes hello there", "echo hello there"),
            ("a pod that says 'good morning'", "echo 'good morning'"),
            ("it runs `rake db:migrate`", "rake db:migrate"),
            ("execute \"date; sleep 5\" in it", "/bin/sh -c 'date; sleep 5'"),
            ("with sh -c 'ls | wc -l'", "sh -c 'ls | wc -l'"),
            ("run \"python -c 'print(1)'\" once", "python -c 'print(1)'"),
            ("let's run it with the command “make all”", "make all"),
            ("run 'sh -c \"date; ls\"'", "sh -c 'date; ls'"),
        ] {
            assert!(may_run(request, command), "{request}");
        }
        for (request, command) in [
            ("a pod that runs env", "echo hello"),
            ("job db, command is ./migrate up", "./migrate down"),
            ("execute \"date; sleep 5\" in it", "/bin/sh -c 'date; reboot'"),
            ("execute \"date; sleep 5\" in it", "date"),
            ("execute \"date; sleep 5\" in it", "echo 'date; sleep 5'"),
            ("a pod of busybox named env-free", "sleep 5"),
        ] {
            assert!(!may_run(request, command), "{request}");
        }
    }

    #[test]
    fn quotes_need_not_close_and_say_nothing_alone() {
        for request in ["\"", "'a", "``", "“", "let's go 'now", "a \" b ' c ` d"] {
            let commands = Commands::of(request);
            assert!(
                commands.quoted.iter().all(|line| shlex::split(line).is_some()),
                "{request}"
            );
        }
        assert_eq!(Commands::of("").pattern(), None);
    }
}
