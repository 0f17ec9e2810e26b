//! The review, with somebody at the terminal.

use std::io::{Read as _, Write as _};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use sayso::sandbox::Running;

use super::planner::Reply;
use super::stand::{Stand, has};

const ASKED: &str = "e[x]plain: ";

/// A request at a terminal, which util-linux's `script` makes.
struct Session {
    child: Child,
    keys: ChildStdin,
    screen: ChildStdout,
}

impl Session {
    /// Types a line.
    fn line(&mut self, text: &str) {
        self.press(&format!("{text}\n"));
    }

    /// Presses keys, and not Enter behind them.
    fn press(&mut self, keys: &str) {
        self.keys.write_all(keys.as_bytes()).unwrap();
    }

    /// Reads until `end` was shown; gives everything up to it.
    fn until(&mut self, end: &str) -> String {
        let (mut shown, mut byte) = (Vec::new(), [0]);
        while !shown.ends_with(end.as_bytes()) {
            let read = self.screen.read(&mut byte).unwrap();
            assert!(read == 1, "no {end:?} in:\n{}", String::from_utf8_lossy(&shown));
            shown.push(byte[0]);
        }
        String::from_utf8(shown).unwrap()
    }

    /// Reads to the end; gives what was shown and the exit status.
    fn end(mut self) -> (String, Option<i32>) {
        let mut rest = String::new();
        self.screen.read_to_string(&mut rest).unwrap();
        (rest, self.child.wait().unwrap().code())
    }
}

/// Begins a request at a terminal that scales, and waits for its question. Nothing where there is no `script`.
fn begin(stand: &Stand, plan: &str) -> Option<(Session, String)> {
    begin_with(stand, "scale web to 5", plan)
}

fn begin_with(stand: &Stand, request: &str, plan: &str) -> Option<(Session, String)> {
    if !cfg!(target_os = "linux") || !has("script") {
        return None;
    }
    stand.expect(request, Reply::Text(plan.to_owned()));
    let line = format!("exec '{}' '{request}'", env!("CARGO_BIN_EXE_sayso"));
    let mut command: Command = stand.command("script");
    command
        .args(["-qefc", &line, "/dev/null"])
        .env("TERM", "xterm")
        .env("SHELL", "/bin/sh");
    let mut child = command
        .stdin(Stdio::piped())
        .stderr(Stdio::inherit())
        .spawn()
        .unwrap();
    let (keys, screen) = (child.stdin.take().unwrap(), child.stdout.take().unwrap());
    let mut session = Session { child, keys, screen };
    let shown = session.until(ASKED);
    Some((session, shown))
}

fn scale(replicas: u32) -> String {
    format!("scale deployment/web --replicas={replicas}")
}

#[test]
fn yes_applies_what_was_shown() {
    let stand = Stand::own();
    let Some((mut session, shown)) = begin(&stand, &scale(5)) else {
        return;
    };
    assert!(shown.contains("\x1b[32m+  replicas: 5"), "{shown}");
    assert!(
        shown.contains("90% sure") && shown.contains("kubectl scale deployment/web --replicas=5"),
        "{shown}"
    );
    session.line("y");
    let (rest, code) = session.end();
    assert_eq!(code, Some(0), "{rest}");
    assert_eq!(stand.replicas("web"), 5);
    assert_eq!(stand.records("intent")[0]["approval"]["by"], "terminal");
}

#[test]
fn anything_but_yes_changes_nothing() {
    let stand = Stand::own();
    let before = stand.cluster.objects();
    let Some((mut session, _)) = begin(&stand, &scale(5)) else {
        return;
    };
    session.line("perhaps");
    session.until(ASKED);
    session.line("no it is too early");
    let (rest, code) = session.end();
    assert_eq!(code, Some(1), "{rest}");
    assert!(rest.contains("rejected: it is too early"), "{rest}");
    assert_eq!(stand.cluster.objects(), before);
    assert_eq!(
        stand.records("decision")[0]["failure"]["message"],
        "rejected: it is too early"
    );
}

#[test]
fn a_plan_can_be_explained_and_edited() {
    let stand = Stand::own();
    let Some((mut session, _)) = begin(&stand, &scale(5)) else {
        return;
    };
    session.line("x");
    let explained = session.until(ASKED);
    assert!(explained.contains("to take it back: kubectl"), "{explained}");
    session.line("e");
    session.until("a blank line ends it:");
    session.line(&scale(4));
    session.line("");
    let shown = session.until(ASKED);
    assert!(
        shown.contains("replicas: 4") && !shown.contains("sure"),
        "{shown}"
    );
    session.line("yes");
    let (rest, code) = session.end();
    assert_eq!((code, stand.replicas("web")), (Some(0), 4.into()), "{rest}");
}

#[test]
fn a_model_explains_where_one_is_configured() {
    let stand = Stand::own();
    stand.write(".config/sayso/config.toml", "[adviser]\nendpoint = 'planner'\n");
    let question = "What does this plan do, step by step, what could go wrong with it, and how is it taken back? Explain it to the person who is about to approve it.";
    stand.expect(question, Reply::Text("It adds two pods.".to_owned()));
    let Some((mut session, _)) = begin(&stand, &scale(5)) else {
        return;
    };
    session.line("x");
    let explained = session.until(ASKED);
    assert!(explained.contains("to take it back: kubectl"), "{explained}");
    let (_, words) = explained.split_once("which may be wrong:").unwrap();
    assert!(
        words.contains("It adds two pods.") && words.contains(" tokens"),
        "{explained}"
    );
    session.line("n");
    let (rest, code) = session.end();
    assert_eq!(code, Some(1), "{rest}");
}

#[test]
fn an_object_that_changed_is_reviewed_again() {
    let stand = Stand::own();
    let Some((mut session, _)) = begin(&stand, &scale(5)) else {
        return;
    };
    touch(&stand.cluster);
    session.line("y");
    let shown = session.until(ASKED);
    assert!(shown.contains("-  replicas: 2"), "{shown}");
    session.line("y");
    let (rest, code) = session.end();
    assert_eq!((code, stand.replicas("web")), (Some(0), 5.into()), "{rest}");
    assert_eq!(stand.records("outcome")[0]["outcome"], "void");
}

/// Somebody else scales the deployment meanwhile.
fn touch(cluster: &Running) {
    let url = format!(
        "{}/apis/apps/v1/namespaces/shop/deployments/web/scale",
        cluster.url()
    );
    let request = reqwest::Client::new()
        .patch(url)
        .header("content-type", "application/merge-patch+json");
    let request = request.body(r#"{"spec":{"replicas":2}}"#);
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    assert!(runtime.block_on(request.send()).unwrap().status().is_success());
}

#[test]
fn ctrl_c_at_the_review_changes_nothing() {
    let stand = Stand::own();
    let before = stand.cluster.objects();
    let Some((mut session, _)) = begin(&stand, &scale(5)) else {
        return;
    };
    session.press("\u{3}");
    let (rest, code) = session.end();
    assert_eq!(code, Some(130), "{rest}");
    assert!(rest.contains("nothing was changed"), "{rest}");
    assert_eq!(stand.cluster.objects(), before);
}

#[test]
fn data_is_deleted_only_by_who_types_its_name() {
    let stand = Stand::own();
    let Some((mut session, shown)) = begin_with(&stand, "remove the blog", "delete namespace/blog") else {
        return;
    };
    assert!(
        shown.contains("deletes namespace/blog and everything in it"),
        "{shown}"
    );
    session.line("y");
    session.until("Type `blog` to go on: ");
    session.line("shop");
    session.until(ASKED);
    assert!(
        stand
            .cluster
            .objects()
            .iter()
            .any(|object| object["metadata"]["name"] == "blog")
    );
    session.line("y");
    session.until("Type `blog` to go on: ");
    session.line("blog");
    let (rest, _) = session.end();
    let intent = &stand.records("intent")[0];
    assert_eq!(intent["approval"]["names"], serde_json::json!(["blog"]), "{rest}");
}
