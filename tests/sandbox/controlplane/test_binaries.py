"""Where the programs come from, with a `go` of the tests' own."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import psutil
import pytest

from iamrbac.sandbox.controlplane import binaries
from iamrbac.sandbox.controlplane.errors import BinaryError

# Writes where `-o` says, and counts how often it was called.
GOOD_GO = 'echo x >>"$COUNT"; printf "#!/bin/sh\\n" >"$3"; chmod +x "$3"; echo "built in $PWD with CGO=$CGO_ENABLED"'


def environment(tmp_path: Path, go: str | None) -> dict[str, str]:
    """An empty cache, and a PATH with this `go`."""
    tools = tmp_path / "tools"
    tools.mkdir(exist_ok=True)
    if go is not None:
        (tools / "go").write_text(f"#!/bin/sh\n{go}\n")
        (tools / "go").chmod(0o755)
    path = f"{tools}:/usr/bin:/bin" if go is not None else str(tools)
    return {"PATH": path, "XDG_CACHE_HOME": str(tmp_path / "cache"), "COUNT": str(tmp_path / "count")}


def test_the_users_own_come_first(tmp_path: Path) -> None:
    settings = environment(tmp_path, None) | {binaries.ASSETS: str(tmp_path)}
    (tmp_path / "etcd").write_text("")
    with pytest.raises(BinaryError):
        binaries.find("etcd", settings)
    (tmp_path / "etcd").chmod(0o755)
    assert binaries.find("etcd", settings) == tmp_path / "etcd"
    assert binaries.available("etcd", settings)
    assert not binaries.available("kube-apiserver", settings)


def test_a_build_happens_once(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    settings = environment(tmp_path, GOOD_GO)
    assert not binaries.available("etcd", settings)
    first = binaries.find("etcd", settings)
    assert binaries.available("etcd", settings)
    assert binaries.find("etcd", settings) == first
    assert first.parent.parent == tmp_path / "cache" / "iamrbac" / "controlplane"
    assert (tmp_path / "count").read_text() == "x\n"
    log = first.with_name("etcd.log")
    assert log.read_text() == f"built in {binaries.MODULES / 'etcd'} with CGO=0\n"
    told = capfd.readouterr()
    assert told.out == ""
    assert re.sub(r"\d+ s", "N s", told.err) == (
        f"Building etcd with Go, once (about 1 min on two cores); log: {log}\nBuilt etcd in N s: {first}\n"
    )


def test_several_at_once_build_once(tmp_path: Path) -> None:
    settings = environment(tmp_path, f"sleep 0.3; {GOOD_GO}")
    found: list[Path] = []
    threads = [threading.Thread(target=lambda: found.append(binaries.find("etcd", settings))) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(set(found)) == 1
    assert (tmp_path / "count").read_text() == "x\n"


def test_what_is_built_is_named_after_the_modules_content(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    settings = environment(tmp_path, GOOD_GO)
    modules = tmp_path / "modules"
    (modules / "etcd").mkdir(parents=True)
    (modules / "etcd" / "go.mod").write_text("one")
    monkeypatch.setattr(binaries, "MODULES", modules)
    first = binaries.find("etcd", settings)
    (modules / "etcd" / "go.mod").write_text("two")
    assert binaries.find("etcd", settings) != first
    (modules / "etcd" / "go.mod").write_text("one")
    assert binaries.find("etcd", settings) == first


def test_without_go(tmp_path: Path) -> None:
    with pytest.raises(BinaryError) as caught:
        binaries.find("kube-apiserver", environment(tmp_path, None))
    assert re.sub(r"in \S+, and", "in CACHE, and", str(caught.value)) == (
        "kube-apiserver: it is neither in KUBEBUILDER_ASSETS nor in CACHE, and Go, which would build it, is not on the "
        "PATH. Next: install Go (https://go.dev/dl), or set KUBEBUILDER_ASSETS to a folder that has it"
    )


@pytest.mark.parametrize("go", ["seq 100; echo no such module >&2; exit 1", "exit 0"])
def test_a_build_that_fails(tmp_path: Path, go: str) -> None:
    settings = environment(tmp_path, go)
    with pytest.raises(BinaryError, match="the build failed") as caught:
        binaries.find("etcd", settings)
    if "100" in go:
        assert "\n  99\n  100\n  no such module" in str(caught.value)
        assert "\n  50\n" not in str(caught.value)
    assert not binaries.available("etcd", settings)
    assert [path.name for path in (tmp_path / "cache").rglob(".*new")] == []
    # Nothing stands in the way of the next try.
    assert binaries.find("etcd", environment(tmp_path, GOOD_GO)).exists()


def test_a_cache_that_cannot_be_made(tmp_path: Path) -> None:
    (tmp_path / "cache").write_text("a file")
    with pytest.raises(BinaryError, match="the cache folder cannot be made"):
        binaries.find("etcd", environment(tmp_path, GOOD_GO))


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_no_compiler_outlives_the_one_who_asked(tmp_path: Path, number: signal.Signals) -> None:
    settings = environment(tmp_path, 'sleep 600 & echo $! >"$COUNT"; wait')
    code = "from iamrbac.sandbox.controlplane import binaries; binaries.find('etcd')"
    asking = subprocess.Popen([sys.executable, "-c", code], env=os.environ | settings, stderr=subprocess.DEVNULL)
    count = tmp_path / "count"
    _until(lambda: count.exists() and count.read_text().strip() != "")
    compiler = int(count.read_text())
    assert psutil.pid_exists(compiler)
    asking.send_signal(number)
    asking.wait(60)
    _until(lambda: not psutil.pid_exists(compiler) or psutil.Process(compiler).status() == psutil.STATUS_ZOMBIE)


def _until(done: object) -> None:
    deadline = time.monotonic() + 60
    assert callable(done)
    while not done():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_whoever_has_the_servers_needs_nothing_that_syncs(tmp_path: Path) -> None:
    settings = environment(tmp_path, None) | {binaries.ASSETS: str(tmp_path)}
    for name in binaries.SERVERS:
        (tmp_path / name).write_text("")
        (tmp_path / name).chmod(0o755)
    assert binaries.missing(environment=settings) == ()
    assert binaries.missing(binaries.BINARIES, settings) == (binaries.GITOPS,)
    assert binaries.missing(binaries.BINARIES, environment(tmp_path, GOOD_GO)) == ()
