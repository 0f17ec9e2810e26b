//! Pictures of the screens for the README, drawn from the very buffers that the terminal would get.
//!
//! `SAYSO_PICTURES=1 cargo test pictures` writes them to `assets/`.

use std::fmt::Write as _;

use ratatui::buffer::{Buffer, Cell};
use ratatui::crossterm::event::KeyCode;
use ratatui::style::{Color, Modifier};

use super::stage::Stage;

const WIDE: f32 = 8.4;
const HIGH: f32 = 18.0;
const PAPER: &str = "#1e1e2e";
const INK: &str = "#cdd6f4";

/// The buffer as an SVG picture.
fn picture(buffer: &Buffer) -> String {
    let (columns, rows) = (f32::from(buffer.area.width), f32::from(buffer.area.height));
    let (width, height) = (columns * WIDE + 24.0, rows * HIGH + 24.0);
    let mut out = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width} {height}\" font-family=\"ui-monospace, Menlo, \
         Consolas, monospace\" font-size=\"14\">\n<rect width=\"{width}\" height=\"{height}\" rx=\"8\" fill=\"{PAPER}\"/>\n"
    );
    for row in 0..buffer.area.height {
        let y = 12.0 + f32::from(row) * HIGH;
        let mut column = 0;
        while column < buffer.area.width {
            let first = &buffer[(column, row)];
            let mut text = String::new();
            let start = column;
            while column < buffer.area.width && look(&buffer[(column, row)]) == look(first) {
                text.push_str(buffer[(column, row)].symbol());
                column += 1;
            }
            run(
                &mut out,
                first,
                &text,
                (12.0 + f32::from(start) * WIDE, y),
                f32::from(column - start) * WIDE,
            );
        }
    }
    out.push_str("</svg>\n");
    out
}

fn look(cell: &Cell) -> (Color, Color, Modifier) {
    (cell.fg, cell.bg, cell.modifier)
}

/// One run of cells that look the same.
fn run(out: &mut String, cell: &Cell, text: &str, place: (f32, f32), width: f32) {
    let (x, y) = place;
    let (mut ink, mut paper) = (colour(cell.fg, INK), colour(cell.bg, PAPER));
    if cell.modifier.contains(Modifier::REVERSED) {
        std::mem::swap(&mut ink, &mut paper);
    }
    if paper != PAPER {
        let _ = writeln!(
            out,
            "<rect x=\"{x:.1}\" y=\"{y:.1}\" width=\"{width:.1}\" height=\"{HIGH}\" fill=\"{paper}\"/>"
        );
    }
    if text.trim().is_empty() {
        return;
    }
    let weight = if cell.modifier.contains(Modifier::BOLD) {
        " font-weight=\"bold\""
    } else {
        ""
    };
    let text = text.trim_end().replace('&', "&amp;").replace('<', "&lt;");
    let length = unicode_width::UnicodeWidthStr::width(text.as_str());
    let _ = writeln!(
        out,
        "<text x=\"{x:.1}\" y=\"{:.1}\" fill=\"{ink}\"{weight} xml:space=\"preserve\" textLength=\"{:.1}\">{text}</text>",
        y + 13.5,
        f32::from(u16::try_from(length).unwrap()) * WIDE
    );
}

fn colour(colour: Color, usual: &str) -> String {
    let name = match colour {
        Color::Green | Color::LightGreen => "#a6e3a1",
        Color::Yellow | Color::LightYellow => "#f9e2af",
        Color::Red | Color::LightRed => "#f38ba8",
        Color::Blue | Color::LightBlue => "#89b4fa",
        Color::Cyan | Color::LightCyan => "#89dceb",
        Color::Magenta | Color::LightMagenta => "#cba6f7",
        Color::DarkGray => "#7f849c",
        Color::Gray => "#a6adc8",
        _ => usual,
    };
    name.to_owned()
}

/// Draws the screen; writes it where that is wanted.
fn take(stage: &mut Stage, name: &str) {
    let buffer = stage.buffer(100, 30);
    let drawn = picture(&buffer);
    assert!(
        drawn.matches("<text").count() > 10 && drawn.ends_with("</svg>\n"),
        "{drawn}"
    );
    if std::env::var_os("SAYSO_PICTURES").is_some() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/assets/");
        std::fs::write(format!("{path}{name}.svg"), drawn).unwrap();
    }
}

#[test]
fn pictures_of_the_main_screens() {
    let mut stage =
        Stage::new(&["scale deployment/web --replicas=5\nrollout restart deployment/payments-api"]);
    stage.ask("scale web to 5 and restart payments", "a approve");
    take(&mut stage, "tui-review");
    stage.keys("a");
    stage.until("takes it back");
    take(&mut stage, "tui-done");
    stage.press(KeyCode::Tab);
    stage.until("db-0");
    take(&mut stage, "tui-pods");
}
