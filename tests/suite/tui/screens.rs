//! Every screen at the sizes that people have.

use ratatui::crossterm::event::KeyCode;

use super::stage::Stage;

/// What differs from run to run, and what stands for it; each keeps its width.
const FILTERS: &[(&str, &str)] = &[
    (
        r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}",
        "00000000-0000-0000-0000-000000000000",
    ),
    (r"digest [0-9a-f]{12}", "digest 000000000000"),
    (
        r"digest: [0-9a-f]{64}",
        "digest: 0000000000000000000000000000000000000000000000000000000000000000",
    ),
    (r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\dZ", "2026-01-01 00:00:00Z"),
    // A fraction of a second is as long as it needs to be, and what is right of it gives way.
    (r#"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z("? ) *"#, "TIME$2"),
    (r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z", "TIME"),
    (r"00Z [0-9a-f]{12}", "00Z 000000000000"),
    (r"record [0-9a-f]{12}", "record 000000000000"),
    (
        r"(Mon|Tue|Wed|Thu|Fri|Sat|Sun), \d\d \w{3} \d{4} \d\d:\d\d:\d\d \+0000",
        "DATE",
    ),
    (r"\d+\.\d+ s, \d+ tokens/s", "TIME, SPEED"),
    (r#"resourceVersion: "\d{3}""#, r#"resourceVersion: "999""#),
    (r"of \d{3} lines", "of 999 lines"),
    (r" +model embedded, \d+ tokens/s", " model embedded, SPEED"),
];

fn shoot(stage: &mut Stage, name: &str, sizes: &[(u16, u16)]) {
    let screens = sizes
        .iter()
        .map(|(width, height)| format!("{width}x{height}\n{}", stage.at(*width, *height)));
    let screens = screens.collect::<Vec<_>>().join("\n");
    insta::with_settings!({ filters => FILTERS.to_vec(), omit_expression => true }, {
        insta::assert_snapshot!(name, screens);
    });
}

const SIZES: &[(u16, u16)] = &[(80, 24), (120, 40)];
const REVIEW_SIZES: &[(u16, u16)] = &[(80, 24), (120, 40), (60, 20), (40, 10)];

const TWO: &str = "scale deployment/web --replicas=5\ndelete persistentvolumeclaim/data-db-0";

#[test]
fn the_conversation() {
    let mut stage = Stage::new(&["get deployments", "unclear"]);
    shoot(&mut stage, "welcome", REVIEW_SIZES);
    stage.ask("list deployments", "enter opens the");
    stage.ask("do the thing", "what should happen");
    shoot(&mut stage, "conversation", REVIEW_SIZES);
    stage.keys("/n");
    stage.press(KeyCode::Tab);
    stage.until("/namespace");
    shoot(&mut stage, "completion", SIZES);
}

#[test]
fn the_review() {
    let mut stage = Stage::new(&[TWO]);
    stage.ask("more web, and throw the data of db away", "a approve");
    shoot(&mut stage, "review", REVIEW_SIZES);
    stage.keys(" ");
    shoot(&mut stage, "review-step-out", SIZES);
    stage.keys(" x");
    shoot(&mut stage, "review-explained", SIZES);
    stage.keys("xa");
    shoot(&mut stage, "review-names", REVIEW_SIZES);
    stage.press(KeyCode::Esc);
    stage.keys("r");
    stage.keys("because it is Friday");
    shoot(&mut stage, "review-reason", SIZES);
    stage.press(KeyCode::Esc);
    stage.keys("ex");
    stage.press(KeyCode::Enter);
    shoot(&mut stage, "review-edited", REVIEW_SIZES);
}

#[test]
fn what_was_done() {
    let mut stage = Stage::new(&["scale deployment/web --replicas=5"]);
    stage.ask("scale web to 5", "a approve");
    stage.keys("a");
    stage.until("takes it back");
    shoot(&mut stage, "done", SIZES);
    stage.keys(":audit\n");
    stage.until("--replicas=5");
    shoot(&mut stage, "record", SIZES);
    stage.press(KeyCode::Enter);
    stage.until("request: scale web to 5");
    stage.keys("/request: \n");
    shoot(&mut stage, "record-whole", &[(80, 24)]);
}

#[test]
fn the_cluster() {
    let mut stage = Stage::new(&[]);
    stage.keys(":deploy\n");
    stage.until("payments-api");
    stage.until("live");
    shoot(&mut stage, "table", REVIEW_SIZES);
    stage.keys("/pay");
    shoot(&mut stage, "table-filtered", SIZES);
    stage.press(KeyCode::Enter);
    stage.keys("d");
    stage.until("Selector:");
    shoot(&mut stage, "describe", SIZES);
    stage.press(KeyCode::Esc);
    stage.keys("y");
    stage.until("apiVersion");
    shoot(&mut stage, "yaml", &[(80, 24)]);
    stage.press(KeyCode::Esc);
    stage.keys("s");
    shoot(&mut stage, "replicas", &[(80, 24)]);
    stage.press(KeyCode::Esc);
    stage.keys(":widgets\n");
    stage.until("no resource");
    shoot(&mut stage, "no-such-kind", &[(80, 24)]);
}

#[test]
fn the_help() {
    let mut stage = Stage::new(&[]);
    stage.keys("?");
    shoot(&mut stage, "help", REVIEW_SIZES);
}
