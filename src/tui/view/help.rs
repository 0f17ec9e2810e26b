//! The help page, made of the key map.

use std::fmt::Write as _;

use crate::tui::keymap::{KeyMap, Room};

/// Every key and what it does.
pub fn text(keys: &KeyMap) -> String {
    let mut out = String::new();
    for (room, rows) in keys.help() {
        let title = match room {
            Room::Anywhere => "Everywhere but where text is typed",
            Room::Talk => "In the conversation",
            Room::Review => "In a review (these keys cannot be changed)",
            Room::Table => "In a table",
            Room::Page => "In a page or a log",
            Room::Audit => "In the record",
        };
        let _ = writeln!(out, "{title}");
        for (keys, help) in rows {
            let _ = writeln!(out, "  {keys:<18} {help}");
        }
        out.push('\n');
    }
    out.push_str(
        "Behind `:`, or `/` in the conversation\n\
         \x20 pods, deploy, ...  objects of a kind, every kind that the cluster serves; `pods NAMESPACE`, `pods all`\n\
         \x20 ns [NAME]          go to a namespace, or choose one\n\
         \x20 ctx [NAME]         go to a context, or choose one\n\
         \x20 audit              what was done\n\
         \x20 undo [ID]          take a change back\n\
         \x20 clear              forget what was said; the record stays\n\
         \x20 q                  leave\n\n\
         Ctrl-C stops what is under way, and leaves when it is pressed twice. Ctrl-Z goes back to the shell; `fg` returns.\n\
         A line that begins with `kubectl` is planned as it stands, checked, and reviewed before it changes anything.\n",
    );
    out
}
