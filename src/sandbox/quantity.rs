//! Resource quantities: `250m`, `1.5`, `64Mi`, `1e3`.

/// The amount in base units; `None` if it is not a quantity.
pub(super) fn parse(text: &str) -> Option<f64> {
    let end = text
        .find(|c: char| !(c.is_ascii_digit() || matches!(c, '.' | '+' | '-')))
        .unwrap_or(text.len());
    let (number, suffix) = text.split_at(end);
    if !number.bytes().any(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let amount: f64 = number.parse().ok()?;
    Some(amount * factor(suffix)?)
}

fn factor(suffix: &str) -> Option<f64> {
    const BINARY: [&str; 6] = ["Ki", "Mi", "Gi", "Ti", "Pi", "Ei"];
    const DECIMAL: [(&str, i32); 10] = [
        ("n", -9),
        ("u", -6),
        ("m", -3),
        ("", 0),
        ("k", 3),
        ("M", 6),
        ("G", 9),
        ("T", 12),
        ("P", 15),
        ("E", 18),
    ];
    if let Some(power) = (1_i32..)
        .zip(BINARY)
        .find_map(|(power, known)| (known == suffix).then_some(power))
    {
        return Some(1024_f64.powi(power));
    }
    if let Some((_, power)) = DECIMAL.iter().find(|(known, _)| *known == suffix) {
        return Some(10_f64.powi(*power));
    }
    let exponent = suffix.strip_prefix(['e', 'E'])?.parse::<i32>().ok()?;
    (exponent.abs() <= 18).then(|| 10_f64.powi(exponent))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantities_as_written() {
        assert_eq!(parse("250m"), Some(0.25));
        assert_eq!(parse("64Mi"), Some(67_108_864.0));
        assert_eq!(parse("1e3"), Some(1000.0));
        assert_eq!(parse("2E"), Some(2e18));
        for bad in ["", "lots", "1Q", "m", "1 Gi", "--1", "1e99"] {
            assert_eq!(parse(bad), None, "{bad}");
        }
    }
}
