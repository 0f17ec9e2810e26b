//! The sandbox held against the real kubectl, which is its conformance test.

use std::io::Write as _;
use std::process::{Command, Output, Stdio};

use sayso::sandbox::{self, Fault, FaultAnswer, Options, Running, Seed};
use tempfile::TempDir;

/// A running sandbox with kubectl pointed at it.
struct Stand {
    running: Running,
    folder: TempDir,
    runtime: tokio::runtime::Runtime,
}

/// Starts a sandbox; `None`, with a notice, where there is no kubectl.
fn start(seed: Seed) -> Option<Stand> {
    if Command::new("kubectl")
        .args(["version", "--client"])
        .output()
        .is_err()
    {
        eprintln!("skipped: kubectl is not installed");
        return None;
    }
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .unwrap();
    let options = Options {
        seed,
        ..Options::default()
    };
    let running = runtime.block_on(sandbox::start(options)).unwrap();
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("config"), running.kubeconfig()).unwrap();
    Some(Stand {
        running,
        folder,
        runtime,
    })
}

impl Stand {
    fn output(&self, line: &str, input: &str) -> Output {
        let words = shlex::split(line).unwrap();
        let mut child = Command::new("kubectl")
            .args(words)
            .env("KUBECONFIG", self.folder.path().join("config"))
            .env("HOME", self.folder.path())
            .env("KUBECACHEDIR", self.folder.path().join("cache"))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
        child.wait_with_output().unwrap()
    }

    /// Runs kubectl, which must succeed; returns what it printed.
    fn good(&self, line: &str) -> String {
        self.good_with(line, "")
    }

    fn good_with(&self, line: &str, input: &str) -> String {
        let output = self.output(line, input);
        let printed = String::from_utf8_lossy(&output.stdout).into_owned();
        let errors = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "kubectl {line}\n{printed}{errors}");
        printed
    }

    /// Runs kubectl, which must fail; returns what it complained about.
    fn bad(&self, line: &str) -> String {
        self.bad_with(line, "")
    }

    fn bad_with(&self, line: &str, input: &str) -> String {
        let output = self.output(line, input);
        let printed = String::from_utf8_lossy(&output.stdout);
        assert!(!output.status.success(), "kubectl {line} should fail\n{printed}");
        String::from_utf8_lossy(&output.stderr).into_owned()
    }
}

#[track_caller]
fn has(printed: &str, parts: &[&str]) {
    for part in parts {
        assert!(printed.contains(part), "no {part:?} in:\n{printed}");
    }
}

#[test]
#[allow(clippy::too_many_lines, reason = "a list of commands")]
fn reads_print_what_kubectl_users_know() {
    let Some(cluster) = start(Seed::Shop) else { return };
    has(
        &cluster.good("get pods"),
        &[
            "NAME",
            "READY",
            "STATUS",
            "RESTARTS",
            "AGE",
            "db-0",
            "2/2",
            "Completed",
            "12d",
        ],
    );
    has(
        &cluster.good("get pods -o wide"),
        &["NODE", "IP", "node-1", "10.244."],
    );
    let all = cluster.good("get all");
    has(
        &all,
        &[
            "deployment.apps/web",
            "statefulset.apps/db",
            "service/cart",
            "cronjob.batch/nightly-report",
        ],
    );
    has(
        &all,
        &[
            "horizontalpodautoscaler.autoscaling/cart",
            "replicaset.apps/web-",
            "job.batch/import-catalog",
        ],
    );
    has(
        &cluster.good("get deploy -A"),
        &["monitoring", "prometheus", "kube-system", "coredns", "3/3"],
    );
    has(
        &cluster.good("get nodes"),
        &["node-1", "Ready", "control-plane", "v1.34.0"],
    );
    has(
        &cluster.good("get pvc,ingress,hpa,pdb,netpol,cj,job"),
        &["data-db-0", "Bound", "shop.example.com", "cpu: "],
    );
    has(&cluster.good("get pods -l app=web -o name"), &["pod/web-"]);
    assert_eq!(
        cluster.good("get pods --field-selector status.phase=Failed -o name"),
        ""
    );
    has(
        &cluster.good("get pods -A --chunk-size=3 -o name"),
        &["pod/web-", "pod/prometheus-"],
    );
    has(&cluster.good("get po --sort-by=.metadata.name"), &["db-0"]);
    has(
        &cluster.good("api-resources"),
        &["deployments", "deploy", "apps/v1", "PodDisruptionBudget"],
    );
    has(&cluster.good("version"), &["Server Version: v1.34.0+sandbox"]);
    has(
        &cluster.good("get deploy web -o jsonpath={.spec.replicas}"),
        &["3"],
    );
}

#[test]
fn describe_logs_top_and_explain_work() {
    let Some(cluster) = start(Seed::Shop) else { return };
    let described = cluster.good("describe deployment web");
    has(
        &described,
        &[
            "3 desired | 3 updated | 3 total | 3 available",
            "nginx:1.27",
            "NewReplicaSet:",
            "web-",
        ],
    );
    has(
        &cluster.good("describe pod -l app=cart"),
        &["Node:", "node-", "Ready", "True"],
    );
    has(
        &cluster.good("describe node node-1"),
        &["disktype=ssd", "Non-terminated Pods"],
    );
    has(&cluster.good("describe svc web"), &["Endpoints", "10.244."]);
    assert_eq!(cluster.good("logs deploy/web --tail=4").lines().count(), 4);
    has(&cluster.good("logs deploy/payments-api -c envoy"), &["GET"]);
    has(&cluster.good("top pods"), &["CPU(cores)", "cart-", "Mi"]);
    has(&cluster.good("top nodes"), &["node-1", "%"]);
    has(
        &cluster.bad("logs db-0 --previous"),
        &["previous terminated container", "not found"],
    );
    has(
        &cluster.good("explain deployment.spec.replicas"),
        &["FIELD: replicas <integer>", "Number of desired pods"],
    );
    has(&cluster.good("explain hpa.spec"), &["maxReplicas", "-required-"]);
}

#[test]
fn a_rollout_goes_out_and_comes_back() {
    let Some(cluster) = start(Seed::Shop) else { return };
    cluster.good("set image deployment/web nginx=nginx:1.28");
    has(
        &cluster.good("rollout status deployment/web --timeout=60s"),
        &["successfully rolled out"],
    );
    has(
        &cluster.good("get pods -l app=web -o jsonpath={.items[*].spec.containers[0].image}"),
        &["nginx:1.28"],
    );
    has(&cluster.good("rollout history deployment/web"), &["1 ", "2 "]);
    has(
        &cluster.good("rollout history deployment/web --revision=1"),
        &["nginx:1.27"],
    );
    has(&cluster.good("rollout undo deployment/web"), &["rolled back"]);
    cluster.good("rollout status deployment/web --timeout=60s");
    has(&cluster.good("get deploy web -o wide"), &["nginx:1.27", "3/3"]);
    has(&cluster.good("rollout history deployment/web"), &["2 ", "3 "]);
    cluster.good("rollout restart deployment/cart");
    cluster.good("rollout status deployment/cart --timeout=60s");
    has(
        &cluster.good("events --for deployment/web"),
        &["ScalingReplicaSet", "Scaled up replica set"],
    );
    cluster.good("rollout pause deployment/web");
    cluster.good("set image deployment/web nginx=nginx:1.29");
    has(
        &cluster.good("get deploy web -o jsonpath={.status.updatedReplicas}-{.status.replicas}"),
        &["-3"],
    );
    cluster.good("rollout resume deployment/web");
    cluster.good("rollout status deployment/web --timeout=60s");
    cluster.good("set image sts/db postgres=postgres:17");
    cluster.good("rollout status sts/db --timeout=60s");
    has(&cluster.good("rollout history sts/db"), &["1", "2"]);
    cluster.good("rollout undo sts/db");
    cluster.good("rollout status sts/db --timeout=60s");
    has(
        &cluster.good("get pod db-0 -o jsonpath={.spec.containers[0].image}"),
        &["postgres:16"],
    );
    cluster.good("-n monitoring rollout restart ds/node-exporter");
    cluster.good("-n monitoring rollout status ds/node-exporter --timeout=60s");
}

#[test]
fn a_broken_image_never_becomes_ready() {
    let Some(cluster) = start(Seed::Shop) else { return };
    cluster.good("set image deployment/web nginx=nginx:broken");
    has(
        &cluster.bad("rollout status deployment/web --timeout=3s"),
        &["timed out"],
    );
    has(
        &cluster.good("get pods -l app=web"),
        &["ImagePullBackOff", "Running"],
    );
    has(&cluster.good("events"), &["Back-off pulling image"]);
    cluster.good("rollout undo deployment/web");
    cluster.good("rollout status deployment/web --timeout=60s");
    let patch =
        r#"{"spec":{"template":{"metadata":{"annotations":{"sandbox.sayso.dev/fault":"crash-loop"}}}}}"#;
    cluster.good(&format!("patch deployment checkout-worker -p '{patch}'"));
    has(
        &cluster.bad("rollout status deployment/checkout-worker --timeout=3s"),
        &["timed out"],
    );
    let pods = cluster.good("get pods -l app=checkout-worker");
    has(&pods, &["CrashLoopBackOff"]);
    let failing = pods
        .lines()
        .find(|line| line.contains("CrashLoop"))
        .and_then(|line| line.split(' ').next())
        .unwrap();
    has(
        &cluster.good(&format!("logs {failing} --previous")),
        &["level=fatal"],
    );
}

#[test]
fn create_makes_everything_it_can_make() {
    let Some(cluster) = start(Seed::Shop) else { return };
    cluster.good("create role reader --verb=get,list --resource=pods,deployments.apps");
    cluster.good("create rolebinding reader --role=reader --user=ann --serviceaccount=shop:default");
    cluster.good("create clusterrole probe --verb=get --non-resource-url=/healthz");
    cluster.good("create quota limit --hard=cpu=10,memory=8Gi");
    cluster.good("create ingress extra --rule=extra.example.com/*=web:80 --class=nginx");
    cluster.good("create poddisruptionbudget cart --selector=app=cart --max-unavailable=50%");
    cluster.good("create priorityclass high --value=1000 --description=high");
    cluster.good("create serviceaccount bot");
    cluster.good("create cronjob tick --image=busybox --schedule='*/5 * * * *' -- date");
    cluster.good("create service nodeport extra --tcp=80:8080");
    has(
        &cluster.good("get svc extra -o jsonpath={.spec.ports[0].targetPort}"),
        &["8080"],
    );
    has(
        &cluster.good("get quota,ing,pdb,pc,sa,cj,role,rolebinding -o wide"),
        &["cpu: 1900m/10", "50%", "1000", "ann"],
    );
}

#[test]
fn writes_do_what_they_say() {
    let Some(cluster) = start(Seed::Shop) else { return };
    cluster.good("scale deployment web --replicas=5");
    cluster.good("rollout status deployment/web --timeout=60s");
    assert_eq!(cluster.good("get pods -l app=web -o name").lines().count(), 5);
    has(
        &cluster.bad("scale deployment web --current-replicas=3 --replicas=1"),
        &["Expected replicas to be 3, was 5"],
    );
    cluster.good("label deployment web stage=test");
    has(
        &cluster.bad("label deployment web stage=other"),
        &["already has a value"],
    );
    cluster.good("annotate deployment web note=hello");
    has(
        &cluster.good("get deploy web -o yaml"),
        &["stage: test", "note: hello"],
    );
    has(
        &cluster.good("expose deployment checkout-worker --port=80"),
        &["service/checkout-worker exposed"],
    );
    cluster.good("create deployment extra --image=nginx:1.27 --replicas=2");
    cluster.good("rollout status deployment/extra --timeout=60s");
    cluster.good("create configmap extra --from-literal=a=b");
    cluster.good("create secret generic extra --from-literal=a=b");
    has(&cluster.good("get secret extra -o jsonpath={.data.a}"), &["Yg=="]);
    cluster.good("create job report --from=cronjob/nightly-report");
    cluster.good("wait --for=condition=complete job/report --timeout=60s");
    cluster.good("autoscale deployment extra --min=1 --max=3 --cpu-percent=70");
    cluster.good("set env deployment/extra A=1");
    cluster.good("set resources deployment/extra --limits=cpu=200m,memory=64Mi");
    cluster.good("run single --image=busybox --restart=Never");
    cluster.good("wait --for=condition=Ready pod/single --timeout=60s");
    cluster.good("delete pod single");
    has(&cluster.good("delete deployment extra"), &["deleted"]);
    cluster.good("wait --for=delete pod -l app=extra --timeout=60s");
    cluster.good("create namespace lab");
    cluster.good("-n lab create deployment a --image=nginx");
    cluster.good("delete namespace lab");
    has(
        &cluster.bad("get namespace lab"),
        &["NotFound", "namespaces \"lab\" not found"],
    );
    has(&cluster.good("create token default"), &["sandbox."]);
    has(
        &cluster.bad("get deployment nope"),
        &["deployments.apps \"nope\" not found"],
    );
    has(
        &cluster.bad("-n nowhere create configmap a"),
        &["namespaces \"nowhere\" not found"],
    );
}

const MANIFEST: &str = "
apiVersion: apps/v1
kind: Deployment
metadata: {name: hello}
spec:
  replicas: 2
  selector: {matchLabels: {app: hello}}
  template:
    metadata: {labels: {app: hello}}
    spec:
      containers:
      - {name: hello, image: 'hello:1', ports: [{containerPort: 80}]}
      - {name: side, image: 'side:1'}
";

#[test]
fn manifests_apply_in_every_way() {
    let Some(cluster) = start(Seed::Shop) else { return };
    has(
        &cluster.good_with("apply -f -", MANIFEST),
        &["deployment.apps/hello created"],
    );
    has(&cluster.good_with("apply -f -", MANIFEST), &["unchanged"]);
    let changed = MANIFEST
        .replace("hello:1", "hello:2")
        .replace("      - {name: side, image: 'side:1'}\n", "");
    has(&cluster.output_of("diff -f -", &changed), &["hello:2"]);
    has(&cluster.good_with("apply -f -", &changed), &["configured"]);
    has(&cluster.good("get deploy hello -o wide"), &["hello:2"]);
    assert!(!cluster.good("get deploy hello -o wide").contains("side"));
    has(
        &cluster.good_with("apply --server-side --force-conflicts -f -", MANIFEST),
        &["serverside-applied"],
    );
    has(&cluster.good("get deploy hello -o wide"), &["hello:1", "side"]);
    has(&cluster.good_with("replace -f -", &changed), &["replaced"]);
    has(&cluster.good_with("delete -f -", MANIFEST), &["deleted"]);
    let unknown = MANIFEST.replace("replicas: 2", "replicaz: 2");
    has(
        &cluster.bad_with("apply -f -", &unknown),
        &["unknown field \"spec.replicaz\""],
    );
    let mistyped = MANIFEST.replace("replicas: 2", "replicas: many");
    has(&cluster.bad_with("apply -f -", &mistyped), &["replicas"]);
    let mismatch = MANIFEST.replace(
        "labels: {app: hello}}\n    spec",
        "labels: {app: other}}\n    spec",
    );
    has(
        &cluster.bad_with("apply -f -", &mismatch),
        &["`selector` does not match template `labels`"],
    );
    has(
        &cluster.bad_with(
            "apply -f -",
            &MANIFEST.replace("name: hello}\nspec", "name: Hello_1}\nspec"),
        ),
        &["RFC 1123"],
    );
}

impl Stand {
    /// What kubectl prints, however it exits: `diff` exits 1 when there is one.
    fn output_of(&self, line: &str, input: &str) -> String {
        String::from_utf8_lossy(&self.output(line, input).stdout).into_owned()
    }
}

#[test]
fn a_drain_empties_a_node_and_respects_budgets() {
    let Some(cluster) = start(Seed::Shop) else { return };
    cluster.good("cordon node-2");
    has(&cluster.good("get nodes"), &["SchedulingDisabled"]);
    cluster.good("drain node-2 --ignore-daemonsets --delete-emptydir-data --timeout=60s");
    let left = cluster.good("get pods -A -o wide --field-selector spec.nodeName=node-2 --no-headers");
    assert!(
        left.lines()
            .all(|line| line.contains("node-exporter") || line.contains("Completed")),
        "{left}"
    );
    cluster.good("uncordon node-2");
    cluster.good("rollout status deployment/web --timeout=60s");
    cluster.good("patch pdb web --type=merge -p '{\"spec\":{\"minAvailable\":3}}'");
    let node = cluster.good("get pods -l app=web -o jsonpath={.items[0].spec.nodeName}");
    let refused = cluster.bad(&format!(
        "drain {node} --ignore-daemonsets --delete-emptydir-data --timeout=2s"
    ));
    has(
        &refused,
        &["Cannot evict pod as it would violate the pod's disruption budget"],
    );
}

#[test]
fn access_is_enforced_and_reported() {
    let Some(cluster) = start(Seed::Shop) else { return };
    assert_eq!(cluster.good("auth can-i get pods --as viewer").trim(), "yes");
    has(
        &cluster.output_of("auth can-i patch deployments --subresource=scale --as viewer", ""),
        &["no"],
    );
    has(
        &cluster.output_of("auth can-i get secrets --as viewer", ""),
        &["no"],
    );
    has(&cluster.good("get pods --as viewer"), &["web-"]);
    has(
        &cluster.bad("scale deployment web --replicas=1 --as viewer"),
        &[
            "deployments.apps \"web\" is forbidden: User \"viewer\" cannot patch resource \"deployments/scale\" in API group \"apps\" in the namespace \"shop\"",
        ],
    );
    has(
        &cluster.bad("get secrets --as viewer"),
        &["secrets is forbidden: User \"viewer\" cannot list resource"],
    );
    cluster.good("-n blog scale deployment web --replicas=1 --as blogger");
    has(
        &cluster.bad("get pods --as blogger"),
        &["cannot list resource \"pods\" in API group \"\" in the namespace \"shop\""],
    );
    has(
        &cluster.good("auth whoami --as blogger"),
        &["blogger", "system:authenticated"],
    );
    has(
        &cluster.good("-n blog auth can-i --list --as blogger"),
        &["deployments.apps"],
    );
    let token = cluster.good("create token default");
    // kubectl sends no token over plain HTTP, so this one goes by hand.
    let with_token = |token: &str| {
        let request = reqwest::Client::new()
            .get(format!("{}/api/v1/namespaces/shop/pods", cluster.running.url()))
            .header("authorization", format!("Bearer {token}"));
        cluster
            .runtime
            .block_on(async { request.send().await.unwrap().text().await.unwrap() })
    };
    has(
        &with_token(token.trim()),
        &["\"code\":403", "system:serviceaccount:shop:default"],
    );
    has(&with_token("wrong"), &["\"code\":401"]);
}

#[test]
fn dry_runs_change_nothing() {
    let Some(cluster) = start(Seed::Shop) else { return };
    let before = cluster.running.objects();
    cluster.good("scale deployment web --replicas=9 --dry-run=server");
    cluster.good("delete deployment web --dry-run=server");
    cluster.good("set image deployment/web nginx=nginx:2 --dry-run=server");
    cluster.good("create deployment other --image=nginx --dry-run=server");
    cluster.good_with("apply --dry-run=server -f -", MANIFEST);
    cluster.good_with("apply --server-side --dry-run=server -f -", MANIFEST);
    cluster.good("drain node-3 --ignore-daemonsets --delete-emptydir-data --dry-run=server");
    assert_eq!(cluster.running.objects(), before);
}

#[test]
fn deletion_takes_or_leaves_dependents() {
    let Some(cluster) = start(Seed::Shop) else { return };
    cluster.good("delete deployment web --cascade=foreground --timeout=60s");
    assert_eq!(cluster.good("get rs,pods -l app=web -o name"), "");
    cluster.good("delete deployment cart --cascade=orphan");
    has(
        &cluster.good("get rs,pods -l app=cart -o name"),
        &["replicaset.apps/cart-", "pod/cart-"],
    );
    let orphan = cluster.good("get rs -l app=cart -o jsonpath={.items[0].metadata.uid}");
    let again = "--image=registry.example.com/shop/cart:1.4.2 --replicas=2";
    cluster.good(&format!("create deployment cart {again}"));
    has(
        &cluster.good("get rs -l app=cart -o jsonpath={.items[*].metadata.uid}"),
        &[&orphan],
    );
    cluster.good(
        "patch configmap web-config --type=merge -p '{\"metadata\":{\"finalizers\":[\"example.com/hold\"]}}'",
    );
    cluster.good("delete configmap web-config --wait=false");
    has(
        &cluster.good("get configmap web-config -o yaml"),
        &["deletionTimestamp"],
    );
    cluster.good("patch configmap web-config --type=merge -p '{\"metadata\":{\"finalizers\":null}}'");
    has(&cluster.bad("get configmap web-config"), &["NotFound"]);
    let pod = cluster
        .good("get pods -l app=payments-api -o name")
        .lines()
        .next()
        .unwrap()
        .to_owned();
    cluster.good(&format!("delete {pod}"));
    cluster.good("rollout status deployment/payments-api --timeout=60s");
    has(
        &cluster.bad("delete namespace default"),
        &["this namespace may not be deleted"],
    );
}

#[test]
fn a_stale_version_is_a_conflict() {
    let Some(cluster) = start(Seed::Shop) else { return };
    let stale = cluster.good("get deployment web -o json");
    cluster.good("label deployment web touched=yes");
    has(
        &cluster.bad_with("replace -f -", &stale),
        &["the object has been modified"],
    );
    has(
        &cluster.bad("patch deployment web --type=merge -p '{\"metadata\":{\"resourceVersion\":\"1\"}}'"),
        &["the object has been modified"],
    );
}

#[test]
fn injected_faults_reach_kubectl() {
    let Some(cluster) = start(Seed::Shop) else { return };
    let fault = |answer| Fault {
        method: "PATCH".into(),
        path_contains: "/scale".into(),
        answer,
        times: 1,
    };
    cluster.running.inject(fault(FaultAnswer::Status(500)));
    has(
        &cluster.bad("scale deployment web --replicas=1"),
        &["injected fault"],
    );
    cluster.running.inject(fault(FaultAnswer::Close));
    cluster.bad("scale deployment web --replicas=1");
    cluster.good("scale deployment web --replicas=1");
}

#[test]
fn a_definition_brings_its_resource() {
    let Some(cluster) = start(Seed::Manifests(String::new())) else {
        return;
    };
    let definition = "
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: widgets.example.com}
spec:
  group: example.com
  scope: Namespaced
  names: {kind: Widget, plural: widgets, singular: widget, shortNames: [wd]}
  versions:
  - name: v1
    served: true
    storage: true
    schema: {openAPIV3Schema: {type: object, properties: {spec: {type: object, properties: {size: {type: integer}}}}}}
    additionalPrinterColumns: [{name: Size, type: integer, jsonPath: .spec.size}]
";
    cluster.good_with("apply -f -", definition);
    cluster.good("wait --for=condition=established crd/widgets.example.com --timeout=30s");
    let widget = "apiVersion: example.com/v1\nkind: Widget\nmetadata: {name: a}\nspec: {size: 3}\n";
    cluster.good_with("create -f -", widget);
    has(&cluster.good("get wd"), &["NAME", "SIZE", "3"]);
    has(&cluster.good("explain widget.spec"), &["size", "<integer>"]);
    cluster.good("patch widget a --type=merge -p '{\"spec\":{\"size\":4}}'");
    has(
        &cluster.bad_with(
            "create -f -",
            &widget
                .replace("size: 3", "size: big")
                .replace("name: a", "name: b"),
        ),
        &["spec.size"],
    );
    cluster.good("delete widget a");
}

#[test]
fn a_watch_follows_and_ends() {
    let Some(cluster) = start(Seed::Shop) else { return };
    let url = format!(
        "{}/api/v1/namespaces/shop/pods?watch=true&timeoutSeconds=2&labelSelector=app%3Dweb",
        cluster.running.url()
    );
    let watching = cluster
        .runtime
        .spawn(async move { reqwest::get(url).await.unwrap().text().await.unwrap() });
    cluster.good("scale deployment web --replicas=2");
    let seen = cluster.runtime.block_on(watching).unwrap();
    let events: Vec<serde_json::Value> = seen
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert_eq!(events.iter().filter(|event| event["type"] == "ADDED").count(), 3);
    assert_eq!(
        events.iter().filter(|event| event["type"] == "DELETED").count(),
        1
    );
}

#[test]
fn the_log_of_changes_can_be_too_short() {
    let Some(cluster) = start(Seed::Shop) else { return };
    cluster.good("label deployment web a=b");
    cluster.running.compact();
    let url = format!(
        "{}/api/v1/pods?watch=true&resourceVersion=1",
        cluster.running.url()
    );
    let seen = cluster
        .runtime
        .block_on(async { reqwest::get(url).await.unwrap().text().await.unwrap() });
    has(&seen, &["\"type\":\"ERROR\"", "\"code\":410"]);
}

/// Sends raw requests and returns their codes.
fn codes(cluster: &Stand, requests: &[(&str, &str, &str, Vec<u8>)]) -> Vec<u16> {
    // A connection each: the server closes one behind a body that is too large, and a reused one may be that.
    let client = reqwest::Client::builder()
        .pool_max_idle_per_host(0)
        .build()
        .unwrap();
    let send = |method: &str, path: &str, kind: &str, body: &[u8]| {
        let request = client
            .request(
                method.parse().unwrap(),
                format!("{}{path}", cluster.running.url()),
            )
            .header("content-type", kind)
            .body(body.to_vec());
        cluster
            .runtime
            .block_on(async { request.send().await.unwrap().status().as_u16() })
    };
    requests
        .iter()
        .map(|(method, path, kind, body)| send(method, path, kind, body))
        .collect()
}

/// The code expected, and the request.
type Case<'a> = (u16, (&'a str, &'a str, &'a str, Vec<u8>));

#[test]
#[allow(clippy::too_many_lines, reason = "a table")]
fn nonsense_gets_the_code_it_deserves() {
    let Some(cluster) = start(Seed::Shop) else { return };
    let web = "/apis/apps/v1/namespaces/shop/deployments/web";
    let all = "/apis/apps/v1/namespaces/shop/deployments";
    let (json, merge, strategic) = (
        "application/json",
        "application/merge-patch+json",
        "application/strategic-merge-patch+json",
    );
    let deep = format!("{}1{}", "{\"a\":".repeat(5000), "}".repeat(5000)).into_bytes();
    let cases: Vec<Case<'_>> = vec![
        (404, ("GET", "/nothing", json, vec![])),
        (404, ("GET", "/apis/none.io/v1/things", json, vec![])),
        (405, ("POST", web, json, vec![])),
        (405, ("PUT", all, json, vec![])),
        (405, ("DELETE", "/version", json, vec![])),
        (400, ("POST", all, json, b"{".to_vec())),
        (400, ("POST", all, json, b"[]".to_vec())),
        (422, ("POST", all, json, b"{}".to_vec())),
        (400, ("POST", all, json, b"\xff\xfe".to_vec())),
        (400, ("POST", all, json, deep)),
        (415, ("POST", all, "text/plain", b"{}".to_vec())),
        (415, ("PATCH", web, "application/json", b"{}".to_vec())),
        (400, ("PATCH", web, merge, b"3".to_vec())),
        (422, ("PATCH", web, merge, br#"{"metadata":3}"#.to_vec())),
        (
            422,
            ("PATCH", web, strategic, br#"{"spec":{"template":[]}}"#.to_vec()),
        ),
        (422, ("PATCH", web, strategic, br#"{"spec":7}"#.to_vec())),
        (
            500,
            (
                "PATCH",
                web,
                strategic,
                br#"{"spec":{"template":{"spec":{"containers":[{"image":"x"}]}}}}"#.to_vec(),
            ),
        ),
        (400, ("PATCH", web, "application/json-patch+json", b"{}".to_vec())),
        (
            422,
            (
                "PATCH",
                web,
                "application/json-patch+json",
                br#"[{"op":"remove","path":"/spec/none"}]"#.to_vec(),
            ),
        ),
        (
            422,
            ("PATCH", web, merge, br#"{"spec":{"replicas":-1}}"#.to_vec()),
        ),
        (
            422,
            (
                "PATCH",
                web,
                merge,
                br#"{"spec":{"selector":{"matchLabels":{"app":"x"}}}}"#.to_vec(),
            ),
        ),
        (
            422,
            ("PATCH", &*format!("{web}?dryRun=Some"), merge, b"{}".to_vec()),
        ),
        (200, ("PATCH", "/apis/policy/v1/namespaces/shop/poddisruptionbudgets/web", merge,
            br#"{"spec":{"minAvailable":null,"maxUnavailable":-9223372036854775808}}"#.to_vec())),
        (200, ("PATCH", web, merge, br#"{"metadata":{"annotations":{"deployment.kubernetes.io/revision":"9223372036854775807"}}}"#.to_vec())),
        (200, ("PATCH", "/apis/apps/v1/namespaces/blog/deployments/web", merge, br#"{"spec":{"replicas":2147483647}}"#.to_vec())),
        (413, ("POST", all, json, vec![b' '; 4 * 1024 * 1024])),
        (400, ("GET", "/api/v1/pods?labelSelector=%3D%3D", json, vec![])),
        (400, ("GET", "/api/v1/pods?continue=zz", json, vec![])),
        (
            400,
            ("GET", "/api/v1/pods?watch=1&resourceVersion=x", json, vec![]),
        ),
        (404, ("GET", "/api/v1/nodes/node-1/log", json, vec![])),
        (404, ("GET", "/api/v1/namespaces/shop/nodes", json, vec![])),
    ]
    .into_iter()
    .map(|(code, (method, path, kind, body))| (code, (method, leak(path), kind, body)))
    .collect();
    let requests: Vec<_> = cases.iter().map(|(_, request)| request.clone()).collect();
    for ((expected, request), found) in cases.iter().zip(codes(&cluster, &requests)) {
        let shown = String::from_utf8_lossy(&request.3[..request.3.len().min(80)]).into_owned();
        assert_eq!(found, *expected, "{} {} {shown}", request.0, request.1);
    }
    has(&cluster.good("get deploy web"), &["3/3"]);
}

/// Test paths live as long as the test run.
fn leak(path: &str) -> &'static str {
    Box::leak(path.to_owned().into_boxed_str())
}

#[test]
fn it_stops_when_dropped() {
    let Some(cluster) = start(Seed::Shop) else { return };
    let url = cluster.running.url().to_owned();
    let Stand { running, runtime, .. } = &cluster;
    assert!(running.kubeconfig().contains("namespace: shop"));
    let address: std::net::SocketAddr = url.trim_start_matches("http://").parse().unwrap();
    let second = runtime.block_on(sandbox::start(Options {
        address,
        ..Options::default()
    }));
    assert!(matches!(second, Err(sandbox::SandboxError::Listen { .. })));
    let third = runtime.block_on(sandbox::start(Options::default())).unwrap();
    let url = third.url().to_owned();
    runtime.block_on(third.stop());
    assert!(runtime.block_on(reqwest::get(url)).is_err());
}

#[test]
fn appliers_meet_conflicts_and_may_force_them() {
    let Some(cluster) = start(Seed::Shop) else { return };
    let map = |color: &str| {
        format!("apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: paint}}\ndata: {{color: {color}}}\n")
    };
    cluster.good_with("apply --server-side --field-manager=one -f -", &map("red"));
    has(
        &cluster.bad_with("apply --server-side --field-manager=two -f -", &map("blue")),
        &["conflict with \"one\"", ".data.color"],
    );
    cluster.good_with("apply --server-side --field-manager=two -f -", &map("red"));
    cluster.good_with(
        "apply --server-side --field-manager=two --force-conflicts -f -",
        &map("blue"),
    );
    has(&cluster.good("get cm paint -o jsonpath={.data.color}"), &["blue"]);
}

#[test]
fn quotas_hold_objects_and_pods_back() {
    let Some(cluster) = start(Seed::Shop) else { return };
    cluster.good("create namespace small");
    cluster.good("create quota few -n small --hard=pods=2,count/configmaps=2");
    cluster.good("create configmap one -n small");
    has(
        &cluster.bad("create configmap two -n small"),
        &[
            "exceeded quota: few, requested: count/configmaps=1, used: count/configmaps=2, limited: count/configmaps=2",
        ],
    );
    cluster.good("create deployment web -n small --image=nginx:1.27 --replicas=3");
    cluster.good("wait -n small --for=jsonpath={.status.readyReplicas}=2 deployment/web --timeout=30s");
    has(
        &cluster.good("get events -n small"),
        &["FailedCreate", "exceeded quota: few"],
    );
    has(&cluster.good("get quota few -n small"), &["pods: 2/2"]);
}

#[test]
fn what_it_does_not_do_it_says() {
    let Some(cluster) = start(Seed::Shop) else { return };
    let requests: Vec<(&str, &str, &str, Vec<u8>)> = vec![
        (
            "POST",
            "/api/v1/namespaces/shop/pods/db-0/exec?command=ls",
            "",
            vec![],
        ),
        ("GET", "/api/v1/namespaces/shop/pods/db-0/proxy", "", vec![]),
        (
            "GET",
            "/apis/certificates.k8s.io/v1/certificatesigningrequests",
            "",
            vec![],
        ),
    ];
    assert_eq!(codes(&cluster, &requests), [501, 501, 501]);
}
