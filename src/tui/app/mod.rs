//! The app as a pure machine: `update(event) -> effects`. It owns no terminal, no clock and no connection, and a test
//! can put it through anything.
//!
//! There is the conversation ([`Talk`]), and above the cluster a stack of screens ([`Screen`]) of which the topmost is
//! shown; [`App::talking`] says which of the two has the keys. What writes to a cluster leaves here in one way only:
//! [`Effect::Run`] begins a session, and [`Effect::Decide`] answers its review.

pub mod audit;
mod command;
mod complete;
pub mod ended;
pub mod event;
mod keys;
mod line;
pub mod page;
pub mod review;
mod rows;
mod screens;
pub mod table;
pub mod talk;
#[cfg(test)]
mod tests;

use jiff::Timestamp;
use ratatui::crossterm::event::{KeyCode, KeyEvent, KeyEventKind, KeyModifiers};
use ratatui_textarea::TextArea;

use super::keymap::KeyMap;
use super::theme::Theme;
use crate::driver::cockpit::{Names, ObjectName, Past, Place, Start};
use crate::driver::{Receipt, Undo};
use crate::plan::{Proposal, parse};
use crate::request::Request;
use crate::session::{Decision, Failure, Stage};

use audit::Audit;
use ended::{Ended, pace};
use event::{Effect, Event, News};
use line::{field, pasted};
use page::Page;
use table::Table;
use talk::{Entry, Run, Talk};

/// Seconds for which a remark stays on the screen.
const REMARK: i64 = 6;
/// Seconds after which names are collected again when they are needed.
const NAMES_AGE: i64 = 30;

/// A screen above the cluster.
#[derive(Clone, Debug)]
pub enum Screen {
    /// A table of objects.
    Table(Box<Table>),
    /// A page of text.
    Page(Box<Page>),
    /// The record.
    Audit(Audit),
}

/// A line that is typed at the bottom.
#[derive(Clone, Debug)]
pub struct Prompt {
    /// What it is for.
    pub purpose: Purpose,
    /// What is typed.
    pub line: TextArea<'static>,
    choices: Vec<String>,
    choice: usize,
}

/// What a typed line is for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// A command.
    Command,
    /// A filter, or a search; with what it was before.
    Filter(String),
    /// How many replicas an object shall have.
    Scale(ObjectName),
}

/// What the app begins with.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Which key does what.
    pub keys: KeyMap,
    /// How it looks.
    pub theme: Theme,
    /// Whether lists are of every namespace.
    pub all_namespaces: bool,
}

/// The app.
#[derive(Clone, Debug)]
pub struct App {
    /// What it began with.
    pub settings: Settings,
    /// Where requests go.
    pub place: Place,
    /// What the planner ran on and how fast it was, at the last request.
    pub pace: Option<String>,
    /// What time it is.
    pub now: Timestamp,
    /// How many times the clock ticked: what moves on the screen moves by it.
    pub ticks: usize,
    /// Columns and rows of the terminal.
    pub size: (u16, u16),
    /// The conversation.
    pub talk: Talk,
    /// Whether the conversation has the keys; otherwise the topmost screen does.
    pub talking: bool,
    /// The screens, the topmost last.
    pub screens: Vec<Screen>,
    /// A line that is typed at the bottom.
    pub prompt: Option<Prompt>,
    /// A remark, until when it is shown, and whether it is a bad one.
    pub remark: Option<(String, Timestamp, bool)>,
    /// Whether the program ends when the request in hand is over.
    pub leaving: bool,
    names: Names,
    names_at: Option<Timestamp>,
    wants_to_leave: bool,
    serial: u64,
}

impl App {
    /// An app that shows the conversation, with what is to be done first.
    pub fn new(settings: Settings, place: Place, size: (u16, u16), now: Timestamp) -> (App, Vec<Effect>) {
        let app = App {
            settings,
            place,
            pace: None,
            now,
            ticks: 0,
            size,
            talk: Talk::default(),
            talking: true,
            screens: Vec::new(),
            prompt: None,
            remark: None,
            leaving: false,
            names: Names::default(),
            names_at: None,
            wants_to_leave: false,
            serial: 0,
        };
        (app, vec![Effect::Past])
    }

    /// Takes one event, and says what is to be done.
    pub fn update(&mut self, event: Event) -> Vec<Effect> {
        let effects = self.happen(event);
        if !self.review_is_visible()
            && let Some(review) = self.talk.run.as_mut().and_then(|run| run.review.as_mut())
        {
            review.hide();
        }
        effects
    }

    fn happen(&mut self, event: Event) -> Vec<Effect> {
        match event {
            Event::Key(key) if key.kind == KeyEventKind::Release => Vec::new(),
            Event::Key(key) => self.key(&key),
            Event::Paste(text) => self.paste(&text),
            Event::Wheel(lines) => self.wheel(lines),
            Event::Resize(width, height) => {
                self.size = (width, height);
                Vec::new()
            }
            Event::Tick(now) => self.tick(now),
            Event::Drawn(now) => self.drawn(now),
            Event::Terminate => self.leave(),
            Event::Under(news) => self.under(news),
            Event::Over(receipt) => self.over(&receipt),
            other => self.answered(other),
        }
    }

    /// Takes what was asked of the cluster or of the record.
    fn answered(&mut self, event: Event) -> Vec<Effect> {
        match event {
            Event::Watched(id, news) => self.watched(id, news),
            Event::Read(id, text) => self.with_page(id, |page| page.take(text)),
            Event::Logged(id, lines) => self.with_page(id, |page| page.take_log(lines)),
            Event::Containers(id, Ok(names)) => self.with_page(id, |page| page.containers = names),
            Event::Names(names) => self.named(names),
            Event::Contexts(names) => self.show_contexts(names),
            Event::Past(past) => self.past(&past),
            Event::WayBack(found) => return self.walk_back(found),
            Event::Placed(place) => return self.placed(place),
            _ => {}
        }
        Vec::new()
    }

    /// The next number for something that news will come for.
    fn number(&mut self) -> u64 {
        self.serial += 1;
        self.serial
    }

    /// Shows a remark for some seconds.
    pub(crate) fn remark(&mut self, text: &str) {
        self.remark = Some((text.to_owned(), self.later(), false));
    }

    fn complain(&mut self, failure: &Failure) {
        let hint = failure
            .hint
            .as_ref()
            .map_or_else(String::new, |hint| format!(" ({hint})"));
        self.remark = Some((format!("{}{hint}", failure.message), self.later(), true));
    }

    fn later(&self) -> Timestamp {
        let span = jiff::SignedDuration::from_secs(REMARK);
        self.now.checked_add(span).unwrap_or(self.now)
    }

    fn tick(&mut self, now: Timestamp) -> Vec<Effect> {
        self.now = now;
        self.ticks = self.ticks.wrapping_add(1);
        if self.remark.as_ref().is_some_and(|(_, until, _)| now >= *until) {
            self.remark = None;
        }
        if let Some(review) = self.talk.run.as_mut().and_then(|run| run.review.as_mut()) {
            review.tick(now);
        }
        Vec::new()
    }

    fn drawn(&mut self, now: Timestamp) -> Vec<Effect> {
        if self.review_is_visible()
            && let Some(review) = self.talk.run.as_mut().and_then(|run| run.review.as_mut())
        {
            review.seen(now);
        }
        Vec::new()
    }

    /// Whether the review is what the screen shows, with nothing in front of it.
    pub fn review_is_visible(&self) -> bool {
        let has = self.talk.run.as_ref().is_some_and(|run| run.review.is_some());
        has && self.talking && self.prompt.is_none()
    }

    // ----- the request in hand

    /// Begins a request.
    fn ask(&mut self, text: &str, start: Start) -> Vec<Effect> {
        if self.talk.run.is_some() {
            self.remark("a request is under way; esc in the conversation cancels it");
            return Vec::new();
        }
        let request = match Request::new(text, None) {
            Ok(request) => request,
            Err(error) => {
                self.complain(&Failure::new(error.to_string()));
                return Vec::new();
            }
        };
        let start = match (start, &self.talk.earlier) {
            (Start::Words, Some(earlier)) => Start::After(earlier.clone()),
            (start, _) => start,
        };
        self.talk.say(Entry::Asked(request.text().to_owned()));
        self.talk.run = Some(Run::new(request.text(), self.now));
        self.talking = true;
        vec![Effect::Run(request, start)]
    }

    /// Begins with a command that somebody wrote or a key stands for; it is checked and reviewed like any other.
    fn command_line(&mut self, line: &str) -> Vec<Effect> {
        match parse(line) {
            Ok(Proposal::Plan(plan)) => self.ask(line, Start::Plan(plan)),
            Ok(_) => Vec::new(),
            Err(error) => {
                self.complain(&Failure::new(error.to_string()));
                Vec::new()
            }
        }
    }

    fn under(&mut self, news: News) -> Vec<Effect> {
        let Some(run) = &mut self.talk.run else {
            return Vec::new();
        };
        let is_review = matches!(news, News::Review(..));
        if let Some(entry) = run.take(news, self.now) {
            self.talk.say(entry);
        }
        if is_review && !self.talking {
            let key = self.settings.keys.keys(super::keymap::Act::Talk);
            self.remark(&format!("a review waits for you: {key}"));
        }
        Vec::new()
    }

    fn over(&mut self, receipt: &Receipt) -> Vec<Effect> {
        let Some(run) = self.talk.run.take() else {
            return Vec::new();
        };
        let ended = Ended::of(receipt);
        let next = receipt.outcome.earlier(&run.request);
        self.talk.earlier = Some(self.talk.earlier.take().unwrap_or_default().then(next));
        self.pace = pace(receipt).or(self.pace.take());
        if run.cancelled && self.talk.is_empty() {
            // Nothing is lost: what was asked can be asked again, or better.
            self.talk.set(&run.request);
        }
        self.talk.say(Entry::Ended(Box::new(ended)));
        // What was looked at before the change is no longer what is there.
        self.names_at = None;
        if self.leaving {
            return vec![Effect::Quit];
        }
        vec![Effect::Past]
    }

    fn decide(&mut self, decision: Decision) -> Vec<Effect> {
        let Some(run) = &mut self.talk.run else {
            return Vec::new();
        };
        match &decision {
            Decision::Approve { .. } | Decision::ApproveNamed { .. } => run.begin(),
            _ => run.review = None,
        }
        vec![Effect::Decide(decision)]
    }

    fn cancel(&mut self) -> Vec<Effect> {
        let Some(run) = &mut self.talk.run else {
            return Vec::new();
        };
        run.cancelled = true;
        let whole = matches!(run.stage, Stage::Applying | Stage::Recording);
        if whole {
            self.remark("what is being applied is finished and recorded first");
        }
        vec![Effect::Cancel]
    }

    /// Ends the program; a request in hand is interrupted in good order first.
    fn leave(&mut self) -> Vec<Effect> {
        if self.talk.run.is_none() {
            return vec![Effect::Quit];
        }
        self.leaving = true;
        self.cancel()
    }

    // ----- answers

    fn named(&mut self, names: Result<Names, Failure>) {
        match names {
            Ok(names) => {
                self.names = names;
                self.names_at = Some(self.now);
            }
            Err(failure) => self.complain(&failure),
        }
        if std::mem::take(&mut self.talk.awaits_names) && !self.talk.complete(&self.names) {
            self.remark("nothing to complete");
        }
    }

    fn names_are_fresh(&self) -> bool {
        let age = self.names_at.map(|at| self.now.duration_since(at).as_secs());
        age.is_some_and(|age| age < NAMES_AGE)
    }

    fn past(&mut self, past: &Result<Past, Failure>) {
        if let Ok(past) = past {
            self.talk.remember_past(audit::requests(past));
        }
        for screen in &mut self.screens {
            if let Screen::Audit(audit) = screen {
                audit.take(past.clone());
            }
        }
    }

    fn walk_back(&mut self, found: Result<Box<Undo>, Failure>) -> Vec<Effect> {
        match found {
            Ok(undo) => self.ask(&format!("undo {}", undo.id), Start::Back(*undo)),
            Err(failure) => {
                self.complain(&failure);
                Vec::new()
            }
        }
    }

    fn placed(&mut self, place: Result<Place, Failure>) -> Vec<Effect> {
        match place {
            Ok(place) => {
                let same = place.context == self.place.context;
                self.talk.earlier.take_if(|_| !same);
                self.place = place;
                self.names_at = None;
                self.move_tables(same)
            }
            Err(failure) => {
                self.complain(&failure);
                Vec::new()
            }
        }
    }

    // ----- keys and pastes

    fn key(&mut self, key: &KeyEvent) -> Vec<Effect> {
        let control = key.modifiers.contains(KeyModifiers::CONTROL);
        match key.code {
            KeyCode::Char('c') if control => return self.interrupt(),
            KeyCode::Char('z') if control => return vec![Effect::Suspend],
            _ => self.wants_to_leave = false,
        }
        if self.prompt.is_some() {
            return self.prompt_key(key);
        }
        match (self.talking, self.review_is_visible()) {
            (true, true) => self.review_key(key),
            (true, false) => self.talk_key(key),
            (false, _) => self.screen_key(key),
        }
    }

    /// Ctrl-C: stops what is under way, else empties the line, else leaves when it is pressed again.
    fn interrupt(&mut self) -> Vec<Effect> {
        if self.talk.run.is_some() {
            return self.cancel();
        }
        if self.prompt.take().is_some() {
            return Vec::new();
        }
        if self.talking && !self.talk.is_empty() {
            self.talk.set("");
            return Vec::new();
        }
        if std::mem::replace(&mut self.wants_to_leave, true) {
            return self.leave();
        }
        self.remark("ctrl-c again leaves");
        Vec::new()
    }

    fn paste(&mut self, text: &str) -> Vec<Effect> {
        if let Some(prompt) = &mut self.prompt {
            prompt.line.insert_str(pasted(text).replace('\n', " "));
            self.prompt_changed();
        } else if self.review_is_visible() {
            if let Some(review) = self.talk.run.as_mut().and_then(|run| run.review.as_mut()) {
                review.paste(&pasted(text));
            }
        } else if self.talking {
            self.talk.paste(text);
        }
        Vec::new()
    }

    /// Whether something moves on the screen.
    pub fn is_busy(&self) -> bool {
        let loading = match self.screen() {
            Some(Screen::Table(table)) => table.feed == table::Feed::Loading,
            Some(Screen::Page(page)) => page.state == page::State::Loading,
            _ => false,
        };
        self.talk.run.is_some() || loading
    }

    /// Lines of the window in which a page, a review or the conversation scrolls.
    pub fn window(&self) -> usize {
        usize::from(self.size.1).saturating_sub(3).max(1)
    }

    /// The topmost screen.
    pub fn screen(&self) -> Option<&Screen> {
        self.screens.last()
    }

    /// Opens a line to type at the bottom.
    fn open_prompt(&mut self, purpose: Purpose, text: &str) {
        self.prompt = Some(Prompt {
            purpose,
            line: field(text, 0),
            choices: Vec::new(),
            choice: 0,
        });
    }
}
