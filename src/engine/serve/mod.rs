//! The server: one process, one model, one private endpoint.
//!
//! It listens before the model is loaded, so that a client that started it can connect at once and wait. It ends
//! when idle, when told to, when its socket is taken away, and when its host died; whoever needs it starts it
//! again.

mod api;
mod chat;
mod life;
mod socket;
mod stops;
mod wire;

use std::io;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;

use super::files::ModelFiles;
use super::host::Host;
use super::mistral::MistralHost;
use super::panics;
use life::{Life, Reason};

/// What is served, where, and for how long.
pub(super) struct Settings {
    pub(super) directory: PathBuf,
    /// Whether only a model with a manifest may be served.
    pub(super) stored: bool,
    /// Tokens that prompt and answer may have together, where that is fewer than the model can.
    pub(super) context: Option<usize>,
    pub(super) endpoint: Endpoint,
    /// Time without a request after which it leaves.
    pub(super) idle: Duration,
    /// Appended to; without it, there is no log.
    pub(super) log: Option<PathBuf>,
}

/// Where clients connect.
pub(super) enum Endpoint {
    Socket(PathBuf),
    /// On loopback, with a bearer token that must not be empty.
    Port {
        port: u16,
        token: String,
    },
}

/// Why it does not serve, or no longer.
#[derive(Debug, thiserror::Error)]
pub(super) enum ServeError {
    #[error("cannot open the log `{path}`: {source}")]
    Log { path: PathBuf, source: io::Error },
    #[error("cannot start itself again: {0}")]
    Restart(io::Error),
    #[error("cannot listen on `{place}`: {source}")]
    Listen { place: String, source: io::Error },
    #[error("the token's variable is empty or not set")]
    NoToken,
    #[error("the runtime does not start: {0}")]
    Runtime(io::Error),
    #[error("the model's host died")]
    Died,
}

/// Set for the process that serves, as against the one that was started by the user.
const INNER: &str = "SAYSO_ENGINE_INNER";

/// Serves until there is a reason to leave.
///
/// The process first replaces itself by one whose output goes to the log and whose environment keeps the
/// libraries in check: both must be so from the start, and neither can be changed in place without `unsafe`.
pub(super) fn serve(settings: Settings) -> Result<(), ServeError> {
    if std::env::var_os(INNER).is_none() {
        return restart(&settings);
    }
    start_log();
    panics::watch();
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(4)
        .enable_all()
        .build()
        .map_err(ServeError::Runtime)?;
    let outcome = runtime.block_on(listen_and_serve(settings));
    // Computation cannot be interrupted; the end of the process does that.
    runtime.shutdown_background();
    if let Err(error) = &outcome {
        tracing::error!("{error}");
    }
    outcome
}

fn start_log() {
    let filter = tracing_subscriber::EnvFilter::try_from_default_env()
        .unwrap_or_else(|_| tracing_subscriber::EnvFilter::new("info"));
    // Only fails if there is a log already.
    let _ = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_ansi(false)
        .with_writer(io::stderr)
        .try_init();
}

fn restart(settings: &Settings) -> Result<(), ServeError> {
    let threads = num_cpus::get_physical().min(num_cpus::get()).max(1).to_string();
    let mut command = Command::new(std::env::current_exe().map_err(ServeError::Restart)?);
    command
        .args(std::env::args_os().skip(1))
        .env(INNER, "1")
        .env("HF_HUB_OFFLINE", "1")
        .stdin(Stdio::null());
    // Two threads of a core share the unit that all of this is about.
    if std::env::var_os("RAYON_NUM_THREADS").is_none() {
        command.env("RAYON_NUM_THREADS", threads);
    }
    match &settings.log {
        None => command.stdout(Stdio::null()).stderr(Stdio::null()),
        Some(path) => {
            let wrong = |source| ServeError::Log {
                path: path.clone(),
                source,
            };
            let log = std::fs::File::options()
                .create(true)
                .append(true)
                .open(path)
                .map_err(wrong)?;
            command.stdout(log.try_clone().map_err(wrong)?).stderr(log)
        }
    };
    become_command(command).map_err(ServeError::Restart)
}

#[cfg(unix)]
fn become_command(mut command: Command) -> io::Result<()> {
    use std::os::unix::process::CommandExt;
    Err(command.exec())
}

#[cfg(not(unix))]
fn become_command(mut command: Command) -> io::Result<()> {
    let status = command.status()?;
    if status.success() {
        Ok(())
    } else {
        Err(io::Error::other(status.to_string()))
    }
}

async fn listen_and_serve(settings: Settings) -> Result<(), ServeError> {
    let Some(listening) = socket::listen(&settings.endpoint)? else {
        tracing::info!("another one serves here already");
        return Ok(());
    };
    let life = Arc::new(Life::new(settings.idle));
    let (stage, stages) = watch::channel(api::Stage::Loading);
    let files = ModelFiles::find(&settings.directory, settings.stored, settings.context);
    let server = Arc::new(api::Server::new(files.as_ref().ok(), stages, Arc::clone(&life)));
    tokio::spawn(load(
        files.map_err(|error| error.to_string()),
        stage,
        Arc::clone(&life),
    ));
    let token = match settings.endpoint {
        Endpoint::Socket(_) => None,
        Endpoint::Port { token, .. } => Some(token),
    };
    let reason = listening.serve(api::router(server, token), &life).await?;
    tracing::info!("leaving: {reason:?}");
    if reason == Reason::HostDied {
        Err(ServeError::Died)
    } else {
        Ok(())
    }
}

/// Loads the model, and says how that went. A panic of the loader is a failure like others.
async fn load(files: Result<ModelFiles, String>, stage: watch::Sender<api::Stage>, life: Arc<Life>) {
    let _busy = life.busy();
    let loaded = match files {
        Err(error) => Err(error),
        Ok(files) => {
            let task = tokio::spawn(async move { MistralHost::load(&files).await });
            match task.await {
                Ok(result) => result.map_err(|error| error.to_string()),
                Err(error) => Err(format!("cannot load the model: {error}")),
            }
        }
    };
    let next = match loaded {
        Ok(host) => api::Stage::Ready(Arc::new(host)),
        Err(error) => {
            tracing::error!("{error}");
            life.hasten();
            api::Stage::Failed(error)
        }
    };
    stage.send_replace(next);
}
