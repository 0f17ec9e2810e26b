"""Makes protobuf.txt: field numbers and JSON names of the API types that clients send in protobuf.

Usage: protobuf.py GOMODCACHE/k8s.io/api@v0.34.0 GOMODCACHE/k8s.io/apimachinery@v0.34.0 > protobuf.txt
"""
import pathlib
import re
import sys

API, MACHINERY = map(pathlib.Path, sys.argv[1:3])
GROUPS = [
    "core/v1", "apps/v1", "batch/v1", "networking/v1", "autoscaling/v1", "autoscaling/v2", "policy/v1", "rbac/v1",
    "scheduling/v1", "storage/v1", "events/v1", "discovery/v1", "coordination/v1", "authorization/v1",
    "authentication/v1",
]
FOLDERS = [API / group for group in GROUPS] + [
    MACHINERY / "pkg/apis/meta/v1", MACHINERY / "pkg/api/resource", MACHINERY / "pkg/util/intstr", MACHINERY / "pkg/runtime",
]
ROOTS = """core.v1.Namespace core.v1.Node core.v1.Pod core.v1.Service core.v1.ConfigMap core.v1.Secret
core.v1.ServiceAccount core.v1.PersistentVolumeClaim core.v1.PersistentVolume core.v1.Event core.v1.Endpoints
core.v1.ResourceQuota core.v1.LimitRange core.v1.ReplicationController core.v1.Binding apps.v1.Deployment
apps.v1.ReplicaSet apps.v1.StatefulSet apps.v1.DaemonSet apps.v1.ControllerRevision batch.v1.Job batch.v1.CronJob
networking.v1.Ingress networking.v1.IngressClass networking.v1.NetworkPolicy autoscaling.v1.HorizontalPodAutoscaler
autoscaling.v1.Scale autoscaling.v2.HorizontalPodAutoscaler policy.v1.PodDisruptionBudget policy.v1.Eviction
rbac.v1.Role rbac.v1.RoleBinding rbac.v1.ClusterRole rbac.v1.ClusterRoleBinding scheduling.v1.PriorityClass
storage.v1.StorageClass events.v1.Event discovery.v1.EndpointSlice coordination.v1.Lease
authorization.v1.SelfSubjectAccessReview authorization.v1.SelfSubjectRulesReview
authorization.v1.SubjectAccessReview authorization.v1.LocalSubjectAccessReview
authentication.v1.SelfSubjectReview authentication.v1.TokenRequest meta.v1.DeleteOptions""".split()
SCALARS = {"string": "s", "int32": "i", "int64": "i", "bool": "b", "bytes": "y", "double": "d"}


def short(name):
    return re.sub(r"^k8s\.io\.(api|apimachinery\.pkg\.(apis|api|util)|apimachinery\.pkg)\.", "", name)


def go_fields(folder):
    """(struct, number) -> (JSON name, is inline, is pointer)."""
    found = {}
    for path in folder.glob("*.go"):
        struct = None
        for line in path.read_text().splitlines():
            if match := re.match(r"type (\w+) struct", line):
                struct = match[1]
            elif match := re.search(r"^\s*(?:\w+\s+)?(\S+)\s+`.*json:\"([^\"]*)\".*protobuf:\"\w+,(\d+)", line):
                name, _, flags = match[2].partition(",")
                found[struct, int(match[3])] = (name, "inline" in flags, match[1].startswith("*"))
    return found


messages = {}
for folder in FOLDERS:
    source = re.sub(r"//.*", "", (folder / "generated.proto").read_text())
    package = re.search(r"package (\S+);", source)[1]
    go = go_fields(folder)
    for name, body in re.findall(r"message (\w+) \{(.*?)\n\}", source, re.S):
        fields = []
        for rule, value, field, number in re.findall(
            r"(optional|repeated|required|)\s*(map<string, [\w.]+>|[\w.]+) (\w+) = (\d+);", body
        ):
            is_map = value.startswith("map<")
            value = value[len("map<string, "):-1] if is_map else value
            if value not in SCALARS:
                value = short(value.lstrip(".") if "." in value else f"{package}.{value}")
            json_name, inline, pointer = go.get((name, int(number)), (field, False, False))
            mark = "%" if is_map else "*" if rule == "repeated" else "^" if inline else "!" if pointer else "-"
            fields.append((number, mark, json_name or field, SCALARS.get(value, value)))
        messages[short(f"{package}.{name}")] = fields

wanted, waiting = set(), list(ROOTS)
while waiting:
    name = waiting.pop()
    if name not in wanted and name in messages:
        wanted.add(name)
        waiting += [kind for *_, kind in messages[name] if "." in kind]
print("# Field numbers and JSON names of the Kubernetes API types, made by protobuf.py from k8s.io/api v0.34.0.")
print("# A message a line; a field is NUMBER MARK NAME:TYPE. Marks: - plain, ! pointer, * list, % map by string, ^ inlined.")
print("# Types: s string, i integer, b boolean, y bytes, d double, else a message.")
for name in sorted(wanted):
    print(name, *(f"{number}{mark}{field}:{kind}" for number, mark, field, kind in messages[name]))
