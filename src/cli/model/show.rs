//! What a model is, and how fast, on paper.

use std::io::Write as _;

use serde_json::{Value, json};

use super::super::args::Output;
use super::super::document::print;
use super::super::{Exit, human};
use crate::config::{Config, Secret};
use crate::driver::artefact::{Manifest, Offer, Source, Stored, Verdict, Wanted, gigabytes, look};
use crate::driver::bench::Measured;
use crate::driver::models;

/// Shows a model of the store, of the hub, or of a server.
pub(super) async fn show(
    config: &Config,
    what: &str,
    tokens: Option<u64>,
    again: bool,
    output: Output,
) -> anyhow::Result<Exit> {
    match Source::parse(what)? {
        Source::Name(name) => stored(config, &models::store(config).open(&name)?, tokens, again, output),
        Source::Embedded => {
            let Ok(mut planner) = models::store(config).open("planner") else {
                anyhow::bail!(
                    "the planner that comes with Sayso is not here yet: the first request makes it"
                );
            };
            "embedded".clone_into(&mut planner.name);
            stored(config, &planner, tokens, again, output)
        }
        Source::Hub(from) => {
            let offer = look(&models::hub(config)?, &Wanted { from, name: None }).await?;
            let (machine, device) = models::place(config);
            let verdict = offer.judge(tokens.unwrap_or(models::TOKENS), device, &machine);
            offered(&offer, &verdict, output)
        }
        Source::Endpoint(url) => server(config, &url, output).await,
        Source::Path(_) => {
            anyhow::bail!(
                "`sayso model pull {what}` takes it into the list; then it can be shown by its name"
            )
        }
    }
}

fn stored(
    config: &Config,
    stored: &Stored,
    tokens: Option<u64>,
    again: bool,
    output: Output,
) -> anyhow::Result<Exit> {
    stored.manifest.verify(&stored.folder, again, &mut |_| {})?;
    let verdict = models::judge(config, stored, tokens);
    if output != Output::Text {
        let mut document = document(stored);
        document["memory"] = json!(verdict);
        print(&document, output)?;
        return Ok(Exit::Done);
    }
    let manifest = &stored.manifest;
    let mut rows = vec![
        ("name", stored.name.clone()),
        ("folder", stored.folder.display().to_string()),
        ("digest", stored.digest.clone()),
    ];
    rows.extend(facts(manifest));
    rows.push(("memory", memory(&verdict)));
    table(&rows);
    files(manifest);
    advice(&verdict);
    Ok(Exit::Done)
}

fn facts(manifest: &Manifest) -> Vec<(&'static str, String)> {
    let mut rows = vec![("source", manifest.source.clone())];
    let optional = [
        ("revision", &manifest.revision),
        ("licence", &manifest.license),
        ("quantization", &manifest.quantization),
        ("while loading", &manifest.isq),
        ("tokenizer", &manifest.tokenizer_sha256),
        ("chat template", &manifest.template_sha256),
    ];
    rows.extend(
        optional
            .into_iter()
            .filter_map(|(name, value)| Some((name, value.clone()?))),
    );
    if let Some(shape) = &manifest.shape {
        let text = format!("{}, made for {} tokens", shape.architecture, shape.context);
        rows.push(("architecture", text));
    }
    rows
}

fn memory(verdict: &Verdict) -> String {
    let need = verdict.need;
    format!(
        "about {} for {} tokens: {} weights, {} cache, {} besides; {} has {} free",
        gigabytes(need.total()),
        need.tokens,
        gigabytes(need.weights),
        gigabytes(need.cache),
        gigabytes(need.working),
        verdict.device.name(),
        gigabytes(verdict.free)
    )
}

fn table(rows: &[(&str, String)]) {
    let mut out = anstream::stdout();
    for (name, value) in rows {
        let _ = writeln!(out, "{name:14}  {}", human::printable(value));
    }
}

fn files(manifest: &Manifest) {
    let mut out = anstream::stdout();
    for (name, file) in &manifest.files {
        let name = human::printable(name);
        let _ = writeln!(
            out,
            "{:14}  {name}  {}  sha256 {}",
            "file",
            gigabytes(file.size),
            file.sha256
        );
    }
}

fn advice(verdict: &Verdict) {
    if let Some(advice) = &verdict.advice {
        let _ = writeln!(
            anstream::stdout(),
            "{:14}  no: {}",
            "fits",
            human::printable(advice)
        );
    }
}

/// A model of the store for programs.
pub(super) fn document(stored: &Stored) -> Value {
    json!({
        "name": stored.name,
        "folder": stored.folder,
        "digest": stored.digest,
        "manifest": stored.manifest,
    })
}

fn offered(offer: &Offer, verdict: &Verdict, output: Output) -> anyhow::Result<Exit> {
    let repository = &offer.repository;
    if output != Output::Text {
        let files: Vec<Value> = offer
            .files
            .iter()
            .map(|file| json!({ "path": file.path, "size": file.size, "sha256": file.sha256 }))
            .collect();
        let document = json!({
            "name": offer.name, "source": format!("hf:{}", repository.name), "revision": repository.commit,
            "license": repository.license, "gated": repository.gated, "format": offer.format,
            "variant": offer.variant, "isq": offer.isq, "files": files, "others": offer.others, "memory": verdict,
        });
        print(&document, output)?;
        return Ok(Exit::Done);
    }
    let others: Vec<String> = offer
        .others
        .iter()
        .map(|(name, bytes)| format!(":{name} ({})", gigabytes(*bytes)))
        .collect();
    let mut rows = vec![
        ("source", format!("hf:{}", repository.name)),
        ("revision", repository.commit.clone()),
        (
            "licence",
            repository
                .license
                .clone()
                .unwrap_or_else(|| "not named".to_owned()),
        ),
        (
            "model",
            format!("{}, {}", offer.variant, gigabytes(offer.bytes())),
        ),
    ];
    if !others.is_empty() {
        rows.push(("others", others.join(", ")));
    }
    rows.push(("memory", memory(verdict)));
    table(&rows);
    advice(verdict);
    Ok(Exit::Done)
}

async fn server(config: &Config, url: &str, output: Output) -> anyhow::Result<Exit> {
    let address = url.split('#').next().unwrap_or(url).trim_end_matches('/');
    let served = models::served(address, config.key_for(address).as_ref().map(Secret::reveal)).await?;
    let address = models::public(address);
    if output != Output::Text {
        print(&json!({ "server": address, "models": served }), output)?;
        return Ok(Exit::Done);
    }
    table(&[("server", address), ("models", served.join(", "))]);
    Ok(Exit::Done)
}

/// What was measured, for people.
pub(super) fn measured(found: &Measured) {
    let rate = |rate: Option<f64>| rate.map_or_else(|| "-".to_owned(), |rate| format!("{rate:.1} tokens/s"));
    let mut rows = vec![
        ("model", found.model.name.clone()),
        ("at", found.model.endpoint.clone()),
    ];
    rows.extend(found.model.digest.clone().map(|digest| ("digest", digest)));
    let load = found.load_ms.map_or_else(
        || "- (loaded already, or elsewhere)".to_owned(),
        |load| format!("{load:.0} ms"),
    );
    rows.push(("load", load));
    rows.push(("prefill", rate(found.prefill_per_second)));
    rows.push(("decode", rate(found.decode_per_second)));
    for (name, run) in [("short prompt", found.short), ("long prompt", found.long)] {
        let text = format!(
            "{} tokens, first piece after {:.1} ms",
            run.prompt_tokens, run.first_ms
        );
        rows.push((name, text));
    }
    rows.extend(found.memory.map(|bytes| ("memory", gigabytes(bytes))));
    rows.extend(found.gpu_memory.map(|bytes| ("GPU memory", gigabytes(bytes))));
    table(&rows);
    for note in &found.notes {
        let _ = writeln!(
            anstream::stdout(),
            "{}",
            human::paint(human::DIM, &format!("note: {note}"))
        );
    }
}
