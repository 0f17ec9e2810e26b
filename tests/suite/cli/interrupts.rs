//! Ctrl-C at every stage.

use std::io::Read as _;
use std::net::TcpListener;
use std::time::Duration;

use sayso::sandbox::FaultAnswer;

use super::planner::Reply;
use super::shown;
use super::stand::{Stand, interrupt};

#[test]
fn while_the_cluster_is_silent() {
    let stand = Stand::shared();
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", silent.local_addr().unwrap());
    stand.write(
        "kubeconfig",
        stand.cluster.kubeconfig().replace(stand.cluster.url(), &url),
    );
    let child = stand.sayso(&["list pods"]).spawn().unwrap();
    let (mut connection, _) = silent.accept().unwrap();
    connection.read_exact(&mut [0; 4]).unwrap();
    shown!(interrupt(child, &["list pods"]));
}

#[test]
fn while_the_model_is_silent() {
    let mut stand = Stand::shared();
    stand.expect("scale web to 5", Reply::Silence);
    let arguments = ["scale web to 5", "--yes"];
    let child = stand.sayso(&arguments).spawn().unwrap();
    stand.prompt();
    shown!(interrupt(child, &arguments));
    assert!(stand.records("intent").is_empty());
}

#[test]
fn while_a_rollout_is_watched() {
    let stand = Stand::own();
    let plan = "set image deployment/web nginx=nginx:broken";
    stand.expect("a broken image", Reply::Text(plan.to_owned()));
    let arguments = ["a broken image", "--yes"];
    let child = stand.sayso(&arguments).spawn().unwrap();
    while stand.live(
        "Deployment",
        "shop",
        "web",
        "/spec/template/spec/containers/0/image",
    ) != "nginx:broken"
    {
        std::thread::sleep(Duration::from_millis(20));
    }
    let ran = interrupt(child, &arguments);
    assert_eq!(ran.code, Some(130), "{ran}");
    assert!(
        ran.err
            .contains("interrupted: one step was applied, and is recorded"),
        "{ran}"
    );
    assert_eq!(stand.records("outcome")[0]["outcome"], "interrupted");
    assert_eq!(stand.records("outcome")[0]["steps"][0]["result"]["applied"], true);
}

#[test]
fn while_a_change_is_made_it_is_made_to_its_end() {
    let stand = Stand::own();
    let plan = "scale deployment/web --replicas=5\nscale deployment/cart --replicas=5";
    stand.expect("more", Reply::Text(plan.to_owned()));
    stand.inject(
        "PATCH",
        "deployments/web/scale?fieldManager",
        FaultAnswer::Delay(Duration::from_secs(1)),
        1,
    );
    let arguments = ["more", "--yes"];
    let child = stand.sayso(&arguments).spawn().unwrap();
    // The intent is on disk just before the change is sent.
    while stand.records("intent").is_empty() {
        std::thread::sleep(Duration::from_millis(20));
    }
    let ran = interrupt(child, &arguments);
    assert_eq!(ran.code, Some(130), "{ran}");
    let outcome = &stand.records("outcome")[0];
    assert_eq!(outcome["outcome"], "interrupted");
    // Whether the signal came before the first change or during it, the record says what is so.
    assert_eq!(
        outcome["steps"][0]["result"]["applied"] == true,
        stand.replicas("web") == 5
    );
    assert_eq!(stand.replicas("cart"), 2);
}
