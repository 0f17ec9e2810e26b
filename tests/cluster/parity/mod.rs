//! API conversations, held with the sandbox and compared with what a real API server answered.
//!
//! `asked` has what is said, by topic; `answered` has what Kubernetes answered, recorded by
//! `SAYSO_RECORD=1 cargo test --test cluster parity`. The sandbox is always held against the record. Whether the record is still
//! true of a control plane is asked by `cargo test --test cluster parity::real -- --ignored`: a few answers depend on how far its
//! controllers had come, so that not every run is clean.

mod conversation;
mod differences;
mod player;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::{Arc, LazyLock, Mutex, PoisonError};
use std::time::Duration;

use libtest_mimic::{Failed, Trial};
use sayso::sandbox::{self, Options, Running, Seed};
use tempfile::TempDir;

use conversation::{Answer, Conversation, Difference, compare, recorded, topics};
use differences::{KNOWN, Known};
use player::Player;

use super::stand::Stand;

/// The sandbox of all conversations, and where its kubeconfig is.
static SANDBOX: LazyLock<(Running, Player, TempDir)> = LazyLock::new(|| {
    let runtime = runtime();
    let options = Options {
        seed: Seed::Manifests(include_str!("../nodes.yaml").to_owned()),
        ..Options::default()
    };
    let running = runtime.block_on(sandbox::start(options)).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let kubeconfig = folder.path().join("kubeconfig");
    std::fs::write(&kubeconfig, running.kubeconfig()).unwrap();
    (
        running,
        Player::new(&kubeconfig, runtime, Duration::from_secs(6)),
        folder,
    )
});

/// What came of the sandbox's conversations: their names and how often they differ for a reason.
static ACCOUNTS: Mutex<BTreeMap<String, Vec<String>>> = Mutex::new(BTreeMap::new());

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .unwrap()
}

/// Two tests of each conversation: one of the sandbox, and one of the control plane, for whoever asks for those.
pub fn trials() -> Vec<Trial> {
    let answers = Arc::new(recorded());
    let conversations = topics().into_iter().flat_map(|topic| topic.conversations);
    let both = |conversation: Conversation| {
        let names = ["sandbox", "real"].map(|server| format!("parity::{server}::{}", conversation.name));
        let [sandbox, real] = names;
        let (recorded, same, again) = (answers.clone(), answers.clone(), conversation.clone());
        [
            Trial::test(sandbox, move || hold(&conversation, &recorded)),
            Trial::test(real, move || confirm(&again, &same)).with_ignored_flag(true),
        ]
    };
    conversations.flat_map(both).collect()
}

/// The sandbox answers as was recorded, but for what is known.
fn hold(conversation: &Conversation, recorded: &BTreeMap<String, Vec<Answer>>) -> Result<(), Failed> {
    let name = &conversation.name;
    let real = recorded.get(name).map_or(&[][..], Vec::as_slice);
    let found = compare(real, &SANDBOX.1.hold(conversation));
    let table: Vec<&Known> = KNOWN.iter().filter(|known| known.of == name).collect();
    let is_known = |difference: &&Difference| table.iter().any(|known| known.is(name, difference));
    let (explained, unexplained): (Vec<_>, Vec<_>) = found.iter().partition(is_known);
    let mut faults: Vec<String> = unexplained.iter().map(ToString::to_string).collect();
    let stale = table
        .iter()
        .filter(|known| !explained.iter().any(|difference| known.is(name, difference)));
    faults.extend(stale.map(|known| format!("no longer differs at {:?}: {}", known.at, known.why)));
    if !faults.is_empty() {
        return Err(faults.join("\n").into());
    }
    let reasons = table.iter().map(|known| known.why.to_owned()).collect();
    accounts().insert(name.clone(), reasons);
    Ok(())
}

fn accounts() -> std::sync::MutexGuard<'static, BTreeMap<String, Vec<String>>> {
    ACCOUNTS.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The control plane to talk to: one that runs already, where `SAYSO_CONTROL_PLANE` names its kubeconfig, else one of ours.
fn real() -> Player {
    let ready = std::env::var_os("SAYSO_CONTROL_PLANE").map(PathBuf::from);
    Player::new(
        &ready.unwrap_or_else(|| Stand::of_all().kubeconfig()),
        runtime(),
        Duration::from_secs(30),
    )
}

/// The control plane answers as was recorded.
fn confirm(conversation: &Conversation, recorded: &BTreeMap<String, Vec<Answer>>) -> Result<(), Failed> {
    let real = real().hold(conversation);
    let before = recorded.get(&conversation.name).map_or(&[][..], Vec::as_slice);
    let found = compare(&real, before);
    if found.is_empty() {
        return Ok(());
    }
    let lines: Vec<String> = found.iter().map(ToString::to_string).collect();
    Err(format!("(the sandbox here is the record)\n{}", lines.join("\n")).into())
}

/// Asks the control plane everything, and keeps its answers.
pub fn record() {
    let player = real();
    for topic in topics() {
        let held = topic.conversations.iter();
        let answers: Vec<_> = held.map(|one| (one.name.clone(), player.hold(one))).collect();
        conversation::record(&topic.name, &answers);
    }
}

/// How many conversations went alike, and what differs for which reason.
pub fn table() -> String {
    let accounts = accounts();
    let alike = accounts.values().filter(|reasons| reasons.is_empty()).count();
    let mut text = format!(
        "parity: {} conversations, {alike} alike, {} differ for a reason\n",
        accounts.len(),
        accounts.len() - alike
    );
    for (name, reasons) in accounts.iter().filter(|(_, reasons)| !reasons.is_empty()) {
        text += &format!("  {name}: {}\n", reasons.join("; "));
    }
    text
}
