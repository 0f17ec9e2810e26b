//! What becomes of a request before there is a plan: commands that people typed, plans to be doubted.

use super::*;
use crate::session::Answer;

fn about(text: &str) -> Session {
    Session::new(
        Request::new(text, None).unwrap(),
        interactive(),
        Policy::default(),
    )
}

fn object(kind: &str, name: &str) -> ObjectFact {
    ObjectFact {
        kind: kind.into(),
        name: name.into(),
        ..ObjectFact::default()
    }
}

/// The shop with two nodes and a pod with a number.
fn numbered() -> Snapshot {
    let mut snapshot = snapshot();
    let nodes = ["node-1", "node-2"].map(|name| object("node", name));
    snapshot.objects.extend(nodes);
    snapshot.objects.push(ObjectFact {
        namespace: "shop".into(),
        ..object("pod", "db-0")
    });
    snapshot
}

/// What a session does once it knows the cluster.
fn first(text: &str) -> Vec<Effect> {
    about(text).handle(Event::Retrieved(numbered()))
}

/// The plan or the read that a session goes on with.
fn going_on_with(effects: &[Effect]) -> String {
    match effects {
        [Effect::Gather(plan)] => plan.to_string(),
        [Effect::Read(step)] => step.to_string(),
        other => panic!("{other:?}"),
    }
}

/// The question on record.
fn asked(effects: &[Effect]) -> &str {
    match effects {
        [Effect::Record(RecordKind::Decision, body)] if body["outcome"] == "unclear" => {
            body["question"].as_str().unwrap()
        }
        _ => panic!("{effects:?}"),
    }
}

#[test]
fn a_command_that_somebody_typed_needs_no_planner() {
    for (typed, plan) in [
        (
            "kubectl scale deploy web --replicas=5",
            "scale deployment/web --replicas=5 -n shop",
        ),
        (
            "k -n shop scale deployment web --replicas 5",
            "scale deployment/web --replicas=5 -n shop",
        ),
        (
            "$ kubectl drain node-1 --ignore-daemonsets",
            "drain node-1 --ignore-daemonsets",
        ),
        ("delete pod/db-0", "delete pod/db-0 -n shop"),
        (
            "kubectl create role peeker --verb=get,list --resource=pods,services",
            "create role peeker --verb=get --verb=list --resource=pods --resource=services -n shop",
        ),
        // Arithmetic as a planner may write it: the number is known before there is a plan.
        (
            "scale deployment/web --replicas=+2",
            "scale deployment/web --replicas=5 -n shop",
        ),
        ("k get po", "get pods -n shop"),
        ("get nodes", "get nodes"),
        (
            "kubectl explain pod.spec.tolerations",
            "explain pod.spec.tolerations",
        ),
    ] {
        assert_eq!(going_on_with(&first(typed)), plan, "{typed}");
    }
}

#[test]
fn what_is_no_command_about_things_that_are_there_goes_to_the_planner() {
    for words in [
        "scale web to 5",
        "get lunch",
        "get the web deployment",
        "delete deployment/wbe",
        "drain node-9",
        "unclear",
        "# get pods",
        "explain web",
    ] {
        let effects = first(words);
        assert!(
            matches!(effects.as_slice(), [Effect::Plan { .. }]),
            "{words}: {effects:?}"
        );
    }
}

#[test]
fn what_no_plan_can_do_is_said_without_a_planner() {
    let effects = first("kubectl port-forward deployment/web 8080:80");
    let [Effect::Record(RecordKind::Decision, body)] = effects.as_slice() else {
        panic!("{effects:?}");
    };
    assert_eq!(body["outcome"], "refused");
}

#[test]
fn how_everything_is_needs_no_planner_unless_something_was_piped_in() {
    assert_eq!(
        going_on_with(&first("is anything broken?")),
        "diagnose all -n shop"
    );
    let piped = Request::new("what is wrong?", Some("an error".into())).unwrap();
    let mut session = Session::new(piped, interactive(), Policy::default());
    let effects = session.handle(Event::Retrieved(numbered()));
    assert!(matches!(effects.as_slice(), [Effect::Plan { .. }]), "{effects:?}");
}

#[test]
fn a_number_that_nothing_bears_is_asked_about() {
    let plan = |text: &str, answered: &str| {
        let mut session = about(text);
        session.handle(Event::Retrieved(numbered()));
        session.handle(answer(answered))
    };
    assert_eq!(
        asked(&plan("please drain node-9", "drain node-1 --ignore-daemonsets")),
        "there is no node called node-9; which one is meant: node-1, node-2?"
    );
    // A read of another pod than the one that was named would be an answer about something else.
    assert_eq!(
        asked(&plan("logs of db-3", "logs pod/db-0")),
        "there is no pod called db-3; which one is meant: db-0?"
    );
    for (text, answered) in [
        (
            "drain node-1, the one next to node-9",
            "drain node-1 --ignore-daemonsets",
        ),
        ("drain the first node", "drain node-1 --ignore-daemonsets"),
        ("scale web to v2", "scale deployment/web --replicas=2"),
    ] {
        assert!(
            matches!(plan(text, answered).as_slice(), [Effect::Gather(_)]),
            "{text}"
        );
    }
}

#[test]
fn what_is_a_guess_is_asked_about() {
    let plan = |text: &str, confidence: f32, measured: bool| {
        let mut session = about("do something about web");
        session.handle(Event::Retrieved(snapshot()));
        session.handle(Event::Planned(Answer {
            text: text.into(),
            confidence: vec![confidence],
            measured,
            ..Answer::default()
        }))
    };
    let scale = "scale deployment/web --replicas=1";
    let guess = plan(scale, 0.01, true);
    let question = asked(&guess);
    assert!(
        question.contains("`scale deployment/web --replicas=1 -n shop`"),
        "{question}"
    );
    // Said so, it is a plan.
    let typed = about(question.split('`').nth(1).unwrap()).handle(Event::Retrieved(snapshot()));
    assert!(matches!(typed.as_slice(), [Effect::Gather(_)]));
    // So is a question that was perhaps never asked. Other models' numbers were held against nothing.
    asked(&plan("get pods", 0.01, true));
    assert!(matches!(
        plan("get pods", 0.1, true).as_slice(),
        [Effect::Read(_)]
    ));
    assert!(matches!(plan(scale, 0.01, false).as_slice(), [Effect::Gather(_)]));
    assert!(matches!(plan(scale, 0.1, true).as_slice(), [Effect::Gather(_)]));
    // What ends something has to be likelier.
    for ending in ["scale deployment/web --replicas=0", "delete deployment/web"] {
        asked(&plan(ending, 0.1, true));
        assert!(matches!(plan(ending, 0.5, true).as_slice(), [Effect::Gather(_)]));
    }
}

#[test]
fn what_the_planner_cannot_know_is_completed() {
    let mut snapshot = numbered();
    let labels = [("app".to_owned(), "db".to_owned())].into();
    snapshot.objects.push(ObjectFact {
        namespace: "shop".into(),
        labels,
        ..object("pod", "db-1")
    });
    let planned = |answered: &str| {
        let mut session = about("Do it with the pair API_KEY=Xy.");
        session.handle(Event::Retrieved(snapshot.clone()));
        going_on_with(&session.handle(answer(answered)))
    };
    for (answered, plan) in [
        // A label that is there with another value; a planner sees none.
        (
            "label pod/db-1 app=api",
            "label pod/db-1 app=api --overwrite -n shop",
        ),
        ("label pod/db-1 app=db", "label pod/db-1 app=db -n shop"),
        ("label pod/db-0 app=api", "label pod/db-0 app=api -n shop"),
        // A pair that was said, as it was said.
        (
            "create secret generic s --from-literal=api_key=xy",
            "create secret generic s --from-literal=API_KEY=Xy -n shop",
        ),
        // A service account that an earlier step creates, and one of the step's namespace.
        (
            "create serviceaccount bot -n blog\ncreate clusterrolebinding b --clusterrole=view --serviceaccount=bot",
            "create serviceaccount bot -n blog\ncreate clusterrolebinding b --clusterrole=view --serviceaccount=blog:bot",
        ),
        (
            "create rolebinding b --role=r --serviceaccount=bot -n blog",
            "create rolebinding b --role=r --serviceaccount=blog:bot -n blog",
        ),
    ] {
        assert_eq!(planned(answered), plan);
    }
}

#[test]
fn a_guess_comes_with_the_others_that_were_likely() {
    let mut session = about("web: 1 or off?");
    session.handle(Event::Retrieved(snapshot()));
    let other = |text: &str, chance: f32| (text.to_owned(), chance);
    let effects = session.handle(Event::Planned(Answer {
        text: "scale deployment/web --replicas=1".into(),
        confidence: vec![0.01],
        others: vec![
            other("scale deployment/web --replicas=0", 0.008),
            other("scale deployment/web --replicas=1 -n shop", 0.007),
            other("unclear", 0.005),
            other("garbage", 0.004),
            other("delete deployment/web", 0.001),
        ],
        measured: true,
    }));
    assert_eq!(
        asked(&effects),
        "what is to be done? `scale deployment/web --replicas=1 -n shop`, or \
         `scale deployment/web --replicas=0 -n shop` come to mind, but those are guesses; say the one that is meant"
    );
}

#[test]
fn a_container_that_was_said_is_not_left_out() {
    let mut snapshot = snapshot();
    let container = |name: &str| (name.to_owned(), format!("{name}:1"));
    snapshot.objects.push(ObjectFact {
        kind: "deployment".into(),
        namespace: "shop".into(),
        name: "payments-api".into(),
        containers: vec![container("app"), container("envoy")],
        ..ObjectFact::default()
    });
    let planned = |text: &str, answered: &str| {
        let mut session = about(text);
        session.handle(Event::Retrieved(snapshot.clone()));
        going_on_with(&session.handle(answer(answered)))
    };
    let limits = "set resources deployment/payments-api --limits=cpu=300m";
    for (text, answered, container) in [
        (
            "envoy logs of payments-api",
            "logs deployment/payments-api",
            "-c envoy",
        ),
        (
            "payments-api: what does the app container say",
            "logs deployment/payments-api",
            "-c app",
        ),
        ("cap envoy in payments-api at 300m cpu", limits, "-c envoy"),
    ] {
        let plan = planned(text, answered);
        assert!(plan.contains(container), "{text}: {plan}");
    }
    for (text, answered) in [
        // A word for any program, and no container's.
        ("cap the payments-api app at 300m cpu", limits),
        ("logs of payments-api", "logs deployment/payments-api"),
        (
            "app and envoy container logs of payments-api",
            "logs deployment/payments-api --all-containers",
        ),
        (
            "on payments-api UPSTREAM is envoy",
            "set env deployment/payments-api UPSTREAM=envoy",
        ),
        (
            "restart payments-api, envoy hangs",
            "rollout restart deployment/payments-api",
        ),
    ] {
        let plan = planned(text, answered);
        assert!(!plan.contains("-c "), "{text}: {plan}");
    }
    // What is offered as a guess is what would be done.
    let mut session = about("something with the envoy container of payments-api");
    session.handle(Event::Retrieved(snapshot.clone()));
    let guess = session.handle(Event::Planned(Answer {
        text: limits.into(),
        confidence: vec![0.01],
        measured: true,
        ..Answer::default()
    }));
    assert!(asked(&guess).contains("-c envoy"), "{}", asked(&guess));
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
