//! The laws of policy.

use proptest::prelude::*;

use super::*;
use crate::check::Weight;

/// A step with nothing known but its words.
fn judge(policy: &Policy, line: &str) -> Judgement {
    let step: Step = line.parse().unwrap();
    let evidence = Evidence {
        context: "dev".to_owned(),
        at: Some("2026-01-30T17:00:00Z".parse().unwrap()),
        ..Evidence::default()
    };
    policy.judge(&step, &StepEvidence::default(), &evidence)
}

fn layer(text: &str) -> Layer {
    Layer::parse("test", text).unwrap()
}

fn with(text: &str) -> Policy {
    let mut policy = Policy::default();
    policy.add(layer(text));
    policy
}

#[test]
fn the_built_in_rules_keep_their_examples() {
    let policy = Policy::default();
    assert!(
        policy.rules().count() > 20,
        "the built-in policy cannot be read: {:?}",
        Layer::parse("", include_str!("builtin.toml"))
    );
    for trial in policy.layers[0].try_examples() {
        assert_eq!(trial.problem, None, "{} on `{}`", trial.rule, trial.step);
    }
}

#[test]
fn a_rule_of_the_house_can_ask_about_time_user_and_labels() {
    let freeze = r#"
time_zone = "Europe/Berlin"
[[rule]]
id = "freeze"
when = 'now.weekday == "fri" && now.hour >= 18 && !(user in ["oncall"])'
verdict = "deny"
message = "nothing is changed after 18:00 on a Friday"
match = [{ step = "cordon node-1", now = "2026-01-30T17:00:00Z" }]
miss = [{ step = "cordon node-1", now = "2026-01-30T16:59:00Z" }, { step = "cordon node-1", now = "2026-01-30T17:00:00Z", user = "oncall" }]

[[rule]]
id = "payments"
when = '"tier" in target.labels && target.labels.tier == "payments"'
message = "{target} moves money"
approvers = 2
match = [{ step = "scale deployment/api --replicas=2", before = { metadata = { labels = { tier = "payments" } } } }]
miss = [{ step = "scale deployment/api --replicas=2" }]
"#;
    for trial in layer(freeze).try_examples() {
        assert_eq!(trial.problem, None, "{} on `{}`", trial.rule, trial.step);
    }
    assert_eq!(judge(&with(freeze), "cordon node-1").verdict(), Verdict::Deny);
}

#[test]
fn deleting_data_has_to_be_typed_and_denials_win() {
    let judged = judge(&Policy::default(), "delete pvc/data pvc/logs -n shop");
    assert_eq!(
        judged.names,
        BTreeSet::from(["data".to_owned(), "logs".to_owned()])
    );
    let many = judge(
        &Policy::default(),
        "delete secret/a secret/b secret/c secret/d -n shop",
    );
    assert_eq!(many.names, BTreeSet::from(["4 objects".to_owned()]));
    let policy = with(
        "[[rule]]\nid = 'x'\nwhen = 'true'\nverdict = 'allow'\nweight = 'note'\nmessage = 'fine'\n[[rule]]\nid = 'y'\nwhen = 'true'\nverdict = 'deny'\nmessage = 'no'",
    );
    assert_eq!(judge(&policy, "cordon node-1").verdict(), Verdict::Deny);
}

#[test]
fn what_cannot_be_decided_counts() {
    for when in [
        "target.labels.tier == 'x'",
        "1",
        "after.spec.replicas > 3",
        "'a' > 1",
    ] {
        let policy = with(&format!(
            "[[rule]]\nid = 'r'\nwhen = \"{when}\"\nverdict = 'deny'\nmessage = 'm'"
        ));
        let judged = judge(&policy, "cordon node-1");
        assert_eq!(judged.verdict(), Verdict::Deny, "{when}");
        assert!(
            judged
                .reasons
                .iter()
                .any(|reason| reason.text.contains("could not be decided")),
            "{when}"
        );
    }
}

#[test]
fn what_can_never_work_is_told_when_it_is_read() {
    let rule = |when: &str, message: &str| {
        Layer::parse(
            "test",
            &format!("[[rule]]\nid = 'r'\nwhen = '''{when}'''\nmessage = '{message}'"),
        )
        .unwrap_err()
        .to_string()
    };
    assert!(rule("target.kind ==", "m").starts_with("the condition of rule `r` "));
    assert!(rule("contxt.name == 'x'", "m").contains("asks about `contxt`"));
    assert!(rule("true", "{tarket}").contains("unknown placeholder `{tarket}`"));
    assert!(
        Layer::parse("test", "[[rules]]")
            .unwrap_err()
            .to_string()
            .contains("rules")
    );
    assert_eq!(
        Layer::parse("test", "time_zone = 'Mars/Olympus'").unwrap_err(),
        PolicyError::TimeZone("Mars/Olympus".into())
    );
}

#[test]
fn a_user_appoints_nobody_where_the_organisation_does() {
    let mut policy = with("approvers = ['ssh-ed25519 AAAA org']");
    policy.add(layer("approvers = ['ssh-ed25519 BBBB me']"));
    assert_eq!(policy.approver_keys(), ["ssh-ed25519 AAAA org"]);
}

/// A rule of any strictness that holds for some steps.
fn any_rule() -> impl Strategy<Value = String> {
    let when = prop::sample::select(vec![
        "true",
        "false",
        "count > 1",
        "target.kind == 'node'",
        "step.verb == 'scale'",
        "target.labels.x == 'y'",
        "user == ''",
    ]);
    let verdict = prop::sample::select(vec!["allow", "confirm", "deny"]);
    let weight = prop::sample::select(vec!["note", "caution", "danger"]);
    (when, verdict, weight, any::<bool>(), 0u32..4).prop_map(|(when, verdict, weight, typed, approvers)| {
        format!("when = \"{when}\"\nverdict = '{verdict}'\nweight = '{weight}'\nmessage = '{verdict} {weight}'\ntype_name = {typed}\napprovers = {approvers}\n")
    })
}

fn policy_of(rules: &[String]) -> Policy {
    let rules = rules.iter().enumerate();
    let rules: Vec<String> = rules
        .map(|(at, rule)| format!("[[rule]]\nid = 'r{at}'\n{rule}"))
        .collect();
    with(&rules.concat())
}

fn heaviest(judged: &Judgement) -> Option<Weight> {
    judged.reasons.iter().map(|reason| reason.weight).max()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn adding_a_rule_never_weakens_anything(rules in prop::collection::vec(any_rule(), 0..5), extra in any_rule(),
        line in prop::sample::select(vec!["cordon node-1", "scale deployment/web --replicas=0 -n shop", "delete pvc/data -n prod", "run x --image=nginx"])) {
        let before = judge(&policy_of(&rules), line);
        let after = judge(&policy_of(&[rules.clone(), vec![extra]].concat()), line);
        prop_assert!(after.verdict() >= before.verdict());
        prop_assert!(heaviest(&after) >= heaviest(&before));
        prop_assert!(after.names.is_superset(&before.names));
        prop_assert!(after.approvers >= before.approvers);
        prop_assert!(before.reasons.iter().all(|reason| after.reasons.contains(reason)));
    }
}
