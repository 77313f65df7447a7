"""Delivery repositories over file://: what is read, what is committed, and that nothing else changes."""

from __future__ import annotations

import shutil
from functools import partial
from pathlib import Path

import pytest

from iamrbac.model.gitops import Author
from iamrbac.usecases.deliveries import Message
from tests.git.delivery import FOLDERS, MESSAGE, World, none_of, refusal
from tests.git.repo import Repo


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


def test_what_is_no_regular_file_is_told(world: World) -> None:
    clone = world.clone()
    clone.write({"clusters/staging/a.yaml": "a", "other/b": "b", "file": "x"})
    (clone.folder / "clusters" / "staging" / "link").symlink_to("/etc/passwd")
    (clone.folder / "linked").symlink_to("clusters")
    clone.git("update-index", "--add", "--cacheinfo", f"160000,{'1' * 40},clusters/staging/module")
    clone.git("add", "--all")
    clone.git("update-index", "--add", "--cacheinfo", f"160000,{'1' * 40},clusters/staging/module")
    clone.git("commit", "--quiet", "-m", "odd")
    clone.git("push", "--quiet", "origin", "HEAD:main")
    tip = world.open().tip("main", ["clusters/staging", "linked/staging", "file/x", "file"])
    assert sorted(tip.files) == ["clusters/staging/a.yaml"]
    assert tip.odd == {
        "clusters/staging/link": "symlink",
        "clusters/staging/module": "submodule",
        "linked": "symlink",
        "file": "file",
    }
    assert sorted(world.open().tip("main", ["."]).files) == ["clusters/staging/a.yaml", "file", "other/b"]


def test_a_tip_follows_the_branch_and_only_it(world: World) -> None:
    world.seed({"clusters/staging/a.yaml": "1"})
    delivery = world.open()
    first = delivery.tip("main", FOLDERS)
    world.git("branch", "other", "main")
    second = world.seed({"clusters/staging/a.yaml": "2"})
    assert delivery.tip("main", FOLDERS).commit == second
    assert delivery.tip("other", FOLDERS).commit == first.commit
    world.git("update-ref", "refs/heads/main", str(first.commit))
    assert delivery.tip("main", FOLDERS) == first
    world.git("update-ref", "-d", "refs/heads/main")
    assert none_of(delivery.tip("main", FOLDERS))
    # A branch may have the name that was another's folder.
    world.git("update-ref", "-d", "refs/heads/other")
    world.git("update-ref", "refs/heads/main/sub", str(second))
    assert delivery.tip("main/sub", FOLDERS).commit == second
    clones = list((world.folder / "cache" / "iamrbac" / "gitops").glob("*.git"))
    assert len(clones) == 1
    assert (clones[0].parent.stat().st_mode & 0o777) == 0o700


def test_a_revision_is_an_id_a_tag_or_a_branch(world: World) -> None:
    first = world.seed({"clusters/staging/a.yaml": "1"})
    world.git("tag", "v1", first)
    second = world.seed({"clusters/staging/a.yaml": "2"})
    world.git("branch", "release/1", second)
    delivery = world.open()
    delivery.tip("main", FOLDERS)
    for asked in (first, first[:10], "v1", "refs/tags/v1", "main~1", "release/1^"):
        assert delivery.at(asked, FOLDERS).commit == first, asked
    assert delivery.at("v1", FOLDERS).files != delivery.at("main", FOLDERS).files
    for asked in ("nosuch", "0" * 40, "main~7"):
        assert f"there is no revision {asked} there" in refusal(partial(delivery.at, asked, FOLDERS))
    assert "this is no revision" in refusal(lambda: delivery.at("--all", FOLDERS))
    world.git("tag", "main", first)
    assert "main is the name of a tag and of a branch" in refusal(lambda: delivery.at("main", FOLDERS))


def test_a_commit_that_no_branch_leads_to_is_asked_for(world: World) -> None:
    first = world.seed({"clusters/staging/a.yaml": "1"})
    world.git("config", "uploadpack.allowAnySHA1InWant", "true")
    lost = world.git("commit-tree", f"{first}^{{tree}}", "-m", "lost")
    assert world.open().at(lost, FOLDERS).commit == lost


def test_a_new_branch_begins_at_the_default_branch(world: World) -> None:
    first = world.seed({"README": "hello"})
    delivery = world.open()
    tip = delivery.tip("deploy", FOLDERS)
    assert none_of(tip)
    made = delivery.push(tip, {"clusters/staging/a.yaml": "a"}, MESSAGE, None)
    assert world.git("rev-parse", "deploy^", "deploy") == f"{first}\n{made.commit}"
    assert delivery.push(delivery.tip("third", FOLDERS), {}, MESSAGE, None).commit == first
    assert world.git("rev-parse", "third") == first


def damage(clone: Path, what: str) -> None:
    if what in ("HEAD", "config"):
        (clone / what).write_text("[rubbish")
    elif what == "lock":
        (clone / "refs" / "iamrbac" / "heads" / "main.lock").touch()
    elif what == "all":
        shutil.rmtree(clone)
    else:
        for path in [one for one in (clone / what).rglob("*") if one.is_file()]:
            path.chmod(0o600)
            path.write_bytes(b"")


def test_a_clone_that_is_broken_is_made_anew(world: World) -> None:
    first = world.seed({"clusters/staging/a.yaml": "1"})
    delivery = world.open()
    assert delivery.tip("main", FOLDERS).commit == first
    (clone,) = (world.folder / "cache" / "iamrbac" / "gitops").glob("*.git")
    for broken in ("HEAD", "objects", "config", "refs", "lock", "all"):
        damage(clone, broken)
        tip = delivery.tip("main", FOLDERS)
        assert delivery.read(tip.files.values()) == {tip.files["clusters/staging/a.yaml"]: b"1"}
    tip = delivery.tip("main", FOLDERS)
    shutil.rmtree(clone)
    delivery.push(tip, {"clusters/staging/b.yaml": "2"}, MESSAGE, None)
    assert sorted(world.files()) == ["clusters/staging/a.yaml", "clusters/staging/b.yaml"]


def test_what_would_steer_git_elsewhere_does_not(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    other = Repo.init(world.folder / "other")
    before = other.commit({"x": "1"})
    for name, value in {
        "GIT_DIR": other.folder / ".git",
        "GIT_WORK_TREE": other.folder,
        "GIT_INDEX_FILE": other.folder / ".git" / "index",
        "GIT_OBJECT_DIRECTORY": other.folder / ".git" / "objects",
    }.items():
        monkeypatch.setenv(name, str(value))
    delivery = world.open()
    made = delivery.push(delivery.tip("main", FOLDERS), {"clusters/staging/a": "a"}, MESSAGE, None)
    assert (other.git("rev-parse", "HEAD"), other.git("status", "--porcelain")) == (before, "")
    monkeypatch.undo()
    assert other.git("cat-file", "--batch-check", given=made.commit.encode()).endswith("missing")


def test_settings_of_the_person_do_no_harm(world: World) -> None:
    for key, value in {
        "color.ui": "always",
        "commit.cleanup": "strip",
        "push.followTags": "true",
        "push.default": "nothing",
        "core.autocrlf": "true",
        "core.safecrlf": "true",
        "core.fsmonitor": "true",
        "core.sparseCheckout": "true",
        "safe.bareRepository": "explicit",
        "status.short": "true",
        "fetch.prune": "true",
        "fetch.pruneTags": "true",
        "commit.verbose": "true",
        "core.pager": "false",
        "core.editor": "false",
        "core.quotePath": "false",
        "index.sparse": "true",
    }.items():
        world.set(key, value)
    delivery = world.open()
    message = Message("Subject", "# Not a comment\n\nA: b", "", "")
    delivery.push(delivery.tip("main", FOLDERS), {"clusters/staging/a.yaml": "a\nb\n"}, message, None)
    tip = delivery.tip("main", FOLDERS)
    assert list(delivery.read(tip.files.values()).values()) == [b"a\nb\n"]
    assert "# Not a comment" in world.git("--git-dir=.", "log", "-1", "--format=%B", "main")
    assert world.litter() == []


@pytest.mark.parametrize("form", ["sha256", "sha1"])
def test_both_kinds_of_ids(world: World, form: str) -> None:
    world.git("init", "--quiet", "--bare", f"--object-format={form}", str(world.folder / "other.git"))
    hand = Repo.init(world.folder / "hand", f"--object-format={form}")
    hand.commit({"README": "x"})
    hand.git("push", "--quiet", str(world.folder / "other.git"), "main")
    delivery = world.open((world.folder / "other.git").as_uri())
    delivery.push(delivery.tip("main", FOLDERS), {"clusters/staging/a": "a", "clusters/staging/b": "b"}, MESSAGE, None)
    tip = delivery.tip("main", FOLDERS)
    delivery.push(tip, {"clusters/staging/a": None, "clusters/staging/c": "c"}, MESSAGE, None)
    tip = delivery.tip("main", FOLDERS)
    assert sorted(delivery.read(tip.files.values()).values()) == [b"b", b"c"]
