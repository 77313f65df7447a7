"""Files of a commit as files: what every reader sees is what a checkout would give, and nothing of a branch runs."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from iamrbac.documents.files import FileRepository
from iamrbac.git import export as module
from iamrbac.git.export import export
from iamrbac.git.revisions import History
from iamrbac.model.errors import HistoryError
from tests.git.repo import Repo

PLACES = ("iamrbac.yaml", "policies", "waivers.yaml", "templates/roles")


@pytest.fixture
def repo(tmp_path: Path) -> Repo:
    return Repo.init(tmp_path / "repo")


@pytest.fixture
def out(tmp_path: Path) -> Path:
    (tmp_path / "out").mkdir()
    return tmp_path / "out"


def exported(repo: Repo, out: Path, commit: str = "HEAD", inside: str = "") -> list[str]:
    """Everything that was written, relative to the folder."""
    history = History(repo.folder / inside)
    export(history.git, history.commit(commit).id, history.prefix, PLACES, out)
    return sorted(path.relative_to(out).as_posix() for path in out.rglob("*") if path.is_symlink() or path.is_file())


def problems(out: Path) -> dict[str, str]:
    return {finding.file or "": finding.message for finding in FileRepository(out).read().findings}


def test_only_what_is_asked_for_is_written(repo: Repo, out: Path) -> None:
    files = {
        "iamrbac.yaml": "a",
        "policies/deep/x.yaml": "b",
        "policies/ü -x.yaml": "c",
        "templates/roles/r.yaml.j2": "d",
        "templates/other": "no",
        "policies.yaml": "no",
        "src/policies/x.yaml": "no",
    }
    repo.commit(files)
    wanted = [name for name, content in files.items() if content != "no"]
    assert exported(repo, out) == sorted(wanted)
    assert all((out / name).read_text() == files[name] for name in wanted)


def test_a_sub_folder_is_written_without_its_place(repo: Repo, out: Path) -> None:
    odd = "-a :(top)*/[x]"
    repo.commit({f"{odd}/iamrbac.yaml": "mine", f"{odd}/policies/p.yaml": "mine", "iamrbac.yaml": "other"})
    assert exported(repo, out, inside=odd) == ["iamrbac.yaml", "policies/p.yaml"]
    assert (out / "iamrbac.yaml").read_text() == "mine"


def test_what_a_commit_has_not_is_not_there(repo: Repo, out: Path) -> None:
    repo.commit({"README": "x"})
    assert exported(repo, out) == []


def test_no_filter_and_no_hook_runs(repo: Repo, out: Path, tmp_path: Path) -> None:
    ran = tmp_path / "ran"
    repo.commit(
        {
            ".gitattributes": "*.yaml filter=evil diff=evil text eol=crlf ident export-ignore\n",
            "iamrbac.yaml": "a: $Id$\n",
        }
    )
    for key in ("filter.evil.smudge", "filter.evil.clean", "filter.evil.process", "diff.evil.textconv"):
        repo.git("config", key, f"touch {ran}")
    repo.git("config", "core.fsmonitor", f"touch {ran}")
    for name in ("post-checkout", "post-index-change", "reference-transaction", "pre-commit"):
        hook = repo.folder / ".git" / "hooks" / name
        hook.parent.mkdir(exist_ok=True)
        hook.write_text(f"#!/bin/sh\ntouch {ran}\n")
        hook.chmod(0o755)
    before = sorted(path.name for path in (repo.folder / ".git").iterdir())
    exported(repo, out)
    assert not ran.exists()
    assert (out / "iamrbac.yaml").read_bytes() == b"a: $Id$\n"
    assert sorted(path.name for path in (repo.folder / ".git").iterdir()) == before


def test_the_work_tree_does_not_count(repo: Repo, out: Path) -> None:
    repo.commit({"iamrbac.yaml": "committed"})
    repo.write({"iamrbac.yaml": "edited", "policies/new.yaml": "untracked"})
    assert exported(repo, out) == ["iamrbac.yaml"]
    assert (out / "iamrbac.yaml").read_text() == "committed"


def test_no_file_may_be_run(repo: Repo, out: Path) -> None:
    repo.commit({"iamrbac.yaml": "#!/bin/sh\n"})
    (repo.folder / "iamrbac.yaml").chmod(0o755)
    repo.commit({})
    exported(repo, out)
    assert not (out / "iamrbac.yaml").stat().st_mode & (stat.S_IXUSR | stat.S_IXGRP | stat.S_IXOTH)


def test_a_symlink_that_leads_out_is_refused_as_on_disk(repo: Repo, out: Path, tmp_path: Path) -> None:
    secret = tmp_path / "secret.yaml"
    secret.write_text("a: 1")
    repo.commit({"iamrbac.yaml": "a: 1", "policies/ok.yaml": "a: 1"})
    for number, target in enumerate((str(secret), "../../secret.yaml", "/etc/passwd", "/dev/zero")):
        (repo.folder / "policies" / f"out{number}.yaml").symlink_to(target)
    (repo.folder / "policies" / "folder").symlink_to("/etc")
    (repo.folder / "policies" / "up").symlink_to("..")
    repo.commit({})
    exported(repo, out)
    found = problems(out)
    assert (
        found.keys()
        == problems(repo.folder).keys()
        == {
            *(f"policies/out{number}.yaml" for number in range(4)),
            "policies/folder",
            "policies/up/policies",
        }
    )
    assert all("it is a symlink" in message for message in found.values())


def test_a_symlink_that_stays_inside_means_its_target(repo: Repo, out: Path) -> None:
    repo.commit({"iamrbac.yaml": "a: 1", "shared/real.txt": "b: 2", "shared/more/p.yaml": "c: 3", "unrelated": "x"})
    (repo.folder / "policies").symlink_to("shared/more")
    (repo.folder / "shared" / "more" / "linked.yaml").symlink_to("../real.txt")
    repo.commit({})
    exported(repo, out)
    read = FileRepository(out).read()
    assert read.findings == ()
    assert [(one.file, one.value) for one in read.documents] == [
        ("policies/linked.yaml", {"b": 2}),
        ("policies/p.yaml", {"c": 3}),
    ]
    assert FileRepository(repo.folder).read() == read


def test_a_folder_of_templates_may_be_a_symlink(repo: Repo, out: Path) -> None:
    repo.commit({"shared/roles/r.yaml.j2": "x"})
    (repo.folder / "templates").symlink_to("shared")
    repo.commit({})
    exported(repo, out)
    assert (out / "templates" / "roles" / "r.yaml.j2").read_text() == "x"


def test_a_huge_file_is_refused_by_its_size_and_never_read(repo: Repo, out: Path) -> None:
    repo.commit({"iamrbac.yaml": "a: 1", "policies/big.yaml": b"a" * (module.MAX_BLOB + 1)})
    exported(repo, out)
    assert problems(out) == {"policies/big.yaml": "the file is not read: it is larger than 1 MiB"}
    assert (out / "policies" / "big.yaml").stat().st_blocks == 0


def refusal(repo: Repo, out: Path, commit: str = "HEAD") -> str:
    with pytest.raises(HistoryError) as caught:
        exported(repo, out, commit)
    return str(caught.value)


@pytest.mark.parametrize(("levels", "words"), [(5, "larger than 20,000 files"), (30, "it has too many files")])
def test_a_few_objects_that_stand_for_a_million_files_are_refused(
    repo: Repo, out: Path, monkeypatch: pytest.MonkeyPatch, levels: int, words: str
) -> None:
    monkeypatch.setattr(module, "_MAX_LISTING", 8 * 1024 * 1024)
    tree = repo.tree(("100644", "x.yaml", repo.blob(b"a: 1")))
    for _ in range(levels):
        tree = repo.tree(*(("40000", f"{number}", tree) for number in range(8)))
    commit = repo.commit_tree(repo.tree(("40000", "policies", tree)))
    assert words in refusal(repo, out, commit)
    assert list(out.iterdir()) == []


def test_a_large_object_many_times_is_refused(repo: Repo, out: Path) -> None:
    blob = repo.blob(b"a" * module.MAX_BLOB)
    tree = repo.tree(*(("100644", f"{number:03}.yaml", blob) for number in range(200)))
    assert "or 256 MiB" in refusal(repo, out, repo.commit_tree(repo.tree(("40000", "policies", tree))))


@pytest.mark.parametrize("name", ["..", ".", "a/../../../escaped", "/tmp/escaped"])
def test_a_malformed_tree_writes_nowhere(repo: Repo, out: Path, tmp_path: Path, name: str) -> None:
    blob = repo.blob(b"a: 1")
    commit = repo.commit_tree(repo.tree(("40000", "policies", repo.tree(("100644", name, blob)))))
    assert "malformed" in refusal(repo, out, commit)
    assert not list(tmp_path.rglob("escaped"))


def test_nothing_is_written_through_a_symlink(repo: Repo, out: Path, tmp_path: Path) -> None:
    """A tree that has one name twice: a symlink that leads out, and a folder in its place."""
    outside = tmp_path / "outside"
    outside.mkdir()
    inner = repo.tree(("100644", "x.yaml", repo.blob(b"a: 1")), ("120000", "y.yaml", repo.blob(b"/etc/passwd")))
    link = repo.blob(os.fsencode(outside))
    tree = repo.tree(("40000", "policies", repo.tree(("120000", "a", link), ("40000", "a", inner))))
    assert "malformed" in refusal(repo, out, repo.commit_tree(tree))
    assert list(outside.iterdir()) == []


def test_a_submodule_is_not_taken_for_nothing(repo: Repo, out: Path) -> None:
    tree = repo.tree(("160000", "policies", "1" * 40))
    assert "policies is a submodule, whose files are not read" in refusal(repo, out, repo.commit_tree(tree))


def test_what_a_partial_clone_lacks_is_neither_fetched_nor_taken_for_nothing(
    repo: Repo, out: Path, tmp_path: Path
) -> None:
    repo.commit({"iamrbac.yaml": "first"})
    repo.git("config", "uploadpack.allowFilter", "true")
    clone = repo.clone(tmp_path / "partial", "--filter=blob:none", "--no-checkout")
    assert "this is a partial clone: fetch what it lacks" in refusal(clone, out)
    assert list(out.iterdir()) == []


def test_names_that_are_not_utf8_are_told_as_on_disk(repo: Repo, out: Path) -> None:
    blob = repo.blob(b"a: 1")
    raw = b"100644 \xff.yaml\0" + bytes.fromhex(blob)
    inner = repo.git("hash-object", "-t", "tree", "-w", "--literally", "--stdin", given=raw)
    commit = repo.commit_tree(repo.tree(("100644", "iamrbac.yaml", blob), ("40000", "policies", inner)))
    exported(repo, out, commit)
    assert list(problems(out).values()) == ["the file is not read: its name is not UTF-8"]
