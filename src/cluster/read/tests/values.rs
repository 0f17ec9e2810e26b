//! What text and numbers are made of, each by itself: ages, amounts, tables, paths, masks, stages of a rollout.

use super::*;

#[test]
fn ages_are_kubectls() {
    let now: Timestamp = "2026-01-10T12:00:00Z".parse().unwrap();
    for (since, expected) in [
        ("2026-01-10T12:00:01Z", "0s"),
        ("2026-01-10T12:01:00Z", "<invalid>"),
        ("2026-01-10T11:58:30Z", "90s"),
        ("2026-01-10T11:56:40Z", "3m20s"),
        ("2026-01-10T11:55:00Z", "5m"),
        ("2026-01-10T11:45:30Z", "14m"),
        ("2026-01-10T08:50:00Z", "3h10m"),
        ("2026-01-09T12:00:00Z", "24h"),
        ("2026-01-05T09:00:00Z", "5d3h"),
        ("2025-12-29T12:00:00Z", "12d"),
        ("2023-01-10T12:00:00Z", "3y1d"),
        ("soon", "<unknown>"),
    ] {
        assert_eq!(age(since, now), expected, "{since}");
    }
    assert_eq!(moment("2006-01-02T15:04:05Z"), "Mon, 02 Jan 2006 15:04:05 +0000");
}

#[test]
fn nothing_that_a_terminal_acts_on_is_printed() {
    for (text, expected) in [
        ("plain\ttext\n", "plain\ttext\n"),
        ("\u{1b}[31mred\u{1b}[0m", "red"),
        ("\u{1b}]0;title\u{7}after", "after"),
        ("\u{1b}]8;;http://x\u{1b}\\link\u{1b}]8;;\u{1b}\\", "link"),
        ("\u{1b}]never ended\nnext line", "\nnext line"),
        ("\u{1b}(Bset\u{1b}c", "set"),
        ("bell\u{7} back\u{8} nul\0 delete\u{7f}", "bell back nul delete"),
        ("\u{9b}2Jcleared\u{85}", "cleared"),
        ("\u{90}q\u{9c}string", "string"),
        ("one\r\ntwo\rthree", "one\ntwothree"),
        ("user\u{202e}nimda", "user\\u{202e}nimda"),
        ("a\u{2066}b\u{2069}", "a\\u{2066}b\\u{2069}"),
        ("Grüße 日本", "Grüße 日本"),
    ] {
        assert_eq!(printable(text), expected, "{text:?}");
    }
}

#[test]
fn tables_stand_as_kubectl_sets_them() {
    let rows = [
        vec!["a".to_owned(), "日本".to_owned(), "x".to_owned()],
        vec!["longer-name".to_owned(), "b".to_owned(), "two\nlines".to_owned()],
    ];
    let expected = "\
NAME          IP     STATUS
a             日本   x
longer-name   b      two...
";
    assert_eq!(table(&["NAME", "IP", "STATUS"], &rows), expected);
    assert_eq!(
        align("Name:\tx\nLong Name:\ty\nalone\na:\tb", 0, 2),
        "Name:       x\nLong Name:  y\nalone\na:  b"
    );
}

#[test]
fn secrets_are_masked_wherever_they_stand() {
    let secret = json!({
        "kind": "Secret",
        "metadata": {
            "name": "s", "managedFields": [{}],
            "annotations": {mask::LAST_APPLIED: "{\"data\":{\"a\":\"c2VjcmV0\"}}", "kept": "yes"},
        },
        "data": {"a": "c2VjcmV0", "odd": 5},
        "stringData": {"b": "secret"},
    });
    let mut bare = secret.clone();
    bare.as_object_mut().unwrap().remove("kind");
    let mut all = [
        secret.clone(),
        json!({"kind": "List", "items": [secret.clone()]}),
        json!({"kind": "SecretList", "items": [bare]}),
    ];
    for object in &mut all {
        mask(object);
        mask(object);
        let text = object.to_string();
        assert!(text.contains("<6 bytes>") && text.contains("kept"), "{text}");
        for forbidden in ["c2VjcmV0", "\"secret\"", "managedFields"] {
            assert!(!text.contains(forbidden), "{text}");
        }
    }
    let mut other = json!({"kind": "ConfigMap", "data": {"a": "b"}});
    mask(&mut other);
    assert_eq!(other["data"]["a"], "b");
}

#[test]
fn json_keeps_what_is_not_printable_as_escapes() {
    let object = json!({"kind": "ConfigMap", "data": {"a": "x\u{202e}y\u{9b}z\u{1b}"}});
    let output = document::print(object.clone(), "json").unwrap();
    assert!(output.text.contains(r"x\u202ey\u009bz\u001b"), "{}", output.text);
    assert_eq!(serde_json::from_str::<Value>(&output.text).unwrap(), object);
}

#[test]
fn paths_and_order_are_kubectls() {
    assert_eq!(sort::pointer(".metadata.name"), "/metadata/name");
    assert_eq!(
        sort::pointer("{.status.containerStatuses[0].restartCount}"),
        "/status/containerStatuses/0/restartCount"
    );
    assert_eq!(
        sort::pointer(r".metadata.labels.app\.kubernetes\.io/name"),
        "/metadata/labels/app.kubernetes.io~1name"
    );
    let mut names = [json!("web-10"), json!("web-2"), json!("api")];
    names.sort_by(|left, right| sort::compare(Some(left), Some(right)));
    assert_eq!(names, [json!("api"), json!("web-2"), json!("web-10")]);
    let mut sizes = [Some(json!("1Gi")), None, Some(json!("200Mi"))];
    sizes.sort_by(|left, right| sort::compare(left.as_ref(), right.as_ref()));
    assert_eq!(sizes, [None, Some(json!("200Mi")), Some(json!("1Gi"))]);
}

#[test]
fn amounts_are_read_in_every_unit() {
    assert_eq!(quantity::millicores("100m"), 100);
    assert_eq!(quantity::millicores("0.1"), 100);
    assert_eq!(quantity::millicores("1500001n"), 2);
    assert_eq!(quantity::bytes("64Mi"), 64 * 1024 * 1024);
    assert_eq!(quantity::bytes("1e3"), 1000);
    assert_eq!(quantity::percent(1, 3), 33);
    assert_eq!(quantity::percent(1, 0), 0);
    assert_eq!(logs::seconds("1h30m5s"), 5405);
}

#[test]
fn a_rollout_is_told_at_every_stage() {
    let deployment = |spec: i64, status: Value| {
        let object = json!({
            "metadata": {"name": "web", "generation": 2}, "spec": {"replicas": spec}, "status": status,
        });
        rollout::deployment(&object).map(|(message, _)| message)
    };
    let status = |all: i64, updated: i64, available: i64| {
        json!({
            "observedGeneration": 2, "replicas": all, "updatedReplicas": updated, "availableReplicas": available,
        })
    };
    let waiting = "Waiting for deployment \"web\" rollout to finish: ";
    for (status, expected) in [
        (
            json!({"observedGeneration": 1}),
            "Waiting for deployment spec update to be observed...".to_owned(),
        ),
        (
            status(3, 1, 3),
            format!("{waiting}1 out of 3 new replicas have been updated..."),
        ),
        (
            status(4, 3, 3),
            format!("{waiting}1 old replicas are pending termination..."),
        ),
        (
            status(3, 3, 1),
            format!("{waiting}1 of 3 updated replicas are available..."),
        ),
        (
            status(3, 3, 3),
            "deployment \"web\" successfully rolled out".to_owned(),
        ),
    ] {
        assert_eq!(deployment(3, status).unwrap(), expected);
    }
    let stuck = json!({
        "observedGeneration": 2,
        "conditions": [{"type": "Progressing", "reason": "ProgressDeadlineExceeded"}],
    });
    assert!(
        deployment(3, stuck)
            .unwrap_err()
            .to_string()
            .contains("progress deadline")
    );
}
