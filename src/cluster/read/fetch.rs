//! Requests that only look: paths, pages, and errors in our words.

use std::future::Future;

use http::Request;
use http::header::{ACCEPT, CONTENT_TYPE};
use kube::core::{ApiResource, GroupVersionKind};
use serde_json::{Value, json};
use tokio::time::timeout;

use super::json::{items, text};
use crate::cluster::connect::REQUEST_TIMEOUT;
use crate::cluster::{Cluster, ClusterError, Served};

/// What plain objects are asked for as.
pub(in crate::cluster) const JSON: &str = "application/json";
/// Objects reduced to their metadata.
pub(in crate::cluster) const METADATA: &str =
    "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1,application/json";
/// What `get` prints, computed by the server.
pub(in crate::cluster) const TABLE: &str = "application/json;as=Table;v=v1;g=meta.k8s.io,application/json";
/// Objects a page.
const PAGE: &str = "500";
/// Objects of one list at the most; what is beyond is left out.
pub(in crate::cluster) const LIST_LIMIT: usize = 50_000;

impl Served {
    /// A namespaced kind that the plan language does not name.
    pub(in crate::cluster) fn unnamed(group: &str, version: &str, kind: &str, plural: &str) -> Served {
        let gvk = GroupVersionKind::gvk(group, version, kind);
        Served {
            api: ApiResource::from_gvk_with_plural(&gvk, plural),
            singular: kind.to_lowercase(),
            short: Vec::new(),
            namespaced: true,
            scalable: false,
            listable: true,
        }
    }

    /// The path of its objects, or of one. A namespace is only used by kinds that live in one.
    pub(in crate::cluster) fn path_of(&self, namespace: Option<&str>, name: Option<&str>) -> String {
        let root = match self.api.group.as_str() {
            "" => format!("/api/{}", self.api.version),
            group => format!("/apis/{group}/{}", self.api.version),
        };
        let place = namespace
            .filter(|_| self.namespaced)
            .map_or_else(String::new, |namespace| {
                format!("/namespaces/{}", escape(namespace))
            });
        let name = name.map_or_else(String::new, |name| format!("/{}", escape(name)));
        format!("{root}{place}/{}{name}", self.api.plural)
    }

    /// The kind with its group as kubectl prefixes names: `pod`, `deployment.apps`.
    pub(in crate::cluster) fn qualified(&self) -> String {
        match self.api.group.as_str() {
            "" => self.singular.clone(),
            group => format!("{}.{group}", self.singular),
        }
    }
}

/// A list put together from its pages.
#[derive(Debug)]
pub(in crate::cluster) struct Listed {
    /// The first page without what the others continue.
    pub(in crate::cluster) head: Value,
    /// Items, or rows of a table.
    pub(in crate::cluster) entries: Vec<Value>,
    /// Whether there was more than [`LIST_LIMIT`].
    pub(in crate::cluster) is_cut: bool,
}

impl Cluster {
    /// GET of a JSON document.
    pub(in crate::cluster) async fn document(&self, path: &str, accept: &str) -> Result<Value, ClusterError> {
        let request = Request::get(path).header(ACCEPT, accept).body(Vec::new());
        self.answer(self.client.request::<Value>(built(request)?)).await
    }

    /// POST of a JSON document, for questions that the API takes as objects (access reviews).
    pub(in crate::cluster) async fn ask(&self, path: &str, body: &Value) -> Result<Value, ClusterError> {
        let request = Request::post(path)
            .header(CONTENT_TYPE, JSON)
            .body(body.to_string().into_bytes());
        self.answer(self.client.request::<Value>(built(request)?)).await
    }

    /// One object.
    pub(in crate::cluster) async fn one(
        &self,
        served: &Served,
        namespace: Option<&str>,
        name: &str,
    ) -> Result<Value, ClusterError> {
        self.document(&served.path_of(namespace, Some(name)), JSON).await
    }

    /// Every object of a kind, a page at a time. A list that expired between pages is read again in one.
    pub(in crate::cluster) async fn pages(
        &self,
        served: &Served,
        namespace: Option<&str>,
        query: &[(&str, &str)],
        accept: &str,
    ) -> Result<Listed, ClusterError> {
        let path = served.path_of(namespace, None);
        let mut head = self.document(&page(&path, query, PAGE, ""), accept).await?;
        let mut entries = take_entries(&mut head);
        let mut next = text(&head, "/metadata/continue").to_owned();
        while !next.is_empty() && entries.len() < LIST_LIMIT {
            match self.document(&page(&path, query, PAGE, &next), accept).await {
                Ok(mut more) => {
                    entries.append(&mut take_entries(&mut more));
                    text(&more, "/metadata/continue").clone_into(&mut next);
                }
                Err(ClusterError::Api { code: 410, .. }) => {
                    let mut whole = self.document(&page(&path, query, "", ""), accept).await?;
                    entries = take_entries(&mut whole);
                    next.clear();
                }
                Err(error) => return Err(error),
            }
        }
        let is_cut = !next.is_empty() || entries.len() > LIST_LIMIT;
        entries.truncate(LIST_LIMIT);
        Ok(Listed {
            head,
            entries,
            is_cut,
        })
    }

    /// Objects of a kind with `kind` and `apiVersion` filled in, which items of a list come without.
    pub(in crate::cluster) async fn objects(
        &self,
        served: &Served,
        namespace: Option<&str>,
        query: &[(&str, &str)],
    ) -> Result<Vec<Value>, ClusterError> {
        let listed = self.pages(served, namespace, query, JSON).await?;
        Ok(whole_items(&listed.head, listed.entries))
    }

    /// Waits for an answer within the limit.
    pub(in crate::cluster) async fn answer<T>(
        &self,
        answer: impl Future<Output = kube::Result<T>>,
    ) -> Result<T, ClusterError> {
        match timeout(REQUEST_TIMEOUT, answer).await {
            Ok(result) => result.map_err(|error| self.explain(error)),
            Err(_) => Err(ClusterError::Timeout {
                server: self.context.server.clone(),
                seconds: REQUEST_TIMEOUT.as_secs(),
            }),
        }
    }
}

/// A request that could be built, or why not: its path holds a character that no path may.
pub(in crate::cluster) fn built(
    request: http::Result<Request<Vec<u8>>>,
) -> Result<Request<Vec<u8>>, ClusterError> {
    request.map_err(|error| ClusterError::Impossible(error.to_string()))
}

/// A path with a query.
pub(in crate::cluster) fn with_query(path: &str, query: &[(&str, &str)]) -> String {
    let pairs = query
        .iter()
        .map(|(key, value)| format!("{key}={}", escape(value)));
    match pairs.collect::<Vec<_>>().join("&") {
        pairs if pairs.is_empty() => path.to_owned(),
        pairs => format!("{path}?{pairs}"),
    }
}

/// Whether the cluster does not serve, or does not let us see, what was asked for.
pub(in crate::cluster) fn is_hidden(error: &ClusterError) -> bool {
    matches!(
        error,
        ClusterError::Api { code: 403..=405, .. } | ClusterError::NoSuchKind(_)
    )
}

/// `kind` and `apiVersion` of a list's items follow from the list's own.
pub(in crate::cluster) fn whole_items(head: &Value, mut items: Vec<Value>) -> Vec<Value> {
    let kind = text(head, "/kind")
        .strip_suffix("List")
        .unwrap_or_default()
        .to_owned();
    let version = text(head, "/apiVersion").to_owned();
    for item in items.iter_mut().filter_map(Value::as_object_mut) {
        if !kind.is_empty() && !item.contains_key("kind") {
            item.insert("kind".to_owned(), json!(kind));
            item.insert("apiVersion".to_owned(), json!(version));
        }
    }
    items
}

fn page(path: &str, query: &[(&str, &str)], limit: &str, next: &str) -> String {
    let mut query = query.to_vec();
    if !limit.is_empty() {
        query.push(("limit", limit));
    }
    if !next.is_empty() {
        query.push(("continue", next));
    }
    with_query(path, &query)
}

fn take_entries(page: &mut Value) -> Vec<Value> {
    let key = if items(page, "/rows").is_empty() {
        "items"
    } else {
        "rows"
    };
    match page.get_mut(key).map(Value::take) {
        Some(Value::Array(entries)) => entries,
        _ => Vec::new(),
    }
}

/// Percent-encodes all but what every URL may hold as it is.
fn escape(text: &str) -> String {
    use std::fmt::Write;
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            out.push(char::from(byte));
        } else {
            let _ = write!(out, "%{byte:02X}");
        }
    }
    out
}
