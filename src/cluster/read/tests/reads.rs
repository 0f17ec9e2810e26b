//! Reads against the sandbox: what kubectl prints, what may be seen, what is not there.

use super::*;

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
