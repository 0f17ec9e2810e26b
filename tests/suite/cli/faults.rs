//! The matrix of faults: whatever breaks, wherever, no write is without an intent on disk, and after the next start no
//! outcome is missing. The test writes the table of `docs/reliability.md`.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::process::{Child, Command};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Mutex, RwLock};
use std::time::{Duration, Instant};

use jiff::Timestamp;
use sayso::audit::{ActionId, AuditLog, Entry};
use sayso::sandbox::FaultAnswer;
use serde_json::{Value, json};

use super::broken_disk::BrokenDisk;
use super::control_plane::{ControlPlane, programs};
use super::gateway::Gateway;
use super::planner::Reply;
use super::stand::{Ran, Stand, interrupt};

const REQUEST: &str = "label them all";
const NAMES: [&str; 5] = ["web", "cart", "payments-api", "checkout-worker", "web"];
/// Cases at once. Most of the time is spent waiting.
const AT_ONCE: usize = 8;

/// Five writes; the last is on the object of the first.
fn plan() -> String {
    let each = NAMES
        .iter()
        .enumerate()
        .map(|(step, name)| format!("label deployment/{name} step{step}=done\n"));
    each.collect()
}

fn is_done(stand: &Stand, step: usize) -> bool {
    let label = format!("/metadata/labels/step{step}");
    !stand.deployment(NAMES[step], &label).is_null()
}

/// What is wrong after a case: nothing, if all is well.
type Lost = Vec<String>;

/// Where the cases are tried. What one leaves behind is nothing to the next.
#[derive(Clone, Copy)]
enum On {
    /// Each on a sandbox of its own.
    Sandbox,
    /// Each in a namespace of its own of one real control plane.
    ControlPlane,
}

/// The one of this process, while it is tried.
static PLANE: RwLock<Option<ControlPlane>> = RwLock::new(None);

impl On {
    fn stand(self) -> Stand {
        static SPACES: AtomicU32 = AtomicU32::new(0);
        if matches!(self, On::Sandbox) {
            return Stand::own();
        }
        let plane = PLANE.read().unwrap();
        let plane = plane.as_ref().unwrap();
        let space = format!("shop-{}", SPACES.fetch_add(1, Ordering::Relaxed));
        plane.kubectl(&["create", "-f", "-"], &shop(&space)).unwrap();
        let stand = Stand::behind(Gateway::to(&plane.kubeconfig(), &space));
        // Its controller writes to a new deployment until it is available.
        let is_available = |name: &&str| {
            let conditions = stand.deployment(name, "/status/conditions").to_string();
            conditions.contains("MinimumReplicasAvailable") && conditions.contains("NewReplicaSetAvailable")
        };
        wait(|| NAMES.iter().all(is_available));
        stand
    }

    /// How often a watch is cut, each in a case of its own. They need pods that run.
    fn watches(self) -> &'static [u32] {
        match self {
            On::Sandbox => &[1, 3],
            On::ControlPlane => &[],
        }
    }
}

/// What the cases change: deployments without pods in a namespace, as a list.
fn shop(space: &str) -> String {
    let deployment = |name: &&str| {
        json!({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": name, "namespace": space},
            "spec": {"replicas": 0, "selector": {"matchLabels": {"app": name}}, "template": {
                "metadata": {"labels": {"app": name}}, "spec": {"containers": [{"name": "main", "image": "nginx"}]}}}})
    };
    let namespace = json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": space}});
    let mut items = vec![namespace];
    items.extend(NAMES[..4].iter().map(deployment));
    json!({"apiVersion": "v1", "kind": "List", "items": items}).to_string()
}

/// One case: the row it counts for, and what to do.
struct Case {
    row: (u32, String),
    run: Box<dyn FnOnce() -> Lost + Send>,
}

fn case(order: u32, fault: &str, run: impl FnOnce() -> Lost + Send + 'static) -> Case {
    Case {
        row: (order, fault.to_owned()),
        run: Box::new(run),
    }
}

/// Rows by their place: how many cases were tried, and what was lost in them.
type Matrix = BTreeMap<(u32, String), (u32, Lost)>;

fn run_all(cases: Vec<Case>) -> Matrix {
    let (waiting, matrix) = (Mutex::new(cases.into_iter()), Mutex::new(Matrix::new()));
    std::thread::scope(|scope| {
        for _ in 0..AT_ONCE {
            scope.spawn(|| {
                loop {
                    let Some(case) = waiting.lock().unwrap().next() else {
                        return;
                    };
                    let lost = catch_unwind(AssertUnwindSafe(case.run)).unwrap_or_else(|panic| {
                        let words = panic.downcast_ref::<String>().cloned();
                        vec![words.unwrap_or_else(|| "a panic".to_owned())]
                    });
                    let mut matrix = matrix.lock().unwrap();
                    let (tried, all) = matrix.entry(case.row).or_default();
                    *tried += 1;
                    if !lost.is_empty() {
                        all.push(format!("case {tried}: {}", lost.join("; ")));
                    }
                }
            });
        }
    });
    matrix.into_inner().unwrap()
}

fn table(matrix: &Matrix) -> String {
    let mut table = "| fault | tried | survived | lost |\n|---|---|---|---|\n".to_owned();
    for ((_, fault), (tried, lost)) in matrix {
        let lost = lost.len();
        let _ = writeln!(
            table,
            "| {fault} | {tried} | {} | {lost} |",
            *tried as usize - lost
        );
    }
    table
}

/// What is wrong after the next start. `told` is what the program said, where it lived to say something.
fn lost(stand: &Stand, told: Option<&Ran>) -> Lost {
    let mut lost = Lost::new();
    if let Some(ran) = told {
        let done = (0..NAMES.len()).all(|step| is_done(stand, step));
        if ran.code != Some(0) && ran.err.trim().is_empty() {
            lost.push(format!("no report: {ran}"));
        }
        if ran.code == Some(0) && !done {
            lost.push(format!("it says that all is done: {ran}"));
        }
    }
    let next = stand.ask("list pods", "get pods", &[]);
    if next.code != Some(0) {
        lost.push(format!("the next start fails: {next}"));
    }
    let verified = stand.run(&["audit", "verify", "-o", "json"]).json();
    if verified["breaks"] != json!([]) || verified["open_intents"] != json!([]) {
        lost.push(format!("the record: {verified}"));
    }
    let left = std::fs::read_dir(stand.path(".local/state/sayso/audit/open"));
    if left.is_ok_and(|mut left| left.next().is_some()) {
        lost.push("an action is still open".to_owned());
    }
    let (intents, outcomes) = (stand.records("intent"), stand.records("outcome"));
    for step in 0..NAMES.len() {
        let command = format!("step{step}=done");
        let is_intended = intents
            .iter()
            .any(|intent| intent["steps"].to_string().contains(&command));
        if is_done(stand, step) && !is_intended {
            lost.push(format!("step {step} was done without an intent"));
        }
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
    wait(|| stand.faults_met() >= faults);
}

fn wait(until: impl Fn() -> bool) {
    let begun = Instant::now();
    while !until() {
        assert!(begun.elapsed() < Duration::from_secs(900), "it never came");
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// The write of a step, as the path of its request has it; its dry run comes before with another query.
fn write_of(step: usize) -> String {
    format!("deployments/{}?fieldManager", NAMES[step])
}

/// Makes the write of a step meet a fault. The fifth goes to the object of the first, whose own write comes before.
fn inject(stand: &Stand, step: usize, answer: FaultAnswer, times: u32) -> u64 {
    // Its first try meets a newer version, and it is put on that.
    let skipped = if step == 4 { 2 } else { 0 };
    let pass = FaultAnswer::Delay(Duration::ZERO);
    stand.inject("PATCH", &write_of(step), pass, skipped);
    stand.inject("PATCH", &write_of(step), answer, times);
    1 + u64::from(skipped)
}

fn begin(stand: &Stand) -> Child {
    stand.expect(REQUEST, Reply::Text(plan()));
    stand.sayso(&[REQUEST, "--yes"]).spawn().unwrap()
}

fn ended(child: Child) -> Ran {
    Ran::of(&[REQUEST, "--yes"], &child.wait_with_output().unwrap())
}

fn finished(stand: &Stand) -> Ran {
    ended(begin(stand))
}

/// Kills it with SIGKILL at the write of each step: before the server does it, and after.
fn kills(on: On) -> Vec<Case> {
    let kill = move |step: usize, answer: FaultAnswer| {
        let stand = on.stand();
        let met = inject(&stand, step, answer, 1);
        let mut child = begin(&stand);
        wait_for(&stand, met);
        if answer == FaultAnswer::Lose {
            wait(|| is_done(&stand, step));
        }
        child.kill().unwrap();
        child.wait().unwrap();
        assert_eq!(is_done(&stand, step), answer == FaultAnswer::Lose);
        assert!((0..step).all(|step| is_done(&stand, step)));
        lost(&stand, None)
    };
    let ways = [(FaultAnswer::Hang, "before"), (FaultAnswer::Lose, "after")];
    let each = (0..NAMES.len()).flat_map(|step| ways.map(|(answer, words)| (step, answer, words)));
    each.map(|(step, answer, words)| {
        let name = format!("kill -9 {words} a step of five is done");
        case(1, &name, move || kill(step, answer))
    })
    .collect()
}

/// The server answers a write, or everything, with an error: once, or always.
fn answers(on: On) -> Vec<Case> {
    let writes = move |code: u16, step: usize, times: u32| {
        let stand = on.stand();
        inject(&stand, step, FaultAnswer::Status(code), times);
        let ran = finished(&stand);
        assert!(step == 0 || is_done(&stand, 0), "{ran}");
        assert!(stand.faults_met() > 0);
        stand.heal();
        lost(&stand, Some(&ran))
    };
    let all = move |code: u16, times: u32| {
        let stand = on.stand();
        stand.inject("", "", FaultAnswer::Status(code), times);
        let ran = finished(&stand);
        stand.heal();
        lost(&stand, Some(&ran))
    };
    let mut cases = Vec::new();
    for code in [409, 422, 429, 500, 503] {
        for (step, times) in [(0, 1), (0, 99), (2, 1), (2, 99), (4, 1)] {
            let name = format!("the API server answers {code} to a write");
            cases.push(case(2, &name, move || writes(code, step, times)));
        }
    }
    for code in [429, 500, 503] {
        for times in [1, 3, 9999] {
            let name = format!("the API server answers {code} to everything, for a while or for good");
            cases.push(case(3, &name, move || all(code, times)));
        }
    }
    cases
}

/// The server is gone in the middle: the write of a step gets no whole answer, and nothing afterwards gets any.
fn deaths(on: On) -> Vec<Case> {
    let die = move |step: usize, answer: FaultAnswer| {
        let stand = on.stand();
        let met = inject(&stand, step, answer, 1);
        let child = begin(&stand);
        wait_for(&stand, met);
        stand.inject("", "", FaultAnswer::Close, 9999);
        let ran = ended(child);
        assert_ne!(ran.code, Some(0), "{ran}");
        assert_eq!(is_done(&stand, step), answer == FaultAnswer::Cut, "{ran}");
        assert!(ran.err.contains("is not known"), "{ran}");
        stand.heal();
        lost(&stand, Some(&ran))
    };
    let ways = [(FaultAnswer::Close, "before"), (FaultAnswer::Cut, "after")];
    let each = (0..NAMES.len()).flat_map(|step| ways.map(|(answer, words)| (step, answer, words)));
    each.map(|(step, answer, words)| {
        let name = format!("the API server dies {words} it does the write of a step");
        case(4, &name, move || die(step, answer))
    })
    .collect()
}

/// The server takes a write and says nothing any more. It is waited for as long as a request may take, and the user may have
/// pressed Ctrl-C meanwhile.
fn hangs(on: On) -> Vec<Case> {
    let hang = move |step: usize, answer: FaultAnswer, stops: bool| {
        let stand = on.stand();
        let met = inject(&stand, step, answer, 1);
        let child = begin(&stand);
        wait_for(&stand, met);
        let ran = if stops {
            interrupt(child, &[REQUEST, "--yes"])
        } else {
            ended(child)
        };
        assert_eq!(is_done(&stand, step), answer == FaultAnswer::Lose, "{ran}");
        assert!(!matches!(ran.code, Some(0) | None), "{ran}");
        lost(&stand, Some(&ran))
    };
    let mut cases = Vec::new();
    for (answer, words) in [(FaultAnswer::Hang, "before"), (FaultAnswer::Lose, "after")] {
        for (step, stops) in [(1, false), (4, false), (1, true)] {
            let name = format!("the API server hangs {words} it does the write of a step");
            cases.push(case(5, &name, move || hang(step, answer, stops)));
        }
    }
    cases
}

/// Reads that break off.
fn cuts(on: On) -> Vec<Case> {
    let cut = move |path: &str, times: u32| {
        let stand = on.stand();
        stand.inject("GET", path, FaultAnswer::Close, times);
        let ran = finished(&stand);
        assert!(stand.faults_met() > 0, "{path}: {ran}");
        stand.heal();
        lost(&stand, Some(&ran))
    };
    let mut cases = Vec::new();
    for path in [
        "deployments/web",
        "deployments/payments-api",
        "namespaces",
        "apis",
    ] {
        for times in [1, 99] {
            cases.push(case(6, "a read is cut", move || cut(path, times)));
        }
    }
    for times in on.watches() {
        cases.push(case(7, "a watch is cut, or begun too late", move || {
            super::watches::cut(*times)
        }));
    }
    cases
}

/// Something happens at each thing that is done to the audit log's files.
fn disks(on: On) -> Vec<Case> {
    let measured = on.stand();
    let operations = broken(&measured, "", 0).1;
    assert!(operations > 10, "{operations} operations were seen");
    let rows = [
        (
            8,
            "kill",
            "kill -9 before each operation on the audit log's files",
        ),
        (
            8,
            "torn",
            "kill -9 after each operation on the audit log's files, of writes after their first half",
        ),
        (9, "full", "the disk is full from each operation on"),
        (
            9,
            "read-only",
            "the file system is read-only from each operation on",
        ),
        (9, "flaky", "one operation fails (EIO)"),
        (
            11,
            "back",
            "the clock jumps back by ten years at each operation on the audit log's files",
        ),
    ];
    let each = rows
        .into_iter()
        .flat_map(|row| (1..=operations).map(move |at| (row, at)));
    each.map(|((order, how, name), at)| {
        case(order, name, move || {
            let stand = on.stand();
            let (ran, _) = broken(&stand, how, at);
            let is_killed = matches!(how, "kill" | "torn");
            assert_eq!(ran.code.is_none(), is_killed, "{how} at {at}: {ran}");
            let mut lost = lost(&stand, (!is_killed).then_some(&ran));
            if !lost.is_empty() {
                lost.push(format!("{how} at {at}: {ran}"));
            }
            lost
        })
    })
    .collect()
}

/// Runs the five steps on a disk that breaks at an operation; also gives how many there were.
fn broken(stand: &Stand, how: &str, at: u32) -> (Ran, u32) {
    stand.expect(REQUEST, Reply::Text(plan()));
    let disk = BrokenDisk::under(&stand.path(".local/state/sayso/audit"), &stand.path("operations"));
    let mut command: Command = stand.sayso(&[REQUEST, "--yes"]);
    let output = disk.breaks(&mut command, how, at).output().unwrap();
    (Ran::of(&[REQUEST, "--yes"], &output), disk.operations())
}

/// The log cannot be opened, or not written whole.
fn obstacles(on: On) -> Vec<Case> {
    let in_the_way = move |name: &'static str| {
        let stand = on.stand();
        if name == "open" {
            stand.run(&["list pods", "--context", "staging"]);
        }
        let path = stand.write(&format!(".local/state/sayso/audit/{name}"), "");
        let ran = finished(&stand);
        assert!(ran.code == Some(1) && !is_done(&stand, 0), "{ran}");
        std::fs::remove_file(path).unwrap();
        if name != "open" {
            std::fs::remove_dir_all(stand.path(".local/state/sayso/audit")).unwrap();
        }
        lost(&stand, Some(&ran))
    };
    let limited = move |blocks: usize| {
        let stand = on.stand();
        stand.run(&["list pods", "--context", "staging"]);
        stand.expect(REQUEST, Reply::Text(plan()));
        let script = format!("trap '' XFSZ; ulimit -f {blocks}; exec \"$@\"");
        let mut command = stand.command("sh");
        command.args(["-c", &script, "sh", env!("CARGO_BIN_EXE_sayso"), REQUEST, "--yes"]);
        let ran = Ran::of(&[REQUEST, "--yes"], &command.output().unwrap());
        lost(&stand, Some(&ran))
    };
    let mut cases: Vec<Case> = ["audit.jsonl/in-the-way", "open"]
        .map(|name| case(10, "something is in the way of the log", move || in_the_way(name)))
        .into();
    cases.extend([0, 2, 8, 32, 128].map(|blocks| {
        case(
            10,
            "the log may not grow beyond a quota that is met within a record",
            move || limited(blocks),
        )
    }));
    cases
}

/// Records of the future lie in the log: the clock was put back.
fn clocks(on: On) -> Lost {
    let stand = on.stand();
    stand.run(&["list pods", "--context", "staging"]);
    let log = AuditLog::open(stand.log().parent().unwrap()).unwrap();
    let future: Timestamp = "2099-01-01T00:00:00Z".parse().unwrap();
    let action = ActionId::new("ffffffff-ffff-7fff-bfff-ffffffffffff".parse().unwrap());
    let body = json!({"user": "tester", "outcome": "answered"});
    log.append(Entry::Read { action, body }, future).unwrap();
    let ran = finished(&stand);
    assert_eq!(ran.code, Some(0), "{ran}");
    let undo = stand.run(&["undo", "--plan-only"]);
    assert!(undo.out.contains("deployment/web"), "{undo}");
    lost(&stand, Some(&ran))
}

/// The model server fails in its ways.
fn models(on: On) -> Vec<Case> {
    let fail = move |reply: Option<Reply>| {
        let stand = on.stand();
        let gone = "http://127.0.0.1:9/v1#gone";
        let model = if reply.is_none() {
            vec!["--model", gone]
        } else {
            vec![]
        };
        stand.expect(REQUEST, reply.unwrap_or(Reply::Page));
        let ran = stand.run(&[vec![REQUEST, "--yes"], model].concat());
        assert!(ran.code != Some(0) && !is_done(&stand, 0), "{ran}");
        lost(&stand, Some(&ran))
    };
    let replies = [
        Some(Reply::Status(429)),
        Some(Reply::Status(500)),
        Some(Reply::Status(503)),
        Some(Reply::Page),
        Some(Reply::Text("no plan at all".to_owned())),
        Some(Reply::Half(plan())),
        None,
    ];
    let mut cases: Vec<Case> = replies
        .into_iter()
        .map(|reply| {
            case(
                12,
                "the model server fails, talks nonsense, breaks off or is gone",
                move || fail(reply),
            )
        })
        .collect();
    cases.push(case(13, "kill -9 while the model thinks", move || {
        let mut stand = on.stand();
        stand.expect(REQUEST, Reply::Silence);
        let mut child = stand.sayso(&[REQUEST, "--yes"]).spawn().unwrap();
        stand.prompt();
        child.kill().unwrap();
        child.wait().unwrap();
        lost(&stand, None)
    }));
    cases
}

/// Tries everything, and holds the table between these two marks of the page to what came of it.
fn hold(on: On, begin: &str, end: &str) {
    let mut cases = hangs(on);
    cases.extend(kills(on));
    cases.extend(answers(on));
    cases.extend(deaths(on));
    cases.extend(cuts(on));
    cases.extend(disks(on));
    cases.extend(obstacles(on));
    cases.push(case(11, "the log holds records of the future", move || {
        clocks(on)
    }));
    cases.extend(models(on));
    let matrix = run_all(cases);
    let lost: Vec<_> = matrix.iter().filter(|(_, (_, lost))| !lost.is_empty()).collect();
    assert!(lost.is_empty(), "{lost:#?}");
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/reliability.md");
    let page = std::fs::read_to_string(path).unwrap();
    let (before, rest) = page.split_once(begin).unwrap();
    let (_, after) = rest.split_once(end).unwrap();
    let fresh = format!("{before}{begin}{}{end}{after}", table(&matrix));
    if std::env::var_os("SAYSO_WRITE_DOCS").is_some() {
        std::fs::write(path, &fresh).unwrap();
        return;
    }
    assert_eq!(page, fresh, "SAYSO_WRITE_DOCS=1 writes the table anew");
}

#[test]
fn whatever_breaks_nothing_is_lost() {
    hold(On::Sandbox, "<!-- table -->\n", "<!-- end -->");
}

#[test]
#[ignore = "needs the control plane that `tests/cluster/build` makes"]
fn nothing_is_lost_on_a_real_control_plane_either() {
    *PLANE.write().unwrap() = Some(ControlPlane::start(&programs().unwrap()));
    let held = catch_unwind(|| hold(On::ControlPlane, "<!-- real -->\n", "<!-- real end -->"));
    // It leaves no process behind, whatever came of it.
    drop(PLANE.write().unwrap().take());
    held.unwrap_or_else(|panic| std::panic::resume_unwind(panic));
}

/// What the tests here lean on: an undo of what was reconciled walks back what was done, and nothing else.
#[test]
fn what_a_crash_left_half_done_can_be_taken_back() {
    let stand = Stand::own();
    stand.inject("PATCH", &write_of(2), FaultAnswer::Lose, 1);
    let mut child = begin(&stand);
    wait_for(&stand, 1);
    wait(|| is_done(&stand, 2));
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

/// A write whose answer was lost is on record as open, cannot be undone before it is known, and then can.
#[test]
fn a_write_whose_answer_was_lost_is_looked_up_and_can_be_taken_back() {
    let stand = Stand::own();
    stand.inject("PATCH", &write_of(1), FaultAnswer::Cut, 1);
    let ran = finished(&stand);
    assert_eq!(ran.code, Some(1), "{ran}");
    assert!(ran.err.contains("whether step 2 was done is not known"), "{ran}");
    assert!(is_done(&stand, 1) && !is_done(&stand, 2));
    let early = stand.run(&["undo", "--yes"]);
    assert!(early.err.contains("is not known yet"), "{early}");
    let next = stand.ask("list pods", "get pods", &[]);
    let told = "applied, applied, not-applied, not-applied, not-applied";
    assert!(next.err.contains(told), "{next}");
    let undone = stand.run(&["undo", "--yes"]);
    assert_eq!(undone.code, Some(0), "{undone}");
    assert!((0..5).all(|step| !is_done(&stand, step)), "{undone}");
}
