//! `sayso model`: models fetched from a hub that is slow, strict, broken or lying, and what is done with them.

use std::path::PathBuf;
use std::process::{Child, Stdio};

use axum::Router;
use axum::http::header;
use axum::response::IntoResponse as _;
use axum::routing::{get, post};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use super::hub::{COMMIT, Held, Hub, gguf};
use super::shown;
use super::stand::{RUNTIME, Ran, Stand};

const NAME: &str = "tiny-q4_k_m";

/// A home, and a hub with a small and a large model.
fn stand() -> (Stand, Hub) {
    let files = vec![
        Held::small("README.md", "a tiny model"),
        Held::large("tiny-Q4_K_M.gguf", gguf(15, 300_000)),
        Held::large("tiny-Q8_0.gguf", gguf(7, 600_000)),
    ];
    (Stand::shared(), RUNTIME.block_on(Hub::start(files)))
}

fn run(stand: &Stand, hub: &Hub, arguments: &[&str]) -> Ran {
    run_with(stand, hub, arguments, &[])
}

fn run_with(stand: &Stand, hub: &Hub, arguments: &[&str], variables: &[(&str, &str)]) -> Ran {
    let mut command = stand.sayso(arguments);
    command.env("HF_ENDPOINT", &hub.address).env_remove("SAYSO_MODEL");
    let output = command.envs(variables.iter().copied()).output().unwrap();
    Ran::of(arguments, &output)
}

fn folder(stand: &Stand, name: &str) -> PathBuf {
    stand.path(".local/share/sayso/models").join(name)
}

/// The downloads that were asked for: path, range, and whether a token came along.
fn downloads(hub: &Hub, of_hub: bool) -> Vec<(String, Option<String>, bool)> {
    let asked = hub.asked().into_iter().filter(|asked| asked.of_hub == of_hub);
    asked
        .map(|asked| (asked.path, asked.range, asked.token.is_some()))
        .collect()
}

#[test]
fn a_model_is_fetched_listed_shown_and_removed() {
    let (stand, hub) = stand();
    shown!(run(&stand, &hub, &["model", "pull", "acme/tiny-GGUF"]));
    let folder = folder(&stand, NAME);
    assert_eq!(
        std::fs::read(folder.join("tiny-Q4_K_M.gguf")).unwrap(),
        gguf(15, 300_000)
    );
    let manifest = std::fs::read(folder.join("manifest.json")).unwrap();
    let document = run(&stand, &hub, &["model", "show", NAME, "-o", "json"]).json();
    let digest = format!("sha256:{}", hex::encode(Sha256::digest(&manifest)));
    assert_eq!(document["digest"], digest);
    assert_eq!(document["manifest"]["revision"], COMMIT);
    assert_eq!(
        document["manifest"]["others"],
        json!({ "Q8_0": gguf(7, 600_000).len() })
    );
    assert_eq!(document["memory"]["fits"], true);

    hub.asked();
    let again = run(&stand, &hub, &["model", "pull", "acme/tiny-GGUF@v1:q4_k_m"]);
    assert_eq!(again.code, Some(0), "{again}");
    assert_eq!(
        downloads(&hub, false),
        [("tiny-Q4_K_M.gguf".into(), Some("bytes=0-262143".into()), false)]
    );
}

#[test]
fn the_list_and_a_model_read_well() {
    let (stand, hub) = stand();
    run(&stand, &hub, &["model", "pull", "acme/tiny-GGUF"]);
    shown!(run(&stand, &hub, &["model", "list"]));
}

#[test]
fn a_model_of_the_list_is_shown_whole() {
    let (stand, hub) = stand();
    run(&stand, &hub, &["model", "pull", "acme/tiny-GGUF"]);
    shown!(run(&stand, &hub, &["model", "show", NAME]));
}

#[test]
fn what_the_hub_has_is_shown_without_fetching_it() {
    let (stand, hub) = stand();
    shown!(run(&stand, &hub, &["model", "show", "acme/tiny-GGUF:Q8_0"]));
    assert!(!folder(&stand, "").exists());
}

#[test]
fn a_token_goes_to_the_hub_and_nowhere_else() {
    let (stand, hub) = stand();
    hub.want_token("hf_canary");
    let refused = run(&stand, &hub, &["model", "pull", "acme/tiny-GGUF"]);
    assert_eq!(refused.code, Some(1), "{refused}");
    assert!(
        refused.err.contains("wants to know who asks") && refused.err.contains("HF_TOKEN"),
        "{refused}"
    );
    hub.asked();
    let ran = run_with(
        &stand,
        &hub,
        &["model", "pull", "acme/tiny-GGUF", "-vv"],
        &[("HF_TOKEN", "hf_canary")],
    );
    assert_eq!(ran.code, Some(0), "{ran}");
    let asked = hub.asked();
    assert!(asked.iter().any(|asked| !asked.of_hub));
    assert!(
        asked.iter().all(|asked| asked.token.is_some() == asked.of_hub),
        "{asked:?}"
    );
    assert!(!format!("{ran}").contains("canary"));
    let manifest = std::fs::read_to_string(folder(&stand, NAME).join("manifest.json")).unwrap();
    assert!(!manifest.contains("canary") && !manifest.contains("signature"));
}

#[test]
fn a_gated_model_says_where_to_ask() {
    let (stand, hub) = stand();
    hub.want_token("other");
    hub.gate();
    let ran = run_with(
        &stand,
        &hub,
        &["model", "pull", "acme/tiny-GGUF"],
        &[("HF_TOKEN", "mine")],
    );
    shown!(ran);
}

#[test]
fn what_is_not_there_is_told() {
    let (stand, hub) = stand();
    for (what, words, code) in [
        ("acme/none", "has no `acme/none@main`", 1),
        ("acme/tiny-GGUF@v9", "has no `acme/tiny-GGUF@v9`", 1),
        ("acme/tiny-GGUF:Q2_K", "it has `:Q4_K_M`, `:Q8_0`", 2),
        ("none", "there is no model `none`", 2),
        ("a b", "names no model", 2),
        ("http://127.0.0.1:9/v1", "a server keeps its models itself", 1),
    ] {
        let ran = run(&stand, &hub, &["model", "pull", what]);
        assert!(ran.err.contains(words), "{ran}");
        assert_eq!(ran.code, Some(code), "{ran}");
    }
}

#[test]
fn a_download_that_breaks_off_goes_on_where_it_was() {
    let (stand, hub) = stand();
    hub.cut(&[100_000, 50_000]);
    let ran = run(&stand, &hub, &["model", "pull", "acme/tiny-GGUF"]);
    assert_eq!(ran.code, Some(0), "{ran}");
    let ranges: Vec<Option<String>> = downloads(&hub, false).into_iter().map(|asked| asked.1).collect();
    assert_eq!(ranges.len(), 4, "{ranges:?}");
    assert_eq!(ranges[1], None);
    assert_eq!(
        ranges[2..],
        [Some("bytes=50000-".to_owned()), Some("bytes=150000-".to_owned())]
    );
    let file = folder(&stand, NAME).join("tiny-Q4_K_M.gguf");
    assert_eq!(std::fs::read(file).unwrap(), gguf(15, 300_000));
}

#[test]
fn a_server_without_ranges_is_asked_for_the_whole_again() {
    let (stand, hub) = stand();
    hub.forget_ranges();
    hub.cut(&[200_000]);
    let ran = run(&stand, &hub, &["model", "pull", "acme/tiny-GGUF"]);
    assert_eq!(ran.code, Some(0), "{ran}");
    let file = folder(&stand, NAME).join("tiny-Q4_K_M.gguf");
    assert_eq!(std::fs::read(file).unwrap(), gguf(15, 300_000));
}

#[test]
fn what_never_gets_on_is_given_up_kept_and_finished_later() {
    let (stand, hub) = stand();
    hub.cut(&[0, 0, 0, 0, 0, 70_000]);
    let ran = run(&stand, &hub, &["model", "pull", "acme/tiny-GGUF"]);
    assert_eq!(ran.code, Some(1), "{ran}");
    assert!(
        ran.err.contains("was cut off 5 times") && ran.err.contains("goes on where it stopped"),
        "{ran}"
    );
    let listed = run(&stand, &hub, &["model", "list", "-o", "json"]).json();
    assert_eq!(
        (&listed["models"][1]["state"], &listed["models"][1]["name"]),
        (&json!("partial"), &json!(NAME))
    );
    hub.asked();
    assert_eq!(
        run(&stand, &hub, &["model", "pull", "acme/tiny-GGUF"]).code,
        Some(0)
    );
    assert_eq!(downloads(&hub, false)[1].1.as_deref(), Some("bytes=70000-"));
    assert_eq!(
        run(&stand, &hub, &["model", "show", NAME, "--verify"]).code,
        Some(0)
    );
}

#[test]
fn what_was_begun_can_be_thrown_away() {
    let (stand, hub) = stand();
    hub.cut(&[0, 0, 0, 0, 0, 70_000]);
    run(&stand, &hub, &["model", "pull", "acme/tiny-GGUF"]);
    shown!(run(&stand, &hub, &["model", "remove", NAME]));
    let listed = run(&stand, &hub, &["model", "list", "-o", "json"]).json();
    assert_eq!(listed["models"].as_array().unwrap().len(), 1);
}

#[test]
fn a_part_that_is_wrong_is_noticed_and_fetched_again() {
    let (stand, hub) = stand();
    hub.cut(&[0, 0, 0, 0, 0, 70_000]);
    run(&stand, &hub, &["model", "pull", "acme/tiny-GGUF"]);
    let part = folder(&stand, ".pull-tiny-q4_k_m").join("tiny-Q4_K_M.gguf");
    std::fs::write(&part, vec![7; 70_000]).unwrap();
    let ran = run(&stand, &hub, &["model", "pull", "acme/tiny-GGUF"]);
    assert_eq!(ran.code, Some(0), "{ran}");
    let file = folder(&stand, NAME).join("tiny-Q4_K_M.gguf");
    assert_eq!(std::fs::read(file).unwrap(), gguf(15, 300_000));
}

#[test]
fn other_bytes_than_announced_are_refused() {
    let (stand, hub) = stand();
    let mut wrong = Held::large("tiny-Q4_K_M.gguf", gguf(15, 1000));
    *wrong.bytes.last_mut().unwrap() ^= 1;
    hub.hold(vec![wrong]);
    shown!(run(&stand, &hub, &["model", "pull", "acme/tiny-GGUF"]));
    assert!(!folder(&stand, NAME).exists());
}

#[test]
fn more_bytes_than_announced_are_not_kept() {
    let (stand, hub) = stand();
    let mut long = Held::large("tiny-Q4_K_M.gguf", gguf(15, 100_000));
    long.size -= 10;
    hub.hold(vec![long]);
    let ran = run(&stand, &hub, &["model", "pull", "acme/tiny-GGUF"]);
    assert!(
        ran.code == Some(1) && ran.err.contains("more than it announced"),
        "{ran}"
    );
}

#[test]
fn a_hub_that_wants_patience_gets_it_within_reason() {
    let (stand, hub) = stand();
    hub.refuse(429, Some(0), 3);
    let patient = run(&stand, &hub, &["model", "pull", "acme/tiny-GGUF"]);
    assert_eq!(patient.code, Some(0), "{patient}");
    hub.refuse(429, Some(3600), 1);
    shown!(run(&stand, &hub, &["model", "pull", "acme/tiny-GGUF:Q8_0"]));
    hub.refuse(503, Some(0), 99);
    let broken = run(&stand, &hub, &["model", "pull", "acme/tiny-GGUF:Q8_0"]);
    assert!(
        broken.code == Some(1) && broken.err.contains("status 503: not [31m now"),
        "{broken}"
    );
}

#[test]
fn what_has_no_room_on_disk_or_in_memory_is_not_begun() {
    let (stand, hub) = stand();
    let mut huge = Held::large("tiny-Q8_0.gguf", gguf(7, 1000));
    huge.size = 1_000_000_000_000_000;
    hub.hold(vec![Held::large("tiny-Q4_K_M.gguf", gguf(15, 1000)), huge]);
    let ran = run(&stand, &hub, &["model", "pull", "acme/tiny-GGUF:Q8_0"]);
    assert_eq!(ran.code, Some(1), "{ran}");
    assert!(ran.err.contains("needs about 1100000.0 GB"), "{ran}");
    assert!(
        ran.err
            .contains("what would fit: `:Q4_K_M` of the same repository"),
        "{ran}"
    );
    let forced = run(&stand, &hub, &["model", "pull", "acme/tiny-GGUF:Q8_0", "--force"]);
    assert!(
        forced.code == Some(1) && forced.err.contains("there is no room for 1000000.0 GB"),
        "{forced}"
    );
    assert!(
        downloads(&hub, false).iter().all(|asked| asked.1.is_some()),
        "only heads were read"
    );
}

#[test]
fn the_hub_is_left_alone_where_that_is_wished() {
    let (stand, hub) = stand();
    let ran = run_with(
        &stand,
        &hub,
        &["model", "pull", "acme/tiny-GGUF"],
        &[("HF_HUB_OFFLINE", "1")],
    );
    assert!(ran.code == Some(1) && ran.err.contains("HF_HUB_OFFLINE"), "{ran}");
    assert_eq!(hub.asked(), []);
}

#[test]
fn names_of_files_cannot_leave_the_folder() {
    let (stand, hub) = stand();
    for evil in [
        "../../x-Q4_K_M.gguf",
        "/etc/x-Q4_K_M.gguf",
        "a/../../x-Q4_K_M.gguf",
    ] {
        hub.hold(vec![Held::large(evil, gguf(15, 10))]);
        let ran = run(&stand, &hub, &["model", "pull", "acme/tiny-GGUF"]);
        assert!(
            ran.code == Some(1) && ran.err.contains("it has a file named"),
            "{ran}"
        );
    }
}

#[test]
fn floating_point_is_fetched_with_what_belongs_to_it() {
    let (stand, hub) = stand();
    let config = r#"{"architectures":["LlamaForCausalLM"],"num_hidden_layers":4,"num_attention_heads":4,"num_key_value_heads":2,"hidden_size":64,"max_position_embeddings":2048}"#;
    hub.hold(vec![
        Held::large("model.safetensors", vec![1; 5000]),
        Held::small("config.json", config),
        Held::small("tokenizer.json", "{}"),
        Held::small("tokenizer_config.json", r#"{"chat_template":"{{ messages }}"}"#),
        Held::small("training_args.bin", "no"),
    ]);
    let ran = run(
        &stand,
        &hub,
        &[
            "model",
            "pull",
            "acme/tiny-GGUF:Q4K",
            "--name",
            "mine",
            "-o",
            "json",
        ],
    );
    let document = ran.json();
    assert_eq!(document["manifest"]["isq"], "Q4K", "{ran}");
    assert_eq!(document["manifest"]["format"], "safetensors");
    let template = hex::encode(Sha256::digest("{{ messages }}"));
    assert_eq!(document["manifest"]["template_sha256"], template);
    let files: Vec<&String> = document["manifest"]["files"]
        .as_object()
        .unwrap()
        .keys()
        .collect();
    assert_eq!(
        files,
        [
            "config.json",
            "model.safetensors",
            "tokenizer.json",
            "tokenizer_config.json"
        ]
    );
}

#[test]
fn a_file_that_changed_is_refused_everywhere() {
    let (stand, hub) = stand();
    run(&stand, &hub, &["model", "use", "acme/tiny-GGUF"]);
    let file = folder(&stand, NAME).join("tiny-Q4_K_M.gguf");
    let mut bytes = std::fs::read(&file).unwrap();
    *bytes.last_mut().unwrap() ^= 1;
    std::fs::write(&file, bytes).unwrap();
    let later = std::time::SystemTime::UNIX_EPOCH + std::time::Duration::from_secs(2_000_000_000);
    std::fs::File::options()
        .write(true)
        .open(&file)
        .unwrap()
        .set_modified(later)
        .unwrap();
    shown!(run(&stand, &hub, &["model", "show", NAME]));
    let doctor = run(&stand, &hub, &["doctor", "-o", "json"]);
    let model = check(&doctor.json(), "model");
    assert_eq!(model["state"], "fail", "{doctor}");
}

/// What doctor says about one thing.
fn check(document: &Value, name: &str) -> Value {
    let all = document["checks"].as_array().unwrap();
    all.iter().find(|check| check["name"] == name).unwrap().clone()
}

#[test]
fn the_file_of_settings_is_changed_and_what_people_wrote_stays() {
    let (stand, hub) = stand();
    let path = stand.write(
        ".config/sayso/config.toml",
        "# ours\nnamespace = \"shop\" # the shop\n\n[model]\n# fast\nendpoint = \"http://10.0.0.1/v1\" # upstairs\nidle_seconds = 60\n",
    );
    shown!(run(
        &stand,
        &hub,
        &["model", "use", "acme/tiny-GGUF", "--tokens", "1024"]
    ));
    let text = std::fs::read_to_string(&path).unwrap();
    assert_eq!(
        text,
        "# ours\nnamespace = \"shop\" # the shop\n\n[model]\nstored = \"tiny-q4_k_m\"\ncontext_tokens = 1024\n# fast\n# upstairs\nidle_seconds = 60\n\n[adviser]\nstored = \"tiny-q4_k_m\"\ncontext_tokens = 1024\n"
    );
    let listed = run(&stand, &hub, &["model", "list", "-o", "json"]).json();
    assert_eq!(listed["models"][1]["roles"], json!(["planner", "adviser"]));
    let refused = run(&stand, &hub, &["model", "remove", NAME]);
    assert!(
        refused.code == Some(1) && refused.err.contains("is the planner and the adviser"),
        "{refused}"
    );
    assert_eq!(run(&stand, &hub, &["model", "use", "embedded"]).code, Some(0));
    let listed = run(&stand, &hub, &["model", "list", "-o", "json"]).json();
    assert_eq!(listed["models"][0]["roles"], json!(["planner"]));
    assert_eq!(listed["models"][1]["roles"], json!(["adviser"]));
}

#[test]
fn a_model_that_is_configured_and_gone_can_be_replaced() {
    let (stand, hub) = stand();
    stand.write(".config/sayso/config.toml", "[model]\nstored = \"gone\"\n");
    let ran = run(&stand, &hub, &["list pods"]);
    assert_eq!(ran.code, Some(2), "{ran}");
    assert!(
        ran.err.contains("there is no model `gone`") && ran.err.contains("sayso model list"),
        "{ran}"
    );
    assert_eq!(run(&stand, &hub, &["model", "use", "embedded"]).code, Some(0));
}

#[test]
fn a_file_of_this_machine_is_used_where_it_lies() {
    let (stand, hub) = stand();
    let file = stand.write("models/own-Q8_0.gguf", gguf(7, 5000));
    shown!(run(
        &stand,
        &hub,
        &["model", "use", "./models/own-Q8_0.gguf", "--for", "planner"]
    ));
    let document = run(&stand, &hub, &["model", "show", "own-q8_0", "-o", "json"]).json();
    assert_eq!(document["manifest"]["quantization"], "Q8_0");
    assert_eq!(
        run(&stand, &hub, &["model", "remove", "own-q8_0", "--force"]).code,
        Some(0)
    );
    assert!(file.exists());
    let none = run(&stand, &hub, &["model", "pull", "./models"]);
    assert_eq!(none.code, Some(0), "{none}");
    let missing = run(&stand, &hub, &["model", "pull", "./none.gguf"]);
    assert!(
        missing.code == Some(1) && missing.err.contains("none.gguf"),
        "{missing}"
    );
}

/// A server with these models, that answers in words and counts them. Long prompts take it longer.
async fn server(models: &'static [&'static str]) -> String {
    let list = move || async move {
        let data: Vec<Value> = models.iter().map(|name| json!({ "id": name })).collect();
        axum::Json(json!({ "data": data }))
    };
    let router = Router::new()
        .route("/v1/models", get(list))
        .route("/v1/chat/completions", post(write));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("http://{}/v1", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
    address
}

async fn write(body: String) -> impl axum::response::IntoResponse {
    let body: Value = serde_json::from_str(&body).unwrap();
    let words = body["messages"][0]["content"]
        .as_str()
        .unwrap()
        .split(' ')
        .count();
    tokio::time::sleep(std::time::Duration::from_millis(words as u64 / 2)).await;
    let event = |value: &Value| format!("data: {value}\n\n");
    let pieces =
        (0..20).map(move |_| event(&json!({ "choices": [{ "index": 0, "delta": { "content": "pod " } }] })));
    let stop = event(&json!({ "choices": [{ "index": 0, "delta": {}, "finish_reason": "stop" }] }));
    let usage =
        event(&json!({ "choices": [], "usage": { "prompt_tokens": words, "completion_tokens": 20 } }));
    let rest = [stop, usage, "data: [DONE]\n\n".to_owned()];
    let stream = futures::stream::unfold(pieces.chain(rest).enumerate(), |mut pieces| async move {
        let (index, piece) = pieces.next()?;
        // In one piece, nothing could be told of its rate.
        if index > 0 {
            tokio::time::sleep(std::time::Duration::from_millis(1)).await;
        }
        Some((Ok::<_, std::io::Error>(piece), pieces))
    });
    (
        [(header::CONTENT_TYPE, "text/event-stream")],
        axum::body::Body::from_stream(stream),
    )
        .into_response()
}

#[test]
fn a_server_is_measured_through_the_ordinary_client() {
    let (stand, hub) = stand();
    let address = format!("{}#m", RUNTIME.block_on(server(&["m"])));
    let ran = run(
        &stand,
        &hub,
        &["model", "bench", &address, "--runs", "1", "-o", "json"],
    );
    let found = ran.json();
    assert!(found["prefill_per_second"].as_f64().unwrap() > 0.0, "{ran}");
    assert!(found["decode_per_second"].as_f64().unwrap() > 0.0, "{ran}");
    assert_eq!(
        (&found["short"]["completion_tokens"], &found["memory"]),
        (&json!(20), &Value::Null)
    );
    assert!(found["long"]["prompt_tokens"].as_u64() > found["short"]["prompt_tokens"].as_u64());
    let text = run(&stand, &hub, &["model", "bench", &address, "--runs", "1"]);
    assert!(
        text.out.contains("prefill") && text.out.contains("tokens/s"),
        "{text}"
    );
}

#[test]
fn what_cannot_be_measured_is_told() {
    let (stand, hub) = stand();
    let dead = run(&stand, &hub, &["model", "bench", "http://127.0.0.1:9/v1#m"]);
    assert!(dead.code == Some(1) && dead.err.contains("127.0.0.1:9"), "{dead}");
    assert_eq!(run(&stand, &hub, &["model", "bench", "none"]).code, Some(2));
}

#[test]
fn a_server_is_chosen_with_the_name_of_its_model() {
    let (stand, hub) = stand();
    let one = RUNTIME.block_on(server(&["only"]));
    let two = RUNTIME.block_on(server(&["a", "b"]));
    let ran = run(
        &stand,
        &hub,
        &["model", "use", &one, "--dialect", "vllm", "--for", "adviser"],
    );
    assert_eq!(ran.code, Some(0), "{ran}");
    let text = std::fs::read_to_string(stand.path(".config/sayso/config.toml")).unwrap();
    assert_eq!(
        text,
        format!("[adviser]\nendpoint = \"{one}\"\nname = \"only\"\ndialect = \"vllm\"\n")
    );
    let which = run(&stand, &hub, &["model", "use", &two]);
    assert!(which.code == Some(1) && which.err.contains("a, b"), "{which}");
    let dead = run(&stand, &hub, &["model", "use", "http://127.0.0.1:9/v1#m"]);
    assert!(dead.code == Some(0) && dead.err.contains("warning"), "{dead}");
    let wrong = run(&stand, &hub, &["model", "use", &one, "--dialect", "esperanto"]);
    assert_eq!(wrong.code, Some(1), "{wrong}");
    let shown = run(&stand, &hub, &["model", "show", &two, "-o", "json"]);
    assert_eq!(shown.json()["models"], json!(["a", "b"]));
}

/// An engine that has the model loaded: it listens where the program looks, and answers.
struct Engine(Child);

impl Drop for Engine {
    fn drop(&mut self) {
        let _ = (self.0.kill(), self.0.wait());
    }
}

const ENGINE: &str = r#"
import json, os, socketserver, sys
from http.server import BaseHTTPRequestHandler
path, digest, log = sys.argv[1:]
class Handler(BaseHTTPRequestHandler):
    def address_string(self): return "engine"
    def log_message(self, *_): pass
    def say(self, kind, text):
        self.send_response(200)
        self.send_header("content-type", kind)
        self.end_headers()
        self.wfile.write(text.encode())
    def do_GET(self):
        self.say("application/json", json.dumps({"status": "ready", "model": "acme/tiny-GGUF:Q4_K_M", "digest": digest, "pid": os.getpid()}))
    def do_POST(self):
        body = self.rfile.read(int(self.headers["content-length"])).decode()
        open(log, "a").write(body + "\n")
        chunks = [{"choices": [{"index": 0, "delta": {"content": "get pods"}}]}, {"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]}]
        self.say("text/event-stream", "".join("data: %s\n\n" % json.dumps(c) for c in chunks) + "data: [DONE]\n\n")
server = socketserver.ThreadingUnixStreamServer(path, Handler)
print("ready", flush=True)
server.serve_forever()
"#;

#[test]
fn the_record_names_the_digest_of_the_manifest() {
    use std::io::BufRead as _;
    let (stand, hub) = stand();
    if !super::stand::has("python3") {
        return;
    }
    run(&stand, &hub, &["model", "use", "acme/tiny-GGUF"]);
    let digest = run(&stand, &hub, &["model", "show", NAME, "-o", "json"]).json()["digest"].clone();
    let digest = digest.as_str().unwrap();
    let folder = stand.path(".cache/sayso");
    std::fs::create_dir_all(&folder).unwrap();
    std::fs::set_permissions(&folder, std::os::unix::fs::PermissionsExt::from_mode(0o700)).unwrap();
    let socket = format!("engine-{}-{}.sock", env!("CARGO_PKG_VERSION"), &digest[7..19]);
    let log = stand.path("asked");
    let mut process = stand
        .command("python3")
        .args(["-c", ENGINE])
        .args([folder.join(socket).as_os_str(), digest.as_ref(), log.as_os_str()])
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut line = String::new();
    std::io::BufReader::new(process.stdout.take().unwrap())
        .read_line(&mut line)
        .unwrap();
    let _engine = Engine(process);
    assert_eq!(line, "ready\n");
    let ran = run(&stand, &hub, &["list pods"]);
    assert_eq!(ran.code, Some(0), "{ran}");
    let record = stand.records("read").pop().unwrap();
    assert_eq!(record["model"]["digest"], digest, "{record}");
    let asked: Value =
        serde_json::from_str(std::fs::read_to_string(log).unwrap().lines().next().unwrap()).unwrap();
    assert_eq!(
        asked["messages"][0]["role"], "system",
        "another model than the planner needs instructions"
    );
}

#[test]
fn the_embedded_planner_is_nobodys_adviser() {
    let stand = Stand::shared();
    let same = "[model]\nendpoint = 'http://127.0.0.1:1/v1'\nname = 'm'\n\n[adviser]\nendpoint = 'planner'\n";
    let file = stand.write(".config/sayso/config.toml", same);
    let told = [
        (
            &["model", "use", "embedded", "--for", "adviser"][..],
            "choose another model for that",
        ),
        (
            &["model", "use", "embedded"],
            "`sayso model use MODEL --for adviser`",
        ),
        (
            &["model", "use", "embedded", "--for", "planner"],
            "`sayso model use MODEL --for adviser`",
        ),
    ];
    for (arguments, words) in told {
        let output = stand.sayso(arguments).env_remove("SAYSO_MODEL").output().unwrap();
        let ran = Ran::of(arguments, &output);
        assert!(ran.code != Some(0) && ran.err.contains(words), "{ran}");
        assert_eq!(std::fs::read_to_string(&file).unwrap(), same, "{ran}");
    }
    let list = stand.run(&["model", "list"]);
    assert_eq!(list.code, Some(0), "it still loads: {list}");
}
