//! Everything but the model that a request takes, stage by stage and as a whole, against the sandbox in this process
//! (so its part of the work is counted, too). The bar for the whole is 50 ms.

#![allow(
    missing_docs,
    clippy::unwrap_used,
    reason = "a bench that cannot be set up is to stop"
)]

use std::hint::black_box;
use std::sync::LazyLock;

use divan::Bencher;
use jiff::Timestamp;
use sayso::audit::{ActionId, AuditLog, Entry};
use sayso::check::{Evidence, Policy, Report, report};
use sayso::cluster::{Cluster, ConnectOptions};
use sayso::llm::prompts;
use sayso::plan::{Focus, Plan, Proposal, Snapshot, parse, plan_pattern, resolve};
use sayso::sandbox::{self, Running};
use serde_json::json;
use tempfile::TempDir;
use tokio::runtime::Runtime;
use uuid::Uuid;

const REQUEST: &str = "scale web to 5";
const ANSWER: &str = "scale deployment/web --replicas=5";

fn main() {
    divan::main();
}

/// What all benches share: a sandbox, a connection that knows the cluster already, and the results of every stage.
struct Stand {
    runtime: Runtime,
    running: Running,
    cluster: Cluster,
    folder: TempDir,
    snapshot: Snapshot,
    plan: Plan,
    evidence: Evidence,
}

static STAND: LazyLock<Stand> = LazyLock::new(|| {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .unwrap();
    let running = runtime
        .block_on(sandbox::start(sandbox::Options::default()))
        .unwrap();
    let cluster = runtime.block_on(connect(&running));
    let snapshot = runtime.block_on(cluster.snapshot()).unwrap();
    let plan = resolved(&snapshot);
    let evidence = runtime.block_on(cluster.gather(&plan, Timestamp::now())).unwrap();
    Stand {
        runtime,
        running,
        cluster,
        folder: tempfile::tempdir().unwrap(),
        snapshot,
        plan,
        evidence,
    }
});

async fn connect(running: &Running) -> Cluster {
    let options = ConnectOptions {
        inline: Some(running.kubeconfig()),
        ..ConnectOptions::default()
    };
    Cluster::connect(&options).await.unwrap()
}

fn resolved(snapshot: &Snapshot) -> Plan {
    let Proposal::Plan(plan) = parse(ANSWER).unwrap() else {
        unreachable!("the answer is a plan")
    };
    resolve(&plan, snapshot).unwrap()
}

fn record(log: &AuditLog, plan: &Plan, evidence: &Evidence, report: &Report) {
    let body = json!({
        "request": REQUEST,
        "steps": plan.steps(),
        "approval": {"by": "bench", "digest": report.digest},
        "evidence": evidence,
    });
    let entry = Entry::Intent {
        action: ActionId::new(Uuid::now_v7()),
        body,
    };
    log.append(entry, Timestamp::now()).unwrap();
}

/// From the words to the recorded intent. What the model would get is made, and its answer is known.
async fn whole(cluster: &Cluster, log: &AuditLog) -> Report {
    let snapshot = cluster.snapshot().await.unwrap();
    let focus = Focus::on(REQUEST, &snapshot);
    black_box((prompts::planner(REQUEST, &focus), plan_pattern(&focus)));
    let plan = resolved(&snapshot);
    let evidence = cluster.gather(&plan, Timestamp::now()).await.unwrap();
    let report = report(&plan, &evidence, &Policy::default());
    record(log, &plan, &evidence, &report);
    report
}

#[divan::bench(max_time = 5)]
fn whole_first_request(bencher: Bencher) {
    let log = AuditLog::open(STAND.folder.path()).unwrap();
    let once = || async { whole(&connect(&STAND.running).await, &log).await };
    bencher.bench_local(|| STAND.runtime.block_on(once()));
}

#[divan::bench(max_time = 5)]
fn whole_next_request(bencher: Bencher) {
    let log = AuditLog::open(STAND.folder.path()).unwrap();
    bencher.bench_local(|| STAND.runtime.block_on(whole(&STAND.cluster, &log)));
}

#[divan::bench]
fn connect_client(bencher: Bencher) {
    bencher.bench_local(|| STAND.runtime.block_on(connect(&STAND.running)));
}

#[divan::bench(max_time = 5)]
fn snapshot_first(bencher: Bencher) {
    let fresh = || STAND.runtime.block_on(connect(&STAND.running));
    bencher
        .with_inputs(fresh)
        .bench_local_refs(|cluster| STAND.runtime.block_on(cluster.snapshot()).unwrap());
}

#[divan::bench(max_time = 5)]
fn snapshot_next(bencher: Bencher) {
    bencher.bench_local(|| STAND.runtime.block_on(STAND.cluster.snapshot()).unwrap());
}

#[divan::bench]
fn focus(bencher: Bencher) {
    bencher.bench_local(|| Focus::on(black_box(REQUEST), &STAND.snapshot));
}

#[divan::bench]
fn prompt(bencher: Bencher) {
    let focus = Focus::on(REQUEST, &STAND.snapshot);
    bencher.bench_local(|| prompts::planner(black_box(REQUEST), &focus));
}

#[divan::bench]
fn grammar_of_focus(bencher: Bencher) {
    let focus = Focus::on(REQUEST, &STAND.snapshot);
    bencher.bench_local(|| plan_pattern(black_box(&focus)));
}

#[divan::bench]
fn grammar_of_the_whole_shop(bencher: Bencher) {
    let focus = Focus::everything(&STAND.snapshot);
    bencher.bench_local(|| plan_pattern(black_box(&focus)));
}

#[divan::bench]
fn parse_and_resolve(bencher: Bencher) {
    bencher.bench_local(|| resolved(black_box(&STAND.snapshot)));
}

#[divan::bench(max_time = 5)]
fn gather(bencher: Bencher) {
    let gathered = || {
        STAND
            .runtime
            .block_on(STAND.cluster.gather(&STAND.plan, Timestamp::now()))
            .unwrap()
    };
    bencher.bench_local(gathered);
}

#[divan::bench]
fn report_and_digest(bencher: Bencher) {
    bencher.bench_local(|| report(black_box(&STAND.plan), &STAND.evidence, &Policy::default()));
}

#[divan::bench(max_time = 5)]
fn audit_append_with_fsync(bencher: Bencher) {
    let folder = tempfile::tempdir().unwrap();
    let log = AuditLog::open(folder.path()).unwrap();
    let report = report(&STAND.plan, &STAND.evidence, &Policy::default());
    bencher.bench_local(|| record(&log, &STAND.plan, &STAND.evidence, &report));
}
