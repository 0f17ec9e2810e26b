//! Pages: Markdown with front matter, taken apart into sections.

use std::collections::HashMap;

use serde::Deserialize;

/// Bytes of a section beyond which it is cut into several passages, at a blank line.
const SECTION_LIMIT: usize = 4_000;

/// A page, taken apart.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Page {
    /// Its path without the ending, as in `runbooks/crashloop-exit-1`.
    pub id: String,
    /// What stands before the sections.
    pub front: Front,
    /// Its sections, in order.
    pub sections: Vec<Section>,
}

/// The front matter.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Front {
    /// The page's title.
    pub title: String,
    /// Kinds that it is about, as the API spells them.
    pub kinds: Vec<String>,
    /// Fields that it is about, as `explain` takes them.
    pub fields: Vec<String>,
    /// Exact strings of status, events and logs by which it is recognised.
    pub symptoms: Vec<String>,
    /// Other words for it.
    pub tags: Vec<String>,
    /// How people ask for it, in words that the page itself does not use.
    pub asked: Vec<String>,
}

/// A section of a page.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Section {
    /// Unique in the page; the part of a passage's id behind `#`.
    pub anchor: String,
    /// The heading's text; empty before the first.
    pub heading: String,
    /// The Markdown below it.
    pub text: String,
}

impl Page {
    /// Reads a page of ours: front matter is a must, and every key of it known.
    pub fn strict(id: &str, text: &str) -> Result<Page, String> {
        let (front, body) = split_front(text).ok_or("it has no front matter between lines of `---`")?;
        let front: Front = serde_saphyr::from_str(front).map_err(|error| error.to_string())?;
        Ok(Page {
            id: id.to_owned(),
            front,
            sections: sections(body),
        })
    }

    /// Reads anybody's page. Front matter that is not ours is passed over; a title is taken from the first heading, or
    /// from the file's name.
    pub fn lenient(id: &str, text: &str) -> Page {
        let (front, body) = split_front(text).unwrap_or(("", text));
        let front: Foreign = serde_saphyr::from_str(front).unwrap_or_default();
        let title = [front.title, first_heading(body)].into_iter().flatten().next();
        let name = id.rsplit('/').next().unwrap_or(id);
        Page {
            id: id.to_owned(),
            front: Front {
                title: title.unwrap_or_else(|| name.replace(['-', '_'], " ")),
                tags: front.tags,
                ..Front::default()
            },
            sections: sections(body),
        }
    }
}

/// Front matter of other tools, of which a title and tags are understood.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Foreign {
    title: Option<String>,
    tags: Vec<String>,
}

/// Front matter and the rest.
fn split_front(text: &str) -> Option<(&str, &str)> {
    let text = text.trim_start_matches('\u{feff}');
    let rest = text
        .strip_prefix("---\n")
        .or_else(|| text.strip_prefix("---\r\n"))?;
    let end = rest.find("\n---")?;
    let body = rest[end + 4..].split_once('\n').map_or("", |(_, body)| body);
    Some((&rest[..=end], body))
}

fn first_heading(body: &str) -> Option<String> {
    let line = body.lines().find(|line| line.starts_with("# "))?;
    Some(line.trim_start_matches('#').trim().to_owned())
}

/// Cuts a body at its headings of the second level; the first level is the title's.
fn sections(body: &str) -> Vec<Section> {
    let mut found = vec![Section::default()];
    let mut fence: Option<&str> = None;
    for line in body.lines() {
        let bare = line.trim_start();
        match fence {
            Some(mark) if bare.starts_with(mark) => fence = None,
            None => fence = ["```", "~~~"].into_iter().find(|mark| bare.starts_with(mark)),
            Some(_) => {}
        }
        let heading = line.strip_prefix("## ").filter(|_| fence.is_none());
        if let Some(heading) = heading {
            found.push(Section {
                heading: heading.trim_end_matches('#').trim().to_owned(),
                ..Section::default()
            });
        } else if let Some(last) = found.last_mut()
            && !(fence.is_none() && line.starts_with("# "))
        {
            last.text.push_str(line);
            last.text.push('\n');
        }
    }
    let mut found: Vec<Section> = found.iter().flat_map(cut).collect();
    name(&mut found);
    found
}

/// Trims a section, drops it if nothing is left, and cuts it where it is long.
fn cut(section: &Section) -> Vec<Section> {
    let mut pieces: Vec<String> = Vec::new();
    for paragraph in paragraphs(section.text.trim_matches(['\n', '\r'])) {
        match pieces.last_mut() {
            Some(last) if last.len() + paragraph.len() < SECTION_LIMIT => {
                last.push_str("\n\n");
                last.push_str(&paragraph);
            }
            _ => pieces.push(paragraph),
        }
    }
    let with_text = |text: String| Section {
        text: text.trim_end().to_owned(),
        ..section.clone()
    };
    pieces.into_iter().map(with_text).collect()
}

/// The blocks between blank lines; a fenced block is one, however long.
fn paragraphs(text: &str) -> Vec<String> {
    let mut found: Vec<String> = Vec::new();
    let (mut fenced, mut open) = (false, false);
    for line in text.lines() {
        let mark = line.trim_start().starts_with("```");
        fenced ^= mark;
        if line.trim().is_empty() && !fenced && !mark {
            open = false;
            continue;
        }
        match found.last_mut() {
            Some(last) if open => {
                last.push('\n');
                last.push_str(line);
            }
            _ => found.push(line.to_owned()),
        }
        open = true;
    }
    found
}

/// Gives each section an anchor of its own.
fn name(sections: &mut [Section]) {
    let mut seen: HashMap<String, usize> = HashMap::new();
    for section in sections {
        let base = match slug(&section.heading) {
            base if base.is_empty() => "top".to_owned(),
            base => base,
        };
        let count = seen.entry(base.clone()).or_default();
        *count += 1;
        section.anchor = if *count == 1 {
            base
        } else {
            format!("{base}-{count}")
        };
    }
}

/// A heading as an anchor: lower-case words joined by hyphens.
pub fn slug(heading: &str) -> String {
    let mut slug = String::new();
    for c in heading.chars().flat_map(char::to_lowercase) {
        if c.is_alphanumeric() {
            slug.push(c);
        } else if !slug.ends_with('-') && !slug.is_empty() && !matches!(c, '\'' | '`') {
            slug.push('-');
        }
    }
    slug.trim_end_matches('-').to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    const PAGE: &str = "---\ntitle: T\nkinds: [Pod]\n---\n## Signs\nOne.\n\n## Checks\n```sh\n## no heading\n```\n\nTwo.\n## Signs\nThree.\n";

    #[test]
    fn sections_end_at_headings_but_not_inside_fences() {
        let page = Page::strict("a/b", PAGE).unwrap();
        let anchors: Vec<_> = page
            .sections
            .iter()
            .map(|section| section.anchor.as_str())
            .collect();
        assert_eq!(anchors, ["signs", "checks", "signs-2"]);
        assert_eq!(page.sections[1].text, "```sh\n## no heading\n```\n\nTwo.");
        assert_eq!(page.front.kinds, ["Pod"]);
    }

    #[test]
    fn our_own_pages_must_be_right() {
        assert!(Page::strict("a", "## Signs\n").is_err());
        let error = Page::strict("a", "---\ntitel: x\n---\n").unwrap_err();
        assert!(error.contains("titel"), "{error}");
    }

    #[test]
    fn pages_of_others_may_be_anything() {
        let page = Page::lenient("notes/on-call", "Call Ann.\n\n# Title\nMore.\n");
        assert_eq!(page.front.title, "Title");
        assert_eq!(page.sections[0].text, "Call Ann.\n\nMore.");
        assert_eq!(Page::lenient("notes/on-call", "x").front.title, "on call");
        assert_eq!(
            Page::lenient("x", "---\nlayout: [\n---\nText").sections[0].text,
            "Text"
        );
        assert!(Page::lenient("x", "").sections.is_empty());
    }

    #[test]
    fn long_sections_are_cut_between_paragraphs() {
        let text = "word ".repeat(400) + "\n\n";
        let page = Page::lenient("x", &text.repeat(5));
        assert!(page.sections.len() > 1);
        assert!(
            page.sections
                .iter()
                .all(|section| section.text.len() <= SECTION_LIMIT)
        );
        assert_eq!(page.sections[1].anchor, "top-2");
    }
}
