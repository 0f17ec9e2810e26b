//! Spans and moments as kubectl writes them.

use jiff::Timestamp;

/// The time since a moment, in kubectl's short form; `<unknown>` for what is no time.
pub fn age(since: &str, now: Timestamp) -> String {
    match since.parse::<Timestamp>() {
        Ok(since) => span((now - since).total(jiff::Unit::Second).unwrap_or_default()),
        Err(_) => "<unknown>".to_owned(),
    }
}

/// A span of seconds in kubectl's short form: `90s`, `3m20s`, `5d3h`. Two units where the first is small.
#[allow(clippy::cast_possible_truncation, reason = "spans are far below the limit")]
pub fn span(seconds: f64) -> String {
    let seconds = seconds.floor() as i64;
    let (minutes, hours, days) = (seconds / 60, seconds / 3600, seconds / 86_400);
    match seconds {
        ..-1 => "<invalid>".to_owned(),
        -1 => "0s".to_owned(),
        0..120 => format!("{seconds}s"),
        120..600 => two(minutes, "m", seconds % 60, "s"),
        600..10_800 => format!("{minutes}m"),
        10_800..28_800 => two(hours, "h", minutes % 60, "m"),
        28_800..172_800 => format!("{hours}h"),
        172_800..691_200 => two(days, "d", hours % 24, "h"),
        691_200..63_072_000 => format!("{days}d"),
        63_072_000..252_288_000 => two(days / 365, "y", days % 365, "d"),
        _ => format!("{}y", days / 365),
    }
}

fn two(large: i64, large_unit: &str, small: i64, small_unit: &str) -> String {
    if small == 0 {
        format!("{large}{large_unit}")
    } else {
        format!("{large}{large_unit}{small}{small_unit}")
    }
}

/// A moment as `describe` writes it: `Mon, 02 Jan 2006 15:04:05 +0000`. What is no time stays as it is.
pub fn moment(text: &str) -> String {
    match text.parse::<Timestamp>() {
        Ok(time) => time.strftime("%a, %d %b %Y %H:%M:%S +0000").to_string(),
        Err(_) => text.to_owned(),
    }
}
