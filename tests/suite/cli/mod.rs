//! The program as its users meet it: the real binary, a sandbox beside it, a model that answers from a script.

mod adviser;
mod appearance;
mod audit;
mod author;
#[cfg(target_os = "linux")]
mod broken_disk;
mod canaries;
#[cfg(target_os = "linux")]
#[path = "../../cluster/certificates.rs"]
mod certificates;
#[cfg(target_os = "linux")]
#[path = "../../cluster/control_plane.rs"]
#[expect(dead_code, reason = "nothing here compares two clusters")]
mod control_plane;
mod doctor;
#[cfg(target_os = "linux")]
mod faults;
#[cfg(target_os = "linux")]
mod gateway;
mod hostile;
mod hub;
mod interrupts;
mod knowledge;
mod machine;
mod model;
mod planfile;
pub mod planner;
mod policy;
mod reads;
mod refusals;
mod review;
pub mod stand;
mod troubles;
mod undo;
mod usage;
#[cfg(target_os = "linux")]
mod watches;
mod writes;

/// What differs from run to run, and what stands for it in snapshots.
const FILTERS: &[(&str, &str)] = &[
    (r"127\.0\.0\.1:\d+", "127.0.0.1:PORT"),
    (r"/tmp/\.tmp\w{6}", "HOME"),
    (
        r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}",
        "UUID",
    ),
    (r"\(byte \d+\)", "(byte N)"),
    (r"undo [0-9a-f-]{8,20}", "undo ID"),
    (r"digest [0-9a-f]{12}", "digest DIGEST"),
    (r#""[0-9a-f]{64}""#, r#""DIGEST""#),
    (r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(\.\d+)?Z", "TIME"),
    (r"-[0-9a-z]{8,10}-[0-9a-z]{5}\b", "-HASH-POD"),
    (r"(?m) +(\d+[dhms])+$", " AGE"),
    (r"(?m)^(\d+[dhms])+ +", "AGE "),
    (
        r#"("?(retrieve|plan|check|record|apply|verify|read|review)"?: )\d+"#,
        "${1}MS",
    ),
    (
        r#"("?(resource_version_before|resource_version_after|resourceVersion)"?: )"?\d+"?"#,
        "${1}VERSION",
    ),
    (r"[0-9a-f]{12}`; a plan", "ID`; a plan"),
    (r"has [\d.]+ [kMG]B free", "has ROOM free"),
    (r"(?m)^( *ok +)(memory|gpu|room)( +)\S.*$", "${1}${2}${3}MACHINE"),
    (r"sayso \d+\.\d+\.\d+", "sayso VERSION"),
];

/// Compares what a command printed with its snapshot.
macro_rules! shown {
    ($ran:expr) => {
        insta::with_settings!({ filters => super::FILTERS.to_vec(), omit_expression => true }, {
            insta::assert_snapshot!($ran.to_string());
        })
    };
}
use shown;
