//! Roles, bindings, tokens.

use jiff::SignedDuration;
use serde_json::{Value, json};

use crate::plan::command::{CreateClusterRoleBinding, CreateRoleBinding};
use crate::plan::value::User;

const RBAC: &str = "rbac.authorization.k8s.io";

/// A role: one rule for each API group, as kubectl makes them.
pub(in crate::cluster) fn role(
    name: &str,
    verbs: &[&str],
    about: &[(String, String)],
    names: &[&str],
) -> Value {
    let mut groups: Vec<(&str, Vec<&str>)> = Vec::new();
    for (group, resource) in about {
        match groups.iter_mut().find(|(known, _)| known == group) {
            Some((_, resources)) => resources.push(resource),
            None => groups.push((group, vec![resource])),
        }
    }
    let rules = groups.into_iter().map(|(group, resources)| {
        let mut rule = json!({"verbs": verbs, "apiGroups": [group], "resources": resources});
        if !names.is_empty() {
            rule["resourceNames"] = json!(names);
        }
        rule
    });
    json!({"metadata": {"name": name}, "rules": rules.collect::<Vec<Value>>()})
}

/// A binding in a namespace, or what is wrong with its words.
pub(in crate::cluster) fn role_binding(command: &CreateRoleBinding) -> Result<Value, String> {
    let role = match (&command.role, &command.cluster_role) {
        (Some(role), None) => role_ref("Role", &role.0),
        (None, Some(role)) => role_ref("ClusterRole", &role.0),
        _ => return Err("exactly one of `--role` and `--clusterrole` must be given".to_owned()),
    };
    let subjects = subjects(&command.users, &command.groups, &command.accounts)?;
    Ok(json!({"metadata": {"name": command.name.0}, "subjects": subjects, "roleRef": role}))
}

/// A binding in the whole cluster, or what is wrong with its words.
pub(in crate::cluster) fn cluster_role_binding(command: &CreateClusterRoleBinding) -> Result<Value, String> {
    let role = role_ref("ClusterRole", &command.cluster_role.0);
    let subjects = subjects(&command.users, &command.groups, &command.accounts)?;
    Ok(json!({"metadata": {"name": command.name.0}, "subjects": subjects, "roleRef": role}))
}

fn role_ref(kind: &str, name: &str) -> Value {
    json!({"apiGroup": RBAC, "kind": kind, "name": name})
}

fn subjects(users: &[User], groups: &[User], accounts: &[User]) -> Result<Vec<Value>, String> {
    let named = |kind: &str, name: &User| json!({"apiGroup": RBAC, "kind": kind, "name": name.0});
    let mut all: Vec<Value> = users.iter().map(|user| named("User", user)).collect();
    all.extend(groups.iter().map(|group| named("Group", group)));
    for account in accounts {
        let (namespace, name) = account
            .0
            .split_once(':')
            .filter(|(namespace, name)| !namespace.is_empty() && !name.is_empty())
            .ok_or_else(|| format!("the service account `{}` is not `namespace:name`", account.0))?;
        all.push(json!({"kind": "ServiceAccount", "name": name, "namespace": namespace}));
    }
    if all.is_empty() {
        return Err("a binding needs at least one of `--user`, `--group` and `--serviceaccount`".to_owned());
    }
    Ok(all)
}

/// A request for a token that is good for a while, in Go's notation; as long as the server likes where none is given.
pub(in crate::cluster) fn token_request(duration: Option<&str>) -> Result<Value, String> {
    let mut request = json!({"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "spec": {}});
    if let Some(text) = duration {
        let parsed: SignedDuration = text.parse().map_err(|_| format!("`{text}` is no duration"))?;
        request["spec"]["expirationSeconds"] = json!(parsed.as_secs());
    }
    Ok(request)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::{Action, Step};

    fn binding(flags: &str) -> Result<Value, String> {
        let line = format!("create rolebinding b {flags}");
        let Action::CreateRoleBinding(command) = line.parse::<Step>().unwrap().action else {
            panic!()
        };
        role_binding(&command)
    }

    #[test]
    fn a_role_has_one_rule_a_group() {
        let about = [("", "pods"), ("apps", "deployments"), ("", "pods/log")];
        let about = about.map(|(group, resource)| (group.to_owned(), resource.to_owned()));
        let made = role("reader", &["get"], &about, &[]);
        assert_eq!(
            made["rules"][0],
            json!({"verbs": ["get"], "apiGroups": [""], "resources": ["pods", "pods/log"]})
        );
        assert_eq!(made["rules"][1]["apiGroups"], json!(["apps"]));
    }

    #[test]
    fn a_binding_names_one_role_and_somebody() {
        let made = binding("--clusterrole=view --user=ann --serviceaccount=shop:bot").unwrap();
        assert_eq!(made["roleRef"]["kind"], "ClusterRole");
        assert_eq!(
            made["subjects"][1],
            json!({"kind": "ServiceAccount", "name": "bot", "namespace": "shop"})
        );
        assert!(binding("--user=ann").is_err());
        assert!(binding("--role=a --clusterrole=b --user=ann").is_err());
        assert!(binding("--role=a --serviceaccount=bot").is_err());
        assert!(binding("--role=a").is_err());
    }

    #[test]
    fn a_token_is_good_for_as_long_as_asked() {
        assert_eq!(
            token_request(Some("1h30m")).unwrap()["spec"]["expirationSeconds"],
            5400
        );
        assert_eq!(token_request(None).unwrap()["spec"], json!({}));
    }
}
