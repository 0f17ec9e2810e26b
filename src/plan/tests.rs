//! The laws of the plan language.

use std::collections::BTreeMap;

use proptest::prelude::*;
use rand::SeedableRng;
use rand::distr::Distribution;

use super::grammar::step_pattern;
use super::*;

fn object(kind: &str, namespace: &str, name: &str, containers: &[(&str, &str)]) -> ObjectFact {
    ObjectFact {
        kind: kind.to_owned(),
        namespace: namespace.to_owned(),
        name: name.to_owned(),
        replicas: (kind == "deployment").then_some(2),
        containers: containers
            .iter()
            .map(|(name, image)| ((*name).to_owned(), (*image).to_owned()))
            .collect(),
        labels: BTreeMap::new(),
    }
}

fn shop() -> Snapshot {
    Snapshot {
        namespaces: vec!["shop".into(), "blog".into(), "kube-system".into()],
        objects: vec![
            object("deployment", "shop", "web", &[("nginx", "nginx:1.27")]),
            object("deployment", "blog", "web", &[("ghost", "ghost:5")]),
            object(
                "deployment",
                "shop",
                "payments-api",
                &[("app", "payments:2"), ("envoy", "envoyproxy/envoy:v1")],
            ),
            object("statefulset", "shop", "db", &[("postgres", "postgres:16")]),
            object(
                "daemonset",
                "kube-system",
                "node-exporter",
                &[("exporter", "exporter:1")],
            ),
            object("service", "shop", "web", &[]),
            object("cronjob", "shop", "nightly-report", &[("report", "report:1")]),
            object("pod", "shop", "web-6d4b75cb6d-x7k2p", &[("nginx", "nginx:1.27")]),
            object("node", "", "node-1", &[]),
            object("persistentvolumeclaim", "shop", "data-db-0", &[]),
        ],
        custom_kinds: vec![CustomKind {
            singular: "certificate".into(),
            plural: "certificates".into(),
            group: "cert-manager.io".into(),
            namespaced: true,
        }],
        default_namespace: "shop".into(),
    }
}

/// Samples of what a grammar accepts.
fn samples(pattern: &str, seed: u64, count: usize) -> Vec<String> {
    let hir = regex_syntax::ParserBuilder::new()
        .utf8(true)
        .build()
        .parse(pattern)
        .unwrap();
    let language = rand_regex::Regex::with_hir(hir, 4).unwrap();
    let mut random = rand::rngs::StdRng::seed_from_u64(seed);
    (0..count).map(|_| language.sample(&mut random)).collect()
}

#[test]
fn the_grammar_of_every_command_is_reachable() {
    let focus = Focus::everything(&shop());
    for shape in command::SHAPES {
        assert!(
            shape.pattern(&focus).is_some(),
            "{} has no pattern in the shop",
            shape.words
        );
    }
}

/// Whether some command's own expression accepts a line. Whole plans are too much for an engine without derivatives.
fn accepts(focus: &Focus, line: &str) -> bool {
    let own = |shape: &&command::Shape| line.starts_with(shape.words);
    let patterns = command::SHAPES
        .iter()
        .filter(own)
        .filter_map(|shape| super::grammar::scoped(shape, focus));
    patterns.into_iter().any(|pattern| {
        let anchored = format!("^({pattern})$");
        let built = regex::RegexBuilder::new(&anchored).size_limit(1 << 27).build();
        built.unwrap().is_match(line)
    })
}

#[test]
fn a_plan_can_name_what_its_first_step_creates() {
    let focus = Focus::on(
        "make a namespace demo, deploy nginx:1.27 as landing there and expose it on 80",
        &shop(),
    );
    let later = focus.with_imagined();
    for line in [
        "create deployment landing --image=nginx:1.27 -n demo",
        "expose deployment/landing --port=80 -n demo",
        "label namespace/demo tier=cache",
    ] {
        assert!(accepts(&later, line), "{line}");
    }
    assert!(
        !accepts(&focus, "expose deployment/landing --port=80"),
        "only behind a step that creates"
    );
    let pattern = plan_pattern(&focus);
    assert!(pattern.contains("deployment/landing") && pattern.contains("}|(run "));
    assert!(!plan_pattern(&Focus::on("?", &shop())).contains("}|(run "));
}

#[test]
fn what_is_written_is_what_the_grammar_has() {
    let focus = Focus::everything(&shop());
    for line in [
        "auth can-i '*' '*'",
        "create role r --verb='*' --resource=pods",
        "get pods --field-selector=status.phase!=Running -A",
        "create ingress i --rule='shop.example.com/*=web:80'",
        "create ingress i --rule=shop.example.com/api=web:8080,tls=cert",
        "create service clusterip s --tcp=5432:15432",
        "annotate pod/web-6d4b75cb6d-x7k2p 'description=my words, in short'",
        "create configmap c --from-literal='greeting=hello there'",
        "get pods -l 'env in (dev,prod)'",
        "create priorityclass p --value=1000000",
        r#"patch cronjob/nightly-report --type=merge -p '{"spec":{"schedule":"0 3 * * 1,3"}}'"#,
    ] {
        assert_eq!(line.parse::<Step>().unwrap().to_string(), line);
        assert!(accepts(&focus, line), "{line}");
    }
}

#[test]
fn nothing_in_focus_leaves_no_way_to_name_an_object() {
    let focus = Focus::on("make me a sandwich", &shop());
    let possible = |words| {
        command::SHAPES
            .iter()
            .any(|shape| shape.words == words && shape.pattern(&focus).is_some())
    };
    assert!(!possible("scale") && !possible("rollout restart") && !possible("drain"));
    assert!(possible("create deployment") && step_pattern(&focus).contains("create deployment"));
}

#[test]
fn every_command_that_the_grammar_accepts_is_read_and_written_back() {
    let focus = Focus::everything(&shop());
    for shape in command::SHAPES {
        let pattern = shape.pattern(&focus).unwrap();
        for line in samples(&pattern, 7, 60) {
            check_round_trip(&line);
        }
    }
}

fn check_round_trip(line: &str) {
    let step: Step = line.parse().unwrap_or_else(|error| panic!("`{line}`: {error}"));
    let written = step.to_string();
    assert_eq!(
        written.parse::<Step>().as_ref(),
        Ok(&step),
        "`{line}` was written as `{written}`"
    );
}

#[test]
fn whole_plans_that_the_grammar_accepts_are_read() {
    for text in samples(&plan_pattern(&Focus::everything(&shop())), 11, 300) {
        let proposal = parse_rough(&text).unwrap_or_else(|error| panic!("`{text}`: {error}"));
        if let Proposal::Plan(rough) = proposal {
            assert_eq!(parse_rough(&rough.to_string()), Ok(Proposal::Plan(rough)));
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn any_text_is_read_or_refused_without_a_panic(text in "\\PC{0,200}") {
        let _ = (parse(&text), parse_rough(&text));
    }

    #[test]
    fn what_looks_like_a_command_is_read_or_refused_and_what_is_read_comes_back(
        command in prop::sample::select(command::SHAPES.iter().map(|shape| shape.words).collect::<Vec<_>>()),
        rest in "( (-[-a-z]{1,8}=?)?[-a-zA-Z0-9=/.,:*'\"{}]{1,12}){0,5}",
    ) {
        if let Ok(step) = format!("{command}{rest}").parse::<Step>() {
            prop_assert_eq!(step.to_string().parse::<Step>(), Ok(step));
        }
    }

    #[test]
    fn values_of_any_text_survive_quoting(text in "[^\\x00\\n]{1,40}") {
        let step = Step::new(Action::Annotate(command::Annotate {
            targets: field::Many(vec![target::Any(Target::read("deployment/web").unwrap())]),
            changes: field::Many(vec![value::AnnotationChange(value::Change { key: "note".into(), value: Some(text) })]),
            overwrite: false,
        }));
        prop_assert_eq!(step.to_string().parse::<Step>(), Ok(step));
    }
}

#[test]
fn kubectl_spellings_are_one_step() {
    let same = [
        (
            "kubectl scale deploy web --replicas 5",
            "scale deployment/web --replicas=5",
        ),
        (
            "$ kubectl -n shop scale deployments/web --replicas=5",
            "scale deployment/web --replicas=5 -n shop",
        ),
        ("get po,svc --all-namespaces", "get pods,services -A"),
        ("get pod web-1 web-2", "get pod/web-1 pod/web-2"),
        ("delete ns old", "delete namespace/old"),
        (
            "label deployment web tier=front old-",
            "label deployment/web tier=front old-",
        ),
        (
            "taint node node-1 dedicated=gpu:NoSchedule",
            "taint nodes node-1 dedicated=gpu:NoSchedule",
        ),
        (
            "logs deploy/web -c nginx -p --tail 20",
            "logs deployment/web -c nginx --tail=20 --previous",
        ),
        (
            "run tmp --image=busybox -n shop -- sh -c 'sleep 5'",
            "run tmp --image=busybox -n shop -- sh -c 'sleep 5'",
        ),
        (
            "create deploy x --image=nginx --image=redis",
            "create deployment x --image=nginx --image=redis",
        ),
        ("create sa robot", "create serviceaccount robot"),
        (
            "auth can-i delete pods --as=jane -n shop",
            "auth can-i delete pods --as=jane -n shop",
        ),
        (
            "auth can-i get pods --subresource log",
            "auth can-i get pods --subresource=log",
        ),
        (
            r#"apply -f - <<< '{"apiVersion":"v1","kind":"Namespace","metadata":{"name":"x"}}'"#,
            r#"apply -f - <<< '{"apiVersion":"v1","kind":"Namespace","metadata":{"name":"x"}}'"#,
        ),
    ];
    for (typed, canonical) in same {
        let step: Step = typed.parse().unwrap_or_else(|error| panic!("{typed}: {error}"));
        assert_eq!(step.to_string(), canonical);
        assert_eq!(canonical.parse::<Step>().unwrap(), step);
    }
}

#[test]
fn by_hand_a_subresource_is_a_flag() {
    let step: Step = "auth can-i get pods/log --as=jane -n shop".parse().unwrap();
    let by_hand = step.by_hand();
    assert_eq!(
        by_hand,
        "kubectl auth can-i get pods --subresource=log --as=jane -n shop"
    );
    let named: Step = "auth can-i get pods/web-0".parse().unwrap();
    assert_eq!(named.by_hand(), "kubectl auth can-i get pods/web-0");
}

#[test]
fn what_is_not_a_step_is_told_why() {
    let wrong = [
        ("", "an empty plan"),
        ("rm -rf /", "`rm -rf` is not a command that sayso knows"),
        ("scale deployment/web", "`--replicas` is missing"),
        (
            "scale service/web --replicas=2",
            "`service/web` is not a deployment, statefulset or replicaset, as in deployment/web",
        ),
        ("scale deployment/web --replicas=-1", "`-1` is not a whole number"),
        (
            "scale deployment/web --replicas=2 --turbo",
            "`scale` has no flag `--turbo`",
        ),
        ("delete pods", "`pods` is not an object, as in deployment/web"),
        (
            "get pods; rm x",
            "`pods;` is not a kind or kinds, as in pods,services",
        ),
        ("get pods 'unclosed", "unbalanced quotes in `get pods 'unclosed`"),
    ];
    for (line, message) in wrong {
        assert_eq!(line.parse::<Step>().unwrap_err().to_string(), message, "{line}");
    }
    assert_eq!(parse("unclear"), Ok(Proposal::Unclear));
    assert_eq!(parse("refuse"), Ok(Proposal::Refuse));
    assert_eq!(parse("\n```\n"), Err(ParseError::Empty));
}

#[test]
fn words_lead_to_the_objects_that_are_meant() {
    let found = |request: &str| -> Vec<String> {
        let focus = Focus::on(request, &shop());
        focus
            .objects
            .iter()
            .map(|object| format!("{}/{}/{}", object.namespace, object.kind, object.name))
            .collect()
    };
    assert_eq!(
        found("scale web to 5")[..3],
        ["shop/deployment/web", "shop/service/web", "blog/deployment/web"]
    );
    assert_eq!(found("restart the web in blog")[0], "blog/deployment/web");
    assert_eq!(
        found("restart the payment service")[0],
        "shop/deployment/payments-api"
    );
    assert_eq!(found("what does postgres log?")[0], "shop/statefulset/db");
    assert_eq!(found("drain node-1")[0], "/node/node-1");
    assert_eq!(found("restart paymnts-api")[0], "shop/deployment/payments-api");
    assert_eq!(
        found("logs of web-6d4b75cb6d-x7k2p")[0],
        "shop/pod/web-6d4b75cb6d-x7k2p"
    );
    assert!(found("list all pods").is_empty());
    assert!(found("").is_empty());
}

#[test]
fn namespaces_are_filled_in_and_ambiguity_is_a_question() {
    let mut snapshot = shop();
    let resolved = |line: &str, snapshot: &Snapshot| -> Result<String, String> {
        let Ok(Proposal::Plan(plan)) = parse(line) else {
            panic!("{line}")
        };
        resolve(&plan, snapshot)
            .map(|plan| plan.to_string())
            .map_err(|question| question.0)
    };
    let ok = |text: &str| Ok(text.to_owned());
    assert_eq!(
        resolved("scale deployment/web --replicas=1", &snapshot),
        ok("scale deployment/web --replicas=1 -n shop")
    );
    assert_eq!(
        resolved("logs daemonset/node-exporter", &snapshot),
        ok("logs daemonset/node-exporter -n kube-system")
    );
    assert_eq!(resolved("get pods -A", &snapshot), ok("get pods -A"));
    assert_eq!(resolved("get pods", &snapshot), ok("get pods -n shop"));
    assert_eq!(resolved("get nodes", &snapshot), ok("get nodes"));
    assert_eq!(
        resolved("describe node/node-1", &snapshot),
        ok("describe node/node-1")
    );
    assert_eq!(
        resolved(
            "create deployment x --image=nginx -n blog\nexpose deployment/x --port=80",
            &snapshot
        ),
        ok("create deployment x --image=nginx -n blog\nexpose deployment/x --port=80 -n blog")
    );
    assert_eq!(
        resolved("delete service/web -n blog", &snapshot),
        Err("there is no service called web in blog; did you mean shop/web?".to_owned())
    );
    snapshot.default_namespace = "kube-system".into();
    assert_eq!(
        resolved("rollout restart deployment/web", &snapshot),
        Err("2 deployments are called web: blog/web, shop/web; which one?".to_owned())
    );
}

#[test]
fn a_namespace_that_is_said_can_be_named_even_where_there_is_none() {
    let namespaces = |request: &str| Focus::on(request, &shop()).namespaces;
    assert!(namespaces("create a namespace called demo and a deployment in it").contains(&"demo".to_owned()));
    assert!(namespaces("list pods in the staging namespace").contains(&"staging".to_owned()));
    assert!(namespaces("start web -n demo").contains(&"demo".to_owned()));
    assert!(namespaces("any pods in demo?").contains(&"demo".to_owned()));
    assert_eq!(namespaces("list pods"), ["blog", "kube-system", "shop"]);
    assert_eq!(
        namespaces("list the pods in shpo"),
        ["blog", "kube-system", "shop"]
    );
}

#[test]
fn a_manifest_is_named_where_a_step_is_told_of() {
    let step = |line: &str| line.parse::<Step>().unwrap();
    let manifest = r#"{"apiVersion":"apps/v1","kind":"Deployment","metadata":{"name":"cart"}}"#;
    let line = format!("apply -f - <<< '{manifest}' -n shop");
    assert_eq!(step(&line).brief(), "apply deployment/cart -n shop");
    let scale = "scale deployment/web --replicas=5 -n shop";
    assert_eq!(step(scale).brief(), scale);
}

#[test]
fn a_container_that_only_a_namesake_elsewhere_has_is_asked_about() {
    let resolved = |text: &str| {
        let Ok(Proposal::Plan(plan)) = parse(text) else {
            panic!("{text}")
        };
        resolve(&plan, &shop()).map(|plan| plan.to_string())
    };
    assert_eq!(
        resolved("set image deployment/web ghost=ghost:5.90"),
        Err(Question(
            "shop/web has no container ghost; did you mean blog/web?".to_owned()
        ))
    );
    assert!(resolved("set image deployment/web ghost=ghost:5.90 -n blog").is_ok());
    assert!(resolved("set image deployment/web nginx=nginx:1.28").is_ok());
    assert!(resolved("set image deployment/web *=nginx:1.28").is_ok());
    // Nobody has it: the cluster will say so.
    assert!(resolved("set env deployment/web A=b -c sidecar").is_ok());
}
