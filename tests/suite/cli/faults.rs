//! The matrix of faults: whatever breaks, wherever, no write is without an intent on disk, and after the next start no
//! outcome is missing. The test writes the table of `docs/reliability.md`.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::time::{Duration, Instant};

use jiff::Timestamp;
use sayso::audit::{ActionId, AuditLog, Entry};
use sayso::sandbox::FaultAnswer;
use serde_json::{Value, json};

use super::planner::Reply;
use super::stand::{Ran, Stand};

const REQUEST: &str = "label them all";
const NAMES: [&str; 5] = ["web", "cart", "payments-api", "checkout-worker", "web"];

/// Five writes; the last is on the object of the first.
fn plan() -> String {
    let each = NAMES
        .iter()
        .enumerate()
        .map(|(step, name)| format!("label deployment/{name} step{step}=done\n"));
    each.collect()
}

fn is_done(stand: &Stand, step: usize) -> bool {
    !stand
        .live(
            "Deployment",
            "shop",
            NAMES[step],
            &format!("/metadata/labels/step{step}"),
        )
        .is_null()
}

/// One row of the table.
#[derive(Default)]
struct Row {
    tried: u32,
    survived: u32,
}

/// Faults by name, in the order of the table.
#[derive(Default)]
struct Matrix(BTreeMap<(u32, String), Row>);

impl Matrix {
    /// Counts a case, and fails the test with what was lost.
    fn count(&mut self, order: u32, fault: &str, stand: &Stand, told: Option<&Ran>) {
        let row = self.0.entry((order, fault.to_owned())).or_default();
        row.tried += 1;
        let lost = lost(stand, told);
        eprintln!("{fault}: {}", row.tried);
        assert!(lost.is_empty(), "{fault}: {lost:?}");
        row.survived += 1;
    }

    fn table(&self) -> String {
        let mut table = "| fault | tried | survived | lost |\n|---|---|---|---|\n".to_owned();
        for ((_, fault), row) in &self.0 {
            let _ = writeln!(
                table,
                "| {fault} | {} | {} | {} |",
                row.tried,
                row.survived,
                row.tried - row.survived
            );
        }
        table
    }
}

/// What is wrong after the next start: nothing, if all is well.
fn lost(stand: &Stand, told: Option<&Ran>) -> Vec<String> {
    let mut lost = Vec::new();
    if let Some(ran) = told
        && ran.code != Some(0)
        && ran.err.trim().is_empty()
    {
        lost.push(format!("no report: {ran}"));
    }
    let next = stand.ask("list pods", "get pods", &[]);
    if next.code != Some(0) {
        lost.push(format!("the next start fails: {next}"));
    }
    let verified = stand.run(&["audit", "verify", "-o", "json"]).json();
    if verified["breaks"] != json!([]) || verified["open_intents"] != json!([]) {
        lost.push(format!("the record: {verified}"));
    }
    let intents = stand.records("intent");
    for step in 0..NAMES.len() {
        let command = format!("step{step}=done");
        let is_intended = intents
            .iter()
            .any(|intent| intent["steps"].to_string().contains(&command));
        if is_done(stand, step) && !is_intended {
            lost.push(format!("step {step} was done without an intent"));
        }
        let outcomes = stand.records("outcome");
        let claims = outcomes
            .iter()
            .any(|outcome| outcome["steps"][step]["result"]["applied"] == true);
        if claims != is_done(stand, step) {
            lost.push(format!(
                "step {step}: the record says {claims}, and the cluster the opposite: {outcomes:?}"
            ));
        }
    }
    lost
}

/// Waits until the cluster has met so many faults.
fn wait_for(stand: &Stand, faults: u64) {
    let begun = Instant::now();
    while stand.cluster.faults_met() < faults {
        assert!(
            begun.elapsed() < Duration::from_secs(60),
            "the fault was never met"
        );
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// The write of a step, as the path of its request has it; its dry run comes before with another query.
fn write_of(step: usize) -> String {
    format!("deployments/{}?fieldManager", NAMES[step])
}

fn begin(stand: &Stand) -> std::process::Child {
    stand.expect(REQUEST, Reply::Text(plan()));
    stand.sayso(&[REQUEST, "--yes"]).spawn().unwrap()
}

/// Kills it with SIGKILL at the write of each step: before the server does it, and after.
fn kills(matrix: &mut Matrix) {
    for step in 0..NAMES.len() {
        for (answer, words) in [(FaultAnswer::Hang, "before"), (FaultAnswer::Lose, "after")] {
            let stand = Stand::own();
            // The fifth write goes to the object of the first: its first try meets a newer version, and it is put on that.
            let skipped = if step == 4 { 2 } else { 0 };
            stand.inject(
                "PATCH",
                &write_of(step),
                FaultAnswer::Delay(Duration::ZERO),
                skipped,
            );
            stand.inject("PATCH", &write_of(step), answer, 1);
            let mut child = begin(&stand);
            wait_for(&stand, 1 + u64::from(skipped));
            if answer == FaultAnswer::Lose {
                let begun = Instant::now();
                while !is_done(&stand, step) && begun.elapsed() < Duration::from_secs(10) {
                    std::thread::sleep(Duration::from_millis(5));
                }
            }
            child.kill().unwrap();
            child.wait().unwrap();
            assert_eq!(is_done(&stand, step), answer == FaultAnswer::Lose);
            matrix.count(
                1,
                &format!("kill -9 {words} a step of five is done"),
                &stand,
                None,
            );
        }
    }
}

/// The server answers the write of each step with an error: once, or always.
fn answers(matrix: &mut Matrix) {
    for code in [409, 422, 429, 500, 503] {
        for (step, times) in [(0, 1), (2, 99)] {
            let stand = Stand::own();
            stand.inject("PATCH", &write_of(step), FaultAnswer::Status(code), times);
            stand.expect(REQUEST, Reply::Text(plan()));
            let ran = stand.run(&[REQUEST, "--yes"]);
            assert!(is_done(&stand, 0) || step == 0, "{ran}");
            matrix.count(
                2,
                &format!("the API server answers {code} to a write"),
                &stand,
                Some(&ran),
            );
        }
    }
}

/// The server is gone in the middle: connections break, for good.
fn deaths(matrix: &mut Matrix) {
    for step in 0..4 {
        let stand = Stand::own();
        stand.inject("PATCH", &write_of(step), FaultAnswer::Close, 99);
        stand.expect(REQUEST, Reply::Text(plan()));
        let ran = stand.run(&[REQUEST, "--yes"]);
        assert_ne!(ran.code, Some(0), "{ran}");
        matrix.count(3, "the API server dies at a write", &stand, Some(&ran));
    }
    for path in ["watch=true", "deployments/web"] {
        let stand = Stand::own();
        stand.inject("GET", path, FaultAnswer::Close, 2);
        let ran = stand.ask("scale web to 4", "scale deployment/web --replicas=4", &["--yes"]);
        matrix.count(4, "a watch or a read is cut", &stand, Some(&ran));
    }
    let stand = Stand::own();
    stand.inject("PATCH", &write_of(1), FaultAnswer::Hang, 1);
    let child = begin(&stand);
    wait_for(&stand, 1);
    let id = rustix::process::Pid::from_child(&child);
    rustix::process::kill_process(id, rustix::process::Signal::KILL).unwrap();
    drop(child.wait_with_output());
    matrix.count(5, "the API server hangs, and the user gives up", &stand, None);
}

/// The disk is full at the intent, and at the outcome.
fn disks(matrix: &mut Matrix) {
    let measured = Stand::own();
    measured.ask(REQUEST, &plan(), &["--yes"]);
    let text = std::fs::read_to_string(measured.log()).unwrap();
    let intent = text.lines().next().unwrap().len();
    for (blocks, words) in [(0, "intent"), (2, "intent"), (intent / 512 + 2, "outcome")] {
        let stand = Stand::own();
        stand.run(&["list pods", "--context", "staging"]);
        stand.expect(REQUEST, Reply::Text(plan()));
        let script = format!("trap '' XFSZ; ulimit -f {blocks}; exec \"$@\"");
        let output = stand
            .command("sh")
            .args(["-c", &script, "sh", env!("CARGO_BIN_EXE_sayso"), REQUEST, "--yes"])
            .output()
            .unwrap();
        let ran = Ran::of(&[REQUEST, "--yes"], &output);
        assert_eq!(is_done(&stand, 0), words == "outcome", "{ran}");
        matrix.count(6, &format!("the disk is full at the {words}"), &stand, Some(&ran));
    }
    let stand = Stand::own();
    stand.write(".local/state/sayso/audit/audit.jsonl/in-the-way", "");
    stand.expect(REQUEST, Reply::Text(plan()));
    let ran = stand.run(&[REQUEST, "--yes"]);
    assert!(ran.code == Some(1) && !is_done(&stand, 0), "{ran}");
    std::fs::remove_dir_all(stand.path(".local/state/sayso/audit")).unwrap();
    matrix.count(7, "the log cannot be opened", &stand, Some(&ran));
    let stand = Stand::own();
    stand.run(&["list pods", "--context", "staging"]);
    stand.write(".local/state/sayso/audit/open", "a file in the way");
    stand.expect(REQUEST, Reply::Text(plan()));
    let ran = stand.run(&[REQUEST, "--yes"]);
    assert!(ran.code == Some(1) && !is_done(&stand, 0), "{ran}");
    std::fs::remove_file(stand.path(".local/state/sayso/audit/open")).unwrap();
    matrix.count(7, "the log cannot be opened", &stand, Some(&ran));
}

/// Records of the future lie in the log: the clock was put back.
fn clocks(matrix: &mut Matrix) {
    let stand = Stand::own();
    stand.run(&["list pods", "--context", "staging"]);
    let log = AuditLog::open(stand.log().parent().unwrap()).unwrap();
    let future: Timestamp = "2099-01-01T00:00:00Z".parse().unwrap();
    let action = ActionId::new("ffffffff-ffff-7fff-bfff-ffffffffffff".parse().unwrap());
    let body = json!({"user": "tester", "outcome": "answered"});
    log.append(Entry::Read { action, body }, future).unwrap();
    let ran = stand.ask(REQUEST, &plan(), &["--yes"]);
    assert_eq!(ran.code, Some(0), "{ran}");
    let undo = stand.run(&["undo", "--plan-only"]);
    assert!(undo.out.contains("deployment/web"), "{undo}");
    matrix.count(8, "the clock jumps back by decades", &stand, Some(&ran));
}

/// The model server fails in its ways.
fn models(matrix: &mut Matrix) {
    for reply in [
        Reply::Status(500),
        Reply::Status(503),
        Reply::Page,
        Reply::Text("no plan at all".to_owned()),
    ] {
        let stand = Stand::own();
        stand.expect(REQUEST, reply);
        let ran = stand.run(&[REQUEST, "--yes"]);
        assert!(ran.code != Some(0) && !is_done(&stand, 0), "{ran}");
        matrix.count(9, "the model server fails", &stand, Some(&ran));
    }
    let mut stand = Stand::own();
    stand.expect(REQUEST, Reply::Silence);
    let mut child = stand.sayso(&[REQUEST, "--yes"]).spawn().unwrap();
    stand.prompt();
    child.kill().unwrap();
    child.wait().unwrap();
    matrix.count(10, "kill -9 while the model thinks", &stand, None);
}

#[test]
#[ignore = "takes minutes: `cargo test --test all faults -- --ignored`"]
fn whatever_breaks_nothing_is_lost() {
    let mut matrix = Matrix::default();
    kills(&mut matrix);
    answers(&mut matrix);
    deaths(&mut matrix);
    disks(&mut matrix);
    clocks(&mut matrix);
    models(&mut matrix);
    let table = matrix.table();
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/reliability.md");
    let page = std::fs::read_to_string(path).unwrap();
    let (before, rest) = page.split_once("<!-- table -->\n").unwrap();
    let (_, after) = rest.split_once("<!-- end -->").unwrap();
    let fresh = format!("{before}<!-- table -->\n{table}<!-- end -->{after}");
    if std::env::var_os("SAYSO_WRITE_DOCS").is_some() {
        std::fs::write(path, &fresh).unwrap();
        return;
    }
    assert_eq!(page, fresh, "SAYSO_WRITE_DOCS=1 writes the table anew");
}

/// What the tests here lean on: an undo of what was reconciled walks back what was done, and nothing else.
#[test]
fn what_a_crash_left_half_done_can_be_taken_back() {
    let stand = Stand::own();
    stand.inject("PATCH", &write_of(2), FaultAnswer::Lose, 1);
    let mut child = begin(&stand);
    wait_for(&stand, 1);
    while !is_done(&stand, 2) {
        std::thread::sleep(Duration::from_millis(5));
    }
    child.kill().unwrap();
    child.wait().unwrap();
    let next = stand.ask("list pods", "get pods", &[]);
    assert!(next.err.contains("was cut short"), "{next}");
    assert!(
        next.err
            .contains("applied, applied, applied, not-applied, not-applied"),
        "{next}"
    );
    let undone = stand.run(&["undo", "--yes"]);
    assert_eq!(undone.code, Some(0), "{undone}");
    assert!((0..5).all(|step| !is_done(&stand, step)), "{undone}");
    let last: Value = stand.records("outcome").pop().unwrap();
    assert_eq!(last["outcome"], "done");
}
