//! `get`: the server's tables, or objects as documents.

use futures::future::join_all;
use serde_json::{Map, Value, json};

use super::age::age;
use super::document;
use super::fetch::{JSON, Listed, TABLE, whole_items};
use super::grid::table;
use super::json::{items, number, pairs, text, word};
use super::{ReadOutput, Reader, sort};
use crate::cluster::{ClusterError, Served};
use crate::plan::command::{Get, GetObjects};

/// How tables are printed.
struct Style {
    is_wide: bool,
    shows_labels: bool,
    /// Whether names carry their kind, as kubectl does where it prints several.
    names_kind: bool,
    shows_namespace: bool,
}

/// Rows of one kind, as the server computed them.
struct Sheet {
    served: Served,
    columns: Vec<Value>,
    rows: Vec<Value>,
}

/// `get KINDS`.
pub(super) async fn kinds(reader: Reader<'_>, get: &Get) -> Result<ReadOutput, ClusterError> {
    let mut served = Vec::new();
    for kind in get.kinds.expanded() {
        served.push(reader.served(&kind).await?);
    }
    let form = get.output.as_ref().map_or("", |output| output.0.as_str());
    let accept = if matches!(form, "json" | "yaml" | "name") {
        JSON
    } else {
        TABLE
    };
    let answers = join_all(served.iter().map(|served| list(reader, served, get, accept))).await;
    let (listed, mut notices) = tolerate(served, answers)?;
    notices.extend(
        listed
            .iter()
            .filter(|(_, listed)| listed.is_cut)
            .map(|(served, listed)| {
                format!(
                    "only the first {} {} are shown",
                    listed.entries.len(),
                    served.api.plural
                )
            }),
    );
    let output = if accept == JSON {
        documents(reader, get, form, listed)?
    } else {
        let style = Style {
            is_wide: form == "wide",
            shows_labels: get.show_labels,
            names_kind: listed.len() > 1,
            shows_namespace: reader.namespace().is_none(),
        };
        sheets(reader, get, &style, listed)
    };
    Ok(ReadOutput { notices, ..output })
}

/// `get KIND/NAME ...`.
pub(super) async fn objects(reader: Reader<'_>, get: &GetObjects) -> Result<ReadOutput, ClusterError> {
    let form = get.output.as_ref().map_or("", |output| output.0.as_str());
    let accept = if matches!(form, "json" | "yaml" | "name") {
        JSON
    } else {
        TABLE
    };
    let mut served = Vec::new();
    for target in &get.targets.0 {
        served.push(reader.served(&target.0.kind).await?);
    }
    let asked = served.iter().zip(&get.targets.0).map(|(served, target)| {
        let path = served.path_of(Some(reader.home()), Some(&target.0.name));
        async move { reader.cluster.document(&path, accept).await }
    });
    let answers = join_all(asked).await;
    let (found, notices) = tolerate(served, answers)?;
    let output = if accept == JSON {
        named_documents(form, found)?
    } else {
        named_sheets(reader, get, form, found)
    };
    Ok(ReadOutput { notices, ..output })
}

async fn list(reader: Reader<'_>, served: &Served, get: &Get, accept: &str) -> Result<Listed, ClusterError> {
    let mut query = Vec::new();
    if let Some(selector) = &get.selector {
        query.push(("labelSelector", selector.0.as_str()));
    }
    if let Some(selector) = &get.field_selector {
        query.push(("fieldSelector", selector.0.as_str()));
    }
    if accept == TABLE {
        // Rows bring their whole objects only where they are sorted by a field of them.
        query.push((
            "includeObject",
            if get.sort_by.is_some() {
                "Object"
            } else {
                "Metadata"
            },
        ));
    }
    reader
        .cluster
        .pages(served, reader.namespace(), &query, accept)
        .await
}

/// What was found of each kind, and notices about what was not.
type Found<T> = (Vec<(Served, T)>, Vec<String>);

/// What was found, with errors as notices where something was; the first error where nothing was.
fn tolerate<T>(served: Vec<Served>, answers: Vec<Result<T, ClusterError>>) -> Result<Found<T>, ClusterError> {
    let (mut found, mut errors) = (Vec::new(), Vec::new());
    for (served, answer) in served.into_iter().zip(answers) {
        match answer {
            Ok(answer) => found.push((served, answer)),
            Err(error) => errors.push(error),
        }
    }
    if found.is_empty() && !errors.is_empty() {
        return Err(errors.swap_remove(0));
    }
    Ok((found, errors.iter().map(ToString::to_string).collect()))
}

fn documents(
    reader: Reader<'_>,
    get: &Get,
    form: &str,
    listed: Vec<(Served, Listed)>,
) -> Result<ReadOutput, ClusterError> {
    let (mut all, mut names, mut any_namespaced) = (Vec::new(), String::new(), false);
    for (served, listed) in listed {
        let mut objects = whole_items(&listed.head, listed.entries);
        order(get, &mut objects, "");
        names += &document::names(&served, &objects);
        any_namespaced |= served.namespaced;
        all.append(&mut objects);
    }
    let is_empty = all.is_empty();
    let whole = document::whole(all, true);
    match form {
        "name" if is_empty => Ok(ReadOutput::nothing(
            &no_resources(reader, any_namespaced),
            Some(whole),
        )),
        "name" => Ok(ReadOutput::new(&names, Some(whole))),
        form => document::print(whole, form),
    }
}

fn named_documents(form: &str, found: Vec<(Served, Value)>) -> Result<ReadOutput, ClusterError> {
    let each = found
        .iter()
        .map(|(served, object)| document::names(served, std::slice::from_ref(object)));
    let names: String = each.collect();
    let whole = document::whole(found.into_iter().map(|(_, object)| object).collect(), false);
    if form == "name" {
        Ok(ReadOutput::new(&names, Some(whole)))
    } else {
        document::print(whole, form)
    }
}

fn sheets(reader: Reader<'_>, get: &Get, style: &Style, listed: Vec<(Served, Listed)>) -> ReadOutput {
    let any_namespaced = listed.iter().any(|(served, _)| served.namespaced);
    let mut sheets: Vec<Sheet> = listed
        .into_iter()
        .map(|(served, listed)| Sheet::read(served, &listed.head, listed.entries, reader))
        .filter(|sheet| !sheet.rows.is_empty())
        .collect();
    for sheet in &mut sheets {
        order(get, &mut sheet.rows, "/object");
    }
    if sheets.is_empty() {
        let data = json!({"kind": "Table", "rows": []});
        return ReadOutput::nothing(&no_resources(reader, any_namespaced), Some(data));
    }
    print(&sheets, style)
}

fn named_sheets(reader: Reader<'_>, get: &GetObjects, form: &str, found: Vec<(Served, Value)>) -> ReadOutput {
    let mut sheets: Vec<Sheet> = Vec::new();
    for (served, mut answer) in found {
        let rows = match answer.get_mut("rows").map(Value::take) {
            Some(Value::Array(rows)) => rows,
            _ => vec![answer.clone()],
        };
        let mut sheet = Sheet::read(served, &answer, rows, reader);
        match sheets.last_mut().filter(|last| last.served == sheet.served) {
            Some(last) => last.rows.append(&mut sheet.rows),
            None => sheets.push(sheet),
        }
    }
    let first = sheets.first().map(|sheet| sheet.served.clone());
    let style = Style {
        is_wide: form == "wide",
        shows_labels: get.show_labels,
        names_kind: sheets.iter().any(|sheet| Some(&sheet.served) != first.as_ref()),
        shows_namespace: false,
    };
    print(&sheets, &style)
}

/// kubectl's words for nothing, which name the namespace only where that could be the reason.
fn no_resources(reader: Reader<'_>, any_namespaced: bool) -> String {
    match reader.namespace() {
        Some(namespace) if any_namespaced => format!("No resources found in {namespace} namespace."),
        _ => "No resources found".to_owned(),
    }
}

/// Sorts by the path that was asked for; without one, the server's order stays.
fn order(get: &Get, entries: &mut [Value], prefix: &str) {
    if let Some(key) = &get.sort_by {
        let pointer = format!("{prefix}{}", sort::pointer(&key.0));
        entries.sort_by(|left, right| sort::compare(left.pointer(&pointer), right.pointer(&pointer)));
    }
}

fn print(sheets: &[Sheet], style: &Style) -> ReadOutput {
    let texts: Vec<String> = sheets.iter().map(|sheet| sheet.print(style)).collect();
    let data = json!({"kind": "Table", "rows": sheets.iter().flat_map(Sheet::facts).collect::<Vec<_>>()});
    ReadOutput::new(&texts.join("\n"), Some(data))
}

impl Sheet {
    /// Takes a table, or makes one of plain objects where a server answers with those.
    fn read(served: Served, head: &Value, rows: Vec<Value>, reader: Reader<'_>) -> Sheet {
        let columns = items(head, "/columnDefinitions").to_vec();
        if !columns.is_empty() {
            return Sheet {
                served,
                columns,
                rows,
            };
        }
        let plain = rows.into_iter().map(|object| {
            let made = age(text(&object, "/metadata/creationTimestamp"), reader.now);
            json!({"cells": [text(&object, "/metadata/name"), made], "object": object})
        });
        Sheet {
            served,
            rows: plain.collect(),
            columns: vec![json!({"name": "Name"}), json!({"name": "Age"})],
        }
    }

    fn print(&self, style: &Style) -> String {
        let shown: Vec<usize> = (0..self.columns.len())
            .filter(|index| style.is_wide || number(&self.columns[*index], "/priority") == 0)
            .collect();
        let with_namespace = style.shows_namespace && self.served.namespaced;
        let mut header: Vec<String> = shown
            .iter()
            .map(|index| text(&self.columns[*index], "/name").to_uppercase())
            .collect();
        if with_namespace {
            header.insert(0, "NAMESPACE".to_owned());
        }
        if style.shows_labels {
            header.push("LABELS".to_owned());
        }
        let rows = self.rows.iter().map(|row| {
            let mut cells: Vec<String> = shown.iter().map(|index| self.cell(row, *index, style)).collect();
            if with_namespace {
                cells.insert(0, text(row, "/object/metadata/namespace").to_owned());
            }
            if style.shows_labels {
                cells.push(pairs(row, "/object/metadata/labels"));
            }
            cells
        });
        let header: Vec<&str> = header.iter().map(String::as_str).collect();
        table(&header, &rows.collect::<Vec<_>>())
    }

    fn cell(&self, row: &Value, index: usize, style: &Style) -> String {
        let shown = match items(row, "/cells").get(index) {
            None | Some(Value::Null) => "<none>".to_owned(),
            Some(value) => word(value),
        };
        if index == 0 && style.names_kind {
            return format!("{}/{shown}", self.served.qualified());
        }
        shown
    }

    /// Rows as objects, for what reads data instead of tables.
    fn facts(&self) -> Vec<Value> {
        let each = self.rows.iter().map(|row| {
            let cells = self.columns.iter().zip(items(row, "/cells"));
            let cells: Map<String, Value> = cells
                .map(|(column, cell)| (text(column, "/name").to_owned(), cell.clone()))
                .collect();
            json!({
                "kind": self.served.kind(),
                "namespace": text(row, "/object/metadata/namespace"),
                "name": text(row, "/object/metadata/name"),
                "cells": cells,
            })
        });
        each.collect()
    }
}
