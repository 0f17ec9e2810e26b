//! Slots of tasks with lists: namespaces that may be left out, pairs, access rights, and sentences that ask for nothing.

use crate::headings;
use crate::random::Random;
use crate::slots::{Filled, Slots};
use crate::values;

/// Such a slot: outer nothing for other slots, inner nothing where it does not apply.
#[expect(clippy::option_option, reason = "both nothings are told apart")]
pub fn fact(kind: &str, slots: &Slots, random: &mut Random) -> Option<Option<Filled>> {
    let object = slots.objects.first();
    Some(match kind {
        "head" if random.chance(45) => Some(Filled::of(headings::title(true, random), "")),
        "head" if random.chance(25) => Some(Filled::of(format!("{}\n", headings::background(random)), "")),
        "head" => Some(Filled::of("", "")),
        "why" => Some(Filled::of(headings::reason(random), "")),
        "end" => Some(Filled::of(end(random), "")),
        "inns" => Some(place(slots, random)),
        "nsline" => Some(Filled::of(place_line(slots, random), "")),
        "home" => object
            .map(|fact| fact.namespace.clone())
            .filter(|name| !name.is_empty())
            .map(Filled::same),
        "runs" => object
            .and_then(|fact| fact.containers.first())
            .map(|(_, image)| Filled::same(image.clone())),
        "envp" => pair(("ek", "ev"), "envp", slots, random),
        "entry" => pair(("key", "val"), "entry", slots, random),
        "labp" => pair(("lk", "lv"), "labp", slots, random),
        "vset" => Some(verbs(slots, random)),
        "rset" => Some(resources(RESOURCES, slots, random)),
        "cset" => Some(resources(WIDE, slots, random)),
        "access" => Some(access(slots, random)),
        "subject" => Some(subject(slots, random)),
        "policy" => Some(Filled::same(random.pick(&[
            "Never",
            "OnFailure",
            "Always",
            "Never",
        ]))),
        "stype" => Some(Filled::same(random.pick(&[
            "ClusterIP",
            "NodePort",
            "LoadBalancer",
        ]))),
        "ready" => Some(Filled::same(
            random.pick(&["5", "10", "15", "20", "30", "45", "60"]),
        )),
        "secs" => Some(Filled::same(
            random.pick(&["60", "90", "120", "180", "240", "300", "450", "900"]),
        )),
        _ => return None,
    })
}

/// Nothing, or one more line that asks for no step.
fn end(random: &mut Random) -> String {
    match random.below(10) {
        0..=1 => format!("\n- {}", headings::closing(random)),
        2 => format!("\n{}", headings::closing(random)),
        3 => format!("\n{}", headings::reason(random)),
        _ => String::new(),
    }
}

/// A namespace that exists, or none.
fn place(slots: &Slots, random: &mut Random) -> Filled {
    if random.chance(45) {
        return Filled::of("", "");
    }
    let name = random
        .pick(
            &slots
                .world
                .namespaces
                .iter()
                .map(String::as_str)
                .collect::<Vec<_>>(),
        )
        .to_owned();
    let form = random.pick(&[
        " in the {} namespace",
        " in the {} namespace",
        " in the namespace {}",
        " in namespace {}",
        " in {}",
    ]);
    Filled::of(
        form.replace("{}", &slots.manner.mark(&name)),
        format!(" -n {name}"),
    )
}

/// The same as a fact of its own.
fn place_line(slots: &Slots, random: &mut Random) -> String {
    let written = slots
        .filled
        .get("inns")
        .map_or("", |filled| filled.written.as_str());
    let Some(name) = written.strip_prefix(" -n ") else {
        return String::new();
    };
    let form = random.pick(&[
        "\n- Namespace: {}",
        "\n- Namespace: {}",
        "\n- namespace: {}",
        "\n- It belongs in the namespace {}",
        "\n- in the {} namespace",
    ]);
    form.replace("{}", &slots.manner.mark(name))
}

/// A key with a value, said alike throughout a request; no key comes twice.
fn pair((key, value): (&str, &str), kind: &str, slots: &Slots, random: &mut Random) -> Option<Filled> {
    let key = values::value(key, slots.world, random)?.written;
    let value = values::value(value, slots.world, random)?.written;
    let before = format!("{key}=");
    let told =
        |(name, filled): (&String, &Filled)| name.starts_with(kind) && filled.written.starts_with(&before);
    if slots.filled.iter().any(told) {
        return None;
    }
    let written = format!("{key}={value}");
    let said = match slots.manner.style % 5 {
        0 | 1 => slots.manner.mark(&written),
        2 => format!("{}: {}", slots.manner.mark(&key), slots.manner.mark(&value)),
        3 => format!("{} set to {}", slots.manner.mark(&key), slots.manner.mark(&value)),
        _ => format!(
            "{} with the value {}",
            slots.manner.mark(&key),
            slots.manner.mark(&value)
        ),
    };
    Some(Filled::of(said, written))
}

/// Words in a row, as this request writes rows.
fn row(words: &[&str], slots: &Slots) -> String {
    let marked: Vec<String> = words.iter().map(|word| slots.manner.mark(word)).collect();
    match (slots.manner.style % 4, marked.split_last()) {
        (0, _) | (_, None) => marked.join(", "),
        (1, _) if slots.manner.mark("").is_empty() => marked.join("/"),
        (_, Some((last, []))) => last.clone(),
        (2, Some((last, rest))) if rest.len() > 1 => format!("{}, and {last}", rest.join(", ")),
        (_, Some((last, rest))) => format!("{} and {last}", rest.join(", ")),
    }
}

/// A flag once for each word.
pub fn flags(flag: &str, words: &[&str]) -> String {
    let flags: Vec<String> = words.iter().map(|word| format!("--{flag}={word}")).collect();
    flags.join(" ")
}

const VERBS: &[&str] = &[
    "get list watch",
    "get list watch",
    "get list",
    "get",
    "list",
    "create",
    "delete",
    "get watch",
    "list watch",
    "create delete",
    "get list create",
    "get list delete",
    "get list watch create",
    "get list watch delete",
    "get update patch",
    "create update delete",
    "get list update",
    "get create update patch",
    "create update patch delete",
    "get list watch create delete",
    "get list create update delete",
    "get list watch create update delete",
    "get list watch create update patch delete",
    "create delete get list patch update watch",
    "update patch",
    "get list patch",
];

fn verbs(slots: &Slots, random: &mut Random) -> Filled {
    let words: Vec<&str> = random.pick(VERBS).split(' ').collect();
    Filled::of(row(&words, slots), flags("verb", &words))
}

/// What stands in front of the resources: `read-only access to`, `the verbs get and list on`.
fn access(slots: &Slots, random: &mut Random) -> Filled {
    const READ: &[&str] = &[
        "read-only access to",
        "read access to",
        "read-only permissions on",
        "read only rights on",
    ];
    const ALL: &[&str] = &[
        "full access to",
        "all verbs on",
        "every verb on",
        "full control over",
        "all permissions on",
    ];
    match random.below(10) {
        0..=2 => Filled::of(random.pick(READ), "--verb=get --verb=list --verb=watch"),
        3..=5 => Filled::of(random.pick(ALL), "--verb='*'"),
        _ => {
            let verbs = verbs(slots, random);
            let form = random.pick(&[
                "the verbs {} on",
                "the permissions {} on",
                "{} on",
                "{} rights on",
            ]);
            Filled::of(form.replace("{}", &verbs.said), verbs.written)
        }
    }
}

const RESOURCES: &[&str] = &[
    "pods",
    "services",
    "configmaps",
    "secrets",
    "deployments",
    "jobs",
    "cronjobs",
    "events",
    "statefulsets",
    "daemonsets",
    "ingresses",
    "serviceaccounts",
    "persistentvolumeclaims",
    "endpoints",
    "replicasets",
    "pods",
    "deployments",
];
const WIDE: &[&str] = &[
    "nodes",
    "namespaces",
    "persistentvolumes",
    "storageclasses",
    "pods",
    "deployments",
    "services",
    "secrets",
    "configmaps",
    "events",
    "customresourcedefinitions",
];

/// One to three resources.
fn resources(known: &[&'static str], slots: &Slots, random: &mut Random) -> Filled {
    let mut words: Vec<&str> = Vec::new();
    for _ in 0..random.within(1, 3) {
        let word = random.pick(known);
        if !words.contains(&word) {
            words.push(word);
        }
    }
    Filled::of(row(&words, slots), flags("resource", &words))
}

/// Who gets a role.
fn subject(slots: &Slots, random: &mut Random) -> Filled {
    let name = |kind: &str, random: &mut Random| {
        values::value(kind, slots.world, random).map_or_else(|| "alice".to_owned(), |filled| filled.written)
    };
    match random.below(3) {
        0 => {
            let user = name("user", random);
            let form = random.pick(&["the user {}", "user {}"]);
            Filled::of(
                form.replace("{}", &slots.manner.mark(&user)),
                format!("--user={user}"),
            )
        }
        1 => {
            let group = name("group", random);
            let form = random.pick(&["the group {}", "group {}", "the members of the group {}"]);
            Filled::of(
                form.replace("{}", &slots.manner.mark(&group)),
                format!("--group={group}"),
            )
        }
        _ => {
            let (account, space) = (name("ghost", random), name("ns", random));
            let form = random.pick(&[
                "the service account {} of the namespace {ns}",
                "the service account {} in the {ns} namespace",
                "the ServiceAccount {} from namespace {ns}",
            ]);
            let said = form
                .replace("{}", &slots.manner.mark(&account))
                .replace("{ns}", &slots.manner.mark(&space));
            Filled::of(said, format!("--serviceaccount={space}:{account}"))
        }
    }
}
