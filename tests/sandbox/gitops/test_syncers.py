"""What keeps a cluster true to a branch, twice: the stand-in on the embedded API, Argo CD's engine on a real one."""

from __future__ import annotations

import os
import signal
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

from iamrbac.sandbox.controlplane.errors import ControlPlaneError
from iamrbac.sandbox.controlplane.objects import Objects
from iamrbac.sandbox.errors import SandboxError
from iamrbac.sandbox.gitops.engine import Engine
from iamrbac.sandbox.gitops.standin import StandIn
from iamrbac.sandbox.gitops.syncer import Following, Syncer, Target
from iamrbac.sandbox.kube.server import EmbeddedCluster
from tests.conformance import conftest as clusters
from tests.sandbox.gitops.hosted import FOLDER, Hosted, binding, namespace, role
from tests.sandbox.gitops.waiting import until

embedded_target, real_target = clusters.embedded_target, clusters.real_target
_ENGINE = pytest.param("engine", marks=[pytest.mark.e2e, pytest.mark.gitops_engine])


@pytest.fixture(params=["stand-in", _ENGINE])
def target(request: pytest.FixtureRequest) -> Target:
    found = request.getfixturevalue("real_target" if request.param == "engine" else "embedded_target")
    return Target(found.url, found.ca_pem, found.tokens["admin"])


@pytest.fixture
def hosted(tmp_path: Path) -> Hosted:
    """With a file in the folder that is no manifest, so that there is a folder."""
    found = Hosted(tmp_path)
    (found.clone / FOLDER).mkdir(parents=True)
    (found.clone / FOLDER / "README.md").write_text("What staging runs.\n")
    return found


@pytest.fixture
def syncer(request: pytest.FixtureRequest, target: Target, hosted: Hosted) -> Iterator[Syncer]:
    engine = "engine" in request.node.callspec.id
    found = Engine(hosted.source, target, uuid.uuid4().hex) if engine else StandIn(hosted.source, target)
    yield found
    found.stop()


@pytest.fixture
def objects(target: Target) -> Objects:
    return Objects(target.url, target.ca_pem, target.token)


@pytest.fixture
def name(objects: Objects) -> Iterator[str]:
    """A namespace's name that no other test has."""
    found = f"gitops-{uuid.uuid4().hex[:8]}"
    yield found
    objects.delete("Namespace", None, found)


def synced(syncer: Syncer) -> None:
    """Do rounds until one has nothing left to do: the engine sees the cluster through a watch."""
    until(lambda: (found := syncer.round()).problem or found.said, ())


def subjects(objects: Objects, namespace: str) -> list[str] | None:
    found = objects.get("RoleBinding", namespace, "reader")
    return None if found is None else [subject["name"] for subject in found["subjects"]]


def verbs(objects: Objects, namespace: str) -> list[str] | None:
    found = objects.get("Role", namespace, "reader")
    return None if found is None else list(found["rules"][0]["verbs"])


def test_no_branch_yet(syncer: Syncer) -> None:
    assert syncer.round().commit is None


def test_from_the_first_push_to_the_last(syncer: Syncer, hosted: Hosted, objects: Objects, name: str) -> None:
    # The binding's file is read first, and its namespace and role come in later waves of the alphabet.
    hosted.write("a.yaml", binding(name, "reader", "developers", wave=2))
    hosted.write("b.yaml", role(name, "reader", "get", "list", wave=1))
    hosted.write("c/d.yaml", namespace(name))
    first = hosted.push()
    done = syncer.round()
    assert (done.commit, done.problem) == (first, None)
    assert len(done.said) == 3
    assert subjects(objects, name) == ["developers"]
    synced(syncer)

    # A change by hand.
    objects.put(role(name, "reader", "get", "delete"))
    objects.put(binding(name, "reader", "developers", "intruders"))
    until(lambda: syncer.round() and subjects(objects, name), ["developers"])
    until(lambda: syncer.round() and verbs(objects, name), ["get", "list"])
    synced(syncer)

    # What went in Git goes, but nothing that somebody else made.
    objects.put(role(name, "by-hand", "get"))
    hosted.write("a.yaml")
    hosted.write("c/d.yaml")
    second = hosted.push()
    until(lambda: syncer.round().commit == second and subjects(objects, name), None)
    until(lambda: syncer.round() and objects.get("Namespace", None, name) is not None, True)
    assert objects.get("Role", name, "by-hand") is not None
    assert objects.get("Role", name, "reader") is not None

    # A revert brings it back.
    hosted.revert(second)
    until(lambda: syncer.round().problem or subjects(objects, name), ["developers"])


def test_a_file_that_cannot_be_read_stops_everything(
    syncer: Syncer, hosted: Hosted, objects: Objects, name: str
) -> None:
    hosted.write("namespace.yaml", namespace(name))
    hosted.write("role.yaml", role(name, "reader", "get"))
    hosted.push()
    assert syncer.round().problem is None
    hosted.write("role.yaml")
    (hosted.clone / FOLDER / "broken.yaml").write_text("kind: [\n")
    hosted.push()
    assert "broken.yaml: " in (syncer.round().problem or "")
    assert objects.get("Role", name, "reader") is not None


def test_a_kind_that_the_cluster_does_not_have(syncer: Syncer, hosted: Hosted, name: str) -> None:
    hosted.write("namespace.yaml", namespace(name))
    hosted.write("odd.yaml", {"apiVersion": "example.com/v1", "kind": "Odd", "metadata": {"name": "one"}})
    hosted.push()
    assert "Odd default/one: " in (syncer.round().problem or "")


def test_nothing_left_is_no_wish(syncer: Syncer, hosted: Hosted, objects: Objects, name: str) -> None:
    """As with Argo CD: neither a folder without manifests nor one that is gone empties the cluster."""
    hosted.write("namespace.yaml", namespace(name))
    hosted.write("role.yaml", role(name, "reader", "get"))
    hosted.push()
    synced(syncer)
    hosted.write("namespace.yaml")
    hosted.write("role.yaml")
    hosted.push()
    assert syncer.round().problem == "auto-sync will wipe out all resources"
    (hosted.clone / FOLDER / "README.md").unlink()
    hosted.push()
    assert syncer.round().problem == "one: app path does not exist"
    assert objects.get("Role", name, "reader") is not None


def test_a_forced_push_is_followed(syncer: Syncer, hosted: Hosted, objects: Objects, name: str) -> None:
    hosted.write("namespace.yaml", namespace(name))
    hosted.push()
    synced(syncer)
    hosted.write("role.yaml", role(name, "reader", "get"))
    hosted.push()
    assert syncer.round().problem is None
    hosted.commit("--amend", "--message=another")
    forced = hosted.push("--force")
    assert syncer.round().commit == forced


def test_it_heals_by_itself(syncer: Syncer, hosted: Hosted, objects: Objects, name: str) -> None:
    hosted.write("namespace.yaml", namespace(name))
    hosted.write("role.yaml", role(name, "reader", "get"))
    with Following(syncer, 0.1) as following:
        hosted.push()
        until(lambda: objects.get("Role", name, "reader") is not None, True)
        objects.delete("Role", name, "reader")
        until(lambda: objects.get("Role", name, "reader") is not None, True)
        following.check()


@pytest.mark.e2e
@pytest.mark.gitops_engine
def test_an_engine_that_dies_is_named(real_target: clusters.Target, hosted: Hosted) -> None:
    hosted.push()
    engine = Engine(hosted.source, Target(real_target.url, real_target.ca_pem, real_target.tokens["admin"]))
    try:
        assert engine.round().problem is None
        assert engine.pid is not None
        os.kill(engine.pid, signal.SIGKILL)
        with pytest.raises(ControlPlaneError, match=r"^gitops-sync: it "):
            engine.round()
    finally:
        engine.stop()
    assert engine.pid is None


def test_it_says_why_it_stopped(hosted: Hosted) -> None:
    cluster = EmbeddedCluster("gone", lambda _: None)
    hosted.write("role.yaml", role("default", "reader", "get"))
    hosted.push()
    cluster.launch()
    with Following(StandIn(hosted.source, Target(cluster.url, cluster.ca_pem, cluster.token)), 0.05) as following:
        cluster.stop()
        failed: list[str] = []

        def fails() -> bool:
            try:
                following.check()
            except SandboxError as error:
                failed.append(str(error))
            return bool(failed)

        until(fails, True)
        assert failed[0].startswith("the cluster cannot be reached: ")
