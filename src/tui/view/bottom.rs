//! The line at the bottom: what is typed, a remark, or which keys there are.

use ratatui::Frame;
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::text::{Line, Span};
use unicode_width::UnicodeWidthStr;

use super::text::span;
use crate::tui::app::review::Mode;
use crate::tui::app::{App, Purpose, Screen};
use crate::tui::keymap::{Act, KeyMap};

pub(super) fn draw(app: &App, frame: &mut Frame, area: Rect) {
    let theme = &app.settings.theme;
    if let Some(prompt) = &app.prompt {
        let label = match &prompt.purpose {
            Purpose::Command => ":".to_owned(),
            Purpose::Filter(_) => "/".to_owned(),
            Purpose::Scale(object) => format!("replicas of {}: ", object.name),
        };
        let width = u16::try_from(label.width()).unwrap_or(u16::MAX);
        let [left, right] = Layout::horizontal([Constraint::Length(width), Constraint::Min(0)]).areas(area);
        frame.render_widget(span(&label, theme.key), left);
        frame.render_widget(&prompt.line, right);
        return;
    }
    if let Some((text, _, bad)) = &app.remark {
        frame.render_widget(span(text, if *bad { theme.bad } else { theme.warn }), area);
        return;
    }
    let mut spans = Vec::new();
    let mut left = usize::from(area.width);
    for (key, what) in hints(app) {
        let width = key.width() + what.width() + 3;
        if width > left + 2 {
            break;
        }
        left = left.saturating_sub(width);
        spans.push(Span::styled(key, theme.key));
        spans.push(Span::styled(format!(" {what}  "), theme.dim));
    }
    frame.render_widget(Line::from(spans), area);
}

fn hints(app: &App) -> Vec<(String, &'static str)> {
    let keys = &app.settings.keys;
    if !app.talking {
        return screen_hints(keys, app.screen());
    }
    let run = app.talk.run.as_ref();
    match (run.and_then(|run| run.review.as_ref()), run) {
        (Some(review), _) => review_hints(keys, &review.mode),
        (None, Some(_)) => fixed(&[("esc", "cancel"), ("ctrl-c", "cancel")]),
        (None, None) => fixed(&[
            ("enter", "ask"),
            ("tab", "cluster / complete"),
            (":", "command"),
            ("?", "help"),
            ("ctrl-q", "leave"),
        ]),
    }
}

fn review_hints(keys: &KeyMap, mode: &Mode) -> Vec<(String, &'static str)> {
    const READING: &[(Act, &str)] = &[
        (Act::Approve, "approve"),
        (Act::Reject, "reject"),
        (Act::Edit, "edit"),
        (Act::Toggle, "toggle step"),
        (Act::Explain, "explain"),
        (Act::CopyPlan, "copy"),
        (Act::Back, "cancel"),
        (Act::PageDown, "scroll"),
    ];
    match mode {
        Mode::Reading => of(keys, READING),
        Mode::Explaining => of(
            keys,
            &[(Act::Explain, "back to the review"), (Act::Approve, "approve")],
        ),
        Mode::Editing(..) => fixed(&[
            ("enter", "check"),
            ("alt-enter", "new line"),
            ("esc", "leave it as it was"),
        ]),
        Mode::Rejecting(_) => fixed(&[("enter", "reject"), ("esc", "back")]),
        Mode::Naming(..) => fixed(&[("enter", "yes, this one"), ("esc", "back")]),
    }
}

fn screen_hints(keys: &KeyMap, screen: Option<&Screen>) -> Vec<(String, &'static str)> {
    const TABLE: &[(Act, &str)] = &[
        (Act::Talk, "ask"),
        (Act::Command, "kind"),
        (Act::Filter, "filter"),
        (Act::Describe, "describe"),
        (Act::Logs, "logs"),
        (Act::Yaml, "yaml"),
        (Act::Ask, "ask about it"),
        (Act::Delete, "delete"),
        (Act::Back, "back"),
        (Act::Help, "help"),
    ];
    const LOG: &[(Act, &str)] = &[
        (Act::Follow, "follow"),
        (Act::Container, "container"),
        (Act::Earlier, "previous"),
        (Act::Filter, "search"),
        (Act::Wrap, "wrap"),
        (Act::Back, "back"),
    ];
    const PAGE: &[(Act, &str)] = &[
        (Act::Filter, "search"),
        (Act::Next, "next"),
        (Act::Wrap, "wrap"),
        (Act::Reload, "again"),
        (Act::Back, "back"),
    ];
    const RECORD: &[(Act, &str)] = &[
        (Act::Show, "show"),
        (Act::TakeBack, "take back"),
        (Act::Filter, "filter"),
        (Act::Back, "back"),
    ];
    match screen {
        Some(Screen::Table(_)) => of(keys, TABLE),
        Some(Screen::Page(page)) if page.is_log() => of(keys, LOG),
        Some(Screen::Page(_)) => of(keys, PAGE),
        Some(Screen::Audit(_)) => of(keys, RECORD),
        None => Vec::new(),
    }
}

/// Hints with the first key of each act.
fn of(keys: &KeyMap, acts: &[(Act, &'static str)]) -> Vec<(String, &'static str)> {
    let each = acts.iter().map(|(act, what)| (keys.first(*act), *what));
    each.filter(|(key, _)| !key.is_empty()).collect()
}

fn fixed(hints: &[(&str, &'static str)]) -> Vec<(String, &'static str)> {
    hints
        .iter()
        .map(|(key, what)| ((*key).to_owned(), *what))
        .collect()
}
