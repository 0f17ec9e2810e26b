//! JSON in a command: patches and manifests.

use super::field::Value;
use super::focus::Focus;

/// A JSON document in one word.
#[derive(Clone, Debug, PartialEq)]
pub struct Json(pub serde_json::Value);

impl Value for Json {
    const EXPECTED: &'static str = "a JSON object or array";

    fn read(text: &str) -> Option<Self> {
        let value: serde_json::Value = serde_json::from_str(text).ok()?;
        (value.is_object() || value.is_array()).then_some(Json(value))
    }

    fn write(&self) -> String {
        self.0.to_string()
    }

    /// A small object in single quotes: enough for a patch of one field. Whole manifests are decoded under a JSON
    /// schema instead, never under this.
    fn pattern(_focus: &Focus) -> Option<String> {
        let leaf = r#"("[A-Za-z0-9 ._/:@*,+=%()-]{0,60}"|(0|[1-9][0-9]{0,5})|true|false|null)"#;
        let object = |inner: &str| format!(r#"\{{"[A-Za-z][A-Za-z0-9._/-]{{0,40}}":{inner}\}}"#);
        let mut pattern = leaf.to_owned();
        for _ in 0..5 {
            pattern = format!("({leaf}|{})", object(&pattern));
        }
        Some(format!("'{}'", object(&pattern)))
    }
}

/// How a patch is merged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PatchType {
    /// Kubernetes' own, with lists merged by key.
    Strategic,
    /// RFC 7386.
    Merge,
    /// RFC 6902.
    Json,
}

impl Value for PatchType {
    const EXPECTED: &'static str = "`strategic`, `merge` or `json`";

    fn read(text: &str) -> Option<Self> {
        match text {
            "strategic" => Some(PatchType::Strategic),
            "merge" => Some(PatchType::Merge),
            "json" => Some(PatchType::Json),
            _ => None,
        }
    }

    fn write(&self) -> String {
        match self {
            PatchType::Strategic => "strategic",
            PatchType::Merge => "merge",
            PatchType::Json => "json",
        }
        .to_owned()
    }

    /// Only the form whose body [`Json::pattern`] can write.
    fn pattern(_focus: &Focus) -> Option<String> {
        Some("merge".to_owned())
    }
}
