//! The line at the top: where requests go, and what is under way.

use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};
use unicode_width::UnicodeWidthStr;

use super::talk::{elapsed, spinner};
use super::text::{cut, span};
use crate::tui::app::table::Feed;
use crate::tui::app::{App, Screen};

pub(super) fn draw(app: &App, frame: &mut Frame, area: Rect) {
    let theme = &app.settings.theme;
    let place = &app.place;
    let mut spans = vec![Span::styled(" sayso ", theme.title)];
    let production = if place.production {
        theme.production
    } else {
        theme.status
    };
    let context = if place.production {
        format!(" PRODUCTION {} ", place.context)
    } else {
        format!(" {} ", place.context)
    };
    spans.push(span(&context, production));
    spans.push(span(&format!("{} ", place.namespace), theme.status));
    if place.read_only {
        spans.push(Span::styled(" read-only ", theme.good));
    }
    let right = right(app);
    let used: usize = spans.iter().map(|span| span.content.width()).sum();
    let room = usize::from(area.width).saturating_sub(used);
    let right = cut(&right, room.saturating_sub(1));
    let gap = room.saturating_sub(right.width() + 1);
    spans.push(Span::raw(" ".repeat(gap)));
    spans.push(span(&right, theme.dim));
    frame.render_widget(Line::from(spans), area);
}

/// What is under way, else how the watch is, else the model.
fn right(app: &App) -> String {
    if let Some(run) = &app.talk.run {
        if run.review.is_some() {
            return "review".to_owned();
        }
        return format!("{} {:?} {}", spinner(app), run.stage, elapsed(app, run.since));
    }
    let Some(Screen::Table(table)) = app.screen().filter(|_| !app.talking) else {
        let pace = app.pace.as_deref().unwrap_or_default();
        return format!("model {}{pace}", app.place.model);
    };
    match &table.feed {
        Feed::Live => "live".to_owned(),
        Feed::Lost(reason) => format!("cut off: {reason}"),
        Feed::Loading => format!("{} loading", spinner(app)),
        Feed::Fixed => "as answered".to_owned(),
        Feed::Ended(_) => "not watched".to_owned(),
    }
}
