//! Watches: the objects of a kind as the server's own table, kept up to date until nobody listens any more.
//!
//! A list, then a watch from its version; where that version is forgotten (410), the list again. What goes wrong on the
//! way is told and tried again, longer apart each time. Changes are gathered for a moment, so that a busy cluster does
//! not flood whoever looks at it.

use std::time::Duration;

use futures::{AsyncBufReadExt, StreamExt};
use http::Request;
use http::header::ACCEPT;
use serde_json::Value;
use tokio::sync::mpsc::Sender;
use tokio::time::{Instant, sleep, timeout_at};

use super::read::fetch::{TABLE, built, with_query};
use super::read::json::{items, number, text, word};
use super::transport::wait_before;
use super::{Cluster, ClusterError, Served};
use crate::plan::Kind;
use crate::plan::printable::cell;

/// How long changes are gathered before they are told.
const GATHER: Duration = Duration::from_millis(100);
/// The most changes that are told at once.
const BATCH: usize = 1_000;
/// Seconds after which the server is asked to end a watch, which is then begun again where it ended.
const LIFE: &str = "290";
/// The longest pause between two tries.
const LONGEST_PAUSE: Duration = Duration::from_secs(30);

/// A column of a table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Column {
    /// Its title, in capitals.
    pub title: String,
    /// Whether it is shown only where there is room (`-o wide`).
    pub is_wide: bool,
}

/// A row: one object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    /// Empty for what is not in a namespace.
    pub namespace: String,
    /// The object's name.
    pub name: String,
    /// One cell a column, printable, one line each.
    pub cells: Vec<String>,
    /// When it was made, or for an event when it was last seen, as RFC 3339.
    pub since: String,
    /// Its labels as `key=value`.
    pub labels: Vec<String>,
}

/// News of a watch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Watched {
    /// Everything there is; what was told before no longer counts.
    Listed {
        /// The columns of every row from here on.
        columns: Vec<Column>,
        /// The rows.
        rows: Vec<Row>,
    },
    /// What changed since.
    Changed {
        /// New and changed rows, each object once.
        rows: Vec<Row>,
        /// Namespace and name of what is gone.
        gone: Vec<(String, String)>,
    },
    /// The watch is cut off and will be tried again.
    Lost {
        /// Why, one clause.
        reason: String,
    },
}

/// Why a watch stops for good.
enum Stop {
    /// Nobody listens.
    Unheard,
    /// The version it began at is forgotten: list again.
    Expired,
    /// The server ended it, as it was asked to.
    Ended,
    /// Something went wrong.
    Failed(ClusterError),
}

impl From<ClusterError> for Stop {
    fn from(error: ClusterError) -> Stop {
        match error {
            ClusterError::Api { code: 410, .. } => Stop::Expired,
            error => Stop::Failed(error),
        }
    }
}

impl Cluster {
    /// Watches a kind in one namespace, or in every one, until the receiver is dropped.
    ///
    /// Returns early only where trying again is of no use: the kind is not served, or may not be listed.
    pub async fn watch(
        &self,
        kind: &Kind,
        namespace: Option<&str>,
        news: &Sender<Watched>,
    ) -> Result<(), ClusterError> {
        let served = self.find(kind).await?;
        let mut tried = 0;
        loop {
            let stop = self.list_and_watch(&served, namespace, news, &mut tried).await;
            let error = match stop {
                Stop::Unheard => return Ok(()),
                Stop::Expired | Stop::Ended => {
                    sleep(GATHER).await;
                    continue;
                }
                Stop::Failed(error) => error,
            };
            if matches!(
                error,
                ClusterError::Api {
                    code: 401 | 403 | 404 | 405,
                    ..
                }
            ) {
                return Err(error);
            }
            tried += 1;
            let reason = error.to_string();
            if news.send(Watched::Lost { reason }).await.is_err() {
                return Ok(());
            }
            tokio::select! {
                () = sleep(pause(tried)) => {}
                () = news.closed() => return Ok(()),
            }
        }
    }

    async fn list_and_watch(
        &self,
        served: &Served,
        namespace: Option<&str>,
        news: &Sender<Watched>,
        tried: &mut u32,
    ) -> Stop {
        let query = [("includeObject", include(served))];
        let listed = match self.pages(served, namespace, &query, TABLE).await {
            Ok(listed) => listed,
            Err(error) => return error.into(),
        };
        *tried = 0;
        let mut version = text(&listed.head, "/metadata/resourceVersion").to_owned();
        let columns = columns(&listed.head);
        let rows = listed.entries.iter().map(row).collect();
        if news.send(Watched::Listed { columns, rows }).await.is_err() {
            return Stop::Unheard;
        }
        loop {
            match self.follow_changes(served, namespace, news, &mut version).await {
                // Never at once: a server that ends every watch is not to be flooded.
                Stop::Ended => sleep(GATHER).await,
                stop => return stop,
            }
        }
    }

    /// One watch request, from `version` on, which moves with what is told.
    async fn follow_changes(
        &self,
        served: &Served,
        namespace: Option<&str>,
        news: &Sender<Watched>,
        version: &mut String,
    ) -> Stop {
        let query = [
            ("watch", "true"),
            ("allowWatchBookmarks", "true"),
            ("timeoutSeconds", LIFE),
            ("includeObject", include(served)),
            ("resourceVersion", version.as_str()),
        ];
        let path = with_query(&served.path_of(namespace, None), &query);
        let request = match built(Request::get(path).header(ACCEPT, TABLE).body(Vec::new())) {
            Ok(request) => request,
            Err(error) => return error.into(),
        };
        let stream = async {
            let client = self.patient()?;
            self.answer(client.request_stream(request)).await
        };
        let mut lines = match stream.await {
            Ok(stream) => Box::pin(stream.lines()),
            Err(error) => return error.into(),
        };
        let mut batch = Batch::default();
        loop {
            let line = tokio::select! {
                line = lines.next() => line,
                () = news.closed() => return Stop::Unheard,
            };
            let mut over = batch.take(line, self);
            let until = Instant::now() + GATHER;
            while over.is_none() && batch.len() < BATCH {
                match timeout_at(until, lines.next()).await {
                    Ok(line) => over = batch.take(line, self),
                    Err(_) => break,
                }
            }
            if !batch.version.is_empty() {
                version.clone_from(&batch.version);
            }
            if let Some(changed) = batch.tell()
                && news.send(changed).await.is_err()
            {
                return Stop::Unheard;
            }
            if let Some(stop) = over {
                return stop;
            }
        }
    }
}

/// Longer after each failure.
fn pause(tried: u32) -> Duration {
    wait_before(tried + 2, None).min(LONGEST_PAUSE)
}

/// Events bring their whole objects: when one was last seen is not in its metadata.
fn include(served: &Served) -> &'static str {
    if served.singular == "event" {
        "Object"
    } else {
        "Metadata"
    }
}

/// Changes that were not told yet.
#[derive(Default)]
struct Batch {
    rows: Vec<Row>,
    gone: Vec<(String, String)>,
    version: String,
}

impl Batch {
    fn len(&self) -> usize {
        self.rows.len() + self.gone.len()
    }

    /// Takes one line of the stream; says if it was the last.
    fn take(&mut self, line: Option<std::io::Result<String>>, cluster: &Cluster) -> Option<Stop> {
        let line = match line {
            None => return Some(Stop::Ended),
            Some(Err(error)) => {
                let error = cluster.explain(kube::Error::ReadEvents(error));
                return Some(error.into());
            }
            Some(Ok(line)) => line,
        };
        let Ok(event) = serde_json::from_str::<Value>(&line) else {
            return None;
        };
        match text(&event, "/type") {
            "ERROR" => return Some(refused(&event["object"]).into()),
            "BOOKMARK" => version_of(&event["object"]).clone_into(&mut self.version),
            class => self.change(class == "DELETED", &event["object"]),
        }
        None
    }

    /// Rows of a table, or one object where the server makes no tables of a watch.
    fn change(&mut self, is_gone: bool, object: &Value) {
        let rows = match items(object, "/rows") {
            [] => vec![row(object)],
            rows => rows.iter().map(row).collect(),
        };
        let version = version_of(object);
        if !version.is_empty() {
            version.clone_into(&mut self.version);
        }
        for row in rows {
            let key = (row.namespace.clone(), row.name.clone());
            self.rows
                .retain(|known| (&known.namespace, &known.name) != (&key.0, &key.1));
            self.gone.retain(|known| *known != key);
            if is_gone {
                self.gone.push(key);
            } else {
                self.rows.push(row);
            }
        }
    }

    fn tell(&mut self) -> Option<Watched> {
        let (rows, gone) = (std::mem::take(&mut self.rows), std::mem::take(&mut self.gone));
        (!rows.is_empty() || !gone.is_empty()).then_some(Watched::Changed { rows, gone })
    }
}

/// A status object as an error.
fn refused(status: &Value) -> ClusterError {
    ClusterError::Api {
        code: u16::try_from(number(status, "/code")).unwrap_or(500),
        reason: text(status, "/reason").to_owned(),
        message: text(status, "/message").to_owned(),
    }
}

/// The version that a watch can go on from: of the table's row, or of the object.
fn version_of(object: &Value) -> &str {
    let places = [
        "/rows/0/object/metadata/resourceVersion",
        "/metadata/resourceVersion",
    ];
    let mut found = places.iter().map(|place| text(object, place));
    found.find(|version| !version.is_empty()).unwrap_or_default()
}

fn columns(head: &Value) -> Vec<Column> {
    let defined = items(head, "/columnDefinitions").iter().map(|column| Column {
        title: cell(&text(column, "/name").to_uppercase()),
        is_wide: number(column, "/priority") > 0,
    });
    let defined: Vec<Column> = defined.collect();
    if !defined.is_empty() {
        return defined;
    }
    ["NAME", "AGE"]
        .map(|title| Column {
            title: title.to_owned(),
            is_wide: false,
        })
        .to_vec()
}

/// A row of a table, or a plain object from a server that makes none.
fn row(row: &Value) -> Row {
    let object = row.get("object").unwrap_or(row);
    let metadata = |field: &str| cell(text(object, &format!("/metadata/{field}")));
    let cells = match row.get("cells").and_then(Value::as_array) {
        Some(cells) => cells.iter().map(shown).collect(),
        None => vec![metadata("name"), String::new()],
    };
    let labels = object.pointer("/metadata/labels").and_then(Value::as_object);
    let pair = |(key, value): (&String, &Value)| cell(&format!("{key}={}", word(value)));
    Row {
        namespace: metadata("namespace"),
        name: metadata("name"),
        cells,
        since: since(object),
        labels: labels.into_iter().flatten().map(pair).collect(),
    }
}

fn shown(value: &Value) -> String {
    match value {
        Value::Null => "<none>".to_owned(),
        value => cell(&word(value)),
    }
}

fn since(object: &Value) -> String {
    let seen = [
        "/series/lastObservedTime",
        "/lastTimestamp",
        "/eventTime",
        "/metadata/creationTimestamp",
    ];
    let mut found = seen.iter().map(|place| text(object, place));
    found.find(|time| !time.is_empty()).unwrap_or_default().to_owned()
}

#[cfg(test)]
mod tests;
