"""What the history of a delivery repository says, with real git."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from iamrbac.model.errors import DeliveryError
from iamrbac.usecases.deliveries import Message
from tests.git.delivery import FOLDERS, World
from tests.git.repo import Repo

SAID = Message("Access: alice gains", "- alice gains x: y\n\nPolicy-Commit: abc\nIamrbac-Clusters: a,\n b\n", "", "")


def test_the_last_commit_that_touched_a_folder_with_its_trailers(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GIT_COMMITTER_DATE", "2026-11-26T12:00:00+02:00")
    world.seed({"README": "hello\n"})
    delivery = world.open()
    assert delivery.history(delivery.tip("main", FOLDERS).commit or "", FOLDERS) is None
    made = delivery.push(delivery.tip("main", FOLDERS), {"clusters/staging/a.yaml": "a\n"}, SAID, None)
    world.seed({"clusters/production/b.yaml": "b\n"})
    tip = delivery.tip("main", FOLDERS)
    assert tip.commit != made.commit
    found = delivery.history(tip.commit or "", FOLDERS)
    assert found is not None
    assert (found.commit, found.author, found.subject) == (made.commit, "pat", "Access: alice gains")
    assert found.at.astimezone(UTC) == datetime(2026, 11, 26, 10, tzinfo=UTC)
    assert found.trailers == (("Policy-Commit", "abc"), ("Iamrbac-Clusters", "a, b"))
    assert found.trailer("Policy-Commit") == "abc"


def test_folders_are_names_and_no_patterns(world: World) -> None:
    commit = world.seed({"clusters/staging/a.yaml": "a\n"})
    delivery = world.open()
    delivery.tip("main", FOLDERS)
    assert delivery.history(commit, ("clusters/*",)) is None
    assert delivery.history(commit, (":(glob)**",)) is None


def test_what_comes_before_what(world: World) -> None:
    first = world.seed({"clusters/staging/a.yaml": "a\n"})
    second = world.seed({"clusters/staging/a.yaml": "b\n"})
    delivery = world.open()
    delivery.tip("main", FOLDERS)
    assert delivery.leads_to(first, second)
    assert delivery.leads_to(first, first)
    assert not delivery.leads_to(second, first)
    with pytest.raises(DeliveryError):
        delivery.leads_to("1" * 40, second)


def test_a_short_id_that_is_nothing_is_an_error(world: World) -> None:
    world.seed({"clusters/staging/a.yaml": "a\n"})
    delivery = world.open()
    delivery.tip("main", FOLDERS)
    with pytest.raises(DeliveryError, match="there is no revision"):
        delivery.at("abcdef12", FOLDERS)


def test_how_many_commits_changed_the_policies_since(world: World) -> None:
    access = Repo(world.root)
    access.git("init", "--quiet")
    first = access.commit({"policies/a.yaml": "a\n"})
    access.commit({"README.md": "hello\n"})
    assert world.deliveries.since(first) == 0
    access.commit({"policies/a.yaml": "b\n"})
    assert world.deliveries.since(first) == 1
    for unknown in ("1" * 40, "unknown", "HEAD", ""):
        assert world.deliveries.since(unknown) is None
    access.git("checkout", "--quiet", "--orphan", "other")
    access.commit({"policies/a.yaml": "c\n"})
    assert world.deliveries.since(first) is None


def test_outside_of_git_nothing_is_known(world: World) -> None:
    assert world.deliveries.since("1" * 40) is None
