//! The four ways to patch an object.

mod strategic;

use json_patch::{AddOperation, PatchOperation};
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
        const ACCEPTED: &str =
            "application/json-patch+json, application/merge-patch+json, application/apply-patch+yaml";
        match content_type {
            "application/json-patch+json" => Ok(Self::Json),
            "application/merge-patch+json" => Ok(Self::Merge),
            "application/strategic-merge-patch+json" if !is_custom => Ok(Self::Strategic),
            "application/apply-patch+yaml" | "application/apply-patch" => Ok(Self::Apply),
            _ if is_custom => Err(ApiError::unsupported_media_type(ACCEPTED)),
            _ => Err(ApiError::unsupported_patch()),
        }
    }
}

/// The object with the patch applied to it.
pub(super) fn apply(form: Form, object: &Value, body: &Value) -> Result<Value, ApiError> {
    let mut patched = object.clone();
    match form {
        Form::Json => apply_json(&mut patched, body)?,
        _ if !body.is_object() => {
            return Err(ApiError::bad_request(format!(
                "error decoding patch: json: cannot unmarshal {} into Go value of type map[string]interface {{}}",
                super::openapi::type_name(body)
            )));
        }
        Form::Merge => json_patch::merge(&mut patched, body),
        Form::Strategic => strategic(&mut patched, body)?,
        Form::Apply => strategic::applied(&mut patched, body)?,
    }
    if patched.is_object() {
        Ok(patched)
    } else {
        Err(ApiError::bad_request("the patched document is not an object"))
    }
}

/// True if the path's last step is a key that its object does not have.
fn is_new_key(object: &Value, path: &str) -> bool {
    let Some((above, _)) = path.rsplit_once('/') else {
        return false;
    };
    object.pointer(above).is_some_and(Value::is_object) && object.pointer(path).is_none()
}

fn rejected() -> ApiError {
    let mut error = ApiError::new(
        422,
        "Invalid",
        "the server rejected our request due to an error in our request",
    );
    error.details = Some(Box::default());
    error
}

fn apply_json(object: &mut Value, body: &Value) -> Result<(), ApiError> {
    if !body.is_array() {
        return Err(ApiError::bad_request(
            "error decoding patch: json: cannot unmarshal object into Go value of type []handlers.jsonPatchOp",
        ));
    }
    let patch: json_patch::Patch = serde_json::from_value(body.clone()).map_err(|_| rejected())?;
    // Replacing what is not there adds it, as with the patches of the real server's library.
    let lenient = patch.0.into_iter().try_for_each(|operation| {
        let one = match operation {
            PatchOperation::Replace(replace) if is_new_key(object, replace.path.as_str()) => {
                PatchOperation::Add(AddOperation {
                    path: replace.path,
                    value: replace.value,
                })
            }
            other => other,
        };
        json_patch::patch(object, &[one])
    });
    lenient.map_err(|_| rejected())
}
