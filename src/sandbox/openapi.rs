//! OpenAPI v3 documents.

use std::sync::Arc;

use axum::response::Response;
use serde_json::Value;

use super::resource::Resource;
use super::status::ApiError;

/// Answers a path under `/openapi/v3`; `None` if nothing is there.
pub(super) fn answer(_resources: &[Arc<Resource>], _path: &str) -> Option<Response> {
    None
}

/// Holds an object against its kind's schema.
#[allow(clippy::unnecessary_wraps)]
pub(super) fn check(_resource: &Resource, _object: &Value, _strict: bool) -> Result<(), ApiError> {
    Ok(())
}
