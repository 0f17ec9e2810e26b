//! The model client against servers of every temper: a mock on loopback, a fake engine on a socket, and raw bytes.

use std::cell::Cell;
use std::collections::VecDeque;
use std::convert::Infallible;
use std::sync::{Arc, Mutex, Once};
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderMap, Response};
use axum::routing::{get, post};
use futures::{StreamExt, stream};
use proptest::prelude::*;
use sayso::llm::{
    ApiKey, Constraint, Dialect, Endpoint, EndpointConfig, LlmError, Message, Model, ModelReply,
    ModelRequest, Role, Scripted, ScriptedReply, Timeouts, Transport, Usage,
};
use sayso::plan::PlanGrammar;
use serde_json::{Value, json};

const KEY: &str = "sk-very-secret-0123456789";

/// What the mock does after it has sent its pieces.
#[derive(Clone, Copy)]
enum Then {
    End,
    Hang,
    Break,
}

struct Canned {
    status: u16,
    headers: Vec<(&'static str, &'static str)>,
    pieces: Vec<Vec<u8>>,
    then: Then,
}

/// A reply that streams the given events.
fn events(events: &[Value]) -> Canned {
    let mut pieces: Vec<_> = events
        .iter()
        .map(|event| format!("data: {event}\n\n").into_bytes())
        .collect();
    pieces.push(b"data: [DONE]\n\n".to_vec());
    Canned {
        status: 200,
        headers: vec![("content-type", "text/event-stream")],
        pieces,
        then: Then::End,
    }
}

fn bytes(text: impl Into<Vec<u8>>, then: Then) -> Canned {
    Canned {
        status: 200,
        headers: Vec::new(),
        pieces: vec![text.into()],
        then,
    }
}

fn refusal(status: u16, headers: Vec<(&'static str, &'static str)>, body: &str) -> Canned {
    Canned {
        status,
        headers,
        pieces: vec![body.as_bytes().to_vec()],
        then: Then::End,
    }
}

fn text(content: &str) -> Value {
    json!({"choices": [{"index": 0, "delta": {"content": content}}]})
}

fn stop(reason: &str) -> Value {
    json!({"choices": [{"index": 0, "delta": {}, "finish_reason": reason}]})
}

#[derive(Clone, Default)]
struct Mock {
    replies: Arc<Mutex<VecDeque<Canned>>>,
    seen: Arc<Mutex<Vec<(HeaderMap, Value)>>>,
}

impl Mock {
    /// Starts it; what comes back with it is its base URL.
    async fn start(replies: impl IntoIterator<Item = Canned>) -> (Self, String) {
        let mock = Self {
            replies: Arc::new(Mutex::new(replies.into_iter().collect())),
            ..Self::default()
        };
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let base = format!("http://{}/v1", listener.local_addr().unwrap());
        let router = Router::new()
            .route("/v1/chat/completions", post(answer))
            .with_state(mock.clone());
        tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        (mock, base)
    }

    fn bodies(&self) -> Vec<Value> {
        self.seen
            .lock()
            .unwrap()
            .iter()
            .map(|(_, body)| body.clone())
            .collect()
    }
}

async fn answer(State(mock): State<Mock>, headers: HeaderMap, body: String) -> Response<Body> {
    mock.seen
        .lock()
        .unwrap()
        .push((headers, serde_json::from_str(&body).unwrap()));
    let canned = mock
        .replies
        .lock()
        .unwrap()
        .pop_front()
        .expect("one reply for each request");
    let then = canned.then;
    let pieces = stream::iter(canned.pieces).map(Ok::<_, std::io::Error>);
    let end = stream::once(async move {
        match then {
            Then::End => Ok(Vec::new()),
            Then::Hang => std::future::pending().await,
            Then::Break => {
                // Lets the pieces before it leave first.
                tokio::task::yield_now().await;
                Err(std::io::Error::other("broken on purpose"))
            }
        }
    });
    let mut response = Response::builder().status(canned.status);
    for (name, value) in canned.headers {
        response = response.header(name, value);
    }
    response.body(Body::from_stream(pieces.chain(end))).unwrap()
}

fn config(base_url: &str, dialect: Dialect) -> EndpointConfig {
    EndpointConfig {
        base_url: base_url.to_owned(),
        model: "tiny".to_owned(),
        key: Some(ApiKey::from(KEY)),
        dialect,
        timeouts: Timeouts::default(),
        transport: Transport::default(),
        memory: None,
    }
}

fn request(constraint: Constraint) -> ModelRequest {
    let messages = vec![
        Message::new(Role::System, "Answer."),
        Message::new(Role::User, "scale web to 5"),
    ];
    ModelRequest {
        messages,
        constraint,
        max_tokens: 64,
        temperature: 0.0,
        best_of: 1,
    }
}

async fn ask(base: &str) -> Result<ModelReply, LlmError> {
    ask_as(config(base, Dialect::MistralRs), Constraint::None).await
}

async fn ask_as(config: EndpointConfig, constraint: Constraint) -> Result<ModelReply, LlmError> {
    let model = Model::Endpoint(Endpoint::new(config)?);
    model.complete(request(constraint), &mut |_| {}).await
}

/// Asks a server that gives these replies, and nothing else.
async fn ask_mock(replies: impl IntoIterator<Item = Canned>) -> (Result<ModelReply, LlmError>, usize) {
    let (mock, base) = Mock::start(replies).await;
    let result = ask(&base).await;
    (result, mock.bodies().len())
}

#[tokio::test]
async fn a_streamed_answer_is_assembled() {
    let usage = json!({"choices": [], "usage": {"prompt_tokens": 12, "completion_tokens": 3}});
    let role =
        json!({"choices": [{"delta": {"role": "assistant", "content": null}}], "usage": null, "new": 1});
    let (mock, base) = Mock::start([events(&[
        role,
        text("kubectl "),
        text("get "),
        text("pods"),
        stop("stop"),
        usage,
    ])])
    .await;
    let model = Model::Endpoint(Endpoint::new(config(&base, Dialect::Vllm)).unwrap());
    let mut shown = Vec::new();
    let reply = model
        .complete(request(Constraint::None), &mut |text| shown.push(text.to_owned()))
        .await
        .unwrap();
    assert_eq!(reply.text, "kubectl get pods");
    assert_eq!(shown, ["kubectl ", "get ", "pods"]);
    assert_eq!(
        reply.usage,
        Usage {
            prompt_tokens: 12,
            completion_tokens: 3
        }
    );
    assert!(!reply.truncated && !reply.constrained && reply.tokens.is_empty());
    let headers = mock.seen.lock().unwrap()[0].0.clone();
    assert_eq!(headers["authorization"], format!("Bearer {KEY}"));
    let identity = model.identity().await.unwrap();
    assert_eq!(
        (identity.name.as_str(), identity.digest, identity.endpoint),
        ("tiny", None, base)
    );
}

#[tokio::test]
async fn a_reply_cut_at_the_token_limit_says_so() {
    let (reply, _) = ask_mock([events(&[text("kubectl delete pod we"), stop("length")])]).await;
    assert!(reply.unwrap().truncated);
}

#[tokio::test]
async fn probabilities_come_with_the_runner_up() {
    let listed = json!({"content": [{"token": "get", "logprob": -0.1,
        "top_logprobs": [{"token": "get", "logprob": -0.1}, {"token": "list", "logprob": -2.5}]}]});
    let single = json!({"token": " pods", "logprob": -0.5, "bytes": null,
        "top_logprobs": [{"token": 17, "logprob": -0.5}, {"token": 4, "logprob": -1.5}]});
    let unlisted = json!({"content": [{"token": "!", "logprob": -7.0, "top_logprobs": [{"token": ".", "logprob": -0.2}]},
        {"token": "?", "logprob": -1.0}, {"token": null, "logprob": null}]});
    let chunk = |logprobs| json!({"choices": [{"delta": {"content": "x"}, "logprobs": logprobs}]});
    let (reply, _) = ask_mock([events(&[
        chunk(listed),
        chunk(single),
        chunk(unlisted),
        chunk(Value::Null),
        stop("stop"),
    ])])
    .await;
    let tokens = reply.unwrap().tokens;
    let seen: Vec<_> = tokens
        .iter()
        .map(|token| (token.text.as_str(), token.logprob, token.runner_up))
        .collect();
    let expected = [
        ("get", -0.1, Some(-2.5)),
        (" pods", -0.5, Some(-1.5)),
        ("!", -7.0, Some(-0.2)),
        ("?", -1.0, None),
    ];
    assert_eq!(seen, expected);
}

#[tokio::test]
async fn every_dialect_carries_what_it_can() {
    let schema = json!({"type": "object", "properties": {"kind": {"type": "string"}}, "required": ["kind"],
        "additionalProperties": false});
    let open_schema = json!({"type": "object", "properties": {"kind": {"type": "string"}}});
    let grammar = PlanGrammar {
        whole: "(unclear)|(get (pods|nodes)|say \"a\")(\\n(get (pods|nodes)|say \"a\")){0,5}".to_owned(),
        line: "unclear|get (pods|nodes)|say \"a\"".to_owned(),
        most: 6,
    };
    let constraints = [
        ("plan", Constraint::Plan(grammar)),
        ("regex", Constraint::Regex("kubectl get (pods|nodes)".to_owned())),
        ("schema", Constraint::JsonSchema(schema)),
        ("open schema", Constraint::JsonSchema(open_schema)),
    ];
    let mut bodies = serde_json::Map::new();
    for name in Dialect::names() {
        for (what, constraint) in &constraints {
            let (mock, base) = Mock::start([events(&[text("x"), stop("stop")])]).await;
            let reply = ask_as(config(&base, name.parse().unwrap()), constraint.clone())
                .await
                .unwrap();
            let mut body = mock.bodies().remove(0);
            if *what != "plan" {
                // The rest is the same as with a plan.
                let fields = body.as_object_mut().unwrap();
                fields.retain(|name, _| {
                    matches!(
                        name.as_str(),
                        "response_format" | "grammar" | "structured_outputs"
                    )
                });
            }
            bodies.insert(
                format!("{name}, {what}"),
                json!({"constrained": reply.constrained, "sent": body}),
            );
        }
    }
    insta::assert_json_snapshot!("llm_bodies", bodies);
}

#[tokio::test]
async fn an_overloaded_server_is_asked_again() {
    let busy = refusal(
        429,
        vec![("retry-after", "0")],
        r#"{"error": {"message": "slow down"}}"#,
    );
    let down = refusal(503, vec![("retry-after", "0")], "loading");
    let (reply, requests) = ask_mock([busy, down, events(&[text("ok"), stop("stop")])]).await;
    assert_eq!((reply.unwrap().text.as_str(), requests), ("ok", 3));
}

#[tokio::test]
async fn three_failures_are_enough() {
    let broken = || refusal(500, vec![("retry-after", "0")], "out of \u{1b}[31mmemory\n");
    let (reply, requests) = ask_mock([broken(), broken(), broken(), broken()]).await;
    let error = reply.unwrap_err();
    assert_eq!(requests, 3);
    assert!(
        error
            .to_string()
            .ends_with("not available, status 500: out of  [31mmemory"),
        "{error}"
    );
}

#[tokio::test]
async fn a_long_wish_for_patience_is_passed_on() {
    let (reply, requests) = ask_mock([refusal(429, vec![("retry-after", "3600")], "quota")]).await;
    assert_eq!(requests, 1);
    assert_eq!(
        reply.unwrap_err().hint().unwrap(),
        "the server asks for 3600 s of patience"
    );
}

#[tokio::test]
async fn a_refusal_is_final_and_never_quotes_the_key() {
    let page = json!({"error": {"message": format!("Incorrect API key provided: {KEY}"), "param": null}})
        .to_string();
    let (reply, requests) = ask_mock([refusal(401, Vec::new(), &page)]).await;
    let error = reply.unwrap_err();
    assert_eq!(requests, 1);
    assert!(
        error
            .to_string()
            .ends_with("Incorrect API key provided: [redacted]"),
        "{error}"
    );
    assert_eq!(error.hint().unwrap(), "check the API key");
    assert!(!format!("{error:?}").contains(KEY));
}

#[tokio::test]
async fn fields_that_a_server_refuses_are_left_out() {
    let no = |field| {
        refusal(
            400,
            Vec::new(),
            &json!({"error": {"message": "unsupported", "param": field}}).to_string(),
        )
    };
    let replies = [
        no("temperature"),
        no("logprobs"),
        events(&[text("ok"), stop("stop")]),
    ];
    let (mock, base) = Mock::start(replies).await;
    assert_eq!(ask(&base).await.unwrap().text, "ok");
    let last = mock.bodies().remove(2);
    let names: Vec<_> = last.as_object().unwrap().keys().cloned().collect();
    assert_eq!(
        names,
        ["model", "messages", "max_tokens", "stream", "stream_options"]
    );
    let (reply, requests) = ask_mock([no("messages")]).await;
    assert!(matches!(
        reply.unwrap_err(),
        LlmError::Refused { status: 400, .. }
    ));
    assert_eq!(requests, 1);
}

#[tokio::test]
async fn a_redirect_is_not_followed() {
    let (reply, requests) = ask_mock([refusal(307, vec![("location", "/v1/chat/completions")], "")]).await;
    assert!(matches!(
        reply.unwrap_err(),
        LlmError::Refused { status: 307, .. }
    ));
    assert_eq!(requests, 1);
}

#[tokio::test]
async fn a_cut_stream_is_no_answer() {
    let half = format!("data: {}\n\n", text("kubectl delete"));
    for then in [Then::End, Then::Break] {
        let (reply, requests) = ask_mock([bytes(half.clone(), then)]).await;
        assert!(matches!(reply.unwrap_err(), LlmError::Cut { .. }));
        assert_eq!(requests, 1);
    }
}

#[tokio::test]
async fn counts_that_never_come_do_not_cost_the_answer() {
    let whole = format!("data: {}\n\ndata: {}\n\n", text("kubectl get pods"), stop("stop"));
    let (reply, _) = ask_mock([bytes(whole, Then::Break)]).await;
    assert_eq!(reply.unwrap().text, "kubectl get pods");
}

#[tokio::test]
async fn what_is_not_a_stream_of_chunks_is_refused() {
    let page = Canned {
        status: 200,
        headers: vec![("content-type", "text/html; charset=utf-8")],
        pieces: vec![b"<html>".to_vec()],
        then: Then::End,
    };
    let replies = [
        bytes("data: {\"choices\": [\n\n", Then::End),
        bytes("data: 17\n\n", Then::End),
        bytes("data: {\"choices\": \"none\"}\n\n", Then::End),
        bytes(b"data: \xff\xfe\n\n".to_vec(), Then::End),
        page,
    ];
    for reply in replies {
        let error = ask_mock([reply]).await.0.unwrap_err();
        assert!(matches!(error, LlmError::Garbled { .. }), "{error}");
    }
}

#[tokio::test]
async fn an_error_within_the_stream_is_reported() {
    let (reply, _) = ask_mock([events(&[
        text("a"),
        json!({"error": {"message": "out of memory", "code": 500}}),
    ])])
    .await;
    let error = reply.unwrap_err();
    assert!(error.to_string().ends_with("gave up: out of memory"), "{error}");
}

#[tokio::test]
async fn memory_is_bounded() {
    let endless_line = bytes(vec![b'a'; (1 << 20) + 1], Then::Hang);
    let endless_event = bytes("data: a\n".repeat(1 << 18), Then::Hang);
    for canned in [endless_line, endless_event] {
        let error = ask_mock([canned]).await.0.unwrap_err();
        assert!(
            matches!(error, LlmError::TooLarge { what: "an event", .. }),
            "{error}"
        );
    }
    let large = text(&"x".repeat(1_000_000));
    let (_, base) = Mock::start([events(&vec![large.clone(); 5])]).await;
    let long = ModelRequest {
        max_tokens: 100_000,
        ..request(Constraint::None)
    };
    let model = Model::Endpoint(Endpoint::new(config(&base, Dialect::OpenAi)).unwrap());
    let error = model.complete(long, &mut |_| {}).await.unwrap_err();
    assert!(
        matches!(error, LlmError::TooLarge { what: "a reply", .. }),
        "{error}"
    );
    let reply = ask_mock([events(&vec![large; 5])]).await.0.unwrap();
    assert!(
        reply.truncated && reply.text.len() == 1_000_000,
        "it is left where it goes on too long"
    );
}

#[tokio::test]
async fn a_silent_server_is_given_up() {
    let short = Duration::from_millis(50);
    let silent = || bytes(": thinking\n\n", Then::Hang);
    let started = || bytes(format!("data: {}\n\n", text("a")), Then::Hang);
    let mut settings = config("", Dialect::OpenAi);
    for (canned, timeouts, expected) in [
        (
            silent(),
            Timeouts {
                first_token: short,
                ..Timeouts::default()
            },
            "first token",
        ),
        (
            started(),
            Timeouts {
                between: short,
                ..Timeouts::default()
            },
            "further text",
        ),
        (
            started(),
            Timeouts {
                whole: Duration::from_millis(500),
                ..Timeouts::default()
            },
            "complete answer",
        ),
    ] {
        (settings.base_url, settings.timeouts) = (Mock::start([canned]).await.1, timeouts);
        let error = ask_as(settings.clone(), Constraint::None).await.unwrap_err();
        assert!(
            matches!(error, LlmError::Timeout { what, .. } if what == expected),
            "{error}"
        );
    }
}

#[tokio::test]
async fn nobody_there_is_told_with_the_address() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    drop(listener);
    let error = ask(&format!("http://user:{KEY}@{address}/v1")).await.unwrap_err();
    assert!(matches!(&error, LlmError::Unreachable { .. }), "{error}");
    assert!(
        error.to_string().contains(&format!("`http://{address}/v1`")),
        "{error}"
    );
    assert!(!format!("{error:?} {error}").contains(KEY));
}

#[test]
fn settings_are_checked_and_keep_the_secret() {
    let refused = |url: &str| Endpoint::new(config(url, Dialect::OpenAi)).unwrap_err();
    for url in ["localhost:11434", "ftp://example.com", "not a url", ""] {
        assert!(matches!(refused(url), LlmError::Address { .. }), "{url}");
    }
    let settings = config(
        &format!("https://user:{KEY}@models.example.com/v1"),
        Dialect::OpenAi,
    );
    assert!(!format!("{settings:?}").contains(KEY));
    let unsendable = EndpointConfig {
        key: Some(ApiKey::from("a\nb")),
        ..config("http://[::1]/v1", Dialect::OpenAi)
    };
    assert!(matches!(
        Endpoint::new(unsendable).unwrap_err(),
        LlmError::Setup { .. }
    ));
    let endpoint = Endpoint::new(config("http://127.0.0.1/v1", Dialect::OpenAi)).unwrap();
    assert!(!format!("{:?}", Model::Endpoint(endpoint)).contains(KEY));
}

#[test]
fn dialects_have_names() {
    for name in Dialect::names() {
        let dialect: Dialect = name.parse().unwrap();
        assert_eq!(
            (dialect.to_string().as_str(), json!(dialect)),
            (name, json!(name))
        );
    }
    let error = serde_json::from_str::<Dialect>("\"gguf\"").unwrap_err();
    assert!(error.to_string().contains("`gguf` is not a dialect"));
    let hint = "gguf".parse::<Dialect>().unwrap_err().hint().unwrap();
    assert_eq!(hint, "one of mistral-rs, vllm, llama-cpp, ollama, openai");
}

#[tokio::test]
async fn a_script_is_followed_and_recorded() {
    let script = Scripted::new(["kubectl get pods"]);
    script.push(LlmError::Unsupported);
    script.push(ScriptedReply::Hang);
    let model = Model::Scripted(script.clone());
    let mut shown = String::new();
    let reply = model
        .complete(request(Constraint::Regex("k.*".to_owned())), &mut |text| {
            shown.push_str(text);
        })
        .await;
    assert_eq!(
        (reply.unwrap().constrained, shown.as_str()),
        (true, "kubectl get pods")
    );
    let next = async || model.complete(request(Constraint::None), &mut |_| {}).await;
    assert_eq!(next().await.unwrap_err(), LlmError::Unsupported);
    assert!(
        tokio::time::timeout(Duration::from_millis(20), next())
            .await
            .is_err()
    );
    assert_eq!(next().await.unwrap_err(), LlmError::ScriptEnded);
    assert_eq!(script.requests().len(), 4);
}

thread_local! {
    /// Panics on this thread, also those that a runtime swallows with the task that had them.
    static PANICS: Cell<usize> = const { Cell::new(0) };
}

fn count_panics() {
    static HOOK: Once = Once::new();
    HOOK.call_once(|| {
        let previous = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |info| {
            PANICS.with(|count| count.set(count.get() + 1));
            previous(info);
        }));
    });
}

/// Reads the bytes as a server's answer on this very thread.
fn read(bytes: Vec<u8>) -> Result<ModelReply, LlmError> {
    count_panics();
    let before = PANICS.get();
    let model = Model::Scripted(Scripted::new([ScriptedReply::Bytes(bytes)]));
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    let reply = runtime.block_on(model.complete(request(Constraint::None), &mut |_| {}));
    assert_eq!(PANICS.get(), before, "something panicked out of sight");
    reply
}

#[test]
fn byte_order_marks_are_passed_over() {
    let answer = format!(
        "\u{feff}\u{feff}data: {}\n\ndata: {}\n\n",
        text("ok"),
        stop("stop")
    );
    assert_eq!(read(answer.into_bytes()).unwrap().text, "ok");
    assert!(matches!(
        read(b"\xef\xbb".to_vec()).unwrap_err(),
        LlmError::Cut { .. }
    ));
}

/// Pieces of a stream, whole and broken, so that more than the first byte of garbage is read.
fn fragment() -> impl Strategy<Value = Vec<u8>> {
    let known = prop::sample::select(vec![
        "data: ",
        "data:",
        ":",
        "\n",
        "\r",
        "\r\n",
        "\n\n",
        "event: keepalive\n",
        "id: \0\n",
        "retry: 9\n",
        "\u{feff}",
        "[DONE]",
        "{\"choices\":[",
        "{\"delta\":{\"content\":\"a\"}}",
        "]}",
        "{}",
        "null",
        "{\"error\":1}",
        "{\"choices\":[{\"finish_reason\":\"stop\"}]}",
        "{\"usage\":{\"prompt_tokens\":99999999999}}",
        "{\"choices\":[{\"logprobs\":{\"token\":1,\"logprob\":-1e30,\"top_logprobs\":[{}]}}]}",
    ]);
    prop_oneof![4 => known.prop_map(|text| text.as_bytes().to_vec()), 1 => any::<Vec<u8>>()]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_bytes_of_a_server_panic(pieces in prop::collection::vec(fragment(), 0..24)) {
        let _ = read(pieces.concat());
    }
}

#[cfg(unix)]
mod engine {
    use std::path::Path;

    use sayso::llm::{LocalEngine, Progress};
    use tempfile::TempDir;

    use super::*;

    /// An engine whose program is a shell script. Its `prepare` is given here; its `serve` becomes the helper below.
    fn engine(home: &TempDir, prepare: &str) -> LocalEngine {
        let home = home.path();
        let this = std::env::current_exe().unwrap();
        let script = format!(
            "echo \"$1\" >> '{home}/calls'\ncase \"$1\" in\nprepare) {prepare} ;;\n\
             serve) FAKE_ENGINE='{home}' exec '{this}' --exact suite::llm::engine::fake_engine --ignored ;;\nesac\n",
            home = home.display(),
            this = this.display(),
        );
        std::fs::write(home.join("engine.sh"), script).unwrap();
        LocalEngine {
            program: "sh".into(),
            arguments: vec![home.join("engine.sh").into()],
            model_dir: home.join("model"),
            socket: home.join("run/engine.sock"),
            log: home.join("engine.log"),
            idle: Duration::from_secs(30),
        }
    }

    fn calls(home: &TempDir) -> Vec<String> {
        let calls = std::fs::read_to_string(home.path().join("calls")).unwrap_or_default();
        calls.lines().map(str::to_owned).collect()
    }

    /// Not a test: the process that `serve` becomes. It does what the file `temper` says, and leaves with its home.
    #[tokio::test]
    #[ignore = "a helper process of the tests here"]
    async fn fake_engine() {
        let Some(home) = std::env::var_os("FAKE_ENGINE") else {
            return;
        };
        let home = Path::new(&home).to_owned();
        let group = rustix::process::getpgrp().as_raw_nonzero().to_string();
        std::fs::write(home.join("group"), group).unwrap();
        let socket = home.join("run/engine.sock");
        let _ = std::fs::remove_file(&socket);
        let listener = tokio::net::UnixListener::bind(&socket).unwrap();
        let router = Router::new()
            .route("/health", get(health))
            .route("/v1/chat/completions", post(complete));
        tokio::spawn(async move {
            axum::serve(listener, router.with_state(home_of_this()))
                .await
                .unwrap();
        });
        for _ in 0..600 {
            if !home.exists() {
                return;
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }

    fn home_of_this() -> std::path::PathBuf {
        std::env::var_os("FAKE_ENGINE").unwrap().into()
    }

    /// Loading when first asked, and then ready.
    async fn health(State(home): State<std::path::PathBuf>) -> String {
        let temper = std::fs::read_to_string(home.join("temper")).unwrap_or_default();
        let asked = home.join("asked");
        let status = match (temper.as_str(), asked.exists()) {
            ("sick", _) => "failed",
            (_, true) => "ready",
            (_, false) => "loading",
        };
        std::fs::write(asked, "").unwrap();
        json!({"status": status, "model": "smol", "digest": "sha256:ab", "device": "cpu", "error": "no weights"})
            .to_string()
    }

    /// Half an answer and then death, if that is its temper; the temper `frail` dies but once.
    async fn complete(State(home): State<std::path::PathBuf>) -> Response<Body> {
        let temper = std::fs::read_to_string(home.join("temper")).unwrap_or_default();
        let half = format!("data: {}\n\n", text("kubectl get"));
        if temper.is_empty() {
            let rest = format!(
                "data: {}\n\ndata: {}\n\ndata: [DONE]\n\n",
                text(" pods"),
                stop("stop")
            );
            return Response::new(Body::from(half + &rest));
        }
        if temper == "frail" {
            std::fs::remove_file(home.join("temper")).unwrap();
        }
        let death = stream::once(async {
            tokio::time::sleep(Duration::from_millis(100)).await;
            std::process::exit(9)
        });
        Response::new(Body::from_stream(
            stream::iter([Ok::<_, Infallible>(half)]).chain(death),
        ))
    }

    const PREPARE: &str = r#"echo '{"stage":"download","done":1,"total":2}'; echo noise; echo '{"stage":"done","digest":"sha256:ab"}'"#;

    #[tokio::test]
    async fn the_engine_is_prepared_started_and_shared() {
        let home = TempDir::new().unwrap();
        let model = Model::Local(engine(&home, PREPARE));
        let mut stages = Vec::new();
        model.warm(&mut |progress| stages.push(progress)).await.unwrap();
        let step = |stage: &str, done, total| Progress {
            stage: stage.to_owned(),
            done,
            total,
        };
        assert_eq!(
            stages,
            [step("download", 1, 2), step("load", 0, 1), step("load", 1, 1)]
        );
        let reply = model
            .complete(request(Constraint::Regex("k.*".to_owned())), &mut |_| {})
            .await
            .unwrap();
        assert_eq!(
            (reply.text.as_str(), reply.constrained),
            ("kubectl get pods", true)
        );
        let identity = model.identity().await.unwrap();
        assert_eq!(
            (identity.name.as_str(), identity.digest.as_deref()),
            ("smol", Some("sha256:ab"))
        );
        assert!(identity.endpoint.starts_with("unix:/"));
        assert_eq!(calls(&home), ["prepare", "serve"]);
        let group = std::fs::read_to_string(home.path().join("group")).unwrap();
        assert_ne!(
            group,
            rustix::process::getpgrp().as_raw_nonzero().to_string(),
            "Ctrl-C would reach it"
        );
        let folder = std::fs::metadata(home.path().join("run")).unwrap();
        assert_eq!(std::os::unix::fs::MetadataExt::mode(&folder) & 0o777, 0o700);
    }

    #[tokio::test]
    async fn an_engine_that_dies_is_started_once_more() {
        let home = TempDir::new().unwrap();
        std::fs::write(home.path().join("temper"), "frail").unwrap();
        let model = Model::Local(engine(&home, PREPARE));
        let mut shown = String::new();
        let reply = model
            .complete(request(Constraint::None), &mut |text| shown.push_str(text))
            .await
            .unwrap();
        assert_eq!(reply.text, "kubectl get pods");
        assert_eq!(shown, "kubectl get pods", "nothing is shown twice");
        assert_eq!(calls(&home), ["prepare", "serve", "prepare", "serve"]);
    }

    #[tokio::test]
    async fn an_engine_that_dies_twice_is_given_up() {
        let home = TempDir::new().unwrap();
        std::fs::write(home.path().join("temper"), "mortal").unwrap();
        let engine = engine(&home, PREPARE);
        let log = engine.log.display().to_string();
        let error = Model::Local(engine)
            .complete(request(Constraint::None), &mut |_| {})
            .await
            .unwrap_err();
        assert!(matches!(error, LlmError::EngineLost { .. }), "{error}");
        assert!(error.hint().unwrap().contains(&log));
        assert_eq!(calls(&home).len(), 4);
    }

    #[tokio::test]
    async fn an_engine_that_cannot_serve_says_why() {
        let home = TempDir::new().unwrap();
        std::fs::write(home.path().join("temper"), "sick").unwrap();
        let error = Model::Local(engine(&home, PREPARE))
            .warm(&mut |_| {})
            .await
            .unwrap_err();
        assert_eq!(error.to_string(), "the local engine failed: no weights");
    }

    #[tokio::test]
    async fn what_prepare_says_reaches_the_user() {
        let told = r#"echo '{"stage":"error","message":"the disk is full","hint":"free 300 MB"}'; exit 1"#;
        let cases = [
            (
                told,
                "cannot prepare the local model: the disk is full",
                Some("free 300 MB"),
            ),
            (
                "echo 'no such library' >&2; exit 127",
                "exit status: 127: no such library",
                None,
            ),
        ];
        for (prepare, message, hint) in cases {
            let home = TempDir::new().unwrap();
            let error = Model::Local(engine(&home, prepare))
                .warm(&mut |_| {})
                .await
                .unwrap_err();
            assert!(error.to_string().ends_with(message), "{error}");
            assert_eq!(error.hint().as_deref(), hint);
            assert_eq!(calls(&home), ["prepare"]);
        }
    }

    #[tokio::test]
    async fn places_where_no_engine_can_be_are_refused() {
        let home = TempDir::new().unwrap();
        let long = LocalEngine {
            socket: home.path().join("x".repeat(120)),
            ..engine(&home, PREPARE)
        };
        let error = Model::Local(long).warm(&mut |_| {}).await.unwrap_err();
        assert!(
            matches!(error, LlmError::SocketPath { limit: 103 | 107, .. }),
            "{error}"
        );
        let absent = LocalEngine {
            program: home.path().join("absent"),
            ..engine(&home, PREPARE)
        };
        let error = Model::Local(absent).warm(&mut |_| {}).await.unwrap_err();
        assert!(matches!(error, LlmError::EngineMissing { .. }), "{error}");
        let open = home.path().join("open");
        std::fs::create_dir(&open).unwrap();
        std::fs::set_permissions(&open, std::os::unix::fs::PermissionsExt::from_mode(0o777)).unwrap();
        let shared = LocalEngine {
            socket: open.join("s"),
            ..engine(&home, PREPARE)
        };
        let error = Model::Local(shared).warm(&mut |_| {}).await.unwrap_err();
        assert!(matches!(error, LlmError::SocketFolder { .. }), "{error}");
    }
}
