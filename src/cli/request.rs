//! One request from the command line.

use super::args::{Common, Output};
use super::document::{self, Asked, document, print};
use super::face::Shell;
use super::{Exit, advise, exit, human, interrupt, load, terminal};
use jiff::Timestamp;
use tokio_util::sync::CancellationToken;

use crate::config::Config;
use crate::driver::{
    Connection, ContextFacts, Driver, Library, Parts, Receipt, connect, context_of, sandbox,
};
use crate::request::Request;
use crate::session::{Session, Wishes};

/// The words of a request, and who makes a plan of them.
pub struct Words {
    /// The words.
    pub text: String,
    /// Whether the adviser writes manifests, rather than the planner commands.
    author: bool,
}

impl Words {
    /// For the planner.
    pub fn plan(words: &[String]) -> Words {
        Words {
            text: words.join(" "),
            author: false,
        }
    }

    /// For the adviser.
    pub fn author(words: &[String]) -> Words {
        Words {
            text: words.join(" "),
            author: true,
        }
    }

    /// The session that makes the plan; what was piped in belongs to the request.
    pub fn session(&self, common: &Common, config: &Config) -> anyhow::Result<Session> {
        let request = Request::new(&self.text, terminal::piped())?;
        let begin = if self.author {
            Session::author
        } else {
            Session::new
        };
        Ok(begin(request, wishes(common), config.policy.clone()))
    }
}

/// Has the adviser write manifests, and goes on with them as with every plan.
pub async fn author(common: &Common, words: &Words) -> anyhow::Result<Exit> {
    let result = Box::pin(try_author(common, words)).await;
    told_as_document(common, &words.text, result)
}

async fn try_author(common: &Common, words: &Words) -> anyhow::Result<Exit> {
    let config = load(common)?;
    let stop = interrupt::token();
    let session = words.session(common, &config)?;
    let connection = connection(common);
    let parts = tokio::select! {
        parts = connect(&config, &connection) => parts?,
        () = stop.cancelled() => return Ok(Exit::Interrupted),
    };
    let (exit, _) = converse(common, &config, &parts, session, None, stop).await?;
    Ok(exit)
}

/// An error of a request, also as the one object that programs read.
fn told_as_document(common: &Common, words: &str, result: anyhow::Result<Exit>) -> anyhow::Result<Exit> {
    if let (Err(error), Output::Json | Output::Yaml) = (&result, common.output) {
        print(&document::of_error(words, error), common.output)?;
    }
    result
}

/// Runs a request in words.
pub async fn run(common: &Common, words: String) -> anyhow::Result<Exit> {
    let result = Box::pin(try_run(common, &words)).await;
    told_as_document(common, &words, result)
}

async fn try_run(common: &Common, words: &str) -> anyhow::Result<Exit> {
    let request = Request::new(words, terminal::piped())?;
    let config = load(common)?;
    let stop = interrupt::token();
    let connection = connection(common);
    let mut session = Session::new(request, wishes(common), config.policy.clone());
    let library = Library::new(&config);
    let context = context_of(&config, &connection);
    let material = advise::material(&config, session.request());
    let answered = tokio::select! {
        answered = look_up(&library, &mut session, context, &material) => answered,
        () = stop.cancelled() => return Ok(Exit::Interrupted),
    };
    if let Some(receipt) = answered {
        let receipt = tokio::select! {
            receipt = advise::on(&config, common.output, words, &material, receipt) => receipt?,
            () = stop.cancelled() => return Ok(Exit::Interrupted),
        };
        return tell(common, words, None, &receipt);
    }
    let parts = tokio::select! {
        parts = connect(&config, &connection) => parts?,
        () = stop.cancelled() => return Ok(Exit::Interrupted),
    };
    let exit = converse(common, &config, &parts, session, None, stop).await;
    parts.library.keep_schemas(&parts.cluster).await;
    exit.map(|(exit, _)| exit)
}

/// What can be answered without a cluster: a question in general, and what was piped in to be explained.
async fn look_up(
    library: &Library,
    session: &mut Session,
    context: Option<String>,
    material: &str,
) -> Option<Receipt> {
    if material.is_empty() {
        return library.ask(session, context).await;
    }
    Some(library.given(session.request().text(), material, context).await)
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
            .map(|seed| seed.map_or(sandbox::Seed::Shop, sandbox::Seed::named)),
    }
}

/// What the flags wish for.
pub fn wishes(common: &Common) -> Wishes {
    Wishes {
        plan_only: common.plan_only,
        yes: common.yes,
        interactive: common.output == Output::Text && terminal::somebody_is_there(),
        all_namespaces: common.all_namespaces,
    }
}

/// Runs a session on parts that exist, prints what became of it, gives the exit status and the receipt. `as_of` is when
/// the plan was made, if it was not now.
pub async fn converse(
    common: &Common,
    config: &Config,
    parts: &Parts,
    session: Session,
    as_of: Option<Timestamp>,
    stop: CancellationToken,
) -> anyhow::Result<(Exit, Receipt)> {
    let context = parts.cluster.context().clone();
    let words = session.request().text().to_owned();
    let mut face = Shell::new(common.output, place(&context)).advised(parts.adviser.clone());
    let driver = Driver::new(parts, &mut face, config.user.clone(), stop).as_of(as_of);
    let receipt = Box::pin(driver.run(session)).await;
    face.clear();
    let exit = tell(common, &words, Some(&context), &receipt)?;
    Ok((exit, receipt))
}

fn place(context: &ContextFacts) -> String {
    format!("context {}, namespace {}", context.name, context.namespace)
}

/// Prints what became of a request. Without a context no cluster was looked at.
fn tell(
    common: &Common,
    words: &str,
    context: Option<&ContextFacts>,
    receipt: &Receipt,
) -> anyhow::Result<Exit> {
    match common.output {
        Output::Text => human::receipt(receipt, &context.map(place).unwrap_or_default()),
        output => {
            let asked = Asked {
                request: words,
                context: context.map(|context| context.name.as_str()),
                namespace: context.map(|context| context.namespace.as_str()),
            };
            print(&document(&asked, receipt), output)?;
        }
    }
    Ok(exit::of_outcome(&receipt.outcome))
}
