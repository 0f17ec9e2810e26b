//! How long the program takes to start. The bar for `sayso --help` is 20 ms.

#![allow(
    missing_docs,
    clippy::unwrap_used,
    reason = "a bench that cannot be set up is to stop"
)]

use std::process::{Command, Stdio};

use divan::Bencher;

fn main() {
    divan::main();
}

fn sayso(argument: &str) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_sayso"));
    let status = command
        .arg(argument)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .unwrap();
    assert!(status.success());
}

#[divan::bench(max_time = 5)]
fn help(bencher: Bencher) {
    bencher.bench_local(|| sayso("--help"));
}

#[divan::bench(max_time = 5)]
fn version(bencher: Bencher) {
    bencher.bench_local(|| sayso("--version"));
}
