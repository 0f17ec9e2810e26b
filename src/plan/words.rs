//! A command line taken apart and put together: positionals, flags, and what follows `--`.

use std::collections::VecDeque;

/// Why a line is not a step of the plan language.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ParseError {
    /// Quotes that never close.
    #[error("unbalanced quotes in `{0}`")]
    Quotes(String),
    /// No command begins with these words.
    #[error("`{0}` is not a command that sayso knows")]
    UnknownCommand(String),
    /// A flag that the command does not take.
    #[error("`{command}` has no flag `{flag}`")]
    UnknownFlag {
        /// The command's words.
        command: String,
        /// The flag as typed.
        flag: String,
    },
    /// A flag without its value.
    #[error("flag `{0}` needs a value")]
    FlagValue(String),
    /// A part that the command cannot do without.
    #[error("`{0}` is missing")]
    Missing(String),
    /// A part with a value that its place does not take.
    #[error("`{value}` is not {expected}")]
    Value {
        /// The value as typed.
        value: String,
        /// What would have been taken, as a noun phrase.
        expected: String,
    },
    /// Words left over after the command was read.
    #[error("`{0}` is one word too many")]
    Unexpected(String),
    /// Nothing to read.
    #[error("an empty plan")]
    Empty,
    /// More steps than a plan may have.
    #[error("{0} steps are more than a plan may have ({1})")]
    TooLong(usize, usize),
}

/// Where a field of a command stands on its line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// In order, without a name.
    Here,
    /// Behind a flag; the first name is the one that is written.
    Flag(&'static [&'static str]),
    /// Behind ` -- `.
    Last,
}

/// A flag that a command takes, as the lexer must know it.
#[derive(Clone, Copy, Debug)]
pub struct FlagShape {
    /// Every spelling, dashes included.
    pub names: &'static [&'static str],
    /// Whether a value follows it.
    pub takes_value: bool,
}

/// Flags that kubectl takes apart at commas: `--verb=get,list` is two verbs.
const LISTS: [&str; 2] = ["--verb", "--resource"];

/// A line taken apart; commands take their fields out of it until nothing is left.
#[derive(Clone, Debug, Default)]
pub struct Words {
    /// Words without a flag, in order.
    pub positionals: VecDeque<String>,
    /// Flags by their first spelling, with their values.
    pub flags: Vec<(&'static str, Option<String>)>,
    /// What stood behind ` -- `.
    pub trailing: Vec<String>,
}

impl Words {
    /// Sorts words (the command's own already removed) by the flags that the command takes.
    pub fn sort(command: &str, words: &[String], shapes: &[FlagShape]) -> Result<Words, ParseError> {
        let mut sorted = Words::default();
        let mut rest = words.iter();
        while let Some(word) = rest.next() {
            if word == "--" {
                sorted.trailing = rest.cloned().collect();
                break;
            }
            if !is_flag(word) {
                sorted.positionals.push_back(word.clone());
                continue;
            }
            let (name, inline) = match word.split_once('=') {
                Some((name, value)) if word.starts_with("--") || name.len() == 2 => {
                    (name, Some(value.to_owned()))
                }
                _ => (word.as_str(), None),
            };
            let shape = find_shape(command, name, shapes)?;
            let value = match (shape.takes_value, inline) {
                (true, Some(value)) => Some(value),
                (true, None) => Some(
                    rest.next()
                        .cloned()
                        .ok_or_else(|| ParseError::FlagValue(name.to_owned()))?,
                ),
                (false, inline) => inline,
            };
            let name = shape.names[0];
            match value {
                Some(list) if LISTS.contains(&name) => {
                    let each = list.split(',').map(|one| (name, Some(one.to_owned())));
                    sorted.flags.extend(each);
                }
                value => sorted.flags.push((name, value)),
            }
        }
        Ok(sorted)
    }

    /// Takes the next positional if `accept` likes it.
    pub fn next_if(&mut self, accept: impl Fn(&str) -> bool) -> Option<String> {
        if self.positionals.front().is_some_and(|word| accept(word)) {
            return self.positionals.pop_front();
        }
        None
    }

    /// Takes every value of a flag, in order; a switch gives an empty string.
    pub fn take_flag(&mut self, names: &[&str]) -> Vec<String> {
        let mut taken = Vec::new();
        self.flags.retain_mut(|(name, value)| {
            let ours = names.contains(name);
            if ours {
                taken.push(value.take().unwrap_or_default());
            }
            !ours
        });
        taken
    }

    /// Fails if anything was not taken.
    pub fn finish(self) -> Result<(), ParseError> {
        let left = self
            .positionals
            .into_iter()
            .chain(self.flags.into_iter().map(|(name, _)| name.to_owned()));
        match left.chain(self.trailing).next() {
            Some(word) => Err(ParseError::Unexpected(word)),
            None => Ok(()),
        }
    }
}

/// A word that names a flag: `-x` or `--xyz`; `-` alone and negative numbers are values.
fn is_flag(word: &str) -> bool {
    word.len() > 1 && word.starts_with('-') && !word[1..].starts_with(|c: char| c.is_ascii_digit())
}

fn find_shape<'a>(command: &str, name: &str, shapes: &'a [FlagShape]) -> Result<&'a FlagShape, ParseError> {
    shapes
        .iter()
        .find(|shape| shape.names.contains(&name))
        .ok_or_else(|| ParseError::UnknownFlag {
            command: command.to_owned(),
            flag: name.to_owned(),
        })
}

/// A line being written. Words are quoted for a shell where they need it.
#[derive(Debug, Default)]
pub struct Line {
    words: Vec<String>,
    trailing: Vec<String>,
}

impl Line {
    /// Begins with a command's own words, which need no quoting.
    pub fn new(command: &str) -> Line {
        Line {
            words: vec![command.to_owned()],
            trailing: Vec::new(),
        }
    }

    /// Writes a value at a place.
    pub fn put(&mut self, place: Place, value: &str) {
        match place {
            Place::Here => self.words.push(quote(value)),
            Place::Flag(names) if names[0].starts_with("--") => {
                self.words.push(format!("{}={}", names[0], quote(value)));
            }
            Place::Flag(names) => self.words.extend([names[0].to_owned(), quote(value)]),
            Place::Last => self.trailing.push(quote(value)),
        }
    }

    /// Writes a switch.
    pub fn put_switch(&mut self, place: Place) {
        if let Place::Flag(names) = place {
            self.words.push(names[0].to_owned());
        }
    }

    /// The whole line.
    pub fn finish(self) -> String {
        let mut words = self.words;
        if !self.trailing.is_empty() {
            words.push("--".to_owned());
            words.extend(self.trailing);
        }
        words.join(" ")
    }
}

/// Quotes a word for a POSIX shell, leaving alone what no shell touches (`shlex` would quote `pods,services`): one
/// spelling for every word, which is also the one that the grammar has. `!=` is touched by none, since a history
/// expansion does not begin with it. NUL cannot be quoted by any shell, so it is dropped (no field accepts it).
pub(super) fn quote(word: &str) -> String {
    let safe = |c: char| {
        c.is_ascii_alphanumeric() || matches!(c, '_' | '@' | '%' | '+' | '=' | ':' | ',' | '.' | '/' | '-')
    };
    if !word.is_empty() && word.replace("!=", "=").chars().all(safe) {
        return word.to_owned();
    }
    let printable = |c: char| !c.is_control() && !matches!(c, '\'' | '\\');
    if word.chars().all(printable) {
        return format!("'{word}'");
    }
    match shlex::try_quote(word) {
        Ok(quoted) => quoted.into_owned(),
        Err(_) => quote(&word.replace('\0', "")),
    }
}
