"""Values: each has its schema, and what means nothing is refused before a cluster is asked, readably."""

from __future__ import annotations

import json
from typing import Any

import jsonschema
import pytest
import yaml

from tests.deploy.render import CHART, NAMESPACE, helm, template

pytestmark = pytest.mark.helm
BY_SCHEMA = {
    "replica=3": ("replica", "not allowed"),
    "sync.intervall=3m": ("sync", "intervall", "not allowed"),
    "mode=job": ("mode", "must be one of", "loop", "cron"),
    "replicas=many": ("replicas", "integer"),
    "sync.interval=5x": ("interval", "not match pattern"),
    "sync.jitter=2": ("jitter",),
    "cluster=": ("cluster", "1"),
    "image.digest=sha256:0": ("digest", "not match pattern"),
    "networkPolicy.egressPorts={0}": ("egressPorts",),
}
"""What Helm says in the words of whichever library of schemas it has."""
BY_TEMPLATE = {
    "source.repository=/srv/access": "source.repository: it must be https://HOST/PATH, ssh://USER@HOST/PATH or ",
    "source.repository=https://bot:hunter2@git.example.com/x": "source.repository: no user, no password and no blank",
    "source.repository=https://hunter2@git.example.com/x": "source.repository: no user, no password and no blank",
    "source.repository=git@git.example.com:x": "source.credentials.kind: SSH always needs a key",
    "source.credentials.kind=ssh": "source.credentials.kind: ssh is for a source.repository of the form ssh://",
    "source.credentials.kind=https": "source.credentials.secret: name the Secret in namespace iamrbac-system",
}


@pytest.mark.parametrize("value", BY_SCHEMA)
def test_the_schema_refuses_it(value: str) -> None:
    done = template("base", "--set", value)
    assert done.returncode != 0
    assert "values don't meet the specifications of the schema" in done.stderr
    assert all(word in done.stderr for word in BY_SCHEMA[value]), done.stderr
    assert done.stdout == ""


@pytest.mark.parametrize("value", BY_TEMPLATE)
def test_a_template_refuses_it_without_saying_a_secret(value: str) -> None:
    done = template("base", "--set", value)
    assert done.returncode != 0
    assert BY_TEMPLATE[value] in done.stderr
    assert "hunter2" not in done.stderr
    assert done.stdout == ""


def test_without_any_value_helm_says_which_it_needs() -> None:
    done = helm("template", "iamrbac", str(CHART), "--namespace", NAMESPACE)
    assert done.returncode != 0
    for place in (("image", "repository"), ("source", "repository"), ("cluster",)):
        assert any(sep.join(place) in done.stderr for sep in ("/", ".")), done.stderr


def test_the_schema_knows_each_value_and_no_other() -> None:
    schema = json.loads((CHART / "values.schema.json").read_text())
    jsonschema.Draft7Validator.check_schema(schema)
    defaults = yaml.safe_load((CHART / "values.yaml").read_text())
    _same_keys(defaults, schema, "")


def _same_keys(values: Any, schema: dict[str, Any], where: str) -> None:
    """No value without its schema, no schema without its default."""
    if schema.get("additionalProperties") is not False:
        return
    assert set(values) == set(schema["properties"]) - {"global"}, where
    for key, one in schema["properties"].items():
        if key != "global":
            _same_keys(values[key], one, f"{where}.{key}")
