"""Delivery repositories over file://: what is read, what is committed, and that nothing else changes."""

from __future__ import annotations

from iamrbac.model.gitops import Author
from tests.git.delivery import FOLDERS, MESSAGE, World, none_of


def test_an_empty_repository_has_no_tip_and_gets_a_first_commit(world: World) -> None:
    delivery = world.open()
    tip = delivery.tip("main", FOLDERS)
    assert none_of(tip)
    made = delivery.push(tip, {"clusters/staging/a.yaml": "a: 1\n"}, MESSAGE, None)
    assert made.commit == world.git("rev-parse", "main")
    assert world.files() == {"clusters/staging/a.yaml": "a: 1"}
    assert world.git("log", "--format=%an <%ae> %cn%n%B", "main") == (
        "pat <pat@example.com> pat\nGive alice developer\n\nIn payments.\n\nIamrbac-Plan: abc\n"
    ).rstrip("\n")
    assert world.git("for-each-ref", "--format=%(refname)") == "refs/heads/main"
    assert world.litter() == []


def test_a_commit_writes_changes_and_removes(world: World) -> None:
    first = world.seed({"clusters/staging/a.yaml": "a: 1\n", "clusters/staging/b.yaml": "b\n", "README": "hello\n"})
    delivery = world.open()
    tip = delivery.tip("main", FOLDERS)
    assert (tip.commit, sorted(tip.files), tip.odd) == (
        first,
        ["clusters/staging/a.yaml", "clusters/staging/b.yaml"],
        {},
    )
    assert set(delivery.read(tip.files.values()).values()) == {b"a: 1\n", b"b\n"}
    changes = {"clusters/staging/a.yaml": "a: 2\n", "clusters/staging/b.yaml": None, "clusters/staging/ü c/d": "ü\n"}
    author = Author(name="Robot", email="robot@example.com")
    made = delivery.push(tip, changes, MESSAGE, author)
    assert world.git("rev-parse", f"{made.commit}^") == first
    assert world.git("log", "-1", "--format=%an <%ae> %cn", "main") == "Robot <robot@example.com> pat"
    assert world.files() == {"clusters/staging/a.yaml": "a: 2", "clusters/staging/ü c/d": "ü", "README": "hello"}
    again = delivery.tip("main", FOLDERS)
    assert sorted(again.files) == ["clusters/staging/a.yaml", "clusters/staging/ü c/d"]
    assert delivery.push(again, {"clusters/staging/a.yaml": "a: 2\n"}, MESSAGE, None) == made
    assert len(world.log()) == 2
    assert world.litter() == []
