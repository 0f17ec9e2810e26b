//! `sayso plan -f`, `sayso approve` and `sayso apply`: a plan between people.

use std::io::Write as _;
use std::path::Path;

use anyhow::{Context as _, bail};
use jiff::{Span, Timestamp, Zoned};
use uuid::Uuid;

use super::args::{Common, Output};
use super::request::{Words, connection, converse, wishes};
use super::{Exit, interrupt, load, terminal};
use crate::config::Config;
use crate::driver::audit::{AuditError, AuditLog, Entry};
use crate::driver::{connect, hides_secrets};
use crate::request::Request;
use crate::session::{Ending, PlanFile, Session, Signed};
use crate::sign;

/// Plans a request, and writes the plan to a file.
pub async fn write(common: &Common, words: &Words, path: &Path, good_for: Span) -> anyhow::Result<Exit> {
    let config = load(common)?;
    let parts = connect(&config, &connection(common)).await?;
    let session = words.session(common, &config)?;
    let (exit, receipt) = converse(common, &config, &parts, session, None, interrupt::token()).await?;
    let Some(report) = receipt
        .outcome
        .report
        .filter(|_| receipt.outcome.ending == Ending::Planned)
    else {
        return Ok(exit);
    };
    if !report.steps.iter().any(|step| step.step.writes()) {
        bail!("this plan only reads: there is nothing to apply later");
    }
    let expires = Zoned::now()
        .checked_add(good_for)
        .context("that is too far away")?
        .timestamp();
    let file = PlanFile::new(
        Uuid::now_v7().to_string(),
        &words.text,
        &config.user,
        &report,
        expires,
    )
    .context("the plan was not checked")?;
    if hides_secrets(&serde_json::json!(file.steps)) {
        bail!("this plan holds the value of a secret, which does not belong into a file");
    }
    save(path, &file)?;
    tell(
        common,
        &format!("written to {}; good until {expires}", path.display()),
    );
    Ok(exit)
}

/// Applies a plan file.
pub async fn apply(common: &Common, path: &Path) -> anyhow::Result<Exit> {
    let config = load(common)?;
    let file = open(path)?;
    let log = AuditLog::at(&config.places.audit);
    if let Some(action) = applied_before(&log, &file)? {
        bail!("this plan was applied already: see `sayso audit show {action}`; a plan file is applied once");
    }
    let own = own_key(&config)?;
    let signers = file.signers(&config.policy.approver_keys(), Some(&own.public()))?;
    let parts = connect(&config, &connection(common)).await?;
    let request = Request::new(&file.request, None)?;
    let created = file.created;
    let session = Session::with_file(request, file, signers, wishes(common), config.policy.clone())?;
    let (exit, _) = converse(
        common,
        &config,
        &parts,
        session,
        Some(created),
        interrupt::token(),
    )
    .await?;
    Ok(exit)
}

/// Shows a plan file as it would be applied now, and signs it.
pub async fn approve(
    common: &Common,
    path: &Path,
    signature: Option<&Path>,
    message: bool,
) -> anyhow::Result<Exit> {
    let config = load(common)?;
    let mut file = open(path)?;
    if message {
        std::io::stdout().write_all(&file.message())?;
        return Ok(Exit::Done);
    }
    let common = &Common {
        plan_only: true,
        ..common.clone()
    };
    let parts = connect(&config, &connection(common)).await?;
    let request = Request::new(&file.request, None)?;
    let session = Session::with_file(
        request,
        file.clone(),
        Vec::new(),
        wishes(common),
        config.policy.clone(),
    )?;
    let (exit, receipt) = converse(
        common,
        &config,
        &parts,
        session,
        Some(file.created),
        interrupt::token(),
    )
    .await?;
    if receipt.outcome.ending != Ending::Planned {
        return Ok(exit);
    }
    let yes = signature.is_some() || common.yes || asked(&file)?;
    if !yes {
        return Ok(Exit::Failed);
    }
    let approval = sign_it(&config, &file, signature)?;
    tell(common, &format!("signed by {}", sign::owner(&approval.key)));
    file.approvals.push(approval);
    save(path, &file)?;
    Ok(Exit::Done)
}

/// Asks at the terminal.
fn asked(file: &PlanFile) -> anyhow::Result<bool> {
    if !terminal::somebody_is_there() {
        bail!("nobody is there to approve; run it in a terminal, or pass --yes");
    }
    terminal::forget_typed();
    write!(
        anstream::stderr(),
        "\nSign this plan of {}? [y]es, [N]o: ",
        super::human::printable(&file.author)
    )?;
    Ok(terminal::read_line().is_some_and(|line| matches!(line.to_lowercase().as_str(), "y" | "yes")))
}

fn sign_it(config: &Config, file: &PlanFile, signature: Option<&Path>) -> anyhow::Result<Signed> {
    let (key, signature) = if let Some(path) = signature {
        let text =
            std::fs::read_to_string(path).with_context(|| format!("cannot read `{}`", path.display()))?;
        (sign::signer(&text)?, text)
    } else {
        let key = own_key(config)?;
        (key.public(), key.sign(sign::PLAN, &file.message())?)
    };
    sign::verify(&key, sign::PLAN, &file.message(), &signature)?;
    Ok(Signed {
        by: config.user.clone(),
        at: Timestamp::now(),
        key,
        signature,
    })
}

fn own_key(config: &Config) -> anyhow::Result<sign::Key> {
    Ok(sign::load_or_create(&config.signing_key, &config.user)?)
}

/// Reads a plan file, and checks that it is whole and of today.
fn open(path: &Path) -> anyhow::Result<PlanFile> {
    let text = std::fs::read_to_string(path).with_context(|| format!("cannot read `{}`", path.display()))?;
    let file = PlanFile::read(&text)?;
    file.check_time(Timestamp::now())?;
    Ok(file)
}

fn save(path: &Path, file: &PlanFile) -> anyhow::Result<()> {
    std::fs::write(path, file.write()?).with_context(|| format!("cannot write `{}`", path.display()))
}

/// The action in which this file was applied, as far as this machine's record tells.
fn applied_before(log: &AuditLog, file: &PlanFile) -> anyhow::Result<Option<String>> {
    let records = match log.trusted_records() {
        Err(AuditError::Missing { .. }) => return Ok(None),
        records => records?,
    };
    for record in records {
        if let Entry::Intent { action, body } = record?.entry
            && body["approval"]["plan"]["id"] == file.id.as_str()
        {
            return Ok(Some(action.short()));
        }
    }
    Ok(None)
}

/// Says something beside the answer, for people.
fn tell(common: &Common, text: &str) {
    if common.output == Output::Text {
        let _ = writeln!(anstream::stderr(), "{}", super::human::printable(text));
    }
}
