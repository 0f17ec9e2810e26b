//! Asking access control whether a call may be made.

use std::collections::HashMap;

use serde_json::{Value, json};
use tokio::sync::Mutex;

use crate::check::{Access, Call};
use crate::cluster::connect::Cluster;
use crate::cluster::error::ClusterError;
use crate::cluster::json::text;
use crate::cluster::transport::Outgoing;

/// Answers by question, so that no question is asked twice.
pub(super) type Asked = HashMap<String, Option<Access>>;

/// Asks once for each distinct question. Nothing where the server does not say.
pub(super) async fn ask(
    cluster: &Cluster,
    asked: &Mutex<Asked>,
    call: &Call,
) -> Result<Option<Access>, ClusterError> {
    let attributes = attributes(call);
    let key = attributes.to_string();
    if let Some(known) = asked.lock().await.get(&key) {
        return Ok(known.clone());
    }
    let answer = review(cluster, call, attributes).await?;
    asked.lock().await.insert(key, answer.clone());
    Ok(answer)
}

async fn review(cluster: &Cluster, call: &Call, attributes: Value) -> Result<Option<Access>, ClusterError> {
    let body = json!({"apiVersion": "authorization.k8s.io/v1", "kind": "SelfSubjectAccessReview",
        "spec": {"resourceAttributes": attributes}});
    let path = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews".to_owned();
    let reply = match cluster
        .exchange(&Outgoing::post(path, body))
        .await
        .map_err(|refusal| refusal.error)
    {
        Ok(reply) => reply.body,
        // A server without the review, or that will not tell, decides when the call is made.
        Err(ClusterError::Api { code, .. }) if code != 401 => return Ok(None),
        Err(error) => return Err(error),
    };
    let reason = text(&reply, "/status/reason");
    Ok(Some(Access {
        what: words(call),
        allowed: reply.pointer("/status/allowed").and_then(Value::as_bool) == Some(true),
        reason: (!reason.is_empty()).then(|| reason.to_owned()),
    }))
}

fn attributes(call: &Call) -> Value {
    let mut attributes = json!({"verb": call.verb.access_verb(), "group": call.group, "version": call.version,
        "resource": call.resource});
    let new = call.verb == crate::check::CallVerb::Create && call.subresource.is_none();
    if !new {
        attributes["name"] = json!(call.name);
    }
    for (key, value) in [("subresource", &call.subresource), ("namespace", &call.namespace)] {
        if let Some(value) = value {
            attributes[key] = json!(value);
        }
    }
    attributes
}

/// Verb, resource and place, as in `patch deployments/scale in shop`.
fn words(call: &Call) -> String {
    let subresource = call
        .subresource
        .as_ref()
        .map_or_else(String::new, |name| format!("/{name}"));
    let place = call
        .namespace
        .as_ref()
        .map_or_else(String::new, |name| format!(" in {name}"));
    format!(
        "{} {}{subresource}{place}",
        call.verb.access_verb(),
        call.resource
    )
}
