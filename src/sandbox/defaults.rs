//! The fields that the API server fills in on its own.

use serde_json::{Value, json};

use super::cluster::Cluster;
use super::json::{ensure, entries, flag, integer, items, items_mut, name, present, remove, set, text};
use super::resource::Resource;

/// Fills in what the writer left open.
pub(super) fn apply(cluster: &mut Cluster, resource: &Resource, object: &mut Value) {
    match resource.qualified().as_str() {
        "pods" => pod(object),
        "deployments.apps" => deployment(object),
        "replicasets.apps" | "replicationcontrollers" => replica_set(object),
        "statefulsets.apps" => stateful_set(object),
        "daemonsets.apps" => daemon_set(object),
        "jobs.batch" => {
            job(object, "");
            ensure(object, "/spec/manualSelector", false);
            ensure(object, "/spec/podReplacementPolicy", "TerminatingOrFailed");
        }
        "cronjobs.batch" => cron_job(object),
        "services" => service(cluster, object),
        "secrets" => secret(object),
        "namespaces" => namespace(object),
        "nodes" => leave_out_false(object, "/spec/unschedulable"),
        "persistentvolumeclaims" => claim(object),
        "persistentvolumes" => {
            ensure(object, "/spec/persistentVolumeReclaimPolicy", "Retain");
            ensure(object, "/spec/volumeMode", "Filesystem");
            if present(object, "/spec/hostPath") {
                ensure(object, "/spec/hostPath/type", "");
            }
        }
        "priorityclasses.scheduling.k8s.io" => {
            ensure(object, "/preemptionPolicy", "PreemptLowerPriority");
        }
        "networkpolicies.networking.k8s.io" => {
            let mut policies = vec!["Ingress"];
            policies.extend(present(object, "/spec/egress").then_some("Egress"));
            ensure(object, "/spec/policyTypes", json!(policies));
        }
        "horizontalpodautoscalers.autoscaling" => {
            ensure(object, "/spec/minReplicas", 1);
        }
        "rolebindings.rbac.authorization.k8s.io" | "clusterrolebindings.rbac.authorization.k8s.io" => {
            binding(object);
        }
        "customresourcedefinitions.apiextensions.k8s.io" => definition(object),
        "storageclasses.storage.k8s.io" => {
            ensure(object, "/reclaimPolicy", "Delete");
            ensure(object, "/volumeBindingMode", "Immediate");
        }
        _ => {}
    }
}

fn pod(pod: &mut Value) {
    pod_spec(pod, "/spec");
    for list in ["/spec/initContainers", "/spec/containers"] {
        items_mut(pod, list).for_each(request_limits);
    }
    ensure(pod, "/spec/serviceAccountName", "default");
    mirror_account(pod, "/spec");
    ensure(pod, "/spec/enableServiceLinks", true);
    if !present(pod, "/spec/priorityClassName") {
        ensure(pod, "/spec/priority", 0);
        ensure(pod, "/spec/preemptionPolicy", "PreemptLowerPriority");
    }
    ensure(pod, "/status/phase", "Pending");
    let class = quality_of_service(pod);
    ensure(pod, "/status/qosClass", class);
}

/// What is limited is requested, unless something else is.
fn request_limits(container: &mut Value) {
    let limits = entries(container, "/resources/limits").cloned();
    for (kind, amount) in limits.into_iter().flatten() {
        let pointer = format!("/resources/requests/{}", super::json::escape(&kind));
        ensure(container, &pointer, amount);
    }
}

/// Guaranteed, Burstable or BestEffort, from the containers' requests and limits.
fn quality_of_service(pod: &Value) -> &'static str {
    let containers = items(pod, "/spec/containers");
    let stated = |container: &Value, which: &str| {
        entries(container, &format!("/resources/{which}")).is_some_and(|map| !map.is_empty())
    };
    let is_guaranteed = |container: &Value| {
        ["cpu", "memory"].iter().all(|kind| {
            let limit = container.pointer(&format!("/resources/limits/{kind}"));
            let request = container.pointer(&format!("/resources/requests/{kind}"));
            limit.is_some() && (request.is_none() || request == limit)
        })
    };
    if !containers.is_empty() && containers.iter().all(is_guaranteed) {
        "Guaranteed"
    } else if containers
        .iter()
        .any(|one| stated(one, "requests") || stated(one, "limits"))
    {
        "Burstable"
    } else {
        "BestEffort"
    }
}

/// Defaults of the pod spec that stands at `pointer`.
fn pod_spec(object: &mut Value, pointer: &str) {
    for list in ["initContainers", "containers"] {
        items_mut(object, &format!("{pointer}/{list}")).for_each(container);
    }
    for volume in items_mut(object, &format!("{pointer}/volumes")) {
        for source in ["configMap", "secret", "projected"] {
            if present(volume, &format!("/{source}")) {
                ensure(volume, &format!("/{source}/defaultMode"), 420);
            }
        }
    }
    for volume in items_mut(object, &format!("{pointer}/volumes")) {
        if present(volume, "/hostPath") {
            ensure(volume, "/hostPath/type", "");
        }
    }
    mirror_account(object, pointer);
    ensure(object, &format!("{pointer}/restartPolicy"), "Always");
    ensure(object, &format!("{pointer}/terminationGracePeriodSeconds"), 30);
    ensure(object, &format!("{pointer}/dnsPolicy"), "ClusterFirst");
    ensure(object, &format!("{pointer}/securityContext"), json!({}));
    ensure(object, &format!("{pointer}/schedulerName"), "default-scheduler");
}

/// The account stands under its old name, too.
fn mirror_account(object: &mut Value, pointer: &str) {
    let account = text(object, &format!("{pointer}/serviceAccountName")).to_owned();
    if !account.is_empty() {
        set(object, &format!("{pointer}/serviceAccount"), account);
    }
}

fn container(container: &mut Value) {
    let image = text(container, "/image").to_owned();
    let last = image.rsplit('/').next().unwrap_or("");
    let is_moving = !last.contains('@') && (!last.contains(':') || last.ends_with(":latest"));
    for port in items_mut(container, "/ports") {
        ensure(port, "/protocol", "TCP");
    }
    for probe in ["/livenessProbe", "/readinessProbe", "/startupProbe"] {
        if present(container, probe) {
            for (field, value) in [
                ("timeoutSeconds", 1),
                ("periodSeconds", 10),
                ("successThreshold", 1),
                ("failureThreshold", 3),
            ] {
                ensure(container, &format!("{probe}/{field}"), value);
            }
            if present(container, &format!("{probe}/httpGet")) {
                ensure(container, &format!("{probe}/httpGet/scheme"), "HTTP");
            }
        }
    }
    ensure(container, "/resources", json!({}));
    ensure(container, "/terminationMessagePath", "/dev/termination-log");
    ensure(container, "/terminationMessagePolicy", "File");
    ensure(
        container,
        "/imagePullPolicy",
        if is_moving { "Always" } else { "IfNotPresent" },
    );
}

fn deployment(object: &mut Value) {
    ensure(object, "/spec/replicas", 1);
    ensure(object, "/spec/strategy/type", "RollingUpdate");
    if text(object, "/spec/strategy/type") == "RollingUpdate" {
        ensure(object, "/spec/strategy/rollingUpdate/maxUnavailable", "25%");
        ensure(object, "/spec/strategy/rollingUpdate/maxSurge", "25%");
    }
    ensure(object, "/spec/revisionHistoryLimit", 10);
    ensure(object, "/spec/progressDeadlineSeconds", 600);
    leave_out_false(object, "/spec/paused");
    template(object);
}

/// The API server does not write a switch that is off, where nothing tells it from one that was never set.
fn leave_out_false(object: &mut Value, pointer: &str) {
    if !flag(object, pointer) {
        remove(object, pointer);
    }
}

fn template(object: &mut Value) {
    if present(object, "/spec/template") {
        pod_spec(object, "/spec/template/spec");
    }
}

fn replica_set(object: &mut Value) {
    ensure(object, "/spec/replicas", 1);
    template(object);
}

fn stateful_set(object: &mut Value) {
    ensure(object, "/spec/replicas", 1);
    ensure(object, "/spec/podManagementPolicy", "OrderedReady");
    ensure(object, "/spec/serviceName", "");
    for when in ["whenDeleted", "whenScaled"] {
        let pointer = format!("/spec/persistentVolumeClaimRetentionPolicy/{when}");
        ensure(object, &pointer, "Retain");
    }
    ensure(object, "/spec/updateStrategy/type", "RollingUpdate");
    if text(object, "/spec/updateStrategy/type") == "RollingUpdate" {
        ensure(object, "/spec/updateStrategy/rollingUpdate/partition", 0);
    }
    ensure(object, "/spec/revisionHistoryLimit", 10);
    for claim in items_mut(object, "/spec/volumeClaimTemplates") {
        ensure(claim, "/apiVersion", "v1");
        ensure(claim, "/kind", "PersistentVolumeClaim");
        ensure(claim, "/spec/volumeMode", "Filesystem");
        ensure(claim, "/status/phase", "Pending");
    }
    template(object);
}

fn daemon_set(object: &mut Value) {
    ensure(object, "/spec/updateStrategy/type", "RollingUpdate");
    if text(object, "/spec/updateStrategy/type") == "RollingUpdate" {
        ensure(object, "/spec/updateStrategy/rollingUpdate/maxUnavailable", 1);
        ensure(object, "/spec/updateStrategy/rollingUpdate/maxSurge", 0);
    }
    ensure(object, "/spec/revisionHistoryLimit", 10);
    template(object);
}

fn job(object: &mut Value, prefix: &str) {
    let at = |field: &str| format!("{prefix}/spec/{field}");
    if !present(object, &at("completions")) && !present(object, &at("parallelism")) {
        set(object, &at("completions"), 1);
    }
    ensure(object, &at("parallelism"), 1);
    ensure(object, &at("backoffLimit"), 6);
    ensure(object, &at("completionMode"), "NonIndexed");
    ensure(object, &at("suspend"), false);
    if present(object, &at("template")) {
        pod_spec(object, &at("template/spec"));
    }
}

/// The defaults of a job that its cron job starts.
pub(super) fn job_of_cron_job(object: &mut Value) {
    job(object, "");
}

/// A job's selector and labels, which carry the job's own uid.
pub(super) fn job_selector(object: &mut Value) {
    if flag(object, "/spec/manualSelector") {
        return;
    }
    let id = text(object, "/metadata/uid").to_owned();
    let name = name(object).to_owned();
    set(
        object,
        "/spec/selector",
        json!({"matchLabels": {"batch.kubernetes.io/controller-uid": id}}),
    );
    let labels = [
        ("batch.kubernetes.io~1controller-uid", &id),
        ("batch.kubernetes.io~1job-name", &name),
        ("controller-uid", &id),
        ("job-name", &name),
    ];
    for (label, value) in labels {
        set(
            object,
            &format!("/spec/template/metadata/labels/{label}"),
            value.clone(),
        );
    }
    if entries(object, "/metadata/labels").is_none_or(serde_json::Map::is_empty) {
        let labels = super::json::at(object, "/spec/template/metadata/labels");
        set(object, "/metadata/labels", labels);
    }
}

fn cron_job(object: &mut Value) {
    ensure(object, "/spec/concurrencyPolicy", "Allow");
    ensure(object, "/spec/suspend", false);
    ensure(object, "/spec/successfulJobsHistoryLimit", 3);
    ensure(object, "/spec/failedJobsHistoryLimit", 1);
    ensure(object, "/spec/jobTemplate/metadata", json!({}));
    ensure(object, "/spec/jobTemplate/spec/template/metadata", json!({}));
    if present(object, "/spec/jobTemplate/spec/template") {
        pod_spec(object, "/spec/jobTemplate/spec/template/spec");
    }
}

fn service(cluster: &mut Cluster, object: &mut Value) {
    ensure(object, "/spec/type", "ClusterIP");
    ensure(object, "/spec/sessionAffinity", "None");
    let needs_node_port = matches!(text(object, "/spec/type"), "NodePort" | "LoadBalancer");
    for port in items_mut(object, "/spec/ports") {
        ensure(port, "/protocol", "TCP");
        let number = integer(port, "/port").unwrap_or_default();
        ensure(port, "/targetPort", number);
        if needs_node_port && integer(port, "/nodePort").unwrap_or_default() == 0 {
            set(port, "/nodePort", 30_000 + cluster.serial("node ports") % 2768);
        } else if !needs_node_port {
            remove(port, "/nodePort");
        }
    }
    if text(object, "/spec/type") == "ExternalName" {
        return;
    }
    if text(object, "/spec/clusterIP").is_empty() {
        let serial = cluster.serial("cluster addresses") + 10;
        set(
            object,
            "/spec/clusterIP",
            format!("10.96.{}.{}", (serial / 250) % 256, serial % 250 + 1),
        );
    }
    let address = text(object, "/spec/clusterIP").to_owned();
    set(object, "/spec/clusterIPs", json!([address]));
    ensure(object, "/spec/ipFamilies", json!(["IPv4"]));
    ensure(object, "/spec/ipFamilyPolicy", "SingleStack");
    ensure(object, "/spec/internalTrafficPolicy", "Cluster");
    if needs_node_port {
        ensure(object, "/spec/externalTrafficPolicy", "Cluster");
    } else {
        remove(object, "/spec/externalTrafficPolicy");
    }
    if text(object, "/spec/type") == "LoadBalancer" {
        ensure(object, "/spec/allocateLoadBalancerNodePorts", true);
    }
    ensure(object, "/status/loadBalancer", json!({}));
}

fn secret(object: &mut Value) {
    use base64::Engine as _;
    ensure(object, "/type", "Opaque");
    let Some(Value::Object(plain)) = remove(object, "/stringData") else {
        return;
    };
    for (key, value) in plain {
        let encoded = base64::engine::general_purpose::STANDARD.encode(value.as_str().unwrap_or(""));
        set(object, &format!("/data/{}", super::json::escape(&key)), encoded);
    }
}

fn namespace(object: &mut Value) {
    let own = name(object).to_owned();
    set(object, "/metadata/labels/kubernetes.io~1metadata.name", own);
    ensure(object, "/spec/finalizers", json!(["kubernetes"]));
    ensure(object, "/status/phase", "Active");
}

fn claim(object: &mut Value) {
    ensure(object, "/spec/storageClassName", "standard");
    ensure(object, "/spec/volumeMode", "Filesystem");
    ensure(object, "/status/phase", "Pending");
}

fn binding(object: &mut Value) {
    ensure(object, "/roleRef/apiGroup", "rbac.authorization.k8s.io");
    for subject in items_mut(object, "/subjects") {
        if text(subject, "/kind") != "ServiceAccount" {
            ensure(subject, "/apiGroup", "rbac.authorization.k8s.io");
        }
    }
}

fn definition(object: &mut Value) {
    let kind = text(object, "/spec/names/kind").to_owned();
    ensure(object, "/spec/names/singular", kind.to_lowercase());
    ensure(object, "/spec/names/listKind", format!("{kind}List"));
    ensure(object, "/spec/conversion/strategy", "None");
}
