//! Amounts of CPU and memory.

/// Reads an amount such as `250m`, `1.5`, `64Mi` or `1e3`, in its base unit (cores, bytes).
pub(super) fn amount(text: &str) -> Option<f64> {
    let split = text
        .find(|c: char| !c.is_ascii_digit() && !matches!(c, '.' | '-' | '+'))
        .unwrap_or(text.len());
    let (digits, suffix) = text.split_at(split);
    let number: f64 = digits.parse().ok()?;
    factor(suffix)
        .map(|factor| number * factor)
        .or_else(|| text.parse().ok())
}

fn factor(suffix: &str) -> Option<f64> {
    Some(match suffix {
        "" => 1.0,
        "n" => 1e-9,
        "u" => 1e-6,
        "m" => 1e-3,
        "k" => 1e3,
        "M" => 1e6,
        "G" => 1e9,
        "T" => 1e12,
        "P" => 1e15,
        "E" => 1e18,
        "Ki" => 1024.0,
        "Mi" => 1_048_576.0,
        "Gi" => 1_073_741_824.0,
        "Ti" => 1_099_511_627_776.0,
        "Pi" => 1_125_899_906_842_624.0,
        "Ei" => 1_152_921_504_606_846_976.0,
        _ => return None,
    })
}

/// Thousandths of a core, rounded up as kubectl does. What cannot be read counts as nothing.
#[allow(clippy::cast_possible_truncation, reason = "clamped to what a node can have")]
pub(super) fn millicores(text: &str) -> i64 {
    // Rounding first keeps `0.1` from becoming 101 thousandths.
    let exact = amount(text).unwrap_or_default() * 1000.0;
    ((exact * 1e6).round() / 1e6).ceil().clamp(0.0, 1e15) as i64
}

/// Bytes, rounded up. What cannot be read counts as nothing.
#[allow(clippy::cast_possible_truncation, reason = "clamped to what a node can have")]
pub(super) fn bytes(text: &str) -> i64 {
    amount(text).unwrap_or_default().ceil().clamp(0.0, 9e18) as i64
}

/// Whole percent of a total, rounded down; 0 of nothing.
pub(super) fn percent(part: i64, whole: i64) -> i64 {
    if whole == 0 {
        return 0;
    }
    i64::try_from(i128::from(part) * 100 / i128::from(whole)).unwrap_or(i64::MAX)
}
