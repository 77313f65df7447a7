"""The file: never half written, never lost, never wider open than it was."""

from __future__ import annotations

import errno
import os
import re
import stat
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml

from iamrbac.kubeconfig.client import KubeconfigFile
from iamrbac.kubeconfig.command import iamrbac_command
from iamrbac.kubeconfig.file import locate
from iamrbac.kubeconfig.file import rewrite as rewrite_all
from iamrbac.kubeconfig.locks import locked
from iamrbac.model.errors import KubeconfigError
from iamrbac.usecases.ports import WantedContexts, Written
from tests.kubeconfig.test_merge import DEVELOPMENT, FOREIGN, PLUGIN, merge, target


def rewrite(path: Path, change: Callable[[str], str], patience: float = 10) -> bool:
    before, after = rewrite_all([path], lambda texts: [change(texts[0])], patience)
    return before != after


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def files(path: Path) -> list[str]:
    return sorted(one.name for one in path.iterdir())


@pytest.mark.parametrize(
    ("environment", "places"),
    [
        ({}, ["/home/alice/.kube/config"]),
        ({"KUBECONFIG": ""}, ["/home/alice/.kube/config"]),
        ({"KUBECONFIG": os.pathsep}, ["/home/alice/.kube/config"]),
        ({"KUBECONFIG": "/a/b"}, ["/a/b"]),
        ({"KUBECONFIG": os.pathsep.join(["", "/a/b", "c", "", "/a/b"])}, ["/a/b", "c"]),
    ],
)
def test_the_files_that_kubectl_reads(
    environment: dict[str, str], places: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", "/home/alice")
    assert locate(environment) == tuple(map(Path, places))


def test_a_new_file_is_the_owners_only(tmp_path: Path) -> None:
    path = tmp_path / "deep/.kube/config"
    assert rewrite(path, lambda text: f"{text}new") is True
    assert path.read_text() == "new"
    assert mode(path) == 0o600
    assert mode(path.parent) == 0o700
    assert files(path.parent) == ["config"]


@pytest.mark.parametrize("bits", [0o600, 0o644, 0o640])
def test_an_existing_file_keeps_its_mode(tmp_path: Path, bits: int) -> None:
    path = tmp_path / "config"
    path.write_bytes(b"old\r\n")
    path.chmod(bits)
    rewrite(path, lambda text: f"{text}new")
    assert path.read_bytes() == b"old\r\nnew"
    assert mode(path) == bits


def test_without_a_change_nothing_is_written(tmp_path: Path) -> None:
    path = tmp_path / "config"
    path.write_text("same")
    before = path.stat()
    assert rewrite(path, lambda text: text) is False
    after = path.stat()
    assert (before.st_ino, before.st_mtime_ns) == (after.st_ino, after.st_mtime_ns)


def test_a_link_stays_a_link(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "real/config").write_text("old")
    link = tmp_path / "config"
    link.symlink_to("real/config")
    rewrite(link, lambda text: f"{text}new")
    assert link.is_symlink()
    assert (tmp_path / "real/config").read_text() == "oldnew"
    assert files(tmp_path) == ["config", "real"]


def test_a_link_to_nothing_makes_the_file(tmp_path: Path) -> None:
    link = tmp_path / "config"
    link.symlink_to(tmp_path / "elsewhere/config")
    rewrite(link, lambda text: "new")
    assert (tmp_path / "elsewhere/config").read_text() == "new"


def test_a_change_that_fails_leaves_everything_as_it_was(tmp_path: Path) -> None:
    path = tmp_path / "config"
    path.write_text("clusters: [")
    with pytest.raises(KubeconfigError) as caught:
        rewrite(path, lambda text: merge(text, [DEVELOPMENT]))
    assert str(caught.value).startswith("config: it is not YAML: ")
    assert path.read_text() == "clusters: ["
    assert files(tmp_path) == ["config"]


def test_a_disk_that_is_full_leaves_everything_as_it_was(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "config"
    path.write_text("old")

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("iamrbac.kubeconfig.file.os.fsync", full)
    with pytest.raises(KubeconfigError) as caught:
        rewrite(path, lambda text: "new")
    assert str(caught.value) == (
        f"{path}: it cannot be written: No space left on device. Next: name another file with --kubeconfig FILE"
    )
    assert path.read_text() == "old"
    assert files(tmp_path) == ["config"]


def test_places_that_are_no_files(tmp_path: Path) -> None:
    (tmp_path / "text").write_bytes(b"\xff\xfe")
    (tmp_path / "loop").symlink_to("loop")
    os.mkfifo(tmp_path / "pipe")
    before = files(tmp_path)
    for place, why in {
        "": "it is a directory",
        "text": "it is not UTF-8 text",
        "pipe": "it is not a regular file",
        "text/config": "it cannot be written: ",
        "loop": "it cannot be written: ",
    }.items():
        with pytest.raises(KubeconfigError) as caught:
            rewrite(tmp_path / place, lambda text: "new")
        assert caught.value.message.startswith(why)
        assert caught.value.hint
    assert files(tmp_path) == before


def test_another_programs_lock_is_waited_for(tmp_path: Path) -> None:
    path = tmp_path / "config"
    lock = tmp_path / "config.lock"
    lock.touch()
    timer = threading.Timer(0.2, lock.unlink)
    timer.start()
    assert rewrite(path, lambda text: "new") is True
    timer.join()


@pytest.mark.parametrize(
    ("old", "age"), [(0, r"[01] seconds?"), (60, "1 minute"), (7300, "2 hours"), (10**6, "11 days")]
)
def test_a_lock_that_stays_is_an_error(tmp_path: Path, old: int, age: str) -> None:
    lock = tmp_path / "config.lock"
    lock.touch(0)
    os.utime(lock, (time.time() - old,) * 2)
    with pytest.raises(KubeconfigError) as caught:
        rewrite(tmp_path / "config", lambda text: "new", patience=0.1)
    place = re.escape(str(tmp_path))
    assert re.fullmatch(
        f"{place}/config: it is locked by another program: {place}/config.lock is there since {age}."
        " Next: if no kubectl or iamrbac is writing it, one that was killed left the lock:"
        f" rm {place}/config.lock",
        str(caught.value),
    )
    assert files(tmp_path) == ["config.lock"]


def test_without_a_change_no_lock_is_needed(tmp_path: Path) -> None:
    (tmp_path / "config").write_text("same")
    (tmp_path / "config.lock").touch(0)
    assert rewrite(tmp_path / "config", lambda text: text, patience=0) is False


def test_the_lock_of_an_iamrbac_that_was_killed_is_taken_over(tmp_path: Path) -> None:
    """It dies by SIGKILL while it holds both locks; a lock of somebody else's would be left alone (see above)."""
    path = tmp_path / "config"
    code = (
        "import os, signal, sys\nfrom pathlib import Path\nfrom iamrbac.kubeconfig.locks import locked\n"
        "with locked([Path(sys.argv[1])]):\n    os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    assert subprocess.run([sys.executable, "-c", code, str(path)], check=False, timeout=60).returncode < 0
    assert files(tmp_path) == ["config.lock"]
    assert rewrite(path, lambda text: "new", patience=0) is True
    assert files(tmp_path) == ["config"]


def test_the_lock_of_an_iamrbac_that_lives_is_waited_for(tmp_path: Path) -> None:
    path = tmp_path / "config"
    inside, done = threading.Event(), threading.Event()

    def hold() -> None:
        with locked([path]):
            inside.set()
            done.wait(30)

    thread = threading.Thread(target=hold)
    thread.start()
    assert inside.wait(30)
    try:
        with pytest.raises(KubeconfigError, match="other iamrbac processes have been writing it"):
            rewrite(path, lambda text: "new", patience=0.01)
        assert files(tmp_path) == ["config.lock"]
    finally:
        done.set()
        thread.join()
    assert rewrite(path, lambda text: "new") is True


def test_a_link_is_locked_by_both_its_names(tmp_path: Path) -> None:
    """kubectl locks by the name that it is given."""
    (tmp_path / "real").mkdir()
    (tmp_path / "middle").symlink_to("real/config")
    (tmp_path / "config").symlink_to("middle")
    found: list[list[str]] = []

    def change(text: str) -> str:
        found.append([*files(tmp_path), *files(tmp_path / "real")])
        return "new"

    assert rewrite(tmp_path / "config", change) is True
    assert found[-1] == ["config", "config.lock", "middle", "real", "config.lock"]
    assert (tmp_path / "real/config").read_text() == "new"


def test_a_read_only_file_is_not_replaced(tmp_path: Path) -> None:
    path = tmp_path / "config"
    path.write_text("old")
    path.chmod(0o444)
    with pytest.raises(KubeconfigError) as caught:
        rewrite(path, lambda text: "new")
    assert str(caught.value) == (
        f"{path}: it is read-only. Next: let yourself write it: chmod u+w {path}; or name another file with"
        " --kubeconfig FILE"
    )
    assert (path.read_text(), mode(path), files(tmp_path)) == ("old", 0o444, ["config"])


@pytest.mark.parametrize(
    ("where", "error", "said"),
    [
        ("tempfile.mkstemp", errno.EACCES, "it cannot be written: Permission denied"),
        ("tempfile.mkstemp", errno.EROFS, "it cannot be written: Read-only file system"),
        ("tempfile.mkstemp", errno.ENOSPC, "it cannot be written: No space left on device"),
        ("os.fsync", errno.EDQUOT, "it cannot be written: Disk quota exceeded"),
        ("os.fchmod", errno.EPERM, "it cannot be written: Operation not permitted"),
        ("Path.replace", errno.EIO, "it cannot be written: Input/output error"),
    ],
)
def test_whatever_the_disk_says_nothing_is_lost(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, where: str, error: int, said: str
) -> None:
    path = tmp_path / "config"
    path.write_text("old")

    def fail(*_: object, **__: object) -> None:
        raise OSError(error, os.strerror(error))

    monkeypatch.setattr(f"iamrbac.kubeconfig.file.{where}", fail)
    with pytest.raises(KubeconfigError) as caught:
        rewrite(path, lambda text: "new")
    assert str(caught.value) == f"{path}: {said}. Next: name another file with --kubeconfig FILE"
    monkeypatch.undo()
    assert (path.read_text(), files(tmp_path)) == ("old", ["config"])


def test_a_disk_too_full_for_a_lock(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = os.open

    def full(path: Any, *rest: Any) -> int:
        if str(path).endswith(".lock"):
            raise OSError(errno.ENOSPC, "full")
        return real(path, *rest)

    monkeypatch.setattr("iamrbac.kubeconfig.locks.os.open", full)
    with pytest.raises(KubeconfigError, match="config: it cannot be locked: No space left on device"):
        rewrite(tmp_path / "config", lambda text: "new")
    assert files(tmp_path) == []


def test_a_file_that_somebody_writes_without_a_lock_is_read_again(tmp_path: Path) -> None:
    path = tmp_path / "config"
    path.write_text("old")
    seen: list[str] = []

    def change(text: str) -> str:
        seen.append(text)
        if len(seen) == 2:
            path.write_text("theirs")
        return f"{text}+ours"

    assert rewrite(path, change) is True
    assert (path.read_text(), seen) == ("theirs+ours", ["old", "old", "theirs"])


@pytest.mark.skipif(os.geteuid() != 0, reason="only root gives files away")
def test_owner_and_group_stay(tmp_path: Path) -> None:
    path = tmp_path / "config"
    path.write_text("old")
    path.chmod(0o640)
    os.chown(path, 4711, 4712)
    rewrite(path, lambda text: "new")
    found = path.stat()
    assert (found.st_uid, found.st_gid, mode(path)) == (4711, 4712, 0o640)


def test_somebody_elses_file_does_not_become_ours(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "config"
    path.write_text("old")
    real = os.fstat

    def another(handle: int) -> Any:
        found = list(real(handle))
        found[4] += 1
        return os.stat_result(found)

    def refuse(*_: object) -> None:
        raise PermissionError(errno.EPERM, "no")

    monkeypatch.setattr("iamrbac.kubeconfig.file.os.fstat", another)
    monkeypatch.setattr("iamrbac.kubeconfig.file.os.fchown", refuse)
    with pytest.raises(KubeconfigError, match=r"it belongs to user .* and would not any more"):
        rewrite(path, lambda text: "new")
    monkeypatch.undo()
    assert (path.read_text(), files(tmp_path)) == ("old", ["config"])


def test_what_was_written_is_told(tmp_path: Path) -> None:
    kubeconfig = KubeconfigFile([tmp_path / "config"], PLUGIN, settle=0)
    place = str(tmp_path / "config")
    assert kubeconfig.write(WantedContexts((DEVELOPMENT,))) == Written(place, True, None)
    assert kubeconfig.write(WantedContexts((DEVELOPMENT,), fallback="development")) == Written(
        place, True, "development"
    )
    assert kubeconfig.write(WantedContexts((DEVELOPMENT,), fallback="other")) == Written(place, False, "development")


def test_writers_at_the_same_time_lose_nothing(tmp_path: Path) -> None:
    path = tmp_path / "config"
    path.write_text(FOREIGN)
    contexts = [
        replace(DEVELOPMENT, name=f"c{number}", target=target(f"c{number}", f"c{number}")) for number in range(8)
    ]
    threads = [
        threading.Thread(target=rewrite, args=(path, lambda text, context=context: merge(text, [context])))
        for context in contexts
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    names = [entry["name"] for entry in yaml.safe_load(path.read_text())["contexts"]]
    assert sorted(names) == sorted(["lab", *(context.name for context in contexts)])
    assert files(tmp_path) == ["config"]


def test_kubectl_runs_this_installation(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "bin").mkdir()
    (tmp_path / "venv").mkdir()
    monkeypatch.setattr(sys, "executable", str(tmp_path / "venv/python3"))
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    assert iamrbac_command() == (str(tmp_path / "venv/python3"), "-m", "iamrbac")
    script = tmp_path / "venv/iamrbac"
    script.touch(mode=0o755)
    assert iamrbac_command() == (str(script),)
    (tmp_path / "bin/iamrbac").symlink_to(script)
    assert iamrbac_command() == (str(tmp_path / "bin/iamrbac"),)
    (tmp_path / "bin/iamrbac").unlink()
    (tmp_path / "bin/iamrbac").touch(mode=0o755)
    assert iamrbac_command() == (str(script),)
