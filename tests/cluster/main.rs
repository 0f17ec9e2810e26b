//! One real control plane, a sandbox beside it, and everything that both must do alike.
//!
//! `tests/cluster/build` makes the control plane; without it these tests are counted as ignored, and say why.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stderr,
    clippy::disallowed_methods,
    missing_docs,
    reason = "clippy spares functions marked as tests only; everything here is part of one"
)]

mod cases;
mod certificates;
mod control_plane;
mod faults;
mod parity;
#[path = "../suite/cli/planner.rs"]
#[expect(dead_code, reason = "no case here wants a planner that fails")]
mod planner;
mod stand;
mod volatile;

use std::process::ExitCode;

use libtest_mimic::{Arguments, Trial};

use control_plane::programs;
use stand::Stand;

fn main() -> ExitCode {
    let mut arguments = Arguments::from_args();
    // One control plane on a small machine: cases in turn are quicker than cases at once.
    arguments.test_threads = Some(1);
    let programs = programs();
    if let Err(why) = &programs {
        eprintln!("ignored: {why}");
    }
    let trial = |case: &'static cases::Case| {
        Trial::test(case.name, move || Stand::of_all().hold(case)).with_ignored_flag(programs.is_err())
    };
    let mut trials: Vec<Trial> = cases::ALL.iter().map(trial).collect();
    trials.push(
        Trial::test("faults", || Stand::of_all().diagnose_faults()).with_ignored_flag(programs.is_err()),
    );
    if std::env::var_os("SAYSO_RECORD").is_some() {
        parity::record();
    }
    trials.extend(parity::trials());
    let conclusion = libtest_mimic::run(&arguments, trials);
    Stand::end();
    eprint!("{}{}", Stand::differences(), parity::table());
    conclusion.exit_code()
}
