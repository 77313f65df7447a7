"""Revisions of real repositories: what is found, and what each failure says to do next."""

from __future__ import annotations

from pathlib import Path

import pytest

from iamrbac.git import command
from iamrbac.git.revisions import Commit, History
from iamrbac.model.errors import HistoryError
from tests.git.repo import Repo


@pytest.fixture
def repo(tmp_path: Path) -> Repo:
    repo = Repo.init(tmp_path / "repo")
    repo.commit({"a": "1"}, "first")
    return repo


def refusal(work: object) -> str:
    """The one line that a person would read."""
    assert callable(work)
    with pytest.raises(HistoryError) as caught:
        work()
    return str(caught.value)


def test_a_branch_a_tag_and_a_part_of_a_hash_are_one_commit(repo: Repo) -> None:
    id_ = repo.git("rev-parse", "HEAD")
    repo.git("tag", "-a", "v1", "-m", "annotated")
    history = History(repo.folder)
    for asked in ("main", "v1", "HEAD", id_, id_[:10], "refs/heads/main"):
        assert history.commit(asked) == Commit(asked, id_)


@pytest.mark.parametrize("asked", ["-x", "--output=/etc/passwd", "--help", "-"])
def test_an_option_is_no_revision(repo: Repo, asked: str) -> None:
    assert refusal(lambda: History(repo.folder).commit(asked)).startswith(f"{asked}: this is no revision.")


@pytest.mark.parametrize("asked", ["nosuch", "main..HEAD", "HEAD:a", "main\n--all", "HEAD^{tree}"])
def test_what_names_no_commit_is_said(repo: Repo, asked: str) -> None:
    said = refusal(lambda: History(repo.folder).commit(asked))
    assert said == (
        f"{asked}: there is no such revision here. Next: correct the name, or fetch it (`git fetch origin main`)"
    )


def test_a_branch_that_is_called_like_the_remote_branch_is_not_taken_for_it(repo: Repo) -> None:
    """Whoever may name a branch must not choose what a change is compared with."""
    repo.git("update-ref", "refs/remotes/origin/main", "HEAD")
    repo.commit({"a": "2"})
    repo.git("branch", "origin/main")
    history = History(repo.folder)
    assert refusal(lambda: history.commit("origin/main")) == (
        "origin/main: this is the name of several revisions. "
        "Next: write the whole name (refs/remotes/origin/main), or the commit"
    )
    assert history.commit("refs/remotes/origin/main").id == repo.git("rev-parse", "HEAD~1")


def test_a_change_is_compared_with_where_it_began(repo: Repo) -> None:
    began = repo.git("rev-parse", "HEAD")
    repo.git("checkout", "--quiet", "-b", "change")
    repo.commit({"b": "mine"})
    repo.git("checkout", "--quiet", "main")
    repo.commit({"a": "theirs"})
    history = History(repo.folder)
    assert history.merge_base(history.commit("main"), history.commit("change")) == began


def test_two_histories_have_nothing_to_compare_with(repo: Repo) -> None:
    repo.git("checkout", "--quiet", "--orphan", "other")
    repo.commit({"a": "other"})
    history = History(repo.folder)
    assert refusal(lambda: history.merge_base(history.commit("main"), history.commit("other"))) == (
        "main...other: they have no commit in common. Next: name a base that the head has come from"
    )


def test_a_shallow_clone_says_how_to_get_the_rest(repo: Repo, tmp_path: Path) -> None:
    repo.git("checkout", "--quiet", "-b", "change")
    repo.commit({"b": "mine"})
    clone = repo.clone(tmp_path / "shallow", "--depth=1", "--branch=change", "--no-single-branch")
    history = History(clone.folder)
    assert refusal(lambda: history.merge_base(history.commit("origin/main"), history.commit("HEAD"))) == (
        "origin/main...HEAD: the commit where they part is not in this shallow clone. Next: fetch the whole history: "
        "`git fetch --unshallow`, in GitHub Actions `fetch-depth: 0` of actions/checkout"
    )
    assert "`git fetch --unshallow`" in refusal(lambda: history.commit("origin/nosuch"))


def test_no_repository_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))
    assert refusal(lambda: History(tmp_path)) == (
        f"{tmp_path}: it is in no git repository. Next: compare in a git clone of the access repository"
    )


def test_no_git_is_said(repo: Repo, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert refusal(lambda: History(repo.folder)) == "there is no git on the PATH. Next: install git 2.30 or newer"


def test_a_git_of_the_branch_itself_is_not_run(repo: Repo, monkeypatch: pytest.MonkeyPatch) -> None:
    mine = repo.folder / "git"
    mine.write_text("#!/bin/sh\ntouch run\n")
    mine.chmod(0o755)
    monkeypatch.chdir(repo.folder)
    monkeypatch.setenv("PATH", ".")
    refusal(lambda: History(repo.folder))
    assert not (repo.folder / "run").exists()


def test_what_a_hook_exports_is_about_another_repository(
    repo: Repo, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = Repo.init(tmp_path / "other")
    other.commit({"x": "1"}, "another")
    monkeypatch.setenv("GIT_DIR", str(other.folder / ".git"))
    monkeypatch.setenv("GIT_WORK_TREE", str(other.folder))
    monkeypatch.setenv("GIT_CONFIG_COUNT", "1")
    monkeypatch.setenv("GIT_CONFIG_KEY_0", "core.bare")
    monkeypatch.setenv("GIT_CONFIG_VALUE_0", "true")
    assert History(repo.folder).commit("HEAD").id == repo.git("rev-parse", "HEAD")


def test_a_sub_folder_and_a_second_work_tree_know_their_place(repo: Repo, tmp_path: Path) -> None:
    repo.commit({"deep/access/iamrbac.yaml": "x"})
    assert History(repo.folder).prefix == ""
    assert History(repo.folder / "deep" / "access").prefix == "deep/access"
    repo.git("worktree", "add", "--quiet", str(tmp_path / "second"))
    history = History(tmp_path / "second" / "deep" / "access")
    assert history.prefix == "deep/access"
    assert history.has(history.commit("HEAD").id, "iamrbac.yaml")
    assert not history.has(history.commit("HEAD~1").id, "iamrbac.yaml")


def test_a_repository_that_the_files_hold_is_not_asked(
    repo: Repo, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A folder with HEAD, objects, refs and a config is a bare repository to git, and a branch may bring one."""
    folder = repo.folder / "access"
    Repo.init(tmp_path / "bare").git("init", "--quiet", "--bare", str(folder))
    config = folder / "config"
    config.write_text(config.read_text().replace("bare = true", f'bare = false\n\tworktree = "{repo.folder}"'))
    ran = tmp_path / "ran"
    config.write_text(f'{config.read_text()}[core]\n\tfsmonitor = "touch {ran}"\n')
    assert "this is a bare repository, or looks like one" in refusal(lambda: History(folder))
    # As a git does that does not know the setting yet.
    monkeypatch.setattr(command, "_GLOBAL", ("--no-pager",))
    assert "is one that the files themselves hold" in refusal(lambda: History(folder))
    assert not ran.exists()


def test_a_bare_repository_has_no_policies(repo: Repo, tmp_path: Path) -> None:
    repo.git("clone", "--quiet", "--bare", str(repo.folder), str(tmp_path / "bare"))
    assert "bare repository" in refusal(lambda: History(tmp_path / "bare"))
