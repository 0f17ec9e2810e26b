//! `sayso doctor` on machines that there are not here: GPUs, old drivers, broken ones, engines of every build.

use std::os::unix::fs::PermissionsExt as _;

use serde_json::Value;

use super::stand::{Ran, Stand};

/// Programs that answer like the real ones.
struct Bench {
    stand: Stand,
}

impl Bench {
    fn new() -> Bench {
        Bench {
            stand: Stand::shared(),
        }
    }

    fn program(self, name: &str, script: &str) -> Bench {
        let path = self
            .stand
            .write(&format!("bin/{name}"), format!("#!/bin/sh\n{script}\n"));
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o755)).unwrap();
        self
    }

    /// An engine that says what was built in.
    fn engine(self, features: &str) -> Bench {
        let script =
            format!("[ \"$1\" = about ] && echo '{{\"version\":\"9.9.9\",\"features\":[{features}]}}'");
        self.program("sayso-engine", &script)
    }

    fn doctor(&self, arguments: &[&str]) -> Ran {
        let arguments = [&["doctor", "-o", "json"], arguments].concat();
        let path = format!("{}:/usr/bin:/bin", self.stand.path("bin").display());
        let output = self.stand.sayso(&arguments).env("PATH", path).output().unwrap();
        Ran::of(&arguments, &output)
    }

    /// What is said about one thing: state, detail, hint.
    fn check(&self, name: &str, arguments: &[&str]) -> (String, String, String) {
        let document = self.doctor(arguments).json();
        let all = document["checks"].as_array().unwrap();
        let check = all.iter().find(|check| check["name"] == name).unwrap();
        let text = |key: &str| check[key].as_str().unwrap_or_default().to_owned();
        (text("state"), text("detail"), text("hint"))
    }
}

/// Whether the engine that is looked for comes from PATH: one beside the program is preferred.
fn is_free() -> bool {
    !cfg!(feature = "engine") && !super::stand::binaries().join("sayso-engine").exists()
}

#[test]
fn a_gpu_is_described() {
    let bench = Bench::new().program("nvidia-smi", "echo 'NVIDIA H200, 550.54.15, 143771, 143000, 9.0'");
    let (state, detail, _) = bench.check("gpu", &[]);
    assert_eq!(state, "ok");
    assert_eq!(
        detail,
        "NVIDIA H200, driver 550.54.15, compute capability 9.0, 150.8 GB, 149.9 GB free"
    );
    let (state, detail, _) = bench.check("memory", &[]);
    assert!(state == "ok" && detail.contains("cores"), "{detail}");
}

#[test]
fn an_old_driver_is_told_with_the_way_on() {
    let bench = Bench::new().program("nvidia-smi", "echo 'Tesla K80, 470.82.01, 11441, 11000, 3.7'");
    let (state, detail, hint) = bench.check("gpu", &[]);
    assert_eq!(state, "warn");
    assert!(
        detail.contains("too old for CUDA 12") && hint.contains("update"),
        "{detail} {hint}"
    );
}

#[test]
fn a_broken_driver_says_what_it_said() {
    let mismatch = "echo 'Failed to initialize NVML: Driver/library version mismatch'; exit 18";
    let (state, detail, hint) = Bench::new().program("nvidia-smi", mismatch).check("gpu", &[]);
    assert!(
        state == "warn" && detail.contains("version mismatch") && hint.contains("restart"),
        "{detail} {hint}"
    );
    let absent =
        "echo \"NVIDIA-SMI has failed because it couldn't communicate with the NVIDIA driver.\"; exit 9";
    let (state, _, hint) = Bench::new().program("nvidia-smi", absent).check("gpu", &[]);
    assert!(state == "warn" && hint.contains("load NVIDIA's driver"), "{hint}");
    let (state, detail, _) = Bench::new().program("nvidia-smi", "exit 3").check("gpu", &[]);
    assert!(state == "warn" && detail.contains("ended with"), "{detail}");
    let nonsense = Bench::new().program("nvidia-smi", "echo '<html>'");
    assert_eq!(nonsense.check("gpu", &[]).0, "ok");
}

#[test]
fn an_engine_without_the_gpu_is_a_warning_where_there_is_one() {
    if !is_free() {
        return;
    }
    let gpu = "echo 'NVIDIA H200, 550.54.15, 143771, 143000, 9.0'";
    let (state, detail, hint) = Bench::new()
        .program("nvidia-smi", gpu)
        .engine("")
        .check("engine", &["--model", "embedded"]);
    assert_eq!(state, "warn");
    assert!(
        detail.contains("9.9.9") && hint.contains("--features cuda"),
        "{detail} {hint}"
    );
    let both = Bench::new()
        .program("nvidia-smi", gpu)
        .engine("\"cuda\",\"flash-attn\"");
    let (state, detail, _) = both.check("engine", &["--model", "embedded"]);
    assert!(
        state == "ok" && detail.contains("built with cuda, flash-attn"),
        "{detail}"
    );
    let (_, room, _) = both.check("room", &[]);
    assert!(
        room.starts_with("the GPU has room for models with up to 120.0 GB"),
        "{room}"
    );
    let (state, detail, _) = Bench::new()
        .engine("\"cuda\"")
        .check("engine", &["--model", "embedded"]);
    assert!(state == "warn" && detail.contains("there is no GPU"), "{detail}");
}

#[test]
fn an_engine_that_says_nothing_is_not_waited_for() {
    if !is_free() {
        return;
    }
    let old = Bench::new().program("sayso-engine", "exit 2");
    let (state, detail, _) = old.check("engine", &["--model", "embedded"]);
    assert!(state == "ok" || state == "fail", "{detail}");
    let document: Value = old.doctor(&["--model", "embedded"]).json();
    assert!(
        document["checks"]
            .as_array()
            .unwrap()
            .iter()
            .any(|check| check["name"] == "room")
    );
}

#[test]
fn a_model_that_does_not_fit_the_gpu_is_answered_with_what_does() {
    if !is_free() {
        return;
    }
    // A GPU with 200 MiB: less than what is computed on the way takes.
    let bench = Bench::new()
        .program("nvidia-smi", "echo 'NVIDIA Tiny, 550.54.15, 300, 200, 7.5'")
        .engine("\"cuda\"");
    bench.stand.write("own-Q8_0.gguf", super::hub::gguf(7, 5000));
    let path = format!("{}:/usr/bin:/bin", bench.stand.path("bin").display());
    let arguments = ["model", "use", "./own-Q8_0.gguf"];
    let output = bench.stand.sayso(&arguments).env("PATH", path).output().unwrap();
    let ran = Ran::of(&arguments, &output);
    assert_eq!(ran.code, Some(1), "{ran}");
    assert!(
        ran.err.contains("the GPU has 210 MB free") && ran.err.contains("use a server"),
        "{ran}"
    );
    assert!(!bench.stand.path(".config/sayso/config.toml").exists());
}
