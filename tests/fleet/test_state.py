"""How far a run came: kept whole or not at all, for one commit and one set of policies."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from iamrbac.fleet.result import Result
from iamrbac.model.errors import FleetStateError, StalePlanError
from iamrbac.state.fleet import FleetFile, locate
from iamrbac.usecases.fleet_state import FleetKey, FleetState
from tests.fleet.world import POLICY, FleetWorld, config, fleet
from tests.usecases.world import AT

KEY = FleetKey("acme", "sha256:1", "9c1d", ("iamrbac:acme:payments:inc-1",))
NAMES = ["dev-1", "stage-1", "prod-1"]
GRANT = """\
apiVersion: iamrbac.dev/v1alpha1
kind: TemporaryGrant
metadata: {name: inc-1}
spec:
  team: payments
  members: [{iamUser: dana}]
  access: [{clusters: ["*"], namespaces: [payments], role: viewer}]
  notAfter: "2026-11-24T13:00:00Z"
  reason: INC-1
"""


@pytest.fixture
def world(tmp_path: Path) -> FleetWorld:
    return fleet(tmp_path, NAMES)


def test_it_reads_what_it_wrote_and_nobody_else_may(tmp_path: Path) -> None:
    store = FleetFile(tmp_path / "new" / "iamrbac" / "fleet" / "acme.json")
    assert store.load() is None
    state = FleetState(KEY, {"dev-1": "done"})
    store.save(state)
    store.save(replace(state, clusters={"dev-1": "done", "dev-2": "unchanged"}))
    assert store.load() == FleetState(KEY, {"dev-1": "done", "dev-2": "unchanged"})
    (file,) = (tmp_path / "new" / "iamrbac" / "fleet").iterdir()
    assert file.stat().st_mode & 0o777 == 0o600
    assert file.parent.stat().st_mode & 0o777 == 0o700


@pytest.mark.parametrize("text", ["", "{", "[]", "null", '{"formatVersion": 2}', '{"formatVersion": 1}', "[" * 100_000])
def test_what_is_broken_is_not_empty(text: str, tmp_path: Path) -> None:
    file = tmp_path / "acme.json"
    file.write_text(text)
    with pytest.raises(FleetStateError, match="it is not what a run keeps"):
        FleetFile(file).load()


def test_other_shapes_are_broken_too(tmp_path: Path) -> None:
    file = tmp_path / "acme.json"
    store = FleetFile(file)
    store.save(FleetState(KEY, {"dev-1": "done"}))
    good = json.loads(file.read_text())
    for key, value in [("clusters", ["dev-1"]), ("clusters", {"dev-1": 1}), ("grants", 1), ("instance", None)]:
        file.write_text(json.dumps({**good, key: value}))
        with pytest.raises(FleetStateError):
            store.load()


def test_a_place_that_cannot_be_written_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "iamrbac").write_text("in the way")
    store = FleetFile(tmp_path / "iamrbac" / "fleet" / "acme.json")
    with pytest.raises(FleetStateError, match="it cannot be kept: "):
        store.save(FleetState(KEY))


def test_where_it_is(tmp_path: Path) -> None:
    environ = {"XDG_STATE_HOME": str(tmp_path)}
    assert locate(environ, "acme", "") == tmp_path / "iamrbac" / "fleet" / "acme.json"
    assert locate(environ, "acme", "3-of-20") == tmp_path / "iamrbac" / "fleet" / "acme.3-of-20.json"


def test_what_is_finished_is_neither_read_nor_written(world: FleetWorld) -> None:
    run = world.run()
    for event in run.events():
        if isinstance(event, Result) and event.cluster == "dev-1":
            run.interrupt()
    world.opened.clear()
    world.resume = True
    assert world.apply() == {"dev-1": "earlier", "stage-1": "done", "prod-1": "done"}
    assert set(world.opened) == {"stage-1", "prod-1"}
    world.opened.clear()
    assert set(world.apply().values()) == {"earlier"}
    assert world.opened == []


def test_it_is_kept_after_each_cluster_so_that_a_kill_loses_none(world: FleetWorld) -> None:
    """A process that is killed says nothing more: what is on the disk when a cluster is told is what there is."""
    for event in world.run().events():
        if isinstance(event, Result):
            state = world.state.load()
            assert state is not None and event.cluster in state.clusters


def test_without_resume_a_run_begins_anew(world: FleetWorld) -> None:
    world.apply()
    world.fail("dev-1")
    world.company.policy(POLICY.replace("viewer", "operator"))
    world.apply()
    state = world.state.load()
    assert state is not None and dict(state.clusters) == {}


def test_other_policies_are_another_run(world: FleetWorld) -> None:
    world.apply()
    world.resume = True
    world.company.policy(POLICY.replace("viewer", "operator"))
    with pytest.raises(StalePlanError, match="the policies or the config say something else now") as caught:
        world.plan()
    assert caught.value.exit_code == 4


def test_another_order_is_the_same_run(world: FleetWorld) -> None:
    world.apply()
    world.resume = True
    world.company.config(config(NAMES, fleet="{timeout: 10m}"))
    assert set(world.apply().values()) == {"earlier"}


def test_a_grant_that_ends_meanwhile_makes_it_stale(world: FleetWorld) -> None:
    (world.company.root / "policies" / "inc-1.yaml").write_text(GRANT)
    world.apply()
    world.resume = True
    assert set(world.apply().values()) == {"earlier"}
    world.request = replace(world.request, at=AT + timedelta(hours=2))
    with pytest.raises(StalePlanError, match="a temporary grant has ended since"):
        world.plan()


def test_a_disk_that_is_full_is_no_reason_to_stop(world: FleetWorld, tmp_path: Path) -> None:
    (tmp_path / "in-the-way").write_text("")
    world.state = FleetFile(tmp_path / "in-the-way" / "fleet" / "acme.json")
    assert set(world.apply().values()) == {"done"}
