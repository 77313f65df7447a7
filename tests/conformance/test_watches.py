"""Watches end by themselves here: each asks for one second."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Any

import pytest

from tests.conformance.http import Client


def seen(lines: list[Any]) -> list[tuple[str, str]]:
    """Type and name of each event."""
    return [(line["type"], line["object"]["metadata"]["name"]) for line in lines]


def test_from_a_version(admin: Client, maps: str) -> None:
    version = admin.get(maps).json["metadata"]["resourceVersion"]
    admin.post(maps, {"metadata": {"name": "a"}})
    admin.patch(f"{maps}/a", {"data": {"x": "1"}})
    admin.delete(f"{maps}/a")
    lines = admin.get(maps, watch="true", timeoutSeconds=1, resourceVersion=version).lines
    assert seen(lines) == [("ADDED", "a"), ("MODIFIED", "a"), ("DELETED", "a")]
    assert [line["object"]["kind"] for line in lines] == ["ConfigMap"] * 3
    versions = [int(line["object"]["metadata"]["resourceVersion"]) for line in lines]
    assert versions == sorted(set(versions))
    assert versions[0] > int(version)


def test_without_a_version_what_is_there_comes_first(admin: Client, maps: str) -> None:
    admin.post(maps, {"metadata": {"name": "a"}})
    assert seen(admin.get(maps, watch="true", timeoutSeconds=1).lines) == [("ADDED", "a")]


def test_selectors_turn_changes_into_coming_and_going(admin: Client, maps: str) -> None:
    version = admin.get(maps).json["metadata"]["resourceVersion"]
    admin.post(maps, {"metadata": {"name": "a"}})
    admin.patch(f"{maps}/a", {"metadata": {"labels": {"x": "y"}}})
    admin.patch(f"{maps}/a", {"data": {"k": "v"}})
    admin.patch(f"{maps}/a", {"metadata": {"labels": None}})
    lines = admin.get(maps, watch="true", timeoutSeconds=1, resourceVersion=version, labelSelector="x=y").lines
    assert seen(lines) == [("ADDED", "a"), ("MODIFIED", "a"), ("DELETED", "a")]


def test_events_come_while_one_watches(login: Callable[[str], Client], maps: str) -> None:
    writer, watcher = login("admin"), login("admin")
    version = writer.get(maps).json["metadata"]["resourceVersion"]
    timer = threading.Timer(0.2, lambda: writer.post(maps, {"metadata": {"name": "late"}}))
    started = time.monotonic()
    timer.start()
    lines = watcher.get(maps, watch="1", timeoutSeconds=3, resourceVersion=version).lines
    timer.join()
    assert seen(lines) == [("ADDED", "late")]
    assert 2.9 < time.monotonic() - started < 30
    # The connection is good for more.
    assert watcher.get(maps).code == 200


def test_only_what_was_asked_for(admin: Client, maps: str, namespace: str) -> None:
    version = admin.get(maps).json["metadata"]["resourceVersion"]
    admin.post(f"/api/v1/namespaces/{namespace}/secrets", {"metadata": {"name": "s"}})
    admin.post("/api/v1/namespaces/default/configmaps", {"metadata": {"generateName": "other-"}})
    assert admin.get(maps, watch="true", timeoutSeconds=1, resourceVersion=version).lines == []


@pytest.mark.parametrize(
    ("query", "code"),
    [({"resourceVersion": "x"}, 500), ({"sendInitialEvents": "true"}, 422)],
)
def test_watches_that_are_refused(admin: Client, maps: str, query: dict[str, str], code: int) -> None:
    assert admin.get(maps, watch="true", timeoutSeconds=1, **query).refusal[0] == code


def test_from_a_version_that_is_to_come(admin: Client, maps: str) -> None:
    admin.post(maps, {"metadata": {"name": "a"}})
    answer = admin.get(maps, watch="true", timeoutSeconds=1, resourceVersion="99999999")
    assert (answer.code, answer.raw) == (200, b"")


def test_watch_is_a_verb_of_its_own(alice: Client, namespace: str) -> None:
    refusal = alice.get(f"/api/v1/namespaces/{namespace}/pods", watch="true").refusal
    assert refusal[0] == 403
    assert 'cannot watch resource "pods"' in refusal[2]
