//! The HTTP side: one handler for everything, faults first, then identity, access and the routes.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{Request, State};
use axum::response::{IntoResponse, Response};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use super::cluster::Cluster;
use super::controllers;
use super::faults::{FaultAnswer, Faults};
use super::request::{Asked, Query, target};
use super::routes;
use super::status::ApiError;

/// The largest body that is read, as in the real server.
const BODY_LIMIT: usize = 3 * 1024 * 1024;

/// What all requests of one sandbox share.
#[derive(Debug)]
pub(super) struct Shared {
    cluster: Mutex<Cluster>,
    faults: Mutex<Faults>,
    changed: watch::Sender<u64>,
    pub(super) stop: CancellationToken,
}

impl Shared {
    pub(super) fn new(cluster: Cluster) -> Self {
        let changed = watch::Sender::new(cluster.store.version());
        Self {
            cluster: Mutex::new(cluster),
            faults: Mutex::default(),
            changed,
            stop: CancellationToken::new(),
        }
    }

    /// The cluster. A panic of another holder leaves it usable: every change is a single store operation.
    pub(super) fn lock(&self) -> MutexGuard<'_, Cluster> {
        self.cluster.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn faults(&self) -> MutexGuard<'_, Faults> {
        self.faults.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Wakes watches and the ticker if anything changed.
    pub(super) fn announce(&self) {
        let version = self.lock().store.version();
        self.changed
            .send_if_modified(|known| std::mem::replace(known, version) != version);
    }

    pub(super) fn subscribe(&self) -> watch::Receiver<u64> {
        self.changed.subscribe()
    }

    pub(super) async fn stopped(&self) {
        self.stop.cancelled().await;
    }
}

pub(super) fn router(shared: Arc<Shared>) -> Router {
    Router::new().fallback(answer).with_state(shared)
}

/// Every answer carries an id of its own, as the real server's audit log has one for each request.
async fn answer(state: State<Arc<Shared>>, request: Request) -> Response {
    let mut response = meet(state, request).await;
    let id = uuid::Uuid::new_v4().to_string();
    if let Ok(id) = axum::http::HeaderValue::from_str(&id) {
        response.headers_mut().insert("audit-id", id);
    }
    response
}

async fn meet(State(shared): State<Arc<Shared>>, request: Request) -> Response {
    let path = request
        .uri()
        .path_and_query()
        .map_or_else(String::new, ToString::to_string);
    let fault = shared.faults().meet(request.method().as_str(), &path);
    match fault {
        None | Some(FaultAnswer::Lose | FaultAnswer::Cut) => {}
        Some(FaultAnswer::Status(code)) => return injected(code),
        Some(FaultAnswer::Delay(delay)) => tokio::time::sleep(delay).await,
        Some(FaultAnswer::Hang) => {
            shared.stopped().await;
            return broken();
        }
        Some(FaultAnswer::Close) => return broken(),
    }
    let response = match read(request).await {
        Ok(asked) => routes::answer(&shared, &asked).unwrap_or_else(IntoResponse::into_response),
        Err(error) => error.into_response(),
    };
    match fault {
        Some(FaultAnswer::Lose) => shared.stopped().await,
        Some(FaultAnswer::Cut) => return broken(),
        _ => {}
    }
    response
}

async fn read(request: Request) -> Result<Asked, ApiError> {
    let (parts, body) = request.into_parts();
    let bytes = axum::body::to_bytes(body, BODY_LIMIT).await.map_err(|_| {
        ApiError::new(
            413,
            "RequestEntityTooLarge",
            format!("Request entity too large: limit is {BODY_LIMIT}"),
        )
    })?;
    Ok(Asked {
        target: target(parts.uri.path()),
        path: parts.uri.path().to_owned(),
        query: Query::of(&parts.uri),
        method: parts.method,
        headers: parts.headers,
        body: bytes.to_vec(),
    })
}

fn injected(code: u16) -> Response {
    let reason = match code {
        400 => "BadRequest",
        401 => "Unauthorized",
        403 => "Forbidden",
        404 => "NotFound",
        409 => "Conflict",
        410 => "Expired",
        422 => "Invalid",
        429 => "TooManyRequests",
        503 => "ServiceUnavailable",
        504 => "Timeout",
        _ => "InternalError",
    };
    let mut response = ApiError::new(code, reason, format!("injected fault: status {code}")).into_response();
    if matches!(code, 429 | 503) {
        response
            .headers_mut()
            .insert("retry-after", axum::http::HeaderValue::from_static("1"));
    }
    response
}

/// An answer that announces a body and breaks off.
fn broken() -> Response {
    let stream = futures::stream::iter([
        Ok(Bytes::from_static(b"{")),
        Err(std::io::Error::new(
            std::io::ErrorKind::ConnectionReset,
            "injected fault: connection closed",
        )),
    ]);
    ([("content-type", "application/json")], Body::from_stream(stream)).into_response()
}

/// Lets timers happen when they are due, until the sandbox stops.
pub(super) async fn tick(shared: Arc<Shared>) {
    let mut changed = shared.subscribe();
    loop {
        let due = shared.lock().next_due();
        let wait = async {
            match due {
                Some(due) => tokio::time::sleep_until(due.into()).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            () = wait => {
                let _ = controllers::advance(&mut shared.lock());
                shared.announce();
            }
            outcome = changed.changed() => if outcome.is_err() { return },
            () = shared.stopped() => return,
        }
    }
}
