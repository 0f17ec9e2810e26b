//! The sandbox's server takes anything: whatever is asked, the answer is one of the API, and the server is there for the next.

use std::io::{Read as _, Write as _};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::time::Duration;

use proptest::prelude::*;
use proptest::test_runner::{Config, TestError, TestRunner};
use sayso::sandbox::{self, Options, Running};
use serde_json::Value;
use tokio::runtime::Runtime;

/// How many requests are made up without `SAYSO_FUZZ`.
const CASES: u32 = 300;

/// How many ask at a time.
const CLIENTS: u32 = 8;

const PATHS: &[&str] = &[
    "/api/v1/namespaces/shop/configmaps",
    "/api/v1/namespaces/shop/configmaps/web-config",
    "/api/v1/namespaces/shop/pods?watch=true&timeoutSeconds=1&resourceVersion=1",
    "/api/v1/namespaces/shop/pods?limit=2&continue=5b312c22222c22225d",
    "/api/v1/pods?labelSelector=app%20in%20(web,cart)&fieldSelector=status.phase!%3DRunning",
    "/api/v1/namespaces/shop/pods/db-0/log?tailLines=3",
    "/api/v1/namespaces/shop/pods/db-0/eviction",
    "/apis/apps/v1/namespaces/shop/deployments/web",
    "/apis/apps/v1/namespaces/shop/deployments/web/scale?dryRun=All&fieldManager=me&force=true",
    "/apis/apps/v1/namespaces/shop/deployments?fieldValidation=Strict",
    "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews",
    "/apis/apiextensions.k8s.io/v1/customresourcedefinitions",
    "/openapi/v3/apis/apps/v1",
    "/apis",
    "/version",
];

const BODIES: &[&str] = &[
    r#"{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"a","labels":{"a":"b"}},"data":{"a":"b"}}"#,
    r#"{"apiVersion":"apps/v1","kind":"Deployment","metadata":{"name":"a"},"spec":{"replicas":1,"selector":{"matchLabels":{"a":"b"}},"template":{"metadata":{"labels":{"a":"b"}},"spec":{"containers":[{"name":"a","image":"a:1","ports":[{"containerPort":80}],"resources":{"limits":{"cpu":"1"}}}]}}}}"#,
    r#"{"spec":{"replicas":3,"template":{"spec":{"containers":[{"name":"nginx","image":"a","env":[{"name":"A","$patch":"delete"}]}],"$setElementOrder/containers":[{"name":"nginx"}]}}}}"#,
    r#"[{"op":"replace","path":"/spec/replicas","value":2},{"op":"test","path":"/metadata/name","value":"web"},{"op":"move","from":"/a","path":"/b"}]"#,
    r#"{"apiVersion":"apiextensions.k8s.io/v1","kind":"CustomResourceDefinition","metadata":{"name":"as.b.c"},"spec":{"group":"b.c","scope":"Namespaced","names":{"kind":"A","plural":"as"},"versions":[{"name":"v1","served":true,"storage":true,"schema":{"openAPIV3Schema":{"type":"object","properties":{"spec":{"type":"object"}}}}}]}}"#,
    r#"{"apiVersion":"v1","kind":"DeleteOptions","gracePeriodSeconds":0,"propagationPolicy":"Orphan","preconditions":{"uid":"a"}}"#,
    r#"{"apiVersion":"authorization.k8s.io/v1","kind":"SelfSubjectAccessReview","spec":{"resourceAttributes":{"verb":"get","resource":"pods"}}}"#,
    "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\ndata:\n  a: |\n    b\n",
];

const MEDIA: &[&str] = &[
    "application/json",
    "application/yaml",
    "application/merge-patch+json",
    "application/json-patch+json",
    "application/strategic-merge-patch+json",
    "application/apply-patch+yaml",
    "application/vnd.kubernetes.protobuf",
    "text/plain",
];

const ACCEPTED: &[&str] = &[
    "application/json",
    "application/json;as=Table;v=v1;g=meta.k8s.io",
    "application/json;as=PartialObjectMetadataList;v=v1;g=meta.k8s.io",
    "*/*",
];

fn runtime() -> Runtime {
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .unwrap()
}

fn served(runtime: &Runtime) -> Running {
    runtime.block_on(sandbox::start(Options::default())).unwrap()
}

fn address(running: &Running) -> SocketAddr {
    running.url().trim_start_matches("http://").parse().unwrap()
}

/// One of these with up to four pieces of it replaced by noise.
fn changed(seeds: &'static [&'static str], noise: &'static str) -> impl Strategy<Value = String> {
    let edits = prop::collection::vec((any::<prop::sample::Index>(), 0usize..12, noise), 0..4);
    (prop::sample::select(seeds), edits).prop_map(|(seed, edits)| {
        let mut text: Vec<char> = seed.chars().collect();
        for (at, length, with) in edits {
            let at = at.index(text.len() + 1);
            let end = (at + length).min(text.len());
            text.splice(at..end, with.chars());
        }
        text.into_iter().collect()
    })
}

/// A request as it goes over the wire.
fn request() -> impl Strategy<Value = Vec<u8>> {
    let method = prop::sample::select(vec![
        "GET", "HEAD", "POST", "PUT", "PATCH", "PATCH", "DELETE", "OPTIONS", "BREW",
    ]);
    let body = prop_oneof![
        6 => changed(BODIES, "[ -~]{0,6}").prop_map(String::into_bytes),
        1 => prop::collection::vec(any::<u8>(), 0..200),
    ];
    let path =
        changed(PATHS, "[a-z0-9/?&=%._-]{0,5}").prop_map(|path| format!("/{}", path.trim_start_matches('/')));
    let kinds = (prop::sample::select(MEDIA), prop::sample::select(ACCEPTED));
    (method, path, kinds, body).prop_map(|(method, path, (media, accepted), body)| {
        let head = format!(
            "{method} {path} HTTP/1.1\r\nhost: a\r\nconnection: close\r\naccept: {accepted}\r\ncontent-type: {media}\r\ncontent-length: {}\r\n\r\n",
            body.len()
        );
        [head.into_bytes(), body].concat()
    })
}

/// Sends bytes, and reads to the end, or until nothing more comes of a watch. A server that hangs up while it is told more is fine.
fn told(address: SocketAddr, bytes: &[u8]) -> String {
    let mut stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
    drop(stream.write_all(bytes));
    let mut answer = vec![0; 1];
    drop(stream.read_exact(&mut answer));
    stream.set_read_timeout(Some(Duration::from_secs(2))).unwrap();
    drop(stream.read_to_end(&mut answer));
    String::from_utf8_lossy(&answer).into_owned()
}

/// The code and the body of an answer; a refusal must say what it is.
fn judged(request: &[u8], answer: &str) -> Result<u16, TestCaseError> {
    let shown = String::from_utf8_lossy(request);
    let (head, body) = answer.split_once("\r\n\r\n").unwrap_or((answer, ""));
    let code: Option<u16> = head.get(9..12).and_then(|code| code.parse().ok());
    let Some(code) = code else {
        return Err(TestCaseError::fail(format!("no answer to {shown}")));
    };
    let is_bare = shown.starts_with("HEAD") || !head.contains("application/json");
    if code >= 400 && !is_bare {
        let status: Value = serde_json::from_str(body)
            .map_err(|error| TestCaseError::fail(format!("{error}: {body} to {shown}")))?;
        prop_assert_eq!(&status["kind"], "Status", "{}", shown);
        prop_assert_eq!(&status["code"], code, "{}", shown);
    }
    Ok(code)
}

/// Asks one thing after another; panics at the first answer that is none.
fn ask(address: SocketAddr, cases: u32) {
    let mut runner = TestRunner::new(Config {
        cases,
        failure_persistence: None,
        ..Config::default()
    });
    let tried = runner.run(&request(), |request| {
        let code = judged(&request, &told(address, &request))?;
        prop_assert!(
            code != 500 || !String::from_utf8_lossy(&request).starts_with("GET"),
            "a read that fails"
        );
        Ok(())
    });
    match tried {
        Ok(()) => {}
        Err(TestError::Fail(reason, request)) => panic!("{reason}: {}", String::from_utf8_lossy(&request)),
        Err(abort) => panic!("{abort}"),
    }
}

#[test]
fn the_server_takes_anything() {
    let runtime = runtime();
    let running = served(&runtime);
    let address = address(&running);
    let count = std::env::var("SAYSO_FUZZ")
        .ok()
        .and_then(|count| count.parse().ok());
    let cases = count.unwrap_or(CASES).div_ceil(CLIENTS);
    std::thread::scope(|scope| {
        for _ in 0..CLIENTS {
            scope.spawn(|| ask(address, cases));
        }
    });
    // A panic would have poisoned nothing, but the thread that met it would be seen here.
    let alive = told(
        address,
        b"GET /readyz HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n",
    );
    assert!(alive.ends_with("ok"), "{alive}");
}

#[test]
fn half_a_request_keeps_nobody_waiting() {
    let runtime = runtime();
    let running = served(&runtime);
    let address = address(&running);
    let halves: [&[u8]; 4] = [
        b"",
        b"GET /api/v1/po",
        b"POST /api/v1/namespaces/shop/configmaps HTTP/1.1\r\nhost: a\r\ncontent-length: 900\r\n\r\n{\"kind\":",
        b"POST /api/v1/namespaces/shop/configmaps HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\nff\r\n{",
    ];
    let open: Vec<TcpStream> = halves
        .iter()
        .cycle()
        .take(80)
        .map(|half| {
            let mut stream = TcpStream::connect(address).unwrap();
            stream.write_all(half).unwrap();
            stream
        })
        .collect();
    let whole = b"GET /api/v1/namespaces/shop HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n";
    assert!(told(address, whole).starts_with("HTTP/1.1 200"));
    for stream in &open {
        stream.shutdown(Shutdown::Write).unwrap();
    }
    assert!(told(address, whole).starts_with("HTTP/1.1 200"));
}

#[test]
fn a_body_that_comes_in_pieces_is_one_body() {
    let runtime = runtime();
    let running = served(&runtime);
    let body = br#"{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"slow"}}"#;
    let mut stream = TcpStream::connect(address(&running)).unwrap();
    let head = format!(
        "POST /api/v1/namespaces/shop/configmaps HTTP/1.1\r\nhost: a\r\nconnection: close\r\ncontent-length: {}\r\n\r\n",
        body.len()
    );
    stream.write_all(head.as_bytes()).unwrap();
    stream.set_nodelay(true).unwrap();
    for byte in body {
        stream.write_all(&[*byte]).unwrap();
    }
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 201"), "{answer}");
}

#[test]
fn two_hundred_watchers_hear_the_same() {
    let runtime = runtime();
    let running = served(&runtime);
    let base = running.url().to_owned();
    let client = reqwest::Client::new();
    let heard = runtime.block_on(async {
        let url = format!("{base}/api/v1/namespaces/shop/configmaps?watch=true&timeoutSeconds=20&fieldSelector=metadata.name%3Dnews");
        let mut watches = Vec::new();
        for _ in 0..200 {
            watches.push(client.get(&url).send().await.unwrap());
        }
        let made = r#"{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"news"}}"#;
        let post = client.post(format!("{base}/api/v1/namespaces/shop/configmaps"));
        assert_eq!(post.body(made).send().await.unwrap().status(), 201);
        let mut heard = Vec::new();
        for watch in &mut watches {
            heard.push(watch.chunk().await.unwrap().unwrap());
        }
        heard
    });
    assert!(heard.iter().all(|line| line == &heard[0]));
    assert!(String::from_utf8_lossy(&heard[0]).contains("\"type\":\"ADDED\""));
}
