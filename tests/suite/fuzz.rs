//! What reads the words of others takes anything: plans, policies, plan files, lines of the log, bodies to redact.
//!
//! Each case is either noise or something well-formed with pieces of it changed. `SAYSO_FUZZ` says how many cases each reader
//! gets; a few hundred without it.

use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use sayso::audit::{Record, has_redactions, redact};
use sayso::check::policy::Layer;
use sayso::plan::{parse, printable};
use sayso::session::PlanFile;
use serde_json::{Value, json};

const PLANS: &[&str] = &[
    "scale deployment/web --replicas=5 -n shop",
    "patch deployment/web --type=merge -p '{\"spec\":{\"replicas\":3}}'",
    "create secret generic login --from-literal=password=hunter2",
    "set env deployment/web A=b C=d E-\nrollout status deployment/web",
    "delete pods -l 'app in (a,b)' -n shop",
];
const POLICY: &str = "time_zone = 'UTC'\n[[rule]]\nid = 'r'\nwhen = 'target.labels.exists(l, l == \"x\") && count > 3'\nmessage = '{target}'\nmatch = [{ step = 'cordon node-1', now = '2026-01-30T17:00:00Z' }]\n";
const FILE: &str = "sayso: plan/v1\nid: a\nrequest: b\nauthor: c\ncreated: 2026-01-31T09:00:00Z\nexpires: 2026-02-01T09:00:00Z\ncontext: d\ncluster: null\nsteps: [kubectl cordon node-1]\ntargets: []\ndigest: e\nseal: f\n";
const LINE: &str = "{\"sequence\":1,\"id\":\"0192-1.1\",\"at\":\"2026-01-31T09:30:00Z\",\"previous\":\"00\",\"entry\":{\"read\":{\"action\":\"01920000-0000-7000-8000-000000000000\",\"body\":{}}},\"hash\":\"0000000000000000000000000000000000000000000000000000000000000000\"}";

fn runner() -> TestRunner {
    let cases = std::env::var("SAYSO_FUZZ")
        .ok()
        .and_then(|cases| cases.parse().ok());
    TestRunner::new(Config {
        cases: cases.unwrap_or(400),
        failure_persistence: None,
        ..Config::default()
    })
}

/// Noise, or one of these with up to four pieces of it replaced by noise.
fn changed(seeds: &'static [&'static str]) -> impl Strategy<Value = String> {
    let edits = prop::collection::vec((any::<prop::sample::Index>(), 0usize..12, ".{0,6}"), 0..4);
    let mutated = (prop::sample::select(seeds), edits).prop_map(|(seed, edits)| {
        let mut text: Vec<char> = seed.chars().collect();
        for (at, length, with) in edits {
            let at = at.index(text.len() + 1);
            let end = (at + length).min(text.len());
            text.splice(at..end, with.chars());
        }
        text.into_iter().collect()
    });
    prop_oneof![1 => any::<String>(), 4 => mutated]
}

#[test]
fn the_plan_parser_takes_anything() {
    let run = runner().run(&changed(PLANS), |text| {
        if let Ok(sayso::plan::Proposal::Plan(plan)) = parse(&text) {
            prop_assert_eq!(parse(&plan.to_string()), Ok(sayso::plan::Proposal::Plan(plan)));
        }
        let shown = printable(&text);
        prop_assert!(!shown.contains('\u{1b}'), "an escape is left");
        Ok(())
    });
    run.unwrap();
}

#[test]
fn the_policy_loader_takes_anything() {
    let run = runner().run(&changed(&[POLICY]), |text| {
        if let Ok(layer) = Layer::parse("fuzz", &text) {
            let _ = layer.try_examples();
        }
        Ok(())
    });
    run.unwrap();
}

#[test]
fn conditions_take_anything() {
    let conditions = changed(&[
        "target.kind in ['a'] && size(images) > 0",
        "diff.exists(p, p.startsWith('spec'))",
        "int(step.options.replicas) > 3 ? true : false",
    ]);
    let run = runner().run(&conditions, |when| {
        let rule = json!({"rule": [{"id": "r", "when": when, "message": "m", "match": [{"step": "scale deployment/web --replicas=5"}]}]});
        if let Ok(layer) = Layer::parse("fuzz", &toml::to_string(&rule).unwrap()) {
            let _ = layer.try_examples();
        }
        Ok(())
    });
    run.unwrap();
}

#[test]
fn the_reader_of_plan_files_takes_anything() {
    let run = runner().run(&changed(&[FILE]), |text| {
        prop_assert!(PlanFile::read(&text).is_err(), "the seal of the seed is none");
        Ok(())
    });
    run.unwrap();
}

#[test]
fn the_reader_of_the_log_takes_anything() {
    let run = runner().run(&changed(&[LINE]), |text| {
        prop_assert!(
            Record::parse(text.as_bytes()).is_err(),
            "the hash of the seed is none"
        );
        Ok(())
    });
    run.unwrap();
}

/// JSON of the shapes that hold secrets, with anything in them.
fn body() -> impl Strategy<Value = Value> {
    let text = prop_oneof![
        any::<String>(),
        Just("kind: Secret\ndata: {a: b}".to_owned()),
        Just("--from-literal=a=\"b c".to_owned())
    ];
    let leaf = prop_oneof![
        text.prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        Just(Value::Null)
    ];
    leaf.prop_recursive(4, 32, 5, |inner| {
        let key = prop::sample::select(vec![
            "kind",
            "data",
            "stringData",
            "command",
            "path",
            "value",
            "status",
            "token",
            "items",
        ]);
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::btree_map(key, inner.clone(), 0..5).prop_map(|map| map
                .into_iter()
                .map(|(key, value)| (key.to_owned(), value))
                .collect()),
            inner.prop_map(|value| json!({"kind": "Secret", "data": {"key": value}})),
        ]
    })
}

#[test]
fn the_redactor_takes_anything_and_is_done_once() {
    let run = runner().run(&body(), |value| {
        let mut once = value.clone();
        redact(&mut once);
        let mut twice = once.clone();
        redact(&mut twice);
        prop_assert_eq!(&once, &twice);
        let mut secret = json!({"kind": "Secret", "data": {"key": "Y2FuYXJ5LWNhbmFyeQ=="}, "other": value});
        redact(&mut secret);
        prop_assert!(has_redactions(&secret) && !secret.to_string().contains("Y2FuYXJ5LWNhbmFyeQ=="));
        Ok(())
    });
    run.unwrap();
}
