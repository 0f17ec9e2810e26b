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
/// Words that lead to a command and begin none.
const LEADING: [&str; 28] = [
    "a",
    "an",
    "and",
    "args",
    "arguments",
    "called",
    "cmd",
    "command",
    "commands",
    "executes",
    "executing",
    "from",
    "image",
    "in",
    "is",
    "it",
    "job",
    "named",
    "of",
    "once",
    "pod",
    "running",
    "runs",
    "that",
    "the",
    "to",
    "which",
    "with",
];
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
        let quotes: Vec<Quote> = quotes(request).collect();
        let whole: BTreeSet<String> = quotes.iter().flat_map(|quote| lines(quote.text)).collect();
        let words = words(request, &quotes);
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

/// A request's words, what is quoted as one; nothing for what can be no argument.
fn words(request: &str, quotes: &[Quote]) -> Vec<Option<String>> {
    let bare_words = |text: &str| -> Vec<Option<String>> {
        let words = text.split_whitespace().map(bare).filter(|word| !word.is_empty());
        words.map(|word| is_argument(word).then(|| quote(word))).collect()
    };
    let (mut words, mut at) = (Vec::new(), 0);
    for one in quotes {
        // A quote within the one before is part of that.
        if one.start >= at {
            words.extend(bare_words(&request[at..one.start]));
            words.push(is_plain(one.text).then(|| quote(one.text)));
            at = one.end;
        }
    }
    words.extend(bare_words(&request[at..]));
    words.truncate(WORDS);
    words
}

/// The command that words begin with: as they stand, and for "which echoes hi" also `echo hi`.
fn runs(words: &[Option<String>]) -> Vec<Vec<String>> {
    let run: Vec<String> = words.iter().take(LONGEST).map_while(Clone::clone).collect();
    let Some(first) = run.first().filter(|first| !LEADING.contains(&first.as_str())) else {
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

fn is_argument(word: &str) -> bool {
    let plain =
        |c: char| c.is_ascii_graphic() && !matches!(c, '\'' | '"' | '`' | '\\') && !SHELL.contains(&c);
    (1..=WORD).contains(&word.len()) && word.chars().all(plain)
}

/// Something in quotes, and where it begins and ends with them.
struct Quote<'a> {
    start: usize,
    end: usize,
    text: &'a str,
}

/// What stands in quotes of any kind, each within one line; quotes in quotes too.
fn quotes(request: &str) -> impl Iterator<Item = Quote<'_>> {
    let pairs = [('"', '"'), ('\'', '\''), ('`', '`'), ('“', '”'), ('‘', '’')];
    request.char_indices().filter_map(move |(start, c)| {
        let (_, close) = pairs.iter().find(|(open, _)| *open == c)?;
        // An apostrophe opens nothing: `let's`.
        let before = request[..start].chars().next_back();
        if before.is_some_and(|c| c.is_ascii_alphanumeric()) {
            return None;
        }
        let inner = &request[start + c.len_utf8()..];
        let inner = inner.lines().next().unwrap_or_default();
        let is_end = |end: &usize| {
            let after = inner[*end + close.len_utf8()..].chars().next();
            !after.is_some_and(|c| c.is_ascii_alphanumeric())
        };
        let mut ends = inner
            .char_indices()
            .filter(|(_, c)| c == close)
            .map(|(end, _)| end);
        let length = ends.find(is_end)?;
        let text = inner[..length].trim();
        let end = start + c.len_utf8() + length + close.len_utf8();
        (!text.is_empty()).then_some(Quote { start, end, text })
    })
}

/// Whether the plan language can write a text as one argument.
fn is_plain(text: &str) -> bool {
    !text.contains(['\'', '\\'])
}

/// Whether only a shell can run a text: by what stands outside its own quotes.
fn is_for_shell(text: &str) -> bool {
    let mut at = 0;
    let mut outside = String::new();
    for one in quotes(text).filter(|one| one.text.len() < text.len()) {
        if one.start >= at {
            outside.push_str(&text[at..one.start]);
            at = one.end;
        }
    }
    outside.push_str(&text[at..]);
    outside.contains(SHELL)
}

/// A quoted text as command lines: its words as they are, said by `echo`, and run by a shell.
fn lines(text: &str) -> Vec<String> {
    let is_for_shell = is_for_shell(text);
    let mut lines = Vec::new();
    let words = shlex::split(text).filter(|words| !is_for_shell && words.iter().all(|word| is_plain(word)));
    if let Some(words) = words {
        let words: Vec<String> = words.iter().map(|word| quote(word)).collect();
        lines.push(words.join(" "));
    }
    if is_plain(text) {
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
            ("it runs perl -wle 'print 1' and ends", "perl -wle 'print 1'"),
            ("让它运行\"make all\"", "make all"),
        ] {
            assert!(may_run(request, command), "{request}");
        }
        for (request, command) in [
            ("a pod that runs env", "echo hello"),
            ("job db, command is ./migrate up", "./migrate down"),
            ("job db, command is ./migrate up", "command"),
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
