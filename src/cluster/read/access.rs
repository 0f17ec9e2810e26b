//! `auth can-i`: a question that the API answers by itself.

use serde_json::{Value, json};

use super::json::text;
use super::{ReadOutput, Reader};
use crate::cluster::ClusterError;
use crate::plan::Kind;
use crate::plan::command::CanI;

/// `auth can-i VERB RESOURCE`.
pub(super) async fn read(reader: Reader<'_>, command: &CanI) -> Result<ReadOutput, ClusterError> {
    let mut spec = attributes(reader, command).await?;
    let mut review = "selfsubjectaccessreviews";
    if let Some(user) = &command.user {
        review = "subjectaccessreviews";
        spec["user"] = json!(user.0);
        spec["groups"] = json!(groups(&user.0));
    }
    let kind = if command.user.is_some() {
        "SubjectAccessReview"
    } else {
        "SelfSubjectAccessReview"
    };
    let body = json!({"apiVersion": "authorization.k8s.io/v1", "kind": kind, "spec": spec});
    let path = format!("/apis/authorization.k8s.io/v1/{review}");
    let answer = reader.cluster.ask(&path, &body).await?;
    Ok(verdict(&answer))
}

/// `yes`, or `no` with the server's reason.
fn verdict(answer: &Value) -> ReadOutput {
    let allowed = answer.pointer("/status/allowed") == Some(&Value::Bool(true));
    let (reason, error) = (
        text(answer, "/status/reason"),
        text(answer, "/status/evaluationError"),
    );
    let mut words = if allowed {
        "yes".to_owned()
    } else {
        "no".to_owned()
    };
    let parts = [reason, error];
    for part in parts.into_iter().filter(|part| !part.is_empty() && !allowed) {
        words = format!("{words} - {part}");
    }
    ReadOutput::new(&words, Some(json!({"allowed": allowed, "reason": reason})))
}

/// The resource as the review takes it: `pods/log` has a subresource, `pods/web` a name, `/healthz` is a path.
async fn attributes(reader: Reader<'_>, command: &CanI) -> Result<Value, ClusterError> {
    let command = command.spelt_out();
    let asked = command.resource.0.as_str();
    if asked.starts_with('/') {
        return Ok(json!({"nonResourceAttributes": {"path": asked, "verb": command.verb.0}}));
    }
    let (resource, name) = asked.split_once('/').unwrap_or((asked, ""));
    let mut attributes = json!({"verb": command.verb.0, "resource": resource, "group": "*", "name": name});
    if let Some(part) = &command.subresource {
        attributes["subresource"] = json!(part.0);
    }
    let mut namespaced = true;
    if let Some(kind) = Kind::read(resource) {
        let served = reader.served(&kind).await?;
        attributes["resource"] = json!(served.api.plural);
        attributes["group"] = json!(served.api.group);
        namespaced = served.namespaced;
    }
    if let Some(namespace) = reader.namespace().filter(|_| namespaced) {
        attributes["namespace"] = json!(namespace);
    }
    Ok(json!({"resourceAttributes": attributes}))
}

/// The groups that a user is in by name alone.
fn groups(user: &str) -> Vec<String> {
    let mut groups = vec!["system:authenticated".to_owned()];
    let account = user
        .strip_prefix("system:serviceaccount:")
        .and_then(|rest| rest.split_once(':'));
    if let Some((namespace, _)) = account {
        groups.push("system:serviceaccounts".to_owned());
        groups.push(format!("system:serviceaccounts:{namespace}"));
    }
    groups
}
