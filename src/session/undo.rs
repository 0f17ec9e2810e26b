//! The way back from a recorded action.

use serde_json::Value;

use crate::check::Evidence;
use crate::check::inverse::{Inverse, inverse};
use crate::plan::Step;

/// The steps that take back what a recorded action did, last call first. Calls that were never made are not taken
/// back, and a call without a way back stops it: half an undo is worse than none.
///
/// # Errors
///
/// One lower-case clause: what was recorded cannot be read, or has no way back, or nothing was done.
pub fn undo_steps(intent: &Value, outcome: &Value) -> Result<Vec<Step>, String> {
    let evidence: Evidence = serde_json::from_value(intent["evidence"].clone())
        .map_err(|error| format!("the record's evidence cannot be read: {error}"))?;
    let mut back = Vec::new();
    for (index, step) in evidence.steps.iter().enumerate() {
        let receipts = outcome["steps"][index]["result"]["receipts"]
            .as_array()
            .map_or(&[][..], Vec::as_slice);
        for (touched, receipt) in step.touched.iter().zip(receipts) {
            let answered = receipt.get("object").filter(|object| !object.is_null());
            match inverse(touched, touched.after.as_ref().or(answered)) {
                Inverse::Step(step) => back.push(*step),
                Inverse::None(reason) => {
                    return Err(format!(
                        "{}/{} cannot be taken back: {reason}",
                        touched.call.kind, touched.call.name
                    ));
                }
            }
        }
    }
    if back.is_empty() {
        return Err("that action changed nothing".to_owned());
    }
    back.reverse();
    Ok(back)
}
