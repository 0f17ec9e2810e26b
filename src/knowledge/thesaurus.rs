//! Everyday words, and what the pages of this field say instead.
//!
//! Only words that mean one thing here: `machine` is a node, whatever else it is elsewhere. What is found by them
//! counts less than what was said.

use super::words;

/// Words or phrases of people, and the words that pages use for it.
const RELATED: &[(&[&str], &[&str])] = &[
    (
        &[
            "machine", "machines", "host", "hosts", "server", "servers", "vm", "vms", "box",
        ],
        &["node"],
    ),
    (
        &["disk", "disks", "drive", "drives"],
        &["volume", "storage", "persistentvolumeclaim"],
    ),
    (&["claim", "claims"], &["persistentvolumeclaim"]),
    (&["copy", "copies", "instance", "instances"], &["replica"]),
    (
        &["die", "dies", "died", "dying", "dead", "crash", "crashes"],
        &["crash", "exit", "restart", "terminated"],
    ),
    (
        &["boots", "boot", "boots up", "comes up", "come up"],
        &["start", "startup"],
    ),
    (
        &[
            "hang",
            "hangs",
            "hanging",
            "frozen",
            "forever",
            "never ends",
            "never finishes",
        ],
        &["stuck", "wait"],
    ),
    (
        &["password", "passwords", "credential", "credentials"],
        &["secret", "credentials"],
    ),
    (
        &["login", "log in", "sign in"],
        &["authentication", "credentials"],
    ),
    (
        &["permission", "permissions", "rights", "allowed to", "privileges"],
        &["rbac", "role", "forbidden"],
    ),
    (
        &["firewall", "block traffic", "isolate", "isolation"],
        &["networkpolicy", "deny"],
    ),
    (
        &[
            "every machine",
            "every node",
            "each node",
            "each machine",
            "all nodes",
            "all machines",
            "every host",
        ],
        &["daemonset"],
    ),
    (
        &[
            "nightly",
            "every night",
            "every day",
            "every hour",
            "every minute",
            "scheduled",
            "timer",
        ],
        &["cronjob", "schedule"],
    ),
    (&["batch", "one-off", "task", "tasks", "run once"], &["job"]),
    (&["next to", "alongside", "helper", "beside"], &["sidecar"]),
    (
        &["graphics card", "graphics cards", "graphics", "cuda", "nvidia"],
        &["gpu"],
    ),
    (
        &[
            "bigger",
            "larger",
            "grow",
            "extend",
            "expand",
            "enlarge",
            "more space",
        ],
        &["resize", "expansion", "capacity"],
    ),
    (
        &["domain", "url", "website", "hostname", "web address"],
        &["ingress", "host"],
    ),
    (
        &[
            "lookup",
            "lookups",
            "resolve",
            "resolves",
            "name resolution",
            "nameserver",
        ],
        &["dns", "resolution"],
    ),
    (
        &[
            "shut down",
            "shutdown",
            "shuts down",
            "stop cleanly",
            "clean stop",
            "clean exit",
        ],
        &["termination", "grace", "sigterm"],
    ),
    (
        &[
            "thrown out",
            "kicked out",
            "thrown off",
            "kicked off",
            "throws out",
            "pushed off",
            "removed from the node",
        ],
        &["evicted", "eviction", "preemption"],
    ),
    (
        &["reserve", "reserved", "dedicate", "dedicated", "only for"],
        &["taint", "toleration", "affinity"],
    ),
    (
        &[
            "same host",
            "same node",
            "same machine",
            "apart",
            "different machines",
            "different nodes",
            "spread out",
        ],
        &["anti-affinity", "topology", "spread"],
    ),
    (
        &[
            "emptied",
            "empty a",
            "maintenance",
            "take down",
            "take out of service",
            "patching",
            "reboot",
        ],
        &["drain", "cordon", "evict"],
    ),
    (
        &[
            "undo",
            "revert",
            "go back",
            "previous version",
            "old version",
            "roll back",
        ],
        &["rollback", "revision", "rollout"],
    ),
    (
        &["too often", "too many times", "rate limited", "throttled"],
        &["rate", "limit", "throttling"],
    ),
    (&["https", "ssl", "certificate"], &["tls", "certificate"]),
    (&["bad gateway"], &["502"]),
    (&["gateway timeout"], &["504"]),
    (
        &["settings", "configuration", "config"],
        &["configmap", "configuration"],
    ),
    (
        &["env", "env var", "env vars", "variable", "variables"],
        &["environment"],
    ),
    (
        &["registry", "docker hub", "dockerhub"],
        &["image", "pull", "registry"],
    ),
    (&["queue", "queued"], &["kueue", "queue"]),
    (
        &["serve a model", "model serving", "inference", "predictions"],
        &["inferenceservice", "kserve"],
    ),
    (&["jupyter"], &["notebook"]),
    (
        &["distributed training", "train a model", "training workers"],
        &["pytorchjob", "trainjob"],
    ),
    (
        &[
            "few users",
            "some users",
            "part of the traffic",
            "gradually",
            "small percentage",
        ],
        &["canary"],
    ),
    (
        &["all or nothing", "together or none", "all at once or"],
        &["gang"],
    ),
    (&["extra pods", "additional pods"], &["maxsurge", "surge"]),
    (
        &["shell", "distroless", "debug tools", "debugging tools"],
        &["ephemeral", "debug", "exec"],
    ),
    (&["nobody calls", "to zero", "no traffic", "idle"], &["zero"]),
    (
        &[
            "out of memory",
            "memory runs low",
            "ran out of memory",
            "too much memory",
            "uses too much memory",
        ],
        &["oomkilled", "memory", "pressure"],
    ),
    (&["slow", "sluggish"], &["throttling", "latency"]),
    (
        &["first", "order", "priority", "important", "more important"],
        &["priority"],
    ),
    (
        &[
            "goes round",
            "again and again",
            "over and over",
            "keeps restarting",
            "restarts",
            "bringing it back",
            "restart loop",
            "loop",
        ],
        &["crashloopbackoff", "restart", "back-off"],
    ),
    (
        &[
            "does not start",
            "doesn't start",
            "won't start",
            "cannot start",
            "not starting",
            "never starts",
        ],
        &["start", "pending", "waiting"],
    ),
    (
        &[
            "will not go away",
            "won't go away",
            "cannot be deleted",
            "can't delete",
            "cannot delete",
            "won't delete",
            "does not go away",
        ],
        &["terminating", "finalizer", "deletion"],
    ),
    (
        &[
            "unreachable",
            "no answer",
            "nothing answers",
            "does not answer",
            "cannot reach",
            "can't reach",
            "can't connect",
            "cannot connect",
        ],
        &["endpoints", "connection", "refused", "timeout"],
    ),
    (
        &["upgrade", "upgraded", "new version of kubernetes"],
        &["version", "upgrade", "skew"],
    ),
    (
        &[
            "deny",
            "denied",
            "refused",
            "rejected",
            "not allowed",
            "may not",
            "not permitted",
        ],
        &["forbidden", "denied"],
    ),
    (&["cpu not busy", "cpu is not busy"], &["throttling"]),
    (
        &["operator", "crd", "custom object", "custom objects"],
        &["customresourcedefinition", "controller", "reconcile"],
    ),
    (&["team", "teams", "tenant", "tenants"], &["namespace", "quota"]),
    (
        &["who changed", "owns", "owner", "owned by"],
        &["owner", "manager"],
    ),
    (
        &["lost", "gone", "vanished", "disappeared"],
        &["deleted", "removed"],
    ),
    (
        &["health check", "health checks", "alive", "healthy", "unhealthy"],
        &["probe", "liveness", "readiness"],
    ),
    (
        &["storage class", "provisioned", "provision"],
        &["storageclass", "provisioner"],
    ),
    (
        &["cpu and memory", "how much cpu", "how much memory", "resources"],
        &["requests", "limits"],
    ),
    (&["leader", "quorum"], &["etcd", "election"]),
];

/// Stems that pages use for what a question says.
pub fn related(question: &str) -> Vec<String> {
    let lower = question.to_lowercase().replace('\u{2019}', "'");
    let plain: Vec<&str> = lower
        .split(|c: char| !(c.is_alphanumeric() || matches!(c, '\'' | '-')))
        .filter(|word| !word.is_empty())
        .collect();
    let said = format!(" {} ", plain.join(" "));
    let meant = RELATED
        .iter()
        .filter(|(words, _)| words.iter().any(|word| said.contains(&format!(" {word} "))));
    let mut analyzer = words::prose();
    let stems = meant
        .flat_map(|(_, pages)| *pages)
        .flat_map(|word| words::terms(&mut analyzer, word));
    let mut found: Vec<String> = stems.collect();
    found.sort();
    found.dedup();
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everyday_words_lead_to_those_of_the_field() {
        assert_eq!(related("which machine is it"), ["node"]);
        assert!(related("it won\u{2019}t start").contains(&"pend".to_owned()));
        assert!(related("run it on every node!").contains(&words::stem("daemonset")));
        assert!(related("pods of the service").is_empty());
    }
}
