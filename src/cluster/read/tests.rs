//! Renderers on fixed objects, and reads against the sandbox, held against the real kubectl where there is one.

mod diagnosis;
mod reads;
mod values;

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
