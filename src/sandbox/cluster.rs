//! The cluster's state and the primitive changes that writes and controllers are made of.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;
use std::time::{Duration, Instant};

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::json::{
    annotation, ensure, escape, is_terminating, items, name, namespace, present, set, text, uid,
};
use super::resource::{self, Resource};
use super::store::{Change, Store, Verb};

/// How long one step of a pod's life takes while serving.
const PACE: Duration = Duration::from_millis(300);
const ALPHABET: &[u8] = b"bcdfghjklmnpqrstvwxz2456789";

/// What happens when a timer is due.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Due {
    /// The pod's containers come up, or fail the way they are made to.
    PodStart {
        namespace: String,
        name: String,
        uid: String,
    },
    /// The containers of a job's pod exit.
    PodFinish {
        namespace: String,
        name: String,
        uid: String,
    },
    /// A terminating pod's grace period is over.
    PodGone {
        namespace: String,
        name: String,
        uid: String,
    },
    /// A terminating namespace loses its contents and itself.
    NamespaceGone { name: String },
    /// Nothing but another look by the controllers.
    Look,
    /// A minute begins: cron jobs may be due.
    Minute,
}

/// Where the controllers have to look: everywhere, or in the namespaces where something has changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Scope {
    Everything,
    Namespaces(BTreeSet<String>),
}

/// All state of one sandbox. A clone is a cheap scratch copy: dry runs write to one and drop it.
#[derive(Debug, Clone)]
pub(super) struct Cluster {
    pub(super) store: Store,
    pub(super) timers: BTreeMap<(Instant, u64), Due>,
    /// Tokens issued for service accounts: token to user name.
    pub(super) tokens: BTreeMap<String, String>,
    pub(super) serials: HashMap<String, u64>,
    pub(super) pace: Duration,
    pub(super) age: SignedDuration,
    pub(super) scope: Scope,
    /// The version up to which the controllers have seen everything.
    pub(super) looked: u64,
}

impl Default for Cluster {
    fn default() -> Self {
        Self {
            store: Store::default(),
            timers: BTreeMap::new(),
            tokens: BTreeMap::new(),
            serials: HashMap::new(),
            pace: Duration::ZERO,
            age: SignedDuration::ZERO,
            scope: Scope::Everything,
            looked: 0,
        }
    }
}

impl Cluster {
    /// Begins a round of the controllers: they look only where something has changed since their last round.
    pub(super) fn begin_round(&mut self) {
        self.scope = Scope::Namespaces(BTreeSet::new());
    }

    /// Widens the scope of this round by what has changed meanwhile.
    pub(super) fn widen_scope(&mut self) {
        let changed = self
            .store
            .since(self.looked)
            .map(|mut changes| changes.try_fold(BTreeSet::new(), touch));
        self.looked = self.store.version();
        match (changed.flatten(), &mut self.scope) {
            (Some(mut touched), Scope::Namespaces(known)) => known.append(&mut touched),
            (None, scope) => *scope = Scope::Everything,
            (Some(_), Scope::Everything) => {}
        }
    }

    /// The objects of a table that the controllers have to look at.
    pub(super) fn due(&self, table: &str) -> Vec<Arc<Value>> {
        match &self.scope {
            Scope::Everything => self.store.list(table, None),
            Scope::Namespaces(known) => {
                let places = std::iter::once("").chain(known.iter().map(String::as_str));
                places
                    .flat_map(|place| self.store.list(table, Some(place)))
                    .collect()
            }
        }
    }

    /// All objects that the controllers have to look at, and everything outside namespaces.
    pub(super) fn everything_due(&self) -> Box<dyn Iterator<Item = (&str, &Arc<Value>)> + '_> {
        match &self.scope {
            Scope::Everything => Box::new(self.store.everything()),
            Scope::Namespaces(known) => {
                let places = std::iter::once("").chain(known.iter().map(String::as_str));
                Box::new(places.flat_map(|place| self.store.everything_in(place)))
            }
        }
    }

    /// From now on steps take their time and timestamps are the present: the cluster is served.
    pub(super) fn go_live(&mut self) {
        self.pace = PACE;
        self.age = SignedDuration::ZERO;
        self.await_minute();
    }

    /// Has cron jobs looked at when the next minute begins.
    pub(super) fn await_minute(&mut self) {
        let into = self.now().as_second().rem_euclid(60).unsigned_abs();
        self.after(Duration::from_secs(60 - into), Due::Minute);
    }

    /// Makes the controllers' next round look at everything.
    pub(super) fn look_everywhere(&mut self) {
        self.looked = 0;
    }

    /// Dates what happens next to `age` ago; events of that time are not kept, as they would have expired.
    pub(super) fn backdate(&mut self, age: SignedDuration) {
        self.age = age;
    }

    /// True if events of this time would be kept no more: they live for an hour.
    pub(super) fn is_backdated(&self) -> bool {
        self.age > SignedDuration::from_hours(1)
    }

    pub(super) fn now(&self) -> Timestamp {
        let now = Timestamp::now();
        now.checked_sub(self.age).unwrap_or(now)
    }

    /// The present as API objects write it, to the second.
    pub(super) fn timestamp(&self) -> String {
        format_time(self.now())
    }

    /// Has `due` happen after `steps` steps of a pod's life.
    pub(super) fn after_steps(&mut self, steps: u32, due: Due) {
        self.after(self.pace * steps, due);
    }

    pub(super) fn after(&mut self, delay: Duration, due: Due) {
        let serial = self.serial("timers");
        self.timers.insert((Instant::now() + delay, serial), due);
    }

    /// When the next timer is due.
    pub(super) fn next_due(&self) -> Option<Instant> {
        self.timers.keys().next().map(|(when, _)| *when)
    }

    /// The next number of the named series, from 0.
    pub(super) fn serial(&mut self, series: &str) -> u64 {
        let next = self.serials.entry(series.to_owned()).or_default();
        *next += 1;
        *next - 1
    }

    /// A five-letter suffix for a generated name; the same writes on a twin give the same names.
    pub(super) fn suffix(&mut self, prefix: &str) -> String {
        let serial = self.serial(&format!("suffix {prefix}"));
        letters(&format!("{prefix} {serial}"), 5)
    }

    pub(super) fn new_uid(&mut self, table: &str, object: &Value) -> String {
        let key = format!("uid {table} {} {}", namespace(object), name(object));
        let serial = self.serial(&key);
        let digest = hex::encode(Sha256::digest(format!("{key} {serial}")));
        format!(
            "{}-{}-4{}-a{}-{}",
            &digest[..8],
            &digest[8..12],
            &digest[13..16],
            &digest[17..20],
            &digest[20..32]
        )
    }

    pub(super) fn get(&self, table: &str, namespace: &str, name: &str) -> Option<Arc<Value>> {
        self.store.get(table, namespace, name)
    }

    /// Everything served now: built-in resources, then those of stored definitions.
    pub(super) fn resources(&self) -> Vec<Arc<Resource>> {
        let mut all = resource::built_in().to_vec();
        for definition in self
            .store
            .list("customresourcedefinitions.apiextensions.k8s.io", None)
        {
            all.extend(resource::from_definition(&definition).into_iter().map(Arc::new));
        }
        all
    }

    pub(super) fn resource(&self, group: &str, version: &str, plural: &str) -> Option<Arc<Resource>> {
        let fits =
            |one: &&Arc<Resource>| one.group == group && one.version == version && one.plural == plural;
        self.resources().iter().find(fits).cloned()
    }

    /// The resource of a kind, for manifests and owner references.
    pub(super) fn resource_of_kind(&self, api_version: &str, kind: &str) -> Option<Arc<Resource>> {
        let fits = |one: &&Arc<Resource>| {
            one.kind == kind && one.group_version() == api_version && !one.is_virtual()
        };
        self.resources().iter().find(fits).cloned()
    }

    /// Stores a new object with uid, creation time and first generation.
    pub(super) fn create(&mut self, table: &str, mut object: Value) -> Arc<Value> {
        if uid(&object).is_empty() {
            let made = self.new_uid(table, &object);
            set(&mut object, "/metadata/uid", made);
        }
        let now = self.timestamp();
        set(&mut object, "/metadata/creationTimestamp", now);
        if has_generation(table, self) {
            set(&mut object, "/metadata/generation", 1);
        }
        self.store.put(table, object)
    }

    /// Stores a changed object; a changed spec counts the generation up.
    pub(super) fn update(&mut self, table: &str, mut object: Value) -> Arc<Value> {
        if let Some(before) = self.get(table, namespace(&object), name(&object)) {
            let generation = before.pointer("/metadata/generation").and_then(Value::as_i64);
            if let Some(generation) = generation {
                // Being given a node is no change of what is wanted of a pod.
                let bump = i64::from(table != "pods" && before.pointer("/spec") != object.pointer("/spec"));
                set(&mut object, "/metadata/generation", generation + bump);
            }
        }
        self.store.put(table, object)
    }

    /// Corrects bookkeeping of an object just written, within the same version.
    pub(super) fn amend(&mut self, table: &str, object: Value) -> Arc<Value> {
        self.store.amend(table, object)
    }

    /// Deletes as the garbage collector and controllers do: gracefully for pods, by finalizers for all.
    pub(super) fn delete(&mut self, table: &str, object: &Value) {
        if table == "pods" && present(object, "/spec/nodeName") && is_started(object) {
            self.terminate_pod(object, 30);
        } else if items(object, "/metadata/finalizers").is_empty() {
            self.store.remove(table, namespace(object), name(object));
        } else {
            self.mark_terminating(table, object);
        }
    }

    /// Gives the object a deletion timestamp, once.
    pub(super) fn mark_terminating(&mut self, table: &str, object: &Value) -> Arc<Value> {
        let mut object = object.clone();
        if !is_terminating(&object) {
            set(&mut object, "/metadata/deletionTimestamp", self.timestamp());
            if table != "namespaces" {
                ensure(&mut object, "/metadata/deletionGracePeriodSeconds", 0);
            }
        }
        self.store.put(table, object)
    }

    /// Starts a pod's end; it is gone a moment later.
    pub(super) fn terminate_pod(&mut self, pod: &Value, grace_seconds: i64) -> Arc<Value> {
        if is_terminating(pod) {
            return Arc::new(pod.clone());
        }
        let mut pod = pod.clone();
        set(&mut pod, "/metadata/deletionGracePeriodSeconds", grace_seconds);
        let until = self.now() + SignedDuration::from_secs(grace_seconds.clamp(0, 86_400));
        set(&mut pod, "/metadata/deletionTimestamp", format_time(until));
        let due = Due::PodGone {
            namespace: namespace(&pod).into(),
            name: name(&pod).into(),
            uid: uid(&pod).into(),
        };
        self.after_steps(1, due);
        for container in items(&pod, "/spec/containers") {
            let message = format!("Stopping container {}", text(container, "/name"));
            self.event(&pod, "v1", "Pod", "Normal", "Killing", &message, "kubelet");
        }
        self.store.put("pods", pod)
    }

    /// Records an event about `object`; the same event again counts up.
    #[allow(clippy::too_many_arguments)]
    pub(super) fn event(
        &mut self,
        object: &Value,
        api_version: &str,
        kind: &str,
        class: &str,
        reason: &str,
        message: &str,
        component: &str,
    ) {
        if self.is_backdated() {
            return;
        }
        let digest = hex::encode(Sha256::digest(format!(
            "{kind} {} {reason} {message}",
            uid(object)
        )));
        let event_name = format!("{}.{}", name(object), &digest[..16]);
        let place = if namespace(object).is_empty() {
            "default"
        } else {
            namespace(object)
        };
        let now = self.timestamp();
        if let Some(known) = self.get("events", place, &event_name) {
            let mut again = (*known).clone();
            let count = known.pointer("/count").and_then(Value::as_i64).unwrap_or(1);
            set(&mut again, "/count", count + 1);
            set(&mut again, "/lastTimestamp", now);
            self.store.put("events", again);
            return;
        }
        let event = json!({
            "apiVersion": "v1", "kind": "Event",
            "metadata": {"name": event_name, "namespace": place},
            "involvedObject": {
                "kind": kind, "namespace": namespace(object), "name": name(object), "uid": uid(object),
                "apiVersion": api_version, "resourceVersion": text(object, "/metadata/resourceVersion"),
            },
            "reason": reason, "message": message, "type": class,
            "source": {"component": component}, "reportingComponent": component, "reportingInstance": "",
            "firstTimestamp": now, "lastTimestamp": now, "count": 1, "eventTime": null,
        });
        self.create("events", event);
    }

    /// The pods controlled by the owner with this uid.
    pub(super) fn controlled(&self, table: &str, place: &str, owner: &str) -> Vec<Arc<Value>> {
        self.store.controlled(table, place, owner)
    }

    /// The failure that the object's annotation asks for, or `""`.
    pub(super) fn fault_of(pod: &Value) -> &str {
        annotation(pod, "sandbox.sayso.dev/fault")
    }
}

/// Adds the namespace that a change concerns; `None` if it concerns all.
fn touch(mut known: BTreeSet<String>, change: &Change) -> Option<BTreeSet<String>> {
    const FOR_ALL: [&str; 3] = ["nodes", "persistentvolumes", "storageclasses.storage.k8s.io"];
    let place = match namespace(&change.object) {
        "" if change.table == "namespaces" => name(&change.object),
        "" if FOR_ALL.contains(&change.table.as_str()) || change.verb == Verb::Deleted => return None,
        place => place,
    };
    known.insert(place.to_owned());
    Some(known)
}

/// `n` letters derived from `seed` that are safe in names.
pub(super) fn letters(seed: &str, n: usize) -> String {
    let digest = Sha256::digest(seed);
    digest
        .iter()
        .take(n)
        .map(|byte| char::from(ALPHABET[usize::from(*byte) % ALPHABET.len()]))
        .collect()
}

/// RFC 3339 to the second.
pub(super) fn format_time(time: Timestamp) -> String {
    time.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}

/// Marks `owner` as the controller of `object`.
pub(super) fn own(object: &mut Value, owner: &Value, api_version: &str, kind: &str) {
    let reference = json!({
        "apiVersion": api_version, "kind": kind, "name": name(owner), "uid": uid(owner),
        "controller": true, "blockOwnerDeletion": true,
    });
    set(object, "/metadata/ownerReferences", json!([reference]));
}

/// Sets one annotation.
pub(super) fn annotate(object: &mut Value, key: &str, value: &str) {
    set(object, &format!("/metadata/annotations/{}", escape(key)), value);
}

fn is_started(pod: &Value) -> bool {
    !matches!(text(pod, "/status/phase"), "Succeeded" | "Failed")
}

fn has_generation(table: &str, cluster: &Cluster) -> bool {
    match resource::built_in().iter().find(|one| one.table() == table) {
        Some(known) => known.has_generation(),
        None => cluster.resources().iter().any(|one| one.table() == table),
    }
}
