//! The one object that `-o json` and `-o yaml` print.

use std::io::Write as _;

use serde::Serialize;
use serde_json::{Value, json};

use super::args::Output;
use crate::check::Report;
use crate::driver::Receipt;
use crate::session::{Outcome, StepResult};

/// Where the request went.
pub struct Asked<'a> {
    /// Its words.
    pub request: &'a str,
    /// Name of the context.
    pub context: &'a str,
    /// The namespace that applied where none was named.
    pub namespace: &'a str,
}

/// The whole of a request and what became of it.
pub fn document(asked: &Asked, receipt: &Receipt) -> Value {
    let outcome = &receipt.outcome;
    json!({
        "request": asked.request,
        "context": asked.context,
        "namespace": asked.namespace,
        "outcome": outcome.ending,
        "steps": outcome.report.as_ref().map_or_else(Vec::new, |report| steps(report, outcome)),
        "question": outcome.question,
        "answer": answer(outcome),
        "error": outcome.failure,
        "audit": receipt.action.as_ref().map(ToString::to_string),
        "timing_ms": receipt.timing,
        "usage": receipt.usage,
    })
}

/// A request that never became a session.
pub fn of_error(request: &str, error: &anyhow::Error) -> Value {
    json!({
        "request": request,
        "outcome": "failed",
        "steps": [],
        "error": { "message": super::human::words(error), "hint": crate::driver::hint(error) },
    })
}

fn steps(report: &Report, outcome: &Outcome) -> Vec<Value> {
    let nothing = StepResult::default();
    let results = outcome.results.iter().chain(std::iter::repeat(&nothing));
    let confidence = outcome.confidence.iter().copied().chain(std::iter::repeat(None));
    let each = report
        .steps
        .iter()
        .zip(results)
        .zip(confidence)
        .map(|((step, result), confidence)| {
            json!({
                "command": step.step.by_hand(),
                "writes": step.step.writes(),
                "verdict": step.verdict,
                "reasons": step.reasons.iter().map(|reason| &reason.text).collect::<Vec<_>>(),
                "problem": step.problem,
                "diff": step.diff,
                "confidence": confidence,
                "result": (result != &nothing).then_some(result),
            })
        });
    each.collect()
}

/// What the reads printed.
fn answer(outcome: &Outcome) -> Option<String> {
    let texts: Vec<&str> = outcome
        .results
        .iter()
        .filter_map(|result| result.text.as_deref())
        .collect();
    (!texts.is_empty()).then(|| texts.concat())
}

/// Prints a value in the form that was asked for.
pub fn print(value: &impl Serialize, output: Output) -> anyhow::Result<()> {
    let text = match output {
        Output::Yaml => serde_saphyr::to_string(value)?,
        _ => serde_json::to_string_pretty(value)?,
    };
    // A reader that has seen enough (`| head`) is no failure.
    let _ = writeln!(std::io::stdout(), "{}", text.trim_end());
    Ok(())
}
