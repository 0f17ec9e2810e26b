//! Get and list: selection, pages, and the shape of the answer.

use std::sync::Arc;

use serde_json::{Value, json};

use super::cluster::Cluster;
use super::convert;
use super::json::{name, namespace, text};
use super::request::{Query, Shape};
use super::resource::Resource;
use super::selector::{Fields, Labels};
use super::status::ApiError;
use super::table;

/// What a list or a watch is about.
#[derive(Debug, Clone)]
pub(super) struct Selection {
    pub(super) namespace: Option<String>,
    pub(super) labels: Labels,
    pub(super) fields: Fields,
}

impl Selection {
    pub(super) fn read(query: &Query, namespace: &str) -> Result<Self, ApiError> {
        let namespace = (!namespace.is_empty()).then(|| namespace.to_owned());
        Ok(Self {
            namespace,
            labels: query.labels()?,
            fields: query.fields()?,
        })
    }

    /// A selection of one object.
    pub(super) fn named(mut self, name: &str) -> Result<Self, ApiError> {
        if !name.is_empty() {
            self.fields = Fields::parse(&format!("metadata.name={name}"))?;
        }
        Ok(self)
    }

    pub(super) fn matches(&self, resource: &Resource, object: &Value) -> bool {
        self.namespace
            .as_deref()
            .is_none_or(|wanted| wanted == namespace(object))
            && self.labels.matches(object)
            && self.fields.matches(&convert::outward(resource, object))
    }

    pub(super) fn choose(&self, cluster: &Cluster, resource: &Resource) -> Vec<Arc<Value>> {
        let mut all = cluster.store.list(&resource.table(), self.namespace.as_deref());
        all.retain(|object| self.matches(resource, object));
        all
    }
}

/// One object in the shape asked for.
pub(super) fn shaped(
    resource: &Resource,
    object: &Value,
    shape: Shape,
    query: &Query,
    now: jiff::Timestamp,
) -> Value {
    match shape {
        Shape::Object => convert::outward(resource, object),
        Shape::Metadata => partial(object),
        Shape::Table => {
            let version = text(object, "/metadata/resourceVersion");
            table::of(
                resource,
                &[convert::outward(resource, object)],
                query.get("includeObject"),
                version,
                now,
            )
        }
    }
}

/// The object's metadata alone, as its own kind.
pub(super) fn partial(object: &Value) -> Value {
    json!({"kind": "PartialObjectMetadata", "apiVersion": "meta.k8s.io/v1", "metadata": object.get("metadata")})
}

/// A page of a list.
#[derive(Debug)]
struct Page {
    objects: Vec<Value>,
    next: String,
    remaining: usize,
}

fn page(objects: Vec<Value>, query: &Query) -> Result<Page, ApiError> {
    let objects = match query.get("continue") {
        "" => objects,
        token => {
            let (place, last) = decode(token)?;
            objects
                .into_iter()
                .skip_while(|object| (namespace(object), name(object)) <= (&place, &last))
                .collect()
        }
    };
    let limit = query
        .number("limit")
        .and_then(|limit| usize::try_from(limit).ok())
        .filter(|limit| *limit > 0);
    let total = objects.len();
    let kept: Vec<Value> = objects.into_iter().take(limit.unwrap_or(total)).collect();
    let remaining = total - kept.len();
    let next = if remaining > 0 {
        kept.last().map(encode).unwrap_or_default()
    } else {
        String::new()
    };
    Ok(Page {
        objects: kept,
        next,
        remaining,
    })
}

fn encode(last: &Value) -> String {
    hex::encode(json!([namespace(last), name(last)]).to_string())
}

fn decode(token: &str) -> Result<(String, String), ApiError> {
    let wrong = || ApiError::bad_request("continue key is not valid");
    let bytes = hex::decode(token).map_err(|_| wrong())?;
    serde_json::from_slice(&bytes).map_err(|_| wrong())
}

/// A list in the shape asked for.
pub(super) fn list(
    cluster: &Cluster,
    resource: &Resource,
    objects: Vec<Value>,
    shape: Shape,
    query: &Query,
) -> Result<Value, ApiError> {
    let page = page(objects, query)?;
    let version = cluster.store.version().to_string();
    let mut metadata = json!({"resourceVersion": version});
    if page.remaining > 0 {
        metadata["continue"] = json!(page.next);
        metadata["remainingItemCount"] = json!(page.remaining);
    }
    Ok(match shape {
        Shape::Table => {
            let mut made = table::of(
                resource,
                &page.objects,
                query.get("includeObject"),
                &version,
                cluster.now(),
            );
            made["metadata"] = metadata;
            made
        }
        Shape::Metadata => {
            let all: Vec<Value> = page.objects.iter().map(partial).collect();
            json!({"kind": "PartialObjectMetadataList", "apiVersion": "meta.k8s.io/v1", "metadata": metadata, "items": all})
        }
        Shape::Object => {
            let kind = format!("{}List", resource.kind);
            let mut objects = page.objects;
            if !resource.is_custom() {
                // Items of built-in lists do not repeat the type that the list's own states.
                for object in objects.iter_mut().filter_map(Value::as_object_mut) {
                    object.shift_remove("kind");
                    object.shift_remove("apiVersion");
                }
            }
            json!({"kind": kind, "apiVersion": resource.group_version(), "metadata": metadata, "items": objects})
        }
    })
}
