//! Diagnoses against the sandbox, of what is broken and of what is well.

use super::*;

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

#[tokio::test(flavor = "multi_thread")]
async fn a_sweep_tells_of_each_object_with_a_problem_and_of_no_other() {
    let manifests = [
        failing("pull", "nginx:missing", "image-pull"),
        failing("crash", "nginx:1", "crash-loop"),
        failing("homeless", "nginx:1", "unschedulable"),
        "apiVersion: v1\nkind: Pod\nmetadata: {name: alone, annotations: {sandbox.sayso.dev/fault: oom}}\nspec: {containers: [{name: a, image: 'a:1'}]}\n---\n".to_owned(),
        "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: fine}\nspec: {selector: {matchLabels: {app: fine}}, template: {metadata: {labels: {app: fine}}, spec: {containers: [{name: a, image: 'a:1'}]}}}\n".to_owned(),
    ];
    let stand = stand(Seed::Manifests(manifests.concat())).await;
    let output = stand.good("diagnose all").await;
    let data = output.data.unwrap();
    let named: Vec<&str> = data["problems"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| one["name"].as_str().unwrap())
        .collect();
    assert_eq!(named, ["crash", "homeless", "pull", "alone"], "{}", output.text);
    for expected in [
        "4 objects have a problem, 1 of 5 pods",
        "\ndeployment/pull\n",
        "cannot pull image `nginx:missing`",
        "no node takes it",
        "service crash: leads to no ready pod",
        "\npod/alone\n  pod alone: container a ",
    ] {
        assert!(output.text.contains(expected), "{expected}\n{}", output.text);
    }
    // What several objects share is told where it began.
    assert_eq!(
        output.text.matches("service crash: leads").count(),
        1,
        "{}",
        output.text
    );
    let everywhere = stand.good("diagnose all -A").await.text;
    assert!(everywhere.contains("\ndeployment/pull -n "), "{everywhere}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sweep_of_what_is_well_says_so() {
    let stand = stand(Seed::Shop).await;
    let text = stand.good("diagnose all -n shop").await.text;
    assert!(text.starts_with("no problem found: "), "{text}");
    let text = stand.good("diagnose all -A").await.text;
    assert!(text.starts_with("no problem found: "), "{text}");
}
