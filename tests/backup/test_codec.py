from __future__ import annotations

import gzip
import json
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from iamrbac.backup.backup import Backup, Record, Result
from iamrbac.backup.codec import audit_lines, decode, digest, encode_backup, encode_results
from iamrbac.mapping.objects import AccessEntry
from iamrbac.model.errors import BackupError
from tests.backup.builders import RUN, backup, backups, backups_with_results

WHOLE = encode_backup(backup())
RESULTS = tuple(Result(one.key, "done", at="2026-11-26T12:21:47Z") for one in backup().changes)
ENDED = encode_results(backup(), RESULTS)


@given(backups())
def test_a_backup_is_read_back_as_it_was_written(made: Backup) -> None:
    assert decode(encode_backup(made)) == Record(made, None)


@given(backups_with_results())
def test_results_are_read_back_as_they_were_written(made: tuple[Backup, tuple[Result, ...]]) -> None:
    assert decode(encode_backup(made[0]) + encode_results(*made)) == Record(*made)


def test_the_same_backup_gives_the_same_bytes() -> None:
    assert encode_backup(backup()) == WHOLE
    assert encode_results(backup(), RESULTS) == ENDED


def test_it_is_text_for_any_tool() -> None:
    entry = backup().changes[0].key
    lines = [json.loads(line) for line in gzip.decompress(WHOLE + ENDED).splitlines()]
    assert [line["type"] for line in lines] == ["backup", "change", "change", "end"]
    assert lines[0]["formatVersion"] == 1
    assert lines[0]["changes"][1]["before"] == {
        "spec": {
            "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "view"},
            "subjects": [
                {"apiGroup": "rbac.authorization.k8s.io", "kind": "Group", "name": "iamrbac:acme:payments:developers"}
            ],
        },
        "labels": {"a": "b"},
        "annotations": {"note": "kept"},
        "owners": [],
        "version": "17",
    }
    assert lines[1] == {
        "type": "change",
        "run": RUN.id,
        "doing": "apply",
        "who": RUN.who,
        "host": "laptop",
        "commit": RUN.commit,
        "cluster": "staging",
        "kind": "AccessEntry",
        "namespace": None,
        "name": "arn:aws:iam::111122223333:user/alice",
        "action": "update",
        "because": ["policies/payments.yaml:9"],
        "before": digest(entry, AccessEntry(entry.name, entry.name, ("old",))),
        "after": digest(entry, AccessEntry(entry.name, entry.name, ("new",))),
        "outcome": "done",
        "reason": "",
        "at": "2026-11-26T12:21:47Z",
    }


@given(st.integers(0, len(WHOLE) - 1))
def test_a_backup_that_is_cut_off_is_broken_and_never_empty(length: int) -> None:
    with pytest.raises(BackupError, match="the backup is broken"):
        decode(WHOLE[:length], "staging")


@given(st.integers(1, len(ENDED) - 1))
def test_results_that_are_cut_off_are_those_of_a_run_that_died(length: int) -> None:
    assert decode(WHOLE + ENDED[:length]) == Record(backup(), None)


@given(st.integers(0, len(WHOLE + ENDED) - 1), st.integers(1, 255))
def test_a_byte_that_changed_is_told_or_changes_nothing(position: int, flip: int) -> None:
    content = bytearray(WHOLE + ENDED)
    content[position] ^= flip
    try:
        record = decode(bytes(content))
    except BackupError:
        return
    assert record.backup == backup()
    assert record.results in (RESULTS, None)


@given(st.binary(max_size=200))
def test_anything_else_is_broken(content: bytes) -> None:
    with pytest.raises(BackupError):
        decode(content)


@pytest.mark.parametrize(
    "line",
    [
        b"",
        b"[]",
        b"null",
        b"{}",
        b'{"formatVersion": 1}',
        b'{"formatVersion": 1, "type": "backup"}',
        b'{"formatVersion": 1, "type": "end", "run": "x"}',
        b"\xff",
        b"[" * 100_000,
    ],
)
def test_a_whole_member_of_something_else_is_broken(line: bytes) -> None:
    with pytest.raises(BackupError, match="the backup is broken"):
        decode(gzip.compress(line))


@pytest.mark.parametrize(
    ("where", "value"),
    [
        (("changes",), {}),
        (("changes", 0), None),
        (("changes", 0, "kind"), "Secret"),
        (("changes", 0, "action"), "explode"),
        (("changes", 0, "before", "spec", "groups"), "system:masters"),
        (("changes", 0, "before", "labels"), {"a": 1}),
        (("changes", 1, "before", "spec", "subjects"), [7]),
        (("run", "allowed"), ["12"]),
        (("run", "who"), None),
        (("awsAuth",), None),
    ],
)
def test_a_field_of_another_shape_is_broken(where: tuple[str | int, ...], value: object) -> None:
    document = json.loads(gzip.decompress(WHOLE))
    inside = document
    for step in where[:-1]:
        inside = inside[step]
    inside[where[-1]] = value
    with pytest.raises(BackupError, match="the backup is broken"):
        decode(gzip.compress(json.dumps(document).encode()))


def test_a_newer_one_is_told_with_the_next_step() -> None:
    document = json.loads(gzip.decompress(WHOLE)) | {"formatVersion": 2}
    with pytest.raises(BackupError) as caught:
        decode(gzip.compress(json.dumps(document).encode()), "staging")
    assert str(caught.value) == (
        "staging: the backup has format 2; this version reads 1. "
        "Next: use the version of iamrbac that wrote it, or a newer one"
    )


def test_results_of_another_run_are_none_of_this() -> None:
    other = encode_results(backup(replace(RUN, id="20261126-122147-ffffff")), RESULTS)
    with pytest.raises(BackupError, match="not this run's"):
        decode(WHOLE + other)


def test_what_was_never_begun_and_what_is_not_known_are_told_apart() -> None:
    assert [line["outcome"] for line in audit_lines(Record(backup(), ()))] == ["not begun", "not begun"]
    assert [line["outcome"] for line in audit_lines(Record(backup(), None))] == ["unknown", "unknown"]
