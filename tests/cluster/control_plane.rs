//! A real control plane on loopback: etcd, API server, controller manager, scheduler, and kwok in place of kubelets.

use std::fs::File;
use std::io::Write as _;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use sha2::{Digest as _, Sha256};
use tempfile::TempDir;

use super::certificates;

/// Everything that has to be there.
const PROGRAMS: &[&str] = &[
    "etcd",
    "kube-apiserver",
    "kube-controller-manager",
    "kube-scheduler",
    "kwok",
    "kubectl",
];

/// How long it may take to be ready; a loaded machine of two cores needs a good part of it.
const PATIENCE: Duration = Duration::from_secs(180);

/// Everything that is asked of the API server, as audit events without bodies.
const AUDIT_POLICY: &str =
    "apiVersion: audit.k8s.io/v1\nkind: Policy\nomitStages: [RequestReceived]\nrules:\n- level: Metadata\n";

/// The annotation of pods whose status kwok leaves to whoever writes it.
pub const OWN_STATUS: &str = "kwok.x-k8s.io/status=own";

/// A running control plane. It ends, and its folder goes, when this is dropped.
pub struct ControlPlane {
    children: Vec<Child>,
    folder: TempDir,
    programs: PathBuf,
}

/// The folder of ready programs: `KUBEBUILDER_ASSETS`, else what `tests/cluster/build` made. An error says what is missing.
pub fn programs() -> Result<PathBuf, String> {
    let folder = match std::env::var_os("KUBEBUILDER_ASSETS") {
        Some(folder) => PathBuf::from(folder),
        None => built(),
    };
    let missing: Vec<&str> = PROGRAMS
        .iter()
        .copied()
        .filter(|program| !folder.join(program).is_file())
        .collect();
    if missing.is_empty() {
        return Ok(folder);
    }
    Err(format!(
        "no {} in `{}`; `tests/cluster/build` makes them with Go",
        missing.join(", "),
        folder.display()
    ))
}

/// Where the build script puts them.
fn built() -> PathBuf {
    let mut hash = Sha256::new();
    hash.update(include_bytes!("go.mod"));
    hash.update(include_bytes!("go.sum"));
    hash.update(include_bytes!("kwok/go.mod"));
    hash.update(include_bytes!("kwok/go.sum"));
    let digest = hex::encode(hash.finalize());
    let cache = std::env::var_os("XDG_CACHE_HOME").map_or_else(
        || PathBuf::from(std::env::var_os("HOME").unwrap_or_default()).join(".cache"),
        PathBuf::from,
    );
    cache.join("sayso/control-plane").join(&digest[..12])
}

impl ControlPlane {
    /// Starts one and waits until it has a default service account, which is the last thing to come.
    pub fn start(programs: &Path) -> ControlPlane {
        let mut plane = ControlPlane::storage(programs);
        let [kwok] = free_ports();
        plane.controllers();
        plane.kubelets(kwok);
        plane.wait(
            "a service account",
            &["get", "serviceaccount", "default", "-n", "default"],
        );
        plane
    }

    /// Starts etcd and the API server alone: objects stay as they were written.
    pub fn storage(programs: &Path) -> ControlPlane {
        let folder = tempfile::tempdir().unwrap();
        certificates::write(folder.path());
        std::fs::write(folder.path().join("audit-policy.yaml"), AUDIT_POLICY).unwrap();
        let mut plane = ControlPlane {
            children: Vec::new(),
            folder,
            programs: programs.to_owned(),
        };
        let [client, peer, secure] = free_ports();
        plane.etcd(client, peer);
        plane.api_server(client, secure);
        std::fs::write(plane.kubeconfig(), plane.config(secure)).unwrap();
        plane.wait("the API server", &["get", "--raw", "/readyz"]);
        plane
    }

    /// Adds machines, and waits until kwok answers for them: it may overlook what is scheduled to one that it does not know yet.
    pub fn add_nodes(&self, manifests: &str) {
        let kubectl = |arguments: &[&str], input: &str| self.kubectl(arguments, input).unwrap();
        kubectl(&["apply", "-f", "-"], manifests);
        kubectl(
            &["wait", "--for=condition=Ready", "node", "--all", "--timeout=120s"],
            "",
        );
    }

    /// The file for clients, as an administrator.
    pub fn kubeconfig(&self) -> PathBuf {
        self.path("kubeconfig")
    }

    /// Runs kubectl; gives what it printed, or what it complained of.
    pub fn kubectl(&self, arguments: &[&str], input: &str) -> Result<String, String> {
        kubectl(
            &self.programs.join("kubectl"),
            &self.kubeconfig(),
            arguments,
            input,
        )
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn etcd(&mut self, client: u16, peer: u16) {
        let (client, peer) = (url(client), url(peer));
        let data = self.path("etcd");
        self.spawn(
            "etcd",
            &[
                format!("--data-dir={}", data.display()),
                format!("--listen-client-urls={client}"),
                format!("--advertise-client-urls={client}"),
                format!("--listen-peer-urls={peer}"),
                format!("--initial-advertise-peer-urls={peer}"),
                format!("--initial-cluster=default={peer}"),
                "--unsafe-no-fsync".to_owned(),
                "--log-level=warn".to_owned(),
            ],
        );
    }

    fn api_server(&mut self, etcd: u16, port: u16) {
        let file = |flag: &str, name: &str| format!("--{flag}={}", self.path(name).display());
        let flags = [
            format!("--etcd-servers={}", url(etcd)),
            format!("--secure-port={port}"),
            file("tls-cert-file", "server.crt"),
            file("tls-private-key-file", "server.key"),
            file("client-ca-file", "ca.crt"),
            file("service-account-key-file", "accounts.pub"),
            file("service-account-signing-key-file", "accounts.key"),
            file("audit-policy-file", "audit-policy.yaml"),
            file("audit-log-path", "audit.log"),
            "--bind-address=127.0.0.1".to_owned(),
            "--service-account-issuer=https://kubernetes.default.svc".to_owned(),
            "--service-cluster-ip-range=10.96.0.0/16".to_owned(),
            "--authorization-mode=Node,RBAC".to_owned(),
            "--allow-privileged=true".to_owned(),
        ];
        self.spawn("kube-apiserver", &flags);
    }

    fn controllers(&mut self) {
        let kubeconfig = format!("--kubeconfig={}", self.kubeconfig().display());
        let file = |flag: &str, name: &str| format!("--{flag}={}", self.path(name).display());
        let own = [
            kubeconfig.clone(),
            file("service-account-private-key-file", "accounts.key"),
            file("root-ca-file", "ca.crt"),
            // kwok's sign of life may be late on a loaded machine, and it never makes a pod ready twice.
            "--node-monitor-grace-period=10m".to_owned(),
            "--leader-elect=false".to_owned(),
            "--secure-port=0".to_owned(),
        ];
        self.spawn("kube-controller-manager", &own);
        let own = [
            kubeconfig,
            "--leader-elect=false".to_owned(),
            "--secure-port=0".to_owned(),
        ];
        self.spawn("kube-scheduler", &own);
    }

    fn kubelets(&mut self, port: u16) {
        let flags = [
            format!("--kubeconfig={}", self.kubeconfig().display()),
            "--manage-all-nodes=true".to_owned(),
            format!("--disregard-status-with-annotation-selector={OWN_STATUS}"),
            format!("--server-address=127.0.0.1:{port}"),
        ];
        self.spawn("kwok", &flags);
    }

    /// Starts a program whose output goes to a file of its name.
    fn spawn(&mut self, program: &str, flags: &[String]) {
        let log = File::create(self.path(&format!("{program}.log"))).unwrap();
        let child = Command::new(self.programs.join(program))
            .args(flags)
            .current_dir(self.folder.path())
            .stdin(Stdio::null())
            .stdout(log.try_clone().unwrap())
            .stderr(log)
            .spawn();
        self.children.push(child.unwrap());
    }

    /// Asks until there is an answer.
    fn wait(&mut self, what: &str, arguments: &[&str]) {
        let begun = Instant::now();
        while let Err(why) = self.kubectl(arguments, "") {
            assert!(
                begun.elapsed() < PATIENCE && self.children.iter_mut().all(is_running),
                "{what} does not come: {why}\n{}",
                self.complaints()
            );
            std::thread::sleep(Duration::from_millis(200));
        }
    }

    /// What there is, and the ends of all logs.
    pub fn state(&self) -> String {
        let objects = self.kubectl(&["get", "nodes,pods,events", "-A", "-o", "wide"], "");
        format!("{}\n{}", objects.unwrap_or_else(|why| why), self.complaints())
    }

    /// The ends of all logs.
    fn complaints(&self) -> String {
        let end = |program: &&str| {
            let text = std::fs::read_to_string(self.path(&format!("{program}.log"))).unwrap_or_default();
            let lines: Vec<&str> = text.lines().rev().take(8).collect();
            let lines: Vec<&str> = lines.into_iter().rev().collect();
            format!("----- {program}\n{}\n", lines.join("\n"))
        };
        PROGRAMS.iter().map(end).collect()
    }

    fn config(&self, port: u16) -> String {
        let file = |name: &str| self.path(name).display().to_string();
        format!(
            "apiVersion: v1\nkind: Config\ncurrent-context: real\nclusters:\n- name: real\n  cluster: {{server: 'https://127.0.0.1:{port}', certificate-authority: '{}'}}\nusers:\n- name: admin\n  user: {{client-certificate: '{}', client-key: '{}'}}\ncontexts:\n- name: real\n  context: {{cluster: real, user: admin, namespace: shop}}\n",
            file("ca.crt"),
            file("admin.crt"),
            file("admin.key"),
        )
    }
}

impl Drop for ControlPlane {
    fn drop(&mut self) {
        for child in self.children.iter_mut().rev() {
            drop(child.kill());
            drop(child.wait());
        }
    }
}

fn is_running(child: &mut Child) -> bool {
    matches!(child.try_wait(), Ok(None))
}

fn url(port: u16) -> String {
    format!("http://127.0.0.1:{port}")
}

/// Ports that were free a moment ago; all are held until all are known, so that none comes twice.
fn free_ports<const N: usize>() -> [u16; N] {
    let held: [TcpListener; N] = std::array::from_fn(|_| TcpListener::bind("127.0.0.1:0").unwrap());
    held.map(|listener| listener.local_addr().unwrap().port())
}

/// Runs a kubectl; gives what it printed, or what it complained of.
pub fn kubectl(program: &Path, kubeconfig: &Path, arguments: &[&str], input: &str) -> Result<String, String> {
    let mut child = Command::new(program)
        .args(arguments)
        .env("KUBECONFIG", kubeconfig)
        .env("KUBECACHEDIR", kubeconfig.with_file_name("kubectl-cache"))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // A kubectl that does not read may be gone already.
    drop(child.stdin.take().unwrap().write_all(input.as_bytes()));
    let output = child.wait_with_output().unwrap();
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    if output.status.success() {
        Ok(text(&output.stdout))
    } else {
        Err(text(&output.stderr))
    }
}
