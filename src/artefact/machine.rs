//! What there is to compute on: memory, and GPUs as `nvidia-smi` tells of them.
//!
//! The faces never link CUDA, so the driver is asked by the program that comes with it.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use serde::Serialize;

/// A driver that does not answer within this time is taken for broken.
const PATIENCE: Duration = Duration::from_secs(10);
/// What is asked about each GPU.
const QUERY: &str = "--query-gpu=name,driver_version,memory.total,memory.free,compute_cap";
/// The oldest driver that runs programs of CUDA 12, by NVIDIA's table of compatibility.
const OLDEST_DRIVER: u32 = 525;

/// A GPU.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Gpu {
    /// Its product name.
    pub name: String,
    /// The driver's version.
    pub driver: String,
    /// Memory in bytes.
    pub total: u64,
    /// Memory that nobody uses, in bytes.
    pub free: u64,
    /// Its compute capability, as in `9.0`.
    pub compute: String,
}

/// What there is to compute on.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Machine {
    /// Memory in bytes; 0 where the system does not say.
    pub memory: u64,
    /// Memory that can be had without taking it from others, in bytes.
    pub free: u64,
    /// Processor cores.
    pub cores: usize,
    /// GPUs of NVIDIA.
    pub gpus: Vec<Gpu>,
    /// Why there are none, where there should be.
    pub trouble: Option<Trouble>,
}

/// A driver that does not work.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Trouble {
    /// What it said.
    pub message: String,
    /// What helps.
    pub hint: String,
}

impl Machine {
    /// Looks. `path` is where programs are looked for.
    pub fn look(path: Option<&OsStr>) -> Machine {
        let (memory, free) = memory(Path::new("/"));
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        let mut machine = Machine {
            memory,
            free,
            cores,
            ..Machine::default()
        };
        let current = PathBuf::from(".");
        if let Ok(program) = which::which_in("nvidia-smi", path, current) {
            match ask(&program) {
                Ok(text) => machine.gpus = text.lines().filter_map(Gpu::read).collect(),
                Err(message) => machine.trouble = Some(Trouble::of(&message)),
            }
        }
        machine
    }

    /// Free memory of all GPUs together.
    pub fn gpu_free(&self) -> u64 {
        self.gpus.iter().map(|gpu| gpu.free).sum()
    }
}

impl Gpu {
    /// One line of the answer; nothing where it is none.
    fn read(line: &str) -> Option<Gpu> {
        let fields: Vec<&str> = line.split(',').map(str::trim).collect();
        let [name, driver, total, free, compute] = fields.as_slice() else {
            return None;
        };
        let mebibytes = |text: &str| text.parse::<u64>().ok().map(|count| count << 20);
        Some(Gpu {
            name: super::error::quote(name),
            driver: super::error::quote(driver),
            total: mebibytes(total)?,
            free: mebibytes(free)?,
            compute: super::error::quote(compute),
        })
    }

    /// Why programs of CUDA will not run on it, if they will not.
    pub fn obstacle(&self) -> Option<String> {
        let major: u32 = self.driver.split('.').next()?.parse().ok()?;
        (major < OLDEST_DRIVER).then(|| {
            format!(
                "driver {} is too old for CUDA 12, which needs {OLDEST_DRIVER} or newer",
                self.driver
            )
        })
    }
}

impl Trouble {
    fn of(message: &str) -> Trouble {
        let hint = if message.contains("version mismatch") {
            "the driver was updated under a running system: restart the machine"
        } else if message.contains("couldn't communicate") || message.contains("No devices") {
            "install or load NVIDIA's driver; in a container, start it with access to the GPU"
        } else {
            "run `nvidia-smi` by hand; until it works the model runs on the CPU"
        };
        Trouble {
            message: super::error::quote(message),
            hint: hint.to_owned(),
        }
    }
}

/// What `nvidia-smi` prints, or what it complains of.
fn ask(program: &Path) -> Result<String, String> {
    let mut child = Command::new(program)
        .args([QUERY, "--format=csv,noheader,nounits"])
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .map_err(|error| format!("nvidia-smi cannot be run: {error}"))?;
    let deadline = Instant::now() + PATIENCE;
    // Its few lines fit into a pipe, so it ends whether or not somebody reads.
    while Instant::now() < deadline {
        match child.try_wait() {
            Ok(Some(_)) => return said(child),
            Ok(None) => std::thread::sleep(Duration::from_millis(10)),
            Err(error) => return Err(error.to_string()),
        }
    }
    // It hangs in the driver; a process that cannot be killed is left behind.
    let _ = child.kill();
    Err(format!(
        "nvidia-smi did not answer within {} s",
        PATIENCE.as_secs()
    ))
}

fn said(child: std::process::Child) -> Result<String, String> {
    let output = child.wait_with_output().map_err(|error| error.to_string())?;
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).trim().to_owned();
    if output.status.success() {
        return Ok(text(&output.stdout));
    }
    let complaint = [text(&output.stdout), text(&output.stderr)]
        .join(" ")
        .trim()
        .to_owned();
    Err(if complaint.is_empty() {
        format!("nvidia-smi ended with {}", output.status)
    } else {
        complaint
    })
}

/// Memory, and what is free of it: the smaller of the system's word and the control group's.
fn memory(root: &Path) -> (u64, u64) {
    let text = std::fs::read_to_string(root.join("proc/meminfo")).unwrap_or_default();
    let field = |name: &str| {
        let line = text.lines().find_map(|line| line.strip_prefix(name))?;
        let kibibytes: u64 = line
            .trim_start_matches(':')
            .split_whitespace()
            .next()?
            .parse()
            .ok()?;
        Some(kibibytes << 10)
    };
    let (total, free) = (field("MemTotal").unwrap_or(0), field("MemAvailable").unwrap_or(0));
    let group = |name: &str| -> Option<u64> {
        std::fs::read_to_string(root.join("sys/fs/cgroup").join(name))
            .ok()?
            .trim()
            .parse()
            .ok()
    };
    match (group("memory.max"), group("memory.current")) {
        (Some(most), Some(used)) if total > 0 => (total.min(most), free.min(most.saturating_sub(used))),
        _ => (total, free),
    }
}

/// A size for people: `398 MB`, `4.7 GB`.
pub fn gigabytes(bytes: u64) -> String {
    #[expect(clippy::cast_precision_loss, reason = "two digits are shown")]
    let count = bytes as f64;
    match bytes {
        0..1_000 => format!("{bytes} B"),
        1_000..1_000_000 => format!("{:.0} kB", count / 1e3),
        1_000_000..1_000_000_000 => format!("{:.0} MB", count / 1e6),
        _ => format!("{:.1} GB", count / 1e9),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_of_the_driver_is_understood_and_nonsense_is_not() {
        let gpu = Gpu::read("NVIDIA H200, 550.54.15, 143771, 143000, 9.0").unwrap();
        assert_eq!((gpu.total, gpu.free), (143_771 << 20, 143_000 << 20));
        assert_eq!((gpu.compute.as_str(), gpu.obstacle()), ("9.0", None));
        assert_eq!(Gpu::read("NVIDIA H200, 550.54.15, [N/A], [N/A], 9.0"), None);
        assert_eq!(Gpu::read("no devices were found"), None);
        let old = Gpu::read("Tesla K80, 470.82.01, 11441, 11000, 3.7").unwrap();
        assert!(old.obstacle().unwrap().contains("525"));
    }

    #[test]
    fn a_container_has_what_its_group_has() {
        let root = tempfile::tempdir().unwrap();
        let write = |name: &str, text: &str| {
            let path = root.path().join(name);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, text).unwrap();
        };
        assert_eq!(memory(root.path()), (0, 0));
        write(
            "proc/meminfo",
            "MemTotal:       1000 kB\nMemFree: 1 kB\nMemAvailable:    800 kB\n",
        );
        assert_eq!(memory(root.path()), (1_024_000, 819_200));
        write("sys/fs/cgroup/memory.max", "max\n");
        write("sys/fs/cgroup/memory.current", "100\n");
        assert_eq!(memory(root.path()), (1_024_000, 819_200));
        write("sys/fs/cgroup/memory.max", "500000\n");
        assert_eq!(memory(root.path()), (500_000, 499_900));
    }
}
