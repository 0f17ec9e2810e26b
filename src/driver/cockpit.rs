//! What an interactive face needs: sessions, watches, pages, names and the record, each as a value or a stream.
//!
//! A cockpit is cheap to clone, and its clones share one cluster, one model and one audit log. Nothing here blocks the
//! caller: what takes time is `async`, or runs as a task that ends when its receiver is dropped.

use std::sync::Arc;

use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use super::adviser::Adviser;
use super::connect::{Connection, Parts, connect, options};
use super::face::Face;
use super::perform::{Driver, Receipt};
use super::undo::Undo;
use crate::audit::{Action, AuditError, Filter, actions};
use crate::cluster::{Cluster, ClusterError, connect::contexts};
use crate::config::{Config, ModelChoice};
use crate::plan::kind::BUILTINS;
use crate::plan::{Earlier, Kind, Plan, Step};
use crate::request::Request;
use crate::session::{Failure, Session, Wishes, to_author};

pub use crate::cluster::read::age;
pub use crate::cluster::{Column, LogOf, Row, Watched};

/// News that may wait to be read before a watch holds back.
const QUEUE: usize = 64;

/// Where requests go, as the status line tells it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Place {
    /// Name of the context.
    pub context: String,
    /// The namespace that applies where none is named.
    pub namespace: String,
    /// Whether the context counts as production.
    pub production: bool,
    /// Whether nothing may be changed.
    pub read_only: bool,
    /// Whether the cluster is the one in this process.
    pub sandbox: bool,
    /// The model's name.
    pub model: String,
}

/// An object by its names.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ObjectName {
    /// The kind as the plan language spells it.
    pub kind: String,
    /// Empty for what is not in a namespace.
    pub namespace: String,
    /// The name.
    pub name: String,
}

/// Names for completion.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Names {
    /// Every namespace.
    pub namespaces: Vec<String>,
    /// Every kind in the plural.
    pub kinds: Vec<String>,
    /// Every object of the kinds that planning looks at.
    pub objects: Vec<ObjectName>,
}

/// The record, for a face that shows it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Past {
    /// What was done, oldest first.
    pub actions: Vec<Action>,
    /// Whether the chain is intact, and in which words.
    pub chain: (bool, String),
}

/// How a session begins.
#[derive(Clone, Debug, PartialEq)]
pub enum Start {
    /// With words, of which a planner makes a plan.
    Words,
    /// The same, behind an earlier request of the conversation.
    After(Earlier),
    /// With a plan that somebody wrote, or that a key stands for.
    Plan(Plan),
    /// With the way back from a recorded action.
    Back(Undo),
}

/// A page of text about an object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Page {
    /// `describe`.
    Describe,
    /// `get -o yaml`.
    Yaml,
    /// `diagnose`: what is wrong with it.
    Diagnose,
}

/// A connection for an interactive face.
#[derive(Clone)]
pub struct Cockpit {
    parts: Arc<Parts>,
    config: Arc<Config>,
    connection: Arc<Connection>,
    /// The connection that this one was switched from: it keeps the sandbox alive.
    origin: Option<Arc<Parts>>,
}

impl Cockpit {
    /// Connects.
    pub async fn open(config: Config, connection: Connection) -> anyhow::Result<Cockpit> {
        let parts = connect(&config, &connection).await?;
        Ok(Cockpit::of(parts, config, connection))
    }

    /// On parts that exist.
    pub fn of(parts: Parts, config: Config, connection: Connection) -> Cockpit {
        Cockpit {
            parts: Arc::new(parts),
            config: Arc::new(config),
            connection: Arc::new(connection),
            origin: None,
        }
    }

    /// Where requests go.
    pub fn place(&self) -> Place {
        let context = self.parts.cluster.context();
        let protected = &self.config.policy.protected_contexts;
        Place {
            context: context.name.clone(),
            namespace: context.namespace.clone(),
            production: protected.contains(&context.name) || is_production(&context.name),
            read_only: self.config.policy.read_only,
            sandbox: self.connection.sandbox.is_some(),
            model: match &self.config.model {
                ModelChoice::Embedded { .. } => "embedded".to_owned(),
                ModelChoice::Stored { name, .. } | ModelChoice::Endpoint { name, .. } => name.clone(),
            },
        }
    }

    /// Who explains, if somebody does.
    pub fn adviser(&self) -> Option<Adviser> {
        self.parts.adviser.clone()
    }

    /// A session for a request, under the policy that applies.
    pub fn session(&self, request: Request, start: Start, wishes: Wishes) -> Session {
        let policy = self.config.policy.clone();
        let written = to_author(request.text()).and_then(|words| Request::new(words, None).ok());
        match (start, written) {
            (Start::Words | Start::After(_), Some(words)) => Session::author(words, wishes, policy),
            (Start::Words, None) => Session::new(request, wishes, policy),
            (Start::After(earlier), None) => Session::new(request, wishes, policy).after(earlier),
            (Start::Plan(plan), _) => Session::with_plan(request, plan, wishes, policy),
            (Start::Back(undo), _) => undo.session(request, wishes, policy),
        }
    }

    /// Runs a session to its end. Cancelling `stop` interrupts it in good order.
    pub async fn run(&self, session: Session, face: &mut impl Face, stop: CancellationToken) -> Receipt {
        let driver = Driver::new(&self.parts, face, self.config.user.clone(), stop);
        driver.run(session).await
    }

    /// The same in another namespace.
    pub fn in_namespace(&self, namespace: &str) -> Cockpit {
        self.with(self.parts.cluster.in_namespace(namespace))
    }

    /// The same in another context of the kubeconfig, in that context's namespace.
    pub async fn in_context(&self, context: &str) -> anyhow::Result<Cockpit> {
        let sandbox = self.origin().sandbox.as_ref();
        let mut choice = options(&self.config, &self.connection, sandbox);
        choice.context = Some(context.to_owned());
        choice.namespace = None;
        Ok(self.with(Cluster::connect(&choice).await?))
    }

    fn origin(&self) -> &Arc<Parts> {
        self.origin.as_ref().unwrap_or(&self.parts)
    }

    fn with(&self, cluster: Cluster) -> Cockpit {
        let parts = Parts {
            cluster,
            model: self.parts.model.clone(),
            adviser: self.parts.adviser.clone(),
            audit: self.parts.audit.clone(),
            library: self.parts.library.clone(),
            sandbox: None,
        };
        Cockpit {
            parts: Arc::new(parts),
            origin: Some(self.origin().clone()),
            ..self.clone()
        }
    }

    /// The contexts of the kubeconfig.
    pub fn contexts(&self) -> Result<Vec<String>, Failure> {
        let sandbox = self.origin().sandbox.as_ref();
        contexts(&options(&self.config, &self.connection, sandbox)).map_err(|error| failure(&error))
    }

    /// Watches a kind, in every namespace where none is given, until the receiver is dropped. The last message says why
    /// there will be no more, if the receiver is still there.
    pub fn watch(&self, kind: Kind, namespace: Option<String>) -> mpsc::Receiver<Result<Watched, Failure>> {
        let (sender, receiver) = mpsc::channel(QUEUE);
        let (news, mut heard) = mpsc::channel(QUEUE);
        let parts = self.parts.clone();
        tokio::spawn(async move {
            let watching = async {
                let ended = parts.cluster.watch(&kind, namespace.as_deref(), &news).await;
                drop(news);
                ended
            };
            let passing = async {
                while let Some(told) = heard.recv().await {
                    if sender.send(Ok(told)).await.is_err() {
                        break;
                    }
                }
                drop(heard);
            };
            let (ended, ()) = tokio::join!(watching, async {
                tokio::select! {
                    () = passing => {}
                    () = sender.closed() => {}
                }
            });
            if let Err(error) = ended {
                let _ = sender.send(Err(failure(&error))).await;
            }
        });
        receiver
    }

    /// Follows a log until the receiver is dropped. The last message says why it could not be read, if it could not.
    pub fn follow(&self, log: LogOf) -> mpsc::Receiver<Result<Vec<String>, Failure>> {
        let (sender, receiver) = mpsc::channel(QUEUE);
        let (news, mut heard) = mpsc::channel(QUEUE);
        let parts = self.parts.clone();
        tokio::spawn(async move {
            let following = tokio::spawn(async move { parts.cluster.follow(&log, &news).await });
            while let Some(lines) = heard.recv().await {
                if sender.send(Ok(lines)).await.is_err() {
                    following.abort();
                    return;
                }
            }
            if let Ok(Err(error)) = following.await {
                let _ = sender.send(Err(failure(&error))).await;
            }
        });
        receiver
    }

    /// The containers of a pod.
    pub async fn containers(&self, log: &LogOf) -> Result<Vec<String>, Failure> {
        let found = self.parts.cluster.containers(log).await;
        found.map_err(|error| failure(&error))
    }

    /// A page of text about an object. Values of secrets are not in it.
    pub async fn page(&self, page: Page, object: &ObjectName) -> Result<String, Failure> {
        let step = step(page, object)?;
        match self.parts.cluster.read(&step).await {
            Ok(output) => Ok(output.text),
            Err(error) => Err(failure(&error)),
        }
    }

    /// Names for completion, as far as they may be read.
    pub async fn names(&self) -> Result<Names, Failure> {
        let found = self.parts.cluster.snapshot().await;
        let snapshot = found.map_err(|error| failure(&error))?;
        let custom = snapshot
            .custom_kinds
            .iter()
            .map(|kind| format!("{}.{}", kind.plural, kind.group));
        let builtin = BUILTINS.iter().map(|kind| kind.plural.to_owned());
        let objects = snapshot.objects.into_iter().map(|object| ObjectName {
            kind: object.kind,
            namespace: object.namespace,
            name: object.name,
        });
        Ok(Names {
            kinds: builtin.chain(custom).collect(),
            namespaces: snapshot.namespaces,
            objects: objects.collect(),
        })
    }

    /// The record and the state of its chain. Reads files: not for a thread that must not wait.
    pub fn past(&self) -> anyhow::Result<Past> {
        let records = match self.parts.audit.trusted_records() {
            Err(AuditError::Missing { .. }) => Vec::new(),
            records => records?.collect::<Result<_, _>>()?,
        };
        let chain = match self.parts.audit.verify() {
            Ok(found) if found.intact() => (true, format!("intact: {} records", found.records)),
            Ok(found) => (false, format!("BROKEN in {} places", found.breaks.len())),
            Err(AuditError::Missing { .. }) => (true, "empty".to_owned()),
            Err(error) => (false, error.to_string()),
        };
        Ok(Past {
            actions: actions(records, &Filter::default()),
            chain,
        })
    }

    /// The way back from a recorded action of this context: the one with that id, or its beginning or end, or the last one.
    pub fn way_back(&self, id: Option<&str>) -> anyhow::Result<Undo> {
        let undo = Undo::find(&self.parts.audit, id)?;
        undo.belongs_to(&self.parts.cluster.context().name)?;
        Ok(undo)
    }
}

/// Whether a name has a part that people use for production.
fn is_production(name: &str) -> bool {
    let mut parts = name.split(|c: char| !c.is_ascii_alphanumeric());
    parts.any(|part| {
        matches!(
            part.to_ascii_lowercase().as_str(),
            "prod" | "production" | "live" | "prd"
        )
    })
}

/// The read behind a page.
fn step(page: Page, object: &ObjectName) -> Result<Step, Failure> {
    let place = match object.namespace.as_str() {
        "" => String::new(),
        namespace => format!(" -n {namespace}"),
    };
    let target = format!("{}/{}", object.kind, object.name);
    let line = match page {
        Page::Describe => format!("describe {target}{place}"),
        Page::Yaml => format!("get {target} -o yaml{place}"),
        Page::Diagnose => format!("diagnose {target}{place}"),
    };
    line.parse()
        .map_err(|error: crate::plan::ParseError| Failure::new(error.to_string()))
}

fn failure(error: &ClusterError) -> Failure {
    Failure {
        message: error.to_string(),
        hint: error.hint(),
    }
}
