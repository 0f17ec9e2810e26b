//! `sayso knowledge`: the knowledge base, searched and looked after.

use std::io::Write as _;
use std::time::Duration;

use serde_json::{Value, json};

use super::args::{Common, KnowledgeCommand, Output, SearchBy};
use super::document::{print, source};
use super::request::connection;
use super::{Exit, human, interrupt, load, passages};
use crate::driver::knowledge::{Change, Documents, KnowledgeError, Mode, Query, shipped};
use crate::driver::{Library, connect, context_of};
use crate::session::Passage;

/// How often the files of a source are compared with what is indexed.
const WATCH: Duration = Duration::from_secs(2);

/// Runs one of them.
pub async fn run(common: &Common, command: &KnowledgeCommand) -> anyhow::Result<Exit> {
    let config = load(common)?;
    let library = Library::new(&config);
    let output = common.output;
    match command {
        KnowledgeCommand::Search { query, limit, by } => {
            let context = context_of(&config, &connection(common));
            search(
                &library,
                &query.join(" "),
                *limit,
                *by,
                context.as_deref(),
                output,
            )
        }
        KnowledgeCommand::Show { id } => show(&library, id, output),
        KnowledgeCommand::Add { place, watch } => {
            let (source, change) = library.documents().add(place)?;
            told(&source.name, &change, output)?;
            if *watch {
                stay(&library.documents(), place, output).await?;
            }
            Ok(Exit::Done)
        }
        KnowledgeCommand::List => list(&library, output),
        KnowledgeCommand::Remove { name } => {
            let (source, change) = library.documents().remove(name)?;
            told(&source.name, &change, output)
        }
        KnowledgeCommand::Learn => {
            let parts = connect(&config, &connection(common)).await?;
            let change = library.learn_schemas(&parts.cluster).await?;
            told(&parts.cluster.context().name, &change, output)
        }
        KnowledgeCommand::Rebuild => {
            let mut exit = Exit::Done;
            for (name, change) in library.rebuild()? {
                match change {
                    Ok(change) => told(&name, &change, output)?,
                    Err(error) => {
                        human::error(&error.into());
                        exit = Exit::Failed;
                        exit
                    }
                };
            }
            Ok(exit)
        }
    }
}

fn search(
    library: &Library,
    words: &str,
    limit: usize,
    by: SearchBy,
    context: Option<&str>,
    output: Output,
) -> anyhow::Result<Exit> {
    let knowledge = library.open()?;
    warn(&knowledge.notices);
    let mode = match by {
        SearchBy::Words => Mode::Words,
        SearchBy::Vectors => Mode::Vectors,
        SearchBy::Both => Mode::Fused,
    };
    let query = Query {
        mode,
        ..Query::new(words, limit)
    };
    let hits = knowledge.search(&query, context)?;
    if output != Output::Text {
        let found: Vec<Value> = hits
            .iter()
            .map(|hit| {
                let mut one = source(&hit.passage);
                one["score"] = json!(hit.score);
                one
            })
            .collect();
        print(&json!({ "query": words, "passages": found }), output)?;
        return Ok(Exit::Done);
    }
    let found: Vec<Passage> = hits.into_iter().map(|hit| hit.passage).collect();
    show_all(&found);
    Ok(if found.is_empty() {
        Exit::NoPlan
    } else {
        Exit::Done
    })
}

fn show_all(found: &[Passage]) {
    let page = passages::Page::here();
    let mut out = anstream::stdout();
    for passage in found {
        let _ = writeln!(out, "{}", page.passage(passage));
    }
    if found.is_empty() {
        let _ = writeln!(anstream::stderr(), "nothing in the knowledge base is about that");
    }
}

/// Shows a page of those that ship, or one of its passages; of others, what is indexed of them.
fn show(library: &Library, id: &str, output: Output) -> anyhow::Result<Exit> {
    let is_it = |passage: &Passage| passage.id == id || passage.page() == id;
    let mut found: Vec<Passage> = shipped::entries()
        .into_iter()
        .map(|entry| entry.passage)
        .collect();
    found.retain(is_it);
    if found.is_empty() {
        found = library.open()?.own_passages()?;
        found.retain(is_it);
    }
    if found.is_empty() {
        anyhow::bail!("the knowledge base has nothing with the id `{id}`");
    }
    if output == Output::Text {
        show_all(&found);
    } else {
        print(&found.iter().map(source).collect::<Vec<_>>(), output)?;
    }
    Ok(Exit::Done)
}

fn list(library: &Library, output: Output) -> anyhow::Result<Exit> {
    let sources = library.documents().sources()?;
    let knowledge = library.open()?;
    warn(&knowledge.notices);
    let counts = knowledge.counts()?;
    if output != Output::Text {
        print(&json!({ "passages": counts, "sources": sources }), output)?;
        return Ok(Exit::Done);
    }
    let mut table = comfy_table::Table::new();
    table
        .load_style(comfy_table::presets::NOTHING)
        .set_header(["NAME", "PASSAGES", "FROM"]);
    for (name, count) in &counts {
        let place = name
            .strip_prefix("user:")
            .and_then(|name| sources.iter().find(|source| source.name == name));
        let from = match (place, name.as_str()) {
            (Some(source), _) => source.place.as_str(),
            (None, "sayso") => "comes with Sayso",
            (None, "memory") => "the audit log",
            (None, _) => "the cluster's schemas",
        };
        table.add_row([human::printable(name), count.to_string(), human::printable(from)]);
    }
    let _ = writeln!(anstream::stdout(), "{}", human::table(&table));
    Ok(Exit::Done)
}

/// Compares the files with what is indexed until somebody says stop.
async fn stay(documents: &Documents, place: &str, output: Output) -> anyhow::Result<()> {
    let stop = interrupt::token();
    loop {
        tokio::select! {
            () = stop.cancelled() => return Ok(()),
            () = tokio::time::sleep(WATCH) => {}
        }
        // A file that is gone for a moment, as when an editor replaces it, is no reason to end.
        match documents.add(place) {
            Ok((source, change)) if change.indexed + change.removed > 0 => {
                told(&source.name, &change, output)?;
            }
            Ok(_) => {}
            Err(error) => warn(&[error]),
        }
    }
}

fn told(name: &str, change: &Change, output: Output) -> anyhow::Result<Exit> {
    if output != Output::Text {
        print(&json!({ "name": name, "change": change }), output)?;
        return Ok(Exit::Done);
    }
    let _ = writeln!(
        anstream::stdout(),
        "{}: {} indexed ({} passages), {} unchanged, {} removed",
        human::printable(name),
        change.indexed,
        change.passages,
        change.unchanged,
        change.removed
    );
    Ok(Exit::Done)
}

fn warn(notices: &[KnowledgeError]) {
    for notice in notices {
        let _ = writeln!(
            anstream::stderr(),
            "{} {}",
            human::paint(human::YELLOW, "warning:"),
            human::printable(&notice.to_string())
        );
        if let Some(hint) = notice.hint() {
            let _ = writeln!(anstream::stderr(), "{}", human::hint(&hint));
        }
    }
}
