//! Container logs: plausible lines that are the same on every reading.

use jiff::{SignedDuration, Timestamp};
use serde_json::Value;

use super::cluster::{Cluster, letters};
use super::json::{count, items, name, present, text};
use super::request::Query;
use super::status::ApiError;

/// The log of one container of a pod.
pub(super) fn read(cluster: &Cluster, pod: &Value, query: &Query) -> Result<String, ApiError> {
    let container = choose(pod, query.get("container"))?;
    let status = ["/status/containerStatuses", "/status/initContainerStatuses"]
        .iter()
        .flat_map(|list| items(pod, list))
        .find(|status| text(status, "/name") == container)
        .cloned()
        .unwrap_or_default();
    let wants_previous = query.flag("previous");
    if wants_previous && count(&status, "/restartCount") == 0 {
        return Err(ApiError::bad_request(format!(
            "previous terminated container {container:?} in pod {:?} not found",
            name(pod)
        )));
    }
    let waiting = text(&status, "/state/waiting/reason");
    if !present(&status, "/state") || (!waiting.is_empty() && waiting != "CrashLoopBackOff") {
        let why = match waiting {
            "ErrImagePull" | "ImagePullBackOff" => "trying and failing to pull image",
            "" => "PodInitializing",
            other => other,
        };
        let message = format!(
            "container {container:?} in pod {:?} is waiting to start: {why}",
            name(pod)
        );
        return Err(ApiError::bad_request(message));
    }
    Ok(shape(lines(cluster, pod, container, &status), query))
}

fn choose<'a>(pod: &'a Value, wanted: &str) -> Result<&'a str, ApiError> {
    let names = |list: &str| {
        items(pod, list)
            .iter()
            .map(|one| text(one, "/name"))
            .collect::<Vec<_>>()
    };
    let containers = names("/spec/containers");
    let all = [names("/spec/initContainers"), containers.clone()].concat();
    if !wanted.is_empty() {
        let missing =
            || ApiError::bad_request(format!("container {wanted} is not valid for pod {}", name(pod)));
        return all.into_iter().find(|one| *one == wanted).ok_or_else(missing);
    }
    match containers.as_slice() {
        [only] => Ok(only),
        [] => Err(ApiError::bad_request(format!(
            "pod {} has no containers",
            name(pod)
        ))),
        many => Err(ApiError::bad_request(format!(
            "a container name must be specified for pod {}, choose one of: [{}]",
            name(pod),
            many.join(" ")
        ))),
    }
}

/// The time and text of every line.
fn lines(cluster: &Cluster, pod: &Value, container: &str, status: &Value) -> Vec<(Timestamp, String)> {
    let started = text(status, "/state/running/startedAt");
    let begun = match started {
        "" => text(pod, "/metadata/creationTimestamp"),
        at => at,
    };
    let begun: Timestamp = begun.parse().unwrap_or_else(|_| cluster.now());
    let image = text(status, "/image");
    let at = |seconds: i64| begun + SignedDuration::from_secs(seconds);
    let mut all: Vec<(Timestamp, String)> = opening(image, container)
        .into_iter()
        .map(|line| (at(0), line))
        .collect();
    for turn in 0..40_i64 {
        all.push((
            at(5 + turn * 7),
            regular(image, name(pod), turn, at(5 + turn * 7)),
        ));
    }
    // What a test or a lesson wants to be in the log.
    let planted = text(pod, "/metadata/annotations/sandbox.sayso.dev~1log");
    all.extend(planted.lines().map(|line| (at(289), line.to_owned())));
    all.extend(ending(pod, status).map(|line| (at(290), line)));
    all
}

fn opening(image: &str, container: &str) -> Vec<String> {
    let known: &[&str] = if image.contains("nginx") {
        &[
            "/docker-entrypoint.sh: Configuration complete; ready for start up",
            "start worker processes",
        ]
    } else if image.contains("postgres") {
        &[
            "database system was shut down in good order",
            "database system is ready to accept connections",
        ]
    } else {
        &["loading configuration", "listening on :8080"]
    };
    known.iter().map(|line| format!("{container}: {line}")).collect()
}

fn regular(image: &str, pod: &str, turn: i64, when: Timestamp) -> String {
    let paths = ["/", "/healthz", "/products/17", "/cart", "/assets/site.css"];
    let path = paths[usize::try_from(turn).unwrap_or(0) % paths.len()];
    let draw = letters(&format!("{pod} {turn}"), 6);
    let milliseconds = 2 + draw.bytes().map(u64::from).sum::<u64>() % 90;
    let stamp = when.strftime("%Y-%m-%dT%H:%M:%SZ");
    if image.contains("nginx") || image.contains("envoy") {
        format!(
            "10.244.1.{} - - [{stamp}] \"GET {path} HTTP/1.1\" 200 {}",
            milliseconds + 3,
            400 + milliseconds * 9
        )
    } else if image.contains("postgres") {
        format!("{stamp} LOG: checkpoint complete: wrote {milliseconds} buffers")
    } else {
        format!(
            "level=info ts={stamp} msg=\"request served\" path={path} status=200 took={milliseconds}ms request_id={draw}"
        )
    }
}

/// What a failing container says last.
fn ending(pod: &Value, status: &Value) -> Option<String> {
    match Cluster::fault_of(pod) {
        "crash-loop" => {
            Some("level=fatal msg=\"cannot start: required setting DATABASE_URL is not set\"".into())
        }
        "oom" if present(status, "/lastState") => {
            Some("level=warn msg=\"heap is near the memory limit\" used=98%".into())
        }
        "unready" => Some("level=error msg=\"health check failed: upstream refused the connection\"".into()),
        _ => None,
    }
}

fn shape(lines: Vec<(Timestamp, String)>, query: &Query) -> String {
    let tail = query
        .number("tailLines")
        .and_then(|count| usize::try_from(count).ok())
        .unwrap_or(usize::MAX);
    let skipped = lines.len().saturating_sub(tail);
    let with_time = query.flag("timestamps");
    let mut written: String = lines
        .into_iter()
        .skip(skipped)
        .map(|(when, line)| {
            if with_time {
                format!("{when} {line}\n")
            } else {
                format!("{line}\n")
            }
        })
        .collect();
    if let Some(limit) = query
        .number("limitBytes")
        .and_then(|limit| usize::try_from(limit).ok())
    {
        // The lines are ASCII but for names, so a cut can fall inside a character only there.
        let cut = (0..=limit.min(written.len()))
            .rev()
            .find(|at| written.is_char_boundary(*at))
            .unwrap_or(0);
        written.truncate(cut);
    }
    written
}
