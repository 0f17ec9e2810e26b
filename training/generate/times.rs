//! Times of cron jobs as people say them, with their schedules. Days of the week count from Sunday, which is 0.

use crate::random::Random;
use crate::slots::Filled;

/// Whole schedules.
const WHOLE: &[(&str, &str)] = &[
    ("every other minute", "*/2 * * * *"),
    ("once a minute", "* * * * *"),
    ("each and every minute", "* * * * *"),
    ("every quarter of an hour", "*/15 * * * *"),
    ("every half hour", "*/30 * * * *"),
    ("every half an hour", "*/30 * * * *"),
    ("every other hour", "0 */2 * * *"),
    ("every second hour", "0 */2 * * *"),
    ("every third hour", "0 */3 * * *"),
    ("every sixth hour", "0 */6 * * *"),
    ("hourly at ten past", "10 * * * *"),
    ("hourly at half past", "30 * * * *"),
    ("hourly, five past the hour", "5 * * * *"),
    ("at a quarter past every hour", "15 * * * *"),
    ("at a quarter to every hour", "45 * * * *"),
    ("ten minutes before every full hour", "50 * * * *"),
    ("at minute 20 of each hour", "20 * * * *"),
    ("at noon and at midnight", "0 0,12 * * *"),
    ("at midnight and noon", "0 0,12 * * *"),
    ("twice a day at 8 and 20", "0 8,20 * * *"),
    ("twice a day, at 6am and 6pm", "0 6,18 * * *"),
    (
        "twice daily at 9 in the morning and 5 in the afternoon",
        "0 9,17 * * *",
    ),
    ("three times a day at 6, 14 and 22", "0 6,14,22 * * *"),
    ("daily at 7, 12 and 19 o'clock", "0 7,12,19 * * *"),
    ("every 15 minutes between 9 and 17", "*/15 9-17 * * *"),
    ("every ten minutes from 8 to 18", "*/10 8-18 * * *"),
    ("every half hour between 6 and 22", "*/30 6-22 * * *"),
    ("every hour from 8 to 18 on weekdays", "0 8-18 * * 1-5"),
    ("every 5 minutes on weekdays between 7 and 19", "*/5 7-19 * * 1-5"),
    ("hourly from 9 to 17", "0 9-17 * * *"),
    ("hourly on weekends", "0 * * * 0,6"),
    ("every half hour on saturdays", "*/30 * * * 6"),
    ("every ten minutes on weekdays", "*/10 * * * 1-5"),
    ("every five minutes on sundays", "*/5 * * * 0"),
    ("every minute on mondays", "* * * * 1"),
    ("every 20 minutes at night, from 0 to 5", "*/20 0-5 * * *"),
    ("half past two every night", "30 2 * * *"),
    ("every night at half past one", "30 1 * * *"),
    ("nightly at ten to four", "50 3 * * *"),
    ("every morning at six", "0 6 * * *"),
    ("each morning at half past seven", "30 7 * * *"),
    ("every evening at nine", "0 21 * * *"),
    ("every evening at quarter past eight", "15 20 * * *"),
    ("every afternoon at three", "0 15 * * *"),
    ("quarter to six in the morning on weekdays", "45 5 * * 1-5"),
    ("first of the month at midnight", "0 0 1 * *"),
    ("on the first of the month, midnight", "0 0 1 * *"),
    ("at the start of every month", "0 0 1 * *"),
    ("once a month at midnight on the 1st", "0 0 1 * *"),
    ("on the 1st and the 15th at midnight", "0 0 1,15 * *"),
    ("every second day at 4am", "0 4 */2 * *"),
    ("every three days at noon", "0 12 */3 * *"),
    ("every year on january 1st at midnight", "0 0 1 1 *"),
    ("yearly on december 24th at noon", "0 12 24 12 *"),
    ("on may 1st at 6 in the morning", "0 6 1 5 *"),
    ("every first of april at noon", "0 12 1 4 *"),
    ("every three months on the first at midnight", "0 0 1 */3 *"),
    ("every day in december at 10:00", "0 10 * 12 *"),
    ("once a week, sunday at midnight", "0 0 * * 0"),
    ("weekly on saturday, 23:00", "0 23 * * 6"),
    ("sunday nights at eleven", "0 23 * * 0"),
    ("monday mornings at five", "0 5 * * 1"),
    ("friday evenings at six", "0 18 * * 5"),
    ("wednesday afternoons at two", "0 14 * * 3"),
    ("weekends at noon", "0 12 * * 0,6"),
    ("jede Nacht um halb drei", "30 2 * * *"),
    ("jeden Sonntag um 4 Uhr", "0 4 * * 0"),
    ("werktags um 7:30", "30 7 * * 1-5"),
    ("jeden Montag um 6 Uhr früh", "0 6 * * 1"),
    ("alle zehn Minuten", "*/10 * * * *"),
    ("stündlich", "0 * * * *"),
    ("todos los domingos a las 3", "0 3 * * 0"),
    ("cada lunes a las 8:15", "15 8 * * 1"),
    ("cada cinco minutos", "*/5 * * * *"),
    ("todas las noches a la una", "0 1 * * *"),
    ("tous les mardis à 9h", "0 9 * * 2"),
    ("chaque samedi à minuit", "0 0 * * 6"),
    ("toutes les dix minutes", "*/10 * * * *"),
    ("每天早上六点", "0 6 * * *"),
    ("每周日凌晨三点", "0 3 * * 0"),
    ("每五分钟", "*/5 * * * *"),
];

/// Days with what a schedule has for them: day of the month and day of the week.
const DAYS: &[(&str, &str)] = &[
    ("every sunday", "* * 0"),
    ("every monday", "* * 1"),
    ("every tuesday", "* * 2"),
    ("every wednesday", "* * 3"),
    ("every thursday", "* * 4"),
    ("every friday", "* * 5"),
    ("every saturday", "* * 6"),
    ("sundays", "* * 0"),
    ("mondays", "* * 1"),
    ("tuesdays", "* * 2"),
    ("wednesdays", "* * 3"),
    ("thursdays", "* * 4"),
    ("fridays", "* * 5"),
    ("saturdays", "* * 6"),
    ("each Wednesday", "* * 3"),
    ("each Friday", "* * 5"),
    ("on Saturday", "* * 6"),
    ("on Thursdays", "* * 4"),
    ("on tue", "* * 2"),
    ("every sat", "* * 6"),
    ("every sun", "* * 0"),
    ("mondays and thursdays", "* * 1,4"),
    ("tuesdays and fridays", "* * 2,5"),
    ("every monday and friday", "* * 1,5"),
    ("on wednesday and sunday", "* * 0,3"),
    ("on saturday and sunday", "* * 0,6"),
    ("mon, wed and fri", "* * 1,3,5"),
    ("monday, wednesday and friday", "* * 1,3,5"),
    ("tuesday, thursday and saturday", "* * 2,4,6"),
    ("monday to thursday", "* * 1-4"),
    ("monday through saturday", "* * 1-6"),
    ("tuesday to friday", "* * 2-5"),
    ("mon-fri", "* * 1-5"),
    ("on weekdays", "* * 1-5"),
    ("every weekday", "* * 1-5"),
    ("on working days", "* * 1-5"),
    ("on business days", "* * 1-5"),
    ("weekends", "* * 0,6"),
    ("at the weekend", "* * 0,6"),
    ("on weekends", "* * 0,6"),
    ("every day", "* * *"),
    ("day by day", "* * *"),
    ("daily", "* * *"),
    ("once a day", "* * *"),
    ("seven days a week", "* * *"),
    ("every other day", "*/2 * *"),
    ("on the first of the month", "1 * *"),
    ("on the 1st of each month", "1 * *"),
    ("on the 2nd of the month", "2 * *"),
    ("on the tenth of every month", "10 * *"),
    ("on the 15th", "15 * *"),
    ("on the 28th of each month", "28 * *"),
    ("on the 1st and 15th", "1,15 * *"),
    ("in the first week of the month, each day,", "1-7 * *"),
];

/// Times of day, as minute and hour.
const HOURS: &[(&str, &str)] = &[
    ("3 in the morning", "0 3"),
    ("four in the morning", "0 4"),
    ("6 in the evening", "0 18"),
    ("seven in the evening", "0 19"),
    ("two in the afternoon", "0 14"),
    ("1 at night", "0 1"),
    ("3 o'clock at night", "0 3"),
    ("half past two at night", "30 2"),
    ("half past six in the morning", "30 6"),
    ("half past four in the afternoon", "30 16"),
    ("half past nine in the evening", "30 21"),
    ("quarter to six in the morning", "45 5"),
    ("quarter past seven in the morning", "15 7"),
    ("quarter to eleven in the evening", "45 22"),
    ("quarter past one in the afternoon", "15 13"),
    ("ten past nine in the morning", "10 9"),
    ("twenty past five in the afternoon", "20 17"),
    ("five to eight in the morning", "55 7"),
    ("ten to four in the afternoon", "50 15"),
    ("twenty to twelve in the morning", "40 11"),
    ("noon", "0 12"),
    ("midday", "0 12"),
    ("midnight", "0 0"),
    ("half past midnight", "30 0"),
    ("five to midnight", "55 23"),
    ("one minute past midnight", "1 0"),
    ("quarter past noon", "15 12"),
    ("eight sharp in the morning", "0 8"),
    ("07:30", "30 7"),
    ("7.30 am", "30 7"),
    ("05:05", "5 5"),
    ("16:45", "45 16"),
    ("23:59", "59 23"),
    ("00:20", "20 0"),
    ("18h", "0 18"),
    ("6pm", "0 18"),
    ("11 pm", "0 23"),
    ("2am", "0 2"),
    ("10:15 pm", "15 22"),
    ("12:30 pm", "30 12"),
    ("9 a.m.", "0 9"),
];

/// A time in words with its schedule, bare of quotes.
pub fn when(random: &mut Random) -> Filled {
    match random.below(10) {
        0..=3 => {
            let (said, line) = WHOLE[random.below(WHOLE.len())];
            Filled::of(said, line)
        }
        4..=7 => {
            let (days, last) = DAYS[random.below(DAYS.len())];
            let (hour, first) = HOURS[random.below(HOURS.len())];
            let said = match random.below(5) {
                0..=2 => format!("{days} at {hour}"),
                3 => format!("at {hour} {days}"),
                _ if hour.starts_with(|c: char| c.is_ascii_digit()) => format!("{days} {hour}"),
                _ => format!("{days}, {hour}"),
            };
            Filled::of(said.replace(",,", ","), format!("{first} {last}"))
        }
        8 => within_hours(random),
        _ => past_the_hour(random),
    }
}

fn within_hours(random: &mut Random) -> Filled {
    let (from, to) = (random.within(0, 10), random.within(12, 23));
    let (step, every) = [
        ("*/5", "every 5 minutes"),
        ("*/10", "every ten minutes"),
        ("*/15", "every 15 minutes"),
        ("*/20", "every 20 min"),
        ("*/30", "every half hour"),
        ("0", "hourly"),
    ][random.below(6)];
    let (days, week) = [
        ("", "*"),
        ("", "*"),
        (" on weekdays", "1-5"),
        (" on weekends", "0,6"),
    ][random.below(4)];
    let hours = match random.below(3) {
        0 => format!("between {from} and {to}"),
        1 => format!("from {from} to {to}"),
        _ => format!("from {from} to {to} o'clock"),
    };
    Filled::of(
        format!("{every} {hours}{days}"),
        format!("{step} {from}-{to} * * {week}"),
    )
}

fn past_the_hour(random: &mut Random) -> Filled {
    let minute = [5, 7, 10, 12, 17, 20, 25, 35, 40, 50][random.below(10)];
    let said = match random.below(4) {
        0 => format!("hourly at {minute} past"),
        1 => format!("every hour at minute {minute}"),
        2 => format!("{minute} minutes past every hour"),
        _ => format!("once an hour, at minute {minute}"),
    };
    Filled::of(said, format!("{minute} * * * *"))
}
