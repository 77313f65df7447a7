from __future__ import annotations

import os
from pathlib import Path
from typing import NoReturn

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from iamrbac.documents.output import INVENTORY, OutputFolder, Written
from iamrbac.model.errors import OutputError

ONE, TWO, OTHER = "staging/web/Role-a.yaml", "staging/_cluster/ClusterRole-b.yaml", "production/web/Role-a.yaml"


def tree(root: Path) -> dict[str, str]:
    """Every file of a folder but the inventory."""
    return {
        path.relative_to(root).as_posix(): path.read_text()
        for path in sorted(root.rglob("*"))
        if path.is_file() and path.name != INVENTORY
    }


def write(root: Path, files: dict[str, str], only: list[str] | None = None) -> Written:
    return OutputFolder(root).write(files.items(), only)


def test_the_first_run_makes_the_folder_and_lists_its_files(tmp_path: Path) -> None:
    out = tmp_path / "a" / "b"
    assert write(out, {ONE: "1\n", TWO: "2\n"}) == Written(2, 0, 0)
    assert tree(out) == {TWO: "2\n", ONE: "1\n"}
    assert (out / INVENTORY).read_text().splitlines()[1:] == [TWO, ONE]
    assert {path.name for path in out.iterdir()} == {"staging", INVENTORY}


def test_a_second_run_removes_exactly_what_the_first_wrote(tmp_path: Path) -> None:
    write(tmp_path, {ONE: "1\n", TWO: "2\n", OTHER: "3\n"})
    (tmp_path / "staging" / "_cluster" / "README.md").write_text("mine")
    (tmp_path / "kustomization.yaml").write_text("mine")
    assert write(tmp_path, {ONE: "1!\n"}) == Written(1, 0, 2)
    assert tree(tmp_path) == {"kustomization.yaml": "mine", ONE: "1!\n", "staging/_cluster/README.md": "mine"}
    assert not (tmp_path / "production").exists()
    assert write(tmp_path, {}) == Written(0, 0, 1)
    assert tree(tmp_path) == {"kustomization.yaml": "mine", "staging/_cluster/README.md": "mine"}


def test_what_is_right_already_keeps_its_time(tmp_path: Path) -> None:
    write(tmp_path, {ONE: "1\n", TWO: "2\n"})
    for path in (tmp_path / ONE, tmp_path / TWO, tmp_path / INVENTORY):
        os.utime(path, (1, 1))
    assert write(tmp_path, {ONE: "1\n", TWO: "new\n"}) == Written(1, 1, 0)
    assert [(tmp_path / path).stat().st_mtime == 1 for path in (ONE, TWO, INVENTORY)] == [True, False, True]


def test_files_of_clusters_that_were_not_chosen_stay(tmp_path: Path) -> None:
    write(tmp_path, {ONE: "1\n", OTHER: "3\n"})
    assert write(tmp_path, {TWO: "2\n"}, ["staging"]) == Written(1, 0, 1)
    assert tree(tmp_path) == {OTHER: "3\n", TWO: "2\n"}
    assert write(tmp_path, {TWO: "2\n"}) == Written(0, 1, 1)


def refused(root: Path, files: dict[str, str]) -> str:
    """The refusal; the folder is as it was."""
    before = tree(root)
    with pytest.raises(OutputError) as caught:
        write(root, files)
    assert tree(root) == before
    assert caught.value.hint
    return str(caught.value)


def test_files_of_others_in_the_way_are_refused_all_at_once(tmp_path: Path) -> None:
    for path in (ONE, TWO):
        (tmp_path / path).parent.mkdir(parents=True)
        (tmp_path / path).write_text("mine")
    says = refused(tmp_path, {ONE: "1\n", TWO: "2\n", OTHER: "3\n"})
    assert f"in the way, and not written by iamrbac: {TWO}, {ONE}; nothing was written" in says
    assert not (tmp_path / INVENTORY).exists()


def test_the_same_content_is_no_excuse(tmp_path: Path) -> None:
    (tmp_path / "staging" / "web").mkdir(parents=True)
    (tmp_path / ONE).write_text("1\n")
    refused(tmp_path, {ONE: "1\n"})


def test_links_and_folders_in_place_of_our_files_are_refused(tmp_path: Path) -> None:
    out, outside = tmp_path / "out", tmp_path / "outside"
    outside.mkdir()
    (outside / "Role-a.yaml").write_text("theirs")
    write(out, {ONE: "1\n", TWO: "2\n"})
    (out / ONE).unlink()
    (out / ONE).symlink_to(outside / "Role-a.yaml")
    assert f"in the way, and not written by iamrbac: {ONE};" in refused(out, {ONE: "new\n", TWO: "2\n"})
    (out / ONE).unlink()
    (out / "staging" / "web").rmdir()
    (out / "staging" / "web").symlink_to(outside)
    # Nothing is written through the link, nor removed through it.
    assert "staging/web" in refused(out, {ONE: "new\n"})
    assert "staging/web" in refused(out, {})
    assert (outside / "Role-a.yaml").read_text() == "theirs"
    (out / "staging" / "web").unlink()
    (out / "staging" / "web").write_text("a file")
    assert "staging/web" in refused(out, {ONE: "new\n"})


@pytest.mark.parametrize(
    "line",
    ["../victim.yaml", "/etc/victim.yaml", "a/../../victim.yaml", "victim.yaml", "a/./b.yaml", "a/b.txt", "a//b.yaml"],
)
def test_an_inventory_that_lists_what_we_cannot_have_written_is_not_trusted(tmp_path: Path, line: str) -> None:
    out = tmp_path / "out"
    write(out, {ONE: "1\n"})
    (tmp_path / "victim.yaml").write_text("theirs")
    (out / "victim.yaml").write_text("theirs")
    (out / INVENTORY).write_text((out / INVENTORY).read_text() + line + "\n")
    assert "nothing is removed or replaced" in refused(out, {TWO: "2\n"})
    assert (tmp_path / "victim.yaml").read_text() == (out / "victim.yaml").read_text() == "theirs"


def test_an_inventory_that_is_no_text_or_a_link_is_not_trusted(tmp_path: Path) -> None:
    write(tmp_path, {ONE: "1\n"})
    (tmp_path / INVENTORY).write_bytes(b"\xff\n")
    refused(tmp_path, {ONE: "2\n"})
    (tmp_path / INVENTORY).unlink()
    (tmp_path / "real").write_text(f"{ONE}\n")
    (tmp_path / INVENTORY).symlink_to("real")
    refused(tmp_path, {ONE: "2\n"})


def test_a_file_where_the_folder_should_be_is_refused(tmp_path: Path) -> None:
    (tmp_path / "out").write_text("mine")
    with pytest.raises(OutputError, match="not a folder"):
        write(tmp_path / "out", {ONE: "1\n"})
    with pytest.raises(OutputError):
        write(tmp_path / "out" / "deeper", {ONE: "1\n"})
    assert (tmp_path / "out").read_text() == "mine"


def test_a_run_that_was_cut_short_is_finished_by_the_next_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(tmp_path, {ONE: "1\n", OTHER: "3\n"})

    def dies(*args: object) -> NoReturn:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(OutputFolder, "_remove", dies)
        with pytest.raises(KeyboardInterrupt):
            write(tmp_path, {TWO: "2\n"})
    assert set(tree(tmp_path)) == {ONE, OTHER, TWO}
    assert write(tmp_path, {TWO: "2\n"}) == Written(0, 1, 2)
    assert tree(tmp_path) == {TWO: "2\n"}


files = st.dictionaries(st.sampled_from([ONE, TWO, OTHER]), st.text("ab\n", max_size=3))


@settings(max_examples=50, deadline=None)
@given(st.lists(files, max_size=4), files)
def test_after_any_runs_the_folder_is_what_the_last_one_said(
    tmp_path_factory: pytest.TempPathFactory, before: list[dict[str, str]], last: dict[str, str]
) -> None:
    root = tmp_path_factory.mktemp("out")
    (root / "mine.txt").write_text("mine")
    for one in before:
        write(root, one)
    write(root, last)
    assert tree(root) == {**last, "mine.txt": "mine"}
    assert write(root, last) == Written(0, len(last), 0)
