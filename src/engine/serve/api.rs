//! The routes, and what they share.

use std::sync::Arc;

use axum::extract::{DefaultBodyLimit, Request, State};
use axum::http::{StatusCode, header};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use tokio::sync::watch;

use super::chat;
use super::life::Life;
use super::wire::ApiError;
use crate::engine::files::ModelFiles;
use crate::engine::host::Host;

/// The largest body that is read, in bytes.
const BODY_LIMIT: usize = 4 << 20;

/// How far the model is.
#[derive(Clone)]
pub(super) enum Stage {
    Loading,
    Ready(Arc<dyn Host>),
    Failed(String),
}

/// What all requests share.
pub(super) struct Server {
    /// What the model is called; empty while none is found.
    pub(super) model: String,
    digest: Option<String>,
    stages: watch::Receiver<Stage>,
    pub(super) life: Arc<Life>,
}

impl Server {
    pub(super) fn new(files: Option<&ModelFiles>, stages: watch::Receiver<Stage>, life: Arc<Life>) -> Self {
        let model = files.map(|files| files.name.clone()).unwrap_or_default();
        Self {
            model,
            digest: files.map(|files| files.digest.clone()),
            stages,
            life,
        }
    }

    /// The host, once it is loaded.
    pub(super) async fn host(&self) -> Result<Arc<dyn Host>, ApiError> {
        let unavailable = |message: &str| ApiError::new(StatusCode::SERVICE_UNAVAILABLE, message);
        let mut stages = self.stages.clone();
        let settled = stages.wait_for(|stage| !matches!(stage, Stage::Loading)).await;
        match settled.as_deref() {
            Ok(Stage::Ready(host)) => Ok(Arc::clone(host)),
            Ok(Stage::Failed(error)) => Err(unavailable(error)),
            Ok(Stage::Loading) | Err(_) => Err(unavailable("the server is leaving")),
        }
    }

    fn health(&self) -> Value {
        let stage = self.stages.borrow().clone();
        let (status, device, error) = match &stage {
            Stage::Loading => ("loading", None, None),
            Stage::Ready(host) => ("ready", Some(host.device()), None),
            Stage::Failed(error) => ("failed", None, Some(error)),
        };
        json!({
            "status": status, "model": self.model, "digest": self.digest, "device": device, "error": error,
            "version": env!("CARGO_PKG_VERSION"), "pid": std::process::id(),
        })
    }
}

/// All routes; with a token, every one of them wants it.
pub(super) fn router(server: Arc<Server>, token: Option<String>) -> Router {
    let routes = Router::new()
        .route("/health", get(health))
        .route("/v1/models", get(models))
        .route("/v1/chat/completions", post(chat::completions))
        .fallback(async || ApiError::new(StatusCode::NOT_FOUND, "there is no such path"))
        .method_not_allowed_fallback(async || {
            ApiError::new(StatusCode::METHOD_NOT_ALLOWED, "not with this method")
        })
        .layer(DefaultBodyLimit::max(BODY_LIMIT))
        .with_state(server);
    match token {
        None => routes,
        Some(token) => routes.layer(middleware::from_fn_with_state(Arc::new(token), authorize)),
    }
}

async fn health(State(server): State<Arc<Server>>) -> Json<Value> {
    Json(server.health())
}

async fn models(State(server): State<Arc<Server>>) -> Json<Value> {
    Json(json!({
        "object": "list",
        "data": [{"id": server.model, "object": "model", "created": 0, "owned_by": "sayso", "digest": server.digest}],
    }))
}

async fn authorize(State(token): State<Arc<String>>, request: Request, next: Next) -> Response {
    let given = request
        .headers()
        .get(header::AUTHORIZATION)
        .and_then(|value| value.to_str().ok());
    let given = given
        .and_then(|value| value.strip_prefix("Bearer "))
        .unwrap_or_default();
    // Hashes are compared, so that the time taken says nothing about the token.
    if Sha256::digest(given) == Sha256::digest(token.as_str()) {
        return next.run(request).await;
    }
    ApiError::new(StatusCode::UNAUTHORIZED, "a bearer token is needed").into_response()
}
