"""Under faults an apply comes to the same end, or says what is left to do; no partial read is taken for absence."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from typing import Any, Final

import pytest

from tests.torture import run
from tests.torture.faults import Faulty, aws_refusal, hurry, kube_refusal
from tests.torture.middle import is_write
from tests.torture.proxy import Asked, Forward, Middle, Said
from tests.torture.repository import CLUSTERS, ENTRIES, ROWS
from tests.torture.road import Road
from tests.torture.sizes import Tally, long_run

PLANS: Final = max(2, long_run() // 20)
APPLIES: Final = max(2, long_run() // 50)
KINDS: Final = ("namespaces", "roles", "rolebindings", "clusterroles", "clusterrolebindings")
_TOKEN_SECONDS: Final = 1.1
"""A token that is made in another second is another token."""


@pytest.fixture(scope="module")
def tally() -> Iterator[Tally]:
    made = Tally("Faults in front of both APIs")
    yield made
    made.tell()


def by_cluster(document: Any) -> dict[str, list[Any]]:
    """The changes of each cluster that was planned."""
    planned = [one["name"] for one in document["clusters"] if one["status"] == "planned"]
    return {name: [one for one in document["changes"] if one["cluster"] == name] for name in planned}


def test_a_plan_under_faults_is_the_same_plan_or_none(road: Road, tally: Tally) -> None:
    whole = by_cluster(json.loads(road.run(road.other, "plan", "-o", "json").out))
    assert set(whole) == set(CLUSTERS)
    with hurry():
        for seed in range(PLANS):
            faulty = Faulty(seed)
            with road.ground.between(faulty):
                ran = road.run(road.other, "plan", "-o", "json", *run.MEANT)
            tally.counts += faulty.counts
            assert ran.code in (0, 1), (seed, ran.said)
            assert "Traceback" not in ran.err
            if not ran.out:
                # Not even the caller is known.
                assert ran.err, seed
                tally.add("plans refused")
                continue
            document = json.loads(ran.out)
            for name, changes in by_cluster(document).items():
                assert changes == whole[name], (seed, name)
                tally.add("clusters planned, the same plan")
            for one in document["clusters"]:
                if one["status"] == "failed":
                    error = one["error"]
                    assert error["hint"] or "Next: " in error["message"], (seed, error)
                    tally.add("clusters not planned, with a reason")


def test_an_apply_under_faults_ends_the_same_or_says_what_is_left(road: Road, tally: Tally) -> None:
    for seed in range(1001, 1001 + APPLIES):
        locked = seed % 3 == 0
        side = road.other
        # Half of them let the plan be made, so that it is the writes that are hit; some are hit seldom.
        faulty = Faulty(seed, rate=0.05 if seed % 4 == 3 else 0.3, late=seed % 2 == 1)
        with hurry(), road.ground.between(faulty):
            ran = road.run(side, *(run.APPLY if locked else run.UNLOCKED))
        tally.counts += faulty.counts
        assert ran.code in (0, 1, 6), (seed, ran.said)
        assert "Traceback" not in ran.err
        road.inspect(side, f"seed {seed}: {ran.said}", told=ran.code == 0)
        if ran.code == 0:
            assert road.is_at(side), (seed, ran.said)
            tally.add("applies, the same end")
        else:
            assert "Next: " in ran.said or "could not be planned" in ran.said, (seed, ran.said)
            tally.add("applies cut short, with a reason")
        for name in CLUSTERS:
            road.shorten(name)
        road.go_on(side, *(run.APPLY if locked else run.UNLOCKED))
        tally.add("and converged without faults")


def forbidding(cluster: str, method: str, plural: str) -> Middle:
    """Refuses one kind on one cluster."""

    def middle(asked: Asked, forward: Forward) -> Said | None:
        place = asked.path.partition("?")[0]
        if asked.server == cluster and asked.method == method and place.endswith(f"/{plural}"):
            return kube_refusal(403, "Forbidden", f"user cannot {method} {plural}")
        return forward(asked)

    return middle


@pytest.mark.parametrize("plural", KINDS if long_run() else KINDS[-1:])
def test_a_kind_that_may_not_be_read_stops_its_cluster_alone(road: Road, plural: str) -> None:
    whole = by_cluster(json.loads(road.run(road.other, "plan", "-o", "json").out))
    with road.ground.between(forbidding(ROWS, "GET", plural)):
        ran = road.run(road.other, "plan", "-o", "json")
    assert ran.code == 1
    assert by_cluster(json.loads(ran.out)) == {ENTRIES: whole[ENTRIES]}


def test_a_kind_that_may_not_be_written_stops_what_depends_on_it(road: Road) -> None:
    side = road.other
    with road.ground.between(forbidding(ROWS, "POST", "roles")):
        ran = road.run(side, *run.UNLOCKED)
    assert ran.code == 6
    assert "cannot create role" in ran.out
    assert "its role could not be written" in ran.out
    road.inspect(side, ran.said)
    road.go_on(side, *run.UNLOCKED)


class Expiring:
    """After some requests the tokens that were seen until then are no longer good."""

    def __init__(self, after: int) -> None:
        self.refused = 0
        self._left = after
        self._old: set[str] = set()
        self._lock = threading.Lock()

    def __call__(self, asked: Asked, forward: Forward) -> Said | None:
        if asked.server == "aws":
            return forward(asked)
        token = asked.headers["Authorization"]
        with self._lock:
            self._left -= 1
            if self._left >= 0:
                self._old.add(token)
            over = self._left < 0 and token in self._old
            self.refused += over
        if not over:
            return forward(asked)
        threading.Event().wait(_TOKEN_SECONDS)
        return kube_refusal(401, "Unauthorized", "Unauthorized")


def test_a_token_that_expires_in_the_middle_is_made_anew(road: Road) -> None:
    side, expiring = road.other, Expiring(30)
    with road.ground.between(expiring):
        ran = road.run(side, *run.UNLOCKED)
    assert ran.code == 0, ran.said
    assert expiring.refused
    assert road.is_at(side)
    road.at = side


def test_keys_that_expire_in_the_middle_leave_a_partial_result(road: Road) -> None:
    side = road.other
    written: list[str] = []

    def middle(asked: Asked, forward: Forward) -> Said | None:
        if asked.server == "aws" and len(written) >= 2:
            return aws_refusal(asked, 403, "ExpiredTokenException")
        if asked.server == "aws" and is_write(asked):
            written.append(asked.path)
        return forward(asked)

    with road.ground.between(middle):
        ran = road.run(side, *run.UNLOCKED)
    assert ran.code == 6
    assert "sign in again" in ran.out
    road.inspect(side, ran.said)
    road.go_on(side, *run.UNLOCKED)
