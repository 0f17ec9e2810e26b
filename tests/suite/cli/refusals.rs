//! Requests that end without a change: nobody may, nobody could, nobody knows what is meant.

use super::planner::Reply;
use super::shown;
use super::stand::Stand;

const SCALE: &str = "scale deployment/web --replicas=5";

#[test]
fn read_only_means_it() {
    let stand = Stand::shared();
    shown!(stand.ask("scale web to 5", SCALE, &["--yes", "--read-only"]));
    assert_eq!(stand.records("decision")[0]["outcome"], "denied");
}

#[test]
fn a_policy_can_say_read_only() {
    let stand = Stand::shared();
    stand.write(".config/sayso/policy.toml", "read_only = true\n");
    assert_eq!(stand.ask("scale web to 5", SCALE, &["--yes"]).code, Some(4));
    assert_eq!(stand.ask("list pods", "get pods", &[]).code, Some(0));
}

#[test]
fn who_may_only_look_is_told_so() {
    let stand = Stand::shared();
    shown!(stand.ask("scale web to 5", SCALE, &["--yes", "--as", "viewer"]));
}

#[test]
fn who_may_not_even_look_is_told_so() {
    shown!(Stand::shared().ask("list pods", "get pods", &["--as", "stranger"]));
}

#[test]
fn two_of_one_name_are_a_question() {
    let stand = Stand::shared();
    shown!(stand.ask("scale web to 5", SCALE, &["--yes", "-n", "monitoring"]));
    assert_eq!(stand.records("decision")[0]["outcome"], "unclear");
}

#[test]
fn a_question_is_a_field_of_json() {
    let ran = Stand::shared().ask(
        "scale web to 5",
        SCALE,
        &["--yes", "-n", "monitoring", "-o", "json"],
    );
    let all = ran.json();
    assert_eq!((ran.code, &all["outcome"]), (Some(5), &"unclear".into()));
    assert!(all["question"].as_str().unwrap().contains("which one?"), "{ran}");
}

#[test]
fn a_planner_that_does_not_know_asks() {
    shown!(Stand::shared().ask("do something with the web", "unclear", &[]));
}

#[test]
fn a_planner_may_refuse() {
    shown!(Stand::shared().ask("sing a song", "refuse", &[]));
}

#[test]
fn garbage_is_sent_back_once() {
    let mut stand = Stand::shared();
    shown!(stand.ask("scale web to 5", "rm -rf / # for you", &["--yes"]));
    stand.prompt();
    let complaint = stand.prompt();
    assert!(complaint.starts_with("That cannot be read: "), "{complaint}");
}

#[test]
fn an_empty_answer_is_no_plan() {
    assert_eq!(
        Stand::shared().ask("scale web to 5", "", &["--yes"]).code,
        Some(5)
    );
}

#[test]
fn a_model_that_is_broken_is_named() {
    let stand = Stand::shared();
    stand.expect("list pods", Reply::Status(400));
    shown!(stand.run(&["list pods"]));
}

#[test]
fn a_model_that_stays_broken_is_named() {
    let stand = Stand::shared();
    stand.expect("list pods", Reply::Status(500));
    shown!(stand.run(&["list pods"]));
}

#[test]
fn a_page_is_no_model() {
    let stand = Stand::shared();
    stand.expect("list pods", Reply::Page);
    shown!(stand.run(&["list pods"]));
}

#[test]
fn a_model_that_is_not_there_is_named() {
    shown!(Stand::shared().run(&["list pods", "--model", "http://127.0.0.1:9/v1#none"]));
}
