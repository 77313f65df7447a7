"""Repositories of the person's, named by a path: what is his stays byte for byte, whatever is dirty or diverged."""

from __future__ import annotations

import hashlib
from functools import partial
from pathlib import Path

import pytest

from iamrbac.model.errors import MovedError
from tests.git.delivery import FOLDERS, MESSAGE, World, none_of, refusal
from tests.git.repo import Repo

CHANGES = {"clusters/staging/a.yaml": "a: 1\n"}


PUSHED = (".git/refs/remotes/origin/main", ".git/logs/refs/remotes/origin/main")
"""What any push of the person's moves too."""


def state(repo: Repo) -> dict[str, str]:
    """Every byte of a repository and its work tree, but objects, our own refs, and what any push changes."""
    found = {}
    for path in sorted(repo.folder.rglob("*")):
        name = path.relative_to(repo.folder).as_posix()
        if not name.startswith((".git/objects", ".git/refs/iamrbac", *PUSHED)) and path.is_file():
            found[name] = hashlib.sha256(path.read_bytes()).hexdigest()
    return found | {"status": repo.git("--no-optional-locks", "status", "--porcelain")}


def dirty(world: World) -> Repo:
    """A clone with staged, changed and untracked files, that is behind its remote and ahead of it."""
    world.seed({"README": "1", "clusters/staging/old.yaml": "old"})
    clone = world.clone()
    world.seed({"README": "2"})
    clone.commit({"mine": "not pushed"})
    clone.write({"README": "changed", "clusters/staging/a.yaml": "untracked", "staged": "x"})
    clone.git("add", "staged")
    clone.git("stash", "push", "--quiet", "--keep-index")
    clone.write({"README": "changed again"})
    return clone


def test_a_push_from_a_dirty_and_diverged_clone_leaves_it_as_it_is(world: World) -> None:
    clone = dirty(world)
    theirs = world.git("rev-parse", "main")
    before = state(clone)
    delivery = world.open(str(clone.folder))
    tip = delivery.tip("main", FOLDERS)
    assert (tip.commit, list(tip.files)) == (theirs, ["clusters/staging/old.yaml"])
    made = delivery.push(tip, CHANGES, MESSAGE, None)
    assert state(clone) == before
    assert world.litter() == []
    assert world.git("rev-parse", "main", "main^") == f"{made.commit}\n{theirs}"
    refs = clone.git("for-each-ref", "--format=%(refname)", "refs/heads", "refs/remotes", "refs/iamrbac").split()
    assert refs == [
        "refs/heads/main",
        "refs/iamrbac/heads/main",
        "refs/remotes/origin/HEAD",
        PUSHED[0].removeprefix(".git/"),
    ]


def test_the_access_repository_itself_from_a_folder_inside(world: World) -> None:
    world.seed({"access/iamrbac.yaml": "x"})
    clone = world.clone()
    before = state(clone)
    from iamrbac import wiring

    delivery = wiring.deliveries(clone.folder / "access").open(".")
    delivery.push(delivery.tip("main", FOLDERS), CHANGES, MESSAGE, None)
    assert state(clone) == before
    assert sorted(world.files()) == ["access/iamrbac.yaml", "clusters/staging/a.yaml"]


def test_local_settings_of_the_repository_count(world: World) -> None:
    clone = world.clone()
    clone.git("config", "user.name", "at work")
    clone.git("config", "user.email", "work@example.com")
    world.hook("commit-msg", 'echo "Reviewed: yes" >>"$1"', clone.folder / ".git")
    clone.git("config", "remote.origin.url", "../remote.git")
    delivery = world.open("../" + clone.folder.name)
    delivery.push(delivery.tip("main", FOLDERS), CHANGES, MESSAGE, None)
    assert world.git("log", "-1", "--format=%an%n%B", "main").split("\n")[0] == "at work"
    assert "Reviewed: yes" in world.git("log", "-1", "--format=%B", "main")


@pytest.mark.parametrize("depth", [1, 2])
def test_a_shallow_clone_pushes(world: World, depth: int) -> None:
    for number in range(4):
        world.seed({"README": str(number)})
    clone = world.clone(f"--depth={depth}")
    world.seed({"README": "5"})
    delivery = world.open(str(clone.folder))
    delivery.push(delivery.tip("main", FOLDERS), CHANGES, MESSAGE, None)
    assert len(world.log()) == 6
    assert clone.git("rev-parse", "--is-shallow-repository") == "true"
    assert "`git fetch --unshallow`" in refusal(lambda: delivery.at("main~5", FOLDERS))


def test_a_server_that_takes_nothing_shallow(world: World) -> None:
    """A clone that is shallow where the server has nothing would give it half a history."""
    world.seed({"README": "1"})
    world.seed({"README": "2"})
    clone = world.clone("--depth=1")
    other = world.folder / "empty.git"
    world.git("init", "--quiet", "--bare", str(other))
    world.git("config", "receive.shallowUpdate", "false", folder=other)
    clone.git("remote", "set-url", "--push", "origin", other.as_uri())
    delivery = world.open(str(clone.folder))
    said = refusal(lambda: delivery.push(delivery.tip("deploy", FOLDERS), CHANGES, MESSAGE, None))
    assert "the server takes no push from a shallow clone" in said
    assert "`git fetch --unshallow`" in said


def test_no_remote_is_said(world: World) -> None:
    Repo.init(world.root)
    assert refusal(lambda: world.open(".")) == (
        ".: the repository has no remote `origin` to push to. "
        "Next: `git remote add origin URL` there, or set `commit: local` under gitops in iamrbac.yaml"
    )


def test_no_repository_is_said(world: World) -> None:
    assert refusal(lambda: world.open(".")).startswith(".: it is in no git repository.")
    assert refusal(lambda: world.open("../nosuch")).startswith("../nosuch: there is no such folder.")
    (Repo.init(world.root).folder / "inside").mkdir()
    assert "it is inside of one" in refusal(lambda: world.open("./inside", local=True))
    assert "needs a repository on this machine" in refusal(lambda: world.open(local=True))


def test_a_local_commit_moves_a_branch_and_no_checkout(world: World) -> None:
    repo = Repo.init(world.root)
    first = repo.commit({"iamrbac.yaml": "x", "clusters/staging/old.yaml": "old"})
    repo.write({"iamrbac.yaml": "changed", "new": "untracked"})
    before = state(repo)
    delivery = world.open(".", local=True)
    tip = delivery.tip("deploy", FOLDERS)
    assert none_of(tip)
    made = delivery.commit(tip, CHANGES, MESSAGE, None).commit
    assert repo.git("rev-parse", "deploy", "deploy^") == f"{made}\n{first}"
    tip = delivery.tip("deploy", FOLDERS)
    assert (tip.commit, len(tip.files)) == (made, 2)
    assert delivery.commit(tip, CHANGES, MESSAGE, None).commit == made
    second = delivery.commit(tip, {"clusters/staging/a.yaml": None}, MESSAGE, None).commit
    assert refusal(lambda: delivery.commit(tip, {"x/y": "z"}, MESSAGE, None), MovedError).startswith(
        ".: the branch moved meanwhile; it is as it was."
    )
    assert repo.git("rev-parse", "deploy") == second
    after = {name: hash_ for name, hash_ in state(repo).items() if not name.endswith("/deploy")}
    assert after == before
    assert world.litter() == []


def test_a_branch_that_is_checked_out_is_not_moved(world: World) -> None:
    repo = Repo.init(world.root)
    repo.commit({"iamrbac.yaml": "x"})
    delivery = world.open(".", local=True)
    for branch in ("main", "second"):
        if branch == "second":
            repo.git("worktree", "add", "--quiet", "-b", branch, str(world.folder / "second"))
        tip = delivery.tip(branch, FOLDERS)
        said = refusal(partial(delivery.commit, tip, CHANGES, MESSAGE, None))
        assert said.startswith(f".: {branch} is checked out in ")
        assert repo.git("rev-parse", branch) == tip.commit


def test_a_first_local_commit_in_an_empty_bare_repository(world: World) -> None:
    delivery = world.open("../remote.git", local=True)
    made = delivery.commit(delivery.tip("main", FOLDERS), CHANGES, MESSAGE, None)
    assert world.git("rev-parse", "main") == made.commit
    assert world.git("for-each-ref", "--format=%(refname)") == "refs/heads/main"
    assert delivery.at("main", FOLDERS).files == delivery.tip("main", FOLDERS).files != {}


def test_a_bare_repository_by_its_path_is_the_server(world: World) -> None:
    ran = world.folder / "ran"
    world.hook("post-receive", f"touch {ran}")
    delivery = world.open("../remote.git")
    delivery.push(delivery.tip("main", FOLDERS), CHANGES, MESSAGE, None)
    assert ran.exists()
    assert world.files() == {"clusters/staging/a.yaml": "a: 1"}


def test_the_policies_revision(world: World) -> None:
    revision = world.deliveries.revision
    assert (revision().commit, revision().changed) == (None, False)
    repo = Repo.init(world.root)
    repo.write({"iamrbac.yaml": "x"})
    assert (revision().commit, revision().changed) == (None, True)
    commit = repo.commit({"policies/a.yaml": "x", "other/b": "x"})
    assert (revision().commit, revision().changed) == (commit, False)
    for files in (
        {"policies/new.yaml": "x"},
        {"iamrbac.yaml": "y"},
        {"templates/roles/x.j2": "x"},
        {"waivers.yaml": "x"},
    ):
        repo.write(files)
        assert revision().changed, files
        repo.git("add", "--all")
        assert revision().changed, files
        repo.git("commit", "--quiet", "-m", "x")
        assert not revision().changed, files
    repo.write({"policies/a.yaml": None})
    assert revision().changed
    repo.git("checkout", "--quiet", ".")
    repo.write({"other/b": "changed", "elsewhere": "new"})
    assert not revision().changed


def test_a_second_work_tree_of_the_person_is_no_leftover(world: World) -> None:
    world.seed({"README": "x"})
    clone = world.clone()
    gone = world.folder / "on-a-stick"
    clone.git("worktree", "add", "--quiet", "--detach", str(gone))
    gone.rename(world.folder / "unplugged")
    delivery = world.open(str(clone.folder))
    delivery.push(delivery.tip("main", FOLDERS), CHANGES, MESSAGE, None)
    assert [Path(one).name for one in world.litter()] == ["on-a-stick"]
