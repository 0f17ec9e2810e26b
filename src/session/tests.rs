//! What the machine may never do, and the order in which it does the rest. No I/O anywhere.

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
fn an_amount_that_is_relative_is_a_number_before_anyone_sees_it() {
    let mut session = session(interactive());
    session.handle(Event::Retrieved(snapshot()));
    let effects = session.handle(answer("scale deployment/web --replicas=+2"));
    let [Effect::Gather(plan)] = effects.as_slice() else {
        panic!("{effects:?}")
    };
    assert_eq!(plan.to_string(), "scale deployment/web --replicas=5 -n shop");
}

#[test]
fn an_amount_that_cannot_be_worked_out_is_a_question() {
    let mut session = session(interactive());
    session.handle(Event::Retrieved(snapshot()));
    let effects = session.handle(answer("scale deployment/web --replicas=-4"));
    let asked = format!("{effects:?}");
    assert!(
        asked.contains("deployment/web has 3 replicas") && !asked.contains("Gather"),
        "{asked}"
    );
}

#[test]
fn garbage_is_sent_back_once() {
    let mut session = session(interactive());
    session.handle(Event::Retrieved(snapshot()));
    let effects = session.handle(answer("I would scale it!"));
    assert!(matches!(
        effects.as_slice(),
        [Effect::Plan {
            complaint: Some(_),
            ..
        }]
    ));
    let effects = session.handle(answer(""));
    assert!(matches!(
        effects.as_slice(),
        [Effect::Record(RecordKind::Decision, _)]
    ));
    assert_eq!(ending(&session.handle(Event::Recorded)), Some(Ending::Unclear));
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

fn planned(policy: Policy) -> (Session, crate::check::Report) {
    let wishes = Wishes {
        plan_only: true,
        ..Wishes::default()
    };
    let mut session = Session::new(Request::new("scale web to 5", None).unwrap(), wishes, policy);
    session.handle(Event::Retrieved(snapshot()));
    session.handle(answer("scale deployment/web --replicas=5"));
    let mut looked = evidence("7");
    looked.at = Some("2026-01-31T09:00:00Z".parse().unwrap());
    looked.cluster = Some("c1".into());
    let effects = session.handle(Event::Gathered(looked));
    let [Effect::Finish(outcome)] = effects.as_slice() else {
        panic!("{effects:?}")
    };
    let report = outcome.report.clone().unwrap();
    (session, report)
}

fn file() -> PlanFile {
    static FILE: std::sync::LazyLock<PlanFile> = std::sync::LazyLock::new(made);
    FILE.clone()
}

fn made() -> PlanFile {
    let (_, report) = planned(Policy::default());
    let expires = "2026-02-01T09:00:00Z".parse().unwrap();
    PlanFile::new("id".into(), "scale web to 5", "ann", &report, expires).unwrap()
}

/// Applies a file to a cluster in which the deployment has this version and number of replicas.
fn apply(file: PlanFile, signers: usize, cluster: &str, version: &str, replicas: u32) -> Vec<Effect> {
    let signers = vec!["bob".to_owned(); signers];
    let request = Request::new("scale web to 5", None).unwrap();
    let mut session = Session::with_file(request, file, signers, interactive(), Policy::default()).unwrap();
    session.handle(Event::Retrieved(snapshot()));
    let mut looked = evidence(version);
    looked.cluster = Some(cluster.into());
    looked.steps[0].touched[0].before.as_mut().unwrap()["spec"]["replicas"] = json!(replicas);
    session.handle(Event::Gathered(looked))
}

#[test]
fn a_plan_file_is_for_one_cluster_and_one_state() {
    let text = file().write().unwrap();
    let read = PlanFile::read(&text).unwrap();
    assert_eq!(read, file());
    assert!(matches!(
        apply(read, 0, "c1", "7", 3).as_slice(),
        [Effect::Review(..)]
    ));
    assert!(
        matches!(apply(file(), 0, "c1", "8", 3).as_slice(), [Effect::Review(..)]),
        "only its status changed"
    );
    for (cluster, replicas, words) in [
        ("c2", 3, "another cluster"),
        ("c1", 4, "deployment/web in shop changed"),
    ] {
        let effects = apply(file(), 0, cluster, "9", replicas);
        let [Effect::Record(RecordKind::Decision, body)] = effects.as_slice() else {
            panic!("{effects:?}")
        };
        assert!(
            body["failure"]["message"].as_str().unwrap().contains(words),
            "{body}"
        );
    }
}

#[test]
fn a_plan_file_has_a_time() {
    let file = file();
    let check = |at: &str| file.check_time(at.parse().unwrap());
    assert_eq!(check("2026-01-31T12:00:00Z"), Ok(()));
    assert!(check("2026-02-01T09:00:01Z").is_err(), "too late");
    assert!(check("2026-01-30T09:00:00Z").is_err(), "the clock is wrong");
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

proptest! {
    #[test]
    fn a_plan_file_in_which_a_character_changed_is_found_out(at in 0usize..4000, with in any::<char>()) {
        let whole = file().write().unwrap();
        let mut characters: Vec<char> = whole.chars().collect();
        let at = at % characters.len();
        characters[at] = with;
        let altered: String = characters.into_iter().collect();
        // What changes only white space, comments or quotes says the same.
        if let Ok(read) = PlanFile::read(&altered) {
            prop_assert_eq!(read, file());
        }
    }
}

fn passage() -> Passage {
    Passage {
        id: "concepts/pod#what-it-is".to_owned(),
        title: "Pod".to_owned(),
        heading: "What it is".to_owned(),
        text: "A Pod runs containers.".to_owned(),
        origin: Origin::Shipped,
        source: String::new(),
        version: String::new(),
    }
}

fn question(wishes: Wishes, piped: Option<&str>) -> Session {
    let request = Request::new("what is a pod", piped.map(str::to_owned)).unwrap();
    Session::new(request, wishes, Policy::default())
}

#[test]
fn a_question_is_looked_up_and_ends_with_what_was_found() {
    let mut session = question(interactive(), None);
    assert_eq!(session.start(), [Effect::LookUp("what is a pod".to_owned())]);
    let effects = session.handle(Event::Found(vec![passage()]));
    let [Effect::Finish(outcome)] = effects.as_slice() else {
        panic!("{effects:?}")
    };
    assert_eq!(outcome.ending, Ending::Answered);
    assert_eq!(outcome.passages, [passage()]);
    assert!(!outcome.recorded);
}

#[test]
fn a_question_that_nothing_answers_goes_to_the_cluster_once() {
    let mut session = question(interactive(), None);
    assert_eq!(session.handle(Event::Found(Vec::new())), [Effect::Retrieve]);
    assert_eq!(session.start(), [Effect::Retrieve]);
    let effects = session.handle(Event::Retrieved(snapshot()));
    assert!(matches!(effects.as_slice(), [Effect::Plan { .. }]), "{effects:?}");
}

#[test]
fn plans_undos_and_what_is_piped_are_not_looked_up() {
    let planned = Wishes {
        plan_only: true,
        ..interactive()
    };
    assert_eq!(question(planned, None).start(), [Effect::Retrieve]);
    assert_eq!(
        question(interactive(), Some("kind: Pod")).start(),
        [Effect::Retrieve]
    );
    let plan = Plan::new(vec!["get pods".parse().unwrap()]).unwrap();
    let request = Request::new("what is a pod", None).unwrap();
    let given = Session::with_plan(request, plan, interactive(), Policy::default());
    assert_eq!(given.start(), [Effect::Retrieve]);
}

#[test]
fn a_look_up_that_fails_or_is_interrupted_ends_the_request() {
    let mut session = question(interactive(), None);
    let effects = session.handle(Event::Failed(Failure::new("no")));
    assert_eq!(ending(&effects), Some(Ending::Failed));
    let effects = question(interactive(), None).handle(Event::Interrupted);
    assert_eq!(ending(&effects), Some(Ending::Interrupted));
}
