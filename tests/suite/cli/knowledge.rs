//! Questions about how things work, and the knowledge base that answers them.

use std::path::Path;
use std::sync::LazyLock;
use std::time::Duration;

use serde_json::Value;
use tempfile::TempDir;

use super::planner::Reply;
use super::shown;
use super::stand::{Ran, Stand, has};

const QUESTION: &str = "what is a PodDisruptionBudget";
const PAGE: &str = "concepts/poddisruptionbudget#what-it-is";

/// A cache with the index of what ships in it, so that it is built once for all tests that are not about building it.
static STOCK: LazyLock<TempDir> = LazyLock::new(|| {
    let stand = Stand::shared();
    let cache = tempfile::tempdir().unwrap();
    let built = stand
        .sayso(&["knowledge", "list"])
        .env("XDG_CACHE_HOME", cache.path())
        .output()
        .unwrap();
    assert!(built.status.success(), "{built:?}");
    cache
});

/// A stand whose cache has that index.
fn stocked(stand: Stand) -> Stand {
    copy(STOCK.path(), &stand.path(".cache"));
    stand
}

fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap().map(Result::unwrap) {
        if entry.file_type().unwrap().is_dir() {
            copy(&entry.path(), &to.join(entry.file_name()));
        } else {
            std::fs::copy(entry.path(), to.join(entry.file_name())).unwrap();
        }
    }
}

/// Without a kubeconfig, and with a model that nobody serves.
fn alone() -> Stand {
    let stand = stocked(Stand::shared());
    std::fs::remove_file(stand.path("kubeconfig")).unwrap();
    stand
}

#[test]
fn a_question_needs_neither_cluster_nor_model() {
    let stand = alone();
    let ran = stand.run(&[QUESTION, "--model", "http://127.0.0.1:9/v1#none"]);
    assert_eq!(ran.code, Some(0), "{ran}");
    let first = ran.out.lines().next().unwrap();
    assert!(
        first.starts_with("PodDisruptionBudget: What it is") && first.contains(PAGE),
        "{ran}"
    );
    assert!(ran.out.contains(&format!("[1] {PAGE}")), "{ran}");
    assert!(ran.err.contains("no adviser model is configured"), "{ran}");
    assert!(
        ran.out.lines().all(|line| line.chars().count() <= 130) && !ran.out.contains('\x1b'),
        "{ran}"
    );
    assert!(stand.records("read").is_empty(), "no cluster was read");
}

#[test]
fn how_something_is_done_is_answered_with_the_checks() {
    let ran = alone().run(&["how do I see why a claim is pending"]);
    assert_eq!(ran.code, Some(0), "{ran}");
    assert!(
        ran.out.contains("Checks") && ran.out.contains("kubectl "),
        "{ran}"
    );
}

#[test]
fn an_answer_is_json_with_its_sources() {
    let all = alone().run(&[QUESTION, "-o", "json"]).json();
    assert_eq!(
        (&all["outcome"], &all["context"]),
        (&"answered".into(), &Value::Null)
    );
    let first = &all["sources"][0];
    assert_eq!((&first["id"], &first["trusted"]), (&PAGE.into(), &true.into()));
    assert_eq!(all["answer"], first["text"]);
}

#[test]
fn colours_are_there_when_they_are_wanted() {
    assert!(alone().run(&[QUESTION, "--color", "always"]).out.contains('\x1b'));
}

#[test]
fn a_question_that_nothing_answers_goes_to_the_planner() {
    let stand = stocked(Stand::shared());
    let ran = stand.ask("what is a unicorn", "refuse", &[]);
    assert_eq!(ran.code, Some(5), "{ran}");
    assert!(ran.err.starts_with("refused:"), "{ran}");
}

#[test]
fn whoever_wants_a_plan_gets_one() {
    let mut stand = stocked(Stand::shared());
    let ran = stand.ask("what is a daemonset", "explain daemonsets", &["--plan-only"]);
    assert!(ran.out.contains("explain daemonsets"), "{ran}");
    stand.prompt();
    let question = "what is a daemonset";
    stand.expect(question, Reply::Text("get daemonsets -A".to_owned()));
    let ran = stand.run_with(&[question], "kind: DaemonSet\n");
    assert_eq!(ran.code, Some(0), "{ran}");
    stand.prompt();
}

#[test]
fn documents_are_added_found_marked_and_forgotten() {
    let stand = alone();
    stand.write(
        "runbooks/zebra.md",
        "# Zebra\n## When a zebra escapes\nCall \x1b[31mAnn\x1b[0m at once.\n",
    );
    let ran = stand.run(&["knowledge", "add", "runbooks"]);
    assert_eq!(
        ran.out, "runbooks: 1 indexed (1 passages), 0 unchanged, 0 removed\n",
        "{ran}"
    );
    let ran = stand.run(&["what happens when a zebra escapes"]);
    assert!(
        ran.out.contains("user/runbooks/zebra#when-a-zebra-escapes"),
        "{ran}"
    );
    assert!(
        ran.out.contains("nobody has checked it for Sayso") && !ran.out.contains('\x1b'),
        "{ran}"
    );
    let listed = stand.run(&["knowledge", "list", "-o", "json"]).json();
    assert_eq!(listed["passages"]["user:runbooks"], 1);
    let shown = stand.run(&["knowledge", "show", "user/runbooks/zebra"]);
    assert!(shown.out.contains("Call Ann at once."), "{shown}");
    stand.write(
        "runbooks/zebra.md",
        "# Zebra\n## When a zebra sleeps\nDo nothing.\n",
    );
    stand.run(&["knowledge", "rebuild"]);
    let found = stand
        .run(&["knowledge", "search", "zebra", "--limit", "1", "-o", "json"])
        .json();
    assert_eq!(
        found["passages"][0]["id"],
        "user/runbooks/zebra#when-a-zebra-sleeps"
    );
    assert_eq!(found["passages"][0]["trusted"], false);
    assert_eq!(stand.run(&["knowledge", "remove", "runbooks"]).code, Some(0));
    let found = stand
        .run(&["knowledge", "search", "zebra", "--by", "words", "-o", "json"])
        .json();
    assert_eq!(found["passages"], Value::Array(Vec::new()));
}

#[test]
fn what_cannot_be_added_or_removed_is_told() {
    let stand = alone();
    std::fs::create_dir(stand.path("empty")).unwrap();
    for arguments in [["add", "nowhere"], ["add", "empty"], ["remove", "zebras"]] {
        let ran = stand.run(&["knowledge", arguments[0], arguments[1]]);
        assert_eq!(ran.code, Some(1), "{ran}");
        assert!(
            ran.err.starts_with("error: ") && ran.err.contains("hint: "),
            "{ran}"
        );
    }
    assert_eq!(
        stand.run(&["knowledge", "show", "concepts/unicorn"]).code,
        Some(1)
    );
}

#[test]
fn a_repository_is_cloned_and_brought_up_to_date() {
    if !has("git") {
        return;
    }
    let stand = alone();
    stand.write("team/zebra.md", "## Zebra\nCall Ann.\n");
    let git = |arguments: &[&str]| {
        let identity = [
            "-c",
            "user.name=t",
            "-c",
            "user.email=t@example.com",
            "-C",
            "team",
        ];
        let ran = stand
            .command("git")
            .args(identity)
            .args(arguments)
            .output()
            .unwrap();
        assert!(ran.status.success(), "{ran:?}");
    };
    git(&["init", "-q"]);
    git(&["add", "."]);
    git(&["commit", "-qm", "one"]);
    let address = format!("file://{}", stand.path("team").display());
    let ran = stand.run(&["knowledge", "add", &address]);
    assert!(ran.out.starts_with("team: 1 indexed"), "{ran}");
    stand.write("team/yak.md", "## Yak\nCall Bob.\n");
    git(&["add", "."]);
    git(&["commit", "-qm", "two"]);
    let ran = stand.run(&["knowledge", "add", &address]);
    assert!(
        ran.out.starts_with("team: 1 indexed (1 passages), 1 unchanged"),
        "{ran}"
    );
    let ran = stand.run(&["knowledge", "add", "file:///nowhere/at/all"]);
    assert!(
        ran.code == Some(1) && ran.err.contains("git could not fetch"),
        "{ran}"
    );
}

#[test]
fn the_cluster_s_schemas_are_learned() {
    let stand = stocked(Stand::shared());
    let ran = stand.run(&["knowledge", "learn", "-o", "json"]);
    assert!(ran.json()["change"]["passages"].as_u64().unwrap() > 100, "{ran}");
    let find = |flags: &[&str]| {
        let arguments = [
            &[
                "knowledge",
                "search",
                "deployment.spec.strategy.rollingUpdate",
                "--by",
                "words",
                "--limit",
                "20",
                "-o",
                "json",
            ],
            flags,
        ]
        .concat();
        stand.run(&arguments).out
    };
    assert!(find(&[]).contains("explain/apps/v1/deployment#"));
    std::fs::remove_file(stand.path("kubeconfig")).unwrap();
    assert!(
        !find(&[]).contains("explain/apps/v1/deployment#"),
        "of a cluster that is not meant"
    );
}

#[test]
fn past_actions_are_found_and_hold_no_secret() {
    let stand = stocked(Stand::own());
    let plan = "create secret generic vault --from-literal=password=hunter2hunter2 -n shop";
    let ran = stand.ask("put the zebra code into a secret", plan, &["--yes"]);
    assert_eq!(ran.code, Some(0), "{ran}");
    let found = stand
        .run(&[
            "knowledge",
            "search",
            "what did we do with the zebra",
            "--by",
            "words",
            "-o",
            "json",
        ])
        .json();
    let first = &found["passages"][0];
    assert_eq!(
        (&first["origin"], &first["title"]),
        (&"memory".into(), &"put the zebra code into a secret".into())
    );
    assert!(
        first["text"]
            .as_str()
            .unwrap()
            .contains("create secret generic vault")
    );
    let everything = stand
        .command("grep")
        .args(["-ra", "hunter2hunter2", ".cache/sayso/knowledge"])
        .output()
        .unwrap();
    assert_eq!(everything.status.code(), Some(1), "{everything:?}");
}

#[test]
fn on_a_full_disk_answers_come_from_memory() {
    if !has("sh") {
        return;
    }
    let stand = Stand::shared();
    let limited = "trap '' XFSZ; ulimit -f 0; exec \"$@\"";
    let output = stand
        .command("sh")
        .args(["-c", limited, "sh", env!("CARGO_BIN_EXE_sayso")])
        .arg(QUESTION)
        .output()
        .unwrap();
    let ran = Ran::of(&[QUESTION], &output);
    assert_eq!(ran.code, Some(0), "{ran}");
    assert!(ran.out.contains(PAGE), "{ran}");
    assert!(
        ran.err.contains("warning: no space left for the knowledge base"),
        "{ran}"
    );
    // What was begun is no index to anybody else.
    assert!(stand.run(&[QUESTION]).out.contains(PAGE));
    let stand = alone();
    stand.write("notes/zebra.md", "Zebras.");
    let output = stand
        .command("sh")
        .args(["-c", limited, "sh", env!("CARGO_BIN_EXE_sayso")])
        .args(["knowledge", "add", "notes"])
        .output()
        .unwrap();
    let ran = Ran::of(&["knowledge", "add", "notes"], &output);
    assert!(
        ran.code == Some(1) && ran.err.starts_with("error: no space left"),
        "{ran}"
    );
    assert!(ran.err.contains("hint: free some space"), "{ran}");
}

#[test]
fn a_build_that_is_killed_leaves_nothing_wrong() {
    let stand = Stand::shared();
    let folder = stand.path(".cache/sayso/knowledge");
    let building = || {
        let names = std::fs::read_dir(&folder).into_iter().flatten().flatten();
        names
            .filter(|entry| entry.file_name().to_string_lossy().starts_with(".building-"))
            .count()
    };
    let mut child = stand.sayso(&[QUESTION]).spawn().unwrap();
    while building() == 0 {
        assert!(
            child.try_wait().unwrap().is_none(),
            "it ended before it could be killed"
        );
        std::thread::sleep(Duration::from_millis(1));
    }
    child.kill().unwrap();
    child.wait().unwrap();
    assert_eq!(building(), 1);
    // Three at once find the ruins and build once.
    let children: Vec<_> = (0..3)
        .map(|_| stand.sayso(&[QUESTION]).spawn().unwrap())
        .collect();
    let ran: Vec<Ran> = children
        .into_iter()
        .map(|child| Ran::of(&[QUESTION], &child.wait_with_output().unwrap()))
        .collect();
    for one in &ran {
        assert!(
            one.code == Some(0) && one.out.contains(PAGE) && one.out == ran[0].out,
            "{one}"
        );
    }
    assert_eq!(building(), 0);
}

#[test]
fn an_index_that_is_damaged_or_of_another_version_is_built_again() {
    let stand = alone();
    let folder = stand.path(".cache/sayso/knowledge");
    let index = std::fs::read_dir(&folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .find(|path| path.is_dir())
        .unwrap();
    let good = stand.run(&[QUESTION]).out;
    std::fs::write(index.join("meta.json"), "{\"index_settings\":").unwrap();
    assert_eq!(stand.run(&[QUESTION]).out, good);
    // As if another release had left it: no index of this one is there.
    std::fs::rename(&index, folder.join("shipped-0-0123456789abcdef")).unwrap();
    assert_eq!(stand.run(&[QUESTION]).out, good);
    assert!(!folder.join("shipped-0-0123456789abcdef").exists());
}

#[test]
fn an_answer_looks_like_this() {
    shown!(alone().run(&[
        "knowledge",
        "search",
        "ImagePullBackOff rate limit",
        "--limit",
        "1",
        "--by",
        "words"
    ]));
}
