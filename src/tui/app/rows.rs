//! Keys of a table: what they do with the row under the cursor.

use super::event::Effect;
use super::page::Page;
use super::table::{By, Feed, Table, Topic};
use super::{App, Purpose, Screen};
use crate::driver::cockpit::{self, LogOf, ObjectName};
use crate::plan::Kind;
use crate::tui::keymap::Act;

impl App {
    pub(super) fn table_act(&mut self, act: Act) -> Vec<Effect> {
        let Some(Screen::Table(table)) = self.screens.last_mut() else {
            return Vec::new();
        };
        match act {
            Act::SortName => table.sort(By::Name),
            Act::SortAge => table.sort(By::Age),
            Act::SortNext => table.sort_next(),
            Act::SortTurn => table.turn(),
            Act::Wide => table.wide = !table.wide,
            Act::Everywhere => return self.everywhere(),
            Act::Open if table.topic == Topic::Contexts => {
                let name = table.selected().map(|row| row.name.clone());
                return name.map_or_else(Vec::new, |name| self.go_to_context(name));
            }
            act => {
                let Some(object) = table.object() else {
                    return Vec::new();
                };
                return self.object_act(act, object);
            }
        }
        Vec::new()
    }

    /// All namespaces, or back to the one that applies.
    fn everywhere(&mut self) -> Vec<Effect> {
        let (here, id) = (self.place.namespace.clone(), self.number());
        let Some(Screen::Table(table)) = self.screens.last_mut() else {
            return Vec::new();
        };
        if let (Topic::Kind(kind), false) = (&table.topic, table.feed == Feed::Fixed)
            && kind.builtin().is_none_or(|builtin| builtin.namespaced)
        {
            let namespace = if table.namespace.is_some() {
                None
            } else {
                Some(here)
            };
            let filter = table.filter().to_owned();
            **table = Table::new(id, table.topic.clone(), namespace);
            table.set_filter(&filter);
        }
        self.watch_again()
    }

    fn object_act(&mut self, act: Act, object: ObjectName) -> Vec<Effect> {
        let place = match object.namespace.as_str() {
            "" => String::new(),
            namespace => format!(" -n {namespace}"),
        };
        let target = format!("{}/{}", object.kind, object.name);
        match act {
            Act::Open => self.open(object),
            Act::Describe => self.read_page(cockpit::Page::Describe, object),
            Act::Yaml => self.read_page(cockpit::Page::Yaml, object),
            Act::Diagnose => self.read_page(cockpit::Page::Diagnose, object),
            Act::Logs | Act::Previous if object.kind == "pod" => {
                let log = LogOf {
                    namespace: object.namespace,
                    pod: object.name,
                    container: None,
                    previous: act == Act::Previous,
                };
                self.open_log(log)
            }
            Act::Logs | Act::Previous => {
                self.remark("only pods have logs; enter opens the pods of a workload");
                Vec::new()
            }
            Act::Ask => {
                let elsewhere = object.namespace != self.place.namespace && !object.namespace.is_empty();
                let place = if elsewhere {
                    format!(" in {}", object.namespace)
                } else {
                    String::new()
                };
                self.talk.add(&format!("@{target}{place}"));
                self.talking = true;
                Vec::new()
            }
            Act::Delete => self.command_line(&format!("delete {target}{place}")),
            Act::Restart => self.command_line(&format!("rollout restart {target}{place}")),
            Act::Scale => {
                self.open_prompt(Purpose::Scale(object), "");
                Vec::new()
            }
            Act::CopyName => {
                self.remark("copied");
                vec![Effect::Copy(object.name)]
            }
            _ => Vec::new(),
        }
    }

    fn read_page(&mut self, what: cockpit::Page, object: ObjectName) -> Vec<Effect> {
        let (page, effects) = Page::read(self.number(), what, object);
        self.push(Screen::Page(Box::new(page)));
        effects
    }

    fn open_log(&mut self, log: LogOf) -> Vec<Effect> {
        let (page, effects) = Page::log(self.number(), log);
        self.push(Screen::Page(Box::new(page)));
        effects
    }

    /// Enter: into what the object has below it.
    fn open(&mut self, object: ObjectName) -> Vec<Effect> {
        let Some(Screen::Table(table)) = self.screens.last() else {
            return Vec::new();
        };
        let selector = table
            .cell("SELECTOR")
            .filter(|cell| cell.contains('='))
            .map(str::to_owned);
        let below = match object.kind.as_str() {
            "namespace" => return self.go_to_namespace(&object.name),
            "pod" => {
                let log = LogOf {
                    namespace: object.namespace,
                    pod: object.name,
                    ..LogOf::default()
                };
                return self.open_log(log);
            }
            "deployment" | "statefulset" | "daemonset" | "replicaset" | "job" | "service" => "pods",
            "cronjob" => "jobs",
            _ => return self.read_page(cockpit::Page::Describe, object),
        };
        let filter = match selector.filter(|_| below == "pods") {
            Some(labels) => format!("-l {labels}"),
            None => format!("{}-", object.name),
        };
        match Kind::read(below) {
            Some(kind) => self.open_table(kind, Some(object.namespace), &filter),
            None => Vec::new(),
        }
    }
}
