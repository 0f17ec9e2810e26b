//! The engine as a process: getting its files ready, and leaving it running behind us.

use std::collections::VecDeque;
use std::path::Path;
use std::process::{ExitStatus, Stdio};

use futures::StreamExt;
use serde::Deserialize;
use tokio::io::{AsyncRead, AsyncReadExt};
use tokio::process::{Child, Command};
use tokio_util::codec::{FramedRead, LinesCodec};

use super::error::LlmError;
use super::local::LocalEngine;
use super::types::Progress;

/// No line about progress is longer, in bytes.
const LINE: usize = 64 << 10;
/// How much is kept of what a failing engine printed, in bytes.
const LAST_WORDS: usize = 300;

/// One line that `prepare` prints. All optional, because what else a process may print is not ours to choose.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Report {
    stage: String,
    done: u64,
    total: u64,
    message: Option<String>,
    hint: Option<String>,
}

/// Gets the model's files ready; quick when they already are.
pub(super) async fn prepare(
    engine: &LocalEngine,
    on_progress: &mut (dyn FnMut(Progress) + Send),
) -> Result<(), LlmError> {
    let mut command = command(engine, "prepare");
    command
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true);
    let mut child = command.spawn().map_err(|error| missing(engine, &error))?;
    let (Some(stdout), Some(stderr)) = (child.stdout.take(), child.stderr.take()) else {
        return Err(missing(engine, &std::io::Error::other("no pipe to it")));
    };
    let (failure, last_words) = tokio::join!(reports(stdout, on_progress), last_words(stderr));
    let status = child.wait().await.map_err(|error| missing(engine, &error))?;
    match failure {
        Some(failure) => Err(failure),
        None if status.success() => Ok(()),
        None => Err(unexplained(engine, status, &last_words)),
    }
}

/// Passes the progress on, and returns the failure that the process reported, if it did.
async fn reports(
    stdout: impl AsyncRead + Unpin,
    on_progress: &mut (dyn FnMut(Progress) + Send),
) -> Option<LlmError> {
    let mut lines = FramedRead::new(stdout, LinesCodec::new_with_max_length(LINE));
    let mut failure = None;
    // A line that is too long, not text or not a report is passed over: libraries print things too.
    while let Some(line) = lines.next().await {
        let Ok(report) = line
            .map_err(|_| ())
            .and_then(|line| serde_json::from_str(&line).map_err(|_| ()))
        else {
            continue;
        };
        let Report {
            stage,
            done,
            total,
            message,
            hint,
        } = report;
        match stage.as_str() {
            "error" => {
                failure = Some(LlmError::Prepare {
                    message: message.unwrap_or_default(),
                    hint,
                });
            }
            "done" => {}
            _ => on_progress(Progress { stage, done, total }),
        }
    }
    failure
}

/// The end of what a process printed; all of it is read, so that the process never blocks on us.
async fn last_words(mut stderr: impl AsyncRead + Unpin) -> String {
    let (mut kept, mut piece) = (VecDeque::new(), [0; 1024]);
    while let Ok(read @ 1..) = stderr.read(&mut piece).await {
        kept.extend(&piece[..read]);
        kept.drain(..kept.len().saturating_sub(LAST_WORDS));
    }
    let text = String::from_utf8_lossy(kept.make_contiguous()).into_owned();
    text.chars()
        .map(|c| if c.is_control() { ' ' } else { c })
        .collect::<String>()
        .trim()
        .to_owned()
}

/// Starts the engine in a process group of its own, so that the Ctrl-C meant for us does not stop it.
pub(super) fn serve(engine: &LocalEngine) -> Result<Child, LlmError> {
    let mut command = command(engine, "serve");
    command.arg("--socket").arg(&engine.socket);
    command
        .arg("--idle-seconds")
        .arg(engine.idle.as_secs().to_string());
    command.arg("--log").arg(&engine.log);
    command.stdout(Stdio::null()).stderr(Stdio::null());
    #[cfg(unix)]
    command.process_group(0);
    command.spawn().map_err(|error| missing(engine, &error))
}

fn command(engine: &LocalEngine, subcommand: &str) -> Command {
    let mut command = Command::new(&engine.program);
    command
        .args(&engine.arguments)
        .arg(subcommand)
        .arg("--model-dir")
        .arg(&engine.model_dir);
    command.stdin(Stdio::null());
    command
}

fn missing(engine: &LocalEngine, error: &std::io::Error) -> LlmError {
    LlmError::EngineMissing {
        program: engine.program.clone(),
        reason: error.to_string(),
    }
}

fn unexplained(engine: &LocalEngine, status: ExitStatus, last_words: &str) -> LlmError {
    let program = engine.program.display();
    let end = if last_words.is_empty() {
        String::new()
    } else {
        format!(": {last_words}")
    };
    LlmError::Prepare {
        message: format!("`{program} prepare` ended with {status}{end}"),
        hint: None,
    }
}

/// Makes the folder of the socket for this user alone. One that exists is left as it is, unless others could put a
/// socket of theirs there and so read every prompt.
#[cfg(unix)]
pub(super) async fn make_private(folder: &Path) -> Result<(), LlmError> {
    use std::os::unix::fs::MetadataExt;

    let wrong = |reason: String| LlmError::SocketFolder {
        path: folder.to_owned(),
        reason,
    };
    let mut builder = tokio::fs::DirBuilder::new();
    builder
        .recursive(true)
        .mode(0o700)
        .create(folder)
        .await
        .map_err(|error| wrong(error.to_string()))?;
    let found = tokio::fs::metadata(folder)
        .await
        .map_err(|error| wrong(error.to_string()))?;
    if found.mode() & 0o002 != 0 {
        return Err(wrong("everyone may write to it".to_owned()));
    }
    let us = rustix::process::getuid().as_raw();
    if found.uid() != us && found.uid() != 0 {
        return Err(wrong("it belongs to another user".to_owned()));
    }
    Ok(())
}

#[cfg(not(unix))]
pub(super) async fn make_private(_: &Path) -> Result<(), LlmError> {
    Err(LlmError::Unsupported)
}
