//! A watch that is cut, or begun too late, loses nothing of what happens meanwhile.

use std::time::Duration;

use sayso::cluster::{Cluster, ConnectOptions, Watched};
use sayso::plan::Kind;
use sayso::sandbox::FaultAnswer;
use serde_json::json;
use tokio::sync::mpsc::{self, Receiver};

use super::stand::Stand;

/// Watches deployments, while the watch breaks off so often and then comes too late for the history; what was changed in
/// the meantime has to be told all the same.
pub fn cut(times: u32) -> Vec<String> {
    let stand = Stand::own();
    stand.inject("GET", "watch=true", FaultAnswer::Close, times);
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(follow(&stand, u64::from(times)))
}

async fn follow(stand: &Stand, times: u64) -> Vec<String> {
    let options = ConnectOptions {
        inline: Some(stand.cluster.kubeconfig()),
        ..ConnectOptions::default()
    };
    let cluster = Cluster::connect(&options).await.unwrap();
    let (news, mut heard) = mpsc::channel(16);
    let watching = tokio::spawn(async move {
        let kind = Kind::read("deployments").unwrap();
        cluster.watch(&kind, Some("shop"), &news).await
    });
    let mut lost = Vec::new();
    let mut number = 0;
    while lost.is_empty() && (number < 3 || stand.cluster.faults_met() < times) {
        number += 1;
        label(stand, number).await;
        stand.cluster.compact();
        let told = tokio::time::timeout(Duration::from_secs(60), labelled(&mut heard, number)).await;
        if told.is_err() {
            lost.push(format!("change {number} was never told"));
        }
    }
    watching.abort();
    lost
}

async fn label(stand: &Stand, number: u32) {
    let url = format!(
        "{}/apis/apps/v1/namespaces/shop/deployments/web",
        stand.cluster.url()
    );
    let body = json!({"metadata": {"labels": {"change": number.to_string()}}});
    let request = reqwest::Client::new()
        .patch(url)
        .header("content-type", "application/merge-patch+json");
    let answer = request.body(body.to_string()).send().await.unwrap();
    assert!(answer.status().is_success());
}

/// Reads news until the object is told with its label.
async fn labelled(heard: &mut Receiver<Watched>, number: u32) {
    let mark = format!("change={number}");
    while let Some(news) = heard.recv().await {
        let (Watched::Listed { rows, .. } | Watched::Changed { rows, .. }) = news else {
            continue;
        };
        if rows
            .iter()
            .any(|row| row.name == "web" && row.labels.contains(&mark))
        {
            return;
        }
    }
    std::future::pending::<()>().await;
}
