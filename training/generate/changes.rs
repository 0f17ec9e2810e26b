//! Numbers of replicas by other names than digits, and changes of the number that there is.

use crate::random::Random;
use crate::slots::Filled;
use crate::values::number;

const TENTHS_UP: &[usize] = &[10, 20, 20, 25, 30, 40, 50, 60, 75, 80, 100, 150, 200];
const TENTHS_DOWN: &[usize] = &[10, 20, 20, 25, 30, 40, 50, 60, 75, 80];
const SOME: &[usize] = &[1, 2, 2, 2, 3, 3, 4, 5, 6, 8, 10, 12];
const PARTS: &[(&str, usize)] = &[
    ("a third", 3),
    ("one third", 3),
    ("a quarter", 4),
    ("one quarter", 4),
    ("a fourth", 4),
    ("a fifth", 5),
    ("one fifth", 5),
    ("a tenth", 10),
    ("1/3", 3),
    ("1/4", 4),
];

/// How an amount changes, as it is said and as the planner is to write it. `times` is what was said of a factor before.
pub fn change(kind: &str, times: Option<&Filled>, random: &mut Random) -> Option<Filled> {
    let of = |list: &[usize], random: &mut Random| list[random.below(list.len())];
    Some(match kind {
        "more" => Filled::of("", "+1"),
        "less" => Filled::of("", "-1"),
        "twice" => Filled::of("", "*2"),
        "thrice" => Filled::of("", "*3"),
        "fourfold" => Filled::of("", "*4"),
        "half" => Filled::of("", "/2"),
        "plushalf" => Filled::of("", "+50%"),
        "plus" | "minus" => {
            let some = of(SOME, random);
            let sign = if kind == "plus" { '+' } else { '-' };
            Filled::of(number(some, 40, random), format!("{sign}{some}"))
        }
        "times" => {
            let factor = random.within(2, 10);
            let said = match random.below(4) {
                0 => format!("{factor}x"),
                1 => format!("{factor} times"),
                _ => format!("{} times", number(factor, 100, random)),
            };
            Filled::of(said, format!("*{factor}"))
        }
        "factor" => {
            let factor: usize = times?.written.trim_start_matches('*').parse().ok()?;
            Filled::of(number(factor, 35, random), factor.to_string())
        }
        "part" => {
            let (said, parts) = PARTS[random.below(PARTS.len())];
            Filled::of(said, format!("/{parts}"))
        }
        "pctup" | "pctdown" => {
            let (sign, list) = if kind == "pctup" {
                ('+', TENTHS_UP)
            } else {
                ('-', TENTHS_DOWN)
            };
            let share = of(list, random);
            let unit = random.pick(&["%", "%", "%", " percent", " %", " per cent"]);
            Filled::of(format!("{share}{unit}"), format!("{sign}{share}%"))
        }
        _ => return None,
    })
}

const NTH: &[&str] = &[
    "second", "third", "fourth", "fifth", "sixth", "seventh", "eighth", "ninth", "tenth",
];
const GERMAN: &str = "eine zwei drei vier fünf sechs sieben acht neun zehn elf zwölf";
const SPANISH: &str = "una dos tres cuatro cinco seis siete ocho nueve diez once doce";
const FRENCH: &str = "une deux trois quatre cinq six sept huit neuf dix onze douze";
const CHINESE: &str = "一 两 三 四 五 六 七 八 九 十 十一 十二";
const COUNTED: &[(&str, &str)] = &[
    ("a dozen", "12"),
    ("half a dozen", "6"),
    ("half a dozen", "6"),
    ("two dozen", "24"),
    ("a pair of", "2"),
    ("a score of", "20"),
    ("a hundred", "100"),
    ("fifteen", "15"),
    ("twenty", "20"),
    ("thirteen", "13"),
    ("sixteen", "16"),
    ("twenty-five", "25"),
    ("thirty", "30"),
    ("fifty", "50"),
    ("a trio of", "3"),
    ("a quartet of", "4"),
    ("a single", "1"),
];

/// A number by another name: a word of another language, an ordinal, a dozen.
pub fn count(kind: &str, random: &mut Random) -> Option<Filled> {
    let words = match kind {
        "score" => {
            let (said, written) = COUNTED[random.below(COUNTED.len())];
            return Some(Filled::of(said, written));
        }
        "ord" => {
            let at = random.below(NTH.len());
            return Some(Filled::of(NTH[at], (at + 2).to_string()));
        }
        "nde" => GERMAN,
        "nes" => SPANISH,
        "nfr" => FRENCH,
        "nzh" => CHINESE,
        _ => return None,
    };
    let words: Vec<&str> = words.split_whitespace().collect();
    let value = random.below(words.len()) + 1;
    let said = if random.chance(65) {
        words[value - 1].to_owned()
    } else {
        value.to_string()
    };
    Some(Filled::of(said, value.to_string()))
}
