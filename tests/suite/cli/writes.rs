//! Requests that change something.

use sayso::sandbox::FaultAnswer;

use super::shown;
use super::stand::Stand;

const SCALE: &str = "scale deployment/web --replicas=5";

#[test]
fn a_write_with_yes_is_made_watched_and_recorded() {
    let stand = Stand::own();
    let ran = stand.ask("scale web to 5", SCALE, &["--yes"]);
    shown!(ran);
    assert_eq!(stand.replicas("web"), 5);
    assert_eq!(stand.records("intent")[0]["approval"]["by"], "--yes");
    assert_eq!(stand.records("outcome")[0]["outcome"], "done");
}

#[test]
fn a_write_without_anybody_there_changes_nothing() {
    let stand = Stand::own();
    let before = stand.cluster.objects();
    shown!(stand.ask("scale web to 5", SCALE, &[]));
    assert_eq!(stand.cluster.objects(), before);
    assert_eq!(stand.records("decision")[0]["outcome"], "needs-approval");
}

#[test]
fn a_danger_is_not_covered_by_yes() {
    let stand = Stand::own();
    let before = stand.cluster.objects();
    shown!(stand.ask("remove the blog", "delete namespace/blog", &["--yes"]));
    assert_eq!(stand.cluster.objects(), before);
}

#[test]
fn a_plan_is_shown_and_nothing_else_happens() {
    let stand = Stand::own();
    let before = stand.cluster.objects();
    let plan = "set image deployment/web nginx=nginx:1.28\nscale deployment/web --replicas=5";
    let flagged = stand.ask("web on 1.28, five of them", plan, &["--plan-only"]);
    shown!(flagged);
    let named = stand.run(&["plan", "web on 1.28, five of them"]);
    assert_eq!((named.code, &named.out), (Some(0), &flagged.out));
    assert_eq!(stand.cluster.objects(), before);
}

#[test]
fn a_write_as_json_says_everything() {
    let stand = Stand::own();
    let ran = stand.ask("scale web to 5", SCALE, &["--yes", "-o", "json"]);
    let all = ran.json();
    let fields = "request context namespace outcome steps question answer audit timing_ms usage";
    for field in fields.split(' ') {
        assert!(all.get(field).is_some(), "no {field} in {ran}");
    }
    for field in [
        "command",
        "writes",
        "verdict",
        "reasons",
        "diff",
        "confidence",
        "result",
    ] {
        assert!(all["steps"][0].get(field).is_some(), "no {field} in {ran}");
    }
    assert_eq!(
        (&all["outcome"], &all["steps"][0]["result"]["applied"]),
        (&"done".into(), &true.into())
    );
}

#[test]
fn a_write_that_waits_is_told_as_json() {
    shown!(Stand::shared().ask("scale web to 5", SCALE, &["-o", "json"]));
}

#[test]
fn a_write_that_waits_is_told_as_yaml() {
    shown!(Stand::shared().ask("scale web to 5", SCALE, &["-o", "yaml"]));
}

#[test]
fn steps_are_done_in_order() {
    let stand = Stand::own();
    shown!(stand.ask(
        "web on 1.28, five of them",
        "set image deployment/web nginx=nginx:1.28\nscale deployment/web --replicas=5",
        &["-y"]
    ));
    assert_eq!(
        stand.live(
            "Deployment",
            "shop",
            "web",
            "/spec/template/spec/containers/0/image"
        ),
        "nginx:1.28"
    );
}

#[test]
fn after_a_step_that_fails_nothing_more_is_done() {
    let stand = Stand::own();
    stand.inject(
        "PATCH",
        "deployments/cart/scale?fieldManager",
        FaultAnswer::Status(500),
        9,
    );
    let plan = "scale deployment/web --replicas=5\nscale deployment/cart --replicas=4\nscale deployment/web --replicas=6";
    shown!(stand.ask("more of everything", plan, &["--yes"]));
    assert_eq!(stand.replicas("web"), 5);
    let outcome = &stand.records("outcome")[0];
    assert_eq!(outcome["outcome"], "failed");
    let applied: Vec<_> = (0..3)
        .map(|index| outcome["steps"][index]["result"]["applied"].clone())
        .collect();
    assert_eq!(applied, [true, false, false]);
}

#[test]
fn what_is_deleted_can_be_brought_back() {
    let stand = Stand::own();
    let spec = stand.live("Service", "shop", "cart", "/spec/ports");
    shown!(stand.ask("remove the service of cart", "delete service/cart", &["--yes"]));
    assert_eq!(
        stand.live("Service", "shop", "cart", "/spec/ports"),
        serde_json::Value::Null
    );
    let undo = stand.run(&["undo", "--yes"]);
    insta::allow_duplicates! { assert_eq!(undo.code, Some(0), "{undo}"); }
    assert_eq!(stand.live("Service", "shop", "cart", "/spec/ports"), spec);
    assert_eq!(stand.records("outcome").len(), 2);
}

#[test]
fn an_undo_is_planned_like_any_other_change() {
    let stand = Stand::own();
    stand.ask("scale web to 5", SCALE, &["--yes"]);
    shown!(stand.run(&["undo", "--plan-only"]));
}

#[test]
fn without_a_change_there_is_nothing_to_undo() {
    shown!(Stand::shared().run(&["undo"]));
}

#[test]
fn what_is_so_already_needs_no_change() {
    let stand = Stand::shared();
    shown!(stand.ask("scale web to 3", "scale deployment/web --replicas=3", &["--yes"]));
    assert!(stand.records("intent").is_empty());
}

#[test]
fn the_sandbox_in_the_process_needs_no_cluster() {
    let stand = Stand::shared();
    std::fs::remove_file(stand.path("kubeconfig")).unwrap();
    shown!(stand.ask("scale web to 5", SCALE, &["--yes", "--sandbox"]));
}

#[test]
fn the_sandbox_starts_from_a_file() {
    let stand = Stand::shared();
    let manifest = |name: &str| {
        format!(
            "apiVersion: apps/v1\nkind: Deployment\nmetadata: {{name: {name}}}\nspec:\n  replicas: 1\n  selector: {{matchLabels: {{app: {name}}}}}\n  template:\n    metadata: {{labels: {{app: {name}}}}}\n    spec: {{containers: [{{name: main, image: 'example/{name}:1'}}]}}\n"
        )
    };
    stand.write(
        "two.yaml",
        format!("{}---\n{}", manifest("api"), manifest("front")),
    );
    shown!(stand.ask("list deployments", "get deployments", &["--sandbox=two.yaml"]));
}
