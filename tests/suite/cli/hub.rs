//! A server on loopback that behaves like the hub of models: it redirects to a second one for large files, knows
//! ranges, and refuses, hesitates and breaks off as it is told to.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{Path, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use axum::routing::get;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

/// The commit of everything.
pub const COMMIT: &str = "0123456789abcdef0123456789abcdef01234567";

/// A file of a repository.
#[derive(Clone)]
pub struct Held {
    pub path: String,
    pub bytes: Vec<u8>,
    /// What the hub says its SHA-256 is, where it does.
    pub sha256: Option<String>,
    /// What the hub says its size is.
    pub size: u64,
}

impl Held {
    /// A large file, which lies on the second server under its hash.
    pub fn large(path: &str, bytes: Vec<u8>) -> Held {
        let sha256 = hex::encode(Sha256::digest(&bytes));
        Held {
            path: path.to_owned(),
            size: bytes.len() as u64,
            sha256: Some(sha256),
            bytes,
        }
    }

    /// A small one.
    pub fn small(path: &str, text: &str) -> Held {
        Held {
            path: path.to_owned(),
            size: text.len() as u64,
            sha256: None,
            bytes: text.as_bytes().to_vec(),
        }
    }
}

/// What was asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Asked {
    /// Of the hub, or of where it redirects.
    pub of_hub: bool,
    pub path: String,
    pub range: Option<String>,
    pub token: Option<String>,
}

#[derive(Default)]
struct Inside {
    files: Vec<Held>,
    gated: bool,
    token: Option<String>,
    /// Refusals of the next requests for files: status, and seconds of patience.
    refusals: Vec<(u16, Option<u64>)>,
    /// After how many bytes the next downloads break off.
    cuts: Vec<usize>,
    /// Whether ranges are not understood.
    no_ranges: bool,
    asked: Vec<Asked>,
    second: String,
}

/// The hub.
#[derive(Clone, Default)]
pub struct Hub {
    inside: Arc<Mutex<Inside>>,
    pub address: String,
}

impl Hub {
    /// Starts one with a single repository, `acme/tiny-GGUF`.
    pub async fn start(files: Vec<Held>) -> Hub {
        let mut hub = Hub::default();
        let second = Router::new()
            .route("/blob/{*path}", get(blob))
            .with_state(hub.clone());
        let second = serve(second).await;
        let first = Router::new()
            .route("/api/models/{owner}/{name}/revision/{revision}", get(repository))
            .route("/{owner}/{name}/resolve/{commit}/{*path}", get(resolve))
            .with_state(hub.clone());
        hub.address = serve(first).await;
        hub.with(|inside| {
            inside.files = files;
            inside.second = second;
        });
        hub
    }

    fn with<T>(&self, change: impl FnOnce(&mut Inside) -> T) -> T {
        change(&mut self.inside.lock().unwrap())
    }

    pub fn hold(&self, files: Vec<Held>) {
        self.with(|inside| inside.files = files);
    }

    pub fn want_token(&self, token: &str) {
        self.with(|inside| inside.token = Some(token.to_owned()));
    }

    pub fn gate(&self) {
        self.with(|inside| inside.gated = true);
    }

    pub fn refuse(&self, status: u16, patience: Option<u64>, times: usize) {
        self.with(|inside| inside.refusals = vec![(status, patience); times]);
    }

    pub fn cut(&self, after: &[usize]) {
        self.with(|inside| inside.cuts = after.to_vec());
    }

    pub fn forget_ranges(&self) {
        self.with(|inside| inside.no_ranges = true);
    }

    /// What was asked since the last time.
    pub fn asked(&self) -> Vec<Asked> {
        self.with(|inside| std::mem::take(&mut inside.asked))
    }
}

async fn serve(router: Router) -> String {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
    address
}

fn note(inside: &mut Inside, of_hub: bool, path: &str, headers: &HeaderMap) {
    let text = |name| {
        headers
            .get(name)
            .map(|value: &HeaderValue| value.to_str().unwrap().to_owned())
    };
    inside.asked.push(Asked {
        of_hub,
        path: path.to_owned(),
        range: text(header::RANGE),
        token: text(header::AUTHORIZATION),
    });
}

/// The refusal that a request meets, if it does.
fn refused(inside: &mut Inside, headers: &HeaderMap) -> Option<Response> {
    if let Some((status, patience)) = inside.refusals.pop() {
        let mut response = (StatusCode::from_u16(status).unwrap(), "not\u{1b}[31m now").into_response();
        if let Some(patience) = patience {
            response
                .headers_mut()
                .insert(header::RETRY_AFTER, patience.into());
        }
        return Some(response);
    }
    let given = headers
        .get(header::AUTHORIZATION)
        .map(|value| value.to_str().unwrap());
    let known = inside.token.as_ref().map(|token| format!("Bearer {token}"));
    let code = match (&known, given) {
        (None, _) => None,
        (Some(known), Some(given)) if known == given => None,
        (_, Some(_)) if inside.gated => Some((StatusCode::FORBIDDEN, "GatedRepo")),
        _ if inside.gated => Some((StatusCode::UNAUTHORIZED, "GatedRepo")),
        _ => Some((StatusCode::UNAUTHORIZED, "")),
    };
    code.map(|(status, code)| (status, [("x-error-code", code)], "who are you?").into_response())
}

async fn repository(
    State(hub): State<Hub>,
    Path((owner, name, revision)): Path<(String, String, String)>,
    headers: HeaderMap,
) -> Response {
    hub.with(|inside| {
        note(inside, true, &format!("{owner}/{name}@{revision}"), &headers);
        // Of a gated repository everyone may see the card.
        if let Some(refusal) = (!inside.gated).then(|| refused(inside, &headers)).flatten() {
            return refusal;
        }
        if name != "tiny-GGUF" {
            return (StatusCode::NOT_FOUND, [("x-error-code", "RepoNotFound")], "no").into_response();
        }
        if !matches!(revision.as_str(), "main" | "v1") && revision != COMMIT {
            return (
                StatusCode::NOT_FOUND,
                [("x-error-code", "RevisionNotFound")],
                "no",
            )
                .into_response();
        }
        let siblings: Vec<Value> = inside.files.iter().map(sibling).collect();
        axum::Json(json!({
            "id": format!("{owner}/{name}"), "sha": COMMIT, "siblings": siblings,
            "gated": if inside.gated { json!("manual") } else { json!(false) },
            "cardData": { "license": "apache-2.0" },
        }))
        .into_response()
    })
}

fn sibling(file: &Held) -> Value {
    let mut sibling = json!({ "rfilename": file.path, "size": file.size, "blobId": "0" });
    if let Some(sha256) = &file.sha256 {
        sibling["lfs"] = json!({ "sha256": sha256, "size": file.size, "pointerSize": 134 });
    }
    sibling
}

async fn resolve(
    State(hub): State<Hub>,
    Path((_, _, commit, path)): Path<(String, String, String, String)>,
    headers: HeaderMap,
) -> Response {
    hub.with(|inside| {
        note(inside, true, &path, &headers);
        if let Some(refusal) = refused(inside, &headers) {
            return refusal;
        }
        let held = inside.files.iter().find(|file| file.path == path).cloned();
        let Some(file) = held.filter(|_| commit == COMMIT) else {
            return (StatusCode::NOT_FOUND, [("x-error-code", "EntryNotFound")], "no").into_response();
        };
        let Some(sha256) = &file.sha256 else {
            return part(inside, &file.bytes, &headers);
        };
        let told = [
            ("location", format!("{}/blob/{path}?signature=1", inside.second)),
            ("x-repo-commit", COMMIT.to_owned()),
            ("x-linked-size", file.size.to_string()),
            ("x-linked-etag", format!("\"{sha256}\"")),
        ];
        let mut response = StatusCode::FOUND.into_response();
        for (name, value) in told {
            response.headers_mut().insert(name, value.parse().unwrap());
        }
        response
    })
}

async fn blob(State(hub): State<Hub>, Path(path): Path<String>, headers: HeaderMap) -> Response {
    hub.with(|inside| {
        note(inside, false, &path, &headers);
        let file = inside
            .files
            .iter()
            .find(|file| file.path == path)
            .cloned()
            .unwrap();
        part(inside, &file.bytes, &headers)
    })
}

/// The bytes of a range, or all, as far as the connection holds.
fn part(inside: &mut Inside, bytes: &[u8], headers: &HeaderMap) -> Response {
    let range = headers.get(header::RANGE).filter(|_| !inside.no_ranges);
    let range = range.and_then(|range| range.to_str().unwrap().strip_prefix("bytes="));
    let (mut status, mut from, mut to) = (StatusCode::OK, 0, bytes.len());
    if let Some((first, last)) = range.and_then(|range| range.split_once('-')) {
        status = StatusCode::PARTIAL_CONTENT;
        from = first.parse().unwrap();
        to = last.parse().map_or(to, |last: usize| to.min(last + 1));
        if from >= bytes.len() {
            return StatusCode::RANGE_NOT_SATISFIABLE.into_response();
        }
    }
    // Only downloads break off, not looks at the head of a file.
    let is_download = range.is_none_or(|range| range.ends_with('-'));
    let cut = is_download.then(|| inside.cuts.pop()).flatten();
    let length = to - from;
    let body = match cut.filter(|cut| *cut < length) {
        None => Body::from(bytes[from..to].to_vec()),
        Some(cut) => {
            let piece = Bytes::copy_from_slice(&bytes[from..from + cut]);
            let broken = async {
                // What was written before is on its way by then.
                tokio::time::sleep(std::time::Duration::from_millis(50)).await;
                Err(std::io::Error::other("cut"))
            };
            let pieces = futures::stream::iter([Ok(piece)]);
            Body::from_stream(futures::StreamExt::chain(pieces, futures::stream::once(broken)))
        }
    };
    let mut response = (status, body).into_response();
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_LENGTH, length.into());
    if status == StatusCode::PARTIAL_CONTENT {
        let range = format!("bytes {from}-{}/{}", to - 1, bytes.len());
        headers.insert(header::CONTENT_RANGE, range.parse().unwrap());
    }
    response
}

/// A GGUF file: a head that says how much memory a context takes, and some bytes behind it.
pub fn gguf(file_type: u32, weights: usize) -> Vec<u8> {
    let text = |text: &str| [&(text.len() as u64).to_le_bytes(), text.as_bytes()].concat();
    let mut entries = vec![
        [
            text("general.architecture"),
            8u32.to_le_bytes().to_vec(),
            text("llama"),
        ]
        .concat(),
    ];
    let numbers = HashMap::from([
        ("general.file_type", file_type),
        ("llama.block_count", 4),
        ("llama.attention.head_count", 4),
        ("llama.attention.head_count_kv", 2),
        ("llama.embedding_length", 64),
        ("llama.context_length", 2048),
    ]);
    let mut numbers: Vec<_> = numbers.into_iter().collect();
    numbers.sort_unstable();
    for (key, number) in numbers {
        entries.push(
            [
                text(key),
                4u32.to_le_bytes().to_vec(),
                number.to_le_bytes().to_vec(),
            ]
            .concat(),
        );
    }
    let template = text("{{ messages }}");
    entries.push(
        [
            text("tokenizer.chat_template"),
            8u32.to_le_bytes().to_vec(),
            template,
        ]
        .concat(),
    );
    let mut all = b"GGUF\x03\0\0\0".to_vec();
    all.extend(0u64.to_le_bytes());
    all.extend((entries.len() as u64).to_le_bytes());
    all.extend(entries.concat());
    all.extend((0..weights).map(|index| u8::try_from(index % 251).unwrap()));
    all
}
