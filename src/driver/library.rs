//! The knowledge base as sessions need it: opened when something is asked, fed from the cluster and the audit log.
//!
//! Everything here that touches an index blocks, and so runs on threads of its own.

use std::collections::{BTreeMap, HashMap};
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Instant;

use anyhow::Context as _;

use super::connect::{Connection, options};
use super::explaining::passages_for;
use super::face::Usage;
use super::perform::Receipt;
use super::precedents;
use crate::audit::{Action, AuditLog, Filter, actions};
use crate::cluster::{Cluster, SchemaPlace, context_name};
use crate::config::Config;
use crate::knowledge::explain::{self, Api};
use crate::knowledge::memory::{self, PastAction};
use crate::knowledge::own::Refreshed;
use crate::knowledge::{Change, Documents, Knowledge, KnowledgeError, Unit, own};
use crate::llm::prompts::Precedent;
use crate::session::{Effect, Ending, Event, Failure, Outcome, Passage, Session};

/// The knowledge base of one user. Cheap to clone; holds nothing open.
#[derive(Clone, Debug)]
pub struct Library {
    cache: PathBuf,
    data: PathBuf,
    audit: PathBuf,
}

impl Library {
    /// Where the configuration says that it is.
    pub fn new(config: &Config) -> Library {
        Library {
            cache: config.places.cache.join("knowledge"),
            data: config.places.knowledge.clone(),
            audit: config.places.audit.clone(),
        }
    }

    /// One that is all in a folder.
    pub fn within(folder: &Path) -> Library {
        Library {
            cache: folder.join("knowledge"),
            data: folder.join("knowledge"),
            audit: folder.to_owned(),
        }
    }

    /// The folder of its indexes.
    pub fn cache(&self) -> &Path {
        &self.cache
    }

    /// The user's documents.
    pub fn documents(&self) -> Documents {
        Documents::new(&self.data, &self.cache)
    }

    /// Opens it, with what was done since the last time.
    pub fn open(&self) -> Result<Knowledge, KnowledgeError> {
        let remembered = self.remember();
        let mut knowledge = Knowledge::open(&self.cache)?;
        knowledge.notices.extend(remembered.err());
        Ok(knowledge)
    }

    /// Looks a question up for a session. `context` says whose schemas count. What came in the way is told beside it.
    pub async fn look_up(&self, question: String, context: Option<String>) -> (Event, Vec<String>) {
        let library = self.clone();
        let looked_up = tokio::task::spawn_blocking(move || {
            let knowledge = library.open()?;
            let notices = knowledge.notices.iter().map(ToString::to_string).collect();
            let hits = knowledge.answer(&question, context.as_deref())?;
            Ok::<_, KnowledgeError>((hits, notices))
        });
        match looked_up.await {
            Ok(Ok((hits, notices))) => {
                let passages = hits.into_iter().map(|hit| hit.passage).collect();
                (Event::Found(passages), notices)
            }
            Ok(Err(error)) => (Event::Failed(failure(&error)), Vec::new()),
            Err(error) => (Event::Failed(Failure::new(error.to_string())), Vec::new()),
        }
    }

    /// What was right for requests like this one; nothing where the knowledge base cannot be opened.
    pub async fn precedents(&self, request: String, context: Option<String>) -> Vec<Precedent> {
        let library = self.clone();
        let searched = tokio::task::spawn_blocking(move || {
            let knowledge = library.open().ok()?;
            Some(precedents::of(&knowledge, &request, context.as_deref()))
        });
        searched.await.ok().flatten().unwrap_or_default()
    }

    /// Takes a session as far as it gets without a cluster: to its end, if it asks what the knowledge base can answer.
    /// Without a receipt it goes on where it is.
    pub async fn ask(&self, session: &mut Session, context: Option<String>) -> Option<Receipt> {
        let effects = session.start();
        let [Effect::LookUp(question)] = effects.as_slice() else {
            return None;
        };
        let begun = Instant::now();
        let (event, notices) = self.look_up(question.clone(), context).await;
        let effects = session.handle(event);
        let Some(Effect::Finish(outcome)) = effects.into_iter().next() else {
            return None;
        };
        Some(answered(*outcome, notices, begun))
    }

    /// What there is to explain something that was given: passages about it, and no cluster is asked.
    pub async fn given(&self, request: &str, material: &str, context: Option<String>) -> Receipt {
        let begun = Instant::now();
        let passages = passages_for(self, request, material, context).await;
        let outcome = Outcome {
            ending: Ending::Answered,
            understood: None,
            passages,
            failure: None,
            ..Outcome::nothing()
        };
        answered(outcome, Vec::new(), begun)
    }

    /// Brings the schemas of a cluster up to date: only documents that changed are read. Every one is kept as soon as it
    /// is read, so that nothing is lost where this is cut short.
    pub async fn learn_schemas(&self, cluster: &Cluster) -> anyhow::Result<Change> {
        let context = cluster.context().name.clone();
        let source = explain::source(&context);
        let known = self.known(source.clone()).await?;
        let places = cluster.schema_places().await?;
        let mut total = Change::default();
        let mut whole = Vec::new();
        for place in places {
            let unit = match unchanged(&place, &known) {
                Some(unit) => unit,
                None => fetch(cluster, &context, place).await?,
            };
            let names = Unit {
                entries: Vec::new(),
                ..unit.clone()
            };
            let change = self.sync(source.clone(), vec![unit], false).await?;
            total.indexed += change.indexed;
            total.unchanged += change.unchanged;
            total.passages += change.passages;
            whole.push(names);
        }
        total.removed = self.sync(source, whole, true).await?.removed;
        Ok(total)
    }

    /// The same, where it was done before for this cluster. Says nothing, since nobody asked.
    pub async fn keep_schemas(&self, cluster: &Cluster) {
        let source = explain::source(&cluster.context().name);
        let known = self.known(source).await.unwrap_or_default();
        if known.is_empty() {
            return;
        }
        if let Err(error) = self.learn_schemas(cluster).await {
            tracing::info!("the schemas were not brought up to date: {error}");
        }
    }

    async fn known(&self, source: String) -> anyhow::Result<HashMap<String, String>> {
        let cache = self.cache.clone();
        let units = tokio::task::spawn_blocking(move || match own::open(&cache).0 {
            Some(shelf) => own::units(&shelf, &source),
            None => Ok(HashMap::new()),
        });
        units
            .await?
            .context("the index of what does not ship cannot be read")
    }

    async fn sync(&self, source: String, units: Vec<Unit>, whole: bool) -> anyhow::Result<Change> {
        let cache = self.cache.clone();
        Ok(tokio::task::spawn_blocking(move || own::sync(&cache, &source, &units, whole)).await??)
    }

    /// Indexes the actions that were approved and carried out since the last time.
    pub fn remember(&self) -> Result<Change, KnowledgeError> {
        let log = AuditLog::at(&self.audit);
        let length = fs::metadata(log.path()).map_or(0, |file| file.len()).to_string();
        let mark = self.cache.join("remembered");
        let same = fs::read_to_string(&mark).is_ok_and(|text| text == length);
        if length == "0" || (same && own::place(&self.cache).exists()) {
            return Ok(Change::default());
        }
        let units: Vec<Unit> = past_actions(&log).iter().map(memory::unit).collect();
        if units.is_empty() {
            return Ok(Change::default());
        }
        let change = own::sync(&self.cache, memory::SOURCE, &units, true)?;
        fs::write(&mark, length).map_err(|error| KnowledgeError::from_io(&mark, error))?;
        Ok(change)
    }

    /// Builds both indexes again. Schemas are read at the next `learn_schemas`.
    pub fn rebuild(&self) -> Result<Vec<Refreshed<String>>, KnowledgeError> {
        crate::knowledge::shipped::rebuild(&self.cache)?;
        own::clear(&self.cache)?;
        let mut all: Vec<_> = self
            .documents()
            .refresh(true)?
            .into_iter()
            .map(|(source, change)| (source.name, change))
            .collect();
        all.push((memory::SOURCE.to_owned(), self.remember()));
        Ok(all)
    }
}

/// The receipt of an answer that no cluster was asked for.
fn answered(outcome: Outcome, notices: Vec<String>, begun: Instant) -> Receipt {
    let taken = u64::try_from(begun.elapsed().as_millis()).unwrap_or(u64::MAX);
    Receipt {
        outcome,
        action: None,
        unrecorded: None,
        notices,
        timing: BTreeMap::from([("retrieve", taken)]),
        device: None,
        advice: None,
        usage: Usage::default(),
    }
}

/// Passages for a face that shows text as it comes.
pub(super) fn as_text(passages: &[Passage]) -> String {
    let each = passages.iter().map(|passage| {
        let warning = passage
            .warning()
            .map_or_else(String::new, |warning| format!("({warning})\n"));
        format!(
            "{}: {}  [{}]\n{warning}{}\n",
            passage.title, passage.heading, passage.id, passage.text
        )
    });
    each.collect::<Vec<_>>().join("\n")
}

/// The context that a request would go to, without asking anybody.
pub fn context_of(config: &Config, connection: &Connection) -> Option<String> {
    if connection.sandbox.is_some() {
        return None;
    }
    context_name(&options(config, connection, None))
}

/// A unit that stands for a document which is as it was.
fn unchanged(place: &SchemaPlace, known: &HashMap<String, String>) -> Option<Unit> {
    let hash = place.hash()?;
    (known.get(&place.version)? == hash).then(|| Unit {
        name: place.version.clone(),
        digest: hash.to_owned(),
        entries: Vec::new(),
    })
}

async fn fetch(cluster: &Cluster, context: &str, place: SchemaPlace) -> anyhow::Result<Unit> {
    let document = cluster.schema_document(&place).await?;
    let hash = place.hash().map(str::to_owned);
    let context = context.to_owned();
    let made = tokio::task::spawn_blocking(move || {
        let api = Api {
            version: place.version,
            document,
        };
        explain::unit(&context, &api)
    });
    let mut unit = made.await?;
    unit.digest = hash.unwrap_or(unit.digest);
    Ok(unit)
}

/// Actions that somebody approved and that were carried out, from records that can be trusted.
fn past_actions(log: &AuditLog) -> Vec<PastAction> {
    let Ok(records) = log.trusted_records() else {
        return Vec::new();
    };
    let all = actions(records.flatten(), &Filter::default());
    all.iter()
        .filter(|action| action.intent().is_some() && action.outcome().is_some())
        .map(past)
        .collect()
}

fn past(action: &Action) -> PastAction {
    let request = action.intent().and_then(|intent| intent.get("request")?.as_str());
    PastAction {
        id: action.id.to_string(),
        at: action.at,
        request: request.unwrap_or_default().to_owned(),
        commands: action.commands().into_iter().map(str::to_owned).collect(),
        context: action.context().to_owned(),
        user: action.user().to_owned(),
        outcome: action.verdict().to_owned(),
    }
}

fn failure(error: &KnowledgeError) -> Failure {
    Failure {
        message: error.to_string(),
        hint: error.hint(),
    }
}
