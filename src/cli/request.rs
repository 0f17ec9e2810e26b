//! One request from the command line.

use super::args::{Common, Output};
use super::document::{self, Asked, document, print};
use super::face::Shell;
use super::{Exit, exit, human, interrupt, load, terminal};
use tokio_util::sync::CancellationToken;

use crate::config::Config;
use crate::driver::{Connection, Driver, Parts, connect, sandbox};
use crate::plan::Plan;
use crate::request::Request;
use crate::session::{Session, Wishes};

/// Runs a request in words.
pub async fn run(common: &Common, words: String) -> anyhow::Result<Exit> {
    let result = try_run(common, &words).await;
    if let (Err(error), Output::Json | Output::Yaml) = (&result, common.output) {
        print(&document::of_error(&words, error), common.output)?;
    }
    result
}

async fn try_run(common: &Common, words: &str) -> anyhow::Result<Exit> {
    let request = Request::new(words, terminal::piped())?;
    let config = load(common)?;
    let stop = interrupt::token();
    let connection = connection(common);
    let parts = tokio::select! {
        parts = connect(&config, &connection) => parts?,
        () = stop.cancelled() => return Ok(Exit::Interrupted),
    };
    converse(common, &config, &parts, request, None, stop).await
}

/// Where the flags say that the session takes place.
pub fn connection(common: &Common) -> Connection {
    Connection {
        kubeconfig: common.kubeconfig.clone(),
        impersonate: common.impersonate.clone(),
        impersonate_groups: common.impersonate_groups.clone(),
        sandbox: common
            .sandbox
            .clone()
            .map(|seed| seed.map_or(sandbox::Seed::Shop, sandbox::Seed::Path)),
    }
}

/// Runs a session on parts that exist, prints what became of it, gives the exit status.
pub async fn converse(
    common: &Common,
    config: &Config,
    parts: &Parts,
    request: Request,
    plan: Option<Plan>,
    stop: CancellationToken,
) -> anyhow::Result<Exit> {
    let context = parts.cluster.context().clone();
    let place = format!("context {}, namespace {}", context.name, context.namespace);
    let wishes = Wishes {
        plan_only: common.plan_only,
        yes: common.yes,
        interactive: common.output == Output::Text && terminal::somebody_is_there(),
        all_namespaces: common.all_namespaces,
    };
    let words = request.text().to_owned();
    let session = match plan {
        Some(plan) => Session::with_plan(request, plan, wishes, config.policy.clone()),
        None => Session::new(request, wishes, config.policy.clone()),
    };
    let mut face = Shell::new(common.output, place.clone());
    let receipt = Driver::new(parts, &mut face, config.user.clone(), stop)
        .run(session)
        .await;
    face.clear();
    match common.output {
        Output::Text => human::receipt(&receipt, &place),
        output => {
            let asked = Asked {
                request: &words,
                context: &context.name,
                namespace: &context.namespace,
            };
            print(&document(&asked, &receipt), output)?;
        }
    }
    Ok(exit::of_outcome(&receipt.outcome))
}
