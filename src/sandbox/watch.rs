//! Watches: a stream of JSON lines, fed from the store's log.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};
use tokio::sync::watch::Receiver;
use tokio::time::Instant;

use super::read::{Selection, shaped};
use super::request::{Query, Shape};
use super::resource::Resource;
use super::server::Shared;
use super::status::ApiError;
use super::store::{Change, Verb};

/// How long a watch lives that does not say.
const DEFAULT_LIFE: Duration = Duration::from_secs(3000);
const BOOKMARK_EVERY: Duration = Duration::from_secs(60);

struct Watch {
    shared: Arc<Shared>,
    resource: Arc<Resource>,
    selection: Selection,
    shape: Shape,
    query: Query,
    seen: u64,
    changed: Receiver<u64>,
    waiting: VecDeque<Bytes>,
    deadline: Instant,
    next_bookmark: Instant,
    is_over: bool,
}

/// Answers a watch request.
pub(super) fn respond(
    shared: &Arc<Shared>,
    resource: Arc<Resource>,
    selection: Selection,
    shape: Shape,
    query: &Query,
) -> Result<Response, ApiError> {
    let life = query
        .number("timeoutSeconds")
        .filter(|seconds| *seconds > 0)
        .map_or(DEFAULT_LIFE, |seconds| Duration::from_secs(seconds.min(86_400)));
    let now = Instant::now();
    let mut watch = Watch {
        shared: shared.clone(),
        resource,
        selection,
        shape,
        query: query.clone(),
        seen: 0,
        changed: shared.subscribe(),
        waiting: VecDeque::new(),
        deadline: now + life,
        next_bookmark: now + BOOKMARK_EVERY,
        is_over: false,
    };
    watch.start()?;
    let stream = futures::stream::unfold(watch, |mut watch| async move {
        watch
            .next()
            .await
            .map(|line| (Ok::<_, std::convert::Infallible>(line), watch))
    });
    Ok(([("content-type", "application/json")], Body::from_stream(stream)).into_response())
}

impl Watch {
    /// Queues what exists already, where the request names no version to start from.
    fn start(&mut self) -> Result<(), ApiError> {
        let wanted = self.query.get("resourceVersion").to_owned();
        let sends_initial = self.query.flag("sendInitialEvents");
        let shared = self.shared.clone();
        let cluster = shared.lock();
        if matches!(wanted.as_str(), "" | "0") || sends_initial {
            self.seen = cluster.store.version();
            for object in self.selection.choose(&cluster, &self.resource) {
                self.queue("ADDED", &object, cluster.now());
            }
            if sends_initial {
                self.bookmark(true);
            }
            return Ok(());
        }
        self.seen = wanted.parse().map_err(|_| {
            ApiError::bad_request(format!("resourceVersion: Invalid value: {wanted:?}: strconv.ParseUint: parsing {wanted:?}: invalid syntax"))
        })?;
        Ok(())
    }

    /// The next line, or `None` at the watch's end.
    async fn next(&mut self) -> Option<Bytes> {
        loop {
            if let Some(line) = self.waiting.pop_front() {
                return Some(line);
            }
            if self.is_over {
                return None;
            }
            self.changed.borrow_and_update();
            self.collect();
            if !self.waiting.is_empty() {
                continue;
            }
            let bookmarks = self.query.flag("allowWatchBookmarks");
            tokio::select! {
                outcome = self.changed.changed() => self.is_over = outcome.is_err(),
                () = self.shared.stopped() => self.is_over = true,
                () = tokio::time::sleep_until(self.deadline) => {
                    self.is_over = true;
                    if bookmarks {
                        self.bookmark(false);
                    }
                }
                () = tokio::time::sleep_until(self.next_bookmark), if bookmarks => {
                    self.next_bookmark += BOOKMARK_EVERY;
                    self.bookmark(false);
                }
            }
        }
    }

    /// Queues the changes since the last look.
    fn collect(&mut self) {
        let shared = self.shared.clone();
        let cluster = shared.lock();
        let Some(changes) = cluster.store.since(self.seen) else {
            let error = ApiError::expired(format!(
                "too old resource version: {} ({})",
                self.seen,
                cluster.store.version()
            ));
            self.waiting.push_back(line("ERROR", &error.status()));
            self.is_over = true;
            return;
        };
        let table = self.resource.table();
        for change in changes.filter(|change| change.table == table) {
            if let Some(class) = self.class_of(change) {
                // What leaves the selection is shown as it was last seen, at the version at which it left.
                let last = (class == "DELETED").then(|| last_seen(change)).flatten();
                self.queue(class, last.as_ref().unwrap_or(&change.object), cluster.now());
            }
        }
        self.seen = self.seen.max(cluster.store.version());
    }

    /// How the change looks through the selectors.
    fn class_of(&self, change: &Change) -> Option<&'static str> {
        let fits = |object: &Value| self.selection.matches(&self.resource, object);
        let before = change.before.as_deref().is_some_and(fits);
        let after = change.verb != Verb::Deleted && fits(&change.object);
        match (before, after) {
            (false, true) => Some("ADDED"),
            (true, true) => Some("MODIFIED"),
            (true, false) => Some("DELETED"),
            (false, false) => None,
        }
    }

    fn queue(&mut self, class: &str, object: &Value, now: jiff::Timestamp) {
        let shown = shaped(&self.resource, object, self.shape, &self.query, now);
        self.waiting.push_back(line(class, &shown));
    }

    fn bookmark(&mut self, ends_initial: bool) {
        let mut object = json!({"kind": self.resource.kind, "apiVersion": self.resource.group_version(),
            "metadata": {"resourceVersion": self.seen.to_string()}});
        if ends_initial {
            object["metadata"]["annotations"] = json!({"k8s.io/initial-events-end": "true"});
        }
        self.waiting.push_back(line("BOOKMARK", &object));
    }
}

fn last_seen(change: &Change) -> Option<Value> {
    let mut last = change.before.as_deref()?.clone();
    let version = change.version.to_string();
    super::json::set(&mut last, "/metadata/resourceVersion", version);
    Some(last)
}

fn line(class: &str, object: &Value) -> Bytes {
    Bytes::from(format!("{}\n", json!({"type": class, "object": object})))
}
