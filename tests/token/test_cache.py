"""The AWS CLI's cache: what it wrote we read, what we write it reads; what is not ours alone is not there."""

from __future__ import annotations

import json
import os
import stat
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from botocore.utils import JSONFileCache

from iamrbac.token import cache
from iamrbac.token.store import SharedCache, store

GIVEN = {"AccessKeyId": "ASIA1", "SecretAccessKey": "hunter2", "SessionToken": "t"}
NOW = time.time()


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("HOME", str(tmp_path))
    return tmp_path / ".aws/cli/cache"


def ending(minutes: float) -> dict[str, object]:
    ends = datetime.fromtimestamp(NOW + minutes * 60, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    return {"Credentials": {**GIVEN, "Expiration": ends}}


def test_what_botocore_wrote_is_read(folder: Path) -> None:
    ends = datetime.fromtimestamp(int(NOW), UTC) + timedelta(hours=1)
    JSONFileCache(str(folder))["k"] = {"Credentials": {**GIVEN, "Expiration": ends}, "AssumedRoleUser": {"Arn": "a"}}
    found = cache.session("k", NOW, cache.WINDOW)
    assert found is not None
    assert found.credentials.secret_key == "hunter2"
    assert found.ends == ends.timestamp()


def test_what_we_write_botocore_reads_and_nobody_else_can(folder: Path) -> None:
    entry = {"Credentials": {**GIVEN, "Expiration": datetime(2026, 11, 24, 8, 30, 5, tzinfo=UTC)}}
    SharedCache()["k"] = entry
    assert JSONFileCache(str(folder))["k"] == {"Credentials": {**GIVEN, "Expiration": "2026-11-24T08:30:05UTC"}}
    assert SharedCache()["k"] == JSONFileCache(str(folder))["k"]
    assert [path.name for path in folder.iterdir()] == ["k.json"]
    modes = [
        stat.S_IMODE(path.stat().st_mode) for path in (folder / "k.json", folder, folder.parent, folder.parent.parent)
    ]
    assert modes == [0o600, 0o700, 0o700, 0o700]


@pytest.mark.parametrize(("minutes", "there"), [(-1, False), (14.9, False), (15.1, True)])
def test_a_session_has_to_live_as_long_as_botocore_wants(minutes: float, there: bool) -> None:
    store("k", ending(minutes))
    assert (cache.session("k", NOW, cache.WINDOW) is not None) is there


def test_a_file_that_others_may_write_is_not_there(folder: Path) -> None:
    store("k", ending(60))
    for mode, there in ((0o644, True), (0o602, False), (0o620, False)):
        (folder / "k.json").chmod(mode)
        assert ("k" in SharedCache()) is there


def test_a_file_of_somebody_else_is_not_there(monkeypatch: pytest.MonkeyPatch) -> None:
    store("k", ending(60))
    mine = os.geteuid()
    monkeypatch.setattr(os, "geteuid", lambda: mine + 1)
    assert "k" not in SharedCache()
    with pytest.raises(KeyError):
        SharedCache()["k"]


def test_a_link_a_pipe_and_a_folder_are_not_there(folder: Path) -> None:
    store("k", ending(60))
    (folder / "link.json").symlink_to(folder / "k.json")
    os.mkfifo(folder / "pipe.json", 0o600)
    (folder / "folder.json").mkdir()
    assert [name for name in ("k", "link", "pipe", "folder", "none") if name in SharedCache()] == ["k"]


@pytest.mark.parametrize(
    "content",
    [
        *["", "{", "[]", "null", "{}", '{"Credentials": 1}', '{"Credentials": {"AccessKeyId": "A"}}'],
        json.dumps({"Credentials": {**GIVEN, "Expiration": "soon"}}),
        json.dumps({"Credentials": {**GIVEN, "Expiration": 1795509005}}),
        json.dumps({"Credentials": {**GIVEN, "AccessKeyId": "", "Expiration": "2100-01-01T00:00:00Z"}}),
        json.dumps({"Credentials": {**GIVEN, "SessionToken": ["t"], "Expiration": "2100-01-01T00:00:00Z"}}),
    ],
)
def test_a_broken_entry_is_not_there(content: str, folder: Path) -> None:
    folder.mkdir(parents=True)
    (folder / "k.json").write_text(content)
    assert "k" not in SharedCache()


def test_where_nothing_can_be_written_nothing_is_cached(folder: Path) -> None:
    folder.parent.mkdir(parents=True)
    folder.write_text("a file in its place")
    store("k", ending(60))
    assert "k" not in SharedCache()


def test_a_full_disk_leaves_nothing_behind(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store("k", ending(60))

    def full(handle: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    store("k", ending(90))
    assert [path.name for path in folder.iterdir()] == ["k.json"]
    assert SharedCache()["k"] == ending(60)
