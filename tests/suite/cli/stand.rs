//! A home folder of its own, a cluster, a model, and the binary between them.

use std::fmt;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::{Arc, LazyLock};

use sayso::sandbox::{self, Fault, FaultAnswer, Options, Running, Seed};
use serde_json::Value;
use tempfile::TempDir;
use tokio::runtime::Runtime;
use tokio::sync::mpsc::UnboundedReceiver;

#[cfg(target_os = "linux")]
use super::gateway::Gateway;
use super::planner::{Planner, Reply};

/// What the servers of all tests run on.
pub static RUNTIME: LazyLock<Runtime> = LazyLock::new(|| {
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .unwrap()
});

/// The shop of all tests that change nothing.
static SHOP: LazyLock<Arc<Running>> = LazyLock::new(shop);

fn shop() -> Arc<Running> {
    let options = Options {
        seed: Seed::Shop,
        ..Options::default()
    };
    Arc::new(RUNTIME.block_on(sandbox::start(options)).unwrap())
}

/// Everything that one test needs.
pub struct Stand {
    pub home: TempDir,
    pub cluster: Arc<Running>,
    /// The way to a real cluster, for a stand that has one instead of the sandbox.
    #[cfg(target_os = "linux")]
    gateway: Option<Gateway>,
    planner: Planner,
    prompts: UnboundedReceiver<String>,
    model: String,
}

/// What a command printed, and how it ended.
pub struct Ran {
    line: String,
    pub code: Option<i32>,
    pub out: String,
    pub err: String,
}

impl Stand {
    /// With the shop that all share: for tests that change nothing.
    pub fn shared() -> Stand {
        Stand::with(SHOP.clone())
    }

    /// With a shop of its own.
    pub fn own() -> Stand {
        Stand::with(shop())
    }

    /// With a cluster of one's own that starts from this.
    pub fn seeded(seed: Seed) -> Stand {
        let options = Options {
            seed,
            ..Options::default()
        };
        Stand::with(Arc::new(RUNTIME.block_on(sandbox::start(options)).unwrap()))
    }

    /// With a real cluster behind this.
    #[cfg(target_os = "linux")]
    pub fn behind(gateway: Gateway) -> Stand {
        let mut stand = Stand::shared();
        stand.write("kubeconfig", gateway.kubeconfig());
        stand.gateway = Some(gateway);
        stand
    }

    fn with(cluster: Arc<Running>) -> Stand {
        let home = tempfile::tempdir().unwrap();
        std::fs::write(home.path().join("kubeconfig"), cluster.kubeconfig()).unwrap();
        let (planner, base, prompts) = RUNTIME.block_on(Planner::start());
        Stand {
            home,
            cluster,
            #[cfg(target_os = "linux")]
            gateway: None,
            planner,
            prompts,
            model: format!("{base}#scripted"),
        }
    }

    /// A path under the home folder.
    pub fn path(&self, name: &str) -> PathBuf {
        self.home.path().join(name)
    }

    /// Writes a file under the home folder, and its folders; gives its path.
    pub fn write(&self, name: &str, text: impl AsRef<[u8]>) -> PathBuf {
        let path = self.path(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, text).unwrap();
        path
    }

    /// The file of the audit log.
    pub fn log(&self) -> PathBuf {
        self.path(".local/state/sayso/audit/audit.jsonl")
    }

    /// The bodies of all records of one kind, oldest first. What a crash left of a line is no record.
    pub fn records(&self, kind: &str) -> Vec<Value> {
        let text = std::fs::read_to_string(self.log()).unwrap_or_default();
        let records = text
            .lines()
            .filter_map(|line| serde_json::from_str::<Value>(line).ok());
        records
            .filter(|record| record["entry"].get(kind).is_some())
            .map(|record| record["entry"][kind]["body"].clone())
            .collect()
    }

    /// Foresees a request to the model.
    pub fn expect(&self, request: &str, reply: Reply) {
        self.planner.expect(request, reply);
    }

    /// Waits until the model is asked; gives what it was asked.
    pub fn prompt(&mut self) -> String {
        self.prompts.blocking_recv().unwrap()
    }

    /// What the model was asked since the last look.
    pub fn prompts(&mut self) -> Vec<String> {
        std::iter::from_fn(|| self.prompts.try_recv().ok()).collect()
    }

    /// Makes the next requests to the cluster that match meet something else than their answer.
    pub fn inject(&self, method: &str, path_contains: &str, answer: FaultAnswer, times: u32) {
        let (method, path_contains) = (method.to_owned(), path_contains.to_owned());
        let fault = Fault {
            method,
            path_contains,
            answer,
            times,
        };
        #[cfg(target_os = "linux")]
        if let Some(gateway) = &self.gateway {
            return gateway.inject(fault);
        }
        self.cluster.inject(fault);
    }

    /// How many requests met a fault.
    pub fn faults_met(&self) -> u64 {
        #[cfg(target_os = "linux")]
        if let Some(gateway) = &self.gateway {
            return gateway.faults_met();
        }
        self.cluster.faults_met()
    }

    /// Forgets the faults that are left.
    pub fn heal(&self) {
        #[cfg(target_os = "linux")]
        if let Some(gateway) = &self.gateway {
            return gateway.heal();
        }
        self.cluster.heal();
    }

    /// A deployment of the shop, or of what stands for it on a real cluster.
    pub fn deployment(&self, name: &str, pointer: &str) -> Value {
        #[cfg(target_os = "linux")]
        if let Some(gateway) = &self.gateway {
            let deployment = gateway.deployment(name);
            return deployment.pointer(pointer).cloned().unwrap_or_default();
        }
        self.live("Deployment", "shop", name, pointer)
    }

    /// One field of an object in the cluster; null without the object.
    pub fn live(&self, kind: &str, namespace: &str, name: &str, pointer: &str) -> Value {
        let is_it = |object: &Value| {
            object["kind"] == kind
                && object["metadata"]["namespace"] == namespace
                && object["metadata"]["name"] == name
        };
        let object = self.cluster.objects().into_iter().find(is_it).unwrap_or_default();
        object.pointer(pointer).cloned().unwrap_or_default()
    }

    /// Replicas that a deployment of the shop should have.
    pub fn replicas(&self, name: &str) -> Value {
        self.live("Deployment", "shop", name, "/spec/replicas")
    }

    /// Another program, or this one, with nothing of the outside but PATH.
    pub fn command(&self, program: &str) -> Command {
        let mut command = Command::new(program);
        command
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap())
            .env("HOME", self.home.path())
            .env("USER", "tester")
            .env("KUBECONFIG", self.path("kubeconfig"))
            .env("SAYSO_MODEL", &self.model)
            .current_dir(self.home.path())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        command
    }

    /// `sayso` with these arguments.
    pub fn sayso(&self, arguments: &[&str]) -> Command {
        let mut command = self.command(env!("CARGO_BIN_EXE_sayso"));
        command.args(arguments);
        command
    }

    /// Runs it to its end.
    pub fn run(&self, arguments: &[&str]) -> Ran {
        Ran::of(arguments, &self.sayso(arguments).output().unwrap())
    }

    /// Runs it with something piped in.
    pub fn run_with(&self, arguments: &[&str], input: &str) -> Ran {
        piped(arguments, self.sayso(arguments), input)
    }

    /// Runs it where the planner's model advises as well.
    pub fn advised(&self, arguments: &[&str]) -> Ran {
        Ran::of(arguments, &self.with_adviser(arguments).output().unwrap())
    }

    /// The same with something piped in.
    pub fn advised_with(&self, arguments: &[&str], input: &str) -> Ran {
        piped(arguments, self.with_adviser(arguments), input)
    }

    fn with_adviser(&self, arguments: &[&str]) -> Command {
        let mut command = self.sayso(arguments);
        command.env("SAYSO_ADVISER", "planner");
        command
    }

    /// Makes a request that the model answers with this plan.
    pub fn ask(&self, request: &str, plan: &str, flags: &[&str]) -> Ran {
        self.expect(request, Reply::Text(plan.to_owned()));
        self.run(&[&[request], flags].concat())
    }
}

fn piped(arguments: &[&str], mut command: Command, input: &str) -> Ran {
    let mut child = command.stdin(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
    Ran::of(arguments, &child.wait_with_output().unwrap())
}

impl Ran {
    /// What became of a process.
    pub fn of(arguments: &[&str], output: &Output) -> Ran {
        let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
        Ran {
            line: shlex::try_join(arguments.iter().copied()).unwrap(),
            code: output.status.code(),
            out: text(&output.stdout),
            err: text(&output.stderr),
        }
    }

    /// The object that `-o json` printed.
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.out).unwrap_or_else(|error| panic!("{error} in {self}"))
    }
}

impl fmt::Display for Ran {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let code = self
            .code
            .map_or_else(|| "by a signal".to_owned(), |code| code.to_string());
        writeln!(formatter, "$ sayso {}\nexit {code}", self.line)?;
        for (name, text) in [("stdout", &self.out), ("stderr", &self.err)] {
            if !text.is_empty() {
                write!(formatter, "----- {name}\n{text}")?;
            }
        }
        Ok(())
    }
}

/// Sends SIGINT to a process, and waits for its end.
pub fn interrupt(child: Child, arguments: &[&str]) -> Ran {
    let id = rustix::process::Pid::from_child(&child);
    rustix::process::kill_process(id, rustix::process::Signal::INT).unwrap();
    Ran::of(arguments, &child.wait_with_output().unwrap())
}

/// Whether a program is there; where it is not, the test that needs it says so and does nothing.
pub fn has(program: &str) -> bool {
    let found = std::env::split_paths(&std::env::var_os("PATH").unwrap())
        .any(|folder| folder.join(program).is_file());
    if !found {
        eprintln!("skipped: {program} is not installed");
    }
    found
}

/// The folder of the binaries under test.
pub fn binaries() -> &'static Path {
    Path::new(env!("CARGO_BIN_EXE_sayso")).parent().unwrap()
}
