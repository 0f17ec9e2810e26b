//! Explanations of the adviser, streamed to the terminal and marked as what they are.

use std::io::Write as _;

use super::args::Output;
use super::human::{DIM, YELLOW, paint, printable};
use super::passages::sources;
use crate::check::Report;
use crate::config::Config;
use crate::driver::{Advice, Adviser, Receipt};
use crate::request::Request;
use crate::session::{Ending, Passage, to_explain};

/// What was piped in to be explained, where somebody is there to explain it: `kubectl get pod x -o yaml | sayso explain`.
pub fn material(config: &Config, request: &Request) -> String {
    let piped = request.piped().filter(|_| config.adviser.is_some());
    piped
        .filter(|_| to_explain(request.text()).is_some())
        .unwrap_or_default()
        .to_owned()
}

/// Has a question that was looked up answered from its passages, or something that was piped in explained with them, where
/// somebody is there to do so. Without an answer the passages stand for themselves, and the receipt says why.
pub async fn on(
    config: &Config,
    output: Output,
    question: &str,
    material: &str,
    mut receipt: Receipt,
) -> anyhow::Result<Receipt> {
    let Some(adviser) = Adviser::configured(config)? else {
        return Ok(receipt);
    };
    if receipt.outcome.passages.is_empty() && material.is_empty() {
        return Ok(receipt);
    }
    let name = adviser.name().await;
    let mut begun = false;
    let mut show = |text: &str| {
        if output == Output::Text {
            if !std::mem::replace(&mut begun, true) {
                let _ = writeln!(
                    anstream::stdout(),
                    "{}\n",
                    paint(YELLOW, &printable(&Advice::whose(&name)))
                );
            }
            put(&mut anstream::stdout(), text);
        }
    };
    match adviser
        .answer(question, material, &receipt.outcome.passages, &mut show)
        .await
    {
        Ok(advice) => {
            receipt.usage = advice.usage;
            receipt.advice = Some(advice);
        }
        Err(failure) => {
            if begun {
                let _ = writeln!(anstream::stdout(), "\n");
            }
            if !material.is_empty() {
                // Passages alone were not what was asked for.
                receipt.outcome.passages.clear();
                receipt.outcome.ending = Ending::Failed;
                receipt.outcome.failure = Some(failure);
                return Ok(receipt);
            }
            receipt
                .notices
                .push(format!("the adviser gave no answer: {}", failure.message));
            receipt
                .notices
                .extend(failure.hint.map(|hint| format!("hint: {hint}")));
        }
    }
    Ok(receipt)
}

/// What comes behind the words of an answer: what they are from, and what they took.
pub fn end(advice: &Advice, passages: &[Passage]) {
    let sources = if passages.is_empty() {
        String::new()
    } else {
        format!("\n\n{}", sources(passages))
    };
    let _ = writeln!(anstream::stdout(), "{sources}");
    let _ = writeln!(
        anstream::stderr(),
        "{}",
        paint(DIM, &printable(&advice.footing()))
    );
}

/// Explains a plan on standard error, where the review stands.
pub async fn review(adviser: &Adviser, report: &Report) {
    let mut err = anstream::stderr();
    let whose = Advice::whose(&adviser.name().await);
    let _ = writeln!(err, "\n{}\n", paint(YELLOW, &printable(&whose)));
    let mut show = |text: &str| put(&mut anstream::stderr(), text);
    let line = match adviser.review(report, &[], &mut show).await {
        Ok(advice) => advice.footing(),
        Err(failure) => format!("the adviser gave no answer: {}", failure.message),
    };
    let _ = writeln!(err, "\n\n{}", paint(DIM, &printable(&line)));
}

/// Text as it comes; a terminal acts on nothing in it.
fn put(out: &mut impl std::io::Write, text: &str) {
    let _ = write!(out, "{}", printable(text));
    let _ = out.flush();
}
