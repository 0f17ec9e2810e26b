//! The audit log: what an append costs with its fsync, by one process and by several at once, signed as the program signs;
//! and what it costs to verify a long log, beside the plain SHA-256 of the same bytes.
//!
//! `SAYSO_BENCH_RECORDS` says how long the log is (1,000,000 without it). Those figures are printed first, since the
//! ratio of two times is none that divan knows.

#![allow(
    missing_docs,
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::disallowed_methods,
    clippy::cast_precision_loss,
    reason = "a bench that cannot be set up is to stop, and prints"
)]

use std::fs::File;
use std::io::{BufWriter, Read as _, Write as _};
use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::time::{Duration, Instant};

use divan::Bencher;
use divan::counter::ItemsCount;
use jiff::Timestamp;
use sayso::audit::chain::{GENESIS, seal};
use sayso::audit::{ActionId, AuditLog, Entry};
use sayso::sign::load_or_create;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use tempfile::TempDir;
use uuid::Uuid;

/// Set for the processes that append together: how many records each of them appends.
const APPENDS: &str = "SAYSO_BENCH_APPENDS";
/// Appended by each process of a group.
const EACH: u32 = 100;
/// How often the long log is verified and hashed; the medians count.
const ROUNDS: usize = 3;
/// As large as the log lets a segment become.
const SEGMENT: usize = 64 * 1024 * 1024;

fn main() {
    if let Ok(records) = std::env::var(APPENDS) {
        let folder = std::env::args().nth(1).unwrap();
        return append(&log(Path::new(&folder)), records.parse().unwrap());
    }
    if !std::env::args().any(|argument| argument == "--test") {
        verify_beside_hashing();
    }
    divan::main();
}

fn log(folder: &Path) -> AuditLog {
    let key = load_or_create(&folder.join("keys/id_ed25519"), "bench").unwrap();
    AuditLog::open(&folder.join("audit"))
        .unwrap()
        .signed_by(Arc::new(key))
}

/// What a small change leaves on record before it is made.
fn body(number: u32) -> Value {
    let object = |replicas: u32| {
        json!({"apiVersion": "apps/v1", "kind": "Deployment",
        "metadata": {"name": "web", "namespace": "shop", "uid": "0b0f7f0e-7f0b-4a53-9e2b-0123456789ab"},
        "spec": {"replicas": replicas}})
    };
    json!({"request": "scale web to 5", "user": "ada", "context": "production",
        "steps": [{"command": format!("kubectl scale deployment/web --replicas={number} -n shop")}],
        "evidence": {"before": object(3), "after": object(number)}})
}

fn append(log: &AuditLog, records: u32) {
    for number in 0..records {
        let action = ActionId::new(Uuid::now_v7());
        let entry = Entry::Intent {
            action,
            body: body(number),
        };
        log.append(entry, Timestamp::now()).unwrap();
    }
}

#[divan::bench(max_time = 5)]
fn append_with_fsync(bencher: Bencher) {
    let folder = tempfile::tempdir().unwrap();
    let log = log(folder.path());
    bencher.bench_local(|| append(&log, 1));
}

/// What the disk itself takes: the same bytes appended and synced, with nothing else.
#[divan::bench(max_time = 5)]
fn plain_write_with_fsync(bencher: Bencher) {
    let folder = tempfile::tempdir().unwrap();
    let mut file = File::create(folder.path().join("plain")).unwrap();
    let bytes = vec![b'x'; body(1).to_string().len() + 350];
    bencher.bench_local(|| {
        file.write_all(&bytes).unwrap();
        file.sync_data().unwrap();
    });
}

/// Several processes append at once: the disk writes what they have all written.
#[divan::bench(args = [1, 2, 4, 8], sample_count = 5, sample_size = 1)]
fn append_by_processes(bencher: Bencher, processes: u32) {
    let folder = tempfile::tempdir().unwrap();
    drop(log(folder.path()));
    let bencher = bencher.counter(ItemsCount::new(processes * EACH));
    bencher.bench_local(|| {
        let child = |_| {
            Command::new(std::env::current_exe().unwrap())
                .arg(folder.path())
                .env(APPENDS, EACH.to_string())
                .spawn()
                .unwrap()
        };
        let children: Vec<_> = (0..processes).map(child).collect();
        for mut child in children {
            assert!(child.wait().unwrap().success());
        }
    });
    let verified = AuditLog::at(&folder.path().join("audit")).verify().unwrap();
    assert!(verified.intact());
}

/// A log of so many records in the documented format, in segments, written without a sync for each of them.
fn long_log(records: u64) -> (TempDir, AuditLog) {
    let folder = tempfile::tempdir().unwrap();
    let (mut previous, mut segment, mut written) = (GENESIS.to_owned(), 0, 0);
    let path = |name: String| folder.path().join(name);
    let mut file = BufWriter::new(File::create(path("audit.jsonl".to_owned())).unwrap());
    for sequence in 1..=records {
        let action = Uuid::from_u128(0x0192_0000_0000_7000_8000_0000_0000_0000 + u128::from(sequence));
        let body = body(u32::try_from(sequence % 100).unwrap());
        let content = format!(
            "{{\"sequence\":{sequence},\"id\":\"{action}.{sequence}\",\"at\":\"2026-01-31T09:30:00Z\",\"previous\":\"{previous}\",\"entry\":{{\"read\":{{\"action\":\"{action}\",\"body\":{body}}}}}"
        );
        let line = seal(&previous, &content);
        line[line.len() - 66..line.len() - 2].clone_into(&mut previous);
        writeln!(file, "{line}").unwrap();
        written += line.len() + 1;
        if written >= SEGMENT {
            segment += 1;
            written = 0;
            file.flush().unwrap();
            let closed = path(format!("audit.{segment:06}.jsonl"));
            std::fs::rename(path("audit.jsonl".to_owned()), closed).unwrap();
            file = BufWriter::new(File::create(path("audit.jsonl".to_owned())).unwrap());
        }
    }
    file.flush().unwrap();
    let log = AuditLog::at(folder.path());
    (folder, log)
}

/// The SHA-256 of all files of a folder; gives how many bytes they have.
fn hash(folder: &Path) -> usize {
    let mut buffer = vec![0; 1 << 20];
    let mut bytes = 0;
    for entry in std::fs::read_dir(folder).unwrap() {
        let mut file = File::open(entry.unwrap().path()).unwrap();
        let mut hasher = Sha256::new();
        loop {
            let read = file.read(&mut buffer).unwrap();
            if read == 0 {
                break;
            }
            bytes += read;
            hasher.update(&buffer[..read]);
        }
        divan::black_box(hasher.finalize());
    }
    bytes
}

fn median(mut run: impl FnMut()) -> Duration {
    let mut times: Vec<Duration> = (0..ROUNDS)
        .map(|_| {
            let begun = Instant::now();
            run();
            begun.elapsed()
        })
        .collect();
    times.sort();
    times[ROUNDS / 2]
}

fn verify_beside_hashing() {
    let records = std::env::var("SAYSO_BENCH_RECORDS")
        .ok()
        .and_then(|text| text.parse().ok())
        .unwrap_or(1_000_000);
    let (folder, log) = long_log(records);
    let bytes = hash(folder.path());
    let hashed = median(|| {
        hash(folder.path());
    });
    let verified = median(|| {
        let verified = log.verify().unwrap();
        assert!(verified.intact() && verified.records == records);
    });
    println!(
        "verify: {records} records, {} MB: {verified:.2?}; plain SHA-256 of the same bytes: {hashed:.2?}; ratio {:.2}",
        bytes / 1_000_000,
        verified.as_secs_f64() / hashed.as_secs_f64()
    );
}
