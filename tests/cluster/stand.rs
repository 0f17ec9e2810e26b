//! The two clusters, and what is compared of them.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{LazyLock, Mutex, MutexGuard};
use std::time::{Duration, Instant};

use libtest_mimic::Failed;
use regex::Regex;
use sayso::sandbox::{self, Options, Running, Seed};
use serde_json::Value;
use tempfile::TempDir;
use tokio::runtime::Runtime;

use super::cases::Case;
use super::control_plane::{ControlPlane, programs};
use super::faults;
use super::planner::{Planner, Reply};
use super::volatile::Volatile;

static STAND: Mutex<Option<Stand>> = Mutex::new(None);

/// What differed for a reason, a line each.
static DIFFERENCES: Mutex<String> = Mutex::new(String::new());

/// What differs between two clusters, and between two runs on one.
static VOLATILE: LazyLock<Volatile> = LazyLock::new(|| {
    Volatile::and(&[
        (r"resourceVersion: .*", "resourceVersion: N"),
        (r"\w{3}, \d\d \w{3} \d{4} \d\d:\d\d:\d\d \+0000", "TIME"),
        (r"\b\d+(ms|s|m|h|d)(\d+(s|m|h))?\b", "AGE"),
        (r"@@ .* @@", "@@"),
        // How far it was while somebody looked.
        (r"(?m)^(Waiting for deployment|evicting pod) .*\n", ""),
        (r"(?m)^pod/\S+ (evicted|condition met)\n", ""),
        (r"node-[123]\b", "NODE"),
        (r"\b(kwok-|v)\d+\.\d+\.\d+\b", "KUBELET"),
        (" +", " "),
    ])
});

/// Both clusters, seeded alike, and a model that says what the case says.
pub struct Stand {
    real: ControlPlane,
    sandbox: Running,
    home: TempDir,
    planner: Planner,
    model: String,
    runtime: Runtime,
}

impl Stand {
    /// The one stand of this process, started by whoever comes first.
    pub fn of_all() -> Guard {
        let mut stand = STAND.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        stand.get_or_insert_with(Stand::start);
        Guard(stand)
    }

    /// What differed for a reason, so far.
    pub fn differences() -> String {
        DIFFERENCES
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner)
            .clone()
    }

    /// Stops everything.
    pub fn end() {
        STAND
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner)
            .take();
    }

    fn start() -> Stand {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .enable_all()
            .build()
            .unwrap();
        let home = tempfile::tempdir().unwrap();
        let nodes = home.path().join("nodes.yaml");
        std::fs::write(&nodes, include_str!("nodes.yaml")).unwrap();
        let real = ControlPlane::start(&programs().unwrap());
        real.add_nodes(include_str!("nodes.yaml"));
        let options = Options {
            seed: Seed::Path(nodes),
            ..Options::default()
        };
        let sandbox = runtime.block_on(sandbox::start(options)).unwrap();
        std::fs::write(home.path().join("sandbox"), sandbox.kubeconfig()).unwrap();
        let (planner, base, _) = runtime.block_on(Planner::start());
        Stand {
            real,
            sandbox,
            home,
            planner,
            model: format!("{base}#scripted"),
            runtime,
        }
    }

    /// Makes every fault on both clusters, and holds the diagnoses against what they must find.
    fn diagnose_faults(&self) -> Result<(), Failed> {
        let mut missed = String::new();
        for (kubeconfig, is_real) in [
            (self.real.kubeconfig(), true),
            (self.home.path().join("sandbox"), false),
        ] {
            let kubectl = |arguments: &[&str], input: &str| {
                let arguments = [arguments, &["-n", faults::NAMESPACE]].concat();
                super::control_plane::kubectl(&Stand::program(), &kubeconfig, &arguments, input)
            };
            kubectl(&["create", "namespace", faults::NAMESPACE], "")?;
            // No pod is admitted before there is an account for it.
            kubectl(
                &["wait", "--for=create", "serviceaccount/default", "--timeout=60s"],
                "",
            )?;
            for fault in faults::all() {
                fault.make(&kubectl, is_real)?;
                let step = format!("| diagnose pod/{}", fault.name);
                let begun = Instant::now();
                let mut found = String::new();
                while !found.contains(&fault.says) && begun.elapsed() < Duration::from_secs(20) {
                    found = self.told(&kubeconfig, faults::NAMESPACE, "faults", &step);
                }
                if !found.contains(&fault.says) {
                    writeln!(missed, "{} (real: {is_real}): {found}", fault.name).unwrap();
                }
            }
            // No kubelet ends the pods whose status kwok leaves alone.
            kubectl(&["delete", "pods", "--all", "--force"], "")?;
            kubectl(&["delete", "namespace", faults::NAMESPACE, "--wait=false"], "")?;
        }
        if missed.is_empty() {
            Ok(())
        } else {
            Err(missed.into())
        }
    }

    fn hold(&self, case: &Case) -> Result<(), Failed> {
        let real = self
            .account(&self.real.kubeconfig(), case)
            .map_err(|why| format!("{}\n{}", why.message().unwrap_or_default(), self.real.state()))?;
        let sandbox = self.account(&self.home.path().join("sandbox"), case)?;
        let diff = similar::TextDiff::from_lines(&real, &sandbox);
        let known: Vec<(Regex, &str)> = case
            .known
            .iter()
            .map(|(lines, why)| (Regex::new(&format!("^(?:{lines})$")).unwrap(), *why))
            .collect();
        let mut reasons = BTreeSet::new();
        let is_known = |change: similar::Change<&str>| {
            let line = change.value().trim();
            let reason = known.iter().find(|(lines, _)| lines.is_match(line));
            reasons.extend(reason.map(|(_, why)| *why));
            reason.is_some()
        };
        let changes = diff
            .iter_all_changes()
            .filter(|change| change.tag() != similar::ChangeTag::Equal);
        if changes.map(is_known).fold(true, std::ops::BitAnd::bitand) {
            let lines = reasons
                .iter()
                .map(|reason| format!("  {}: {reason}\n", case.name));
            DIFFERENCES
                .lock()
                .unwrap_or_else(std::sync::PoisonError::into_inner)
                .extend(lines);
            return Ok(());
        }
        let diff = diff
            .unified_diff()
            .context_radius(4)
            .header("real", "sandbox")
            .to_string();
        Err(format!("{diff}\n----- whole account of the real one\n{real}").into())
    }

    /// Everything that came of a case on one cluster, without what is volatile.
    fn account(&self, kubeconfig: &Path, case: &Case) -> Result<String, Failed> {
        let namespace = case.name.replace('_', "-");
        let kubectl = |line: &str, input: &str| {
            let words = shlex::split(line).unwrap();
            let words: Vec<&str> = words
                .iter()
                .map(String::as_str)
                .chain(["-n", &namespace])
                .collect();
            super::control_plane::kubectl(&Stand::program(), kubeconfig, &words, input)
        };
        kubectl(&format!("create namespace {namespace}"), "")?;
        kubectl("apply -f -", include_str!("seed.yaml"))?;
        kubectl(
            "wait --for=condition=Available deployment --all --timeout=120s",
            "",
        )?;
        kubectl("rollout status statefulset/db --timeout=120s", "")?;
        let mut account = String::new();
        for step in case.steps {
            account += &self.step(kubeconfig, &namespace, case.name, step, &kubectl);
        }
        // What is left of one case would be on the nodes of the next.
        kubectl(&format!("delete namespace {namespace} --timeout=180s"), "")?;
        Ok(VOLATILE.leave_out(&account))
    }

    fn step(
        &self,
        kubeconfig: &Path,
        namespace: &str,
        case: &str,
        step: &str,
        kubectl: &dyn Fn(&str, &str) -> Result<String, String>,
    ) -> String {
        if let Some(line) = step.strip_prefix("$ kubectl ") {
            let (line, input) = line.split_once(" <<< ").unwrap_or((line, ""));
            let answer = kubectl(line, input);
            return format!("{step}\n{}\n", answer.unwrap_or_else(|error| error));
        }
        self.told(kubeconfig, namespace, case, step)
    }

    /// What `sayso` tells of a step.
    fn told(&self, kubeconfig: &Path, namespace: &str, case: &str, step: &str) -> String {
        let (flags, plan) = step.split_once("| ").unwrap_or(("", step));
        self.planner.expect(plan, Reply::Text(plan.to_owned()));
        let flags = shlex::split(flags).unwrap();
        let mut command = self.sayso(kubeconfig, case);
        command.args(["-o", "json", "-n", namespace]);
        command.args(flags.iter().filter(|flag| *flag != "undo"));
        if flags.contains(&"undo".to_owned()) {
            command.arg("undo");
        } else {
            command.args(["--", plan]);
        }
        let output = command.output().unwrap();
        let mut account = format!("> {step}\nexit {}\n", output.status.code().unwrap_or(-1));
        let told = String::from_utf8_lossy(&output.stdout).into_owned();
        if let Ok(told) = serde_json::from_str::<Value>(&told) {
            account += &essence(&told);
        } else {
            let complained = String::from_utf8_lossy(&output.stderr);
            writeln!(account, "{told}{complained}").unwrap();
        }
        account
    }

    /// `sayso`, with an audit log for each case on each cluster.
    fn sayso(&self, kubeconfig: &Path, case: &str) -> Command {
        let home = self.home.path().join(case).join(kubeconfig.file_name().unwrap());
        std::fs::create_dir_all(&home).unwrap();
        let mut command = Command::new(env!("CARGO_BIN_EXE_sayso"));
        command
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap())
            .env("HOME", &home)
            .env("USER", "tester")
            .env("KUBECONFIG", kubeconfig)
            .env("SAYSO_MODEL", &self.model)
            .current_dir(&home);
        command
    }

    fn program() -> PathBuf {
        programs().unwrap().join("kubectl")
    }
}

impl Drop for Stand {
    fn drop(&mut self) {
        // The sandbox's server goes with its runtime.
        let _ = (&self.sandbox, &self.runtime);
    }
}

/// The stand, held by one case.
pub struct Guard(MutexGuard<'static, Option<Stand>>);

impl Guard {
    /// The file that leads to the control plane.
    pub fn kubeconfig(&self) -> PathBuf {
        self.0.as_ref().unwrap().real.kubeconfig()
    }

    /// Makes every fault on both clusters, and holds the diagnoses against what they must find.
    pub fn diagnose_faults(&self) -> Result<(), Failed> {
        self.0.as_ref().unwrap().diagnose_faults()
    }

    /// Lets a case happen on both clusters, and compares what came of it.
    pub fn hold(&self, case: &Case) -> Result<(), Failed> {
        self.0.as_ref().unwrap().hold(case)
    }
}

/// What must be the same of a told outcome. The order of an object's fields is each server's own.
fn essence(told: &Value) -> String {
    let mut text = format!("outcome: {}\n", told["outcome"]);
    for step in told["steps"].as_array().into_iter().flatten() {
        for field in ["verdict", "reasons"] {
            writeln!(text, "  {field}: {}", step[field]).unwrap();
        }
        writeln!(text, "  problem: {}", step["problem"]["problem"]).unwrap();
        let diff = step["diff"].as_str().unwrap_or("");
        let changed = diff.lines().filter(|line| line.starts_with(['+', '-']));
        writeln!(text, "  diff:\n{}", unordered(changed)).unwrap();
        let result = &step["result"];
        for receipt in result["receipts"].as_array().into_iter().flatten() {
            writeln!(text, "  receipt: {} {}", receipt["request"], receipt["code"]).unwrap();
        }
        for field in ["applied", "verified", "settled", "error"] {
            writeln!(text, "  {field}: {}", result[field]).unwrap();
        }
    }
    for field in ["question", "answer"] {
        let said = told[field].as_str().unwrap_or("");
        writeln!(text, "{field}:\n{}", unordered(said.lines())).unwrap();
    }
    text
}

/// Lines in an order of their own, without the dashes that begin an item of a list, whichever of its fields comes first.
fn unordered<'a>(lines: impl Iterator<Item = &'a str>) -> String {
    let bare = |line: &'a str| {
        let (sign, rest) = line.split_at(line.len().min(usize::from(line.starts_with(['+', '-']))));
        format!(
            "    {sign}{}",
            rest.trim().trim_start_matches("- ").trim_end_matches(',')
        )
    };
    let mut all: Vec<String> = lines.filter(|line| !is_own(line)).map(bare).collect();
    all.sort();
    all.join("\n")
}

/// Lines about what a cluster says of itself and of its machines.
fn is_own(line: &str) -> bool {
    const OWN: [&str; 4] = ["resourceVersion", "uid:", "kubelet", "apiVersion"];
    OWN.iter().any(|own| line.contains(own))
}
