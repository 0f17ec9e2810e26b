//! Tables: the columns that `kubectl get` prints, computed by the server.

mod cells;
mod others;
mod pods;
mod workloads;

use jiff::Timestamp;
use serde_json::{Value, json};

use super::json::{at, text};
use super::read::partial;
use super::resource::Resource;

/// Computes one cell of an object's row.
pub(super) type Cell = fn(&Value, Timestamp) -> Value;

/// One column: its name, whether only `-o wide` shows it, and how its cells are made.
pub(super) struct Column {
    name: &'static str,
    is_wide: bool,
    cell: Cell,
}

pub(super) const fn column(name: &'static str, cell: Cell) -> Column {
    Column {
        name,
        is_wide: false,
        cell,
    }
}

pub(super) const fn wide(name: &'static str, cell: Cell) -> Column {
    Column {
        name,
        is_wide: true,
        cell,
    }
}

const PLAIN: &[Column] = &[column("Name", cells::name), column("Age", cells::age)];

fn columns(resource: &Resource) -> &'static [Column] {
    let qualified = resource.qualified();
    match qualified.as_str() {
        "pods" => pods::PODS,
        _ => workloads::columns(&qualified)
            .or_else(|| others::columns(&qualified))
            .unwrap_or(PLAIN),
    }
}

/// The table of these objects. `include` says what each row carries of its object.
pub(super) fn of(
    resource: &Resource,
    objects: &[Value],
    include: &str,
    version: &str,
    now: Timestamp,
) -> Value {
    let definitions = if resource.is_custom() {
        custom_definitions(resource)
    } else {
        definitions(columns(resource))
    };
    let rows: Vec<Value> = objects
        .iter()
        .map(|object| {
            let cells = if resource.is_custom() {
                custom_cells(resource, object, now)
            } else {
                cells(columns(resource), object, now)
            };
            json!({"cells": cells, "object": carried(object, include)})
        })
        .collect();
    json!({"kind": "Table", "apiVersion": "meta.k8s.io/v1", "metadata": {"resourceVersion": version},
        "columnDefinitions": definitions, "rows": rows})
}

fn carried(object: &Value, include: &str) -> Value {
    match include {
        "None" => Value::Null,
        "Object" => object.clone(),
        _ => partial(object),
    }
}

fn definition(name: &str, class: &str, is_wide: bool) -> Value {
    let format = if name == "Name" { "name" } else { "" };
    json!({"name": name, "type": class, "format": format, "description": "", "priority": i32::from(is_wide)})
}

fn definitions(columns: &[Column]) -> Vec<Value> {
    columns
        .iter()
        .map(|column| definition(column.name, "string", column.is_wide))
        .collect()
}

fn cells(columns: &[Column], object: &Value, now: Timestamp) -> Vec<Value> {
    columns.iter().map(|column| (column.cell)(object, now)).collect()
}

fn custom_definitions(resource: &Resource) -> Vec<Value> {
    let mut all = vec![definition("Name", "string", false)];
    for own in &resource.columns {
        let is_wide = own.pointer("/priority").and_then(Value::as_i64).unwrap_or(0) > 0;
        all.push(definition(text(own, "/name"), text(own, "/type"), is_wide));
    }
    if resource.columns.is_empty() {
        all.push(definition("Age", "date", false));
    }
    all
}

fn custom_cells(resource: &Resource, object: &Value, now: Timestamp) -> Vec<Value> {
    let mut all = vec![cells::name(object, now)];
    for own in &resource.columns {
        let pointer = text(own, "/jsonPath")
            .replace(['[', ']'], ".")
            .replace("..", ".")
            .replace('.', "/");
        let value = at(object, pointer.trim_end_matches('/'));
        let is_date = text(own, "/type") == "date";
        all.push(match value.as_str() {
            Some(written) if is_date => cells::since(written, now),
            _ => value,
        });
    }
    if resource.columns.is_empty() {
        all.push(cells::age(object, now));
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sandbox::resource::built_in;

    #[test]
    fn every_kind_has_a_row_even_for_an_empty_object() {
        for resource in built_in() {
            let made = of(resource, &[json!({})], "", "1", Timestamp::UNIX_EPOCH);
            let width = made["columnDefinitions"].as_array().map(Vec::len);
            assert_eq!(
                made["rows"][0]["cells"].as_array().map(Vec::len),
                width,
                "{}",
                resource.plural
            );
        }
    }
}
