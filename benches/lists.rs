//! Lists and watches of 20,000 pods: the sandbox `big` beside a real API server that holds the same pods, in turns.
//!
//! Needs what `tests/cluster/build` makes (or `KUBEBUILDER_ASSETS`), and says so where it is missing.

#![allow(
    missing_docs,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    clippy::print_stderr,
    clippy::disallowed_methods,
    reason = "a bench that cannot be set up is to stop, and prints what it measured"
)]

#[path = "../tests/cluster/certificates.rs"]
mod certificates;
#[path = "../tests/cluster/control_plane.rs"]
#[expect(dead_code, reason = "only the API server is wanted here, without controllers")]
mod control_plane;

use std::collections::{BTreeSet, HashMap};
use std::time::{Duration, Instant};

use futures::{StreamExt as _, TryStreamExt as _};
use k8s_openapi::api::core::v1::{Namespace, Pod, ServiceAccount};
use kube::api::{ListParams, Patch, PatchParams, PostParams, WatchEvent, WatchParams};
use kube::config::{KubeConfigOptions, Kubeconfig};
use kube::{Api, Client, Config, ResourceExt as _};
use sayso::sandbox::{self, Options, Seed};
use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::json;

/// Objects a page, as kubectl asks for.
const PAGE: usize = 500;

/// How often each list is read.
const ROUNDS: usize = 5;

/// How many pods are relabelled under the watch, one after the other.
const CHANGES: usize = 200;

#[tokio::main]
async fn main() {
    let programs = match control_plane::programs() {
        Ok(programs) => programs,
        Err(why) => return eprintln!("not measured: {why}"),
    };
    let options = Options {
        seed: Seed::Big,
        ..Options::default()
    };
    let sandbox = sandbox::start(options).await.unwrap();
    let own = client(Kubeconfig::from_yaml(&sandbox.kubeconfig()).unwrap()).await;
    let plane = control_plane::ControlPlane::storage(&programs);
    let real = client(Kubeconfig::read_from(plane.kubeconfig()).unwrap()).await;
    copy(&own, &real).await;

    let both = [&own, &real];
    let (mut pages, mut whole) = ([vec![], vec![]], [vec![], vec![]]);
    for _ in 0..ROUNDS {
        for (side, client) in both.into_iter().enumerate() {
            pages[side].push(list(client, Some(PAGE)).await);
            whole[side].push(list(client, None).await);
        }
    }
    let [sandbox_watch, real_watch] = [watch(&own).await, watch(&real).await];
    println!(
        "{:<44}{:>10}{:>12}{:>8}",
        "median ms", "sandbox", "API server", "ratio"
    );
    row("20,000 pods in pages of 500", &pages[0], &pages[1]);
    row("20,000 pods at once", &whole[0], &whole[1]);
    row(
        "a change, until it is answered",
        &sandbox_watch.answered,
        &real_watch.answered,
    );
    row(
        "a change, until the watch tells of it",
        &sandbox_watch.told,
        &real_watch.told,
    );
}

async fn client(kubeconfig: Kubeconfig) -> Client {
    let options = KubeConfigOptions::default();
    let mut config = Config::from_custom_kubeconfig(kubeconfig, &options)
        .await
        .unwrap();
    config.read_timeout = None;
    Client::try_from(config).unwrap()
}

/// Writes the sandbox's pods to the real server, with their statuses, 32 at a time.
async fn copy(from: &Client, to: &Client) {
    let begun = Instant::now();
    let pods = Api::<Pod>::all(from.clone())
        .list(&ListParams::default())
        .await
        .unwrap()
        .items;
    let places: BTreeSet<String> = pods.iter().filter_map(kube::ResourceExt::namespace).collect();
    for place in &places {
        let space = serde_json::from_value::<Namespace>(json!({"metadata": {"name": place}})).unwrap();
        Api::all(to.clone())
            .create(&PostParams::default(), &space)
            .await
            .unwrap();
        let account =
            serde_json::from_value::<ServiceAccount>(json!({"metadata": {"name": "default"}})).unwrap();
        let accounts = Api::namespaced(to.clone(), place);
        accounts.create(&PostParams::default(), &account).await.unwrap();
    }
    let write = |mut pod: Pod| async move {
        let api = Api::<Pod>::namespaced(to.clone(), &pod.namespace().unwrap());
        pod.metadata.uid = None;
        pod.metadata.resource_version = None;
        pod.metadata.managed_fields = None;
        let status = pod.status.clone();
        let mut made = api.create(&PostParams::default(), &pod).await.unwrap();
        made.status = status;
        api.replace_status(&made.name_any(), &PostParams::default(), &made)
            .await
            .unwrap();
    };
    let count = pods.len();
    futures::stream::iter(pods).for_each_concurrent(32, write).await;
    println!("{count} pods copied in {:.0} s", begun.elapsed().as_secs_f64());
}

/// What is read of a list: enough to know that it is one.
#[derive(Deserialize)]
struct Page {
    metadata: Mark,
    items: Vec<IgnoredAny>,
}

#[derive(Deserialize)]
struct Mark {
    #[serde(rename = "continue", default)]
    rest: String,
}

/// Reads all pods, in pages or at once.
async fn list(client: &Client, page: Option<usize>) -> Duration {
    let begun = Instant::now();
    let (mut seen, mut rest) = (0, String::new());
    loop {
        let limit = page.map_or_else(String::new, |page| format!("limit={page}&"));
        let request = http::Request::get(format!("/api/v1/pods?{limit}continue={rest}")).body(vec![]);
        let text = client.request_text(request.unwrap()).await.unwrap();
        let page: Page = serde_json::from_str(&text).unwrap();
        seen += page.items.len();
        rest = page.metadata.rest;
        if rest.is_empty() {
            break;
        }
    }
    assert_eq!(seen, 20_000);
    begun.elapsed()
}

/// How long changes take, from their being sent.
struct Changes {
    answered: Vec<Duration>,
    told: Vec<Duration>,
}

/// Relabels pods of all namespaces under a watch of all pods.
async fn watch(client: &Client) -> Changes {
    let all = Api::<Pod>::all(client.clone());
    let known = all.list(&ListParams::default()).await.unwrap();
    let version = known.metadata.resource_version.unwrap();
    let mut events = all
        .watch(&WatchParams::default(), &version)
        .await
        .unwrap()
        .boxed();
    let listener = tokio::spawn(async move {
        let mut seen = HashMap::new();
        while seen.len() < CHANGES {
            let event = events.try_next().await.unwrap().expect("the watch goes on");
            if let WatchEvent::Modified(pod) = event
                && let Some(number) = pod.labels().get("bench")
            {
                seen.entry(number.parse::<usize>().unwrap())
                    .or_insert_with(Instant::now);
            }
        }
        seen
    });
    let (mut sent, mut answered) = (vec![], vec![]);
    for (number, pod) in known.items.iter().step_by(20_000 / CHANGES).enumerate() {
        let api = Api::<Pod>::namespaced(client.clone(), &pod.namespace().unwrap());
        let label = Patch::Merge(json!({"metadata": {"labels": {"bench": number.to_string()}}}));
        let begun = Instant::now();
        api.patch_metadata(&pod.name_any(), &PatchParams::default(), &label)
            .await
            .unwrap();
        answered.push(begun.elapsed());
        sent.push(begun);
    }
    let seen = listener.await.unwrap();
    let told = sent
        .iter()
        .enumerate()
        .map(|(number, begun)| seen[&number] - *begun)
        .collect();
    Changes { answered, told }
}

fn row(what: &str, sandbox: &[Duration], real: &[Duration]) {
    let [sandbox, real] = [sandbox, real].map(|times| {
        let mut times = times.to_vec();
        times.sort();
        times[times.len() / 2].as_secs_f64() * 1000.0
    });
    println!("{what:<44}{sandbox:>10.1}{real:>12.1}{:>8.2}", sandbox / real);
}
