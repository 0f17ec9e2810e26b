//! `POST /v1/chat/completions`, whole or streamed.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use axum::Json;
use axum::body::Bytes;
use axum::extract::State;
use axum::extract::rejection::BytesRejection;
use axum::response::sse::{Event, Sse};
use axum::response::{IntoResponse, Response};
use futures::stream::{self, Stream};
use serde_json::{Value, json};

use super::api::Server;
use super::life::Busy;
use super::stops::Stops;
use super::wire::{ApiError, ChatRequest, Usage, finish_reason, logprob};
use crate::engine::host::{Finish, HostError, Piece, Pieces};

/// Answers a chat. Errors before the first token have their own status; later ones come in the stream.
pub(super) async fn completions(
    State(server): State<Arc<Server>>,
    body: Result<Bytes, BytesRejection>,
) -> Response {
    match begin(server, body).await {
        Ok((answer, Shape::Stream { usage })) => Sse::new(events(answer, usage)).into_response(),
        Ok((answer, Shape::Whole)) => match whole(answer).await {
            Ok(body) => Json(body).into_response(),
            Err(error) => error.into_response(),
        },
        Err(error) => error.into_response(),
    }
}

enum Shape {
    Whole,
    Stream { usage: bool },
}

async fn begin(
    server: Arc<Server>,
    body: Result<Bytes, BytesRejection>,
) -> Result<(Answer, Shape), ApiError> {
    let busy = server.life.busy();
    let body = body.map_err(|error| ApiError::new(error.status(), &error.body_text()))?;
    let request: ChatRequest = serde_json::from_slice(&body)
        .map_err(|error| ApiError::bad_request(&format!("the body is not a chat request: {error}")))?;
    let shape = match request.stream {
        Some(true) => Shape::Stream {
            usage: request.wants_usage(),
        },
        _ => Shape::Whole,
    };
    let stops = Stops::new(request.stops());
    let generation = request.generation()?;
    let pieces = server.host().await?.generate(generation);
    let mut answer = Answer::new(server, busy, pieces, stops);
    answer.start().await?;
    Ok((answer, shape))
}

/// An answer on its way. Dropping it, as when the client goes away, cancels it.
struct Answer {
    server: Arc<Server>,
    pieces: Pieces,
    stops: Stops,
    prompt_tokens: usize,
    completion_tokens: usize,
    /// Whole answers that were computed too, likeliest first.
    others: Vec<Value>,
    /// Set when nothing more will come.
    finish: Option<Finish>,
    id: String,
    created: u64,
    _busy: Busy,
}

/// What one piece adds to the answer.
struct Addition {
    text: String,
    logprob: Option<Value>,
}

impl Answer {
    fn new(server: Arc<Server>, busy: Busy, pieces: Pieces, stops: Stops) -> Self {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let id = format!("chatcmpl-{}", uuid::Uuid::now_v7().simple());
        let (prompt_tokens, completion_tokens, created) = (0, 0, now.as_secs());
        Self {
            server,
            pieces,
            stops,
            prompt_tokens,
            completion_tokens,
            others: Vec::new(),
            finish: None,
            id,
            created,
            _busy: busy,
        }
    }

    /// Waits until the prompt is accepted.
    async fn start(&mut self) -> Result<(), ApiError> {
        match self.piece().await? {
            Piece::Started { prompt_tokens } => self.prompt_tokens = prompt_tokens,
            other => self.note(&other),
        }
        Ok(())
    }

    /// The next addition; `None` at the end, when `finish` is set.
    async fn next(&mut self) -> Result<Option<Addition>, ApiError> {
        if self.finish.is_some() {
            return Ok(None);
        }
        let piece = loop {
            let piece = self.piece().await?;
            self.note(&piece);
            if !matches!(piece, Piece::Other { .. }) {
                break piece;
            }
        };
        let Piece::Token(token) = piece else {
            return Ok(self.finish.map(|_| Addition {
                text: self.stops.rest(),
                logprob: None,
            }));
        };
        let logprob = logprob(&token);
        let (text, stopped) = self.stops.push(&token.text);
        if stopped {
            // What follows is not wanted: closing cancels it.
            self.pieces.close();
            self.finish = Some(Finish::Stop);
        }
        Ok(Some(Addition {
            text,
            logprob: logprob.filter(|_| !stopped),
        }))
    }

    fn note(&mut self, piece: &Piece) {
        match piece {
            Piece::Started { .. } => {}
            Piece::Other { text, logprob } => {
                self.others.push(json!({"content": text, "logprob": logprob}));
            }
            Piece::Token(_) => self.completion_tokens += 1,
            Piece::Done {
                finish,
                completion_tokens,
            } => {
                self.finish = Some(*finish);
                self.completion_tokens = *completion_tokens;
            }
        }
    }

    async fn piece(&mut self) -> Result<Piece, ApiError> {
        let error = match self.pieces.recv().await {
            Some(Ok(piece)) => return Ok(piece),
            Some(Err(error)) => error,
            None => HostError::Lost,
        };
        tracing::warn!("{error}");
        if error == HostError::Lost {
            self.server.life.host_died();
        }
        Err(ApiError::from(&error))
    }

    fn usage(&self) -> Usage {
        let (prompt_tokens, completion_tokens) = (self.prompt_tokens, self.completion_tokens);
        Usage {
            prompt_tokens,
            completion_tokens,
            total_tokens: prompt_tokens + completion_tokens,
        }
    }

    fn finish_reason(&self) -> Option<&'static str> {
        self.finish.map(finish_reason)
    }

    /// Adds what the protocol has no place for: the answers that were less likely.
    fn add_others(&self, body: &mut Value) {
        if !self.others.is_empty() {
            body["others"] = json!(self.others);
        }
    }

    /// The fields that every body and every chunk has.
    fn envelope(&self, object: &str) -> Value {
        json!({
            "id": self.id, "object": object, "created": self.created, "model": self.server.model,
            "system_fingerprint": concat!("sayso-", env!("CARGO_PKG_VERSION")),
        })
    }

    fn chunk(&self, delta: &Value, logprob: Option<Value>, finish: Option<&str>) -> Value {
        let mut chunk = self.envelope("chat.completion.chunk");
        let logprobs = logprob.map(|logprob| json!({"content": [logprob]}));
        chunk["choices"] =
            json!([{"index": 0, "delta": delta, "logprobs": logprobs, "finish_reason": finish}]);
        chunk
    }
}

async fn whole(mut answer: Answer) -> Result<Value, ApiError> {
    let mut content = String::new();
    let mut logprobs = Vec::new();
    while let Some(addition) = answer.next().await? {
        content.push_str(&addition.text);
        logprobs.extend(addition.logprob);
    }
    let logprobs = (!logprobs.is_empty()).then(|| json!({"content": logprobs}));
    let mut body = answer.envelope("chat.completion");
    body["choices"] = json!([{
        "index": 0,
        "message": {"role": "assistant", "content": content, "refusal": null},
        "logprobs": logprobs,
        "finish_reason": answer.finish_reason(),
    }]);
    body["usage"] = json!(answer.usage());
    answer.add_others(&mut body);
    Ok(body)
}

/// How far a stream is.
enum Phase {
    Role,
    Text,
    Usage,
    Mark,
    Over,
}

fn events(answer: Answer, usage: bool) -> impl Stream<Item = Result<Event, Infallible>> {
    stream::unfold((answer, Phase::Role), move |(mut answer, phase)| async move {
        let (data, next) = match phase {
            Phase::Role => (
                answer.chunk(&json!({"role": "assistant", "content": ""}), None, None),
                Phase::Text,
            ),
            Phase::Text => next_chunk(&mut answer, usage).await,
            Phase::Usage => {
                let mut chunk = answer.envelope("chat.completion.chunk");
                chunk["choices"] = json!([]);
                chunk["usage"] = json!(answer.usage());
                answer.add_others(&mut chunk);
                (chunk, Phase::Mark)
            }
            Phase::Mark => return Some((Ok(Event::default().data("[DONE]")), (answer, Phase::Over))),
            Phase::Over => return None,
        };
        Some((Ok(Event::default().data(data.to_string())), (answer, next)))
    })
}

/// The next chunk with something in it. An error is the stream's last event, and no mark follows it.
async fn next_chunk(answer: &mut Answer, usage: bool) -> (Value, Phase) {
    loop {
        match answer.next().await {
            Err(error) => return (error.body(), Phase::Over),
            Ok(None) => {
                let after = if usage { Phase::Usage } else { Phase::Mark };
                return (answer.chunk(&json!({}), None, answer.finish_reason()), after);
            }
            Ok(Some(addition)) if addition.text.is_empty() && addition.logprob.is_none() => {}
            Ok(Some(Addition { text, logprob })) => {
                return (
                    answer.chunk(&json!({"content": text}), logprob, None),
                    Phase::Text,
                );
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;
    use std::time::Duration;

    use axum::Router;
    use axum::body::{Body, to_bytes};
    use axum::http::{Request, StatusCode};
    use tokio::sync::{mpsc, watch};
    use tower::ServiceExt;

    use super::*;
    use crate::engine::files::ModelFiles;
    use crate::engine::host::{Generation, Host, Token};
    use crate::engine::serve::api::{Stage, router};
    use crate::engine::serve::life::{Life, Reason};

    /// Sends what it was told to, and keeps the channel open so that cancelling can be seen.
    #[derive(Default)]
    struct Scripted {
        script: Vec<Result<Piece, HostError>>,
        senders: Mutex<Vec<mpsc::Sender<Result<Piece, HostError>>>>,
        keep_open: bool,
    }

    impl Host for Scripted {
        async fn load(_: &ModelFiles) -> Result<Self, HostError> {
            Ok(Self::default())
        }

        fn device(&self) -> &'static str {
            "cpu"
        }

        fn generate(&self, _: Generation) -> Pieces {
            let (sender, pieces) = mpsc::channel(self.script.len().max(1));
            for piece in &self.script {
                sender.try_send(piece.clone()).unwrap();
            }
            if self.keep_open {
                self.senders.lock().unwrap().push(sender);
            }
            pieces
        }
    }

    #[allow(clippy::unnecessary_wraps)] // It stands among errors.
    fn token(text: &str) -> Result<Piece, HostError> {
        Ok(Piece::Token(Token {
            text: text.to_owned(),
            logprob: Some(-0.5),
            alternatives: vec![("x".to_owned(), -1.0)],
        }))
    }

    fn script(texts: &[&str]) -> Vec<Result<Piece, HostError>> {
        let mut script = vec![Ok(Piece::Started { prompt_tokens: 7 })];
        script.extend(texts.iter().map(|text| token(text)));
        script.push(Ok(Piece::Done {
            finish: Finish::Stop,
            completion_tokens: texts.len() + 1,
        }));
        script
    }

    fn serving(stage: Stage, token: Option<&str>) -> (Router, Arc<Life>) {
        let (_, stages) = watch::channel(stage);
        let life = Arc::new(Life::new(Duration::from_secs(60)));
        let server = Arc::new(Server::new(None, stages, Arc::clone(&life)));
        (router(server, token.map(str::to_owned)), life)
    }

    fn host(script: Vec<Result<Piece, HostError>>) -> Router {
        serving(
            Stage::Ready(Arc::new(Scripted {
                script,
                ..Scripted::default()
            })),
            None,
        )
        .0
    }

    async fn post(router: Router, body: impl Into<Body>) -> (StatusCode, String) {
        let request = Request::post("/v1/chat/completions").body(body.into()).unwrap();
        let response = router.oneshot(request).await.unwrap();
        let status = response.status();
        let body = to_bytes(response.into_body(), usize::MAX).await.unwrap();
        (status, String::from_utf8(body.to_vec()).unwrap())
    }

    fn chat(more: &Value) -> String {
        let mut body = json!({"model": "m", "messages": [{"role": "user", "content": "hi"}]});
        body.as_object_mut()
            .unwrap()
            .extend(more.as_object().unwrap().clone());
        body.to_string()
    }

    fn events_of(body: &str) -> Vec<&str> {
        body.lines()
            .filter_map(|line| line.strip_prefix("data: "))
            .collect()
    }

    #[tokio::test]
    async fn a_whole_answer_has_text_usage_and_reason() {
        let (status, body) = post(host(script(&["get ", "pods"])), chat(&json!({"logprobs": true}))).await;
        let body: Value = serde_json::from_str(&body).unwrap();
        assert_eq!(status, StatusCode::OK);
        assert_eq!(body["choices"][0]["message"]["content"], "get pods");
        assert_eq!(body["choices"][0]["finish_reason"], "stop");
        assert_eq!(
            body["usage"],
            json!({"prompt_tokens": 7, "completion_tokens": 3, "total_tokens": 10})
        );
        let logprobs = &body["choices"][0]["logprobs"]["content"];
        assert_eq!(logprobs.as_array().unwrap().len(), 2);
        assert_eq!(logprobs[0]["top_logprobs"][0]["token"], "x");
    }

    #[tokio::test]
    async fn a_stream_ends_with_reason_usage_and_mark() {
        let body = chat(&json!({"stream": true, "stream_options": {"include_usage": true}}));
        let (_, body) = post(host(script(&["get ", "pods"])), body).await;
        let events = events_of(&body);
        assert_eq!(events.last(), Some(&"[DONE]"));
        let chunks: Vec<Value> = events[..events.len() - 1]
            .iter()
            .map(|event| serde_json::from_str(event).unwrap())
            .collect();
        let text: String = chunks
            .iter()
            .filter_map(|chunk| chunk["choices"][0]["delta"]["content"].as_str())
            .collect();
        assert_eq!(text, "get pods");
        assert_eq!(chunks[chunks.len() - 2]["choices"][0]["finish_reason"], "stop");
        assert_eq!(chunks[chunks.len() - 1]["usage"]["total_tokens"], 10);
    }

    #[tokio::test]
    async fn a_stop_string_cancels_the_rest() {
        let script = script(&["get pods\n", "\n", "delete"]);
        let host = Arc::new(Scripted {
            script,
            keep_open: true,
            ..Scripted::default()
        });
        let (router, _) = serving(Stage::Ready(Arc::clone(&host) as Arc<dyn Host>), None);
        let (_, body) = post(router, chat(&json!({"stop": ["\n\n"]}))).await;
        let body: Value = serde_json::from_str(&body).unwrap();
        assert_eq!(body["choices"][0]["message"]["content"], "get pods");
        assert_eq!(body["usage"]["completion_tokens"], 2);
        assert!(host.senders.lock().unwrap()[0].is_closed());
    }

    #[tokio::test]
    async fn a_client_that_leaves_cancels() {
        let script = vec![Ok(Piece::Started { prompt_tokens: 7 }), token("get ")];
        let host = Arc::new(Scripted {
            script,
            keep_open: true,
            ..Scripted::default()
        });
        let (router, _) = serving(Stage::Ready(Arc::clone(&host) as Arc<dyn Host>), None);
        let request = Request::post("/v1/chat/completions")
            .body(Body::from(chat(&json!({"stream": true}))))
            .unwrap();
        let response = router.oneshot(request).await.unwrap();
        assert!(!host.senders.lock().unwrap()[0].is_closed());
        drop(response);
        assert!(host.senders.lock().unwrap()[0].is_closed());
    }

    #[tokio::test]
    async fn errors_before_the_first_token_have_a_status_and_later_ones_an_event() {
        let refused = || Err(HostError::Refused("bad regex".to_owned()));
        let (status, body) = post(host(vec![refused()]), chat(&json!({"stream": true}))).await;
        assert_eq!(status, StatusCode::BAD_REQUEST);
        assert!(body.contains("bad regex"), "{body}");
        let late = vec![Ok(Piece::Started { prompt_tokens: 7 }), token("a"), refused()];
        let (status, body) = post(host(late), chat(&json!({"stream": true}))).await;
        assert_eq!(status, StatusCode::OK);
        let last: Value = serde_json::from_str(events_of(&body).last().unwrap()).unwrap();
        assert_eq!(last["error"]["message"], "bad regex");
    }

    #[tokio::test]
    async fn a_dead_host_is_a_500_and_the_end() {
        let lost = Scripted {
            script: vec![Ok(Piece::Started { prompt_tokens: 7 }), token("a")],
            ..Scripted::default()
        };
        let (router, life) = serving(Stage::Ready(Arc::new(lost)), None);
        let (status, _) = post(router, chat(&json!({}))).await;
        assert_eq!(status, StatusCode::INTERNAL_SERVER_ERROR);
        assert_eq!(life.end(None).await, Reason::HostDied);
    }

    #[tokio::test]
    async fn requests_wait_for_loading() {
        let (sender, stages) = watch::channel(Stage::Loading);
        let life = Arc::new(Life::new(Duration::from_secs(60)));
        let router = router(Arc::new(Server::new(None, stages, life)), None);
        let waiting = tokio::spawn(post(router, chat(&json!({}))));
        tokio::task::yield_now().await;
        assert!(!waiting.is_finished());
        sender.send_replace(Stage::Failed("no such file".to_owned()));
        let (status, body) = waiting.await.unwrap();
        assert_eq!(status, StatusCode::SERVICE_UNAVAILABLE);
        assert!(body.contains("no such file"));
    }

    #[tokio::test]
    async fn bad_bodies_paths_and_tokens_are_refused_in_the_protocols_form() {
        let ready = || Stage::Ready(Arc::new(Scripted::default()));
        let (status, body) = post(serving(ready(), None).0, "{").await;
        assert_eq!(status, StatusCode::BAD_REQUEST);
        assert!(body.starts_with("{\"error\""), "{body}");
        let (status, body) = post(serving(ready(), None).0, vec![b' '; (4 << 20) + 1]).await;
        assert_eq!(status, StatusCode::PAYLOAD_TOO_LARGE);
        assert!(body.starts_with("{\"error\""), "{body}");
        let (status, _) = post(serving(ready(), Some("secret")).0, chat(&json!({}))).await;
        assert_eq!(status, StatusCode::UNAUTHORIZED);
        let lost = Request::get("/nowhere").body(Body::empty()).unwrap();
        let response = serving(ready(), None).0.oneshot(lost).await.unwrap();
        assert_eq!(response.status(), StatusCode::NOT_FOUND);
        let health = Request::get("/health")
            .header("authorization", "Bearer secret")
            .body(Body::empty())
            .unwrap();
        let response = serving(ready(), Some("secret")).0.oneshot(health).await.unwrap();
        assert_eq!(response.status(), StatusCode::OK);
    }
}
