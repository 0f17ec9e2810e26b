//! Whole journeys by the keys alone.

use ratatui::crossterm::event::{KeyCode, KeyModifiers};
use sayso::config::Overrides;
use sayso::tui::shell::Outside;

use super::stage::Stage;
use crate::suite::cli::planner::Reply;

const SCALE: &str = "scale deployment/web --replicas=5";
/// What the adviser is asked about a review.
const OF_A_PLAN: &str = "What does this plan do, step by step, what could go wrong with it, and how is it taken back? Explain it to the person who is about to approve it.";

#[test]
fn ask_review_approve_watch_undo() {
    let mut stage = Stage::new(&[SCALE]);
    stage.ask("scale web to 5", "a approve");
    assert_eq!(stage.replicas("web"), 3);
    assert!(stage.screen().contains("+  replicas: 5"));
    stage.keys("a");
    stage.until("takes it back");
    assert_eq!(stage.replicas("web"), 5);
    let intent = &stage.records("intent")[0];
    assert_eq!(
        (&intent["approval"]["by"], &intent["user"]),
        (&"terminal".into(), &"tester".into())
    );
    stage.press_with(KeyCode::Char('u'), KeyModifiers::ALT);
    stage.until("a approve");
    assert!(stage.screen().contains("+  replicas: 3"));
    stage.keys("a");
    stage.over();
    assert_eq!(stage.replicas("web"), 3);
    assert_eq!(stage.records("outcome").len(), 2);
}

#[test]
fn edit_then_approve() {
    let mut stage = Stage::new(&[SCALE]);
    stage.ask("scale web to 5", "a approve");
    stage.keys("e");
    for _ in 0.." -n shop".len() {
        stage.press(KeyCode::Backspace);
    }
    stage.press(KeyCode::Backspace);
    stage.keys("4\n");
    stage.until("+  replicas: 4");
    assert!(!stage.screen().contains("% sure"));
    stage.keys("a");
    stage.until("takes it back");
    assert_eq!(stage.replicas("web"), 4);
}

#[test]
fn a_rejection_changes_nothing_and_its_reason_is_recorded() {
    let mut stage = Stage::new(&[SCALE]);
    let before = stage.cluster.objects();
    stage.ask("scale web to 5", "a approve");
    stage.keys("rtoo early\n");
    stage.until("rejected: too early");
    assert_eq!(stage.cluster.objects(), before);
    assert_eq!(
        stage.records("decision")[0]["failure"]["message"],
        "rejected: too early"
    );
    assert!(stage.records("intent").is_empty());
}

#[test]
fn of_two_steps_only_the_one_that_is_left_is_done() {
    let mut stage = Stage::new(&["scale deployment/web --replicas=5\nscale deployment/cart --replicas=7"]);
    stage.ask("more of everything", "[x] 2.");
    stage.keys(" ");
    stage.until("[ ] 1.");
    stage.keys("a");
    stage.until("1. scale deployment/cart --replicas=7");
    assert_eq!(stage.replicas("cart"), 2, "the rest is reviewed again first");
    stage.keys("a");
    stage.until("takes it back");
    assert_eq!(
        (stage.replicas("web"), stage.replicas("cart")),
        (3.into(), 7.into())
    );
}

#[test]
fn data_goes_only_when_its_name_was_typed() {
    let mut stage = Stage::new(&["delete persistentvolumeclaim/data-db-0"]);
    stage.ask("delete the claim of db", "a approve");
    stage.keys("a");
    stage.until("type its name: `data-db-0`");
    stage.keys("data-db\n");
    stage.until("nothing was approved");
    assert!(stage.records("intent").is_empty());
    stage.keys("data-db-0\n");
    stage.until("audit record");
    assert_eq!(stage.records("intent").len(), 1);
}

#[test]
fn read_only_means_read_only() {
    let overrides = Overrides {
        read_only: true,
        ..Overrides::default()
    };
    let mut stage = Stage::with(&[SCALE], overrides);
    let before = stage.cluster.objects();
    assert!(stage.screen().contains("read-only"));
    stage.ask("scale web to 5", "denied: ");
    stage.keys("aaa");
    assert_eq!(stage.cluster.objects(), before);
}

#[test]
fn esc_at_the_review_brings_the_request_back() {
    let mut stage = Stage::new(&[SCALE]);
    stage.ask("scale web to 5", "a approve");
    stage.press(KeyCode::Esc);
    stage.until("interrupted: nothing was changed");
    assert_eq!(
        (stage.shell.app.talk.text().as_str(), stage.replicas("web")),
        ("scale web to 5", 3.into())
    );
}

#[test]
fn an_answer_can_be_entered() {
    let mut stage = Stage::new(&["get pods"]);
    stage.ask("list pods", "enter opens the");
    stage.keys("\n");
    stage.until("as answered");
    stage.keys("/db\n");
    stage.keys("d");
    stage.until("describe pod/db-0");
    stage.until("Namespace:");
}

#[test]
fn a_table_follows_the_cluster() {
    let mut stage = Stage::new(&[]);
    stage.keys(":deploy\n");
    stage.until("live");
    stage.until("3/3");
    stage.keys("/web\n");
    stage.keys("s5\n");
    stage.until("a approve");
    stage.keys("a");
    stage.until("takes it back");
    stage.press(KeyCode::Tab);
    stage.until("5/5");
}

#[test]
fn from_a_workload_to_its_pods_to_their_logs_and_back() {
    let mut stage = Stage::new(&[]);
    stage.keys(":deploy\n");
    stage.until("cart");
    stage.press(KeyCode::Enter);
    stage.until("/-l app=cart");
    stage.until("2 of ");
    stage.keys("l");
    stage.until("lines, ended");
    stage.press(KeyCode::Esc);
    stage.until("/-l app=cart");
    stage.press(KeyCode::Esc);
    stage.press(KeyCode::Esc);
    stage.until("deployments in shop");
}

#[test]
fn deleting_a_pod_from_the_table_is_reviewed_first() {
    let mut stage = Stage::new(&[]);
    stage.press(KeyCode::Tab);
    stage.until("db-0");
    stage.keys("/db-0\n");
    stage.press_with(KeyCode::Char('d'), KeyModifiers::CONTROL);
    stage.until("a approve");
    assert!(stage.screen().contains("delete pod/db-0"));
    assert!(stage.records("intent").is_empty());
    stage.press(KeyCode::Esc);
    stage.until("nothing was changed");
}

#[test]
fn to_another_namespace_and_to_all_of_them() {
    let mut stage = Stage::new(&[]);
    stage.press(KeyCode::Tab);
    stage.until("pods in shop");
    stage.until("live");
    stage.keys(":ns\n");
    stage.until("kube-system");
    stage.keys("/kube-system\n");
    stage.press(KeyCode::Enter);
    stage.until("pods in kube-system");
    stage.until("live");
    stage.keys("0");
    stage.until("NAMESPACE");
    stage.until("pods in all namespaces");
}

#[test]
fn a_change_can_be_taken_back_from_the_record() {
    let mut stage = Stage::new(&[SCALE]);
    stage.ask("scale web to 5", "a approve");
    stage.keys("a");
    stage.until("takes it back");
    stage.keys(":audit\n");
    stage.until("chain intact");
    stage.until("--replicas=5");
    stage.press(KeyCode::Enter);
    stage.until("request: scale web to 5");
    stage.press(KeyCode::Esc);
    stage.keys("u");
    stage.until("+  replicas: 3");
}

#[test]
fn what_nobody_understands_is_asked_back() {
    let mut stage = Stage::new(&["unclear"]);
    stage.ask("do the thing with web", "what should happen");
    assert!(stage.screen().contains("deployment/web"));
}

#[test]
fn names_are_completed_from_the_cluster() {
    let mut stage = Stage::new(&[]);
    stage.keys("why is @payments");
    stage.press(KeyCode::Tab);
    stage.until("payments-api");
    assert!(stage.shell.app.talk.text().starts_with("why is @"));
}

#[test]
fn the_commands_of_a_review_can_be_copied() {
    let mut stage = Stage::new(&[SCALE]);
    stage.ask("scale web to 5", "a approve");
    stage.keys("c");
    let by_hand = "kubectl scale deployment/web --replicas=5 -n shop".to_owned();
    assert_eq!(stage.outside(), [Outside::Copy(by_hand)]);
}

#[test]
fn the_pods_of_a_rollout_are_seen_until_it_is_over() {
    let never_ready =
        r#"{"spec":{"template":{"metadata":{"annotations":{"sandbox.sayso.dev/fault":"unready"}}}}}"#;
    let mut stage = Stage::new(&[&format!("patch deployment/web -p '{never_ready}'")]);
    stage.ask("make web fail its probe", "a approve");
    stage.keys("a");
    stage.until("of 3 new replicas have been updated");
    stage.until("  Running");
    let is_pod =
        |line: &&str| line.contains("web-") && line.trim_end_matches(['"', ' ']).ends_with("Running");
    assert!(stage.screen().lines().filter(is_pod).count() > 0);
    stage.press(KeyCode::Esc);
    stage.over();
    assert_eq!(stage.screen().lines().filter(is_pod).count(), 0);
}

#[test]
fn x_has_the_adviser_explain_the_review() {
    let words = "Two more pods of web.\n\u{1b}[2J\u{202e}Undo takes them away.";
    let mut stage = Stage::advised(&[SCALE], &[(OF_A_PLAN, Reply::Text(words.to_owned()))]);
    stage.ask("scale web to 5", "a approve");
    stage.keys("x");
    stage.until("of 8192 tokens");
    let screen = stage.screen();
    assert!(
        screen.contains("In the words of the model `scripted`, which may be wrong:"),
        "{screen}"
    );
    assert!(
        screen.contains("Two more pods of web.") && screen.contains("Undo takes them away."),
        "{screen}"
    );
    assert!(!screen.contains(['\u{1b}', '\u{202e}']), "{screen}");
    assert_eq!(stage.replicas("web"), 3, "words approve nothing");
    stage.keys("a");
    stage.until("takes it back");
    assert_eq!(stage.replicas("web"), 5);
}

#[test]
fn an_adviser_that_fails_leaves_the_review_as_it_is() {
    let mut stage = Stage::advised(&[SCALE], &[(OF_A_PLAN, Reply::Status(401))]);
    stage.ask("scale web to 5", "a approve");
    stage.keys("x");
    stage.until("the adviser gave no answer");
    stage.press(KeyCode::Esc);
    stage.press(KeyCode::Esc);
    stage.until("interrupted: nothing was changed");
    assert_eq!(stage.replicas("web"), 3);
}

#[test]
fn author_has_a_manifest_written() {
    let manifest = r#"{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"note"},"data":{"a":"b"}}"#;
    let request = "a configmap called note";
    let mut stage = Stage::advised(&[], &[(request, Reply::Text(manifest.to_owned()))]);
    stage.ask(&format!("author {request}"), "a approve");
    stage.keys("a");
    stage.until("takes it back");
    let is_it =
        |object: &serde_json::Value| object["metadata"]["name"] == "note" && object["data"]["a"] == "b";
    assert!(stage.cluster.objects().iter().any(is_it));
}
