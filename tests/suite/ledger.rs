//! The audit log over many files and processes: segments, checkpoints, actions under way.

use std::fs;
use std::sync::Arc;

use jiff::Timestamp;
use sayso::audit::{ActionId, AuditError, AuditLog, BreakReason, Entry, Filter, actions, export};
use sayso::sign::{Key, load_or_create};
use serde_json::{Value, json};
use tempfile::TempDir;
use uuid::Uuid;

fn action(number: u128) -> ActionId {
    ActionId::new(Uuid::from_u128(
        0x0192_0000_0000_7000_8000_0000_0000_0000 + number,
    ))
}

fn intent(number: u128) -> Entry {
    Entry::Intent {
        action: action(number),
        body: json!({"user": "ada", "context": "dev", "steps": [{"command": format!("kubectl cordon node-{number}")}]}),
    }
}

fn outcome(number: u128) -> Entry {
    Entry::Outcome {
        action: action(number),
        body: json!({"outcome": "done"}),
    }
}

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(1_700_000_000 + second).unwrap()
}

fn signed() -> (TempDir, AuditLog) {
    let folder = tempfile::tempdir().unwrap();
    let key = load_or_create(&folder.path().join("keys/id_ed25519"), "ada").unwrap();
    let log = AuditLog::open(&folder.path().join("audit"))
        .unwrap()
        .signed_by(Arc::new(key));
    (folder, log)
}

fn reasons(log: &AuditLog) -> Vec<BreakReason> {
    log.verify()
        .unwrap()
        .breaks
        .iter()
        .map(|found| found.reason)
        .collect()
}

fn drop_last_line(log: &AuditLog) {
    let text = fs::read_to_string(log.path()).unwrap();
    let kept = text.trim_end().rfind('\n').map_or(0, |end| end + 1);
    fs::write(log.path(), &text[..kept]).unwrap();
}

#[test]
fn a_clean_cut_at_the_end_is_found_and_nothing_more_is_written() {
    let (_folder, log) = signed();
    for number in 0..4 {
        log.append(intent(number), at(0)).unwrap();
    }
    assert_eq!((log.verify().unwrap().vouched, reasons(&log)), (Some(4), vec![]));
    drop_last_line(&log);
    assert_eq!(reasons(&log), [BreakReason::Truncated]);
    let error = log.append(intent(9), at(1)).unwrap_err();
    assert!(
        matches!(error, AuditError::Truncated { sequence: 4, .. }),
        "{error}"
    );
    fs::write(log.path(), "").unwrap();
    assert_eq!(reasons(&log), [BreakReason::Truncated]);
    assert!(log.append(intent(9), at(1)).is_err());
}

#[test]
fn a_whole_new_chain_is_not_the_one_that_was_signed() {
    let (_folder, log) = signed();
    for number in 0..4 {
        log.append(intent(number), at(0)).unwrap();
    }
    let other = tempfile::tempdir().unwrap();
    let forger = AuditLog::open(other.path()).unwrap();
    for number in 10..14 {
        forger.append(intent(number), at(0)).unwrap();
    }
    fs::copy(forger.path(), log.path()).unwrap();
    assert_eq!(reasons(&log), [BreakReason::Forged]);
    assert!(log.append(intent(9), at(1)).is_err());
}

#[test]
fn a_checkpoint_by_another_key_is_none() {
    let (_folder, log) = signed();
    log.append(intent(1), at(0)).unwrap();
    let checkpoint = log.folder().join("checkpoint.json");
    let whole = fs::read_to_string(&checkpoint).unwrap();
    let other = Key::generate("eve").unwrap().public();
    assert_eq!(
        log.clone().trusting(other).verify().unwrap().breaks[0].reason,
        BreakReason::Checkpoint
    );
    for altered in [
        whole.replace("\"sequence\":1", "\"sequence\":0"),
        "{}".to_owned(),
        String::new(),
    ] {
        fs::write(&checkpoint, altered).unwrap();
        assert_eq!(reasons(&log), [BreakReason::Checkpoint]);
    }
    fs::write(&checkpoint, whole).unwrap();
    assert_eq!(reasons(&log), []);
}

#[test]
fn a_log_of_many_segments_is_one_chain() {
    let (_folder, log) = signed();
    let log = log.with_segments_of(1_000);
    for number in 0..20 {
        log.append(intent(number), at(0)).unwrap();
        log.append(outcome(number), at(1)).unwrap();
    }
    let files = fs::read_dir(log.folder()).unwrap().flatten();
    let mut names: Vec<String> = files
        .map(|file| file.file_name().into_string().unwrap())
        .collect();
    names.retain(|name| name.starts_with("audit."));
    assert!(
        names.len() > 4 && names.contains(&"audit.000001.jsonl".to_owned()),
        "{names:?}"
    );
    let verified = log.verify().unwrap();
    assert!(
        verified.intact() && verified.records == 40 && verified.open_intents.is_empty(),
        "{verified:?}"
    );
    let found = log.find(&action(0).to_string()).unwrap();
    assert_eq!(found.len(), 2);
    let all: Vec<_> = log.records().unwrap().collect::<Result<_, _>>().unwrap();
    assert_eq!(
        all.iter().map(|record| record.sequence).collect::<Vec<_>>(),
        (1..=40).collect::<Vec<_>>()
    );
    // A whole segment is missing.
    fs::remove_file(log.folder().join("audit.000002.jsonl")).unwrap();
    assert_eq!(reasons(&log), [BreakReason::Unlinked]);
}

#[test]
fn the_newest_segment_cannot_be_taken_away_either() {
    let (_folder, log) = signed();
    let log = log.with_segments_of(1_000);
    for number in 0..9 {
        log.append(intent(number), at(0)).unwrap();
    }
    fs::remove_file(log.path()).unwrap();
    assert_eq!(reasons(&log), [BreakReason::Truncated]);
    assert!(matches!(
        log.append(intent(50), at(0)),
        Err(AuditError::Truncated { .. })
    ));
}

#[test]
fn many_writers_and_many_segments_make_one_chain() {
    let (_folder, log) = signed();
    let log = log.with_segments_of(2_000);
    std::thread::scope(|scope| {
        for writer in 0..6 {
            let log = log.clone();
            scope.spawn(move || {
                for number in 0..15 {
                    log.append(intent(writer * 100 + number), at(0)).unwrap();
                }
            });
        }
    });
    let verified = log.verify().unwrap();
    assert!(
        verified.intact() && verified.records == 90,
        "{:?}",
        verified.breaks
    );
    assert!(
        verified.vouched.is_some_and(|sequence| sequence > 80),
        "{:?}",
        verified.vouched
    );
}

#[test]
fn a_clock_that_jumps_back_does_not_matter() {
    let (_folder, log) = signed();
    log.append(intent(1), at(1_000_000)).unwrap();
    log.append(intent(2), at(0)).unwrap();
    log.append(outcome(2), at(-1_000_000)).unwrap();
    let verified = log.verify().unwrap();
    assert!(verified.intact() && verified.vouched == Some(3));
    let last = actions(log.records().unwrap().map(Result::unwrap), &Filter::default())
        .pop()
        .unwrap();
    assert_eq!(last.id, action(2), "in the order of the log, not of the clock");
}

#[test]
fn an_action_that_was_cut_short_is_found_and_one_under_way_is_not() {
    let (_folder, log) = signed();
    assert!(log.abandoned().is_empty());
    let running = log.begin(action(1)).unwrap();
    drop(log.begin(action(2)).unwrap());
    let found = log.abandoned();
    assert_eq!(
        found.iter().map(sayso::audit::Begun::action).collect::<Vec<_>>(),
        [action(2)]
    );
    assert!(log.abandoned().is_empty(), "somebody else looks into it");
    for mark in found {
        mark.end();
    }
    running.end();
    assert!(log.abandoned().is_empty());
    assert!(log.begin(action(1)).is_ok(), "nothing is left behind");
}

#[test]
fn the_record_is_exported_as_opentelemetry_logs() {
    let (_folder, log) = signed();
    log.append(intent(1), at(0)).unwrap();
    log.append(outcome(1), at(5)).unwrap();
    let all = actions(log.records().unwrap().map(Result::unwrap), &Filter::default());
    let mut out = Vec::new();
    export::otlp(&all, &mut out).unwrap();
    let line: Value = serde_json::from_slice(&out).unwrap();
    let record = &line["resourceLogs"][0]["scopeLogs"][0]["logRecords"][0];
    assert_eq!(record["timeUnixNano"], "1700000000000000000");
    assert_eq!(record["body"]["stringValue"], "kubectl cordon node-1");
    assert_eq!(
        (&record["severityNumber"], &record["severityText"]),
        (&json!(9), &json!("INFO"))
    );
    let attributes = record["attributes"].as_array().unwrap();
    let user = attributes
        .iter()
        .find(|attribute| attribute["key"] == "enduser.id")
        .unwrap();
    assert_eq!(user["value"]["stringValue"], "ada");
}
