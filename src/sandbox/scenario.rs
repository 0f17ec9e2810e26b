//! The scenarios: what a sandbox can hold without any file.

use std::sync::Arc;

use serde_json::{Value, json};

use super::Seed;
use super::cluster::{Cluster, letters};
use super::json::{at, items, name, set, text, uid};

/// The names that users type.
pub(super) const NAMES: [(&str, Seed); 4] = [
    ("shop", Seed::Shop),
    ("broken-shop", Seed::BrokenShop),
    ("ml", Seed::Ml),
    ("big", Seed::Big),
];

/// The namespace that kubeconfigs name.
pub(super) fn namespace(seed: &Seed) -> &'static str {
    match seed {
        Seed::Shop | Seed::BrokenShop => "shop",
        Seed::Ml => "vision",
        Seed::Big => "tenant-00",
        Seed::Path(_) | Seed::Manifests(_) => "default",
    }
}

/// The manifests that a scenario is made of, each with a name for messages; none for what is no scenario.
pub(super) fn manifests(seed: &Seed) -> &'static [(&'static str, &'static str)] {
    const SHOP: (&str, &str) = ("shop", include_str!("../../assets/sandbox/shop.yaml"));
    const BROKEN: (&str, &str) = (
        "broken-shop",
        include_str!("../../assets/sandbox/broken-shop.yaml"),
    );
    match seed {
        Seed::Shop => &[SHOP],
        Seed::BrokenShop => &[SHOP, BROKEN],
        Seed::Ml => &[("ml", include_str!("../../assets/sandbox/ml.yaml"))],
        Seed::Big => &[("big", include_str!("../../assets/sandbox/big.yaml"))],
        Seed::Path(_) | Seed::Manifests(_) => &[],
    }
}

const NODES: usize = 500;
const TENANTS: usize = 20;
const APPS: usize = 50;
const REPLICAS: usize = 20;

/// Multiplies the one node, namespace and deployment of a settled cluster. Controllers would come to the same, but pod by
/// pod; what is left to them is little.
pub(super) fn multiply(cluster: &mut Cluster) {
    let first = |table: &str, place: &str| {
        let found = cluster.store.list(table, Some(place));
        found.first().map(|object| (**object).clone()).unwrap_or_default()
    };
    let seeds = [
        first("deployments.apps", "tenant-00"),
        first("replicasets.apps", "tenant-00"),
        first("pods", "tenant-00"),
    ];
    let node = first("nodes", "");
    // The pod that is copied makes room for the copies.
    cluster.store.remove("pods", "tenant-00", name(&seeds[2]));
    for index in 1..NODES {
        add_node(cluster, &node, index);
    }
    for tenant in 1..TENANTS {
        let space = json!({"apiVersion": "v1", "kind": "Namespace",
            "metadata": {"name": format!("tenant-{tenant:02}"),
                "labels": {"kubernetes.io/metadata.name": format!("tenant-{tenant:02}")}},
            "spec": {"finalizers": ["kubernetes"]}, "status": {"phase": "Active"}});
        cluster.create("namespaces", space);
    }
    for tenant in 0..TENANTS {
        for app in 0..APPS {
            add_app(cluster, &seeds, tenant, app);
        }
    }
}

fn add_node(cluster: &mut Cluster, seed: &Value, index: usize) {
    let mut node = fresh(seed);
    let called = format!("node-{}", index + 1);
    set(&mut node, "/metadata/name", called.clone());
    set(
        &mut node,
        "/metadata/labels/kubernetes.io~1hostname",
        called.clone(),
    );
    let zone = ["zone-a", "zone-b", "zone-c"][index % 3];
    set(&mut node, "/metadata/labels/topology.kubernetes.io~1zone", zone);
    let address = format!("172.16.{}.{}", index / 250, index % 250 + 1);
    set(
        &mut node,
        "/status/addresses",
        json!([{"type": "InternalIP", "address": address}, {"type": "Hostname", "address": called}]),
    );
    cluster.create("nodes", node);
}

/// A copy that is to be stored as a new object.
fn fresh(seed: &Value) -> Value {
    let mut object = seed.clone();
    super::json::remove(&mut object, "/metadata/uid");
    super::json::remove(&mut object, "/metadata/resourceVersion");
    object
}

fn add_app(cluster: &mut Cluster, [deployment, replica_set, pod]: &[Value; 3], tenant: usize, app: usize) {
    let (place, called) = (format!("tenant-{tenant:02}"), format!("app-{app:02}"));
    let hash = text(replica_set, "/metadata/labels/pod-template-hash").to_owned();
    let deployment = {
        let mut made = renamed(deployment, &place, &called, &called);
        grow(
            &mut made,
            &[
                "replicas",
                "updatedReplicas",
                "readyReplicas",
                "availableReplicas",
            ],
        );
        store(cluster, "deployments.apps", made)
    };
    let owner = {
        let mut made = renamed(replica_set, &place, &format!("{called}-{hash}"), &called);
        grow(
            &mut made,
            &[
                "replicas",
                "fullyLabeledReplicas",
                "readyReplicas",
                "availableReplicas",
            ],
        );
        let desired = [
            ("desired-replicas", REPLICAS),
            ("max-replicas", REPLICAS + REPLICAS / 4),
        ];
        for (which, count) in desired {
            let pointer = format!("/metadata/annotations/deployment.kubernetes.io~1{which}");
            if super::json::present(&made, &pointer) {
                set(&mut made, &pointer, count.to_string());
            }
        }
        reown(&mut made, &deployment);
        store(cluster, "replicasets.apps", made)
    };
    for index in 0..REPLICAS {
        let number = (tenant * APPS + app) * REPLICAS + index;
        let suffix = letters(&format!("{place} {called} {index}"), 5);
        let mut made = renamed(pod, &place, &format!("{}-{suffix}", name(&owner)), &called);
        set(&mut made, "/metadata/generateName", format!("{}-", name(&owner)));
        reown(&mut made, &owner);
        lodge(&mut made, number);
        store(cluster, "pods", made);
    }
}

/// Stores what may be there already, as the first of each is.
fn store(cluster: &mut Cluster, table: &str, mut object: Value) -> Arc<Value> {
    match cluster.get(table, text(&object, "/metadata/namespace"), name(&object)) {
        None => cluster.create(table, object),
        Some(known) => {
            set(&mut object, "/metadata/uid", uid(&known).to_owned());
            cluster.store.put(table, object)
        }
    }
}

fn renamed(seed: &Value, place: &str, called: &str, app: &str) -> Value {
    let mut object = fresh(seed);
    set(&mut object, "/metadata/name", called);
    set(&mut object, "/metadata/namespace", place);
    let selectors = [
        "/metadata/labels",
        "/spec/selector/matchLabels",
        "/spec/template/metadata/labels",
    ];
    for labels in selectors {
        if super::json::present(&object, labels) {
            set(&mut object, &format!("{labels}/app"), app);
        }
    }
    object
}

fn grow(object: &mut Value, fields: &[&str]) {
    set(object, "/spec/replicas", REPLICAS);
    for field in fields {
        set(object, &format!("/status/{field}"), REPLICAS);
    }
}

fn reown(object: &mut Value, owner: &Value) {
    let mut reference = items(object, "/metadata/ownerReferences")
        .first()
        .cloned()
        .unwrap_or_default();
    set(&mut reference, "/name", name(owner));
    set(&mut reference, "/uid", uid(owner));
    set(object, "/metadata/ownerReferences", json!([reference]));
}

/// Gives a pod its node and addresses.
fn lodge(pod: &mut Value, number: usize) {
    let node = number % NODES;
    set(pod, "/spec/nodeName", format!("node-{}", node + 1));
    let host = format!("172.16.{}.{}", node / 250, node % 250 + 1);
    let address = format!("10.{}.{}.{}", 128 + node / 250, node % 250, number / NODES + 2);
    if super::json::present(pod, "/status/hostIPs") {
        set(pod, "/status/hostIPs", json!([{"ip": host}]));
    }
    set(pod, "/status/hostIP", host);
    set(pod, "/status/podIPs", json!([{"ip": address}]));
    set(pod, "/status/podIP", address);
    let mut statuses = at(pod, "/status/containerStatuses");
    for status in statuses.as_array_mut().into_iter().flatten() {
        set(status, "/containerID", format!("containerd://{number:020x}"));
    }
    set(pod, "/status/containerStatuses", statuses);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sandbox::json::count;
    use crate::sandbox::{controllers, seed};

    #[test]
    fn scenarios_rest() {
        for (called, scenario) in NAMES.into_iter().filter(|(called, _)| *called != "big") {
            let mut cluster = seed::plant(&scenario).unwrap();
            let version = cluster.store.version();
            cluster.look_everywhere();
            controllers::reconcile(&mut cluster);
            assert_eq!(cluster.store.version(), version, "{called} does not rest");
        }
    }

    #[test]
    fn big_is_big_and_rests() {
        let mut cluster = seed::plant(&Seed::Big).unwrap();
        assert_eq!(cluster.store.list("nodes", None).len(), 500);
        let pods = cluster.store.list("pods", None);
        assert_eq!(pods.len(), 20_000);
        assert!(pods.iter().all(|pod| controllers::is_ready(pod)));
        let version = cluster.store.version();
        cluster.look_everywhere();
        controllers::reconcile(&mut cluster);
        assert_eq!(cluster.store.version(), version);
    }

    #[test]
    fn the_broken_shop_is_broken_as_it_says() {
        let cluster = seed::plant(&Seed::BrokenShop).unwrap();
        let waiting = |app: &str| {
            let pods = cluster.store.list("pods", Some("shop"));
            let pod = pods
                .iter()
                .find(|pod| text(pod, "/metadata/labels/app") == app)
                .unwrap();
            text(pod, "/status/containerStatuses/0/state/waiting/reason").to_owned()
        };
        assert_eq!(waiting("recommendations"), "ImagePullBackOff");
        assert_eq!(waiting("search"), "CrashLoopBackOff");
        assert_eq!(waiting("image-resizer"), "CrashLoopBackOff");
        assert_eq!(waiting("mailer"), "CreateContainerConfigError");
        for app in ["reviews", "forecasts", "uploads"] {
            let deployment = cluster.get("deployments.apps", "shop", app).unwrap();
            assert_eq!(count(&deployment, "/status/readyReplicas"), 0, "{app}");
        }
        let slices = cluster
            .store
            .list("endpointslices.discovery.k8s.io", Some("shop"));
        let newsletter = slices
            .iter()
            .find(|slice| text(slice, "/metadata/labels/kubernetes.io~1service-name") == "newsletter");
        assert!(items(newsletter.unwrap(), "/endpoints").is_empty());
        let web = cluster.get("deployments.apps", "shop", "web").unwrap();
        assert_eq!(count(&web, "/status/readyReplicas"), 3);
    }

    #[test]
    fn the_models_are_at_work() {
        let cluster = seed::plant(&Seed::Ml).unwrap();
        let pods = cluster.store.list("pods", Some("vision"));
        assert_eq!(pods.len(), 4);
        for pod in &pods {
            assert!(text(pod, "/spec/nodeName").starts_with("gpu-"), "{}", name(pod));
        }
        let used = cluster.get("resourcequotas", "vision", "gpus").unwrap();
        assert_eq!(used["status"]["used"]["requests.nvidia.com/gpu"], "10");
    }
}
