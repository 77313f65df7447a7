"""New dangers: found on both sides by a function that is handed in, told to whom they are new, refused by gates."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator

from iamrbac.access.gates import Danger
from iamrbac.access.judge import Judge, Somebody
from iamrbac.rbac.match import allows
from iamrbac.rbac.objects import Request
from iamrbac.render.changes import Diff
from iamrbac.render.diff_html import diff_html
from iamrbac.render.diff_json import diff_json
from iamrbac.render.diff_markdown import diff_markdown
from iamrbac.render.diff_text import diff_text
from iamrbac.usecases.diff import Tree
from iamrbac.usecases.review import Compared, Review, Sides, review
from iamrbac.wiring import builtin, repository, roles
from tests.cli.changes import AT, BASE, GATES, config
from tests.cli.test_diff import GAIN, SCHEMA

ERIN, ONCALL = "iamUser erin", "iamGroup payments-oncall"


@dataclass(frozen=True, order=True)
class Found:
    rule: str
    becomes: str
    ability: str
    namespace: str
    path: tuple[str, ...] = field(default=(), compare=False)


def shells(judge: Judge, somebody: Somebody) -> Iterator[Found]:
    """Whoever may evict pods in a namespace is dangerous; the path is another one each time."""
    for given in judge.given(somebody):
        if any(allows(rule, Request("create", "pods", subresource="eviction")) for rule in given.rules or ()):
            ability = f"may evict pods in {given.namespace}"
            yield Found("IAM900", "the scheduler", ability, given.namespace, (str(id(judge)), "then @org/team"))


def tree(folder: Path, files: dict[str, str]) -> Tree:
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    return Tree(repository(folder), roles(folder))


@pytest.fixture
def sides(tmp_path: Path) -> Sides:
    gates = GATES + "  - {name: no-danger, refuse: danger}\n"
    base = tree(tmp_path / "base", BASE | {"iamrbac.yaml": config(gates)})
    head = tree(tmp_path / "head", BASE | {"iamrbac.yaml": config(gates), "policies/payments.yaml": GAIN})
    return Sides(base, head, base)


def reviewed(sides: Sides, foremost: bool = False) -> Review:
    def first(found: Iterable[Danger]) -> tuple[Danger, ...]:
        return tuple(found)[: 0 if foremost else None]

    found = review(sides, builtin().rbac, AT, dangers=shells, foremost=first)
    assert isinstance(found, Review)
    return found


def test_only_what_is_new_is_told(sides: Sides) -> None:
    new = reviewed(sides).change.dangers
    assert [(one.cluster, one.principal, one.danger.namespace) for one in new] == [
        ("production", ONCALL, "payments"),
        ("production", ERIN, "payments"),
    ]
    assert {giver.role for one in new for giver in one.givers} == {"operator"}
    assert reviewed(sides, foremost=True).change.dangers == ()
    assert sides.base is not None
    turned = reviewed(Sides(sides.head, sides.base, sides.head))
    assert turned.change.dangers == ()


def test_a_gate_refuses_it_where_the_line_stands(sides: Sides) -> None:
    (danger,) = [one for one in reviewed(sides).refusals if one.id == "GATE002"]
    assert (danger.file, danger.line, danger.object) == ("policies/payments.yaml", 8, "gate/no-danger")
    assert "2 principals" in danger.message
    assert "the scheduler" in danger.message


def test_every_view_names_the_new_ability(sides: Sides) -> None:
    diff = Diff(
        reviewed(sides), Compared(sides, "main", "1" * 40, "1" * 40, "HEAD", "2" * 40), lambda one: one.file, str
    )
    said = f"{ERIN} can now become the scheduler on production: may evict pods in payments (IAM900)"
    assert said in diff_text(diff, lambda text, _: text)
    assert said in diff_html(diff)
    markdown = diff_markdown(diff)
    assert f"{said}, by this way:" in markdown
    assert "`@org/team`" in markdown
    answer = json.loads(json.dumps(diff_json(diff)))
    Draft202012Validator(SCHEMA).validate(answer)
    assert answer["summary"]["dangers"] == 2
    assert answer["dangers"][1]["becomes"] == "the scheduler"
