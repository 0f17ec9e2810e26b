//! A page of text: describe, YAML, a log, a record, help.

use std::collections::VecDeque;

use super::event::Effect;
use crate::driver::cockpit::{self, LogOf, ObjectName};
use crate::session::Failure;

/// Lines of a log that are kept, from its end.
const LOG_LINES: usize = 50_000;

/// Where a page's text comes from.
#[derive(Clone, Debug, PartialEq)]
pub enum Source {
    /// From nowhere: it is what it is.
    Fixed,
    /// From a read about an object.
    Read(cockpit::Page, ObjectName),
    /// From a container.
    Log(LogOf),
}

/// A page of text.
#[derive(Clone, Debug)]
pub struct Page {
    /// Its number: news for another one is not for it.
    pub id: u64,
    /// What it is called.
    pub title: String,
    /// Where it comes from.
    pub source: Source,
    /// Its lines.
    pub lines: VecDeque<String>,
    /// What is missing: it is on its way, or cannot be had.
    pub state: State,
    /// The first line that is shown.
    pub top: usize,
    /// Whether the end is shown as it grows.
    pub following: bool,
    /// Whether long lines go on in the next.
    pub wraps: bool,
    /// What is looked for, in lower case.
    pub search: String,
    /// The containers of the pod, once known.
    pub containers: Vec<String>,
}

/// How a page is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum State {
    /// It is on its way.
    Loading,
    /// It is there.
    Ready,
    /// It is a log that goes on.
    Live,
    /// It is a log that has ended.
    Ended,
    /// It cannot be had.
    Failed(Failure),
}

impl Page {
    /// A page of text that is there.
    pub fn fixed(id: u64, title: &str, text: &str) -> Page {
        let mut page = Page::empty(id, title, Source::Fixed);
        page.set(text);
        page
    }

    /// A page that is to be read, with what to do for it.
    pub fn read(id: u64, what: cockpit::Page, object: ObjectName) -> (Page, Vec<Effect>) {
        let word = match what {
            cockpit::Page::Describe => "describe",
            cockpit::Page::Yaml => "yaml",
            cockpit::Page::Diagnose => "diagnose",
        };
        let title = format!("{word} {}/{}", object.kind, object.name);
        let page = Page::empty(id, &title, Source::Read(what, object.clone()));
        (page, vec![Effect::Read(id, what, object)])
    }

    /// A log, with what to do for it.
    pub fn log(id: u64, log: LogOf) -> (Page, Vec<Effect>) {
        let mut page = Page::empty(id, "", Source::Log(log.clone()));
        page.following = true;
        page.name_log();
        (
            page,
            vec![Effect::Follow(id, log.clone()), Effect::Containers(id, log)],
        )
    }

    fn empty(id: u64, title: &str, source: Source) -> Page {
        Page {
            id,
            title: title.to_owned(),
            source,
            lines: VecDeque::new(),
            state: State::Loading,
            top: 0,
            following: false,
            wraps: false,
            search: String::new(),
            containers: Vec::new(),
        }
    }

    fn name_log(&mut self) {
        let Source::Log(log) = &self.source else { return };
        let container = log
            .container
            .as_ref()
            .map_or_else(String::new, |name| format!(" -c {name}"));
        let previous = if log.previous { " --previous" } else { "" };
        self.title = format!("logs {}{container}{previous}", log.pod);
    }

    /// Whether it is a log.
    pub fn is_log(&self) -> bool {
        matches!(self.source, Source::Log(_))
    }

    fn set(&mut self, text: &str) {
        self.lines = text.lines().map(|line| line.replace('\t', "    ")).collect();
        self.state = State::Ready;
    }

    /// Takes what was read.
    pub fn take(&mut self, text: Result<String, Failure>) {
        match text {
            Ok(text) => self.set(&text),
            Err(failure) => self.state = State::Failed(failure),
        }
    }

    /// Takes lines of a log, or its end.
    pub fn take_log(&mut self, news: Option<Result<Vec<String>, Failure>>) {
        match news {
            Some(Ok(lines)) => {
                self.state = State::Live;
                self.lines.extend(lines);
                let surplus = self.lines.len().saturating_sub(LOG_LINES);
                self.lines.drain(..surplus);
                self.top = self.top.saturating_sub(surplus);
            }
            Some(Err(failure)) => self.state = State::Failed(failure),
            None if matches!(self.state, State::Failed(_)) => {}
            None => self.state = State::Ended,
        }
    }

    /// Scrolls by so many lines in a window of `height`.
    pub fn go(&mut self, lines: isize, height: usize) {
        let last = self.last_top(height);
        let from = if self.following { last } else { self.top };
        self.top = from.saturating_add_signed(lines).min(last);
        self.following = self.is_log() && lines > 0 && self.top == last;
    }

    /// The first line of the last window.
    pub fn last_top(&self, height: usize) -> usize {
        self.lines.len().saturating_sub(height)
    }

    /// Looks for a text from the first shown line on.
    pub fn look_for(&mut self, text: &str, height: usize) {
        self.search = text.to_lowercase();
        self.next(0, height);
    }

    /// Goes to the next match: `1` behind the first line that is shown, `-1` before it, `0` from it on.
    pub fn next(&mut self, step: isize, height: usize) {
        if self.search.is_empty() {
            return;
        }
        let top = if self.following {
            self.last_top(height)
        } else {
            self.top
        };
        let count = self.lines.len();
        let fits = |index: &usize| self.lines[*index].to_lowercase().contains(&self.search);
        let found = if step < 0 {
            (0..top.min(count)).rev().find(fits)
        } else {
            let from = top + usize::from(step > 0);
            (from.min(count)..count)
                .find(fits)
                .or_else(|| (0..from.min(count)).find(fits))
        };
        if let Some(found) = found {
            self.top = found.min(self.last_top(height).max(found));
            self.following = false;
        }
    }

    /// Reads it again, or another log instead.
    pub fn again(&mut self, change: impl FnOnce(&mut LogOf)) -> Vec<Effect> {
        match &mut self.source {
            Source::Fixed => Vec::new(),
            Source::Read(what, object) => vec![Effect::Read(self.id, *what, object.clone())],
            Source::Log(log) => {
                change(log);
                let effects = vec![Effect::Follow(self.id, log.clone())];
                self.lines.clear();
                (self.top, self.following, self.state) = (0, true, State::Loading);
                self.name_log();
                effects
            }
        }
    }

    /// The log of the next container.
    pub fn next_container(&mut self) -> Vec<Effect> {
        let containers = std::mem::take(&mut self.containers);
        let effects = self.again(|log| {
            let at = containers
                .iter()
                .position(|name| Some(name) == log.container.as_ref());
            let next = at.map_or(1, |at| at + 1) % containers.len().max(1);
            log.container = containers.get(next).cloned();
        });
        self.containers = containers;
        effects
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn log() -> Page {
        let (mut page, _) = Page::log(1, LogOf::default());
        page.take_log(Some(Ok((0..100).map(|n| format!("line {n}")).collect())));
        page
    }

    #[test]
    fn a_log_is_followed_until_somebody_looks_back() {
        let mut page = log();
        assert!(page.following);
        page.go(-5, 10);
        assert_eq!((page.top, page.following), (85, false));
        page.take_log(Some(Ok(vec!["more".into()])));
        assert_eq!(page.top, 85);
        page.go(1000, 10);
        assert!(page.following);
    }

    #[test]
    fn a_long_log_keeps_its_end() {
        let mut page = log();
        page.take_log(Some(Ok((0..LOG_LINES).map(|n| format!("new {n}")).collect())));
        assert_eq!((page.lines.len(), page.lines[0].as_str()), (LOG_LINES, "new 0"));
        page.take_log(None);
        assert_eq!(page.state, State::Ended);
    }

    #[test]
    fn matches_are_gone_through_in_both_directions() {
        let mut page = log();
        page.go(-1000, 10);
        page.look_for("NE 7", 10);
        assert_eq!(page.top, 7);
        page.next(1, 10);
        assert_eq!(page.top, 70);
        page.next(-1, 10);
        assert_eq!(page.top, 7);
    }

    #[test]
    fn containers_go_round() {
        let mut page = log();
        page.containers = vec!["app".into(), "sidecar".into()];
        page.next_container();
        assert!(page.title.ends_with("-c sidecar"), "{}", page.title);
        page.next_container();
        assert!(page.title.ends_with("-c app"), "{}", page.title);
    }
}
