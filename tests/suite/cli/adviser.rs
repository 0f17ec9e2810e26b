//! Explanations in a model's words, marked as such; and what there is where no model gives any.

use super::planner::Reply;
use super::stand::{Ran, Stand};

const QUESTION: &str = "what is a PodDisruptionBudget";

fn advised(stand: &Stand, arguments: &[&str]) -> Ran {
    let output = stand
        .sayso(arguments)
        .env("SAYSO_ADVISER", "planner")
        .output()
        .unwrap();
    Ran::of(arguments, &output)
}

#[test]
fn a_question_is_answered_from_its_passages() {
    let mut stand = Stand::shared();
    stand.expect(
        QUESTION,
        Reply::Text("It limits disruptions [1].\n\u{1b}[2JIt does.".to_owned()),
    );
    let ran = advised(&stand, &[QUESTION]);
    assert_eq!(ran.code, Some(0), "{ran}");
    let (whose, rest) = ran
        .out
        .split_once("It limits disruptions [1].\nIt does.")
        .unwrap();
    assert!(
        whose.contains("In the words of the model `scripted`, which may be wrong:"),
        "{ran}"
    );
    assert!(
        rest.contains("Sources") && rest.contains("[1]") && !rest.contains('\u{1b}'),
        "{ran}"
    );
    assert!(ran.err.contains("132 of 8192 tokens"), "{ran}");
    let prompt = stand.prompt();
    assert!(
        prompt.starts_with("Passage [1], ") && prompt.contains("\n| "),
        "{prompt}"
    );
    assert!(prompt.ends_with(&format!("Question: {QUESTION}")), "{prompt}");
    let json = advised(&stand, &[QUESTION, "-o", "json"]).json();
    assert_eq!(json["advice"]["model"], "scripted");
    assert!(
        json["advice"]["text"].as_str().unwrap().starts_with("It limits"),
        "{json}"
    );
    assert!(!json["sources"].as_array().unwrap().is_empty(), "{json}");
}

#[test]
fn passages_stand_for_themselves_where_the_adviser_fails() {
    let stand = Stand::shared();
    stand.expect(QUESTION, Reply::Status(401));
    let ran = advised(&stand, &[QUESTION]);
    assert_eq!(ran.code, Some(0), "{ran}");
    assert!(
        ran.err.contains("the adviser gave no answer") && ran.err.contains("401"),
        "{ran}"
    );
    assert!(
        ran.out.contains("Sources") && !ran.out.contains("In the words"),
        "{ran}"
    );
    assert!(
        stand
            .run(&[QUESTION])
            .err
            .contains("no adviser model is configured")
    );
}

#[test]
fn what_is_left_out_is_told() {
    let stand = Stand::shared();
    stand.write(
        ".config/sayso/config.toml",
        "[adviser]\nendpoint = 'planner'\n[advice]\ntokens = 700\n",
    );
    stand.expect(QUESTION, Reply::Text("Short.".to_owned()));
    let ran = stand.run(&[QUESTION]);
    assert!(
        ran.err.contains("132 of 700 tokens; not seen for want of room: "),
        "{ran}"
    );
}

#[test]
fn the_embedded_planner_explains_nothing() {
    let stand = Stand::shared();
    let output = stand
        .sayso(&["--model", "embedded", QUESTION])
        .env("SAYSO_ADVISER", "planner")
        .output()
        .unwrap();
    let ran = Ran::of(&[QUESTION], &output);
    assert!(
        ran.code != Some(0) && ran.err.contains("the embedded planner cannot explain"),
        "{ran}"
    );
}
