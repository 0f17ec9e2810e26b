//! Keys of the conversation, of its review, and of the line at the bottom.

use ratatui::crossterm::event::{KeyCode, KeyEvent, KeyModifiers};

use super::command::{self, Command};
use super::complete::choices;
use super::ended::Ended;
use super::event::Effect;
use super::line::{field, is_new_line, words};
use super::review::{Answer, Mode};
use super::talk::Entry;
use super::{App, Purpose, Screen};
use crate::driver::cockpit::Start;
use crate::plan::asks_to_undo;
use crate::session::Failure;
use crate::tui::keymap::{Act, Room};
use crate::tui::view;

impl App {
    // ----- the conversation

    pub(super) fn talk_key(&mut self, key: &KeyEvent) -> Vec<Effect> {
        let act = self.settings.keys.act(Room::Talk, key);
        let empty = self.talk.is_empty();
        match (key.code, act) {
            _ if is_new_line(key) => self.talk.key(key),
            (_, Some(Act::Send)) if empty => return self.open_answer(),
            (_, Some(Act::Send)) => return self.send(),
            (_, Some(Act::Complete)) if empty => return self.enter_cluster(),
            (_, Some(Act::Complete)) => return self.complete(),
            (_, Some(Act::Undo)) => return vec![Effect::WayBack(None)],
            (_, Some(Act::OlderTalk)) => self.scroll_talk(self.window().cast_signed()),
            (_, Some(Act::NewerTalk)) => self.scroll_talk(-self.window().cast_signed()),
            (KeyCode::Esc, _) => return self.escape(),
            (KeyCode::F(1), _) => self.show_help(),
            (KeyCode::Char('?'), _) if empty => self.show_help(),
            (KeyCode::Char(':'), _) if empty => self.open_prompt(Purpose::Command, ""),
            (KeyCode::Char('q'), _) if key.modifiers.contains(KeyModifiers::CONTROL) => return self.leave(),
            _ => self.talk.key(key),
        }
        Vec::new()
    }

    /// Esc: closes the choice, cancels the request, or else empties the line.
    fn escape(&mut self) -> Vec<Effect> {
        if self.talk.completion.take().is_some() {
            return Vec::new();
        }
        if self.talk.run.is_some() {
            return self.cancel();
        }
        if self.talk.is_empty() {
            return self.enter_cluster();
        }
        let text = self.talk.send();
        self.remark("up brings the line back");
        drop(text);
        Vec::new()
    }

    fn scroll_talk(&mut self, lines: isize) {
        let all = view::talk::height(self);
        let most = all.saturating_sub(self.window().saturating_sub(2));
        self.talk.up = self.talk.up.saturating_add_signed(lines).min(most);
    }

    fn send(&mut self) -> Vec<Effect> {
        if self.talk.run.is_some() {
            self.remark("a request is under way; esc cancels it");
            return Vec::new();
        }
        let text = self.talk.send();
        if let Some(line) = text.strip_prefix('/') {
            return match command::read(line) {
                Some(command) => self.obey(command),
                None => self.no_such_command(line),
            };
        }
        if text.starts_with("kubectl ") {
            return self.command_line(&text);
        }
        if asks_to_undo(&text) {
            return vec![Effect::WayBack(None)];
        }
        self.ask(&without_marks(&text), Start::Words)
    }

    /// Opens the objects of the last answer.
    fn open_answer(&mut self) -> Vec<Effect> {
        let last = self.talk.entries.iter().rev().find_map(|entry| match entry {
            Entry::Ended(ended) => Some(ended),
            _ => None,
        });
        let Some(Ended {
            found: Some(found), ..
        }) = last.map(|ended| &**ended)
        else {
            return Vec::new();
        };
        let found = found.clone();
        let id = self.number();
        self.screens.push(Screen::Table(Box::new(found.table(id))));
        self.talking = false;
        Vec::new()
    }

    fn complete(&mut self) -> Vec<Effect> {
        if self.talk.completion.is_none() && !self.names_are_fresh() {
            self.talk.awaits_names = true;
            self.remark("looking for names");
            return vec![Effect::Names];
        }
        let names = std::mem::take(&mut self.names);
        if !self.talk.complete(&names) {
            self.remark("nothing to complete");
        }
        self.names = names;
        Vec::new()
    }

    // ----- the review

    pub(super) fn review_key(&mut self, key: &KeyEvent) -> Vec<Effect> {
        let act = self.settings.keys.act(Room::Review, key);
        let (window, now) = (self.window(), self.now);
        let Some(review) = self.talk.run.as_mut().and_then(|run| run.review.as_mut()) else {
            return Vec::new();
        };
        if review.armed() && matches!(review.mode, Mode::Reading | Mode::Explaining) {
            match act {
                Some(Act::Help) => {
                    self.show_help();
                    return Vec::new();
                }
                Some(Act::Talk) if key.code == KeyCode::Tab => return self.enter_cluster(),
                Some(Act::Quit) => return self.leave(),
                _ => {}
            }
        }
        let answer = review.key(key, &self.settings.keys, now, window);
        let lines = view::review::height(review, &self.settings.theme, self.size.0);
        review.clamp(lines, window);
        match answer {
            Answer::None => Vec::new(),
            Answer::Say(text) => {
                self.remark(text);
                Vec::new()
            }
            Answer::Decide(decision) => self.decide(decision),
            Answer::Copy(text) => {
                self.remark("copied");
                vec![Effect::Copy(text)]
            }
            Answer::Advise => {
                let review = self.talk.run.as_ref().and_then(|run| run.review.as_ref());
                let report = review.map(|review| Effect::Advise(Box::new(review.report.clone())));
                report.into_iter().collect()
            }
            Answer::Cancel => self.cancel(),
        }
    }

    // ----- the line at the bottom

    pub(super) fn prompt_key(&mut self, key: &KeyEvent) -> Vec<Effect> {
        let Some(prompt) = &mut self.prompt else {
            return Vec::new();
        };
        match key.code {
            KeyCode::Enter => return self.prompt_done(),
            KeyCode::Esc => return self.prompt_left(),
            KeyCode::Tab => return self.prompt_complete(),
            KeyCode::Backspace if words(&prompt.line).is_empty() => return self.prompt_left(),
            KeyCode::Char('m' | 'j') if key.modifiers.contains(KeyModifiers::CONTROL) => {}
            _ => {
                prompt.choices.clear();
                prompt.line.input(*key);
                self.prompt_changed();
            }
        }
        Vec::new()
    }

    /// A filter works while it is typed.
    pub(super) fn prompt_changed(&mut self) {
        let Some(prompt) = &self.prompt else { return };
        if let Purpose::Filter(_) = prompt.purpose {
            let text = words(&prompt.line);
            self.filter(&text);
        }
    }

    fn prompt_left(&mut self) -> Vec<Effect> {
        if let Some(prompt) = self.prompt.take()
            && let Purpose::Filter(before) = prompt.purpose
        {
            self.filter(&before);
        }
        Vec::new()
    }

    fn prompt_complete(&mut self) -> Vec<Effect> {
        if !self.names_are_fresh() {
            return vec![Effect::Names];
        }
        let Some(prompt) = self
            .prompt
            .as_mut()
            .filter(|prompt| prompt.purpose == Purpose::Command)
        else {
            return Vec::new();
        };
        let typed = prompt.line.lines().join(" ");
        if prompt.choices.is_empty() {
            prompt.choices = choices(&typed, true, &self.names);
            prompt.choice = 0;
        } else {
            prompt.choice = (prompt.choice + 1) % prompt.choices.len();
        }
        if let Some(choice) = prompt.choices.get(prompt.choice) {
            let kept = typed.trim_end().rsplit_once(' ').map_or("", |(kept, _)| kept);
            let text = format!("{kept} {choice}");
            prompt.line = field(text.trim_start(), 0);
        }
        Vec::new()
    }

    fn prompt_done(&mut self) -> Vec<Effect> {
        let Some(prompt) = self.prompt.take() else {
            return Vec::new();
        };
        let text = words(&prompt.line);
        match prompt.purpose {
            Purpose::Filter(_) => Vec::new(),
            Purpose::Command if text.is_empty() => Vec::new(),
            Purpose::Command => match command::read(&text) {
                Some(command) => self.obey(command),
                None => self.no_such_command(&text),
            },
            Purpose::Scale(object) => {
                if let Ok(count) = text.parse::<u32>() {
                    let (target, namespace) = (format!("{}/{}", object.kind, object.name), object.namespace);
                    return self.command_line(&format!("scale {target} --replicas={count} -n {namespace}"));
                }
                self.complain(&Failure::new(format!("`{text}` is no number of replicas")));
                Vec::new()
            }
        }
    }

    fn no_such_command(&mut self, text: &str) -> Vec<Effect> {
        let failure = Failure::new(format!("there is no command `{text}`"));
        self.complain(&failure.with_hint("a kind such as pods, or ns, ctx, audit, undo, help, q"));
        Vec::new()
    }

    pub(super) fn obey(&mut self, command: Command) -> Vec<Effect> {
        match command {
            Command::Quit => return self.leave(),
            Command::Help => self.show_help(),
            Command::Talk => self.talking = true,
            Command::Clear => self.talk.entries.clear(),
            Command::Undo(id) => return vec![Effect::WayBack(id)],
            Command::Audit => return self.show_audit(),
            Command::Namespace(Some(name)) => return self.go_to_namespace(&name),
            Command::Namespace(None) => return self.show_namespaces(),
            Command::Context(Some(name)) => return self.go_to_context(name),
            Command::Context(None) => return vec![Effect::Contexts],
            Command::Kind(kind, namespace) => return self.show_kind(kind, namespace),
        }
        Vec::new()
    }
}

/// A request without the marks in front of mentioned objects.
fn without_marks(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut starts = true;
    for c in text.chars() {
        if !(starts && c == '@') {
            out.push(c);
        }
        starts = c.is_whitespace();
    }
    out
}
