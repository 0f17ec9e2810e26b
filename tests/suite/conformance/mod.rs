//! Every kind of model server, held to the same table: streaming, cancelling, constraints, usage, errors.
//!
//! The servers here are mocks that behave as the real ones are documented to. `SAYSO_SERVERS` names real ones, as in
//! `llama-cpp=http://127.0.0.1:8080/v1#model`, separated by spaces; they get the same examination and a table of their own.

mod hostile;
mod mocks;
mod streams;
mod tls;

use std::path::Path;
use std::sync::atomic::Ordering;
use std::time::Duration;

use sayso::llm::{
    ApiKey, Constraint, Endpoint, EndpointConfig, LlmError, Message, Model, ModelReply, ModelRequest, Role,
    Timeouts, Transport,
};
use sayso::plan::{PlanGrammar, parse};
use serde_json::{Value, json};

use mocks::{KEY, KINDS, Kind, Server};

/// The features, as the table has them.
const FEATURES: [&str; 7] = ["stream", "cancel", "plan", "schema", "usage", "errors", "told"];

fn config(base: &str, model: &str, dialect: &str, memory: Option<&Path>) -> EndpointConfig {
    EndpointConfig {
        base_url: base.to_owned(),
        model: model.to_owned(),
        key: Some(ApiKey::from(KEY)),
        dialect: dialect.parse().unwrap(),
        timeouts: Timeouts::default(),
        transport: Transport::default(),
        memory: memory.map(Path::to_owned),
    }
}

fn question(words: &str, constraint: Constraint, max_tokens: u32) -> ModelRequest {
    ModelRequest {
        messages: vec![Message::new(Role::User, words)],
        constraint,
        max_tokens,
        temperature: 0.0,
        best_of: 1,
    }
}

fn grammar() -> Constraint {
    Constraint::Plan(PlanGrammar {
        whole: "(unclear|refuse)|(get (pods|nodes))(\\n(get (pods|nodes))){0,5}".to_owned(),
        line: "unclear|refuse|get (pods|nodes)".to_owned(),
        most: 6,
    })
}

fn schema() -> Constraint {
    Constraint::JsonSchema(
        json!({"type": "object", "properties": {"kind": {"type": "string", "enum": ["ConfigMap"]}},
        "required": ["kind"], "additionalProperties": false}),
    )
}

async fn ask(model: &Model, request: ModelRequest) -> Result<ModelReply, LlmError> {
    model.complete(request, &mut |_| {}).await
}

/// Whether text comes in pieces.
async fn streams(model: &Model, long: Constraint) -> bool {
    let mut pieces = 0;
    let request = question("Tell a long story about a harbour.", long, 24);
    let reply = model.complete(request, &mut |_| pieces += 1).await.unwrap();
    pieces > 1 && reply.truncated
}

/// Whether somebody can go away in the middle, and be answered afterwards.
async fn cancels(model: &Model, long: Constraint) -> bool {
    let (sender, mut begun) = tokio::sync::mpsc::unbounded_channel();
    let request = question("Tell a long story about a harbour.", long, 400);
    let mut show = |_: &str| {
        let _ = sender.send(());
    };
    tokio::select! {
        _ = model.complete(request, &mut show) => return false,
        _ = begun.recv() => {}
    }
    ask(model, question("Say yes.", Constraint::None, 4))
        .await
        .is_ok()
}

/// The form in which a constraint was kept, from what is remembered of the server.
fn form(memory: &Path, among: &[&str]) -> String {
    let file = std::fs::read_dir(memory).unwrap().next().unwrap().unwrap().path();
    let known: Value = serde_json::from_slice(&std::fs::read(file).unwrap()).unwrap();
    let kept = known["forms"]
        .as_object()
        .unwrap()
        .iter()
        .filter(|(_, finding)| *finding == "kept");
    let mut names = kept
        .map(|(name, _)| name.as_str())
        .filter(|name| among.contains(name));
    names.next().unwrap_or("no").to_owned()
}

/// A row of the table, and what the user was told.
async fn examine(base: &str, model_name: &str, dialect: &str) -> Vec<String> {
    let memory = tempfile::tempdir().unwrap();
    let model =
        || Model::Endpoint(Endpoint::new(config(base, model_name, dialect, Some(memory.path()))).unwrap());
    let first = model();
    first.warm(&mut |_| {}).await.unwrap();
    let mut told = Vec::new();
    let planned = ask(&first, question("List the pods, then the nodes.", grammar(), 64))
        .await
        .unwrap();
    told.extend(planned.notice.clone());
    let plan = form(
        memory.path(),
        &["grammar", "structured", "guided", "gbnf", "lines", "plain-lines"],
    );
    assert_eq!(
        planned.constrained,
        !matches!(plan.as_str(), "no" | "plain-lines"),
        "{planned:?}"
    );
    assert!(
        !planned.constrained || planned.truncated || parse(&planned.text).is_ok(),
        "{planned:?}"
    );
    let object = ask(&first, question("Which kind?", schema(), 64)).await.unwrap();
    told.extend(object.notice.clone());
    let kept = form(memory.path(), &["schema", "object"]);
    assert!(
        kept == "no" || serde_json::from_str::<Value>(&object.text).is_ok(),
        "{object:?}"
    );
    // Another process knows all that, and has nothing more to tell.
    let second = model();
    second.warm(&mut |_| panic!("it is asked again")).await.unwrap();
    let again = ask(&second, question("List the pods.", grammar(), 64))
        .await
        .unwrap();
    assert_eq!((again.notice, again.constrained), (None, planned.constrained));
    let usage = ask(&first, question("Say yes.", Constraint::None, 8))
        .await
        .unwrap()
        .usage;
    let wrong = Endpoint::new(config(&format!("{base}/nowhere"), model_name, dialect, None)).unwrap();
    let error = ask(&Model::Endpoint(wrong), question("Say yes.", Constraint::None, 8))
        .await
        .unwrap_err();
    let yes = |is: bool| if is { "yes" } else { "no" }.to_owned();
    vec![
        yes(streams(&first, Constraint::None).await),
        yes(cancels(&first, Constraint::None).await),
        plan,
        kept,
        yes(usage.prompt_tokens > 0 && usage.completion_tokens > 0),
        yes(matches!(error, LlmError::Refused { status: 404, .. }) && error.hint().is_some()),
        yes(told.len() == 1),
    ]
}

fn table(rows: &[(String, Vec<String>)]) -> String {
    let mut text = format!("{:<17}", "server");
    for feature in FEATURES {
        text.push_str(&format!("{feature:<12}"));
    }
    for (name, cells) in rows {
        text.push_str(&format!("\n{name:<17}"));
        for cell in cells {
            text.push_str(&format!("{cell:<12}"));
        }
    }
    text.lines().map(str::trim_end).collect::<Vec<_>>().join("\n")
}

#[tokio::test]
async fn servers_as_they_are_documented() {
    let mut rows = Vec::new();
    for (kind, name, dialect) in KINDS {
        let (server, base) = Server::start(kind).await;
        let row = examine(&base, "tiny", dialect).await;
        assert!(
            server.asked.load(Ordering::SeqCst) < 40,
            "{name} is asked too often"
        );
        // The server sees that nobody listens only when it writes.
        for _ in 0..200 {
            if server.left.load(Ordering::SeqCst) {
                break;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        assert!(server.left.load(Ordering::SeqCst), "{name} goes on for nobody");
        rows.push((name.to_owned(), row));
    }
    let table = table(&rows);
    eprintln!("{table}");
    insta::assert_snapshot!(table);
}

#[tokio::test]
async fn servers_that_can_be_had() {
    let named = std::env::var("SAYSO_SERVERS").unwrap_or_default();
    let mut rows = Vec::new();
    for server in named.split_whitespace() {
        let (dialect, address) = server.split_once('=').unwrap();
        let (base, model) = address.split_once('#').unwrap();
        let row = examine(base, model, dialect).await;
        assert!(
            row[0] == "yes" && row[1] == "yes" && row[4] == "yes" && row[5] == "yes",
            "{server}: {row:?}"
        );
        rows.push((dialect.to_owned(), row));
    }
    if rows.is_empty() {
        eprintln!("skipped: SAYSO_SERVERS names none");
    } else {
        eprintln!("{}", table(&rows));
    }
}

/// The whole language of a plan about a cluster of some size, in the form that the server keeps to.
#[tokio::test]
async fn a_real_server_takes_the_whole_plan_language() {
    let Some(server) = std::env::var("SAYSO_SERVERS").ok() else {
        eprintln!("skipped: SAYSO_SERVERS names none");
        return;
    };
    let snapshot = sayso::plan::Snapshot {
        objects: (0..12)
            .flat_map(|number| ["deployment", "service", "pod"].map(|kind| fact(kind, number)))
            .collect(),
        namespaces: vec!["shop".to_owned(), "blog".to_owned()],
        default_namespace: "shop".to_owned(),
        ..sayso::plan::Snapshot::default()
    };
    for server in server.split_whitespace() {
        let (dialect, address) = server.split_once('=').unwrap();
        let (base, name) = address.split_once('#').unwrap();
        let endpoint = Endpoint::new(config(base, name, dialect, None)).unwrap();
        for words in [
            "scale web-3 to 5",
            "create a namespace called fresh and run nginx in it",
            "why is web-1 broken",
        ] {
            let focus = sayso::plan::Focus::on(words, &snapshot);
            let constraint = Constraint::Plan(sayso::plan::plan_grammar(&focus));
            let reply = ask(
                &Model::Endpoint(endpoint.clone()),
                question(words, constraint, 96),
            )
            .await
            .unwrap();
            eprintln!(
                "{dialect}: {words}: {:?}, truncated {}",
                reply.text, reply.truncated
            );
            assert!(reply.constrained, "{reply:?}");
            assert!(reply.truncated || parse(&reply.text).is_ok(), "{reply:?}");
        }
    }
}

fn fact(kind: &str, number: usize) -> sayso::plan::ObjectFact {
    sayso::plan::ObjectFact {
        kind: kind.to_owned(),
        namespace: "shop".to_owned(),
        name: format!("web-{number}"),
        containers: vec![("nginx".to_owned(), "nginx:1.27".to_owned())],
        ..sayso::plan::ObjectFact::default()
    }
}

#[tokio::test]
async fn a_key_that_is_wrong_is_not_repeated() {
    let (_, base) = Server::start(Kind::OpenAi).await;
    let wrong = EndpointConfig {
        key: Some(ApiKey::from("sk-wrong-key-987654321")),
        ..config(&base, "tiny", "openai", None)
    };
    let model = Model::Endpoint(Endpoint::new(wrong).unwrap());
    let error = ask(&model, question("Say yes.", Constraint::None, 8))
        .await
        .unwrap_err();
    assert!(matches!(error, LlmError::Refused { status: 401, .. }), "{error}");
    assert!(!format!("{error} {error:?}").contains("sk-wrong"), "{error}");
}

/// Our own engine, through the same examination as far as it goes without a memory.
#[cfg(feature = "engine")]
#[tokio::test]
async fn our_own_engine() {
    use sayso::llm::LocalEngine;
    let folder = tempfile::tempdir().unwrap();
    let model = Model::Local(LocalEngine {
        program: env!("CARGO_BIN_EXE_sayso-engine").into(),
        arguments: Vec::new(),
        model_dir: Path::new(env!("CARGO_TARGET_TMPDIR")).join("planner"),
        socket: folder.path().join("engine.sock"),
        log: folder.path().join("engine.log"),
        idle: Duration::from_secs(20),
    });
    model.warm(&mut |_| {}).await.unwrap();
    let planned = ask(&model, question("> list the pods", grammar(), 64))
        .await
        .unwrap();
    assert!(planned.constrained && parse(&planned.text).is_ok(), "{planned:?}");
    let object = ask(&model, question("Which kind?", schema(), 64)).await.unwrap();
    assert!(serde_json::from_str::<Value>(&object.text).is_ok(), "{object:?}");
    assert!(
        planned.usage.prompt_tokens > 0 && planned.usage.completion_tokens > 0,
        "{planned:?}"
    );
    // The planner knows commands and no stories: the grammar makes it go on.
    let long = || Constraint::Regex("[a-z ]{600,900}".to_owned());
    assert!(streams(&model, long()).await);
    assert!(cancels(&model, long()).await);
}

#[tokio::test]
async fn a_proxy_is_asked_and_certificates_are_read() {
    let (server, base) = Server::start(Kind::OpenAi).await;
    let proxied = |proxy: &str, ca: Option<&str>, scheme: &str| EndpointConfig {
        transport: Transport {
            proxy: Some(ApiKey::from(proxy)),
            ca: ca.map(|pem| pem.as_bytes().to_vec()),
        },
        ..config(&format!("{scheme}://models.invalid/v1"), "tiny", "openai", None)
    };
    let endpoint = Endpoint::new(proxied(base.trim_end_matches("/v1"), None, "http")).unwrap();
    let reply = ask(
        &Model::Endpoint(endpoint),
        question("Say yes.", Constraint::None, 8),
    )
    .await;
    assert!(
        reply.unwrap().truncated && server.asked.load(Ordering::SeqCst) == 1,
        "no such name was looked up"
    );
    let refused = |settings| Endpoint::new(settings).unwrap_err().to_string();
    let error = refused(proxied("http://me:canary@[", None, "http"));
    assert!(
        error.contains("proxy cannot be used") && !error.contains("canary"),
        "{error}"
    );
    let error = refused(proxied("http://127.0.0.1:1", Some("no certificate"), "https"));
    assert!(
        error.contains("the certificates cannot be read: there is none"),
        "{error}"
    );
}

#[cfg(unix)]
#[test]
fn a_key_from_a_command_opens_the_server_and_is_written_nowhere() {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build()
        .unwrap();
    let (_, base) = runtime.block_on(Server::start(Kind::OpenAi));
    let stand = super::cli::stand::Stand::shared();
    stand.write(
        ".config/sayso/config.toml",
        format!("[model]\nkey_command = ['echo', '{KEY}']\n"),
    );
    let model = format!("{base}#tiny");
    let run = || {
        stand
            .sayso(&["list pods and nodes", "-vv"])
            .env("SAYSO_MODEL", &model)
            .output()
            .unwrap()
    };
    let output = run();
    let printed = format!(
        "{}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
    assert_eq!(output.status.code(), Some(0), "{printed}");
    assert!(!printed.contains(KEY), "{printed}");
    assert!(!std::fs::read_to_string(stand.log()).unwrap().contains(KEY));
    let learned = std::fs::read_dir(stand.path(".cache/sayso/servers"))
        .unwrap()
        .next()
        .unwrap()
        .unwrap()
        .path();
    let learned = std::fs::read_to_string(learned).unwrap();
    assert!(
        learned.contains("\"lines\": \"kept\"") && !learned.contains(KEY),
        "{learned}"
    );
    stand.write(
        ".config/sayso/config.toml",
        "[model]\nkey_command = ['echo', 'sk-another-key-5555']\n",
    );
    let refused = run();
    let error = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert!(
        refused.status.code() == Some(1) && error.contains("401") && !error.contains("sk-another"),
        "{error}"
    );
}
