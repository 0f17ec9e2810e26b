//! Storage: one table per resource, a version counter for all, and a bounded log of changes for watches.

use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};
use std::sync::Arc;

use serde_json::{Map, Value, json};

use super::json::{controller_uid, name, namespace, present, set};

/// How many changes a watch can lag behind before it must list again (410).
const LOG_LIMIT: usize = 4096;

/// The table of pods.
const PODS: &str = "pods";

/// What happened to an object.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verb {
    Added,
    Modified,
    Deleted,
}

/// One entry of the log; `before` is the object as it was, if it was.
#[derive(Debug, Clone)]
pub(super) struct Change {
    pub(super) version: u64,
    pub(super) table: String,
    pub(super) verb: Verb,
    pub(super) object: Arc<Value>,
    pub(super) before: Option<Arc<Value>>,
}

type Rows = BTreeMap<(String, String), Arc<Value>>;

/// Tables, namespaces and names by the uid of the controlling owner, which is `""` where there is none.
type Owned = HashMap<String, BTreeSet<(String, String, String)>>;

/// Every object by table, namespace and name. Cloning is cheap: tables are shared until one of the two changes them.
#[derive(Debug, Clone, Default)]
pub(super) struct Store {
    tables: BTreeMap<String, Arc<Rows>>,
    owned: Arc<Owned>,
    /// Namespaces and names of the pods that have no node yet: the scheduler would look for them among all others.
    unplaced: Arc<BTreeSet<(String, String)>>,
    version: u64,
    log: Arc<VecDeque<Change>>,
    /// The version of the last change that the log no longer holds.
    forgotten: u64,
}

impl Store {
    /// The version of the newest change.
    pub(super) fn version(&self) -> u64 {
        self.version
    }

    pub(super) fn get(&self, table: &str, namespace: &str, name: &str) -> Option<Arc<Value>> {
        self.tables
            .get(table)?
            .get(&(namespace.to_owned(), name.to_owned()))
            .cloned()
    }

    /// A table's objects by namespace and name; `None` spans all namespaces.
    pub(super) fn list(&self, table: &str, namespace: Option<&str>) -> Vec<Arc<Value>> {
        let Some(rows) = self.tables.get(table) else {
            return Vec::new();
        };
        match namespace {
            None => rows.values().cloned().collect(),
            Some(wanted) => rows
                .range((wanted.to_owned(), String::new())..)
                .take_while(|((found, _), _)| found == wanted)
                .map(|(_, object)| object.clone())
                .collect(),
        }
    }

    /// Every table's name with its objects.
    pub(super) fn everything(&self) -> impl Iterator<Item = (&str, &Arc<Value>)> {
        self.tables
            .iter()
            .flat_map(|(table, rows)| rows.values().map(move |object| (table.as_str(), object)))
    }

    /// Every table's name with its objects of one namespace; `""` holds what has none.
    pub(super) fn everything_in<'a>(
        &'a self,
        namespace: &'a str,
    ) -> impl Iterator<Item = (&'a str, &'a Arc<Value>)> {
        self.tables.iter().flat_map(move |(table, rows)| {
            rows.range((namespace.to_owned(), String::new())..)
                .take_while(move |((found, _), _)| found == namespace)
                .map(move |(_, object)| (table.as_str(), object))
        })
    }

    /// The names of all tables that hold something.
    pub(super) fn tables(&self) -> impl Iterator<Item = &str> {
        self.tables.keys().map(String::as_str)
    }

    /// Puts an object back as it was saved, and its version, too. No watch hears of it.
    pub(super) fn restore(&mut self, table: &str, object: Value) {
        let key = (namespace(&object).to_owned(), name(&object).to_owned());
        let version = super::json::text(&object, "/metadata/resourceVersion")
            .parse()
            .unwrap_or(0);
        self.version = self.version.max(version);
        self.forgotten = self.version;
        self.insert(table, key, Arc::new(snug(object)));
    }

    /// A table's objects in a namespace that have this controller, or none for `""`.
    pub(super) fn controlled(&self, table: &str, namespace: &str, owner: &str) -> Vec<Arc<Value>> {
        let first = (table.to_owned(), namespace.to_owned(), String::new());
        let keys = self
            .owned
            .get(owner)
            .into_iter()
            .flat_map(|keys| keys.range(first.clone()..));
        keys.take_while(|(found, place, _)| found == table && place == namespace)
            .filter_map(|(_, place, name)| self.get(table, place, name))
            .collect()
    }

    /// The pods that have no node yet.
    pub(super) fn unplaced(&self) -> Vec<Arc<Value>> {
        let keys = self.unplaced.iter();
        keys.filter_map(|(place, name)| self.get(PODS, place, name))
            .collect()
    }

    fn insert(&mut self, table: &str, key: (String, String), object: Arc<Value>) {
        if table == PODS {
            let is_placed = present(&object, "/spec/nodeName");
            if is_placed == self.unplaced.contains(&key) {
                let unplaced = Arc::make_mut(&mut self.unplaced);
                if is_placed {
                    unplaced.remove(&key);
                } else {
                    unplaced.insert(key.clone());
                }
            }
        }
        let owner = controller_uid(&object).to_owned();
        let before = self.rows(table).insert(key.clone(), object);
        match before.as_deref().map(controller_uid) {
            Some(known) if known == owner => return,
            Some(known) => self.disown(table, &key, known),
            None => {}
        }
        let (place, name) = key;
        let keys = Arc::make_mut(&mut self.owned).entry(owner).or_default();
        keys.insert((table.to_owned(), place, name));
    }

    fn disown(&mut self, table: &str, (place, name): &(String, String), owner: &str) {
        let owned = Arc::make_mut(&mut self.owned);
        if let Some(keys) = owned.get_mut(owner) {
            keys.remove(&(table.to_owned(), place.clone(), name.clone()));
            if keys.is_empty() {
                owned.remove(owner);
            }
        }
    }

    fn rows(&mut self, table: &str) -> &mut Rows {
        Arc::make_mut(self.tables.entry(table.to_owned()).or_default())
    }

    /// Stores the object under a new version, unless it is what is stored already.
    pub(super) fn put(&mut self, table: &str, mut object: Value) -> Arc<Value> {
        let key = (namespace(&object).to_owned(), name(&object).to_owned());
        let before = self.tables.get(table).and_then(|rows| rows.get(&key)).cloned();
        if let Some(before) = before.as_ref().filter(|before| is_same(before, &object)) {
            return before.clone();
        }
        self.version += 1;
        set(&mut object, "/metadata/resourceVersion", self.version.to_string());
        let object = Arc::new(snug(object));
        self.insert(table, key, object.clone());
        let verb = if before.is_some() {
            Verb::Modified
        } else {
            Verb::Added
        };
        self.record(table, verb, object.clone(), before);
        object
    }

    /// Replaces the object that the newest change stored, keeping its version; watches see only the result.
    pub(super) fn amend(&mut self, table: &str, object: Value) -> Arc<Value> {
        let key = (namespace(&object).to_owned(), name(&object).to_owned());
        let object = Arc::new(snug(object));
        if let Some(change) = Arc::make_mut(&mut self.log)
            .back_mut()
            .filter(|change| change.table == table)
        {
            change.object = object.clone();
        }
        self.insert(table, key, object.clone());
        object
    }

    /// Takes the object out; the log keeps its last state under a new version.
    pub(super) fn remove(&mut self, table: &str, namespace: &str, name: &str) -> Option<Arc<Value>> {
        let key = (namespace.to_owned(), name.to_owned());
        let gone = self.tables.get(table)?.get(&key)?.clone();
        self.rows(table).remove(&key);
        if table == PODS && self.unplaced.contains(&key) {
            Arc::make_mut(&mut self.unplaced).remove(&key);
        }
        self.disown(table, &key, controller_uid(&gone));
        self.version += 1;
        let mut last = (*gone).clone();
        set(
            &mut last,
            "/metadata/resourceVersion",
            json!(self.version.to_string()),
        );
        let last = Arc::new(last);
        self.record(table, Verb::Deleted, last.clone(), Some(gone));
        Some(last)
    }

    fn record(&mut self, table: &str, verb: Verb, object: Arc<Value>, before: Option<Arc<Value>>) {
        let change = Change {
            version: self.version,
            table: table.to_owned(),
            verb,
            object,
            before,
        };
        let log = Arc::make_mut(&mut self.log);
        log.push_back(change);
        while log.len() > LOG_LIMIT {
            if let Some(oldest) = log.pop_front() {
                self.forgotten = oldest.version;
            }
        }
    }

    /// The changes after `version`; `None` if some of them are forgotten.
    pub(super) fn since(&self, version: u64) -> Option<impl Iterator<Item = &Change>> {
        let start = self.log.partition_point(|change| change.version <= version);
        (version >= self.forgotten).then(|| self.log.range(start..))
    }

    /// Forgets the log, as the store's compaction does; watches of older versions get a 410.
    pub(super) fn compact(&mut self) {
        Arc::make_mut(&mut self.log).clear();
        self.forgotten = self.version;
    }
}

/// The same value without room to grow: maps that were cloned or added to keep room for twice of what they hold, which is a
/// third of all memory where there are thousands of objects.
fn snug(value: Value) -> Value {
    match value {
        Value::Object(map) => {
            let mut exact = Map::with_capacity(map.len());
            exact.extend(map.into_iter().map(|(key, value)| (key, snug(value))));
            Value::Object(exact)
        }
        Value::Array(items) => {
            let mut exact: Vec<Value> = items.into_iter().map(snug).collect();
            exact.shrink_to_fit();
            Value::Array(exact)
        }
        Value::String(mut text) => {
            text.shrink_to_fit();
            Value::String(text)
        }
        other => other,
    }
}

/// True if both differ at most in version and bookkeeping of managers.
fn is_same(before: &Value, after: &Value) -> bool {
    let (Some(before), Some(after)) = (before.as_object(), after.as_object()) else {
        return before == after;
    };
    before.len() == after.len()
        && before.iter().all(|(key, old)| match after.get(key) {
            Some(new) if key == "metadata" => is_same_metadata(old, new),
            Some(new) => old == new,
            None => false,
        })
}

fn is_same_metadata(before: &Value, after: &Value) -> bool {
    let (Some(before), Some(after)) = (before.as_object(), after.as_object()) else {
        return before == after;
    };
    let counts = |key: &&String| !matches!(key.as_str(), "resourceVersion" | "managedFields");
    before
        .keys()
        .filter(counts)
        .all(|key| before.get(key) == after.get(key))
        && before.keys().filter(counts).count() == after.keys().filter(counts).count()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn object(name: &str, color: &str) -> Value {
        json!({"metadata": {"name": name, "namespace": "shop"}, "color": color})
    }

    #[test]
    fn the_same_object_again_is_no_change() {
        let mut store = Store::default();
        store.put("things", object("a", "red"));
        store.put("things", object("a", "red"));
        assert_eq!(store.version(), 1);
        store.put("things", object("a", "blue"));
        assert_eq!(store.version(), 2);
        assert_eq!(store.list("things", Some("shop")).len(), 1);
        assert!(store.list("things", Some("sho")).is_empty());
    }

    #[test]
    fn pods_without_a_node_are_known_until_they_have_one_or_are_gone() {
        let mut store = Store::default();
        let pod = |name: &str, node: &str| {
            let spec = if node.is_empty() {
                json!({})
            } else {
                json!({"nodeName": node})
            };
            json!({"metadata": {"name": name, "namespace": "shop"}, "spec": spec})
        };
        let names = |store: &Store| -> Vec<String> {
            store.unplaced().iter().map(|pod| name(pod).to_owned()).collect()
        };
        for one in ["a", "b", "c"] {
            store.put(PODS, pod(one, ""));
        }
        store.put(PODS, pod("d", "node-1"));
        assert_eq!(names(&store), ["a", "b", "c"]);
        store.put(PODS, pod("a", "node-1"));
        store.remove(PODS, "shop", "b");
        assert_eq!(names(&store), ["c"]);
    }

    #[test]
    fn the_log_forgets_and_says_so() {
        let mut store = Store::default();
        for turn in 0..=LOG_LIMIT {
            store.put("things", object("a", &turn.to_string()));
        }
        assert!(store.since(0).is_none());
        assert_eq!(store.since(1).map(Iterator::count), Some(LOG_LIMIT));
        store.compact();
        assert!(store.since(1).is_none());
    }
}
