//! Cells that many tables share.

use jiff::Timestamp;
use serde_json::{Value, json};

use crate::sandbox::json::{at, entries, items, text};

pub(super) fn name(object: &Value, _: Timestamp) -> Value {
    json!(text(object, "/metadata/name"))
}

pub(super) fn age(object: &Value, now: Timestamp) -> Value {
    since(text(object, "/metadata/creationTimestamp"), now)
}

pub(super) fn created(object: &Value, _: Timestamp) -> Value {
    at(object, "/metadata/creationTimestamp")
}

/// The time since `written`, as kubectl writes durations.
pub(super) fn since(written: &str, now: Timestamp) -> Value {
    match written.parse::<Timestamp>() {
        Ok(then) => json!(duration(now.duration_since(then).as_secs())),
        Err(_) => json!("<unknown>"),
    }
}

/// `45s`, `12m`, `3h5m`, `2d4h`, `9d`: the more, the coarser.
pub(super) fn duration(seconds: i64) -> String {
    let seconds = seconds.max(0);
    let (minutes, hours, days) = (seconds / 60, seconds / 3600, seconds / 86_400);
    let with = |whole: i64, unit: &str, rest: i64, small: &str| {
        if rest == 0 {
            format!("{whole}{unit}")
        } else {
            format!("{whole}{unit}{rest}{small}")
        }
    };
    match () {
        () if seconds < 120 => format!("{seconds}s"),
        () if minutes < 10 => with(minutes, "m", seconds % 60, "s"),
        () if minutes < 180 => format!("{minutes}m"),
        () if hours < 8 => with(hours, "h", minutes % 60, "m"),
        () if hours < 48 => format!("{hours}h"),
        () if days < 8 => with(days, "d", hours % 24, "h"),
        () if days < 365 * 2 => format!("{days}d"),
        () => with(days / 365, "y", days % 365, "d"),
    }
}

/// The text at `pointer`, or `<none>`.
pub(super) fn or_none(object: &Value, pointer: &str) -> Value {
    match text(object, pointer) {
        "" => json!("<none>"),
        found => json!(found),
    }
}

/// A map as `a=1,b=2`, or `<none>`.
pub(super) fn pairs(object: &Value, pointer: &str) -> Value {
    let all: Vec<String> = entries(object, pointer)
        .into_iter()
        .flatten()
        .map(|(key, value)| format!("{key}={}", value.as_str().unwrap_or("")))
        .collect();
    if all.is_empty() {
        json!("<none>")
    } else {
        json!(all.join(","))
    }
}

/// The texts at `inner` of every item of the list at `pointer`.
pub(super) fn joined(object: &Value, pointer: &str, inner: &str) -> Value {
    let all: Vec<&str> = items(object, pointer)
        .iter()
        .map(|item| text(item, inner))
        .collect();
    json!(all.join(","))
}

pub(super) fn size(object: &Value, pointer: &str) -> usize {
    entries(object, pointer).map_or(0, serde_json::Map::len)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_as_kubectl_writes_them() {
        for (seconds, written) in [
            (5, "5s"),
            (119, "119s"),
            (150, "2m30s"),
            (1200, "20m"),
            (3 * 3600 + 300, "3h5m"),
            (30 * 3600, "30h"),
            (3 * 86_400, "3d"),
            (3 * 86_400 + 7200, "3d2h"),
            (40 * 86_400, "40d"),
        ] {
            assert_eq!(duration(seconds), written);
        }
    }
}
