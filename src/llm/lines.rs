//! Lines that come wrapped in JSON, taken out of it as they come.

use super::types::TokenChoice;

/// Where the text is, as far as it was read.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
enum Place {
    /// Before the list.
    #[default]
    Before,
    /// In the list, between lines.
    Between,
    /// In a line.
    Line,
    /// Behind a backslash.
    Escape,
    /// In the digits of a character: how many there were, and their number.
    Digits(u8, u32),
    /// Behind the list.
    After,
}

/// Takes the strings of the first list in a JSON text, piece by piece.
#[derive(Debug, Clone, Default)]
pub(super) struct Unwrapper {
    place: Place,
    lines: usize,
}

impl Unwrapper {
    /// The part of a piece that stands in lines, with line ends between them.
    pub(super) fn feed(&mut self, piece: &str) -> String {
        let mut text = String::new();
        for c in piece.chars() {
            self.place = self.step(c, &mut text);
        }
        text
    }

    fn step(&mut self, c: char, text: &mut String) -> Place {
        match (self.place, c) {
            (Place::Before, '[') | (Place::Line, '"') => Place::Between,
            (Place::Between, '"') => {
                if self.lines > 0 {
                    text.push('\n');
                }
                self.lines += 1;
                Place::Line
            }
            (Place::Between, ']') => Place::After,
            (Place::Line, '\\') => Place::Escape,
            (Place::Line, c) => {
                text.push(c);
                Place::Line
            }
            (Place::Escape, 'u') => Place::Digits(0, 0),
            (Place::Escape, c) => {
                text.push(match c {
                    'n' => '\n',
                    't' => '\t',
                    'r' | 'b' | 'f' => ' ',
                    c => c,
                });
                Place::Line
            }
            (Place::Digits(seen, number), c) => {
                let number = number << 4 | c.to_digit(16).unwrap_or(0);
                if seen < 3 {
                    return Place::Digits(seen + 1, number);
                }
                text.push(char::from_u32(number).unwrap_or(char::REPLACEMENT_CHARACTER));
                Place::Line
            }
            (place, _) => place,
        }
    }
}

/// The tokens of the lines alone: what a model thought of the wrapping says nothing about the plan.
pub(super) fn unwrapped(tokens: Vec<TokenChoice>) -> Vec<TokenChoice> {
    let mut unwrapper = Unwrapper::default();
    let pieces = tokens.into_iter().map(|token| TokenChoice {
        text: unwrapper.feed(&token.text),
        ..token
    });
    pieces.filter(|token| !token.text.is_empty()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const WRAPPED: &str = "{\"plan\": [ \"get pods\", \"patch x '{\\\"a\\\":\\\"\\u00e9\\\\n\\\"}'\" ] }";

    #[test]
    fn lines_come_out_whatever_the_pieces() {
        let whole = Unwrapper::default().feed(WRAPPED);
        assert_eq!(whole, "get pods\npatch x '{\"a\":\"\u{e9}\\n\"}'");
        let mut unwrapper = Unwrapper::default();
        let pieces: String = WRAPPED.chars().map(|c| unwrapper.feed(&c.to_string())).collect();
        assert_eq!(pieces, whole);
        assert_eq!(Unwrapper::default().feed("no lines at all"), "");
    }

    #[test]
    fn tokens_of_the_wrapping_are_left_out() {
        let token = |text: &str| TokenChoice {
            text: text.to_owned(),
            logprob: -1.0,
            runner_up: None,
        };
        let tokens = ["{\"plan\":[\"", "get", " pods", "\",\"", "top", " nodes\"", "]}"];
        let kept = unwrapped(tokens.into_iter().map(token).collect());
        let texts: Vec<_> = kept.iter().map(|token| token.text.as_str()).collect();
        assert_eq!(texts, ["get", " pods", "\n", "top", " nodes"]);
    }
}
