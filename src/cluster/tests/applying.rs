//! What was approved meets a cluster that changed meanwhile, or a server that fails.

use super::*;

#[tokio::test]
async fn a_later_call_builds_on_an_earlier_one_of_the_same_approval() {
    let stand = stand().await;
    let approved = stand
        .approve("annotate deployment/web deployment/web note=twice")
        .await;
    let receipts = stand.apply(&approved).await;
    assert_ne!(
        receipts[1].resource_version_before,
        receipts[0].resource_version_before
    );
    stand.patch(WEB, json!({"spec": {"replicas": 1}})).await;
    let failure = stand.cluster.apply(&approved, 0, "test-1").await.unwrap_err();
    assert!(
        matches!(failure.error, ClusterError::Changed { .. }),
        "{failure:?}"
    );
}

#[tokio::test]
async fn an_object_that_somebody_changed_is_left_alone() {
    let stand = stand().await;
    let lines = [
        "scale deployment/web --replicas=5",
        "set image deployment/web nginx=nginx:1.28",
        "label deployment/web owner=ann",
        "delete deployment/web",
        r#"patch deployment/web --type=json -p '[{"op":"replace","path":"/spec/revisionHistoryLimit","value":4}]'"#,
    ];
    for (number, line) in lines.iter().enumerate() {
        let approved = stand.approve(line).await;
        stand
            .patch(
                WEB,
                json!({"metadata": {"annotations": {"by": format!("{number}")}}}),
            )
            .await;
        let before = stand.live(WEB).await;
        let failure = stand.cluster.apply(&approved, 0, "test-1").await.unwrap_err();
        let words = failure.error.to_string();
        assert!(
            matches!(failure.error, ClusterError::Changed { .. }),
            "{line}: {words}"
        );
        assert_eq!(words, "deployment/web in shop changed since it was reviewed");
        assert_eq!(before["spec"], stand.live(WEB).await["spec"], "{line}");
    }
}

#[tokio::test]
async fn a_change_of_status_alone_is_no_change() {
    let stand = stand().await;
    let approved = stand.approve("scale deployment/web --replicas=5").await;
    stand
        .patch(
            &format!("{WEB}/status"),
            json!({"status": {"observedGeneration": 1, "unavailableReplicas": 1}}),
        )
        .await;
    let reviewed = approved.steps()[0].touched()[0].resource_version.clone();
    assert_ne!(
        reviewed.as_deref(),
        stand.live(WEB).await["metadata"]["resourceVersion"].as_str()
    );
    let receipts = stand.apply(&approved).await;
    assert_ne!(receipts[0].resource_version_before, reviewed);
    assert_eq!(stand.live(WEB).await["spec"]["replicas"], 5);
}

#[tokio::test]
async fn an_object_of_the_same_name_is_not_the_one_reviewed() {
    let stand = stand().await;
    let approved = stand.approve("label configmap/web-config owner=ann").await;
    stand.carry_out("delete configmap/web-config").await;
    let gone = stand.cluster.apply(&approved, 0, "test-1").await.unwrap_err();
    assert!(matches!(gone.error, ClusterError::Changed { .. }), "{gone:?}");
    stand
        .carry_out("create configmap web-config --from-literal=a=b")
        .await;
    let other = stand.cluster.apply(&approved, 0, "test-1").await.unwrap_err();
    assert!(matches!(other.error, ClusterError::Changed { .. }), "{other:?}");
}

#[tokio::test]
async fn a_busy_server_is_asked_again() {
    let stand = stand().await;
    stand.inject("GET", "/deployments/web", FaultAnswer::Status(429), 2);
    stand.inject("PATCH", "dryRun=All", FaultAnswer::Status(503), 1);
    let approved = stand.approve("scale deployment/web --replicas=5").await;
    stand.inject("PATCH", "/scale", FaultAnswer::Status(429), 1);
    stand.inject("PATCH", "/scale", FaultAnswer::Status(503), 1);
    stand.apply(&approved).await;
    assert_eq!(stand.live(WEB).await["spec"]["replicas"], 5);
}

#[tokio::test]
async fn a_server_that_stays_broken_is_not_asked_for_ever() {
    let stand = stand().await;
    let approved = stand.approve("scale deployment/web --replicas=5").await;
    stand.inject("PATCH", "/scale", FaultAnswer::Status(500), 9);
    let failure = stand.cluster.apply(&approved, 0, "test-1").await.unwrap_err();
    assert!(
        matches!(failure.error, ClusterError::Api { code: 500, .. }),
        "{failure:?}"
    );
    assert_eq!(stand.live(WEB).await["spec"]["replicas"], 3);
}

#[tokio::test]
async fn a_creation_that_failed_halfway_is_looked_for_before_it_is_sent_again() {
    let stand = stand().await;
    let approved = stand
        .approve("create configmap settings --from-literal=a=b")
        .await;
    stand.inject("POST", "/configmaps", FaultAnswer::Status(500), 1);
    assert_eq!(stand.apply(&approved).await[0].code, 201);
    let again = stand.cluster.apply(&approved, 0, "test-1").await.unwrap_err();
    assert!(
        matches!(again.error, ClusterError::Api { code: 409, .. }),
        "{again:?}"
    );
}

#[tokio::test]
async fn a_step_that_breaks_off_says_what_was_done() {
    let stand = stand().await;
    let approved = stand
        .approve("label deployment/web deployment/cart owner=ann")
        .await;
    stand.inject("PATCH", "/deployments/cart", FaultAnswer::Status(403), 1);
    let failure = stand.cluster.apply(&approved, 0, "test-1").await.unwrap_err();
    assert_eq!(failure.done.len(), 1);
    assert!(
        failure.done[0]
            .request
            .starts_with("PATCH /apis/apps/v1/namespaces/shop/deployments/web?")
    );
    assert_eq!(stand.live(WEB).await["metadata"]["labels"]["owner"], "ann");
}
