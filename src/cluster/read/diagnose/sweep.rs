//! Everything that has a problem, in a namespace or in all of them: lists, and the same rules as for one object.

use std::collections::{BTreeMap, HashSet};

use futures::future::join_all;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::LabelSelector;
use kube::core::{Selector, SelectorExt as _};
use serde_json::{Value, json};

use super::super::json::{entries, items, text, word};
use super::super::pods::is_ready;
use super::super::{ReadOutput, Reader};
use super::evidence::{ALONE, Backend, Claim, Evidence, leading, used};
use super::findings;
use super::page::status;
use crate::cluster::{ClusterError, Served};
use crate::plan::Target;

/// What is looked at. Whoever makes pods comes before what only leads to them, so that a problem is told where it began.
const KINDS: [&str; 12] = [
    "node",
    "deployment",
    "statefulset",
    "daemonset",
    "replicaset",
    "job",
    "cronjob",
    "pod",
    "persistentvolumeclaim",
    "horizontalpodautoscaler",
    "service",
    "ingress",
];
/// Objects that are shown at the most.
const OBJECTS: usize = 30;
/// Lines about one object at the most: pods of one owner fail alike.
const LINES: usize = 4;

/// `diagnose all`: each object that has a problem, with its problems.
pub(in super::super) async fn read(reader: Reader<'_>) -> Result<ReadOutput, ClusterError> {
    let seen = Seen::collect(reader).await?;
    let problems = seen.problems();
    let mut output = ReadOutput::new(&seen.page(&problems), Some(seen.data(&problems)));
    if !seen.unseen.is_empty() {
        let kinds = seen.unseen.join(", ");
        output
            .notices
            .push(format!("not looked at, as it may not be read: {kinds}"));
    }
    Ok(output)
}

/// A pod with its labels.
type Labelled<'a> = (&'a Value, BTreeMap<String, String>);

/// What was listed.
struct Seen {
    /// Objects by kind, in the order of [`KINDS`].
    objects: Vec<(&'static str, Vec<Value>)>,
    /// Where services lead, if that may be read.
    slices: Option<Vec<Value>>,
    /// Kinds that may not be read.
    unseen: Vec<&'static str>,
    /// The namespace, if it was one.
    namespace: Option<String>,
    now: jiff::Timestamp,
}

/// An object and what is wrong with it.
struct Problem<'a> {
    kind: &'static str,
    object: &'a Value,
    findings: Vec<String>,
}

impl Seen {
    async fn collect(reader: Reader<'_>) -> Result<Seen, ClusterError> {
        let namespace = reader.namespace();
        let kinds = KINDS
            .iter()
            .copied()
            .filter(|kind| *kind != "node" || namespace.is_none());
        let lists = kinds.map(|kind| async move {
            let place = namespace.filter(|_| kind != "node");
            (kind, reader.all(kind, place, &[]).await)
        });
        let slices = Served::unnamed("discovery.k8s.io", "v1", "EndpointSlice", "endpointslices");
        let (lists, slices) = tokio::join!(join_all(lists), reader.cluster.objects(&slices, namespace, &[]));
        let mut seen = Seen {
            objects: Vec::new(),
            slices: slices.ok(),
            unseen: Vec::new(),
            namespace: namespace.map(str::to_owned),
            now: reader.now,
        };
        for (kind, list) in lists {
            match list {
                Ok(objects) => seen.objects.push((kind, objects)),
                Err(ClusterError::NoSuchKind(_)) => {}
                // Without the pods nothing can be said of how all is.
                Err(ClusterError::Api { code: 403, .. }) if kind != "pod" => seen.unseen.push(kind),
                Err(error) => return Err(error),
            }
        }
        if seen.slices.is_none() {
            seen.unseen.push("endpointslice");
        }
        Ok(seen)
    }

    fn of(&self, kind: &str) -> &[Value] {
        let list = self.objects.iter().find(|(of, _)| *of == kind);
        list.map_or(&[], |(_, objects)| objects)
    }

    /// What is wrong, worst places first as [`KINDS`] has them; a problem that several objects share is told once.
    fn problems(&self) -> Vec<Problem<'_>> {
        let mut by_namespace: BTreeMap<&str, Vec<Labelled<'_>>> = BTreeMap::new();
        for pod in self.of("pod") {
            let pods = by_namespace.entry(text(pod, "/metadata/namespace")).or_default();
            pods.push((pod, labels(pod, "/metadata/labels")));
        }
        let mut told: HashSet<(String, String)> = HashSet::new();
        let mut problems = Vec::new();
        for (kind, objects) in &self.objects {
            for object in objects.iter().filter(|object| !is_part(object)) {
                let namespace = text(object, "/metadata/namespace");
                let pods = by_namespace.get(namespace).map_or(&[][..], Vec::as_slice);
                let evidence = self.evidence(kind, object, pods);
                let mut findings = findings::of(&evidence);
                let unready: Vec<String> = evidence
                    .pods
                    .iter()
                    .filter_map(|pod| unready(pod, &findings))
                    .collect();
                findings.extend(unready);
                // What the object says of itself follows from its pods.
                let own = format!("{kind} {}: ", text(object, "/metadata/name"));
                findings.sort_by_key(|line| line.starts_with(&own));
                findings.retain(|line| told.insert((namespace.to_owned(), line.clone())));
                if !findings.is_empty() {
                    problems.push(Problem {
                        kind,
                        object,
                        findings,
                    });
                }
            }
        }
        problems
    }

    /// What the rules need to know of an object; logs and warnings are for a diagnosis of it alone.
    fn evidence(&self, kind: &str, object: &Value, pods: &[Labelled<'_>]) -> Evidence {
        let namespace = text(object, "/metadata/namespace");
        let here = |kind: &str| {
            let list = self.of(kind).iter();
            list.filter(move |object| text(object, "/metadata/namespace") == namespace)
        };
        let pods: Vec<Value> = match (kind, selection(kind, object)) {
            ("pod", _) => vec![object.clone()],
            (_, Some(selector)) => {
                let chosen = pods.iter().filter(|(_, labels)| selector.matches(labels));
                chosen.map(|(pod, _)| (*pod).clone()).collect()
            }
            (_, None) => Vec::new(),
        };
        let claims = match kind {
            "persistentvolumeclaim" => vec![Claim::of(object)],
            _ if self.unseen.contains(&"persistentvolumeclaim") => Vec::new(),
            _ => used(&pods, &here("persistentvolumeclaim").collect::<Vec<_>>()),
        };
        let services = match &self.slices {
            Some(_) if !ALONE.contains(&kind) && !self.unseen.contains(&"service") => {
                leading(kind, object, here("service"))
            }
            _ => Vec::new(),
        };
        let slices = self.slices.as_deref().unwrap_or_default();
        let backend = |name: String| Backend {
            object: here("service")
                .find(|service| text(service, "/metadata/name") == name)
                .cloned(),
            slices: slices
                .iter()
                .filter(|slice| text(slice, "/metadata/namespace") == namespace)
                .filter(|slice| text(slice, "/metadata/labels/kubernetes.io~1service-name") == name)
                .cloned()
                .collect(),
            name,
        };
        Evidence {
            kind: kind.to_owned(),
            object: object.clone(),
            pods,
            claims,
            backends: services.into_iter().map(backend).collect(),
            now: self.now,
            ..Evidence::default()
        }
    }

    fn page(&self, problems: &[Problem<'_>]) -> String {
        let place = match &self.namespace {
            Some(namespace) => format!("in {namespace}"),
            None => "in the cluster".to_owned(),
        };
        let (ready, all) = findings::readiness(self.of("pod"));
        let pods = format!("{ready} of {all} pods {place} are ready");
        if problems.is_empty() {
            return format!("no problem found: {pods}\n");
        }
        let count = match problems.len() {
            1 => "1 object has a problem".to_owned(),
            several => format!("{several} objects have a problem"),
        };
        let mut out = format!("{count}, {pods}\n");
        for problem in problems.iter().take(OBJECTS) {
            out += &format!("\n{}\n", problem.name(self.namespace.is_none()));
            for line in problem.findings.iter().take(LINES) {
                // Messages of the cluster may have several lines; a finding has one.
                out += &format!("  {}\n", line.split_whitespace().collect::<Vec<_>>().join(" "));
            }
            if let more @ 1.. = problem.findings.len().saturating_sub(LINES) {
                out += &format!("  and {more} more like these\n");
            }
        }
        if let more @ 1.. = problems.len().saturating_sub(OBJECTS) {
            out += &format!("\nand {more} more objects; `-n` with a namespace shows fewer at a time\n");
        }
        out
    }

    fn data(&self, problems: &[Problem<'_>]) -> Value {
        let (ready, all) = findings::readiness(self.of("pod"));
        let problems = problems.iter().map(|problem| {
            json!({
                "kind": problem.kind,
                "namespace": text(problem.object, "/metadata/namespace"),
                "name": text(problem.object, "/metadata/name"),
                "findings": problem.findings,
            })
        });
        json!({
            "namespace": self.namespace,
            "problems": problems.collect::<Vec<_>>(),
            "pods": {"ready": ready, "total": all},
            "unseen": self.unseen,
        })
    }
}

impl Problem<'_> {
    fn name(&self, with_namespace: bool) -> String {
        let name = format!("{}/{}", self.kind, text(self.object, "/metadata/name"));
        match text(self.object, "/metadata/namespace") {
            namespace if with_namespace && !namespace.is_empty() => format!("{name} -n {namespace}"),
            _ => name,
        }
    }
}

/// Whether an object is part of another that is looked at itself. A node's own pods are looked at by themselves.
fn is_part(object: &Value) -> bool {
    items(object, "/metadata/ownerReferences").iter().any(|owner| {
        let target = format!("{}/{}", text(owner, "/kind"), text(owner, "/name"));
        owner["controller"] == true
            && owner["kind"] != "Node"
            && Target::read(&target).is_some_and(|target| KINDS.contains(&target.kind.as_str()))
    })
}

/// What an object selects its pods by.
fn selection(kind: &str, object: &Value) -> Option<Selector> {
    match kind {
        "service" => {
            let labels = labels(object, "/spec/selector");
            return (!labels.is_empty()).then(|| labels.into_iter().collect());
        }
        // Its selector chooses volumes.
        "persistentvolumeclaim" => return None,
        _ => {}
    }
    let selector: LabelSelector = serde_json::from_value(object.pointer("/spec/selector")?.clone()).ok()?;
    Selector::try_from(selector)
        .ok()
        .filter(|selector| !selector.selects_all())
}

fn labels(object: &Value, place: &str) -> BTreeMap<String, String> {
    let pairs = entries(object, place).into_iter();
    pairs.map(|(key, value)| (key.to_owned(), word(value))).collect()
}

/// A pod that is not ready, where nothing else says why.
fn unready(pod: &Value, findings: &[String]) -> Option<String> {
    let name = text(pod, "/metadata/name");
    let named = format!("pod {name}: ");
    let is_done = text(pod, "/status/phase") == "Succeeded";
    let is_told = findings.iter().any(|line| line.starts_with(&named));
    (!is_done && !is_told && !is_ready(pod)).then(|| format!("{named}is not ready ({})", status(pod)))
}
