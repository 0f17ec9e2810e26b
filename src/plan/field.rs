//! How a value occurs in a command: once, perhaps, many times, or as a switch. Reading, writing and the grammar of
//! each occurrence stand side by side here, which is what keeps them from drifting apart.

use super::focus::Focus;
use super::target::Target;
use super::words::{Line, ParseError, Place, Words};

/// A value of the plan language, written as one word.
pub trait Value: Sized {
    /// What is expected, as a noun phrase for error messages.
    const EXPECTED: &'static str;

    /// Reads one unquoted word.
    fn read(text: &str) -> Option<Self>;

    /// Writes it as one unquoted word: `read(write(v)) == v`.
    fn write(&self) -> String;

    /// A regular expression for what a model may write, as it stands on the line (quoting included), or nothing
    /// where the cluster holds no candidate. Everything that it matches must be read by [`Value::read`].
    fn pattern(focus: &Focus) -> Option<String>;

    /// A regular expression for all values that stand behind ` -- `, where they belong together.
    fn together(_focus: &Focus) -> Option<String> {
        None
    }

    /// The live objects that the value names.
    fn targets<'a>(&'a self, _out: &mut Vec<&'a Target>) {}

    /// Whether the value names live objects, so that `KIND NAME` is to be read as `KIND/NAME`.
    const NAMES_OBJECTS: bool = false;
}

/// How often a model may write a value in one command: a role may need every verb there is.
const MOST: usize = 8;

/// One or more of a value.
#[derive(Clone, Debug, PartialEq)]
pub struct Many<T>(pub Vec<T>);

/// An occurrence of values in a command.
pub trait Field: Sized {
    /// Whether its flag is followed by a value.
    const TAKES_VALUE: bool = true;
    /// See [`Value::NAMES_OBJECTS`].
    const NAMES_OBJECTS: bool = false;

    /// Takes the field out of a line.
    fn take(place: Place, name: &str, words: &mut Words) -> Result<Self, ParseError>;

    /// Writes the field onto a line.
    fn put(&self, place: Place, line: &mut Line);

    /// The field's part of the grammar, leading space included; nothing where it cannot occur and must.
    fn pattern(place: Place, focus: &Focus) -> Option<String>;

    /// The live objects that the field names.
    fn targets<'a>(&'a self, _out: &mut Vec<&'a Target>) {}
}

impl<T: Value> Field for T {
    const NAMES_OBJECTS: bool = <T as Value>::NAMES_OBJECTS;

    fn take(place: Place, name: &str, words: &mut Words) -> Result<Self, ParseError> {
        <Option<T> as Field>::take(place, name, words)?.ok_or_else(|| ParseError::Missing(label(place, name)))
    }

    fn put(&self, place: Place, line: &mut Line) {
        line.put(place, &self.write());
    }

    fn pattern(place: Place, focus: &Focus) -> Option<String> {
        occurrence::<T>(place, focus)
    }

    fn targets<'a>(&'a self, out: &mut Vec<&'a Target>) {
        Value::targets(self, out);
    }
}

impl<T: Value> Field for Option<T> {
    const NAMES_OBJECTS: bool = <T as Value>::NAMES_OBJECTS;

    fn take(place: Place, _name: &str, words: &mut Words) -> Result<Self, ParseError> {
        match place {
            Place::Here => words.positionals.pop_front().map(|word| read(&word)).transpose(),
            Place::Flag(names) => words.take_flag(names).pop().map(|word| read(&word)).transpose(),
            Place::Last => Ok(None),
        }
    }

    fn put(&self, place: Place, line: &mut Line) {
        if let Some(value) = self {
            value.put(place, line);
        }
    }

    fn pattern(place: Place, focus: &Focus) -> Option<String> {
        Some(occurrence::<T>(place, focus).map_or_else(String::new, |pattern| format!("({pattern})?")))
    }

    fn targets<'a>(&'a self, out: &mut Vec<&'a Target>) {
        if let Some(value) = self {
            Value::targets(value, out);
        }
    }
}

impl<T: Value> Field for Vec<T> {
    const NAMES_OBJECTS: bool = <T as Value>::NAMES_OBJECTS;

    fn take(place: Place, _name: &str, words: &mut Words) -> Result<Self, ParseError> {
        match place {
            Place::Here => {
                let mut taken = Vec::new();
                while let Some(word) = words.next_if(|word| T::read(word).is_some()) {
                    taken.push(read(&word)?);
                }
                Ok(taken)
            }
            Place::Flag(names) => words.take_flag(names).iter().map(|word| read(word)).collect(),
            Place::Last => std::mem::take(&mut words.trailing)
                .iter()
                .map(|word| read(word))
                .collect(),
        }
    }

    fn put(&self, place: Place, line: &mut Line) {
        for value in self {
            value.put(place, line);
        }
    }

    fn pattern(place: Place, focus: &Focus) -> Option<String> {
        if let (Place::Last, Some(pattern)) = (place, T::together(focus)) {
            return Some(format!("( -- ({pattern}))?"));
        }
        let pattern = occurrence::<T>(place, focus);
        Some(match (pattern, place) {
            (None, _) => String::new(),
            (Some(pattern), Place::Last) => format!("( --({pattern}){{1,12}})?"),
            (Some(pattern), _) => format!("({pattern}){{0,{MOST}}}"),
        })
    }

    fn targets<'a>(&'a self, out: &mut Vec<&'a Target>) {
        for value in self {
            Value::targets(value, out);
        }
    }
}

impl<T: Value> Field for Many<T> {
    const NAMES_OBJECTS: bool = <T as Value>::NAMES_OBJECTS;

    fn take(place: Place, name: &str, words: &mut Words) -> Result<Self, ParseError> {
        let values = <Vec<T> as Field>::take(place, name, words)?;
        if values.is_empty() {
            return Err(match words.positionals.front() {
                Some(word) if place == Place::Here => wrong::<T>(word),
                _ => ParseError::Missing(label(place, name)),
            });
        }
        Ok(Many(values))
    }

    fn put(&self, place: Place, line: &mut Line) {
        self.0.put(place, line);
    }

    fn pattern(place: Place, focus: &Focus) -> Option<String> {
        Some(format!("({}){{1,{MOST}}}", occurrence::<T>(place, focus)?))
    }

    fn targets<'a>(&'a self, out: &mut Vec<&'a Target>) {
        self.0.targets(out);
    }
}

impl Field for bool {
    const TAKES_VALUE: bool = false;

    fn take(place: Place, _name: &str, words: &mut Words) -> Result<Self, ParseError> {
        let Place::Flag(names) = place else {
            return Ok(false);
        };
        match words.take_flag(names).pop().as_deref() {
            None | Some("false") => Ok(false),
            Some("" | "true") => Ok(true),
            Some(other) => Err(ParseError::Value {
                value: other.to_owned(),
                expected: "true or false".to_owned(),
            }),
        }
    }

    fn put(&self, place: Place, line: &mut Line) {
        if *self {
            line.put_switch(place);
        }
    }

    fn pattern(place: Place, _focus: &Focus) -> Option<String> {
        Some(match place {
            Place::Flag(names) => format!("( {})?", names[0]),
            _ => String::new(),
        })
    }
}

/// The grammar of one value at its place.
fn occurrence<T: Value>(place: Place, focus: &Focus) -> Option<String> {
    let value = T::pattern(focus)?;
    Some(match place {
        Place::Flag(names) if names[0].starts_with("--") => format!(" {}=({value})", names[0]),
        Place::Flag(names) => format!(" {} ({value})", names[0]),
        Place::Here | Place::Last => format!(" ({value})"),
    })
}

fn read<T: Value>(word: &str) -> Result<T, ParseError> {
    T::read(word).ok_or_else(|| wrong::<T>(word))
}

fn wrong<T: Value>(word: &str) -> ParseError {
    ParseError::Value {
        value: word.to_owned(),
        expected: T::EXPECTED.to_owned(),
    }
}

fn label(place: Place, name: &str) -> String {
    match place {
        Place::Flag(names) => names[0].to_owned(),
        _ => name.to_uppercase().replace('_', "-"),
    }
}
