"""Every document that lies in this repository, good or bad, is judged alike by iamrbac and by an editor's validator."""

from __future__ import annotations

from pathlib import Path
from typing import get_args

import pytest
from jsonschema import Draft202012Validator

from iamrbac.documents.build import Builder
from iamrbac.model.faults import WRONG_PLACE
from iamrbac.model.parse import parse
from iamrbac.model.schema import SchemaName, json_schema
from tests.conftest import ROOT

VALIDATORS = {name: Draft202012Validator(json_schema(name)) for name in get_args(SchemaName)}
KINDS = {
    "AccessPolicy": "policy",
    "TemporaryGrant": "grant",
    "Config": "config",
    "Waivers": "waivers",
    "AccessTest": "test",
}
GOOD = (ROOT, ROOT / "iamrbac" / "scaffold" / "documents")
BAD = sorted((ROOT / "tests" / "cli" / "repositories").iterdir())
PLACES = ("iamrbac.yaml", "waivers.yaml", "policies/**/*.yaml", "tests/access/**/*.yaml")


def documents(root: Path) -> list[tuple[str, object]]:
    """Return the name and the value of every document of a repository that YAML itself can read."""
    found = []
    for path in sorted(path for place in PLACES for path in root.glob(place) if path.is_file()):
        text = path.read_bytes().replace(b"INSTANCE", b"acme").replace(b"PREPRODUCTION", b"{env: staging}")
        value, problems = Builder().build(text)
        if not problems:
            found.append((path.relative_to(root).as_posix(), value))
    return found


def accepted(value: object) -> bool:
    """Whether the validator of the kind that a value says accepts it; of every kind where it says none."""
    kind = value.get("kind") if isinstance(value, dict) else None
    name = KINDS.get(kind) if isinstance(kind, str) else None
    return any(VALIDATORS[one].is_valid(value) for one in ([name] if name else VALIDATORS))


@pytest.mark.parametrize("root", GOOD, ids=lambda root: root.name)
def test_good_documents_are_good_in_an_editor_too(root: Path) -> None:
    found = documents(root)
    assert len(found) >= 4
    for file, value in found:
        assert accepted(value), file
        assert not isinstance(parse(value, file), tuple)


@pytest.mark.parametrize("root", BAD, ids=lambda root: root.name)
def test_bad_documents_are_bad_in_an_editor_too(root: Path) -> None:
    for file, value in documents(root):
        faults = parse(value, file)
        # Where a kind may stand is not for a validator, which sees no file's name.
        misplaced = isinstance(faults, tuple) and any(one.id == WRONG_PLACE for one in faults)
        assert accepted(value) == (not isinstance(faults, tuple) or misplaced), (file, faults)


def test_there_are_bad_ones() -> None:
    values = [value for root in BAD for _, value in documents(root)]
    assert len([value for value in values if not accepted(value)]) > 5
