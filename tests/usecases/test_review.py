"""New dangers of a change: told to whom they are new, in every view, and refused by gates."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator

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

SHELL = GAIN.replace("role: operator", "role: {template: operator, parameters: {exec: true}}")

ERIN, ONCALL = "iamUser erin", "iamGroup payments-oncall"


def tree(folder: Path, files: dict[str, str]) -> Tree:
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    return Tree(repository(folder), roles(folder))


@pytest.fixture
def sides(tmp_path: Path) -> Sides:
    gates = GATES + "  - {name: no-danger, refuse: danger}\n"
    base = tree(tmp_path / "base", BASE | {"iamrbac.yaml": config(gates)})
    head = tree(tmp_path / "head", BASE | {"iamrbac.yaml": config(gates), "policies/payments.yaml": SHELL})
    return Sides(base, head, base)


def reviewed(sides: Sides) -> Review:
    found = review(sides, builtin().rbac, AT)
    assert isinstance(found, Review)
    return found


def test_only_what_is_new_is_told(sides: Sides) -> None:
    new = reviewed(sides).change.dangers
    assert {(one.cluster, one.principal, one.danger.namespace) for one in new} == {
        ("production", ONCALL, "payments"),
        ("production", ERIN, "payments"),
    }
    assert {giver.role for one in new for giver in one.givers} == {"operator"}
    assert sides.base is not None
    assert reviewed(Sides(sides.head, sides.base, sides.head)).change.dangers == ()


def test_a_gate_refuses_it_where_the_line_stands(sides: Sides) -> None:
    found = [one for one in reviewed(sides).refusals if one.id == "GATE002"]
    assert {(one.file, one.line, one.object) for one in found} == {("policies/payments.yaml", 8, "gate/no-danger")}
    assert all(one.message.startswith("2 principals") for one in found)


def test_every_view_names_the_new_ability(sides: Sides) -> None:
    one = Compared(sides, "main", "1" * 40, "1" * 40, "HEAD", "2" * 40)
    diff = Diff(reviewed(sides), one, lambda origin: origin.file, lambda origin: origin.file)
    (danger,) = {one.danger for one in diff.review.change.dangers if "run commands" in one.danger.ability}
    said = f"{ONCALL}, {ERIN} can now become {danger.becomes} on production: {danger.ability} ({danger.rule})"
    assert said in diff_text(diff, lambda text, _: text)
    assert said in diff_html(diff)
    assert said in diff_markdown(diff)
    answer = json.loads(json.dumps(diff_json(diff)))
    Draft202012Validator(SCHEMA).validate(answer)
    assert answer["summary"]["dangers"] == len(answer["dangers"]) > 0
    assert danger.becomes in {one["becomes"] for one in answer["dangers"]}
