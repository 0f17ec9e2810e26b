//! What is typed, and what is not.

use super::planner::Reply;
use super::shown;
use super::stand::Stand;

#[test]
fn help_is_short_and_long() {
    let stand = Stand::shared();
    for flag in ["-h", "--help"] {
        let ran = stand.run(&[flag]);
        assert_eq!(ran.code, Some(0));
        for word in [
            "Usage: sayso",
            "--plan-only",
            "Examples:",
            "Exit codes:",
            "doctor",
        ] {
            assert!(ran.out.contains(word), "no {word} in {ran}");
        }
        assert!(!ran.out.contains('\x1b'), "{ran}");
    }
}

#[test]
fn the_version_is_told() {
    shown!(Stand::shared().run(&["--version"]));
}

#[test]
fn an_unknown_flag_is_told() {
    shown!(Stand::shared().run(&["--sandbix", "list pods"]));
}

#[test]
fn nothing_asked_is_told_with_what_to_say() {
    shown!(Stand::shared().run(&[]));
}

#[test]
fn a_blank_request_is_none() {
    shown!(Stand::shared().run(&["  "]));
}

#[test]
fn a_request_has_a_size() {
    let stand = Stand::shared();
    let long = "scale web to 5 ".repeat(50 * 1024 / 15);
    let ran = stand.run(&[&long]);
    assert_eq!(ran.code, Some(2));
    assert!(ran.err.starts_with("error: the request has "), "{}", ran.err);
}

#[test]
fn words_need_no_quotes() {
    let stand = Stand::shared();
    stand.expect("list the pods", Reply::Text("get pods -n monitoring".to_owned()));
    let ran = stand.run(&["list", "the", "pods"]);
    assert_eq!(ran.code, Some(0), "{ran}");
}

#[test]
fn completions_are_written() {
    let ran = Stand::shared().run(&["completion", "bash"]);
    assert!(ran.code == Some(0) && ran.out.contains("_sayso"), "{ran}");
}

#[test]
fn a_policy_that_is_not_understood_is_told() {
    let stand = Stand::shared();
    stand.write(".config/sayso/policy.toml", "read_onyl = true\n");
    let ran = stand.run(&["list pods"]);
    assert_eq!(ran.code, Some(2), "{ran}");
    assert!(
        ran.err.contains("policy.toml") && ran.err.contains("read_onyl"),
        "{ran}"
    );
}
