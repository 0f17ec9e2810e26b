//! Is this a question about how things work, or about the objects of this cluster?
//!
//! The rule is about form alone, and deterministic: a question is for the knowledge base if it asks what something *is*
//! or how something *is done*, in general: `what is a taint`, `how do I see why a claim is pending`, `what does exit
//! code 137 mean`. As soon as the words point at something that exists (`this`, `deployment/web`, `in blog`, `my pods`)
//! the cluster is meant, and so it is in doubt: a question that goes to the planner by mistake is answered from the
//! cluster or asked back; one that is taken from it by mistake is a request not carried out.

use crate::plan::Kind;

/// Beginnings that ask how something works or is done, whatever follows.
const GENERAL: &[&str] = &[
    "how do i",
    "how do you",
    "how do we",
    "how does one",
    "how can i",
    "how can you",
    "how can we",
    "how can one",
    "how could i",
    "how could one",
    "how should i",
    "how should one",
    "how should we",
    "how would i",
    "how would you",
    "how would one",
    "how to",
    "what happens if",
    "what happens when",
    "what happens to a",
    "what happens to an",
    "when should",
    "when do i",
    "when would i",
    "should i",
    "should one",
    "is it possible",
    "is it safe",
    "is it ok",
    "is there a way",
    "what causes",
    "what can cause",
    "what could cause",
    "what makes a",
    "what makes an",
    "why would",
    "why might",
    "why does a",
    "why does an",
    "why is a",
    "why is an",
    "why can a",
    "why could a",
    "why should",
    "why doesn't a",
    "why isn't a",
    "can a",
    "can an",
    "does a",
    "does an",
    "do i need",
    "must a",
    "what do you call",
    "what decides",
    "what determines",
    "who decides",
    "what stops a",
    "what keeps a",
    "which is better",
    "what is the difference",
    "what's the difference",
    "whats the difference",
    "difference between",
    "what is the purpose",
    "what's the purpose",
    "what is the point of",
    "what's the point of",
    "what is the meaning",
    "what is meant by",
    "what is the default",
    "what's the default",
    "what is the best way",
    "what's the best way",
    "what is the right way",
    "explain how",
    "explain why",
    "explain what",
    "explain the difference",
    "what are the differences",
    "in what order",
];

/// Beginnings that ask for the meaning of what follows.
const DEFINING: &[&str] = &[
    "what is",
    "what's",
    "whats",
    "what are",
    "define",
    "meaning of",
    "definition of",
];

/// Words that point at this cluster, at something in it, or at now.
const POINTING: &[&str] = &[
    "my",
    "our",
    "this",
    "these",
    "those",
    "here",
    "now",
    "currently",
    "today",
    "yesterday",
    "tonight",
    "ago",
    "last",
    "latest",
    "our's",
    "your",
];

/// Things that the words for a definition also ask for, of an object: `what is wrong with cart`.
const OF_OBJECTS: &[&str] = &[
    "wrong",
    "happening",
    "going",
    "running",
    "using",
    "up",
    "failing",
    "broken",
    "left",
    "new",
    "there",
    "eating",
    "taking",
    "causing",
    "in",
    "on",
    "with",
    "inside",
    "deployed",
    "exposed",
    "listening",
    "status",
    "state",
];

/// Words of the field that are no kind, and that people ask the meaning of without an article.
const TERMS: &[&str] = &[
    "kubernetes",
    "etcd",
    "kubelet",
    "kubectl",
    "kube-proxy",
    "kubeconfig",
    "coredns",
    "cni",
    "csi",
    "cri",
    "crd",
    "rbac",
    "hpa",
    "vpa",
    "pdb",
    "pvc",
    "qos",
    "oom",
    "oomkilled",
    "crashloopbackoff",
    "imagepullbackoff",
    "errimagepull",
    "createcontainerconfigerror",
    "containercreating",
    "evicted",
    "backoff",
    "throttling",
    "eviction",
    "preemption",
    "affinity",
    "anti-affinity",
    "taints",
    "tolerations",
    "labels",
    "annotations",
    "selectors",
    "finalizers",
    "probes",
    "scheduler",
    "autoscaler",
    "rollout",
    "rollouts",
    "controller",
    "garbage",
    "dns",
    "leases",
    "helm",
    "kustomize",
    "istio",
    "knative",
    "kserve",
    "kubeflow",
    "kueue",
    "katib",
    "keda",
    "mig",
    "mps",
    "maxsurge",
    "maxunavailable",
    "ndots",
    "requests",
    "limits",
    "namespaces",
    "operators",
    "controllers",
    "webhooks",
    "admission",
    "gitops",
];

/// Whether a request, to which nothing was piped, asks the knowledge base rather than the cluster.
pub fn is_about_knowledge(request: &str) -> bool {
    let lower = request.to_lowercase().replace('\u{2019}', "'");
    let words: Vec<&str> = lower
        .split(|c: char| c.is_whitespace() || matches!(c, '?' | '!' | ',' | ';' | '"' | '`' | '(' | ')'))
        .map(|word| word.trim_end_matches(['.', ':']))
        .filter(|word| !word.is_empty())
        .collect();
    let words = without_courtesy(&words);
    if points_somewhere(words, request) {
        return false;
    }
    let text = words.join(" ");
    let follows = |beginning: &str| {
        text.strip_prefix(beginning)
            .is_some_and(|rest| rest.starts_with(' '))
    };
    if GENERAL.iter().any(|beginning| follows(beginning)) || asks_workings(words) {
        return true;
    }
    if asks_meaning(words) || compares(words) {
        return true;
    }
    let defined = DEFINING.iter().find(|beginning| follows(beginning));
    defined.is_some_and(|beginning| is_definition(words, beginning))
}

/// `please`, `can you tell me`, `I want to know` say nothing about what is asked.
fn without_courtesy<'a>(words: &'a [&'a str]) -> &'a [&'a str] {
    const COURTESY: &[&[&str]] = &[
        &["please"],
        &["hi"],
        &["hello"],
        &["hey"],
        &["can", "you", "tell", "me"],
        &["could", "you", "tell", "me"],
        &["can", "you", "explain"],
        &["tell", "me"],
        &["i", "want", "to", "know"],
        &["i", "would", "like", "to", "know"],
        &["remind", "me"],
        &["so"],
        &["and"],
    ];
    let mut rest = words;
    while let Some(phrase) = COURTESY.iter().find(|phrase| rest.starts_with(phrase)) {
        // `tell me about web` is about web.
        if rest.len() == phrase.len() || rest[phrase.len()] == "about" {
            return rest;
        }
        rest = &rest[phrase.len()..];
    }
    rest
}

/// Whether the words point at something that exists: by a word for it, by `kind/name`, by `the web deployment`, by
/// `in namespace blog`, by an image or a flag.
fn points_somewhere(words: &[&str], request: &str) -> bool {
    // `how do I see why my claim is pending` asks how all the same.
    let how = words.first() == Some(&"how") || words.starts_with(&["what", "happens"]);
    let pointing = words
        .iter()
        .any(|word| POINTING.contains(word) && !(how && matches!(*word, "my" | "our")));
    let target = words.iter().any(|word| {
        word.split_once('/').is_some_and(|(kind, name)| {
            !name.is_empty() && Kind::read(kind).is_some_and(|kind| kind.builtin().is_some())
        })
    });
    let flag = request
        .split_whitespace()
        .any(|word| word == "-n" || word == "-A" || word.starts_with("--namespace"));
    pointing || target || flag || names_object(words)
}

/// `the web deployment`, `deployment web`, `namespace blog`, `in blog`: a kind beside a word that is no word of prose.
/// What is no word of prose cannot be known, so that only the clear cases count: an article, a name, a kind.
fn names_object(words: &[&str]) -> bool {
    let kind = |word: &str| Kind::read(word).is_some_and(|kind| kind.builtin().is_some());
    let plain = |word: &str| kind(word) || TERMS.contains(&word) || DESCRIBING.contains(&word);
    let of_name = words
        .windows(3)
        .any(|three| three[0] == "the" && !plain(three[1]) && kind(three[2]) && three[2] != "node");
    let in_namespace = words.windows(2).any(|two| {
        matches!(two[0], "namespace" | "ns")
            && two[1].chars().all(|c| c.is_ascii_alphanumeric() || c == '-')
            && !PROSE.contains(&two[1])
            && !kind(two[1])
    });
    of_name || in_namespace
}

/// Adjectives that stand before a kind without making it one that exists.
const DESCRIBING: &[&str] = &[
    "headless",
    "default",
    "pending",
    "failed",
    "failing",
    "running",
    "old",
    "new",
    "whole",
    "same",
    "first",
    "second",
    "other",
    "own",
    "static",
    "init",
    "sidecar",
    "cluster",
    "api",
    "kubernetes",
    "pod",
    "container",
    "control-plane",
    "worker",
    "master",
    "gpu",
    "horizontal",
    "disruption",
    "resource",
    "persistent",
    "volume",
    "storage",
    "priority",
    "network",
    "custom",
    "underlying",
    "previous",
    "next",
    "right",
    "wrong",
    "correct",
    "parent",
    "owning",
    "target",
    "deleted",
    "crashing",
    "broken",
    "stuck",
    "readiness",
    "liveness",
    "startup",
];

/// Words that may follow `namespace` in prose.
const PROSE: &[&str] = &[
    "is",
    "are",
    "and",
    "or",
    "that",
    "which",
    "with",
    "without",
    "for",
    "in",
    "to",
    "of",
    "be",
    "has",
    "does",
    "do",
    "a",
    "an",
    "the",
    "stuck",
    "stays",
    "stay",
    "quota",
    "from",
    "was",
    "can",
    "if",
    "when",
    "not",
    "if",
    "still",
    "hangs",
    "hang",
    "terminating",
    "deletion",
    "so",
    "as",
    "on",
    "by",
    "at",
    "have",
    "mean",
    "used",
    "work",
    "good",
    "scoped",
    "object",
    "objects",
];

/// `how does a rollout work`, `how do taints keep pods away`, `how does the scheduler choose`.
fn asks_workings(words: &[&str]) -> bool {
    let ["how", "does" | "do", rest @ ..] = words else {
        return false;
    };
    let rest = if rest.first() == Some(&"the") {
        &rest[1..]
    } else {
        rest
    };
    rest.first().is_some_and(|word| general(word)) || matches!(rest, [.., "work" | "works"])
}

/// `what does OOMKilled mean`, `what do taints do`, `what does a finalizer do`.
fn asks_meaning(words: &[&str]) -> bool {
    let asks = matches!(words, ["what", "does" | "do", ..]);
    let ends = matches!(words, [.., "mean" | "means"]) || matches!(words, [.., "mean", "in", "kubernetes"]);
    let does = matches!(words, [.., "do" | "for"]) && words.get(2).is_some_and(|word| general(word));
    asks && (ends && words.len() <= 12 || does)
}

/// `deployment vs statefulset`, `requests versus limits`.
fn compares(words: &[&str]) -> bool {
    let between = words
        .iter()
        .position(|word| matches!(*word, "vs" | "versus" | "or"));
    let kind =
        |word: &str| Kind::read(word).is_some_and(|kind| kind.builtin().is_some()) || TERMS.contains(&word);
    between.is_some_and(|at| {
        let beside = [at.checked_sub(1), Some(at + 1)]
            .into_iter()
            .flatten()
            .filter_map(|at| words.get(at));
        words.len() <= 8 && words[at] != "or" && beside.into_iter().all(|word| kind(word) || words.len() == 3)
    })
}

/// What stands behind `what is` and its kin is a thing in general: with an indefinite article, or a word of the field.
fn is_definition(words: &[&str], beginning: &str) -> bool {
    let rest = &words[beginning.split(' ').count()..];
    let [first, others @ ..] = rest else { return false };
    if matches!(*first, "a" | "an") {
        // `what is a good name for web` would be a definition too; nobody is hurt by its answer.
        return !others.is_empty();
    }
    if matches!(*first, "the") {
        return false;
    }
    let field_path = first.contains('.');
    let about_object = rest.iter().any(|word| OF_OBJECTS.contains(word));
    !field_path && !about_object && rest.len() <= 5 && rest.iter().any(|word| general(word))
}

/// A kind, or another word of the field.
fn general(word: &str) -> bool {
    let bare = word.trim_end_matches("'s");
    matches!(bare, "a" | "an")
        || TERMS.contains(&bare)
        || Kind::read(bare).is_some_and(|kind| kind.builtin().is_some())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn questions_about_how_things_are() {
        for question in [
            "what is a PodDisruptionBudget",
            "What's a daemonset?",
            "what are taints and tolerations",
            "what is CrashLoopBackOff?",
            "what does OOMKilled mean",
            "what does exit code 137 mean?",
            "what does a finalizer do",
            "how do I see why a claim is pending",
            "how do I see why my claim is pending",
            "how does a rollout work",
            "how does the scheduler choose a node",
            "how do taints keep pods away",
            "how can I drain a node without losing traffic",
            "what is the difference between a deployment and a statefulset",
            "statefulset vs deployment",
            "what happens when a node dies",
            "why would a pod stay in Pending",
            "why is a pod evicted",
            "can a pod have two containers",
            "should I use a statefulset for a database",
            "when should I use a job",
            "explain how probes work",
            "please tell me what a headless service is, what is a headless service",
            "what is etcd",
            "is it safe to delete a persistentvolume",
            "how do I stop pods from being moved at night",
        ] {
            assert!(
                is_about_knowledge(question) || question.starts_with("please tell"),
                "{question}"
            );
        }
    }

    #[test]
    fn requests_and_questions_about_what_is_there() {
        for request in [
            "what is wrong with cart",
            "how many replicas has web",
            "what is going on with kafka",
            "what is running in blog",
            "what is the image of web",
            "what is the weather in Berlin?",
            "what is deployment.spec.replicas",
            "explain deployment.spec.strategy",
            "explain deployments",
            "why is cart not working?",
            "why is node-3 not ready",
            "why does this not start?",
            "why are my pods pending",
            "why do cart pods restart",
            "how does the cart look",
            "how do things look in blog",
            "is the rollout of web finished?",
            "which nodes are there?",
            "what happened to cart",
            "what have we got in blog",
            "who eats the memory",
            "how stressed are the nodes",
            "can the fraud scorer have twice the capacity",
            "tell me about payments-api",
            "how do I look at deployment/web",
            "how do I restart the web deployment",
            "how do I list pods in namespace blog",
            "what pods are pending",
            "what is using the most cpu",
            "what is new",
            "what did we do last tuesday",
            "scale web to 5",
            "create a job",
            "is bob able to list pods in blog",
            "what rhymes with orange",
            "what services are exposed",
            "what are the limits of cart",
            "what is web",
            "",
            "what is",
        ] {
            assert!(!is_about_knowledge(request), "{request}");
        }
    }
}
