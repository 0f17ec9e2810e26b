//! What stands around a task with a list: titles, openings, background, and sentences that ask for no step.

use crate::random::Random;

/// Titles; `#` stands for a number.
const TITLES: &[&str] = &[
    "Task",
    "Task",
    "Task #",
    "Objective",
    "Objective",
    "Goal",
    "Aim",
    "Exercise",
    "Exercise #",
    "Question",
    "Question #",
    "Assignment",
    "Problem #",
    "Lab #",
    "Scenario",
    "Ticket OPS-#",
    "Ticket PLAT-#",
    "TICKET-#",
    "INFRA-#",
    "SRE-#",
    "Change CHG00#",
    "Change request #",
    "Request",
    "Request from the team",
    "Work order #",
    "Runbook",
    "Runbook step #",
    "Procedure",
    "Todo",
    "To do",
    "What we need",
    "What is wanted",
    "Wanted",
    "Job for today",
    "Instructions",
    "Issue #",
    "Story #",
    "Release plan",
    "Rollout plan",
    "Setup",
    "Description",
    "Summary",
];

/// Lines that a list stands behind.
const OPENINGS: &[&str] = &[
    "Please do the following:",
    "Please do the following:",
    "Do the following:",
    "Do the following, in this order:",
    "Do these in order:",
    "Steps:",
    "Steps:",
    "Requirements:",
    "Requirements:",
    "The steps:",
    "Perform these steps:",
    "Perform the following steps:",
    "Carry out these steps one after the other:",
    "Complete the following tasks:",
    "Complete all of these:",
    "Here is what we need:",
    "We need this:",
    "I need the following done:",
    "Your job is to:",
    "You have to:",
    "Make these changes:",
    "The changes:",
    "The following is needed:",
    "What has to be done:",
    "What to do:",
    "To be done:",
    "Could you please take care of these:",
    "Can you do these for me?",
    "Hi, could you do this for us?",
    "Instructions:",
    "Actions:",
    "Work through this list:",
    "Follow this list:",
    "This is the plan:",
    "The plan for today:",
    "On the list for this evening:",
    "Checklist:",
    "Todo:",
    "Acceptance criteria:",
    "As agreed in the planning:",
    "For the next release we have to:",
    "Before the demo please:",
    "In the cluster:",
    "On our cluster, please:",
    "Set it up like this:",
];

/// Sentences that tell how things are and wish for nothing.
const BACKGROUND: &[&str] = &[
    "The platform team has a new customer.",
    "A new project begins on monday.",
    "The old setup was lost when the cluster was rebuilt.",
    "The developers have been waiting for this since last week.",
    "We are getting ready for the audit.",
    "Traffic doubles at the end of the month.",
    "Our team has taken over some applications.",
    "The migration to the new cluster is nearly done.",
    "You are the administrator of this cluster.",
    "You are on call.",
    "There was an incident last night.",
    "The security people have finished their review.",
    "Nobody has looked after this part of the cluster for months.",
    "The quality assurance team tests the next version this week.",
    "A colleague started with this and is on holiday now.",
    "The data science group works on a prototype.",
    "This came up in the last retrospective.",
    "The application is written in Go and keeps no state.",
    "The vendor has sent us their instructions.",
    "Two teams share the cluster.",
    "It is for a workshop, so nothing of it is critical.",
    "The budget for it has been approved.",
];

/// Sentences that ask for nothing that is a step.
const CLOSINGS: &[&str] = &[
    "Make sure that everything is up.",
    "Make sure that it works.",
    "Verify that it works.",
    "Verify the result.",
    "Ensure that all of it is in place.",
    "Ensure that nothing else is changed.",
    "Check that there are no errors.",
    "Confirm that it is ready.",
    "Make sure not to touch anything else.",
    "Everything must be ready before the review.",
    "Validate the setup when it is done.",
    "Leave everything else as it is.",
    "It has to be finished today.",
    "Tell the team when it is done.",
    "Ensure that it complies with our naming rules.",
    "The names have to be exactly as above.",
    "Take care that nothing breaks.",
    "Double-check the names.",
    "Please be careful, people are working on this cluster.",
    "Ensure that it survives the weekend.",
];

/// Who wants something, why, and what it must not bring about.
const REASONS: &[&str] = &[
    "The platform team asked for it.",
    "The developers have asked for this.",
    "It is for the team that took over the project.",
    "It is needed for the demo on friday.",
    "Nobody else needs to be told.",
    "Nothing else may change.",
    "It is part of the new release.",
    "We had it before and lost it in the migration.",
    "The auditors want to see it.",
    "It belongs to the testing effort.",
    "The old one is looked after by somebody else.",
    "It is only reached from inside the cluster.",
    "It holds no data of customers.",
    "More will follow next week.",
    "The values come from the vendor.",
    "Other teams are not concerned.",
];

/// A sentence on how things are.
pub fn background(random: &mut Random) -> &'static str {
    random.pick(BACKGROUND)
}

/// A sentence on who wants it and why.
pub fn reason(random: &mut Random) -> &'static str {
    random.pick(REASONS)
}

/// A sentence that is no step.
pub fn closing(random: &mut Random) -> &'static str {
    random.pick(CLOSINGS)
}

/// A line that a list stands behind, now and then in bold.
pub fn opening(random: &mut Random) -> String {
    let text = random.pick(OPENINGS);
    match text.strip_suffix(':').filter(|_| random.chance(18)) {
        Some(bare) => random
            .pick(&["**{}**", "**{}:**", "__{}__", "## {}"])
            .replace("{}", bare),
        None => text.to_owned(),
    }
}

/// A title with what parts it from what follows: a line end, or where `inline`, often a colon.
pub fn title(inline: bool, random: &mut Random) -> String {
    let number = random.within(1, 40) * if random.chance(50) { 1 } else { 37 };
    let text = random.pick(TITLES).replace('#', &number.to_string());
    if inline && random.chance(60) {
        let form = random.pick(&[
            "{}: ", "{}: ", "{} - ", "**{}:** ", "**{}** ", "__{}__: ", "_{}_: ",
        ]);
        return form.replace("{}", &text);
    }
    let form = random.pick(&[
        "{}:\n",
        "{}:\n",
        "{}\n",
        "**{}**\n",
        "**{}:**\n",
        "__{}__\n",
        "# {}\n",
        "### {}\n",
    ]);
    form.replace("{}", &text)
}
