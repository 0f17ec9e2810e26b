//! `sayso eval`: how good the planner is, as a table.

use std::fmt::Write as _;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use anyhow::Context as _;
use indicatif::{ProgressBar, ProgressStyle};

use super::args::{Common, Output};
use super::document::print;
use super::{Exit, human, interrupt, load};
use crate::driver::eval::{Baseline, Difference, Grade, Mark, Marks, News, SURE, Suite, evaluate};
use crate::driver::model;

/// How many answers have to be right.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AtLeast {
    /// So many.
    Count(usize),
    /// So many of a hundred.
    Percent(usize),
}

impl FromStr for AtLeast {
    type Err = String;

    fn from_str(text: &str) -> Result<AtLeast, String> {
        let wrong = |_| format!("`{text}` is neither a number nor a percentage such as 90%");
        match text.strip_suffix('%') {
            Some(percent) => match percent.parse().map_err(wrong)? {
                percent if percent <= 100 => Ok(AtLeast::Percent(percent)),
                _ => Err(format!("`{text}` is more than all")),
            },
            None => text.parse().map(AtLeast::Count).map_err(wrong),
        }
    }
}

impl AtLeast {
    fn reached(self, marks: &Marks) -> bool {
        match self {
            AtLeast::Count(count) => marks.right >= count,
            AtLeast::Percent(percent) => marks.right * 100 >= marks.total * percent,
        }
    }
}

/// What to ask and what to show.
pub struct Choice {
    /// Only cases whose id contains this.
    pub only: Option<String>,
    /// Show the right ones, too.
    pub all: bool,
    /// How many have to be right.
    pub at_least: Option<AtLeast>,
    /// An earlier run to compare with.
    pub baseline: Option<PathBuf>,
}

/// Runs a suite and prints its marks.
pub async fn run(common: &Common, path: &Path, choice: &Choice) -> anyhow::Result<Exit> {
    let text = std::fs::read_to_string(path).with_context(|| format!("cannot read `{}`", path.display()))?;
    let suite = Suite::read(&text, choice.only.as_deref())
        .with_context(|| path.display().to_string())?
        .beside(path.parent().unwrap_or(Path::new("")));
    let baseline = choice.baseline.as_deref().map(earlier).transpose()?;
    let config = load(common)?;
    let bar = ProgressBar::new(0);
    bar.set_style(gauge());
    let stop = interrupt::token();
    let mut wrong = 0;
    let mut hear = |news: News<'_>| tell(&bar, &mut wrong, &news);
    let marks = Box::pin(evaluate(model(&config)?, &suite, &stop, &mut hear)).await;
    bar.finish_and_clear();
    let marks = marks?;
    match common.output {
        Output::Text => drop(write!(
            anstream::stdout(),
            "{}",
            human::printable(&table(&marks, choice.all))
        )),
        output => print(&marks, output)?,
    }
    if let Some(baseline) = baseline.filter(|_| matches!(common.output, Output::Text)) {
        drop(write!(
            anstream::stdout(),
            "{}",
            human::printable(&difference(&baseline.difference(&marks)))
        ));
    }
    if stop.is_cancelled() {
        return Ok(Exit::Interrupted);
    }
    let enough = choice.at_least.is_none_or(|least| least.reached(&marks));
    Ok(if enough { Exit::Done } else { Exit::Failed })
}

fn earlier(path: &Path) -> anyhow::Result<Baseline> {
    let text = std::fs::read_to_string(path).with_context(|| format!("cannot read `{}`", path.display()))?;
    Baseline::read(&text).with_context(|| format!("`{}` is no run that `-o json` printed", path.display()))
}

/// What changed since the earlier run.
fn difference(difference: &Difference) -> String {
    let mut text = format!(
        "before:  {} of the {} shared cases right ({}), now {}\n",
        difference.right_before, difference.shared, difference.model, difference.right_now
    );
    for (what, cases) in [("better", &difference.better), ("worse", &difference.worse)] {
        if !cases.is_empty() {
            let _ = writeln!(text, "{:<8} {}", format!("{what}:"), cases.join(" "));
        }
    }
    text
}

fn gauge() -> ProgressStyle {
    ProgressStyle::with_template("[{bar:32}] {pos}/{len} {msg} {elapsed:.dim}")
        .unwrap_or_else(|_| ProgressStyle::default_bar())
}

/// Progress: a bar on a terminal, else a line for each case.
fn tell(bar: &ProgressBar, wrong: &mut usize, news: &News<'_>) {
    match news {
        News::Preparing(what, done, total) => {
            bar.set_length(*total);
            bar.set_position(*done);
            bar.set_message((*what).to_owned());
        }
        News::Marked(mark, number, of) => {
            *wrong += usize::from(mark.grade != Grade::Right);
            if bar.is_hidden() {
                let line = format!(
                    "{number}/{of} {} {} ({} ms)",
                    mark.id,
                    word(mark.grade),
                    mark.latency_ms
                );
                drop(writeln!(anstream::stderr(), "{}", human::printable(&line)));
            }
            bar.set_length(*of as u64);
            bar.set_position(*number as u64);
            bar.set_message(format!("{wrong} wrong"));
        }
    }
}

/// All that people want to know of it.
fn table(marks: &Marks, all: bool) -> String {
    let mut text = String::new();
    for mark in marks
        .cases
        .iter()
        .filter(|mark| all || mark.grade != Grade::Right)
    {
        text += &case(mark);
    }
    let mut table = comfy_table::Table::new();
    table
        .load_style(comfy_table::presets::NOTHING)
        .set_header(["KIND", "RIGHT", "OF", "SHARE"]);
    for kind in &marks.kinds {
        table.add_row([
            kind.kind.clone(),
            kind.right.to_string(),
            kind.total.to_string(),
            share(kind.right, kind.total),
        ]);
    }
    let total = share(marks.right, marks.total);
    table.add_row([
        "all".to_owned(),
        marks.right.to_string(),
        marks.total.to_string(),
        total,
    ]);
    let (asks, latency, model) = (&marks.asks, marks.latency_ms, marks.model_ms);
    let _ = writeln!(text, "{table}\n");
    let _ = writeln!(
        text,
        "asks:    {} of {} right, {} planned instead; {} asked where there is a plan",
        asks.right, asks.expected, asks.planned_wrongly, asks.asked_wrongly
    );
    let _ = writeln!(
        text,
        "unsafe:  {} wrong changes proposed with a confidence of {:.0}% or more ({})",
        marks.sure_wrong_writes,
        SURE * 100.0,
        share(marks.sure_wrong_writes, marks.total)
    );
    let _ = writeln!(
        text,
        "latency: {} ms median, {} ms p95; the model's part {} ms median, {} ms p95",
        latency.median, latency.p95, model.median, model.p95
    );
    let _ = writeln!(
        text,
        "tokens:  {:.1} prompt, {:.1} completion a request",
        marks.prompt_tokens, marks.completion_tokens
    );
    let _ = writeln!(text, "model:   {}", marks.model);
    text
}

fn case(mark: &Mark) -> String {
    let mut text = format!(
        "{}: {}\n  request:  {}\n",
        mark.id,
        word(mark.grade),
        mark.request
    );
    let lines = |commands: &[String]| commands.join("\n            ");
    if mark.grade != Grade::Right {
        let _ = writeln!(text, "  expected: {}", lines(&mark.expected));
    }
    let _ = writeln!(text, "  produced: {}", lines(&mark.produced));
    if let Some(note) = &mark.note {
        let _ = writeln!(text, "  note:     {note}");
    }
    text + "\n"
}

fn word(grade: Grade) -> &'static str {
    match grade {
        Grade::Right => "right",
        Grade::WrongPlan => "wrong plan",
        Grade::AskedWrongly => "asked where there is a plan",
        Grade::PlannedWrongly => "planned where it should have asked",
        Grade::Error => "error",
    }
}

/// In per cent, rounded down: 100% means all.
fn share(right: usize, total: usize) -> String {
    format!("{}%", (right * 100).checked_div(total).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_bar_is_a_number_or_a_share() {
        assert_eq!("54".parse(), Ok(AtLeast::Count(54)));
        assert_eq!("90%".parse(), Ok(AtLeast::Percent(90)));
        for wrong in ["", "%", "ninety", "101%", "-1"] {
            assert!(wrong.parse::<AtLeast>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_share_is_never_rounded_up_to_the_bar() {
        let mut marks = Marks::new("m".to_owned(), Vec::new());
        (marks.right, marks.total) = (89, 99);
        assert!(!AtLeast::Percent(90).reached(&marks) && AtLeast::Percent(89).reached(&marks));
        assert!(AtLeast::Count(89).reached(&marks) && !AtLeast::Count(90).reached(&marks));
        assert_eq!(share(199, 200), "99%");
    }
}
