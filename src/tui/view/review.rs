//! The review.

use ratatui::Frame;
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::style::{Modifier, Style};
use ratatui::text::{Line, Span};
use ratatui::widgets::{Block, Borders, Clear};
use unicode_width::UnicodeWidthStr;

use super::text::{cut, line, pad, span, wrap};
use crate::check::{Inverse, Report, StepReport, Verdict, Weight};
use crate::tui::app::App;
use crate::tui::app::review::{Mode, Review};
use crate::tui::theme::Theme;

/// From this width on, a diff stands side by side.
const WIDE: usize = 110;

pub(super) fn draw(app: &App, review: &Review, frame: &mut Frame, area: Rect) {
    let theme = &app.settings.theme;
    let [head, body] = Layout::vertical([Constraint::Length(1), Constraint::Min(0)]).areas(area);
    frame.render_widget(title(app, review), head);
    let lines = document(review, theme, usize::from(body.width));
    let top = review
        .top
        .min(lines.len().saturating_sub(usize::from(body.height)));
    for (index, text) in lines.iter().skip(top).take(usize::from(body.height)).enumerate() {
        let row = u16::try_from(index).unwrap_or(u16::MAX);
        frame.render_widget(
            text,
            Rect {
                y: body.y + row,
                height: 1,
                ..body
            },
        );
    }
    draw_field(review, theme, frame, body);
}

fn title(app: &App, review: &Review) -> Line<'static> {
    let theme = &app.settings.theme;
    let reasons = || review.report.steps.iter().flat_map(|step| &step.reasons);
    let worst = reasons().map(|reason| reason.weight).max();
    let (word, style) = match (review.report.verdict, worst) {
        (Verdict::Deny, _) => ("denied", theme.bad),
        (_, Some(Weight::Danger)) => ("DANGER", theme.bad),
        (_, Some(Weight::Caution)) => ("look twice", theme.warn),
        _ => ("needs your yes", theme.good),
    };
    let waiting = if review.armed() {
        ""
    } else {
        "  (keys count in a moment)"
    };
    Line::from(vec![
        span("Review ", theme.title),
        span(word, style),
        span(
            &format!("  {} / {}{waiting}", app.place.context, app.place.namespace),
            theme.dim,
        ),
    ])
}

/// How many lines the review has.
pub fn height(review: &Review, theme: &Theme, width: u16) -> usize {
    document(review, theme, usize::from(width)).len()
}

/// The whole review as lines.
fn document(review: &Review, theme: &Theme, width: usize) -> Vec<Line<'static>> {
    if matches!(review.mode, Mode::Explaining) {
        return explanation(review, theme, width);
    }
    let mut lines = Vec::new();
    for (index, step) in review.report.steps.iter().enumerate() {
        lines.extend(step_lines(review, index, step, theme, width));
    }
    if !review.out.is_empty() {
        lines.push(line(
            "a checks again without what is taken out; nothing is approved yet",
            theme.warn,
        ));
    }
    lines.extend(blast(&review.report, theme, width));
    for step in &review.report.steps {
        if !step.diff.is_empty() {
            lines.push(Line::default());
            lines.extend(diff(&step.diff, theme, width));
        }
    }
    lines.push(Line::default());
    lines.push(line("The same by hand", theme.title));
    for step in &review.report.steps {
        let by_hand = step.step.by_hand();
        lines.extend(
            wrap(&by_hand, width.saturating_sub(2))
                .iter()
                .map(|text| line(&format!("  {text}"), theme.text)),
        );
    }
    lines
}

fn step_lines(
    review: &Review,
    index: usize,
    step: &StepReport,
    theme: &Theme,
    width: usize,
) -> Vec<Line<'static>> {
    let is_out = review.out.contains(&index);
    let several = review.report.steps.len() > 1;
    let mark = match (several, is_out) {
        (true, true) => "[ ] ",
        (true, false) => "[x] ",
        (false, _) => "",
    };
    let sure = review.confidence.get(index).copied().flatten();
    let sure = sure.map_or_else(String::new, |sure| format!("  {:.0}% sure", sure * 100.0));
    let mut style = if is_out {
        theme.dim
    } else {
        theme.text.add_modifier(Modifier::BOLD)
    };
    if several && index == review.step {
        style = style.patch(theme.selected);
    }
    let text = format!("{mark}{}. {}", index + 1, step.step);
    let mut lines: Vec<Line<'static>> = wrap(&text, width).iter().map(|text| line(text, style)).collect();
    if let Some(last) = lines.last_mut() {
        last.spans.push(span(&sure, theme.dim));
    }
    for reason in &step.reasons {
        let (style, mark) = match reason.weight {
            Weight::Danger => (theme.bad, "!!"),
            Weight::Caution => (theme.warn, "! "),
            Weight::Note => (theme.dim, "- "),
        };
        let text = wrap(&reason.text, width.saturating_sub(8));
        lines.extend(
            text.iter()
                .map(|text| line(&format!("     {mark} {text}"), style)),
        );
    }
    if let Some(problem) = &step.problem {
        lines.push(line(&format!("     x  {}", problem.message()), theme.bad));
    }
    lines
}

/// What is touched, and how many pods feel it.
fn blast(report: &Report, theme: &Theme, width: usize) -> Vec<Line<'static>> {
    let mut touched: Vec<String> = Vec::new();
    for step in report.steps.iter().filter(|step| step.step.writes()) {
        for target in step.step.action.targets() {
            let name = target.to_string();
            if !touched.contains(&name) {
                touched.push(name);
            }
        }
    }
    let pods = report.steps.iter().flat_map(|step| &step.reasons);
    let pods: Vec<&str> = pods
        .filter_map(|reason| reason.text.strip_prefix("affects "))
        .collect();
    if touched.is_empty() && pods.is_empty() {
        return Vec::new();
    }
    let pods = if pods.is_empty() {
        "no running pods".to_owned()
    } else {
        pods.join(", ")
    };
    let touched = if touched.is_empty() {
        "new objects".to_owned()
    } else {
        touched.join(", ")
    };
    let text = format!("Blast radius: {touched}; {pods}");
    let lines = wrap(&text, width);
    std::iter::once(Line::default())
        .chain(lines.iter().map(|text| line(text, theme.text)))
        .collect()
}

fn diff(text: &str, theme: &Theme, width: usize) -> Vec<Line<'static>> {
    if width < WIDE {
        return text
            .lines()
            .map(|text| line(&cut(text, width), diff_style(text, theme)))
            .collect();
    }
    side_by_side(text, theme, width)
}

fn diff_style(text: &str, theme: &Theme) -> Style {
    match text.as_bytes().first() {
        _ if text.starts_with("+++") || text.starts_with("---") => theme.title,
        Some(b'+') => theme.added,
        Some(b'-') => theme.removed,
        Some(b'@') => theme.dim,
        _ => theme.text,
    }
}

/// What goes on the left, what comes on the right, in pairs as far as they go.
fn side_by_side(text: &str, theme: &Theme, width: usize) -> Vec<Line<'static>> {
    let half = (width - 3) / 2;
    let (mut gone, mut new): (Vec<&str>, Vec<&str>) = (Vec::new(), Vec::new());
    let mut lines = Vec::new();
    let row = |left: &str, right: &str, styles: (Style, Style)| {
        Line::from(vec![
            span(&pad(left, half), styles.0),
            Span::styled(" │ ", theme.frame),
            span(&cut(right, half), styles.1),
        ])
    };
    let flush = |gone: &mut Vec<&str>, new: &mut Vec<&str>, lines: &mut Vec<Line<'static>>| {
        for index in 0..gone.len().max(new.len()) {
            let left = gone.get(index).copied().unwrap_or_default();
            let right = new.get(index).copied().unwrap_or_default();
            lines.push(row(left, right, (theme.removed, theme.added)));
        }
        gone.clear();
        new.clear();
    };
    for text in text.lines() {
        let is_head = text.starts_with("+++") || text.starts_with("---") || text.starts_with('@');
        match text.as_bytes().first() {
            Some(b'-') if !is_head => gone.push(text),
            Some(b'+') if !is_head => new.push(text),
            _ => {
                flush(&mut gone, &mut new, &mut lines);
                let style = diff_style(text, theme);
                if text.starts_with("---") {
                    lines.push(line(text.trim_start_matches("--- "), style));
                } else if is_head {
                    lines.extend((!text.starts_with("+++")).then(|| line(text, style)));
                } else {
                    lines.push(row(text, text, (style, style)));
                }
            }
        }
    }
    flush(&mut gone, &mut new, &mut lines);
    lines
}

/// What each step means, and the way back.
fn explanation(review: &Review, theme: &Theme, width: usize) -> Vec<Line<'static>> {
    let report = &review.report;
    let mut lines = Vec::new();
    let mut tell =
        |text: &str, style: Style| lines.extend(wrap(text, width).iter().map(|text| line(text, style)));
    for (index, step) in report.steps.iter().enumerate() {
        tell(&format!("{}. {}", index + 1, step.step), theme.title);
        for reason in &step.reasons {
            tell(&format!("   {}", reason.text), theme.text);
        }
        for inverse in &step.inverse {
            match inverse {
                Inverse::Step(back) => tell(&format!("   to take it back: {}", back.by_hand()), theme.good),
                Inverse::None(reason) => tell(&format!("   no way back: {reason}"), theme.warn),
            }
        }
    }
    let digest = &report.digest[..report.digest.len().min(12)];
    tell("", theme.text);
    tell(
        &format!("A yes is bound to digest {digest} and to the objects as they are now."),
        theme.dim,
    );
    if !review.advice.is_empty() {
        tell("", theme.text);
        review.advice.lines().for_each(|words| tell(words, theme.text));
    }
    lines
}

/// What is being typed, in front of the rest.
fn draw_field(review: &Review, theme: &Theme, frame: &mut Frame, area: Rect) {
    let (label, field, problem) = match &review.mode {
        Mode::Reading | Mode::Explaining => return,
        Mode::Editing(field, problem) => (
            "the plan, one command a line".to_owned(),
            field,
            problem.as_deref(),
        ),
        Mode::Rejecting(field) => ("why not? (recorded)".to_owned(), field, None),
        Mode::Naming(names, field) => {
            let name = names.first().map_or("", String::as_str);
            (format!("type its name: `{name}`"), field, None)
        }
    };
    let rows = field.lines().len() + 2 + usize::from(problem.is_some());
    let height = u16::try_from(rows).unwrap_or(u16::MAX).min(area.height);
    let place = Rect {
        y: area.bottom() - height,
        height,
        ..area
    };
    frame.render_widget(Clear, place);
    let label = cut(&label, usize::from(area.width).saturating_sub(4));
    debug_assert!(label.width() <= usize::from(area.width), "a title fits");
    let block = Block::new()
        .borders(Borders::ALL)
        .border_style(theme.warn)
        .title(span(&label, theme.warn));
    let inner = block.inner(place);
    frame.render_widget(block, place);
    let problem_rows = u16::from(problem.is_some()).min(inner.height);
    let [typed, below] =
        Layout::vertical([Constraint::Min(0), Constraint::Length(problem_rows)]).areas(inner);
    frame.render_widget(&**field, typed);
    if let Some(problem) = problem {
        frame.render_widget(span(problem, theme.bad), below);
    }
}
