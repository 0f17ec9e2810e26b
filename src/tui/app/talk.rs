//! The conversation: what was said, the line in which it is said, and the request in hand.

use jiff::Timestamp;
use ratatui::crossterm::event::{KeyCode, KeyEvent};
use ratatui_textarea::{CursorMove, TextArea};

use super::complete::{Completion, choices, last_word};
use super::ended::Ended;
use super::event::News;
use super::line::{field, is_new_line, pasted};
use super::review::Review;
use crate::driver::cockpit::Names;
use crate::plan::Earlier;
use crate::session::Stage;

/// Entries that are kept.
const ENTRIES: usize = 500;
/// Requests that can be gone back to.
const HISTORY: usize = 500;
/// Characters of the model's writing that are kept while it writes.
const WRITING: usize = 4_000;

/// Something that was said.
#[derive(Clone, Debug, PartialEq)]
pub enum Entry {
    /// A request.
    Asked(String),
    /// What a read printed, and remarks about it.
    Read(String, Vec<String>),
    /// How a request ended.
    Ended(Box<Ended>),
    /// A remark of the program.
    Said(String),
}

/// A step that is being done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Doing {
    /// The command.
    pub line: String,
    /// What was seen of it last; nothing before it was begun.
    pub seen: Option<String>,
    /// The pods of the rollout that is waited for: their names and states.
    pub pods: Vec<(String, String)>,
    /// Whether it is done.
    pub done: bool,
}

/// The request in hand.
#[derive(Clone, Debug)]
pub struct Run {
    /// Its words.
    pub request: String,
    /// Where it is.
    pub stage: Stage,
    /// What is under way.
    pub detail: String,
    /// When it was made.
    pub since: Timestamp,
    /// When its stage began.
    pub stage_since: Timestamp,
    /// Something long, how far it is, and how far it has to go.
    pub progress: Option<(String, u64, u64)>,
    /// What the model has written so far.
    pub writing: String,
    /// The review, while it waits for an answer.
    pub review: Option<Review>,
    /// The steps, once somebody said yes to them.
    pub doing: Vec<Doing>,
    /// Whether it was asked to stop.
    pub cancelled: bool,
}

impl Run {
    /// A request that has just been made.
    pub fn new(request: &str, now: Timestamp) -> Run {
        Run {
            request: request.to_owned(),
            stage: Stage::Retrieving,
            detail: String::new(),
            since: now,
            stage_since: now,
            progress: None,
            writing: String::new(),
            review: None,
            doing: Vec::new(),
            cancelled: false,
        }
    }

    /// Takes news. What a read printed is given back.
    pub fn take(&mut self, news: News, now: Timestamp) -> Option<Entry> {
        match news {
            News::Stage(stage, detail) => self.enter(stage, detail, now),
            News::Progress(what, done, total) => self.progress = Some((what, done, total)),
            News::Pods(pods) => {
                if let Some(step) = self.doing.iter_mut().rfind(|step| step.seen.is_some()) {
                    step.pods = pods;
                }
            }
            News::Writing(text) => {
                self.writing.push_str(&text);
                if self.writing.len() > WRITING {
                    self.writing.clear();
                }
            }
            News::Read(text, notices) => return Some(Entry::Read(text, notices)),
            News::Review(report, confidence) => {
                self.review = Some(Review::new(*report, confidence));
            }
            News::Advice(digest, words) => {
                let review = self
                    .review
                    .as_mut()
                    .filter(|review| review.report.digest == digest);
                if let Some(review) = review {
                    review.advised(&words);
                }
            }
        }
        None
    }

    fn enter(&mut self, stage: Stage, detail: String, now: Timestamp) {
        if stage != self.stage {
            self.stage_since = now;
            self.progress = None;
            self.writing.clear();
        }
        match stage {
            Stage::Applying => {
                self.doing
                    .iter_mut()
                    .filter(|step| step.seen.is_some())
                    .for_each(|step| step.done = true);
                if let Some(step) = self
                    .doing
                    .iter_mut()
                    .find(|step| step.seen.is_none() && step.line == detail)
                {
                    step.seen = Some("applying".to_owned());
                }
            }
            Stage::Verifying => {
                let begun = self.doing.iter_mut().rfind(|step| step.seen.is_some());
                if let Some(step) = begun {
                    step.seen = Some(detail.clone());
                }
            }
            Stage::Checking => self.doing.clear(),
            _ => {}
        }
        (self.stage, self.detail) = (stage, detail);
    }

    /// Somebody said yes: the review goes, its steps are what is done.
    pub fn begin(&mut self) {
        if let Some(review) = self.review.take() {
            let steps = review.report.steps.iter().map(|step| Doing {
                line: step.step.to_string(),
                seen: None,
                pods: Vec::new(),
                done: false,
            });
            self.doing = steps.collect();
        }
    }
}

/// The conversation.
#[derive(Clone, Debug)]
pub struct Talk {
    /// What was said, oldest first.
    pub entries: Vec<Entry>,
    /// The line in which it is said.
    pub input: TextArea<'static>,
    /// The request in hand.
    pub run: Option<Run>,
    /// What was asked last, and what came of it: the next request may lean on it.
    pub earlier: Option<Earlier>,
    /// Lines that are hidden below the window.
    pub up: usize,
    /// An open choice of completions.
    pub completion: Option<Completion>,
    /// Whether names were asked for, and the choice opens when they come.
    pub awaits_names: bool,
    remembers: bool,
    history: Vec<String>,
    at: Option<usize>,
    draft: String,
}

impl Default for Talk {
    fn default() -> Talk {
        Talk {
            entries: Vec::new(),
            input: prompt(""),
            run: None,
            earlier: None,
            up: 0,
            completion: None,
            awaits_names: false,
            remembers: false,
            history: Vec::new(),
            at: None,
            draft: String::new(),
        }
    }
}

fn prompt(text: &str) -> TextArea<'static> {
    let mut area = field(text, usize::MAX);
    area.set_placeholder_text("say what you want, as in: scale web to 5");
    area
}

impl Talk {
    /// Adds to what was said, and shows it.
    pub fn say(&mut self, entry: Entry) {
        self.entries.push(entry);
        let surplus = self.entries.len().saturating_sub(ENTRIES);
        self.entries.drain(..surplus);
        self.up = 0;
    }

    /// Requests of the past, oldest first; those of today come behind them.
    fn remember(&mut self, requests: Vec<String>) {
        let today = std::mem::replace(&mut self.history, requests);
        self.history.extend(today);
        let surplus = self.history.len().saturating_sub(HISTORY);
        self.history.drain(..surplus);
    }

    /// Requests of the past, once at the beginning: those made here are remembered as they are made.
    pub fn remember_past(&mut self, requests: Vec<String>) {
        if !std::mem::replace(&mut self.remembers, true) {
            self.remember(requests);
        }
    }

    /// Whether nothing is typed.
    pub fn is_empty(&self) -> bool {
        self.input.lines().iter().all(|line| line.trim().is_empty())
    }

    /// What is typed.
    pub fn text(&self) -> String {
        self.input.lines().join("\n").trim().to_owned()
    }

    /// Takes what is typed out of the line and into the history.
    pub fn send(&mut self) -> String {
        let text = self.text();
        if self.history.last() != Some(&text) {
            self.history.push(text.clone());
        }
        self.set("");
        text
    }

    /// Puts a text into the line instead of what is there.
    pub fn set(&mut self, text: &str) {
        self.input = prompt(text);
        (self.at, self.completion) = (None, None);
    }

    /// Adds words to the line, with a space before and behind them.
    pub fn add(&mut self, words: &str) {
        let text = self.text();
        let between = if text.is_empty() { "" } else { " " };
        self.set(&format!("{text}{between}{words} "));
    }

    /// Takes pasted text; its line ends send nothing.
    pub fn paste(&mut self, text: &str) {
        self.completion = None;
        self.input.insert_str(pasted(text));
    }

    /// Takes a key that edits the line.
    pub fn key(&mut self, key: &KeyEvent) {
        self.completion = None;
        let rows = self.input.lines().len();
        match key.code {
            _ if is_new_line(key) => self.input.insert_newline(),
            KeyCode::Up if self.input.cursor().0 == 0 => self.older(),
            KeyCode::Down if self.input.cursor().0 + 1 == rows => self.newer(),
            _ => {
                self.input.input(*key);
            }
        }
    }

    fn older(&mut self) {
        let next = self.at.unwrap_or(self.history.len()).checked_sub(1);
        let Some(next) = next else { return };
        if self.at.is_none() {
            self.draft = self.text();
        }
        let text = self.history[next].clone();
        self.set(&text);
        self.at = Some(next);
    }

    fn newer(&mut self) {
        let Some(at) = self.at else { return };
        let next = self.history.get(at + 1).cloned();
        let at = next.is_some().then_some(at + 1);
        self.set(&next.unwrap_or_else(|| self.draft.clone()));
        self.at = at;
    }

    /// The line up to the cursor.
    fn before(&self) -> String {
        let cursor = self.input.cursor();
        let line = self.input.lines().get(cursor.0).cloned().unwrap_or_default();
        line.chars().take(cursor.1).collect()
    }

    /// Completes the word in front of the cursor; again for the next choice. Says whether there was one.
    pub fn complete(&mut self, names: &Names) -> bool {
        if let Some(completion) = &mut self.completion {
            completion.index = (completion.index + 1) % completion.choices.len();
            self.put_choice();
            return true;
        }
        let before = self.before();
        let choices = choices(&before, false, names);
        if choices.is_empty() {
            return false;
        }
        let length = last_word(&before).chars().count();
        let only = choices.len() == 1;
        self.completion = Some(Completion {
            choices,
            index: 0,
            length,
        });
        self.put_choice();
        if only {
            self.completion = None;
            self.input.insert_char(' ');
        }
        true
    }

    /// Puts the choice in place of what stands there.
    fn put_choice(&mut self) {
        let Some(completion) = &mut self.completion else {
            return;
        };
        for _ in 0..completion.length {
            self.input.move_cursor(CursorMove::Back);
        }
        self.input.delete_str(completion.length);
        let choice = &completion.choices[completion.index];
        self.input.insert_str(choice);
        completion.length = choice.chars().count();
    }
}

#[cfg(test)]
mod tests {
    use ratatui::crossterm::event::KeyModifiers;

    use super::*;

    fn press(talk: &mut Talk, code: KeyCode) {
        talk.key(&KeyEvent::new(code, KeyModifiers::NONE));
    }

    #[test]
    fn history_comes_back_and_the_draft_is_not_lost() {
        let mut talk = Talk::default();
        talk.remember(vec!["old".into()]);
        talk.set("new");
        assert_eq!(talk.send(), "new");
        talk.set("draft");
        press(&mut talk, KeyCode::Up);
        assert_eq!(talk.text(), "new");
        press(&mut talk, KeyCode::Up);
        press(&mut talk, KeyCode::Up);
        assert_eq!(talk.text(), "old");
        press(&mut talk, KeyCode::Down);
        press(&mut talk, KeyCode::Down);
        assert_eq!(talk.text(), "draft");
    }

    #[test]
    fn pasted_lines_send_nothing_and_cannot_steer_the_terminal() {
        let mut talk = Talk::default();
        talk.paste("one\r\ntwo\u{1b}[2J\tthree");
        assert_eq!(talk.text(), "one\ntwo    three");
        assert!(talk.history.is_empty());
    }

    #[test]
    fn a_choice_is_gone_through_in_place() {
        let object = |name: &str| crate::driver::cockpit::ObjectName {
            kind: "deployment".into(),
            namespace: "shop".into(),
            name: name.into(),
        };
        let names = Names {
            objects: vec![object("web"), object("webhooks")],
            ..Names::default()
        };
        let mut talk = Talk::default();
        talk.set("why is @we");
        assert!(talk.complete(&names));
        assert_eq!(talk.text(), "why is @deployment/web");
        assert!(talk.complete(&names));
        assert_eq!(talk.text(), "why is @deployment/webhooks");
        press(&mut talk, KeyCode::Char('!'));
        assert!(talk.completion.is_none());
        talk.set("@hooks");
        talk.complete(&names);
        assert_eq!(talk.input.lines(), ["@deployment/webhooks "]);
    }
}
