//! `sayso doctor`.

use super::shown;
use super::stand::Stand;

#[test]
fn what_is_well_is_told() {
    let ran = Stand::shared().run(&["doctor"]);
    shown!(ran);
}

#[test]
fn what_is_wrong_is_told_with_advice() {
    let stand = Stand::shared();
    stand.write(".local/state/sayso", "a file in the way");
    stand.write("kubeconfig", "clusters: 7");
    shown!(stand.run(&["doctor", "--model", "http://127.0.0.1:9/v1#none"]));
}

#[test]
fn a_broken_record_is_found() {
    let stand = Stand::shared();
    stand.ask("list pods", "get pods", &[]);
    let text = std::fs::read_to_string(stand.log())
        .unwrap()
        .replace("list pods", "list nodes");
    std::fs::write(stand.log(), text).unwrap();
    let ran = stand.run(&["doctor", "-o", "json"]);
    let all = ran.json();
    assert_eq!((ran.code, &all["state"]), (Some(1), &"fail".into()));
    let audit = all["checks"]
        .as_array()
        .unwrap()
        .iter()
        .find(|check| check["name"] == "audit")
        .unwrap();
    assert_eq!(audit["state"], "fail", "{ran}");
}

#[test]
fn the_engine_is_looked_for_and_nothing_is_fetched() {
    let stand = Stand::shared();
    let ran = stand.run(&["doctor", "--model", "embedded", "-o", "json"]);
    let names: Vec<_> = ran.json()["checks"]
        .as_array()
        .unwrap()
        .iter()
        .map(|check| check["name"].clone())
        .collect();
    assert!(
        names.contains(&"engine".into()) && names.contains(&"model".into()),
        "{ran}"
    );
    assert!(!stand.path(".local/share/sayso").exists());
}

#[test]
fn who_may_only_look_is_warned() {
    let ran = Stand::shared().run(&["doctor", "--as", "viewer"]);
    assert_eq!(ran.code, Some(0), "{ran}");
    assert!(ran.out.contains("may not patch deployments"), "{ran}");
}
