//! New objects, as kubectl's generators make them.

pub(super) mod access;
pub(super) mod config;
pub(super) mod service;
pub(super) mod workload;

use kube::core::ApiResource;
use serde_json::{Map, Value, json};

use crate::plan::value::Pair;

/// Puts type and namespace into a manifest, type first as people write it.
pub(super) fn place(manifest: &mut Value, api: &ApiResource, namespace: Option<&str>) {
    let mut whole = json!({"apiVersion": api.api_version, "kind": api.kind, "metadata": {}});
    if let (Some(whole), Some(parts)) = (whole.as_object_mut(), manifest.as_object()) {
        whole.extend(parts.clone());
    }
    if let Some(namespace) = namespace {
        whole["metadata"]["namespace"] = json!(namespace);
    }
    *manifest = whole;
}

/// Pairs as a map of texts.
fn map(pairs: &[Pair]) -> Map<String, Value> {
    pairs
        .iter()
        .map(|pair| (pair.key.clone(), json!(pair.value)))
        .collect()
}

/// A container's name after its image, as in `nginx` of `docker.io/library/nginx:1.27`.
fn container_name(image: &str) -> String {
    let last = image.rsplit('/').next().unwrap_or(image);
    let bare = last.split([':', '@']).next().unwrap_or(last).to_ascii_lowercase();
    let name: String = bare
        .chars()
        .map(|c| {
            if c.is_ascii_alphanumeric() || c == '-' {
                c
            } else {
                '-'
            }
        })
        .collect();
    name.trim_matches('-').to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_container_is_called_after_its_image() {
        assert_eq!(container_name("nginx:1.27"), "nginx");
        assert_eq!(
            container_name("registry.example.com:5000/shop/Web_App@sha256:abc"),
            "web-app"
        );
    }
}
