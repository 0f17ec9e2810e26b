//! The conversation.

use jiff::Timestamp;
use ratatui::Frame;
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::style::Modifier;
use ratatui::text::{Line, Span};
use ratatui::widgets::{Block, Borders, Clear};

use super::text::{line, span, wrap};
use crate::session::Passage;
use crate::tui::app::App;
use crate::tui::app::ended::{Ended, Tone};
use crate::tui::app::talk::{Entry, Run};
use crate::tui::theme::Theme;

/// Lines of one answer that are shown in the conversation.
const ANSWER_LINES: usize = 300;
/// Rows that the input line may take.
const INPUT_ROWS: usize = 6;
/// Pods of a rollout that are shown at once.
const PODS: usize = 8;
/// Completions that are shown at once.
const CHOICES: usize = 6;

const SPINNER: [char; 10] = ['⠋', '⠙', '⠹', '⠸', '⠼', '⠴', '⠦', '⠧', '⠇', '⠏'];

/// What moves while something is under way.
pub(super) fn spinner(app: &App) -> char {
    SPINNER[app.ticks % SPINNER.len()]
}

/// The time since, in seconds.
pub(super) fn elapsed(app: &App, since: Timestamp) -> String {
    let span = app.now.duration_since(since);
    format!("{:.1}s", span.as_secs_f64().max(0.0))
}

pub(super) fn draw(app: &App, frame: &mut Frame, area: Rect) {
    let rows = app.talk.input.lines().len().clamp(1, INPUT_ROWS);
    let input = u16::try_from(rows + 1).unwrap_or(2).min(area.height);
    let [said, typed] = Layout::vertical([Constraint::Min(0), Constraint::Length(input)]).areas(area);
    let lines = last_lines(
        app,
        usize::from(said.width),
        usize::from(said.height) + app.talk.up,
    );
    let end = lines.len().saturating_sub(app.talk.up);
    let start = end.saturating_sub(usize::from(said.height));
    for (index, text) in lines[start..end].iter().enumerate() {
        let row = u16::try_from(index).unwrap_or(u16::MAX);
        frame.render_widget(
            text,
            Rect {
                y: said.y + row,
                height: 1,
                ..said
            },
        );
    }
    draw_input(app, frame, typed);
    draw_choices(app, frame, said);
}

fn draw_input(app: &App, frame: &mut Frame, area: Rect) {
    let theme = &app.settings.theme;
    let block = Block::new().borders(Borders::TOP).border_style(theme.frame);
    let inner = block.inner(area);
    frame.render_widget(block, area);
    let [mark, text] = Layout::horizontal([Constraint::Length(2), Constraint::Min(0)]).areas(inner);
    frame.render_widget(
        Span::styled(">", theme.asked.add_modifier(Modifier::BOLD)),
        Rect {
            height: mark.height.min(1),
            ..mark
        },
    );
    frame.render_widget(&app.talk.input, text);
}

/// The open choice of completions, above the line.
fn draw_choices(app: &App, frame: &mut Frame, area: Rect) {
    let Some(completion) = &app.talk.completion else {
        return;
    };
    let theme = &app.settings.theme;
    let first = completion.index.saturating_sub(CHOICES - 1);
    let shown: Vec<&String> = completion.choices.iter().skip(first).take(CHOICES).collect();
    let height = u16::try_from(shown.len()).unwrap_or(0).min(area.height);
    let width = shown
        .iter()
        .map(|choice| choice.chars().count() + 2)
        .max()
        .unwrap_or(0);
    let width = u16::try_from(width).unwrap_or(u16::MAX).min(area.width);
    let popup = Rect {
        x: area.x + 2.min(area.width - width),
        y: area.bottom() - height,
        width,
        height,
    };
    frame.render_widget(Clear, popup);
    for (index, choice) in shown.iter().enumerate().take(usize::from(height)) {
        let style = if first + index == completion.index {
            theme.selected
        } else {
            theme.status
        };
        let row = u16::try_from(index).unwrap_or(0);
        frame.render_widget(
            line(&format!(" {choice} "), style),
            Rect {
                y: popup.y + row,
                height: 1,
                ..popup
            },
        );
    }
}

/// How many lines there are in all.
pub fn height(app: &App) -> usize {
    last_lines(app, usize::from(app.size.0), usize::MAX).len()
}

/// The last lines of the conversation, at least `wanted` of them where there are so many.
fn last_lines(app: &App, width: usize, wanted: usize) -> Vec<Line<'static>> {
    let theme = &app.settings.theme;
    let mut blocks = Vec::new();
    let mut count = 0;
    if let Some(run) = &app.talk.run {
        let block = running(app, run, width);
        count += block.len();
        blocks.push(block);
    }
    for entry in app.talk.entries.iter().rev() {
        if count >= wanted {
            break;
        }
        let block = said(entry, theme, width);
        count += block.len();
        blocks.push(block);
    }
    if app.talk.entries.is_empty() && app.talk.run.is_none() {
        blocks.push(welcome(app, width));
    }
    blocks.into_iter().rev().flatten().collect()
}

fn welcome(app: &App, width: usize) -> Vec<Line<'static>> {
    let theme = &app.settings.theme;
    let place = &app.place;
    let mut lines = vec![
        line("Say what you want of this cluster.", theme.title),
        Line::default(),
    ];
    let mut tell = |text: &str| lines.extend(wrap(text, width).iter().map(|text| line(text, theme.text)));
    tell("  scale web to 5");
    tell("  why is cart failing");
    tell("  list pods in kube-system");
    tell("");
    tell(
        "Nothing changes before you have read what will happen, and said yes. What was done is on record and can be taken back.",
    );
    tell("tab shows the cluster, ? the keys.");
    if place.sandbox {
        tell("This is a cluster in a box: it ends with this program.");
    }
    lines
}

fn said(entry: &Entry, theme: &Theme, width: usize) -> Vec<Line<'static>> {
    match entry {
        Entry::Asked(text) => {
            let mut lines = vec![Line::default()];
            for (index, text) in wrap(text, width.saturating_sub(2)).iter().enumerate() {
                let mark = if index == 0 { "> " } else { "  " };
                lines.push(Line::from(vec![
                    Span::styled(mark, theme.dim),
                    span(text, theme.asked),
                ]));
            }
            lines
        }
        Entry::Read(text, notices) => read(text, notices, theme, width),
        Entry::Ended(ended) => ending(ended, theme, width),
        Entry::Said(text) => wrap(text, width)
            .iter()
            .map(|text| line(text, theme.dim))
            .collect(),
    }
}

/// What a read printed; a table's states in their colours.
fn read(text: &str, notices: &[String], theme: &Theme, width: usize) -> Vec<Line<'static>> {
    let mut lines: Vec<Line<'static>> = notices.iter().map(|notice| line(notice, theme.dim)).collect();
    for text in text.lines().take(ANSWER_LINES) {
        let is_header = !text.contains(|c: char| c.is_lowercase()) && text.contains("NAME");
        if is_header {
            lines.push(line(text, theme.title));
        } else if text.chars().count() > width {
            lines.extend(wrap(text, width).iter().map(|text| line(text, theme.text)));
        } else {
            lines.push(cells(text, theme));
        }
    }
    let left = text.lines().count().saturating_sub(ANSWER_LINES);
    if left > 0 {
        lines.push(line(&format!("... {left} more lines"), theme.dim));
    }
    lines
}

/// A line whose words look like what they mean.
fn cells(text: &str, theme: &Theme) -> Line<'static> {
    let pieces = text
        .split_inclusive("  ")
        .map(|piece| span(piece, theme.cell(piece.trim())));
    Line::from(pieces.collect::<Vec<_>>())
}

/// A passage of the knowledge base: Markdown, with where it is from and whether it may be believed.
fn passage(passage: &Passage, theme: &Theme, width: usize) -> Vec<Line<'static>> {
    let heading = format!("{}: {}", passage.title, passage.heading);
    let heading = heading.trim_end_matches([':', ' ']).to_owned();
    let mut lines = vec![Line::from(vec![
        span(&heading, theme.title),
        span(&format!("  {}", passage.id), theme.dim),
    ])];
    if !passage.trusted() {
        let text = format!("not written by Sayso's authors: {}", passage.source);
        lines.push(line(&text, theme.warn));
    }
    let mut is_code = false;
    for text in passage.text.lines() {
        if text.trim_start().starts_with("```") {
            is_code = !is_code;
        } else if is_code {
            lines.push(line(&format!("    {text}"), theme.asked));
        } else {
            lines.extend(wrap(text, width).iter().map(|text| line(text, theme.text)));
        }
    }
    lines.push(Line::default());
    lines
}

fn ending(ended: &Ended, theme: &Theme, width: usize) -> Vec<Line<'static>> {
    let each = ended.passages.iter();
    let mut lines: Vec<Line<'static>> = each.flat_map(|found| passage(found, theme, width)).collect();
    for (tone, text) in &ended.lines {
        let style = match tone {
            Tone::Good => theme.good,
            Tone::Warn => theme.warn,
            Tone::Bad => theme.bad,
            Tone::Dim => theme.dim,
            Tone::Hint => theme.key,
        };
        lines.extend(wrap(text, width).iter().map(|text| line(text, style)));
    }
    lines
}

fn running(app: &App, run: &Run, width: usize) -> Vec<Line<'static>> {
    let theme = &app.settings.theme;
    let mut lines = Vec::new();
    for step in &run.doing {
        let (mark, style) = match (step.done, &step.seen) {
            (true, _) => ("done", theme.good),
            (false, Some(_)) => ("now ", theme.title),
            (false, None) => ("next", theme.dim),
        };
        let seen = step
            .seen
            .as_ref()
            .filter(|_| !step.done)
            .map_or_else(String::new, |seen| format!(": {seen}"));
        lines.push(line(&format!("{mark} {}{seen}", step.line), style));
        if !step.done {
            lines.extend(pods(&step.pods, theme));
        }
    }
    let stopping = if run.cancelled { "stopping, " } else { "" };
    let head = format!(
        "{} {stopping}{:?} {}  {}",
        spinner(app),
        run.stage,
        elapsed(app, run.stage_since),
        run.detail
    );
    lines.extend(wrap(&head, width).iter().map(|text| line(text, theme.title)));
    if let Some((what, done, total)) = &run.progress {
        lines.push(line(&gauge(what, *done, *total, width), theme.dim));
    }
    lines.extend(
        run.writing
            .lines()
            .map(|text| line(&format!("  {text}"), theme.dim)),
    );
    lines
}

/// The pods of a rollout, as many as are of use.
fn pods(pods: &[(String, String)], theme: &Theme) -> Vec<Line<'static>> {
    let wide = pods
        .iter()
        .map(|(name, _)| name.chars().count())
        .max()
        .unwrap_or(0);
    let shown = pods.iter().take(PODS).map(|(name, state)| {
        Line::from(vec![
            span(&format!("       {name:wide$}  "), theme.dim),
            span(state, theme.cell(state)),
        ])
    });
    let mut lines: Vec<Line<'static>> = shown.collect();
    if let Some(left) = pods.len().checked_sub(PODS + 1) {
        lines.push(line(&format!("       and {} more", left + 1), theme.dim));
    }
    lines
}

/// `load [#####     ] 50%`
fn gauge(what: &str, done: u64, total: u64, width: usize) -> String {
    let room = width.saturating_sub(what.chars().count() + 9).min(40);
    let share = done
        .min(total)
        .saturating_mul(100)
        .checked_div(total)
        .unwrap_or(0);
    let full = usize::try_from(share).unwrap_or(0) * room / 100;
    format!(
        "{what} [{}{}] {share}%",
        "#".repeat(full),
        " ".repeat(room - full)
    )
}
