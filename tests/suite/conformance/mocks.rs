//! Servers as they are documented, each with the ways in which it is unlike the others. They keep to the constraints that
//! the real one keeps to, and say something else where it would.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use axum::Router;
use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderMap, Response};
use axum::routing::post;
use futures::{StreamExt as _, stream};
use serde_json::{Value, json};

/// The key that all of them want.
pub const KEY: &str = "sk-conformance-0123456789";

/// A kind of server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Reads `grammar` as a kind and a value; streams one token's probability beside its text.
    MistralRs,
    /// 0.11 and later: `structured_outputs`. Unknown fields are passed over.
    Vllm,
    /// Before: `guided_regex`; `structured_outputs` is unknown and so passed over.
    VllmOld,
    /// `grammar` is a text in its own notation; anything else in its place is refused.
    LlamaCpp,
    /// Schemas alone, no probabilities; unknown fields are passed over.
    Ollama,
    /// Before 0.5: `response_format` knows `json_object` and passes over the rest.
    OllamaOld,
    /// Schemas alone; every field that it does not know is refused.
    OpenAi,
    /// Its models that think: no temperature, no probabilities.
    OpenAiThinking,
    /// Takes everything and keeps to nothing.
    Bare,
}

pub const KINDS: [(Kind, &str, &str); 9] = [
    (Kind::MistralRs, "mistral.rs", "mistral-rs"),
    (Kind::Vllm, "vllm 0.11", "vllm"),
    (Kind::VllmOld, "vllm 0.10", "vllm"),
    (Kind::LlamaCpp, "llama.cpp", "llama-cpp"),
    (Kind::Ollama, "ollama", "ollama"),
    (Kind::OllamaOld, "ollama 0.4", "ollama"),
    (Kind::OpenAi, "openai", "openai"),
    (Kind::OpenAiThinking, "openai o-series", "openai"),
    (Kind::Bare, "a bare server", "openai"),
];

/// A server that runs.
#[derive(Clone)]
pub struct Server {
    kind: Kind,
    /// Whether somebody went away in the middle of an answer.
    pub left: Arc<AtomicBool>,
    /// Requests so far.
    pub asked: Arc<AtomicUsize>,
}

impl Server {
    /// Starts one; what comes with it is its base URL.
    pub async fn start(kind: Kind) -> (Server, String) {
        let server = Server {
            kind,
            left: Arc::default(),
            asked: Arc::default(),
        };
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let base = format!("http://{}/v1", listener.local_addr().unwrap());
        let router = Router::new()
            .route("/v1/chat/completions", post(answer))
            .with_state(server.clone());
        tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        (server, base)
    }

    /// The field of this request that the server does not want, and how it says so.
    fn refused(&self, body: &Value) -> Option<String> {
        let known: &[&str] = &[
            "model",
            "messages",
            "max_completion_tokens",
            "stream",
            "stream_options",
            "response_format",
        ];
        let more: &[&str] = match self.kind {
            Kind::OpenAi => &["temperature", "logprobs", "top_logprobs"],
            Kind::OpenAiThinking => &[],
            Kind::LlamaCpp if body.get("grammar").is_some_and(|grammar| !is_gbnf(grammar)) => {
                return Some(json!({"error": {"code": 400, "message": "failed to parse grammar", "type": "invalid_request_error"}}).to_string());
            }
            Kind::MistralRs
                if body
                    .get("grammar")
                    .is_some_and(|grammar| grammar["type"] != "regex") =>
            {
                return Some(json!({"message": "grammar: unknown variant"}).to_string());
            }
            _ => return None,
        };
        let odd = body
            .as_object()?
            .keys()
            .find(|name| !known.contains(&name.as_str()) && !more.contains(&name.as_str()))?;
        let message = format!("Unsupported parameter: '{odd}' is not supported with this model.");
        Some(json!({"error": {"message": message, "type": "invalid_request_error", "param": odd, "code": "unsupported_parameter"}}).to_string())
    }

    /// What it is held to by this request, as far as this kind of server looks for it.
    fn constraint(&self, body: &Value) -> Option<Value> {
        let format = &body["response_format"];
        let schema = (format["type"] == "json_schema").then(|| format["json_schema"]["schema"].clone());
        let own = match self.kind {
            Kind::MistralRs => body["grammar"].get("value"),
            Kind::Vllm => body["structured_outputs"].get("regex"),
            Kind::VllmOld => body.get("guided_regex"),
            Kind::LlamaCpp => body.get("grammar"),
            Kind::OllamaOld if format["type"] == "json_object" => return Some(json!({})),
            Kind::OllamaOld | Kind::Bare => return None,
            Kind::Ollama | Kind::OpenAi | Kind::OpenAiThinking => None,
        };
        own.cloned().or(schema)
    }
}

fn is_gbnf(grammar: &Value) -> bool {
    let text = grammar.as_str().unwrap_or_default();
    text.starts_with("root ::= ")
        && text
            .lines()
            .all(|line| line.contains(" ::= ") && !line.contains("(?:"))
}

/// Something that the constraint allows.
fn kept(constraint: &Value) -> String {
    if let Some(text) = constraint.as_str() {
        return if text.contains("qx-") {
            "qx-3453".to_owned()
        } else {
            "get pods\nget nodes".to_owned()
        };
    }
    let properties = &constraint["properties"];
    if let Some(token) = properties["answer"]["enum"].get(0) {
        return json!({"answer": token}).to_string();
    }
    if properties["plan"].is_object() {
        let pattern = properties["plan"]["items"]["pattern"]
            .as_str()
            .unwrap_or_default();
        let lines: &[&str] = if pattern.contains("qx-") {
            &["qx-3453"]
        } else {
            &["get pods", "get nodes"]
        };
        return json!({"plan": lines}).to_string();
    }
    json!({"kind": "ConfigMap"}).to_string()
}

/// Until nobody wants it any more, as far as tokens allow.
const CHATTER: &str = "The sea is wide, and nobody knows where it ends. ";

async fn answer(State(server): State<Server>, headers: HeaderMap, body: String) -> Response<Body> {
    server.asked.fetch_add(1, Ordering::SeqCst);
    let body: Value = serde_json::from_str(&body).unwrap();
    let refuse = |status: u16, page: String| {
        let response = Response::builder()
            .status(status)
            .header("content-type", "application/json");
        response.body(Body::from(page)).unwrap()
    };
    if headers
        .get("authorization")
        .is_none_or(|key| key != &format!("Bearer {KEY}"))
    {
        // OpenAI quotes the key that was wrong.
        let key = headers
            .get("authorization")
            .and_then(|key| key.to_str().ok())
            .unwrap_or_default();
        let message = format!(
            "Incorrect API key provided: {}",
            key.trim_start_matches("Bearer ")
        );
        return refuse(
            401,
            json!({"error": {"message": message, "param": null}}).to_string(),
        );
    }
    if let Some(page) = server.refused(&body) {
        return refuse(if server.kind == Kind::MistralRs { 422 } else { 400 }, page);
    }
    let limit = body
        .get("max_completion_tokens")
        .or(body.get("max_tokens"))
        .and_then(Value::as_u64)
        .unwrap();
    let constraint = server.constraint(&body);
    let text = constraint.as_ref().map_or_else(|| CHATTER.repeat(50), kept);
    let all: Vec<String> = text.split_inclusive(' ').map(str::to_owned).collect();
    let cut = all.len() as u64 > limit;
    let tokens: Vec<String> = all.into_iter().take(usize::try_from(limit).unwrap()).collect();
    stream_of(&server, &tokens, cut)
}

fn stream_of(server: &Server, tokens: &[String], cut: bool) -> Response<Body> {
    let (kind, count) = (server.kind, tokens.len());
    let mut pieces =
        vec![json!({"choices": [{"index": 0, "delta": {"role": "assistant", "content": null}}]})];
    pieces.extend(tokens.iter().map(|token| chunk(kind, token)));
    pieces.push(
        json!({"choices": [{"index": 0, "delta": {}, "finish_reason": if cut { "length" } else { "stop" }}]}),
    );
    let usage = json!({"prompt_tokens": 12, "completion_tokens": count, "total_tokens": 12 + count});
    pieces.push(json!({"choices": [], "usage": usage}));
    let mut watch = Watch(server.left.clone(), false);
    let mut events: Vec<String> = pieces.iter().map(|piece| format!("data: {piece}\n\n")).collect();
    events.push("data: [DONE]\n\n".to_owned());
    let last = events.len();
    let events = stream::iter(events).enumerate().then(move |(number, event)| {
        // The whole of it moves in here, so that it is dropped with the stream.
        let watch = &mut watch;
        watch.1 = number + 1 == last;
        let slow = count > 100 && number > 20;
        async move {
            if slow {
                // A long answer takes time, so that somebody can go away in the middle of it.
                tokio::time::sleep(std::time::Duration::from_millis(5)).await;
            }
            Ok::<_, std::io::Error>(event)
        }
    });
    let response = Response::builder().header("content-type", "text/event-stream");
    response.body(Body::from_stream(events)).unwrap()
}

/// Notices that a stream is dropped before its end.
struct Watch(Arc<AtomicBool>, bool);

impl Drop for Watch {
    fn drop(&mut self) {
        if !self.1 {
            self.0.store(true, Ordering::SeqCst);
        }
    }
}

fn chunk(kind: Kind, token: &str) -> Value {
    let mut choice = json!({"index": 0, "delta": {"content": token}});
    match kind {
        Kind::MistralRs => {
            choice["logprobs"] =
                json!({"token": token, "logprob": -0.1, "top_logprobs": [{"token": 7, "logprob": -0.1}]});
        }
        Kind::Ollama | Kind::OllamaOld | Kind::OpenAiThinking | Kind::Bare => {}
        _ => choice["logprobs"] = json!({"content": [{"token": token, "logprob": -0.1, "top_logprobs": []}]}),
    }
    json!({"choices": [choice], "usage": null})
}
