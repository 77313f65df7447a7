"""The person's hooks, signing, identity and attributes: all in force, and their refusals in plain words."""

from __future__ import annotations

import shutil
import subprocess

import pytest

from iamrbac.model.gitops import Author
from tests.git.delivery import FOLDERS, MESSAGE, World, refusal

CHANGES = {"clusters/staging/a.yaml": "a: 1\n"}


def push(world: World, changes: dict[str, str | None] | None = None, author: Author | None = None) -> str:
    delivery = world.open()
    return delivery.push(delivery.tip("main", FOLDERS), changes or dict(CHANGES), MESSAGE, author).commit


def own_hooks(world: World) -> None:
    (world.folder / "own" / "hooks").mkdir(parents=True)
    world.set("core.hooksPath", str(world.folder / "own" / "hooks"))


def test_hooks_of_the_person_see_the_whole_commit(world: World) -> None:
    world.seed({"README": "hello", "clusters/staging/old.yaml": "old", "deep/er/file": "x"})
    own_hooks(world)
    note = world.folder / "note"
    world.hook("pre-commit", f"find . -type f | grep -v .git | sort >{note}; git diff --cached --name-status >>{note}; "
               f"git status --porcelain >>{note}", world.folder / "own")  # fmt: skip
    world.hook("commit-msg", 'echo "Signed-off-by: pat" >>"$1"', world.folder / "own")
    world.hook("pre-push", f"cat >>{note}", world.folder / "own")
    commit = push(world, {"clusters/staging/a.yaml": "a: 1\n", "clusters/staging/old.yaml": None})
    before = world.git("rev-parse", "main^")
    assert note.read_text() == (
        "./README\n./clusters/staging/a.yaml\n./deep/er/file\n"
        "A\tclusters/staging/a.yaml\nD\tclusters/staging/old.yaml\n"
        "A  clusters/staging/a.yaml\nD  clusters/staging/old.yaml\n"
        f"{commit} {commit} refs/heads/main {before}\n"
    )
    assert world.git("log", "-1", "--format=%B", "main").endswith("Signed-off-by: pat")


def test_hooks_that_the_repository_itself_holds(world: World) -> None:
    clone = world.clone()
    clone.write({".githooks/pre-commit": "#!/bin/sh\necho 'no tabs here'\nexit 1\n"})
    (clone.folder / ".githooks" / "pre-commit").chmod(0o755)
    clone.commit({})
    clone.git("push", "--quiet", "origin", "main")
    world.set("core.hooksPath", ".githooks")
    assert refusal(lambda: push(world)) == (
        f"{world.url}: a commit hook refused: no tabs here. Next: correct what the hook asks for; it is one of the "
        "repository's or of your git's (core.hooksPath)"
    )


@pytest.mark.parametrize("name", ["pre-commit", "prepare-commit-msg", "commit-msg"])
def test_a_commit_hook_that_refuses(world: World, name: str) -> None:
    own_hooks(world)
    world.hook(
        name,
        "printf 'access denied: \\033[31mred\\033[0m\\nhttps://me:secret@example.com' >&2; exit 1",
        world.folder / "own",
    )
    said = refusal(lambda: push(world))
    assert "a commit hook refused: access denied: red; https://***@example.com. Next:" in said
    assert world.git("for-each-ref") == ""
    assert world.litter() == []


def test_a_push_hook_that_refuses(world: World) -> None:
    own_hooks(world)
    world.hook("pre-push", "echo 'not on Fridays' >&2; exit 1", world.folder / "own")
    assert "a pre-push hook refused: not on Fridays" in refusal(lambda: push(world))
    assert world.git("for-each-ref") == ""


def test_nobody_known_to_git_commits_with_the_config_author(world: World) -> None:
    world.config.write_text("[user]\n\tuseConfigOnly = true\n")
    assert refusal(lambda: push(world)).endswith(
        "git does not know whose commit it is. Next: `git config --global user.name` and `user.email`, or set "
        "gitops.author in iamrbac.yaml"
    )
    push(world, author=Author(name="Robot", email="robot@example.com"))
    assert world.git("log", "-1", "--format=%an %cn", "main") == "Robot Robot"


@pytest.mark.skipif(shutil.which("ssh-keygen") is None, reason="no ssh-keygen, which signs and verifies")
def test_a_commit_is_signed_as_the_person_signs(world: World) -> None:
    key = world.folder / "key"
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(key)], check=True)
    (world.folder / "signers").write_text(f"pat@example.com {key.with_suffix('.pub').read_text()}")
    settings = {
        "gpg.format": "ssh",
        "commit.gpgSign": "true",
        "user.signingKey": str(key),
        "gpg.ssh.allowedSignersFile": str(world.folder / "signers"),
    }
    for name, value in settings.items():
        world.set(name, value)
    push(world)
    assert world.git("log", "-1", "--format=%G? %GS", "main") == "G pat@example.com"
    key.unlink()
    key.with_suffix(".pub").unlink()
    said = refusal(lambda: push(world, {"clusters/staging/b": "b"}))
    assert "the commit could not be signed" in said
    assert "commit.gpgSign, gpg.format and user.signingKey" in said
    assert len(world.log()) == 1


def test_line_ends_are_converted_as_in_any_commit(world: World) -> None:
    world.seed({".gitattributes": "*.yaml text eol=crlf\n", "clusters/staging/README": "x"})
    push(world, {"clusters/staging/b.yaml": "quiet\n"})
    assert world.files()["clusters/staging/b.yaml"] == "quiet"


def test_a_filter_that_changes_what_we_write_is_told(world: World) -> None:
    world.set("filter.shout.clean", "tr a-z A-Z")
    world.seed({".gitattributes": "*.txt filter=shout\n", "clusters/staging/README": "x"})
    said = refusal(lambda: push(world, {"clusters/staging/a.txt": "loud\n", "clusters/staging/b.yaml": "quiet\n"}))
    assert "clusters/staging/a.txt is not committed as it was written" in said
    assert len(world.log()) == 1


@pytest.mark.parametrize("place", [".gitignore", "clusters/.gitignore", "global"])
def test_a_path_that_git_ignores_is_told(world: World, place: str) -> None:
    if place == "global":
        world.set("core.excludesFile", str(world.folder / "ignored"))
        (world.folder / "ignored").write_text("\n*.secret\n")
        world.seed({"README": "x"})
    else:
        world.seed({place: "\n*.secret\n!clusters/staging/kept.secret\n!staging/kept.secret\n"})
        push(world, {"clusters/staging/kept.secret": "fine"})
    said = refusal(lambda: push(world, {"clusters/staging/a.secret": "x", "clusters/staging/b": "y"}))
    rule = "ignored:2" if place == "global" else f"{place}:2"
    assert f"git is told to ignore clusters/staging/a.secret, by `*.secret` in {rule}" in said
    assert "clusters/staging/b" not in world.files()
