//! Values as people say them and as commands write them.

use sayso::plan::Snapshot;

use crate::random::Random;
use crate::slots::Filled;
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

const CORES: &[(&str, &str)] = &[
    ("half a core", "500m"),
    ("half a cpu", "500m"),
    ("a quarter of a core", "250m"),
    ("quarter core", "250m"),
    ("a tenth of a core", "100m"),
    ("one core", "1"),
    ("1 cpu", "1"),
    ("1 core", "1"),
    ("a full core", "1"),
    ("two cores", "2"),
    ("2 cpus", "2"),
    ("2 cores", "2"),
    ("4 cores", "4"),
    ("one and a half cores", "1500m"),
    ("0.5 cpu", "500m"),
    ("0.25 cores", "250m"),
    ("0.1 cpu", "100m"),
    ("1.5 cores", "1500m"),
    ("three cores", "3"),
    ("0.5 cores", "500m"),
    ("0.2 cpu", "200m"),
];

fn cpu(random: &mut Random) -> Filled {
    let (said, written) = CORES[random.below(CORES.len())];
    if random.chance(45) {
        return Filled::of(said, written);
    }
    let milli = random.within(1, 40) * 50;
    let unit = random.pick(&["m", "m", "m", "m cpu", " millicores", "m CPU", " millicpu"]);
    Filled::of(format!("{milli}{unit}"), format!("{milli}m"))
}

fn memory(random: &mut Random) -> Filled {
    let fixed = [
        ("half a gig", "512Mi"),
        ("half a gigabyte", "512Mi"),
        ("a gig", "1Gi"),
        ("one gigabyte", "1Gi"),
        ("two gigs", "2Gi"),
        ("a gigabyte", "1Gi"),
        ("a quarter gig", "256Mi"),
    ];
    if random.chance(15) {
        let (said, written) = fixed[random.below(fixed.len())];
        return Filled::of(said, written);
    }
    if random.chance(60) {
        let amount = [
            64, 96, 100, 128, 150, 192, 200, 256, 300, 384, 400, 512, 600, 640, 750, 768, 800, 900, 1024,
            1536,
        ][random.below(20)];
        let unit = random.pick(&[
            "Mi",
            "Mi",
            "Mi",
            "MB",
            " MB",
            " megabytes",
            " megs",
            "mb",
            " mb",
            "MiB",
            " MiB",
            " mebibytes",
        ]);
        return Filled::of(format!("{amount}{unit}"), format!("{amount}Mi"));
    }
    let amount = random.within(1, 16);
    let unit = random.pick(&[
        "Gi",
        "Gi",
        "Gi",
        "GB",
        " GB",
        " gigabytes",
        " gigs",
        "gb",
        " gb",
        "GiB",
        " gig",
        "G of memory",
    ]);
    Filled::of(format!("{amount}{unit}"), format!("{amount}Gi"))
}

fn size(random: &mut Random) -> Filled {
    let amount = [1, 2, 5, 8, 10, 15, 20, 30, 50, 80, 100, 200, 250, 500][random.below(14)];
    let unit = random.pick(&["Gi", "Gi", "GB", " GB", " gigabytes", " gigs", "gb"]);
    Filled::of(format!("{amount}{unit}"), format!("{amount}Gi"))
}

fn duration(random: &mut Random) -> Filled {
    let fixed = [
        ("hour", "1h"),
        ("half hour", "30m"),
        ("half an hour", "30m"),
        ("minute", "1m"),
        ("day", "24h"),
        ("an hour", "1h"),
        ("one hour", "1h"),
        ("quarter of an hour", "15m"),
    ];
    if random.chance(25) {
        let (said, written) = fixed[random.below(fixed.len())];
        return Filled::of(said, written);
    }
    let (amount, unit) = match random.below(10) {
        0..=5 => ([2, 3, 5, 10, 15, 20, 30, 45, 90][random.below(9)], "m"),
        6..=8 => (random.within(2, 24), "h"),
        _ => ([10, 15, 30, 45, 60, 90][random.below(6)], "s"),
    };
    let words = match unit {
        "m" => random.pick(&["m", " min", " minutes", " minutes", " mins"]),
        "h" => random.pick(&["h", " hours", " hours", " hrs", "h"]),
        _ => random.pick(&["s", " seconds", " sec", " secs", "s"]),
    };
    let said = if words.starts_with(' ') {
        number(amount, 25, random)
    } else {
        amount.to_string()
    };
    Filled::of(format!("{said}{words}"), format!("{amount}{unit}"))
}

fn clock(hour: usize, minute: usize, random: &mut Random) -> String {
    let twelve = match hour % 12 {
        0 => 12,
        other => other,
    };
    let half = if hour < 12 { "am" } else { "pm" };
    if minute > 0 {
        return match random.below(3) {
            0 => format!("{twelve}:{minute:02} {half}"),
            _ => format!("{hour:02}:{minute:02}"),
        };
    }
    match random.below(6) {
        0 => format!("{twelve}{half}"),
        1 => format!("{twelve} {half}"),
        2 if hour == 0 => "midnight".to_owned(),
        2 if hour == 12 => "noon".to_owned(),
        2 | 3 => format!("{hour:02}:00"),
        4 if hour > 0 && hour < 12 => format!("{hour} in the morning"),
        4 if hour > 17 => format!("{twelve} in the evening"),
        _ if hour > 0 && hour < 10 => hour.to_string(),
        _ => format!("{hour}:00"),
    }
}

const DAYS: &[&str] = &[
    "sunday",
    "monday",
    "tuesday",
    "wednesday",
    "thursday",
    "friday",
    "saturday",
];

fn schedule(random: &mut Random) -> Filled {
    let (hour, minute) = (random.within(0, 23), [0, 0, 0, 15, 30, 45][random.below(6)]);
    let at = clock(hour, minute, random);
    let every = random.pick(&["every", "every", "each"]);
    let (said, line) = match random.below(14) {
        0 => ("every minute".to_owned(), "* * * * *".to_owned()),
        1 | 2 => {
            let step = [2, 5, 10, 15, 20, 30][random.below(6)];
            (
                format!(
                    "{every} {} {}",
                    number(step, 30, random),
                    random.pick(&["minutes", "minutes", "min"])
                ),
                format!("*/{step} * * * *"),
            )
        }
        3 => (
            random
                .pick(&["every hour", "hourly", "once an hour", "each hour", "on the hour"])
                .to_owned(),
            "0 * * * *".to_owned(),
        ),
        4 => {
            let step = [2, 3, 4, 6, 8, 12][random.below(6)];
            (
                format!("{every} {} hours", number(step, 40, random)),
                format!("0 */{step} * * *"),
            )
        }
        5 | 6 | 7 if hour >= 20 || hour < 5 => {
            (format!("{every} night at {at}"), format!("{minute} {hour} * * *"))
        }
        5..=7 => (
            format!(
                "{} at {at}",
                random.pick(&["every day", "daily", "each day", "once a day"])
            ),
            format!("{minute} {hour} * * *"),
        ),
        8 => (
            random
                .pick(&[
                    "every night at midnight",
                    "daily at midnight",
                    "at midnight",
                    "every midnight",
                ])
                .to_owned(),
            "0 0 * * *".to_owned(),
        ),
        9 | 10 => {
            let day = random.below(7);
            let name = if random.chance(60) {
                DAYS[day][..1].to_uppercase() + &DAYS[day][1..]
            } else {
                DAYS[day].to_owned()
            };
            let said = match random.below(3) {
                0 => format!("{every} {name} at {at}"),
                1 => format!("on {name}s at {at}"),
                _ => format!("weekly on {name} at {at}"),
            };
            (said, format!("{minute} {hour} * * {day}"))
        }
        11 => (
            format!(
                "{} at {at}",
                random.pick(&[
                    "on weekdays",
                    "every weekday",
                    "monday to friday",
                    "Monday through Friday"
                ])
            ),
            format!("{minute} {hour} * * 1-5"),
        ),
        12 => {
            let day = random.within(1, 28);
            match day {
                1 => (
                    format!(
                        "{} at {at}",
                        random.pick(&[
                            "on the first of every month",
                            "monthly on the 1st",
                            "on the first of each month"
                        ])
                    ),
                    format!("{minute} {hour} 1 * *"),
                ),
                _ => (
                    format!("on day {day} of every month at {at}"),
                    format!("{minute} {hour} {day} * *"),
                ),
            }
        }
        _ => {
            let line = format!("{minute} {hour} * * *");
            (format!("on the schedule {line}"), line)
        }
    };
    Filled::of(said, format!("'{line}'"))
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
    let sets: [(&str, &str); 12] = [
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
    ];
    let (said, verbs) = sets[random.below(sets.len())];
    let flags: Vec<String> = verbs.split(' ').map(|verb| format!("--verb={verb}")).collect();
    Filled::of(said, flags.join(" "))
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
    let (said, written) = known[random.below(known.len())];
    Filled::of(said, written)
}

/// The value of a slot that names no live object.
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
            let (said, written) = known[random.below(known.len())];
            Filled::of(said, written)
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
            let (said, written) = known[random.below(known.len())];
            Filled::of(said, written)
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
            let (said, written) = known[random.below(known.len())];
            Filled::of(said, written)
        }
        "unclear" | "ghost" => {
            let name = world::app_name(random);
            (!world
                .objects
                .iter()
                .any(|fact| fact.name.contains(&name) || name.contains(&fact.name)))
            .then(|| Filled::same(name))?
        }
        _ => return None,
    })
}
