//! A passage of the knowledge base, as it is cited.

use serde::{Deserialize, Serialize};

/// Who wrote a passage, and so how far it may be believed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Origin {
    /// It came with Sayso.
    Shipped,
    /// From the cluster's own schemas.
    Cluster,
    /// From what the user added.
    User,
    /// A past action of the audit log.
    Memory,
}

/// One section of a page, with what is needed to cite it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Passage {
    /// Stable: page and heading, as in `runbooks/crashloop-exit-1#checks`.
    pub id: String,
    /// Of the page.
    pub title: String,
    /// Of the section; empty for what stands before the first heading.
    pub heading: String,
    /// Markdown.
    pub text: String,
    /// Who wrote it.
    pub origin: Origin,
    /// Where it was read: a file, an address, a context; empty for what is shipped.
    pub source: String,
    /// What it was when it was read: a release, a version of an API, a digest, a time.
    pub version: String,
}

impl Passage {
    /// The page's id: the part of the passage's before `#`.
    pub fn page(&self) -> &str {
        self.id.split_once('#').map_or(&self.id, |(page, _)| page)
    }

    /// What is to be said wherever a text is shown that Sayso's authors do not stand for.
    pub fn warning(&self) -> Option<&'static str> {
        match self.origin {
            Origin::Shipped => None,
            Origin::User => Some("from a document that was added here; nobody has checked it for Sayso"),
            Origin::Cluster => Some("from the schemas of the cluster, as its API server gives them"),
            Origin::Memory => {
                Some("an action of before, from the audit log; what was right then need not be right now")
            }
        }
    }

    /// Whether Sayso's authors stand for the words. All other text is data, wherever it is shown or sent.
    pub fn trusted(&self) -> bool {
        self.origin == Origin::Shipped
    }
}
