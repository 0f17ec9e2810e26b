//! What is found out before anything is done: effects, problems, access, notes.

use super::*;

#[tokio::test]
async fn gathering_changes_nothing() {
    let stand = stand().await;
    let before = stand.running.objects();
    let tried = [
        "scale deployment/web --replicas=5",
        "set image deployment/web nginx=nginx:1.28",
        "delete namespace/blog",
        "create namespace demo",
        "drain node-2 --ignore-daemonsets --delete-emptydir-data --force",
        "create token default",
    ];
    for line in tried {
        stand.one(line).await;
    }
    let names = |objects: &[Value]| -> Vec<String> {
        objects
            .iter()
            .map(|object| format!("{} {}", object["metadata"]["uid"], object["spec"]))
            .collect()
    };
    assert_eq!(names(&before), names(&stand.running.objects()));
}

#[tokio::test]
async fn evidence_shows_before_after_and_pods() {
    let stand = stand().await;
    let evidence = stand
        .evidence(&["scale deployment/web --replicas=1", "get pods"])
        .await;
    assert!(evidence.cluster.is_some());
    assert_eq!(evidence.context, "sandbox");
    let touched = &evidence.steps[0].touched[0];
    assert_eq!(touched.before.as_ref().unwrap()["spec"]["replicas"], 3);
    assert_eq!(touched.after.as_ref().unwrap()["spec"]["replicas"], 1);
    assert_eq!(touched.pods, 2);
    assert_eq!(
        touched.access.as_ref().unwrap().what,
        "patch deployments/scale in shop"
    );
    assert_eq!(evidence.steps[1], StepEvidence::default());
    let image = stand.one("set image deployment/web nginx=nginx:1.28").await;
    assert_eq!(image.touched[0].pods, 3);
}

#[tokio::test]
async fn what_cannot_be_done_is_told_beforehand() {
    let stand = stand().await;
    let impossible = |problem: Problem| match problem {
        Problem::Impossible { message } => message,
        other => panic!("{other:?}"),
    };
    let message = impossible(stand.problem("set image deployment/web app=nginx:1.28").await);
    assert_eq!(message, "no container `app` in deployment/web; it has `nginx`");
    let message = impossible(stand.problem("label deployment/web tier=edge").await);
    assert!(message.contains("already has the value `frontend`"), "{message}");
    let message = impossible(stand.problem("rollout undo deployment/web").await);
    assert_eq!(message, "deployment/web has no earlier revision to go back to");
    let message = impossible(stand.problem("drain node-2").await);
    assert!(message.contains("--ignore-daemonsets"), "{message}");
    let missing = stand.problem("scale deployment/nope --replicas=1").await;
    assert!(matches!(missing, Problem::NotFound { .. }), "{missing:?}");
    let taken = stand.problem("create configmap web-config").await;
    assert!(matches!(taken, Problem::Rejected { code: 409, .. }), "{taken:?}");
}

#[tokio::test]
async fn what_is_so_already_is_nothing_to_do() {
    let stand = stand().await;
    let lines = [
        "scale deployment/web --replicas=3",
        "label deployment/web tier=frontend",
        "set image deployment/web nginx=nginx:1.27",
        "uncordon node-2",
        "rollout resume deployment/web",
        r#"patch deployment/web -p '{"spec":{"replicas":3}}'"#,
        "delete pods -l app=nobody",
    ];
    for line in lines {
        let problem = stand.problem(line).await;
        assert!(
            matches!(problem, Problem::NothingToDo { .. }),
            "{line}: {problem:?}"
        );
    }
}

#[tokio::test]
async fn a_viewer_is_told_no() {
    let stand = stand().await;
    let options = ConnectOptions {
        impersonate: Some("viewer".to_owned()),
        ..ConnectOptions::default()
    };
    let cluster = connect(&stand.running, options).await;
    let evidence = cluster
        .gather(
            &plan(&["scale deployment/web --replicas=5"]),
            Timestamp::UNIX_EPOCH,
        )
        .await;
    let step = evidence.unwrap().steps.remove(0);
    assert!(
        matches!(step.problem, Some(Problem::Forbidden { .. })),
        "{step:?}"
    );
    assert!(!step.touched[0].access.as_ref().unwrap().allowed);
    let approved = stand.approve("scale deployment/web --replicas=5").await;
    let failure = cluster.apply(&approved, 0, "test-1").await.unwrap_err();
    assert!(
        matches!(failure.error, ClusterError::Api { code: 403, .. }),
        "{failure:?}"
    );
    assert_eq!(stand.live(WEB).await["spec"]["replicas"], 3);
}

#[tokio::test]
async fn notes_say_what_a_step_sets_off() {
    let stand = stand().await;
    let scale = stand.one("scale deployment/cart --replicas=1").await;
    assert!(
        scale
            .notes
            .iter()
            .any(|note| note.contains("HorizontalPodAutoscaler `cart`")),
        "{:?}",
        scale.notes
    );
    let pods = stand
        .live("/api/v1/namespaces/shop/pods?labelSelector=app%3Dweb")
        .await;
    let pod = pods["items"][0]["metadata"]["name"].as_str().unwrap();
    let delete = stand.one(&format!("delete pod/{pod}")).await;
    assert!(
        delete
            .notes
            .iter()
            .any(|note| note.ends_with("it will be recreated")),
        "{:?}",
        delete.notes
    );
    assert_eq!(delete.touched[0].pods, 1);
}

#[tokio::test]
async fn steps_that_need_earlier_ones_are_not_tried() {
    let stand = stand().await;
    let lines = [
        "create namespace demo",
        "create deployment api --image=nginx -n demo",
        "expose deployment/api --port=80 -n demo",
    ];
    let evidence = stand.evidence(&lines).await;
    for (step, number) in evidence.steps[1..].iter().zip([1, 1]) {
        assert_eq!(step.problem, None);
        assert_eq!(
            step.notes,
            [format!("not tried beforehand: step {number} creates it first")]
        );
    }
    let service = evidence.steps[2].touched[0].call.body.as_ref().unwrap();
    assert_eq!(service["spec"]["selector"], json!({"app": "api"}));
    for (line, step) in lines.iter().zip(evidence.steps) {
        stand
            .apply(&approve_for_test(line.parse().unwrap(), step.touched))
            .await;
    }
    stand.live("/api/v1/namespaces/demo/services/api").await;
}
