//! Namespaces, configuration, quotas, budgets.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value, json};

use super::map;
use crate::plan::command::{
    CreateConfigMap, CreateNamespace, CreatePodDisruptionBudget, CreatePodDisruptionBudgetMax,
    CreatePriorityClass, CreateQuota, CreateSecret, CreateServiceAccount,
};
use crate::plan::value::CountOrPercent;

pub(in crate::cluster) fn namespace(command: &CreateNamespace) -> Value {
    json!({"metadata": {"name": command.name.0}})
}

pub(in crate::cluster) fn service_account(command: &CreateServiceAccount) -> Value {
    json!({"metadata": {"name": command.name.0}})
}

pub(in crate::cluster) fn config_map(command: &CreateConfigMap) -> Value {
    json!({"metadata": {"name": command.name.0}, "data": map(&command.literals)})
}

pub(in crate::cluster) fn secret(command: &CreateSecret) -> Value {
    let entries = command.literals.iter();
    let data: Map<String, Value> = entries
        .map(|pair| (pair.key.clone(), json!(STANDARD.encode(&pair.value))))
        .collect();
    json!({"metadata": {"name": command.name.0}, "type": "Opaque", "data": data})
}

pub(in crate::cluster) fn quota(command: &CreateQuota) -> Value {
    let hard: Map<String, Value> = command
        .hard
        .0
        .iter()
        .map(|(name, amount)| (name.clone(), json!(amount.0)))
        .collect();
    json!({"metadata": {"name": command.name.0}, "spec": {"hard": hard}})
}

pub(in crate::cluster) fn budget(command: &CreatePodDisruptionBudget) -> Value {
    let spec =
        json!({"selector": selector(&command.selector.0), "minAvailable": share(&command.min_available)});
    json!({"metadata": {"name": command.name.0}, "spec": spec})
}

pub(in crate::cluster) fn budget_max(command: &CreatePodDisruptionBudgetMax) -> Value {
    let spec =
        json!({"selector": selector(&command.selector.0), "maxUnavailable": share(&command.max_unavailable)});
    json!({"metadata": {"name": command.name.0}, "spec": spec})
}

pub(in crate::cluster) fn priority_class(command: &CreatePriorityClass) -> Value {
    let mut manifest = json!({"metadata": {"name": command.name.0}, "value": command.value.0,
        "preemptionPolicy": "PreemptLowerPriority"});
    if command.global_default {
        manifest["globalDefault"] = json!(true);
    }
    manifest
}

/// A number stays a number; a percentage is a text.
fn share(value: &CountOrPercent) -> Value {
    value
        .0
        .parse::<u32>()
        .map_or_else(|_| json!(value.0), |number| json!(number))
}

/// A selector as the API's objects spell it.
fn selector(text: &str) -> Value {
    let mut labels = Map::new();
    let mut expressions = Vec::new();
    for term in terms(text) {
        match read_term(term) {
            (key, "=", values) => {
                labels.insert(key, json!(values.first().map_or("", |value| value.as_str())));
            }
            (key, operator, values) if values.is_empty() => {
                expressions.push(json!({"key": key, "operator": operator}));
            }
            (key, operator, values) => {
                expressions.push(json!({"key": key, "operator": operator, "values": values}));
            }
        }
    }
    let mut selector = json!({});
    if !labels.is_empty() {
        selector["matchLabels"] = Value::Object(labels);
    }
    if !expressions.is_empty() {
        selector["matchExpressions"] = Value::Array(expressions);
    }
    selector
}

/// The terms of a selector: split at commas, but not at those between parentheses.
fn terms(text: &str) -> Vec<&str> {
    let (mut depth, mut from, mut all) = (0_i32, 0, Vec::new());
    for (at, c) in text.char_indices() {
        match c {
            '(' => depth += 1,
            ')' => depth -= 1,
            ',' if depth == 0 => {
                all.push(&text[from..at]);
                from = at + 1;
            }
            _ => {}
        }
    }
    all.push(&text[from..]);
    all
}

/// Key, operator (`=` or one of the API's) and values of one term.
fn read_term(term: &str) -> (String, &'static str, Vec<String>) {
    let term = term.trim();
    let set = |rest: &str| -> Vec<String> {
        rest.trim()
            .trim_matches(['(', ')'])
            .split(',')
            .map(|value| value.trim().to_owned())
            .collect()
    };
    if let Some((key, rest)) = term.split_once(" notin ") {
        return (key.trim().to_owned(), "NotIn", set(rest));
    }
    if let Some((key, rest)) = term.split_once(" in ") {
        return (key.trim().to_owned(), "In", set(rest));
    }
    if let Some((key, value)) = term.split_once("!=") {
        return (key.trim().to_owned(), "NotIn", vec![value.trim().to_owned()]);
    }
    if let Some((key, value)) = term.split_once('=') {
        return (
            key.trim().to_owned(),
            "=",
            vec![value.trim_start_matches('=').trim().to_owned()],
        );
    }
    match term.strip_prefix('!') {
        Some(key) => (key.trim().to_owned(), "DoesNotExist", Vec::new()),
        None => (term.to_owned(), "Exists", Vec::new()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::{Action, Step};

    #[test]
    fn a_secret_is_sent_encoded() {
        let line = "create secret generic db --from-literal=password=s3cr3t";
        let Action::CreateSecret(command) = line.parse::<Step>().unwrap().action else {
            panic!()
        };
        assert_eq!(secret(&command)["data"], json!({"password": "czNjcjN0"}));
    }

    #[test]
    fn every_form_of_selector_is_understood() {
        let expressions = json!([
            {"key": "tier", "operator": "In", "values": ["front", "back"]},
            {"key": "old", "operator": "DoesNotExist"},
            {"key": "env", "operator": "NotIn", "values": ["test"]},
            {"key": "team", "operator": "Exists"}]);
        let expected = json!({"matchLabels": {"app": "web", "x": "y"}, "matchExpressions": expressions});
        assert_eq!(
            selector("app=web,x==y,tier in (front,back),!old,env!=test,team"),
            expected
        );
    }

    #[test]
    fn shares_and_numbers_differ() {
        assert_eq!(share(&CountOrPercent("2".to_owned())), json!(2));
        assert_eq!(share(&CountOrPercent("50%".to_owned())), json!("50%"));
    }
}
