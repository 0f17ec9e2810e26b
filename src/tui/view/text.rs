//! Text that fits: wrapped, cut, padded, by the width that a terminal gives it.

use ratatui::style::Style;
use ratatui::text::{Line, Span};
use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

use crate::plan::printable;

/// A line of one style, printable.
pub fn line(text: &str, style: Style) -> Line<'static> {
    Line::from(span(text, style))
}

/// A piece of one style, printable and on one line.
pub fn span(text: &str, style: Style) -> Span<'static> {
    Span::styled(printable(text).replace(['\n', '\t'], " "), style)
}

/// The text in lines of at most `width` columns, broken between words where that is possible.
pub fn wrap(text: &str, width: usize) -> Vec<String> {
    let width = width.max(1);
    let mut lines = Vec::new();
    for line in text.lines() {
        if line.width() <= width {
            lines.push(line.to_owned());
        } else {
            break_line(line, width, &mut lines);
        }
    }
    if lines.is_empty() {
        lines.push(String::new());
    }
    lines
}

fn break_line(line: &str, width: usize, lines: &mut Vec<String>) {
    let (mut current, mut columns) = (String::new(), 0);
    for word in line.split_inclusive(' ') {
        let wide = word.trim_end().width();
        if columns + wide > width && columns > 0 {
            lines.push(std::mem::take(&mut current));
            columns = 0;
        }
        for c in word.chars() {
            let wide = c.width().unwrap_or(0);
            if columns + wide > width {
                lines.push(std::mem::take(&mut current));
                columns = 0;
                if c == ' ' {
                    continue;
                }
            }
            current.push(c);
            columns += wide;
        }
    }
    if !current.trim().is_empty() {
        lines.push(current);
    }
}

/// The text cut to `width` columns, with `…` where something is missing.
pub fn cut(text: &str, width: usize) -> String {
    if text.width() <= width {
        return text.to_owned();
    }
    let (mut out, mut columns) = (String::new(), 0);
    for c in text.chars() {
        let wide = c.width().unwrap_or(0);
        if columns + wide + 1 > width {
            break;
        }
        out.push(c);
        columns += wide;
    }
    if width > 0 {
        out.push('…');
    }
    out
}

/// The text in exactly `width` columns.
pub fn pad(text: &str, width: usize) -> String {
    let mut out = cut(text, width);
    let missing = width.saturating_sub(out.width());
    out.extend(std::iter::repeat_n(' ', missing));
    out
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn words_stay_whole_where_they_fit() {
        assert_eq!(wrap("scale web to five", 10), ["scale web ", "to five"]);
        assert_eq!(wrap("abcdefgh", 3), ["abc", "def", "gh"]);
        assert_eq!(wrap("", 3), [""]);
    }

    #[test]
    fn wide_characters_count_twice() {
        assert_eq!(cut("日本語", 5), "日本…");
        assert_eq!(pad("日", 4), "日  ");
        assert_eq!(wrap("日本語", 4), ["日本", "語"]);
    }

    proptest! {
        #[test]
        fn nothing_is_wider_than_it_may_be(text in "\\PC{0,60}", width in 2_usize..30) {
            for line in wrap(&text, width) {
                prop_assert!(line.trim_end().width() <= width, "{line:?}");
            }
            prop_assert_eq!(pad(&text, width).width(), width);
        }
    }
}
