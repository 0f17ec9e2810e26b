//! Plans between people: `sayso plan -f`, `sayso approve`, `sayso apply`.

use serde_json::json;

use super::planner::Reply;
use super::shown;
use super::stand::{Ran, Stand, has};

const SCALE: &str = "scale deployment/web --replicas=5";

fn planned(stand: &Stand, plan: &str) -> Ran {
    stand.expect("scale web to 5", Reply::Text(plan.to_owned()));
    stand.run(&["plan", "scale web to 5", "-f", "plan.yaml"])
}

fn text(stand: &Stand) -> String {
    std::fs::read_to_string(stand.path("plan.yaml")).unwrap()
}

#[test]
fn a_plan_is_written_down_and_applied_once() {
    let stand = Stand::own();
    let before = stand.cluster.objects();
    let ran = planned(&stand, SCALE);
    assert!(
        ran.code == Some(0) && ran.err.contains("written to plan.yaml"),
        "{ran}"
    );
    assert_eq!(stand.cluster.objects(), before);
    let unattended = stand.run(&["apply", "plan.yaml"]);
    assert_eq!(unattended.code, Some(3), "{unattended}");
    let applied = stand.run(&["apply", "plan.yaml", "--yes"]);
    assert_eq!(
        (applied.code, stand.replicas("web")),
        (Some(0), json!(5)),
        "{applied}"
    );
    let intent = &stand.records("intent")[0];
    assert_eq!(intent["request"], "scale web to 5");
    assert!(intent["approval"]["plan"]["id"].is_string());
    let again = stand.run(&["apply", "plan.yaml", "--yes"]);
    assert!(
        again.code == Some(1) && again.err.contains("applied already"),
        "{again}"
    );
}

#[test]
fn another_person_applies_it_under_another_name_of_the_context() {
    let stand = Stand::own();
    planned(&stand, SCALE);
    std::fs::remove_dir_all(stand.path(".local")).unwrap();
    let config = std::fs::read_to_string(stand.path("kubeconfig")).unwrap();
    stand.write("kubeconfig", config.replace("sandbox", "prod-of-bob"));
    let applied = stand.run(&["apply", "plan.yaml", "--yes"]);
    assert_eq!(
        (applied.code, stand.replicas("web")),
        (Some(0), json!(5)),
        "{applied}"
    );
}

#[test]
fn a_file_that_was_altered_is_no_plan() {
    let stand = Stand::own();
    planned(&stand, SCALE);
    let whole = text(&stand);
    for (from, to) in [
        ("--replicas=5", "--replicas=50"),
        ("author: tester", "author: admin"),
        ("request: scale web to 5", "request: scale web to 6"),
        ("expires: \"20", "expires: \"21"),
        ("sayso: plan/v1", "sayso: plan/v9"),
    ] {
        assert!(whole.contains(from), "no {from} in {whole}");
        stand.write("plan.yaml", whole.replace(from, to));
        let ran = stand.run(&["apply", "plan.yaml", "--yes"]);
        assert_eq!(ran.code, Some(1), "{to}: {ran}");
    }
    stand.write("plan.yaml", whole.replace("--replicas=5", "--replicas=50"));
    shown!(stand.run(&["apply", "plan.yaml", "--yes"]));
    assert_eq!(stand.replicas("web"), 3);
}

#[test]
fn a_plan_is_void_where_the_world_moved_on() {
    let stand = Stand::own();
    planned(&stand, SCALE);
    stand.ask("scale web to 2", "scale deployment/web --replicas=2", &["--yes"]);
    shown!(stand.run(&["apply", "plan.yaml", "--yes"]));
    assert_eq!(stand.replicas("web"), 2);
}

#[test]
fn a_plan_has_an_end() {
    let stand = Stand::own();
    stand.expect("scale web to 5", Reply::Text(SCALE.to_owned()));
    stand.run(&["plan", "scale web to 5", "-f", "plan.yaml", "--good-for", "0s"]);
    let ran = stand.run(&["apply", "plan.yaml", "--yes"]);
    assert!(
        ran.code == Some(1) && ran.err.contains("the plan was good until"),
        "{ran}"
    );
}

#[test]
fn a_restart_is_the_same_restart_later() {
    let stand = Stand::own();
    planned(&stand, "rollout restart deployment/web");
    let applied = stand.run(&["apply", "plan.yaml", "--yes"]);
    assert_eq!(applied.code, Some(0), "{applied}");
}

#[test]
fn a_secret_does_not_go_into_a_file() {
    let stand = Stand::own();
    let ran = planned(
        &stand,
        "create secret generic login --from-literal=password=hunter2hunter2",
    );
    assert!(ran.code == Some(1) && !stand.path("plan.yaml").exists(), "{ran}");
}

/// Policy that wants two people, with Bob's key in it.
fn two_people(stand: &Stand, key: &str) {
    let rule = "[[rule]]\nid = 'four-eyes'\nwhen = 'target.name == \"web\"'\nmessage = '{target} needs two'\napprovers = 2\n";
    stand.write(
        ".config/sayso/policy.toml",
        format!("approvers = ['{}']\n{rule}", key.trim()),
    );
}

#[test]
fn policy_can_want_a_second_person_who_signs() {
    let stand = Stand::own();
    let bob = Stand::shared();
    std::fs::copy(stand.path("kubeconfig"), bob.path("kubeconfig")).unwrap();
    planned(&stand, SCALE);
    std::fs::copy(stand.path("plan.yaml"), bob.path("plan.yaml")).unwrap();
    let signed = bob.run(&["approve", "plan.yaml", "--yes"]);
    assert!(
        signed.code == Some(0) && signed.err.contains("signed by tester"),
        "{signed}"
    );
    let key = std::fs::read_to_string(bob.path(".config/sayso/id_ed25519.pub")).unwrap();
    two_people(&stand, &key);
    shown!(stand.ask("scale web to 5", SCALE, &["--yes"]));
    let alone = stand.run(&["apply", "plan.yaml", "--yes"]);
    assert!(alone.code == Some(3) && stand.replicas("web") == 3, "{alone}");
    let own = stand.run(&["approve", "plan.yaml", "--yes"]);
    let refused = stand.run(&["apply", "plan.yaml", "--yes"]);
    assert!(
        refused.err.contains("policy does not name its key"),
        "{own}{refused}"
    );
    std::fs::copy(bob.path("plan.yaml"), stand.path("plan.yaml")).unwrap();
    let forged = text(&stand).replace("--replicas=5", "--replicas=6");
    stand.write("forged.yaml", forged);
    assert_eq!(stand.run(&["apply", "forged.yaml", "--yes"]).code, Some(1));
    let applied = stand.run(&["apply", "plan.yaml"]);
    assert_eq!(
        applied.code,
        Some(3),
        "somebody has to say yes besides: {applied}"
    );
    let applied = stand.run(&["apply", "plan.yaml", "--yes"]);
    assert_eq!(
        (applied.code, stand.replicas("web")),
        (Some(0), json!(5)),
        "{applied}"
    );
    assert_eq!(
        stand.records("intent")[0]["approval"]["plan"]["signers"],
        json!(["tester"])
    );
}

#[test]
fn a_key_of_ssh_signs_too() {
    if !has("ssh-keygen") {
        return;
    }
    let stand = Stand::own();
    planned(&stand, SCALE);
    let keygen = |arguments: &[&str]| {
        let status = stand.command("ssh-keygen").args(arguments).status().unwrap();
        assert!(status.success(), "{arguments:?}");
    };
    keygen(&["-q", "-t", "ed25519", "-N", "", "-C", "ann", "-f", "ann"]);
    stand.write("message", stand.run(&["approve", "plan.yaml", "--message"]).out);
    keygen(&["-q", "-Y", "sign", "-n", "sayso-plan", "-f", "ann", "message"]);
    let signed = stand.run(&["approve", "plan.yaml", "--signature", "message.sig"]);
    assert_eq!(signed.code, Some(0), "{signed}");
    two_people(&stand, &std::fs::read_to_string(stand.path("ann.pub")).unwrap());
    let applied = stand.run(&["apply", "plan.yaml", "--yes"]);
    assert_eq!(
        (applied.code, stand.replicas("web")),
        (Some(0), json!(5)),
        "{applied}"
    );
    assert_eq!(
        stand.records("intent")[0]["approval"]["plan"]["signers"],
        json!(["ann"])
    );
}
