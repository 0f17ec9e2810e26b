//! Changing `config.toml` for the user, line by line: what they wrote beside it stays.

use std::io::Write as _;
use std::path::Path;

use super::model::choose_model;
use super::server::choose_adviser;
use super::{ConfigError, Environment, File, ModelFile, read_text};

/// The keys that say which model a section means; `idle_seconds` is about whichever it is.
const KEYS: [&str; 6] = [
    "stored",
    "endpoint",
    "name",
    "dialect",
    "key_variable",
    "context_tokens",
];

/// What a model is used for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// Requests become plans.
    Planner,
    /// Explanations and manifests.
    Adviser,
}

impl Role {
    /// Its section in `config.toml`.
    pub fn section(self) -> &'static str {
        match self {
            Role::Planner => "model",
            Role::Adviser => "adviser",
        }
    }
}

/// Makes a model the one for a role, in the file at `path`, which need not exist. Everything else in it, comments
/// too, stays as it is. The new text is read back before it replaces the old one.
pub fn set_model(path: &Path, role: Role, model: &ModelFile) -> Result<(), ConfigError> {
    let old = read_text(path)?.unwrap_or_default();
    let wrong = |message: String| ConfigError::Malformed {
        place: path.display().to_string(),
        message,
    };
    let before: File = toml::from_str(&old).map_err(|error| wrong(super::one_line(&error)))?;
    let new = with_section(&old, role.section(), model);
    if toml::from_str::<File>(&new).ok() != Some(expected(before, role, model)) {
        let lines = lines_of(model).join(", ");
        let section = role.section();
        return Err(wrong(format!(
            "it is written in a way that is not changed by a program; under `[{section}]`, write {lines} yourself"
        )));
    }
    loads(&new)?;
    write(path, &new)
}

/// Refuses a file under which the adviser would be the embedded planner: nothing would start with it any more.
fn loads(text: &str) -> Result<(), ConfigError> {
    let file: File = toml::from_str(text).unwrap_or_default();
    let nothing = Environment::default();
    let planner = choose_model(None, &file.model, &nothing)?;
    choose_adviser(file.adviser.as_ref(), &planner, &nothing).map_err(|_| ConfigError::Malformed {
        place: "adviser".to_owned(),
        message: "the adviser would be the embedded planner, which cannot explain; first name another with `sayso model use MODEL --for adviser`".to_owned(),
    })?;
    Ok(())
}

/// What the file must say afterwards.
fn expected(before: File, role: Role, model: &ModelFile) -> File {
    let mut after = before;
    let section = match role {
        Role::Planner => &mut after.model,
        Role::Adviser => after.adviser.get_or_insert_default(),
    };
    *section = ModelFile {
        idle_seconds: section.idle_seconds,
        ..model.clone()
    };
    after
}

/// The lines that say which model it is.
fn lines_of(model: &ModelFile) -> Vec<String> {
    let text = |key: &str, value: Option<&String>| {
        value.map(|value| format!("{key} = {}", toml::Value::String(value.clone())))
    };
    let tokens = model
        .context_tokens
        .map(|tokens| format!("context_tokens = {tokens}"));
    [
        text("stored", model.stored.as_ref()),
        text("endpoint", model.endpoint.as_ref()),
        text("name", model.name.as_ref()),
        text("dialect", model.dialect.as_ref()),
        text("key_variable", model.key_variable.as_ref()),
        tokens,
    ]
    .into_iter()
    .flatten()
    .collect()
}

fn with_section(old: &str, section: &str, model: &ModelFile) -> String {
    let mut lines: Vec<String> = old.lines().map(str::to_owned).collect();
    let known = lines.iter().position(|line| is_header(line, section));
    let start = known.unwrap_or_else(|| {
        if lines.last().is_some_and(|line| !line.trim().is_empty()) {
            lines.push(String::new());
        }
        lines.push(format!("[{section}]"));
        lines.len() - 1
    });
    let after = lines[start + 1..]
        .iter()
        .position(|line| line.trim_start().starts_with('['));
    let rest = after.map_or_else(Vec::new, |count| lines.split_off(start + 1 + count));
    let kept = lines.split_off(start + 1);
    lines.extend(lines_of(model));
    lines.extend(kept.into_iter().filter_map(without_key));
    lines.extend(rest);
    lines.join("\n") + "\n"
}

fn is_header(line: &str, section: &str) -> bool {
    let line = line.split('#').next().unwrap_or_default().trim();
    let inner = line.strip_prefix('[').and_then(|line| line.strip_suffix(']'));
    inner.is_some_and(|inner| inner.trim() == section)
}

/// The line, unless it sets one of the keys; of one that does, its comment.
fn without_key(line: String) -> Option<String> {
    let key = line.split('=').next().unwrap_or_default().trim();
    if !line.contains('=') || !KEYS.contains(&key) {
        return Some(line);
    }
    comment(&line).map(str::to_owned)
}

/// The comment at the end of a line, outside of its strings.
fn comment(line: &str) -> Option<&str> {
    let mut quote = None;
    let mut escaped = false;
    for (index, c) in line.char_indices() {
        match quote {
            Some('"') if escaped => escaped = false,
            Some('"') if c == '\\' => escaped = true,
            Some(open) if c == open => quote = None,
            None if c == '#' => return Some(&line[index..]),
            None if c == '"' || c == '\'' => quote = Some(c),
            Some(_) | None => {}
        }
    }
    None
}

/// Replaces the file whole or not at all; one that is a link is replaced where it leads.
fn write(path: &Path, text: &str) -> Result<(), ConfigError> {
    let wrong = |error: std::io::Error| ConfigError::Unwritable {
        path: path.to_owned(),
        message: error.to_string(),
    };
    let target = std::fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
    let folder = target.parent().unwrap_or(Path::new("."));
    std::fs::create_dir_all(folder).map_err(wrong)?;
    let mut file = tempfile::NamedTempFile::new_in(folder).map_err(wrong)?;
    file.write_all(text.as_bytes()).map_err(wrong)?;
    file.as_file().sync_all().map_err(wrong)?;
    if let Ok(found) = std::fs::metadata(&target) {
        file.as_file()
            .set_permissions(found.permissions())
            .map_err(wrong)?;
    }
    file.persist(&target).map_err(|error| wrong(error.error))?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stored(name: &str) -> ModelFile {
        ModelFile {
            stored: Some(name.to_owned()),
            ..ModelFile::default()
        }
    }

    fn changed(old: &str, role: Role, model: &ModelFile) -> Result<String, ConfigError> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("sayso/config.toml");
        if !old.is_empty() {
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(&path, old).unwrap();
        }
        set_model(&path, role, model).map(|()| std::fs::read_to_string(path).unwrap())
    }

    #[test]
    fn a_file_is_made_where_there_is_none() {
        let text = changed("", Role::Adviser, &stored("qwen")).unwrap();
        assert_eq!(text, "[adviser]\nstored = \"qwen\"\n");
    }

    #[test]
    fn comments_and_all_else_stay() {
        let old = "# mine\ncontext = \"prod\" # careful\n\n[model] # the model\n# it was slow\nendpoint = \"http://a/v1#x\" # under the \"desk\"\nidle_seconds = 60 # a minute\nname = 'm'\n\n[tui]\nmouse = true\n";
        let text = changed(old, Role::Planner, &stored("qwen")).unwrap();
        assert_eq!(
            text,
            "# mine\ncontext = \"prod\" # careful\n\n[model] # the model\nstored = \"qwen\"\n# it was slow\n# under the \"desk\"\nidle_seconds = 60 # a minute\n\n[tui]\nmouse = true\n"
        );
        let both = changed(&text, Role::Adviser, &stored("qwen")).unwrap();
        assert_eq!(both, format!("{text}\n[adviser]\nstored = \"qwen\"\n"));
    }

    #[test]
    fn what_cannot_be_changed_safely_is_left_alone() {
        let error = changed("model = { name = \"m\" }\n", Role::Planner, &stored("q")).unwrap_err();
        assert!(error.to_string().contains("write stored = \"q\""), "{error}");
        let several = "[model]\nname = \"\"\"\nm\n\"\"\"\n";
        assert!(changed(several, Role::Planner, &stored("q")).is_err());
        assert!(changed("[model\n", Role::Planner, &stored("q")).is_err());
    }

    #[test]
    fn nobody_is_left_with_a_file_that_does_not_load() {
        let same = "[model]\nendpoint = \"http://a/v1\"\n\n[adviser]\nendpoint = \"planner\"\n";
        let error = changed(same, Role::Planner, &stored("embedded")).unwrap_err();
        assert!(error.to_string().contains("first name another"), "{error}");
        assert!(changed("", Role::Adviser, &stored("embedded")).is_err());
        assert!(changed(same, Role::Planner, &stored("qwen")).is_ok());
    }

    #[cfg(unix)]
    #[test]
    fn a_link_stays_a_link_and_a_private_file_private() {
        use std::os::unix::fs::PermissionsExt as _;
        let folder = tempfile::tempdir().unwrap();
        let (real, link) = (folder.path().join("real.toml"), folder.path().join("config.toml"));
        std::fs::write(&real, "read_only = true\n").unwrap();
        std::fs::set_permissions(&real, std::fs::Permissions::from_mode(0o640)).unwrap();
        std::os::unix::fs::symlink(&real, &link).unwrap();
        set_model(&link, Role::Planner, &stored("q")).unwrap();
        assert!(link.symlink_metadata().unwrap().is_symlink());
        assert!(std::fs::read_to_string(&real).unwrap().contains("stored"));
        assert_eq!(
            std::fs::metadata(&real).unwrap().permissions().mode() & 0o777,
            0o640
        );
    }
}
