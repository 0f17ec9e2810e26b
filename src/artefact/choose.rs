//! Which files of a repository or folder are a model.

use super::error::ArtefactError;
use super::manifest::Format;

/// The rest of mistral.rs' UQFF models.
const RESIDUAL: &str = "residual.safetensors";
/// What is taken where nothing is wished for, best first.
const FAVOURITES: [&str; 6] = ["Q4_K_M", "Q4K", "Q8_0", "Q5_K_M", "Q4_0", "Q6_K"];
/// What stands beside weights that do not carry it themselves.
const COMPANIONS: [&str; 6] = [
    "config.json",
    "generation_config.json",
    "tokenizer.json",
    "tokenizer_config.json",
    "chat_template.jinja",
    "chat_template.json",
];
/// To what mistral.rs can quantize while loading.
const ISQ: [&str; 21] = [
    "2", "3", "4", "5", "6", "8", "Q4_0", "Q4_1", "Q5_0", "Q5_1", "Q8_0", "Q2K", "Q3K", "Q4K", "Q5K", "Q6K",
    "HQQ4", "HQQ8", "FP8", "AFQ4", "AFQ8",
];

/// One of the models in a repository or folder.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Variant {
    /// Its quantization where the files tell, else the files' common name.
    pub name: String,
    /// How its weights are stored.
    pub format: Format,
    /// Its weights, in order.
    pub weights: Vec<String>,
    /// Bytes of its weights.
    pub bytes: u64,
}

/// What was chosen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Choice {
    pub(super) variant: Variant,
    /// To what it is quantized while loading.
    pub(super) isq: Option<String>,
}

/// The models among these files: path and size of each.
pub fn variants(files: &[(String, u64)]) -> Vec<Variant> {
    let mut found: Vec<Variant> = Vec::new();
    let mut sorted: Vec<&(String, u64)> = files.iter().collect();
    sorted.sort();
    for (path, size) in sorted {
        let Some((format, stem)) = kind(path, files) else {
            continue;
        };
        let name = quantization(stem).unwrap_or_else(|| stem.to_owned());
        let is_same = |variant: &&mut Variant| {
            variant.format == format
                && (format == Format::Safetensors
                    || kind(&variant.weights[0], files).is_some_and(|(_, s)| s == stem))
        };
        if let Some(variant) = found.iter_mut().find(is_same) {
            variant.weights.push(path.clone());
            variant.bytes += size;
            continue;
        }
        let name = match format {
            Format::Safetensors => "safetensors".to_owned(),
            // Two files of one quantization are told apart by their whole names.
            _ if found.iter().any(|other| other.name == name) => stem.to_owned(),
            _ => name,
        };
        found.push(Variant {
            name,
            format,
            weights: vec![path.clone()],
            bytes: *size,
        });
    }
    with_residual(&mut found, files);
    found
}

/// The format of a file with weights, and its name without what numbers its parts.
#[expect(
    clippy::case_sensitive_file_extension_comparisons,
    reason = "the name is in lower case"
)]
fn kind<'a>(path: &'a str, files: &[(String, u64)]) -> Option<(Format, &'a str)> {
    let lower = path.to_ascii_lowercase();
    let file = lower.rsplit('/').next().unwrap_or(&lower);
    let stem = |ending: usize| unnumbered(&path[..path.len() - ending]);
    if file.ends_with(".gguf") {
        // Eyes and statistics of a model are no model.
        return (!file.contains("mmproj") && !file.contains("imatrix")).then(|| (Format::Gguf, stem(5)));
    }
    if file.ends_with(".uqff") {
        return Some((Format::Uqff, stem(5)));
    }
    let is_part = file.ends_with(".safetensors") && !lower.contains('/') && file != RESIDUAL;
    let is_adapter = file.starts_with("adapter_");
    let is_copy = file.starts_with("consolidated")
        && files
            .iter()
            .any(|(other, _)| other.starts_with("model") && other.ends_with(".safetensors"));
    (is_part && !is_adapter && !is_copy).then(|| (Format::Safetensors, stem(12)))
}

/// Without `-00001-of-00003`, and without `-0` as UQFF numbers its parts.
fn unnumbered(stem: &str) -> &str {
    let is_number = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    if let Some((front, last)) = stem.rsplit_once("-of-")
        && let Some((front, first)) = front.rsplit_once('-')
        && is_number(last)
        && is_number(first)
    {
        return front;
    }
    match stem.rsplit_once('-') {
        Some((front, number)) if is_number(number) && quantization(front).is_some() => front,
        _ => stem,
    }
}

/// The quantization that a name ends with, as in `q4_k_m`.
fn quantization(stem: &str) -> Option<String> {
    let last = stem.rsplit(['-', '.', '/']).next()?.to_ascii_uppercase();
    let digit_after = |mark: &str| {
        last.strip_prefix(mark)
            .is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_digit()))
    };
    let known = ["Q", "IQ", "TQ", "BF", "F", "FP", "MXFP", "HQQ", "AFQ", "F8Q"]
        .into_iter()
        .any(digit_after);
    known.then_some(last)
}

fn with_residual(found: &mut [Variant], files: &[(String, u64)]) {
    let Some((name, size)) = files.iter().find(|(name, _)| name == RESIDUAL) else {
        return;
    };
    for variant in found.iter_mut().filter(|variant| variant.format == Format::Uqff) {
        variant.weights.push(name.clone());
        variant.bytes += size;
    }
}

/// Chooses the one that is wished for: a quantization, or a file's name. Without a wish, the only one or a favourite.
pub(super) fn choose(place: &str, found: &[Variant], wish: Option<&str>) -> Result<Choice, ArtefactError> {
    let taken = |variant: &Variant| {
        Ok(Choice {
            variant: variant.clone(),
            isq: None,
        })
    };
    if found.is_empty() {
        let reason = "it has no GGUF, UQFF or safetensors files".to_owned();
        return Err(ArtefactError::NoModel {
            place: place.to_owned(),
            reason,
        });
    }
    let Some(wish) = wish else {
        let favourite = FAVOURITES
            .iter()
            .find_map(|name| found.iter().find(|variant| variant.name == *name));
        return match (found, favourite) {
            ([only], _) => taken(only),
            (_, Some(variant)) => taken(variant),
            // A repository with the original beside a few quantizations: the original is what it is known for.
            _ => match found.iter().find(|variant| variant.format == Format::Safetensors) {
                Some(variant) => taken(variant),
                None => Err(absent(place, "choice between its models", found)),
            },
        };
    };
    let is_it = |variant: &&Variant| {
        variant.name.eq_ignore_ascii_case(wish) || variant.weights.iter().any(|file| file == wish)
    };
    if let Some(variant) = found.iter().find(is_it) {
        return taken(variant);
    }
    let plain = found.iter().find(|variant| variant.format == Format::Safetensors);
    match (plain, isq(wish)) {
        (Some(variant), Some(isq)) => Ok(Choice {
            variant: variant.clone(),
            isq: Some(isq),
        }),
        _ => Err(absent(place, wish, found)),
    }
}

fn absent(place: &str, wanted: &str, found: &[Variant]) -> ArtefactError {
    let there = found
        .iter()
        .map(|variant| format!("`:{}`", variant.name))
        .collect();
    ArtefactError::NoVariant {
        place: place.to_owned(),
        wanted: wanted.to_owned(),
        there,
    }
}

/// The name under which mistral.rs knows a quantization.
fn isq(wish: &str) -> Option<String> {
    let name = wish.to_ascii_uppercase();
    let name = name
        .strip_suffix("_K")
        .map_or(name.clone(), |front| format!("{front}K"));
    ISQ.contains(&name.as_str()).then_some(name)
}

/// The files that go with a model. A GGUF file carries its tokenizer and its template itself.
pub(super) fn companions(
    place: &str,
    format: Format,
    files: &[(String, u64)],
) -> Result<Vec<String>, ArtefactError> {
    if format == Format::Gguf {
        return Ok(Vec::new());
    }
    let there: Vec<String> = COMPANIONS
        .iter()
        .filter(|name| files.iter().any(|(file, _)| file == *name))
        .map(|name| (*name).to_owned())
        .collect();
    for needed in ["config.json", "tokenizer.json"] {
        if !there.iter().any(|name| name == needed) {
            let reason = format!("it has no `{needed}`");
            return Err(ArtefactError::NoModel {
                place: place.to_owned(),
                reason,
            });
        }
    }
    Ok(there)
}
