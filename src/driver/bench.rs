//! How fast a model is, through the client that requests take.
//!
//! A short and a long prompt are asked, each with a beginning of its own so that no cache of prompts helps. What the
//! long one takes longer to its first piece, for the tokens that it has more, is the rate of reading; pieces after
//! the first give the rate of writing.

use std::time::Duration;
use tokio::time::Instant;

use serde::Serialize;

use crate::llm::{Constraint, LlmError, Message, Model, ModelIdentity, ModelRequest, Role};

/// Words of the two prompts.
const WORDS: [usize; 2] = [16, 640];
/// Tokens that an answer may have.
const ANSWER: u32 = 128;
/// With fewer tokens than this, the rate of writing is not told.
const ENOUGH: u32 = 8;

/// What was measured of one prompt; the median of several runs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct Run {
    /// Tokens of the prompt, as the server counted them.
    pub prompt_tokens: u32,
    /// Tokens of the answer.
    pub completion_tokens: u32,
    /// From the request to the first piece of the answer, in milliseconds.
    pub first_ms: f64,
    /// From the first piece to the last, in milliseconds.
    pub rest_ms: f64,
    /// Whether the answer was written under a grammar, as plans are.
    pub constrained: bool,
}

/// What was measured.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Measured {
    /// Which model.
    pub model: ModelIdentity,
    /// How long it took to be loaded, in milliseconds; nothing where it was loaded already, or by others.
    pub load_ms: Option<f64>,
    /// The short prompt.
    pub short: Run,
    /// The long prompt.
    pub long: Run,
    /// Tokens of a prompt read in a second.
    pub prefill_per_second: Option<f64>,
    /// Tokens of an answer written in a second.
    pub decode_per_second: Option<f64>,
    /// Memory of the engine's process, in bytes; nothing where it is not ours to see.
    pub memory: Option<u64>,
    /// Memory of the engine on GPUs, in bytes.
    pub gpu_memory: Option<u64>,
    /// What to know when reading the numbers.
    pub notes: Vec<String>,
}

/// Measures a model, `runs` times; `on_stage` is told what is under way.
pub async fn bench(
    model: &Model,
    runs: usize,
    on_stage: &mut (dyn FnMut(&str) + Send),
) -> Result<Measured, LlmError> {
    on_stage("loading");
    let load_ms = load(model).await?;
    let identity = model.identity().await?;
    let mut measured = [Vec::new(), Vec::new()];
    // One that nobody counts: the first request pays for what is set up once.
    ask(model, WORDS[0], 0).await?;
    for run in 0..runs.max(1) {
        for (index, words) in WORDS.into_iter().enumerate() {
            on_stage(&format!("run {} of {}, {words} words", run + 1, runs.max(1)));
            measured[index].push(ask(model, words, run * 2 + index + 1).await?);
        }
    }
    let [short, long] = measured.map(median);
    let (memory, gpu_memory) = memory(model).await;
    let mut found = Measured {
        model: identity,
        load_ms,
        short,
        long,
        prefill_per_second: prefill(short, long),
        decode_per_second: decode(short, long),
        memory,
        gpu_memory,
        notes: Vec::new(),
    };
    found.notes = notes(&found);
    Ok(found)
}

/// How long loading took; nothing where nothing was loaded.
async fn load(model: &Model) -> Result<Option<f64>, LlmError> {
    let (start, mut loaded) = (Instant::now(), None);
    model
        .warm(&mut |progress| {
            if progress.stage != "load" {
                return;
            }
            match (progress.done, loaded) {
                (0, None) => loaded = Some((start.elapsed(), Duration::ZERO)),
                (_, Some((from, _))) => loaded = Some((from, start.elapsed())),
                _ => {}
            }
        })
        .await?;
    Ok(loaded.map(|(from, to)| milliseconds(to.saturating_sub(from))))
}

async fn ask(model: &Model, words: usize, number: usize) -> Result<Run, LlmError> {
    let (start, mut first, mut last) = (Instant::now(), None, Duration::ZERO);
    let mut pieces = 0;
    let request = ModelRequest {
        messages: vec![Message::new(Role::User, prompt(words, number))],
        // The model that comes with Sayso ends soon unless it must not.
        constraint: Constraint::Regex("[a-z]{1,9}( [a-z]{1,9}){40}".to_owned()),
        max_tokens: ANSWER,
        temperature: 0.0,
        best_of: 1,
    };
    let reply = model
        .complete(request, &mut |text| {
            if !text.is_empty() {
                last = start.elapsed();
                first.get_or_insert(last);
                pieces += 1;
            }
        })
        .await?;
    let first = first.unwrap_or_else(|| start.elapsed());
    Ok(Run {
        prompt_tokens: reply.usage.prompt_tokens,
        completion_tokens: if reply.usage.completion_tokens > 0 {
            reply.usage.completion_tokens
        } else {
            pieces
        },
        first_ms: milliseconds(first),
        rest_ms: milliseconds(last.saturating_sub(first)),
        constrained: reply.constrained,
    })
}

/// A prompt of so many words that begins like no other.
fn prompt(words: usize, number: usize) -> String {
    const NAMES: [&str; 8] = [
        "deployment",
        "service",
        "node",
        "volume",
        "job",
        "secret",
        "ingress",
        "pod",
    ];
    let mut text = format!("{number}{} List in plain words: ", uuid::Uuid::new_v4().simple());
    for index in 0..words {
        text.push_str(NAMES[(index * 5 + number) % NAMES.len()]);
        text.push(' ');
    }
    text
}

/// The run with the median time to its first piece.
fn median(mut runs: Vec<Run>) -> Run {
    runs.sort_by(|a, b| a.first_ms.total_cmp(&b.first_ms));
    runs.get(runs.len() / 2).copied().unwrap_or_default()
}

fn prefill(short: Run, long: Run) -> Option<f64> {
    let tokens = long.prompt_tokens.checked_sub(short.prompt_tokens)?;
    let time = long.first_ms - short.first_ms;
    (tokens > 0 && time > 0.0).then(|| f64::from(tokens) / time * 1e3)
}

fn decode(short: Run, long: Run) -> Option<f64> {
    let tokens = short.completion_tokens.saturating_sub(1) + long.completion_tokens.saturating_sub(1);
    let time = short.rest_ms + long.rest_ms;
    (tokens >= ENOUGH && time > 0.0).then(|| f64::from(tokens) / time * 1e3)
}

fn notes(found: &Measured) -> Vec<String> {
    let mut notes = Vec::new();
    if found.short.prompt_tokens == 0 {
        notes.push("the server does not count tokens: each piece of its stream counts as one".to_owned());
    }
    if found.prefill_per_second.is_none() {
        notes.push(
            "reading cannot be told: the long prompt took no longer than the short one, or was not counted"
                .to_owned(),
        );
    }
    if found.decode_per_second.is_none() {
        notes.push("writing cannot be told: the answers were too short, or came in one piece".to_owned());
    }
    if found.long.constrained {
        notes.push("answers were written under a grammar, as plans are".to_owned());
    }
    if found.memory.is_none() {
        notes.push("a server's memory and loading are its own".to_owned());
    }
    notes
}

fn milliseconds(time: Duration) -> f64 {
    (time.as_secs_f64() * 1e6).round() / 1e3
}

/// Memory of our engine's process, and of it on GPUs.
async fn memory(model: &Model) -> (Option<u64>, Option<u64>) {
    let Model::Local(engine) = model else {
        return (None, None);
    };
    let Some(process) = process(&engine.socket).await else {
        return (None, None);
    };
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).unwrap_or_default();
    let resident = status
        .lines()
        .find_map(|line| line.strip_prefix("VmRSS:"))
        .and_then(|line| line.split_whitespace().next()?.parse::<u64>().ok());
    (resident.map(|kibibytes| kibibytes << 10), on_gpus(process).await)
}

/// The engine's process, as it says itself.
#[cfg(unix)]
async fn process(socket: &std::path::Path) -> Option<u64> {
    let client = reqwest::Client::builder()
        .no_proxy()
        .tls_certs_only([])
        .unix_socket(socket.to_owned())
        .build()
        .ok()?;
    let asked = client.get("http://engine/health").timeout(Duration::from_secs(5));
    let text = asked.send().await.ok()?.text().await.ok()?;
    serde_json::from_str::<serde_json::Value>(&text).ok()?["pid"].as_u64()
}

#[cfg(not(unix))]
#[expect(clippy::unused_async, reason = "there are sockets to wait for elsewhere")]
async fn process(_: &std::path::Path) -> Option<u64> {
    None
}

async fn on_gpus(process: u64) -> Option<u64> {
    let asked = tokio::process::Command::new("nvidia-smi")
        .args([
            "--query-compute-apps=pid,used_memory",
            "--format=csv,noheader,nounits",
        ])
        .stdin(std::process::Stdio::null())
        .kill_on_drop(true)
        .output();
    let output = tokio::time::timeout(Duration::from_secs(10), asked)
        .await
        .ok()?
        .ok()?;
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let used: Vec<u64> = text
        .lines()
        .filter_map(|line| line.split_once(','))
        .filter(|(owner, _)| owner.trim() == process.to_string())
        .filter_map(|(_, used)| used.trim().parse().ok())
        .collect();
    (!used.is_empty()).then(|| used.iter().sum::<u64>() << 20)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(prompt_tokens: u32, completion_tokens: u32, first_ms: f64, rest_ms: f64) -> Run {
        Run {
            prompt_tokens,
            completion_tokens,
            first_ms,
            rest_ms,
            constrained: false,
        }
    }

    #[test]
    fn rates_are_differences_so_that_what_both_pay_does_not_count() {
        let (short, long) = (run(20, 51, 110.0, 500.0), run(1020, 51, 610.0, 500.0));
        assert_eq!(prefill(short, long), Some(2000.0));
        assert_eq!(decode(short, long), Some(100.0));
    }

    #[test]
    fn what_cannot_be_told_is_not() {
        assert_eq!(prefill(run(0, 9, 1.0, 1.0), run(0, 9, 2.0, 1.0)), None);
        assert_eq!(prefill(run(10, 9, 5.0, 1.0), run(90, 9, 4.0, 1.0)), None);
        assert_eq!(decode(run(10, 1, 5.0, 0.0), run(90, 1, 4.0, 0.0)), None);
    }

    #[test]
    fn the_median_is_of_the_time_to_the_first_piece() {
        let runs = [9.0, 1.0, 5.0].map(|first| run(1, 1, first, 0.0)).to_vec();
        assert!((median(runs).first_ms - 5.0).abs() < f64::EPSILON);
    }

    #[test]
    fn no_prompt_begins_like_another() {
        let (one, other) = (prompt(16, 1), prompt(16, 1));
        assert_ne!(one[..20], other[..20]);
        assert!(prompt(640, 2).len() > 10 * prompt(16, 2).len());
    }
}
