//! What a sandbox does in another way than a real cluster, and why it may.

use super::conversation::Difference;

/// A difference that is known.
pub struct Known {
    /// The conversation's name.
    pub of: &'static str,
    /// The turn, from 1, and the beginning of a place in its answer.
    pub at: (usize, &'static str),
    /// Why it is so.
    pub why: &'static str,
}

const fn known(of: &'static str, at: (usize, &'static str), why: &'static str) -> Known {
    Known { of, at, why }
}

/// The same code, reason and field, in other words: the real ones are those of Go's decoders and types, or say a thing twice.
const WORDS: &str = "the same refusal in other words";
const ACCOUNTS: &str =
    "pods get no token volumes and no tolerations of their own: 20,000 of them would pay for it";
const DISCOVERY: &str = "the order of verbs and subresources, and hashes of stored versions";
const PROTECTION: &str = "claims and volumes in use are not protected from deletion";
const AMOUNTS: &str = "amounts are kept as they were written, and read when the object is checked";
const ENDPOINTS: &str = "bookkeeping of the endpoint controllers is left out";
const MANAGERS: &str = "who manages a field is recorded in less detail";
const STATUS: &str = "zeros, empty words and newer bookkeeping of statuses";
const GENERATION: &str = "a change of annotations, or none at all, counts otherwise";
const UNKNOWN: &str = "unknown fields are kept, unless strictness is asked for";
const EVENTS: &str = "fields of events that are empty, or of their newer form";
const COLUMNS: &str = "columns are declared as text";
const OPTIONS: &str = "options of a deletion are read for what they say";

/// All of them. One that is not met fails, too.
pub const KNOWN: &[Known] = &[
    known("scale a deployment", (6, "//items/0/spec"), ACCOUNTS),
    known("scale to less than nothing", (3, "/details"), WORDS),
    known("scale to less than nothing", (3, "/message"), WORDS),
    known("scale a stateful set", (5, "//spec/containers/0"), ACCOUNTS),
    known(
        "undo a rollout",
        (5, "/spec/template/metadata"),
        "a null that was written is kept",
    ),
    known(
        "set the environment",
        (4, "/metadata/annotations/deployment.kubernetes.io"),
        "the two controllers see the template change at another time",
    ),
    known(
        "set the environment",
        (5, "/metadata/annotations/deployment.kubernetes.io"),
        "the two controllers see the template change at another time",
    ),
    known("set resources", (5, "/details"), WORDS),
    known("set resources", (5, "/message"), WORDS),
    known("set resources", (6, ""), AMOUNTS),
    known("label and unlabel", (5, "/details"), WORDS),
    known("label and unlabel", (6, "/details"), WORDS),
    known("label and unlabel", (7, "/details"), WORDS),
    known("label and unlabel", (8, "/metadata/generation"), GENERATION),
    known("run a pod", (1, "/spec/tolerations"), ACCOUNTS),
    known("run a pod", (2, "//spec/tolerations"), ACCOUNTS),
    known(
        "create namespace",
        (4, "/metadata/annotations"),
        "the description of the certificate bundle is left out",
    ),
    known("create configmap", (5, "/message"), WORDS),
    known("create configmap", (7, "/data"), "an empty map is kept"),
    known("create secret", (3, "/message"), WORDS),
    known(
        "create secret",
        (5, ""),
        "what is in a secret for registries is not read",
    ),
    known("a job runs to its end", (2, "/status/terminating"), STATUS),
    known(
        "a job runs to its end",
        (2, "/status/uncountedTerminatedPods"),
        STATUS,
    ),
    known("a job runs to its end", (2, "/status/active"), STATUS),
    known("create role and binding", (3, "/details"), WORDS),
    known("create role and binding", (3, "/message"), WORDS),
    known("create quota", (7, ""), AMOUNTS),
    known(
        "a limit range fills in",
        (2, "//metadata/annotations"),
        "what a limit range filled in is not noted",
    ),
    known("create poddisruptionbudget", (2, "/details"), WORDS),
    known("create poddisruptionbudget", (2, "/message"), WORDS),
    known("cordon, taint, uncordon", (6, "/details"), WORDS),
    known("a budget holds an eviction back", (4, "/status"), WORDS),
    known(
        "a budget holds an eviction back",
        (4, "/status/conditions/0/observedGeneration"),
        STATUS,
    ),
    known(
        "create persistentvolumeclaim",
        (1, "/metadata/finalizers"),
        PROTECTION,
    ),
    known("create persistentvolumeclaim", (3, "/details"), WORDS),
    known("create persistentvolumeclaim", (3, "/message"), WORDS),
    known(
        "create daemonset",
        (1, "/metadata/annotations"),
        "a deprecated annotation is left out",
    ),
    known(
        "create daemonset",
        (2, "/metadata/annotations"),
        "a deprecated annotation is left out",
    ),
    known("write a status", (4, "/metadata/finalizers"), PROTECTION),
    known("write a status", (4, "/metadata/managedFields/1"), MANAGERS),
    known("merge patch sets and removes", (4, "/details"), WORDS),
    known("merge patch sets and removes", (4, "/message"), WORDS),
    known("merge patch sets and removes", (7, "/details"), WORDS),
    known("merge patch sets and removes", (7, "/message"), WORDS),
    known("merge patch that is none", (2, "/message"), WORDS),
    known(
        "merge patch at a version",
        (5, ""),
        "another uid is a conflict, and not a change of the uid",
    ),
    known("json patch that fails", (8, "/details"), WORDS),
    known("json patch that fails", (8, "/message"), WORDS),
    known("json patch that fails", (9, "/message"), WORDS),
    known(
        "strategic patch replaces where it is told",
        (5, "//metadata/labels"),
        "what a patch says of a map as a whole is not followed",
    ),
    known("strategic patch that fails", (3, "/message"), WORDS),
    known("strategic patch that fails", (3, "/reason"), WORDS),
    known("strategic patch that fails", (4, "/details"), WORDS),
    known("strategic patch that fails", (4, "/message"), WORDS),
    known("strategic patch that fails", (5, "/details"), WORDS),
    known("strategic patch that fails", (5, "/message"), WORDS),
    known("strategic patch that fails", (6, "/details"), WORDS),
    known("strategic patch that fails", (6, "/message"), WORDS),
    known(
        "strategic patch that fails",
        (7, ""),
        "a directive that nobody knows is passed over",
    ),
    known("strategic patch that fails", (8, "/message"), WORDS),
    known("a patch with an unknown field", (3, "/details"), WORDS),
    known("a patch with an unknown field", (3, "/message"), WORDS),
    known(
        "apply creates and takes over",
        (4, "/metadata/managedFields/0"),
        MANAGERS,
    ),
    known("apply that fails", (7, ""), UNKNOWN),
    known("apply that fails", (8, "/message"), WORDS),
    known(
        "apply with a list key twice",
        (1, ""),
        "found a step later, by the rules of the kind",
    ),
    known("apply of a status", (2, "/metadata/finalizers"), PROTECTION),
    known("apply of a status", (2, "/metadata/managedFields/1"), MANAGERS),
    known("replace at a version", (7, "/message"), WORDS),
    known(
        "replace at a version",
        (8, ""),
        "a version that is no number is an old one",
    ),
    known(
        "replace keeps the system's fields",
        (2, ""),
        "what only the system writes is kept as it was, whatever is written",
    ),
    known("managers of updates", (5, ""), MANAGERS),
    known("dry run of changes", (7, "/details"), WORDS),
    known("dry run of changes", (7, "/message"), WORDS),
    known("label selectors that are none", (1, "/message"), WORDS),
    known("label selectors that are none", (2, "/message"), WORDS),
    known("label selectors that are none", (3, "/message"), WORDS),
    known("label selectors that are none", (4, "/message"), WORDS),
    known("label selectors that are none", (5, "/message"), WORDS),
    known(
        "pages",
        (5, "/items/1/metadata"),
        "the description of the certificate bundle is left out",
    ),
    known(
        "pages that are none",
        (1, "/items/0/metadata"),
        "the description of the certificate bundle is left out",
    ),
    known(
        "a table of deployments",
        (4, "/columnDefinitions/1/type"),
        COLUMNS,
    ),
    known(
        "a table of deployments",
        (4, "/columnDefinitions/2/type"),
        COLUMNS,
    ),
    known(
        "a table of deployments",
        (4, "/columnDefinitions/3/type"),
        COLUMNS,
    ),
    known("tables of other kinds", (6, "/columnDefinitions/3/type"), COLUMNS),
    known("tables of other kinds", (6, "/columnDefinitions/4/type"), COLUMNS),
    known("tables of other kinds", (8, "/columnDefinitions/3/type"), COLUMNS),
    known(
        "tables of other kinds",
        (13, "/columnDefinitions/1/type"),
        COLUMNS,
    ),
    known(
        "tables of other kinds",
        (13, "/columnDefinitions/2/type"),
        COLUMNS,
    ),
    known(
        "tables of other kinds",
        (13, "/columnDefinitions/3/type"),
        COLUMNS,
    ),
    known(
        "tables of other kinds",
        (13, "/columnDefinitions/4/type"),
        COLUMNS,
    ),
    known(
        "tables of other kinds",
        (13, "/columnDefinitions/5/type"),
        COLUMNS,
    ),
    known(
        "tables of other kinds",
        (15, "/columnDefinitions/1/type"),
        COLUMNS,
    ),
    known(
        "tables of other kinds",
        (15, "/rows"),
        "an empty list instead of none",
    ),
    known(
        "an answer that nobody can read",
        (1, ""),
        "the sandbox always answers in JSON",
    ),
    known(
        "an answer that nobody can read",
        (2, ""),
        "the sandbox always answers in JSON",
    ),
    known(
        "watch from too long ago",
        (2, ""),
        "a version that is no number is the fault of who asks",
    ),
    known("bodies that are none", (1, "/message"), WORDS),
    known("bodies that are none", (2, "/message"), WORDS),
    known("bodies that are none", (4, "/message"), WORDS),
    known("bodies that are none", (5, ""), "null is no object"),
    known("bodies that are none", (6, "/message"), WORDS),
    known("bodies that are none", (7, "/message"), WORDS),
    known("bodies that are none", (10, "/message"), WORDS),
    known("bodies that are none", (11, "/message"), WORDS),
    known("bodies that are none", (12, "/message"), WORDS),
    known("bodies that are none", (13, "/message"), WORDS),
    known("bodies in other languages", (2, "/message"), WORDS),
    known("bodies of another kind", (1, "/message"), WORDS),
    known("bodies of another kind", (2, "/message"), WORDS),
    known("bodies of another kind", (3, "/message"), WORDS),
    known("bodies of another kind", (4, "/message"), WORDS),
    known("fields of the wrong type", (1, "/message"), WORDS),
    known("fields of the wrong type", (2, "/message"), WORDS),
    known("fields of the wrong type", (3, "/message"), WORDS),
    known("fields of the wrong type", (4, "/message"), WORDS),
    known("fields of the wrong type", (5, ""), AMOUNTS),
    known("fields of the wrong type", (6, "/message"), WORDS),
    known(
        "unknown fields, strictly",
        (2, ""),
        "of a key that comes twice the last one counts",
    ),
    known(
        "logs",
        (5, ""),
        "no node answers for the logs of pods of kwok, and the sandbox has a reason",
    ),
    known("logs", (6, ""), "options of logs are not checked"),
    known(
        "discovery of a group",
        (1, "/resources/1/storageVersionHash"),
        DISCOVERY,
    ),
    known(
        "discovery of a group",
        (1, "/resources/3/storageVersionHash"),
        DISCOVERY,
    ),
    known(
        "discovery of a group",
        (1, "/resources/6/storageVersionHash"),
        DISCOVERY,
    ),
    known(
        "discovery of a group",
        (1, "/resources/9/storageVersionHash"),
        DISCOVERY,
    ),
    known(
        "discovery of a group",
        (2, "/resources/0/storageVersionHash"),
        DISCOVERY,
    ),
    known(
        "discovery of a group",
        (2, "/resources/2/storageVersionHash"),
        DISCOVERY,
    ),
    known(
        "discovery of a group",
        (3, "/resources/0/storageVersionHash"),
        DISCOVERY,
    ),
    known("options of deletions that are none", (4, ""), OPTIONS),
    known("options of deletions that are none", (5, ""), OPTIONS),
    known("options of deletions that are none", (6, ""), OPTIONS),
    known(
        "may a reader",
        (3, "/status/reason"),
        "the reason names the user, and not the binding",
    ),
    known(
        "may a reader",
        (5, "/status/reason"),
        "the reason names the user, and not the binding",
    ),
    known(
        "may a reader",
        (8, "/status/reason"),
        "the reason names the user, and not the binding",
    ),
    known("a finalizer holds", (6, "/details"), WORDS),
    known(
        "an owner that never was",
        (4, ""),
        "two controllers of one object are not noticed",
    ),
    known("define a kind", (3, ""), DISCOVERY),
    known(
        "define a kind",
        (5, ""),
        "a definition goes at once, without the finalizer that waits for its objects",
    ),
    known(
        "objects of a defined kind",
        (2, "/metadata/continue"),
        "an empty mark for the next page is left out",
    ),
    known(
        "objects of a defined kind",
        (9, "/metadata/managedFields/0"),
        MANAGERS,
    ),
    known(
        "objects of a defined kind",
        (10, ""),
        "lists of custom objects are applied as a whole, whatever keys they have",
    ),
    known("objects of a defined kind", (11, "/rows/0/object"), GENERATION),
    known("a schema refuses", (3, "/details"), WORDS),
    known("a schema refuses", (3, "/message"), WORDS),
    known("a schema refuses", (5, "/details"), WORDS),
    known("a schema refuses", (5, "/message"), WORDS),
    known("a schema refuses", (9, ""), "patterns are not evaluated"),
    known("a schema refuses", (12, "/details"), WORDS),
    known("a schema refuses", (12, "/message"), WORDS),
    known("a schema refuses", (13, "/details"), WORDS),
    known("a schema refuses", (14, "/details"), WORDS),
    known("a schema refuses", (14, "/message"), WORDS),
    known("a schema refuses", (17, "/message"), WORDS),
    known("a schema refuses", (18, ""), WORDS),
    known("a schema refuses", (19, ""), "a page and a Status say the same"),
    known("a schema prunes and fills in", (4, "/message"), WORDS),
    known("status and scale of a defined kind", (11, "/details"), WORDS),
    known("status and scale of a defined kind", (11, "/message"), WORDS),
    known(
        "a defined kind outside namespaces",
        (2, "/metadata/continue"),
        "an empty mark for the next page is left out",
    ),
    known("get all there is", (5, ""), ENDPOINTS),
    known("get all there is", (6, ""), ENDPOINTS),
    known("describe asks for events", (4, ""), EVENTS),
    known("an event by hand", (1, ""), EVENTS),
    known("an event by hand", (2, ""), EVENTS),
    known("history of a stateful set", (2, ""), STATUS),
    known("a pod that does not fit", (2, "//status"), WORDS),
    known(
        "a pod that does not fit",
        (2, "//status/conditions/0/observedGeneration"),
        STATUS,
    ),
    known("a pod that selects no node", (2, "//status"), WORDS),
    known(
        "a pod that selects no node",
        (2, "//status/conditions/0/observedGeneration"),
        STATUS,
    ),
    known("a pod that waits for its claim", (2, "//status"), WORDS),
    known(
        "a pod that waits for its claim",
        (2, "//status/conditions/0/observedGeneration"),
        STATUS,
    ),
    known("defaults of other kinds", (5, "/metadata/finalizers"), PROTECTION),
];

impl Known {
    /// True if this is the difference.
    pub fn is(&self, conversation: &str, difference: &Difference) -> bool {
        self.of == conversation && self.at.0 == difference.turn && difference.place.starts_with(self.at.1)
    }
}
