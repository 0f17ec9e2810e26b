//! Requests that only look.

use super::shown;
use super::stand::{Stand, has};

/// A test of one read against its snapshot.
macro_rules! reads {
    ($($name:ident: $request:literal => $plan:literal $(, $flag:literal)*;)*) => {$(
        #[test]
        fn $name() {
            shown!(Stand::shared().ask($request, $plan, &[$($flag),*]));
        }
    )*};
}

reads! {
    deployments_are_listed: "list deployments" => "get deployments";
    pods_of_one_app_are_listed: "pods of cart" => "get pods -l app=cart";
    everywhere_is_meant_by_a_flag: "list services" => "get services", "-A";
    another_namespace_is_meant_by_a_flag: "list deployments" => "get deployments", "-n", "blog";
    nothing_found_is_an_answer: "list jobs" => "get jobs -n blog";
    one_object_is_shown: "show the web service" => "get service/web";
    a_service_is_described: "describe the cart service" => "describe service/cart";
    logs_are_printed: "logs of cart" => "logs deployment/cart --tail=3";
    events_are_listed: "events of the blog" => "events -n blog";
    nodes_are_measured: "how busy are the nodes" => "top nodes";
    a_field_is_explained: "what is deployment.spec.replicas" => "explain deployment.spec.replicas";
    a_rollout_is_told: "is web rolled out" => "rollout status deployment/web";
    access_is_told: "may I delete pods" => "auth can-i delete pods";
    two_reads_follow_each_other: "web and cart" => "get deployment/web\nget deployment/cart";
    what_is_not_there_is_an_error: "show the shoe service" => "get service/shoe";
    a_secret_keeps_its_values: "show the credentials" => "get secret/payments-credentials -o yaml";
    a_plan_of_reads_is_shown: "list deployments" => "get deployments", "--plan-only";
    a_read_is_told_as_json: "is web rolled out" => "rollout status deployment/web", "-o", "json";
    words_of_another_language_are_a_request: "zeige die Dienste 服务" => "get services -n blog";
}

#[test]
fn what_is_piped_in_comes_first() {
    if !has("kubectl") {
        return;
    }
    let mut stand = Stand::shared();
    let manifest = stand
        .command("kubectl")
        .args(["get", "deploy", "web", "-o", "yaml"])
        .output()
        .unwrap();
    let question = "why does this not start?";
    stand.expect(
        question,
        super::planner::Reply::Text("diagnose deployment/web".to_owned()),
    );
    let ran = stand.run_with(&[question], &String::from_utf8(manifest.stdout).unwrap());
    assert_eq!(ran.code, Some(0), "{ran}");
    assert!(ran.out.contains("web"), "{ran}");
    let prompt = stand.prompt();
    assert!(prompt.starts_with("deployment/web in shop"), "{prompt}");
}
