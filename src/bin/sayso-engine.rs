//! The model server as a program of its own: see `sayso::engine`.

fn main() -> std::process::ExitCode {
    sayso::engine::run(std::env::args_os())
}
