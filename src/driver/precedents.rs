//! What was right for requests like this one: worked examples that ship, and what was done here before. They go into the
//! prompt of planners that were not trained for the plan language.

use crate::knowledge::{Knowledge, Query, Weights};
use crate::llm::prompts::Precedent;
use crate::session::{Origin, Passage};

/// Passages that are looked at.
const LOOKED_AT: usize = 40;
/// The most that one prompt holds.
const MOST: usize = 4;
/// Characters of all together: some 300 tokens.
const BUDGET: usize = 1_200;
/// Examples and past actions before pages that explain.
const EXAMPLES: f32 = 2.0;

/// The best first. Nothing where nothing can be searched: a plan does not fail for want of examples.
pub(super) fn of(knowledge: &Knowledge, request: &str, context: Option<&str>) -> Vec<Precedent> {
    let query = Query {
        weights: Weights {
            examples: EXAMPLES,
            ..Weights::default()
        },
        ..Query::new(request, LOOKED_AT)
    };
    let hits = knowledge.search(&query, context).unwrap_or_default();
    let mut left = BUDGET;
    hits.iter()
        .filter_map(|hit| precedent(&hit.passage))
        .take_while(|one| {
            let size = one.request.len() + one.commands.len();
            left.checked_sub(size).map(|rest| left = rest).is_some()
        })
        .take(MOST)
        .collect()
}

/// A passage as a precedent, if it is one: a worked example, or an action that was done.
fn precedent(passage: &Passage) -> Option<Precedent> {
    let (request, fence) = match passage.origin {
        Origin::Shipped if passage.id.starts_with("examples/") => (&passage.heading, "```plan\n"),
        Origin::Memory => (&passage.title, "```sh\n"),
        _ => return None,
    };
    let (_, rest) = passage.text.split_once(fence)?;
    let (commands, _) = rest.split_once("\n```")?;
    let commands = commands.lines().map(|line| line.trim_start_matches("kubectl "));
    Some(Precedent {
        request: request.clone(),
        commands: commands.collect::<Vec<_>>().join("\n"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requests_like_it_are_found_within_the_budget() {
        let folder = tempfile::tempdir().unwrap();
        let knowledge = Knowledge::open(folder.path()).unwrap();
        let found = of(&knowledge, "am I allowed to delete pods in shop", None);
        assert!(!found.is_empty() && found.len() <= MOST, "{found:?}");
        assert!(
            found
                .iter()
                .any(|one| one.commands.starts_with("auth can-i delete pods")),
            "{found:?}"
        );
        let size = |one: &Precedent| one.request.len() + one.commands.len();
        assert!(found.iter().map(size).sum::<usize>() <= BUDGET);
        assert_eq!(of(&knowledge, "", None), []);
    }

    #[test]
    fn past_actions_are_precedents_and_pages_are_not() {
        let passage = |id: &str, origin, text: &str| Passage {
            id: id.to_owned(),
            title: "make web bigger".to_owned(),
            heading: "Friday".to_owned(),
            text: text.to_owned(),
            origin,
            source: String::new(),
            version: String::new(),
        };
        let done = "```sh\nkubectl scale deployment/web --replicas=5 -n shop\n```\n\nDone on Friday.";
        let found = precedent(&passage("memory/1#action", Origin::Memory, done)).unwrap();
        assert_eq!(found.request, "make web bigger");
        assert_eq!(found.commands, "scale deployment/web --replicas=5 -n shop");
        assert_eq!(
            precedent(&passage("runbooks/a#fixes", Origin::Shipped, done)),
            None
        );
    }
}
