//! The way back from a recorded action.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::check::diff::hide_secret_values;
use crate::check::essence::essence;
use crate::check::inverse::{Inverse, inverse, merge_back, significant};
use crate::check::{CallVerb, Evidence, Touched};
use crate::plan::Step;

/// The longest value that is shown in a three-way difference, in characters.
const SHOWN: usize = 60;

/// What an action did to one object, all its calls together, and so what has to be there to take it back.
#[derive(Clone, Debug, PartialEq)]
pub struct Expected {
    kind: String,
    namespace: Option<String>,
    name: String,
    uid: Option<String>,
    /// As it was; nothing where the action made it.
    before: Option<Value>,
    /// As the action left it; nothing where the action deleted it.
    after: Option<Value>,
}

/// The steps that take an action back, last object first, and what they expect to find.
#[derive(Clone, Debug, PartialEq)]
pub struct WayBack {
    /// The steps.
    pub steps: Vec<Step>,
    /// What the action left behind.
    pub expected: Vec<Expected>,
}

/// The way back from a recorded action. Calls that were never made are not taken back, several calls on one object are
/// taken back together, and a call without a way back stops it: half an undo is worse than none.
///
/// # Errors
///
/// One lower-case clause: what was recorded cannot be read, or has no way back, or nothing was done.
pub fn way_back(intent: &Value, outcome: &Value) -> Result<WayBack, String> {
    let evidence: Evidence = serde_json::from_value(intent["evidence"].clone())
        .map_err(|error| format!("the record's evidence cannot be read: {error}"))?;
    let mut back = WayBack {
        steps: Vec::new(),
        expected: Vec::new(),
    };
    for net in net_changes(&evidence, outcome) {
        let Some(step) = net.step()? else { continue };
        back.steps.push(step);
        back.expected.push(net.expected());
    }
    if back.steps.is_empty() {
        return Err("that action changed nothing".to_owned());
    }
    back.steps.reverse();
    back.expected.reverse();
    Ok(back)
}

/// All calls on one object as one.
struct Net {
    /// The last call, with the object as it was before the first.
    touched: Touched,
    after: Option<Value>,
    /// What the last call changed, where the server's answer does not show the whole object: every step was tried on the
    /// object as it was before all of them, so `after` alone would miss what earlier steps did.
    change: Option<Value>,
    uid: Option<String>,
    /// Whether any of the calls can never be taken back by itself.
    lost: Option<String>,
}

/// One entry an object, in the order in which they were first touched.
fn net_changes(evidence: &Evidence, outcome: &Value) -> Vec<Net> {
    let mut nets: Vec<Net> = Vec::new();
    let mut places: BTreeMap<(String, Option<String>, String), usize> = BTreeMap::new();
    for (index, step) in evidence.steps.iter().enumerate() {
        let receipts = outcome["steps"][index]["result"]["receipts"]
            .as_array()
            .map_or(&[][..], Vec::as_slice);
        for (touched, receipt) in step.touched.iter().zip(receipts) {
            let call = &touched.call;
            let key = (call.kind.clone(), call.namespace.clone(), call.name.clone());
            let place = *places.entry(key).or_insert(nets.len());
            let new = Net::of(touched, receipt);
            match nets.get_mut(place) {
                Some(net) => net.join(new),
                None => nets.push(new),
            }
        }
    }
    nets
}

impl Net {
    fn of(touched: &Touched, receipt: &Value) -> Net {
        let gone = matches!(touched.call.verb, CallVerb::Delete | CallVerb::Evict);
        let uid = receipt["uid"].as_str().map(str::to_owned).or(touched.uid.clone());
        let answered = if gone { None } else { answered(touched, receipt) };
        let change = match (&answered, &touched.before, &touched.after) {
            (None, Some(before), Some(after)) => merge_back(&significant(before), &significant(after)),
            _ => None,
        };
        let after = if gone {
            None
        } else {
            answered.or_else(|| touched.after.clone())
        };
        let unreturnable =
            touched.call.verb == CallVerb::Evict || touched.call.subresource.as_deref() == Some("token");
        let lost = match inverse(touched, after.as_ref()) {
            Inverse::None(reason) if unreturnable => Some(reason),
            _ => None,
        };
        Net {
            touched: touched.clone(),
            after,
            change,
            uid,
            lost,
        }
    }

    fn join(&mut self, later: Net) {
        let before = self.touched.before.take();
        self.touched = Touched {
            before,
            ..later.touched
        };
        self.after = match (self.after.take(), later.change) {
            (Some(mut after), Some(change)) => {
                json_patch::merge(&mut after, &change);
                Some(after)
            }
            _ => later.after,
        };
        self.uid = later.uid;
        self.lost = self.lost.take().or(later.lost);
    }

    /// The step back; nothing where the object is as it was before.
    fn step(&self) -> Result<Option<Step>, String> {
        let words = || format!("{}/{}", self.touched.call.kind, self.touched.call.name);
        if let Some(reason) = &self.lost {
            return Err(format!("{} cannot be taken back: {reason}", words()));
        }
        let same = match (&self.touched.before, &self.after) {
            (None, None) => self.touched.call.verb == CallVerb::Delete,
            (Some(before), Some(after)) => essence(before) == essence(after),
            _ => false,
        };
        if same {
            return Ok(None);
        }
        match inverse(&self.touched, self.after.as_ref()) {
            Inverse::Step(step) => Ok(Some(*step)),
            Inverse::None(reason) => Err(format!("{} cannot be taken back: {reason}", words())),
        }
    }

    fn expected(self) -> Expected {
        let call = self.touched.call;
        Expected {
            kind: call.kind,
            namespace: call.namespace,
            name: call.name,
            uid: self.uid,
            before: self.touched.before,
            after: self.after,
        }
    }
}

/// The object as a call left it, where the server's answer is the object itself: it knows addresses and ports that a dry run
/// makes up.
fn answered(touched: &Touched, receipt: &Value) -> Option<Value> {
    let foreseen = touched.after.as_ref().or(touched.before.as_ref());
    let answered = receipt.get("object").filter(|object| object.is_object())?;
    let is_whole = foreseen.is_none_or(|foreseen| answered["kind"] == foreseen["kind"]);
    is_whole.then(|| answered.clone())
}

/// Where the world moved on since the action: a three-way difference, one line for each field that somebody else has
/// changed and the way back would change again. None where the way is free.
pub fn conflicts(expected: &[Expected], now: &Evidence) -> Vec<String> {
    let touched: Vec<&Touched> = now.steps.iter().flat_map(|step| &step.touched).collect();
    expected
        .iter()
        .flat_map(|expected| expected.conflicts(&touched))
        .collect()
}

impl Expected {
    fn words(&self) -> String {
        let place = self
            .namespace
            .as_ref()
            .map_or_else(String::new, |name| format!(" in {name}"));
        format!("{}/{}{place}", self.kind, self.name)
    }

    fn conflicts(&self, touched: &[&Touched]) -> Vec<String> {
        let is_it = |call: &crate::check::Call| {
            call.kind == self.kind && call.name == self.name && call.namespace == self.namespace
        };
        let live = touched
            .iter()
            .find(|touched| is_it(&touched.call))
            .and_then(|touched| touched.before.as_ref());
        let Some(live) = live else {
            // What is gone by itself is the check's business: it says so if the step needs it.
            return Vec::new();
        };
        let Some(after) = &self.after else {
            return vec![format!("{}: it was deleted, and is there again", self.words())];
        };
        if self
            .uid
            .as_deref()
            .is_some_and(|uid| live["metadata"]["uid"] != uid)
        {
            return vec![format!(
                "{}: another object of that name is there now",
                self.words()
            )];
        }
        let mut live = essence(live);
        if self.kind == "secret" {
            live["kind"] = "Secret".into();
            hide_secret_values(&mut live);
        }
        let after = essence(after);
        let before = self.before.as_ref().map(essence);
        let mut lines = Vec::new();
        match &before {
            Some(before) => three_way(
                &mut Vec::new(),
                [Some(before), Some(&after), Some(&live)],
                &mut lines,
            ),
            None => self.two_way(&mut Vec::new(), [Some(&after), Some(&live)], &mut lines),
        }
        lines
            .into_iter()
            .map(|line| format!("{}: {line}", self.words()))
            .collect()
    }

    /// Lines for what somebody else has changed in an object that the action made.
    fn two_way(&self, path: &mut Vec<String>, values: [Option<&Value>; 2], lines: &mut Vec<String>) {
        let [after, now] = values;
        if after == now || (after.is_none() && self.is_filled_in(path)) {
            return;
        }
        let maps = values.map(|value| value.and_then(Value::as_object));
        if let [Some(after), Some(now)] = maps {
            let keys: std::collections::BTreeSet<&String> = after.keys().chain(now.keys()).collect();
            for key in keys {
                path.push(key.clone());
                self.two_way(path, [after.get(key), now.get(key)], lines);
                path.pop();
            }
            return;
        }
        let [after, now] = values.map(shown);
        lines.push(format!(
            "{} was made as {after}, and is {now} now",
            path.join(".")
        ));
    }

    /// Whether the cluster itself adds such a field after the object is made: a pod's node, a claim's volume.
    fn is_filled_in(&self, path: &[String]) -> bool {
        let top = path.first().map_or("", String::as_str);
        match self.kind.as_str() {
            "pod" | "persistentvolumeclaim" => {
                top == "spec" || path.starts_with(&["metadata".into(), "annotations".into()])
            }
            "serviceaccount" => matches!(top, "secrets" | "imagePullSecrets"),
            _ => false,
        }
    }
}

/// Lines for what differs among `[before, after, now]`, where the action changed it and it is neither as the action left it
/// nor as it was before. Lists count as a whole, as a merge patch replaces them.
fn three_way(path: &mut Vec<String>, values: [Option<&Value>; 3], lines: &mut Vec<String>) {
    let [before, after, now] = values;
    if before == after || now == after || now == before {
        return;
    }
    let maps = values.map(|value| value.and_then(Value::as_object));
    if let [Some(before), Some(after), Some(now)] = maps {
        let keys: std::collections::BTreeSet<&String> = before.keys().chain(after.keys()).collect();
        for key in keys {
            path.push(key.clone());
            three_way(path, [before.get(key), after.get(key), now.get(key)], lines);
            path.pop();
        }
        return;
    }
    let [before, after, now] = values.map(shown);
    lines.push(format!(
        "{} was {before}, was set to {after}, and is {now} now",
        path.join(".")
    ));
}

fn shown(value: Option<&Value>) -> String {
    let Some(value) = value else {
        return "not there".to_owned();
    };
    let text = value.to_string();
    if text.chars().count() <= SHOWN {
        return text;
    }
    text.chars().take(SHOWN).collect::<String>() + "..."
}
