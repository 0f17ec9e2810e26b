//! What reads the words of others takes anything: plans, policies, plan files, lines of the log, bodies to redact.
//!
//! Each case is either noise or something well-formed with pieces of it changed. `SAYSO_FUZZ` says how many cases each reader
//! gets; some thousands without it. `fixtures/fuzz` keeps cases that are tried first each time: what once failed is put
//! there by the test that failed, and with `SAYSO_FUZZ_KEEP=1` the first case that gets an answer of its own kind.

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::fmt::Display;
use std::fs::{self, OpenOptions};
use std::io::Write as _;
use std::path::PathBuf;
use std::sync::LazyLock;

use proptest::prelude::*;
use proptest::test_runner::{Config, TestCaseResult, TestError, TestRunner};
use sayso::audit::chain::{GENESIS, seal};
use sayso::audit::{AuditLog, Filter, Record, actions, export, has_redactions, redact};
use sayso::check::policy::Layer;
use sayso::plan::{parse, printable};
use sayso::session::PlanFile;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

/// How many cases each reader gets without `SAYSO_FUZZ`.
const CASES: u32 = 4_000;
/// The most cases of one reader that `SAYSO_FUZZ_KEEP` keeps.
const KEPT: usize = 120;

const PLANS: &[&str] = &[
    "scale deployment/web --replicas=5 -n shop",
    "patch deployment/web --type=merge -p '{\"spec\":{\"replicas\":3}}'",
    "create secret generic login --from-literal=password=hunter2",
    "set env deployment/web A=b C=d E-\nrollout status deployment/web",
    "delete pods -l 'app in (a,b)' -n shop",
];
const POLICY: &str = "time_zone = 'UTC'\n[[rule]]\nid = 'r'\nwhen = 'target.labels.exists(l, l == \"x\") && count > 3'\nmessage = '{target}'\nmatch = [{ step = 'cordon node-1', now = '2026-01-30T17:00:00Z' }]\n";
const FILE: &str = "sayso: plan/v1\nid: a\nrequest: b\nauthor: c\ncreated: 2026-01-31T09:00:00Z\nexpires: 2026-02-01T09:00:00Z\ncontext: d\ncluster: null\nsteps: [kubectl cordon node-1]\ntargets: []\ndigest: e\nseal: f\n";

/// A log of two records, as it is on disk.
static LOG: LazyLock<[&'static str; 1]> = LazyLock::new(|| {
    let action = "01920000-0000-7000-8000-000000000000";
    let content = |sequence: u32, previous: &str, kind: &str, body: Value| {
        format!(
            "{{\"sequence\":{sequence},\"id\":\"{action}.{sequence}\",\"at\":\"2026-01-31T09:30:00Z\",\"previous\":\"{previous}\",\"entry\":{{\"{kind}\":{{\"action\":\"{action}\",\"body\":{body}}}}}"
        )
    };
    let first = seal(
        GENESIS,
        &content(
            1,
            GENESIS,
            "intent",
            json!({"user": "ada", "steps": [{"command": "kubectl cordon node-1"}]}),
        ),
    );
    let previous = &first[first.len() - 66..first.len() - 2];
    let second = seal(
        previous,
        &content(
            2,
            previous,
            "outcome",
            json!({"outcome": "done", "context": "dev"}),
        ),
    );
    [String::leak(format!("{first}\n{second}\n"))]
});

fn corpus(name: &str) -> PathBuf {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/suite/fixtures/fuzz");
    PathBuf::from(folder).join(format!("{name}.jsonl"))
}

fn keep(name: &str, case: &impl Serialize) {
    let mut file = OpenOptions::new().append(true).open(corpus(name)).unwrap();
    writeln!(file, "{}", serde_json::to_string(case).unwrap()).unwrap();
}

/// The kind of an answer: its words without what it quotes.
fn kind(answer: &impl Display) -> String {
    let text = answer.to_string();
    let bare: Vec<&str> = text.split(['`', '"', '\'']).step_by(2).collect();
    let words = bare.concat();
    let words = words.rsplit('^').next().unwrap_or_default();
    words.chars().filter(char::is_ascii_alphabetic).take(60).collect()
}

/// Tries what is kept of earlier runs, and then as many fresh cases as were asked for. `check` tells the kind of the answer.
fn fuzz<S>(name: &str, cases: &S, check: impl Fn(&S::Value) -> Result<String, TestCaseError>)
where
    S: Strategy,
    S::Value: Serialize + DeserializeOwned,
{
    let kinds = RefCell::new(BTreeSet::new());
    for line in fs::read_to_string(corpus(name)).unwrap().lines() {
        let kind = check(&serde_json::from_str(line).unwrap());
        kinds
            .borrow_mut()
            .insert(kind.unwrap_or_else(|error| panic!("{line}: {error}")));
    }
    let keeps = std::env::var_os("SAYSO_FUZZ_KEEP").is_some();
    let count = std::env::var("SAYSO_FUZZ")
        .ok()
        .and_then(|count| count.parse().ok());
    let mut runner = TestRunner::new(Config {
        cases: count.unwrap_or(CASES),
        failure_persistence: None,
        ..Config::default()
    });
    let tried = runner.run(cases, |case| -> TestCaseResult {
        let kind = check(&case)?;
        if keeps && kinds.borrow().len() < KEPT && kinds.borrow_mut().insert(kind) {
            keep(name, &case);
        }
        Ok(())
    });
    match tried {
        Ok(()) => {}
        Err(TestError::Fail(reason, case)) => {
            keep(name, &case);
            panic!("{reason}; {} has it now", corpus(name).display());
        }
        Err(abort) => panic!("{abort}"),
    }
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

fn tried(layer: Result<Layer, impl Display>) -> String {
    match layer {
        Ok(layer) => layer
            .try_examples()
            .iter()
            .fold("good".to_owned(), |kinds, result| {
                kinds + &kind(&format!("{result:?}"))
            }),
        Err(error) => kind(&error),
    }
}

#[test]
fn the_plan_parser_takes_anything() {
    fuzz("plans", &changed(PLANS), |text| {
        let shown = printable(text);
        prop_assert!(!shown.contains('\u{1b}'), "an escape is left");
        match parse(text) {
            Ok(sayso::plan::Proposal::Plan(plan)) => {
                let again = parse(&plan.to_string());
                let verb = kind(&plan.to_string());
                prop_assert_eq!(again, Ok(sayso::plan::Proposal::Plan(plan)));
                Ok(verb.chars().take(12).collect())
            }
            Ok(other) => Ok(kind(&format!("{other:?}"))),
            Err(error) => Ok(kind(&error)),
        }
    });
}

#[test]
fn the_policy_loader_takes_anything() {
    fuzz("policies", &changed(&[POLICY]), |text| {
        Ok(tried(Layer::parse("fuzz", text)))
    });
}

#[test]
fn conditions_take_anything() {
    let conditions = changed(&[
        "target.kind in ['a'] && size(images) > 0",
        "diff.exists(p, p.startsWith('spec'))",
        "int(step.options.replicas) > 3 ? true : false",
    ]);
    fuzz("conditions", &conditions, |when| {
        let rule = json!({"rule": [{"id": "r", "when": when, "message": "m", "match": [{"step": "scale deployment/web --replicas=5"}]}]});
        Ok(tried(Layer::parse("fuzz", &toml::to_string(&rule).unwrap())))
    });
}

#[test]
fn the_reader_of_plan_files_takes_anything() {
    fuzz("files", &changed(&[FILE]), |text| match PlanFile::read(text) {
        Ok(_) => Err(TestCaseError::fail("the seal of the seed is none")),
        Err(error) => Ok(kind(&error)),
    });
}

/// A log of which anything was changed is found out; a line with a seal that fits is read, whatever is in it, or not.
#[test]
fn the_reader_of_the_log_takes_anything() {
    let folder = tempfile::tempdir().unwrap();
    fuzz("log", &changed(&*LOG), |text| {
        fs::write(folder.path().join("audit.jsonl"), text).unwrap();
        let log = AuditLog::at(folder.path());
        let verified = log.verify().unwrap();
        let is_whole = text == LOG[0] || LOG[0].lines().next().unwrap() == text.trim_end() || text.is_empty();
        prop_assert!(is_whole || !verified.intact(), "{:?}", verified);
        let mut records: Vec<Record> = log.trusted_records().unwrap().map(Result::unwrap).collect();
        let first = text.lines().next().unwrap_or_default();
        let content = first
            .rsplit_once(",\"hash\"")
            .map_or(first, |(content, _)| content);
        let resealed = Record::parse(seal(GENESIS, content).as_bytes());
        let kind = format!(
            "{:?}{:?}",
            verified.breaks.first().map(|found| found.reason),
            resealed.as_ref().err()
        );
        records.extend(resealed);
        let actions = actions(records, &Filter::default());
        for write in [export::json_lines, export::csv, export::otlp] {
            write(&actions, std::io::sink()).unwrap();
        }
        Ok(kind)
    });
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
    fuzz("bodies", &body(), |value| {
        let mut once = value.clone();
        redact(&mut once);
        let mut twice = once.clone();
        redact(&mut twice);
        prop_assert_eq!(&once, &twice);
        let mut secret = json!({"kind": "Secret", "data": {"key": "Y2FuYXJ5LWNhbmFyeQ=="}, "other": value});
        redact(&mut secret);
        prop_assert!(has_redactions(&secret) && !secret.to_string().contains("Y2FuYXJ5LWNhbmFyeQ=="));
        let shape: BTreeSet<char> = once
            .to_string()
            .chars()
            .filter(|c| "{[<-0n".contains(*c))
            .collect();
        Ok(format!("{shape:?}{}", has_redactions(&once)))
    });
}
