//! Conversations, a turn and the one behind it.

use super::*;
use crate::plan::{Proposal, parse};

fn snapshot() -> Snapshot {
    let object = |kind: &str, name: &str| ObjectFact {
        kind: kind.into(),
        name: name.into(),
        namespace: if kind == "node" {
            String::new()
        } else {
            "shop".into()
        },
        ..ObjectFact::default()
    };
    Snapshot {
        namespaces: vec!["shop".into(), "blog".into()],
        objects: vec![
            object("deployment", "web"),
            object("service", "web"),
            object("deployment", "cart"),
            object("deployment", "payments-api"),
            object("statefulset", "db"),
            object("namespace", "blog"),
            object("node", "node-1"),
            object("node", "node-2"),
        ],
        default_namespace: "shop".into(),
        ..Snapshot::default()
    }
}

fn after(words: &str, steps: &str) -> Earlier {
    let steps = match parse(steps) {
        Ok(Proposal::Plan(plan)) => plan.steps().to_vec(),
        _ => Vec::new(),
    };
    Earlier {
        words: words.into(),
        asked_back: steps.is_empty(),
        steps,
    }
}

#[test]
fn what_leans_on_the_request_before_is_said_in_full() {
    let scaled = after("scale web to 5", "scale deployment/web --replicas=5 -n shop");
    let meant = after(
        "two more of the payment pods",
        "scale deployment/payments-api --replicas=4 -n shop",
    );
    let made = after(
        "create a deployment api with nginx:1.27",
        "create deployment api --image=nginx:1.27 -n shop",
    );
    let both = after(
        "restart web and cart",
        "rollout restart deployment/web deployment/cart -n shop",
    );
    let there = after("how is web in blog?", "rollout status deployment/web -n blog");
    let kinded = after("show me the deployment web, please", "get deployment/web -n shop");
    for (earlier, said, full) in [
        (&scaled, "same for cart", "scale cart to 5"),
        (&scaled, "and the same for cart, please", "scale cart to 5"),
        (&scaled, "cart too", "scale cart to 5"),
        (
            &scaled,
            "what about the statefulset db?",
            "scale statefulset db to 5",
        ),
        (&scaled, "no, 6", "scale web to 6"),
        (&scaled, "make it 7", "scale web to 7"),
        (&scaled, "restart it", "restart deployment web"),
        (&scaled, "show its logs", "show deployment web's logs"),
        (
            &scaled,
            "why is that one failing?",
            "why is deployment web failing?",
        ),
        (&scaled, "again", "scale web to 5"),
        (&scaled, "and in blog", "scale web to 5 in namespace blog"),
        (
            &meant,
            "same for cart",
            "scale deployment/cart --replicas=4 -n shop",
        ),
        (&meant, "make it 3", "scale deployment payments-api to 3"),
        (&made, "expose it on port 80", "expose deployment api on port 80"),
        (&both, "delete them", "delete deployment web and deployment cart"),
        (&there, "restart it", "restart deployment web in namespace blog"),
        (&there, "and in shop?", "how is web in shop?"),
        (&kinded, "now db", "show me the statefulset db, please"),
    ] {
        assert_eq!(
            earlier.in_full(said, &snapshot()),
            Some(Followed::Words(full.into())),
            "{said} after {}",
            earlier.words
        );
    }
}

#[test]
fn the_other_one_is_taken_where_there_is_one_and_asked_for_where_there_are_more() {
    let drained = after("drain node-1", "drain node-1 --ignore-daemonsets");
    assert_eq!(
        drained.in_full("now the other one", &snapshot()),
        Some(Followed::Words("drain node-2".into()))
    );
    let scaled = after("scale web to 5", "scale deployment/web --replicas=5 -n shop");
    assert_eq!(
        scaled.in_full("now the other one", &snapshot()),
        Some(Followed::Unclear(
            "which other deployment is meant: cart, payments-api?".into()
        ))
    );
}

#[test]
fn an_answer_takes_the_place_of_what_was_not_clear() {
    for (words, answer, full) in [
        ("drain node-9", "node-2", "drain node-2"),
        ("scale it up", "web", "scale web up"),
        ("restart web", "the deployment web", "restart deployment web"),
        ("restart the backend", "I mean cart", "restart the backend: cart"),
    ] {
        let earlier = after(words, "");
        assert_eq!(
            earlier.in_full(answer, &snapshot()),
            Some(Followed::Words(full.into())),
            "{words}"
        );
    }
}

#[test]
fn what_says_everything_itself_stays_as_it_is() {
    let scaled = after("scale web to 5", "scale deployment/web --replicas=5 -n shop");
    for said in [
        "scale cart to 3",
        "cart",
        "not web",
        "web is slow, restart it",
        "list pods",
        "show the logs of cart",
        "delete the other deployment that failed",
        "",
    ] {
        assert_eq!(scaled.in_full(said, &snapshot()), None, "{said}");
    }
    let nothing = Earlier::default();
    for said in [
        "restart it",
        "same for cart",
        "again",
        "no, 5",
        "now the other one",
        "and in blog",
    ] {
        assert_eq!(nothing.in_full(said, &snapshot()), None, "{said}");
    }
}

#[test]
fn undoing_is_known_by_its_words() {
    for request in [
        "undo",
        "undo that",
        "please take it back",
        "Revert the last change",
        "can you undo this?",
    ] {
        assert!(asks_to_undo(request), "{request}");
    }
    for request in [
        "undo the rollout of web",
        "roll web back",
        "take web back to 2",
        "take back",
        "undo cart",
    ] {
        assert!(!asks_to_undo(request), "{request}");
    }
}
