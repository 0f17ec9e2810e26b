//! A table of objects: what is there, what of it is shown, and where the cursor is.

use std::cmp::Ordering;
use std::collections::BTreeMap;
use std::sync::Arc;

use unicode_width::UnicodeWidthStr;

use crate::driver::cockpit::{Column, ObjectName, Row, Watched};
use crate::plan::Kind;
use crate::session::Failure;
use crate::tui::health::{Health, health};

/// Wider than this is no column: the rest is cut.
const WIDEST: usize = 60;

/// What a table is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Topic {
    /// Objects of a kind.
    Kind(Kind),
    /// Contexts of the kubeconfig.
    Contexts,
}

/// Where the rows come from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Feed {
    /// They are on their way.
    Loading,
    /// They are kept up to date.
    Live,
    /// The watch is cut off; why.
    Lost(String),
    /// There will be none, or no more; why.
    Ended(Failure),
    /// They are an answer and stay as they are.
    Fixed,
}

/// By what rows are sorted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum By {
    /// Namespace and name.
    #[default]
    Name,
    /// When they were made; the youngest first.
    Age,
    /// A column.
    Column(usize),
}

type Key = (String, String);

/// A table of objects.
#[derive(Clone, Debug)]
pub struct Table {
    /// Its number: news for another one is not for it.
    pub id: u64,
    /// What it is about.
    pub topic: Topic,
    /// The namespace that is shown; every one without it.
    pub namespace: Option<String>,
    /// Where the rows come from.
    pub feed: Feed,
    /// Whether every column is shown.
    pub wide: bool,
    columns: Vec<Column>,
    rows: BTreeMap<Key, Arc<Row>>,
    filter: String,
    by: By,
    turned: bool,
    shown: Vec<Arc<Row>>,
    widths: Vec<usize>,
    troubled: usize,
    cursor: usize,
}

impl Table {
    /// An empty table whose rows are on their way.
    pub fn new(id: u64, topic: Topic, namespace: Option<String>) -> Table {
        // The newest events matter most.
        let is_events = matches!(&topic, Topic::Kind(kind) if kind.is("event"));
        Table {
            id,
            topic,
            namespace,
            feed: Feed::Loading,
            wide: false,
            columns: Vec::new(),
            rows: BTreeMap::new(),
            filter: String::new(),
            by: if is_events { By::Age } else { By::Name },
            turned: false,
            shown: Vec::new(),
            widths: Vec::new(),
            troubled: 0,
            cursor: 0,
        }
    }

    /// A table of rows that stay as they are.
    pub fn fixed(id: u64, topic: Topic, columns: Vec<Column>, rows: Vec<Row>) -> Table {
        let mut table = Table::new(id, topic, None);
        table.take(Watched::Listed { columns, rows });
        table.feed = Feed::Fixed;
        table
    }

    /// Takes news of the watch.
    pub fn take(&mut self, news: Watched) {
        match news {
            Watched::Listed { columns, rows } => {
                self.columns = columns;
                self.rows.clear();
                self.put(rows);
                self.feed = Feed::Live;
            }
            Watched::Changed { rows, gone } => {
                self.put(rows);
                for key in gone {
                    self.rows.remove(&key);
                }
                self.feed = Feed::Live;
            }
            Watched::Lost { reason } => {
                self.feed = Feed::Lost(reason);
                return;
            }
        }
        self.rebuild();
    }

    fn put(&mut self, rows: Vec<Row>) {
        for row in rows {
            self.rows
                .insert((row.namespace.clone(), row.name.clone()), Arc::new(row));
        }
    }

    /// Chooses, sorts and measures the rows that are shown. The cursor stays on its object.
    fn rebuild(&mut self) {
        let under = self
            .selected()
            .map(|row| (row.namespace.clone(), row.name.clone()));
        let filter = Filter::read(&self.filter);
        self.shown = self
            .rows
            .values()
            .filter(|row| filter.fits(row))
            .cloned()
            .collect();
        match self.by {
            By::Name => {}
            By::Age => self.shown.sort_by(|left, right| right.since.cmp(&left.since)),
            By::Column(index) => {
                let cell = |row: &Arc<Row>| row.cells.get(index).cloned().unwrap_or_default();
                self.shown
                    .sort_by(|left, right| natural(&cell(left), &cell(right)));
            }
        }
        if self.turned {
            self.shown.reverse();
        }
        let place = under.and_then(|key| {
            self.shown
                .iter()
                .position(|row| (&row.namespace, &row.name) == (&key.0, &key.1))
        });
        self.cursor = place
            .unwrap_or(self.cursor)
            .min(self.shown.len().saturating_sub(1));
        self.measure();
    }

    fn measure(&mut self) {
        let width = |text: &str| if text.is_ascii() { text.len() } else { text.width() };
        let mut widths: Vec<usize> = self.columns.iter().map(|column| width(&column.title)).collect();
        for row in &self.shown {
            for (wide, cell) in widths.iter_mut().zip(&row.cells) {
                *wide = (*wide).max(width(cell)).min(WIDEST);
            }
        }
        self.widths = widths;
        self.troubled = self.shown.iter().filter(|row| is_troubled(row)).count();
    }

    /// Shows only rows that fit: words that all occur in some cell, `!` in front of what must not, `-l` in front of
    /// labels.
    pub fn set_filter(&mut self, filter: &str) {
        filter.clone_into(&mut self.filter);
        self.rebuild();
    }

    /// The filter as it was typed.
    pub fn filter(&self) -> &str {
        &self.filter
    }

    /// Sorts; by the same again turns the order round.
    pub fn sort(&mut self, by: By) {
        self.turned = self.by == by && !self.turned;
        self.by = by;
        self.rebuild();
    }

    /// Sorts by the next column.
    pub fn sort_next(&mut self) {
        let next = match self.by {
            By::Name | By::Age => 0,
            By::Column(index) => (index + 1) % self.columns.len().max(1),
        };
        self.turned = false;
        self.by = By::Column(next);
        self.rebuild();
    }

    /// Turns the order round.
    pub fn turn(&mut self) {
        self.turned = !self.turned;
        self.rebuild();
    }

    /// How the rows are sorted, in words.
    pub fn order(&self) -> String {
        let by = match self.by {
            By::Name => "name",
            By::Age => "age",
            By::Column(index) => self.columns.get(index).map_or("", |column| column.title.as_str()),
        };
        let turned = if self.turned { " (turned)" } else { "" };
        format!("{}{turned}", by.to_lowercase())
    }

    /// Moves the cursor by so many rows.
    pub fn go(&mut self, rows: isize) {
        let last = self.shown.len().saturating_sub(1);
        self.cursor = self.cursor.saturating_add_signed(rows).min(last);
    }

    /// The row under the cursor.
    pub fn selected(&self) -> Option<&Arc<Row>> {
        self.shown.get(self.cursor)
    }

    /// The object under the cursor.
    pub fn object(&self) -> Option<ObjectName> {
        let Topic::Kind(kind) = &self.topic else {
            return None;
        };
        self.selected().map(|row| ObjectName {
            kind: kind.to_string(),
            namespace: row.namespace.clone(),
            name: row.name.clone(),
        })
    }

    /// The cell of the row under the cursor in the column of that title.
    pub fn cell(&self, title: &str) -> Option<&str> {
        let index = self.columns.iter().position(|column| column.title == title)?;
        self.selected()?.cells.get(index).map(String::as_str)
    }

    /// The rows that are shown.
    pub fn shown(&self) -> &[Arc<Row>] {
        &self.shown
    }

    /// How many rows there are, shown or not.
    pub fn count(&self) -> usize {
        self.rows.len()
    }

    /// How many of the rows that are shown say that something is not well.
    pub fn troubled(&self) -> usize {
        self.troubled
    }

    /// Where the cursor is.
    pub fn cursor(&self) -> usize {
        self.cursor
    }

    /// The columns with their widths.
    pub fn columns(&self) -> impl Iterator<Item = (&Column, usize)> {
        self.columns.iter().zip(self.widths.iter().copied())
    }

    /// What the table is called.
    pub fn title(&self) -> String {
        match &self.topic {
            Topic::Kind(kind) => kind.plural().to_owned(),
            Topic::Contexts => "contexts".to_owned(),
        }
    }
}

/// Whether a cell behind the name says that something is not well; what has come to its end is not unready.
fn is_troubled(row: &Row) -> bool {
    let cells = || row.cells.iter().skip(1);
    let is_over = |cell: &String| matches!(cell.as_str(), "Completed" | "Complete" | "Succeeded");
    cells().any(|cell| health(cell) >= Health::Warn) && !cells().any(is_over)
}

/// A filter as it was meant.
struct Filter {
    words: Vec<String>,
    without: Vec<String>,
    labels: Vec<String>,
}

impl Filter {
    fn read(text: &str) -> Filter {
        let mut filter = Filter {
            words: Vec::new(),
            without: Vec::new(),
            labels: Vec::new(),
        };
        let mut rest = text.split_whitespace();
        while let Some(word) = rest.next() {
            let inline = word.strip_prefix("-l").filter(|labels| !labels.is_empty());
            if word == "-l" || inline.is_some() {
                let labels = inline.or_else(|| rest.next()).unwrap_or_default();
                filter.labels.extend(labels.split(',').map(str::to_owned));
            } else if let Some(word) = word.strip_prefix('!').filter(|word| !word.is_empty()) {
                filter.without.push(word.to_lowercase());
            } else {
                filter.words.push(word.to_lowercase());
            }
        }
        filter
    }

    fn fits(&self, row: &Row) -> bool {
        if self.words.is_empty() && self.without.is_empty() && self.labels.is_empty() {
            return true;
        }
        let occurs = |word: &String| {
            let in_cells = row.cells.iter().any(|cell| contains(cell, word));
            in_cells || contains(&row.namespace, word) || contains(&row.name, word)
        };
        self.words.iter().all(occurs)
            && !self.without.iter().any(occurs)
            && self.labels.iter().all(|label| row.labels.contains(label))
    }
}

/// Whether a text contains a lower-case word, in whatever case.
fn contains(text: &str, word: &str) -> bool {
    if text.is_ascii() && word.is_ascii() {
        return word.is_empty()
            || text
                .as_bytes()
                .windows(word.len())
                .any(|window| window.eq_ignore_ascii_case(word.as_bytes()));
    }
    text.to_lowercase().contains(word)
}

/// Compares as people count: a number in front by its value, the rest as text.
fn natural(left: &str, right: &str) -> Ordering {
    let number = |text: &str| {
        let end = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
        text[..end].parse::<u64>().ok()
    };
    match (number(left), number(right)) {
        (Some(one), Some(other)) => one.cmp(&other).then_with(|| left.cmp(right)),
        _ => left.cmp(right),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(name: &str, status: &str, restarts: &str) -> Row {
        Row {
            namespace: "shop".to_owned(),
            name: name.to_owned(),
            cells: vec![name.to_owned(), status.to_owned(), restarts.to_owned()],
            since: format!("2026-01-0{}T00:00:00Z", restarts.len()),
            labels: vec![format!("app={}", name.split('-').next().unwrap_or_default())],
        }
    }

    fn columns() -> Vec<Column> {
        let column = |title: &str| Column {
            title: title.to_owned(),
            is_wide: false,
        };
        ["NAME", "STATUS", "RESTARTS"].map(column).to_vec()
    }

    fn table() -> Table {
        let rows = vec![
            row("web-1", "Running", "9"),
            row("api-1", "Pending", "10"),
            row("api-2", "Running", "0"),
        ];
        Table::fixed(1, Topic::Kind(Kind::read("pod").unwrap()), columns(), rows)
    }

    fn names(table: &Table) -> Vec<&str> {
        table.shown().iter().map(|row| row.name.as_str()).collect()
    }

    #[test]
    fn filters_are_words_their_opposites_and_labels() {
        let mut table = table();
        table.set_filter("RUN !web");
        assert_eq!(names(&table), ["api-2"]);
        table.set_filter("-l app=api pend");
        assert_eq!(names(&table), ["api-1"]);
        table.set_filter("");
        assert_eq!(names(&table), ["api-1", "api-2", "web-1"]);
    }

    #[test]
    fn numbers_sort_as_numbers() {
        let mut table = table();
        table.sort(By::Column(2));
        assert_eq!(names(&table), ["api-2", "web-1", "api-1"]);
        table.sort(By::Column(2));
        assert_eq!(names(&table), ["api-1", "web-1", "api-2"]);
    }

    #[test]
    fn the_cursor_stays_on_its_object() {
        let mut table = table();
        table.go(2);
        assert_eq!(table.object().unwrap().name, "web-1");
        let rows = vec![row("aaa-1", "Running", "0")];
        table.take(Watched::Changed {
            rows,
            gone: vec![("shop".into(), "api-1".into())],
        });
        assert_eq!(
            (table.object().unwrap().name.as_str(), table.count()),
            ("web-1", 3)
        );
        table.take(Watched::Changed {
            rows: Vec::new(),
            gone: vec![("shop".into(), "web-1".into())],
        });
        assert_eq!(table.object().unwrap().name, "api-2");
        table.go(-99);
        assert_eq!(table.cursor(), 0);
    }

    #[test]
    fn what_was_lost_stays_on_the_screen() {
        let mut table = table();
        table.take(Watched::Lost {
            reason: "gone".into(),
        });
        assert_eq!((&table.feed, table.count()), (&Feed::Lost("gone".into()), 3));
    }
}
