//! Secrets planted wherever one can lie: none of them is seen in what is printed or logged, in what the model is asked, or
//! in any file that is left behind.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use sayso::sandbox::{FaultAnswer, Seed};
use serde_json::{Value, json};

use super::planner::Reply;
use super::stand::{Ran, Stand};

/// The secret with this number.
fn canary(number: usize) -> String {
    format!("canary{number:02}-7f3a9b-never-to-be-seen")
}

/// How many there are.
const CANARIES: usize = 14;

/// Those that the plan itself sets: whoever is to say yes sees what is set, and nobody else does.
const SET_BY_PLANS: std::ops::RangeInclusive<usize> = 9..=13;

const STDOUT: &str = "the output of";

fn encoded(text: &str) -> String {
    BASE64.encode(text)
}

fn secret(name: &str, kind: &str, key: &str, value: &str) -> Value {
    json!({"apiVersion": "v1", "kind": "Secret", "type": kind, "metadata": {"name": name, "namespace": "shop", "annotations": {}},
        "data": {key: encoded(value)}})
}

/// Everything that a cluster keeps secrets in.
fn manifests() -> String {
    let mut applied = secret("applied", "Opaque", "key", &canary(1));
    let last = secret("applied", "Opaque", "key", &canary(2)).to_string();
    applied["metadata"]["annotations"]["kubectl.kubernetes.io/last-applied-configuration"] = json!(last);
    let docker =
        json!({"auths": {"registry.example": {"username": "shop", "password": canary(3)}}}).to_string();
    let pem = format!(
        "-----BEGIN PRIVATE KEY-----\n{}\n-----END PRIVATE KEY-----\n",
        canary(4)
    );
    let mut bound = secret(
        "bound",
        "kubernetes.io/service-account-token",
        "token",
        &canary(5),
    );
    bound["metadata"]["annotations"]["kubernetes.io/service-account.name"] = json!("default");
    let web = json!({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "web", "namespace": "shop"}, "spec": {"replicas": 1,
        "selector": {"matchLabels": {"app": "web"}}, "template": {"metadata": {"labels": {"app": "web"}}, "spec": {"containers": [
        {"name": "nginx", "image": "nginx:1", "env": [{"name": "KEY", "valueFrom": {"secretKeyRef": {"name": "applied", "key": "key"}}}],
        "envFrom": [{"secretRef": {"name": "opaque"}}]}]}}}});
    let all = [
        json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "shop"}}),
        applied,
        secret(
            "registry",
            "kubernetes.io/dockerconfigjson",
            ".dockerconfigjson",
            &docker,
        ),
        secret("certificate", "Opaque", "tls.key", &pem),
        bound,
        secret("opaque", "Opaque", "PASSWORD", &canary(6)),
        web,
    ];
    json!({"apiVersion": "v1", "kind": "List", "items": all}).to_string()
}

/// A stand with those, a key of the model's server, and everything logged that can be.
struct Aviary {
    stand: Stand,
    seen: Vec<(String, String)>,
    requests: usize,
}

impl Aviary {
    fn new() -> Aviary {
        let stand = Stand::seeded(Seed::Manifests(manifests()));
        Aviary {
            stand,
            seen: Vec::new(),
            requests: 0,
        }
    }

    fn run(&mut self, arguments: &[&str], piped: &str) -> Ran {
        let arguments = [arguments, &["-vv"]].concat();
        let mut command = self.stand.sayso(&arguments);
        command.env("OPENAI_API_KEY", canary(8));
        let input = self.stand.write("elsewhere/piped", piped);
        if !piped.is_empty() {
            command.stdin(std::fs::File::open(input).unwrap());
        }
        let ran = Ran::of(&arguments, &command.output().unwrap());
        self.seen
            .push((format!("{STDOUT} {arguments:?}"), ran.out.clone()));
        let levels = ["DEBUG", "INFO", "WARN", "ERROR"];
        let is_log = |line: &&str| levels.iter().any(|level| line.contains(level));
        let (log, review): (Vec<&str>, Vec<&str>) = ran.err.lines().partition(is_log);
        self.seen.push((
            format!("{STDOUT} {arguments:?}"),
            review.join(
                "
",
            ),
        ));
        self.seen.push((
            format!("the log of {arguments:?}"),
            log.join(
                "
",
            ),
        ));
        ran
    }

    /// A request that the model answers with this plan.
    fn ask(&mut self, plan: &str, flags: &[&str]) -> Ran {
        self.requests += 1;
        let request = format!("do number {}", self.requests);
        self.stand.expect(&request, Reply::Text(plan.to_owned()));
        let ran = self.run(&[&[request.as_str(), "-n", "shop"], flags].concat(), "");
        for prompt in self.stand.prompts() {
            self.seen.push((format!("the prompt of {plan}"), prompt));
        }
        ran
    }

    /// Every place in which one of them is seen.
    fn leaks(&mut self) -> Vec<String> {
        let mut files = vec![self.stand.home.path().to_owned()];
        while let Some(path) = files.pop() {
            if path.ends_with("elsewhere") {
                continue;
            }
            if path.is_dir() {
                files.extend(
                    std::fs::read_dir(path)
                        .unwrap()
                        .map(|entry| entry.unwrap().path()),
                );
            } else if path.is_file() {
                let text = String::from_utf8_lossy(&std::fs::read(&path).unwrap()).into_owned();
                self.seen.push((path.display().to_string(), text));
            }
        }
        let mut leaks = Vec::new();
        for number in 1..=CANARIES {
            // In base64, what stands around it moves it by up to two characters, so its middle is looked for three times.
            let plain = canary(number);
            let mut forms = vec![plain.clone()];
            for shift in 0..3 {
                let moved = encoded(&format!("{}{plain}", "x".repeat(shift)));
                forms.push(moved[4..moved.len() - 6].to_owned());
            }
            for (place, text) in &self.seen {
                if SET_BY_PLANS.contains(&number) && place.starts_with(STDOUT) {
                    continue;
                }
                if let Some(form) = forms.iter().find(|form| text.contains(form.as_str())) {
                    let at = text.find(form.as_str()).unwrap();
                    let around = text.get(at.saturating_sub(200)..at + 40).unwrap_or_default();
                    leaks.push(format!("{plain} in {place}: {around}"));
                }
            }
        }
        leaks
    }
}

/// A token that we log in with. The sandbox knows none, so it is refused.
fn logins(aviary: &mut Aviary) {
    let mut config: Value = serde_saphyr::from_str(&aviary.stand.cluster.kubeconfig()).unwrap();
    config["users"][0]["user"]["token"] = json!(canary(7));
    let config = aviary.stand.write("elsewhere/kubeconfig", config.to_string());
    let ran = aviary.ask("get pods", &["--kubeconfig", config.to_str().unwrap()]);
    assert!(ran.err.contains("401"), "the token was never shown to the server");
}

fn reads(aviary: &mut Aviary) {
    for plan in [
        "get secrets",
        "get secrets -o yaml",
        "get secrets -o json",
        "get secrets -o wide",
        "get secret/registry -o yaml",
        "describe secrets",
        "describe secret/certificate",
        "describe deployment/web",
        "describe pods",
        "events",
        "diagnose deployment/web",
    ] {
        for output in [&[][..], &["-o", "json"], &["-o", "yaml"]] {
            let ran = aviary.ask(plan, output);
            assert_eq!(ran.code, Some(0), "{plan}: {}", ran.out);
        }
    }
}

fn writes(aviary: &mut Aviary) {
    let patch = |number| {
        format!(
            "patch secret/opaque --type=merge -p '{{\"stringData\":{{\"PASSWORD\":\"{}\"}}}}'",
            canary(number)
        )
    };
    let encoded_patch = format!(
        "patch secret/opaque --type=merge -p '{{\"data\":{{\"PASSWORD\":\"{}\"}}}}'",
        encoded(&canary(10))
    );
    let steps = format!(
        "patch secret/opaque --type=json -p '[{{\"op\":\"replace\",\"path\":\"/data/PASSWORD\",\"value\":\"{}\"}}]'",
        encoded(&canary(11))
    );
    let create = |name: &str| {
        format!(
            "create secret generic {name} --from-literal=password={}",
            canary(12)
        )
    };
    let plans = [
        "label secret/opaque team=shop".to_owned(),
        "label secret/applied team=shop".to_owned(),
        "annotate secret/opaque note=hello".to_owned(),
        patch(9),
        encoded_patch,
        steps,
        create("login"),
        "set env deployment/web MODE=fast".to_owned(),
        "rollout restart deployment/web".to_owned(),
        "delete secret/applied".to_owned(),
    ];
    for plan in &plans {
        aviary.ask(plan, &["--plan-only"]);
        aviary.ask(plan, &["--plan-only", "-o", "json"]);
        aviary.ask(plan, &[]);
        let ran = aviary.ask(plan, &["--yes", "-o", "yaml"]);
        // Done, or waiting for somebody; not misread, and not failed.
        assert!(matches!(ran.code, Some(0 | 3)), "{plan}: {}", ran.out);
        aviary.ask(plan, &["--yes"]);
    }
    let login = "/data/password";
    assert!(!aviary.stand.live("Secret", "shop", "login", login).is_null());
    aviary.run(&["undo"], "");
    aviary.run(&["undo", "--yes"], "");
}

/// Writes that fail, in ways of which the server or we have something to tell.
fn failures(aviary: &mut Aviary) {
    let create = |name: &str| {
        format!(
            "create secret generic {name} --from-literal=password={}",
            canary(13)
        )
    };
    for (name, answer) in [
        ("one", FaultAnswer::Status(422)),
        ("two", FaultAnswer::Status(503)),
        ("three", FaultAnswer::Cut),
    ] {
        aviary.stand.inject("POST", "secrets?fieldManager", answer, 9);
        aviary.ask(&create(name), &["--yes"]);
        aviary.stand.cluster.heal();
    }
    // A plan that cannot be read goes back to the model with what is wrong with it.
    aviary.ask(&create("four --nonsense"), &["--yes"]);
    aviary.stand.expect("write it down", Reply::Text(create("five")));
    aviary.run(&["plan", "write it down", "-f", "plan.yaml", "-n", "shop"], "");
    aviary.ask("get pods", &[]);
}

fn pipes(aviary: &mut Aviary) {
    let manifest = format!(
        "apiVersion: v1\nkind: Secret\nmetadata: {{name: opaque}}\ndata: {{a: {}}}\nstringData: {{b: {}}}\n",
        encoded(&canary(14)),
        canary(14)
    );
    let request = "why is web failing";
    aviary.stand.expect(request, Reply::Text("get pods".to_owned()));
    aviary.run(&[request, "-n", "shop"], &manifest);
    let prompts = aviary.stand.prompts();
    assert_eq!(prompts.len(), 1);
    aviary
        .seen
        .push(("the prompt with a pipe".to_owned(), prompts.concat()));
}

#[test]
fn a_secret_is_seen_nowhere() {
    let mut aviary = Aviary::new();
    logins(&mut aviary);
    reads(&mut aviary);
    writes(&mut aviary);
    failures(&mut aviary);
    pipes(&mut aviary);
    for command in [
        &["audit", "list"][..],
        &["audit", "export"],
        &["audit", "export", "--form", "csv"],
        &["audit", "export", "--form", "otlp"],
        &["audit", "verify", "-o", "json"],
        &["knowledge", "search", "secret password"],
        &["doctor"],
    ] {
        aviary.run(command, "");
    }
    let leaks = aviary.leaks();
    assert!(leaks.is_empty(), "{}", leaks.join("\n"));
}
