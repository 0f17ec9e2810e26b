//! Holds conversations with a server.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::LazyLock;
use std::time::{Duration, Instant};

use kube::client::Body;
use kube::config::{KubeConfigOptions, Kubeconfig};
use kube::{Client, Config};
use serde_json::{Map, Value, json};
use sha2::{Digest as _, Sha256};
use tokio::runtime::Runtime;

use super::conversation::{Answer, Conversation, Turn};
use crate::volatile::Volatile;

/// A server to talk to.
pub struct Player {
    client: Client,
    /// How long a turn is repeated that waits for something.
    patience: Duration,
    runtime: Runtime,
}

/// What was saved of earlier answers, by name.
type Saved = BTreeMap<String, String>;

impl Player {
    /// One that talks to the server of this kubeconfig, within a runtime of its own.
    pub fn new(kubeconfig: &Path, runtime: Runtime, patience: Duration) -> Self {
        let file = Kubeconfig::read_from(kubeconfig).unwrap();
        let client = runtime.block_on(async {
            let options = KubeConfigOptions::default();
            let mut config = Config::from_custom_kubeconfig(file, &options).await.unwrap();
            config.default_retry = false;
            Client::try_from(config).unwrap()
        });
        Self {
            client,
            patience,
            runtime,
        }
    }

    /// Every answer of a conversation, without what is volatile.
    pub fn hold(&self, conversation: &Conversation) -> Vec<Answer> {
        // A control plane may have heard the conversation before, and still be busy with what is left of it.
        let name = format!("{} {:?}", conversation.name, std::time::SystemTime::now());
        let namespace = format!("p-{}", &hex::encode(Sha256::digest(name))[..8]);
        let mut saved = Saved::from([("NS".to_owned(), namespace)]);
        self.set_up(&saved);
        let answers = conversation
            .turns
            .iter()
            .map(|line| self.take(&line.turn(), &mut saved))
            .collect();
        self.say("DELETE /api/v1/namespaces/$NS", &saved);
        answers
    }

    /// Makes the namespace, and waits for the account that its pods run as.
    fn set_up(&self, saved: &Saved) {
        let made = Turn {
            ask: "POST /api/v1/namespaces".into(),
            body: Some(json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "$NS"}})),
            ..Turn::default()
        };
        let (code, body) = self.ask(&made, saved);
        assert_eq!(code, 201, "{body}");
        let begun = Instant::now();
        while self.say("GET serviceaccounts/default", saved) != 200 && begun.elapsed() < self.patience {
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    fn say(&self, ask: &str, saved: &Saved) -> u16 {
        let turn = Turn {
            ask: ask.to_owned(),
            ..Turn::default()
        };
        self.ask(&turn, saved).0
    }

    /// One turn, repeated until its answer is what it waits for.
    fn take(&self, turn: &Turn, saved: &mut Saved) -> Answer {
        let begun = Instant::now();
        let fits = |body: &Value| {
            turn.until
                .iter()
                .all(|(place, wanted)| body.pointer(place).unwrap_or(&Value::Null) == wanted)
        };
        let (mut code, mut body) = self.ask(turn, saved);
        while !fits(&body) && begun.elapsed() < self.patience {
            std::thread::sleep(Duration::from_millis(100));
            (code, body) = self.ask(turn, saved);
        }
        for (name, place) in &turn.save {
            let value = body.pointer(place).unwrap_or(&Value::Null);
            let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
            saved.insert(name.clone(), text);
        }
        Answer {
            code,
            body: essence(turn, body, saved),
        }
    }

    fn ask(&self, turn: &Turn, saved: &Saved) -> (u16, Value) {
        let request = request(turn, saved);
        self.runtime.block_on(async {
            let response = self.client.send(request).await.unwrap();
            let code = response.status().as_u16();
            let bytes = response.into_body().collect_bytes().await.unwrap();
            (code, parsed(&String::from_utf8_lossy(&bytes)))
        })
    }
}

/// One JSON value, a stream of them as an array, or text.
fn parsed(text: &str) -> Value {
    let all: Result<Vec<Value>, _> = serde_json::Deserializer::from_str(text).into_iter().collect();
    match all {
        Ok(mut one) if one.len() == 1 => one.remove(0),
        Ok(several) => Value::Array(several),
        Err(_) => json!(text),
    }
}

fn request(turn: &Turn, saved: &Saved) -> http::Request<Body> {
    let ask = filled(&turn.ask, saved);
    let (method, path) = ask.split_once(' ').unwrap();
    let (method, media) = match method {
        "MERGE" => ("PATCH", "application/merge-patch+json"),
        "STRATEGIC" => ("PATCH", "application/strategic-merge-patch+json"),
        "JSONPATCH" => ("PATCH", "application/json-patch+json"),
        "APPLY" => ("PATCH", "application/apply-patch+yaml"),
        other => (other, "application/json"),
    };
    let body = match (&turn.text, &turn.body) {
        (Some(text), _) => filled(text, saved),
        (None, Some(body)) => filled(&body.to_string(), saved),
        (None, None) => String::new(),
    };
    let mut request = http::Request::builder()
        .method(method)
        .uri(address(path, &saved["NS"]))
        .header("user-agent", "parity/1")
        .header("accept", turn.accept.as_deref().unwrap_or("application/json"));
    if !body.is_empty() {
        request = request.header("content-type", turn.media.as_deref().unwrap_or(media));
    }
    if let Some(user) = &turn.user {
        request = request.header("impersonate-user", filled(user, saved));
    }
    request.body(Body::from(body.into_bytes())).unwrap()
}

/// The whole path of one that is relative to the namespace.
fn address(path: &str, namespace: &str) -> String {
    if path.starts_with('/') {
        return path.to_owned();
    }
    let parts: Vec<&str> = path.splitn(3, '/').collect();
    match parts[..] {
        [group, version, rest] if version.starts_with('v') && version.len() < 9 => {
            format!("/apis/{group}/{version}/namespaces/{namespace}/{rest}")
        }
        _ => format!("/api/v1/namespaces/{namespace}/{path}"),
    }
}

/// Text with what was saved put in.
fn filled(text: &str, saved: &Saved) -> String {
    saved.iter().rev().fold(text.to_owned(), |text, (name, value)| {
        text.replace(&format!("${name}"), value)
    })
}

/// What of an answer is compared.
fn essence(turn: &Turn, body: Value, saved: &Saved) -> Value {
    if turn.quiet {
        return Value::Null;
    }
    let mut body = body;
    // Controllers may have been here between two requests, or not.
    let is_write = !turn.ask.starts_with("GET");
    let part_alone = ["/scale", "/status"].iter().any(|part| turn.ask.contains(part));
    if is_write && !part_alone && body["kind"] != "Status" && !turn.ask.contains("reviews") {
        body.as_object_mut().map(|body| body.shift_remove("status"));
    }
    for place in &turn.without {
        take_out(&mut body, place);
    }
    let body = plain(&body, turn.managers, &saved["NS"]);
    if turn.only.is_empty() {
        return body;
    }
    let chosen = turn
        .only
        .iter()
        .map(|place| (place.clone(), body.pointer(place).cloned().unwrap_or(Value::Null)));
    Value::Object(chosen.collect())
}

/// Removes what is at a pointer.
fn take_out(body: &mut Value, place: &str) {
    let (above, key) = place.rsplit_once('/').unwrap();
    if let Some(Value::Object(map)) = body.pointer_mut(above) {
        map.shift_remove(key);
    }
}

/// What differs between two clusters, and between two runs on one.
static VOLATILE: LazyLock<Volatile> = LazyLock::new(|| {
    Volatile::and(&[
        (r"-[bcdfghjklmnpqrstvwxz2456789]{5}\b", "-POD"),
        (r"in object meta: \d+", "in object meta: N"),
        (r"in record \(\d+\)", "in record (N)"),
        // In text that quotes an object.
        (r#"(resourceVersion[\\": ]+)\d+"#, "${1}N"),
        (r"resource version: (\d+) \(\d+\)", "resource version: $1 (N)"),
        (r"^\d+(ms|s|m|h)(\d+(s|m|h))?$", "AGE"),
        (r"pod-template-hash=\w+", "pod-template-hash=HASH"),
    ])
});

/// A body without what is volatile, its keys in order.
fn plain(value: &Value, managers: bool, namespace: &str) -> Value {
    match value {
        Value::Object(map) => {
            let mut kept: Vec<(&String, &Value)> = map
                .iter()
                .filter(|(key, _)| managers || *key != "managedFields")
                // Prose is each server's own.
                .filter(|(key, _)| *key != "description")
                .collect();
            kept.sort_by_key(|(key, _)| *key);
            let plain =
                |(key, value): (&String, &Value)| (key.clone(), field(key, value, managers, namespace));
            Value::Object(kept.into_iter().map(plain).collect::<Map<_, _>>())
        }
        Value::Array(items) => items
            .iter()
            .map(|item| plain(item, managers, namespace))
            .collect(),
        Value::String(text) => {
            if text.starts_with("-----BEGIN CERTIFICATE") {
                return json!("CERTIFICATE");
            }
            let text = text.replace(namespace, "NS");
            json!(VOLATILE.leave_out(&text))
        }
        other => other.clone(),
    }
}

/// A field's value without what is volatile.
fn field(key: &str, value: &Value, managers: bool, namespace: &str) -> Value {
    let stands_for = match key {
        "resourceVersion" => "N",
        "uid" | "controller-uid" => "UID",
        "continue" | "token" => "TOKEN",
        "nodePort" | "healthCheckNodePort" => "PORT",
        "pod-template-hash" | "controller-revision-hash" => "HASH",
        "nodeName" => "NODE",
        _ => "",
    };
    let is_set = !matches!(value, Value::Null) && value != "";
    if is_set && !stands_for.is_empty() && !value.is_object() {
        return json!(stands_for);
    }
    let mut made = plain(value, managers, namespace);
    if let (true, Some(all)) = (matches!(key, "conditions" | "managedFields"), made.as_array_mut()) {
        all.sort_by_cached_key(|one| format!("{}{}{}", one["type"], one["manager"], one["subresource"]));
    }
    made
}
