//! `sayso undo`, where the world moved on and where it did not.

use serde_json::json;

use super::shown;
use super::stand::Stand;

const SCALE: &str = "scale deployment/web --replicas=5";

#[test]
fn what_others_did_elsewhere_is_left_alone() {
    let stand = Stand::own();
    stand.ask("scale web to 5", SCALE, &["--yes"]);
    let id = stand.run(&["audit", "list", "-o", "json"]).json()[0]["entry"]["intent"]["action"].clone();
    stand.ask("label web", "label deployment/web crew=shop", &["--yes"]);
    let undone = stand.run(&["undo", id.as_str().unwrap(), "--yes"]);
    assert_eq!(undone.code, Some(0), "{undone}");
    assert_eq!(stand.replicas("web"), 3);
    assert_eq!(
        stand.live("Deployment", "shop", "web", "/metadata/labels/crew"),
        "shop"
    );
}

#[test]
fn what_others_changed_again_is_not_undone() {
    let stand = Stand::own();
    stand.ask("scale web to 5", SCALE, &["--yes"]);
    let id = stand.run(&["audit", "list", "-o", "json"]).json()[0]["entry"]["intent"]["action"].clone();
    stand.ask("scale web to 7", "scale deployment/web --replicas=7", &["--yes"]);
    shown!(stand.run(&["undo", id.as_str().unwrap(), "--yes"]));
    assert_eq!(stand.replicas("web"), 7);
}

#[test]
fn several_changes_of_one_object_are_one_way_back() {
    let stand = Stand::own();
    let image = stand.live(
        "Deployment",
        "shop",
        "web",
        "/spec/template/spec/containers/0/image",
    );
    let plan = "scale deployment/web --replicas=5\nset image deployment/web nginx=nginx:1.28\nscale deployment/web --replicas=6";
    let done = stand.ask("more of a newer web", plan, &["--yes"]);
    assert_eq!((done.code, stand.replicas("web")), (Some(0), json!(6)), "{done}");
    let undone = stand.run(&["undo", "--yes"]);
    assert_eq!(
        (undone.code, stand.replicas("web")),
        (Some(0), json!(3)),
        "{undone}"
    );
    assert_eq!(
        stand.live(
            "Deployment",
            "shop",
            "web",
            "/spec/template/spec/containers/0/image"
        ),
        image
    );
}

#[test]
fn what_was_made_is_unmade_last_first() {
    let stand = Stand::own();
    let plan = "create namespace demo\ncreate deployment api --image=nginx:1.28 -n demo\nexpose deployment/api --port=80 -n demo";
    let done = stand.ask("a demo", plan, &["--yes"]);
    assert_eq!(done.code, Some(0), "{done}");
    let undo = stand.run(&["undo", "--plan-only"]);
    let places: Vec<_> = [
        "delete service/api",
        "delete deployment/api",
        "delete namespace/demo",
    ]
    .map(|line| undo.out.find(line))
    .into_iter()
    .collect();
    assert!(places.is_sorted() && places[0].is_some(), "{undo}");
    // A namespace is deleted by a person who types its name, also on the way back.
    assert_eq!(stand.run(&["undo", "--yes"]).code, Some(3));
}
