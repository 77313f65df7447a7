"""EKS's front on one API server: it follows what EKS knows, and says when it cannot."""

from __future__ import annotations

import contextlib
import os
import signal
import time
from collections.abc import Collection, Iterator
from pathlib import Path

import psutil
import pytest

from iamrbac.mapping.objects import AccessEntry
from iamrbac.sandbox.controlplane import binaries
from iamrbac.sandbox.controlplane.authenticator import Place, dynamic_file
from iamrbac.sandbox.controlplane.cluster import RealCluster
from iamrbac.sandbox.controlplane.eks import EksFront
from iamrbac.sandbox.controlplane.errors import ControlPlaneError
from iamrbac.sandbox.controlplane.sts import StsProxy
from iamrbac.sandbox.errors import SandboxError
from iamrbac.sandbox.mappings import Mappings

ROLE = AccessEntry("arn:aws:iam::111122223333:role/ci/deploy", "ci:{{SessionName}}", ("deployers",))
USER = AccessEntry("arn:aws:iam::111122223333:user/alice", "alice", ())


class Known:
    """What EKS knows now."""

    def __init__(self) -> None:
        self.now = Mappings("CONFIG_MAP")

    def __call__(self) -> Mappings:
        return self.now


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where the control plane has its private folder."""
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr("tempfile.tempdir", None)
    return tmp_path


@pytest.fixture
def known() -> Known:
    return Known()


@pytest.fixture
def cluster(known: Known, folder: Path) -> Iterator[RealCluster]:
    with StsProxy(1) as sts:
        place = Place("front", "aws", "eu-west-1", sts.url, sts.ca_pem)
        manifest = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "mine", "namespace": "later"}}
        running = RealCluster("front", EksFront(place, known, lambda *_: False), ["payments"], [manifest])
        running.launch()
        running.wait()
        yield running
        running.stop()


def servers(folder: Path, names: Collection[str] = tuple(binaries.BINARIES)) -> list[psutil.Process]:
    """The servers, or those with these names, that work in a folder of this test."""
    found = []
    for one in psutil.Process().children(recursive=True):
        # One that is being replaced may be gone by now.
        with contextlib.suppress(psutil.NoSuchProcess):
            if one.name() in names and str(folder) in " ".join(one.cmdline()):
                found.append(one)
    return found


def authenticators(folder: Path) -> list[psutil.Process]:
    return servers(folder, ["aws-iam-authenticator"])


def until_raised(cluster: RealCluster) -> ControlPlaneError:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        try:
            cluster.check()
        except ControlPlaneError as error:
            return error
        time.sleep(0.05)
    raise AssertionError("nothing was raised")


@pytest.mark.e2e
def test_it_follows_and_says_when_it_cannot(cluster: RealCluster, known: Known, folder: Path) -> None:
    names = {one["metadata"]["name"] for one in cluster.store.list("Namespace")}
    assert {"payments", "later", "default", "kube-system"} <= names
    assert cluster.store.get("ConfigMap", "later", "mine") is not None
    assert cluster.store.get("ConfigMap", "later", "other") is None
    assert cluster.aws_auth_data() is None
    assert cluster.builtin_roles()["view"].rules
    with pytest.raises(SandboxError, match=r"the API refuses it: .*metadata\.name"):
        cluster.store.put({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "_", "namespace": "later"}})

    ends = [(one.name(), end) for one in servers(folder) for end in one.net_connections() if end.status == "LISTEN"]
    assert {(name, end.laddr.ip) for name, end in ends} == {
        (name, "127.0.0.1") for name in ("etcd", "kube-apiserver", "aws-iam-authenticator")
    }

    (first,) = authenticators(folder)
    assert any(part.endswith("CONFIG_MAP.json") for part in first.cmdline())
    known.now = Mappings("API", (("AIDA", USER),))
    deadline = time.monotonic() + 60
    while (found := authenticators(folder)) == [first] or not found:
        assert time.monotonic() < deadline
        time.sleep(0.05)
    (second,) = found
    assert any(part.endswith("API.json") for part in second.cmdline())
    while not second.net_connections():
        assert time.monotonic() < deadline
    cluster.check()

    os.kill(second.pid, signal.SIGKILL)
    error = until_raised(cluster)
    assert error.where == "aws-iam-authenticator"
    assert error.message.startswith("it ended by itself with -9; its log ends:\n")
    assert "listening on" in error.message
    assert Path(error.hint.removeprefix("read ")).name == "aws-iam-authenticator.log"


def test_what_the_authenticator_reads_of_the_entries() -> None:
    assert dynamic_file(Mappings("API", (("AROA", ROLE), ("AIDA", USER)))) == {
        "mapRoles": [
            {"rolearn": ROLE.principal, "username": ROLE.username, "groups": ["deployers"], "userid": "AROA"},
        ],
        "mapUsers": [{"userarn": USER.principal, "username": "alice", "groups": [], "userid": "AIDA"}],
        "mapAccounts": [],
    }
