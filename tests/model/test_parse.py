"""Every mistake is one fault that says what, why and the next step, at the place of the mistake."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from iamrbac.model.backups import Backups
from iamrbac.model.documents import AccessPolicy, Config, TemporaryGrant
from iamrbac.model.faults import MAX_FAULTS
from iamrbac.model.origin import Fault, KeyAt
from iamrbac.model.parse import parse
from iamrbac.model.suggest import closest, did_you_mean
from tests.golden import compare
from tests.model import samples

GOLDEN = Path(__file__).parent / "golden"
POLICY = "policies/a.yaml"


def faults(value: object, file: str = POLICY, **written: str) -> list[str]:
    """Return faults in one line each: ID path: message > hint."""
    found = parse(value, file, lambda path: written.get(str(path[-1])))
    assert isinstance(found, tuple)
    return [f"{one.id} {'.'.join(map(str, one.path))}: {one.message} > {one.hint}" for one in found]


def policy(change: Callable[[Any], object]) -> object:
    document = samples.policy()
    change(document["spec"])
    return document


def line(**parts: object) -> object:
    """Return a policy with one line of access, changed; a part of ... is left out."""
    given_ = {**LINE, **parts}
    return policy(lambda spec: spec.update(access=[{key: part for key, part in given_.items() if part is not ...}]))


def first(key: str, document: dict[str, Any], changes: dict[str, object]) -> object:
    """Return a document whose first item of a list is changed; a part of ... is left out."""
    changed = {**document[key][0], **changes}
    return {**document, key: [{name: part for name, part in changed.items() if part is not ...}]}


TEST = {**samples.access_test(), "tests": [{"principal": "alice", "can": ["get pods"]}]}


def member(value: object) -> object:
    return policy(lambda spec: spec.update(members={"dev": [value]}))


def test_documents_are_typed() -> None:
    read = parse(samples.policy(), POLICY)
    assert isinstance(read, AccessPolicy)
    assert read.spec.access[0].clusters == {"env": "staging", "tier": ""}
    assert isinstance(parse(samples.grant(), POLICY), TemporaryGrant)
    assert isinstance(parse(samples.config(), "iamrbac.yaml"), Config)


def grant(**changes: object) -> object:
    document = samples.grant()
    document["spec"].update(changes)
    return document


def config(**changes: dict[str, object]) -> object:
    document = samples.config()
    for part, values in changes.items():
        document[part].update(values)
    return document


LINE = {"clusters": ["a"], "namespaces": ["a"], "role": "x"}
GATES: list[dict[str, object]] = [
    {"refuse": "loss"},
    {"refuse": ...},
    {"maxDays": 3},
    {"refuse": ..., "maxDays": 3},
    {"refuse": ..., "unless": ..., "maxDays": 0},
    {"refuse": ..., "unless": ..., "maxDays": "3"},
    {"unless": []},
    {"unless": ["reasons"]},
    {"clusters": "production"},
]
FLEETS: list[dict[str, object]] = [
    {"order": [{"env": "staging"}, "production"]},
    {"order": [[]]},
    {"canary": -1},
    {"stopAfter": 0},
    {"concurrency": "8"},
    {"timeout": "0s"},
    {"pause": "a while"},
    {"maxFailures": 1},
]
WAIVERS: list[dict[str, object]] = [
    {"rule": "IAM4"},
    {"rule": "gate/"},
    {"scope": {}},
    {"scope": {"file": "policies/a.yaml"}},
    {"scope": {"namespaces": ["a b"]}},
    {"reason": ...},
    {"notAfter": "2028-02-29"},
]
TESTS: list[dict[str, object]] = [
    {"principal": ...},
    {"group": "developers"},
    {"can": ...},
    {"can": "get pods"},
    {"can": ["get"]},
    {"can": [7]},
    {"can": [{"verbs": ["get"]}]},
    {"can": [{"verbs": ["get"], "resources": ["pods"], "paths": ["/"]}]},
    {"can": [{"verbs": ["get"], "paths": ["/"], "names": ["a"]}]},
    {"principal": ..., "team": "a", "but": ["x"]},
    {"principal": ..., "team": "a/b/c"},
    {"table": {"columns": ["get pods"], "rows": [{"allowed": [True]}]}, "principal": ..., "can": ...},
    {"table": {"columns": ["get pods"], "rows": []}, "principal": ..., "can": ...},
    {"table": {"columns": ["get pods"], "rows": [{"team": "a", "allowed": ["yes"]}]}, "principal": ..., "can": ...},
    {"table": {"columns": ["get pods"], "rows": [{"team": "a", "allowed": [True]}]}, "can": ...},
]
NO_DOCUMENTS: list[object] = [
    [],
    "x",
    {},
    {"kind": 1},
    {"kind": "accesspolicy"},
    {"kind": "Sandbox"},
    {"kind": "Config"},
    {"kind": "AccessPolicy", "apiVersion": "v1"},
]
MEMBERS: list[object] = [
    {"iamUser": False},
    {"iamUser": None},
    {"iamUser": ["a"]},
    {"iamUser": "a", "account": 111122223333},
    {"iamUser": "a", "account": "12"},
    {"iamUser": "a b"},
    {"iamUser": "arn:aws:iam::1:user/x"},
    {"iamGroup": "a", "via": "user"},
    {"iamGroup": "a", "via": True},
    {"iamgroup": "a"},
    {"iam_group": "a"},
    {"iamGroup": "a", "acount": "1"},
    {"iamRole": "a", "via": "users"},
    {"iamGroup": "a", "iamUser": "b"},
    {"permissionSet": "x" * 33},
    {},
    "alice",
    7,
]
LINES: list[dict[str, object]] = [
    {"role": False},
    {"role": []},
    {"role": {"x": 1}},
    {"role": {"template": "a", "params": {}}},
    {"role": {"template": "a", "parameters": []}},
    {"role": {"clusterRole": "a/b"}},
    {"role": {"eksAccessPolicy": "arn:aws:eks::aws:x/Y"}},
    {"role": ...},
    {"role": ..., "rol": "x"},
    {"clusters": "a"},
    {"clusters": None},
    {"clusters": []},
    {"clusters": {}},
    {"clusters": ["a.b"]},
    {"clusters": {"env": 1}},
    {"clusters": {"": "x"}},
    {"namespaces": ["*"]},
    {"namespaces": ["a", "?*"]},
    {"namespaces": ["A_b"]},
    {"namespaces": []},
    {"namespaces": "a"},
    {"namespaces": {"a": 1}},
    {"namespaces": ...},
    {"scope": "cluster"},
    {"namespaces": ..., "scope": "namespace"},
    {"to": []},
    {"to": None},
]
OTHERS: list[object] = [
    policy(lambda spec: spec.update(members={"Dev": []})),
    policy(lambda spec: spec.update(members={})),
    policy(lambda spec: spec.update(members=[])),
    policy(lambda spec: spec.update(access=["x"])),
    policy(lambda spec: spec.update(owners=["a" * 70, " "])),
    {**samples.policy(), "metadata": {"name": "x" * 41}},
    grant(notAfter="2026-12-24T18:00:00"),
    grant(notAfter="tomorrow"),
    grant(notAfter="2026-02-30T00:00:00Z"),
    grant(members=[]),
    grant(access=[]),
    grant(access=[{"to": ["a"], **LINE}]),
]
CONFIGS: list[object] = [
    {},
    samples.policy(),
    config(guards={"minAdmins": -1}),
    config(guards={"minAdmins": 1.5}),
    config(guards={"minAdmins": "2"}),
    config(guards={"maxRemovals": {"fraction": 2}}),
    config(guards={"maxRemoval": {}}),
    config(home={"namespace": "a*"}),
    config(identity={"group": "users"}),
]


@pytest.mark.parametrize(
    ("name", "file", "values"),
    [
        ("no-documents", POLICY, NO_DOCUMENTS),
        ("members", POLICY, [member(one) for one in MEMBERS]),
        ("lines", POLICY, [line(**one) for one in LINES]),
        ("others", POLICY, OTHERS),
        ("configs", "iamrbac.yaml", CONFIGS),
        ("gates", "iamrbac.yaml", [first("gates", samples.config(), one) for one in GATES]),
        ("fleet", "iamrbac.yaml", [{**samples.config(), "fleet": one} for one in FLEETS]),
        ("waivers", "waivers.yaml", [first("waivers", samples.waivers(), one) for one in WAIVERS]),
        ("tests", "tests/access/a.yaml", [first("tests", TEST, one) for one in TESTS]),
    ],
)
def test_one_mistake_is_one_fault(name: str, file: str, values: list[object]) -> None:
    found = [faults(value, file, iamUser="no", role="no") for value in values]
    assert [one for one in found if len(one) != 1] == []
    compare("".join(f"{one}\n" for (one,) in found), GOLDEN / f"{name}.txt")


def test_a_cluster_reports_all_its_mistakes_at_once() -> None:
    document = samples.config()
    document["clusters"] = [{"manageNamespaces": "yes", "delivery": "gitop", "region": "eu"}]
    compare("".join(f"{one}\n" for one in faults(document, "iamrbac.yaml")), GOLDEN / "cluster.txt")


def test_a_key_that_is_unknown_points_at_the_key() -> None:
    (fault,) = parse(member({"iamGroup": "a", "x": 1}), POLICY)
    assert isinstance(fault, Fault)
    assert isinstance(fault.path[-1], KeyAt)


def test_one_mistake_many_times_is_cut_short() -> None:
    found = faults(policy(lambda spec: spec.update(members={"dev": [1] * 200})))
    assert len(found) == MAX_FAULTS + 1
    assert found[-1] == f"DOC027 : {200 - MAX_FAULTS} more faults in this file > correct these first"


def test_long_texts_are_shown_short() -> None:
    (fault,) = faults(member({"iamUser": "é" * 5000}))
    assert len(fault) < 400


def test_null_is_never_taken_for_a_key_that_is_left_out() -> None:
    for part, key in [("spec", "owners"), ("metadata", "name")]:
        document = samples.policy()
        document[part][key] = None
        assert len(faults(document)) == 1
    for key in ("identity", "home", "namespaces", "suspended", "guards"):
        document = samples.config()
        document[key] = None
        assert "is nothing (null)" in faults(document, "iamrbac.yaml")[0]


def test_suggestions() -> None:
    assert closest("developr", ["viewer", "developer"]) == "developer"
    assert closest("IAM_GROUP", ["iamUser", "iamGroup"]) == "iamGroup"
    assert closest("x", ["viewer"]) is None
    assert did_you_mean("viewr", ["viewer"], "no") == "did you mean viewer?"
    assert did_you_mean("x", [], "no idea") == "no idea"


@given(st.text(), st.lists(st.text()))
def test_a_suggestion_is_a_known_word(word: str, known: list[str]) -> None:
    assert closest(word, known) in {*known, None}


@pytest.mark.parametrize("key", ["\0", "\0name", "\0iamGroup"])
def test_a_key_that_begins_as_our_own_marks_do_is_an_unknown_key(key: str) -> None:
    faults = parse({"apiVersion": "iamrbac.dev/v1alpha1", "kind": "Waivers", "waivers": [], key: 1}, "waivers.yaml")
    assert isinstance(faults, tuple)
    assert any(fault.path == (key,) for fault in faults)


@pytest.mark.parametrize(
    ("said", "meant"),
    [
        (None, Backups(account="222233334444")),
        ("s3://acme-iamrbac/a", Backups(s3="s3://acme-iamrbac/a", account="222233334444")),
        ({"account": "111122223333", "keep": 3}, Backups(account="111122223333", keep=3)),
    ],
)
def test_where_backups_are_kept_may_be_said_in_short(said: object, meant: Backups) -> None:
    document: dict[str, Any] = {**samples.config(), "identity": {"account": "222233334444"}, "backups": said}
    if said is None:
        del document["backups"]
    read = parse(document, "iamrbac.yaml")
    assert isinstance(read, Config)
    # A key that was left out is written, too, where the documents' digest is made.
    read.model_dump_json()
    assert read.keeping == meant


@pytest.mark.parametrize("said", ["s3:/x", "https://acme", 7, [], None, {"keep": 0}, {"s3": None}, {"bucket": "x"}])
def test_a_place_for_backups_that_is_none_is_told(said: object) -> None:
    found = parse({**samples.config(), "backups": said}, "iamrbac.yaml")
    assert isinstance(found, tuple)
    assert all(fault.message and fault.hint and "backups" in str(fault.path[0]) for fault in found)


@pytest.mark.parametrize(
    "url", ["http://ann:hunter2@proxy:3128", "https://hunter2@proxy", "socks5://a:hunter2@[::1]:1"]
)
def test_a_proxy_with_a_password_is_refused_without_showing_it(url: str) -> None:
    config = samples.config()
    config["clusters"][0]["proxyUrl"] = url
    (fault,) = faults(config, "iamrbac.yaml")
    assert "clusters.0.proxyUrl: proxyUrl is" in fault
    assert "://***@" in fault
    assert "without user and password" in fault
    assert "hunter2" not in fault
