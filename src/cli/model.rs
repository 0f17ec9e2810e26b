//! `sayso model`: the models that plan and explain.

mod fetch;
mod show;

use std::io::Write as _;

use anyhow::Context as _;
use serde_json::json;

use super::args::{Common, For, ModelCommand, Output, PullArgs};
use super::document::print;
use super::{Exit, human, load};
use crate::config::{Config, ModelChoice, ModelFile, Role, Secret};
use crate::driver::artefact::{ArtefactError, Source, Stored, gigabytes};
use crate::driver::models::{self, Listed};
use crate::driver::{bench, model_of};

/// Runs one of them.
pub async fn run(common: &Common, command: &ModelCommand) -> anyhow::Result<Exit> {
    match perform(common, command).await {
        Err(error) if error.is::<fetch::Interrupted>() => {
            human::error(&error);
            Ok(Exit::Interrupted)
        }
        result => result,
    }
}

async fn perform(common: &Common, command: &ModelCommand) -> anyhow::Result<Exit> {
    let config = load(common)?;
    let output = common.output;
    match command {
        ModelCommand::List => list(&config, output),
        ModelCommand::Use {
            what,
            role,
            dialect,
            key_variable,
            pull,
        } => {
            dialect.as_deref().map_or(Ok(()), models::check_dialect)?;
            let server = ModelFile {
                dialect: dialect.clone(),
                key_variable: key_variable.clone(),
                ..ModelFile::default()
            };
            choose(&config, what, *role, server, pull, output).await
        }
        ModelCommand::Pull { what, pull } => {
            let stored = fetch::fetch(&config, what, pull, output).await?;
            pulled(&stored, output)
        }
        ModelCommand::Show { what, tokens, verify } => {
            show::show(&config, what, *tokens, *verify, output).await
        }
        ModelCommand::Bench { what, runs } => measure(&config, what.as_deref(), *runs, output).await,
        ModelCommand::Remove { what, force } => remove(&config, what, *force, output),
    }
}

fn list(config: &Config, output: Output) -> anyhow::Result<Exit> {
    let all = models::list(config);
    if output != Output::Text {
        print(&json!({ "models": all }), output)?;
        return Ok(Exit::Done);
    }
    let mut table = comfy_table::Table::new();
    table.load_style(comfy_table::presets::NOTHING).set_header([
        "NAME",
        "USED FOR",
        "SIZE",
        "QUANTIZATION",
        "LICENCE",
        "FROM",
    ]);
    for row in &all {
        table.add_row(line(row));
    }
    let _ = writeln!(anstream::stdout(), "{}", human::table(&table));
    Ok(Exit::Done)
}

fn line(row: &Listed) -> [String; 6] {
    let or_dash = |text: Option<&str>| text.map_or_else(|| "-".to_owned(), human::printable);
    let roles = row.roles.join(", ");
    [
        human::printable(&row.name),
        or_dash((!roles.is_empty()).then_some(roles.as_str())),
        row.bytes.map_or_else(|| "-".to_owned(), gigabytes),
        or_dash(row.quantization.as_deref()),
        or_dash(row.license.as_deref()),
        or_dash(row.problem.as_deref().or(row.source.as_deref())),
    ]
}

/// Tells that a model is there now.
fn pulled(stored: &Stored, output: Output) -> anyhow::Result<Exit> {
    if output != Output::Text {
        print(&show::document(stored), output)?;
        return Ok(Exit::Done);
    }
    let name = human::printable(&stored.name);
    let mut out = anstream::stdout();
    let _ = writeln!(out, "`{name}` is here, {}", stored.digest);
    let _ = writeln!(out, "  sayso model use {name}");
    Ok(Exit::Done)
}

/// Makes a model the one for its roles; fetches it first where it is not here.
async fn choose(
    config: &Config,
    what: &str,
    role: For,
    server: ModelFile,
    pull: &PullArgs,
    output: Output,
) -> anyhow::Result<Exit> {
    let stored = |name: String| ModelFile {
        stored: Some(name),
        context_tokens: pull.tokens,
        ..ModelFile::default()
    };
    let (file, label) = match Source::parse(what)? {
        Source::Embedded if role == For::Adviser => {
            anyhow::bail!("the planner that comes with Sayso does not explain; choose another model for that")
        }
        Source::Embedded => (stored("embedded".to_owned()), "embedded".to_owned()),
        Source::Endpoint(url) => endpoint(config, &url, server).await?,
        Source::Name(name) => {
            let found = models::store(config).open(&name)?;
            fetch::refuse_unless_it_fits(config, &found, pull)?;
            (stored(name.clone()), name)
        }
        Source::Hub(_) | Source::Path(_) => {
            let found = fetch::fetch(config, what, pull, output).await?;
            (stored(found.name.clone()), found.name)
        }
    };
    let roles: &[Role] = match role {
        For::Planner => &[Role::Planner],
        For::Adviser => &[Role::Adviser],
        // The embedded planner explains nothing, so it takes no adviser's place.
        For::Both if label == "embedded" => &[Role::Planner],
        For::Both => &[Role::Planner, Role::Adviser],
    };
    let path = models::choose(config, roles, &file)?;
    let names: Vec<&str> = roles.iter().map(|role| name_of(*role)).collect();
    if output != Output::Text {
        print(&json!({ "model": label, "roles": names, "file": path }), output)?;
        return Ok(Exit::Done);
    }
    let (label, path) = (human::printable(&label), path.display().to_string());
    let _ = writeln!(
        anstream::stdout(),
        "`{label}` is the {} now, in `{}`",
        names.join(" and the "),
        human::printable(&path)
    );
    Ok(Exit::Done)
}

fn name_of(role: Role) -> &'static str {
    match role {
        Role::Planner => "planner",
        Role::Adviser => "adviser",
    }
}

/// The settings for a server. The model's name is asked for where none was typed.
async fn endpoint(config: &Config, url: &str, server: ModelFile) -> anyhow::Result<(ModelFile, String)> {
    let (address, name) = url
        .split_once('#')
        .map_or((url, None), |(url, name)| (url, Some(name)));
    let address = address.trim_end_matches('/');
    let key = config.key_for(address);
    let served = models::served(address, key.as_ref().map(Secret::reveal)).await;
    let name = match (name, served) {
        (Some(name), Ok(served)) => {
            if !served.is_empty() && !served.iter().any(|other| other == name) {
                warn(&format!(
                    "the server does not name a model `{name}`: it has {}",
                    served.join(", ")
                ));
            }
            name.to_owned()
        }
        (Some(name), Err(error)) => {
            warn(&format!("{error:#}; it is configured all the same"));
            name.to_owned()
        }
        (None, Err(error)) => {
            return Err(error.context("which model is meant is not known without the server"));
        }
        (None, Ok(served)) => match served.as_slice() {
            [only] => only.clone(),
            [] => anyhow::bail!(
                "the server does not list its models; name one behind `#`, as in {address}#NAME"
            ),
            several => anyhow::bail!(
                "the server has several models; name one behind `#`, as in {address}#{}: {}",
                several[0],
                several.join(", ")
            ),
        },
    };
    let label = format!("{}#{name}", models::public(address));
    let file = ModelFile {
        endpoint: Some(address.to_owned()),
        name: Some(name),
        ..server
    };
    Ok((file, label))
}

fn warn(text: &str) {
    let _ = writeln!(
        anstream::stderr(),
        "{} {}",
        human::paint(human::YELLOW, "warning:"),
        human::printable(text)
    );
}

async fn measure(config: &Config, what: Option<&str>, runs: usize, output: Output) -> anyhow::Result<Exit> {
    let choice = match what {
        None => config.model.clone(),
        Some(what) => match Source::parse(what)? {
            Source::Hub(_) | Source::Path(_) => {
                return Err(ArtefactError::Unknown {
                    name: what.to_owned(),
                }
                .into());
            }
            _ => config.chosen(what)?,
        },
    };
    let model = model_of(config, &choice)?;
    let bar = fetch::spinner();
    let measured = bench::bench(&model, runs, &mut |stage| {
        bar.set_message(format!("measuring: {stage}"));
        bar.tick();
    })
    .await
    .context("the model could not be measured");
    bar.finish_and_clear();
    let measured = measured?;
    if output == Output::Text {
        show::measured(&measured);
    } else {
        print(&measured, output)?;
    }
    Ok(Exit::Done)
}

fn remove(config: &Config, what: &str, force: bool, output: Output) -> anyhow::Result<Exit> {
    let is_it = |choice: &ModelChoice| matches!(choice, ModelChoice::Stored { name, .. } if name == what);
    let roles = models::roles(config, is_it);
    if !roles.is_empty() && !force {
        anyhow::bail!(
            "`{what}` is the {}; use another first, as in `sayso model use embedded`, or say --force",
            roles.join(" and the ")
        );
    }
    let name = if what == "embedded" { "planner" } else { what };
    let freed = models::store(config).remove(name)?;
    if output != Output::Text {
        print(&json!({ "removed": what, "freed": freed }), output)?;
        return Ok(Exit::Done);
    }
    let name = human::printable(what);
    let _ = writeln!(
        anstream::stdout(),
        "`{name}` is removed, {} are free",
        gigabytes(freed)
    );
    Ok(Exit::Done)
}
