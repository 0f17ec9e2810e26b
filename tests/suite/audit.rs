//! The audit log: what was written is found again, and what was changed is found out.

use jiff::Timestamp;
use proptest::prelude::*;
use sayso::audit::{
    self, ActionId, AuditError, AuditLog, BreakReason, Entry, Filter, Record, has_redactions, redact,
};
use serde_json::{Value, json};
use std::fs;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;
use tempfile::TempDir;
use uuid::Uuid;

const CHILD_FOLDER: &str = "SAYSO_TEST_AUDIT_FOLDER";

fn action(number: u128) -> ActionId {
    ActionId::new(Uuid::from_u128(
        0x0192_0000_0000_7000_8000_0000_0000_0000 + (number << 96) + number,
    ))
}

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(1_700_000_000 + second).unwrap()
}

fn intent(number: u128) -> Entry {
    let command = format!("kubectl scale deployment/web --replicas={number}");
    Entry::Intent {
        action: action(number),
        body: json!({"user": "ada", "steps": [{"command": command}]}),
    }
}

fn outcome(number: u128) -> Entry {
    Entry::Outcome {
        action: action(number),
        body: json!({"outcome": "done"}),
    }
}

fn fresh() -> (TempDir, AuditLog) {
    let folder = tempfile::tempdir().unwrap();
    let log = AuditLog::open(folder.path()).unwrap();
    (folder, log)
}

fn cut(log: &AuditLog, bytes: usize) -> Vec<u8> {
    let mut content = fs::read(log.path()).unwrap();
    let rest = content.split_off(content.len() - bytes);
    fs::write(log.path(), content).unwrap();
    rest
}

/// Some twenty records, with a crash in the middle of a line and one just before a newline.
fn busy() -> (TempDir, AuditLog) {
    let (folder, log) = fresh();
    for number in 0..9 {
        log.append(intent(number), at(0)).unwrap();
        if number == 3 {
            cut(&log, 40);
        } else if number == 6 {
            cut(&log, 1);
        }
        log.append(outcome(number), at(1)).unwrap();
    }
    (folder, log)
}

fn reasons(log: &AuditLog) -> Vec<BreakReason> {
    log.verify()
        .unwrap()
        .breaks
        .into_iter()
        .map(|found| found.reason)
        .collect()
}

fn all(log: &AuditLog) -> Vec<Record> {
    log.records().unwrap().collect::<Result<_, _>>().unwrap()
}

#[test]
fn what_is_appended_is_found_again() {
    let (_folder, log) = fresh();
    let first = log.append(intent(1), at(0)).unwrap();
    let second = log.append(outcome(1), at(5)).unwrap();
    log.append(intent(2), at(9)).unwrap();
    assert_eq!(first.to_string(), format!("{}.1", action(1)));
    let records = all(&log);
    assert_eq!(
        records.iter().map(|record| record.sequence).collect::<Vec<_>>(),
        [1, 2, 3]
    );
    assert_eq!(records[0].previous, "0".repeat(64));
    assert_eq!(records[1].previous, records[0].hash);
    assert_eq!((records[1].at, &records[1].entry), (at(5), &outcome(1)));
    let verification = log.verify().unwrap();
    assert!(verification.intact());
    assert_eq!(verification.head.as_ref(), Some(&records[2].hash));
    assert_eq!(verification.open_intents, [action(2)]);
    for name in [
        action(1).to_string(),
        action(1).short(),
        second.to_string(),
        action(1).to_string()[..8].into(),
    ] {
        assert_eq!(log.find(&name).unwrap(), records[..2], "{name}");
    }
}

#[test]
fn a_name_is_long_enough_and_of_one_action() {
    let (_folder, log) = fresh();
    let base = 0x0192_0000_0000_7000_8000_0000_0000_0000;
    for number in [1, 2] {
        let action = ActionId::new(Uuid::from_u128(base + number));
        log.append(
            Entry::Read {
                action,
                body: Value::Null,
            },
            at(0),
        )
        .unwrap();
    }
    assert!(matches!(log.find("0192"), Err(AuditError::TooShort { .. })));
    let error = log.find("01920000-0000").unwrap_err();
    assert!(
        matches!(&error, AuditError::Ambiguous { matches, .. } if matches.len() == 2),
        "{error}"
    );
    assert_eq!(log.find("000000000002").unwrap().len(), 1);
    assert!(log.find("ffffffffffff").unwrap().is_empty());
}

#[cfg(unix)]
#[test]
fn the_log_is_private() {
    use std::os::unix::fs::PermissionsExt;
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    let parent = tempfile::tempdir().unwrap();
    let folder = parent.path().join("state/audit");
    let log = AuditLog::open(&folder).unwrap();
    assert_eq!((mode(&folder), mode(log.path())), (0o700, 0o600));
    fs::set_permissions(log.path(), fs::Permissions::from_mode(0o644)).unwrap();
    log.append(intent(1), at(0)).unwrap();
    assert_eq!(mode(log.path()), 0o600);
}

/// The steps of `docs/audit-format.md`, with nothing of ours but SHA-256 and JSON.
#[test]
fn the_documented_format_is_enough_to_verify() {
    use sha2::{Digest, Sha256};
    let (_folder, log) = fresh();
    (1..5).for_each(|number| drop(log.append(intent(number), at(0)).unwrap()));
    let mut head = "0".repeat(64);
    for (index, line) in fs::read_to_string(log.path()).unwrap().lines().enumerate() {
        let (content, seal) = line.split_at(line.len() - 75);
        let hash = hex::encode(Sha256::digest(format!("sayso-audit-v1\n{head}\n{content}")));
        assert_eq!(seal, format!(",\"hash\":\"{hash}\"}}"));
        let record: Value = serde_json::from_str(line).unwrap();
        assert_eq!(
            (&record["previous"], &record["sequence"]),
            (&json!(head), &json!(index + 1))
        );
        head = hash;
    }
    assert_eq!(log.verify().unwrap().head, Some(head));
}

/// A copy of a busy log whose bytes were tampered with.
struct Tampering {
    _folder: TempDir,
    log: AuditLog,
    lines: Vec<Vec<u8>>,
}

impl Tampering {
    fn new() -> Self {
        let (folder, log) = busy();
        let content = fs::read(log.path()).unwrap();
        let lines = content
            .split_inclusive(|byte| *byte == b'\n')
            .map(<[u8]>::to_vec)
            .collect();
        assert!(log.verify().unwrap().intact());
        assert_eq!(log.verify().unwrap().tears.len(), 2);
        Self {
            _folder: folder,
            log,
            lines,
        }
    }

    fn is_found(&self, content: &[u8]) -> bool {
        fs::write(self.log.path(), content).unwrap();
        !self.log.verify().unwrap().intact()
    }
}

#[test]
fn any_flipped_byte_is_found() {
    let log = Tampering::new();
    let original = log.lines.concat();
    let newlines = (0..original.len()).filter(|place| original[*place] == b'\n');
    for place in newlines {
        for byte in [0, b' ', b'x', b'\r', b'}'] {
            let mut content = original.clone();
            content[place] = byte;
            assert!(log.is_found(&content), "newline at {place} as {byte}");
        }
    }
    proptest!(ProptestConfig::with_cases(1500), |(place in 0..original.len(), change in 1..=255u8)| {
        let mut content = original.clone();
        content[place] ^= change;
        prop_assert!(log.is_found(&content));
    });
    proptest!(ProptestConfig::with_cases(300), |(place in 0..original.len(), byte in prop::sample::select(b"\n\"}0".to_vec()))| {
        let mut content = original.clone();
        prop_assume!(content[place] != byte);
        content[place] = byte;
        prop_assert!(log.is_found(&content));
    });
}

#[test]
fn any_dropped_swapped_or_inserted_line_is_found() {
    let log = Tampering::new();
    let lines = &log.lines;
    let count = lines.len();
    for dropped in 0..count - 1 {
        let rest: Vec<_> = lines
            .iter()
            .enumerate()
            .filter(|(index, _)| *index != dropped)
            .collect();
        assert!(
            log.is_found(
                &rest
                    .iter()
                    .flat_map(|(_, line)| (*line).clone())
                    .collect::<Vec<_>>()
            ),
            "{dropped}"
        );
    }
    for (one, other) in (0..count).flat_map(|one| (0..one).map(move |other| (one, other))) {
        let mut lines = lines.clone();
        lines.swap(one, other);
        assert!(log.is_found(&lines.concat()), "{one} and {other}");
    }
    let foreign: [&[u8]; 3] = [b"\n", b"note\n", b"{}\n"];
    for place in 0..=count {
        let copies = lines.iter().map(Vec::as_slice).chain(foreign);
        for inserted in copies {
            let content = [&lines[..place].concat(), inserted, &lines[place..].concat()].concat();
            assert!(
                log.is_found(&content),
                "{} at {place}",
                String::from_utf8_lossy(inserted)
            );
        }
    }
}

#[test]
fn a_break_is_named_with_its_place() {
    let (_folder, log) = fresh();
    (1..6).for_each(|number| drop(log.append(intent(number), at(0)).unwrap()));
    let content = fs::read_to_string(log.path()).unwrap();
    let third: usize = content.split_inclusive('\n').take(2).map(str::len).sum();
    fs::write(log.path(), content.replace("replicas=3", "replicas=9")).unwrap();
    let breaks = log.verify().unwrap().breaks;
    assert_eq!(
        breaks,
        [audit::Break {
            line: 3,
            byte_offset: third as u64,
            reason: BreakReason::Altered
        }]
    );
    let records: Vec<_> = log.records().unwrap().collect();
    assert!(matches!(records[2], Err(AuditError::Unreadable { line: 3, .. })));
    assert_eq!(records.iter().filter(|record| record.is_ok()).count(), 4);
    assert!(
        log.find(&action(3).short()).unwrap().is_empty(),
        "an altered record must not be acted on"
    );
}

#[test]
fn a_cut_in_mid_line_is_explained_and_kept() {
    for cut_off in [1, 2, 50, 100, 300] {
        let (_folder, log) = fresh();
        log.append(intent(1), at(0)).unwrap();
        log.append(intent(2), at(0)).unwrap();
        cut(&log, cut_off);
        let before = fs::read(log.path()).unwrap();
        assert_eq!(reasons(&log), [BreakReason::Torn], "cut {cut_off}");
        log.append(outcome(1), at(1)).unwrap();
        let verification = log.verify().unwrap();
        assert!(verification.intact(), "cut {cut_off}: {verification:?}");
        assert_eq!(verification.tears.len(), 1);
        assert!(
            fs::read(log.path()).unwrap().starts_with(&before),
            "evidence is gone"
        );
        let records: Vec<_> = log.trusted_records().unwrap().map(Result::unwrap).collect();
        assert_eq!(records.len(), if cut_off == 1 { 4 } else { 3 });
    }
}

#[test]
fn a_crash_while_explaining_a_crash_is_explained_too() {
    let (_folder, log) = fresh();
    log.append(intent(1), at(0)).unwrap();
    log.append(intent(2), at(0)).unwrap();
    cut(&log, 60);
    let torn = fs::read(log.path()).unwrap().len();
    log.append(intent(3), at(0)).unwrap();
    let grown = fs::read(log.path()).unwrap().len() - torn;
    cut(&log, grown - 30);
    log.append(intent(4), at(0)).unwrap();
    let verification = log.verify().unwrap();
    assert!(verification.intact(), "{verification:?}");
    assert_eq!((verification.records, verification.tears.len()), (3, 1));
}

#[test]
fn a_crash_in_the_first_record_is_explained() {
    let (_folder, log) = fresh();
    fs::write(log.path(), "{\"sequ").unwrap();
    log.append(intent(1), at(0)).unwrap();
    let verification = log.verify().unwrap();
    assert!(verification.intact(), "{verification:?}");
    assert_eq!((verification.records, verification.tears), (2, vec![2]));
}

#[test]
fn nothing_is_chained_to_an_altered_end() {
    let (_folder, log) = fresh();
    log.append(intent(1), at(0)).unwrap();
    log.append(intent(2), at(0)).unwrap();
    let content = fs::read_to_string(log.path()).unwrap();
    let altered = content.replace("replicas=2", "replicas=9");
    for tampered in [
        altered.clone(),
        altered.trim_end().into(),
        format!("{content}note\n"),
        format!("{content}\n"),
    ] {
        fs::write(log.path(), &tampered).unwrap();
        let error = log.append(intent(3), at(0)).unwrap_err();
        assert!(
            matches!(error, AuditError::Broken { byte_offset, .. } if byte_offset > 0),
            "{error}"
        );
        assert!(error.hint().is_some());
        assert_eq!(fs::read_to_string(log.path()).unwrap(), tampered);
    }
}

#[test]
fn records_larger_than_the_window_are_chained() {
    let (_folder, log) = fresh();
    for size in [200_000, 10, 65_536, 1_000_000] {
        log.append(
            Entry::Read {
                action: action(1),
                body: json!("x".repeat(size)),
            },
            at(0),
        )
        .unwrap();
    }
    cut(&log, 500_000);
    log.append(intent(2), at(0)).unwrap();
    let verification = log.verify().unwrap();
    assert!(verification.intact(), "{verification:?}");
    assert_eq!(verification.records, 5);
}

#[test]
fn what_could_not_be_read_back_is_refused() {
    let (_folder, log) = fresh();
    let deep = (0..200).fold(json!(1), |inner, _| json!([inner]));
    let error = log
        .append(
            Entry::Read {
                action: action(1),
                body: deep,
            },
            at(0),
        )
        .unwrap_err();
    assert!(matches!(error, AuditError::Unrecordable { .. }), "{error}");
    log.append(intent(1), at(0)).unwrap();
    cut(&log, 9);
    log.append(intent(2), at(0)).unwrap();
    let recovered = all_trusted(&log)
        .into_iter()
        .find(|record| record.entry.action().is_none())
        .unwrap();
    let error = log.append(recovered.entry, at(0)).unwrap_err();
    assert!(matches!(error, AuditError::Unrecordable { .. }), "{error}");
    assert!(log.verify().unwrap().intact());
}

fn all_trusted(log: &AuditLog) -> Vec<Record> {
    log.trusted_records().unwrap().collect::<Result<_, _>>().unwrap()
}

#[test]
fn each_obstacle_has_its_own_error() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("file");
    fs::write(&file, "").unwrap();
    for path in [file.clone(), file.join("audit")] {
        let error = AuditLog::open(&path).unwrap_err();
        assert!(matches!(error, AuditError::NotAFolder { .. }), "{error}");
    }
    let error = AuditLog::at(folder.path()).verify().unwrap_err();
    assert!(matches!(error, AuditError::Missing { .. }), "{error}");
    let log = AuditLog::open(folder.path())
        .unwrap()
        .with_patience(Duration::ZERO);
    let holder = fs::File::open(log.path()).unwrap();
    holder.lock().unwrap();
    for error in [
        log.append(intent(1), at(0)).map(drop).unwrap_err(),
        log.verify().map(drop).unwrap_err(),
    ] {
        assert!(matches!(error, AuditError::Locked { .. }), "{error}");
        assert!(error.hint().is_some());
    }
    holder.unlock().unwrap();
    log.append(intent(1), at(0)).unwrap();
}

#[cfg(target_os = "linux")]
#[test]
fn a_full_disk_is_said_so() {
    let folder = tempfile::tempdir().unwrap();
    std::os::unix::fs::symlink("/dev/full", folder.path().join("audit.jsonl")).unwrap();
    let log = AuditLog::open(folder.path()).unwrap();
    let error = log.append(intent(1), at(0)).unwrap_err();
    assert!(matches!(error, AuditError::Full { .. }), "{error}");
}

#[cfg(unix)]
#[test]
fn a_folder_that_is_not_ours_is_said_so() {
    use std::os::unix::fs::PermissionsExt;
    let folder = tempfile::tempdir().unwrap();
    fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o500)).unwrap();
    if fs::write(folder.path().join("probe"), "").is_ok() {
        return; // root may write anywhere
    }
    let error = AuditLog::open(folder.path()).unwrap_err();
    assert!(matches!(error, AuditError::Denied { .. }), "{error}");
}

#[test]
fn threads_keep_the_chain() {
    let (folder, log) = fresh();
    std::thread::scope(|scope| {
        for thread in 0..8 {
            let log = AuditLog::open(folder.path()).unwrap();
            scope.spawn(move || (0..6).for_each(|_| drop(log.append(intent(thread), at(0)).unwrap())));
        }
        for _ in 0..5 {
            assert!(log.verify().unwrap().intact(), "a reader saw half a record");
        }
    });
    let verification = log.verify().unwrap();
    assert!(verification.intact(), "{verification:?}");
    assert_eq!(verification.records, 48);
}

/// Runs in a process of its own, started by the tests below.
#[test]
#[ignore = "started by other tests"]
fn child_appends() {
    let folder = std::env::var_os(CHILD_FOLDER).expect("a folder");
    let log = AuditLog::open(Path::new(&folder)).unwrap();
    (0..6).for_each(|number| drop(log.append(intent(number), at(0)).unwrap()));
}

/// Tries one record that is larger than the file may become.
#[test]
#[ignore = "started by other tests"]
fn child_exceeds_the_limit() {
    let folder = std::env::var_os(CHILD_FOLDER).expect("a folder");
    let entry = Entry::Read {
        action: action(1),
        body: json!("x".repeat(100_000)),
    };
    let error = AuditLog::open(Path::new(&folder))
        .unwrap()
        .append(entry, at(0))
        .unwrap_err();
    assert!(matches!(error, AuditError::Full { .. }), "{error}");
}

fn child(shell: &str, test: &str, folder: &Path) -> Child {
    Command::new("sh")
        .args(["-c", &format!("{shell} exec \"$0\" --ignored --exact \"$1\"")])
        .arg(std::env::current_exe().unwrap())
        .arg(format!("suite::audit::{test}"))
        .env(CHILD_FOLDER, folder)
        .stdout(Stdio::null())
        .spawn()
        .unwrap()
}

#[cfg(unix)]
#[test]
fn processes_keep_the_chain() {
    let (folder, log) = fresh();
    let children: Vec<_> = (0..4)
        .map(|_| child("", "child_appends", folder.path()))
        .collect();
    for mut child in children {
        assert!(child.wait().unwrap().success());
    }
    let verification = log.verify().unwrap();
    assert!(verification.intact(), "{verification:?}");
    assert_eq!(verification.records, 24);
}

/// The shell's limit makes the system accept the first part of the write and refuse the rest.
#[cfg(unix)]
#[test]
fn a_half_written_record_is_cut_off_again() {
    let (folder, log) = fresh();
    log.append(intent(1), at(0)).unwrap();
    let before = fs::read(log.path()).unwrap();
    let mut child = child(
        "trap '' XFSZ; ulimit -f 16;",
        "child_exceeds_the_limit",
        folder.path(),
    );
    assert!(child.wait().unwrap().success());
    assert_eq!(fs::read(log.path()).unwrap(), before);
    log.append(intent(2), at(0)).unwrap();
    assert!(log.verify().unwrap().intact());
}

#[test]
fn secrets_never_reach_the_file() {
    // As text: `correct-horse-battery`, `hunter2-hunter2`, `tr0ub4dor&3 x`, `eyJhbGciOi.token`, `postgres`.
    let secret = json!({
        "apiVersion": "v1", "kind": "Secret",
        "metadata": {"name": "postgres", "annotations": {
            "kubectl.kubernetes.io/last-applied-configuration": "{\"data\":{\"a\":\"Y29ycmVjdC1ob3JzZS1iYXR0ZXJ5\"}}",
            "team": "shop",
        }},
        "data": {"password": "Y29ycmVjdC1ob3JzZS1iYXR0ZXJ5", "user": "cG9zdGdyZXM="},
        "stringData": {"other": "hunter2-hunter2"},
    });
    let mut typed_list_item = secret.clone();
    typed_list_item.as_object_mut().unwrap().shift_remove("kind");
    let body = json!({
        "request": "set the password to correct-horse-battery please",
        "steps": [
            {"command": "kubectl create secret generic db --from-literal=key='tr0ub4dor&3 x' -n shop",
             "object": secret, "before": {"kind": "List", "items": [secret]},
             "diff": "  data:\n-   password: Y29ycmVjdC1ob3JzZS1iYXR0ZXJ5\n+   other: hunter2-hunter2\n"},
            {"command": "kubectl delete secret/postgres", "after": {"kind": "SecretList", "items": [typed_list_item]}},
            {"command": "kubectl patch secret db -p '{\"stringData\":{\"k\":\"hunter2-hunter2\"}}'",
             "resource": "secrets", "patch": [{"op": "add", "path": "/data/k", "value": "Y29ycmVjdC1ob3JzZS1iYXR0ZXJ5"}]},
            {"response": {"kind": "TokenRequest", "status": {"token": "eyJhbGciOi.token", "expirationTimestamp": "t"}}},
        ],
        "stdin": "apiVersion: v1\nkind: Secret\nstringData:\n  x: swordfish-9\n",
        "config": {"kind": "ConfigMap", "data": {"mode": "fast"}},
    });
    let (_folder, log) = fresh();
    log.append(
        Entry::Intent {
            action: action(1),
            body,
        },
        at(0),
    )
    .unwrap();
    let content = fs::read_to_string(log.path()).unwrap();
    let encoded = ["Y29ycmVjdC1ob3JzZS1iYXR0ZXJ5", "cG9zdGdyZXM="];
    let plain = ["correct-horse", "hunter2", "tr0ub4dor", "eyJhbGciOi", "swordfish"];
    for planted in encoded.iter().chain(&plain) {
        assert!(!content.contains(planted), "{planted} in {content}");
    }
    let body = all(&log)[0].entry.body().unwrap().clone();
    let object = &body["steps"][0]["object"];
    assert_eq!(
        object["data"],
        json!({"password": "<redacted 21 bytes>", "user": "<redacted 8 bytes>"})
    );
    assert_eq!(
        object["metadata"],
        json!({"name": "postgres", "annotations": {"team": "shop"}})
    );
    let command = "kubectl create secret generic db --from-literal=key=<redacted 13 bytes> -n shop";
    assert_eq!(body["steps"][0]["command"], command);
    assert_eq!(body["steps"][1]["command"], "kubectl delete secret/postgres");
    assert_eq!(
        body["config"],
        json!({"kind": "ConfigMap", "data": {"mode": "fast"}})
    );
    assert!(has_redactions(&body["steps"][0]["object"]) && !has_redactions(&body["config"]));
}

#[test]
fn what_is_not_secret_stays_as_it_is() {
    let plain = json!({
        "kind": "Deployment", "data": {"password": "plain"}, "resource": "configmaps",
        "command": "kubectl create configmap settings --from-literal=mode=fast",
        "request": "what is a Secret for?", "token": 7,
        "event": {"involvedObject": {"kind": "Secret", "name": "db"}, "message": "created"},
    });
    let mut redacted = plain.clone();
    redact(&mut redacted);
    assert_eq!(redacted, plain);
}

proptest! {
    #[test]
    fn a_planted_secret_is_nowhere_left(secret in "[!-~]{1,4}[g-zG-Z!-/]{8}[ -~]{0,9}[!-~]", before in "[ -~\n]{0,40}") {
        use base64::{Engine, engine::general_purpose::STANDARD as BASE64};
        prop_assume!(!before.contains(&secret));
        let quoted = shlex::try_quote(&secret).unwrap();
        let encoded = BASE64.encode(&secret);
        let mut body = json!({
            "object": {"kind": "Secret", "data": {"a": &encoded}, "stringData": {"b": &secret}},
            "command": format!("kubectl create secret generic x --from-literal={} -n shop", format!("k={quoted}")),
            "arguments": ["create", "secret", format!("--from-literal=k={quoted}")],
            "diff": format!("{before}\n- {encoded}\n+ {secret}\n"),
        });
        redact(&mut body);
        let escaped = json!(secret).to_string();
        let text = body.to_string();
        prop_assert!(!text.contains(&escaped[1..escaped.len() - 1]) && !text.contains(&encoded), "{}", text);
        prop_assert_eq!(&body["object"]["data"]["a"], &json!(format!("<redacted {} bytes>", secret.len())));
        prop_assert!(body["command"].as_str().unwrap().ends_with("-n shop"), "{}", text);
    }
}

#[test]
fn redacting_twice_changes_nothing() {
    let mut once = json!({
        "object": {"kind": "Secret", "data": {"a": "c2VjcmV0LXdvcmQ="}, "stringData": {"b": "other-word"}},
        "command": "create secret generic x --from-literal=k=secret-word --from-literal v=other-word",
        "diff": "secret-word\nother-word",
    });
    redact(&mut once);
    let mut twice = once.clone();
    redact(&mut twice);
    assert_eq!(once, twice);
}

/// Three actions: one done, one denied, one cut short.
fn history() -> Vec<Record> {
    let (_folder, log) = fresh();
    let denied =
        json!({"user": "=cmd()", "outcome": "denied", "steps": [{"command": "kubectl delete pod/\"a,b\""}]});
    log.append(intent(1), at(0)).unwrap();
    log.append(
        Entry::Decision {
            action: action(2),
            body: denied,
        },
        at(10),
    )
    .unwrap();
    log.append(intent(3), at(20)).unwrap();
    log.append(outcome(1), at(30)).unwrap();
    all(&log)
}

#[test]
fn records_become_actions() {
    let actions = audit::actions(history(), &Filter::default());
    let told: Vec<_> = actions
        .iter()
        .map(|action| (action.user(), action.verdict(), action.at))
        .collect();
    assert_eq!(
        told,
        [
            ("ada", "done", at(0)),
            ("=cmd()", "denied", at(10)),
            ("ada", "unfinished", at(20))
        ]
    );
    assert_eq!(
        actions[0].commands(),
        ["kubectl scale deployment/web --replicas=1"]
    );
    assert!(
        actions[0].outcome().is_some() && actions[1].intent().is_none() && actions[1].decision().is_some()
    );
}

#[test]
fn filters_keep_what_passes_them_all() {
    let count = |filter: Filter| audit::actions(history(), &filter).len();
    let some = |text: &str| Some(text.to_string());
    assert_eq!(
        count(Filter {
            since: Some(at(10)),
            ..Filter::default()
        }),
        2
    );
    assert_eq!(
        count(Filter {
            user: some("ada"),
            ..Filter::default()
        }),
        2
    );
    assert_eq!(
        count(Filter {
            object: some("deployment/web"),
            ..Filter::default()
        }),
        2
    );
    assert_eq!(
        count(Filter {
            verdict: some("denied"),
            ..Filter::default()
        }),
        1
    );
    assert_eq!(
        count(Filter {
            user: some("ada"),
            verdict: some("denied"),
            ..Filter::default()
        }),
        0
    );
    assert_eq!(
        count(Filter {
            since: Some(at(1)),
            object: some("web"),
            ..Filter::default()
        }),
        1
    );
}

#[test]
fn exports_can_be_read_by_others() {
    let actions = audit::actions(history(), &Filter::default());
    let (mut lines, mut table) = (Vec::new(), Vec::new());
    audit::export::json_lines(&actions, &mut lines).unwrap();
    audit::export::csv(&actions, &mut table).unwrap();
    let lines: Vec<Value> = String::from_utf8(lines)
        .unwrap()
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert_eq!(lines.len(), 3);
    assert_eq!(
        (&lines[0]["verdict"], &lines[0]["outcome"]["outcome"]),
        (&json!("done"), &json!("done"))
    );
    assert_eq!(lines[2]["outcome"], Value::Null);
    let table = String::from_utf8(table).unwrap();
    assert_eq!(
        table.lines().next(),
        Some("action,at,user,context,verdict,commands")
    );
    let denied = format!(
        "{},{},'=cmd(),,denied,\"kubectl delete pod/\"\"a,b\"\"\"",
        action(2),
        at(10)
    );
    assert_eq!(table.lines().nth(2), Some(denied.as_str()));
}
