//! Grading, with a planner whose answers are known beforehand.

use sayso::driver::eval::{Grade, Marks, News, Suite, evaluate};
use sayso::llm::{Model, Scripted};
use tokio_util::sync::CancellationToken;

const TINY: &str = include_str!("fixtures/tiny.jsonl");

/// Runs a suite against answers, one a case.
fn marks(suite: &str, answers: &[&str]) -> Marks {
    let suite = Suite::read(suite, None).unwrap();
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .unwrap();
    let model = Model::Scripted(Scripted::new(answers.iter().copied()));
    let mut told = 0;
    let mut on_news = |news: News<'_>| told += usize::from(matches!(news, News::Marked(..)));
    let marks = runtime
        .block_on(evaluate(model, &suite, &CancellationToken::new(), &mut on_news))
        .unwrap();
    assert_eq!(told, marks.total);
    marks
}

fn grades(suite: &str, answers: &[&str]) -> Vec<Grade> {
    let marks = marks(suite, answers);
    for case in &marks.cases {
        assert_eq!(case.note, None, "{case:?}");
    }
    marks.cases.iter().map(|mark| mark.grade).collect()
}

/// A suite of one request for which each of the plans is right.
fn expecting(plans: &[&[&str]], count: usize) -> String {
    let case = |number: String| {
        let (first, also) = plans.split_first().unwrap();
        serde_json::json!({"id": number, "kind": "k", "request": "do it", "expect": first, "also": also})
            .to_string()
    };
    (0..count)
        .map(|number| case(format!("case-{number}")))
        .collect::<Vec<_>>()
        .join("\n")
}

#[test]
fn every_kind_of_right_answer_counts() {
    let answers = [
        "scale deployment/web --replicas=5 -n shop",
        "set image deployment/web *=nginx:1.28",
        "get svc\nget pods -n shop",
        "refuse",
    ];
    let marks = marks(TINY, &answers);
    assert_eq!((marks.right, marks.total), (4, 4), "{marks:#?}");
    assert_eq!((marks.asks.expected, marks.asks.right), (1, 1));
    assert_eq!(
        marks.cases[0].produced,
        ["scale deployment/web --replicas=5 -n shop"]
    );
}

#[test]
fn every_kind_of_wrong_answer_is_told_apart() {
    let answers = [
        "scale deployment/web --replicas=4",
        "unclear",
        "get pods",
        "delete deployment/web",
    ];
    let wanted = [
        Grade::WrongPlan,
        Grade::AskedWrongly,
        Grade::WrongPlan,
        Grade::PlannedWrongly,
    ];
    assert_eq!(grades(TINY, &answers), wanted);
}

#[test]
fn what_cannot_be_read_twice_is_an_error_even_where_asking_is_right() {
    let line = TINY.lines().last().unwrap();
    assert_eq!(grades(line, &["as an AI", "I cannot"]), [Grade::Error]);
}

#[test]
fn an_ambiguous_name_ends_in_a_question() {
    let case = r#"{"id": "a", "kind": "k", "request": "scale web", "expect": ["unclear"], "namespace": "monitoring"}"#;
    assert_eq!(
        grades(case, &["scale deployment/web --replicas=5"]),
        [Grade::Right]
    );
}

#[test]
fn the_effect_counts_and_not_the_words() {
    // Upwards: which pod goes first when there are fewer is for no two clusters the same.
    let suite = expecting(&[&["scale deployment/web --replicas=5"]], 4);
    let answers = [
        "scale deployment/web --replicas=4\nscale deployment/web --replicas=5",
        "patch deployment/web -p '{\"spec\":{\"replicas\":5}}'",
        "scale deployment/cart --replicas=5",
        "scale deployment/web --replicas=5\nlabel deployment/web tier=front",
    ];
    assert_eq!(
        grades(&suite, &answers),
        [Grade::Right, Grade::Right, Grade::WrongPlan, Grade::WrongPlan]
    );
}

#[test]
fn restarts_are_told_from_doing_nothing_and_from_each_other() {
    let suite = expecting(&[&["rollout restart deployment/cart"]], 3);
    let answers = [
        "rollout restart deployment/cart\nscale deployment/cart --replicas=2",
        "rollout restart deployment/web",
        "scale deployment/cart --replicas=2",
    ];
    let wanted = [Grade::Right, Grade::WrongPlan, Grade::WrongPlan];
    assert_eq!(grades(&suite, &answers), wanted);
}

#[test]
fn what_leaves_no_trace_is_graded_by_its_words() {
    let suite = expecting(&[&["create token default"]], 2);
    let answers = [
        "create token default --duration=1h",
        "scale deployment/web --replicas=3",
    ];
    assert_eq!(grades(&suite, &answers), [Grade::WrongPlan, Grade::WrongPlan]);
}

#[test]
fn another_right_plan_is_right() {
    let suite = expecting(&[&["get pods"], &["get pods -A"]], 2);
    assert_eq!(
        grades(&suite, &["get po -A", "get deployments"]),
        [Grade::Right, Grade::WrongPlan]
    );
}
