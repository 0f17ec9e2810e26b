//! Which requests go to the knowledge base, measured on the requests that planners are measured by.

use std::path::Path;

use sayso::session::question::is_about_knowledge;
use serde_json::Value;

fn requests(file: &str) -> Vec<Value> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(file);
    let text = std::fs::read_to_string(path).unwrap();
    text.lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

/// Of what a planner is to plan, nothing goes to the knowledge base but requests to explain a kind: for those a page
/// that was written for people is an answer as good.
#[test]
fn no_request_for_the_planner_is_swallowed() {
    for (file, kind) in [
        ("tests/eval/plain.jsonl", "kind"),
        ("training/dev.jsonl", "intent"),
    ] {
        for case in requests(file) {
            let request = case["request"].as_str().unwrap();
            let explains = case[kind] == "explain";
            assert!(explains || !is_about_knowledge(request), "{file}: {request}");
        }
    }
}

/// Questions for the knowledge base are not all in the form of one: `drain hangs` is said to a search engine. Of those
/// that are, most are seen.
#[test]
fn questions_are_seen_as_such() {
    let all = requests("tests/eval/questions.jsonl");
    let formed = all
        .iter()
        .filter_map(|case| case["question"].as_str())
        .filter(|question| {
            [
                "what is a",
                "what does",
                "how do i",
                "what's the difference",
                "when should",
            ]
            .iter()
            .any(|start| question.to_lowercase().starts_with(start))
        });
    let formed: Vec<&str> = formed.collect();
    let seen = formed
        .iter()
        .filter(|question| is_about_knowledge(question))
        .count();
    println!(
        "{seen} of {} questions in the form of one are seen as such",
        formed.len()
    );
    assert!(
        seen * 10 >= formed.len() * 8,
        "{:?}",
        formed
            .iter()
            .filter(|question| !is_about_knowledge(question))
            .collect::<Vec<_>>()
    );
}
