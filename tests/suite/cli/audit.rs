//! `sayso audit`.

use super::shown;
use super::stand::Stand;

/// A stand with one read, one change that waits and one refusal on record.
fn used() -> Stand {
    let stand = Stand::shared();
    stand.ask("list pods", "get pods", &[]);
    stand.ask("scale web to 5", "scale deployment/web --replicas=5", &[]);
    stand.ask("sing a song", "refuse", &[]);
    stand
}

#[test]
fn actions_are_listed() {
    let ran = used().run(&["audit", "list"]);
    let rows: Vec<Vec<&str>> = ran
        .out
        .lines()
        .map(|line| line.split_whitespace().skip(2).collect())
        .collect();
    assert_eq!(ran.out.lines().count(), 4, "{ran}");
    assert_eq!(
        rows[1][1..],
        ["tester", "answered", "kubectl", "get", "pods", "-n", "shop"]
    );
    assert_eq!(rows[2][1..3], ["tester", "needs-approval"]);
    assert_eq!(rows[3][1..3], ["tester", "refused"]);
}

#[test]
fn lists_are_narrowed() {
    let stand = used();
    let count = |flags: &[&str]| {
        stand
            .run(&[&["audit", "list"], flags].concat())
            .out
            .lines()
            .count()
            - 1
    };
    assert_eq!(count(&["--verdict", "refused"]), 1);
    assert_eq!(count(&["--object", "deployment/web"]), 1);
    assert_eq!(count(&["--user", "nobody"]), 0);
    assert_eq!(count(&["--since", "1h"]), 3);
    shown!(stand.run(&["audit", "list", "--since", "yesterday"]));
}

#[test]
fn one_action_is_shown_whole() {
    let stand = Stand::shared();
    let asked = stand
        .ask("list the services", "get services", &["-o", "json"])
        .json();
    let id = asked["audit"].as_str().unwrap();
    let ran = stand.run(&["audit", "show", id, "-o", "json"]);
    assert_eq!(
        ran.json()[0]["entry"]["read"]["body"]["request"],
        "list the services",
        "{ran}"
    );
    let short = stand.run(&["audit", "show", &id[id.len() - 12..]]);
    assert!(short.out.contains("request: list the services"), "{short}");
}

#[test]
fn an_action_that_is_not_there_is_an_error() {
    let stand = used();
    shown!(stand.run(&["audit", "show", "ffffffffffff"]));
}

#[test]
fn the_whole_record_is_exported() {
    let stand = used();
    let lines = stand.run(&["audit", "export"]);
    assert_eq!(lines.out.lines().count(), 3, "{lines}");
    let table = stand.run(&["audit", "export", "--form", "csv"]);
    assert_eq!(table.out.lines().count(), 4, "{table}");
}

#[test]
fn a_record_that_nobody_touched_is_intact() {
    shown!(used().run(&["audit", "verify"]));
}

#[test]
fn a_flipped_byte_is_found() {
    let stand = used();
    let mut bytes = std::fs::read(stand.log()).unwrap();
    let place = bytes
        .windows(10)
        .position(|window| window == b"replicas=5")
        .unwrap();
    bytes[place + 9] = b'6';
    std::fs::write(stand.log(), bytes).unwrap();
    shown!(stand.run(&["audit", "verify"]));
}

#[test]
fn without_a_record_there_is_nothing_to_list() {
    shown!(Stand::shared().run(&["audit", "list"]));
}

/// What a server in between saw: the method of each request, and who said it was.
type Heard = std::sync::Arc<std::sync::Mutex<Vec<(String, String)>>>;

/// Puts a server in between, which passes everything on and remembers who called.
fn overheard(stand: &Stand, runtime: &tokio::runtime::Runtime) -> Heard {
    let heard = Heard::default();
    let (ear, behind) = (heard.clone(), stand.cluster.url().to_owned());
    let pass = move |request: axum::extract::Request| {
        let (ear, behind) = (ear.clone(), behind.clone());
        async move {
            let (parts, body) = request.into_parts();
            let agent = parts.headers["user-agent"].to_str().unwrap().to_owned();
            ear.lock().unwrap().push((parts.method.to_string(), agent));
            let bytes = axum::body::to_bytes(body, usize::MAX).await.unwrap();
            let passed = reqwest::Client::new()
                .request(parts.method, format!("{behind}{}", parts.uri))
                .headers(parts.headers)
                .body(bytes);
            let answer = passed.send().await.unwrap();
            let (status, headers) = (answer.status(), answer.headers().clone());
            (status, headers, answer.bytes().await.unwrap())
        }
    };
    let listener = runtime
        .block_on(tokio::net::TcpListener::bind("127.0.0.1:0"))
        .unwrap();
    let between = format!("http://{}", listener.local_addr().unwrap());
    let router = axum::Router::new().fallback(pass);
    runtime.spawn(async move { axum::serve(listener, router).await });
    let config = stand.cluster.kubeconfig().replace(stand.cluster.url(), &between);
    stand.write("kubeconfig", config);
    heard
}

#[test]
fn our_record_and_the_servers_name_each_other() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let stand = Stand::own();
    let heard = overheard(&stand, &runtime);
    let ran = stand.ask("label it", "label deployment/web a=b", &["--yes", "-o", "json"]);
    assert_eq!(ran.code, Some(0), "{ran}");
    let id = ran.json()["audit"].clone();
    let heard = heard.lock().unwrap();
    let wrote: Vec<&str> = heard
        .iter()
        .filter(|(method, agent)| method == "PATCH" && agent.contains("(record "))
        .map(|(_, agent)| agent.as_str())
        .collect();
    let [agent] = wrote.as_slice() else {
        panic!("{heard:?}")
    };
    let record = agent.split_once("(record ").unwrap().1.trim_end_matches(')');
    assert_eq!(id, record, "{agent}");
    let receipt = &stand.records("outcome")[0]["steps"][0]["result"]["receipts"][0];
    let theirs = receipt["audit_id"].as_str().unwrap();
    assert!(theirs.parse::<uuid::Uuid>().is_ok(), "{theirs}");
}
