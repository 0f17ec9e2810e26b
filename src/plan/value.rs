//! Values of one text each that are no live objects: counts, images, quantities, new names, free text.

use super::field::Value;
use super::focus::{Focus, any_of};
use super::target::is_name;

pub use super::json::{Json, PatchType};
pub use super::keyed::{
    Amounts, AnnotationChange, Change, ContainerImage, EnvChange, LabelChange, Pair, Pairs, Taint,
};

/// A DNS-1123 label of at most this many characters is what most new objects may be called.
pub(super) const LABEL_LIMIT: usize = 63;

macro_rules! text_values {
    ($($(#[$doc:meta])* $name:ident ($expected:literal, $pattern:expr, $accept:expr);)*) => {$(
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
        pub struct $name(pub String);

        impl Value for $name {
            const EXPECTED: &'static str = $expected;

            fn read(text: &str) -> Option<Self> {
                let accept: fn(&str) -> bool = $accept;
                accept(text).then(|| $name(text.to_owned()))
            }

            fn write(&self) -> String {
                self.0.clone()
            }

            fn pattern(focus: &Focus) -> Option<String> {
                let pattern: fn(&Focus) -> Option<String> = $pattern;
                pattern(focus)
            }
        }
    )*};
}

/// What was said, or anything of that form where it does not matter.
fn said_or(said: &[String], form: &str) -> Option<String> {
    any_of(said.iter().cloned()).or_else(|| Some(form.to_owned()))
}

text_values! {
    /// The name of an object that is being created: a DNS-1123 label.
    NewName("a new name of lower-case letters, digits and `-`",
        |focus| said_or(&focus.sayable.names, "[a-z]([-a-z0-9]{0,60}[a-z0-9])?"), is_label);
    /// A name under RBAC's wider rule, for roles and bindings that are being created.
    RbacName("a name", |focus| said_or(&focus.sayable.names, "[a-z]([-a-z0-9:]{0,60}[a-z0-9])?"), is_name);
    /// The name of an object that a new one refers to; it need not exist yet.
    Reference("a name", |_| Some("[a-z]([-a-z0-9:.]{0,60}[a-z0-9])?".to_owned()), is_name);
    /// A live container.
    ContainerName("the name of a container", |focus| any_of(focus.containers()), is_label);
    /// A container image.
    Image("an image, as in nginx:1.27", |focus| {
        said_or(&focus.sayable.images, "[a-z0-9]([a-zA-Z0-9._/:@-]{0,120}[a-zA-Z0-9])?")
    }, is_image);
    /// A label selector, equality and set forms.
    Selector("a label selector, as in app=web", |_| {
        let term = format!("{LABEL_KEY}(!?={LABEL_WORD})?");
        let set = format!("'{LABEL_KEY} (not)?in \\({LABEL_WORD}(,{LABEL_WORD}){{0,4}}\\)'");
        Some(format!("{term}(,{term}){{0,2}}|{set}"))
    }, |text| !text.is_empty() && !text.contains(char::is_control));
    /// A field selector.
    FieldSelector("a field selector, as in status.phase=Running",
        |_| Some("(metadata\\.(name|namespace)|status\\.phase|spec\\.nodeName|type|reason)!?=[A-Za-z0-9][A-Za-z0-9.-]{0,60}".to_owned()),
        |text| text.contains('=') && !text.contains(char::is_control));
    /// A CPU or memory amount, or a plain count.
    Quantity("a quantity, as in 500m or 256Mi", |_| Some("[1-9][0-9]{0,5}(m|k|Ki|M|Mi|G|Gi|Ti)?".to_owned()), is_quantity);
    /// A span of time in Go's notation.
    Duration("a duration, as in 90s, 10m or 1h", |_| Some("[1-9][0-9]{0,3}(s|m|h)".to_owned()), is_duration);
    /// A cron schedule.
    Schedule("a cron schedule, as in */5 * * * *",
        |_| Some("'([0-9*/,-]{1,12} ){4}[0-9*/,-]{1,12}'".to_owned()),
        |text| text.starts_with('@') || text.split_whitespace().count() == 5 && !text.contains(char::is_control));
    /// A verb of access control.
    Verb("an access verb, as in get", |_| Some("get|list|watch|create|update|patch|delete|deletecollection|use|'\\*'".to_owned()),
        |text| !text.is_empty() && text.chars().all(|c| c.is_ascii_lowercase() || c == '*'));
    /// What an access verb is about: a resource with optional group, subresource and name.
    AccessResource("a resource, as in deployments or pods/log", |focus| {
        let kinds = any_of(focus.kinds.iter().cloned())?;
        Some(format!("pods/log|pods/exec|deployments/scale|({kinds})|'\\*'"))
    }, |text| !text.is_empty() && text.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '/' | '-' | '*' | ':')));
    /// What a resource has besides itself. A planner writes it behind a slash, as roles have it: `pods/log`.
    Subresource("a subresource, as in log or scale", |_| None, |text| SUBRESOURCES.contains(&text));
    /// Subject of an access question: a user or service account.
    User("a user", |_| Some("[A-Za-z0-9][A-Za-z0-9@._:-]{0,60}".to_owned()), |text| !text.is_empty() && !text.contains(char::is_whitespace));
    /// A field path for `explain`, beginning with a kind.
    FieldPath("a kind or field, as in deployment.spec.replicas", |focus| {
        let kinds = any_of(focus.kinds.iter().cloned())?;
        Some(format!("({kinds})(\\.[a-z][A-Za-z]{{1,40}}){{0,5}}"))
    }, |text| text.starts_with(|c: char| c.is_ascii_alphabetic())
        && text.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '-')));
    /// An output form of `get`.
    Output("`wide`, `json`, `yaml` or `name`", |_| Some("wide|yaml|json|name".to_owned()),
        |text| matches!(text, "wide" | "json" | "yaml" | "name"));
    /// A path to sort by.
    SortKey("a field path to sort by", |_| Some("\\.(metadata\\.(name|creationTimestamp)|status\\.(startTime|phase)|lastTimestamp)".to_owned()),
        |text| text.starts_with(['.', '{']) && !text.contains(char::is_control));
    /// What `top` sorts by.
    UsageKey("`cpu` or `memory`", |_| Some("cpu|memory".to_owned()), |text| matches!(text, "cpu" | "memory"));
    /// Type of an event.
    EventType("`Normal` or `Warning`", |_| Some("Warning|Normal".to_owned()), |text| matches!(text, "Normal" | "Warning"));
    /// Type of a service.
    ServiceType("a service type", |_| Some("ClusterIP|NodePort|LoadBalancer".to_owned()),
        |text| matches!(text, "ClusterIP" | "NodePort" | "LoadBalancer" | "ExternalName"));
    /// A protocol of a port.
    Protocol("`TCP`, `UDP` or `SCTP`", |_| Some("TCP|UDP".to_owned()), |text| matches!(text, "TCP" | "UDP" | "SCTP"));
    /// When a bare pod is started again.
    RestartPolicy("`Always`, `OnFailure` or `Never`", |_| Some("Always|OnFailure|Never".to_owned()),
        |text| matches!(text, "Always" | "OnFailure" | "Never"));
    /// A host and path with its service, as in `shop.example.com/cart*=cart:80`.
    IngressRule("an ingress rule, as in shop.example.com/*=web:80",
        |_| {
            let (path, rest) = ("[a-zA-Z0-9/._-]{0,60}", "=[a-z][-a-z0-9]{0,60}:[a-z0-9-]{1,15}(,tls(=[a-z][-a-z0-9]{0,60})?)?");
            let host = "[a-z0-9][a-z0-9.-]{0,80}";
            Some(format!("{host}/{path}{rest}|'((\\*\\.)?{host})?/{path}\\*?{rest}'"))
        },
        |text| text.split_once('=').is_some_and(|(host, service)| host.contains('/') && service.contains(':'))
            && !text.contains(char::is_whitespace));
    /// Ports of a service, as in `80:8080`.
    PortPair("a port or pair of ports, as in 80:8080", |_| Some(format!("({PORT})(:({PORT}))?")),
        |text| text.split(':').count() <= 2 && text.split(':').all(is_port));
    /// A number of pods or a share of them.
    CountOrPercent("a count or percentage", |_| Some("[1-9][0-9]{0,2}%?|0".to_owned()),
        |text| text.strip_suffix('%').unwrap_or(text).parse::<u16>().is_ok());
}

/// What may stand behind the slash of a resource without being an object's name.
const SUBRESOURCES: &[&str] = &[
    "attach",
    "binding",
    "ephemeralcontainers",
    "eviction",
    "exec",
    "finalize",
    "log",
    "portforward",
    "proxy",
    "resize",
    "scale",
    "status",
    "token",
];

/// Ports of two to five digits; whatever it matches is at most 64999.
const PORT: &str = "[1-9][0-9]{1,3}|[1-5][0-9]{4}|6[0-4][0-9]{3}";
/// What a value may hold that a shell must have in quotes: no quotes, no backslashes.
pub(super) const QUOTED: &str = "[A-Za-z0-9 ._/:@,;+=()<>*!?&#%-]{1,80}";
pub(super) const LABEL_KEY: &str = "[a-zA-Z0-9]([a-zA-Z0-9._/-]{0,60}[a-zA-Z0-9])?";
pub(super) const LABEL_WORD: &str = "[a-zA-Z0-9]([a-zA-Z0-9._-]{0,60}[a-zA-Z0-9])?";

/// A DNS-1123 label.
pub(super) fn is_label(text: &str) -> bool {
    let inner = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    let ends = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
    (1..=LABEL_LIMIT).contains(&text.len())
        && text.chars().all(inner)
        && text.starts_with(ends)
        && text.ends_with(ends)
}

pub(super) fn is_image(text: &str) -> bool {
    !text.is_empty()
        && text.len() <= 512
        && text.starts_with(|c: char| c.is_ascii_alphanumeric())
        && text
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '/' | ':' | '@' | '-'))
}

fn is_quantity(text: &str) -> bool {
    let digits = text
        .find(|c: char| !c.is_ascii_digit() && c != '.')
        .unwrap_or(text.len());
    let (number, suffix) = text.split_at(digits);
    number.parse::<f64>().is_ok()
        && [
            "", "n", "u", "m", "k", "M", "G", "T", "P", "E", "Ki", "Mi", "Gi", "Ti", "Pi", "Ei",
        ]
        .contains(&suffix)
}

fn is_duration(text: &str) -> bool {
    let mut number = false;
    for c in text.chars() {
        match c {
            '0'..='9' | '.' => number = true,
            'h' | 'm' | 's' if number => number = false,
            _ => return false,
        }
    }
    !number && !text.is_empty()
}

fn is_port(text: &str) -> bool {
    text.parse::<u16>().is_ok_and(|port| port > 0)
}

/// A word of a command line that a container runs.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Argument(pub String);

impl Value for Argument {
    const EXPECTED: &'static str = "a word";

    fn read(text: &str) -> Option<Self> {
        (!text.contains(['\0', '\n'])).then(|| Argument(text.to_owned()))
    }

    fn write(&self) -> String {
        self.0.clone()
    }

    fn pattern(_focus: &Focus) -> Option<String> {
        Some("[A-Za-z0-9./:=_-]{1,40}|'[^'\\\\\\n]{1,120}'".to_owned())
    }

    fn together(focus: &Focus) -> Option<String> {
        focus.sayable.commands.pattern()
    }
}

/// A whole number, at most nine digits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Count(pub u32);

impl Value for Count {
    const EXPECTED: &'static str = "a whole number";

    fn read(text: &str) -> Option<Self> {
        let plain = !text.is_empty() && text.len() <= 9 && text.chars().all(|c| c.is_ascii_digit());
        plain.then(|| text.parse().ok().map(Count)).flatten()
    }

    fn write(&self) -> String {
        self.0.to_string()
    }

    fn pattern(_focus: &Focus) -> Option<String> {
        Some("0|[1-9][0-9]{0,8}".to_owned())
    }
}

/// A port number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Port(pub u16);

impl Value for Port {
    const EXPECTED: &'static str = "a port from 1 to 65535";

    fn read(text: &str) -> Option<Self> {
        is_port(text).then(|| text.parse().ok().map(Port)).flatten()
    }

    fn write(&self) -> String {
        self.0.to_string()
    }

    fn pattern(_focus: &Focus) -> Option<String> {
        Some(PORT.to_owned())
    }
}
