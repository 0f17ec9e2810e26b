//! Discovery: versions, groups and resources, in the old form and the aggregated one.

use std::sync::Arc;

use axum::Json;
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};

use super::resource::Resource;

const AGGREGATED: &str = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList";

/// Answers a discovery path; `None` for any other.
pub(super) fn answer(resources: &[Arc<Resource>], path: &str, accept: &str) -> Option<Response> {
    let is_aggregated = accept.contains("as=APIGroupDiscoveryList") && accept.contains("v=v2;");
    let parts: Vec<&str> = path.trim_matches('/').split('/').collect();
    let body = match parts.as_slice() {
        ["version"] => version(),
        ["api"] if is_aggregated => return Some(aggregated(resources, true)),
        ["apis"] if is_aggregated => return Some(aggregated(resources, false)),
        ["api"] => json!({"kind": "APIVersions", "versions": ["v1"], "serverAddressByClientCIDRs": []}),
        ["apis"] => json!({"kind": "APIGroupList", "apiVersion": "v1", "groups": groups(resources)}),
        ["api", "v1"] => resource_list(resources, "", "v1")?,
        ["apis", group] => groups(resources)
            .into_iter()
            .find(|one| one["name"] == *group)
            .map(|mut one| {
                one["kind"] = json!("APIGroup");
                one["apiVersion"] = json!("v1");
                one
            })?,
        ["apis", group, version] => resource_list(resources, group, version)?,
        [""] => json!({"paths": paths(resources)}),
        _ => return None,
    };
    Some(Json(body).into_response())
}

/// The Kubernetes version that the sandbox stands in for.
fn version() -> Value {
    json!({"major": "1", "minor": "34", "gitVersion": "v1.34.0+sandbox", "gitCommit": "", "gitTreeState": "clean",
        "buildDate": "1970-01-01T00:00:00Z", "goVersion": "", "compiler": "", "platform": "sandbox"})
}

/// The groups with their versions, in order of first appearance; the core group is named `""`.
pub(super) fn group_versions(resources: &[Arc<Resource>]) -> Vec<(String, Vec<String>)> {
    let mut groups: Vec<(String, Vec<String>)> = Vec::new();
    for resource in resources {
        match groups.iter_mut().find(|(group, _)| *group == resource.group) {
            Some((_, versions)) if versions.contains(&resource.version) => {}
            Some((_, versions)) => versions.push(resource.version.clone()),
            None => groups.push((resource.group.clone(), vec![resource.version.clone()])),
        }
    }
    groups
}

fn paths(resources: &[Arc<Resource>]) -> Vec<String> {
    let mut all = vec!["/api".to_owned(), "/api/v1".to_owned(), "/apis".to_owned()];
    for (group, versions) in group_versions(resources)
        .into_iter()
        .filter(|(group, _)| !group.is_empty())
    {
        all.push(format!("/apis/{group}"));
        all.extend(versions.iter().map(|version| format!("/apis/{group}/{version}")));
    }
    all.extend(["/healthz", "/livez", "/openapi/v3", "/readyz", "/version"].map(str::to_owned));
    all
}

fn groups(resources: &[Arc<Resource>]) -> Vec<Value> {
    let named = group_versions(resources)
        .into_iter()
        .filter(|(group, _)| !group.is_empty());
    named
        .map(|(group, versions)| {
            let all: Vec<Value> = versions
                .iter()
                .map(|version| json!({"groupVersion": format!("{group}/{version}"), "version": version}))
                .collect();
            json!({"name": group, "versions": all, "preferredVersion": all.first()})
        })
        .collect()
}

fn resource_list(resources: &[Arc<Resource>], group: &str, version: &str) -> Option<Value> {
    let mut all = Vec::new();
    for resource in resources
        .iter()
        .filter(|one| one.group == group && one.version == version)
    {
        all.push(listed(resource));
        for name in &resource.subresources {
            all.push(listed_subresource(resource, name));
        }
    }
    all.sort_by(|one, other| one["name"].as_str().cmp(&other["name"].as_str()));
    let group_version = if group.is_empty() {
        version.to_owned()
    } else {
        format!("{group}/{version}")
    };
    (!all.is_empty())
        .then(|| json!({"kind": "APIResourceList", "apiVersion": "v1", "groupVersion": group_version, "resources": all}))
}

fn listed(resource: &Resource) -> Value {
    let mut entry = json!({"name": resource.plural, "singularName": resource.singular,
        "namespaced": resource.namespaced, "kind": resource.kind, "verbs": resource.verbs});
    if !resource.short_names.is_empty() {
        entry["shortNames"] = json!(resource.short_names);
    }
    if !resource.categories.is_empty() {
        entry["categories"] = json!(resource.categories);
    }
    entry
}

/// A subresource's kind, with its group and version where they are not the resource's own, and its verbs.
fn describe<'a>(
    resource: &'a Resource,
    name: &str,
) -> (&'a str, &'static str, &'static str, &'static [&'static str]) {
    match name {
        "scale" => ("Scale", "autoscaling", "v1", &["get", "patch", "update"]),
        "eviction" => ("Eviction", "policy", "v1", &["create"]),
        "token" => ("TokenRequest", "authentication.k8s.io", "v1", &["create"]),
        "binding" => ("Binding", "", "", &["create"]),
        "log" => (&resource.kind, "", "", &["get"]),
        "finalize" => (&resource.kind, "", "", &["update"]),
        _ => (&resource.kind, "", "", &["get", "patch", "update"]),
    }
}

fn listed_subresource(resource: &Resource, name: &str) -> Value {
    let (kind, group, version, verbs) = describe(resource, name);
    let mut entry = json!({"name": format!("{}/{name}", resource.plural), "singularName": "",
        "namespaced": resource.namespaced, "kind": kind, "verbs": verbs});
    if !group.is_empty() {
        entry["group"] = json!(group);
        entry["version"] = json!(version);
    }
    entry
}

fn aggregated(resources: &[Arc<Resource>], core: bool) -> Response {
    let chosen = group_versions(resources)
        .into_iter()
        .filter(|(group, _)| group.is_empty() == core);
    let items: Vec<Value> = chosen
        .map(|(group, versions)| {
            let versions: Vec<Value> = versions
                .iter()
                .map(|version| aggregated_version(resources, &group, version))
                .collect();
            let metadata = if core {
                json!({"creationTimestamp": null})
            } else {
                json!({"name": group, "creationTimestamp": null})
            };
            json!({"metadata": metadata, "versions": versions})
        })
        .collect();
    let body = json!({"kind": "APIGroupDiscoveryList", "apiVersion": "apidiscovery.k8s.io/v2", "metadata": {}, "items": items});
    ([("content-type", AGGREGATED)], body.to_string()).into_response()
}

fn aggregated_version(resources: &[Arc<Resource>], group: &str, version: &str) -> Value {
    let fits = |one: &&Arc<Resource>| one.group == group && one.version == version;
    let all: Vec<Value> = resources
        .iter()
        .filter(fits)
        .map(|one| aggregated_resource(one))
        .collect();
    json!({"version": version, "freshness": "Current", "resources": all})
}

fn aggregated_resource(resource: &Resource) -> Value {
    let kind =
        |group: &str, version: &str, kind: &str| json!({"group": group, "version": version, "kind": kind});
    let mut entry = json!({"resource": resource.plural,
        "responseKind": kind(&resource.group, &resource.version, &resource.kind),
        "scope": if resource.namespaced { "Namespaced" } else { "Cluster" },
        "singularResource": resource.singular, "verbs": resource.verbs});
    if !resource.short_names.is_empty() {
        entry["shortNames"] = json!(resource.short_names);
    }
    if !resource.categories.is_empty() {
        entry["categories"] = json!(resource.categories);
    }
    let subresources: Vec<Value> = resource
        .subresources
        .iter()
        .map(|name| {
            let (sub_kind, group, version, verbs) = describe(resource, name);
            let (group, version) = if version.is_empty() {
                (resource.group.as_str(), resource.version.as_str())
            } else {
                (group, version)
            };
            json!({"subresource": name, "responseKind": kind(group, version, sub_kind), "verbs": verbs})
        })
        .collect();
    if !subresources.is_empty() {
        entry["subresources"] = json!(subresources);
    }
    entry
}
