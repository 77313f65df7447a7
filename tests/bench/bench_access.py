"""Questions about access beside 10,000 bindings: a batch of 10,000, and who can do a thing."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path

from iamrbac import wiring
from iamrbac.access.judge import Chain, Judge
from iamrbac.access.world import World
from iamrbac.mapping.objects import AccessEntry
from iamrbac.rbac.objects import Binding, RbacState, Request, Role, RoleRef, Rule, Subject
from iamrbac.rbac.wire import binding_to_json, role_to_json
from iamrbac.usecases.batch import answer_lines
from tests.bench.measure import Row, best_of, child, iamrbac, table

BINDINGS = QUESTIONS = 10_000
NAMESPACES = 500
"""Each with Roles and RoleBindings of its own; every tenth binding is a ClusterRoleBinding."""
GROUPS = 1_000
VERBS = ("get", "list", "create", "delete")
RESOURCES = ("pods", "configmaps", "services", "secrets")


def rows() -> list[Row]:
    """Measure in memory, and whole processes."""
    return [*_who_can(), *_batch()]


def _who_can() -> list[Row]:
    state = _state()
    people = tuple(
        AccessEntry(f"arn:aws:iam::111122223333:user/u{number}", f"u{number}", (f"g{number}",))
        for number in range(GROUPS)
    )
    world = World(people, rbac=state)
    iterating, _ = best_of(5, lambda: sum(len(binding.subjects) for binding in state.bindings))
    everywhere, chains = _asked(world, Request("get", "pods"), anywhere=True)[1:]
    most = f"{everywhere * 1000:.0f} ms where nearly all bindings allow it, {len(chains):,} chains"
    return [
        _row("in a namespace", iterating, *_asked(world, Request("delete", "secrets", namespace="n007"))),
        _row("in any namespace", iterating, *_asked(world, Request("delete", "nodes"), anywhere=True), most),
    ]


def _asked(world: World, request: Request, *, anywhere: bool = False) -> tuple[float, float, list[Chain]]:
    """Seconds of the first question that a cluster is asked, and of later ones; the answer."""
    judge = Judge(world)
    first, _ = best_of(1, lambda: list(judge.who_can(request, anywhere=anywhere)))
    return (first, *best_of(5, lambda: list(judge.who_can(request, anywhere=anywhere))))


def _row(name: str, iterating: float, first: float, again: float, chains: list[Chain], more: str = "") -> Row:
    detail = f"{again * 1000:.1f} ms / {iterating * 1000:.1f} ms, {len(chains)} chains; a first question "
    detail += f"{first * 1000:.0f} ms{f'; {more}' if more else ''}"
    return Row(f"who-can {name} / one loop over the bindings", again / iterating, 50, detail)


def _batch() -> list[Row]:
    state = _state()
    with tempfile.TemporaryDirectory(prefix="iamrbac-bench-") as folder:
        manifests, questions = Path(folder) / "rbac.json", Path(folder) / "questions.jsonl"
        items = [*map(role_to_json, state.roles), *map(binding_to_json, state.bindings)]
        manifests.write_text(json.dumps({"kind": "List", "apiVersion": "v1", "items": items}))
        lines = [json.dumps(_question(number)) for number in range(QUESTIONS)]
        questions.write_text("\n".join(lines))
        whole, memory = min(child(iamrbac("can", "--batch", str(questions), "-f", str(manifests))) for _ in range(2))
        objects, _ = wiring.manifests(manifests)
        detail = f"whole process, {len(items):,} objects of JSON, {memory:.0f} MB"
    judge = Judge(World(rbac=RbacState(state.roles, tuple(one for one in objects if isinstance(one, Binding)))))
    encoded = [line.encode() for line in lines]
    answering, answers = best_of(3, lambda: list(answer_lines(judge, "bench", encoded)))
    reading, _ = best_of(3, lambda: [json.loads(line) for line in encoded])
    allowed = sum(answer["allowed"] is True for answer in answers)
    inside = f"{answering:.2f} s / {reading:.2f} s, {allowed:,} allowed"
    return [
        Row(f"can --batch, {QUESTIONS:,} questions beside {BINDINGS:,} bindings", whole, 5, detail, "s"),
        Row("can --batch, its answers / json.loads of the questions", answering / reading, 20, inside),
    ]


def _question(number: int) -> dict[str, object]:
    return {
        "id": number,
        "user": f"u{number % GROUPS}",
        "groups": [f"g{number % GROUPS}", f"g{number * 7 % GROUPS}"],
        "verb": VERBS[number % 4],
        "resource": RESOURCES[number // 4 % 4],
        "namespace": _namespace(number * 3),
    }


def _namespace(number: int) -> str:
    return f"n{number % NAMESPACES:03}"


def _state() -> RbacState:
    nodes = Rule(("delete",), ("",), ("nodes",))
    roles = [Role("ClusterRole", None, f"c{number}", (_rule(number), _rule(number + 5))) for number in range(50)]
    roles[0] = Role("ClusterRole", None, "c0", (nodes,))
    roles += [Role("Role", _namespace(number), "own", (_rule(number),)) for number in range(NAMESPACES)]
    bindings = []
    for number in range(BINDINGS):
        subjects = tuple(Subject("Group", f"g{(number * step + step) % GROUPS}") for step in (1, 3))
        own = number % 10 == 1
        ref = RoleRef("Role", "own") if own else RoleRef("ClusterRole", f"c{number % 50}")
        if number % 10 == 0:
            bindings.append(Binding("ClusterRoleBinding", None, f"b{number}", ref, subjects))
        else:
            bindings.append(Binding("RoleBinding", _namespace(number), f"b{number}", ref, subjects))
    return RbacState(tuple(roles), tuple(bindings))


def _rule(number: int) -> Rule:
    verbs = VERBS[: number % 4 + 1]
    return Rule(verbs, ("", "apps"), (RESOURCES[number % 4], f"{RESOURCES[number % 4]}/status", "deployments"))


if __name__ == "__main__":
    print(table(rows()))
