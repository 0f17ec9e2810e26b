//! `sayso`: say what you want of a cluster, read what will happen, say so.

use std::process::ExitCode;

fn main() -> ExitCode {
    #[cfg(feature = "engine")]
    if std::env::args_os()
        .nth(1)
        .is_some_and(|word| word == sayso::driver::ENGINE_COMMAND)
    {
        return sayso::engine::run(std::env::args_os().skip(1));
    }
    sayso::cli::run(std::env::args_os(), sayso::tui::run).into()
}
