"""The file: never half written, never lost, never wider open than it was."""

from __future__ import annotations

import os
import stat
import sys
import threading
from dataclasses import replace
from pathlib import Path

import pytest
import yaml

from iamrbac.kubeconfig.client import KubeconfigFile
from iamrbac.kubeconfig.command import iamrbac_command
from iamrbac.kubeconfig.file import locate, rewrite
from iamrbac.kubeconfig.text import merge
from iamrbac.model.errors import KubeconfigError
from iamrbac.usecases.ports import WantedContexts, Written
from tests.kubeconfig.test_merge import COMMAND, DEVELOPMENT, FOREIGN, target


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def files(path: Path) -> list[str]:
    return sorted(one.name for one in path.iterdir())


@pytest.mark.parametrize(
    ("environment", "place"),
    [
        ({}, "/home/alice/.kube/config"),
        ({"KUBECONFIG": ""}, "/home/alice/.kube/config"),
        ({"KUBECONFIG": "/a/b"}, "/a/b"),
        ({"KUBECONFIG": f"{os.pathsep}/a/b{os.pathsep}/c"}, "/a/b"),
    ],
)
def test_the_file_that_kubectl_writes_to(
    environment: dict[str, str], place: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", "/home/alice")
    assert locate(environment) == Path(place)


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
        rewrite(path, lambda text: merge(text, [DEVELOPMENT], COMMAND))
    assert str(caught.value).startswith(f"{path}: it is not YAML: ")
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


def test_a_lock_that_stays_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "config.lock").touch()
    with pytest.raises(KubeconfigError) as caught:
        rewrite(tmp_path / "config", lambda text: "new", patience=0.1)
    assert str(caught.value) == (
        f"{tmp_path}/config: another program holds its lock since 0.1 seconds."
        f" Next: if none is running, delete {tmp_path}/config.lock"
    )
    assert files(tmp_path) == ["config.lock"]


def test_what_was_written_is_told(tmp_path: Path) -> None:
    kubeconfig = KubeconfigFile(tmp_path / "config", COMMAND)
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
        threading.Thread(target=rewrite, args=(path, lambda text, context=context: merge(text, [context], COMMAND)))
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
