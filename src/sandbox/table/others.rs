//! The tables of everything that is no workload.

use jiff::Timestamp;
use serde_json::{Value, json};

use super::cells::{age, created, name, or_none, pairs, since, size};
use super::{Column, column, wide};
use crate::sandbox::json::{count, entries, flag, integer, items, present, text};

pub(super) fn columns(qualified: &str) -> Option<&'static [Column]> {
    Some(match qualified {
        "services" => SERVICES,
        "nodes" => NODES,
        "namespaces" => NAMESPACES,
        "configmaps" => CONFIG_MAPS,
        "secrets" => SECRETS,
        "serviceaccounts" => ACCOUNTS,
        "persistentvolumeclaims" => CLAIMS,
        "persistentvolumes" => VOLUMES,
        "events" | "events.events.k8s.io" => EVENTS,
        "endpoints" => ENDPOINTS,
        "endpointslices.discovery.k8s.io" => SLICES,
        "ingresses.networking.k8s.io" => INGRESSES,
        "networkpolicies.networking.k8s.io" => POLICIES,
        "rolebindings.rbac.authorization.k8s.io" | "clusterrolebindings.rbac.authorization.k8s.io" => {
            BINDINGS
        }
        "priorityclasses.scheduling.k8s.io" => PRIORITIES,
        "storageclasses.storage.k8s.io" => STORAGE,
        "resourcequotas" => QUOTAS,
        "roles.rbac.authorization.k8s.io"
        | "clusterroles.rbac.authorization.k8s.io"
        | "limitranges"
        | "customresourcedefinitions.apiextensions.k8s.io" => CREATED,
        _ => return None,
    })
}

const CREATED: &[Column] = &[column("Name", name), column("Created At", created)];

const SERVICES: &[Column] = &[
    column("Name", name),
    column("Type", |object, _| json!(text(object, "/spec/type"))),
    column("Cluster-IP", |object, _| or_none(object, "/spec/clusterIP")),
    column("External-IP", external_address),
    column("Port(s)", service_ports),
    column("Age", age),
    wide("Selector", |object, _| pairs(object, "/spec/selector")),
];

const NODES: &[Column] = &[
    column("Name", name),
    column("Status", node_status),
    column("Roles", roles),
    column("Age", age),
    column("Version", |object, _| {
        json!(text(object, "/status/nodeInfo/kubeletVersion"))
    }),
    wide("Internal-IP", |object, _| address(object, "InternalIP")),
    wide("External-IP", |object, _| address(object, "ExternalIP")),
    wide("OS-Image", |object, _| {
        or_none(object, "/status/nodeInfo/osImage")
    }),
    wide("Kernel-Version", |object, _| {
        or_none(object, "/status/nodeInfo/kernelVersion")
    }),
    wide("Container-Runtime", |object, _| {
        or_none(object, "/status/nodeInfo/containerRuntimeVersion")
    }),
];

const NAMESPACES: &[Column] = &[
    column("Name", name),
    column("Status", |object, _| json!(text(object, "/status/phase"))),
    column("Age", age),
];

const CONFIG_MAPS: &[Column] = &[
    column("Name", name),
    column("Data", |object, _| {
        json!(size(object, "/data") + size(object, "/binaryData"))
    }),
    column("Age", age),
];

const SECRETS: &[Column] = &[
    column("Name", name),
    column("Type", |object, _| json!(text(object, "/type"))),
    column("Data", |object, _| json!(size(object, "/data"))),
    column("Age", age),
];

const ACCOUNTS: &[Column] = &[
    column("Name", name),
    column("Secrets", |object, _| json!(items(object, "/secrets").len())),
    column("Age", age),
];

const CLAIMS: &[Column] = &[
    column("Name", name),
    column("Status", phase),
    column("Volume", |object, _| json!(text(object, "/spec/volumeName"))),
    column("Capacity", |object, _| {
        json!(text(object, "/status/capacity/storage"))
    }),
    column("Access Modes", |object, _| modes(object)),
    column("StorageClass", |object, _| {
        json!(text(object, "/spec/storageClassName"))
    }),
    column("VolumeAttributesClass", |_, _| json!("<unset>")),
    column("Age", age),
    wide("VolumeMode", |object, _| json!(text(object, "/spec/volumeMode"))),
];

const VOLUMES: &[Column] = &[
    column("Name", name),
    column("Capacity", |object, _| {
        json!(text(object, "/spec/capacity/storage"))
    }),
    column("Access Modes", |object, _| modes(object)),
    column("Reclaim Policy", |object, _| {
        json!(text(object, "/spec/persistentVolumeReclaimPolicy"))
    }),
    column("Status", phase),
    column("Claim", |object, _| match text(object, "/spec/claimRef/name") {
        "" => json!(""),
        claim => json!(format!("{}/{claim}", text(object, "/spec/claimRef/namespace"))),
    }),
    column("StorageClass", |object, _| {
        json!(text(object, "/spec/storageClassName"))
    }),
    column("VolumeAttributesClass", |_, _| json!("<unset>")),
    column("Reason", |object, _| json!(text(object, "/status/reason"))),
    column("Age", age),
    wide("VolumeMode", |object, _| json!(text(object, "/spec/volumeMode"))),
];

const EVENTS: &[Column] = &[
    column("Last Seen", |object, now| {
        since(
            event_time(object, "lastTimestamp", "deprecatedLastTimestamp"),
            now,
        )
    }),
    column("Type", |object, _| json!(text(object, "/type"))),
    column("Reason", |object, _| json!(text(object, "/reason"))),
    column("Object", event_object),
    wide("Subobject", |object, _| {
        json!(text(object, "/involvedObject/fieldPath"))
    }),
    wide("Source", |object, _| json!(text(object, "/source/component"))),
    column("Message", |object, _| {
        json!(first_of(object, &["/message", "/note"]))
    }),
    wide("First Seen", |object, now| {
        since(
            event_time(object, "firstTimestamp", "deprecatedFirstTimestamp"),
            now,
        )
    }),
    wide("Count", |object, _| json!(integer(object, "/count").unwrap_or(1))),
    wide("Name", name),
];

const ENDPOINTS: &[Column] = &[
    column("Name", name),
    column("Endpoints", endpoints),
    column("Age", age),
];

const SLICES: &[Column] = &[
    column("Name", name),
    column("AddressType", |object, _| json!(text(object, "/addressType"))),
    column("Ports", |object, _| numbers(items(object, "/ports"), "/port")),
    column("Endpoints", |object, _| {
        let all: Vec<&str> = items(object, "/endpoints")
            .iter()
            .map(|one| text(one, "/addresses/0"))
            .collect();
        if all.is_empty() {
            json!("<unset>")
        } else {
            json!(all.join(","))
        }
    }),
    column("Age", age),
];

const INGRESSES: &[Column] = &[
    column("Name", name),
    column("Class", |object, _| or_none(object, "/spec/ingressClassName")),
    column("Hosts", |object, _| {
        let all: Vec<&str> = items(object, "/spec/rules")
            .iter()
            .map(|rule| text(rule, "/host"))
            .collect();
        if all.iter().all(|host| host.is_empty()) {
            json!("*")
        } else {
            json!(all.join(","))
        }
    }),
    column("Address", |object, _| {
        json!(text(object, "/status/loadBalancer/ingress/0/ip"))
    }),
    column("Ports", |object, _| {
        json!(if items(object, "/spec/tls").is_empty() {
            "80"
        } else {
            "80, 443"
        })
    }),
    column("Age", age),
];

const POLICIES: &[Column] = &[
    column("Name", name),
    column("Pod-Selector", |object, _| {
        pairs(object, "/spec/podSelector/matchLabels")
    }),
    column("Age", age),
];

const BINDINGS: &[Column] = &[
    column("Name", name),
    column("Role", |object, _| {
        json!(format!(
            "{}/{}",
            text(object, "/roleRef/kind"),
            text(object, "/roleRef/name")
        ))
    }),
    column("Age", age),
    wide("Users", |object, _| subjects(object, "User")),
    wide("Groups", |object, _| subjects(object, "Group")),
    wide("ServiceAccounts", |object, _| subjects(object, "ServiceAccount")),
];

const PRIORITIES: &[Column] = &[
    column("Name", name),
    column("Value", |object, _| json!(count(object, "/value"))),
    column("Global-Default", |object, _| {
        json!(flag(object, "/globalDefault"))
    }),
    column("Age", age),
    column("PreemptionPolicy", |object, _| {
        json!(match text(object, "/preemptionPolicy") {
            "" => "PreemptLowerPriority",
            own => own,
        })
    }),
];

const STORAGE: &[Column] = &[
    column("Name", |object, _| {
        let is_default =
            crate::sandbox::json::annotation(object, "storageclass.kubernetes.io/is-default-class") == "true";
        let shown = text(object, "/metadata/name");
        json!(if is_default {
            format!("{shown} (default)")
        } else {
            shown.to_owned()
        })
    }),
    column("Provisioner", |object, _| json!(text(object, "/provisioner"))),
    column("ReclaimPolicy", |object, _| json!(text(object, "/reclaimPolicy"))),
    column("VolumeBindingMode", |object, _| {
        json!(text(object, "/volumeBindingMode"))
    }),
    column("AllowVolumeExpansion", |object, _| {
        json!(flag(object, "/allowVolumeExpansion"))
    }),
    column("Age", age),
];

const QUOTAS: &[Column] = &[
    column("Name", name),
    column("Request", |object, _| quota(object, false)),
    column("Limit", |object, _| quota(object, true)),
    column("Age", age),
];

fn phase(object: &Value, _: Timestamp) -> Value {
    let is_terminating = present(object, "/metadata/deletionTimestamp");
    json!(if is_terminating {
        "Terminating"
    } else {
        text(object, "/status/phase")
    })
}

fn first_of<'a>(object: &'a Value, pointers: &[&str]) -> &'a str {
    pointers
        .iter()
        .map(|pointer| text(object, pointer))
        .find(|found| !found.is_empty())
        .unwrap_or("")
}

fn event_time<'a>(event: &'a Value, core: &str, new: &str) -> &'a str {
    first_of(event, &[&format!("/{core}"), &format!("/{new}"), "/eventTime"])
}

fn event_object(event: &Value, _: Timestamp) -> Value {
    let kind = first_of(event, &["/involvedObject/kind", "/regarding/kind"]);
    let name = first_of(event, &["/involvedObject/name", "/regarding/name"]);
    json!(format!("{}/{name}", kind.to_lowercase()))
}

fn external_address(service: &Value, _: Timestamp) -> Value {
    let given: Vec<&str> = items(service, "/spec/externalIPs")
        .iter()
        .filter_map(Value::as_str)
        .collect();
    let balanced = text(service, "/status/loadBalancer/ingress/0/ip");
    match text(service, "/spec/type") {
        "ExternalName" => json!(text(service, "/spec/externalName")),
        _ if !given.is_empty() => json!(given.join(",")),
        "LoadBalancer" if balanced.is_empty() => json!("<pending>"),
        "LoadBalancer" => json!(balanced),
        _ => json!("<none>"),
    }
}

fn service_ports(service: &Value, _: Timestamp) -> Value {
    let all: Vec<String> = items(service, "/spec/ports")
        .iter()
        .map(|port| {
            let node_port =
                integer(port, "/nodePort").map_or_else(String::new, |number| format!(":{number}"));
            format!("{}{node_port}/{}", count(port, "/port"), text(port, "/protocol"))
        })
        .collect();
    if all.is_empty() {
        json!("<none>")
    } else {
        json!(all.join(","))
    }
}

fn node_status(node: &Value, _: Timestamp) -> Value {
    let conditions = items(node, "/status/conditions");
    let is_ready = conditions
        .iter()
        .any(|one| text(one, "/type") == "Ready" && text(one, "/status") == "True");
    let mut shown = if is_ready {
        "Ready".to_owned()
    } else {
        "NotReady".to_owned()
    };
    if flag(node, "/spec/unschedulable") {
        shown.push_str(",SchedulingDisabled");
    }
    json!(shown)
}

fn roles(node: &Value, _: Timestamp) -> Value {
    let labels = entries(node, "/metadata/labels").into_iter().flatten();
    let all: Vec<&str> = labels
        .filter_map(|(key, _)| key.strip_prefix("node-role.kubernetes.io/"))
        .collect();
    if all.is_empty() {
        json!("<none>")
    } else {
        json!(all.join(","))
    }
}

fn address(node: &Value, class: &str) -> Value {
    let found = items(node, "/status/addresses")
        .iter()
        .find(|one| text(one, "/type") == class);
    json!(found.map_or("<none>", |one| text(one, "/address")))
}

fn modes(object: &Value) -> Value {
    let short = |mode: &Value| match mode.as_str() {
        Some("ReadWriteOnce") => "RWO",
        Some("ReadOnlyMany") => "ROX",
        Some("ReadWriteMany") => "RWX",
        Some("ReadWriteOncePod") => "RWOP",
        _ => "",
    };
    let all: Vec<&str> = items(object, "/spec/accessModes").iter().map(short).collect();
    json!(all.join(","))
}

fn numbers(list: &[Value], pointer: &str) -> Value {
    let all: Vec<String> = list.iter().map(|one| count(one, pointer).to_string()).collect();
    if all.is_empty() {
        json!("<unset>")
    } else {
        json!(all.join(","))
    }
}

fn endpoints(object: &Value, _: Timestamp) -> Value {
    let mut all = Vec::new();
    for subset in items(object, "/subsets") {
        for address in items(subset, "/addresses") {
            for port in items(subset, "/ports") {
                all.push(format!("{}:{}", text(address, "/ip"), count(port, "/port")));
            }
        }
    }
    let shown: Vec<String> = all.iter().take(3).cloned().collect();
    match all.len() {
        0 => json!("<none>"),
        1..=3 => json!(shown.join(",")),
        more => json!(format!("{} + {} more...", shown.join(","), more - 3)),
    }
}

fn subjects(binding: &Value, kind: &str) -> Value {
    let of_kind = items(binding, "/subjects")
        .iter()
        .filter(|subject| text(subject, "/kind") == kind);
    let all: Vec<String> = of_kind
        .map(|subject| match text(subject, "/namespace") {
            "" => text(subject, "/name").to_owned(),
            place => format!("{place}/{}", text(subject, "/name")),
        })
        .collect();
    json!(all.join(", "))
}

fn quota(object: &Value, limits: bool) -> Value {
    let plain = |value: Option<&Value>| match value {
        Some(Value::String(text)) => text.clone(),
        Some(other) => other.to_string(),
        None => "0".to_owned(),
    };
    let hard = entries(object, "/spec/hard").into_iter().flatten();
    let used = entries(object, "/status/used");
    let all: Vec<String> = hard
        .filter(|(kind, _)| kind.starts_with("limits.") == limits)
        .map(|(kind, most)| {
            format!(
                "{kind}: {}/{}",
                plain(used.and_then(|used| used.get(kind))),
                plain(Some(most))
            )
        })
        .collect();
    json!(all.join(", "))
}
