//! Logs as they are written.

use futures::{AsyncBufReadExt, StreamExt};
use http::Request;
use tokio::sync::mpsc::Sender;

use super::read::fetch::{built, with_query};
use super::read::json::{items, text};
use super::{Cluster, ClusterError, read};
use crate::plan::Kind;
use crate::plan::printable::printable;

/// Lines of the past that come first.
const TAIL: &str = "1000";
/// Lines that are told at once at the most.
const BATCH: usize = 500;

/// Whose log.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LogOf {
    /// The pod's namespace.
    pub namespace: String,
    /// The pod.
    pub pod: String,
    /// One container of several; the first without it.
    pub container: Option<String>,
    /// The run before the last restart.
    pub previous: bool,
}

impl Cluster {
    /// Sends the end of a log and then each line as it is written, until the container ends or the receiver is dropped.
    /// Lines are printable.
    pub async fn follow(&self, log: &LogOf, lines: &Sender<Vec<String>>) -> Result<(), ClusterError> {
        let container = match &log.container {
            Some(container) => container.clone(),
            None => self.containers(log).await?.into_iter().next().unwrap_or_default(),
        };
        let mut query = vec![("container", container.as_str()), ("tailLines", TAIL)];
        query.push(if log.previous {
            ("previous", "true")
        } else {
            ("follow", "true")
        });
        let path = with_query(
            &format!("{}/log", read::pod_path(&log.namespace, &log.pod)),
            &query,
        );
        let request = built(Request::get(path).body(Vec::new()))?;
        let stream = self.answer(self.patient()?.request_stream(request)).await?;
        let mut chunks = Box::pin(stream.lines().ready_chunks(BATCH));
        loop {
            let chunk = tokio::select! {
                chunk = chunks.next() => chunk,
                () = lines.closed() => return Ok(()),
            };
            let Some(chunk) = chunk else { return Ok(()) };
            let mut told = Vec::with_capacity(chunk.len());
            for line in chunk {
                let line = line.map_err(|error| self.explain(kube::Error::ReadEvents(error)))?;
                told.push(printable(&line).replace('\t', "    "));
            }
            if lines.send(told).await.is_err() {
                return Ok(());
            }
        }
    }

    /// The containers of a pod: its own first, then those that run before them.
    pub async fn containers(&self, log: &LogOf) -> Result<Vec<String>, ClusterError> {
        let pod = Kind::read("pod").ok_or_else(|| ClusterError::NoSuchKind("pod".to_owned()))?;
        let served = self.find(&pod).await?;
        let pod = self.one(&served, Some(&log.namespace), &log.pod).await?;
        let lists = ["/spec/containers", "/spec/initContainers"];
        let all = lists.iter().flat_map(|list| items(&pod, list));
        Ok(all.map(|container| printable(text(container, "/name"))).collect())
    }
}

#[cfg(test)]
mod tests {
    use tokio::sync::mpsc;

    use super::*;
    use crate::cluster::ConnectOptions;
    use crate::sandbox;

    #[tokio::test]
    async fn the_past_comes_first_and_the_end_is_no_error() {
        let running = sandbox::start(sandbox::Options::default()).await.unwrap();
        let options = ConnectOptions {
            inline: Some(running.kubeconfig()),
            ..ConnectOptions::default()
        };
        let cluster = Cluster::connect(&options).await.unwrap();
        let web = |object: &serde_json::Value| {
            object["kind"] == "Pod"
                && object["metadata"]["namespace"] == "shop"
                && object["metadata"]["name"].as_str().unwrap().starts_with("web-")
        };
        let pod = running.objects().into_iter().find(web).unwrap();
        let log = LogOf {
            namespace: "shop".to_owned(),
            pod: pod["metadata"]["name"].as_str().unwrap().to_owned(),
            ..LogOf::default()
        };
        assert!(!cluster.containers(&log).await.unwrap().is_empty());
        let (sender, mut lines) = mpsc::channel(64);
        cluster.follow(&log, &sender).await.unwrap();
        assert!(lines.recv().await.unwrap()[0].contains("start"));
        let missing = LogOf {
            pod: "nobody".to_owned(),
            ..log
        };
        assert!(cluster.follow(&missing, &sender).await.is_err());
    }
}
