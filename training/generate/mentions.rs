//! How objects are mentioned: by name alone, or with a word for their kind.

use crate::random::Random;
use crate::values;

/// An object's name with or without its kind.
pub fn mention(kind: &str, name: &str, bare: bool, random: &mut Random) -> String {
    let bare_share = if kind == "node" || kind == "pod" { 65 } else { 55 };
    if bare && random.chance(bare_share) {
        return if random.chance(12) {
            format!("the {name}")
        } else {
            name.to_owned()
        };
    }
    let word = kind_word(kind, random);
    match random.below(10) {
        0..=3 => format!("the {name} {word}"),
        4 => format!("{name} {word}"),
        5 => format!("the {word} {name}"),
        6..=7 => format!("{word} {name}"),
        8 => format!("the {word} (called|named) {name}")
            .replace("(called|named)", random.pick(&["called", "named"])),
        _ => match values::short_kind(kind) {
            Some(short) if random.chance(50) => format!("{short}/{name}"),
            _ => format!("{kind}/{name}"),
        },
    }
}

fn kind_word(kind: &str, random: &mut Random) -> String {
    let words: &[&str] = match kind {
        "deployment" => &["deployment", "deployment", "deployment", "deploy", "app"],
        "statefulset" => &["statefulset", "stateful set", "sts", "StatefulSet"],
        "daemonset" => &["daemonset", "daemon set", "ds"],
        "service" => &["service", "service", "svc"],
        "configmap" => &["configmap", "config map", "cm"],
        "persistentvolumeclaim" => &[
            "pvc",
            "PVC",
            "persistentvolumeclaim",
            "volume claim",
            "persistent volume claim",
        ],
        "horizontalpodautoscaler" => &["hpa", "HPA", "autoscaler", "horizontalpodautoscaler"],
        "cronjob" => &[
            "cronjob",
            "cron job",
            "cron job",
            "CronJob",
            "scheduled job",
            "job",
        ],
        "namespace" => &["namespace", "namespace", "ns"],
        "serviceaccount" => &["serviceaccount", "service account", "sa"],
        "poddisruptionbudget" => &["pdb", "disruption budget", "poddisruptionbudget"],
        "networkpolicy" => &["networkpolicy", "network policy", "netpol"],
        "rolebinding" => &["rolebinding", "role binding"],
        "clusterrole" => &["clusterrole", "cluster role"],
        _ => &[],
    };
    if words.is_empty() {
        kind.to_owned()
    } else {
        random.pick(words).to_owned()
    }
}
