"""The repository as files: every file is read or told about, nothing outside the repository is."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from iamrbac.documents.files import FileRepository, find_root
from iamrbac.documents.reading import MAX_BYTES
from iamrbac.model.errors import RepositoryError
from iamrbac.usecases.ports import RawRepository


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "repo" / "policies").mkdir(parents=True)
    (tmp_path / "repo" / "iamrbac.yaml").write_text("kind: Config\n")
    return tmp_path / "repo"


def told(raw: RawRepository) -> list[tuple[str | None, str, str]]:
    return [(one.file, one.id, one.message) for one in raw.findings]


def test_documents_are_read_sorted_with_forward_slashes(root: Path) -> None:
    for name in ("b.yaml", "a.yml", "temporary/z.YAML", "temporary/deep/y.yaml"):
        (root / "policies" / name).parent.mkdir(parents=True, exist_ok=True)
        (root / "policies" / name).write_text(f"name: {name}")
    for ignored in ("README.md", ".hidden.yaml", ".git/x.yaml", "x.yaml.bak"):
        (root / "policies" / ignored).parent.mkdir(parents=True, exist_ok=True)
        (root / "policies" / ignored).write_text("a: [")
    (root / "other.yaml").write_text("a: [")
    raw = FileRepository(root).read()
    assert [(one.file, one.value) for one in raw.documents] == [
        ("policies/a.yml", {"name": "a.yml"}),
        ("policies/b.yaml", {"name": "b.yaml"}),
        ("policies/temporary/deep/y.yaml", {"name": "temporary/deep/y.yaml"}),
        ("policies/temporary/z.YAML", {"name": "temporary/z.YAML"}),
    ]
    assert raw.config is not None
    assert (raw.config.file, raw.config.value) == ("iamrbac.yaml", {"kind": "Config"})
    assert raw.findings == ()


def test_what_lies_beside_the_policies_is_read_alone(root: Path) -> None:
    repository = FileRepository(root)
    assert repository.beside("waivers.yaml") == ((), ())
    assert repository.beside("tests/access") == ((), ())
    (root / "waivers.yaml").write_text("a: 1")
    (root / "tests/access/deep").mkdir(parents=True)
    (root / "tests/access/deep/a.yaml").write_text("b: 2")
    (root / "tests/access/b.yaml").write_text("b: [")
    ((waivers,), none) = repository.beside("waivers.yaml")
    assert (waivers.file, waivers.value, none) == ("waivers.yaml", {"a": 1}, ())
    ((test,), (broken,)) = repository.beside("tests/access")
    assert (test.file, test.value) == ("tests/access/deep/a.yaml", {"b": 2})
    assert broken.file == "tests/access/b.yaml"
    (root / "waivers.yaml").unlink()
    (root / "waivers.yaml").symlink_to("/etc/passwd")
    nothing, (outside,) = repository.beside("waivers.yaml")
    assert (nothing, outside.id, outside.file) == ((), "DOC001", "waivers.yaml")


def test_a_repository_without_policies_is_fine(root: Path) -> None:
    (root / "policies").rmdir()
    assert FileRepository(root).read().documents == ()


def test_policies_that_are_no_folder(root: Path) -> None:
    (root / "policies").rmdir()
    (root / "policies").write_text("a: 1")
    assert told(FileRepository(root).read()) == [
        ("policies", "DOC001", "the file is not read: the folder cannot be listed: Not a directory")
    ]


def test_every_broken_file_is_told_at_once(root: Path) -> None:
    folder = root / "policies"
    (root.parent / "outside.yaml").write_text("secret: 1")
    (folder / "bom.yaml").write_bytes(b"\xef\xbb\xbfa: 1")
    (folder / "dir.yaml").mkdir()
    (folder / "empty.yaml").write_text("")
    (folder / "latin.yaml").write_bytes("a: b\nc: é\n".encode("latin-1"))
    (folder / "large.yaml").write_bytes(b"#" * (MAX_BYTES + 1))
    (folder / "limit.yaml").write_bytes(b"a: 1\n" + b"#" * (MAX_BYTES - 5))
    (folder / "link.yaml").symlink_to(root.parent / "outside.yaml")
    (folder / "loop").symlink_to(folder)
    (folder / "gone.yaml").symlink_to("nowhere")
    (folder / "me.yaml").symlink_to("me.yaml")
    (folder / "out").symlink_to(root.parent)
    (folder / "own.yaml").symlink_to("../iamrbac.yaml")
    (folder / "utf16.yaml").write_bytes("a: 1".encode("utf-16"))
    os.mkfifo(folder / "pipe.yaml")
    raw = FileRepository(root).read()
    assert [one.file for one in raw.documents] == ["policies/bom.yaml", "policies/limit.yaml", "policies/own.yaml"]
    assert told(raw) == [
        ("policies/dir.yaml", "DOC001", "the file is not read: it is a folder"),
        ("policies/empty.yaml", "DOC010", "the file is empty"),
        ("policies/gone.yaml", "DOC001", "the file is not read: it is a symlink that leads nowhere"),
        ("policies/large.yaml", "DOC001", "the file is not read: it is larger than 1 MiB"),
        ("policies/latin.yaml", "DOC002", "the file is not UTF-8: byte 0xe9 stands here"),
        ("policies/link.yaml", "DOC001", "the file is not read: it is a symlink that leads out of the repository"),
        ("policies/loop", "DOC001", "the file is not read: it is a symlink to a folder that is read already"),
        ("policies/me.yaml", "DOC001", "the file is not read: it is a symlink that leads nowhere"),
        ("policies/out", "DOC001", "the file is not read: it is a symlink that leads out of the repository"),
        ("policies/pipe.yaml", "DOC001", "the file is not read: it is no regular file"),
        ("policies/utf16.yaml", "DOC002", "the file is not UTF-8: byte 0xff stands here"),
    ]
    assert [(one.line, one.column) for one in raw.findings if one.file == "policies/latin.yaml"] == [(2, 4)]
    assert all(one.hint for one in raw.findings)


def test_a_name_that_is_not_utf8(root: Path) -> None:
    Path(os.fsdecode(os.fsencode(root / "policies") + b"/\xff.yaml")).write_text("a: 1")
    assert told(FileRepository(root).read()) == [
        ("policies/\\udcff.yaml", "DOC001", "the file is not read: its name is not UTF-8")
    ]


def test_a_file_that_may_not_be_read(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (root / "policies" / "a.yaml").write_text("a: 1")
    real = os.open

    def refuse(path: Path, flags: int) -> int:
        if path.name == "a.yaml":
            raise PermissionError(13, "Permission denied")
        return real(path, flags)

    monkeypatch.setattr(os, "open", refuse)
    assert told(FileRepository(root).read()) == [
        ("policies/a.yaml", "DOC001", "the file is not read: it cannot be opened: Permission denied")
    ]


def test_a_broken_config_is_a_finding_and_no_config(root: Path) -> None:
    (root / "iamrbac.yaml").write_text("a: [")
    raw = FileRepository(root).read()
    assert raw.config is None
    assert [one.file for one in raw.findings] == ["iamrbac.yaml"]


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        (None, "create iamrbac.yaml with kind: Config (iamrbac schema config)"),
        ("iamrbac.yml", "rename iamrbac.yml to iamrbac.yaml"),
    ],
)
def test_a_repository_without_config_is_an_error(tmp_path: Path, name: str | None, hint: str) -> None:
    if name is not None:
        (tmp_path / name).write_text("kind: Config")
    with pytest.raises(RepositoryError) as caught:
        FileRepository(tmp_path).read()
    assert (caught.value.message, caught.value.where, caught.value.hint) == (
        "the folder has no iamrbac.yaml",
        str(tmp_path),
        hint,
    )


def test_a_folder_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(RepositoryError, match="there is no such folder"):
        FileRepository(tmp_path / "x").read()


def test_the_root_is_found_upwards(root: Path) -> None:
    (root / "policies" / "temporary").mkdir()
    assert find_root(root / "policies" / "temporary") == root
    assert find_root(root) == root
    with pytest.raises(RepositoryError, match="nor in any folder above"):
        find_root(root.parent)


def test_positions_and_scalars_are_looked_up_on_demand(root: Path) -> None:
    (root / "policies" / "a.yaml").write_text("spec:\n  account: 012\n")
    files = FileRepository(root)
    assert files.position("policies/a.yaml", ("spec", "account")) == (2, 12)
    assert files.scalar("policies/a.yaml", ("spec", "account")) == "012"
    assert files.scalar("policies/a.yaml", ("spec",)) is None
    assert files.scalar("policies/a.yaml", ("spec", "missing")) is None
    assert files.position("policies/none.yaml", ("a",)) is None
    assert files.scalar("policies/none.yaml", ("a",)) is None


def test_the_places_of_a_few_files_are_kept(root: Path) -> None:
    files = FileRepository(root)
    for number in range(6):
        (root / "policies" / f"{number}.yaml").write_text("a: 1\n")
        assert files.position(f"policies/{number}.yaml", ("a",)) == (1, 4)
    for number in range(6):
        (root / "policies" / f"{number}.yaml").write_text("\na: 1\n")
    assert files.position("policies/5.yaml", ("a",)) == (1, 4)
    assert files.position("policies/2.yaml", ("a",)) == (1, 4)
    assert files.position("policies/1.yaml", ("a",)) == (2, 4)


@given(st.binary(max_size=300) | st.text(max_size=100).map(str.encode))
@settings(max_examples=100, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_bytes_are_a_document_or_findings(root: Path, data: bytes) -> None:
    (root / "policies" / "a.yaml").write_bytes(data)
    raw = FileRepository(root).read()
    assert len(raw.documents) == 1 or raw.findings
    assert all(one.file == "policies/a.yaml" and one.message and one.hint for one in raw.findings)
