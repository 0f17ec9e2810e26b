//! Colours by what they mean. Three themes, changes from `[tui.colours]`, and none at all under `NO_COLOR`.

use std::collections::BTreeMap;
use std::str::FromStr;

use ratatui::style::{Color, Modifier, Style};

use super::health::{Health, health};

/// A theme that cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ThemeError {
    /// No such theme.
    #[error("`tui.theme`: there is no theme `{0}`; there are `dark`, `light` and `high-contrast`")]
    Unknown(String),
    /// No such role.
    #[error("`tui.colours` has no `{0}`")]
    NoRole(String),
    /// No such colour.
    #[error("`tui.colours.{role}`: `{colour}` is no colour; write a name or `#rrggbb`")]
    NoColour {
        /// The role.
        role: String,
        /// What was written.
        colour: String,
    },
}

macro_rules! roles {
    ($($(#[$doc:meta])* $name:ident $dark:literal $light:literal $contrast:literal;)*) => {
        /// Styles by what they mean.
        #[derive(Clone, Debug, PartialEq, Eq)]
        pub struct Theme { $($(#[$doc])* pub $name: Style,)* }

        /// Roles with their colours: dark, light, high contrast.
        const ROLES: &[(&str, [&str; 3])] = &[$((stringify!($name), [$dark, $light, $contrast]),)*];

        impl Theme {
            fn of(colours: &BTreeMap<&str, Color>) -> Theme {
                let style = |role: &str| match colours.get(role) {
                    None | Some(Color::Reset) => Style::new(),
                    Some(colour) => Style::new().fg(*colour),
                };
                Theme { $($name: style(stringify!($name)),)* }
            }
        }
    };
}

roles! {
    /// Plain text.
    text "reset" "reset" "white";
    /// What matters less.
    dim "darkgray" "gray" "white";
    /// Titles, and what is being done.
    title "cyan" "blue" "lightcyan";
    /// What was asked.
    asked "lightblue" "blue" "lightyellow";
    /// What is well.
    good "green" "green" "lightgreen";
    /// What deserves a second look.
    warn "yellow" "#9a6700" "lightyellow";
    /// What is wrong or dangerous.
    bad "lightred" "red" "lightred";
    /// Lines that are added.
    added "green" "green" "lightgreen";
    /// Lines that go.
    removed "lightred" "red" "lightred";
    /// Keys in hints.
    key "lightmagenta" "magenta" "lightmagenta";
    /// Frames.
    frame "darkgray" "gray" "white";
    /// The line under the cursor.
    selected "cyan" "blue" "lightcyan";
    /// The status line.
    status "gray" "darkgray" "white";
    /// A context that is production.
    production "lightred" "red" "lightred";
}

impl Theme {
    /// The theme of that name with these changes. `plain` leaves every colour out, `deep` says that the terminal has
    /// 24-bit colours.
    pub fn new(
        name: Option<&str>,
        changes: &BTreeMap<String, String>,
        plain: bool,
        deep: bool,
    ) -> Result<Theme, ThemeError> {
        let column = match name.unwrap_or("dark") {
            "dark" => 0,
            "light" => 1,
            "high-contrast" => 2,
            other => return Err(ThemeError::Unknown(other.to_owned())),
        };
        let colour = |role: &str, text: &str| match Color::from_str(text) {
            Ok(colour) => Ok(if deep { colour } else { flat(colour) }),
            Err(_) => Err(ThemeError::NoColour {
                role: role.to_owned(),
                colour: text.to_owned(),
            }),
        };
        let mut colours = BTreeMap::new();
        for (role, texts) in ROLES {
            colours.insert(*role, colour(role, texts[column])?);
        }
        for (role, text) in changes {
            let known = ROLES.iter().find(|(known, _)| known == role);
            let (role, _) = known.ok_or_else(|| ThemeError::NoRole(role.clone()))?;
            colours.insert(*role, colour(role, text)?);
        }
        if plain {
            colours.clear();
        }
        Ok(Theme::of(&colours).emphasised(column == 2))
    }

    /// What is told by more than colour, so that it is told without colours, too.
    fn emphasised(mut self, strong: bool) -> Theme {
        self.selected = self.selected.add_modifier(Modifier::REVERSED);
        self.title = self.title.add_modifier(Modifier::BOLD);
        self.key = self.key.add_modifier(Modifier::BOLD);
        self.bad = self.bad.add_modifier(Modifier::BOLD);
        self.production = self.production.add_modifier(Modifier::BOLD | Modifier::REVERSED);
        self.status = self.status.add_modifier(Modifier::REVERSED);
        if strong {
            self.warn = self.warn.add_modifier(Modifier::BOLD);
            self.asked = self.asked.add_modifier(Modifier::BOLD);
        }
        self
    }

    /// How a table's cell looks: states that are well or not are told by their words.
    pub fn cell(&self, text: &str) -> Style {
        match health(text) {
            Health::Bad => self.bad,
            Health::Warn => self.warn,
            Health::Good => self.good,
            Health::Plain => self.text,
        }
    }
}

/// The nearest of the 256 colours that every terminal of today knows.
fn flat(colour: Color) -> Color {
    let Color::Rgb(red, green, blue) = colour else {
        return colour;
    };
    let step = |value: u8| match value {
        0..48 => 0,
        48..115 => 1,
        value => (value - 35) / 40,
    };
    Color::Indexed(16 + 36 * step(red) + 6 * step(green) + step(blue))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn theme(name: &str, plain: bool) -> Result<Theme, ThemeError> {
        Theme::new(Some(name), &BTreeMap::new(), plain, true)
    }

    #[test]
    fn every_theme_can_be_made() {
        for name in ["dark", "light", "high-contrast"] {
            let made = theme(name, false).unwrap();
            assert!(made.bad.fg.is_some() && made.added != made.removed, "{name}");
        }
        assert_eq!(theme("pink", false), Err(ThemeError::Unknown("pink".into())));
    }

    #[test]
    fn without_colours_nothing_has_one_and_danger_still_stands_out() {
        let made = theme("dark", true).unwrap();
        assert!(made.bad.fg.is_none() && made.production.fg.is_none());
        assert!(made.bad.add_modifier.contains(Modifier::BOLD));
        assert!(made.selected.add_modifier.contains(Modifier::REVERSED));
    }

    #[test]
    fn a_colour_can_be_changed_and_is_flattened_where_it_must_be() {
        let changes = |role: &str, colour: &str| BTreeMap::from([(role.to_owned(), colour.to_owned())]);
        let made = Theme::new(None, &changes("warn", "#ff0000"), false, true).unwrap();
        assert_eq!(made.warn.fg, Some(Color::Rgb(255, 0, 0)));
        let made = Theme::new(None, &changes("warn", "#ff0000"), false, false).unwrap();
        assert_eq!(made.warn.fg, Some(Color::Indexed(196)));
        assert!(matches!(
            Theme::new(None, &changes("warn", "loud"), false, true),
            Err(ThemeError::NoColour { .. })
        ));
        assert!(matches!(
            Theme::new(None, &changes("hat", "red"), false, true),
            Err(ThemeError::NoRole(_))
        ));
    }

    #[test]
    fn words_of_trouble_look_like_trouble() {
        let made = theme("dark", false).unwrap();
        assert_eq!(made.cell("CrashLoopBackOff"), made.bad);
        assert_eq!(made.cell("1/2"), made.warn);
        assert_eq!(made.cell("2/2"), made.text);
        assert_eq!(made.cell("Running"), made.good);
    }
}
