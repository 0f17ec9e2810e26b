//! Paths, queries and bodies of calls.

use http::Method;
use serde_json::{Value, json};

use super::discovery::Served;
use super::transport::Outgoing;
use crate::check::{Call, CallVerb};

/// The field manager that our writes are recorded under in objects.
pub(super) const FIELD_MANAGER: &str = "sayso";

/// The path of an object or, without a name, of a collection.
pub(super) fn path_of(served: &Served, namespace: Option<&str>, name: Option<&str>) -> String {
    let (group, version) = (&served.api.group, &served.api.version);
    join(group, version, namespace, &served.api.plural, name, None)
}

fn join(
    group: &str,
    version: &str,
    namespace: Option<&str>,
    resource: &str,
    name: Option<&str>,
    subresource: Option<&str>,
) -> String {
    let mut path = match group {
        "" => format!("/api/{version}"),
        group => format!("/apis/{group}/{version}"),
    };
    if let Some(namespace) = namespace {
        path = format!("{path}/namespaces/{namespace}");
    }
    path = format!("{path}/{resource}");
    for part in [name, subresource].into_iter().flatten() {
        path = format!("{path}/{part}");
    }
    path
}

/// The path of the object that a call is about.
pub(super) fn object_path(call: &Call) -> String {
    let namespace = call.namespace.as_deref();
    let name = Some(call.name.as_str());
    join(&call.group, &call.version, namespace, &call.resource, name, None)
}

/// The path that a call goes to.
fn call_path(call: &Call) -> String {
    // A new object is posted to the collection; it has no path of its own yet.
    let collection = call.verb == CallVerb::Create && call.subresource.is_none();
    let name = (!collection).then_some(call.name.as_str());
    let (namespace, subresource) = (call.namespace.as_deref(), call.subresource.as_deref());
    join(
        &call.group,
        &call.version,
        namespace,
        &call.resource,
        name,
        subresource,
    )
}

fn method(verb: CallVerb) -> Method {
    match verb {
        CallVerb::Create | CallVerb::Evict => Method::POST,
        CallVerb::Replace => Method::PUT,
        CallVerb::Delete => Method::DELETE,
        _ => Method::PATCH,
    }
}

fn content_type(verb: CallVerb) -> &'static str {
    match verb {
        CallVerb::PatchStrategic => "application/strategic-merge-patch+json",
        CallVerb::PatchMerge => "application/merge-patch+json",
        CallVerb::PatchJson => "application/json-patch+json",
        CallVerb::Apply => "application/apply-patch+yaml",
        _ => "application/json",
    }
}

fn query(call: &Call, dry: bool) -> String {
    let mut parts = Vec::new();
    if dry {
        parts.push("dryRun=All".to_owned());
    }
    if !matches!(call.verb, CallVerb::Delete) {
        parts.push(format!("fieldManager={FIELD_MANAGER}"));
    }
    if !matches!(call.verb, CallVerb::Delete | CallVerb::Evict) && call.subresource.is_none() {
        parts.push("fieldValidation=Strict".to_owned());
    }
    if call.verb == CallVerb::Apply {
        // The review shows every field that changes hands, so a second opinion of the server's adds nothing.
        parts.push("force=true".to_owned());
    }
    if parts.is_empty() {
        return String::new();
    }
    format!("?{}", parts.join("&"))
}

/// A call as a request; as a dry run where `dry` is set.
pub(super) fn request_of(call: &Call, body: Option<Value>, dry: bool) -> Outgoing {
    Outgoing {
        method: method(call.verb),
        path: format!("{}{}", call_path(call), query(call, dry)),
        content_type: content_type(call.verb),
        body: if dry {
            body.map(|body| mark_dry(call, body))
        } else {
            body
        },
        agent: None,
    }
}

/// The server reads `dryRun` of these from the body alone.
fn mark_dry(call: &Call, mut body: Value) -> Value {
    match call.verb {
        CallVerb::Delete => body["dryRun"] = json!(["All"]),
        CallVerb::Evict => body["deleteOptions"]["dryRun"] = json!(["All"]),
        _ => {}
    }
    body
}

/// An object in words, as in `deployment/web in shop`.
pub(super) fn words_of(call: &Call) -> String {
    let place = call
        .namespace
        .as_ref()
        .map_or_else(String::new, |namespace| format!(" in {namespace}"));
    format!("{}/{}{place}", call.kind, call.name)
}

/// A selector as a query value.
pub(super) fn encode(text: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.' | b'~');
    let each = text.bytes().map(|byte| {
        if plain(byte) {
            return char::from(byte).to_string();
        }
        format!("%{byte:02X}")
    });
    each.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scale() -> Call {
        Call {
            verb: CallVerb::PatchMerge,
            group: "apps".to_owned(),
            version: "v1".to_owned(),
            resource: "deployments".to_owned(),
            subresource: Some("scale".to_owned()),
            namespace: Some("shop".to_owned()),
            name: "web".to_owned(),
            kind: "deployment".to_owned(),
            body: None,
            dry_run: true,
        }
    }

    #[test]
    fn a_call_becomes_one_request() {
        let outgoing = request_of(&scale(), None, true);
        assert_eq!(outgoing.method, Method::PATCH);
        let path = "/apis/apps/v1/namespaces/shop/deployments/web/scale?dryRun=All&fieldManager=sayso";
        assert_eq!(outgoing.path, path);
        assert_eq!(
            object_path(&scale()),
            "/apis/apps/v1/namespaces/shop/deployments/web"
        );
        assert_eq!(words_of(&scale()), "deployment/web in shop");
    }

    #[test]
    fn a_new_object_goes_to_its_collection() {
        let create = Call {
            verb: CallVerb::Create,
            subresource: None,
            ..scale()
        };
        let path = "/apis/apps/v1/namespaces/shop/deployments?fieldManager=sayso&fieldValidation=Strict";
        assert_eq!(request_of(&create, None, false).path, path);
    }

    #[test]
    fn a_dry_deletion_says_so_where_the_server_looks() {
        let delete = Call {
            verb: CallVerb::Delete,
            subresource: None,
            ..scale()
        };
        let outgoing = request_of(&delete, Some(json!({})), true);
        assert_eq!(outgoing.body, Some(json!({"dryRun": ["All"]})));
        assert!(outgoing.path.ends_with("?dryRun=All"));
    }

    #[test]
    fn selectors_are_encoded() {
        assert_eq!(encode("app in (a,b)"), "app%20in%20%28a%2Cb%29");
    }
}
