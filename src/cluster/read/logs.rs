//! `logs`: what containers wrote.

use futures::AsyncReadExt;
use http::Request;
use serde_json::{Value, json};

use super::fetch::{built, with_query};
use super::json::{items, text};
use super::{ReadOutput, Reader, pods};
use crate::cluster::{Cluster, ClusterError};
use crate::plan::command::Logs;
use crate::plan::printable::printable;

/// Bytes of one log that are kept, from its end.
const LOG_LIMIT: usize = 8 * 1024 * 1024;

/// What is asked of each log.
#[derive(Clone, Debug, Default)]
pub(super) struct Wanted {
    pub(super) tail: Option<u32>,
    pub(super) since_seconds: Option<u64>,
    pub(super) previous: bool,
    pub(super) timestamps: bool,
}

/// `logs TARGET`.
pub(super) async fn read(reader: Reader<'_>, command: &Logs) -> Result<ReadOutput, ClusterError> {
    let (_, object) = reader.object(&command.target.0).await?;
    let mut pods = pods::of(reader, command.target.0.kind.as_str(), &object).await?;
    pods::best_first(&mut pods);
    let Some(pod) = pods.first() else {
        let text = format!("No pods found for {}", command.target.0);
        return Ok(ReadOutput::nothing(&text, Some(json!([]))));
    };
    let mut notices = Vec::new();
    let name = text(pod, "/metadata/name");
    if pods.len() > 1 {
        notices.push(format!("Found {} pods, using pod/{name}", pods.len()));
    }
    let containers = chosen(pod, command, &mut notices)?;
    let wanted = Wanted {
        tail: command.tail.map(|tail| tail.0),
        since_seconds: command.since.as_ref().map(|since| seconds(&since.0)),
        previous: command.previous,
        timestamps: command.timestamps,
    };
    let (mut all, mut data) = (String::new(), Vec::new());
    for container in &containers {
        let log = reader.cluster.log(pod, container, &wanted).await?;
        if log.is_cut {
            notices.push(format!("only the last 8 MiB of container {container} are shown"));
        }
        let log = printable(&log.text);
        all += &prefixed(&log, name, container, containers.len() > 1);
        data.push(json!({"pod": name, "container": container, "text": log}));
    }
    Ok(ReadOutput {
        notices,
        found: !all.is_empty(),
        ..ReadOutput::new(&all, Some(Value::Array(data)))
    })
}

/// The containers whose logs are read, and a notice where kubectl gives one.
fn chosen(pod: &Value, command: &Logs, notices: &mut Vec<String>) -> Result<Vec<String>, ClusterError> {
    let names = |list: &str| -> Vec<String> {
        items(pod, list)
            .iter()
            .map(|container| text(container, "/name").to_owned())
            .collect()
    };
    let (inits, own) = (names("/spec/initContainers"), names("/spec/containers"));
    let every: Vec<String> = inits.iter().chain(&own).cloned().collect();
    if command.all_containers {
        return Ok(every);
    }
    if let Some(container) = &command.container {
        if every.contains(&container.0) {
            return Ok(vec![container.0.clone()]);
        }
        return Err(ClusterError::Impossible(format!(
            "container `{}` is not in pod `{}`, which has {}",
            container.0,
            text(pod, "/metadata/name"),
            every.join(", ")
        )));
    }
    let default = text(
        pod,
        "/metadata/annotations/kubectl.kubernetes.io~1default-container",
    );
    if own.iter().any(|name| name == default) {
        return Ok(vec![default.to_owned()]);
    }
    let first = own.first().cloned().unwrap_or_default();
    if every.len() > 1 {
        let inits = inits.iter().map(|name| format!("{name} (init)"));
        let listed: Vec<String> = own.into_iter().chain(inits).collect();
        notices.push(format!(
            "Defaulted container \"{first}\" out of: {}",
            listed.join(", ")
        ));
    }
    Ok(vec![first])
}

fn prefixed(log: &str, pod: &str, container: &str, is_one_of_several: bool) -> String {
    let line = |line: &str| {
        if is_one_of_several {
            format!("[pod/{pod}/{container}] {line}\n")
        } else {
            format!("{line}\n")
        }
    };
    log.lines().map(line).collect()
}

/// Whole seconds of a span in Go's notation, rounded up, at least one: the API knows no finer.
#[allow(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "clamped to a century"
)]
pub(super) fn seconds(duration: &str) -> u64 {
    let (mut total, mut number) = (0.0, String::new());
    for c in duration.chars() {
        let unit = match c {
            'h' => 3600.0,
            'm' => 60.0,
            's' => 1.0,
            digit => {
                number.push(digit);
                continue;
            }
        };
        total += number.parse().unwrap_or(0.0) * unit;
        number.clear();
    }
    f64::clamp(total, 1.0, 3.2e9).ceil() as u64
}

/// The end of a log.
pub(super) struct Log {
    /// Its text, not yet printable.
    pub(super) text: String,
    /// Whether its beginning is left out.
    is_cut: bool,
}

impl Cluster {
    /// The log of one container, at most [`LOG_LIMIT`] bytes from its end.
    pub(super) async fn log(
        &self,
        pod: &Value,
        container: &str,
        wanted: &Wanted,
    ) -> Result<Log, ClusterError> {
        let tail = wanted.tail.map(|tail| tail.to_string());
        let since = wanted.since_seconds.map(|since| since.to_string());
        let mut query = vec![("container", container)];
        query.extend(tail.as_deref().map(|tail| ("tailLines", tail)));
        query.extend(since.as_deref().map(|since| ("sinceSeconds", since)));
        query.extend(wanted.previous.then_some(("previous", "true")));
        query.extend(wanted.timestamps.then_some(("timestamps", "true")));
        let name = text(pod, "/metadata/name");
        let path = super::pod_path(text(pod, "/metadata/namespace"), name);
        let request = built(Request::get(with_query(&format!("{path}/log"), &query)).body(Vec::new()))?;
        let stream = self.answer(self.client.request_stream(request)).await?;
        let mut stream = std::pin::pin!(stream);
        let (mut kept, mut is_cut, mut chunk) = (Vec::new(), false, vec![0; 64 * 1024]);
        loop {
            let read = stream.read(&mut chunk);
            let count = self
                .answer(async { read.await.map_err(kube::Error::ReadEvents) })
                .await?;
            if count == 0 {
                break;
            }
            kept.extend_from_slice(&chunk[..count]);
            if kept.len() > 2 * LOG_LIMIT {
                is_cut = true;
                drop_beginning(&mut kept);
            }
        }
        is_cut |= kept.len() > LOG_LIMIT;
        drop_beginning(&mut kept);
        Ok(Log {
            text: String::from_utf8_lossy(&kept).into_owned(),
            is_cut,
        })
    }
}

/// Keeps the last [`LOG_LIMIT`] bytes, beginning with a whole line where there is one.
fn drop_beginning(kept: &mut Vec<u8>) {
    let Some(surplus) = kept.len().checked_sub(LOG_LIMIT).filter(|surplus| *surplus > 0) else {
        return;
    };
    let line = kept[surplus..].iter().position(|byte| *byte == b'\n');
    kept.drain(..surplus + line.map_or(0, |end| end + 1));
}
