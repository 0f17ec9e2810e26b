//! Text of the cluster made safe for a terminal.

use std::iter::Peekable;
use std::str::Chars;

/// Takes out what a terminal would act on: escape sequences (7-bit and C1) and control characters but line feed and
/// tab. Characters that reorder text or are not to be seen ([`is_hidden`]) are shown as `\u{202e}`, since they can make one
/// name look like another, and carry words that nobody reads.
pub fn printable(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text.chars().peekable();
    while let Some(c) = rest.next() {
        match c {
            '\n' | '\t' => out.push(c),
            '\u{1b}' => skip_escape(&mut rest),
            '\u{9b}' => skip_control_sequence(&mut rest),
            '\u{90}' | '\u{98}' | '\u{9d}'..='\u{9f}' => skip_control_string(&mut rest),
            c if is_hidden(c) => out.extend(c.escape_unicode()),
            c if c.is_control() => {}
            c => out.push(c),
        }
    }
    out
}

/// Whether a character takes no place of its own on a screen, or moves others: marks of direction, joiners, fillers, tags,
/// variation selectors. The one that makes a sign an emoji (U+FE0F) is left alone: it follows many.
pub fn is_hidden(c: char) -> bool {
    matches!(c,
        '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}' | '\u{180b}'..='\u{180f}'
        | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{2800}' | '\u{3164}'
        | '\u{fe00}'..='\u{fe0e}' | '\u{feff}' | '\u{ffa0}' | '\u{fff0}'..='\u{fffb}' | '\u{1d173}'..='\u{1d17a}'
        | '\u{e0000}'..='\u{e0fff}')
}

/// One line for a table's cell: cut at the first line end, with `...` for the rest.
pub fn cell(text: &str) -> String {
    let text = printable(text).replace('\t', " ");
    match text.split_once('\n') {
        Some((first, _)) => format!("{first}..."),
        None => text,
    }
}

/// What follows ESC: `[` begins a control sequence, `]`, `P`, `X`, `^` and `_` a control string, intermediate bytes
/// lead to one final byte, any other byte ends the sequence by itself.
fn skip_escape(rest: &mut Peekable<Chars<'_>>) {
    while rest.next_if(|c| matches!(c, ' '..='/')).is_some() {}
    match rest.peek() {
        Some('[') => {
            rest.next();
            skip_control_sequence(rest);
        }
        Some(']' | 'P' | 'X' | '^' | '_') => {
            rest.next();
            skip_control_string(rest);
        }
        Some('0'..='~') => {
            rest.next();
        }
        _ => {}
    }
}

/// Parameters and intermediates, then one final byte.
fn skip_control_sequence(rest: &mut Peekable<Chars<'_>>) {
    while rest.next_if(|c| matches!(c, ' '..='?')).is_some() {}
    rest.next_if(|c| matches!(c, '@'..='~'));
}

/// Everything up to BEL, ST or the end of the line: an unfinished one must not hide the lines after it.
fn skip_control_string(rest: &mut Peekable<Chars<'_>>) {
    while let Some(c) = rest.next_if(|c| *c != '\n') {
        match c {
            '\u{7}' | '\u{9c}' => return,
            '\u{1b}' if rest.next_if_eq(&'\\').is_some() => return,
            _ => {}
        }
    }
}
