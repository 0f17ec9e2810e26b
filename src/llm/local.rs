//! Our own engine on this machine: a process on a private Unix socket, started on demand and shared by every face.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::time::Duration;

use reqwest::{Client, ClientBuilder};
use serde::Deserialize;
use tokio::process::Child;
use tokio::time::{Instant, sleep};

use super::dialect::Dialect;
use super::endpoint::{Endpoint, EndpointConfig, Timeouts};
use super::error::LlmError;
use super::peer::root_cause;
use super::process;
use super::transport::{Transport, plain_builder};
use super::types::{ModelIdentity, ModelReply, ModelRequest, Progress};

/// The longest path of a Unix socket on Linux, in bytes, without the zero at its end; macOS has four fewer.
const SOCKET_PATH: usize = if cfg!(target_os = "macos") { 103 } else { 107 };
/// How long the weights may take to load.
const LOAD: Duration = Duration::from_secs(120);
/// How often a loading engine is asked whether it is ready.
const POLL: Duration = Duration::from_millis(50);
/// How long it may take to say so; it answers at once unless the machine is overloaded.
const PULSE: Duration = Duration::from_secs(5);
/// The most that is read of a health report, in bytes.
const HEALTH: usize = 64 << 10;
/// A processor without a GPU may take minutes for a long prompt.
const TIMEOUTS: Timeouts = Timeouts {
    connect: Duration::from_secs(5),
    first_token: Duration::from_secs(300),
    between: Duration::from_secs(120),
    whole: Duration::from_secs(900),
};

/// How to find the engine, and how to start it where it is not found.
///
/// The engine outlives us: it runs in its own process group and leaves by itself after `idle` without a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LocalEngine {
    /// The program to run.
    pub program: PathBuf,
    /// Arguments before the subcommand.
    pub arguments: Vec<OsString>,
    /// Where the model's files are, or will be put.
    pub model_dir: PathBuf,
    /// The socket; at most 107 bytes of path (103 on macOS). Its folder is made for this user alone.
    pub socket: PathBuf,
    /// Where a started engine writes its log.
    pub log: PathBuf,
    /// How long a started engine waits for requests; whole seconds.
    pub idle: Duration,
}

/// What the engine says of itself.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Health {
    status: String,
    model: Option<String>,
    digest: Option<String>,
    device: Option<String>,
    error: Option<String>,
}

/// What is known of the engine from the outside.
enum Pulse {
    /// No one listens.
    Absent,
    /// Someone does, and has not answered in time.
    Busy,
    Alive(Health),
}

impl LocalEngine {
    pub(super) async fn warm(&self, on_progress: &mut (dyn FnMut(Progress) + Send)) -> Result<(), LlmError> {
        self.ready(on_progress).await.map(drop)
    }

    pub(super) async fn identity(&self) -> Result<ModelIdentity, LlmError> {
        let health = self.ready(&mut |_| {}).await?;
        Ok(ModelIdentity {
            name: health.model.unwrap_or_else(|| "local".to_owned()),
            digest: health.digest,
            endpoint: self.name(),
            device: health.device,
        })
    }

    /// Asks the engine. If it goes away meanwhile, it is started again and asked once more; text that was shown
    /// already is not shown twice.
    pub(super) async fn complete(
        &self,
        request: &ModelRequest,
        on_text: &mut (dyn FnMut(&str) + Send),
    ) -> Result<ModelReply, LlmError> {
        let mut shown = 0;
        let mut count = |text: &str| {
            shown += text.len();
            on_text(text);
        };
        match self.ask(request, &mut count).await {
            Err(error) if error.is_broken_connection() => self.ask_again(request, shown, on_text).await,
            result => result,
        }
    }

    async fn ask_again(
        &self,
        request: &ModelRequest,
        mut shown: usize,
        on_text: &mut (dyn FnMut(&str) + Send),
    ) -> Result<ModelReply, LlmError> {
        let mut show_rest = |text: &str| {
            let new = text.get(shown.min(text.len())..).unwrap_or(text);
            shown = shown.saturating_sub(text.len());
            if !new.is_empty() {
                on_text(new);
            }
        };
        self.ask(request, &mut show_rest)
            .await
            .map_err(|error| self.lost(error))
    }

    async fn ask(
        &self,
        request: &ModelRequest,
        on_text: &mut (dyn FnMut(&str) + Send),
    ) -> Result<ModelReply, LlmError> {
        let health = self.ready(&mut |_| {}).await?;
        let config = EndpointConfig {
            base_url: "http://engine/v1".to_owned(),
            model: health.model.unwrap_or_else(|| "local".to_owned()),
            key: None,
            dialect: Dialect::MistralRs,
            timeouts: TIMEOUTS,
            transport: Transport::default(),
            memory: None,
        };
        Endpoint::over(config, self.name(), self.over_socket()?)?
            .complete(request, on_text)
            .await
    }

    fn lost(&self, error: LlmError) -> LlmError {
        if error.is_broken_connection() {
            return LlmError::EngineLost {
                reason: error.to_string(),
                log: self.log.clone(),
            };
        }
        error
    }

    /// Makes sure that an engine is there and has its model loaded.
    async fn ready(&self, on_progress: &mut (dyn FnMut(Progress) + Send)) -> Result<Health, LlmError> {
        self.check_socket()?;
        let http = self.over_socket()?.build().map_err(|error| LlmError::Setup {
            endpoint: self.name(),
            reason: root_cause(&error),
        })?;
        let child = match self.pulse(&http).await {
            Pulse::Alive(health) if health.status == "ready" => return Ok(health),
            Pulse::Absent => Some(self.start(on_progress).await?),
            _ => None,
        };
        on_progress(Progress {
            stage: "load".to_owned(),
            done: 0,
            total: 1,
        });
        let health = self.wait(&http, child, LOAD).await?;
        on_progress(Progress {
            stage: "load".to_owned(),
            done: 1,
            total: 1,
        });
        Ok(health)
    }

    async fn start(&self, on_progress: &mut (dyn FnMut(Progress) + Send)) -> Result<Child, LlmError> {
        if let Some(folder) = self
            .socket
            .parent()
            .filter(|folder| !folder.as_os_str().is_empty())
        {
            process::make_private(folder).await?;
        }
        process::prepare(self, on_progress).await?;
        process::serve(self)
    }

    /// Polls until the engine is ready. `child` is the one we started, if we did; it may have left because another
    /// was quicker. It is never waited for: the runtime takes care of it when it ends.
    async fn wait(
        &self,
        http: &Client,
        mut child: Option<Child>,
        limit: Duration,
    ) -> Result<Health, LlmError> {
        let deadline = Instant::now() + limit;
        while Instant::now() < deadline {
            match self.pulse(http).await {
                Pulse::Alive(health) if health.status == "ready" => return Ok(health),
                Pulse::Alive(Health { status, error, .. }) if status == "failed" => {
                    return Err(self.failed(error.unwrap_or_else(|| "it did not say why".to_owned())));
                }
                Pulse::Absent => self.check_alive(child.as_mut())?,
                _ => {}
            }
            sleep(POLL).await;
        }
        Err(LlmError::EngineSlow {
            after: limit,
            log: self.log.clone(),
        })
    }

    fn check_alive(&self, child: Option<&mut Child>) -> Result<(), LlmError> {
        match child.and_then(|child| child.try_wait().ok().flatten()) {
            Some(status) if !status.success() => Err(self.failed(format!("it ended with {status}"))),
            _ => Ok(()),
        }
    }

    fn failed(&self, message: String) -> LlmError {
        LlmError::EngineFailed {
            message,
            log: self.log.clone(),
        }
    }

    async fn pulse(&self, http: &Client) -> Pulse {
        let asked = http.get("http://engine/health").timeout(PULSE).send().await;
        let mut response = match asked {
            Ok(response) => response,
            Err(error) if error.is_timeout() => return Pulse::Busy,
            Err(_) => return Pulse::Absent,
        };
        let mut page = Vec::new();
        while let Ok(Some(piece)) = response.chunk().await {
            page.extend_from_slice(&piece);
            if page.len() > HEALTH {
                return Pulse::Busy;
            }
        }
        serde_json::from_slice(&page).map_or(Pulse::Busy, Pulse::Alive)
    }

    fn check_socket(&self) -> Result<(), LlmError> {
        let length = length(&self.socket);
        if length > SOCKET_PATH {
            return Err(LlmError::SocketPath {
                path: self.socket.clone(),
                length,
                limit: SOCKET_PATH,
            });
        }
        Ok(())
    }

    #[cfg(unix)]
    #[expect(
        clippy::unnecessary_wraps,
        reason = "it fails where there are no Unix sockets"
    )]
    fn over_socket(&self) -> Result<ClientBuilder, LlmError> {
        let builder = plain_builder(TIMEOUTS.connect).no_proxy().tls_certs_only([]);
        Ok(builder.unix_socket(self.socket.clone()))
    }

    #[cfg(not(unix))]
    fn over_socket(&self) -> Result<ClientBuilder, LlmError> {
        Err(LlmError::Unsupported)
    }

    fn name(&self) -> String {
        format!("unix:{}", self.socket.display())
    }
}

fn length(path: &Path) -> usize {
    path.as_os_str().len()
}
