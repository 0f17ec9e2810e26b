//! Values as people say them and as commands write them.

use sayso::plan::Snapshot;

use crate::amounts::{cpu, duration, memory, schedule, size};
use crate::changes;
use crate::commands::command;
use crate::facts::flags;
use crate::fields::field;
use crate::random::Random;
use crate::slots::Filled;
use crate::times::when;
use crate::world;

const NUMBERS: &[&str] = &[
    "zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve",
];

/// A number in digits, or in so many of a hundred cases as a word.
pub fn number(value: usize, words: usize, random: &mut Random) -> String {
    match NUMBERS.get(value) {
        Some(word) if random.chance(words) => (*word).to_owned(),
        _ => value.to_string(),
    }
}

/// A short name that kubectl takes for a kind.
pub fn short_kind(kind: &str) -> Option<&'static str> {
    Some(match kind {
        "deployment" => "deploy",
        "service" => "svc",
        "pod" => "po",
        "statefulset" => "sts",
        "daemonset" => "ds",
        "configmap" => "cm",
        "ingress" => "ing",
        "namespace" => "ns",
        "persistentvolumeclaim" => "pvc",
        "horizontalpodautoscaler" => "hpa",
        _ => return None,
    })
}

/// A word with two letters swapped, one left out or one doubled.
pub fn mistype(word: &str, random: &mut Random) -> String {
    let mut letters: Vec<char> = word.chars().collect();
    if letters.len() < 4 {
        return word.to_owned();
    }
    let at = random.within(1, letters.len() - 2);
    if !letters[at].is_ascii_lowercase() || !letters[at + 1].is_ascii_lowercase() {
        return word.to_owned();
    }
    match random.below(3) {
        0 => letters.swap(at, at + 1),
        1 => drop(letters.remove(at)),
        _ => letters.insert(at, letters[at]),
    }
    letters.into_iter().collect()
}

const LISTED: &[(&str, usize, &[&str])] = &[
    ("pods", 30, &["pods", "pods", "pods", "po", "pod"]),
    (
        "deployments",
        16,
        &["deployments", "deployments", "deploys", "deploy", "apps"],
    ),
    ("services", 13, &["services", "services", "svc", "svcs"]),
    ("nodes", 8, &["nodes", "nodes", "machines", "no"]),
    ("namespaces", 7, &["namespaces", "namespaces", "ns"]),
    ("configmaps", 6, &["configmaps", "config maps", "cm", "cms"]),
    ("secrets", 6, &["secrets"]),
    ("ingresses", 5, &["ingresses", "ingress", "ing", "ingress rules"]),
    ("jobs", 4, &["jobs"]),
    (
        "cronjobs",
        5,
        &["cronjobs", "cron jobs", "scheduled jobs", "cj", "CronJobs"],
    ),
    (
        "statefulsets",
        4,
        &["statefulsets", "stateful sets", "sts", "StatefulSets"],
    ),
    (
        "daemonsets",
        4,
        &["daemonsets", "daemon sets", "ds", "DaemonSets"],
    ),
    ("replicasets", 2, &["replicasets", "replica sets", "rs"]),
    (
        "persistentvolumeclaims",
        5,
        &[
            "pvcs",
            "pvc",
            "persistent volume claims",
            "volume claims",
            "PVCs",
            "persistentvolumeclaims",
        ],
    ),
    (
        "persistentvolumes",
        3,
        &["persistent volumes", "pvs", "pv", "PVs", "persistentvolumes"],
    ),
    ("storageclasses", 2, &["storage classes", "storageclasses", "sc"]),
    (
        "horizontalpodautoscalers",
        4,
        &["hpas", "autoscalers", "hpa", "HPAs", "horizontal pod autoscalers"],
    ),
    (
        "poddisruptionbudgets",
        2,
        &["pdbs", "pdb", "pod disruption budgets", "disruption budgets"],
    ),
    (
        "networkpolicies",
        3,
        &["network policies", "networkpolicies", "netpol"],
    ),
    (
        "serviceaccounts",
        3,
        &["service accounts", "serviceaccounts", "sa"],
    ),
    ("roles", 2, &["roles"]),
    ("rolebindings", 2, &["role bindings", "rolebindings"]),
    ("clusterroles", 2, &["cluster roles", "clusterroles"]),
    (
        "clusterrolebindings",
        1,
        &["cluster role bindings", "clusterrolebindings"],
    ),
    (
        "resourcequotas",
        2,
        &["quotas", "resource quotas", "resourcequotas"],
    ),
    ("limitranges", 1, &["limit ranges", "limitranges"]),
    ("priorityclasses", 1, &["priority classes", "priorityclasses"]),
    (
        "customresourcedefinitions",
        2,
        &["crds", "CRDs", "custom resource definitions"],
    ),
    ("endpoints", 2, &["endpoints", "ep"]),
];

/// Kinds that are in no namespace.
const CLUSTER_WIDE: &str = "nodes namespaces persistentvolumes storageclasses clusterroles clusterrolebindings priorityclasses customresourcedefinitions";

fn listed(namespaced: Option<bool>, world: &Snapshot, random: &mut Random) -> Filled {
    if let Some(custom) = world
        .custom_kinds
        .first()
        .filter(|_| namespaced != Some(false) && random.chance(15))
    {
        return Filled::same(custom.plural.clone());
    }
    let fits = |plural: &str| {
        namespaced.is_none_or(|wanted| CLUSTER_WIDE.split(' ').any(|kind| kind == plural) != wanted)
    };
    let kinds: Vec<_> = LISTED.iter().filter(|(plural, ..)| fits(plural)).collect();
    let weights: Vec<usize> = kinds.iter().map(|(_, weight, _)| *weight).collect();
    let (plural, _, said) = kinds[random.weighted(&weights)];
    Filled::of(random.pick(said), *plural)
}

fn words(text: &'static str, random: &mut Random) -> Filled {
    Filled::same(random.word(text))
}

fn env_name(random: &mut Random) -> Filled {
    const KNOWN: &str = "LOG_LEVEL DEBUG NODE_ENV DATABASE_URL PORT TIMEOUT FEATURE_X CACHE_TTL API_URL MAX_CONNECTIONS WORKERS TZ \
        HTTP_PROXY REDIS_HOST DB_HOST RETRIES SENTRY_DSN JAVA_OPTS REGION MODE CURRENCY THREADS QUEUE LEVEL VERBOSE GOMAXPROCS RUST_LOG";
    if random.chance(65) {
        return words(KNOWN, random);
    }
    Filled::same(
        format!(
            "{}_{}",
            world::app_name(random),
            random.word("url host mode size limit key")
        )
        .to_uppercase()
        .replace('-', "_"),
    )
}

fn env_value(random: &mut Random) -> Filled {
    const KNOWN: &str = "debug info warn error trace true false production staging development 1 0 30 60 100 500 8080 UTC Europe/Berlin on off \
        redis:6379 postgres://db:5432/shop https://api.example.com http://proxy:3128 eu-west-1 fast EUR json 4 16 info,hyper=warn";
    if random.chance(80) {
        let filled = words(KNOWN, random);
        return if filled.written.contains('=') {
            Filled::same("debug")
        } else {
            filled
        };
    }
    Filled::same(world::app_name(random))
}

fn image(random: &mut Random) -> Filled {
    let name = world::app_name(random);
    let repository = world::repository(&name, random);
    if random.chance(30) {
        return Filled::same(repository);
    }
    Filled::same(format!("{repository}:{}", world::tag(random)))
}

fn verbs(random: &mut Random) -> Filled {
    let sets: [(&str, &str); 22] = [
        ("read", "get list watch"),
        ("view", "get list watch"),
        ("get and list", "get list"),
        ("list", "list"),
        ("get, list and watch", "get list watch"),
        ("get", "get"),
        ("create and delete", "create delete"),
        ("list and delete", "list delete"),
        ("delete", "delete"),
        ("create", "create"),
        ("get, update and patch", "get update patch"),
        ("watch and list", "watch list"),
        ("look at", "get list watch"),
        ("see", "get list watch"),
        ("create, update and delete", "create update delete"),
        ("create and update", "create update"),
        ("update", "update"),
        ("patch", "patch"),
        ("update, patch and delete", "update patch delete"),
        ("create, get and list", "create get list"),
        ("get, list and delete", "get list delete"),
        ("create, list, update and delete", "create list update delete"),
    ];
    let (said, verbs) = sets[random.below(sets.len())];
    let words: Vec<&str> = verbs.split(' ').collect();
    Filled::of(said, flags("verb", &words))
}

fn resource(random: &mut Random) -> Filled {
    let known = [
        ("pods", "pods"),
        ("deployments", "deployments"),
        ("secrets", "secrets"),
        ("config maps", "configmaps"),
        ("services", "services"),
        ("pod logs", "pods/log"),
        ("jobs", "jobs"),
        ("configmaps", "configmaps"),
        ("ingresses", "ingresses"),
        ("cron jobs", "cronjobs"),
        ("statefulsets", "statefulsets"),
        ("events", "events"),
    ];
    Filled::one_of(&known, random)
}

/// The value of a slot that names no live object.
#[expect(
    clippy::too_many_lines,
    reason = "a table of ways to say it, read from top to bottom"
)]
pub fn value(kind: &str, world: &Snapshot, random: &mut Random) -> Option<Filled> {
    let counted =
        |value: usize, random: &mut Random| Filled::of(number(value, 25, random), value.to_string());
    Some(match kind {
        "n" => {
            let value = if random.chance(80) {
                random.within(1, 10)
            } else {
                [0, 12, 15, 20, 25, 30, 50, 100][random.below(8)]
            };
            counted(value, random)
        }
        "score" | "ord" | "nde" | "nes" | "nfr" | "nzh" => changes::count(kind, random)?,
        "few" => counted(random.within(1, 3), random),
        "many" => counted(random.within(4, 20), random),
        "rev" => counted(random.within(1, 15), random),
        "tail" => counted(
            [5, 10, 20, 25, 30, 40, 50, 80, 100, 150, 200, 250, 300, 500, 1000][random.below(15)],
            random,
        ),
        "grace" => counted([0, 5, 10, 15, 20, 30, 45, 60, 90, 120][random.below(10)], random),
        "pct" => Filled::same([40, 50, 60, 65, 70, 75, 80, 85, 90][random.below(9)].to_string()),
        "port" => words(
            "80 443 8080 3000 5000 9090 8000 8443 5432 6379 3306 9000 4000 8081 5672 27017 9200 1883 7070",
            random,
        ),
        "nodeport" => Filled::same(random.within(30000, 32767).to_string()),
        "prio" => Filled::same((random.within(1, 99) * 1000).to_string()),
        "dur" => duration(random),
        "cpu" => cpu(random),
        "mem" => memory(random),
        "size" => size(random),
        "sched" => schedule(random),
        "new" => {
            let name = world::app_name(random);
            (!world.objects.iter().any(|fact| fact.name == name)).then(|| Filled::same(name))?
        }
        "newns" => {
            let name = if random.chance(50) {
                world::app_name(random)
            } else {
                random.word("staging team-c preview qa-2 experiments sandbox-2 review load-test batch edge canary playground tenant-a").to_owned()
            };
            (!world.namespaces.contains(&name)).then(|| Filled::same(name))?
        }
        "ns" => Filled::same(world.namespaces[random.below(world.namespaces.len())].clone()),
        "img" => image(random),
        "tag" => Filled::same(world::tag(random)),
        "ek" => env_name(random),
        "ev" => env_value(random),
        "lk" => words(
            "app tier env team owner version track role zone disk critical release component environment stage app.kubernetes.io/name gpu workload cost-center",
            random,
        ),
        "lv" => match random.below(4) {
            0 => Filled::same(world::app_name(random)),
            _ => words(
                "web front backend prod staging blue green canary stable payments v2 ssd true false eu-west database cache gold alice platform beta",
                random,
            ),
        },
        "ak" => words(
            "note owner description contact example.com/reviewed prometheus.io/scrape kubernetes.io/change-cause team/pager docs link reviewed-by ticket nginx.ingress.kubernetes.io/rewrite-target",
            random,
        ),
        "av" => words(
            "true false alice jane ops-team 2024-05-01 TICKET-42 https://wiki.example.com/x OPS-1187 reviewed checked platform-team",
            random,
        ),
        "when" => {
            let time = when(random);
            Filled::of(time.said, format!("'{}'", time.written))
        }
        "rawwhen" => when(random),
        // What people try commands in.
        "toolimg" => words(
            "busybox busybox busybox:1.36 busybox:latest busybox:1.37 alpine alpine:3.20 alpine:latest ubuntu:24.04 debian:12-slim \
                curlimages/curl curlimages/curl:8.8.0 bash:5.2 perl perl:5.40 python python:3.12 python:3.12-alpine node:20 ruby:3.3 \
                nginx nginx:1.27 redis:7 postgres:16 bitnami/kubectl:1.30 ghcr.io/acme/tools:2.1 nicolaka/netshoot registry.example.com/ops/shell:v3",
            random,
        ),
        // Amounts as a file has them, copied as they are.
        "rawcpu" => words("1 2 4 8 500m 250m 1500m 100m 750m", random),
        "rawmem" => words("1Gi 2Gi 4Gi 8Gi 16Gi 512Mi 256Mi 200Mi 1G 2G 500M", random),
        "fx" => {
            let known = [
                ("NoSchedule", "NoSchedule"),
                ("NoExecute", "NoExecute"),
                ("PreferNoSchedule", "PreferNoSchedule"),
                ("PreferNoSchedule", "PreferNoSchedule"),
                ("no-schedule", "NoSchedule"),
                ("no-execute", "NoExecute"),
                ("prefer-no-schedule", "PreferNoSchedule"),
                ("prefer no schedule", "PreferNoSchedule"),
                ("noexecute", "NoExecute"),
            ];
            Filled::one_of(&known, random)
        }
        "rawcron" => Filled::same(schedule(random).written.trim_matches('\'')),
        "field" => field(random),
        "text" => {
            let known: &[&str] = &[
                "my description",
                "owned by the web team",
                "do not touch",
                "checked by ops",
                "see the runbook",
                "temporary, remove in may",
                "new logo on the front page",
                "bumped for the sale",
                "reviewed and approved",
                "part of the demo",
            ];
            Filled::same(random.pick(known))
        }
        "kinds" => listed(None, world, random),
        "nskinds" => listed(Some(true), world, random),
        "ckinds" => listed(Some(false), world, random),
        "verbs" => verbs(random),
        "res" => resource(random),
        "verb" => Filled::same(random.pick(&["get", "list", "delete", "create", "update", "patch", "watch"])),
        "user" => words(
            "jane bob alice carol dave erin frank mallory jane@example.com admin ops@corp.io oscar peggy deploy-user",
            random,
        ),
        "group" => words(
            "developers ops admins sre qa-team dev-team viewers platform contractors data-science",
            random,
        ),
        "host" => words(
            "shop.example.com example.com api.example.com www.acme.io blog.example.org app.test.local grafana.corp.net my.site.dev admin.example.com store.acme.com",
            random,
        ),
        "rawsched" => {
            let filled = schedule(random);
            Filled::of(filled.said, filled.written.trim_matches('\''))
        }
        "svctype" => {
            let known = [
                ("NodePort", "NodePort"),
                ("LoadBalancer", "LoadBalancer"),
                ("ClusterIP", "ClusterIP"),
                ("load balancer", "LoadBalancer"),
                ("node port", "NodePort"),
                ("nodeport", "NodePort"),
                ("loadbalancer", "LoadBalancer"),
                ("LoadBalancer", "LoadBalancer"),
            ];
            Filled::one_of(&known, random)
        }
        "stockimg" => words(
            "nginx redis postgres mysql httpd memcached rabbitmq mongo traefik haproxy ghost wordpress caddy registry nats grafana",
            random,
        ),
        "svcname" => match world
            .objects
            .iter()
            .filter(|fact| fact.kind == "service")
            .nth(random.below(4))
        {
            Some(fact) => Filled::same(fact.name.clone()),
            None => Filled::same(world::app_name(random)),
        },
        "path" => words(
            "api cart admin v1 docs static app shop login health metrics images blog/feed api/v2",
            random,
        ),
        "role" => words(
            "pod-reader viewer deployer reader editor secret-reader log-reader operator tester job-runner config-editor",
            random,
        ),
        "crole" => words(
            "view edit admin cluster-admin view edit node-reader monitoring",
            random,
        ),
        "cres" => words(
            "nodes namespaces persistentvolumes pods storageclasses deployments",
            random,
        ),
        "class" => words("nginx traefik haproxy public internal", random),
        "key" => words(
            "username password token api-key mode level url host color region greeting timeout theme user LOG_LEVEL ADMIN_EMAIL max_items",
            random,
        ),
        "val" => words(
            "admin s3cret abc123 debug fast redis https://example.com db.local blue eu-1 hello 30 dark root hunter2 ops@example.com 250",
            random,
        ),
        "cmd" => {
            let known = [
                ("sleep 3600", "sleep 3600"),
                ("sleep 1d", "sleep 1d"),
                ("date", "date"),
                ("echo hello", "echo hello"),
                ("python main.py", "python main.py"),
                ("./migrate up", "./migrate up"),
                ("env", "env"),
                ("npm run seed", "npm run seed"),
                ("/bin/backup", "/bin/backup"),
                ("rake db:migrate", "rake db:migrate"),
                ("sleep infinity", "sleep infinity"),
            ];
            Filled::one_of(&known, random)
        }
        "effect" => {
            let known = [
                ("NoSchedule", "NoSchedule"),
                ("no schedule", "NoSchedule"),
                ("NoExecute", "NoExecute"),
                ("no execute", "NoExecute"),
                ("PreferNoSchedule", "PreferNoSchedule"),
                ("noschedule", "NoSchedule"),
            ];
            Filled::one_of(&known, random)
        }
        "unclear" | "ghost" => {
            let name = world::app_name(random);
            (!world
                .objects
                .iter()
                .any(|fact| fact.name.contains(&name) || name.contains(&fact.name)))
            .then(|| Filled::same(name))?
        }
        _ => command(kind, random)?,
    })
}
