//! Services and ingresses.

use serde_json::{Map, Value, json};

use crate::cluster::json::{items, text};
use crate::plan::command::{CreateIngress, Expose};
use crate::plan::value::PortPair;

/// A service for the pods labelled `app=NAME`.
pub(in crate::cluster) fn service(name: &str, kind: &str, tcp: &[PortPair], node_port: Option<u16>) -> Value {
    let labels = json!({"app": name});
    let mut ports: Vec<Value> = tcp.iter().map(port_of).collect();
    if let (Some(node_port), Some(first)) = (node_port, ports.first_mut()) {
        first["nodePort"] = json!(node_port);
    }
    json!({"metadata": {"name": name, "labels": labels}, "spec": {"type": kind, "selector": labels, "ports": ports}})
}

fn port_of(pair: &PortPair) -> Value {
    let (port, target) = pair.0.split_once(':').unwrap_or((&pair.0, &pair.0));
    let number = |text: &str| text.parse::<u16>().unwrap_or_default();
    json!({"name": pair.0.replace(':', "-"), "port": number(port), "protocol": "TCP", "targetPort": number(target)})
}

/// A service for what an object selects, or why there can be none.
pub(in crate::cluster) fn exposing(
    words: &str,
    kind: &str,
    object: &Value,
    command: &Expose,
) -> Result<Value, String> {
    let selector = selector_of(words, kind, object)?;
    let ports = ports_of(words, kind, object, command)?;
    let name = command
        .name
        .as_ref()
        .map_or(&command.target.0.name, |name| &name.0);
    let mut metadata = json!({"name": name});
    if let Some(labels) = object["metadata"].get("labels") {
        metadata["labels"] = labels.clone();
    }
    let mut spec = json!({"selector": selector, "ports": ports});
    if let Some(kind) = &command.kind {
        spec["type"] = json!(kind.0);
    }
    Ok(json!({"metadata": metadata, "spec": spec}))
}

fn selector_of(words: &str, kind: &str, object: &Value) -> Result<Map<String, Value>, String> {
    let pointer = match kind {
        "pod" => "/metadata/labels",
        "service" => "/spec/selector",
        _ => "/spec/selector/matchLabels",
    };
    if !items(object, "/spec/selector/matchExpressions").is_empty() {
        return Err(format!(
            "{words} selects its pods by expressions, which a service cannot"
        ));
    }
    let labels = object.pointer(pointer).and_then(Value::as_object);
    labels
        .filter(|labels| !labels.is_empty())
        .cloned()
        .ok_or_else(|| format!("{words} has no labels that a service could select by"))
}

fn ports_of(words: &str, kind: &str, object: &Value, command: &Expose) -> Result<Vec<Value>, String> {
    let mut ports: Vec<(u64, String)> = Vec::new();
    match command.port {
        Some(port) => ports.push((u64::from(port.0), "TCP".to_owned())),
        None => known_ports(kind, object, &mut ports),
    }
    if ports.is_empty() {
        return Err(format!("{words} names no port; `--port` says which"));
    }
    let several = ports.len() > 1;
    let each = ports.into_iter().enumerate().map(|(at, (port, protocol))| {
        let protocol = command
            .protocol
            .as_ref()
            .map_or(protocol, |given| given.0.clone());
        let target = command.target_port.map_or(port, |target| u64::from(target.0));
        let mut entry = json!({"port": port, "protocol": protocol, "targetPort": target});
        if several {
            entry["name"] = json!(format!("port-{}", at + 1));
        }
        entry
    });
    Ok(each.collect())
}

/// The ports that an object's containers, or a service itself, name.
fn known_ports(kind: &str, object: &Value, ports: &mut Vec<(u64, String)>) {
    let (lists, field): (Vec<&[Value]>, &str) = if kind == "service" {
        (vec![items(object, "/spec/ports")], "port")
    } else {
        let pointer = match kind {
            "pod" => "/spec/containers",
            _ => "/spec/template/spec/containers",
        };
        let containers = items(object, pointer).iter();
        let lists = containers.map(|container| items(container, "/ports"));
        (lists.collect(), "containerPort")
    };
    for port in lists.into_iter().flatten() {
        let protocol = match text(port, "/protocol") {
            "" => "TCP",
            protocol => protocol,
        };
        if let Some(number) = port[field].as_u64() {
            ports.push((number, protocol.to_owned()));
        }
    }
}

/// An ingress, or which of its rules cannot be read.
pub(in crate::cluster) fn ingress(command: &CreateIngress) -> Result<Value, String> {
    let mut rules: Vec<Value> = Vec::new();
    let mut tls: Vec<Value> = Vec::new();
    for rule in &command.rules.0 {
        let (rule, secret) = match rule.0.split_once(",tls") {
            Some((rule, secret)) => (rule, Some(secret.trim_start_matches('='))),
            None => (rule.0.as_str(), None),
        };
        let (host, path) =
            read_rule(rule).ok_or_else(|| format!("the rule `{rule}` is not HOST/PATH=SERVICE:PORT"))?;
        if let Some(secret) = secret {
            tls.push(tls_of(host, secret));
        }
        match rules.iter_mut().find(|known| text(known, "/host") == host) {
            Some(Value::Object(known)) => add_path(known, path),
            _ => rules.push(rule_of(host, &path)),
        }
    }
    let mut spec = json!({"rules": rules});
    if let Some(class) = &command.class {
        spec["ingressClassName"] = json!(class.0);
    }
    if !tls.is_empty() {
        spec["tls"] = Value::Array(tls);
    }
    Ok(json!({"metadata": {"name": command.name.0}, "spec": spec}))
}

fn add_path(rule: &mut Map<String, Value>, path: Value) {
    let paths = rule.get_mut("http").and_then(|http| http.get_mut("paths"));
    if let Some(paths) = paths.and_then(Value::as_array_mut) {
        paths.push(path);
    }
}

fn rule_of(host: &str, path: &Value) -> Value {
    let mut rule = json!({"http": {"paths": [path]}});
    if !host.is_empty() {
        rule["host"] = json!(host);
    }
    rule
}

fn tls_of(host: &str, secret: &str) -> Value {
    let mut entry = json!({});
    if !host.is_empty() {
        entry["hosts"] = json!([host]);
    }
    if !secret.is_empty() {
        entry["secretName"] = json!(secret);
    }
    entry
}

/// Reads `HOST/PATH=SERVICE:PORT` into the host and its path entry. `*` at the end of a path means all below it.
fn read_rule(rule: &str) -> Option<(&str, Value)> {
    let (left, right) = rule.split_once('=')?;
    let at = left.find('/')?;
    let (host, path) = left.split_at(at);
    let (service, port) = right.split_once(':')?;
    let (path, kind) = match path.strip_suffix('*') {
        Some(path) => (path, "Prefix"),
        None => (path, "Exact"),
    };
    let port = match port.parse::<u16>() {
        Ok(number) => json!({"number": number}),
        Err(_) => json!({"name": port}),
    };
    let backend = json!({"service": {"name": service, "port": port}});
    Some((host, json!({"path": path, "pathType": kind, "backend": backend})))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::{Action, Step};

    fn expose(line: &str, kind: &str, object: &Value) -> Result<Value, String> {
        let Action::Expose(command) = line.parse::<Step>().unwrap().action else {
            panic!()
        };
        exposing("deployment/web", kind, object, &command)
    }

    fn deployment() -> Value {
        json!({"metadata": {"labels": {"tier": "front"}}, "spec": {"selector": {"matchLabels": {"app": "web"}},
            "template": {"spec": {"containers": [{"ports": [{"containerPort": 8080}]}]}}}})
    }

    #[test]
    fn a_deployment_is_exposed_by_its_own_selector_and_ports() {
        let made = expose("expose deployment/web", "deployment", &deployment()).unwrap();
        let ports = json!([{"port": 8080, "protocol": "TCP", "targetPort": 8080}]);
        assert_eq!(made["spec"], json!({"selector": {"app": "web"}, "ports": ports}));
        assert_eq!(
            made["metadata"],
            json!({"name": "web", "labels": {"tier": "front"}})
        );
    }

    #[test]
    fn flags_win_over_what_the_target_says() {
        let line = "expose deployment/web --name=front --port=80 --target-port=8080 --type=NodePort";
        let made = expose(line, "deployment", &deployment()).unwrap();
        assert_eq!(
            made["spec"]["ports"],
            json!([{"port": 80, "protocol": "TCP", "targetPort": 8080}])
        );
        assert_eq!(
            (made["spec"]["type"].as_str(), made["metadata"]["name"].as_str()),
            (Some("NodePort"), Some("front"))
        );
    }

    #[test]
    fn without_a_port_there_is_no_service() {
        let mut object = deployment();
        object["spec"]["template"] = json!({});
        let why = expose("expose deployment/web", "deployment", &object).unwrap_err();
        assert_eq!(why, "deployment/web names no port; `--port` says which");
    }

    #[test]
    fn rules_of_one_host_stand_together() {
        let line = "create ingress shop --class=nginx --rule='a.example.com/=web:80' \
            --rule='a.example.com/cart*=cart:http,tls=cert'";
        let Action::CreateIngress(command) = line.parse::<Step>().unwrap().action else {
            panic!()
        };
        let made = ingress(&command).unwrap();
        let paths = &made["spec"]["rules"][0]["http"]["paths"];
        assert_eq!(
            (paths[0]["pathType"].as_str(), paths[1]["path"].as_str()),
            (Some("Exact"), Some("/cart"))
        );
        assert_eq!(
            paths[1]["backend"]["service"],
            json!({"name": "cart", "port": {"name": "http"}})
        );
        assert_eq!(
            made["spec"]["tls"],
            json!([{"hosts": ["a.example.com"], "secretName": "cert"}])
        );
    }

    #[test]
    fn a_service_keeps_kubectls_port_names() {
        let made = service("web", "NodePort", &[PortPair("80:8080".to_owned())], Some(30080));
        let port =
            json!({"name": "80-8080", "port": 80, "protocol": "TCP", "targetPort": 8080, "nodePort": 30080});
        assert_eq!(made["spec"]["ports"], json!([port]));
    }
}
