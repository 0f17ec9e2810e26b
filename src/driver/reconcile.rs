//! Actions that a crash cut short: what became of them is asked of the cluster, and recorded as their outcome.

use jiff::Timestamp;
use serde_json::{Value, json};

use super::connect::Parts;
use crate::audit::{Action, Begun, Entry, Filter, actions};
use crate::check::{Evidence, Touched};
use crate::session::{Fate, is_unsettled, what_became};

/// Gives every action that was cut short, in this cluster, its outcome. One line for each; what cannot be told now is left
/// for the next time.
pub(super) async fn reconcile(parts: &Parts, user: &str) -> Vec<String> {
    let abandoned = parts.audit.abandoned();
    if abandoned.is_empty() {
        return Vec::new();
    }
    let identity = parts.cluster.identity().await.ok().flatten();
    let mut notices = Vec::new();
    for mark in abandoned {
        notices.extend(settle(parts, user, identity.as_deref(), mark).await);
    }
    notices
}

/// What was to be done, if it has no outcome yet, or one that leaves a step open.
fn open_intent(parts: &Parts, mark: &Begun) -> Option<Action> {
    let records = parts.audit.find(&mark.action().to_string()).ok()?;
    let action = actions(records, &Filter::default()).pop()?;
    let is_open = action.outcome().is_none_or(is_unsettled);
    (action.intent().is_some() && is_open).then_some(action)
}

async fn settle(parts: &Parts, user: &str, identity: Option<&str>, mark: Begun) -> Option<String> {
    let Some(action) = open_intent(parts, &mark) else {
        // Nothing was recorded, so nothing was applied; or the outcome was, and only the mark is left.
        mark.end();
        return None;
    };
    let intent = action.intent()?;
    let evidence: Evidence = serde_json::from_value(intent["evidence"].clone()).ok()?;
    let here = match (evidence.cluster.as_deref(), identity) {
        (None, None) => evidence.context == parts.cluster.context().name,
        (then, now) => then == now,
    };
    if !here {
        return None;
    }
    let mut steps = Vec::new();
    for (index, step) in evidence.steps.iter().enumerate() {
        let result = match known(&action, index) {
            Some(known) => known.clone(),
            None => look(parts, &step.touched).await?,
        };
        steps.push(json!({ "command": intent["steps"][index]["command"], "result": result }));
    }
    let fates: Vec<&str> = steps.iter().map(|step| fate(&step["result"])).collect();
    let summary = fates.join(", ");
    let body = json!({ "request": intent["request"], "user": user, "context": parts.cluster.context().name,
        "outcome": "reconciled", "steps": steps, "sayso": env!("CARGO_PKG_VERSION") });
    let entry = Entry::Outcome {
        action: action.id,
        body,
    };
    parts.audit.append(entry, Timestamp::now()).ok()?;
    mark.end();
    Some(format!(
        "note: action {} was cut short; its steps are now on record as: {summary}",
        action.id.short()
    ))
}

/// What an earlier outcome of the action knows of a step. It was there.
fn known(action: &Action, index: usize) -> Option<&Value> {
    let result = &action.outcome()?["steps"][index]["result"];
    (result.is_object() && result["uncertain"] != true).then_some(result)
}

/// The fate of a step in one word.
fn fate(result: &Value) -> &str {
    let told = if result["applied"] == true {
        "applied"
    } else {
        "not-applied"
    };
    result["fate"].as_str().unwrap_or(told)
}

/// What became of the calls of one step. Nothing where the cluster does not tell.
async fn look(parts: &Parts, touched: &[Touched]) -> Option<Value> {
    let mut receipts = Vec::new();
    let mut fates = Vec::new();
    for touched in touched {
        let live = parts.cluster.look(&touched.call).await.ok()?;
        let fate = what_became(touched, live.as_ref());
        if fate == Fate::Applied && receipts.len() == fates.len() {
            // As far as calls were made one after the other, so that `undo` knows what to take back.
            receipts
                .push(json!({ "code": 0, "request": "seen afterwards", "uid": touched.uid, "object": live }));
        }
        fates.push(fate);
    }
    let fate = match fates.as_slice() {
        fates if fates.iter().all(|fate| *fate == Fate::Applied) => Fate::Applied,
        fates if fates.iter().all(|fate| *fate == Fate::NotApplied) => Fate::NotApplied,
        _ => Fate::Unknown,
    };
    Some(json!({ "applied": fate == Fate::Applied, "receipts": receipts, "fate": fate, "calls": fates }))
}
