//! Watches against the sandbox.

use serde_json::json;
use tokio::sync::mpsc;

use super::*;
use crate::cluster::ConnectOptions;
use crate::sandbox::{self, Running};

async fn shop() -> (Running, Cluster) {
    let running = sandbox::start(sandbox::Options::default()).await.unwrap();
    let options = ConnectOptions {
        inline: Some(running.kubeconfig()),
        ..ConnectOptions::default()
    };
    let cluster = Cluster::connect(&options).await.unwrap();
    (running, cluster)
}

fn watch(cluster: &Cluster, kind: &str) -> mpsc::Receiver<Watched> {
    let (news, heard) = mpsc::channel(16);
    let (cluster, kind) = (cluster.clone(), Kind::read(kind).unwrap());
    tokio::spawn(async move { cluster.watch(&kind, Some("shop"), &news).await });
    heard
}

async fn patch(running: &Running, path: &str, body: Value) {
    let answer = reqwest::Client::new()
        .patch(format!("{}{path}", running.url()))
        .header("content-type", "application/merge-patch+json")
        .body(body.to_string())
        .send()
        .await
        .unwrap();
    assert!(answer.status().is_success());
}

/// Reads news until a changed row of that name fits.
async fn changed(heard: &mut mpsc::Receiver<Watched>, name: &str, fits: impl Fn(&Row) -> bool) -> Row {
    loop {
        if let Watched::Changed { rows, .. } = heard.recv().await.unwrap()
            && let Some(row) = rows.into_iter().find(|row| row.name == name && fits(row))
        {
            return row;
        }
    }
}

const WEB: &str = "/apis/apps/v1/namespaces/shop/deployments/web";

#[tokio::test]
async fn a_watch_lists_and_then_follows() {
    let (running, cluster) = shop().await;
    let mut heard = watch(&cluster, "deployments");
    let Watched::Listed { columns, rows } = heard.recv().await.unwrap() else {
        panic!("no list");
    };
    assert_eq!(columns[0].title, "NAME");
    assert!(columns.iter().any(|column| column.is_wide));
    let web = rows.iter().find(|row| row.name == "web").unwrap();
    assert_eq!((web.namespace.as_str(), web.cells.len()), ("shop", columns.len()));
    patch(&running, WEB, json!({"spec": {"replicas": 1}})).await;
    let row = changed(&mut heard, "web", |row| row.cells[1] == "1/1").await;
    assert!(row.since.parse::<jiff::Timestamp>().is_ok());
}

#[tokio::test]
async fn a_forgotten_version_leads_to_a_new_list() {
    let (running, cluster) = shop().await;
    let batch = |status: Value| {
        let mut batch = Batch::default();
        let line = json!({"type": "ERROR", "object": status}).to_string();
        batch.take(Some(Ok(line)), &cluster)
    };
    assert!(matches!(batch(json!({"code": 410})), Some(Stop::Expired)));
    assert!(matches!(batch(json!({"code": 500})), Some(Stop::Failed(_))));
    drop(running);
}

#[tokio::test]
async fn a_server_that_is_gone_is_told_and_tried_again() {
    let (running, cluster) = shop().await;
    let mut heard = watch(&cluster, "pods");
    assert!(matches!(heard.recv().await, Some(Watched::Listed { .. })));
    running.stop().await;
    loop {
        if let Watched::Lost { reason } = heard.recv().await.unwrap() {
            assert!(reason.contains("cannot reach"), "{reason}");
            break;
        }
    }
}

#[tokio::test]
async fn what_is_not_served_ends_at_once() {
    let (_running, cluster) = shop().await;
    let (news, _heard) = mpsc::channel(1);
    let kind = Kind::read("widgets").unwrap();
    let ended = cluster.watch(&kind, None, &news).await;
    assert!(matches!(ended, Err(ClusterError::NoSuchKind(_))));
}

#[test]
fn each_object_is_told_once_in_a_batch() {
    let mut batch = Batch::default();
    let table = |cell: &str| {
        json!({"kind": "Table", "rows": [{"cells": [cell], "object": {"metadata":
            {"name": "web", "namespace": "shop", "resourceVersion": "7"}}}]})
    };
    batch.change(false, &table("a"));
    batch.change(false, &table("b\u{1b}[31m"));
    assert_eq!(batch.version, "7");
    let Some(Watched::Changed { rows, gone }) = batch.tell() else {
        panic!("nothing to tell");
    };
    assert_eq!((rows.len(), rows[0].cells[0].as_str(), gone.len()), (1, "b", 0));
    batch.change(true, &table("b"));
    let told = batch.tell();
    let expected = vec![("shop".to_owned(), "web".to_owned())];
    assert_eq!(
        told,
        Some(Watched::Changed {
            rows: Vec::new(),
            gone: expected
        })
    );
}
