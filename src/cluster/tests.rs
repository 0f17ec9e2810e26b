//! Whole steps against a sandbox: gathered, approved, applied, verified.

mod applying;
mod gathering;

use std::time::Duration;

use jiff::Timestamp;
use serde_json::{Value, json};

use super::transport::Outgoing;
use super::{Cluster, ClusterError, ConnectOptions, Receipt, Verified};
use crate::check::{CallVerb, Evidence, Problem, StepEvidence};
use crate::plan::{Plan, Step};
use crate::sandbox::{self, Fault, FaultAnswer, Options, Running};
use crate::session::Approved;
use crate::session::approved::approve_for_test;

const DEADLINE: Duration = Duration::from_secs(20);

struct Stand {
    running: Running,
    cluster: Cluster,
}

async fn stand() -> Stand {
    let running = sandbox::start(Options::default()).await.unwrap();
    let cluster = connect(&running, ConnectOptions::default()).await;
    Stand { running, cluster }
}

async fn connect(running: &Running, options: ConnectOptions) -> Cluster {
    let options = ConnectOptions {
        inline: Some(running.kubeconfig()),
        ..options
    };
    Cluster::connect(&options).await.unwrap()
}

fn plan(lines: &[&str]) -> Plan {
    Plan::new(lines.iter().map(|line| line.parse::<Step>().unwrap()).collect()).unwrap()
}

impl Stand {
    async fn evidence(&self, lines: &[&str]) -> Evidence {
        self.cluster
            .gather(&plan(lines), Timestamp::UNIX_EPOCH)
            .await
            .unwrap()
    }

    async fn one(&self, line: &str) -> StepEvidence {
        self.evidence(&[line]).await.steps.remove(0)
    }

    async fn problem(&self, line: &str) -> Problem {
        self.one(line).await.problem.unwrap()
    }

    async fn approve(&self, line: &str) -> Approved {
        let evidence = self.one(line).await;
        assert_eq!(evidence.problem, None, "{line}");
        assert!(!evidence.touched.is_empty(), "{line}");
        for touched in &evidence.touched {
            assert!(touched.access.as_ref().unwrap().allowed, "{line}");
        }
        approve_for_test(line.parse().unwrap(), evidence.touched)
    }

    async fn apply(&self, approved: &Approved) -> Vec<Receipt> {
        self.cluster.apply(approved, 0, "test-1").await.unwrap()
    }

    async fn verify(&self, approved: &Approved) -> Verified {
        self.cluster
            .verify(approved, 0, DEADLINE, &mut |_| {})
            .await
            .unwrap()
    }

    /// The whole way of one step.
    async fn carry_out(&self, line: &str) -> (Vec<Receipt>, Verified) {
        let approved = self.approve(line).await;
        let receipts = self.apply(&approved).await;
        assert_eq!(receipts.len(), approved.steps()[0].touched().len(), "{line}");
        (receipts, self.verify(&approved).await)
    }

    async fn live(&self, path: &str) -> Value {
        self.cluster.fetch(path).await.unwrap()
    }

    async fn patch(&self, path: &str, body: Value) {
        let mut outgoing = Outgoing::get(path.to_owned());
        outgoing.method = http::Method::PATCH;
        outgoing.content_type = "application/merge-patch+json";
        outgoing.body = Some(body);
        self.cluster.exchange(&outgoing).await.unwrap();
    }

    fn inject(&self, method: &str, path: &str, answer: FaultAnswer, times: u32) {
        self.running.inject(Fault {
            method: method.to_owned(),
            path_contains: path.to_owned(),
            answer,
            times,
        });
    }
}

const WEB: &str = "/apis/apps/v1/namespaces/shop/deployments/web";

/// Between them, the lists have a line for every way to write, each after those that it needs.
const WORKLOADS: &[&str] = &[
    "scale deployment/web --replicas=5",
    "scale statefulset/db --replicas=2",
    "autoscale deployment/web --min=2 --max=6 --cpu-percent=70",
    "rollout restart deployment/cart",
    "rollout restart daemonset/node-exporter -n monitoring",
    "set image deployment/web nginx=nginx:1.28",
    "rollout undo deployment/web",
    "rollout pause deployment/payments-api",
    "rollout resume deployment/payments-api",
    "set env deployment/web LEVEL=debug",
    "set resources deployment/web --limits=cpu=300m",
    "set serviceaccount deployment/web default",
    "set image cronjob/nightly-report report=registry.example.com/shop/report:1.0.6",
];

const OBJECTS: &[&str] = &[
    "label deployment/web service/web owner=ann",
    "label deployment/web tier=edge --overwrite",
    "label deployment/web owner-",
    "annotate deployment/web note='by hand'",
    r#"patch deployment/web -p '{"spec":{"minReadySeconds":1}}'"#,
    r#"patch deployment/web --type=json -p '[{"op":"replace","path":"/spec/revisionHistoryLimit","value":3}]'"#,
    "taint nodes node-3 dedicated=gpu:NoSchedule",
    "taint nodes node-3 dedicated-",
    "cordon node-3",
    "uncordon node-3",
    "delete configmap/web-config",
    "delete networkpolicies -l team=storefront",
    "run shell --image=busybox",
    "delete pod/shell --force",
];

const CREATIONS: &[&str] = &[
    "expose deployment/checkout-worker --port=80",
    "create namespace demo",
    "create deployment api --image=nginx:1.27 --replicas=2 -n demo",
    "create service clusterip one --tcp=80:8080",
    "create service nodeport two --tcp=80",
    "create service loadbalancer three --tcp=443:8443",
    "create ingress front --class=nginx --rule='shop.example.com/*=web:80'",
    "create configmap settings --from-literal=level=debug",
    "create secret generic keys --from-literal=key=value",
    "create job once --image=busybox -- true",
    "create job report-now --from=cronjob/nightly-report",
    "create cronjob hourly --image=busybox --schedule='0 * * * *' -- true",
    "create serviceaccount bot",
    "create token bot --duration=1h",
    "create role reader --verb=get --verb=list --resource=pods --resource=deployments",
    "create clusterrole node-reader --verb=get --resource=nodes",
    "create rolebinding bot-reads --role=reader --serviceaccount=shop:bot",
    "create clusterrolebinding ann-reads --clusterrole=view --user=ann",
    "create quota small --hard=pods=50",
    "create poddisruptionbudget cart --selector=app=cart --min-available=1",
    "create poddisruptionbudget cart-too --selector=app=none --max-unavailable=50%",
    "create priorityclass urgent --value=1000",
    r#"apply -f - <<< '{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"applied"},"data":{"a":"b"}}'"#,
    r#"apply -f - <<< '{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"applied"},"data":{"a":"c"}}'"#,
    "delete namespace/demo",
];

async fn carry_out_all(lines: &[&str]) -> Stand {
    let stand = stand().await;
    for line in lines {
        let (receipts, verified) = stand.carry_out(line).await;
        assert!(verified.settled, "{line}: {verified:?}");
        for receipt in receipts {
            assert!((200..300).contains(&receipt.code), "{line}: {receipt:?}");
        }
    }
    stand
}

#[tokio::test]
async fn workloads_are_changed_and_roll_out() {
    let web = carry_out_all(WORKLOADS).await.live(WEB).await;
    assert_eq!(web["spec"]["replicas"], 5);
    let container = &web["spec"]["template"]["spec"]["containers"][0];
    assert_eq!(container["image"], "nginx:1.27");
    assert_eq!(container["resources"]["limits"]["cpu"], "300m");
    let variables = container["env"].as_array().unwrap();
    assert!(variables.contains(&json!({"name": "LEVEL", "value": "debug"})));
}

#[tokio::test]
async fn objects_are_labelled_patched_and_deleted() {
    let stand = carry_out_all(OBJECTS).await;
    let web = stand.live(WEB).await;
    assert_eq!(web["metadata"]["labels"]["tier"], "edge");
    assert!(web["metadata"]["labels"].get("owner").is_none());
    assert_eq!(web["metadata"]["annotations"]["note"], "by hand");
    assert_eq!(web["spec"]["revisionHistoryLimit"], 3);
    let node = stand.live("/api/v1/nodes/node-3").await;
    assert!(node["spec"]["taints"].as_array().is_none_or(Vec::is_empty));
}

#[tokio::test]
async fn objects_of_every_kind_are_created() {
    let stand = carry_out_all(CREATIONS).await;
    let applied = stand.live("/api/v1/namespaces/shop/configmaps/applied").await;
    assert_eq!(applied["data"], json!({"a": "c"}));
    let job = stand.live("/apis/batch/v1/namespaces/shop/jobs/report-now").await;
    assert_eq!(job["metadata"]["ownerReferences"][0]["name"], "nightly-report");
}

#[tokio::test]
async fn a_node_is_drained_around_its_budget() {
    let stand = stand().await;
    let line = "drain node-2 --ignore-daemonsets --delete-emptydir-data --force --grace-period=0";
    let evidence = stand.one(line).await;
    assert_eq!(evidence.problem, None);
    let evictions = evidence
        .touched
        .iter()
        .filter(|touched| touched.call.verb == CallVerb::Evict)
        .count();
    assert!(evictions > 0 && evidence.touched.len() == evictions + 1);
    let approved = approve_for_test(line.parse().unwrap(), evidence.touched);
    stand.apply(&approved).await;
    let verified = stand.verify(&approved).await;
    assert_eq!(
        verified.summary,
        format!("node/node-2 is drained: {evictions} pods moved")
    );
    assert_eq!(
        stand.live("/api/v1/nodes/node-2").await["spec"]["unschedulable"],
        true
    );
    let left = stand.cluster.pods_on("node-2").await.unwrap();
    let others = left
        .iter()
        .filter(|pod| pod["metadata"]["ownerReferences"][0]["kind"] != "DaemonSet");
    assert_eq!(others.count(), 0);
}

#[tokio::test]
async fn a_rollout_that_cannot_finish_ends_early_with_the_reason() {
    let stand = stand().await;
    let (_, verified) = stand
        .carry_out("set image deployment/web nginx=nginx:broken")
        .await;
    assert!(!verified.settled);
    assert!(
        verified.summary.contains("ImagePullBackOff"),
        "{}",
        verified.summary
    );
}

#[tokio::test]
async fn a_token_is_in_the_receipt_alone() {
    let stand = stand().await;
    let (receipts, _) = stand.carry_out("create token default").await;
    assert!(
        !receipts[0].object.as_ref().unwrap()["status"]["token"]
            .as_str()
            .unwrap()
            .is_empty()
    );
}

#[tokio::test]
async fn a_server_that_is_gone_is_an_error_not_a_problem() {
    let Stand { running, cluster } = stand().await;
    running.stop().await;
    let error = cluster
        .gather(
            &plan(&["scale deployment/web --replicas=5"]),
            Timestamp::UNIX_EPOCH,
        )
        .await;
    assert!(
        matches!(error, Err(ClusterError::Unreachable { .. })),
        "{error:?}"
    );
}

#[tokio::test]
async fn custom_kinds_are_found_and_changed() {
    let stand = stand().await;
    let definition = r#"{"apiVersion":"apiextensions.k8s.io/v1","kind":"CustomResourceDefinition",
        "metadata":{"name":"widgets.example.com"},"spec":{"group":"example.com","scope":"Namespaced",
        "names":{"plural":"widgets","singular":"widget","kind":"Widget","listKind":"WidgetList"},
        "versions":[{"name":"v1","served":true,"storage":true,"schema":{"openAPIV3Schema":
        {"type":"object","x-kubernetes-preserve-unknown-fields":true}}}]}}"#;
    let line = format!("apply -f - <<< '{}'", definition.replace('\n', ""));
    stand.carry_out(&line).await;
    let cluster = connect(&stand.running, ConnectOptions::default()).await;
    let kinds = cluster.custom_kinds().await.unwrap();
    assert!(
        kinds
            .iter()
            .any(|kind| kind.singular == "widget" && kind.namespaced),
        "{kinds:?}"
    );
    let stand = Stand { cluster, ..stand };
    stand
        .carry_out(r#"apply -f - <<< '{"apiVersion":"example.com/v1","kind":"Widget","metadata":{"name":"w"},"spec":{"size":1}}'"#)
        .await;
    stand
        .carry_out(r#"patch widgets.example.com/w -p '{"spec":{"size":2}}'"#)
        .await;
    let widget = stand.live("/apis/example.com/v1/namespaces/shop/widgets/w").await;
    assert_eq!(widget["spec"]["size"], 2);
}
