//! Who may know whom: every `crate::` path of every file, held against the table of the design.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

/// What each module may import. `lib.rs`, `main.rs` and `src/bin` may use anything.
const TABLE: &[(&str, &[&str])] = &[
    ("request", &[]),
    ("plan", &[]),
    ("sign", &[]),
    ("artefact", &[]),
    ("check", &["request", "plan"]),
    ("session", &["request", "plan", "check", "sign"]),
    ("llm", &["request", "plan", "check", "session"]),
    ("cluster", &["request", "plan", "check", "session"]),
    ("audit", &["request", "plan", "check", "session", "sign"]),
    ("knowledge", &["request", "plan", "check", "session"]),
    ("config", &["request", "plan", "check"]),
    (
        "driver",
        &[
            "request",
            "plan",
            "check",
            "session",
            "llm",
            "cluster",
            "audit",
            "knowledge",
            "config",
            "sandbox",
            "sign",
            "artefact",
        ],
    ),
    ("engine", &["config", "plan", "artefact"]),
    ("sandbox", &["config", "plan"]),
    (
        "cli",
        &["request", "plan", "check", "session", "config", "driver", "sign"],
    ),
    (
        "tui",
        &["request", "plan", "check", "session", "config", "driver"],
    ),
];

fn rust_files(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            rust_files(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
}

/// Modules of ours that a line names by `crate::`.
fn named(line: &str) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for part in line.split("crate::").skip(1) {
        let names = part
            .strip_prefix('{')
            .map_or(part, |list| list.split('}').next().unwrap_or(list));
        let several = part.starts_with('{');
        let pieces: Vec<&str> = if several {
            names.split(',').collect()
        } else {
            vec![names]
        };
        for piece in pieces {
            let name: String = piece
                .trim()
                .chars()
                .take_while(|c| c.is_ascii_lowercase() || *c == '_')
                .collect();
            found.insert(name);
        }
    }
    found.retain(|name| TABLE.iter().any(|(module, _)| module == name));
    found
}

/// The offending lines of one module's file. What only tests use may know everything.
fn offences(module: &str, allowed: &[&str], text: &str) -> Vec<String> {
    let code = text.split("#[cfg(test)]\nmod tests {").next().unwrap_or(text);
    let lines = code.lines().filter(|line| !line.trim_start().starts_with("//"));
    lines
        .filter(|line| {
            named(line)
                .iter()
                .any(|name| name != module && !allowed.contains(&name.as_str()))
        })
        .map(str::to_owned)
        .collect()
}

#[test]
fn every_module_keeps_to_its_room() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut files = Vec::new();
    rust_files(&root, &mut files);
    let mut wrong = Vec::new();
    for file in files {
        let relative = file.strip_prefix(&root).unwrap();
        let first = relative
            .components()
            .next()
            .unwrap()
            .as_os_str()
            .to_string_lossy()
            .replace(".rs", "");
        let is_test = relative
            .components()
            .any(|part| matches!(part.as_os_str().to_str(), Some("tests.rs" | "tests")));
        if matches!(first.as_str(), "main" | "lib" | "bin") || is_test {
            continue;
        }
        let (module, allowed) = TABLE
            .iter()
            .find(|(module, _)| *module == first)
            .unwrap_or_else(|| {
                panic!("src/{first} stands in no table: add it to docs/architecture.md and here")
            });
        let text = std::fs::read_to_string(&file).unwrap();
        wrong.extend(
            offences(module, allowed, &text)
                .into_iter()
                .map(|line| format!("{}: {line}", relative.display())),
        );
    }
    assert!(
        wrong.is_empty(),
        "imports that the table does not allow:\n{}",
        wrong.join("\n")
    );
}

#[test]
fn an_import_out_of_place_is_found() {
    assert_eq!(
        offences("check", &["plan"], "use crate::cluster::Cluster;"),
        ["use crate::cluster::Cluster;"]
    );
    assert_eq!(
        offences("cli", &["plan"], "use crate::{plan::Step, llm};").len(),
        1
    );
    assert_eq!(
        offences("check", &["plan"], "use crate::plan::Step; // crate::plan"),
        Vec::<String>::new()
    );
    assert!(offences("check", &["plan"], "let x = crate::check::report();").is_empty());
}

#[test]
fn the_cluster_is_written_to_in_one_file_only() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut files = Vec::new();
    rust_files(&root, &mut files);
    let knows_approved = |path: &PathBuf| std::fs::read_to_string(path).unwrap().contains("Approved::mint(");
    let minting: Vec<String> = files
        .iter()
        .filter(|path| knows_approved(path))
        .map(|path| path.strip_prefix(&root).unwrap().display().to_string())
        .collect();
    assert!(
        minting.iter().all(|path| path.starts_with("session/")),
        "approvals are minted in {minting:?}"
    );
}
