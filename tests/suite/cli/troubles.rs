//! A world in which something is missing or broken.

use super::shown;
use super::stand::{Ran, Stand, has};

const SCALE: &str = "scale deployment/web --replicas=5";

#[test]
fn an_unknown_context_lists_the_known_ones() {
    shown!(Stand::shared().run(&["list pods", "--context", "staging"]));
}

#[test]
fn a_malformed_kubeconfig_is_told() {
    let stand = Stand::shared();
    stand.write("kubeconfig", "clusters: 7\n");
    shown!(stand.run(&["list pods"]));
}

#[test]
fn no_kubeconfig_is_told() {
    let stand = Stand::shared();
    std::fs::remove_file(stand.path("kubeconfig")).unwrap();
    shown!(stand.run(&["list pods", "--kubeconfig", "nowhere.yaml"]));
}

#[test]
fn an_error_before_the_session_is_json_too() {
    let stand = Stand::shared();
    let ran = stand.run(&["list pods", "--kubeconfig", "nowhere.yaml", "-o", "json"]);
    let all = ran.json();
    assert_eq!(
        (&all["request"], &all["outcome"]),
        (&"list pods".into(), &"failed".into())
    );
    assert!(
        all["error"]["message"].as_str().unwrap().contains("nowhere.yaml"),
        "{ran}"
    );
}

#[test]
fn a_server_that_is_not_there_is_named() {
    let stand = Stand::shared();
    stand.write(
        "kubeconfig",
        stand
            .cluster
            .kubeconfig()
            .replace(stand.cluster.url(), "http://127.0.0.1:9"),
    );
    shown!(stand.run(&["list pods"]));
}

#[test]
fn without_a_place_to_record_nothing_is_begun() {
    let stand = Stand::own();
    stand.write(".local/state/sayso/audit", "a file in the way");
    let before = stand.cluster.objects();
    shown!(stand.ask("scale web to 5", SCALE, &["--yes"]));
    assert_eq!(stand.cluster.objects(), before);
}

#[test]
fn on_a_full_disk_nothing_is_applied() {
    if !has("sh") {
        return;
    }
    let stand = Stand::own();
    // The log is there, so that opening it is no trouble; writing to it is.
    stand.run(&["list pods", "--context", "staging"]);
    let before = stand.cluster.objects();
    stand.expect("scale web to 5", super::planner::Reply::Text(SCALE.to_owned()));
    let arguments = ["scale web to 5", "--yes"];
    let limited = "trap '' XFSZ; ulimit -f 0; exec \"$@\"";
    let output = stand
        .command("sh")
        .args(["-c", limited, "sh", env!("CARGO_BIN_EXE_sayso")])
        .args(arguments)
        .output();
    shown!(Ran::of(&arguments, &output.unwrap()));
    assert_eq!(stand.cluster.objects(), before);
}

#[test]
fn a_sandbox_file_that_is_not_there_is_named_once() {
    shown!(Stand::shared().run(&["list pods", "--sandbox=nowhere.yaml"]));
}
