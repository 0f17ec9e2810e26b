//! Errors as the API reports them: `Status` objects with a code, a reason and the real server's words.

use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};

use super::resource::Resource;

/// A refusal: becomes a `Status` object with the same HTTP code.
#[derive(Debug, Clone)]
pub(super) struct ApiError {
    pub(super) code: u16,
    pub(super) reason: &'static str,
    pub(super) message: String,
    pub(super) details: Option<Box<Value>>,
}

/// One thing wrong with a field: what a 422 lists as a cause.
#[derive(Debug, Clone)]
pub(super) struct Cause {
    pub(super) reason: &'static str,
    pub(super) field: String,
    pub(super) message: String,
}

impl Cause {
    pub(super) fn invalid(field: &str, value: &Value, why: &str) -> Self {
        let shown = match value {
            Value::String(text) => format!("{text:?}"),
            other => other.to_string(),
        };
        Self {
            reason: "FieldValueInvalid",
            field: field.into(),
            message: format!("Invalid value: {shown}: {why}"),
        }
    }

    pub(super) fn required(field: &str, why: &str) -> Self {
        let message = if why.is_empty() {
            "Required value".into()
        } else {
            format!("Required value: {why}")
        };
        Self {
            reason: "FieldValueRequired",
            field: field.into(),
            message,
        }
    }

    pub(super) fn forbidden(field: &str, why: &str) -> Self {
        Self {
            reason: "FieldValueForbidden",
            field: field.into(),
            message: format!("Forbidden: {why}"),
        }
    }

    pub(super) fn duplicate(field: &str, value: &str) -> Self {
        Self {
            reason: "FieldValueDuplicate",
            field: field.into(),
            message: format!("Duplicate value: {value:?}"),
        }
    }

    pub(super) fn unsupported(field: &str, value: &str, supported: &[&str]) -> Self {
        let list: Vec<String> = supported.iter().map(|one| format!("{one:?}")).collect();
        let message = format!(
            "Unsupported value: {value:?}: supported values: {}",
            list.join(", ")
        );
        Self {
            reason: "FieldValueNotSupported",
            field: field.into(),
            message,
        }
    }
}

impl ApiError {
    pub(super) fn new(code: u16, reason: &'static str, message: impl Into<String>) -> Self {
        Self {
            code,
            reason,
            message: message.into(),
            details: None,
        }
    }

    pub(super) fn bad_request(message: impl Into<String>) -> Self {
        Self::new(400, "BadRequest", message)
    }

    /// 404 for a path that nothing serves.
    pub(super) fn no_such_path() -> Self {
        let mut error = Self::new(
            404,
            "NotFound",
            "the server could not find the requested resource",
        );
        error.details = Some(Box::new(json!({})));
        error
    }

    pub(super) fn not_found(resource: &Resource, name: &str) -> Self {
        let message = format!("{} {name:?} not found", resource.qualified());
        Self::new(404, "NotFound", message).about(resource, name)
    }

    pub(super) fn namespace_not_found(name: &str) -> Self {
        let mut error = Self::new(404, "NotFound", format!("namespaces {name:?} not found"));
        error.details = Some(Box::new(json!({"name": name, "kind": "namespaces"})));
        error
    }

    pub(super) fn already_exists(resource: &Resource, name: &str) -> Self {
        let message = format!("{} {name:?} already exists", resource.qualified());
        Self::new(409, "AlreadyExists", message).about(resource, name)
    }

    pub(super) fn conflict(resource: &Resource, name: &str, why: &str) -> Self {
        let message = format!(
            "Operation cannot be fulfilled on {} {name:?}: {why}",
            resource.qualified()
        );
        Self::new(409, "Conflict", message).about(resource, name)
    }

    pub(super) fn modified(resource: &Resource, name: &str) -> Self {
        let why =
            "the object has been modified; please apply your changes to the latest version and try again";
        Self::conflict(resource, name, why)
    }

    pub(super) fn method_not_allowed() -> Self {
        let mut error = Self::new(
            405,
            "MethodNotAllowed",
            "the server does not allow this method on the requested resource",
        );
        error.details = Some(Box::default());
        error
    }

    /// 501 for what a real cluster does and the sandbox does not.
    pub(super) fn not_done(why: &str) -> Self {
        Self::new(
            501,
            "NotImplemented",
            format!("{why}; `sayso sandbox --help` lists what it does not do"),
        )
    }

    pub(super) fn unsupported_media_type(accepted: &str) -> Self {
        let message = format!(
            "the body of the request was in an unknown format - accepted media types include: {accepted}"
        );
        Self::new(415, "UnsupportedMediaType", message)
    }

    /// 415 for a patch in a form that the resource does not know.
    pub(super) fn unsupported_patch() -> Self {
        let mut error = Self::new(415, "UnsupportedMediaType", "415: Unsupported Media Type");
        error.details = Some(Box::default());
        error
    }

    pub(super) fn forbidden(resource: &Resource, name: &str, why: &str) -> Self {
        let message = format!("{} {name:?} is forbidden: {why}", resource.qualified());
        Self::new(403, "Forbidden", message).about(resource, name)
    }

    pub(super) fn expired(message: impl Into<String>) -> Self {
        Self::new(410, "Expired", message)
    }

    /// 422 with every cause; the message names them as the real server does.
    pub(super) fn invalid(resource: &Resource, name: &str, causes: &[Cause]) -> Self {
        let all: Vec<String> = causes
            .iter()
            .map(|cause| format!("{}: {}", cause.field, cause.message))
            .collect();
        let said = if all.len() == 1 {
            all.join("")
        } else {
            format!("[{}]", all.join(", "))
        };
        let kind = match resource.group.as_str() {
            "" => resource.kind.clone(),
            group => format!("{}.{group}", resource.kind),
        };
        let causes: Vec<Value> = causes
            .iter()
            .map(|cause| json!({"reason": cause.reason, "message": cause.message, "field": cause.field}))
            .collect();
        let mut error = Self::new(422, "Invalid", format!("{kind} {name:?} is invalid: {said}"));
        let details = described(name, &resource.group, &resource.kind);
        error.details = Some(Box::new(details));
        error.because(causes)
    }

    fn about(mut self, resource: &Resource, name: &str) -> Self {
        self.details = Some(Box::new(described(name, &resource.group, &resource.plural)));
        self
    }

    /// The same refusal with its causes listed.
    pub(super) fn because(mut self, causes: Vec<Value>) -> Self {
        self.details.get_or_insert_default()["causes"] = Value::Array(causes);
        self
    }

    /// 422 for options that a request came with, such as `PatchOptions`.
    pub(super) fn bad_options(kind: &str, cause: Cause) -> Self {
        let options = Resource {
            group: "meta.k8s.io".into(),
            kind: kind.into(),
            ..Resource::default()
        };
        Self::invalid(&options, "", &[cause])
    }

    /// 422 for a patch that makes of an object what its kind cannot be read from.
    pub(super) fn bad_patch(patched: &Value, why: &str) -> Self {
        let cause = Cause::invalid("patch", &json!(patched.to_string()), why);
        Self::invalid(&Resource::default(), "", &[cause])
    }

    /// 404 in plain text, as it comes for API groups that nobody has heard of.
    pub(super) fn no_such_page() -> Self {
        Self::new(404, "", "404 page not found\n")
    }

    /// The `Status` object.
    pub(super) fn status(&self) -> Value {
        let mut status = json!({
            "kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure",
            "message": self.message, "reason": self.reason,
        });
        if let Some(details) = &self.details {
            let none = json!({});
            status["details"] = if details.is_null() {
                none
            } else {
                (**details).clone()
            };
        }
        status["code"] = json!(self.code);
        status
    }
}

/// What a refusal is about: only what there is of name and group.
pub(super) fn described(name: &str, group: &str, kind: &str) -> Value {
    let parts = [("name", name), ("group", group), ("kind", kind)];
    let known = parts.into_iter().filter(|(_, value)| !value.is_empty());
    known.map(|(key, value)| (key.to_owned(), json!(value))).collect()
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let code = StatusCode::from_u16(self.code).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        if self.reason.is_empty() {
            return (code, self.message).into_response();
        }
        (code, axum::Json(self.status())).into_response()
    }
}
