//! Constraints in mistral.rs' own terms.

use mistralrs::{Constraint as Native, LlguidanceGrammar};

use crate::engine::host::{Constraint, HostError};

/// The native form of a constraint, for a model whose turn ends with this token.
///
/// A bare regex would be wrong where the text may end or go on: there llguidance offers only the tokenizer's
/// end-of-text token, while a chat model says end-of-turn, and so is pushed to go on. As a grammar of the regex
/// and then the end-of-turn token, both ways are open.
pub(super) fn native(constraint: Constraint, end: Option<u32>) -> Result<Native, HostError> {
    Ok(match (constraint, end) {
        (Constraint::None, _) => Native::None,
        (Constraint::Regex(regex), None) => Native::Regex(regex),
        (Constraint::Regex(regex), Some(end)) => {
            let regex = mistralrs::llguidance::regex_to_lark(&regex, "");
            Native::Lark(format!("start: TEXT <[{end}]>\nTEXT: /{regex}/\n"))
        }
        (Constraint::Lark(lark), _) => Native::Lark(lark),
        (Constraint::JsonSchema(schema), _) => Native::JsonSchema(schema),
        (Constraint::Llguidance(value), _) => {
            let grammar: LlguidanceGrammar = serde_json::from_value(value)
                .map_err(|error| HostError::Refused(format!("the grammar is not llguidance's: {error}")))?;
            Native::Llguidance(grammar)
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_regex_ends_with_the_end_of_turn() {
        let regex = Constraint::Regex("get (pods|deploy/web)\n".to_owned());
        let Ok(Native::Lark(lark)) = native(regex.clone(), Some(2)) else {
            panic!()
        };
        assert_eq!(lark, "start: TEXT <[2]>\nTEXT: /get (pods|deploy\\/web)\\n/\n");
        assert!(matches!(native(regex, None), Ok(Native::Regex(_))));
    }

    #[test]
    fn a_wrong_llguidance_grammar_is_refused() {
        let wrong = Constraint::Llguidance(serde_json::json!({"grammars": 1}));
        assert!(matches!(native(wrong, None), Err(HostError::Refused(_))));
    }
}
