//! An OpenAI-compatible server on loopback that answers from a script.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use axum::routing::{get, post};
use serde_json::{Value, json};
use tokio::sync::mpsc;

/// What the model does when it is asked.
#[derive(Clone)]
pub enum Reply {
    /// Answers with this text.
    Text(String),
    /// Answers with these texts in turn, and goes on with the last.
    Turns(Vec<String>),
    /// Refuses with this status.
    Status(u16),
    /// Answers with a page that is no completion.
    Page,
    /// Begins with this text, and breaks off.
    Half(String),
    /// Says nothing.
    Silence,
}

/// A model with a script: a request and its reply.
#[derive(Clone)]
pub struct Planner {
    script: Arc<Mutex<HashMap<String, Reply>>>,
    asked: mpsc::UnboundedSender<String>,
}

impl Planner {
    /// Starts one. What comes with it is its base URL, and what it is asked, as it is asked.
    pub async fn start() -> (Planner, String, mpsc::UnboundedReceiver<String>) {
        let (asked, prompts) = mpsc::unbounded_channel();
        let planner = Planner {
            script: Arc::default(),
            asked,
        };
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let base = format!("http://{}/v1", listener.local_addr().unwrap());
        let router = Router::new()
            .route("/v1/chat/completions", post(answer))
            .route(
                "/v1/models",
                get(async || axum::Json(json!({ "data": [{ "id": "scripted" }] }))),
            )
            .with_state(planner.clone());
        tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        (planner, base, prompts)
    }

    /// Foresees a request.
    pub fn expect(&self, request: &str, reply: Reply) {
        self.script.lock().unwrap().insert(request.to_owned(), reply);
    }

    fn next(&self, request: &str) -> Option<Reply> {
        let mut script = self.script.lock().unwrap();
        let found = script.get_mut(request)?;
        let reply = found.clone();
        if let Reply::Turns(texts) = found
            && texts.len() > 1
        {
            texts.remove(0);
        }
        Some(reply)
    }
}

async fn answer(State(planner): State<Planner>, body: String) -> Response {
    let body: Value = serde_json::from_str(&body).unwrap();
    let messages = body["messages"].as_array().unwrap();
    let schema = &body["response_format"]["json_schema"]["schema"]["properties"];
    if messages.last().unwrap()["content"] == "Write one short sentence about the sea." {
        return probed(schema);
    }
    // A plan is asked for behind `> `, an explanation behind `Question: `, a manifest behind `Request: `.
    let last = |message: &Value| {
        message["content"]
            .as_str()
            .unwrap()
            .lines()
            .last()
            .unwrap()
            .to_owned()
    };
    let mut asked = messages
        .iter()
        .rev()
        .filter(|message| message["role"] == "user")
        .map(last);
    let request = asked
        .find_map(|line| {
            let words = ["> ", "Question: ", "Request: "];
            let words = words.iter().find_map(|mark| line.strip_prefix(mark));
            words.map(str::to_owned)
        })
        .unwrap();
    let _ = planner
        .asked
        .send(messages.last().unwrap()["content"].as_str().unwrap().to_owned());
    let reply = planner.next(&request);
    match reply.unwrap_or_else(|| Reply::Text(format!("nobody foresaw: {request}"))) {
        Reply::Turns(texts) => completion(texts[0].split_inclusive('\n')),
        Reply::Text(text) if schema["plan"].is_object() => wrapped(&text),
        Reply::Text(text) => completion(text.split_inclusive('\n')),
        Reply::Status(status) => StatusCode::from_u16(status).unwrap().into_response(),
        Reply::Page => ([(header::CONTENT_TYPE, "text/html")], "<html>").into_response(),
        Reply::Half(text) => half(&text),
        Reply::Silence => std::future::pending().await,
    }
}

/// It keeps to schemas, as servers do that know no other grammar.
fn probed(schema: &Value) -> Response {
    if schema["plan"].is_object() {
        return wrapped("qx-3445");
    }
    completion([json!({ "answer": schema["answer"]["enum"][0] })
        .to_string()
        .as_str()])
}

/// The lines in JSON, each a token with what ends it, as it is where lines stand bare.
fn wrapped(text: &str) -> Response {
    let lines: Vec<String> = text
        .lines()
        .map(|line| inner(&json!(line).to_string()).to_owned())
        .collect();
    let last = lines.len().saturating_sub(1);
    let ended = lines.iter().enumerate().map(|(index, line)| {
        let end = if index == last { "\"]}" } else { "\",\"" };
        format!("{line}{end}")
    });
    let pieces: Vec<String> = std::iter::once("{\"plan\":[\"".to_owned()).chain(ended).collect();
    completion(pieces.iter().map(String::as_str))
}

/// A JSON string without its quotes.
fn inner(text: &str) -> &str {
    &text[1..text.len() - 1]
}

/// Each piece a token, all with the same probability.
fn tokens<'a>(pieces: impl IntoIterator<Item = &'a str>) -> String {
    let mut page = String::new();
    for line in pieces {
        let token = json!({ "token": line, "logprob": -0.1 });
        let choice = json!({ "index": 0, "delta": { "content": line }, "logprobs": { "content": [token] } });
        page.push_str(&format!("data: {}\n\n", json!({ "choices": [choice] })));
    }
    page
}

/// A server that dies in mid-sentence.
fn half(text: &str) -> Response {
    let end = std::io::Error::new(std::io::ErrorKind::ConnectionReset, "the model is gone");
    let stream = futures::stream::iter([Ok(tokens(text.split_inclusive('\n'))), Err(end)]);
    let body = axum::body::Body::from_stream(stream);
    ([(header::CONTENT_TYPE, "text/event-stream")], body).into_response()
}

fn completion<'a>(pieces: impl IntoIterator<Item = &'a str>) -> Response {
    let mut page = tokens(pieces);
    let stop = json!({ "choices": [{ "index": 0, "delta": {}, "finish_reason": "stop" }] });
    let usage = json!({ "choices": [], "usage": { "prompt_tokens": 120, "completion_tokens": 12 } });
    page.push_str(&format!("data: {stop}\n\ndata: {usage}\n\ndata: [DONE]\n\n"));
    ([(header::CONTENT_TYPE, "text/event-stream")], page).into_response()
}
