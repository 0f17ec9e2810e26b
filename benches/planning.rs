//! From the words of a request to its plan: what finding objects, reading the prompt, writing the plan and the grammar take.
//!
//! Every request of `tests/eval/plain.jsonl` is planned with the planner that comes with Sayso, its engine warm, against the
//! sandbox's shop. The share of the grammar is what the same request takes less without one. Where `SAYSO_LLAMA_CPP` names a
//! server of llama.cpp that has loaded the same file (`http://127.0.0.1:8080/v1#planner`), it gets the same requests in
//! turns with the engine, with the same grammar in its own notation; what counts is the ratio. It has to be started
//! without a cache of prompts, or it answers from memory. The bars are a median of 1 s and 2.5 s at the 95th percentile.
//!
//! One plan each: the search for a likelier one, which the driver asks for, would give its text all at once.
//!
//! `cargo bench --bench planning`; how many of the requests, as a number behind `--`. `SAYSO_BENCH_MODEL` is the folder of the
//! planner, which is made where it is missing.

#![allow(
    missing_docs,
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a bench that cannot be set up is to stop, and what it measures is for people"
)]

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use sayso::cluster::{Cluster, ConnectOptions};
use sayso::llm::{
    Constraint, Endpoint, EndpointConfig, LocalEngine, Message, Model, ModelRequest, Role, Timeouts,
    Transport, prompts,
};
use sayso::plan::{Focus, plan_grammar};
use sayso::sandbox::{self, Options};
use serde_json::Value;

/// As the driver has it.
const PLAN_TOKENS: u32 = 256;

/// What one request took.
#[derive(Clone, Copy, Default)]
struct Planned {
    /// Until the first text: the prompt was read, and the grammar made ready.
    first: Duration,
    whole: Duration,
    prompt_tokens: u32,
    completion_tokens: u32,
}

/// One model's times, in milliseconds.
#[derive(Default)]
struct Column {
    first: Vec<f64>,
    rest: Vec<f64>,
    whole: Vec<f64>,
    free: Vec<f64>,
    read: Vec<f64>,
    written: Vec<f64>,
}

fn main() {
    let most = std::env::args().filter_map(|word| word.parse().ok()).next();
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(measure(most.unwrap_or(usize::MAX)));
    // The engine's process ends by itself when nobody asks it any more.
}

async fn measure(most: usize) {
    let folder = tempfile::tempdir().unwrap();
    let running = sandbox::start(Options::default()).await.unwrap();
    let options = ConnectOptions {
        inline: Some(running.kubeconfig()),
        ..ConnectOptions::default()
    };
    let cluster = Cluster::connect(&options).await.unwrap();
    let mut models = vec![("the engine", engine(folder.path()))];
    models.extend(llama_cpp().map(|model| ("llama.cpp", model)));
    for (_, model) in &models {
        model.warm(&mut |_| {}).await.unwrap();
        ask(model, "> list pods", Constraint::None).await;
    }
    let mut columns: Vec<Column> = models.iter().map(|_| Column::default()).collect();
    let mut retrieval = Vec::new();
    let requests = requests();
    let requests = &requests[..requests.len().min(most)];
    let mut objects = 0;
    for (turn, request) in requests.iter().enumerate() {
        let begun = Instant::now();
        let snapshot = cluster.snapshot().await.unwrap();
        let focus = Focus::on(request, &snapshot);
        let prompt = prompts::planner(request, &focus);
        let grammar = Constraint::Plan(plan_grammar(&focus));
        retrieval.push(milliseconds(begun.elapsed()));
        objects = snapshot.objects.len();
        // Who is first changes, and so does whether the grammar is.
        for at in 0..models.len() {
            let at = (at + turn) % models.len();
            let (model, column) = (&models[at].1, &mut columns[at]);
            let mut free = Planned::default();
            if turn % 2 == 0 {
                free = ask(model, &prompt, Constraint::None).await;
            }
            let planned = ask(model, &prompt, grammar.clone()).await;
            if turn % 2 == 1 {
                free = ask(model, &prompt, Constraint::None).await;
            }
            column.add(planned, free);
        }
    }
    println!("{} requests, {objects} objects in the cluster", requests.len());
    println!("{:<42}{:>10}{:>10}", "in milliseconds", "median", "p95");
    line("retrieval: objects, prompt, grammar's text", &mut retrieval);
    for ((name, _), column) in models.iter().zip(&mut columns) {
        println!("{name}");
        column.print();
    }
    if let [ours, theirs] = columns.as_mut_slice() {
        let ratio = |ours: &mut [f64], theirs: &mut [f64]| quantile(ours, 50) / quantile(theirs, 50);
        println!(
            "the engine over llama.cpp, of the medians: whole {:.2}, prompt {:.2}, plan {:.2}",
            ratio(&mut ours.whole, &mut theirs.whole),
            ratio(&mut ours.first, &mut theirs.first),
            ratio(&mut ours.rest, &mut theirs.rest)
        );
    }
}

impl Column {
    fn add(&mut self, planned: Planned, free: Planned) {
        let rest = planned.whole.saturating_sub(planned.first);
        self.first.push(milliseconds(planned.first));
        self.rest.push(milliseconds(rest));
        self.whole.push(milliseconds(planned.whole));
        self.free.push(milliseconds(free.first));
        self.read
            .push(f64::from(free.prompt_tokens) / free.first.as_secs_f64());
        // The first token is there when the clock of the rest begins.
        let more = f64::from(planned.completion_tokens.saturating_sub(1));
        self.written.push(more / rest.as_secs_f64().max(1e-6));
    }

    fn print(&mut self) {
        line("  whole", &mut self.whole);
        line("  to the first text", &mut self.first);
        line("  to the first text, without a grammar", &mut self.free);
        line("  the rest of the plan", &mut self.rest);
        println!(
            "  tokens a second, median: prompt {:.0}, plan under the grammar {:.0}",
            quantile(&mut self.read, 50),
            quantile(&mut self.written, 50)
        );
    }
}

/// The planner's engine, as `sayso` starts it.
fn engine(folder: &Path) -> Model {
    let given = std::env::var_os("SAYSO_BENCH_MODEL").map(PathBuf::from);
    Model::Local(LocalEngine {
        program: env!("CARGO_BIN_EXE_sayso-engine").into(),
        arguments: Vec::new(),
        model_dir: given.unwrap_or_else(|| Path::new(env!("CARGO_TARGET_TMPDIR")).join("planner")),
        socket: folder.join("engine.sock"),
        log: folder.join("engine.log"),
        idle: Duration::from_secs(30),
    })
}

fn llama_cpp() -> Option<Model> {
    let address = std::env::var("SAYSO_LLAMA_CPP").ok()?;
    let (base, name) = address.split_once('#').unwrap();
    let config = EndpointConfig {
        base_url: base.to_owned(),
        model: name.to_owned(),
        key: None,
        dialect: "llama-cpp".parse().unwrap(),
        timeouts: Timeouts::default(),
        transport: Transport::default(),
        memory: None,
    };
    Some(Model::Endpoint(Endpoint::new(config).unwrap()))
}

fn requests() -> Vec<String> {
    let request = |line: &str| {
        let case: Value = serde_json::from_str(line).unwrap();
        case["request"].as_str().unwrap().to_owned()
    };
    include_str!("../tests/eval/plain.jsonl")
        .lines()
        .map(request)
        .collect()
}

async fn ask(model: &Model, prompt: &str, constraint: Constraint) -> Planned {
    let request = ModelRequest {
        messages: vec![Message::new(Role::User, prompt)],
        constraint,
        max_tokens: PLAN_TOKENS,
        temperature: 0.0,
        best_of: 1,
    };
    let begun = Instant::now();
    let mut first = None;
    let mut show = |_: &str| {
        first.get_or_insert_with(|| begun.elapsed());
    };
    let reply = model.complete(request, &mut show).await.unwrap();
    let whole = begun.elapsed();
    Planned {
        first: first.unwrap_or(whole),
        whole,
        prompt_tokens: reply.usage.prompt_tokens,
        completion_tokens: reply.usage.completion_tokens,
    }
}

fn milliseconds(time: Duration) -> f64 {
    time.as_secs_f64() * 1e3
}

fn line(name: &str, values: &mut [f64]) {
    println!(
        "{name:<42}{:>10.1}{:>10.1}",
        quantile(values, 50),
        quantile(values, 95)
    );
}

/// The value below which that many in a hundred lie, by the nearest rank.
fn quantile(values: &mut [f64], percent: usize) -> f64 {
    values.sort_by(f64::total_cmp);
    let rank = (values.len() * percent).div_ceil(100);
    values.get(rank.saturating_sub(1)).copied().unwrap_or(f64::NAN)
}
