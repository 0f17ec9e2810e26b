//! Values with a key: changes of labels and variables, pairs, amounts, images by container, taints.

use super::field::Value;
use super::focus::{Focus, any_of};
use super::value::{Image, LABEL_KEY, LABEL_LIMIT, LABEL_WORD, QUOTED, Quantity, is_label};

/// `key=value`, or `key-` to take the key away.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// The key.
    pub key: String,
    /// The new value; nothing removes the key.
    pub value: Option<String>,
}

macro_rules! changes {
    ($($(#[$doc:meta])* $name:ident ($expected:literal, $key:expr, $value_pattern:expr, $quoted:expr, $accepts:expr);)*) => {$(
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
                Some(format!("{key}={value}|{key}-{quoted}", key = $key, value = $value_pattern, quoted = $quoted))
            }
        }
    )*};
}

changes! {
    /// A change of a label.
    LabelChange("a label, as in tier=front or tier-", LABEL_KEY, format!("({LABEL_WORD})?"), "",
        |value| value.len() <= LABEL_LIMIT && value.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.')));
    /// A change of an annotation.
    AnnotationChange("an annotation, as in note=text or note-", LABEL_KEY, "[A-Za-z0-9][A-Za-z0-9._/:@-]{0,80}",
        format!("|'{LABEL_KEY}={QUOTED}'"),
        |value| !value.contains('\0'));
    /// A change of an environment variable.
    EnvChange("a variable, as in LEVEL=debug or LEVEL-", "[A-Za-z_][A-Za-z0-9_]{0,60}", "[A-Za-z0-9._/:@,=+-]{0,120}",
        format!("|'[A-Za-z_][A-Za-z0-9_]{{0,60}}={QUOTED}'"),
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
        let key = "[A-Za-z0-9]([A-Za-z0-9._-]{0,60}[A-Za-z0-9])?";
        Some(format!("{key}=[A-Za-z0-9._/:@,=+-]{{1,120}}|'{key}={QUOTED}'"))
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
