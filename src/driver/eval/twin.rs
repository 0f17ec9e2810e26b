//! What a plan does to a cluster, found out by doing it to one that is made for it and thrown away.

use std::path::Path;
use std::time::Duration;

use serde_json::Value;
use tokio::time::{Instant, sleep};
use tokio_util::sync::CancellationToken;

use super::suite::Place;
use super::view::{nameless, uids, view};
use crate::audit::AuditLog;
use crate::check::{Policy, Report};
use crate::cluster::{Cluster, ConnectOptions};
use crate::driver::{Driver, Face, Library, Parts};
use crate::llm::{Model, Scripted};
use crate::plan::Plan;
use crate::request::Request;
use crate::sandbox::{self, Running};
use crate::session::{Decision, Ending, Session, Stage, Wishes};

/// How long a step of a rehearsal is watched. The sandbox's slowest rollout takes some seconds.
const WATCH: Duration = Duration::from_secs(15);
/// How long nothing may change before a sandbox counts as settled: four steps of a pod's life there.
const STILL: Duration = Duration::from_millis(1200);
/// How often is looked.
const LOOK: Duration = Duration::from_millis(150);
/// When to take a sandbox as it is.
const PATIENCE: Duration = Duration::from_secs(20);

/// What a plan did to a fresh sandbox.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Rehearsal {
    /// How the session ended.
    pub(super) ending: Ending,
    /// What went wrong.
    pub(super) failure: Option<String>,
    /// What the cluster looks like afterwards; see [`view`].
    pub(super) after: Vec<Value>,
    /// The same, but for which of a deployment's pods there are; see [`nameless`].
    pub(super) nameless: Vec<Value>,
    /// Whether that is not what it looked like before.
    pub(super) changed: bool,
}

/// Does the plan the way a user's plan is done, with a face that says yes to everything.
pub(super) async fn rehearse(plan: &Plan, place: &Place, audit: &AuditLog) -> anyhow::Result<Rehearsal> {
    let running = build(place.world.as_deref()).await?;
    let seed = running.objects();
    let kept = uids(&seed);
    let model = Model::Scripted(Scripted::default());
    let parts = parts(&running, place.namespace.as_deref(), model, audit).await?;
    let wishes = Wishes {
        interactive: true,
        ..Wishes::default()
    };
    let session = Session::with_plan(
        Request::new("rehearse", None)?,
        plan.clone(),
        wishes,
        Policy::default(),
    );
    let mut face = Willing;
    let driver = Driver::new(&parts, &mut face, "eval".to_owned(), CancellationToken::new()).watching(WATCH);
    let receipt = driver.run(session).await;
    let look = || view(&running.objects(), &kept);
    let after = settle(look).await;
    let rehearsal = Rehearsal {
        ending: receipt.outcome.ending,
        failure: receipt.outcome.failure.map(|failure| failure.message),
        changed: after != view(&seed, &kept),
        nameless: nameless(&running.objects(), &kept),
        after,
    };
    running.stop().await;
    Ok(rehearsal)
}

/// A sandbox with the shop, or with the manifests of a file.
pub(super) async fn build(world: Option<&Path>) -> anyhow::Result<Running> {
    let seed = world.map_or(sandbox::Seed::Shop, |file| sandbox::Seed::Path(file.to_owned()));
    let options = sandbox::Options {
        seed,
        ..sandbox::Options::default()
    };
    Ok(sandbox::start(options).await?)
}

/// What a session against a sandbox needs. The sandbox stays with whoever started it.
pub(super) async fn parts(
    running: &Running,
    namespace: Option<&str>,
    model: Model,
    audit: &AuditLog,
) -> anyhow::Result<Parts> {
    let options = ConnectOptions {
        inline: Some(running.kubeconfig()),
        namespace: namespace.map(str::to_owned),
        ..ConnectOptions::default()
    };
    let cluster = Cluster::connect(&options).await?;
    Ok(Parts {
        cluster,
        model,
        adviser: None,
        audit: audit.clone(),
        library: Library::within(audit.path().parent().unwrap_or(audit.path())),
        sandbox: None,
    })
}

/// Looks until it has been the same for a while, or patience is at its end.
async fn settle(look: impl Fn() -> Vec<Value>) -> Vec<Value> {
    let begun = Instant::now();
    let (mut seen, mut since) = (look(), begun);
    while since.elapsed() < STILL && begun.elapsed() < PATIENCE {
        sleep(LOOK).await;
        let now = look();
        if now != seen {
            (seen, since) = (now, Instant::now());
        }
    }
    seen
}

/// Says yes to what it is shown, dangers and all: nothing real is at stake.
struct Willing;

impl Face for Willing {
    fn stage(&mut self, _: Stage, _: &str) {}

    fn progress(&mut self, _: &str, _: u64, _: u64) {}

    fn read(&mut self, _: &str, _: &[String]) {}

    async fn review(&mut self, report: &Report, _: &[Option<f32>]) -> Decision {
        Decision::ApproveNamed {
            digest: report.digest.clone(),
            by: "eval".to_owned(),
            names: report.names.clone(),
        }
    }
}
