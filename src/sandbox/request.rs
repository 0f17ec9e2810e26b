//! What a request asks for: its path taken apart, its query, its verb.

use axum::http::{HeaderMap, Method, Uri};
use percent_encoding::percent_decode_str;

use super::selector::{Fields, Labels};
use super::status::{ApiError, Cause};

/// The resource that a path names; empty strings where it names none.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Target {
    pub(super) group: String,
    pub(super) version: String,
    pub(super) namespace: String,
    pub(super) resource: String,
    pub(super) name: String,
    pub(super) subresource: String,
}

/// Takes `/api/v1/...` and `/apis/GROUP/VERSION/...` apart; `None` for every other path.
pub(super) fn target(path: &str) -> Option<Target> {
    let decoded = |part: &str| percent_decode_str(part).decode_utf8_lossy().into_owned();
    let parts: Vec<String> = path
        .split('/')
        .filter(|part| !part.is_empty())
        .map(decoded)
        .collect();
    let (group, version, rest) = match parts.first().map(String::as_str) {
        Some("api") if parts.len() > 2 => (String::new(), parts[1].clone(), &parts[2..]),
        Some("apis") if parts.len() > 3 => (parts[1].clone(), parts[2].clone(), &parts[3..]),
        _ => return None,
    };
    let is_scope =
        rest[0] == "namespaces" && rest.len() > 2 && !["status", "finalize"].contains(&rest[2].as_str());
    let (namespace, rest) = if is_scope {
        (rest[1].clone(), &rest[2..])
    } else {
        (String::new(), rest)
    };
    if rest.len() > 3 {
        return None;
    }
    let part = |index: usize| rest.get(index).cloned().unwrap_or_default();
    Some(Target {
        group,
        version,
        namespace,
        resource: part(0),
        name: part(1),
        subresource: part(2),
    })
}

/// The query's parameters, in order.
#[derive(Debug, Clone, Default)]
pub(super) struct Query(Vec<(String, String)>);

impl Query {
    pub(super) fn of(uri: &Uri) -> Self {
        axum::extract::Query::<Vec<(String, String)>>::try_from_uri(uri)
            .map(|query| Self(query.0))
            .unwrap_or_default()
    }

    /// The first value of `key`, or `""`.
    pub(super) fn get(&self, key: &str) -> &str {
        self.0
            .iter()
            .find(|(known, _)| known == key)
            .map_or("", |(_, value)| value)
    }

    /// True for `key=true`, `key=1` and a bare `key`.
    pub(super) fn flag(&self, key: &str) -> bool {
        self.0
            .iter()
            .any(|(known, value)| known == key && matches!(value.as_str(), "" | "1" | "t" | "true" | "True"))
    }

    pub(super) fn number(&self, key: &str) -> Option<u64> {
        self.get(key).parse().ok()
    }

    pub(super) fn labels(&self) -> Result<Labels, ApiError> {
        Labels::parse(self.get("labelSelector"))
    }

    pub(super) fn fields(&self) -> Result<Fields, ApiError> {
        Fields::parse(self.get("fieldSelector"))
    }
}

/// How the answer to a read should look.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Shape {
    Object,
    Table,
    /// `PartialObjectMetadata`, alone or in a list.
    Metadata,
}

/// One request, taken apart, its body read.
#[derive(Debug)]
pub(super) struct Asked {
    pub(super) method: Method,
    pub(super) path: String,
    pub(super) query: Query,
    pub(super) headers: HeaderMap,
    pub(super) target: Option<Target>,
    pub(super) body: Vec<u8>,
}

impl Asked {
    pub(super) fn header(&self, name: &str) -> &str {
        self.headers
            .get(name)
            .and_then(|value| value.to_str().ok())
            .unwrap_or("")
    }

    /// The media type of the body, without parameters.
    pub(super) fn content_type(&self) -> &str {
        self.header("content-type").split(';').next().unwrap_or("").trim()
    }

    /// The first shape in the Accept header that is served.
    pub(super) fn shape(&self) -> Shape {
        for accepted in self.header("accept").split(',') {
            if accepted.contains("as=Table") {
                return Shape::Table;
            }
            if accepted.contains("as=PartialObjectMetadata") {
                return Shape::Metadata;
            }
            if accepted.contains("application/json") {
                return Shape::Object;
            }
        }
        Shape::Object
    }

    /// The verb that access rules speak of.
    pub(super) fn verb(&self) -> &'static str {
        let is_collection = self.target.as_ref().is_some_and(|target| target.name.is_empty());
        match self.method.as_str() {
            "GET" | "HEAD" if self.target.is_none() => "get",
            "GET" | "HEAD" if self.query.flag("watch") => "watch",
            "GET" | "HEAD" if is_collection => "list",
            "GET" | "HEAD" => "get",
            "POST" => "create",
            "PUT" => "update",
            "PATCH" => "patch",
            "DELETE" if is_collection => "deletecollection",
            "DELETE" => "delete",
            _ => "",
        }
    }

    /// True if nothing shall be stored.
    pub(super) fn is_dry_run(&self) -> Result<bool, ApiError> {
        match self.query.get("dryRun") {
            "" => Ok(false),
            "All" => Ok(true),
            other => {
                let mut cause = Cause::unsupported("dryRun", other, &["All"]);
                cause.message = cause
                    .message
                    .replace(&format!("{other:?}"), &format!("[{other:?}]"));
                Err(ApiError::bad_options(self.options(), cause))
            }
        }
    }

    /// The kind of the options that this request comes with.
    pub(super) fn options(&self) -> &'static str {
        match self.verb() {
            "create" => "CreateOptions",
            "update" => "UpdateOptions",
            "patch" => "PatchOptions",
            "delete" | "deletecollection" => "DeleteOptions",
            _ => "ListOptions",
        }
    }

    /// Refuses options of a write that are none.
    pub(super) fn check_options(&self) -> Result<(), ApiError> {
        let checks = self.query.get("fieldValidation");
        let known = ["", "Ignore", "Strict", "Warn"];
        if !known.contains(&checks) {
            let cause = Cause::unsupported("fieldValidation", checks, &known);
            return Err(ApiError::bad_options(self.options(), cause));
        }
        if self.query.get("fieldManager").len() > 128 {
            let cause = Cause {
                reason: "FieldValueTooLong",
                field: "fieldManager".into(),
                message: "Too long: may not be more than 128 bytes".into(),
            };
            return Err(ApiError::bad_options(self.options(), cause));
        }
        Ok(())
    }

    /// Who manages the fields that this request writes.
    pub(super) fn manager(&self) -> String {
        match self.query.get("fieldManager") {
            "" => self
                .header("user-agent")
                .split('/')
                .next()
                .unwrap_or("unknown")
                .to_owned(),
            named => named.to_owned(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parts(path: &str) -> Option<[String; 6]> {
        target(path).map(|t| [t.group, t.version, t.namespace, t.resource, t.name, t.subresource])
    }

    #[test]
    fn paths_taken_apart() {
        let owned = |parts: [&str; 6]| Some(parts.map(str::to_owned));
        assert_eq!(
            parts("/api/v1/namespaces"),
            owned(["", "v1", "", "namespaces", "", ""])
        );
        assert_eq!(
            parts("/api/v1/namespaces/shop"),
            owned(["", "v1", "", "namespaces", "shop", ""])
        );
        assert_eq!(
            parts("/api/v1/namespaces/shop/status"),
            owned(["", "v1", "", "namespaces", "shop", "status"])
        );
        assert_eq!(
            parts("/api/v1/namespaces/shop/pods/a/log"),
            owned(["", "v1", "shop", "pods", "a", "log"])
        );
        assert_eq!(
            parts("/apis/apps/v1/deployments"),
            owned(["apps", "v1", "", "deployments", "", ""])
        );
        assert_eq!(
            parts("/apis/r.io/v1/roles/a%3Ab"),
            owned(["r.io", "v1", "", "roles", "a:b", ""])
        );
        for other in [
            "/",
            "/api/v1",
            "/apis/apps/v1",
            "/version",
            "/api/v1/namespaces/a/pods/b/c/d",
        ] {
            assert_eq!(parts(other), None, "{other}");
        }
    }
}
