//! From the names of a plan to single objects: namespaces filled in, ambiguity turned into a question.

use std::collections::BTreeSet;

use super::command::{Action, Reach};
use super::kind::Kind;
use super::snapshot::{ObjectFact, Snapshot};
use super::target::Target;
use super::text::{Plan, Scope, Step};

/// Why a plan cannot be pinned down, as a question to the user.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Question(pub String);

/// Names the namespace of every step that has one, so that the plan means the same wherever it is read.
///
/// A target without a namespace is taken from the default namespace if it is there, else from the only namespace that
/// has it; if several have it, that is a question. Steps without live targets use the default namespace.
pub fn resolve(plan: &Plan, snapshot: &Snapshot) -> Result<Plan, Question> {
    let mut resolved: Vec<Step> = Vec::with_capacity(plan.steps().len());
    for step in plan.steps() {
        let scope = resolve_scope(step, snapshot, &resolved)?;
        check_containers(step, &scope, snapshot)?;
        let mut action = step.action.clone();
        place_accounts(&mut action, &scope, snapshot, &resolved);
        resolved.push(Step { action, scope });
    }
    Plan::new(resolved).map_err(|error| Question(error.to_string()))
}

/// Completes service accounts that are bound without their namespace, which the cluster would refuse: with that of the one
/// that an earlier step creates, else of the only live one, else of the step.
fn place_accounts(action: &mut Action, scope: &Scope, snapshot: &Snapshot, earlier: &[Step]) {
    let accounts = match action {
        Action::CreateRoleBinding(binding) => &mut binding.accounts,
        Action::CreateClusterRoleBinding(binding) => &mut binding.accounts,
        _ => return,
    };
    for account in accounts.iter_mut().filter(|account| !account.0.contains(':')) {
        let Some(target) = Kind::read("serviceaccount").map(|kind| Target {
            kind,
            name: account.0.clone(),
        }) else {
            continue;
        };
        let places = places(&target, snapshot, earlier);
        let namespace = match (places.len(), places.first(), scope) {
            (1, Some(only), _) => only,
            (_, _, Scope::Named(own)) => own,
            _ => &snapshot.default_namespace,
        };
        account.0 = format!("{namespace}:{}", account.0);
    }
}

fn resolve_scope(step: &Step, snapshot: &Snapshot, earlier: &[Step]) -> Result<Scope, Question> {
    if step.action.shape().reach == Reach::Cluster || step.scope == Scope::All {
        return Ok(step.scope.clone());
    }
    let targets: Vec<&Target> = step
        .action
        .targets()
        .into_iter()
        .filter(|target| snapshot.is_namespaced(&target.kind))
        .collect();
    if targets.is_empty() {
        return Ok(without_targets(step, snapshot));
    }
    if let Scope::Named(namespace) = &step.scope {
        return named(namespace, &targets, snapshot, earlier);
    }
    let mut candidates: Option<BTreeSet<String>> = None;
    for target in &targets {
        let places = places(target, snapshot, earlier);
        candidates = Some(match candidates {
            None => places,
            Some(known) => known.intersection(&places).cloned().collect(),
        });
    }
    choose(&candidates.unwrap_or_default(), &targets, snapshot)
}

/// A step that names no object of a namespace. What has no namespace at all stays without one.
fn without_targets(step: &Step, snapshot: &Snapshot) -> Scope {
    let only_cluster_targets = !step.action.targets().is_empty();
    match &step.scope {
        Scope::Default if only_cluster_targets => Scope::Default,
        Scope::Default if is_manifest_with_namespace(&step.action) => Scope::Default,
        Scope::Default if lists_cluster_kinds(&step.action, snapshot) => Scope::Default,
        Scope::Default => Scope::Named(snapshot.default_namespace.clone()),
        scope => scope.clone(),
    }
}

/// A manifest says itself where it goes.
fn is_manifest_with_namespace(action: &Action) -> bool {
    matches!(action, Action::Apply(apply) if apply.manifest.0.pointer("/metadata/namespace").is_some())
}

/// Whether every kind that is listed lives outside namespaces.
fn lists_cluster_kinds(action: &Action, snapshot: &Snapshot) -> bool {
    match action {
        Action::Get(get) => get
            .kinds
            .expanded()
            .iter()
            .all(|kind| !snapshot.is_namespaced(kind)),
        Action::DescribeKind(describe) => !snapshot.is_namespaced(&describe.kind.0),
        Action::DeleteMatching(delete) => !snapshot.is_namespaced(&delete.kind.0),
        Action::Top(top) => top.what == super::target::Measured::Nodes,
        _ => false,
    }
}

/// Keeps the namespace that was named, unless what was named is only elsewhere.
fn named(
    namespace: &str,
    targets: &[&Target],
    snapshot: &Snapshot,
    earlier: &[Step],
) -> Result<Scope, Question> {
    for target in targets {
        let places = places(target, snapshot, earlier);
        if !places.is_empty() && !places.contains(namespace) {
            let elsewhere = join(places.iter().map(|place| format!("{place}/{}", target.name)));
            return Err(Question(format!(
                "there is no {} called {} in {namespace}; did you mean {elsewhere}?",
                target.kind, target.name
            )));
        }
    }
    Ok(Scope::Named(namespace.to_owned()))
}

/// Asks where the object that a step means lacks a container that the step names, and a namesake elsewhere has it. A write
/// never moves to another namespace by itself.
fn check_containers(step: &Step, scope: &Scope, snapshot: &Snapshot) -> Result<(), Question> {
    let (Scope::Named(namespace), Some(target)) = (scope, step.action.targets().first().copied()) else {
        return Ok(());
    };
    for wanted in step.action.containers() {
        let has = |object: &&ObjectFact| object.containers.iter().any(|(name, _)| name == wanted);
        let namesakes: Vec<&ObjectFact> = snapshot.named(&target.kind, &target.name).collect();
        let is_here = |object: &&&ObjectFact| object.namespace == *namespace;
        let here = namesakes.iter().find(is_here);
        let elsewhere = namesakes.iter().find(|object| has(object));
        if let (Some(here), Some(elsewhere)) = (here, elsewhere)
            && !has(here)
        {
            return Err(Question(format!(
                "{namespace}/{name} has no container {wanted}; did you mean {}/{name}?",
                elsewhere.namespace,
                name = target.name
            )));
        }
    }
    Ok(())
}

/// Where an object of that kind and name is, or will be after the earlier steps.
fn places(target: &Target, snapshot: &Snapshot, earlier: &[Step]) -> BTreeSet<String> {
    let live = snapshot
        .named(&target.kind, &target.name)
        .map(|object| object.namespace.clone());
    let created = creators(target, earlier).filter_map(Step::namespace);
    live.chain(created.map(str::to_owned)).collect()
}

/// Whether there is an object of that kind and name, or will be after the earlier steps.
pub fn exists(target: &Target, snapshot: &Snapshot, earlier: &[Step]) -> bool {
    snapshot.named(&target.kind, &target.name).next().is_some() || creators(target, earlier).next().is_some()
}

/// The steps that create an object of that kind and name.
fn creators<'a>(target: &'a Target, steps: &'a [Step]) -> impl Iterator<Item = &'a Step> {
    steps
        .iter()
        .filter(move |step| step.action.creates().as_ref() == Some(target))
}

fn choose(
    candidates: &BTreeSet<String>,
    targets: &[&Target],
    snapshot: &Snapshot,
) -> Result<Scope, Question> {
    let home = &snapshot.default_namespace;
    if candidates.contains(home) {
        return Ok(Scope::Named(home.clone()));
    }
    match candidates.iter().next() {
        Some(only) if candidates.len() == 1 => Ok(Scope::Named(only.clone())),
        // Nowhere: the cluster will say so, with its own words, about the default namespace.
        None => Ok(Scope::Named(home.clone())),
        Some(_) => {
            let target = targets[0];
            let count = candidates.len();
            let list = join(candidates.iter().map(|place| format!("{place}/{}", target.name)));
            Err(Question(format!(
                "{count} {}s are called {}: {list}; which one?",
                target.kind, target.name
            )))
        }
    }
}

fn join(items: impl Iterator<Item = String>) -> String {
    items.collect::<Vec<_>>().join(", ")
}
