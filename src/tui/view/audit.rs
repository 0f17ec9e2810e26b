//! The record.

use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span, Text};

use super::text::{line, pad, span};
use crate::driver::audit::Action;
use crate::tui::app::App;
use crate::tui::app::audit::Audit;

pub(super) fn draw(app: &App, audit: &Audit, frame: &mut Frame, area: Rect) {
    let theme = &app.settings.theme;
    let mut title = vec![span("record", theme.title)];
    if let Some((intact, words)) = audit.chain() {
        let style = if *intact { theme.good } else { theme.bad };
        title.push(span(&format!("  chain {words}"), style));
    }
    if !audit.filter().is_empty() {
        title.push(span(&format!("  /{}", audit.filter()), theme.warn));
    }
    let mut lines = vec![Line::from(title)];
    let shown = audit.shown();
    if let Some(failure) = &audit.failure {
        lines.push(line(&failure.message, theme.bad));
    } else if audit.loading() {
        lines.push(line("loading", theme.dim));
    } else if shown.is_empty() {
        lines.push(line("nothing was done yet", theme.dim));
    } else {
        lines.push(Line::styled(
            "TIME                 ID            USER        OUTCOME      COMMAND",
            theme.title,
        ));
        let room = usize::from(area.height).saturating_sub(2);
        let top = audit.cursor().saturating_sub(room.saturating_sub(1));
        for (index, action) in shown.iter().enumerate().skip(top).take(room) {
            let row = row(app, action);
            lines.push(if index == audit.cursor() {
                row.patch_style(theme.selected)
            } else {
                row
            });
        }
    }
    frame.render_widget(Text::from(lines), area);
}

fn row(app: &App, action: &Action) -> Line<'static> {
    let theme = &app.settings.theme;
    let time = action.at.strftime("%Y-%m-%d %H:%M:%SZ").to_string();
    Line::from(vec![
        Span::styled(pad(&time, 21), theme.dim),
        Span::styled(pad(&action.id.short(), 14), theme.text),
        span(&pad(action.user(), 12), theme.text),
        span(&pad(action.verdict(), 13), theme.cell(action.verdict())),
        span(&action.commands().join("; "), theme.text),
    ])
}
