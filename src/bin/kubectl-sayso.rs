//! `kubectl sayso`: the same program as a kubectl plugin.

use std::process::ExitCode;

fn main() -> ExitCode {
    sayso::cli::run(std::env::args_os(), sayso::tui::run).into()
}
