//! From a question to the few passages that answer it.

use std::collections::HashSet;

use super::search::{Hit, Terms};
use super::words::{self, raw_words};

/// Passages that are looked at.
pub const CANDIDATES: usize = 40;
/// Pages and passages that an answer has at the most.
const PAGES: usize = 3;
const PASSAGES: usize = 3;
/// Of the words of a question that tell something, this part must stand in the page, or it is about something else.
const COVERAGE: f32 = 0.5;

/// What a question wants to know, as far as the sections of a page differ in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Intent {
    Meaning,
    Checks,
    Fixes,
    End,
    Any,
}

/// Chooses passages of the best pages: of the first page up to two, of others one. Where the best page has little of
/// the question, nothing is an answer.
pub fn choose(question: &str, hits: Vec<Hit>) -> Vec<Hit> {
    // Splitting words at the apostrophe would leave an `s` that means nothing.
    let question = &question.replace("hat's ", "hat is ");
    let intent = intent(question);
    let terms = Terms::of(question);
    let mut pages: Vec<Vec<Hit>> = Vec::new();
    for hit in hits {
        match pages
            .iter_mut()
            .find(|page| page[0].passage.page() == hit.passage.page())
        {
            Some(page) => page.push(hit),
            None => pages.push(vec![hit]),
        }
    }
    if intent == Intent::Meaning {
        // Whoever asks what a thing is wants the page of that name before those of its failures.
        pages.sort_by_key(|page| !is_named(&terms, &page[0].passage.title));
    }
    pages.retain(|page| coverage(&terms, page) >= COVERAGE);
    pages.truncate(PAGES);
    let mut chosen = Vec::new();
    for (number, mut page) in pages.into_iter().enumerate() {
        // Stable, so that among equals the better hit stays first.
        page.sort_by_key(|hit| !suits(intent, &hit.passage.heading));
        let several = if number == 0 { 2 } else { 1 };
        chosen.extend(page.into_iter().take(several));
    }
    chosen.truncate(PASSAGES);
    chosen
}

/// Whether a title says what the question asks about, and nothing else.
fn is_named(terms: &Terms, title: &str) -> bool {
    let own = Terms::of(title);
    let same = |one: &Terms, other: &Terms| one.stems.iter().all(|stem| other.stems.contains(stem));
    own.whole == terms.whole || (same(&own, terms) && same(terms, &own)) || terms.is_alias_of(&own.whole)
}

/// What part of the telling words stands in some passage of the page.
fn coverage(terms: &Terms, page: &[Hit]) -> f32 {
    let mut analyzer = words::prose();
    let mut there: HashSet<String> = HashSet::new();
    for hit in page {
        let passage = &hit.passage;
        for text in [&passage.id, &passage.title, &passage.heading, &passage.text] {
            there.extend(words::terms(&mut analyzer, text));
            there.extend(
                raw_words(text)
                    .flat_map(words::name_terms)
                    .map(|term| words::stem(&term)),
            );
        }
    }
    let found = terms
        .stems
        .iter()
        .filter(|stem| there.contains(*stem) || terms.stands_for(stem, &there))
        .count();
    #[allow(clippy::cast_precision_loss, reason = "a question has few words")]
    let share = found as f32 / terms.stems.len().max(1) as f32;
    share
}

fn intent(question: &str) -> Intent {
    let lower = question.to_lowercase();
    let words: Vec<&str> = raw_words(&lower).collect();
    let has = |any: &[&str]| words.iter().any(|word| any.contains(word));
    if has(&[
        "fix", "solve", "repair", "resolve", "recover", "prevent", "avoid", "stop",
    ]) || lower.contains("get rid")
    {
        return Intent::Fixes;
    }
    if has(&[
        "see",
        "check",
        "find",
        "debug",
        "diagnose",
        "tell",
        "know",
        "investigate",
        "verify",
    ]) {
        return Intent::Checks;
    }
    if lower.contains("is over") || lower.contains("it worked") {
        return Intent::End;
    }
    let asks = has(&["what", "what's", "whats", "define", "meaning"]);
    if asks
        && has(&[
            "is", "are", "does", "mean", "define", "meaning", "what's", "whats",
        ])
    {
        return Intent::Meaning;
    }
    Intent::Any
}

fn suits(intent: Intent, heading: &str) -> bool {
    match intent {
        Intent::Meaning => ["What it is", "Signs"].contains(&heading),
        Intent::Checks => heading == "Checks",
        Intent::Fixes => heading == "Fixes",
        Intent::End => heading == "Over when",
        Intent::Any => true,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::session::{Origin, Passage};

    fn hit(id: &str, heading: &str, text: &str) -> Hit {
        let passage = Passage {
            id: id.to_owned(),
            title: "PodDisruptionBudget".to_owned(),
            heading: heading.to_owned(),
            text: text.to_owned(),
            origin: Origin::Shipped,
            source: String::new(),
            version: String::new(),
        };
        Hit { passage, score: 1.0 }
    }

    #[test]
    fn the_section_that_the_question_is_after_comes_first() {
        let hits = vec![
            hit("a#fixes", "Fixes", "A budget is raised."),
            hit("a#signs", "Signs", "A drain waits for the budget."),
            hit("a#checks", "Checks", "Look at the budget."),
        ];
        let first = |question: &str| choose(question, hits.clone())[0].passage.heading.clone();
        assert_eq!(first("what is a budget"), "Signs");
        assert_eq!(first("how do I see what a budget does"), "Checks");
        assert_eq!(first("how do I get rid of a budget"), "Fixes");
        assert_eq!(first("how do budgets work"), "Fixes");
    }

    #[test]
    fn what_a_thing_is_stands_on_the_page_of_its_name() {
        let mut failure = hit(
            "runbooks/blocked#signs",
            "Signs",
            "The pod disruption budget blocks a drain.",
        );
        failure.passage.title = "Drain blocked by a PodDisruptionBudget".to_owned();
        let hits = vec![failure, hit("concepts/pdb#what-it-is", "What it is", "A budget.")];
        for question in [
            "what is a PodDisruptionBudget",
            "what is a pod disruption budget?",
            "what's a pdb",
        ] {
            assert_eq!(
                choose(question, hits.clone())[0].passage.page(),
                "concepts/pdb",
                "{question}"
            );
        }
        assert_eq!(
            choose("why does a pdb block a drain", hits)[0].passage.page(),
            "runbooks/blocked"
        );
    }

    #[test]
    fn pages_about_something_else_are_no_answer() {
        let hits = vec![hit("a#signs", "Signs", "A drain waits.")];
        assert!(choose("what is a unicorn", hits.clone()).is_empty());
        assert_eq!(choose("what is a pdb", hits.clone()).len(), 1);
        assert_eq!(choose("what is a PodDisruptionBudget", hits.clone()).len(), 1);
        assert_eq!(choose("what is a pod disruption budget", hits).len(), 1);
    }
}
