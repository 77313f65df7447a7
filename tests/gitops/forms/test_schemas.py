"""Each form against its own published schema or tool. Terraform has a file of its own."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from hypothesis import given, settings

from iamrbac.gitops.forms import Mapped
from tests.gitops.forms.crds import strict_schema
from tests.gitops.forms.entries import EDIT, SAMPLE, VIEW, delivery_to, entries, files_of, mapped, parsed
from tests.gitops.forms.go_data import eksctl_schema

NASTY: Sequence[Mapped] = (
    *SAMPLE,
    mapped(
        "arn:aws-cn:iam::111122223333:role/" + "p" * 500 + "/r",
        "x:${a}-%{b}-{{SessionName}}",
        ["no", "1e3", "a:b@c=d"],
        {VIEW.replace("aws:", "aws-cn:"): ["dev-*"], EDIT: None},
        taken_over=True,
    ),
    mapped("arn:aws-us-gov:iam::111122223333:user/nobody"),
)


def judge(schema: dict[str, Any]) -> jsonschema.Draft7Validator:
    """A validator, made once for each schema."""
    key = id(schema)
    if key not in _JUDGES:
        jsonschema.Draft7Validator.check_schema(schema)
        _JUDGES[key] = jsonschema.Draft7Validator(schema)
    return _JUDGES[key]


_JUDGES: dict[int, jsonschema.Draft7Validator] = {}
# What is written is the same shape again and again.
FEW = settings(max_examples=20)


@pytest.mark.parametrize("form", ["ack", "crossplane"])
@FEW
@given(written=entries())
def test_the_crds_take_the_objects(form: Any, written: list[Mapped]) -> None:
    for value in parsed(files_of(delivery_to(form), written)).values():
        judge(strict_schema(value["apiVersion"], value["kind"])).validate(value)


@pytest.mark.go_tool
@FEW
@given(written=entries())
def test_eksctls_schema_takes_the_file(written: list[Mapped]) -> None:
    for value in parsed(files_of(delivery_to("eksctl"), written)).values():
        judge(eksctl_schema()).validate(value)


@pytest.mark.go_tool
def test_eksctls_schema_is_strict() -> None:
    (value,) = parsed(files_of(delivery_to("eksctl"), SAMPLE)).values()
    value["accessConfig"]["accessEntries"][0]["username"] = "x"
    with pytest.raises(jsonschema.ValidationError, match="username"):
        judge(eksctl_schema()).validate(value)


def _lint(folder: Path, files: dict[str, str]) -> str:
    for path, text in files.items():
        (folder / Path(path).name).write_text(text)
    names = [str(folder / Path(path).name) for path in files]
    command = [str(Path(sys.executable).with_name("cfn-lint")), "--format", "json", "-t", *names]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=300)
    assert done.stderr == ""
    return done.stdout


def test_cfn_lint_has_nothing_to_say(tmp_path: Path) -> None:
    assert json.loads(_lint(tmp_path, files_of(delivery_to("cloudformation"), NASTY))) == []


def test_cfn_lint_knows_the_resource(tmp_path: Path) -> None:
    """Or its silence would say nothing."""
    files = {
        path: text.replace("  - AccessScope", "  - Scope").replace("Username:", "UserName:")
        for path, text in files_of(delivery_to("cloudformation"), SAMPLE).items()
    }
    assert "UserName" in _lint(tmp_path, files)


PULUMI = json.loads((Path(__file__).parent / "pulumi-aws-eks.json").read_text())


@FEW
@given(written=entries())
def test_pulumis_provider_has_the_properties(written: list[Mapped]) -> None:
    for value in parsed(files_of(delivery_to("pulumi"), written)).values():
        assert set(value) == {"name", "runtime", "description", "resources"}
        for resource in value["resources"].values():
            if resource["type"] != "pulumi:providers:aws":
                assert set(resource) <= {"type", "properties", "options"}
                judge(PULUMI[resource["type"]]).validate(resource["properties"])
