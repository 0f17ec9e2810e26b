//! Whether a request wants something explained, and what.

/// Ways to begin, the longer ones first.
const BEGINNINGS: &[&str] = &[
    "please explain to me",
    "please explain",
    "can you explain to me",
    "can you explain",
    "could you explain",
    "explain to me",
    "explain",
];

/// What a request wants explained: what follows `explain`, which may be nothing. None for every other request.
pub fn to_explain(request: &str) -> Option<&str> {
    let request = request.trim();
    BEGINNINGS.iter().find_map(|beginning| {
        let head = request.get(..beginning.len())?;
        let rest = &request[beginning.len()..];
        let ends = rest
            .chars()
            .next()
            .is_none_or(|c| c.is_whitespace() || c == ':' || c == '?');
        (head.eq_ignore_ascii_case(beginning) && ends).then(|| rest.trim_matches([' ', ':', '?', '\t']))
    })
}

/// The part of a request that says what to look at: what follows `explain`, where that is more than a kind or a field, which
/// have a command of their own (`explain pod.spec`).
pub fn to_look_at(request: &str) -> &str {
    to_explain(request)
        .filter(|rest| rest.split_whitespace().nth(1).is_some())
        .unwrap_or(request)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_request_that_begins_so_wants_an_explanation() {
        assert_eq!(
            to_explain("Explain the events of cart"),
            Some("the events of cart")
        );
        assert_eq!(
            to_explain("please explain to me: what cart does?"),
            Some("what cart does")
        );
        assert_eq!(to_explain("explain"), Some(""));
        assert_eq!(to_explain("explained well"), None);
        assert_eq!(to_explain("why is cart failing"), None);
        assert_eq!(to_explain("\u{e9}xplain"), None);
    }

    #[test]
    fn a_field_keeps_the_command_of_its_name() {
        assert_eq!(to_look_at("explain pod.spec"), "explain pod.spec");
        assert_eq!(to_look_at("explain the events of cart"), "the events of cart");
        assert_eq!(to_look_at("list pods"), "list pods");
    }
}
