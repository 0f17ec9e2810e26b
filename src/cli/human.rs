//! What people read.

use std::fmt::Write as _;
use std::io::Write as _;

use anstyle::{AnsiColor, Style};

pub use crate::plan::printable;

use crate::check::{Inverse, Problem, Report, StepReport, Weight};
use crate::driver::Receipt;
use crate::session::{Ending, Failure, Outcome};

/// Lines of diff that are shown of one step.
const DIFF_LINES: usize = 80;

pub(super) const BOLD: Style = Style::new().bold();
pub(super) const DIM: Style = Style::new().dimmed();
const RED: Style = AnsiColor::Red.on_default();
const GREEN: Style = AnsiColor::Green.on_default();
pub(super) const YELLOW: Style = AnsiColor::Yellow.on_default();
pub(super) const CYAN: Style = AnsiColor::Cyan.on_default();

/// A text in a style.
pub(super) fn paint(style: Style, text: &str) -> String {
    format!("{style}{text}{style:#}")
}

/// The review: steps with their risks, the diff, the same by hand.
pub fn review(report: &Report, context: &str, confidence: &[Option<f32>]) -> String {
    let mut out = format!("{}  {}\n\n", paint(BOLD, "Plan"), paint(DIM, &printable(context)));
    for (index, step) in report.steps.iter().enumerate() {
        let sure = confidence
            .get(index)
            .copied()
            .flatten()
            .map_or_else(String::new, |sure| format!("  {:.0}% sure", sure * 100.0));
        let _ = writeln!(
            out,
            "  {}. {}{}",
            index + 1,
            paint(BOLD, &printable(&step.step.to_string())),
            paint(DIM, &sure)
        );
        out.push_str(&reasons(step));
    }
    for step in &report.steps {
        out.push_str(&diff(&step.diff));
    }
    if report.blocked().is_none() && report.steps.iter().any(|step| step.step.writes()) {
        let _ = writeln!(out, "\n{}", paint(DIM, "The same by hand:"));
        for step in &report.steps {
            let _ = writeln!(out, "  {}", printable(&step.step.by_hand()));
        }
    }
    out
}

fn reasons(step: &StepReport) -> String {
    let mut out = String::new();
    for reason in &step.reasons {
        let (style, mark) = match reason.weight {
            Weight::Danger => (RED, "!!"),
            Weight::Caution => (YELLOW, "! "),
            Weight::Note => (DIM, "- "),
        };
        let _ = writeln!(
            out,
            "     {}",
            paint(style, &format!("{mark} {}", printable(&reason.text)))
        );
    }
    if let Some(problem) = &step.problem {
        let style = if matches!(problem, Problem::NothingToDo { .. }) {
            DIM
        } else {
            RED
        };
        let _ = writeln!(
            out,
            "     {}",
            paint(style, &format!("x  {}", printable(problem.message())))
        );
    }
    out
}

/// A unified diff in colour.
fn diff(text: &str) -> String {
    let mut out = String::new();
    if !text.is_empty() {
        out.push('\n');
    }
    for line in text.lines().take(DIFF_LINES) {
        let style = match line.as_bytes().first() {
            _ if line.starts_with("+++") || line.starts_with("---") => BOLD,
            Some(b'+') => GREEN,
            Some(b'-') => RED,
            Some(b'@') => CYAN,
            _ => Style::new(),
        };
        let _ = writeln!(out, "{}", paint(style, &printable(line)));
    }
    let left = text.lines().count().saturating_sub(DIFF_LINES);
    if left > 0 {
        let _ = writeln!(
            out,
            "{}",
            paint(DIM, &format!("... {left} more lines; -o yaml shows them all"))
        );
    }
    out
}

/// What the review's `x` tells: what each step means and the way back.
pub fn explain(report: &Report) -> String {
    let mut out = String::new();
    for (index, step) in report.steps.iter().enumerate() {
        let _ = writeln!(out, "\n{}. {}", index + 1, printable(&step.step.to_string()));
        for reason in &step.reasons {
            let _ = writeln!(out, "   {}", printable(&reason.text));
        }
        for inverse in &step.inverse {
            let way = match inverse {
                Inverse::Step(step) => format!("to take it back: {}", step.by_hand()),
                Inverse::None(reason) => format!("no way back: {reason}"),
            };
            let _ = writeln!(out, "   {}", printable(&way));
        }
    }
    let _ = writeln!(
        out,
        "\nA yes is bound to digest {} and to the objects as they are now.",
        &report.digest[..report.digest.len().min(12)]
    );
    out
}

/// What is printed when a request is over.
pub fn receipt(receipt: &Receipt, context: &str) {
    let outcome = &receipt.outcome;
    let mut err = anstream::stderr();
    if let (Ending::Planned | Ending::NeedsApproval | Ending::Denied, Some(report)) =
        (outcome.ending, &outcome.report)
    {
        let _ = write!(
            anstream::stdout(),
            "{}",
            review(report, context, &outcome.confidence)
        );
    }
    if let (Ending::Failed, Some(report)) = (
        outcome.ending,
        outcome
            .report
            .as_ref()
            .filter(|report| report.blocked().is_some()),
    ) {
        let _ = write!(err, "{}", review(report, context, &outcome.confidence));
    }
    match &receipt.advice {
        // Of what was read, it was told behind it.
        Some(_) if !outcome.results.is_empty() => {}
        // Its words were printed as they came.
        Some(advice) => super::advise::end(advice, &outcome.passages),
        None if outcome.passages.is_empty() => {}
        None => super::passages::answer(&outcome.passages),
    }
    for notice in &receipt.notices {
        let _ = writeln!(err, "{} {}", paint(YELLOW, "warning:"), printable(notice));
    }
    steps(receipt);
    match (&outcome.failure, &outcome.question) {
        (Some(failure), Some(question)) => tell(outcome.ending, &failure.clone().with_hint(question)),
        (Some(failure), None) => tell(outcome.ending, failure),
        (None, Some(question)) => tell(outcome.ending, &Failure::new(question)),
        (None, None) if outcome.ending == Ending::Interrupted => tell(outcome.ending, &interrupted(outcome)),
        (None, None) => {}
    }
    if let Some(problem) = &receipt.unrecorded {
        let _ = writeln!(
            err,
            "{} not recorded: {}",
            paint(YELLOW, "warning:"),
            printable(problem)
        );
    }
    if let (true, Some(action)) = (outcome.recorded, &receipt.action) {
        let back = if outcome.can_be_undone() {
            format!("; `sayso undo {}` takes it back", action.short())
        } else {
            String::new()
        };
        let _ = writeln!(err, "{}", paint(DIM, &format!("audit record {action}{back}")));
    }
}

/// What an interruption left behind.
fn interrupted(outcome: &Outcome) -> Failure {
    match (outcome.recorded, outcome.applied_steps) {
        (_, 0) => Failure::new("nothing was changed"),
        (_, 1) => Failure::new("one step was applied, and is recorded"),
        (_, count) => Failure::new(format!("{count} steps were applied, and are recorded")),
    }
}

/// What was done, and after a failure what was not.
fn steps(receipt: &Receipt) {
    let Some(report) = receipt
        .outcome
        .report
        .as_ref()
        .filter(|_| receipt.outcome.recorded)
    else {
        if let (Ending::Done, Some(report)) = (receipt.outcome.ending, &receipt.outcome.report) {
            nothing_to_do(report);
        }
        return;
    };
    let mut out = anstream::stdout();
    for (step, result) in report.steps.iter().zip(&receipt.outcome.results) {
        let line = printable(&step.step.brief());
        let seen = result
            .verified
            .as_deref()
            .map_or_else(String::new, |seen| format!(": {}", printable(seen)));
        let _ = match (result.applied, &result.error) {
            (true, None) => writeln!(out, "{} {line}{}", paint(GREEN, "done"), paint(DIM, &seen)),
            (true, Some(_)) => writeln!(out, "{} {line}{seen}", paint(YELLOW, "applied, not settled")),
            (false, Some(error)) => writeln!(
                out,
                "{} {line}: {}",
                paint(RED, "failed"),
                printable(&error.message)
            ),
            (false, None) => writeln!(out, "{} {line}", paint(DIM, "not done")),
        };
    }
}

/// Why a plan needs no change at all.
fn nothing_to_do(report: &Report) {
    let mut out = anstream::stdout();
    for step in &report.steps {
        let why = step.problem.as_ref().map_or_else(String::new, |problem| {
            format!(": {}", printable(problem.message()))
        });
        let _ = writeln!(
            out,
            "{} {}{why}",
            paint(DIM, "nothing to do"),
            printable(&step.step.to_string())
        );
    }
}

/// An error with its causes, without those whose words it has already.
pub fn words(error: &anyhow::Error) -> String {
    let mut words = error.to_string();
    for cause in error.chain().skip(1).map(ToString::to_string) {
        if !words.contains(&cause) {
            words = format!("{words}: {cause}");
        }
    }
    words
}

fn tell(ending: Ending, failure: &Failure) {
    let label = match ending {
        Ending::NeedsApproval => "needs approval:",
        Ending::Denied => "denied:",
        Ending::Refused => "refused:",
        Ending::Unclear => "unclear:",
        Ending::Interrupted => "interrupted:",
        _ => "error:",
    };
    let style = if matches!(ending, Ending::Unclear | Ending::Interrupted) {
        YELLOW
    } else {
        RED
    };
    let mut err = anstream::stderr();
    let _ = writeln!(err, "{} {}", paint(style, label), printable(&failure.message));
    if let Some(hint) = &failure.hint {
        let _ = writeln!(err, "{}", self::hint(hint));
    }
}

/// What is told where nothing was asked.
pub fn usage() {
    let mut err = anstream::stderr();
    let _ = writeln!(err, "{} nothing was asked", paint(RED, "error:"));
    let _ = writeln!(err, "usage: sayso [FLAGS] REQUEST\n       sayso [FLAGS] COMMAND");
    let _ = writeln!(
        err,
        "{}",
        hint("say what you want, as in: sayso \"list pods\"; `sayso --help` lists flags and commands")
    );
}

/// An error that no session saw.
pub fn error(error: &anyhow::Error) {
    let mut err = anstream::stderr();
    let _ = writeln!(err, "{} {}", paint(RED, "error:"), printable(&words(error)));
    if let Some(hint) = crate::driver::hint(error) {
        let _ = writeln!(err, "{}", self::hint(&hint));
    }
}

/// A table as kubectl prints it: no lines, nothing in front of the first column or behind the last.
pub fn table(table: &comfy_table::Table) -> String {
    let lines = table
        .lines()
        .map(|line| line.strip_prefix(' ').unwrap_or(&line).trim_end().to_owned());
    lines.collect::<Vec<_>>().join("\n")
}

/// A label in the colour of its weight.
pub fn state(state: crate::driver::doctor::State) -> String {
    use crate::driver::doctor::State;
    match state {
        State::Ok => paint(GREEN, "ok"),
        State::Warn => paint(YELLOW, "warn"),
        State::Fail => paint(RED, "fail"),
    }
}

/// A line of advice.
pub fn hint(text: &str) -> String {
    format!("{} {}", paint(CYAN, "hint:"), printable(text))
}
