"""docs/deploy.md says what the chart has and does."""

from __future__ import annotations

import re
from typing import Any

import pytest
import yaml

from tests.conftest import ROOT
from tests.deploy.render import CHART, helm, of_kind, rendered, template

TEXT = (ROOT / "docs" / "deploy.md").read_text()
VALUES = yaml.safe_load((CHART / "values.yaml").read_text())


def test_each_value_that_it_names_is_there() -> None:
    named = re.findall(r"`([a-z]\w*(?:\.[a-z]\w*)*)(?:: [^`]*)?`", TEXT, re.ASCII)
    ours = {name for name in named if name.split(".")[0] in VALUES and "." in name}
    assert len(ours) > 8
    for name in ours:
        _at(name)


def _at(name: str) -> Any:
    found = VALUES
    for part in name.split("."):
        assert part in found, f"{name} is no value of the chart"
        found = found[part]
    return found


@pytest.mark.helm
def test_the_alerts_are_those_of_the_chart() -> None:
    (rule,) = of_kind(rendered("ssh"), "PrometheusRule")
    (group,) = rule["spec"]["groups"]
    assert re.findall(r"^\| `(Iamrbac\w+)`", TEXT, re.MULTILINE) == [one["alert"] for one in group["rules"]]


@pytest.mark.helm
def test_the_refusal_is_what_helm_says() -> None:
    version = helm("version", "--short").stdout
    if not version.startswith("v3.22."):
        pytest.skip(f"Helm {version.strip()} from the PATH has other words than v3.22")
    said = template("base", "--set", "replica=3").stderr.removeprefix("Error: ").strip()
    assert f"Error: UPGRADE FAILED: {said}" in TEXT


@pytest.mark.parametrize("example", ["values", "json"])
def test_the_examples_parse(example: str) -> None:
    kind = "yaml" if example == "values" else "json"
    blocks = re.findall(rf"```{kind}\n(.*?)```", TEXT, re.DOTALL)
    assert len(blocks) == 2
    for block in blocks:
        found = yaml.safe_load(block)
        assert kind == "json" or found.keys() <= VALUES.keys()
