//! Values that name live objects, and the sets of kinds that commands take.

use std::fmt;

use super::field::Value;
use super::focus::{Focus, any_of};
use super::kind::Kind;

/// One object as `KIND/NAME`. Its namespace is the step's.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Target {
    /// The kind.
    pub kind: Kind,
    /// The name, valid by [`is_name`].
    pub name: String,
}

impl Target {
    /// Reads `KIND/NAME`.
    pub fn read(text: &str) -> Option<Target> {
        let (kind, name) = text.split_once('/')?;
        is_name(name).then_some(())?;
        Some(Target {
            kind: Kind::read(kind)?,
            name: name.to_owned(),
        })
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.kind, self.name)
    }
}

/// Whether a text can be an object's name: a DNS-1123 subdomain, or what RBAC allows beyond it (`system:node`).
pub fn is_name(text: &str) -> bool {
    let inner = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '.' | ':' | '_');
    !text.is_empty()
        && text.len() <= 253
        && text.chars().all(inner)
        && text.starts_with(|c: char| c.is_ascii_alphanumeric())
        && text.ends_with(|c: char| c.is_ascii_alphanumeric())
}

/// Any object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Any(pub Target);

impl Value for Any {
    const EXPECTED: &'static str = "an object, as in deployment/web";
    const NAMES_OBJECTS: bool = true;

    fn read(text: &str) -> Option<Self> {
        Target::read(text).map(Any)
    }

    fn write(&self) -> String {
        self.0.to_string()
    }

    fn pattern(focus: &Focus) -> Option<String> {
        any_of(
            focus
                .objects
                .iter()
                .map(|object| format!("{}/{}", object.kind, object.name)),
        )
    }

    fn targets<'a>(&'a self, out: &mut Vec<&'a Target>) {
        out.push(&self.0);
    }
}

macro_rules! kind_sets {
    ($($(#[$doc:meta])* $name:ident ($expected:literal): $($kind:literal)+;)*) => {$(
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq)]
        pub struct $name(pub Target);

        impl Value for $name {
            const EXPECTED: &'static str = $expected;
            const NAMES_OBJECTS: bool = true;

            fn read(text: &str) -> Option<Self> {
                let target = Target::read(text)?;
                [$($kind),+].contains(&target.kind.as_str()).then_some($name(target))
            }

            fn write(&self) -> String {
                self.0.to_string()
            }

            fn pattern(focus: &Focus) -> Option<String> {
                focus.of_kinds(&[$($kind),+])
            }

            fn targets<'a>(&'a self, out: &mut Vec<&'a Target>) {
                out.push(&self.0);
            }
        }
    )*};
}

kind_sets! {
    /// What has a scale subresource.
    Scalable("a deployment, statefulset or replicaset, as in deployment/web"): "deployment" "statefulset" "replicaset";
    /// What rolls out.
    Rolling("a deployment, statefulset or daemonset, as in deployment/web"): "deployment" "statefulset" "daemonset";
    /// What can be paused.
    Pausable("a deployment, as in deployment/web"): "deployment";
    /// What has a pod template that may be set.
    Templated("an object with a pod template, as in deployment/web"):
        "deployment" "statefulset" "daemonset" "replicaset" "cronjob";
    /// What has logs, itself or by its pods.
    Logged("a pod or an object with pods, as in deployment/web"):
        "deployment" "statefulset" "daemonset" "replicaset" "job" "pod";
    /// What a service can be made for.
    Exposable("a deployment, pod, service or replicaset, as in deployment/web"):
        "deployment" "service" "pod" "replicaset" "statefulset";
    /// What a diagnosis can begin at.
    Diagnosable("an object with pods, a service, a claim or a node, as in deployment/web"):
        "deployment" "statefulset" "daemonset" "replicaset" "job" "cronjob" "pod" "service" "ingress"
        "persistentvolumeclaim" "node" "horizontalpodautoscaler";
    /// Where a job can be copied from.
    JobSource("a cron job, as in cronjob/report"): "cronjob";
}

/// A node by its bare name, as `cordon` and `drain` take it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Node(pub Target);

impl Value for Node {
    const EXPECTED: &'static str = "the name of a node";

    fn read(text: &str) -> Option<Self> {
        let name = ["node/", "nodes/", "no/"]
            .iter()
            .find_map(|prefix| text.strip_prefix(prefix))
            .unwrap_or(text);
        // Without `:`, which would make a taint without a value look like a node.
        (is_name(name) && !name.contains(':')).then(|| {
            Node(Target {
                kind: node_kind(),
                name: name.to_owned(),
            })
        })
    }

    fn write(&self) -> String {
        self.0.name.clone()
    }

    fn pattern(focus: &Focus) -> Option<String> {
        any_of(
            focus
                .objects
                .iter()
                .filter(|object| object.kind == "node")
                .map(|object| object.name.clone()),
        )
    }

    fn targets<'a>(&'a self, out: &mut Vec<&'a Target>) {
        out.push(&self.0);
    }
}

fn node_kind() -> Kind {
    Kind::read("node").unwrap_or_else(|| unreachable!("`node` is a built-in kind"))
}

/// Kinds to list, as in `get pods,services`, with `all` for kubectl's category of that name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Kinds(pub Vec<Kind>);

/// kubectl's category `all`, in the order in which it prints.
pub const CATEGORY_ALL: &[&str] = &[
    "pod",
    "service",
    "daemonset",
    "deployment",
    "replicaset",
    "statefulset",
    "horizontalpodautoscaler",
    "cronjob",
    "job",
];

impl Kinds {
    /// The kinds, with `all` spelled out.
    pub fn expanded(&self) -> Vec<Kind> {
        let each = self.0.iter().flat_map(|kind| match kind.as_str() {
            "all" => CATEGORY_ALL.iter().filter_map(|name| Kind::read(name)).collect(),
            _ => vec![kind.clone()],
        });
        each.collect()
    }
}

impl Value for Kinds {
    const EXPECTED: &'static str = "a kind or kinds, as in pods,services";

    fn read(text: &str) -> Option<Self> {
        text.split(',')
            .map(Kind::read)
            .collect::<Option<Vec<_>>>()
            .map(Kinds)
    }

    fn write(&self) -> String {
        self.0.iter().map(Kind::plural).collect::<Vec<_>>().join(",")
    }

    fn pattern(focus: &Focus) -> Option<String> {
        let kinds = any_of(focus.kinds.iter().cloned())?;
        Some(format!("all|({kinds})(,({kinds})){{0,2}}"))
    }
}

/// The word `all`, where it means whatever there is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Everything;

impl Value for Everything {
    const EXPECTED: &'static str = "`all`";

    fn read(text: &str) -> Option<Self> {
        (text == "all").then_some(Everything)
    }

    fn write(&self) -> String {
        "all".to_owned()
    }

    fn pattern(_: &Focus) -> Option<String> {
        Some("all".to_owned())
    }
}

/// One kind, listed in the plural.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OneKind(pub Kind);

impl Value for OneKind {
    const EXPECTED: &'static str = "a kind, as in pods";

    fn read(text: &str) -> Option<Self> {
        Kind::read(text).map(OneKind)
    }

    fn write(&self) -> String {
        self.0.plural().to_owned()
    }

    fn pattern(focus: &Focus) -> Option<String> {
        any_of(focus.kinds.iter().cloned())
    }
}

/// `pods` or `nodes`: what `top` measures.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Measured {
    /// Pods of the scope.
    Pods,
    /// Every node.
    Nodes,
}

impl Value for Measured {
    const EXPECTED: &'static str = "`pods` or `nodes`";

    fn read(text: &str) -> Option<Self> {
        let kind = Kind::read(text)?;
        match kind.as_str() {
            "pod" => Some(Measured::Pods),
            "node" => Some(Measured::Nodes),
            _ => None,
        }
    }

    fn write(&self) -> String {
        match self {
            Measured::Pods => "pods".to_owned(),
            Measured::Nodes => "nodes".to_owned(),
        }
    }

    fn pattern(_focus: &Focus) -> Option<String> {
        Some("pods|nodes".to_owned())
    }
}
