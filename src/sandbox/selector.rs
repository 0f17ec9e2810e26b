//! Label selectors, as text in queries and as objects in specs, and field selectors.

use serde_json::{Map, Value};

use super::json::{entries, items, text};
use super::status::ApiError;

#[derive(Debug, Clone, PartialEq)]
enum Operator {
    In(Vec<String>),
    NotIn(Vec<String>),
    Exists,
    Absent,
    Above(i64),
    Below(i64),
}

/// A conjunction of requirements on labels. The empty one matches everything.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Labels(Vec<(String, Operator)>);

impl Labels {
    /// Parses `app=web,tier!=db,env in (a,b),!old,new`.
    pub(super) fn parse(written: &str) -> Result<Self, ApiError> {
        let wrong = |part: &str| {
            ApiError::bad_request(format!(
                "unable to parse requirement: found '{part}', expected: a label selector requirement"
            ))
        };
        let parts = split_outside_parentheses(written);
        let kept = parts
            .iter()
            .map(|part| part.trim())
            .filter(|part| !part.is_empty());
        kept.map(|part| requirement(part).ok_or_else(|| wrong(part)))
            .collect::<Result<_, _>>()
            .map(Self)
    }

    /// Reads a spec's `{matchLabels, matchExpressions}`.
    pub(super) fn from_spec(spec: &Value) -> Self {
        let mut all = Vec::new();
        for (key, value) in entries(spec, "/matchLabels").into_iter().flatten() {
            all.push((
                key.clone(),
                Operator::In(vec![value.as_str().unwrap_or("").into()]),
            ));
        }
        for expression in items(spec, "/matchExpressions") {
            let values: Vec<String> = items(expression, "/values")
                .iter()
                .filter_map(Value::as_str)
                .map(str::to_owned)
                .collect();
            let operator = match text(expression, "/operator") {
                "In" => Operator::In(values),
                "NotIn" => Operator::NotIn(values),
                "Exists" => Operator::Exists,
                "Gt" => Operator::Above(
                    values
                        .first()
                        .and_then(|one| one.parse().ok())
                        .unwrap_or(i64::MAX),
                ),
                "Lt" => Operator::Below(
                    values
                        .first()
                        .and_then(|one| one.parse().ok())
                        .unwrap_or(i64::MIN),
                ),
                _ => Operator::Absent,
            };
            all.push((text(expression, "/key").into(), operator));
        }
        Self(all)
    }

    /// Reads a plain map of labels, as services and node selectors have.
    pub(super) fn from_map(map: Option<&Map<String, Value>>) -> Self {
        let pairs = map.into_iter().flatten();
        Self(
            pairs
                .map(|(key, value)| {
                    (
                        key.clone(),
                        Operator::In(vec![value.as_str().unwrap_or("").into()]),
                    )
                })
                .collect(),
        )
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// True if the object's labels meet every requirement.
    pub(super) fn matches(&self, object: &Value) -> bool {
        self.matches_map(entries(object, "/metadata/labels"))
    }

    pub(super) fn matches_map(&self, labels: Option<&Map<String, Value>>) -> bool {
        self.0.iter().all(|(key, operator)| {
            let value = labels.and_then(|labels| labels.get(key)).and_then(Value::as_str);
            match (operator, value) {
                (Operator::In(wanted), Some(value)) => wanted.iter().any(|one| one == value),
                (Operator::NotIn(unwanted), Some(value)) => unwanted.iter().all(|one| one != value),
                (Operator::NotIn(_) | Operator::Absent, None) | (Operator::Exists, Some(_)) => true,
                (Operator::Above(limit), Some(value)) => {
                    value.parse::<i64>().is_ok_and(|value| value > *limit)
                }
                (Operator::Below(limit), Some(value)) => {
                    value.parse::<i64>().is_ok_and(|value| value < *limit)
                }
                _ => false,
            }
        })
    }
}

fn split_outside_parentheses(written: &str) -> Vec<&str> {
    let (mut parts, mut start, mut depth) = (Vec::new(), 0, 0_u32);
    for (at, character) in written.char_indices() {
        match character {
            '(' => depth += 1,
            ')' => depth = depth.saturating_sub(1),
            ',' if depth == 0 => {
                parts.push(&written[start..at]);
                start = at + 1;
            }
            _ => {}
        }
    }
    parts.push(&written[start..]);
    parts
}

fn requirement(part: &str) -> Option<(String, Operator)> {
    if let Some(set) = set_requirement(part) {
        return Some(set);
    }
    let single = |value: &str| vec![value.trim().to_owned()];
    let (key, operator) = if let Some((key, value)) = part.split_once("!=") {
        (key, Operator::NotIn(single(value)))
    } else if let Some((key, value)) = part.split_once("==").or_else(|| part.split_once('=')) {
        (key, Operator::In(single(value)))
    } else if let Some((key, value)) = part.split_once('>') {
        (key, Operator::Above(value.trim().parse().ok()?))
    } else if let Some((key, value)) = part.split_once('<') {
        (key, Operator::Below(value.trim().parse().ok()?))
    } else if let Some(key) = part.strip_prefix('!') {
        (key, Operator::Absent)
    } else {
        (part, Operator::Exists)
    };
    let key = key.trim();
    let is_text = |text: &str, more: &[u8]| {
        text.bytes()
            .all(|b| b.is_ascii_alphanumeric() || more.contains(&b))
    };
    let is_value = match &operator {
        Operator::In(values) | Operator::NotIn(values) => values.iter().all(|value| is_text(value, b"-_.")),
        _ => true,
    };
    let is_good = !key.is_empty() && is_text(key, b"-_./") && key.matches('/').count() < 2 && is_value;
    is_good.then(|| (key.to_owned(), operator))
}

fn set_requirement(part: &str) -> Option<(String, Operator)> {
    let (head, list) = part.strip_suffix(')')?.split_once('(')?;
    let values = list.split(',').map(|value| value.trim().to_owned()).collect();
    let mut words = head.split_whitespace();
    match (words.next(), words.next(), words.next()) {
        (Some(key), Some("in"), None) => Some((key.into(), Operator::In(values))),
        (Some(key), Some("notin"), None) => Some((key.into(), Operator::NotIn(values))),
        _ => None,
    }
}

/// A conjunction of comparisons of fields by dotted path.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Fields(Vec<(String, bool, String)>);

impl Fields {
    /// Parses `status.phase!=Running,spec.nodeName=node-1`.
    pub(super) fn parse(written: &str) -> Result<Self, ApiError> {
        let parts = written.split(',').filter(|part| !part.trim().is_empty());
        parts
            .map(|part| {
                let (field, equal, value) = if let Some((field, value)) = part.split_once("!=") {
                    (field, false, value)
                } else if let Some((field, value)) = part.split_once("==").or_else(|| part.split_once('=')) {
                    (field, true, value)
                } else {
                    let why = format!("invalid selector: '{part}'; can't understand '{part}'");
                    return Err(ApiError::bad_request(why));
                };
                let pointer = format!("/{}", field.trim().replace('.', "/"));
                Ok((pointer, equal, value.trim().to_owned()))
            })
            .collect::<Result<_, _>>()
            .map(Self)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The first field that nobody can select objects of this resource by, in the words of the refusal.
    pub(super) fn unknown_to(&self, resource: &str) -> Option<String> {
        let own: &[&str] = match resource {
            "pods" => &[
                "spec.nodeName",
                "spec.restartPolicy",
                "spec.schedulerName",
                "spec.serviceAccountName",
                "spec.hostNetwork",
                "status.phase",
                "status.podIP",
                "status.podIPs",
                "status.nominatedNodeName",
            ],
            "events" | "events.events.k8s.io" => &[
                "involvedObject.kind",
                "involvedObject.namespace",
                "involvedObject.name",
                "involvedObject.uid",
                "involvedObject.apiVersion",
                "involvedObject.resourceVersion",
                "involvedObject.fieldPath",
                "regarding.kind",
                "regarding.namespace",
                "regarding.name",
                "regarding.uid",
                "reason",
                "reportingComponent",
                "reportingController",
                "source",
                "type",
            ],
            "namespaces" => &["status.phase"],
            "nodes" => &["spec.unschedulable"],
            "secrets" => &["type"],
            "services" => &["spec.clusterIP", "spec.type"],
            "replicationcontrollers" | "replicasets.apps" => &["status.replicas"],
            "jobs.batch" => &["status.successful"],
            _ => &[],
        };
        let is_unknown = |field: &String| {
            !matches!(field.as_str(), "metadata.name" | "metadata.namespace")
                && !own.contains(&field.as_str())
        };
        let mut fields = self.0.iter().map(|(pointer, ..)| pointer[1..].replace('/', "."));
        let field = fields.find(is_unknown)?;
        Some(if own.is_empty() {
            format!("{field:?} is not a known field selector: only \"metadata.name\", \"metadata.namespace\"")
        } else {
            format!("field label not supported: {field}")
        })
    }

    /// True if every comparison holds; an absent field reads as the empty string.
    pub(super) fn matches(&self, object: &Value) -> bool {
        self.0.iter().all(|(pointer, equal, wanted)| {
            let found = match object.pointer(pointer) {
                Some(Value::String(text)) => text.clone(),
                Some(Value::Null) | None => String::new(),
                Some(other) => other.to_string(),
            };
            (found == *wanted) == *equal
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn written_selectors() {
        let pod = json!({"metadata": {"labels": {"app": "web", "tier": "front", "rank": "7"}}});
        for (written, expected) in [
            ("", true),
            ("app=web", true),
            ("app==web,tier!=back", true),
            ("app in (cart, web),tier notin (back)", true),
            ("app notin (web)", false),
            ("missing notin (a)", true),
            ("!app", false),
            ("!other,app", true),
            ("rank>6", true),
            ("rank<7", false),
            ("other", false),
        ] {
            assert_eq!(
                Labels::parse(written).unwrap().matches(&pod),
                expected,
                "{written}"
            );
        }
        for bad in ["=x", "a b", "app in web)", "rank>x"] {
            assert!(Labels::parse(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn selectors_in_specs() {
        let spec = json!({"matchLabels": {"app": "web"}, "matchExpressions": [
            {"key": "tier", "operator": "In", "values": ["front", "edge"]},
            {"key": "old", "operator": "DoesNotExist"}]});
        let labels = Labels::from_spec(&spec);
        assert!(labels.matches(&json!({"metadata": {"labels": {"app": "web", "tier": "edge"}}})));
        assert!(!labels.matches(&json!({"metadata": {"labels": {"app": "web", "tier": "edge", "old": ""}}})));
    }

    #[test]
    fn fields_by_path() {
        let pod = json!({"metadata": {"name": "a"}, "status": {"phase": "Running"}});
        assert!(
            Fields::parse("metadata.name=a,status.phase!=Failed")
                .unwrap()
                .matches(&pod)
        );
        assert!(Fields::parse("spec.nodeName=").unwrap().matches(&pod));
        assert!(!Fields::parse("spec.nodeName=node-1").unwrap().matches(&pod));
        assert!(Fields::parse("nonsense").is_err());
    }
}
