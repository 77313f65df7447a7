"""The published JSON Schema and the models are one language: what one refuses the other refuses."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import datetime
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from iamrbac.model.access_tests import AccessTest
from iamrbac.model.documents import AccessPolicy, Config, TemporaryGrant
from iamrbac.model.examples import EXAMPLES
from iamrbac.model.parse import parse
from iamrbac.model.schema import DIALECT, SchemaName, json_schema
from iamrbac.model.values import TIME
from iamrbac.model.waivers import Waivers
from tests.model import samples

KINDS: dict[SchemaName, Any] = {
    "policy": (samples.policy, AccessPolicy, "policies/a.yaml"),
    "grant": (samples.grant, TemporaryGrant, "policies/a.yaml"),
    "config": (samples.config, Config, "iamrbac.yaml"),
    "waivers": (samples.waivers, Waivers, "waivers.yaml"),
    "test": (samples.access_test, AccessTest, "tests/access/a.yaml"),
}
VALIDATORS = {name: Draft202012Validator(json_schema(name)) for name in KINDS}

WORDS = [
    *(
        "",
        "a",
        "A",
        "payments",
        "-a",
        "a-",
        "a\n",
        "*",
        "**",
        "?",
        "a*",
        "*a",
        "a.b",
        "a_b",
        "a b",
        " ",
        "é",
        "ａ",
        "１",
        "x" * 41,
        "x" * 64,
    ),
    *(
        "111122223333",
        "11112222333",
        "111122223333\n",
        "eu-west-1",
        "eu-west",
        "users",
        "role",
        "cluster",
        "auto",
        "gitops",
        "no",
    ),
    *(
        "arn:aws:iam::111122223333:user/a",
        "arn:aws:iam::1:user/a",
        "arn:aws:iam::111122223333:role/a/b",
        "arn:aws:iam::111122223333:role/a:b",
        "arn:awsx:iam::111122223333:user/a",
        "a/b/c",
        "/a",
        "a/",
        "a:b/c",
    ),
    *(
        "2026-12-24T18:00:00Z",
        "2026-12-24T18:00:00",
        "2026-02-29T18:00:00Z",
        "2026-12-24 18:00:00Z",
        "system:masters",
        "view",
    ),
    *(
        "iamrbac.dev/v1",
        "Config",
        "AccessPolicy",
        "AmazonEKSViewPolicy",
        "arn:aws:eks::aws:cluster-access-policy/X",
        "y" * 101,
        "z" * 254,
    ),
    *("s3://acme-iamrbac/a", "s3://acme", "s3://A", "s3:///a", "s3://acme//a"),
    *("a/b.json", "../b.json", "a.yaml", "s3://acme/a.json", "https://example.com/a.json", "http://example.com/a.json"),
    *(
        "arn:aws:ssm:eu-west-1:111122223333:parameter/a",
        "https://example.com/a.json#arn:aws:kms:eu-west-1:111122223333:key/a-b",
    ),
    *("IAM001", "IAM01", "gate/a", "gate/", "get pods", "get  pods", "a/b", "a/", "gain", "danger", "temporary"),
]
KEYS = [
    *(
        "to",
        "clusters",
        "namespaces",
        "scope",
        "role",
        "template",
        "parameters",
        "clusterRole",
        "eksAccessPolicy",
        "iamGroup",
    ),
    *(
        "iamUser",
        "iamRole",
        "permissionSet",
        "via",
        "account",
        "iam_group",
        "api_version",
        "not_after",
        "eks_name",
        "assumeRole",
        "roleArn",
        "externalId",
        "sessionName",
        "name",
        "extra",
        "no\n",
    ),
    *(
        "backups",
        "index",
        "s3",
        "keep",
        "rule",
        "reason",
        "notAfter",
        "refuse",
        "unless",
        "maxDays",
        "gates",
        "lint",
        "failOn",
        "team",
        "principal",
    ),
    *("group", "but", "can", "cannot", "table", "columns", "rows", "allowed", "verbs", "resources", "names", "paths"),
]
words = st.sampled_from(WORDS) | st.text(max_size=3)
numbers = st.integers(-2, 2) | st.floats(allow_nan=False, allow_infinity=False, width=16) | st.just(10**20)
plain = st.none() | st.booleans() | numbers | words
anything = st.recursive(
    plain,
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.sampled_from(KEYS) | words, inner, max_size=2),
    max_leaves=4,
)


def places(value: Any) -> list[tuple[Any, Any]]:
    """Return every place in a value as its container and key."""
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [place for key, child in inner for place in ((value, key), *places(child))]


def mutate(document: Any, data: st.DataObject) -> None:
    """Change one place: other value, no value, one more key, another key, an item twice, nothing left in it."""
    container, key = data.draw(st.sampled_from(places(document)))
    value = container[key]
    change = data.draw(st.sampled_from(["replace", "word", "remove", "add", "rename", "repeat", "empty", "tail"]))
    if change == "replace":
        container[key] = data.draw(anything)
    elif change == "word":
        container[key] = data.draw(words)
    elif change == "remove":
        del container[key]
    elif change == "add" and isinstance(value, dict):
        value[data.draw(st.sampled_from(KEYS) | words)] = data.draw(anything)
    elif change == "rename" and isinstance(container, dict):
        container[data.draw(st.sampled_from(KEYS) | words)] = container.pop(key)
    elif change == "repeat" and isinstance(value, list) and value:
        value.append(value[0])
    elif change == "empty" and isinstance(value, dict | list):
        value.clear()
    elif change == "tail" and isinstance(value, str):
        container[key] = value + data.draw(st.sampled_from(["\n", "-", "*", "é", " ", "/", "A", "x" * 40]))


@pytest.mark.parametrize("name", list(KINDS))
def test_a_schema_is_one_and_accepts_the_sample(name: SchemaName) -> None:
    sample, model, file = KINDS[name]
    schema = json_schema(name)
    Draft202012Validator.check_schema(schema)
    assert (schema["$schema"], schema["$id"]) == (DIALECT, f"https://iamrbac.dev/schemas/v1alpha1/{name}.json")
    assert list(VALIDATORS[name].iter_errors(sample())) == []
    assert isinstance(parse(sample(), file), model)


def fields(schema: Any) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield every key that a schema knows, with the key's own schema."""
    if isinstance(schema, list):
        for one in schema:
            yield from fields(one)
    elif isinstance(schema, dict):
        yield from schema.get("properties", {}).items()
        for key, one in schema.items():
            if key != "examples":
                yield from fields(one)


@pytest.mark.parametrize("name", list(KINDS))
def test_every_field_has_a_description_and_examples_that_are_valid(name: SchemaName) -> None:
    schema = json_schema(name)
    seen = 0
    for key, field in fields(schema):
        seen += 1
        assert field.get("description"), key
        assert "title" not in field
        assert field.get("default", 0) is not None
        assert field["examples"], key
        validator = Draft202012Validator({**field, "$defs": schema.get("$defs", {})})
        for example in field["examples"]:
            assert list(validator.iter_errors(example)) == [], (key, example)
    assert seen > 2


def test_every_example_is_of_a_key_that_there_is() -> None:
    found: set[tuple[str, str]] = set()
    for name, (_, model, _) in KINDS.items():
        schema = json_schema(name)
        parts = {model.__name__: schema, **schema.get("$defs", {})}
        found |= {(part, key) for part, one in parts.items() for key in one.get("properties", {})}
    assert {(part, key) for part, keys in EXAMPLES.items() for key in keys} - found == set()


@pytest.mark.parametrize("name", list(KINDS))
def test_a_schema_says_nothing_that_no_reader_knows(name: SchemaName) -> None:
    """A bound in a keyword that JSON Schema has not is no bound."""
    known = {
        *("$schema", "$id", "$defs", "$ref", "title", "description", "default", "examples", "const", "enum", "type"),
        *("properties", "required", "additionalProperties", "propertyNames", "minProperties", "items", "minItems"),
        *("pattern", "minLength", "maxLength", "minimum", "maximum", "oneOf", "anyOf", "not", "dependentRequired"),
    }

    def check(schema: Any) -> None:
        if isinstance(schema, dict):
            assert schema.keys() <= known, schema.keys() - known
            for key in ("additionalProperties", "propertyNames", "items", "not"):
                check(schema.get(key))
            for one in (*schema.get("oneOf", ()), *schema.get("anyOf", ())):
                check(one)
            for one in (*schema.get("properties", {}).values(), *schema.get("$defs", {}).values()):
                check(one)

    check(json_schema(name))


@pytest.mark.parametrize("name", list(KINDS))
@given(data=st.data())
@settings(max_examples=400, deadline=None)
def test_validator_and_schema_refuse_the_same(name: SchemaName, data: st.DataObject) -> None:
    sample, model, file = KINDS[name]
    document = sample()
    for _ in range(data.draw(st.integers(1, 3))):
        if places(document):
            mutate(document, data)
    parsed = parse(document, file)
    errors = list(VALIDATORS[name].iter_errors(document))
    assert isinstance(parsed, model) == (not errors), (document, parsed, [error.message for error in errors])


@given(anything)
def test_any_value_is_a_document_or_faults_with_a_next_step(value: Any) -> None:
    for name in KINDS:
        faults = parse(value, KINDS[name][2])
        assert isinstance(faults, tuple)
        assert faults
        assert all(fault.message and fault.hint for fault in faults)
        assert not VALIDATORS[name].is_valid(value)


@given(
    st.from_regex(TIME.pattern, fullmatch=True)
    | st.datetimes(datetime(2000, 1, 1), datetime(2999, 12, 31)).map(lambda at: f"{at.isoformat()}+01:00")
)
def test_a_time_of_that_form_is_a_time(text: str) -> None:
    text = text.removesuffix("\n")
    assert datetime.fromisoformat(text).tzinfo is not None
    assert re.fullmatch(TIME.pattern, text)


@given(st.integers(2000, 2999), st.integers(1, 12), st.integers(1, 31))
def test_days_that_no_month_has_are_refused(year: int, month: int, day: int) -> None:
    text = f"{year}-{month:02}-{day:02}T00:00:00Z"
    try:
        datetime.fromisoformat(text)
    except ValueError:
        assert re.fullmatch(TIME.pattern, text) is None
    else:
        assert re.fullmatch(TIME.pattern, text)
