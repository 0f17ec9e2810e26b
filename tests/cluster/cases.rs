//! What is tried on both clusters.

/// Something to try, in a namespace of its own, seeded afresh.
pub struct Case {
    /// What it is called.
    pub name: &'static str,
    /// Each is `$ kubectl ...`, whose answer must be the same (what follows `<<<` is its input); or `FLAGS| PLAN`, a request
    /// for which the model writes this plan; or `undo --yes| `, which takes the last change back.
    pub steps: &'static [&'static str],
    /// What differs, and why it may: patterns of whole lines of either account.
    pub known: &'static [(&'static str, &'static str)],
}

const fn case(name: &'static str, steps: &'static [&'static str]) -> Case {
    Case {
        name,
        steps,
        known: &[],
    }
}

impl Case {
    const fn but(self, known: &'static [(&'static str, &'static str)]) -> Case {
        Case { known, ..self }
    }
}

/// All of them.
pub const ALL: &[Case] = &[
    case(
        "scale",
        &[
            "--yes| scale deployment/web --replicas=5",
            "$ kubectl get deployment web -o jsonpath={.spec.replicas}/{.status.readyReplicas}",
            "undo --yes| ",
            "$ kubectl get deployment web -o jsonpath={.spec.replicas}",
            "--yes| scale statefulset/db --replicas=3",
            "--yes| scale deployment/cart --replicas=0",
            "$ kubectl wait --for=delete pod -l app=cart --timeout=180s",
            "$ kubectl get pods -l app=cart -o name",
        ],
    ),
    case(
        "images",
        &[
            "--yes| set image deployment/web nginx=nginx:1.28",
            "$ kubectl get deployment web -o jsonpath={.spec.template.spec.containers[*].image}",
            "| rollout status deployment/web",
            "| rollout history deployment/web",
            "--yes| rollout undo deployment/web",
            "$ kubectl get deployment web -o jsonpath={.spec.template.spec.containers[*].image}",
            "--yes| rollout restart deployment/cart",
            "--yes| rollout pause deployment/cart",
            "--yes| rollout resume deployment/cart",
        ],
    ),
    case(
        "settings",
        &[
            "--yes| set env deployment/cart LOG_LEVEL=debug",
            "--yes| set resources deployment/cart --limits=cpu=200m,memory=64Mi",
            "--yes| set serviceaccount deployment/cart default",
            "$ kubectl get deployment cart -o jsonpath={.spec.template.spec}",
            "undo --yes| ",
        ],
    ),
    case(
        "marks",
        &[
            "--yes| label deployment/web tier=front",
            "--yes| label deployment/web tier=back --overwrite",
            "--yes| label deployment/web tier-",
            "--yes| annotate deployment/web note=hello",
            "--yes| annotate deployment/web note-",
            "$ kubectl get deployment web -o jsonpath={.metadata.labels}",
        ],
    ),
    case(
        "creations",
        &[
            "--yes| create configmap extra --from-literal=a=b",
            "--yes| create secret generic extra --from-literal=a=b",
            "--yes| create serviceaccount robot",
            "--yes| create role reader --verb=get,list --resource=pods",
            "--yes| create rolebinding reader --role=reader --serviceaccount=creations:robot",
            "--yes| create quota small --hard=pods=50",
            "--yes| create poddisruptionbudget web --selector=app=web --min-available=1",
            "--yes| create job once --image=busybox:1.37",
            "--yes| create cronjob nightly --image=busybox:1.37 --schedule='0 1 * * *'",
            "--yes| create deployment api --image=nginx:1.27 --replicas=2",
            "--yes| expose deployment/api --port=80",
            "--yes| autoscale deployment/api --min=1 --max=4 --cpu-percent=70",
            "$ kubectl get configmap,serviceaccount,role,rolebinding,quota,pdb,cronjob,deployment,service,hpa -o name",
            "--yes| create configmap extra --from-literal=a=b",
        ],
    ),
    case(
        "deletions",
        &[
            "--yes| delete deployment/cart",
            "$ kubectl get deployments -o name",
            "undo --yes| ",
            "$ kubectl get deployment cart -o jsonpath={.spec.replicas}",
            "--yes| delete service/web",
            "undo --yes| ",
            "--yes| delete configmap/settings",
            "undo --yes| ",
            "$ kubectl get configmap settings -o jsonpath={.data}",
            "--yes| delete cronjob/report",
            "--yes| delete secret/password",
        ],
    ),
    case(
        "reads",
        &[
            "| get deployments",
            "| get deployment/web -o yaml",
            "| get pods -l app=web",
            "| get services",
            "| get all",
            "| get configmap/settings -o json",
            "| get secret/password -o yaml",
            "| describe deployment/web",
            "| describe service/web",
            "| describe secret/password",
            "| explain deployment.spec.replicas",
            "| auth can-i delete pods",
            "| rollout status deployment/web",
            "| rollout history deployment/web",
            "| diagnose deployment/web",
        ],
    ),
    case(
        "rights",
        &[
            "--yes --as viewer| scale deployment/web --replicas=5",
            "--yes --as viewer| delete deployment/web",
            "--as viewer| get deployments",
            "--as viewer| auth can-i list deployments",
            "--as viewer| auth can-i delete deployments",
            "--as nobody| get deployments",
        ],
    ),
    case(
        "patches",
        &[
            r#"--yes| patch deployment/web -p '{"spec":{"replicas":2}}'"#,
            r#"--yes| patch deployment/web --type=merge -p '{"metadata":{"labels":{"tier":"front"}}}'"#,
            r#"--yes| patch deployment/web --type=json -p '[{"op":"replace","path":"/spec/replicas","value":4}]'"#,
            r#"--yes| patch deployment/web -p '{"spec":{"replicas":"many"}}'"#,
            "$ kubectl get deployment web -o jsonpath={.spec.replicas}",
        ],
    ),
    case(
        "refusals",
        &[
            "--yes| create deployment web --image=nginx:1.27",
            "--yes| create quota bad --hard=pods=-1",
            "--yes| create cronjob bad --image=busybox --schedule='99 * * * *'",
            "--plan-only| scale deployment/web --replicas=9",
            "| scale deployment/web --replicas=9",
            "--read-only --yes| scale deployment/web --replicas=9",
        ],
    ),
    case(
        "nodes",
        &[
            "--plan-only| cordon node/node-3",
            "--plan-only| taint nodes node-3 dedicated=gpu:NoSchedule",
            "| get nodes",
        ],
    ),
    case(
        "kubectl",
        &[
            "$ kubectl create deployment api --image=nginx:1.27 --replicas=2",
            "$ kubectl rollout status deployment/api --timeout=180s",
            "$ kubectl scale deployment/api --replicas=3",
            "$ kubectl rollout status deployment/api --timeout=180s",
            "$ kubectl set image deployment/api nginx=nginx:1.28",
            "$ kubectl rollout status deployment/api --timeout=180s",
            "$ kubectl rollout history deployment/api",
            "$ kubectl rollout undo deployment/api",
            "$ kubectl rollout status deployment/api --timeout=180s",
            "$ kubectl get deployment api -o jsonpath={.spec.template.spec.containers[*].image}",
            "$ kubectl expose deployment api --port=80 --target-port=8080",
            "$ kubectl get service api -o jsonpath={.spec.ports}/{.spec.selector}",
            "$ kubectl label deployment api tier=back",
            "$ kubectl label deployment api tier=front",
            "$ kubectl label deployment api tier-",
            "$ kubectl get events --field-selector reason=ScalingReplicaSet -o jsonpath={.items[0].involvedObject.name}",
            r#"$ kubectl apply --server-side --field-manager=one -f - <<< {"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"owned"},"data":{"a":"1"}}"#,
            r#"$ kubectl apply --server-side --field-manager=two -f - <<< {"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"owned"},"data":{"a":"2"}}"#,
            r#"$ kubectl apply --server-side --field-manager=two --force-conflicts -f - <<< {"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"owned"},"data":{"a":"2"}}"#,
            "$ kubectl get configmap owned -o jsonpath={.data.a}",
            "$ kubectl explain deployment.spec.strategy.rollingUpdate",
            "$ kubectl auth can-i delete deployments",
            "$ kubectl auth can-i delete deployments --as=nobody",
            "$ kubectl drain node-2 --ignore-daemonsets --force --delete-emptydir-data --timeout=180s",
            "$ kubectl get node node-2 -o jsonpath={.spec.unschedulable}",
            "$ kubectl uncordon node-2",
            "$ kubectl delete deployment api --timeout=180s",
            "$ kubectl wait --for=delete pod -l app=api --timeout=180s",
            "$ kubectl delete service api",
            "$ kubectl get all -l app=api",
            "$ kubectl get deployment api",
        ],
    ),
    case("pods", &["--yes| run single --image=busybox:1.37"]).but(&[
        (
            r"\+(name: kube-(api-access|root-ca).*|mountPath: /var/run/secrets.*|configMap:|downwardAPI:|serviceAccountToken:|projected:|sources:|items:|fieldRef:|fieldPath: metadata.namespace|key: ca.crt|path: (ca.crt|namespace|token)|(defaultMode|expirationSeconds): \d+|readOnly: true|volumes:|volumeMounts:)",
            "pods get no token volumes: 20,000 of them would pay for it",
        ),
        (
            r"\+(tolerations:|tolerationSeconds: 300|effect: NoExecute|operator: Exists|key: node.kubernetes.io/(not-ready|unreachable))",
            "pods get no tolerations of their own, either",
        ),
    ]),
    case(
        "machines",
        &[
            "--plan-only| drain node/node-3 --ignore-daemonsets",
            "| describe node/node-3",
        ],
    )
    .but(&[
        (
            "(Boot ID|Machine ID|System UUID|Hostname|Kernel Version|Container Runtime Version|OS Image):.*|node.alpha.kubernetes.io/ttl: 0|NetworkUnavailable .* RouteController .*",
            "a machine that kwok plays has no system, and one in the sandbox has one",
        ),
        (
            r"Events:.*|Type Reason Age From Message|-+( -+)+|Normal \S+ .*",
            "what the controllers noted of a machine is forgotten after a while, and the sandbox notes less",
        ),
        (
            r#"reasons: \[.*"affects \d running pods?".*|Non-terminated Pods: .*|machines \S+ .*|(cpu|memory) \S+ \(\d+%\).*"#,
            "which pods it runs is for each scheduler to say",
        ),
    ]),
];
