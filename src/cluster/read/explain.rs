//! `explain`: a kind's fields, from the cluster's own OpenAPI document.

use std::fmt::Write;

use serde_json::{Value, json};

use super::fetch::JSON;
use super::json::{entries, items, text};
use super::{ReadOutput, Reader};
use crate::cluster::{ClusterError, Served};
use crate::plan::Kind;
use crate::plan::command::Explain;

/// Columns that a description fills, its indent not counted.
const WIDTH: usize = 76;
/// How deep `--recursive` goes: schemas may contain themselves.
const DEPTH: usize = 16;

/// `explain PATH`.
pub(super) async fn read(reader: Reader<'_>, command: &Explain) -> Result<ReadOutput, ClusterError> {
    let (served, fields) = resolve(reader, &command.path.0).await?;
    let (group, version) = (&served.api.group, &served.api.version);
    let place = if group.is_empty() {
        format!("api/{version}")
    } else {
        format!("apis/{group}/{version}")
    };
    let index = reader
        .cluster
        .document("/openapi/v3", JSON)
        .await
        .map_err(no_document)?;
    let pointer = format!("/paths/{}/serverRelativeURL", place.replace('/', "~1"));
    let address = match text(&index, &pointer) {
        "" => format!("/openapi/v3/{place}"),
        address => address.to_owned(),
    };
    let document = reader
        .cluster
        .document(&address, JSON)
        .await
        .map_err(no_document)?;
    let schemas = Schemas { document: &document };
    let text = schemas.page(&served, &fields, command.recursive)?;
    Ok(ReadOutput::new(&text, Some(json!({"text": text}))))
}

fn no_document(error: ClusterError) -> ClusterError {
    match error {
        ClusterError::Api { code: 404, .. } => {
            ClusterError::Impossible("the cluster publishes no documentation of this kind".to_owned())
        }
        other => other,
    }
}

/// Splits a path into kind and fields. The kind may have dots of its own (`widgets.example.com`), so the shortest
/// beginning that the cluster serves is taken.
async fn resolve(reader: Reader<'_>, path: &str) -> Result<(Served, Vec<String>), ClusterError> {
    let parts: Vec<&str> = path.split('.').collect();
    let mut first = None;
    for length in 1..=parts.len() {
        let Some(kind) = Kind::read(&parts[..length].join(".")) else {
            continue;
        };
        match reader.served(&kind).await {
            Ok(served) => {
                let fields = parts[length..].iter().map(|field| (*field).to_owned()).collect();
                return Ok((served, fields));
            }
            Err(error @ ClusterError::NoSuchKind(_)) => {
                first.get_or_insert(error);
            }
            Err(error) => return Err(error),
        }
    }
    Err(first.unwrap_or_else(|| ClusterError::NoSuchKind(path.to_owned())))
}

/// The schemas of one API group and version.
pub(in crate::cluster) struct Schemas<'a> {
    /// The OpenAPI v3 document.
    pub(in crate::cluster) document: &'a Value,
}

impl<'a> Schemas<'a> {
    /// The page of a kind, or of one of its fields.
    pub(super) fn page(
        &self,
        served: &Served,
        fields: &[String],
        recursive: bool,
    ) -> Result<String, ClusterError> {
        let mut schema = self.of_kind(served)?;
        let mut documented = schema;
        for field in fields {
            let inner = self.resolved(schema);
            let missing = || ClusterError::Impossible(format!("field `{field}` does not exist"));
            documented = inner
                .pointer("/properties")
                .and_then(|all| all.get(field))
                .ok_or_else(missing)?;
            schema = documented;
        }
        let mut out = String::new();
        if !served.api.group.is_empty() {
            let _ = writeln!(out, "GROUP:      {}", served.api.group);
        }
        let (kind, version) = (&served.api.kind, &served.api.version);
        let _ = writeln!(out, "KIND:       {kind}\nVERSION:    {version}\n");
        if let Some(field) = fields.last() {
            let _ = writeln!(out, "FIELD: {field} <{}>\n\n", self.type_name(schema));
        }
        self.write_description(&mut out, documented);
        let inner = self.resolved(schema);
        if inner.get("properties").is_some() {
            out.push_str("FIELDS:\n");
            self.write_fields(&mut out, inner, recursive, 1);
        }
        out.push('\n');
        Ok(out)
    }

    fn write_description(&self, out: &mut String, schema: &Value) {
        out.push_str("DESCRIPTION:\n");
        let own = text(schema, "/description");
        let of_type = text(self.resolved(schema), "/description");
        for part in [own, of_type].into_iter().filter(|part| !part.is_empty()) {
            out.push_str(&wrap(part, "    "));
            if own == of_type {
                break;
            }
        }
        if own.is_empty() && of_type.is_empty() {
            out.push_str("    <empty>\n");
        }
        out.push_str("    \n");
        let options = enumeration(schema);
        if !options.is_empty() {
            let _ = writeln!(out, "    Possible enum values: {options}\n    ");
        }
    }

    fn write_fields(&self, out: &mut String, schema: &Value, recursive: bool, depth: usize) {
        let indent = "  ".repeat(depth);
        for (name, field) in entries(schema, "/properties") {
            let mark = required_mark(schema, name);
            let _ = writeln!(out, "{indent}{name}\t<{}>{mark}", self.type_name(field));
            let options = enumeration(field);
            if !options.is_empty() {
                let _ = writeln!(out, "{indent}enum: {options}");
            }
            let inner = self.resolved(field);
            if !recursive {
                let description = match text(field, "/description") {
                    "" => text(inner, "/description"),
                    description => description,
                };
                let shown = if description.is_empty() {
                    "<no description>"
                } else {
                    description
                };
                let _ = writeln!(out, "{}", wrap(shown, "    "));
            } else if depth < DEPTH
                && inner.get("properties").is_some()
                && text(inner, "/x-kubernetes-group-version-kind/0/kind").is_empty()
            {
                self.write_fields(out, inner, true, depth + 1);
            }
        }
    }

    /// The schema that says of itself that it is the kind.
    pub(in crate::cluster) fn of_kind(&self, served: &Served) -> Result<&'a Value, ClusterError> {
        let api = &served.api;
        let is_it = |schema: &Value| {
            items(schema, "/x-kubernetes-group-version-kind")
                .iter()
                .any(|kind| {
                    text(kind, "/kind") == api.kind
                        && text(kind, "/group") == api.group
                        && text(kind, "/version") == api.version
                })
        };
        let schemas = self
            .document
            .pointer("/components/schemas")
            .and_then(Value::as_object);
        schemas
            .and_then(|schemas| schemas.values().find(|schema| is_it(schema)))
            .ok_or_else(|| {
                ClusterError::Impossible(format!(
                    "the cluster publishes no documentation of `{}`",
                    api.kind
                ))
            })
    }

    /// The schema behind references, and of the elements of lists and maps: where the next field is looked up.
    fn resolved(&self, schema: &'a Value) -> &'a Value {
        let mut schema = schema;
        // References lead on a handful of times at most; the limit is against documents that run in circles.
        for _ in 0..DEPTH {
            schema = match (
                reference(schema),
                schema.get("items"),
                schema.get("additionalProperties"),
            ) {
                (Some(name), ..) => match self.named(name) {
                    Some(found) => found,
                    None => return schema,
                },
                (None, Some(element), _) => element,
                (None, None, Some(element)) if element.is_object() => element,
                _ => return schema,
            };
        }
        schema
    }

    pub(in crate::cluster) fn named(&self, name: &str) -> Option<&'a Value> {
        self.document.pointer("/components/schemas")?.get(name)
    }

    /// A type as kubectl writes it: `integer`, `[]Container`, `map[string]string`, `PodSpec`.
    fn type_name(&self, schema: &Value) -> String {
        if let Some(name) = reference(schema) {
            // Moments are texts with a format, and kubectl names them so.
            if self
                .named(name)
                .is_some_and(|named| text(named, "/format") == "date-time")
            {
                return "string".to_owned();
            }
            return name.rsplit('.').next().unwrap_or(name).to_owned();
        }
        if let Some(element) = schema.get("items") {
            return format!("[]{}", self.type_name(element));
        }
        match schema.get("additionalProperties") {
            Some(element) if element.is_object() => format!("map[string]{}", self.type_name(element)),
            _ if schema.get("x-kubernetes-int-or-string").is_some() => "IntOrString".to_owned(),
            _ => match text(schema, "/type") {
                "object" | "" => "Object".to_owned(),
                plain => plain.to_owned(),
            },
        }
    }
}

/// The name of a schema that another one stands for, be it directly or as the only part of `allOf`.
pub(in crate::cluster) fn reference(schema: &Value) -> Option<&str> {
    let place = schema.get("$ref").or_else(|| schema.pointer("/allOf/0/$ref"))?;
    place.as_str()?.rsplit('/').next()
}

fn required_mark(schema: &Value, field: &str) -> &'static str {
    if items(schema, "/required").iter().any(|wanted| wanted == field) {
        " -required-"
    } else {
        ""
    }
}

fn enumeration(schema: &Value) -> String {
    let options: Vec<&str> = items(schema, "/enum").iter().filter_map(Value::as_str).collect();
    options.join(", ")
}

/// Breaks text into lines of at most [`WIDTH`] characters between words; line ends of the text stay.
fn wrap(text: &str, indent: &str) -> String {
    let mut out = String::new();
    for paragraph in text.lines() {
        let (mut line, mut broken) = (String::new(), false);
        // Split at single spaces, so that indents and gaps of the text stay.
        for (index, word) in paragraph.split(' ').enumerate() {
            if !line.is_empty() && line.len() + word.len() >= WIDTH {
                let _ = writeln!(out, "{indent}{}", line.trim_end());
                line.clear();
                broken = true;
            }
            if index > 0 && !(line.is_empty() && broken) {
                line.push(' ');
            }
            broken &= word.is_empty();
            line.push_str(word);
        }
        let _ = writeln!(out, "{indent}{line}");
    }
    out
}
