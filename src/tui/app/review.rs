//! The review: what somebody reads before they say yes, and the keys with which they do.
//!
//! Nothing confirms before the review was on the screen and the keyboard was quiet for a moment ([`Review::armed`]), so
//! that no key that was meant for something else says yes. A yes is for the report as it is shown: with a step taken
//! out or changed, the plan is checked and shown again first.

use std::collections::BTreeSet;

use jiff::{SignedDuration, Timestamp};
use ratatui::crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use ratatui_textarea::TextArea;

use super::line::{field, is_new_line, words};
use crate::check::Report;
use crate::plan::{Plan, Proposal, parse, printable};
use crate::session::Decision;
use crate::tui::keymap::{Act, KeyMap, Room};

/// How long the keyboard has to be quiet before keys count.
const QUIET: SignedDuration = SignedDuration::from_millis(400);
/// No explanation is longer, in bytes.
const ADVICE: usize = 32 << 10;

/// A review that waits for an answer.
#[derive(Clone, Debug)]
pub struct Review {
    /// What is judged.
    pub report: Report,
    /// How sure the planner was of each step.
    pub confidence: Vec<Option<f32>>,
    /// Steps that are taken out.
    pub out: BTreeSet<usize>,
    /// The step under the cursor.
    pub step: usize,
    /// The first line that is shown.
    pub top: usize,
    /// What is being typed, if anything.
    pub mode: Mode,
    /// What the adviser has said about it so far.
    pub advice: String,
    asked: bool,
    /// Since when it is on the screen and no key was pressed; nothing while it was not drawn.
    quiet_since: Option<Timestamp>,
    armed: bool,
}

/// What the keys of a review mean at the moment.
#[derive(Clone, Debug)]
pub enum Mode {
    /// Reading it.
    Reading,
    /// Reading why.
    Explaining,
    /// Changing the steps; with what is wrong with them.
    Editing(Box<TextArea<'static>>, Option<String>),
    /// Saying why not.
    Rejecting(Box<TextArea<'static>>),
    /// Typing the names that policy asks for, the first of these now.
    Naming(Vec<String>, Box<TextArea<'static>>),
}

/// What came of a key.
#[derive(Clone, Debug, PartialEq)]
pub enum Answer {
    /// Nothing to tell.
    None,
    /// Something to say on the screen.
    Say(&'static str),
    /// An answer to the review.
    Decide(Decision),
    /// A text for the clipboard.
    Copy(String),
    /// Have it explained, besides what is known of it.
    Advise,
    /// Give the request up.
    Cancel,
}

impl Review {
    /// A review that has just come.
    pub fn new(report: Report, confidence: Vec<Option<f32>>) -> Review {
        Review {
            report,
            confidence,
            out: BTreeSet::new(),
            step: 0,
            top: 0,
            mode: Mode::Reading,
            advice: String::new(),
            asked: false,
            quiet_since: None,
            armed: false,
        }
    }

    /// Whether keys count.
    pub fn armed(&self) -> bool {
        self.armed
    }

    /// It was drawn.
    pub fn seen(&mut self, now: Timestamp) {
        self.quiet_since.get_or_insert(now);
    }

    /// It is later: keys count once the keyboard was quiet for long enough.
    pub fn tick(&mut self, now: Timestamp) {
        self.armed |= self
            .quiet_since
            .is_some_and(|since| now.duration_since(since) >= QUIET);
    }

    /// It is not to be seen: once it is again, keys count after another quiet moment.
    pub fn hide(&mut self) {
        (self.armed, self.quiet_since) = (false, None);
    }

    /// Takes a key. `page` is how many lines the screen shows.
    pub fn key(&mut self, key: &KeyEvent, map: &KeyMap, now: Timestamp, page: usize) -> Answer {
        if !self.armed {
            self.quiet_since = self.quiet_since.map(|_| now);
            return Answer::Say("keys count in a moment: this review has only just appeared");
        }
        match &mut self.mode {
            Mode::Reading | Mode::Explaining => self.read(key, map, page),
            Mode::Editing(..) => self.edit(key),
            Mode::Rejecting(reason) => {
                if key.code == KeyCode::Enter {
                    let reason = Some(words(reason)).filter(|reason| !reason.is_empty());
                    return Answer::Decide(Decision::Reject { reason });
                }
                self.type_or_leave(key)
            }
            Mode::Naming(..) => self.name(key),
        }
    }

    fn read(&mut self, key: &KeyEvent, map: &KeyMap, page: usize) -> Answer {
        match map.act(Room::Review, key) {
            Some(Act::Approve) => return self.approve(),
            Some(Act::Edit) => {
                let text = self.report.steps.iter().map(|step| step.step.to_string());
                let area = field(&text.collect::<Vec<_>>().join("\n"), self.step);
                self.mode = Mode::Editing(Box::new(area), None);
            }
            Some(Act::Reject) => self.mode = Mode::Rejecting(Box::new(field("", 0))),
            Some(Act::Toggle) => return self.toggle(),
            Some(Act::Explain) => {
                let explaining = matches!(self.mode, Mode::Explaining);
                self.mode = if explaining {
                    Mode::Reading
                } else {
                    Mode::Explaining
                };
                self.top = 0;
                if !explaining && !std::mem::replace(&mut self.asked, true) {
                    return Answer::Advise;
                }
            }
            Some(Act::CopyPlan) => return Answer::Copy(self.by_hand()),
            Some(Act::Back) if matches!(self.mode, Mode::Explaining) => self.mode = Mode::Reading,
            Some(Act::Back) => return Answer::Cancel,
            Some(act) => self.scroll(act, page),
            None => {}
        }
        Answer::None
    }

    fn scroll(&mut self, act: Act, page: usize) {
        let last = self.report.steps.len().saturating_sub(1);
        match act {
            Act::Up if self.report.steps.len() > 1 && self.step > 0 => self.step -= 1,
            Act::Down if self.step < last => self.step += 1,
            Act::Up => self.top = self.top.saturating_sub(1),
            Act::Down => self.top += 1,
            Act::PageUp => self.top = self.top.saturating_sub(page),
            Act::PageDown => self.top += page,
            Act::Top => self.top = 0,
            Act::Bottom => self.top = usize::MAX / 2,
            _ => {}
        }
    }

    /// The first line cannot be behind the last window.
    pub fn clamp(&mut self, lines: usize, page: usize) {
        self.top = self.top.min(lines.saturating_sub(page));
    }

    fn approve(&mut self) -> Answer {
        if !self.out.is_empty() {
            return match self.rest() {
                Some(plan) => Answer::Decide(Decision::Edit(plan)),
                None => Answer::Say("every step is taken out; r rejects the plan"),
            };
        }
        let names = self.report.names.clone();
        if names.is_empty() {
            return self.yes();
        }
        self.mode = Mode::Naming(names, Box::new(field("", 0)));
        Answer::None
    }

    fn yes(&self) -> Answer {
        let (digest, by) = (self.report.digest.clone(), "terminal".to_owned());
        let names = self.report.names.clone();
        // They were typed one by one: see `name`.
        Answer::Decide(if names.is_empty() {
            Decision::Approve { digest, by }
        } else {
            Decision::ApproveNamed { digest, by, names }
        })
    }

    fn toggle(&mut self) -> Answer {
        if self.report.steps.len() < 2 {
            return Answer::Say("there is only one step; r rejects it");
        }
        if !self.out.remove(&self.step) {
            self.out.insert(self.step);
        }
        Answer::None
    }

    /// The plan without the steps that are taken out.
    fn rest(&self) -> Option<Plan> {
        let kept = self.report.steps.iter().enumerate();
        let kept = kept.filter(|(index, _)| !self.out.contains(index));
        Plan::new(kept.map(|(_, step)| step.step.clone()).collect()).ok()
    }

    fn edit(&mut self, key: &KeyEvent) -> Answer {
        let Mode::Editing(area, problem) = &mut self.mode else {
            return Answer::None;
        };
        if is_new_line(key) {
            area.insert_newline();
            return Answer::None;
        }
        if key.code != KeyCode::Enter {
            *problem = None;
            return self.type_or_leave(key);
        }
        match parse(&area.lines().join("\n")) {
            Ok(Proposal::Plan(plan)) => Answer::Decide(Decision::Edit(plan)),
            Ok(_) => {
                *problem = Some("that is no command".to_owned());
                Answer::None
            }
            Err(error) => {
                *problem = Some(error.to_string());
                Answer::None
            }
        }
    }

    fn name(&mut self, key: &KeyEvent) -> Answer {
        let Mode::Naming(names, typed) = &mut self.mode else {
            return Answer::None;
        };
        if key.code != KeyCode::Enter {
            return self.type_or_leave(key);
        }
        if names.first().is_none_or(|name| *name != words(typed)) {
            **typed = field("", 0);
            return Answer::Say("that is not its name; nothing was approved");
        }
        names.remove(0);
        **typed = field("", 0);
        if names.is_empty() {
            self.mode = Mode::Reading;
            return self.yes();
        }
        Answer::None
    }

    /// Types into the field in hand; Esc leaves it.
    fn type_or_leave(&mut self, key: &KeyEvent) -> Answer {
        if key.code == KeyCode::Esc {
            self.mode = Mode::Reading;
            return Answer::None;
        }
        let several = matches!(self.mode, Mode::Editing(..));
        let held = key
            .modifiers
            .intersects(KeyModifiers::CONTROL | KeyModifiers::ALT);
        if let Mode::Editing(area, _) | Mode::Rejecting(area) | Mode::Naming(_, area) = &mut self.mode
            && (several || !(held && key.code == KeyCode::Char('m')))
        {
            area.input(*key);
        }
        Answer::None
    }

    /// Pasted text goes where text is typed; a name that is to be typed is typed.
    pub fn paste(&mut self, text: &str) {
        match &mut self.mode {
            Mode::Editing(area, _) => {
                area.insert_str(text);
            }
            Mode::Rejecting(area) => {
                area.insert_str(text.replace('\n', " "));
            }
            _ => {}
        }
    }

    /// The adviser goes on.
    pub fn advised(&mut self, words: &str) {
        if self.advice.len() + words.len() <= ADVICE {
            self.advice.push_str(&printable(words));
        }
    }

    /// The commands as a person would type them.
    pub fn by_hand(&self) -> String {
        let each = self.report.steps.iter().map(|step| step.step.by_hand());
        each.collect::<Vec<_>>().join("\n")
    }
}
