//! Fields in which text is typed.

use ratatui::crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use ratatui::style::{Modifier, Style};
use ratatui_textarea::{CursorMove, TextArea};

use crate::plan::printable;

/// More than this is not taken from a paste: twice the longest request.
const PASTE_LIMIT: usize = 2 * crate::request::MAX_REQUEST;

/// A field with a text in it and the cursor at the end of a line.
pub fn field(text: &str, line: usize) -> TextArea<'static> {
    let mut area = TextArea::new(text.lines().map(str::to_owned).collect());
    area.set_cursor_line_style(Style::new());
    area.set_cursor_style(Style::new().add_modifier(Modifier::REVERSED));
    area.set_max_histories(50);
    area.move_cursor(CursorMove::Jump(
        u16::try_from(line).unwrap_or(u16::MAX),
        u16::MAX,
    ));
    area
}

/// The text of a field, on one line.
pub fn words(area: &TextArea) -> String {
    area.lines().join(" ").trim().to_owned()
}

/// Whether a key means a new line where Enter means something else.
pub fn is_new_line(key: &KeyEvent) -> bool {
    let held = key.modifiers;
    match key.code {
        KeyCode::Enter => held.intersects(KeyModifiers::ALT | KeyModifiers::SHIFT),
        KeyCode::Char('j') => held.contains(KeyModifiers::CONTROL),
        _ => false,
    }
}

/// Pasted text without what a terminal would act on: never a key press, whatever is in it.
pub fn pasted(text: &str) -> String {
    let text: String = text.chars().take(PASTE_LIMIT).collect();
    printable(&text.replace("\r\n", "\n").replace('\r', "\n")).replace('\t', "    ")
}
