//! What the machine may never do, and the order in which it does the rest. No I/O anywhere.

mod lookups;
mod planfiles;
mod planning;
mod store;

use proptest::prelude::*;
use serde_json::json;

use super::*;
use crate::check::{Call, CallVerb, Evidence, Policy, Problem, StepEvidence, Touched};
use crate::plan::{ObjectFact, Plan, Snapshot};
use crate::request::Request;

fn snapshot() -> Snapshot {
    let object = ObjectFact {
        kind: "deployment".into(),
        namespace: "shop".into(),
        name: "web".into(),
        replicas: Some(3),
        ..ObjectFact::default()
    };
    Snapshot {
        namespaces: vec!["shop".into()],
        objects: vec![object],
        default_namespace: "shop".into(),
        ..Snapshot::default()
    }
}

fn evidence(version: &str) -> Evidence {
    let call = Call {
        verb: CallVerb::PatchMerge,
        group: "apps".into(),
        version: "v1".into(),
        resource: "deployments".into(),
        subresource: Some("scale".into()),
        namespace: Some("shop".into()),
        name: "web".into(),
        kind: "deployment".into(),
        body: Some(json!({"spec": {"replicas": 5}})),
        dry_run: true,
    };
    let object = |replicas: u32| {
        Some(json!({"kind": "Deployment", "metadata": {"name": "web"}, "spec": {"replicas": replicas}}))
    };
    let touched = Touched {
        call,
        access: None,
        uid: Some("u".into()),
        resource_version: Some(version.into()),
        before: object(3),
        after: object(5),
        pods: 2,
    };
    Evidence {
        context: "dev".into(),
        cluster: None,
        at: None,
        steps: vec![StepEvidence {
            touched: vec![touched],
            ..StepEvidence::default()
        }],
    }
}

fn session(wishes: Wishes) -> Session {
    Session::new(
        Request::new("scale web to 5", None).unwrap(),
        wishes,
        Policy::default(),
    )
}

fn interactive() -> Wishes {
    Wishes {
        interactive: true,
        ..Wishes::default()
    }
}

fn answer(text: &str) -> Event {
    Event::Planned(Answer {
        text: text.into(),
        confidence: vec![0.9],
        measured: true,
        ..Answer::default()
    })
}

/// Walks a session up to the review and gives the digest that is on the table.
fn reviewed(session: &mut Session) -> String {
    session.handle(Event::Retrieved(snapshot()));
    session.handle(answer("scale deployment/web --replicas=5"));
    let effects = session.handle(Event::Gathered(evidence("7")));
    let [Effect::Review(report, _)] = effects.as_slice() else {
        panic!("{effects:?}")
    };
    report.digest.clone()
}

fn yes(digest: String) -> Event {
    Event::Decided(Decision::Approve {
        digest,
        by: "terminal".into(),
    })
}

fn ending(effects: &[Effect]) -> Option<Ending> {
    effects.iter().find_map(|effect| match effect {
        Effect::Finish(outcome) => Some(outcome.ending),
        _ => None,
    })
}

#[test]
fn a_write_goes_through_every_stage_in_order() {
    let mut session = session(interactive());
    let digest = reviewed(&mut session);
    assert!(matches!(
        session.handle(yes(digest)).as_slice(),
        [Effect::Record(RecordKind::Intent, _)]
    ));
    assert!(matches!(
        session.handle(Event::Recorded).as_slice(),
        [Effect::Apply(_, 0)]
    ));
    assert!(matches!(
        session.handle(Event::Applied { receipts: vec![] }).as_slice(),
        [Effect::Verify(_, 0)]
    ));
    let effects = session.handle(Event::Verified {
        settled: true,
        summary: "rolled out".into(),
    });
    let [Effect::Record(RecordKind::Outcome, body)] = effects.as_slice() else {
        panic!("{effects:?}")
    };
    assert_eq!(body["outcome"], "done");
    assert_eq!(
        body["steps"][0]["command"],
        "kubectl scale deployment/web --replicas=5 -n shop"
    );
    assert_eq!(ending(&session.handle(Event::Recorded)), Some(Ending::Done));
}

#[test]
fn an_approval_of_another_report_is_no_approval() {
    let mut session = session(interactive());
    reviewed(&mut session);
    assert!(matches!(
        session.handle(yes("stale".into())).as_slice(),
        [Effect::Review(..)]
    ));
}

#[test]
fn without_a_record_nothing_is_applied() {
    let mut session = session(interactive());
    let digest = reviewed(&mut session);
    session.handle(yes(digest));
    let effects = session.handle(Event::Failed(Failure::new("disk full")));
    assert_eq!(ending(&effects), Some(Ending::Failed));
    assert!(session.handle(Event::Recorded).is_empty());
}

#[test]
fn with_nobody_there_a_write_waits_and_with_yes_it_goes() {
    for (yes, expected) in [(false, RecordKind::Decision), (true, RecordKind::Intent)] {
        let mut session = session(Wishes {
            yes,
            ..Wishes::default()
        });
        session.handle(Event::Retrieved(snapshot()));
        session.handle(answer("scale deployment/web --replicas=5"));
        let effects = session.handle(Event::Gathered(evidence("7")));
        let [Effect::Record(kind, _)] = effects.as_slice() else {
            panic!("{effects:?}")
        };
        assert_eq!(*kind, expected);
    }
}

#[test]
fn an_object_that_changed_is_reviewed_again_and_the_void_approval_recorded() {
    let mut session = session(interactive());
    let digest = reviewed(&mut session);
    session.handle(yes(digest.clone()));
    session.handle(Event::Recorded);
    let effects = session.handle(Event::NotApplied {
        receipts: vec![],
        failure: Failure::new("changed"),
        changed: true,
        uncertain: false,
    });
    let [Effect::Record(RecordKind::Outcome, body), Effect::Gather(_)] = effects.as_slice() else {
        panic!("{effects:?}")
    };
    assert_eq!(body["outcome"], "void");
    let effects = session.handle(Event::Gathered(evidence("8")));
    let [Effect::Review(report, _)] = effects.as_slice() else {
        panic!("{effects:?}")
    };
    assert_ne!(report.digest, digest);
    assert!(
        matches!(session.handle(yes(digest)).as_slice(), [Effect::Review(..)]),
        "the first approval is void"
    );
}

#[test]
fn a_call_whose_answer_was_lost_is_left_open_and_not_sent_again() {
    let mut session = session(interactive());
    let digest = reviewed(&mut session);
    session.handle(yes(digest));
    session.handle(Event::Recorded);
    let effects = session.handle(Event::NotApplied {
        receipts: vec![],
        failure: Failure::new("no answer"),
        changed: true,
        uncertain: true,
    });
    let [Effect::Record(RecordKind::Outcome, body)] = effects.as_slice() else {
        panic!("{effects:?}")
    };
    assert!(super::is_unsettled(body), "{body}");
    assert_eq!(
        body["failure"]["message"],
        "no answer; whether step 1 was done is not known"
    );
}

#[test]
fn a_read_that_fails_is_recorded() {
    let mut session = session(interactive());
    session.handle(Event::Retrieved(snapshot()));
    session.handle(answer("get pods"));
    let effects = session.handle(Event::Failed(Failure::new("pods are forbidden")));
    let [Effect::Record(RecordKind::Read, body)] = effects.as_slice() else {
        panic!("{effects:?}")
    };
    assert_eq!(
        (&body["outcome"], &body["failure"]["message"]),
        (&json!("failed"), &json!("pods are forbidden"))
    );
    assert_eq!(body["steps"][0]["result"]["applied"], false);
    assert_eq!(ending(&session.handle(Event::Recorded)), Some(Ending::Failed));
}

#[test]
fn a_problem_ends_it_before_the_review() {
    let mut session = session(interactive());
    session.handle(Event::Retrieved(snapshot()));
    session.handle(answer("scale deployment/web --replicas=5"));
    let mut forbidden = evidence("7");
    forbidden.steps[0].problem = Some(Problem::Forbidden { message: "no".into() });
    session.handle(Event::Gathered(forbidden));
    assert_eq!(ending(&session.handle(Event::Recorded)), Some(Ending::Failed));
}

#[test]
fn an_interruption_while_applying_is_recorded_when_the_call_is_back() {
    let mut session = session(interactive());
    let digest = reviewed(&mut session);
    session.handle(yes(digest));
    session.handle(Event::Recorded);
    assert!(session.handle(Event::Interrupted).is_empty());
    let effects = session.handle(Event::Applied {
        receipts: vec![json!({"code": 200})],
    });
    let [Effect::Record(RecordKind::Outcome, body)] = effects.as_slice() else {
        panic!("{effects:?}")
    };
    assert_eq!(body["outcome"], "interrupted");
    assert_eq!(body["steps"][0]["result"]["applied"], true);
}

/// Any event at all, in any order: what must never happen does not.
fn any_event() -> impl Strategy<Value = Event> {
    prop_oneof![
        Just(Event::Retrieved(snapshot())),
        Just(answer("scale deployment/web --replicas=5")),
        Just(answer("garbage")),
        Just(answer("get pods")),
        Just(Event::Gathered(evidence("7"))),
        Just(Event::Read {
            text: String::new(),
            data: None
        }),
        Just(Event::Decided(Decision::Nobody)),
        Just(Event::Decided(Decision::Reject { reason: None })),
        Just(yes("stale".into())),
        Just(Event::Recorded),
        Just(Event::Recorded),
        Just(Event::Applied { receipts: vec![] }),
        Just(Event::NotApplied {
            receipts: vec![],
            failure: Failure::new("x"),
            changed: true,
            uncertain: false
        }),
        Just(Event::NotApplied {
            receipts: vec![],
            failure: Failure::new("x"),
            changed: true,
            uncertain: true
        }),
        Just(Event::Verified {
            settled: true,
            summary: String::new()
        }),
        Just(Event::Failed(Failure::new("x"))),
        Just(Event::Interrupted),
    ]
}

proptest! {
    #[test]
    fn nothing_is_applied_without_a_yes_and_a_record(events in prop::collection::vec(any_event(), 0..24), honest in prop::collection::vec(any::<bool>(), 24)) {
        let mut session = session(interactive());
        let (mut on_table, mut approved, mut recorded) = (None::<String>, false, false);
        let mut last_record = None;
        for (event, honest) in events.into_iter().zip(honest) {
            let event = match (&on_table, session.stage()) {
                (Some(digest), Stage::Reviewing) if honest => { approved = true; yes(digest.clone()) }
                _ => event,
            };
            if session.stage() == Stage::Recording && event == Event::Recorded && last_record == Some(RecordKind::Intent) {
                recorded = true;
            }
            for effect in session.handle(event) {
                match effect {
                    Effect::Review(report, _) => on_table = Some(report.digest),
                    Effect::Record(kind, _) => last_record = Some(kind),
                    Effect::Apply(..) => prop_assert!(approved && recorded, "applied without a yes and a record"),
                    Effect::Gather(_) => (approved, recorded) = (false, false),
                    _ => {}
                }
            }
        }
    }
}

#[test]
fn an_approval_is_for_a_quarter_of_an_hour() {
    let mut session = session(interactive());
    session.handle(Event::Retrieved(snapshot()));
    session.handle(answer("scale deployment/web --replicas=5"));
    let mut looked = evidence("7");
    looked.at = Some("2026-01-31T09:00:00Z".parse().unwrap());
    let effects = session.handle(Event::Gathered(looked));
    let [Effect::Review(report, _)] = effects.as_slice() else {
        panic!("{effects:?}")
    };
    session.handle(yes(report.digest.clone()));
    let effects = session.handle(Event::Recorded);
    let [Effect::Apply(approved, 0)] = effects.as_slice() else {
        panic!("{effects:?}")
    };
    let is_good = |at: &str| approved.is_good(at.parse().unwrap());
    assert!(
        is_good("2026-01-31T09:14:59Z")
            && !is_good("2026-01-31T09:15:01Z")
            && !is_good("2026-01-31T08:00:00Z")
    );
}
