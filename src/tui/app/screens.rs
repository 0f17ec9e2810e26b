//! The screens above the cluster: tables, pages, the record.

use ratatui::crossterm::event::{KeyCode, KeyEvent};

use super::audit::{self, Audit};
use super::event::Effect;
use super::page::{Page, Source};
use super::table::{Feed, Table, Topic};
use super::{App, Purpose, Screen};
use crate::driver::cockpit::{Column, Row, Watched};
use crate::plan::Kind;
use crate::plan::target::is_name;
use crate::session::Failure;
use crate::tui::keymap::{Act, Room};
use crate::tui::view;

/// Screens that can lie on each other; the oldest goes.
const DEEPEST: usize = 20;

impl App {
    // ----- opening

    pub(super) fn push(&mut self, screen: Screen) {
        if self.screens.len() >= DEEPEST {
            self.screens.remove(0);
        }
        self.screens.push(screen);
        self.talking = false;
    }

    /// To the cluster: the screen that was there last, or the pods.
    pub(super) fn enter_cluster(&mut self) -> Vec<Effect> {
        self.talking = false;
        match (self.screens.is_empty(), Kind::read("pods")) {
            (true, Some(pods)) => self.show_kind(pods, None),
            _ => Vec::new(),
        }
    }

    pub(super) fn show_kind(&mut self, kind: Kind, namespace: Option<String>) -> Vec<Effect> {
        let namespace = match namespace.as_deref() {
            None => Some(self.place.namespace.clone()).filter(|_| !self.settings.all_namespaces),
            Some("all" | "-A") => None,
            Some(name) if is_name(name) => namespace,
            Some(name) => {
                self.complain(&Failure::new(format!("`{name}` is no name of a namespace")));
                return Vec::new();
            }
        };
        self.open_table(kind, namespace, "")
    }

    /// Shows a kind in a namespace, or in every one, with a filter.
    pub(super) fn open_table(&mut self, kind: Kind, namespace: Option<String>, filter: &str) -> Vec<Effect> {
        let namespaced = kind.builtin().is_none_or(|builtin| builtin.namespaced);
        let namespace = namespace.filter(|_| namespaced);
        let id = self.number();
        let mut table = Table::new(id, Topic::Kind(kind.clone()), namespace.clone());
        table.set_filter(filter);
        self.push(Screen::Table(Box::new(table)));
        vec![Effect::Watch(id, kind, namespace)]
    }

    pub(super) fn show_namespaces(&mut self) -> Vec<Effect> {
        match Kind::read("namespaces") {
            Some(kind) => self.open_table(kind, None, ""),
            None => Vec::new(),
        }
    }

    pub(super) fn show_contexts(&mut self, names: Result<Vec<String>, Failure>) {
        let names = match names {
            Ok(names) => names,
            Err(failure) => return self.complain(&failure),
        };
        let column = |title: &str| Column {
            title: title.to_owned(),
            is_wide: false,
        };
        let here = self.place.context.clone();
        let rows = names.into_iter().map(|name| Row {
            namespace: String::new(),
            cells: vec![name.clone(), if name == here { "here" } else { "" }.to_owned()],
            name,
            since: String::new(),
            labels: Vec::new(),
        });
        let id = self.number();
        let table = Table::fixed(
            id,
            Topic::Contexts,
            vec![column("NAME"), column("CURRENT")],
            rows.collect(),
        );
        self.push(Screen::Table(Box::new(table)));
    }

    pub(super) fn show_audit(&mut self) -> Vec<Effect> {
        self.push(Screen::Audit(Audit::default()));
        vec![Effect::Past]
    }

    pub(super) fn show_help(&mut self) {
        let is_help = |screen: &Screen| matches!(screen, Screen::Page(page) if page.title == "help");
        if self.screen().is_some_and(is_help) {
            self.talking = false;
            return;
        }
        let id = self.number();
        let text = view::help::text(&self.settings.keys);
        self.push(Screen::Page(Box::new(Page::fixed(id, "help", &text))));
    }

    pub(super) fn go_to_namespace(&mut self, name: &str) -> Vec<Effect> {
        if name == "all" {
            self.settings.all_namespaces = true;
            return self.move_tables(true);
        }
        if !is_name(name) {
            self.complain(&Failure::new(format!("`{name}` is no name of a namespace")));
            return Vec::new();
        }
        if self.talk.run.is_some() {
            self.remark("a request is under way: it stays where it was made");
        }
        self.settings.all_namespaces = false;
        vec![Effect::Namespace(name.to_owned())]
    }

    pub(super) fn go_to_context(&mut self, name: String) -> Vec<Effect> {
        if self.talk.run.is_some() {
            self.remark("a request is under way; change the context when it is over");
            return Vec::new();
        }
        vec![Effect::Context(name)]
    }

    /// After a change of place, tables show what is there. In another context, nothing of the old one stays.
    pub(super) fn move_tables(&mut self, same_context: bool) -> Vec<Effect> {
        if !same_context {
            self.screens
                .retain(|screen| !matches!(screen, Screen::Page(page) if page.source != Source::Fixed));
        }
        let is_choice = |screen: &Screen| match screen {
            Screen::Table(table) => match &table.topic {
                Topic::Contexts => true,
                Topic::Kind(kind) => kind.is("namespace"),
            },
            _ => false,
        };
        self.screens.retain(|screen| !is_choice(screen));
        let here = Some(self.place.namespace.clone()).filter(|_| !self.settings.all_namespaces);
        for screen in &mut self.screens {
            if let Screen::Table(table) = screen
                && let Topic::Kind(kind) = &table.topic
            {
                let namespaced = kind.builtin().is_none_or(|builtin| builtin.namespaced);
                let namespace = here.clone().filter(|_| namespaced);
                // A new number: what is still on its way from the old place is not for it.
                self.serial += 1;
                **table = Table::new(self.serial, table.topic.clone(), namespace);
            }
        }
        if self.screens.is_empty() && !self.talking {
            return self.enter_cluster();
        }
        self.watch_again()
    }

    /// Watches what the topmost table shows.
    pub(super) fn watch_again(&mut self) -> Vec<Effect> {
        match self.screens.last() {
            Some(Screen::Table(table)) if table.feed != Feed::Fixed => match &table.topic {
                Topic::Kind(kind) => vec![Effect::Watch(table.id, kind.clone(), table.namespace.clone())],
                Topic::Contexts => Vec::new(),
            },
            _ => Vec::new(),
        }
    }

    // ----- news

    pub(super) fn watched(&mut self, id: u64, news: Result<Watched, Failure>) {
        for screen in &mut self.screens {
            if let Screen::Table(table) = screen
                && table.id == id
            {
                match news {
                    Ok(news) => table.take(news),
                    Err(failure) => table.feed = Feed::Ended(failure),
                }
                return;
            }
        }
    }

    pub(super) fn with_page(&mut self, id: u64, change: impl FnOnce(&mut Page)) {
        for screen in &mut self.screens {
            if let Screen::Page(page) = screen
                && page.id == id
            {
                return change(page);
            }
        }
    }

    // ----- keys

    pub(super) fn screen_key(&mut self, key: &KeyEvent) -> Vec<Effect> {
        let room = match self.screens.last() {
            Some(Screen::Table(_)) => Room::Table,
            Some(Screen::Page(_)) => Room::Page,
            Some(Screen::Audit(_)) => Room::Audit,
            None => Room::Anywhere,
        };
        let Some(act) = self.settings.keys.act(room, key) else {
            return Vec::new();
        };
        match act {
            Act::Help => self.show_help(),
            Act::Command => self.open_prompt(Purpose::Command, ""),
            Act::Filter => self.open_filter(),
            Act::Back => return self.back(),
            Act::Talk => self.talking = true,
            Act::Quit => return self.leave(),
            Act::Up | Act::Down | Act::PageUp | Act::PageDown | Act::Top | Act::Bottom => self.go(act),
            act => return self.act_in_room(act),
        }
        Vec::new()
    }

    fn act_in_room(&mut self, act: Act) -> Vec<Effect> {
        match self.screens.last() {
            Some(Screen::Table(_)) => self.table_act(act),
            Some(Screen::Page(_)) => self.page_act(act),
            Some(Screen::Audit(audit)) => {
                let Some(action) = audit.selected() else {
                    return Vec::new();
                };
                match act {
                    Act::Show => {
                        let (text, title) = (audit::whole(action), format!("record {}", action.id.short()));
                        let id = self.number();
                        self.push(Screen::Page(Box::new(Page::fixed(id, &title, &text))));
                        Vec::new()
                    }
                    Act::TakeBack => vec![Effect::WayBack(Some(action.id.to_string()))],
                    _ => Vec::new(),
                }
            }
            None => Vec::new(),
        }
    }

    /// How far a key goes, in rows.
    fn stride(&self, act: Act) -> isize {
        let page = self.window().saturating_sub(1).max(1).cast_signed();
        match act {
            Act::Up => -1,
            Act::Down => 1,
            Act::PageUp => -page,
            Act::PageDown => page,
            Act::Top => isize::MIN / 2,
            _ => isize::MAX / 2,
        }
    }

    fn go(&mut self, act: Act) {
        let (rows, window) = (self.stride(act), self.window());
        match self.screens.last_mut() {
            Some(Screen::Table(table)) => table.go(rows),
            Some(Screen::Page(page)) => page.go(rows, window),
            Some(Screen::Audit(audit)) => audit.go(rows),
            None => {}
        }
    }

    pub(super) fn wheel(&mut self, lines: i16) -> Vec<Effect> {
        let (rows, window) = (isize::from(lines), self.window());
        if self.talking {
            let key = if lines < 0 {
                KeyCode::PageUp
            } else {
                KeyCode::PageDown
            };
            if self.prompt.is_none() && !self.review_is_visible() {
                return self.talk_key(&KeyEvent::from(key));
            }
            return Vec::new();
        }
        match self.screens.last_mut() {
            Some(Screen::Table(table)) => table.go(rows),
            Some(Screen::Page(page)) => page.go(rows, window),
            Some(Screen::Audit(audit)) => audit.go(rows),
            None => {}
        }
        Vec::new()
    }

    fn open_filter(&mut self) {
        let before = match self.screens.last() {
            Some(Screen::Table(table)) => table.filter().to_owned(),
            Some(Screen::Page(page)) => page.search.clone(),
            Some(Screen::Audit(audit)) => audit.filter().to_owned(),
            None => return,
        };
        self.open_prompt(Purpose::Filter(before.clone()), &before);
    }

    pub(super) fn filter(&mut self, text: &str) {
        let window = self.window();
        match self.screens.last_mut() {
            Some(Screen::Table(table)) => table.set_filter(text),
            Some(Screen::Page(page)) => page.look_for(text, window),
            Some(Screen::Audit(audit)) => audit.set_filter(text),
            None => {}
        }
    }

    /// Esc: takes the filter away, or else the screen.
    fn back(&mut self) -> Vec<Effect> {
        let filtered = match self.screens.last() {
            Some(Screen::Table(table)) => !table.filter().is_empty(),
            Some(Screen::Page(page)) => !page.search.is_empty(),
            Some(Screen::Audit(audit)) => !audit.filter().is_empty(),
            None => false,
        };
        if filtered {
            self.filter("");
            return Vec::new();
        }
        let was_log = matches!(self.screens.pop(), Some(Screen::Page(page)) if page.is_log());
        let mut effects: Vec<Effect> = was_log.then_some(Effect::Unfollow).into_iter().collect();
        if self.screens.is_empty() {
            self.talking = true;
            return effects;
        }
        effects.extend(self.watch_again());
        effects
    }

    fn page_act(&mut self, act: Act) -> Vec<Effect> {
        let (window, id) = (self.window(), self.number());
        let Some(Screen::Page(page)) = self.screens.last_mut() else {
            return Vec::new();
        };
        if matches!(act, Act::Reload | Act::Container | Act::Earlier) {
            // What is still on its way was asked for before.
            page.id = id;
        }
        match act {
            Act::Wrap => page.wraps = !page.wraps,
            Act::Next => page.next(1, window),
            Act::Before => page.next(-1, window),
            Act::Reload => return page.again(|_| {}),
            Act::Follow if page.is_log() => {
                page.following = !page.following;
                page.top = page.last_top(window);
            }
            Act::Container if page.containers.len() > 1 => return page.next_container(),
            Act::Earlier if page.is_log() => return page.again(|log| log.previous = !log.previous),
            _ => {}
        }
        Vec::new()
    }
}
