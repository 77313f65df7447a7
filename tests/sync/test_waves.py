"""Rounds in the order of `fleet:`: what fails first keeps those after it from gaining, and from nothing else."""

from __future__ import annotations

from typing import Any

import pytest

from iamrbac.kube.client import KubeApi
from iamrbac.model.errors import ForbiddenError
from tests.sync.stage import CLUSTERS, Stage

WAVES = "fleet: {order: [[development], [staging, production]]}\n"


@pytest.fixture
def waves(stage: Stage) -> Stage:
    """Development is a wave of its own, and the others come after it."""
    config = (stage.repo.folder / "iamrbac.yaml").read_text()
    stage.repo.commit({"iamrbac.yaml": config + WAVES})
    assert stage.results() == dict.fromkeys(CLUSTERS, "unchanged")
    return stage


def refuse(patch: pytest.MonkeyPatch, cluster: str) -> None:
    """Let a cluster take no change of RBAC; it can be read."""
    create = KubeApi.create

    def _create(self: Any, desired: Any) -> None:
        if self._cluster == cluster:
            raise ForbiddenError("cannot create rolebindings: forbidden (403)", where=cluster)
        create(self, desired)

    patch.setattr(KubeApi, "create", _create)


def gain(stage: Stage, clusters: str = "*") -> None:
    """Let search's developers have a role more."""
    more = f"\n    - {{clusters: ['{clusters}'], namespaces: [search], role: {{clusterRole: view}}}}\n"
    stage.policy(lambda text: text.rstrip() + more, "search")


def test_who_comes_after_a_cluster_that_failed_gains_nothing_and_the_next_round_goes_on(
    waves: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = waves.access("staging", "production")
    gain(waves)
    with monkeypatch.context() as patch:
        refuse(patch, "development")
        value = waves.sync()
    results = {one["name"]: one["result"] for one in value["clusters"]}
    assert results["development"] in ("failed", "partly")
    assert (results["staging"], results["production"]) == ("held", "held")
    assert value["clusters"][1]["troubles"] == [
        {
            "id": "SYN004",
            "message": "development of the waves before was not done",
            "hint": "look at that cluster; the next round begins with it again",
        }
    ]
    assert waves.code in (1, 6)
    assert waves.access("staging", "production") == before
    assert waves.results() == dict.fromkeys(CLUSTERS, "done")


def test_a_canary_that_fails_holds_up_the_rest_of_its_wave(waves: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    gain(waves)
    with monkeypatch.context() as patch:
        refuse(patch, "staging")
        value = waves.sync()
    results = [one["result"] for one in value["clusters"]]
    assert results[0] == "done"
    assert results[1] in ("failed", "partly")
    assert results[2] == "held"
    assert "staging goes first in the wave staging, production, and was not done" in str(value["clusters"][2])


def test_who_leaves_leaves_everywhere_whatever_failed_before(waves: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    gain(waves, "development")
    waves.sandbox.remove_from_group("carol", "payments-oncall")
    assert "carol" in str(waves.access("production"))
    with monkeypatch.context() as patch:
        refuse(patch, "development")
        results = waves.results()
    assert results.pop("development") in ("failed", "partly")
    assert results["production"] == "done"
    assert "held" not in results.values()
    assert "carol" not in str(waves.access("production"))


def test_a_cluster_that_cannot_be_read_holds_up_nobody(waves: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    gain(waves)
    state = KubeApi.state

    def _state(self: Any) -> Any:
        if self._cluster == "development":
            raise ForbiddenError("cannot list roles: forbidden (403)", where="development")
        return state(self)

    with monkeypatch.context() as patch:
        patch.setattr(KubeApi, "state", _state)
        assert waves.results() == {"development": "failed", "staging": "done", "production": "done"}
