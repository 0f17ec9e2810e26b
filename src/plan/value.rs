//! Values that are not live objects: counts, images, labels, quantities, new names, free text.

use super::field::Value;
use super::focus::{Focus, any_of};
use super::target::is_name;

/// A DNS-1123 label of at most this many characters is what most new objects may be called.
const LABEL_LIMIT: usize = 63;

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

text_values! {
    /// The name of an object that is being created: a DNS-1123 label.
    NewName("a new name of lower-case letters, digits and `-`",
        |_| Some("[a-z]([-a-z0-9]{0,60}[a-z0-9])?".to_owned()), is_label);
    /// A name under RBAC's wider rule, for roles and bindings that are being created.
    RbacName("a name", |_| Some("[a-z]([-a-z0-9:]{0,60}[a-z0-9])?".to_owned()), is_name);
    /// The name of an object that a new one refers to; it need not exist yet.
    Reference("a name", |_| Some("[a-z]([-a-z0-9:.]{0,60}[a-z0-9])?".to_owned()), is_name);
    /// A live namespace.
    NamespaceName("the name of a namespace", |focus| any_of(focus.namespaces.iter().cloned()), is_label);
    /// A live container.
    ContainerName("the name of a container", |focus| any_of(focus.containers()), is_label);
    /// A container image.
    Image("an image, as in nginx:1.27", |_| Some("[a-z0-9]([a-zA-Z0-9._/:@-]{0,120}[a-zA-Z0-9])?".to_owned()), is_image);
    /// Name of an environment variable.
    EnvName("the name of an environment variable", |_| Some("[A-Za-z_][A-Za-z0-9_]{0,60}".to_owned()),
        |text| !text.is_empty() && !text.starts_with(|c: char| c.is_ascii_digit())
            && text.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.')));
    /// A label selector, equality and set forms.
    Selector("a label selector, as in app=web", |_| {
        let term = format!("{LABEL_KEY}(!?={LABEL_WORD})?");
        Some(format!("{term}(,{term}){{0,2}}"))
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
    Verb("an access verb, as in get", |_| Some("get|list|watch|create|update|patch|delete|deletecollection|use|\\*".to_owned()),
        |text| !text.is_empty() && text.chars().all(|c| c.is_ascii_lowercase() || c == '*'));
    /// What an access verb is about: a resource with optional group, subresource and name.
    AccessResource("a resource, as in deployments or pods/log", |focus| {
        let kinds = any_of(focus.kinds.iter().cloned())?;
        Some(format!("pods/log|pods/exec|deployments/scale|({kinds})"))
    }, |text| !text.is_empty() && text.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '/' | '-' | '*' | ':')));
    /// Subject of an access question: a user or service account.
    User("a user", |_| Some("[A-Za-z0-9][A-Za-z0-9@._:-]{0,60}".to_owned()), |text| !text.is_empty() && !text.contains(char::is_whitespace));
    /// A field path for `explain`, beginning with a kind.
    FieldPath("a kind or field, as in deployment.spec.replicas", |focus| {
        let kinds = any_of(focus.kinds.iter().cloned())?;
        Some(format!("({kinds})(\\.[a-z][A-Za-z]{{1,40}}){{0,5}}"))
    }, |text| text.starts_with(|c: char| c.is_ascii_alphabetic())
        && text.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '-')));
    /// A word of a command line that a container runs.
    Argument("a word", |_| Some("[A-Za-z0-9./:=_-]{1,40}|'[^'\\\\\\n]{1,120}'".to_owned()), |text| !text.contains('\0') && !text.contains('\n'));
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
        |_| Some("[a-z0-9*][a-z0-9.-]{0,80}/[a-zA-Z0-9/_*-]{0,60}=[a-z][-a-z0-9]{0,60}:[a-z0-9-]{1,15}".to_owned()),
        |text| text.split_once('=').is_some_and(|(host, service)| host.contains('/') && service.contains(':'))
            && !text.contains(char::is_whitespace));
    /// Ports of a service, as in `80:8080`.
    PortPair("a port or pair of ports, as in 80:8080", |_| Some("[1-9][0-9]{1,3}(:[1-9][0-9]{1,3})?".to_owned()),
        |text| text.split(':').count() <= 2 && text.split(':').all(is_port));
    /// A number of pods or a share of them.
    CountOrPercent("a count or percentage", |_| Some("[1-9][0-9]{0,2}%?|0".to_owned()),
        |text| text.strip_suffix('%').unwrap_or(text).parse::<u16>().is_ok());
}

const LABEL_KEY: &str = "[a-zA-Z0-9]([a-zA-Z0-9._/-]{0,60}[a-zA-Z0-9])?";
const LABEL_WORD: &str = "[a-zA-Z0-9]([a-zA-Z0-9._-]{0,60}[a-zA-Z0-9])?";

/// A DNS-1123 label.
pub(super) fn is_label(text: &str) -> bool {
    let inner = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    let ends = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
    (1..=LABEL_LIMIT).contains(&text.len())
        && text.chars().all(inner)
        && text.starts_with(ends)
        && text.ends_with(ends)
}

fn is_image(text: &str) -> bool {
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
        Some("0|[1-9][0-9]{0,4}".to_owned())
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
        Some("[1-9][0-9]{1,3}|[1-5][0-9]{4}".to_owned())
    }
}

/// `key=value`, or `key-` to take the key away.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// The key.
    pub key: String,
    /// The new value; nothing removes the key.
    pub value: Option<String>,
}

macro_rules! changes {
    ($($(#[$doc:meta])* $name:ident ($expected:literal, $key:expr, $value_pattern:expr, $accepts:expr);)*) => {$(
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq)]
        pub struct $name(pub Change);

        impl Value for $name {
            const EXPECTED: &'static str = $expected;

            fn read(text: &str) -> Option<Self> {
                let accepts: fn(&str) -> bool = $accepts;
                let change = match text.split_once('=') {
                    Some((key, value)) => Change { key: key.to_owned(), value: Some(value.to_owned()) },
                    None => Change { key: text.strip_suffix('-')?.to_owned(), value: None },
                };
                let keyed = !change.key.is_empty() && change.key.chars().all(is_key_char) && is_end(&change.key);
                (keyed && change.value.as_deref().is_none_or(accepts)).then_some($name(change))
            }

            fn write(&self) -> String {
                match &self.0.value {
                    Some(value) => format!("{}={value}", self.0.key),
                    None => format!("{}-", self.0.key),
                }
            }

            fn pattern(_focus: &Focus) -> Option<String> {
                Some(format!("{key}={value}|{key}-", key = $key, value = $value_pattern))
            }
        }
    )*};
}

changes! {
    /// A change of a label.
    LabelChange("a label, as in tier=front or tier-", LABEL_KEY, format!("({LABEL_WORD})?"),
        |value| value.len() <= LABEL_LIMIT && value.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.')));
    /// A change of an annotation.
    AnnotationChange("an annotation, as in note=text or note-", LABEL_KEY, "[A-Za-z0-9][A-Za-z0-9._/:@-]{0,80}",
        |value| !value.contains('\0'));
    /// A change of an environment variable.
    EnvChange("a variable, as in LEVEL=debug or LEVEL-", "[A-Za-z_][A-Za-z0-9_]{0,60}", "[A-Za-z0-9._/:@,-]{0,120}",
        |value| !value.contains('\0'));
}

fn is_key_char(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.' | '/')
}

fn is_end(key: &str) -> bool {
    key.ends_with(|c: char| c.is_ascii_alphanumeric() || c == '_')
        && key.starts_with(|c: char| c.is_ascii_alphanumeric() || c == '_')
}

/// `key=value` of a new configmap or secret, or of a label map.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pair {
    /// The key.
    pub key: String,
    /// The value.
    pub value: String,
}

impl Value for Pair {
    const EXPECTED: &'static str = "key=value";

    fn read(text: &str) -> Option<Self> {
        let (key, value) = text.split_once('=')?;
        let keyed = !key.is_empty() && key.chars().all(is_key_char) && is_end(key) && !value.contains('\0');
        keyed.then(|| Pair {
            key: key.to_owned(),
            value: value.to_owned(),
        })
    }

    fn write(&self) -> String {
        format!("{}={}", self.key, self.value)
    }

    fn pattern(_focus: &Focus) -> Option<String> {
        Some("[A-Za-z0-9]([A-Za-z0-9._-]{0,60}[A-Za-z0-9])?=[A-Za-z0-9._/:@-]{1,120}".to_owned())
    }
}

/// Several pairs in one word, as `--labels=app=web,tier=front` and `--limits=cpu=1,memory=1Gi` take them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pairs(pub Vec<Pair>);

impl Value for Pairs {
    const EXPECTED: &'static str = "key=value pairs with commas between";

    fn read(text: &str) -> Option<Self> {
        text.split(',')
            .map(Pair::read)
            .collect::<Option<Vec<_>>>()
            .map(Pairs)
    }

    fn write(&self) -> String {
        self.0.iter().map(Value::write).collect::<Vec<_>>().join(",")
    }

    fn pattern(_focus: &Focus) -> Option<String> {
        let pair = format!("{LABEL_KEY}={LABEL_WORD}");
        Some(format!("{pair}(,{pair}){{0,4}}"))
    }
}

/// Amounts by resource name, as in `cpu=200m,memory=512Mi`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Amounts(pub Vec<(String, Quantity)>);

impl Value for Amounts {
    const EXPECTED: &'static str = "amounts, as in cpu=200m,memory=512Mi";

    fn read(text: &str) -> Option<Self> {
        let each = text.split(',').map(|pair| {
            let (name, amount) = pair.split_once('=')?;
            let named = !name.is_empty() && name.chars().all(is_key_char);
            named
                .then_some(())
                .and_then(|()| Some((name.to_owned(), Quantity::read(amount)?)))
        });
        each.collect::<Option<Vec<_>>>().map(Amounts)
    }

    fn write(&self) -> String {
        self.0
            .iter()
            .map(|(name, amount)| format!("{name}={}", amount.0))
            .collect::<Vec<_>>()
            .join(",")
    }

    fn pattern(focus: &Focus) -> Option<String> {
        let amount = Quantity::pattern(focus)?;
        let pair = format!(
            "(cpu|memory|pods|services|configmaps|secrets|persistentvolumeclaims|requests\\.cpu|requests\\.memory|limits\\.cpu|limits\\.memory|nvidia\\.com/gpu)=({amount})"
        );
        Some(format!("{pair}(,{pair}){{0,4}}"))
    }
}

/// A container and its new image, as in `nginx=nginx:1.28`; `*` means every container.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ContainerImage {
    /// Name of the container, or `*`.
    pub container: String,
    /// The image.
    pub image: Image,
}

impl Value for ContainerImage {
    const EXPECTED: &'static str = "a container with its image, as in nginx=nginx:1.28";

    fn read(text: &str) -> Option<Self> {
        let (container, image) = text.split_once('=')?;
        let named = container == "*" || is_label(container);
        named.then_some(()).and_then(|()| {
            Some(ContainerImage {
                container: container.to_owned(),
                image: Image::read(image)?,
            })
        })
    }

    fn write(&self) -> String {
        format!("{}={}", self.container, self.image.0)
    }

    fn pattern(focus: &Focus) -> Option<String> {
        Some(format!(
            "({})=({})",
            any_of(focus.containers())?,
            Image::pattern(focus)?
        ))
    }
}

/// A taint, as in `dedicated=gpu:NoSchedule`, or with `-` at its end to take it away.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Taint {
    /// The key.
    pub key: String,
    /// The value, if any.
    pub value: Option<String>,
    /// The effect; may be left out when a taint is taken away.
    pub effect: Option<String>,
    /// Whether it is taken away.
    pub remove: bool,
}

impl Value for Taint {
    const EXPECTED: &'static str = "a taint, as in dedicated=gpu:NoSchedule or dedicated-";

    fn read(text: &str) -> Option<Self> {
        let (text, remove) = text.strip_suffix('-').map_or((text, false), |text| (text, true));
        let (rest, effect) = text
            .split_once(':')
            .map_or((text, None), |(rest, effect)| (rest, Some(effect)));
        let (key, value) = rest
            .split_once('=')
            .map_or((rest, None), |(key, value)| (key, Some(value)));
        let known = |effect: &str| matches!(effect, "NoSchedule" | "PreferNoSchedule" | "NoExecute");
        let keyed = !key.is_empty() && key.chars().all(is_key_char) && is_end(key);
        let worded = value.is_none_or(|value| value.chars().all(is_key_char));
        let effective = effect.map_or(remove, known);
        (keyed && worded && effective).then(|| Taint {
            key: key.to_owned(),
            value: value.map(str::to_owned),
            effect: effect.map(str::to_owned),
            remove,
        })
    }

    fn write(&self) -> String {
        let value = self
            .value
            .as_ref()
            .map_or_else(String::new, |value| format!("={value}"));
        let effect = self
            .effect
            .as_ref()
            .map_or_else(String::new, |effect| format!(":{effect}"));
        format!(
            "{}{value}{effect}{}",
            self.key,
            if self.remove { "-" } else { "" }
        )
    }

    fn pattern(_focus: &Focus) -> Option<String> {
        Some(format!(
            "{LABEL_KEY}((={LABEL_WORD})?:(NoSchedule|PreferNoSchedule|NoExecute)-?|-)"
        ))
    }
}

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
        let leaf = r#"("[A-Za-z0-9 ._/:@-]{0,60}"|(0|[1-9][0-9]{0,5})|true|false|null)"#;
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
