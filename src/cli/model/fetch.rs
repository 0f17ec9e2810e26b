//! Fetching a model, with a bar that shows how far it is.

use std::io::Write as _;
use std::path::Path;

use indicatif::{ProgressBar, ProgressStyle};

use super::super::args::{Output, PullArgs};
use super::super::{human, interrupt};
use super::warn;
use crate::config::Config;
use crate::driver::artefact::{
    ArtefactError, Offer, Source, Step, Stored, Verdict, Wanted, gigabytes, look, pull, register,
};
use crate::driver::models;

/// Somebody said stop.
#[derive(Debug, thiserror::Error)]
#[error("interrupted; what was fetched is kept, and the same command goes on")]
pub(super) struct Interrupted;

/// A spinner that shows nothing where standard error is no terminal.
pub(super) fn spinner() -> ProgressBar {
    let bar = ProgressBar::new_spinner();
    if let Ok(style) = ProgressStyle::with_template("{spinner} {msg} {elapsed:.dim}") {
        bar.set_style(style);
    }
    bar
}

fn gauge() -> ProgressBar {
    let bar = ProgressBar::new(0);
    let form = "{msg} [{bar:32}] {bytes}/{total_bytes} {bytes_per_sec} {eta:.dim}";
    if let Ok(style) = ProgressStyle::with_template(form) {
        bar.set_style(style);
    }
    bar
}

/// Gets a model of the hub or of this machine into the store, unless it will not fit.
pub(super) async fn fetch(
    config: &Config,
    what: &str,
    pull: &PullArgs,
    output: Output,
) -> anyhow::Result<Stored> {
    let stop = interrupt::token();
    let wanted = match Source::parse(what)? {
        Source::Hub(from) => Wanted {
            from,
            name: pull.name.clone(),
        },
        Source::Path(path) => return local(config, &path, pull),
        Source::Name(name) => return Ok(models::store(config).open(&name)?),
        Source::Embedded => {
            anyhow::bail!("the planner that comes with Sayso is fetched at the first request")
        }
        Source::Endpoint(_) => anyhow::bail!("a server keeps its models itself; `sayso model use {what}`"),
    };
    tokio::select! {
        stored = from_hub(config, &wanted, pull, output) => Ok(stored?),
        () = stop.cancelled() => Err(Interrupted.into()),
    }
}

async fn from_hub(
    config: &Config,
    wanted: &Wanted,
    typed: &PullArgs,
    output: Output,
) -> Result<Stored, ArtefactError> {
    let hub = models::hub(config)?;
    let offer = look(&hub, wanted).await?;
    let (machine, device) = models::place(config);
    let verdict = offer.judge(typed.tokens.unwrap_or(models::TOKENS), device, &machine);
    if output == Output::Text {
        announce(&offer, &verdict);
    }
    check(&offer.name, &verdict, typed.force)?;
    if let Some(reason) = offer.shape.as_ref().and_then(|shape| unloadable(&offer, shape)) {
        warn(&reason);
    }
    let bar = gauge();
    let stored = pull(&models::store(config), &hub, &offer, &mut |step| {
        move_to(&bar, step);
    })
    .await;
    bar.finish_and_clear();
    stored
}

fn unloadable(offer: &Offer, shape: &crate::driver::artefact::Shape) -> Option<String> {
    use crate::driver::artefact::Format;
    (offer.format == Format::Gguf)
        .then(|| shape.unloadable_gguf())
        .flatten()
}

/// Says what will be fetched, under which licence, before it is.
fn announce(offer: &Offer, verdict: &Verdict) {
    let repository = &offer.repository;
    let license = repository.license.as_deref().unwrap_or("not named");
    let mut out = anstream::stderr();
    let _ = writeln!(
        out,
        "{} at {}, licence {}{}",
        human::printable(&repository.name),
        repository.commit.get(..12).unwrap_or(&repository.commit),
        human::printable(license),
        if repository.gated { ", gated" } else { "" }
    );
    let isq = offer
        .isq
        .as_ref()
        .map_or_else(String::new, |isq| format!(", quantized to {isq} while loading"));
    let _ = writeln!(
        out,
        "{}{isq}: {}, {}; needs about {} of memory for {} tokens",
        human::printable(&offer.variant),
        match offer.files.len() {
            1 => "one file".to_owned(),
            count => format!("{count} files"),
        },
        gigabytes(offer.bytes()),
        gigabytes(verdict.need.total()),
        verdict.need.tokens
    );
}

/// Refuses a model that does not fit, unless it is wanted all the same.
fn check(name: &str, verdict: &Verdict, force: bool) -> Result<(), ArtefactError> {
    match verdict.refuse(name) {
        Err(error) if force => {
            warn(&error.to_string());
            Ok(())
        }
        result => result,
    }
}

/// The same for a model of the store.
pub(super) fn refuse_unless_it_fits(
    config: &Config,
    stored: &Stored,
    typed: &PullArgs,
) -> Result<(), ArtefactError> {
    let verdict = models::judge(config, stored, typed.tokens);
    check(&stored.name, &verdict, typed.force)
}

fn local(config: &Config, path: &Path, typed: &PullArgs) -> anyhow::Result<Stored> {
    let bar = gauge();
    let store = models::store(config);
    let stored = register(&store, path, typed.name.as_deref(), &mut |step| {
        move_to(&bar, step);
    });
    bar.finish_and_clear();
    let stored = stored?;
    refuse_unless_it_fits(config, &stored, typed)?;
    Ok(stored)
}

fn move_to(bar: &ProgressBar, step: Step<'_>) {
    let what = if step.stage == "verify" {
        "checking"
    } else {
        "fetching"
    };
    bar.set_message(format!("{what} {}", human::printable(step.file)));
    bar.set_length(step.total);
    bar.set_position(step.done);
}
