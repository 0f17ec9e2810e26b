//! The face of a one-shot command: a spinner on standard error, answers on standard output, one question.

use std::io::Write as _;
use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};

use super::args::Output;
use super::{advise, human, terminal};
use crate::check::Report;
use crate::driver::{Adviser, Face, progress_words};
use crate::plan::{Plan, Proposal, parse};
use crate::session::{Decision, Stage};

/// The face of a one-shot command.
pub struct Shell {
    output: Output,
    context: String,
    bar: ProgressBar,
    adviser: Option<Adviser>,
}

impl Shell {
    /// A face that prints in this form. `context` is where the request goes, for the review.
    pub fn new(output: Output, context: String) -> Shell {
        Shell {
            output,
            context,
            bar: bar(),
            adviser: None,
        }
    }

    /// The same, with somebody who explains plans.
    pub fn advised(self, adviser: Option<Adviser>) -> Shell {
        Shell { adviser, ..self }
    }

    /// Takes the spinner away.
    pub fn clear(&self) {
        self.bar.finish_and_clear();
    }
}

/// A spinner that shows nothing before its first stage, and nothing at all where standard error is no terminal.
fn bar() -> ProgressBar {
    let bar = ProgressBar::new_spinner();
    bar.set_style(spinner());
    bar
}

fn spinner() -> ProgressStyle {
    ProgressStyle::with_template("{spinner} {msg} {elapsed:.dim}")
        .unwrap_or_else(|_| ProgressStyle::default_spinner())
}

fn gauge() -> ProgressStyle {
    ProgressStyle::with_template("{msg} [{bar:32}] {percent}% {elapsed:.dim}")
        .unwrap_or_else(|_| ProgressStyle::default_bar())
}

impl Face for Shell {
    fn stage(&mut self, stage: Stage, detail: &str) {
        match stage {
            Stage::Reviewing | Stage::Done | Stage::Recording => self.bar.disable_steady_tick(),
            _ => {
                self.bar.set_style(spinner());
                self.bar
                    .set_message(format!("{stage:?}: {}", human::printable(detail)));
                self.bar.enable_steady_tick(Duration::from_millis(120));
            }
        }
    }

    fn progress(&mut self, what: &str, done: u64, total: u64) {
        let message = progress_words(what);
        if total > 0 {
            self.bar.set_style(gauge());
            self.bar.set_length(total);
            self.bar.set_position(done);
        }
        self.bar.set_message(message.to_owned());
        self.bar.tick();
    }

    fn read(&mut self, text: &str, notices: &[String]) {
        self.bar.suspend(|| {
            for notice in notices {
                let _ = writeln!(anstream::stderr(), "{}", human::printable(notice));
            }
            if self.output == Output::Text {
                let _ = write!(anstream::stdout(), "{}", human::printable(text));
            }
        });
    }

    async fn review(&mut self, report: &Report, confidence: &[Option<f32>]) -> Decision {
        self.bar.finish_and_clear();
        // One that was finished never shows again, and what is approved is watched.
        self.bar = bar();
        // People read the review where they answer it: standard output may be a file.
        let _ = write!(
            anstream::stderr(),
            "{}",
            human::review(report, &self.context, confidence)
        );
        let (report, adviser) = (report.clone(), self.adviser.clone());
        let runtime = tokio::runtime::Handle::current();
        // A thread of its own: reading a line blocks, and Ctrl-C must still be heard.
        let asked = tokio::task::spawn_blocking(move || {
            ask(&report, &|| {
                if let Some(adviser) = &adviser {
                    runtime.block_on(advise::review(adviser, &report));
                    // What was typed meanwhile was typed for nobody.
                    terminal::forget_typed();
                }
            })
        })
        .await;
        if let Ok(Some(decision)) = asked {
            return decision;
        }
        // The terminal ended the line: Ctrl-D, or Ctrl-C, whose signal is on its way and means more than a no.
        tokio::time::sleep(Duration::from_millis(200)).await;
        Decision::Reject { reason: None }
    }
}

/// Asks until there is an answer, or nothing more to read. Only a clear yes is a yes. `advise` has a model explain, too.
fn ask(report: &Report, advise: &dyn Fn()) -> Option<Decision> {
    terminal::forget_typed();
    loop {
        let _ = write!(anstream::stderr(), "\nApply? [y]es, [N]o, [e]dit, e[x]plain: ");
        let line = terminal::read_line()?;
        match line.to_lowercase().as_str() {
            "y" | "yes" => {
                let names = names(report)?;
                if names == report.names {
                    return Some(Decision::ApproveNamed {
                        digest: report.digest.clone(),
                        by: "terminal".to_owned(),
                        names,
                    });
                }
            }
            "" | "n" | "no" => return Some(Decision::Reject { reason: None }),
            "x" | "explain" => {
                let _ = write!(anstream::stderr(), "{}", human::explain(report));
                advise();
            }
            "e" | "edit" => {
                if let Some(plan) = edit() {
                    return Some(Decision::Edit(plan));
                }
            }
            _ => {
                let reason = line
                    .strip_prefix("n ")
                    .or_else(|| line.strip_prefix("no "))
                    .map(str::to_owned);
                if reason.is_some() {
                    return Some(Decision::Reject { reason });
                }
            }
        }
    }
}

/// Has each name typed that the report asks for, as far as they come out right.
fn names(report: &Report) -> Option<Vec<String>> {
    let mut typed = Vec::new();
    for name in &report.names {
        let _ = write!(
            anstream::stderr(),
            "This cannot be taken back. Type `{}` to go on: ",
            human::printable(name)
        );
        let line = terminal::read_line()?;
        if line != *name {
            let _ = writeln!(anstream::stderr(), "That is not it: nothing is applied yet.");
            break;
        }
        typed.push(line);
    }
    Some(typed)
}

/// Reads another plan from the terminal, until a blank line.
fn edit() -> Option<Plan> {
    let _ = writeln!(
        anstream::stderr(),
        "Type the plan, one command a line; a blank line ends it:"
    );
    let mut text = String::new();
    while let Some(line) = terminal::read_line().filter(|line| !line.is_empty()) {
        text.push_str(&line);
        text.push('\n');
    }
    match parse(&text) {
        Ok(Proposal::Plan(plan)) => Some(plan),
        Ok(_) => None,
        Err(error) => {
            let _ = writeln!(anstream::stderr(), "error: {error}");
            None
        }
    }
}
