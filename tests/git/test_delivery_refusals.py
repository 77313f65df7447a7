"""What a server, a repository or a place refuses: said in plain words, and nothing is half pushed."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import pytest

from iamrbac.model.errors import MovedError
from tests.git.delivery import FOLDERS, MESSAGE, World, refusal

CHANGES = {"clusters/staging/a.yaml": "a: 1\n"}


def test_a_branch_that_moved_is_not_pushed_over(world: World) -> None:
    world.seed({"README": "1"})
    delivery = world.open()
    tip = delivery.tip("main", FOLDERS)
    theirs = world.seed({"README": "2"})
    said = refusal(lambda: delivery.push(tip, CHANGES, MESSAGE, None), MovedError)
    assert said == f"{world.url} main: the branch moved meanwhile; nothing was pushed. Next: run again"
    assert world.git("rev-parse", "main") == theirs
    delivery.push(delivery.tip("main", FOLDERS), CHANGES, MESSAGE, None)
    assert world.files() == {"README": "2", "clusters/staging/a.yaml": "a: 1"}


def test_a_branch_that_went_back_is_not_pushed_over(world: World) -> None:
    """What was taken away from the branch must not come back with our commit."""
    first = world.seed({"README": "1"})
    world.seed({"README": "2"})
    delivery = world.open()
    tip = delivery.tip("main", FOLDERS)
    world.git("update-ref", "refs/heads/main", first)
    refusal(lambda: delivery.push(tip, CHANGES, MESSAGE, None), MovedError)
    world.git("update-ref", "-d", "refs/heads/main")
    refusal(lambda: delivery.push(tip, CHANGES, MESSAGE, None), MovedError)


def test_a_branch_that_came_to_be_is_not_pushed_over(world: World) -> None:
    delivery = world.open()
    tip = delivery.tip("main", FOLDERS)
    theirs = world.seed({"README": "1"})
    refusal(lambda: delivery.push(tip, CHANGES, MESSAGE, None), MovedError)
    assert world.git("rev-parse", "main") == theirs


def test_a_server_that_loses_the_race_itself(world: World) -> None:
    """Both pushes began when the branch was where both saw it; the server's own lock decides."""
    world.seed({"README": "1"})
    delivery = world.open()
    tip = delivery.tip("main", FOLDERS)
    world.hook("pre-receive", "git update-ref refs/heads/main $(git commit-tree -p main -m theirs main^{tree})")
    world.git("config", "user.name", "them")
    world.git("config", "user.email", "them@example.com")
    world.hook(
        "pre-receive",
        "unset GIT_QUARANTINE_PATH GIT_OBJECT_DIRECTORY GIT_ALTERNATE_OBJECT_DIRECTORIES\n"
        "git update-ref refs/heads/main $(git commit-tree -p main -m theirs main^{tree})",
    )
    refusal(lambda: delivery.push(tip, CHANGES, MESSAGE, None), MovedError)
    assert world.log()[0] == "theirs"


def test_a_hook_of_the_server_that_rejects(world: World) -> None:
    world.hook("pre-receive", "echo 'GL-HOOK-ERR: change needs a review'; echo 'second line'; exit 1")
    delivery = world.open()
    tip = delivery.tip("main", FOLDERS)
    assert refusal(lambda: delivery.push(tip, CHANGES, MESSAGE, None)) == (
        f"{world.url} main: the server refused the push: pre-receive hook declined: "
        "GL-HOOK-ERR: change needs a review; second line; nothing was pushed. "
        "Next: if the branch is protected, set `commit: pull-request` under gitops in iamrbac.yaml"
    )
    assert world.git("for-each-ref") == ""
    assert world.litter() == []


def test_a_protected_branch(world: World) -> None:
    body = "echo 'error: GH006: Protected branch update failed for refs/heads/main.'; test $1 != refs/heads/main"
    world.hook("update", body)
    delivery = world.open()
    tip = delivery.tip("main", FOLDERS)
    said = refusal(lambda: delivery.push(tip, CHANGES, MESSAGE, None))
    assert "GH006: Protected branch update failed for refs/heads/main" in said
    assert "set `commit: pull-request`" in said


def test_a_checked_out_branch_of_a_remote(world: World) -> None:
    clone = world.clone()
    clone.commit({"README": "x"})
    delivery = world.open(clone.folder.as_uri())
    said = refusal(lambda: delivery.push(delivery.tip("main", FOLDERS), CHANGES, MESSAGE, None))
    assert "the branch is checked out there; nothing was pushed" in said


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("file:///nowhere/at/all.git", "there is no such repository, or the credentials may not see it"),
        ("http://127.0.0.1:1/x.git", "the server cannot be reached, or broke off"),
        ("https://me:secret@127.0.0.1:1/x.git", "the server cannot be reached, or broke off"),
        ("ssh://git@127.0.0.1:1/x.git", "the server cannot be reached, or broke off"),
        ("git://127.0.0.1:1/x.git", "the server cannot be reached, or broke off"),
    ],
)
def test_a_server_that_is_not_there(world: World, url: str, words: str) -> None:
    said = refusal(lambda: world.open(url).tip("main", FOLDERS))
    assert words in said
    assert "secret" not in said


def test_the_credentials_of_a_url_are_written_nowhere(world: World) -> None:
    refusal(lambda: world.open("http://me:secret@127.0.0.1:1/x.git").tip("main", FOLDERS))
    cached = [one for one in (world.folder / "cache").rglob("*") if one.is_file()]
    assert cached
    assert not any(b"secret" in one.read_bytes() for one in cached)
    assert not any("secret" in str(one) for one in cached)


@pytest.mark.parametrize(
    "place", ["ext::sh -c touch% x", "-x", "--upload-pack=x", "nothing", "ssh://-oProxyCommand=x/y", "a@-b:c"]
)
def test_what_is_no_place_of_a_repository(world: World, place: str) -> None:
    assert "this is no place of a repository" in refusal(lambda: world.open(place))


def test_something_in_the_way_is_neither_followed_nor_replaced(world: World) -> None:
    outside = world.folder / "outside"
    outside.mkdir()
    clone = world.clone()
    clone.write({"clusters/staging/folder/x": "x", "clusters/file": "x"})
    (clone.folder / "linked").symlink_to(outside)
    (clone.folder / "clusters" / "staging" / "link").symlink_to(outside / "target")
    clone.git("add", "--all")
    clone.git("update-index", "--add", "--cacheinfo", f"160000,{'1' * 40},module")
    clone.git("commit", "--quiet", "-m", "odd")
    clone.git("push", "--quiet", "origin", "main")
    delivery = world.open()
    tip = delivery.tip("main", FOLDERS)
    for path, words in {
        "linked/a.yaml": "linked is a symlink there",
        "clusters/staging/link": "clusters/staging/link is a symlink there",
        "module/a.yaml": "module is a submodule there",
        "clusters/file/a.yaml": "clusters/file is a file there",
        "clusters/staging/folder": "clusters/staging/folder is a folder there",
        "../escaped": "'../escaped' is no path of a file",
        "/etc/escaped": "'/etc/escaped' is no path of a file",
        "a/.git/config": "is no path of a file",
        "a/.GIT/config": "is no path of a file",
    }.items():
        for hooks in (False, True):
            world.set("core.hooksPath", str(world.folder / "none") if hooks else "")
            assert words in refusal(partial(delivery.push, tip, {path: "x"}, MESSAGE, None)), path
    assert list(outside.iterdir()) == []
    # What a change itself takes away is not in the way.
    changes = {"clusters/file": None, "clusters/file/a.yaml": "a"}
    delivery.push(tip, changes, MESSAGE, None)
    assert world.git("show", "main:clusters/file/a.yaml") == "a"


def test_a_cache_that_cannot_be_written(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    (world.folder / "file").write_text("x")
    monkeypatch.setenv("XDG_CACHE_HOME", str(world.folder / "file"))
    assert "set XDG_CACHE_HOME to a folder that you can write" in refusal(lambda: world.open().tip("main", FOLDERS))


def test_no_git_is_said(world: World, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert refusal(world.open) == "there is no git on the PATH. Next: install git 2.30 or newer"
    assert world.deliveries.revision().commit is None


def test_a_full_disk_is_said(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    if not Path("/dev/full").exists():
        pytest.skip("there is no /dev/full here, which is a full disk")
    world.set("filter.full.clean", "cat >/dev/full")
    world.set("filter.full.required", "true")
    world.seed({".gitattributes": "*.yaml filter=full\n"})
    delivery = world.open()
    assert "the disk is full" in refusal(lambda: delivery.push(delivery.tip("main", FOLDERS), CHANGES, MESSAGE, None))


def test_a_server_that_cannot_store_it_is_not_tried_again(world: World) -> None:
    body = "echo \"error: cannot lock ref 'refs/heads/main': Unable to create 'main.lock': Permission denied\"; exit 1"
    world.hook("update", body)
    delivery = world.open()
    tip = delivery.tip("main", FOLDERS)
    assert "the server could not store it" in refusal(lambda: delivery.push(tip, CHANGES, MESSAGE, None))
