//! Colours, pipes that close, and the plugin of kubectl.

use std::io::Read as _;
use std::process::Stdio;

use super::planner::Reply;
use super::stand::{Ran, Stand, binaries, has};

const SCALE: &str = "scale deployment/web --replicas=5";

#[test]
fn colours_are_for_terminals_unless_they_are_wanted() {
    let stand = Stand::shared();
    assert!(
        !stand
            .ask("scale web to 5", SCALE, &["--plan-only"])
            .out
            .contains('\x1b')
    );
    let wanted = stand.ask("scale web to 5", SCALE, &["--plan-only", "--color=always"]);
    assert!(wanted.out.contains("\x1b[32m+  replicas: 5"), "{wanted}");
    let json = stand.ask(
        "scale web to 5",
        SCALE,
        &["--plan-only", "--color=always", "-o", "json"],
    );
    assert!(!json.out.contains('\x1b'), "{json}");
}

#[test]
fn no_color_is_honoured() {
    let stand = Stand::shared();
    stand.expect("scale web to 5", Reply::Text(SCALE.to_owned()));
    let arguments = ["scale web to 5", "--plan-only"];
    let output = stand
        .sayso(&arguments)
        .env("NO_COLOR", "1")
        .env("CLICOLOR_FORCE", "")
        .output()
        .unwrap();
    let ran = Ran::of(&arguments, &output);
    assert!(!ran.out.contains('\x1b') && !ran.err.contains('\x1b'), "{ran}");
}

#[test]
fn a_reader_that_has_seen_enough_is_no_failure() {
    let stand = Stand::shared();
    for (request, plan, flags) in [
        ("list pods", "get pods", &[][..]),
        ("scale it", SCALE, &["--plan-only"]),
        ("pods", "get pods", &["-o", "json"]),
    ] {
        stand.expect(request, Reply::Text(plan.to_owned()));
        let mut child = stand
            .sayso(&[&[request], flags].concat())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        drop(child.stdout.take());
        let mut errors = String::new();
        child.stderr.take().unwrap().read_to_string(&mut errors).unwrap();
        assert_eq!((child.wait().unwrap().code(), errors.as_str()), (Some(0), ""));
    }
}

#[test]
fn kubectl_finds_its_plugin() {
    if !has("kubectl") {
        return;
    }
    let stand = Stand::shared();
    stand.expect("list deployments", Reply::Text("get deployments".to_owned()));
    let path = std::env::join_paths(
        [binaries().to_owned()]
            .into_iter()
            .chain(std::env::split_paths(&std::env::var_os("PATH").unwrap())),
    )
    .unwrap();
    let arguments = ["sayso", "list deployments", "-n", "blog"];
    let output = stand
        .command("kubectl")
        .args(arguments)
        .env("PATH", path)
        .output()
        .unwrap();
    let ran = Ran::of(&arguments, &output);
    assert_eq!(ran.code, Some(0), "{ran}");
    assert!(ran.out.starts_with("NAME"), "{ran}");
}
