//! Passages of the knowledge base as people read them: Markdown laid out for the terminal, each with where it is from.

use std::fmt::Write as _;
use std::io::{IsTerminal as _, Write as _};

use termimad::MadSkin;
use termimad::crossterm::style::{Attribute, Color};

use super::human::{BOLD, CYAN, DIM, YELLOW, paint, printable};
use crate::plan::Step;
use crate::session::{Origin, Passage};

/// Columns of text where the terminal is wider, or where there is none: longer lines are hard to read.
const WIDEST: usize = 100;
const NARROWEST: usize = 20;

/// Prints an answer: its passages, and where it is from.
pub fn answer(passages: &[Passage]) {
    let mut out = anstream::stdout();
    let page = Page::here();
    for passage in passages {
        let _ = writeln!(out, "{}", page.passage(passage));
    }
    let _ = writeln!(out, "{}", sources(passages));
    let no_model = "no adviser model is configured: these are the best passages as they stand; see `sayso knowledge show ID`";
    let _ = writeln!(anstream::stderr(), "{}", paint(DIM, no_model));
}

/// The ids of all passages.
pub(super) fn sources(passages: &[Passage]) -> String {
    let mut out = paint(BOLD, "Sources");
    for (number, passage) in passages.iter().enumerate() {
        let _ = write!(
            out,
            "\n  [{}] {}",
            number + 1,
            paint(CYAN, &printable(&passage.id))
        );
        let heading = if passage.heading.is_empty() {
            &passage.title
        } else {
            &passage.heading
        };
        let _ = write!(out, "  {}", printable(&format!("{}, {heading}", passage.title)));
    }
    out
}

/// How text is laid out.
pub struct Page {
    width: usize,
    coloured: bool,
    skin: MadSkin,
}

impl Page {
    /// For standard output as it is.
    pub fn here() -> Page {
        let coloured = anstream::stdout().current_choice() != anstream::ColorChoice::Never;
        Page::new(width(), coloured)
    }

    /// For a width, with or without colours.
    pub fn new(width: usize, coloured: bool) -> Page {
        Page {
            width: width.clamp(NARROWEST, WIDEST),
            coloured,
            skin: if coloured { skin() } else { MadSkin::no_style() },
        }
    }

    /// A passage under its title, with where it is from and whether it may be believed.
    pub fn passage(&self, passage: &Passage) -> String {
        let heading = printable(&format!("{}: {}", passage.title, passage.heading));
        let heading = heading.trim_end_matches([':', ' ']);
        let mut out = format!(
            "{}  {}\n",
            paint(BOLD, heading),
            paint(DIM, &printable(&cite(passage)))
        );
        if let Some(warning) = passage.warning() {
            let _ = writeln!(out, "{}", paint(YELLOW, warning));
        }
        let _ = writeln!(out, "{}", self.markdown(&passage.text));
        out
    }

    /// Markdown as text of this width. Escape sequences in it are taken out first.
    pub fn markdown(&self, text: &str) -> String {
        let mut text = by_hand(&printable(text).replace('\t', "    "));
        if !self.coloured {
            text = keep_code_marks(&text);
        }
        let laid_out = self.skin.text(&text, Some(self.width)).to_string();
        let lines = laid_out.lines().map(str::trim_end);
        lines.collect::<Vec<_>>().join("\n").trim_end().to_owned()
    }
}

/// Where a passage is from, on one line.
fn cite(passage: &Passage) -> String {
    let place = match passage.origin {
        Origin::Shipped | Origin::Memory => passage.version.clone(),
        _ => format!("{} ({})", passage.source, passage.version),
    };
    format!("[{}, {place}]", passage.id)
}

/// Lines of plans as somebody would type them, and all code indented.
fn by_hand(text: &str) -> String {
    let (mut fence, mut lines) = (None, Vec::new());
    for line in text.lines() {
        let mark = line.trim_start().strip_prefix("```");
        match (mark, fence) {
            (Some(language), None) => fence = Some(language.trim() == "plan"),
            (Some(_), Some(_)) => fence = None,
            _ => {}
        }
        lines.push(match fence {
            Some(plan) if mark.is_none() => {
                let step = line.trim().parse::<Step>().ok().filter(|_| plan);
                format!(
                    "    {}",
                    step.map_or_else(|| line.to_owned(), |step| step.by_hand())
                )
            }
            _ => line.to_owned(),
        });
    }
    lines.join("\n")
}

/// Without colours nothing would show where code begins and ends but the marks that the skin takes away.
fn keep_code_marks(text: &str) -> String {
    let mut fenced = false;
    let lines = text.lines().map(|line| {
        let fence = line.trim_start().starts_with("```");
        fenced ^= fence;
        if fence || fenced {
            line.to_owned()
        } else {
            line.replace('`', "\\`")
        }
    });
    lines.collect::<Vec<_>>().join("\n")
}

fn skin() -> MadSkin {
    let mut skin = MadSkin::default_light();
    skin.paragraph.set_fgbg(Color::Reset, Color::Reset);
    for style in [&mut skin.inline_code, &mut skin.code_block.compound_style] {
        style.set_fgbg(Color::Cyan, Color::Reset);
    }
    skin.bold.set_fg(Color::Reset);
    skin.bold.add_attr(Attribute::Bold);
    skin.italic.set_fg(Color::Reset);
    skin
}

/// The terminal's width, or the widest where there is none.
fn width() -> usize {
    let size = std::io::stdout().is_terminal().then(termimad::terminal_size);
    size.map_or(WIDEST, |(columns, _)| usize::from(columns))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn passage(origin: Origin, text: &str) -> Passage {
        Passage {
            id: "user/team/x#y".to_owned(),
            title: "X".to_owned(),
            heading: "Y".to_owned(),
            text: text.to_owned(),
            origin,
            source: "/team/x.md".to_owned(),
            version: "1".to_owned(),
        }
    }

    #[test]
    fn text_is_wrapped_and_code_keeps_its_marks_without_colours() {
        let shown = Page::new(40, false).markdown("A `pod` waits. ".repeat(8).as_str());
        assert!(
            shown.lines().count() > 2 && shown.lines().all(|line| line.chars().count() <= 40),
            "{shown}"
        );
        assert!(shown.contains("`pod`") && !shown.contains('\x1b'), "{shown}");
        assert!(Page::new(40, true).markdown("A `pod`.").contains('\x1b'));
    }

    #[test]
    fn code_blocks_keep_their_lines() {
        let shown =
            Page::new(60, false).markdown("Look:\n```sh\nkubectl get pods\nkubectl top pods\n```\nDone.");
        assert!(
            shown.contains("kubectl get pods\n") && shown.contains("kubectl top pods\n"),
            "{shown}"
        );
    }

    #[test]
    fn plans_are_shown_as_commands() {
        let shown = Page::new(80, false).markdown("```plan\nget pods -n shop\n```");
        assert_eq!(shown.trim(), "kubectl get pods -n shop");
    }

    #[test]
    fn what_others_wrote_is_marked_and_cannot_move_the_cursor() {
        let page = Page::new(80, false);
        let shown = page.passage(&passage(Origin::User, "a \x1b[2J b"));
        assert!(
            shown.contains("nobody has checked it") && shown.contains("/team/x.md"),
            "{shown}"
        );
        assert!(!shown.contains("\x1b[2J"), "{shown:?}");
        assert!(!page.passage(&passage(Origin::Shipped, "a")).contains("checked"));
    }
}
