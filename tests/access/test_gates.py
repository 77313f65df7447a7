"""Gates on changes: which line is refused where, for how many, and what makes it acceptable."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from iamrbac.access.effective import Delta, Effect, Giver, Way
from iamrbac.access.escalation import Danger
from iamrbac.access.gates import NewDanger, Refusal, Rules, refusals
from iamrbac.access.refused import findings, judged, places, some_of
from iamrbac.compile.check.owners import Owners
from iamrbac.model.config import Cluster, NamespaceRule
from iamrbac.model.gates import Gate
from iamrbac.model.origin import Origin
from iamrbac.rbac.objects import Rule
from tests.access.explained import AT
from tests.compile.builders import cluster

LINE, OTHER = Origin("policies/blue.yaml", ("spec", "access", 0)), Origin("policies/blue.yaml", ("spec", "access", 1))
READ = (Rule(("get",), ("",), ("pods",)),)
CLUSTERS = {
    name: Cluster.model_validate(cluster(name, labels={"env": env}))
    for name, env in (("prod", "production"), ("test", "test"))
}


def giver(
    origin: Origin | None = LINE, ends: datetime | None = None, team: str = "blue", role: str = "viewer"
) -> Giver:
    return Giver(role, team, (origin,) if origin is not None else (), True, ends)


def delta(
    *namespaces: str,
    on: str = "prod",
    who: str = "iamUser ann",
    by: Sequence[Giver] = (giver(),),
    change: Way = "gain",
    unknown: tuple[str, ...] = (),
) -> Delta:
    return Delta(on, who, "", (Effect(change, namespaces, READ, unknown, None, None, tuple(by)),))


def gate(**what: Any) -> Gate:
    return Gate.model_validate({"name": "g", **what})


def rules(*gates: Gate, reasons: Sequence[Origin] = (), owners: Sequence[NamespaceRule] = ()) -> Rules:
    known = {name: (one,) for name, one in CLUSTERS.items()}
    return Rules(gates, Owners(owners, "iamrbac-system"), known, lambda origin: origin in reasons, AT)


def where(found: Sequence[Refusal]) -> list[tuple[str, str, str]]:
    return [(one.kind, one.cluster, one.namespace) for one in found]


GAIN = gate(refuse="gain")


def test_a_gain_is_refused_and_a_loss_is_not() -> None:
    assert where(refusals(rules(GAIN), [delta("a"), delta("a", change="lose")])) == [("gain", "prod", "a")]


@pytest.mark.parametrize(
    ("clusters", "refused"), [(["prod"], ["prod"]), ({"env": "test"}, ["test"]), (["*"], ["prod", "test"]), (["x"], [])]
)
def test_a_gate_is_for_its_clusters(clusters: object, refused: list[str]) -> None:
    found = refusals(rules(gate(refuse="gain", clusters=clusters)), [delta("a"), delta("a", on="test")])
    assert [one.cluster for one in found] == refused


def test_a_cluster_that_the_base_knows_otherwise_is_both() -> None:
    both = Rules(
        (gate(refuse="gain", clusters=["prod"]),),
        Owners((), "home"),
        {"test": (CLUSTERS["prod"], CLUSTERS["test"])},
        lambda _: False,
        AT,
    )
    assert len(refusals(both, [delta("a", on="test")])) == 1


def test_the_whole_cluster_is_in_every_gate_for_namespaces() -> None:
    one = gate(refuse="gain", namespaces=["pay*"])
    found = refusals(rules(one), [delta("payments", "search"), delta("")])
    assert where(found) == [("gain", "prod", "payments"), ("gain", "prod", "")]


def test_cluster_wide_is_a_gain_in_the_whole_cluster() -> None:
    assert where(refusals(rules(gate(refuse="cluster-wide")), [delta("a"), delta("")])) == [
        ("cluster-wide", "prod", "")
    ]


def test_everybody_whom_a_line_gives_it_is_counted_once() -> None:
    found = refusals(rules(GAIN), [delta("a", who=f"iamUser u{number % 5}") for number in range(10)])
    assert [one.principals for one in found] == [tuple(f"iamUser u{number}" for number in range(5))]
    (told,) = findings(found)
    assert told.message.startswith(
        "5 principals (iamUser u0, iamUser u1, iamUser u2 and 2 more) gain viewer in a (prod)"
    )


def test_a_reason_is_needed_on_every_line_that_gives_it() -> None:
    asking = rules(gate(refuse="gain", unless=["reason"]), reasons=[LINE])
    assert refusals(asking, [delta("a")]) == ()
    assert [one.origin for one in refusals(asking, [delta("a", by=(giver(), giver(OTHER)))])] == [OTHER]
    assert [one.origin for one in refusals(asking, [delta("a", by=(giver(None),))])] == [None]
    assert len(refusals(rules(GAIN, reasons=[LINE]), [delta("a")])) == 1


def test_a_temporary_grant_is_enough_where_the_gate_says_so() -> None:
    temporary = delta("a", by=(giver(ends=AT + timedelta(days=900)),))
    assert refusals(rules(gate(refuse="gain", unless=["reason", "temporary"])), [temporary]) == ()
    assert len(refusals(rules(gate(refuse="gain", unless=["reason"])), [temporary])) == 1


@pytest.mark.parametrize(("days", "refused"), [(30, 0), (30.01, 1), (400, 1)])
def test_how_long_a_grant_may_last(days: float, refused: int) -> None:
    found = refusals(rules(gate(maxDays=30)), [delta("a", by=(giver(ends=AT + timedelta(days=days)),)), delta("b")])
    assert len(found) == refused
    assert all("and 30 are the most" in one.said and one.namespace == "a" for one in found)


def test_a_login_alone_is_a_gain_in_no_namespace() -> None:
    alone = Delta("prod", "iamUser ann", "gain", ())
    assert len(refusals(rules(GAIN), [alone])) == 1
    assert refusals(rules(gate(refuse="gain", namespaces=["a"]), gate(refuse="cluster-wide")), [alone]) == ()


def test_the_owner_of_a_namespace_refuses_without_any_gate() -> None:
    owners = [NamespaceRule(name="a*", owner="red", accepts=("green",)), NamespaceRule(name="b", owner="blue")]
    changes = [delta("a1"), delta("b"), delta("c"), delta("a2", by=(giver(team="green"),)), delta("a3", change="lose")]
    (found,) = refusals(rules(owners=owners), changes)
    assert (found.kind, found.namespace, found.gate) == ("owner", "a1", "")
    (told,) = findings([found])
    assert (told.id, told.object) == ("GATE005", "team blue")
    assert "red owns it and does not accept blue" in told.message


DANGER = Danger("IAM031", "cluster-admin", "may create pods with any service account of a", "a", ())


def test_a_new_danger_is_refused_with_its_words() -> None:
    new = NewDanger("prod", "iamUser ann", DANGER, (giver(),))
    (found,) = refusals(rules(gate(refuse="danger"), GAIN), [], [new])
    (told,) = findings([found])
    assert told.id == "GATE002"
    assert told.message == (
        "iamUser ann can now become cluster-admin, in a (prod): may create pods with any service account of a "
        "(IAM031); the gate g refuses it"
    )
    others = replace(DANGER, rule="IAM034", ability="may run commands in running pods of a")
    ways = [new, NewDanger("prod", "iamUser ann", others, (giver(),)), NewDanger("prod", "iamUser bob", others, ())]
    told, of_bob = findings(refusals(rules(gate(refuse="danger")), [], ways))
    assert "of a (IAM031); may run commands in running pods of a (IAM034); the gate" in told.message
    assert of_bob.message.startswith("iamUser bob can now become cluster-admin, in a (prod): may run commands")
    assert refusals(rules(gate(refuse="danger", unless=["reason"]), reasons=[LINE]), [], [new]) == ()
    assert refusals(rules(gate(refuse="danger", namespaces=["b"])), [], [new]) == ()
    elsewhere = NewDanger("prod", "iamUser ann", DANGER, ())
    assert [one.origin for one in refusals(rules(gate(refuse="danger")), [], [elsewhere])] == [None]


def test_what_nobody_knows_may_be_dangerous() -> None:
    unknown = delta("a", by=(giver(role="clusterRole x"), giver(OTHER)), unknown=("clusterRole x",))
    (found,) = refusals(rules(gate(refuse="danger")), [unknown, delta("b")])
    assert (found.kind, found.origin) == ("danger", LINE)
    assert "not known here" in findings([found])[0].message


def test_a_waiver_sees_each_place_by_itself() -> None:
    found = refusals(rules(GAIN), [delta("a", "b"), delta("a", on="test")])
    assert [(one.rule, one.team, one.role, one.cluster, one.namespace) for one in map(judged, found)] == [
        ("gate/g", "blue", "viewer", "prod", "a"),
        ("gate/g", "blue", "viewer", "prod", "b"),
        ("gate/g", "blue", "viewer", "test", "a"),
    ]
    (told,) = findings(found)
    assert (told.file, told.path, told.cluster) == (LINE.file, LINE.path, None)
    assert "in a, b (prod); a (test)" in told.message


def test_words_for_places_and_names() -> None:
    assert places([("x", "a"), ("y", "a"), ("z", "")]) == "a (x, y); the whole cluster (z)"
    assert some_of(list("abcd")) == "a, b, c, d"
    assert some_of(list("abcde")) == "a, b, c and 2 more"
