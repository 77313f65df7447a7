"""The access repository as `sync` takes it: real git, repositories of strangers, and everything that may go wrong."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from iamrbac.git.checkout import Checkout, Place
from iamrbac.model.errors import CheckoutError, UsageError
from iamrbac.usecases.sync_report import Taken
from tests.git.repo import Repo

FIRST = {"access/iamrbac.yaml": "kind: Config\n", "access/policies/a.yaml": "kind: AccessPolicy\n"}


class Scene:
    """A repository on a server, and a checkout of it."""

    def __init__(self, folder: Path) -> None:
        self.repo = Repo.init(folder / "server")
        self.first = self.repo.commit(FIRST)
        self.work = folder / "work"

    @property
    def url(self) -> str:
        return self.repo.folder.as_uri()

    def checkout(self, *, commit: str = "", signers: Path | None = None, path: str = "access") -> Checkout:
        return Checkout(Place(self.url, "main", path, commit, signers), self.work)

    def take(self) -> Taken:
        return self.checkout().take()

    def files(self) -> set[str]:
        clone = self.work / "clone"
        return {str(one.relative_to(clone)) for one in clone.rglob("*") if one.is_file() and ".git/" not in str(one)}


@pytest.fixture
def scene(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Scene:
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", os.devnull)
    monkeypatch.setenv("GIT_CONFIG_NOSYSTEM", "1")
    return Scene(tmp_path)


def test_it_follows_its_branch_commit_by_commit(scene: Scene) -> None:
    taken = scene.take()
    assert (taken.commit, taken.signer, taken.refusals) == (scene.first, "", ())
    assert taken.folder == (scene.work / "clone" / "access").resolve()
    assert scene.files() == set(FIRST)
    second = scene.repo.commit({"access/policies/a.yaml": None, "access/policies/b.yaml": "x"})
    assert scene.take().commit == second
    assert scene.files() == {"access/iamrbac.yaml", "access/policies/b.yaml"}
    head = subprocess.run(["git", "symbolic-ref", "-q", "HEAD"], cwd=scene.work / "clone", check=False)
    assert head.returncode == 1, "the clone is on a branch"


def test_it_is_shallow_and_whole_enough_to_know_what_comes_after(scene: Scene) -> None:
    for number in range(3):
        scene.repo.commit({"access/x": str(number)})
    scene.take()
    counted = subprocess.run(
        ["git", "rev-list", "--count", "HEAD"], cwd=scene.work / "clone", capture_output=True, text=True, check=True
    )
    assert counted.stdout.strip() == "1"
    for number in range(3, 6):
        last = scene.repo.commit({"access/x": str(number)})
    assert scene.take().commit == last


@pytest.mark.parametrize("anew", [False, True], ids=["same clone", "clone lost"])
@pytest.mark.parametrize("back", ["backwards", "aside"])
def test_what_was_pushed_by_force_is_refused_until_it_comes_after(scene: Scene, back: str, anew: bool) -> None:
    second = scene.repo.commit({"access/x": "2"})
    scene.take()
    scene.repo.git("reset", "--quiet", "--hard", scene.first)
    moved = scene.first if back == "backwards" else scene.repo.commit({"access/x": "aside"})
    if anew:
        shutil.rmtree(scene.work / "clone")
    for _ in range(2):
        taken = scene.take()
        (refusal,) = taken.refusals
        assert refusal.id == "SYN002"
        assert f"main is at {moved[:12]}, which does not come after {second[:12]}: it was pushed by force" in (
            refusal.message
        )
    # A person may say that this commit is meant, and from there it goes on.
    assert scene.checkout(commit=moved).take().refusals == ()
    assert scene.take().refusals == ()
    third = scene.repo.commit({"access/x": "3"})
    assert scene.take().commit == third


def test_a_folder_that_remembers_nothing_is_told_by_the_leader_before(scene: Scene) -> None:
    second = scene.repo.commit({"access/x": "2"})
    third = scene.repo.commit({"access/x": "3"})
    assert scene.checkout().take(second).refusals == ()
    shutil.rmtree(scene.work)
    scene.repo.git("reset", "--quiet", "--hard", scene.first)
    (refusal,) = scene.checkout().take(third).refusals
    assert refusal.id == "SYN002"
    assert scene.checkout().take("no commit at all").refusals == ()
    # And what it remembers may be older than what the leader before did.
    (refusal,) = scene.checkout().take(third).refusals
    assert refusal.id == "SYN002"


def test_a_pinned_commit_stays_and_needs_no_server_any_more(scene: Scene) -> None:
    scene.repo.commit({"access/x": "2"})
    assert scene.checkout(commit=scene.first).take().commit == scene.first
    scene.repo.folder.rename(scene.repo.folder.with_name("gone"))
    assert scene.checkout(commit=scene.first).take().commit == scene.first
    assert scene.files() == set(FIRST)


def test_nothing_of_the_repository_runs(scene: Scene, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A filter of the person's that an attribute names, and hooks of the person's: none is in force."""
    mark = tmp_path / "ran"
    hooks = tmp_path / "hooks"
    hooks.mkdir()
    (hooks / "post-checkout").write_text(f"#!/bin/sh\ntouch {mark}\n")
    (hooks / "post-checkout").chmod(0o755)
    settings = tmp_path / "gitconfig"
    settings.write_text(
        f"[core]\n\thooksPath = {hooks}\n[init]\n\ttemplateDir = {tmp_path}\n"
        f'[filter "evil"]\n\tsmudge = touch {mark}\n\tprocess = touch {mark}\n\trequired = true\n'
    )
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(settings))
    scene.repo.commit({".gitattributes": "* filter=evil\n", "access/x": "2"})
    assert scene.take().refusals == ()
    assert not mark.exists()
    assert (scene.work / "clone" / "access" / "x").read_text() == "2"


def test_a_server_that_is_gone_leaves_what_there_was(scene: Scene) -> None:
    scene.take()
    scene.repo.folder.rename(scene.repo.folder.with_name("gone"))
    with pytest.raises(CheckoutError, match="there is no such repository") as caught:
        scene.take()
    assert "correct --repository" in caught.value.hint
    assert scene.files() == set(FIRST)


def test_a_branch_that_is_gone_is_not_an_empty_one(scene: Scene) -> None:
    scene.take()
    scene.repo.git("branch", "--move", "main", "trunk")
    with pytest.raises(CheckoutError, match="it has no branch main"):
        scene.take()


def test_a_commit_that_is_nowhere(scene: Scene) -> None:
    with pytest.raises(CheckoutError, match="there is no commit"):
        scene.checkout(commit="0123456789abcdef0123456789abcdef01234567").take()


def test_what_a_killed_git_left_behind_is_made_anew(scene: Scene) -> None:
    scene.take()
    (scene.work / "clone" / ".git" / "index.lock").touch()
    second = scene.repo.commit({"access/x": "2"})
    assert scene.take().commit == second


@pytest.mark.parametrize(("path", "why"), [("nowhere", "it has no folder"), ("link", "it has no folder")])
def test_a_folder_that_leads_out_is_none(scene: Scene, path: str, why: str) -> None:
    (scene.repo.folder / "link").symlink_to("/etc")
    scene.repo.commit({})
    with pytest.raises(CheckoutError, match=why):
        scene.checkout(path=path).take()


@pytest.mark.parametrize(
    "place",
    [
        ("ext::sh -c true", "main", "", ""),
        ("--upload-pack=true", "main", "", ""),
        ("https://git.example.com/a.git", "--force", "", ""),
        ("https://git.example.com/a.git", "", "", ""),
        ("https://git.example.com/a.git", "main", "../b", ""),
        ("https://git.example.com/a.git", "main", ".git/hooks", ""),
        ("https://git.example.com/a.git", "main", "", "HEAD"),
    ],
)
def test_what_git_could_take_for_something_else(place: tuple[str, str, str, str]) -> None:
    with pytest.raises(UsageError):
        Place(*place)


def test_no_credentials_are_shown(tmp_path: Path) -> None:
    place = Place("https://dana:s3cret-token@127.0.0.1:9/access.git", "main")
    with pytest.raises(CheckoutError) as caught:
        Checkout(place, tmp_path / "work").take()
    assert "s3cret" not in str(caught.value)


class Keys:
    """SSH keys, and the file of those who may sign."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.signers = folder / "signers"
        self.signers.write_text(f'dana@example.com namespaces="git" {self.make("dana")}\n')
        self.make("mallory")

    def make(self, name: str) -> str:
        key = self.folder / name
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "", "-f", str(key)], check=True)
        return key.with_suffix(".pub").read_text().strip()

    def sign(self, repo: Repo, name: str, content: str) -> str:
        repo.write({"access/x": content})
        repo.git("add", "--all")
        key = self.folder / f"{name}.pub"
        repo.git("-c", "gpg.format=ssh", "-c", f"user.signingKey={key}", "commit", "--quiet", "-S", "-m", "signed")
        return repo.git("rev-parse", "HEAD")


@pytest.fixture
def keys(tmp_path: Path) -> Keys:
    if shutil.which("ssh-keygen") is None:
        pytest.skip("there is no ssh-keygen on the PATH")
    folder = tmp_path / "keys"
    folder.mkdir()
    return Keys(folder)


def test_only_what_an_allowed_signer_signed_is_done(scene: Scene, keys: Keys) -> None:
    checkout = scene.checkout(signers=keys.signers)
    good = keys.sign(scene.repo, "dana", "1")
    taken = checkout.take()
    assert (taken.commit, taken.signer, taken.refusals) == (good, "dana@example.com", ())
    files = scene.files()

    for number, why in enumerate(("signed by nobody", "not signed")):
        commit = keys.sign(scene.repo, "mallory", "2") if not number else scene.repo.commit({"access/x": "3"})
        taken = checkout.take()
        (refusal,) = taken.refusals
        assert (taken.commit, taken.signer, refusal.id) == (commit, "", "SYN001")
        assert why in refusal.message
        assert scene.files() == files
        assert (scene.work / "clone" / "access" / "x").read_text() == "1"

    assert checkout.take().refusals
    good = keys.sign(scene.repo, "dana", "4")
    assert checkout.take().commit == good


def test_a_pinned_commit_is_verified_too(scene: Scene, keys: Keys) -> None:
    (refusal,) = scene.checkout(commit=scene.first, signers=keys.signers).take().refusals
    assert refusal.id == "SYN001"


def test_a_file_of_signers_that_is_not_there_is_not_an_empty_one(scene: Scene, keys: Keys) -> None:
    keys.signers.unlink()
    with pytest.raises(CheckoutError, match="there is no such file of allowed signers"):
        scene.checkout(signers=keys.signers).take()
