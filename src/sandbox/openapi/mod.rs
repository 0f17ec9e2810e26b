//! OpenAPI v3: the documents that `kubectl explain` and its kin read, and the check that holds objects against them.

mod check;
mod custom;
mod document;
mod schemas;

use std::sync::Arc;

use axum::Json;
use axum::response::{IntoResponse, Response};
use serde_json::{Map, Value, json};

pub(super) use check::{check, drop_unknown, type_name};
pub(super) use custom::shape;

use super::discovery::group_versions;
use super::resource::Resource;

/// Makes the schemas now, so that no request has to wait for them.
pub(super) fn warm() {
    schemas::all();
}

/// Answers a path under `/openapi/v3`; `None` if nothing is there.
pub(super) fn answer(resources: &[Arc<Resource>], path: &str) -> Option<Response> {
    let rest = path.strip_prefix("/openapi/v3")?.trim_start_matches('/');
    if rest.is_empty() {
        return Some(Json(index(resources)).into_response());
    }
    let (group, version) = match rest.split('/').collect::<Vec<_>>().as_slice() {
        ["api", version] => (String::new(), (*version).to_owned()),
        ["apis", group, version] => ((*group).to_owned(), (*version).to_owned()),
        _ => return None,
    };
    let chosen: Vec<&Arc<Resource>> = resources
        .iter()
        .filter(|one| one.group == group && one.version == version)
        .collect();
    (!chosen.is_empty()).then(|| Json(document::of(&chosen)).into_response())
}

fn index(resources: &[Arc<Resource>]) -> Value {
    let mut paths = Map::new();
    for (group, versions) in group_versions(resources) {
        for version in versions {
            let path = if group.is_empty() {
                format!("api/{version}")
            } else {
                format!("apis/{group}/{version}")
            };
            let address = format!("/openapi/v3/{path}");
            paths.insert(path, json!({"serverRelativeURL": address}));
        }
    }
    json!({"paths": paths})
}
