//! Questions that are looked up, and those that go to the cluster all the same.

use super::*;

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
