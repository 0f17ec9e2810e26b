//! A way to a real API server on which requests meet the faults that the sandbox knows.

use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::extract::{Request, State};
use axum::response::{IntoResponse as _, Response};
use axum::{Json, Router};
use kube::config::{KubeConfigOptions, Kubeconfig};
use kube::{Client, Config};
use sayso::sandbox::{Fault, FaultAnswer};
use serde_json::{Value, json};
use tokio::task::JoinHandle;

use super::stand::RUNTIME;

/// The largest body that is passed on.
const BODY_LIMIT: usize = 3 * 1024 * 1024;

/// A server on loopback that passes everything on which meets no fault.
pub struct Gateway {
    url: String,
    namespace: String,
    passage: Arc<Passage>,
    server: JoinHandle<()>,
}

struct Passage {
    client: Client,
    /// The faults still to be met, oldest first, and how many were met.
    faults: Mutex<(Vec<Fault>, u64)>,
}

impl Gateway {
    /// To the cluster of a kubeconfig; `namespace` is where requests go that name none.
    pub fn to(kubeconfig: &Path, namespace: &str) -> Gateway {
        let kubeconfig = Kubeconfig::read_from(kubeconfig).unwrap();
        let opening = async {
            let options = KubeConfigOptions::default();
            let config = Config::from_custom_kubeconfig(kubeconfig, &options)
                .await
                .unwrap();
            let passage = Arc::new(Passage {
                client: Client::try_from(config).unwrap(),
                faults: Mutex::default(),
            });
            let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
            let url = format!("http://{}", listener.local_addr().unwrap());
            let router = Router::new().fallback(answer).with_state(passage.clone());
            let server = tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
            (url, passage, server)
        };
        let (url, passage, server) = RUNTIME.block_on(opening);
        Gateway {
            url,
            namespace: namespace.to_owned(),
            passage,
            server,
        }
    }

    /// A file for clients.
    pub fn kubeconfig(&self) -> String {
        let (url, namespace) = (&self.url, &self.namespace);
        format!(
            "apiVersion: v1\nkind: Config\ncurrent-context: gateway\nclusters:\n- name: gateway\n  cluster: {{server: '{url}'}}\nusers:\n- name: nobody\n  user: {{}}\ncontexts:\n- name: gateway\n  context: {{cluster: gateway, user: nobody, namespace: {namespace}}}\n"
        )
    }

    /// Makes the next requests that match meet something else than their answer.
    pub fn inject(&self, fault: Fault) {
        self.passage.faults.lock().unwrap().0.push(fault);
    }

    /// How many requests met a fault.
    pub fn faults_met(&self) -> u64 {
        self.passage.faults.lock().unwrap().1
    }

    /// Forgets the faults that are left.
    pub fn heal(&self) {
        self.passage.faults.lock().unwrap().0.clear();
    }

    /// A deployment of the namespace, past all faults.
    pub fn deployment(&self, name: &str) -> Value {
        let path = format!("/apis/apps/v1/namespaces/{}/deployments/{name}", self.namespace);
        let request = http::Request::get(path).body(Vec::new()).unwrap();
        RUNTIME.block_on(self.passage.client.request(request)).unwrap()
    }
}

impl Drop for Gateway {
    fn drop(&mut self) {
        self.server.abort();
    }
}

impl Passage {
    /// The answer for this request, used up by one.
    fn meet(&self, method: &str, path: &str) -> Option<FaultAnswer> {
        let mut faults = self.faults.lock().unwrap();
        faults.0.retain(|fault| fault.times > 0);
        let fits = |fault: &&mut Fault| {
            (fault.method.is_empty() || fault.method == method) && path.contains(&fault.path_contains)
        };
        let fault = faults.0.iter_mut().find(fits)?;
        fault.times -= 1;
        let answer = fault.answer;
        faults.1 += 1;
        Some(answer)
    }

    async fn pass(&self, request: Request) -> Response {
        let (mut parts, body) = request.into_parts();
        let body = axum::body::to_bytes(body, BODY_LIMIT).await.unwrap();
        for own in ["host", "content-length", "connection"] {
            parts.headers.remove(own);
        }
        let request = http::Request::from_parts(parts, kube::client::Body::from(body.to_vec()));
        match self.client.send(request).await {
            Ok(answer) => answer.map(Body::new),
            Err(error) => status(502, &error.to_string()),
        }
    }
}

async fn answer(State(passage): State<Arc<Passage>>, request: Request) -> Response {
    let path = request.uri().to_string();
    let fault = passage.meet(request.method().as_str(), &path);
    match fault {
        Some(FaultAnswer::Status(code)) => return status(code, "injected fault"),
        Some(FaultAnswer::Hang) => std::future::pending().await,
        Some(FaultAnswer::Close) => return broken(),
        Some(FaultAnswer::Delay(delay)) if delay > Duration::ZERO => tokio::time::sleep(delay).await,
        _ => {}
    }
    // What is on its way arrives, though the one who sent it may be gone.
    let sent = tokio::spawn(async move { passage.pass(request).await });
    let response = sent.await.unwrap();
    match fault {
        Some(FaultAnswer::Lose) => std::future::pending().await,
        Some(FaultAnswer::Cut) => broken(),
        _ => response,
    }
}

fn status(code: u16, message: &str) -> Response {
    let reason = match code {
        409 => "Conflict",
        422 => "Invalid",
        429 => "TooManyRequests",
        503 => "ServiceUnavailable",
        _ => "InternalError",
    };
    let body = json!({"kind": "Status", "apiVersion": "v1", "status": "Failure", "code": code, "reason": reason,
        "message": message});
    let code = http::StatusCode::from_u16(code).unwrap();
    (code, [("retry-after", "1")], Json(body)).into_response()
}

/// An answer that breaks off.
fn broken() -> Response {
    let end = std::io::Error::from(std::io::ErrorKind::ConnectionReset);
    let stream = futures::stream::iter([Ok(Bytes::from_static(b"{")), Err(end)]);
    ([("content-type", "application/json")], Body::from_stream(stream)).into_response()
}
