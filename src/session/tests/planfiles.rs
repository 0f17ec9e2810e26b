//! Plan files: for one cluster, one state and some time, and found out where they were altered.

use super::*;

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
