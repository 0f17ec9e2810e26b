//! A page of text.

use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::style::{Modifier, Style};
use ratatui::text::{Line, Span, Text};

use super::talk::spinner;
use super::text::{cut, line, span, wrap};
use crate::tui::app::App;
use crate::tui::app::page::{Page, Source, State};
use crate::tui::theme::Theme;

pub(super) fn draw(app: &App, page: &Page, frame: &mut Frame, area: Rect) {
    let theme = &app.settings.theme;
    let height = usize::from(area.height).saturating_sub(1);
    let width = usize::from(area.width);
    let mut lines = vec![title(app, page, height)];
    match &page.state {
        State::Failed(failure) => {
            lines.extend(
                wrap(&failure.message, width)
                    .iter()
                    .map(|text| line(text, theme.bad)),
            );
            lines.extend(failure.hint.iter().map(|hint| line(hint, theme.warn)));
        }
        State::Loading => lines.push(line("loading", theme.dim)),
        _ if page.lines.is_empty() => lines.push(line("nothing yet", theme.dim)),
        _ => lines.extend(window(page, theme, width, height)),
    }
    frame.render_widget(Text::from(lines), area);
}

fn title(app: &App, page: &Page, height: usize) -> Line<'static> {
    let theme = &app.settings.theme;
    let place = match (&page.state, page.following) {
        (State::Loading, _) => spinner(app).to_string(),
        (State::Live, true) => format!("{} lines, following", page.lines.len()),
        (State::Ended, true) => format!("{} lines, ended", page.lines.len()),
        _ => {
            let last = (page.top + height).min(page.lines.len());
            format!("{last} of {} lines", page.lines.len())
        }
    };
    let mut spans = vec![
        span(&page.title, theme.title),
        span(&format!("  {place}"), theme.dim),
    ];
    if !page.search.is_empty() {
        spans.push(span(&format!("  /{}", page.search), theme.warn));
    }
    Line::from(spans)
}

/// The lines that are shown.
fn window(page: &Page, theme: &Theme, width: usize, height: usize) -> Vec<Line<'static>> {
    let draw = |text: &str| styled(page, text, theme);
    if !page.wraps {
        let top = if page.following {
            page.last_top(height)
        } else {
            page.top
        };
        let shown = page.lines.iter().skip(top).take(height);
        return shown.map(|text| draw(&cut(text, width))).collect();
    }
    if page.following {
        let mut rows = Vec::new();
        for text in page.lines.iter().rev() {
            rows.extend(wrap(text, width).into_iter().rev());
            if rows.len() >= height {
                break;
            }
        }
        rows.truncate(height);
        return rows.iter().rev().map(|text| draw(text)).collect();
    }
    let rows = page
        .lines
        .iter()
        .skip(page.top)
        .flat_map(|text| wrap(text, width));
    rows.take(height).map(|text| draw(&text)).collect()
}

/// A line in the colours of its kind, with what is looked for marked.
fn styled(page: &Page, text: &str, theme: &Theme) -> Line<'static> {
    if !page.search.is_empty() && text.to_lowercase().contains(&page.search) {
        return line(text, theme.warn.add_modifier(Modifier::REVERSED));
    }
    match &page.source {
        Source::Log(_) => line(text, log_style(text, theme)),
        Source::Fixed | Source::Read(..) => key_and_value(text, theme),
    }
}

fn log_style(text: &str, theme: &Theme) -> Style {
    let start: String = text.chars().take(80).collect::<String>().to_uppercase();
    if ["ERROR", "FATAL", "PANIC"]
        .iter()
        .any(|word| start.contains(word))
    {
        theme.bad
    } else if start.contains("WARN") {
        theme.warn
    } else {
        theme.text
    }
}

fn key_and_value(text: &str, theme: &Theme) -> Line<'static> {
    let key = text.split_once(':').filter(|(key, value)| {
        let word = key.trim().trim_start_matches("- ");
        !word.is_empty() && !word.contains([' ', '"', '/']) && (value.is_empty() || value.starts_with(' '))
    });
    match key {
        Some((key, value)) => Line::from(vec![
            span(key, theme.asked),
            Span::raw(":"),
            span(value, theme.cell(value.trim())),
        ]),
        None => line(text, theme.text),
    }
}
