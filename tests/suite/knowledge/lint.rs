//! Every page that ships, held against what it claims.

use std::collections::HashSet;
use std::sync::Arc;

use sayso::knowledge::page::Page;
use sayso::knowledge::shipped;
use sayso::plan::{MAX_STEPS, Plan, Step};
use sayso::sandbox::{self, Options, Seed};
use serde_json::Value;

fn pages() -> Vec<Page> {
    let read = |(path, text): (String, &str)| {
        Page::strict(path.trim_end_matches(".md"), text).unwrap_or_else(|error| panic!("{path}: {error}"))
    };
    shipped::files().into_iter().map(read).collect()
}

fn complain(wrong: &[String]) {
    assert!(wrong.is_empty(), "{} wrong:\n{}", wrong.len(), wrong.join("\n"));
}

#[test]
fn there_is_as_much_as_was_promised() {
    let pages = pages();
    let count = |folder: &str| pages.iter().filter(|page| page.id.starts_with(folder)).count();
    assert!(count("runbooks/") >= 120, "{} runbooks", count("runbooks/"));
    assert!(count("concepts/") >= 150, "{} concepts", count("concepts/"));
    let examples: usize = pages
        .iter()
        .filter(|page| page.id.starts_with("examples/"))
        .map(|page| page.sections.len())
        .sum();
    assert!(examples >= 600, "{examples} examples");
}

#[test]
fn every_page_has_what_it_is_found_and_cited_by() {
    let (mut wrong, mut ids) = (Vec::new(), HashSet::new());
    for page in pages() {
        let name = page.id.rsplit('/').next().unwrap();
        let folder = page.id.split('/').next().unwrap();
        let good_name = name
            .chars()
            .all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-')
            && name.len() <= 60;
        let mut check = |right: bool, what: &str| {
            if !right {
                wrong.push(format!("{}: {what}", page.id));
            }
        };
        check(good_name, "its name is not lower-case words joined by hyphens");
        check(!page.front.title.is_empty(), "it has no title");
        check(
            folder == "examples" || !page.front.kinds.is_empty() || !page.front.tags.is_empty(),
            "it has neither kinds nor tags",
        );
        check(
            folder != "runbooks" || !page.front.symptoms.is_empty(),
            "it has no symptoms",
        );
        check(
            page.sections.iter().all(|section| !section.heading.is_empty()),
            "text stands before its first heading",
        );
        for section in &page.sections {
            let id = format!("{}#{}", page.id, section.anchor);
            check(
                section.text.len() > 20,
                &format!("the section `{}` says nothing", section.heading),
            );
            check(ids.insert(id), "an id stands twice");
        }
        let headings: Vec<&str> = page
            .sections
            .iter()
            .map(|section| section.heading.as_str())
            .collect();
        let wanted: &[&str] = match folder {
            "runbooks" => &["Signs", "Checks", "Fixes", "Over when"],
            "concepts" => &["What it is"],
            _ => &[],
        };
        for heading in wanted {
            check(
                headings.contains(heading),
                &format!("it has no section `{heading}`"),
            );
        }
    }
    complain(&wrong);
}

#[test]
fn links_lead_somewhere() {
    let pages = pages();
    let ids: HashSet<&str> = pages.iter().map(|page| page.id.as_str()).collect();
    let mut wrong = Vec::new();
    for page in &pages {
        let folder = page.id.split('/').next().unwrap();
        for section in &page.sections {
            for target in section
                .text
                .split("](")
                .skip(1)
                .filter_map(|rest| rest.split(')').next())
            {
                let path = target.split('#').next().unwrap();
                let full = match path.strip_prefix("../") {
                    Some(path) => path.to_owned(),
                    None => format!("{folder}/{path}"),
                };
                if !ids.contains(full.trim_end_matches(".md")) {
                    wrong.push(format!("{}: {target}", page.id));
                }
            }
        }
    }
    complain(&wrong);
}

/// The lines of all fenced blocks of a language, by block.
fn fenced(text: &str, language: &str) -> Vec<Vec<String>> {
    let mut found = Vec::new();
    let mut inside: Option<bool> = None;
    for line in text.lines().map(str::trim) {
        match (line.strip_prefix("```"), inside) {
            (Some(tag), None) => {
                inside = Some(tag == language);
                if tag == language {
                    found.push(Vec::new());
                }
            }
            (Some(_), Some(_)) => inside = None,
            (None, Some(true)) if !line.is_empty() && !line.starts_with('#') => {
                found.last_mut().unwrap().push(line.to_owned());
            }
            _ => {}
        }
    }
    assert!(inside.is_none(), "a fence that is not closed:\n{text}");
    found
}

#[test]
fn plans_are_plans() {
    let mut wrong = Vec::new();
    for page in pages() {
        let example = page.id.starts_with("examples/");
        for section in &page.sections {
            let place = format!("{}#{}", page.id, section.anchor);
            let blocks = fenced(&section.text, "plan");
            if example && blocks.len() != 1 {
                wrong.push(format!("{place}: {} plans instead of one", blocks.len()));
            }
            for lines in blocks {
                let steps: Vec<_> = lines
                    .iter()
                    .map(|line| {
                        line.parse::<Step>()
                            .map_err(|error| format!("{place}: {line}: {error}"))
                    })
                    .collect();
                wrong.extend(steps.iter().filter_map(|step| step.clone().err()));
                let steps: Vec<Step> = steps.into_iter().flatten().collect();
                if example && Plan::new(steps).is_err() {
                    wrong.push(format!("{place}: not of 1 to {MAX_STEPS} steps"));
                }
            }
        }
    }
    complain(&wrong);
}

#[test]
fn manifests_are_yaml() {
    let mut wrong = Vec::new();
    for page in pages() {
        for section in &page.sections {
            for block in raw_fenced(&section.text, "yaml") {
                for document in block.split("\n---\n") {
                    if let Err(error) = serde_saphyr::from_str::<Value>(document) {
                        wrong.push(format!("{}#{}: {error}", page.id, section.anchor));
                    }
                }
            }
        }
    }
    complain(&wrong);
}

/// Blocks of a language as they stand, but for the indent of their fence.
fn raw_fenced(text: &str, language: &str) -> Vec<String> {
    let mut found: Vec<String> = Vec::new();
    let mut inside: Option<(bool, usize)> = None;
    for line in text.lines() {
        match (line.trim_start().strip_prefix("```"), inside) {
            (Some(tag), None) => {
                inside = Some((tag == language, line.len() - line.trim_start().len()));
                if tag == language {
                    found.push(String::new());
                }
            }
            (Some(_), Some(_)) => inside = None,
            (None, Some((true, indent))) => {
                let last = found.last_mut().unwrap();
                last.push_str(line.get(indent..).unwrap_or_default());
                last.push('\n');
            }
            _ => {}
        }
    }
    found
}

/// Fields that pages name are looked for in the documents of the API that we serve ourselves. Kinds that it does not
/// serve (those of add-ons) cannot be checked.
#[test]
fn fields_exist() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let running = Arc::new(
        runtime
            .block_on(sandbox::start(Options {
                seed: Seed::Shop,
                ..Options::default()
            }))
            .unwrap(),
    );
    let get = |path: &str| -> Value {
        let address = format!("{}{path}", running.url());
        runtime.block_on(async {
            serde_json::from_str(&reqwest::get(address).await.unwrap().text().await.unwrap()).unwrap()
        })
    };
    let index = get("/openapi/v3");
    let mut documents: Vec<Value> = Vec::new();
    for place in index["paths"].as_object().unwrap().values() {
        documents.push(get(place["serverRelativeURL"].as_str().unwrap()));
    }
    let mut wrong = Vec::new();
    let mut checked = 0;
    for page in pages() {
        for field in &page.front.fields {
            match exists(field, &documents) {
                Some(true) => checked += 1,
                Some(false) => wrong.push(format!("{}: {field}", page.id)),
                None => {}
            }
        }
    }
    complain(&wrong);
    assert!(checked >= 100, "only {checked} fields could be checked");
}

/// Whether a field exists in any version of its kind; nothing where the kind is not served.
fn exists(field: &str, documents: &[Value]) -> Option<bool> {
    let (kind, path) = field.split_once('.').unwrap_or((field, ""));
    let mut served = false;
    for document in documents {
        for schema in document["components"]["schemas"].as_object().unwrap().values() {
            let kinds = schema["x-kubernetes-group-version-kind"].as_array();
            let is_it = |one: &Value| {
                one["kind"]
                    .as_str()
                    .is_some_and(|name| name.to_lowercase() == kind)
            };
            if kinds.is_some_and(|kinds| kinds.len() == 1 && is_it(&kinds[0])) {
                served = true;
                if leads(schema, path, document) {
                    return Some(true);
                }
            }
        }
    }
    served.then_some(false)
}

fn leads(schema: &Value, path: &str, document: &Value) -> bool {
    let mut here = schema;
    for part in path.split('.').filter(|part| !part.is_empty()) {
        here = inner(here, document);
        if here["x-kubernetes-preserve-unknown-fields"] == true {
            return true;
        }
        match here["properties"].get(part) {
            Some(next) => here = next,
            None => return false,
        }
    }
    true
}

/// What a schema stands for: behind references, the elements of lists and the values of maps.
fn inner<'a>(schema: &'a Value, document: &'a Value) -> &'a Value {
    let reference = schema["$ref"].as_str().or(schema["allOf"][0]["$ref"].as_str());
    if let Some(name) = reference.and_then(|reference| reference.rsplit('/').next()) {
        return inner(&document["components"]["schemas"][name], document);
    }
    for key in ["items", "additionalProperties"] {
        if schema[key].is_object() {
            return inner(&schema[key], document);
        }
    }
    schema
}
