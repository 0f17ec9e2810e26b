//! A table of objects.

use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::text::{Line, Span, Text};

use super::text::{line, pad, span};
use crate::driver::cockpit::{Row, age};
use crate::tui::app::App;
use crate::tui::app::table::{Feed, Table, Topic};

/// Columns between two columns.
const GAP: usize = 2;
/// Wider than this is no namespace shown.
const NAMESPACE: usize = 24;

pub(super) fn draw(app: &App, table: &Table, frame: &mut Frame, area: Rect) {
    let theme = &app.settings.theme;
    let mut lines = vec![title(app, table)];
    let room = usize::from(area.height).saturating_sub(2);
    if let Feed::Ended(failure) = &table.feed {
        lines.push(line(&failure.message, theme.bad));
        lines.extend(failure.hint.iter().map(|hint| line(hint, theme.warn)));
        lines.extend(
            (table.topic != Topic::Contexts).then(|| line("esc goes back; : shows another kind", theme.dim)),
        );
    } else if table.shown().is_empty() {
        let what = match table.feed {
            Feed::Loading => "loading",
            _ if !table.filter().is_empty() => "nothing fits the filter; esc takes it away",
            _ => "there are none here; 0 looks in all namespaces",
        };
        lines.push(line(what, theme.dim));
    } else {
        let columns = Columns::of(table);
        lines.push(Line::styled(columns.header(), theme.title));
        let top = top(table.cursor(), room, table.shown().len());
        for (index, row) in table.shown().iter().enumerate().skip(top).take(room) {
            let drawn = columns.row(app, row);
            lines.push(if index == table.cursor() {
                drawn.patch_style(theme.selected)
            } else {
                drawn
            });
        }
    }
    frame.render_widget(Text::from(lines), area);
}

/// The first row of the window: the cursor stands in its middle, but at the ends.
fn top(cursor: usize, room: usize, count: usize) -> usize {
    cursor.saturating_sub(room / 2).min(count.saturating_sub(room))
}

fn title(app: &App, table: &Table) -> Line<'static> {
    let theme = &app.settings.theme;
    let place = match (&table.topic, &table.namespace) {
        (_, Some(namespace)) => format!(" in {namespace}"),
        (Topic::Kind(kind), None) if kind.builtin().is_none_or(|builtin| builtin.namespaced) => {
            " in all namespaces".to_owned()
        }
        _ => String::new(),
    };
    let shown = table.shown().len();
    let count = if shown == table.count() {
        shown.to_string()
    } else {
        format!("{shown} of {}", table.count())
    };
    let mut spans = vec![
        span(&table.title(), theme.title),
        span(&format!("{place}  {count}"), theme.text),
    ];
    if table.troubled() > 0 {
        spans.push(span(&format!("  {} not well", table.troubled()), theme.warn));
    }
    if !table.filter().is_empty() {
        spans.push(span(&format!("  /{}", table.filter()), theme.warn));
    }
    spans.push(span(&format!("  by {}", table.order()), theme.dim));
    Line::from(spans)
}

/// The columns that are shown: title, width, and which cell.
struct Columns(Vec<(String, usize, Cell)>);

#[derive(Clone, Copy)]
enum Cell {
    Namespace,
    Of(usize),
    Age,
}

impl Columns {
    fn of(table: &Table) -> Columns {
        let shown = table
            .columns()
            .enumerate()
            .filter(|(_, (column, _))| table.wide || !column.is_wide);
        let mut columns: Vec<(String, usize, Cell)> = shown
            .map(|(index, (column, width))| {
                // Ages go on while nothing else changes, so they are not taken from what the server once said.
                let ages = matches!(column.title.as_str(), "AGE" | "LAST SEEN") && table.feed != Feed::Fixed;
                let (width, cell) = if ages {
                    (width.max(column.title.len()).max(5), Cell::Age)
                } else {
                    (width, Cell::Of(index))
                };
                (column.title.clone(), width, cell)
            })
            .collect();
        let rows = table.shown();
        if table.namespace.is_none() && rows.iter().any(|row| !row.namespace.is_empty()) {
            let width = rows
                .iter()
                .map(|row| row.namespace.len())
                .max()
                .unwrap_or_default();
            columns.insert(
                0,
                ("NAMESPACE".to_owned(), width.clamp(9, NAMESPACE), Cell::Namespace),
            );
        }
        Columns(columns)
    }

    fn header(&self) -> String {
        let each = self.0.iter().map(|(title, width, _)| pad(title, width + GAP));
        each.collect()
    }

    fn row(&self, app: &App, row: &Row) -> Line<'static> {
        let theme = &app.settings.theme;
        let each = self.0.iter().map(|(_, width, cell)| {
            let (text, style): (String, Style) = match cell {
                Cell::Namespace => (row.namespace.clone(), theme.dim),
                Cell::Age => (age(&row.since, app.now), theme.text),
                Cell::Of(index) => {
                    let text = row.cells.get(*index).cloned().unwrap_or_default();
                    let style = if *index == 0 {
                        theme.text
                    } else {
                        theme.cell(&text)
                    };
                    (text, style)
                }
            };
            Span::styled(pad(&text, width + GAP), style)
        });
        Line::from(each.collect::<Vec<_>>())
    }
}
