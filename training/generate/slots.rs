//! What fills the slots of phrases and targets: each has a way that it is said and a way that it is written.

use std::collections::BTreeMap;

use sayso::plan::focus::kind_rank;
use sayso::plan::said::without_tag;
use sayso::plan::{ObjectFact, Snapshot};

use crate::changes;
use crate::example::Manner;
use crate::facts;
use crate::mentions::mention;
use crate::random::Random;
use crate::values;
use crate::world;

/// A filled slot.
#[derive(Clone, Debug)]
pub struct Filled {
    pub said: String,
    pub written: String,
}

impl Filled {
    /// One line of a table of what is said and what is written.
    pub fn one_of(known: &[(&str, &str)], random: &mut Random) -> Filled {
        let (said, written) = known[random.below(known.len())];
        Filled::of(said, written)
    }

    pub fn same(text: impl Into<String>) -> Filled {
        let text = text.into();
        Filled {
            said: text.clone(),
            written: text,
        }
    }

    pub fn of(said: impl Into<String>, written: impl Into<String>) -> Filled {
        Filled {
            said: said.into(),
            written: written.into(),
        }
    }
}

/// The slots of one example.
pub struct Slots<'a> {
    pub world: &'a Snapshot,
    pub filled: BTreeMap<String, Filled>,
    /// The objects, in the order in which they were drawn.
    pub objects: Vec<ObjectFact>,
    /// Whether one was.
    pub haunted: bool,
    /// How the first object is called.
    pub called: Option<String>,
    /// How it is said.
    pub manner: Manner,
}

const SETS: &[(&str, &[(&str, usize)])] = &[
    ("scal", &[("deployment", 8), ("statefulset", 2)]),
    ("roll", &[("deployment", 8), ("statefulset", 2), ("daemonset", 1)]),
    ("dep", &[("deployment", 1)]),
    (
        "tpl",
        &[
            ("deployment", 9),
            ("statefulset", 2),
            ("daemonset", 1),
            ("cronjob", 1),
        ],
    ),
    (
        "logd",
        &[
            ("deployment", 8),
            ("statefulset", 2),
            ("daemonset", 1),
            ("job", 1),
            ("pod", 2),
        ],
    ),
    ("expo", &[("deployment", 9), ("pod", 1)]),
    (
        "diag",
        &[
            ("deployment", 10),
            ("statefulset", 3),
            ("daemonset", 1),
            ("pod", 2),
            ("service", 2),
            ("ingress", 1),
            ("node", 1),
            ("cronjob", 1),
            ("job", 1),
            ("persistentvolumeclaim", 1),
        ],
    ),
    ("wld", &[("deployment", 8), ("statefulset", 3)]),
    (
        "any",
        &[
            ("deployment", 8),
            ("service", 4),
            ("pod", 3),
            ("configmap", 3),
            ("secret", 2),
            ("ingress", 2),
            ("node", 2),
            ("statefulset", 2),
            ("cronjob", 2),
            ("job", 1),
            ("daemonset", 1),
            ("persistentvolumeclaim", 1),
            ("horizontalpodautoscaler", 1),
            ("namespace", 1),
            ("serviceaccount", 1),
            ("role", 1),
            ("custom", 1),
        ],
    ),
    (
        "del",
        &[
            ("deployment", 7),
            ("service", 4),
            ("pod", 4),
            ("configmap", 3),
            ("secret", 3),
            ("ingress", 2),
            ("statefulset", 2),
            ("cronjob", 3),
            ("job", 2),
            ("daemonset", 1),
            ("persistentvolumeclaim", 2),
            ("horizontalpodautoscaler", 2),
            ("namespace", 2),
            ("serviceaccount", 1),
            ("networkpolicy", 1),
            ("role", 1),
            ("rolebinding", 1),
            ("poddisruptionbudget", 1),
            ("clusterrole", 1),
            ("custom", 1),
        ],
    ),
    (
        "lab",
        &[
            ("deployment", 6),
            ("node", 4),
            ("pod", 2),
            ("namespace", 3),
            ("service", 2),
            ("statefulset", 1),
            ("configmap", 1),
        ],
    ),
    (
        "rare",
        &[
            ("rolebinding", 5),
            ("role", 3),
            ("poddisruptionbudget", 2),
            ("networkpolicy", 2),
            ("serviceaccount", 2),
            ("horizontalpodautoscaler", 2),
            ("resourcequota", 1),
            ("ingress", 1),
            ("persistentvolumeclaim", 1),
        ],
    ),
    ("node", &[("node", 1)]),
    ("pod", &[("pod", 1)]),
    ("job", &[("job", 1)]),
    ("cron", &[("cronjob", 1)]),
    ("svc", &[("service", 1)]),
    ("cm", &[("configmap", 1)]),
    ("sec", &[("secret", 1)]),
    ("ing", &[("ingress", 1)]),
    ("pvc", &[("persistentvolumeclaim", 1)]),
    ("hpa", &[("horizontalpodautoscaler", 1)]),
    ("sa", &[("serviceaccount", 1)]),
    ("nsobj", &[("namespace", 1)]),
    ("sts", &[("statefulset", 1)]),
    ("ds", &[("daemonset", 1)]),
];

/// Slots that stand in quotes now and then, and in the marks of a request that has some.
const QUOTED: &[&str] = &["new", "newns", "img", "ns", "tag"];
/// Slots that only do where a request marks its names.
const MARKED: &[&str] = &[
    "host", "class", "svcname", "cmd", "rawcron", "home", "runs", "bare", "user", "group", "crole",
];

fn rank(kind: &str) -> (usize, &str) {
    (kind_rank(kind), kind)
}

impl<'a> Slots<'a> {
    pub fn new(world: &'a Snapshot, manner: &Manner) -> Slots<'a> {
        Slots {
            world,
            filled: BTreeMap::new(),
            objects: Vec::new(),
            haunted: false,
            called: None,
            manner: *manner,
        }
    }

    /// Fills a slot unless it is; nothing where this world has nothing for it.
    pub fn fill(&mut self, name: &str, random: &mut Random) -> Option<Filled> {
        if let Some(filled) = self.filled.get(name) {
            return Some(filled.clone());
        }
        let kind = name.trim_end_matches(|c: char| c.is_ascii_digit());
        let filled = match SETS.iter().find(|(set, _)| *set == kind) {
            Some((_, kinds)) => self.object(kinds, random)?,
            None => match self
                .derived(kind, random)
                .or_else(|| facts::fact(kind, self, random))
            {
                Some(filled) => filled?,
                None => values::value(kind, self.world, random)?,
            },
        };
        let filled = if QUOTED.contains(&kind) {
            Filled::of(self.quoted(&filled.said, random), filled.written)
        } else if MARKED.contains(&kind) && !(kind == "cmd" && self.manner.quote == "**") {
            Filled::of(self.manner.mark(&filled.said), filled.written)
        } else {
            filled
        };
        // Only what is called after its image is written like another slot.
        if kind != "imgname"
            && self
                .filled
                .values()
                .any(|other| other.written == filled.written && other.written.len() > 3)
        {
            return None;
        }
        self.filled.insert(name.to_owned(), filled.clone());
        Some(filled)
    }

    fn object(&mut self, kinds: &[(&str, usize)], random: &mut Random) -> Option<Filled> {
        let weights: Vec<usize> = kinds.iter().map(|(_, weight)| *weight).collect();
        let kind = kinds[random.weighted(&weights)].0;
        if self.manner.ghost {
            self.haunted = true;
            let name = world::app_name(random);
            let known = self
                .world
                .objects
                .iter()
                .any(|fact| fact.name.contains(&name) || name.contains(&fact.name));
            return (!known && kind != "custom")
                .then(|| Filled::of(mention(kind, &name, true, random), format!("{kind}/{name}")));
        }
        let custom = |fact: &ObjectFact| self.world.custom_kinds.iter().any(|c| c.singular == fact.kind);
        let candidates: Vec<&ObjectFact> = self
            .world
            .objects
            .iter()
            .filter(|fact| {
                if kind == "custom" {
                    custom(fact)
                } else {
                    fact.kind == kind
                }
            })
            .filter(|fact| {
                self.objects.is_empty()
                    || fact.namespace == self.objects[0].namespace
                    || fact.namespace.is_empty()
            })
            .collect();
        if candidates.is_empty() {
            return None;
        }
        let fact = candidates[random.below(candidates.len())].clone();
        let said = self.call(&fact, kinds, random);
        self.called.get_or_insert_with(|| said.clone());
        self.objects.push(fact.clone());
        Some(Filled::of(said, format!("{}/{}", fact.kind, fact.name)))
    }

    /// A name in the marks of this request; where it has none, in quotes now and then, as careful people write it.
    fn quoted(&self, name: &str, random: &mut Random) -> String {
        if self.manner.quote.is_empty() {
            quoted(name, random)
        } else {
            self.manner.mark(name)
        }
    }

    /// Whether the first object's namesake lives in another namespace.
    pub fn has_twin(&self) -> bool {
        let twin = |fact: &ObjectFact, other: &ObjectFact| {
            other.kind == fact.kind && other.name == fact.name && other.namespace != fact.namespace
        };
        let first = self.objects.first();
        first.is_some_and(|fact| self.world.objects.iter().any(|other| twin(fact, other)))
    }

    /// Whether the first object can only be meant by naming its namespace: the bare name means another, or none.
    pub fn is_away(&self) -> bool {
        let home = &self.world.default_namespace;
        self.has_twin() && self.objects.first().is_some_and(|fact| fact.namespace != *home)
    }

    /// A way to call an object that means it and no other.
    fn call(&self, fact: &ObjectFact, kinds: &[(&str, usize)], random: &mut Random) -> String {
        let allowed = |other: &&ObjectFact| kinds.iter().any(|(kind, _)| *kind == other.kind);
        let alone = !self
            .world
            .objects
            .iter()
            .filter(allowed)
            .any(|other| other.name == fact.name && rank(&other.kind) < rank(&fact.kind));
        // Nobody means a whole namespace, or an autoscaler, by a name that an application bears as well.
        let alone = alone && !matches!(fact.kind.as_str(), "namespace" | "horizontalpodautoscaler");
        let name = self.quoted(&self.shorten(fact, kinds, random), random);
        let said = mention(&fact.kind, &name, alone, random);
        if !self.manner.quote.is_empty() && said.contains('/') {
            return self.manner.mark(&said.replace(self.manner.quote, ""));
        }
        said
    }

    /// Mostly the name; sometimes a part that no other object shares, spaces for dashes, or a typing error.
    fn shorten(&self, fact: &ObjectFact, kinds: &[(&str, usize)], random: &mut Random) -> String {
        let parts: Vec<&str> = fact.name.split('-').collect();
        let plain = parts.len() > 1
            && parts.len() <= 3
            && !matches!(fact.kind.as_str(), "node" | "pod" | "namespace");
        let shares = |words: &[&str]| {
            let of = |other: &ObjectFact| {
                words
                    .iter()
                    .all(|word| other.name.contains(word) || word.contains(&other.name))
            };
            let near = |other: &ObjectFact| {
                other.kind == fact.kind || kinds.iter().any(|(kind, _)| *kind == other.kind)
            };
            self.world
                .objects
                .iter()
                .filter(|other| near(other) && of(other) && other.name != fact.name)
                .count()
                > 0
        };
        match random.below(100) {
            0..=6 if plain && !shares(&parts) => fact.name.replace('-', " "),
            7..=12 if plain && parts[0].len() >= 4 && !shares(&parts[..1]) => parts[0].to_owned(),
            13..=15 if fact.name.len() >= 6 && fact.kind != "node" && fact.kind != "pod" => {
                let word = values::mistype(&fact.name, random);
                if self.world.objects.iter().any(|other| other.name == word) {
                    fact.name.clone()
                } else {
                    word
                }
            }
            16..=17 => fact.name[..1].to_uppercase() + &fact.name[1..],
            _ => fact.name.clone(),
        }
    }

    /// Slots that follow from the object: outer nothing for other slots, inner nothing where it does not apply.
    #[expect(clippy::option_option, reason = "both nothings are told apart")]
    fn derived(&self, kind: &str, random: &mut Random) -> Option<Option<Filled>> {
        let fact = self.objects.first();
        let replicas = fact.and_then(|fact| fact.replicas);
        if let Some(change) = changes::change(kind, self.filled.get("times"), random) {
            return Some(replicas.map(|_| change));
        }
        Some(match kind {
            "samerep" => replicas.map(|now| Filled::of("", now.to_string())),
            "bare" => fact.map(|fact| Filled::same(fact.name.clone())),
            "back" => replicas.filter(|now| *now == 0).map(|_| Filled::same("1")),
            // A job that a cron job starts by hand is called after it.
            "cronrun" => fact.map(|fact| Filled::same(format!("{}-now", fact.name))),
            // What no node is called, though nodes are called so.
            "nonode" => fact.and_then(|fact| {
                let stem = fact.name.trim_end_matches(|letter: char| letter.is_ascii_digit());
                let name = format!("{stem}{}", random.within(1, 40));
                (stem != fact.name && self.world.objects.iter().all(|other| other.name != name))
                    .then(|| Filled::same(name))
            }),
            "pairname" => self.pair(random).map(Filled::same),
            "app" => fact.map(|fact| Filled::same(fact.name.clone())),
            // Two values as a selector lists them.
            "inlist" => self
                .filled
                .get("lv")
                .zip(self.filled.get("lv2"))
                .map(|(one, other)| {
                    Filled::same(format!(
                        "({}{}{})",
                        one.said,
                        random.pick(&[",", ", "]),
                        other.said
                    ))
                }),
            "first" => self.nth(0),
            "second" => self.nth(1),
            "third" => self.nth(2),
            // What the image is called without registry and tag: the name of what is given none.
            "imgname" => self
                .filled
                .get("toolimg")
                .map(|image| repository(&image.written))
                .map(|image| Filled::same(image.said)),
            "ctr" => fact
                .filter(|fact| fact.containers.len() > 1)
                .map(|fact| Filled::same(fact.containers[random.below(fact.containers.len())].0.clone())),
            "mainctr" => fact
                .and_then(|fact| fact.containers.first())
                .map(|(name, _)| Filled::same(name.clone())),
            "repo" => fact
                .and_then(|fact| fact.containers.first())
                .map(|(_, image)| repository(image)),
            "ctrrepo" => self.filled.get("ctr").and_then(|ctr| {
                let (_, image) = fact?.containers.iter().find(|(name, _)| *name == ctr.written)?;
                Some(repository(image))
            }),
            _ => return None,
        })
    }

    /// The bare name of an object, in the order in which they were drawn.
    fn nth(&self, at: usize) -> Option<Filled> {
        self.objects.get(at).map(|fact| Filled::same(fact.name.clone()))
    }

    /// A name that a deployment and a service of one namespace share.
    fn pair(&self, random: &mut Random) -> Option<String> {
        let of = |kind: &str, other: &ObjectFact| other.kind == kind && !other.namespace.is_empty();
        let services: Vec<&ObjectFact> = self
            .world
            .objects
            .iter()
            .filter(|fact| of("service", fact))
            .collect();
        let both = services.into_iter().filter(|service| {
            self.world.objects.iter().any(|fact| {
                of("deployment", fact) && fact.name == service.name && fact.namespace == service.namespace
            })
        });
        let names: Vec<&str> = both.map(|fact| fact.name.as_str()).collect();
        (!names.is_empty()).then(|| random.pick(&names).to_owned())
    }
}

/// A name, now and then in quotes, as exams and careful people write it.
fn quoted(name: &str, random: &mut Random) -> String {
    match random.below(100) {
        0..=1 => format!("\"{name}\""),
        2..=4 => format!("'{name}'"),
        5 => format!("`{name}`"),
        _ => name.to_owned(),
    }
}

/// An image without its tag; said as its last part.
fn repository(image: &str) -> Filled {
    let name = without_tag(image);
    Filled::of(name.rsplit('/').next().unwrap_or(name), name)
}
