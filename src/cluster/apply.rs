//! The only place that writes: exactly the calls of an approval, on exactly the objects that were reviewed.

use std::time::Duration;

use serde::Serialize;
use serde_json::{Value, json};
use tokio::time::Instant;

use super::compare::is_as_reviewed;
use super::connect::Cluster;
use super::error::ClusterError;
use super::json::{items, text};
use super::paths::{FIELD_MANAGER, object_path, request_of, words_of};
use super::transport::{AGENT, Outgoing, Refusal, Reply, wait_before};
use crate::check::essence::essence;
use crate::check::{Call, CallVerb, Touched};
use crate::session::Approved;

/// How long an eviction that a disruption budget forbids is tried again.
const EVICTION_LIMIT: Duration = Duration::from_secs(60);

/// How often a call is tried again when the server is not well.
const RETRIES: u32 = 3;

/// How often a call is put on a newer version of its object, one that differs in status alone.
const REBASES: u32 = 8;

/// What came of one call.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Receipt {
    /// HTTP status of the answer.
    pub code: u16,
    /// The object's UID, where the answer or the review tells it.
    pub uid: Option<String>,
    /// The object's version that the call was made on; nothing for a new object.
    pub resource_version_before: Option<String>,
    /// Its version after the call; nothing where the object is gone.
    pub resource_version_after: Option<String>,
    /// The server's answer, whole. It may hold a secret's values or a token: whoever keeps it redacts it first.
    pub object: Option<Value>,
    /// Method and path, as in `PATCH /api/v1/nodes/n1?fieldManager=sayso`.
    pub request: String,
    /// The id under which the API server's own audit log has the request; ours is in its user agent.
    pub audit_id: Option<String>,
}

/// A step that broke off.
#[derive(Debug, thiserror::Error)]
#[error("{error}")]
pub struct ApplyFailure {
    /// The calls of the step that were made before.
    pub done: Vec<Receipt>,
    /// Why the next one was not.
    pub error: ClusterError,
    /// Whether it may have been made all the same, and only its answer was lost.
    pub uncertain: bool,
}

/// One call on its way.
struct Attempt<'a> {
    touched: &'a Touched,
    /// Calls of the same approval that were made before.
    earlier: Vec<&'a Touched>,
    agent: String,
    /// The object's version that the next try is made on.
    version: Option<String>,
    tried: u32,
    rebased: u32,
    /// Whether a try may have been done although its answer was an error, or never came.
    uncertain: bool,
    give_up: Instant,
}

/// What follows from a refusal.
enum Next {
    Again(Duration),
    Done(Receipt),
    Stop(ClusterError),
}

impl Cluster {
    /// The object that a call is about, as it is now; nothing where there is none.
    pub async fn look(&self, call: &Call) -> Result<Option<Value>, ClusterError> {
        self.fetch_if_there(&object_path(call)).await
    }

    /// Makes the calls of one approved step, in order, and stops at the first that fails. Each is bound to the UID and
    /// version of the object that was reviewed: where anything but its status has changed since, nothing is written and
    /// the error is `Changed`. `record` is the id of the audit record, which the server sees in the user agent.
    pub async fn apply(
        &self,
        approved: &Approved,
        index: usize,
        record: &str,
    ) -> Result<Vec<Receipt>, ApplyFailure> {
        let mut done = Vec::new();
        let Some(step) = approved.steps().get(index) else {
            let error = ClusterError::Impossible(format!("the approved plan has no step {}", index + 1));
            return Err(ApplyFailure {
                done,
                error,
                uncertain: false,
            });
        };
        for (at, touched) in step.touched().iter().enumerate() {
            let before = approved.steps()[..index]
                .iter()
                .flat_map(crate::session::ApprovedStep::touched);
            let earlier = before.chain(&step.touched()[..at]).collect();
            let mut attempt = Attempt::new(touched, earlier, record);
            match self.perform(&mut attempt).await {
                Ok(receipt) => done.push(receipt),
                Err(error) => {
                    let uncertain = attempt.uncertain;
                    return Err(ApplyFailure {
                        done,
                        error,
                        uncertain,
                    });
                }
            }
        }
        Ok(done)
    }

    async fn perform(&self, attempt: &mut Attempt<'_>) -> Result<Receipt, ClusterError> {
        self.check_absent(attempt.touched).await?;
        loop {
            let outgoing = attempt.outgoing();
            let refusal = match self.exchange(&outgoing).await {
                Ok(reply) => return Ok(attempt.receipt(&outgoing, reply)),
                Err(refusal) => refusal,
            };
            match self.after_refusal(attempt, refusal).await? {
                Next::Again(wait) => tokio::time::sleep(wait).await,
                Next::Done(receipt) => return Ok(receipt),
                Next::Stop(error) => return Err(error),
            }
        }
    }

    /// An apply that was reviewed as a creation must not change an object that has come up meanwhile.
    async fn check_absent(&self, touched: &Touched) -> Result<(), ClusterError> {
        if touched.call.verb != CallVerb::Apply || touched.before.is_some() {
            return Ok(());
        }
        match self.fetch_if_there(&object_path(&touched.call)).await? {
            None => Ok(()),
            Some(_) => Err(changed(&touched.call)),
        }
    }

    async fn after_refusal(&self, attempt: &mut Attempt<'_>, refusal: Refusal) -> Result<Next, ClusterError> {
        let ClusterError::Api { code, .. } = &refusal.error else {
            // Silence, or a connection that broke: nothing says what became of the call.
            attempt.uncertain |= matches!(
                refusal.error,
                ClusterError::Timeout { .. } | ClusterError::Unreachable { .. }
            );
            return Ok(Next::Stop(refusal.error));
        };
        let call = &attempt.touched.call;
        match (call.verb, *code) {
            // The pod has left by itself, which is what the drain is for.
            (CallVerb::Evict, 404) => Ok(Next::Done(attempt.settled(404, None))),
            (CallVerb::Delete, 404) if attempt.uncertain => Ok(Next::Done(attempt.settled(404, None))),
            (CallVerb::Create, 404) => Ok(Next::Stop(refusal.error)),
            (_, 404) => Ok(Next::Stop(changed(call))),
            (CallVerb::Evict, 429) => Ok(attempt.wait_for_budget(refusal)),
            // The pod is about to go with its namespace, and then it is gone.
            (CallVerb::Evict, 403) if is_of_ending_namespace(&refusal.error) => {
                Ok(attempt.wait_for_budget(refusal))
            }
            (_, 429) => Ok(attempt.once_more(refusal)),
            (CallVerb::PatchJson, 422) | (_, 409) if attempt.is_bound() => {
                self.rebase(attempt, refusal.error).await
            }
            (_, 500 | 502 | 503 | 504) => self.after_fault(attempt, refusal).await,
            _ => Ok(Next::Stop(refusal.error)),
        }
    }

    /// The object has another version than the one reviewed. Goes on if only its status differs.
    async fn rebase(&self, attempt: &mut Attempt<'_>, error: ClusterError) -> Result<Next, ClusterError> {
        let touched = attempt.touched;
        let live = self.fetch_if_there(&object_path(&touched.call)).await?;
        let Some(live) = live.filter(|live| Some(text(live, "/metadata/uid")) == touched.uid.as_deref())
        else {
            return Ok(Next::Stop(changed(&touched.call)));
        };
        let version = text(&live, "/metadata/resourceVersion").to_owned();
        if attempt.version.as_ref() == Some(&version) {
            return Ok(Next::Stop(error));
        }
        let arrived = touched
            .after
            .as_ref()
            .is_some_and(|after| essence(after) == essence(&live));
        if attempt.uncertain && arrived {
            return Ok(Next::Done(attempt.settled(200, Some(live))));
        }
        attempt.rebased += 1;
        if attempt.rebased > REBASES || !is_as_reviewed(&live, touched, attempt.earlier.iter().copied()) {
            return Ok(Next::Stop(changed(&touched.call)));
        }
        attempt.version = Some(version);
        Ok(Next::Again(Duration::ZERO))
    }

    /// The server failed, and may have done the call all the same. What is bound to a version is safe to send again; a
    /// creation is looked for first.
    async fn after_fault(&self, attempt: &mut Attempt<'_>, refusal: Refusal) -> Result<Next, ClusterError> {
        let call = &attempt.touched.call;
        attempt.uncertain = true;
        if attempt.is_bound() {
            return Ok(attempt.once_more(refusal));
        }
        if call.verb != CallVerb::Create || call.subresource.is_some() {
            return Ok(Next::Stop(refusal.error));
        }
        match self.fetch_if_there(&object_path(call)).await? {
            None => Ok(attempt.once_more(refusal)),
            Some(made) if is_ours(&made) => Ok(Next::Done(attempt.settled(201, Some(made)))),
            Some(_) => Ok(Next::Stop(refusal.error)),
        }
    }
}

/// True if a server refuses an eviction because it creates nothing, evictions among it, in a namespace that ends.
pub(super) fn is_of_ending_namespace(error: &ClusterError) -> bool {
    matches!(error, ClusterError::Api { code: 403, message, .. } if message.contains("because it is being terminated"))
}

impl<'a> Attempt<'a> {
    fn new(touched: &'a Touched, earlier: Vec<&'a Touched>, record: &str) -> Attempt<'a> {
        Attempt {
            touched,
            earlier,
            agent: format!("{AGENT} (record {})", printable(record)),
            version: touched.resource_version.clone(),
            tried: 0,
            rebased: 0,
            uncertain: false,
            give_up: Instant::now() + EVICTION_LIMIT,
        }
    }

    /// Whether the call names the object's UID and version, so that it cannot be done twice.
    fn is_bound(&self) -> bool {
        self.touched.uid.is_some() && self.version.is_some() && !is_token(&self.touched.call)
    }

    fn outgoing(&self) -> Outgoing {
        let body = bound_body(self.touched, self.version.as_deref());
        let mut outgoing = request_of(&self.touched.call, body, false);
        outgoing.agent = Some(self.agent.clone());
        outgoing
    }

    fn receipt(&self, outgoing: &Outgoing, reply: Reply) -> Receipt {
        let field =
            |pointer: &str| Some(text(&reply.body, pointer).to_owned()).filter(|text| !text.is_empty());
        let gone = matches!(self.touched.call.verb, CallVerb::Delete | CallVerb::Evict);
        Receipt {
            code: reply.code,
            uid: self.touched.uid.clone().or_else(|| field("/metadata/uid")),
            resource_version_before: self.version.clone(),
            resource_version_after: field("/metadata/resourceVersion").filter(|_| !gone),
            request: format!("{} {}", outgoing.method, outgoing.path),
            object: Some(reply.body),
            audit_id: reply.audit_id,
        }
    }

    /// A receipt for a call whose effect is there although its answer was an error.
    fn settled(&self, code: u16, object: Option<Value>) -> Receipt {
        let body = object.unwrap_or_default();
        let mut receipt = self.receipt(
            &self.outgoing(),
            Reply {
                code,
                body,
                audit_id: None,
            },
        );
        receipt.object = receipt.object.filter(|object| !object.is_null());
        receipt
    }

    fn once_more(&mut self, refusal: Refusal) -> Next {
        self.tried += 1;
        if self.tried > RETRIES {
            return Next::Stop(refusal.error);
        }
        Next::Again(wait_before(self.tried, refusal.retry_after))
    }

    fn wait_for_budget(&mut self, refusal: Refusal) -> Next {
        self.tried += 1;
        let wait = wait_before(self.tried, refusal.retry_after).max(Duration::from_millis(200));
        if Instant::now() + wait > self.give_up {
            return Next::Stop(refusal.error);
        }
        Next::Again(wait)
    }
}

fn changed(call: &Call) -> ClusterError {
    ClusterError::Changed {
        object: words_of(call),
    }
}

fn is_token(call: &Call) -> bool {
    call.subresource.as_deref() == Some("token")
}

fn is_ours(object: &Value) -> bool {
    items(object, "/metadata/managedFields")
        .iter()
        .any(|entry| entry["manager"] == FIELD_MANAGER)
}

/// A record's id as it may stand in a header.
fn printable(text: &str) -> String {
    text.chars()
        .filter(|c| c.is_ascii_graphic() && !matches!(c, '(' | ')'))
        .collect()
}

/// The body of a call with the object's UID and version in it, wherever the verb takes them.
fn bound_body(touched: &Touched, version: Option<&str>) -> Option<Value> {
    let call = &touched.call;
    let Some((uid, version)) = touched.uid.as_deref().zip(version) else {
        return call.body.clone();
    };
    let mut body = call.body.clone().unwrap_or_else(|| json!({}));
    match call.verb {
        CallVerb::Create => {}
        CallVerb::PatchJson => {
            let mut operations = vec![
                json!({"op": "test", "path": "/metadata/uid", "value": uid}),
                json!({"op": "test", "path": "/metadata/resourceVersion", "value": version}),
            ];
            operations.extend(body.as_array().cloned().unwrap_or_default());
            body = Value::Array(operations);
        }
        CallVerb::Delete => body["preconditions"] = json!({"uid": uid, "resourceVersion": version}),
        // A pod's status never rests, and an eviction is about the pod whatever its status.
        CallVerb::Evict => body["deleteOptions"]["preconditions"] = json!({"uid": uid}),
        CallVerb::PatchStrategic | CallVerb::PatchMerge | CallVerb::Apply | CallVerb::Replace => {
            body["metadata"]["uid"] = json!(uid);
            body["metadata"]["resourceVersion"] = json!(version);
        }
    }
    Some(body)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn touched(verb: CallVerb, body: Value) -> Touched {
        let call = Call {
            verb,
            group: String::new(),
            version: "v1".to_owned(),
            resource: "pods".to_owned(),
            subresource: None,
            namespace: Some("shop".to_owned()),
            name: "web".to_owned(),
            kind: "pod".to_owned(),
            body: Some(body),
            dry_run: true,
        };
        Touched {
            call,
            access: None,
            uid: Some("u1".to_owned()),
            resource_version: Some("7".to_owned()),
            before: None,
            after: None,
            pods: 0,
        }
    }

    fn bound(verb: CallVerb, body: Value) -> Value {
        bound_body(&touched(verb, body), Some("8")).unwrap()
    }

    #[test]
    fn every_verb_is_bound_to_uid_and_version() {
        let merge = bound(CallVerb::PatchMerge, json!({"metadata": {"labels": {"a": "b"}}}));
        assert_eq!(
            merge["metadata"],
            json!({"labels": {"a": "b"}, "uid": "u1", "resourceVersion": "8"})
        );
        let scale = bound(CallVerb::PatchStrategic, json!({"spec": {"replicas": 2}}));
        assert_eq!(scale["metadata"], json!({"uid": "u1", "resourceVersion": "8"}));
        let patch = bound(CallVerb::PatchJson, json!([{"op": "remove", "path": "/x"}]));
        assert_eq!(
            patch[0],
            json!({"op": "test", "path": "/metadata/uid", "value": "u1"})
        );
        assert_eq!(patch[2], json!({"op": "remove", "path": "/x"}));
        let delete = bound(CallVerb::Delete, json!({"gracePeriodSeconds": 0}));
        assert_eq!(
            delete["preconditions"],
            json!({"uid": "u1", "resourceVersion": "8"})
        );
        let evict = bound(
            CallVerb::Evict,
            json!({"deleteOptions": {"gracePeriodSeconds": 1}}),
        );
        assert_eq!(
            evict["deleteOptions"],
            json!({"gracePeriodSeconds": 1, "preconditions": {"uid": "u1"}})
        );
    }

    #[test]
    fn a_new_object_is_sent_as_it_was_shown() {
        let mut new = touched(CallVerb::Create, json!({"metadata": {"name": "web"}}));
        new.uid = None;
        assert_eq!(bound_body(&new, None), new.call.body);
    }

    #[test]
    fn a_record_cannot_break_out_of_its_header() {
        assert_eq!(printable("0192-ab\r\nX: y)"), "0192-abX:y");
    }
}
