//! Schedules of cron jobs: five fields, as in crontab(5), or one of the names such as `@hourly`.

use jiff::Zoned;

/// A parsed schedule: for each field the values that fit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Schedule {
    fields: [u64; 5],
    /// Days count by month and week together where both are restricted: either is enough.
    either_day: bool,
}

/// Name, least and greatest value of each field.
const FIELDS: [(&str, u32, u32); 5] = [
    ("minute", 0, 59),
    ("hour", 0, 23),
    ("day of month", 1, 31),
    ("month", 1, 12),
    ("day of week", 0, 6),
];
const MONTHS: [&str; 12] = [
    "jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec",
];
const DAYS: [&str; 7] = ["sun", "mon", "tue", "wed", "thu", "fri", "sat"];

impl Schedule {
    /// Parses a schedule; the error is in the API server's words.
    pub(super) fn parse(written: &str) -> Result<Self, String> {
        let spelled = match written {
            "@yearly" | "@annually" => "0 0 1 1 *",
            "@monthly" => "0 0 1 * *",
            "@weekly" => "0 0 * * 0",
            "@daily" | "@midnight" => "0 0 * * *",
            "@hourly" => "0 * * * *",
            other if other.starts_with('@') => return Err(format!("unrecognized descriptor: {other}")),
            other => other,
        };
        let parts: Vec<&str> = spelled.split_whitespace().collect();
        let Ok(parts) = <[&str; 5]>::try_from(parts.as_slice()) else {
            let found = format!("[{}]", parts.join(" "));
            return Err(format!(
                "expected exactly 5 fields, found {}: {found}",
                parts.len()
            ));
        };
        let mut fields = [0; 5];
        for (index, part) in parts.iter().enumerate() {
            fields[index] = field(part, index)?;
        }
        let is_open = |part: &str| part.starts_with('*') || part.starts_with('?');
        Ok(Self {
            fields,
            either_day: !is_open(parts[2]) && !is_open(parts[4]),
        })
    }

    /// True if a job starts in this minute.
    pub(super) fn fits(&self, now: &Zoned) -> bool {
        let number = |value: i8| u32::from(value.unsigned_abs());
        let weekday = u32::from(now.weekday().to_sunday_zero_offset().unsigned_abs());
        let values = [
            number(now.minute()),
            number(now.hour()),
            number(now.day()),
            number(now.month()),
            weekday,
        ];
        let has = |index: usize| self.fields[index] & (1 << values[index]) != 0;
        let is_day = if self.either_day {
            has(2) || has(4)
        } else {
            has(2) && has(4)
        };
        has(0) && has(1) && has(3) && is_day
    }
}

/// The values of one field, a bit each.
fn field(written: &str, index: usize) -> Result<u64, String> {
    written
        .split(',')
        .try_fold(0, |all, part| Ok(all | range(part, index)?))
}

/// `*`, `5`, `1-5`, and each with a step behind a slash.
fn range(written: &str, index: usize) -> Result<u64, String> {
    let (_, least, most) = FIELDS[index];
    let (span, step) = written
        .split_once('/')
        .map_or((written, None), |(span, step)| (span, Some(step)));
    let step: u32 = match step {
        None => 1,
        Some(step) => step
            .parse()
            .map_err(|_| format!("failed to parse int from {step}: invalid syntax"))?,
    };
    if step == 0 {
        return Err(format!("step of range should be a positive number: {written}"));
    }
    let (start, end) = match span.split_once('-') {
        _ if matches!(span, "*" | "?") => (least, most),
        Some((start, end)) => (number(start, index)?, number(end, index)?),
        None if written.contains('/') => (number(span, index)?, most),
        None => (number(span, index)?, number(span, index)?),
    };
    if start < least {
        return Err(format!(
            "beginning of range ({start}) below minimum ({least}): {written}"
        ));
    }
    if end > most {
        return Err(format!("end of range ({end}) above maximum ({most}): {written}"));
    }
    if start > end {
        return Err(format!(
            "beginning of range ({start}) beyond end of range ({end}): {written}"
        ));
    }
    let values = (start..=end).step_by(usize::try_from(step).unwrap_or(1));
    Ok(values.fold(0, |all, value| all | 1 << value))
}

fn number(written: &str, index: usize) -> Result<u32, String> {
    let lower = written.to_lowercase();
    let named = |names: &[&str]| names.iter().position(|name| *name == lower);
    let known = match index {
        3 => named(&MONTHS).map(|at| at + 1),
        4 => named(&DAYS),
        _ => None,
    };
    match known.and_then(|known| u32::try_from(known).ok()) {
        Some(known) => Ok(known),
        None => written.parse().map_err(|_| {
            format!("failed to parse int from {written}: strconv.Atoi: parsing {written:?}: invalid syntax")
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fits(schedule: &str, time: &str) -> bool {
        Schedule::parse(schedule)
            .unwrap()
            .fits(&time.parse::<Zoned>().unwrap())
    }

    #[test]
    fn minutes_that_fit() {
        let monday = "2026-11-23T03:30:00[UTC]";
        for schedule in [
            "30 3 * * *",
            "*/15 * * * *",
            "0,30 1-5/2 * nov mon",
            "30 3 1 * 1",
            "30 3 23 * 5",
            "* * * * 1-5",
        ] {
            assert!(fits(schedule, monday), "{schedule}");
        }
        for schedule in [
            "31 3 * * *",
            "@hourly",
            "30 3 * * 2",
            "30 3 1 * 2",
            "30 3 24 11 *",
        ] {
            assert!(!fits(schedule, monday), "{schedule}");
        }
    }

    #[test]
    fn what_is_no_schedule() {
        for (schedule, why) in [
            ("99 * * * *", "end of range (99) above maximum (59): 99"),
            ("* * *", "expected exactly 5 fields, found 3: [* * *]"),
            ("@often", "unrecognized descriptor: @often"),
            (
                "5-1 * * * *",
                "beginning of range (5) beyond end of range (1): 5-1",
            ),
        ] {
            assert_eq!(Schedule::parse(schedule).unwrap_err(), why);
        }
        for schedule in [
            "*/0 * * * *",
            "a * * * *",
            "* * 0 * *",
            "",
            "1-2-3 * * * *",
            "* * * * */4294967296",
        ] {
            assert!(Schedule::parse(schedule).is_err(), "{schedule}");
        }
    }
}
