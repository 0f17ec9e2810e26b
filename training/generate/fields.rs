//! Fields of built-in kinds, for questions about what they mean.

use crate::random::Random;
use crate::slots::Filled;
use crate::values::short_kind;

/// A field of a built-in kind, by the singular or the plural of its kind.
pub fn field(random: &mut Random) -> Filled {
    const FIELDS: &[(&str, &str)] = &[
        ("pod", "spec.containers"),
        ("pod", "spec.containers.env"),
        ("pod", "spec.containers.command"),
        ("pod", "spec.containers.args"),
        ("pod", "spec.containers.ports"),
        ("pod", "spec.containers.livenessProbe"),
        ("pod", "spec.containers.resources"),
        ("pod", "spec.containers.resources.limits"),
        ("pod", "spec.initContainers"),
        ("pod", "spec.nodeSelector"),
        ("pod", "spec.restartPolicy"),
        ("pod", "spec.serviceAccountName"),
        ("pod", "spec.tolerations"),
        ("pod", "spec.volumes"),
        ("pod", "spec.securityContext"),
        ("pod", "status.phase"),
        ("deployment", "spec.replicas"),
        ("deployment", "spec.strategy"),
        ("deployment", "spec.strategy.rollingUpdate"),
        ("deployment", "spec.selector"),
        ("deployment", "spec.template"),
        ("deployment", "spec.revisionHistoryLimit"),
        ("service", "spec.ports"),
        ("service", "spec.selector"),
        ("service", "spec.type"),
        ("ingress", "spec.rules"),
        ("ingress", "spec.tls"),
        ("job", "spec.backoffLimit"),
        ("job", "spec.completions"),
        ("job", "spec.parallelism"),
        ("cronjob", "spec.schedule"),
        ("cronjob", "spec.concurrencyPolicy"),
        ("cronjob", "spec.suspend"),
        ("networkpolicy", "spec.ingress"),
        ("persistentvolumeclaim", "spec.accessModes"),
        ("persistentvolumeclaim", "spec.storageClassName"),
        ("statefulset", "spec.volumeClaimTemplates"),
        ("horizontalpodautoscaler", "spec.metrics"),
    ];
    let (kind, path) = FIELDS[random.below(FIELDS.len())];
    let plural =
        sayso::plan::Kind::read(kind).map_or_else(|| kind.to_owned(), |kind| kind.plural().to_owned());
    let said = match random.below(4) {
        0 => format!("{plural}.{path}"),
        1 => format!("{}.{path}", short_kind(kind).unwrap_or(kind)),
        _ => format!("{kind}.{path}"),
    };
    Filled::of(said, format!("{plural}.{path}"))
}
