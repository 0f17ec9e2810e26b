//! `sayso policy`, and what rules of a house do.

use super::shown;
use super::stand::Stand;

const FREEZE: &str = r#"
protected_contexts = ["sandbox"]

[[rule]]
id = "no-big-shop"
when = 'target.namespace == "shop" && has(after.spec) && has(after.spec.replicas) && after.spec.replicas > 4'
verdict = "deny"
message = "{target} stays at 4 replicas or fewer"
match = [{ step = "scale deployment/web --replicas=5 -n shop", after = { spec = { replicas = 5 } } }]
miss = [{ step = "scale deployment/web --replicas=4 -n shop", after = { spec = { replicas = 4 } } }]
"#;

const SCALE: &str = "scale deployment/web --replicas=5";

fn house(stand: &Stand) {
    stand.write(".config/sayso/policy.toml", FREEZE);
}

#[test]
fn the_rules_that_apply_are_listed() {
    let stand = Stand::shared();
    house(&stand);
    let ran = stand.run(&["policy", "show"]);
    assert!(ran.out.contains("protected context: sandbox"), "{ran}");
    let rows: Vec<&str> = ran.out.lines().filter(|line| line.contains("built-in")).collect();
    assert!(rows.len() > 20 && ran.out.contains("no-big-shop"), "{ran}");
    let one = stand
        .run(&["policy", "show", "delete-namespace", "-o", "json"])
        .json();
    assert_eq!(
        (&one[0]["type_name"], &one[0]["weight"]),
        (&true.into(), &"danger".into())
    );
    assert_eq!(stand.run(&["policy", "show", "nothing"]).code, Some(1));
}

#[test]
fn examples_are_run_and_one_that_is_wrong_is_told() {
    let stand = Stand::shared();
    house(&stand);
    let well = stand.run(&["policy", "test"]);
    assert!(well.code == Some(0) && well.out.contains(" 0 wrong"), "{well}");
    stand.write("wrong.toml", FREEZE.replace("replicas = 4 }", "replicas = 9 }"));
    shown!(stand.run(&["policy", "test", "wrong.toml"]));
}

#[test]
fn a_rule_of_the_house_denies() {
    let stand = Stand::own();
    house(&stand);
    let before = stand.cluster.objects();
    shown!(stand.ask("scale web to 5", SCALE, &["--yes"]));
    assert_eq!(stand.cluster.objects(), before);
    assert_eq!(stand.records("decision")[0]["outcome"], "denied");
}

#[test]
fn a_policy_that_cannot_be_read_stops_everything() {
    let stand = Stand::shared();
    stand.write(
        ".config/sayso/policy.toml",
        "[[rule]]\nid = 'r'\nwhen = 'taget.name == 1'\nmessage = 'm'\n",
    );
    shown!(stand.ask("scale web to 5", SCALE, &["--yes"]));
    let missing = stand.run(&["list pods", "-o", "json"]);
    assert_eq!(missing.code, Some(2), "{missing}");
}

#[test]
fn a_file_that_is_configured_is_one_more_layer() {
    let stand = Stand::own();
    stand.write("house.toml", FREEZE);
    stand.write(
        ".config/sayso/config.toml",
        format!("policy = '{}'\n", stand.path("house.toml").display()),
    );
    assert_eq!(stand.ask("scale web to 5", SCALE, &["--yes"]).code, Some(4));
    std::fs::remove_file(stand.path("house.toml")).unwrap();
    assert_eq!(stand.ask("scale web to 5", SCALE, &["--yes"]).code, Some(2));
    assert_eq!(stand.replicas("web"), 3);
}
