//! The four ways to patch an object.

mod strategic;

use serde_json::Value;

use super::status::ApiError;

pub(super) use strategic::{merge_key, strategic};

/// How a patch's body is to be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    Json,
    Merge,
    Strategic,
    Apply,
}

impl Form {
    /// How an apply merges: custom resources know no keyed lists.
    pub(super) fn on(self, is_custom: bool) -> Self {
        if self == Self::Apply && is_custom {
            Self::Merge
        } else {
            self
        }
    }

    /// The form that a Content-Type announces. Custom resources know no strategic merge.
    pub(super) fn of(content_type: &str, is_custom: bool) -> Result<Self, ApiError> {
        const ACCEPTED: &str = "application/json-patch+json, application/merge-patch+json, \
            application/strategic-merge-patch+json, application/apply-patch+yaml";
        match content_type {
            "application/json-patch+json" => Ok(Self::Json),
            "application/merge-patch+json" => Ok(Self::Merge),
            "application/strategic-merge-patch+json" if !is_custom => Ok(Self::Strategic),
            "application/apply-patch+yaml" | "application/apply-patch" => Ok(Self::Apply),
            _ if is_custom => Err(ApiError::unsupported_media_type(
                &ACCEPTED.replace("application/strategic-merge-patch+json, ", ""),
            )),
            _ => Err(ApiError::unsupported_media_type(ACCEPTED)),
        }
    }
}

/// The object with the patch applied to it.
pub(super) fn apply(form: Form, object: &Value, body: &Value) -> Result<Value, ApiError> {
    let mut patched = object.clone();
    match form {
        Form::Json => apply_json(&mut patched, body)?,
        _ if !body.is_object() => {
            return Err(ApiError::bad_request(
                "error decoding patch: the patch is not an object",
            ));
        }
        Form::Merge => json_patch::merge(&mut patched, body),
        Form::Strategic | Form::Apply => strategic(&mut patched, body)?,
    }
    if patched.is_object() {
        Ok(patched)
    } else {
        Err(ApiError::bad_request("the patched document is not an object"))
    }
}

fn apply_json(object: &mut Value, body: &Value) -> Result<(), ApiError> {
    let patch: json_patch::Patch = serde_json::from_value(body.clone())
        .map_err(|error| ApiError::bad_request(format!("error decoding patch: {error}")))?;
    json_patch::patch(object, &patch).map_err(|error| {
        let message = format!("the server rejected our request due to an error in our request: {error}");
        ApiError::new(422, "Invalid", message)
    })
}
