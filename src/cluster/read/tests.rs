//! Renderers on fixed objects, and reads against the sandbox, held against the real kubectl where there is one.

use std::process::Command;

use serde_json::json;
use tempfile::TempDir;

use super::*;
use crate::cluster::ConnectOptions;
use crate::sandbox::{self, Options, Running, Seed};

/// A sandbox with a connection, and kubectl pointed at it.
struct Stand {
    running: Running,
    cluster: Cluster,
    folder: TempDir,
}

async fn stand(seed: Seed) -> Stand {
    let options = Options {
        seed,
        ..Options::default()
    };
    let running = sandbox::start(options).await.unwrap();
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("config"), running.kubeconfig()).unwrap();
    let cluster = connect(&running, None).await;
    Stand {
        running,
        cluster,
        folder,
    }
}

async fn connect(running: &Running, user: Option<&str>) -> Cluster {
    let options = ConnectOptions {
        inline: Some(running.kubeconfig()),
        impersonate: user.map(str::to_owned),
        ..ConnectOptions::default()
    };
    Cluster::connect(&options).await.unwrap()
}

async fn read(cluster: &Cluster, line: &str) -> Result<ReadOutput, ClusterError> {
    let step: Step = line.parse().unwrap_or_else(|error| panic!("{line}: {error}"));
    cluster.read(&step).await
}

impl Stand {
    async fn good(&self, line: &str) -> ReadOutput {
        let output = read(&self.cluster, line).await;
        output.unwrap_or_else(|error| panic!("{line}: {error}"))
    }

    async fn bad(&self, line: &str) -> ClusterError {
        read(&self.cluster, line).await.unwrap_err()
    }

    /// What kubectl prints, errors behind the rest; nothing where there is no kubectl.
    async fn kubectl(&self, line: &str) -> Option<String> {
        let words = shlex::split(line).unwrap();
        let mut command = Command::new("kubectl");
        command
            .args(words)
            .env("KUBECONFIG", self.folder.path().join("config"))
            .env("HOME", self.folder.path())
            .env("KUBECACHEDIR", self.folder.path().join("cache"));
        let output = tokio::task::spawn_blocking(move || command.output())
            .await
            .unwrap();
        let output = output.ok()?;
        let errors = String::from_utf8_lossy(&output.stderr);
        Some(format!("{}{errors}", String::from_utf8_lossy(&output.stdout)))
    }
}

/// Lines whose output is kubectl's, but for spaces at the ends of lines.
const SAME: &[&str] = &[
    "get pods",
    "get pods -A",
    "get pods -o wide",
    "get pods --show-labels",
    "get deployments,services",
    "get nodes -o wide",
    "get namespaces",
    "get pods -l app=web",
    "get pods -l app=nothing",
    "get pods -n default",
    "get pods --field-selector=status.phase=Running -A",
    "get pods --sort-by=.metadata.name",
    "get deployment/web",
    "get deployment/web service/web",
    "get deployment/web deployment/cart",
    "get deployment/web -o yaml",
    "get deployment/web -o json",
    "get deployment/web service/web -o name",
    "get pods -o name",
    "get services -o json -n blog",
    "get ingresses,cronjobs,jobs",
    "get persistentvolumeclaims,poddisruptionbudgets,horizontalpodautoscalers",
    "get secrets",
    "top pods",
    "top pods -A",
    "top pods --containers",
    "top pods --sort-by=cpu",
    "top nodes",
    "events",
    "events -A",
    "events --types=Warning",
    "rollout status deployment/web",
    "rollout status statefulset/db",
    "rollout status daemonset/node-exporter -n monitoring",
    "rollout history deployment/web",
    "rollout history statefulset/db",
    "explain deployment",
    "explain deployment.spec",
    "explain deployment.spec.replicas",
    "explain pod.spec.containers.image",
    "explain deployment --recursive",
    "explain service.spec.ports",
    "explain pod.metadata",
    "describe deployment/web",
    "describe service/web",
    "describe pods -l app=web",
    "describe statefulset/db",
    "describe job/import-catalog",
    "describe cronjob/nightly-report",
    "describe persistentvolumeclaim/data-db-0",
    "logs deployment/web --tail=3",
    "logs deployment/payments-api --tail=1",
];

fn trimmed(text: &str) -> String {
    let lines: Vec<&str> = text.trim_end().lines().map(str::trim_end).collect();
    lines.join("\n")
}

#[tokio::test(flavor = "multi_thread")]
async fn reads_print_what_kubectl_prints() {
    let stand = stand(Seed::Shop).await;
    let mut wrong = Vec::new();
    for line in SAME {
        let output = stand.good(line).await;
        let ours = format!("{}{}", output.text, output.notices.join("\n"));
        let Some(theirs) = stand.kubectl(line).await else {
            eprintln!("skipped: kubectl is not installed");
            return;
        };
        if trimmed(&ours) != trimmed(&theirs) {
            wrong.push(format!("{line}\n--- ours\n{ours}\n--- kubectl\n{theirs}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_snapshot_has_names_containers_and_replicas() {
    let stand = stand(Seed::Shop).await;
    let snapshot = stand.cluster.snapshot().await.unwrap();
    assert_eq!(snapshot.default_namespace, "shop");
    assert!(snapshot.namespaces.contains(&"blog".to_owned()));
    let find = |kind: &str, namespace: &str, name: &str| {
        let found = snapshot
            .objects
            .iter()
            .find(|fact| fact.kind == kind && fact.namespace == namespace && fact.name == name);
        found
            .cloned()
            .unwrap_or_else(|| panic!("no {kind} {namespace}/{name}"))
    };
    let web = find("deployment", "shop", "web");
    assert_eq!(web.replicas, Some(3));
    assert_eq!(web.containers[0].0, "nginx");
    assert!(!find("cronjob", "shop", "nightly-report").containers.is_empty());
    assert!(!find("statefulset", "shop", "db").labels.is_empty());
    for (kind, namespace, name) in [
        ("secret", "shop", "payments-credentials"),
        ("configmap", "shop", "web-config"),
        ("node", "", "node-1"),
        ("persistentvolumeclaim", "shop", "data-db-0"),
    ] {
        find(kind, namespace, name);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_snapshot_leaves_out_what_may_not_be_seen() {
    let stand = stand(Seed::Shop).await;
    let cluster = connect(&stand.running, Some("viewer")).await;
    let snapshot = cluster.snapshot().await.unwrap();
    assert!(snapshot.objects.iter().any(|fact| fact.kind == "deployment"));
    assert!(snapshot.objects.iter().all(|fact| fact.kind != "secret"));
    let stranger = connect(&stand.running, Some("blogger")).await;
    let snapshot = stranger.snapshot().await.unwrap();
    assert_eq!(snapshot.namespaces, ["shop"]);
    let denied = read(&stranger, "get pods").await.unwrap_err();
    assert!(matches!(denied, ClusterError::Api { code: 403, .. }), "{denied}");
}

#[tokio::test(flavor = "multi_thread")]
async fn secret_values_never_leave() {
    let stand = stand(Seed::Shop).await;
    let raw = stand.running.objects();
    let secret = raw
        .iter()
        .find(|object| json::text(object, "/metadata/name") == "payments-credentials");
    let values: Vec<String> = json::entries(secret.unwrap(), "/data")
        .into_iter()
        .map(|(_, value)| json::word(value))
        .collect();
    assert!(!values.is_empty());
    for line in [
        "get secrets -o yaml",
        "get secret/payments-credentials -o json",
        "get secrets -A -o json",
        "get secrets --sort-by=.metadata.name",
        "get secrets,configmaps -o yaml",
        "describe secret/payments-credentials",
        "describe secrets -A",
    ] {
        let output = stand.good(line).await;
        assert!(output.text.contains("payments-credentials"), "{line}");
        let everything = format!("{}{:?}", output.text, output.data);
        for value in &values {
            assert!(!everything.contains(value), "{line} shows `{value}`");
        }
    }
    let shown = stand.good("get secret/payments-credentials -o yaml").await.text;
    assert!(shown.contains(" bytes>"), "{shown}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_there_is_said() {
    let stand = stand(Seed::Shop).await;
    let nothing = stand.good("get pods -n default").await;
    assert_eq!(
        (nothing.text.as_str(), nothing.found),
        ("No resources found in default namespace.\n", false)
    );
    assert!(!stand.good("get pods -l app=nothing -o json").await.found);
    let missing = stand.bad("get deployment/nothing").await;
    assert_eq!(missing.to_string(), "deployments.apps \"nothing\" not found");
    let some = stand.good("get deployment/web deployment/nothing").await;
    assert_eq!(some.notices, ["deployments.apps \"nothing\" not found"]);
    assert!(matches!(
        stand.bad("get gadgets").await,
        ClusterError::NoSuchKind(_)
    ));
    assert_eq!(
        stand.bad("explain deployment.spec.nothing").await.to_string(),
        "field `nothing` does not exist"
    );
    assert_eq!(
        stand
            .bad("logs deployment/web -c nothing")
            .await
            .to_string()
            .split(" in pod")
            .next(),
        Some("container `nothing` is not")
    );
    let refused = stand.bad("scale deployment/web --replicas=1").await;
    assert!(refused.to_string().contains("not a read"), "{refused}");
}

#[tokio::test(flavor = "multi_thread")]
async fn access_is_asked_for_oneself_and_for_others() {
    let stand = stand(Seed::Shop).await;
    assert_eq!(stand.good("auth can-i delete deployments").await.text, "yes\n");
    let denied = stand.good("auth can-i delete deployments --as=viewer").await;
    assert!(denied.text.starts_with("no"), "{}", denied.text);
    assert_eq!(denied.data.unwrap()["allowed"], json!(false));
    assert_eq!(
        stand.good("auth can-i get pods/log --as=viewer").await.text,
        "yes\n"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn logs_of_several_containers_say_whose_they_are() {
    let stand = stand(Seed::Shop).await;
    let output = stand
        .good("logs deployment/payments-api --all-containers --tail=2")
        .await;
    assert_eq!(output.text.lines().count(), 4);
    assert!(
        output
            .text
            .lines()
            .all(|line| line.starts_with("[pod/payments-api-"))
    );
    assert!(output.text.contains("/envoy] "));
    assert!(output.notices[0].starts_with("Found 2 pods, using pod/payments-api-"));
    let one = stand.good("logs deployment/payments-api --tail=2").await;
    assert!(one.notices[1].starts_with("Defaulted container \"app\" out of: app, envoy"));
}

/// A deployment whose pods fail in one way, with a service before it.
fn failing(name: &str, image: &str, fault: &str) -> String {
    format!(
        "apiVersion: apps/v1
kind: Deployment
metadata: {{name: {name}}}
spec:
  replicas: 1
  selector: {{matchLabels: {{app: {name}}}}}
  template:
    metadata:
      labels: {{app: {name}}}
      annotations: {{sandbox.sayso.dev/fault: \"{fault}\"}}
    spec:
      containers:
      - {{name: main, image: \"{image}\", resources: {{limits: {{memory: 64Mi}}}}}}
---
apiVersion: v1
kind: Service
metadata: {{name: {name}}}
spec: {{selector: {{app: {name}}}, ports: [{{port: 80, targetPort: front}}]}}
---
"
    )
}

#[tokio::test(flavor = "multi_thread")]
async fn a_diagnosis_begins_with_what_is_wrong() {
    let manifests = [
        failing("pull", "nginx:missing", "image-pull"),
        failing("crash", "nginx:1", "crash-loop"),
        failing("memory", "nginx:1", "oom"),
        failing("homeless", "nginx:1", "unschedulable"),
        failing("well", "nginx:1", ""),
    ];
    let stand = stand(Seed::Manifests(manifests.concat())).await;
    for (name, expected) in [
        ("pull", "container main cannot pull image `nginx:missing`"),
        ("crash", "container main keeps ending and being started again"),
        ("memory", "killed for using more memory than it may (OOMKilled"),
        ("homeless", "no node takes it"),
        ("pull", "service pull: leads to no ready pod"),
        ("well", "its target port `front` is no port of its pods"),
    ] {
        let output = stand.good(&format!("diagnose deployment/{name}")).await;
        let findings = output.text.split("\n\n").next().unwrap();
        assert!(findings.contains(expected), "{name}\n{}", output.text);
        assert!(!output.data.unwrap()["findings"].as_array().unwrap().is_empty());
    }
    let logs = stand.good("diagnose deployment/crash").await.text;
    assert!(logs.contains("End of the log of crash-"), "{logs}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_diagnosis_of_what_is_well_says_so() {
    let stand = stand(Seed::Shop).await;
    for (line, expected) in [
        ("diagnose deployment/web", "no problem found: 3 of 3 pods ready\n"),
        ("diagnose service/web", "no problem found: 3 of 3 pods ready\n"),
        ("diagnose node/node-1", "no problem found: the node is ready"),
        ("diagnose job/import-catalog", "no problem found: "),
        (
            "diagnose horizontalpodautoscaler/cart",
            "no problem found: 2 of 2 pods ready\n",
        ),
        ("diagnose ingress/web", "no problem found: "),
        ("diagnose persistentvolumeclaim/data-db-0", "no problem found: "),
        ("diagnose statefulset/db", "no problem found: 1 of 1 pods ready\n"),
    ] {
        let text = stand.good(line).await.text;
        assert!(text.starts_with(expected), "{line}\n{text}");
    }
}

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

/// A pod with all that a description can show.
fn pod() -> Value {
    json!({
        "kind": "Pod", "apiVersion": "v1",
        "metadata": {
            "name": "web-1", "namespace": "shop", "uid": "u", "labels": {"app": "web", "tier": "front"},
            "annotations": {"note": "first\nsecond\u{1b}[31m"},
            "ownerReferences": [{"kind": "ReplicaSet", "name": "web", "controller": true}],
        },
        "spec": {
            "nodeName": "node-1", "serviceAccountName": "default",
            "containers": [{
                "name": "nginx", "image": "nginx:missing", "command": ["sh", "-c"],
                "ports": [{"containerPort": 80, "protocol": "TCP"}],
                "resources": {"limits": {"memory": "64Mi"}, "requests": {"cpu": "100m"}},
                "livenessProbe": {"httpGet": {"path": "/", "port": 80}, "periodSeconds": 5},
                "env": [
                    {"name": "LEVEL", "value": "debug"},
                    {"name": "PASSWORD", "valueFrom": {"secretKeyRef": {"name": "db", "key": "password"}}},
                    {"name": "NODE", "valueFrom": {"fieldRef": {"fieldPath": "spec.nodeName"}}},
                ],
                "volumeMounts": [{"name": "data", "mountPath": "/data", "readOnly": true}],
            }],
            "volumes": [{"name": "data", "persistentVolumeClaim": {"claimName": "data"}}],
            "tolerations": [{"key": "gone", "operator": "Exists", "effect": "NoExecute", "tolerationSeconds": 300}],
        },
        "status": {
            "phase": "Pending", "hostIP": "10.0.0.1", "qosClass": "Burstable",
            "conditions": [{"type": "Ready", "status": "False"}],
            "containerStatuses": [{
                "name": "nginx", "ready": false, "restartCount": 3,
                "state": {"waiting": {"reason": "ImagePullBackOff", "message": "Back-off"}},
                "lastState": {"terminated": {"exitCode": 137, "reason": "OOMKilled"}},
            }],
        },
    })
}

fn event() -> Value {
    json!({
        "type": "Warning", "reason": "Failed", "count": 4, "message": "Error: \u{1b}]0;x\u{7}ImagePullBackOff\n",
        "metadata": {"name": "e"}, "involvedObject": {"kind": "Pod", "name": "web-1"},
        "firstTimestamp": "2026-01-10T11:00:00Z", "lastTimestamp": "2026-01-10T11:58:00Z",
        "source": {"component": "kubelet"},
    })
}

#[test]
fn a_pod_is_described_whole() {
    let now: Timestamp = "2026-01-10T12:00:00Z".parse().unwrap();
    let related = describe::Related {
        events: vec![event()],
        ..describe::Related::default()
    };
    insta::assert_snapshot!(printable(&describe::render("pod", &pod(), &related, now)));
}

#[test]
fn an_unknown_kind_is_described_field_by_field() {
    let object = json!({
        "kind": "Widget", "apiVersion": "example.com/v1",
        "metadata": {"name": "one", "namespace": "shop", "creationTimestamp": "2026-01-10T11:00:00Z"},
        "spec": {"minSize": 2, "parts": [{"name": "a", "on": true}, {"name": "b"}], "tags": ["x", "y"], "none": {}},
        "status": {"phase": "Good\u{1b}[2J"},
    });
    let text = describe::render(
        "widgets.example.com",
        &object,
        &describe::Related::default(),
        Timestamp::UNIX_EPOCH,
    );
    insta::assert_snapshot!(printable(&text));
}

#[test]
fn a_diagnosis_reads_in_order() {
    let now: Timestamp = "2026-01-10T12:00:00Z".parse().unwrap();
    let service =
        json!({"metadata": {"name": "web"}, "spec": {"selector": {"app": "web"}, "ports": [{"port": 80}]}});
    let evidence = diagnose::Seen {
        kind: "deployment".to_owned(),
        object: json!({
            "kind": "Deployment",
            "metadata": {"name": "web", "namespace": "shop", "creationTimestamp": "2026-01-05T09:00:00Z"},
            "spec": {"replicas": 2},
            "status": {"conditions": [{"type": "Available", "status": "False", "reason": "MinimumReplicasUnavailable",
                "message": "Deployment does not have minimum availability."}]},
        }),
        pods: vec![pod()],
        warnings: vec![event()],
        logs: vec![diagnose::LogEnd {
            pod: "web-1".to_owned(),
            container: "nginx".to_owned(),
            previous: true,
            text: "starting\nout of memory\n".to_owned(),
        }],
        claims: vec![diagnose::Claim {
            name: "data".to_owned(),
            object: None,
        }],
        backends: vec![diagnose::Backend {
            name: "web".to_owned(),
            object: Some(service),
            slices: Vec::new(),
        }],
        now,
    };
    insta::assert_snapshot!(printable(&diagnose::told(&evidence)));
}

#[test]
fn a_schema_is_explained() {
    let document = json!({"components": {"schemas": {
        "v1.Widget": {
            "description": "A widget.", "type": "object", "required": ["spec"],
            "properties": {
                "spec": {"allOf": [{"$ref": "#/components/schemas/v1.WidgetSpec"}], "description": "What it shall be."},
                "labels": {"type": "object", "additionalProperties": {"type": "string"}},
            },
            "x-kubernetes-group-version-kind": [{"group": "example.com", "version": "v1", "kind": "Widget"}],
        },
        "v1.WidgetSpec": {
            "description": "The specification of a widget.", "type": "object",
            "properties": {
                "mode": {"type": "string", "enum": ["Fast", "Slow"], "description": "How it runs. ".repeat(12)},
                "parts": {"type": "array", "items": {"$ref": "#/components/schemas/v1.WidgetSpec"}},
            },
        },
    }}});
    let served = Served::unnamed("example.com", "v1", "Widget", "widgets");
    let schemas = explain::Schemas { document: &document };
    let page = |fields: &[&str]| {
        let fields: Vec<String> = fields.iter().map(|field| (*field).to_owned()).collect();
        schemas.page(&served, &fields, false)
    };
    insta::assert_snapshot!(format!(
        "{}-----\n{}",
        page(&[]).unwrap(),
        page(&["spec"]).unwrap()
    ));
    // A part is a specification again, however deep.
    assert!(
        page(&["spec", "parts", "parts", "mode"])
            .unwrap()
            .contains("FIELD: mode <string>")
    );
    assert!(page(&["spec", "nothing"]).is_err());
    let endless = schemas.page(&served, &[], true).unwrap();
    assert!(endless.contains("mode\t<string>") && endless.len() < 100_000);
}
