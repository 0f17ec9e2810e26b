//! Random clusters that look like real ones.

use std::collections::BTreeMap;

use sayso::plan::{CustomKind, ObjectFact, Snapshot};

use crate::random::Random;

const APPS: &str = "web cart payments-api checkout-worker db redis-cache frontend auth-service grafana api backend \
    orders inventory search recommendations user-service gateway notifications billing shipping catalog postgres mysql \
    mongo rabbitmq kafka elasticsearch prometheus alertmanager loki jaeger nginx traefik keycloak vault minio wordpress \
    ghost blog shop store admin dashboard portal landing-page docs website mailer scheduler worker queue-consumer \
    image-resizer video-encoder pdf-renderer feature-flags session-store rate-limiter graphql bff mobile-api \
    public-api internal-api webhook-relay fraud-detector ledger invoice-service pricing reviews ratings profile media \
    uploads thumbnailer chat presence push-sender sms-gateway geo-service maps tracking analytics metrics-collector \
    log-shipper etl-loader report-builder reporting ml-inference model-server jupyter airflow superset redis memcached \
    cassandra influxdb nats zookeeper etcd-backup cert-renewer sidecar-injector web-api api-server cart-service";
const FIRST: &str = "order payment user cart auth mail data event stock price media image log audit edge core main test \
    demo staging beta legacy blue green red alpha new old fast slow public private internal partner mobile web admin \
    batch stream cache index search report invoice tax cargo fleet route map sensor meter alarm ticket seat booking \
    flight hotel menu recipe patient claim policy loan trade quote news video audio game score player match lobby";
const SECOND: &str = "api service worker server gateway proxy cache store db queue consumer producer sync runner agent \
    controller manager handler processor loader exporter importer router resolver builder scheduler watcher indexer \
    backend frontend ui app portal site hub engine broker relay bridge adapter mapper parser checker scanner cleaner";
const SYLLABLES: &str = "ba be bo da di do fa fi ga go ka ki ko la lu ma mi mo na ne no pa pi po ra ri ro sa si so ta ti \
    to va vi zo zu wex tron lix mar quo nim gry dex";
const NAMESPACES: &str = "shop blog monitoring default staging production dev prod test qa team-a team-b payments data \
    platform infra web backend frontend analytics ml-team logging ingress-nginx cert-manager kube-system sandbox apps \
    tools ci games media iot finance hr crm search security observability storefront internal demo customer-x";
const REGISTRIES: &str = "docker.io ghcr.io/acme registry.example.com quay.io/team registry.shop.io:5000/apps \
    123456789.dkr.ecr.eu-west-1.amazonaws.com eu.gcr.io/project-7 harbor.local/library localhost:5000 ghcr.io/corp/platform";
const STOCK: &str = "nginx redis postgres mysql busybox alpine httpd memcached rabbitmq mongo grafana/grafana \
    prom/prometheus traefik node python envoyproxy/envoy fluent/fluent-bit haproxy ghost wordpress caddy registry \
    bitnami/kubectl curlimages/curl hashicorp/vault minio/minio nats vaultwarden/server";
const SIDECARS: &str = "envoy istio-proxy log-shipper fluent-bit metrics exporter nginx proxy vault-agent sidecar \
    cloudsql-proxy statsd oauth2-proxy config-reloader";

/// A name of an application: often one that people use, else one that nobody has seen, so that names are copied.
pub fn app_name(random: &mut Random) -> String {
    match random.below(10) {
        0..=3 => random.word(APPS).to_owned(),
        4..=6 => format!("{}-{}", random.word(FIRST), random.word(SECOND)),
        7 => random.word(FIRST).to_owned(),
        8 => {
            let count = random.within(2, 3);
            (0..count).map(|_| random.word(SYLLABLES)).collect()
        }
        _ => {
            let end = match random.below(4) {
                0 => format!("v{}", random.within(1, 4)),
                1 => random.within(1, 9).to_string(),
                2 => random
                    .word("eu us prod dev canary backup main replica primary")
                    .to_owned(),
                _ => random.word(SECOND).to_owned(),
            };
            format!("{}-{}-{end}", random.word(FIRST), random.word(SECOND))
        }
    }
}

/// A version as images carry them.
pub fn tag(random: &mut Random) -> String {
    let (a, b, c) = (random.within(0, 9), random.within(0, 30), random.within(0, 15));
    match random.below(10) {
        0..=3 => format!("{}.{b}", a + 1),
        4..=5 => format!("{a}.{b}.{c}"),
        6 => format!("v{}.{b}.{c}", a + 1),
        7 => format!("v{}", random.within(1, 40)),
        8 => format!(
            "{}{}",
            random.within(2, 18),
            random.pick(&["", "-alpine", "-slim"])
        ),
        _ => random
            .pick(&[
                "latest",
                "stable",
                "2024.1",
                "sha-4f9c2d1",
                "1.4.0-rc1",
                "nightly",
                "main-9be1c30",
            ])
            .to_owned(),
    }
}

/// An image without its tag.
pub fn repository(name: &str, random: &mut Random) -> String {
    match random.below(10) {
        0..=3 => random.word(STOCK).to_owned(),
        4..=5 => name.to_owned(),
        6 => format!("acme/{name}"),
        _ => format!("{}/{name}", random.word(REGISTRIES)),
    }
}

fn containers(name: &str, random: &mut Random) -> Vec<(String, String)> {
    let repository = repository(name, random);
    let last = repository.rsplit('/').next().unwrap_or(name).to_owned();
    let own = match random.below(10) {
        0..=2 => name.to_owned(),
        3..=5 => last,
        6..=7 => "app".to_owned(),
        8 => random
            .word("server main api worker web backend service container")
            .to_owned(),
        _ => name.split('-').next().unwrap_or(name).to_owned(),
    };
    let mut result = vec![(own, format!("{repository}:{}", tag(random)))];
    if random.chance(38) {
        let sidecar = random.word(SIDECARS).to_owned();
        if sidecar != result[0].0 {
            let image = match random.below(3) {
                0 => format!("envoyproxy/{sidecar}"),
                1 => repository_of_stock(random),
                _ => sidecar.clone(),
            };
            result.push((sidecar, format!("{image}:{}", tag(random))));
        }
    }
    result
}

fn repository_of_stock(random: &mut Random) -> String {
    random.word(STOCK).to_owned()
}

/// A cluster being filled.
pub struct Builder<'a> {
    random: &'a mut Random,
    snapshot: Snapshot,
}

/// A cluster of a few namespaces and some twenty to forty objects.
pub fn world(random: &mut Random) -> Snapshot {
    let mut namespaces: Vec<String> = Vec::new();
    for _ in 0..random.within(2, 6) {
        namespaces.push(if random.chance(85) {
            random.word(NAMESPACES).to_owned()
        } else {
            app_name(random)
        });
    }
    namespaces.push("kube-system".into());
    namespaces.push("default".into());
    namespaces.sort();
    namespaces.dedup();
    let default_namespace = namespaces[random.below(namespaces.len())].clone();
    let snapshot = Snapshot {
        namespaces,
        default_namespace,
        ..Snapshot::default()
    };
    let mut builder = Builder { random, snapshot };
    builder.fill();
    builder.snapshot
}

impl Builder<'_> {
    fn fill(&mut self) {
        for name in self.snapshot.namespaces.clone() {
            self.add("namespace", "", &name);
        }
        self.nodes();
        for _ in 0..self.random.within(4, 9) {
            self.application();
        }
        for _ in 0..self.random.within(1, 3) {
            self.extras();
        }
        if self.random.chance(40) {
            self.custom();
        }
    }

    fn add(&mut self, kind: &str, namespace: &str, name: &str) -> &mut ObjectFact {
        let exists =
            |fact: &ObjectFact| fact.kind == kind && fact.namespace == namespace && fact.name == name;
        let at = self.snapshot.objects.iter().position(exists).unwrap_or_else(|| {
            self.snapshot.objects.push(ObjectFact {
                kind: kind.into(),
                namespace: namespace.into(),
                name: name.into(),
                ..ObjectFact::default()
            });
            self.snapshot.objects.len() - 1
        });
        &mut self.snapshot.objects[at]
    }

    fn nodes(&mut self) {
        let stem = match self.random.below(6) {
            0..=2 => "node-".to_owned(),
            3 => self
                .random
                .pick(&["worker-", "k8s-worker-", "minion", "pool-a-", "kind-worker"])
                .to_owned(),
            4 => self
                .random
                .pick(&["ip-10-0-1-", "gke-main-pool-", "aks-nodepool1-", "gpu-node-"])
                .to_owned(),
            _ => format!(
                "{}-",
                self.random
                    .word("alpha srv host box machine server metal rack edge")
            ),
        };
        let start = if self.random.chance(80) {
            1
        } else {
            self.random.within(10, 240)
        };
        for at in 0..self.random.within(2, 4) {
            self.add("node", "", &format!("{stem}{}", start + at));
        }
        if self.random.chance(20) {
            let name = self.random.pick(&["control-plane", "master-1", "master"]);
            self.add("node", "", name);
        }
    }

    fn namespace(&mut self) -> String {
        if self.random.chance(55) {
            return self.snapshot.default_namespace.clone();
        }
        self.snapshot.namespaces[self.random.below(self.snapshot.namespaces.len())].clone()
    }

    /// A workload with what usually stands around it.
    fn application(&mut self) {
        let namespace = self.namespace();
        let name = app_name(self.random);
        let kind = ["deployment", "statefulset", "daemonset"][self.random.weighted(&[75, 17, 8])];
        self.workload(kind, &namespace, &name);
        if self.random.chance(30) {
            let other = self.namespace();
            self.workload(kind, &other, &name);
        }
        if self.random.chance(15) {
            let near = format!("{name}-{}", self.random.word("api worker v2 canary db admin ui"));
            self.workload("deployment", &namespace, &near);
        }
        let around: [(&str, usize, &[&str]); 7] = [
            ("service", 60, &["", "", "", "-svc", "-headless"]),
            ("configmap", 30, &["-config", "-config", "-settings", "", "-env"]),
            (
                "secret",
                25,
                &["-secret", "-credentials", "-tls", "-password", "-token"],
            ),
            ("ingress", 20, &["", "-ingress", "-public"]),
            ("horizontalpodautoscaler", 15, &["", "", "-hpa"]),
            ("serviceaccount", 12, &["", "-sa", "-bot"]),
            ("poddisruptionbudget", 6, &["-pdb", ""]),
        ];
        for (kind, percent, ends) in around {
            if self.random.chance(percent) {
                let end = self.random.pick(ends).to_owned();
                self.add(kind, &namespace, &format!("{name}{end}"));
            }
        }
        if kind == "statefulset" && self.random.chance(60) {
            self.add("persistentvolumeclaim", &namespace, &format!("data-{name}-0"));
        }
    }

    fn workload(&mut self, kind: &str, namespace: &str, name: &str) {
        let containers = containers(name, self.random);
        let replicas = match self.random.below(12) {
            0 | 1 => 0,
            2..=8 => self.random.within(1, 4),
            _ => self.random.within(4, 12),
        };
        let suffix = generated(self.random);
        let fact = self.add(kind, namespace, name);
        fact.containers.clone_from(&containers);
        fact.replicas = (kind != "daemonset").then(|| u32::try_from(replicas).unwrap_or(1));
        fact.labels = BTreeMap::from([("app".to_owned(), name.to_owned())]);
        let pod = match kind {
            "statefulset" => format!("{name}-0"),
            "daemonset" => format!("{name}-{}", &suffix[11..]),
            _ => format!("{name}-{suffix}"),
        };
        let fact = self.add("pod", namespace, &pod);
        fact.containers = containers;
        fact.labels = BTreeMap::from([("app".to_owned(), name.to_owned())]);
    }

    #[expect(clippy::too_many_lines, reason = "a table of things that a world may have")]
    fn extras(&mut self) {
        let namespace = self.namespace();
        let name = app_name(self.random);
        match self.random.below(9) {
            0..=2 => {
                let name = self.random.pick(&[
                    "nightly-report",
                    "backup",
                    "db-backup",
                    "cleanup",
                    "sync-stock",
                    "newsletter",
                ]);
                let name = if self.random.chance(60) {
                    name.to_owned()
                } else {
                    format!(
                        "{}-{}",
                        self.random
                            .word("nightly hourly daily weekly purge export import rotate"),
                        self.random.word(FIRST)
                    )
                };
                let containers = containers(&name, self.random);
                self.add("cronjob", &namespace, &name).containers = containers;
            }
            3 => {
                let name = format!(
                    "{}-{}",
                    self.random.word("migrate seed import export reindex backfill"),
                    self.random.word(FIRST)
                );
                let containers = containers(&name, self.random);
                self.add("job", &namespace, &name).containers = containers;
            }
            4 => {
                let name = self
                    .random
                    .pick(&["debug", "shell", "tmp", "toolbox", "curl", "test-pod", "dns-test"])
                    .to_owned();
                let containers = containers(&name, self.random);
                self.add("pod", &namespace, &name).containers = containers;
            }
            5 => {
                let kind = self
                    .random
                    .pick(&[
                        "role",
                        "rolebinding",
                        "networkpolicy",
                        "resourcequota",
                        "limitrange",
                    ])
                    .to_owned();
                let end = self
                    .random
                    .pick(&["reader", "editor", "policy", "limits", "access"]);
                let name = format!("{name}-{end}");
                self.add(&kind, &namespace, &name);
                // A role and its binding are mostly called alike.
                if matches!(kind.as_str(), "role" | "rolebinding") && self.random.chance(70) {
                    self.add("role", &namespace, &name);
                    self.add("rolebinding", &namespace, &name);
                }
            }
            6 => {
                let kind = self
                    .random
                    .pick(&[
                        "clusterrole",
                        "clusterrolebinding",
                        "priorityclass",
                        "storageclass",
                        "persistentvolume",
                    ])
                    .to_owned();
                self.add(&kind, "", &name);
            }
            7 => {
                self.add("serviceaccount", &namespace, &name);
            }
            _ => {
                self.add("persistentvolumeclaim", &namespace, &format!("{name}-data"));
            }
        }
    }

    fn custom(&mut self) {
        let kinds = [
            ("certificate", "certificates", "cert-manager.io"),
            ("virtualservice", "virtualservices", "networking.istio.io"),
            ("application", "applications", "argoproj.io"),
            ("rollout", "rollouts", "argoproj.io"),
            ("prometheusrule", "prometheusrules", "monitoring.coreos.com"),
            ("servicemonitor", "servicemonitors", "monitoring.coreos.com"),
            ("kafkatopic", "kafkatopics", "kafka.strimzi.io"),
            ("externalsecret", "externalsecrets", "external-secrets.io"),
        ];
        let (singular, plural, group) = kinds[self.random.below(kinds.len())];
        self.snapshot.custom_kinds.push(CustomKind {
            singular: singular.into(),
            plural: plural.into(),
            group: group.into(),
            namespaced: true,
        });
        let namespace = self.namespace();
        let name = app_name(self.random);
        self.add(singular, &namespace, &name);
    }
}

/// The end of a pod's name as a deployment's controller makes it: ten characters, a dash, five.
fn generated(random: &mut Random) -> String {
    let letters = b"bcdfghjklmnpqrstvwxz2456789";
    let mut text = |count: usize| -> String {
        (0..count)
            .map(|_| char::from(letters[random.below(letters.len())]))
            .collect()
    };
    format!("{}-{}", text(10), text(5))
}
