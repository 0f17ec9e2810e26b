//! The one object that `-o json` and `-o yaml` print.

use std::io::Write as _;

use serde::Serialize;
use serde_json::{Value, json};

use super::args::Output;
use crate::check::Report;
use crate::check::diff::hide_secret_values;
use crate::driver::Receipt;
use crate::plan::{is_hidden, printable};
use crate::session::{Outcome, Passage, StepResult};

/// A whole copy of an object, which kubectl leaves in it: nobody asked for it, and of a Secret it has the values.
const LAST_APPLIED: &str = "kubectl.kubernetes.io/last-applied-configuration";

/// Where the request went.
pub struct Asked<'a> {
    /// Its words.
    pub request: &'a str,
    /// Name of the context; none where no cluster was looked at.
    pub context: Option<&'a str>,
    /// The namespace that applied where none was named.
    pub namespace: Option<&'a str>,
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
        "advice": receipt.advice,
        "sources": outcome.passages.iter().map(source).collect::<Vec<_>>(),
        "error": outcome.failure,
        "audit": receipt.action.as_ref().map(ToString::to_string),
        "notices": receipt.notices,
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
                "result": (result != &nothing).then(|| shown(result)),
            })
        });
    each.collect()
}

/// What became of a step. Of a Secret that the server answered with, values are not shown.
fn shown(result: &StepResult) -> Value {
    let mut shown = json!(result);
    for receipt in shown["receipts"].as_array_mut().into_iter().flatten() {
        let Some(object) = receipt.get_mut("object") else {
            continue;
        };
        hide_secret_values(object);
        let annotations = object
            .pointer_mut("/metadata/annotations")
            .and_then(Value::as_object_mut);
        annotations.and_then(|annotations| annotations.shift_remove(LAST_APPLIED));
    }
    shown
}

/// A passage of the answer, to be cited.
pub fn source(passage: &Passage) -> Value {
    json!({
        "id": passage.id,
        "title": passage.title,
        "heading": passage.heading,
        "origin": passage.origin,
        "trusted": passage.trusted(),
        "source": passage.source,
        "version": passage.version,
        "text": passage.text,
    })
}

/// What the reads printed, or the best passage.
fn answer(outcome: &Outcome) -> Option<String> {
    if let Some(passage) = outcome.passages.first() {
        return Some(passage.text.clone());
    }
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
        Output::Yaml => printable(&serde_saphyr::to_string(value)?),
        _ => escaped(&serde_json::to_string_pretty(value)?),
    };
    // A reader that has seen enough (`| head`) is no failure.
    let _ = writeln!(std::io::stdout(), "{}", text.trim_end());
    Ok(())
}

/// JSON in which every character that a terminal would act on, or that nobody sees, is escaped. Such characters stand only in
/// its strings, so it means the same.
fn escaped(json: &str) -> String {
    let mut out = String::with_capacity(json.len());
    for c in json.chars() {
        if c == '\n' || !(c.is_control() || is_hidden(c)) {
            out.push(c);
            continue;
        }
        for unit in c.encode_utf16(&mut [0; 2]) {
            out.push_str(&format!("\\u{unit:04x}"));
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_keeps_its_meaning_and_loses_its_tricks() {
        let value = json!({ "a": "x\u{9b}31m\u{202e}\u{e0061}\u{7f}\u{200b}y\u{1b}" });
        let text = escaped(&serde_json::to_string_pretty(&value).unwrap());
        assert!(
            text.chars().all(|c| c == '\n' || (' '..='~').contains(&c)),
            "{text}"
        );
        assert_eq!(serde_json::from_str::<Value>(&text).unwrap(), value);
    }
}
