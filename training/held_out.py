"""Keeps what the planner is measured on out of what it is trained on.

    held_out.py [TABLE...]           phrases that come too close to a request of a suite, slots and names left out
    held_out.py --filter IN >OUT     generated examples without those that do

Compared are sets of words: numbers, labels, images and the names of objects say nothing, and neither do little words and those of
the language itself. Requests with fewer than three others are nobody's own (`scale web to 5`), and are not compared.
"""

import itertools
import json
import re
import sys
from pathlib import Path

HERE = Path(__file__).parent
MOST = 0.8
FEWEST = 3
VARIANTS = 4000
SUITES = ["people", "fresh", "plain", "third-party", "questions"]
# The language's own words: kinds, and what stands on its command lines.
OWN = set(
    "deployment deployments deploy statefulset daemonset service services svc pod pods node nodes namespace namespaces ns "
    "cronjob job jobs configmap configmaps secret secrets ingress hpa autoscaler pvc role rolebinding serviceaccount account "
    "app image container containers replicas port label labels annotation annotate taint scale autoscale restart rollout "
    "history revision undo pause resume set env get list show describe logs log events top explain create delete expose run "
    "patch cordon uncordon drain roll back previous token value values limit limits requests cpu memory environment variable "
    "version named called name all add use why working".split()
)

LITTLE = set(
    "the a an of to in on for and it is its with at by be are this that me my we our i you your do does please now from as "
    "into s t can could will would should must has have was were or".split()
)


def words(text: str) -> list[str]:
    """Words in lower case, without what a slot would fill."""
    text = re.sub(r"\{[a-z]+[0-9]?\}", " ", text.lower())
    text = re.sub(r"[\w./-]*[0-9_=/:][\w./:=-]*", " ", text)
    return re.findall(r"[^\W\d_]+(?:'[^\W\d_]+)?", text)


def names() -> set[str]:
    """The names, and their parts, of everything in the worlds of the suites."""
    found = set()
    root = HERE.parent
    for path in [*root.glob("assets/sandbox/*.yaml"), *root.glob("tests/eval/worlds/*")]:
        found.update(re.findall(r"\bname: *[\"']?([A-Za-z0-9.-]+)", path.read_text()))
        found.update(re.findall(r"\bnamespace: *[\"']?([A-Za-z0-9.-]+)", path.read_text()))
    for world in json.loads((HERE / "worlds.json").read_text()).values():
        found.update(world["namespaces"])
        found.update(thing["name"] for thing in world["objects"])
    return {part for name in found for part in re.split(r"[-.]", name.lower()) if part}


def requests() -> list[tuple[str, str]]:
    files = [HERE.parent / f"tests/eval/{suite}.jsonl" for suite in SUITES] + [HERE / "dev.jsonl"]
    lines = [(path.stem, line) for path in files for line in path.read_text().splitlines()]
    found = []
    for suite, line in lines:
        case = json.loads(line)
        text = case.get("request") or case.get("question")
        if text:
            found.append((suite, text))
    return found


def variants(text: str):
    """Every text that a phrase stands for: `(a|b)` is a choice, `[a]` may be left out."""
    at = re.search(r"[(\[]", text)
    if not at:
        yield text
        return
    depth, start, end, options = 0, at.end(), len(text), []
    for index in range(at.start(), len(text)):
        character = text[index]
        depth += (character in "([") - (character in ")]")
        if depth == 0 or (depth == 1 and character == "|"):
            options.append(text[start:index])
            start = index + 1
        if depth == 0:
            end = index
            break
    if text[at.start()] == "[":
        options.append("")
    for option in options:
        for inner in variants(option):
            for rest in variants(text[end + 1 :]):
                yield text[: at.start()] + inner + rest


def phrases(tables: list[str]):
    for path in sorted((HERE / "phrases").glob("*.txt")):
        if tables and path.stem not in tables:
            continue
        intent = ""
        for line in path.read_text().splitlines():
            if line.startswith("## "):
                intent = line.split()[1]
            elif line and not line.startswith((">", "//")):
                yield f"{path.stem}/{intent}", line.removeprefix("~ ").replace("\\n", " ")


def overlap(one: set[str], other: set[str]) -> float:
    return len(one & other) / len(one | other)


def near(phrase: str, wanted: list[tuple[str, str, set[str]]], known: set[str]):
    """Requests that some variant of a phrase comes too close to."""
    possible = set(words(re.sub(r"[()|\[\]]", " ", phrase)))
    close = [case for case in wanted if len(case[2] & possible) > MOST * len(case[2])]
    if not close:
        return
    for text in itertools.islice(variants(phrase), VARIANTS):
        said = set(words(text)) - known
        for suite, request, own in close:
            if said and overlap(said, own) > MOST:
                yield suite, request, text


def is_told(said: set[str], request: set[str]) -> bool:
    """Whether an example is that request; what is put around it (`please`, `asap`) makes no other of it."""
    shared = len(said & request)
    return shared >= FEWEST and shared > MOST * len(request) and len(said) <= len(request) + 3


def filtered(path: Path, wanted: list[tuple[str, str, set[str]]], known: set[str]) -> int:
    """Prints the examples that are no request of a suite; how many were."""
    dropped = 0
    for line in path.read_text().splitlines():
        *objects, request = json.loads(line)["prompt"].rsplit("\n", 1)
        own = {part for name in re.findall(r"[\w.-]+", "".join(objects).lower()) for part in re.split(r"[-.]", name)}
        said = set(words(request)) - known - own
        if any(is_told(said, case[2]) for case in wanted):
            dropped += 1
        else:
            print(line)
    return dropped


def main():
    known = names() | OWN | LITTLE
    wanted = [(suite, text, set(words(text)) - known) for suite, text in requests()]
    wanted = [case for case in wanted if len(case[2]) >= FEWEST]
    if sys.argv[1:2] == ["--filter"]:
        dropped = filtered(Path(sys.argv[2]), wanted, known)
        print(f"{sys.argv[2]}: {dropped} examples were too close to a suite", file=sys.stderr)
        return
    found = 0
    for intent, phrase in phrases(sys.argv[1:]):
        for suite, request, text in {case[1]: case for case in near(phrase, wanted, known)}.values():
            found += 1
            print(f"{intent}: `{text}` is {suite}'s `{request}`")
    print(f"{found} phrases are too close to one of {len(wanted)} requests")
    sys.exit(found > 0)


if __name__ == "__main__":
    main()
