//! What a row of the table of commands tells, and the macro that makes types, reading, writing and grammar of the rows.

use super::command::Action;
use super::focus::Focus;
use super::kind::Kind;
use super::words::{FlagShape, ParseError, Place, Words};

/// Whether a command only looks, or changes something. Decided by the type, never by the text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effect {
    /// Looks only.
    Read,
    /// Changes the cluster.
    Write,
}

/// Which scope flags a command takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reach {
    /// `-n NAMESPACE`.
    Namespace,
    /// `-n NAMESPACE` or `-A`.
    Any,
    /// None: what it touches is not in a namespace.
    Cluster,
}

/// A command as its table row tells it.
#[derive(Debug)]
pub struct Shape {
    /// The words that it begins with.
    pub words: &'static str,
    /// Whether it reads or writes.
    pub effect: Effect,
    /// Its scope flags.
    pub reach: Reach,
    /// Whether its first positional names live objects.
    pub names_objects: bool,
    pub(super) flags: &'static [FlagShape],
    pub(super) take: fn(&mut Words) -> Result<Action, ParseError>,
    pub(super) pattern: fn(&Focus) -> Option<String>,
}

impl Shape {
    /// Reads the words behind the command's own.
    pub(super) fn read(&self, words: &[String]) -> Result<Action, ParseError> {
        let mut words = Words::sort(self.words, words, self.flags)?;
        if self.names_objects {
            join_kind_and_names(&mut words);
        }
        let action = (self.take)(&mut words)?;
        words.finish()?;
        Ok(action)
    }

    /// The command's grammar without scope flags, or nothing where the cluster has no candidate for it.
    pub(super) fn pattern(&self, focus: &Focus) -> Option<String> {
        (self.pattern)(focus).map(|fields| format!("{}{fields}", regex_syntax::escape(self.words)))
    }
}

/// Turns `deployment web api` into `deployment/web deployment/api`, as kubectl reads it.
fn join_kind_and_names(words: &mut Words) {
    let Some(kind) = words
        .positionals
        .front()
        .filter(|word| !word.contains(['/', '=']))
        .cloned()
    else {
        return;
    };
    let names = words
        .positionals
        .iter()
        .skip(1)
        .take_while(|word| !word.contains(['/', '=']) && !word.ends_with('-'));
    let count = names.count();
    if count == 0 || Kind::read(&kind).is_none() {
        return;
    }
    words.positionals.pop_front();
    for word in words.positionals.iter_mut().take(count) {
        *word = format!("{kind}/{word}");
    }
}

pub(super) const HERE: Place = Place::Here;
pub(super) const LAST: Place = Place::Last;

pub(super) const fn flag(names: &'static [&'static str]) -> Place {
    Place::Flag(names)
}

pub(super) const fn is_here(place: Place) -> bool {
    matches!(place, Place::Here)
}

pub(super) const fn flag_names(place: Place) -> &'static [&'static str] {
    match place {
        Place::Flag(names) => names,
        _ => &[],
    }
}

macro_rules! commands {
    ($($(#[$doc:meta])* $name:ident = $effect:ident $words:literal $reach:ident {
        $($(#[$field_doc:meta])* $field:ident: $type:ty = $place:expr;)*
    })*) => {
        $(
            $(#[$doc])*
            #[derive(Clone, Debug, PartialEq)]
            pub struct $name { $($(#[$field_doc])* pub $field: $type,)* }
        )*

        /// One typed command.
        #[derive(Clone, Debug, PartialEq)]
        pub enum Action { $($(#[$doc])* $name($name),)* }

        /// Every command, in the order in which they are tried.
        pub const SHAPES: &[Shape] = &[$(Shape {
            words: $words,
            effect: Effect::$effect,
            reach: Reach::$reach,
            names_objects: false $(|| is_here($place) && <$type as Field>::NAMES_OBJECTS)*,
            flags: &[$(FlagShape { names: flag_names($place), takes_value: <$type as Field>::TAKES_VALUE },)*],
            take: |_words| Ok(Action::$name($name {
                $($field: <$type as Field>::take($place, stringify!($field), _words)?,)*
            })),
            pattern: |_focus| {
                #[allow(unused_mut, reason = "a command without fields adds nothing")]
                let mut pattern = String::new();
                $(pattern.push_str(&<$type as Field>::pattern($place, _focus)?);)*
                Some(pattern)
            },
        },)*];

        impl Action {
            /// The table row of the command.
            pub fn shape(&self) -> &'static Shape {
                let words = match self { $(Action::$name(_) => stringify!($name),)* };
                let position = [$(stringify!($name)),*].iter().position(|name| *name == words);
                &SHAPES[position.unwrap_or_default()]
            }

            /// The live objects that the command names, in order.
            pub fn targets(&self) -> Vec<&Target> {
                #[allow(unused_mut, reason = "some commands name none")]
                let mut targets = Vec::new();
                match self { $(Action::$name(_command) => { $(Field::targets(&_command.$field, &mut targets);)* })* }
                targets
            }

            pub(super) fn put(&self) -> Line {
                let mut line = Line::new(self.shape().words);
                match self { $(Action::$name(_command) => { $(_command.$field.put($place, &mut line);)* })* }
                line
            }
        }
    };
}

pub(super) use commands;
