//! Which objects a request is shown with: in small clusters and in large ones, the right one has to be among them.

use std::collections::HashSet;

use sayso::cluster::{Cluster, ConnectOptions};
use sayso::driver::eval::{Expectation, Suite};
use sayso::plan::focus::FOCUS_LIMIT;
use sayso::plan::{Focus, ObjectFact, Snapshot};
use sayso::sandbox::{self, Options};

const PEOPLE: &str = include_str!("../eval/people.jsonl");
const PLAIN: &str = include_str!("../eval/plain.jsonl");
const THIRD_PARTY: &str = include_str!("../eval/third-party.jsonl");

fn shop() -> Snapshot {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(async {
        let running = sandbox::start(Options::default()).await.unwrap();
        let options = ConnectOptions {
            inline: Some(running.kubeconfig()),
            ..ConnectOptions::default()
        };
        let snapshot = Cluster::connect(&options)
            .await
            .unwrap()
            .snapshot()
            .await
            .unwrap();
        running.stop().await;
        snapshot
    })
}

/// The shop among so many objects of other people: names made of the same words, services and pods of every workload.
fn crowd(shop: &Snapshot, size: usize) -> Snapshot {
    const FIRST: &[&str] = &[
        "order", "user", "media", "search", "mail", "stock", "price", "audit", "web", "cart", "auth",
        "ledger", "geo",
    ];
    const SECOND: &[&str] = &[
        "api", "worker", "cache", "gateway", "sync", "exporter", "ui", "config", "report",
    ];
    let mut world = shop.clone();
    let object = |kind: &str, namespace: &str, name: String| ObjectFact {
        kind: kind.to_owned(),
        namespace: namespace.to_owned(),
        labels: [("app".to_owned(), name.clone())].into(),
        name,
        ..ObjectFact::default()
    };
    for number in 0.. {
        let namespace = format!("team-{}", number % 97);
        let (first, second) = (FIRST[number % FIRST.len()], SECOND[(number / 7) % SECOND.len()]);
        let name = format!("{first}-{second}-{}", number / 11);
        for (kind, end) in [
            ("deployment", ""),
            ("service", ""),
            ("configmap", "-settings"),
            ("pod", "-7c9f8d6b5-x2v4q"),
        ] {
            if world.objects.len() >= size {
                return world;
            }
            world
                .objects
                .push(object(kind, &namespace, format!("{name}{end}")));
        }
        if !world.namespaces.contains(&namespace) {
            world.namespaces.push(namespace);
        }
    }
    world
}

/// Requests that are about objects, with what is shown of theirs.
#[derive(Default)]
struct Recall {
    asked: usize,
    /// Those shown with all of theirs among the best eight, which a prompt has room for.
    in_prompt: usize,
    /// Among the best twelve.
    in_twelve: usize,
    missed: Vec<String>,
}

/// Takes every so many-th request of the suite.
fn recall(suite: &str, world: &Snapshot, every: usize) -> Recall {
    let mut recall = Recall::default();
    for case in Suite::read(suite, None).unwrap().cases.iter().step_by(every) {
        let Expectation::Plans(plans) = &case.expect else {
            continue;
        };
        let steps = plans[0].steps();
        let made: Vec<_> = steps.iter().filter_map(|step| step.action.creates()).collect();
        let named = steps.iter().flat_map(|step| step.action.targets());
        let targets: Vec<_> = named.filter(|target| !made.contains(target)).collect();
        if targets.is_empty() {
            continue;
        }
        let focus = Focus::best(&case.request, world, 12);
        let place = |fact: &ObjectFact| {
            targets
                .iter()
                .any(|t| t.kind.as_str() == fact.kind && t.name == fact.name)
        };
        let shown = |limit: usize| {
            let hits: HashSet<_> = focus
                .objects
                .iter()
                .take(limit)
                .filter(|fact| place(fact))
                .map(|f| (&f.kind, &f.name))
                .collect();
            let wanted: HashSet<_> = targets.iter().collect();
            hits.len() >= wanted.len()
        };
        recall.asked += 1;
        recall.in_prompt += usize::from(shown(FOCUS_LIMIT));
        recall.in_twelve += usize::from(shown(12));
        if !shown(12) {
            recall.missed.push(case.request.clone());
        }
    }
    recall
}

#[test]
fn the_right_object_is_shown_in_worlds_of_every_size() {
    let shop = shop();
    for (size, every) in [(50, 1), (500, 3), (20_000, 40)] {
        let found = recall(PEOPLE, &crowd(&shop, size), every);
        assert!(found.asked * every > 150, "{}", found.asked);
        println!(
            "{size}: {} of {} in the prompt, {} in twelve",
            found.in_prompt, found.asked, found.in_twelve
        );
        assert!(
            found.in_prompt * 100 >= found.asked * 94 && found.in_twelve * 100 >= found.asked * 95,
            "{} and {} of {} among {size}: {:#?}",
            found.in_prompt,
            found.in_twelve,
            found.asked,
            found.missed
        );
    }
}

#[test]
fn every_suite_can_be_read() {
    for (suite, count) in [(PLAIN, 68), (PEOPLE, 322), (THIRD_PARTY, 42)] {
        let suite = Suite::read(suite, None).unwrap();
        let mut names: Vec<&str> = suite.cases.iter().map(|case| case.id.as_str()).collect();
        names.sort_unstable();
        names.dedup();
        assert_eq!((suite.cases.len(), names.len()), (count, count));
    }
}
