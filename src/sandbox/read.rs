//! Get and list: selection, pages, and the shape of the answer.

use std::sync::Arc;

use axum::response::{IntoResponse, Response};
use serde::ser::{Serialize, SerializeMap as _, SerializeSeq as _, Serializer};
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

    pub(super) fn matches(&self, resource: &Resource, object: &Value) -> bool {
        self.namespace
            .as_deref()
            .is_none_or(|wanted| wanted == namespace(object))
            && self.labels.matches(object)
            && (self.fields.is_empty() || self.fields.matches(&convert::outward(resource, object)))
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
    objects: Vec<Arc<Value>>,
    next: String,
    remaining: usize,
    version: u64,
}

/// Cuts the page out that the query asks for. Later pages keep the version of the first, so that a watch from it misses
/// nothing.
fn page(mut objects: Vec<Arc<Value>>, query: &Query, cluster: &Cluster) -> Result<Page, ApiError> {
    let mut version = cluster.store.version();
    let token = query.get("continue");
    if !token.is_empty() {
        let (begun, place, last) = decode(token)?;
        if cluster.store.since(begun).is_none() {
            return Err(ApiError::expired(
                "The provided continue parameter is too old to display a consistent list result. You can start a new list without the continue parameter, or use the continue token in this response to retrieve the remainder of the results. Continuing with the provided token results in an inconsistent list - objects that were created, modified, or deleted between the time the first chunk was returned and now may show up in the list.",
            ));
        }
        version = begun;
        let start = objects.partition_point(|object| (namespace(object), name(object)) <= (&*place, &*last));
        objects.drain(..start);
    }
    let limit = query
        .number("limit")
        .and_then(|limit| usize::try_from(limit).ok())
        .filter(|limit| *limit > 0);
    let total = objects.len();
    objects.truncate(limit.unwrap_or(total));
    let remaining = total - objects.len();
    let next = match objects.last() {
        Some(last) if remaining > 0 => encode(version, last),
        _ => String::new(),
    };
    Ok(Page {
        objects,
        next,
        remaining,
        version,
    })
}

fn encode(version: u64, last: &Value) -> String {
    hex::encode(json!([version, namespace(last), name(last)]).to_string())
}

fn decode(token: &str) -> Result<(u64, String, String), ApiError> {
    let wrong = || ApiError::bad_request("continue key is not valid");
    let bytes = hex::decode(token).map_err(|_| wrong())?;
    serde_json::from_slice(&bytes).map_err(|_| wrong())
}

/// A list to be written out: everything that takes time can happen without the cluster.
pub(super) struct List<'a> {
    resource: &'a Resource,
    page: Page,
    shape: Shape,
    metadata: Value,
    include: &'a str,
    now: jiff::Timestamp,
}

impl<'a> List<'a> {
    /// Takes a page of the objects, which are in order.
    pub(super) fn of(
        cluster: &Cluster,
        resource: &'a Resource,
        objects: Vec<Arc<Value>>,
        shape: Shape,
        query: &'a Query,
    ) -> Result<Self, ApiError> {
        let page = page(objects, query, cluster)?;
        let mut metadata = json!({"resourceVersion": page.version.to_string()});
        if page.remaining > 0 {
            metadata["continue"] = json!(page.next);
            // With a selector the server would have to look at everything to know.
            if query.get("labelSelector").is_empty() && query.get("fieldSelector").is_empty() {
                metadata["remainingItemCount"] = json!(page.remaining);
            }
        }
        Ok(Self {
            resource,
            page,
            shape,
            metadata,
            include: query.get("includeObject"),
            now: cluster.now(),
        })
    }

    /// The answer.
    pub(super) fn respond(self) -> Response {
        let body = match self.shape {
            Shape::Table => serde_json::to_vec(&self.table()),
            Shape::Metadata => {
                let all: Vec<Value> = self.page.objects.iter().map(|object| partial(object)).collect();
                serde_json::to_vec(
                    &json!({"kind": "PartialObjectMetadataList", "apiVersion": "meta.k8s.io/v1",
                    "metadata": self.metadata, "items": all}),
                )
            }
            Shape::Object => serde_json::to_vec(&Objects(&self)),
        };
        // Values of JSON can always be written.
        ([("content-type", "application/json")], body.unwrap_or_default()).into_response()
    }

    fn table(&self) -> Value {
        let shown: Vec<Value> = self
            .page
            .objects
            .iter()
            .map(|object| convert::outward(self.resource, object))
            .collect();
        let version = self.page.version.to_string();
        let mut made = table::of(self.resource, &shown, self.include, &version, self.now);
        made["metadata"] = self.metadata.clone();
        made
    }
}

/// A list of whole objects, written without a copy of them.
struct Objects<'a>(&'a List<'a>);

impl Serialize for Objects<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let list = self.0;
        let mut map = serializer.serialize_map(Some(4))?;
        map.serialize_entry("kind", &format!("{}List", list.resource.kind))?;
        map.serialize_entry("apiVersion", &list.resource.group_version())?;
        map.serialize_entry("metadata", &list.metadata)?;
        map.serialize_entry("items", &Items(list))?;
        map.end()
    }
}

struct Items<'a>(&'a List<'a>);

impl Serialize for Items<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let List { resource, page, .. } = self.0;
        let version = resource.group_version();
        let is_custom = resource.is_custom();
        let mut sequence = serializer.serialize_seq(Some(page.objects.len()))?;
        for object in &page.objects {
            match (text(object, "/apiVersion") == version, is_custom) {
                (true, true) => sequence.serialize_element(&**object)?,
                (true, false) => sequence.serialize_element(&Untyped(object))?,
                (false, _) => {
                    let shown = convert::outward(resource, object);
                    sequence.serialize_element(&Untyped(&shown))?;
                }
            }
        }
        sequence.end()
    }
}

/// An item of a built-in list, which does not repeat the type that the list's own states.
struct Untyped<'a>(&'a Value);

impl Serialize for Untyped<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let fields = self.0.as_object().into_iter().flatten();
        serializer.collect_map(fields.filter(|(key, _)| !matches!(key.as_str(), "kind" | "apiVersion")))
    }
}
