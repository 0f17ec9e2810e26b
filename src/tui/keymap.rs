//! Which key does what, as data: defaults here, changes from `[tui.keys]` of `config.toml`, help from both.
//!
//! Keys that confirm (the review's) are listed for help but cannot be changed, and no other key of their room may be
//! put on them.

use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::str::FromStr;

use ratatui::crossterm::event::{KeyCode, KeyEvent, KeyModifiers};

use crate::config::Keys;

/// One key with what is held down.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Chord {
    code: KeyCode,
    held: KeyModifiers,
}

impl Chord {
    /// The chord of a key press. Shift counts only where the character does not tell it.
    pub fn of(key: &KeyEvent) -> Chord {
        let mut held = key.modifiers & (KeyModifiers::CONTROL | KeyModifiers::ALT | KeyModifiers::SHIFT);
        if matches!(key.code, KeyCode::Char(_) | KeyCode::BackTab) {
            held.remove(KeyModifiers::SHIFT);
        }
        let code = match key.code {
            KeyCode::Char(c) if held.contains(KeyModifiers::CONTROL) => KeyCode::Char(c.to_ascii_lowercase()),
            code => code,
        };
        Chord { code, held }
    }
}

/// Names of keys that are no characters.
const NAMED: &[(&str, KeyCode)] = &[
    ("enter", KeyCode::Enter),
    ("esc", KeyCode::Esc),
    ("tab", KeyCode::Tab),
    ("shift-tab", KeyCode::BackTab),
    ("space", KeyCode::Char(' ')),
    ("up", KeyCode::Up),
    ("down", KeyCode::Down),
    ("left", KeyCode::Left),
    ("right", KeyCode::Right),
    ("pgup", KeyCode::PageUp),
    ("pgdn", KeyCode::PageDown),
    ("home", KeyCode::Home),
    ("end", KeyCode::End),
    ("backspace", KeyCode::Backspace),
    ("delete", KeyCode::Delete),
    ("f1", KeyCode::F(1)),
    ("f5", KeyCode::F(5)),
];

impl FromStr for Chord {
    type Err = ();

    fn from_str(text: &str) -> Result<Chord, ()> {
        let named = |name: &str| {
            NAMED
                .iter()
                .find(|(known, _)| *known == name)
                .map(|(_, code)| *code)
        };
        let (mut held, mut rest) = (KeyModifiers::NONE, text);
        loop {
            if let Some(code) = named(rest) {
                return Ok(Chord { code, held });
            }
            let mut characters = rest.chars();
            if let (Some(c), None) = (characters.next(), characters.next()) {
                return Ok(Chord {
                    code: KeyCode::Char(c),
                    held,
                });
            }
            let (modifier, after) = rest.split_once('-').ok_or(())?;
            rest = after;
            held |= match modifier {
                "ctrl" => KeyModifiers::CONTROL,
                "alt" => KeyModifiers::ALT,
                "shift" if after.chars().count() == 1 => {
                    let upper = after.chars().next().ok_or(())?.to_ascii_uppercase();
                    return Ok(Chord {
                        code: KeyCode::Char(upper),
                        held,
                    });
                }
                _ => return Err(()),
            };
        }
    }
}

impl fmt::Display for Chord {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.held.contains(KeyModifiers::CONTROL) {
            f.write_str("ctrl-")?;
        }
        if self.held.contains(KeyModifiers::ALT) {
            f.write_str("alt-")?;
        }
        match NAMED.iter().find(|(_, code)| *code == self.code) {
            Some((name, _)) => f.write_str(name),
            None => match self.code {
                KeyCode::Char(c) if c.is_ascii_uppercase() => write!(f, "shift-{}", c.to_ascii_lowercase()),
                KeyCode::Char(c) => write!(f, "{c}"),
                other => write!(f, "{other:?}"),
            },
        }
    }
}

/// Where a key means something.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Room {
    /// Everywhere but where text is typed.
    Anywhere,
    /// The conversation's input line.
    Talk,
    /// The review.
    Review,
    /// A table of objects.
    Table,
    /// A page of text, or a log.
    Page,
    /// The record.
    Audit,
}

impl Room {
    /// Its name in `config.toml` and in help.
    pub fn name(self) -> &'static str {
        match self {
            Room::Anywhere => "anywhere",
            Room::Talk => "talk",
            Room::Review => "review",
            Room::Table => "table",
            Room::Page => "page",
            Room::Audit => "audit",
        }
    }
}

macro_rules! acts {
    ($($name:ident $room:ident $word:literal [$($key:literal),*] $fixed:literal $help:literal;)*) => {
        /// What a key does.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum Act { $(#[doc = $help] $name,)* }

        /// Every act with its room, name, default keys, whether they are fixed, and its help.
        const TABLE: &[(Act, Room, &str, &[&str], bool, &str)] =
            &[$((Act::$name, Room::$room, $word, &[$($key),*], $fixed, $help),)*];
    };
}

acts! {
    Help Anywhere "help" ["?", "f1"] false "this help";
    Command Anywhere "command" [":"] false "a command: a kind (pods, deploy, ...), ns, ctx, audit, q";
    Filter Anywhere "filter" ["/"] false "filter (words, !not, -l label=value), or search in a page";
    Back Anywhere "back" ["esc"] false "back; in a request: cancel";
    Talk Anywhere "talk" ["i", "tab"] false "to the conversation";
    Up Anywhere "up" ["up", "k"] false "up";
    Down Anywhere "down" ["down", "j"] false "down";
    PageUp Anywhere "page-up" ["pgup", "ctrl-b"] false "a page up";
    PageDown Anywhere "page-down" ["pgdn", "ctrl-f"] false "a page down";
    Top Anywhere "top" ["home", "g"] false "to the top";
    Bottom Anywhere "bottom" ["end", "shift-g"] false "to the bottom";
    Quit Anywhere "quit" ["ctrl-q"] false "leave";
    Send Talk "send" ["enter"] true "send the request; with an empty line, open the last answer's objects";
    NewLine Talk "new-line" ["alt-enter", "ctrl-j"] true "a new line";
    Complete Talk "complete" ["tab"] true "complete a name, @object or /command; with an empty line, to the cluster";
    Undo Talk "undo" ["alt-u"] false "take the last change back (also /undo)";
    OlderTalk Talk "scroll-up" ["pgup"] true "scroll up";
    NewerTalk Talk "scroll-down" ["pgdn"] true "scroll down";
    Approve Review "approve" ["a"] true "approve exactly what is shown";
    Edit Review "edit" ["e"] true "edit the steps; they are checked again";
    Reject Review "reject" ["r"] true "reject, with a reason that is recorded";
    Toggle Review "toggle" ["space"] true "take a step out or in; the rest is checked again";
    Explain Review "explain" ["x"] true "explain: the way back, and what a yes is bound to";
    CopyPlan Review "copy" ["c"] true "copy the same-by-hand commands";
    Open Table "open" ["enter"] false "open: pods of a workload, a namespace, else describe";
    Describe Table "describe" ["d"] false "describe";
    Yaml Table "yaml" ["y"] false "as YAML";
    Logs Table "logs" ["l"] false "logs, followed";
    Previous Table "previous" ["p"] false "logs of the run before the last restart";
    Diagnose Table "diagnose" ["x"] false "what is wrong with it";
    Ask Table "ask" ["a"] false "ask about this";
    Delete Table "delete" ["ctrl-d"] false "delete (reviewed first)";
    Scale Table "scale" ["s"] false "scale (reviewed first)";
    Restart Table "restart" ["r"] false "restart a rollout (reviewed first)";
    SortName Table "sort-name" ["shift-n"] false "sort by name";
    SortAge Table "sort-age" ["shift-a"] false "sort by age";
    SortNext Table "sort-next" ["o"] false "sort by the next column";
    SortTurn Table "sort-turn" ["shift-o"] false "turn the order round";
    Wide Table "wide" ["w"] false "more columns";
    Everywhere Table "all-namespaces" ["0"] false "all namespaces, or back to one";
    CopyName Table "copy" ["c"] false "copy the name";
    Follow Page "follow" ["s"] false "follow the log, or stop following";
    Container Page "container" ["c"] false "the next container's log";
    Earlier Page "previous" ["p"] false "the log before the last restart, or the current one";
    Wrap Page "wrap" ["w"] false "wrap long lines";
    Next Page "next" ["n"] false "the next match";
    Before Page "before" ["shift-n"] false "the match before";
    Reload Page "reload" ["f5", "ctrl-r"] false "read it again";
    Show Audit "show" ["enter"] false "show one record whole";
    TakeBack Audit "undo" ["u"] false "take it back (reviewed first)";
}

/// A key map that cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum KeyError {
    /// No such thing to bind a key to.
    #[error("`tui.keys` has no `{0}`")]
    Unknown(String),
    /// No such key.
    #[error("`tui.keys.{name}`: there is no key `{key}`")]
    NoKey {
        /// What it was to do.
        name: String,
        /// The key as it was written.
        key: String,
    },
    /// A key that confirms was to be changed.
    #[error("`tui.keys.{0}` cannot be changed: it belongs to the review or to the input line")]
    Fixed(String),
    /// One key for two things.
    #[error("the key `{key}` is both `{one}` and `{other}`")]
    Conflict {
        /// The key.
        key: String,
        /// One thing.
        one: String,
        /// The other.
        other: String,
    },
}

/// Which key does what.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyMap {
    /// The chords of each row of the table.
    chords: Vec<Vec<Chord>>,
    bound: HashMap<(Room, Chord), usize>,
}

impl KeyMap {
    /// The defaults with these changes: `room.name` to the keys that it shall have.
    pub fn new(changes: &BTreeMap<String, Keys>) -> Result<KeyMap, KeyError> {
        let mut keys: Vec<Vec<Chord>> = TABLE
            .iter()
            .map(|(_, _, _, keys, ..)| keys.iter().filter_map(|key| key.parse().ok()).collect())
            .collect();
        for (name, wanted) in changes {
            let index = TABLE.iter().position(|row| full_name(row) == *name);
            let index = index.ok_or_else(|| KeyError::Unknown(name.clone()))?;
            if TABLE[index].4 {
                return Err(KeyError::Fixed(name.clone()));
            }
            let read = |key: &str| {
                key.parse::<Chord>().map_err(|()| KeyError::NoKey {
                    name: name.clone(),
                    key: key.to_owned(),
                })
            };
            keys[index] = wanted.all().into_iter().map(read).collect::<Result<_, _>>()?;
        }
        KeyMap::bind(keys)
    }

    fn bind(chords: Vec<Vec<Chord>>) -> Result<KeyMap, KeyError> {
        let mut bound = HashMap::new();
        for (index, chords) in chords.iter().enumerate() {
            for chord in chords {
                let before = bound.insert((TABLE[index].1, *chord), index);
                if let Some(before) = before.filter(|before| *before != index) {
                    return Err(KeyError::Conflict {
                        key: chord.to_string(),
                        one: full_name(&TABLE[before]),
                        other: full_name(&TABLE[index]),
                    });
                }
            }
        }
        Ok(KeyMap { chords, bound })
    }

    /// What a key does in a room: the room's own meaning before the general one.
    pub fn act(&self, room: Room, key: &KeyEvent) -> Option<Act> {
        let chord = Chord::of(key);
        let own = self.bound.get(&(room, chord));
        let general = || {
            self.bound
                .get(&(Room::Anywhere, chord))
                .filter(|_| room != Room::Talk)
        };
        own.or_else(general).map(|index| TABLE[*index].0)
    }

    /// The keys of an act, as in `d` or `?, f1`.
    pub fn keys(&self, act: Act) -> String {
        let keys: Vec<String> = self.of(act).iter().map(Chord::to_string).collect();
        keys.join(", ")
    }

    /// The first key of an act, for hints.
    pub fn first(&self, act: Act) -> String {
        self.of(act).first().map(Chord::to_string).unwrap_or_default()
    }

    fn of(&self, act: Act) -> &[Chord] {
        let index = TABLE.iter().position(|row| row.0 == act);
        index
            .and_then(|index| self.chords.get(index))
            .map_or(&[], Vec::as_slice)
    }

    /// Every room with its keys and what they do, for the help page.
    pub fn help(&self) -> Vec<(Room, Vec<(String, &'static str)>)> {
        let rooms = [
            Room::Anywhere,
            Room::Talk,
            Room::Review,
            Room::Table,
            Room::Page,
            Room::Audit,
        ];
        rooms
            .map(|room| {
                let rows = TABLE.iter().filter(|row| row.1 == room);
                (room, rows.map(|row| (self.keys(row.0), row.5)).collect())
            })
            .to_vec()
    }
}

fn full_name(row: &(Act, Room, &str, &[&str], bool, &str)) -> String {
    format!("{}.{}", row.1.name(), row.2)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn changed(name: &str, keys: &[&str]) -> Result<KeyMap, KeyError> {
        let keys = Keys::Several(keys.iter().map(|key| (*key).to_owned()).collect());
        KeyMap::new(&BTreeMap::from([(name.to_owned(), keys)]))
    }

    fn press(text: &str) -> KeyEvent {
        let chord: Chord = text.parse().unwrap();
        KeyEvent::new(chord.code, chord.held)
    }

    #[test]
    fn the_defaults_have_no_conflict_and_every_act_has_a_key() {
        let map = KeyMap::new(&BTreeMap::new()).unwrap();
        for row in TABLE {
            assert!(!map.keys(row.0).is_empty(), "{}", full_name(row));
            assert!(
                row.3.iter().all(|key| key.parse::<Chord>().is_ok()),
                "{}",
                full_name(row)
            );
        }
    }

    #[test]
    fn a_key_can_be_changed_and_the_old_one_is_free() {
        let map = changed("table.describe", &["ctrl-e", "shift-d"]).unwrap();
        assert_eq!(map.act(Room::Table, &press("shift-d")), Some(Act::Describe));
        assert_eq!(map.act(Room::Table, &press("ctrl-e")), Some(Act::Describe));
        assert_eq!(map.act(Room::Table, &press("d")), None);
    }

    #[test]
    fn what_confirms_cannot_be_changed() {
        assert_eq!(
            changed("review.approve", &["enter"]),
            Err(KeyError::Fixed("review.approve".into()))
        );
    }

    #[test]
    fn wrong_maps_are_told() {
        assert!(matches!(
            changed("table.yaml", &["d"]),
            Err(KeyError::Conflict { .. })
        ));
        assert!(matches!(
            changed("table.dance", &["d"]),
            Err(KeyError::Unknown(_))
        ));
        assert!(matches!(
            changed("table.yaml", &["hyper-d"]),
            Err(KeyError::NoKey { .. })
        ));
    }

    #[test]
    fn a_rooms_own_meaning_comes_first_and_typing_is_typing() {
        let map = KeyMap::new(&BTreeMap::new()).unwrap();
        assert_eq!(map.act(Room::Page, &press("shift-n")), Some(Act::Before));
        assert_eq!(map.act(Room::Page, &press("j")), Some(Act::Down));
        assert_eq!(map.act(Room::Talk, &press("j")), None);
    }

    #[test]
    fn keys_read_back_as_they_are_written() {
        for text in [
            "ctrl-d",
            "alt-enter",
            "shift-g",
            "?",
            "-",
            "ctrl--",
            "f5",
            "space",
        ] {
            assert_eq!(text.parse::<Chord>().unwrap().to_string(), text);
        }
    }
}
