//! The indexes under trouble, and the finding of what they hold.

use super::*;
use crate::session::{Origin, Passage};

fn unit(name: &str, digest: &str, text: &str) -> Unit {
    let passage = Passage {
        id: format!("user/{name}#top"),
        title: name.to_owned(),
        heading: String::new(),
        text: text.to_owned(),
        origin: Origin::User,
        source: name.to_owned(),
        version: digest.to_owned(),
    };
    let entry = schema::Entry {
        passage,
        kinds: Vec::new(),
        fields: Vec::new(),
        symptoms: Vec::new(),
        asked: Vec::new(),
        leads: false,
        tags: Vec::new(),
    };
    Unit {
        name: name.to_owned(),
        digest: digest.to_owned(),
        entries: vec![entry],
    }
}

fn found(cache: &Path, text: &str) -> Vec<String> {
    let knowledge = Knowledge::open(cache).unwrap();
    let hits = knowledge
        .search(
            &Query {
                mode: Mode::Words,
                ..Query::new(text, 10)
            },
            None,
        )
        .unwrap();
    hits.into_iter().map(|hit| hit.passage.id).collect()
}

#[test]
fn what_ships_is_built_once_and_opened_after_that() {
    let cache = tempfile::tempdir().unwrap();
    let first = Knowledge::open(cache.path()).unwrap();
    assert!(first.notices.is_empty() && first.sizes().0 > 0);
    let meta = || {
        std::fs::metadata(shipped::place(cache.path()).join("meta.json"))
            .unwrap()
            .modified()
            .unwrap()
    };
    let built = meta();
    Knowledge::open(cache.path()).unwrap();
    assert_eq!(meta(), built);
}

fn files_of(folder: &Path) -> Vec<PathBuf> {
    let files = std::fs::read_dir(folder)
        .unwrap()
        .map(|file| file.unwrap().path());
    let index =
        |path: &PathBuf| !path.to_string_lossy().ends_with(".lock") && !path.ends_with(".managed.json");
    files.filter(index).collect()
}

/// Every file of an index: a byte of it turned over, cut to half, removed. No such index opens.
#[test]
fn a_damaged_index_is_not_opened() {
    let entries = unit("ann", "1", "Call Ann about zebras.").entries;
    for damage in 0..3 {
        let built = |folder: &Path| shelf::build(Some(folder), &entries, &Embedding::shipped()).unwrap();
        let count = {
            let folder = tempfile::tempdir().unwrap();
            built(folder.path());
            files_of(folder.path()).len()
        };
        for number in 0..count {
            let folder = tempfile::tempdir().unwrap();
            built(folder.path());
            assert!(Shelf::open(folder.path()).is_ok());
            let path = files_of(folder.path()).remove(number);
            let mut bytes = std::fs::read(&path).unwrap();
            let middle = bytes.len() / 2;
            match damage {
                0 => bytes[middle] ^= 0x55,
                _ => bytes.truncate(middle),
            }
            match damage {
                2 => std::fs::remove_file(&path).unwrap(),
                _ => std::fs::write(&path, bytes).unwrap(),
            }
            assert!(Shelf::open(folder.path()).is_err(), "{} {damage}", path.display());
        }
    }
}

#[test]
fn a_damaged_index_is_built_again() {
    let cache = tempfile::tempdir().unwrap();
    let good = found(cache.path(), "PodDisruptionBudget drain");
    let path = files_of(&shipped::place(cache.path()))
        .into_iter()
        .max_by_key(|path| path.metadata().unwrap().len());
    let path = path.unwrap();
    let mut bytes = std::fs::read(&path).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 0x55;
    std::fs::write(&path, bytes).unwrap();
    assert_eq!(found(cache.path(), "PodDisruptionBudget drain"), good);
    assert!(Knowledge::open(cache.path()).unwrap().notices.is_empty());
}

#[test]
fn what_killed_builds_left_is_swept_up() {
    let cache = tempfile::tempdir().unwrap();
    for name in [".building-x1", "shipped-0-abc"] {
        std::fs::create_dir(cache.path().join(name)).unwrap();
        std::fs::write(cache.path().join(name).join("meta.json"), "{").unwrap();
    }
    // Half of an index at the very place.
    std::fs::create_dir(shipped::place(cache.path())).unwrap();
    std::fs::write(shipped::place(cache.path()).join("meta.json"), "{").unwrap();
    assert!(!found(cache.path(), "pod").is_empty());
    let left: Vec<_> = std::fs::read_dir(cache.path())
        .unwrap()
        .map(|entry| entry.unwrap().file_name())
        .collect();
    assert_eq!(left.len(), 2, "{left:?}");
}

#[test]
fn two_at_once_build_it_once() {
    let cache = tempfile::tempdir().unwrap();
    let results: Vec<_> = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..4)
            .map(|_| scope.spawn(|| found(cache.path(), "pod pending")))
            .collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    assert!(!results[0].is_empty());
    assert!(results.iter().all(|result| *result == results[0]));
}

#[test]
fn without_a_place_to_write_answers_come_from_memory() {
    let home = tempfile::tempdir().unwrap();
    let in_the_way = home.path().join("cache");
    std::fs::write(&in_the_way, "a file").unwrap();
    let knowledge = Knowledge::open(&in_the_way).unwrap();
    assert_eq!(knowledge.notices.len(), 1);
    assert!(!knowledge.search(&Query::new("pod", 3), None).unwrap().is_empty());
}

#[test]
fn units_are_indexed_when_they_change_and_forgotten_when_they_go() {
    let cache = tempfile::tempdir().unwrap();
    let cache = cache.path();
    let both = [
        unit("ann", "1", "Call Ann about zebras."),
        unit("bob", "1", "Call Bob about zebras."),
    ];
    let change = own::sync(cache, "user:team", &both, true).unwrap();
    assert_eq!((change.indexed, change.unchanged, change.removed), (2, 0, 0));
    assert_eq!(found(cache, "zebras").len(), 2);
    let change = own::sync(cache, "user:team", &both, true).unwrap();
    assert_eq!((change.indexed, change.unchanged, change.removed), (0, 2, 0));
    let changed = [unit("ann", "2", "Call Ann about yaks.")];
    let change = own::sync(cache, "user:team", &changed, true).unwrap();
    assert_eq!((change.indexed, change.unchanged, change.removed), (1, 0, 1));
    assert_eq!(found(cache, "zebras"), Vec::<String>::new());
    assert_eq!(found(cache, "yaks"), ["user/ann#top"]);
    let (shelf, _) = own::open(cache);
    assert_eq!(own::units(&shelf.unwrap(), "user:team").unwrap()["ann"], "2");
    own::forget(cache, "user:team").unwrap();
    assert_eq!(found(cache, "yaks"), Vec::<String>::new());
}

#[test]
fn a_part_of_a_source_can_be_brought_up_to_date() {
    let cache = tempfile::tempdir().unwrap();
    let cache = cache.path();
    own::sync(cache, "memory", &[unit("one", "1", "zebras")], false).unwrap();
    let change = own::sync(cache, "memory", &[unit("two", "1", "zebras")], false).unwrap();
    assert_eq!((change.indexed, change.removed), (1, 0));
    assert_eq!(found(cache, "zebras").len(), 2);
}

#[test]
fn an_own_index_that_is_damaged_is_told_of_and_made_again() {
    let cache = tempfile::tempdir().unwrap();
    let cache = cache.path();
    own::sync(cache, "user:team", &[unit("ann", "1", "zebras")], true).unwrap();
    std::fs::write(own::place(cache).join("meta.json"), "{\"segments\":").unwrap();
    assert_eq!(Knowledge::open(cache).unwrap().notices.len(), 1);
    assert!(found(cache, "zebras").is_empty());
    let change = own::sync(cache, "user:team", &[unit("ann", "1", "zebras")], true).unwrap();
    assert_eq!(change.indexed, 1);
    assert_eq!(found(cache, "zebras").len(), 1);
}

#[test]
fn one_cluster_s_schemas_are_not_another_s() {
    let cache = tempfile::tempdir().unwrap();
    let cache = cache.path();
    for context in ["one", "two"] {
        let name = format!("widget-{context}");
        own::sync(
            cache,
            &explain::source(context),
            &[unit(&name, "1", "zebras turn")],
            true,
        )
        .unwrap();
    }
    let knowledge = Knowledge::open(cache).unwrap();
    for mode in [Mode::Words, Mode::Vectors, Mode::Fused] {
        let query = Query {
            mode,
            ..Query::new("zebras", 50)
        };
        let hits = |context: Option<&str>| -> Vec<String> {
            let hits = knowledge.search(&query, context).unwrap().into_iter();
            hits.map(|hit| hit.passage.title)
                .filter(|title| title.starts_with("widget"))
                .collect()
        };
        assert_eq!(hits(Some("one")), ["widget-one"], "{mode:?}");
        assert!(hits(None).is_empty(), "{mode:?}");
    }
}

#[test]
fn documents_are_remembered_and_brought_up_to_date() {
    let home = tempfile::tempdir().unwrap();
    let folder = home.path().join("Team Runbooks");
    std::fs::create_dir_all(folder.join("deep")).unwrap();
    std::fs::write(
        folder.join("deep/zebra.md"),
        "# Zebra\n## When it bites\nCall the vet.\n",
    )
    .unwrap();
    std::fs::write(folder.join("picture.png"), [0xff, 0xd8]).unwrap();
    let (data, cache) = (home.path().join("data"), home.path().join("cache"));
    let documents = Documents::new(&data, &cache);
    let (source, change) = documents.add(folder.to_str().unwrap()).unwrap();
    assert_eq!(
        (source.name.as_str(), change.indexed, change.passages),
        ("team-runbooks", 1, 1)
    );
    assert_eq!(
        found(&cache, "zebra bites"),
        ["user/team-runbooks/deep/zebra#when-it-bites"]
    );
    std::fs::write(folder.join("deep/zebra.md"), "# Zebra\n## When it kicks\nRun.\n").unwrap();
    documents.refresh(false).unwrap();
    assert_eq!(
        found(&cache, "zebra"),
        ["user/team-runbooks/deep/zebra#when-it-kicks"]
    );
    documents.remove("team-runbooks").unwrap();
    assert!(found(&cache, "zebra").is_empty() && documents.sources().unwrap().is_empty());
    assert!(matches!(
        documents.remove("team-runbooks"),
        Err(KnowledgeError::NoSuchSource(_))
    ));
    assert!(documents.add("/nowhere/at/all").is_err());
}
