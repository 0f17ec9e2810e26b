//! Amounts and times as people say them: cores, memory, durations, schedules.

use crate::random::Random;
use crate::slots::Filled;
use crate::values::number;

const CORES: &[(&str, &str)] = &[
    ("half a core", "500m"),
    ("half a cpu", "500m"),
    ("a quarter of a core", "250m"),
    ("quarter core", "250m"),
    ("a tenth of a core", "100m"),
    ("one core", "1"),
    ("1 cpu", "1"),
    ("1 core", "1"),
    ("a full core", "1"),
    ("two cores", "2"),
    ("2 cpus", "2"),
    ("2 cores", "2"),
    ("4 cores", "4"),
    ("one and a half cores", "1500m"),
    ("0.5 cpu", "500m"),
    ("0.25 cores", "250m"),
    ("0.1 cpu", "100m"),
    ("1.5 cores", "1500m"),
    ("three cores", "3"),
    ("0.5 cores", "500m"),
    ("0.2 cpu", "200m"),
];

pub fn cpu(random: &mut Random) -> Filled {
    let (said, written) = CORES[random.below(CORES.len())];
    if random.chance(45) {
        return Filled::of(said, written);
    }
    let milli = random.within(1, 40) * 50;
    let unit = random.pick(&["m", "m", "m", "m cpu", " millicores", "m CPU", " millicpu"]);
    Filled::of(format!("{milli}{unit}"), format!("{milli}m"))
}

pub fn memory(random: &mut Random) -> Filled {
    let fixed = [
        ("half a gig", "512Mi"),
        ("half a gigabyte", "512Mi"),
        ("a gig", "1Gi"),
        ("one gigabyte", "1Gi"),
        ("two gigs", "2Gi"),
        ("a gigabyte", "1Gi"),
        ("a quarter gig", "256Mi"),
    ];
    if random.chance(15) {
        let (said, written) = fixed[random.below(fixed.len())];
        return Filled::of(said, written);
    }
    if random.chance(60) {
        let amount = [
            64, 96, 100, 128, 150, 192, 200, 256, 300, 384, 400, 512, 600, 640, 750, 768, 800, 900, 1024,
            1536,
        ][random.below(20)];
        let unit = random.pick(&[
            "Mi",
            "Mi",
            "Mi",
            "MB",
            " MB",
            " megabytes",
            " megs",
            "mb",
            " mb",
            "MiB",
            " MiB",
            " mebibytes",
        ]);
        return Filled::of(format!("{amount}{unit}"), format!("{amount}Mi"));
    }
    let amount = random.within(1, 16);
    let unit = random.pick(&[
        "Gi",
        "Gi",
        "Gi",
        "GB",
        " GB",
        " gigabytes",
        " gigs",
        "gb",
        " gb",
        "GiB",
        " gig",
        "G of memory",
    ]);
    Filled::of(format!("{amount}{unit}"), format!("{amount}Gi"))
}

pub fn size(random: &mut Random) -> Filled {
    let amount = [1, 2, 5, 8, 10, 15, 20, 30, 50, 80, 100, 200, 250, 500][random.below(14)];
    let unit = random.pick(&["Gi", "Gi", "GB", " GB", " gigabytes", " gigs", "gb"]);
    Filled::of(format!("{amount}{unit}"), format!("{amount}Gi"))
}

pub fn duration(random: &mut Random) -> Filled {
    let fixed = [
        ("hour", "1h"),
        ("half hour", "30m"),
        ("half an hour", "30m"),
        ("minute", "1m"),
        ("day", "24h"),
        ("an hour", "1h"),
        ("one hour", "1h"),
        ("quarter of an hour", "15m"),
    ];
    if random.chance(25) {
        let (said, written) = fixed[random.below(fixed.len())];
        return Filled::of(said, written);
    }
    let (amount, unit) = match random.below(10) {
        0..=5 => ([2, 3, 5, 10, 15, 20, 30, 45, 90][random.below(9)], "m"),
        6..=8 => (random.within(2, 24), "h"),
        _ => ([10, 15, 30, 45, 60, 90][random.below(6)], "s"),
    };
    let words = match unit {
        "m" => random.pick(&["m", " min", " minutes", " minutes", " mins"]),
        "h" => random.pick(&["h", " hours", " hours", " hrs", "h"]),
        _ => random.pick(&["s", " seconds", " sec", " secs", "s"]),
    };
    let said = if words.starts_with(' ') {
        number(amount, 25, random)
    } else {
        amount.to_string()
    };
    Filled::of(format!("{said}{words}"), format!("{amount}{unit}"))
}

fn clock(hour: usize, minute: usize, random: &mut Random) -> String {
    let twelve = match hour % 12 {
        0 => 12,
        other => other,
    };
    let half = if hour < 12 { "am" } else { "pm" };
    if minute > 0 {
        return match random.below(7) {
            0 => format!("{twelve}:{minute:02} {half}"),
            1 => format!("{twelve}:{minute:02}{half}"),
            2 if !(12..=17).contains(&hour) => {
                let (before, next) = (twelve, (hour + 1) % 12);
                let next = if next == 0 { 12 } else { next };
                let part = random.word(match hour {
                    0..5 => "at_night in_the_morning am",
                    5..12 => "in_the_morning am",
                    _ => "in_the_evening pm",
                });
                let said = match minute {
                    15 => format!("a quarter past {}", number(before, 60, random)),
                    30 => format!("half past {}", number(before, 60, random)),
                    _ => format!("a quarter to {}", number(next, 60, random)),
                };
                format!("{said} {}", part.replace('_', " "))
            }
            _ => format!("{hour:02}:{minute:02}"),
        };
    }
    match random.below(6) {
        0 => format!("{twelve}{half}"),
        1 => format!("{twelve} {half}"),
        2 if hour == 0 => "midnight".to_owned(),
        2 if hour == 12 => "noon".to_owned(),
        2 | 3 => format!("{hour:02}:00"),
        4 if hour > 0 && hour < 12 => format!("{hour} in the morning"),
        4 if hour > 17 => format!("{twelve} in the evening"),
        _ if hour > 0 && hour < 10 => hour.to_string(),
        _ => format!("{hour}:00"),
    }
}

const DAYS: &[&str] = &[
    "sunday",
    "monday",
    "tuesday",
    "wednesday",
    "thursday",
    "friday",
    "saturday",
];

#[expect(
    clippy::too_many_lines,
    reason = "a table of ways to say it, read from top to bottom"
)]
pub fn schedule(random: &mut Random) -> Filled {
    let (hour, minute) = (random.within(0, 23), [0, 0, 0, 15, 30, 45][random.below(6)]);
    let at = clock(hour, minute, random);
    let every = random.pick(&["every", "every", "each"]);
    let (said, line) = match random.below(14) {
        0 => ("every minute".to_owned(), "* * * * *".to_owned()),
        1 | 2 => {
            let step = [2, 5, 10, 15, 20, 30][random.below(6)];
            (
                format!(
                    "{every} {} {}",
                    number(step, 30, random),
                    random.pick(&["minutes", "minutes", "min"])
                ),
                format!("*/{step} * * * *"),
            )
        }
        3 => (
            random
                .pick(&[
                    "every hour",
                    "hourly",
                    "hourly",
                    "once an hour",
                    "each hour",
                    "on the hour",
                    "every full hour",
                ])
                .to_owned(),
            "0 * * * *".to_owned(),
        ),
        4 => {
            let step = [2, 3, 4, 6, 8, 12][random.below(6)];
            (
                format!("{every} {} hours", number(step, 40, random)),
                format!("0 */{step} * * *"),
            )
        }
        5..=7 if !(5..20).contains(&hour) => {
            (format!("{every} night at {at}"), format!("{minute} {hour} * * *"))
        }
        5..=7 => (
            format!(
                "{} at {at}",
                random.pick(&["every day", "daily", "each day", "once a day"])
            ),
            format!("{minute} {hour} * * *"),
        ),
        8 => (
            random
                .pick(&[
                    "every night at midnight",
                    "daily at midnight",
                    "at midnight",
                    "every midnight",
                ])
                .to_owned(),
            "0 0 * * *".to_owned(),
        ),
        9 | 10 => {
            let day = random.below(7);
            let name = if random.chance(60) {
                DAYS[day][..1].to_uppercase() + &DAYS[day][1..]
            } else {
                DAYS[day].to_owned()
            };
            let said = match random.below(7) {
                0 => format!("{every} {name} at {at}"),
                1 => format!("on {name}s at {at}"),
                2 => format!("{name}s at {at}"),
                3 => format!("{name}s {at}"),
                4 => format!("{every} {} at {at}", &name[..3]),
                5 => format!("{every} {name}, {at}"),
                _ => format!("weekly on {name} at {at}"),
            };
            (said, format!("{minute} {hour} * * {day}"))
        }
        11 => (
            format!(
                "{} at {at}",
                random.pick(&[
                    "on weekdays",
                    "every weekday",
                    "monday to friday",
                    "Monday through Friday"
                ])
            ),
            format!("{minute} {hour} * * 1-5"),
        ),
        12 => {
            let day = random.within(1, 28);
            match day {
                1 => (
                    format!(
                        "{} at {at}",
                        random.pick(&[
                            "on the first of every month",
                            "monthly on the 1st",
                            "on the first of each month"
                        ])
                    ),
                    format!("{minute} {hour} 1 * *"),
                ),
                _ => (
                    format!("on day {day} of every month at {at}"),
                    format!("{minute} {hour} {day} * *"),
                ),
            }
        }
        _ => {
            let line = format!("{minute} {hour} * * *");
            (format!("on the schedule {line}"), line)
        }
    };
    Filled::of(said, format!("'{line}'"))
}
