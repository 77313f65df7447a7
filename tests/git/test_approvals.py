"""Who approved, from real git repositories: trailers, merges, shallow clones, what nobody committed; few git calls."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from iamrbac.git.approvals import GitApprovals
from iamrbac.git.command import Git
from iamrbac.report.history import FileHistory, History
from tests.git.repo import Repo

PLACES = ("iamrbac.yaml", "policies")
A, B = "policies/a.yaml", "policies/b.yaml"


@pytest.fixture(autouse=True)
def _own_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", os.devnull)
    monkeypatch.setenv("GIT_CONFIG_NOSYSTEM", "1")


def of(folder: Path, most: int = 3) -> History:
    return GitApprovals(folder).history(PLACES, most)


def reviewed(tmp_path: Path) -> Repo:
    """A policy on main, and one by a merged branch."""
    repo = Repo.init(tmp_path / "repo")
    repo.commit({A: "1"}, "one\n\nReviewed-by: R <r@x>\nApproved-By: S\nSigned-off-by: T")
    repo.git("checkout", "-qb", "side")
    repo.commit({B: "1"}, "two")
    repo.commit({A: "2", B: "2"}, "three\n\nReviewed-by: U")
    repo.git("checkout", "-q", "main")
    repo.commit({"other": "1"}, "four")
    repo.git("merge", "-q", "--no-ff", "-m", "Merge it\n\nApproved-by: V", "side")
    return repo


def test_the_last_commits_with_who_agreed_and_the_merge_that_brought_them(tmp_path: Path) -> None:
    repo = reviewed(tmp_path)
    found = of(repo.folder)
    assert (found.unknown, found.notes, found.commit) == ("", (), repo.git("rev-parse", "HEAD"))
    assert list(found.files) == [A, B]
    last, first = found.of(A).changes
    assert (last.subject, last.approvals, last.author) == (
        "three",
        (("Reviewed-by", "U"),),
        "dana <dana@example.com>",
    )
    assert last.merge is not None
    assert (last.merge.subject, last.merge.approvals) == ("Merge it", (("Approved-by", "V"),))
    assert (first.merge, first.approvals) == (None, (("Reviewed-by", "R <r@x>"), ("Approved-by", "S")))
    assert found.of(A).approvers == ("U", "V")
    assert [one.subject for one in found.of(B).changes] == ["three", "two"]
    assert [one.subject for one in of(repo.folder, 1).of(B).changes] == ["three"]


def test_what_a_merge_itself_changes_is_the_merges(tmp_path: Path) -> None:
    repo = Repo.init(tmp_path / "repo")
    repo.commit({A: "1"}, "one")
    repo.git("checkout", "-qb", "side")
    repo.commit({B: "1"}, "two")
    repo.git("checkout", "-q", "main")
    repo.commit({"other": "1"}, "three")
    repo.git("merge", "-q", "--no-ff", "--no-commit", "side")
    repo.commit({A: "evil"}, "Merge it")
    assert [one.subject for one in of(repo.folder).of(A).changes] == ["Merge it", "one"]


def test_what_nobody_committed_has_nobodys_agreement(tmp_path: Path) -> None:
    repo = reviewed(tmp_path)
    repo.write({A: "3", "policies/c.yaml": "1"})
    found = of(repo.folder)
    assert found.of(A).approval == "unknown: it was changed since the commit"
    assert found.of("policies/c.yaml").approval == "unknown: it is in no commit"
    assert found.of(B).approval == "U, V"
    assert found.of("nowhere.yaml").approval == "unknown: git does not know the file"
    repo.write({A: None})
    assert found.of(A).approvers == ()
    assert of(repo.folder).of(A).doubt == "it cannot be read: No such file or directory"


def test_line_ends_of_a_checkout_are_no_change(tmp_path: Path) -> None:
    repo = Repo.init(tmp_path / "repo")
    repo.commit({A: "1\n2\n"}, "one")
    repo.write({A: "1\r\n2\r\n"})
    assert of(repo.folder).of(A).doubt == ""


def test_a_shallow_clone_says_so_and_guesses_nothing(tmp_path: Path) -> None:
    repo = Repo.init(tmp_path / "repo")
    repo.commit({A: "1"}, "one\n\nReviewed-by: R")
    repo.commit({"other": "1"}, "two\n\nReviewed-by: X")
    clone = repo.clone(tmp_path / "clone", "--depth=1")
    found = of(clone.folder)
    assert found.notes == ("the clone is shallow: what came before it is not known (`git fetch --unshallow`)",)
    assert found.of(A).approval.startswith("unknown: the clone is shallow and begins here")
    assert found.of(A).approvers == ()
    assert found.of(A).changes[0].boundary


def test_outside_of_git_and_in_a_new_repository_it_says_why(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))
    found = of(tmp_path)
    assert (found.unknown, found.files) == ("it is in no git repository", {})
    assert found.of(A) == FileHistory(A, doubt="it is in no git repository")
    new = Repo.init(tmp_path / "new")
    assert of(new.folder).unknown == "there is no such revision here"
    monkeypatch.setenv("PATH", str(tmp_path))
    assert of(new.folder).unknown == "there is no git on the PATH"


def test_an_access_repository_may_lie_anywhere_in_a_git_repository(tmp_path: Path) -> None:
    repo = Repo.init(tmp_path / "repo")
    repo.commit({A: "top", f"infra/access/{A}": "below"}, "one\n\nApproved-by: R")
    repo.commit({A: "top 2"}, "two")
    found = of(repo.folder / "infra" / "access")
    assert [one.subject for one in found.of(A).changes] == ["one"]
    assert found.of(A).approvers == ("R",)


@pytest.mark.parametrize("subject", ["<script>alert(1)</script>", "=cmd()|x", "a\x1b[31mred\x1e\x1f", "ü \u202e"])
def test_a_subject_is_text_whatever_it_holds(subject: str, tmp_path: Path) -> None:
    repo = Repo.init(tmp_path / "repo")
    repo.commit({A: "1", 'policies/odd "name\nof.yaml': "1"}, f"{subject}\n\nReviewed-by: {subject}")
    found = of(repo.folder)
    assert {one.changes[0].subject for one in found.files.values()} == {subject}
    assert {one.approval for one in found.files.values()} == {subject}


def test_the_number_of_git_calls_does_not_grow(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[str] = []
    run = Git.run

    def counted(self: Git, arguments: list[str], given: bytes = b"", most: int = 1 << 20) -> object:
        calls.append(arguments[0])
        return run(self, arguments, given, most)

    monkeypatch.setattr(Git, "run", counted)
    few = reviewed(tmp_path)
    of(few.folder)
    told, calls[:] = list(calls), []
    few.commit({f"policies/{number}.yaml": "x" for number in range(60)}, "many")
    for number in range(10):
        few.commit({f"policies/{number}.yaml": "y"}, f"more {number}")
    assert len(of(few.folder).files) == 62
    assert calls == told
    assert len(calls) <= 9


def test_signatures_are_verified_where_they_are_asked_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    if shutil.which("ssh-keygen") is None:
        pytest.skip("no ssh-keygen on this machine")
    key = tmp_path / "key"
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(key)], check=True)
    signers = tmp_path / "signers"
    signers.write_text(f"dana@example.com {key.with_suffix('.pub').read_text()}")
    repo = Repo.init(tmp_path / "repo")
    repo.commit({B: "1"}, "unsigned")
    repo.git("config", "gpg.format", "ssh")
    repo.git("config", "user.signingkey", str(key))
    repo.git("config", "gpg.ssh.allowedSignersFile", str(signers))
    repo.write({A: "1"})
    repo.git("add", "--all")
    repo.git("commit", "-q", "-S", "-m", "signed")
    found = GitApprovals(repo.folder).history(PLACES, 3, signatures=True)
    assert found.of(A).changes[0].signature == "good (dana@example.com)"
    assert found.of(B).changes[0].signature == "none"
    assert of(repo.folder).of(A).changes[0].signature is None
