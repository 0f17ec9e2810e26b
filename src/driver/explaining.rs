//! Explanations of what was read, or piped in: the adviser sees it as data, with the passages that are about it.

use super::adviser::{Advice, Adviser};
use super::connect::Parts;
use super::face::Face;
use super::library::Library;
use crate::session::{Ending, Event, Failure, Outcome, Passage, Stage, to_explain};

/// Words of the material that passages are looked for with, at the most.
const CLUES: usize = 8;
/// Bytes of the material that are searched for such words.
const SEARCHED: usize = 256 * 1024;
/// Passages that an explanation of something read is given.
const PASSAGES: usize = 4;

/// What was read and is to be explained: each command with what it printed. Nothing where nobody asked for that.
pub(super) fn material(request: &str, outcome: &Outcome) -> Option<String> {
    to_explain(request)?;
    let report = outcome
        .report
        .as_ref()
        .filter(|_| outcome.ending == Ending::Answered)?;
    let steps = report.steps.iter().zip(&outcome.results);
    let each = steps
        .filter_map(|(step, result)| Some(format!("$ {}\n{}\n", step.step.by_hand(), result.text.as_ref()?)));
    Some(each.collect::<String>()).filter(|text| !text.is_empty())
}

/// Has the adviser explain it; shown as its words. A failure is told, and keeps nobody from what was read.
pub(super) async fn explain<F: Face>(
    parts: &Parts,
    adviser: &Adviser,
    face: &mut F,
    request: &str,
    material: &str,
) -> Result<Advice, Failure> {
    face.stage(Stage::Reading, "asking the adviser");
    let context = parts.cluster.context().name.clone();
    let passages = passages_for(&parts.library, request, material, Some(context)).await;
    let advice = adviser
        .answer(request, material, &passages, &mut |text| face.writing(text))
        .await?;
    let mut text = format!("\n{}\n\n{}\n", Advice::whose(&advice.model), advice.text);
    if !passages.is_empty() {
        text.push_str("\nSources:\n");
        for passage in &passages {
            text.push_str(&format!("  {}\n", passage.id));
        }
    }
    face.read(&text, &[advice.footing()]);
    Ok(advice)
}

/// What the knowledge base has about a request and what was given with it; nothing where it has nothing, or cannot be opened.
pub(super) async fn passages_for(
    library: &Library,
    request: &str,
    material: &str,
    context: Option<String>,
) -> Vec<Passage> {
    let mut words = clues(material);
    words.insert(0, to_explain(request).unwrap_or(request).to_owned());
    let question = words.join(" ");
    match library.look_up(question, context).await.0 {
        Event::Found(mut passages) => {
            passages.truncate(PASSAGES);
            passages
        }
        _ => Vec::new(),
    }
}

/// Words of the field in a text, in its order: `CrashLoopBackOff`, `OOMKilled`, `FailedScheduling`.
fn clues(material: &str) -> Vec<String> {
    let mut end = material.len().min(SEARCHED);
    while !material.is_char_boundary(end) {
        end -= 1;
    }
    let is_clue = |word: &&str| {
        let capitals = word.chars().filter(char::is_ascii_uppercase).count();
        let lower = word.chars().any(|c| c.is_ascii_lowercase());
        capitals >= 2
            && lower
            && (6..=40).contains(&word.len())
            && word.starts_with(|c: char| c.is_ascii_uppercase())
    };
    let mut found: Vec<String> = Vec::new();
    for word in material[..end]
        .split(|c: char| !c.is_ascii_alphanumeric())
        .filter(is_clue)
    {
        if found.len() < CLUES && !found.iter().any(|known| known == word) {
            found.push(word.to_owned());
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_of_the_field_are_found() {
        let text = "NAME READY STATUS\ncart 0/1 CrashLoopBackOff\nreason: OOMKilled, again CrashLoopBackOff; Web \u{e9}";
        assert_eq!(clues(text), ["CrashLoopBackOff", "OOMKilled"]);
        assert_eq!(clues(&"\u{e9}".repeat(SEARCHED)).len(), 0);
    }
}
