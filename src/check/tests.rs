//! The laws of judgement.

use proptest::prelude::*;
use serde_json::json;

use super::*;
use crate::plan::{Plan, Proposal, parse};

fn plan(text: &str) -> Plan {
    match parse(text).unwrap() {
        Proposal::Plan(plan) => plan,
        other => panic!("{text}: {other:?}"),
    }
}

fn call(verb: CallVerb, kind: &str, namespace: Option<&str>, name: &str) -> Call {
    Call {
        verb,
        group: String::new(),
        version: "v1".into(),
        resource: format!("{kind}s"),
        subresource: None,
        namespace: namespace.map(str::to_owned),
        name: name.into(),
        kind: kind.into(),
        body: None,
        dry_run: true,
    }
}

fn evidence(
    context: &str,
    call: Call,
    before: Option<serde_json::Value>,
    after: Option<serde_json::Value>,
) -> Evidence {
    let touched = Touched {
        call,
        access: None,
        uid: Some("u".into()),
        resource_version: Some("7".into()),
        before,
        after,
        pods: 3,
    };
    let step = StepEvidence {
        touched: vec![touched],
        ..StepEvidence::default()
    };
    Evidence {
        context: context.into(),
        cluster: Some("c".into()),
        at: None,
        steps: vec![step],
    }
}

fn scaled(context: &str, namespace: &str) -> Evidence {
    let object = |replicas: u32| json!({"kind": "Deployment", "metadata": {"name": "web"}, "spec": {"replicas": replicas}});
    let call = call(CallVerb::PatchMerge, "deployment", Some(namespace), "web");
    evidence(context, call, Some(object(3)), Some(object(5)))
}

#[test]
fn a_plain_write_is_confirmed_and_yes_covers_it() {
    let report = report(
        &plan("scale deployment/web --replicas=5 -n shop"),
        &scaled("dev", "shop"),
        &Policy::default(),
    );
    assert_eq!(report.verdict, Verdict::Confirm);
    assert!(report.yes_suffices());
    let back = report.steps[0].inverse[0].step().unwrap().to_string();
    assert_eq!(
        back,
        r#"patch deployment/web --type=merge --patch='{"spec":{"replicas":3}}' -n shop"#
            .replace("--patch=", "-p ")
    );
}

#[test]
fn reads_are_free_and_read_only_denies_writes_alone() {
    let policy = Policy {
        read_only: true,
        ..Policy::default()
    };
    assert_eq!(
        report(&plan("get pods"), &Evidence::default(), &policy).verdict,
        Verdict::Allow
    );
    assert_eq!(
        report(&plan("cordon node-1"), &Evidence::default(), &policy).verdict,
        Verdict::Deny
    );
}

#[test]
fn dangers_are_not_covered_by_yes() {
    let cases = [
        (
            "delete namespace/shop",
            call(CallVerb::Delete, "namespace", None, "shop"),
            "deletes namespace/shop and everything in it",
        ),
        (
            "delete persistentvolumeclaim/data -n shop",
            call(CallVerb::Delete, "persistentvolumeclaim", Some("shop"), "data"),
            "its data may go",
        ),
        (
            "scale deployment/coredns --replicas=1 -n kube-system",
            call(CallVerb::PatchMerge, "deployment", Some("kube-system"), "coredns"),
            "part of the cluster itself",
        ),
        (
            "drain node-1",
            call(CallVerb::PatchMerge, "node", None, "node-1"),
            "moves every pod",
        ),
    ];
    for (line, call, words) in cases {
        let report = report(
            &plan(line),
            &evidence("dev", call, Some(json!({})), None),
            &Policy::default(),
        );
        assert!(!report.yes_suffices(), "{line}");
        assert!(
            report.steps[0]
                .reasons
                .iter()
                .any(|reason| reason.text.contains(words)),
            "{line}: {:?}",
            report.steps[0].reasons
        );
    }
}

#[test]
fn production_is_said_and_a_protected_context_needs_a_person() {
    let line = "scale deployment/web --replicas=5 -n prod-eu";
    let named = report(&plan(line), &scaled("gke-live", "prod-eu"), &Policy::default());
    let texts: Vec<&str> = named.steps[0]
        .reasons
        .iter()
        .map(|reason| reason.text.as_str())
        .collect();
    assert!(
        texts.contains(&"namespace prod-eu looks like production")
            && texts.contains(&"context gke-live looks like production")
    );
    let policy = Policy {
        protected_contexts: vec!["gke-live".into()],
        ..Policy::default()
    };
    assert!(!report(&plan(line), &scaled("gke-live", "prod-eu"), &policy).yes_suffices());
}

#[test]
fn the_digest_is_bound_to_versions_calls_and_context() {
    let plan = plan("scale deployment/web --replicas=5 -n shop");
    let base = scaled("dev", "shop");
    let digest = |evidence: &Evidence| report(&plan, evidence, &Policy::default()).digest;
    let mut newer = base.clone();
    newer.steps[0].touched[0].resource_version = Some("8".into());
    let mut other = base.clone();
    other.steps[0].touched[0].call.body = Some(json!({"spec": {"replicas": 6}}));
    let digests = [
        digest(&base),
        digest(&newer),
        digest(&other),
        digest(&scaled("prod", "shop")),
    ];
    let distinct: std::collections::HashSet<_> = digests.iter().collect();
    assert_eq!(distinct.len(), digests.len());
    assert_eq!(digest(&base), digest(&base.clone()));
}

proptest! {
    #[test]
    fn adding_a_reason_never_weakens_a_verdict(verdicts in prop::collection::vec(0u8..3, 0..8), extra in 0u8..3) {
        let verdict = |n: u8| [Verdict::Allow, Verdict::Confirm, Verdict::Deny][usize::from(n)];
        let before = verdicts.iter().map(|n| verdict(*n)).max().unwrap_or_default();
        let after = verdicts.iter().chain([&extra]).map(|n| verdict(*n)).max().unwrap_or_default();
        prop_assert!(after >= before);
    }
}
