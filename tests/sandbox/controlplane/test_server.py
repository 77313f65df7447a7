"""How a real control plane is started, watched and ended."""

from __future__ import annotations

import os
import signal
import socket
import stat
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from iamrbac.sandbox.controlplane.binaries import ASSETS, find
from iamrbac.sandbox.controlplane.errors import ControlPlaneError
from iamrbac.sandbox.controlplane.files import StaticUser
from iamrbac.sandbox.controlplane.ports import free_ports
from iamrbac.sandbox.controlplane.server import ControlPlane, Plain
from tests.conformance.http import Client

pytestmark = pytest.mark.e2e
ADMIN = StaticUser("admin", ("system:masters",), "1")


@pytest.fixture(autouse=True)
def folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where control planes put their private folders in this test."""
    home = tmp_path / "temporary"
    home.mkdir()
    monkeypatch.setenv("TMPDIR", str(home))
    monkeypatch.setattr("tempfile.tempdir", None)
    return home


@pytest.fixture
def two(folders: Path) -> Iterator[tuple[ControlPlane, ControlPlane]]:
    with ControlPlane("one", [ADMIN]) as one, ControlPlane("two", [ADMIN]) as other:
        yield one, other


def _client(plane: ControlPlane) -> Client:
    return Client(plane.url, plane.ca_pem, plane.tokens["admin"])


def _ours(folders: Path) -> list[psutil.Process]:
    """The processes that work in a folder of this test."""
    found = []
    for process in psutil.process_iter(["cmdline", "status"]):
        line = " ".join(process.info["cmdline"] or ())
        if str(folders) in line and process.info["status"] != psutil.STATUS_ZOMBIE and process.pid != os.getpid():
            found.append(process)
    return found


def _until(done: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 60
    while not done():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_two_at_once_and_nothing_after(two: tuple[ControlPlane, ControlPlane], folders: Path) -> None:
    one, other = two
    clients = _client(one), _client(other)
    assert clients[0].post("/api/v1/namespaces", {"metadata": {"name": "mine"}}).code == 201
    assert clients[1].get("/api/v1/namespaces/mine").code == 404
    if ASSETS not in os.environ:
        assert clients[0].get("/version").json["gitVersion"] == "v1.36.3"
    for folder in folders.iterdir():
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700
        assert {stat.S_IMODE(path.stat().st_mode) for path in folder.iterdir() if path.is_file()} == {0o600}
    # The token of one is nobody's at the other.
    clients[1].token = one.tokens["admin"]
    assert clients[1].get("/api").code == 401
    for client in clients:
        client.close()
    one.stop()
    other.stop()
    assert _ours(folders) == []
    assert list(folders.iterdir()) == []
    with pytest.raises(RuntimeError, match="the control plane one is not running"):
        _ = one.url


def test_a_server_that_dies_is_named_with_its_log(folders: Path) -> None:
    message = "kube-apiserver: it ended by itself with -9; its log ends:\n"
    with pytest.raises(ControlPlaneError, match=message), ControlPlane("dying", [ADMIN]) as plane:
        (api,) = [process for process in _ours(folders) if "kube-apiserver" in process.name()]
        api.kill()
        while True:
            plane.check()
            time.sleep(0.05)
    (folder,) = folders.iterdir()
    assert sorted(path.name for path in folder.iterdir()) == ["logs"]
    assert _ours(folders) == []


def test_a_server_that_does_not_start(folders: Path) -> None:
    with pytest.raises(ControlPlaneError) as caught:
        ControlPlane("wrong", [ADMIN], Plain("--no-such-flag")).start()
    assert "kube-apiserver: it ended by itself with 1" in str(caught.value)
    assert "unknown flag: --no-such-flag" in str(caught.value)
    (folder,) = folders.iterdir()
    assert f"Next: read {folder / 'logs' / 'kube-apiserver.log'}" in str(caught.value)
    assert _ours(folders) == []


def test_a_port_in_use_is_tried_again_with_others(folders: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        answers = [(taken.getsockname()[1], *free_ports(2))]

        def choose(count: int) -> tuple[int, ...]:
            return answers.pop() if answers else free_ports(count)

        monkeypatch.setattr("iamrbac.sandbox.controlplane.server.free_ports", choose)
        with ControlPlane("busy", [ADMIN]) as plane:
            assert answers == []
            assert not plane.url.endswith(f":{taken.getsockname()[1]}")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_nothing_outlives_its_owner(folders: Path, number: signal.Signals) -> None:
    code = (
        "import time; from iamrbac.sandbox.controlplane.server import ControlPlane, Plain\n"
        "with ControlPlane('killed', []):\n    print('up', flush=True)\n    time.sleep(600)"
    )
    owner = subprocess.Popen(
        [sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, start_new_session=True
    )
    assert owner.stdout is not None
    assert owner.stdout.readline() == b"up\n"
    assert len(_ours(folders)) >= 4
    # As Ctrl-C in a terminal does: to the whole group.
    os.killpg(owner.pid, number)
    owner.wait(30)
    owner.stdout.close()
    _until(lambda: not _ours(folders))
    _until(lambda: not list(folders.iterdir()))


def test_the_users_own_binaries_are_run(folders: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assets = tmp_path / "assets"
    assets.mkdir()
    for name in ("kube-apiserver", "kube-controller-manager"):
        (assets / name).symlink_to(find(name))
    (assets / "etcd").write_text("#!/bin/sh\necho I am no etcd >&2\nexit 3\n")
    (assets / "etcd").chmod(0o755)
    monkeypatch.setenv(ASSETS, str(assets))
    with pytest.raises(ControlPlaneError, match="etcd: it ended by itself with 3; its log ends:\n  I am no etcd"):
        ControlPlane("own", [ADMIN]).start()
