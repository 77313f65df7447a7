"""A repository is loaded whole or not at all; whatever its files hold, there are findings, never an exception."""

from __future__ import annotations

import json
from pathlib import Path, PurePath

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from iamrbac.documents.files import FileRepository
from iamrbac.findings.finding import Finding, Level
from iamrbac.model.access_tests import AccessTest
from iamrbac.model.errors import UsageError
from iamrbac.model.origin import Path as DocumentPath
from iamrbac.model.waivers import Waivers
from iamrbac.usecases.load import load, load_beside
from iamrbac.usecases.locate import locate
from iamrbac.usecases.ports import RawDocument, RawRepository
from iamrbac.usecases.validate import validate
from tests.model import samples

TEMPLATES = ("developer", "op", "operator")
BROKEN = Finding("DOC003", Level.ERROR, "broken", "mend it", "policies/broken.yaml", line=2, column=3)
SAMPLE = Path(__file__).parents[2] / "policies" / "payments.yaml"


def _beside(file: str) -> bool:
    return file == "waivers.yaml" or file.startswith("tests/")


class FakeRepository:
    """A repository in memory; every place is line 7, column = length of its path."""

    def __init__(self, *documents: tuple[str, object], findings: tuple[Finding, ...] = ()) -> None:
        self.root: PurePath = PurePath("/nowhere")
        self.asked: list[str] = []
        self._documents = [RawDocument(*document) for document in documents]
        self._findings = findings

    def read(self) -> RawRepository:
        config = next((one for one in self._documents if one.file == "iamrbac.yaml"), None)
        others = tuple(one for one in self._documents if one is not config and not _beside(one.file))
        return RawRepository(config, others, self._findings)

    def beside(self, place: str) -> tuple[tuple[RawDocument, ...], tuple[Finding, ...]]:
        return tuple(one for one in self._documents if one.file == place or one.file.startswith(f"{place}/")), ()

    def position(self, file: str, path: DocumentPath) -> tuple[int, int] | None:
        self.asked.append(file)
        return None if file == "gone.yaml" else (7, len(path))

    def scalar(self, file: str, path: DocumentPath) -> str | None:
        return f"<{file}:{'.'.join(map(str, path))}>"


WAIVERS = ("waivers.yaml", samples.waivers())
TEST = ("tests/access/a.yaml", samples.access_test())
CONFIG = ("iamrbac.yaml", samples.config())
POLICY = ("policies/a.yaml", samples.policy())
GRANT = ("policies/g.yaml", samples.grant())


def test_documents_are_sorted_by_kind() -> None:
    loaded = load(FakeRepository(CONFIG, GRANT, POLICY))
    assert loaded.findings == ()
    assert loaded.documents is not None
    assert loaded.documents is loaded.readable
    assert (loaded.documents.config.file, loaded.documents.config.document.metadata.name) == ("iamrbac.yaml", "acme")
    assert [one.file for one in loaded.documents.policies] == ["policies/a.yaml"]
    assert [one.file for one in loaded.documents.grants] == ["policies/g.yaml"]
    assert loaded.files == ("iamrbac.yaml", "policies/a.yaml", "policies/g.yaml")


def test_one_broken_file_means_no_documents() -> None:
    loaded = load(FakeRepository(CONFIG, POLICY, ("policies/b.yaml", {"kind": 3}), findings=(BROKEN,)), TEMPLATES)
    assert loaded.documents is None
    assert loaded.readable is not None
    assert loaded.files == ("iamrbac.yaml", "policies/a.yaml", "policies/b.yaml", "policies/broken.yaml")
    shapes = [one for one in loaded.findings if one.id.startswith("DOC")]
    assert shapes[1] == BROKEN
    assert (shapes[0].id, shapes[0].file, shapes[0].line, shapes[0].column) == ("DOC020", "policies/b.yaml", 7, 1)
    assert {one.id[:3] for one in loaded.findings} == {"DOC", "POL"}


def test_without_a_config_nothing_is_judged_together() -> None:
    loaded = load(FakeRepository(POLICY, findings=(BROKEN,)), TEMPLATES)
    assert (loaded.documents, loaded.readable, loaded.findings) == (None, None, (BROKEN,))


def test_documents_beside_the_policies_are_read_where_they_belong() -> None:
    repository = FakeRepository(CONFIG, POLICY, WAIVERS, TEST, ("tests/access/b.yaml", samples.waivers()))
    (waivers,), none = load_beside(repository, "waivers.yaml", Waivers)
    assert (waivers.file, waivers.document.waivers[0].rule, none) == ("waivers.yaml", "IAM034", ())
    tests, (misplaced,) = load_beside(repository, "tests/access", AccessTest)
    assert [one.file for one in tests] == ["tests/access/a.yaml"]
    assert (misplaced.id, misplaced.file, misplaced.line) == ("DOC021", "tests/access/b.yaml", 7)
    assert load_beside(FakeRepository(CONFIG), "waivers.yaml", Waivers) == ((), ())
    assert load(repository).findings == ()


def test_validate_judges_waivers_and_tests_too() -> None:
    good = validate(FakeRepository(CONFIG, WAIVERS, TEST), TEMPLATES)
    assert (good.valid, good.waivers, good.tests) == (True, 2, 4)
    bad = FakeRepository(CONFIG, ("waivers.yaml", {}), ("tests/access/a.yaml", {}))
    assert [one.file for one in validate(bad, TEMPLATES).findings] == ["tests/access/a.yaml", "waivers.yaml"]
    assert [one.file for one in validate(bad, TEMPLATES, ["tests"]).findings] == ["tests/access/a.yaml"]
    assert validate(bad, TEMPLATES, ["iamrbac.yaml"]).valid


def test_without_template_names_only_each_file_is_judged() -> None:
    assert load(FakeRepository(CONFIG, POLICY)).findings == ()
    assert load(FakeRepository(CONFIG, POLICY), ()).findings != ()


def test_contradictions_leave_the_documents_for_whoever_asks() -> None:
    loaded = load(FakeRepository(CONFIG, POLICY), ())
    assert loaded.documents is not None
    assert any(one.level is Level.ERROR for one in loaded.findings)


def test_scalars_are_shown_as_written() -> None:
    loaded = load(FakeRepository(CONFIG, ("policies/b.yaml", samples.policy() | {"metadata": {"name": False}})))
    assert loaded.findings[0].message == ("name is the boolean <policies/b.yaml:metadata.name>, and a text is needed")


def test_positions_are_asked_only_where_they_are_missing_and_file_by_file() -> None:
    repository = FakeRepository()
    findings = [
        Finding("A", Level.ERROR, "1", file="b.yaml", path=("x",)),
        BROKEN,
        Finding("A", Level.ERROR, "2", file="a.yaml"),
        Finding("A", Level.ERROR, "3"),
        Finding("A", Level.ERROR, "4", file="b.yaml"),
        Finding("A", Level.ERROR, "5", file="gone.yaml"),
    ]
    located = locate(findings, repository)
    assert [(one.message, one.line, one.column) for one in located] == [
        ("1", 7, 1),
        ("broken", 2, 3),
        ("2", 7, 0),
        ("3", None, None),
        ("4", 7, 0),
        ("5", None, None),
    ]
    assert repository.asked == ["a.yaml", "b.yaml", "b.yaml", "gone.yaml"]


def test_paths_choose_which_findings_count() -> None:
    repository = FakeRepository(CONFIG, POLICY, ("policies/x/b.yaml", {}), findings=(BROKEN,))
    assert {one.file for one in validate(repository, TEMPLATES, ["policies/x"]).findings} == {"policies/x/b.yaml"}
    assert {one.file for one in validate(repository, TEMPLATES, ["policies/x/b.yaml"]).findings} == {
        "policies/x/b.yaml"
    }
    assert validate(repository, TEMPLATES, ["."]) == validate(repository, TEMPLATES)
    with pytest.raises(UsageError, match="policies/y: this holds no document"):
        validate(repository, TEMPLATES, ["policies", "policies/y"])


def test_a_broken_config_always_counts() -> None:
    broken = Finding("DOC003", Level.ERROR, "broken", file="iamrbac.yaml")
    validation = validate(FakeRepository(POLICY, findings=(broken,)), TEMPLATES, ["policies/a.yaml"])
    assert not validation.valid
    assert [one.file for one in validation.findings] == ["iamrbac.yaml"]


def _repository(folder: Path, policy: bytes) -> FileRepository:
    (folder / "policies").mkdir(exist_ok=True)
    (folder / "iamrbac.yaml").write_text(json.dumps(samples.config()))
    (folder / "policies" / "a.yaml").write_bytes(policy)
    return FileRepository(folder)


@given(st.binary(max_size=200) | st.text(max_size=200).map(str.encode))
@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_random_bytes_as_a_policy_are_findings(tmp_path: Path, data: bytes) -> None:
    validation = validate(_repository(tmp_path, data), TEMPLATES)
    assert not validation.valid
    assert all(one.file == "policies/a.yaml" and one.message and one.hint for one in validation.findings)


snippets = st.sampled_from(
    [
        "\t",
        "\n",
        " ",
        "*",
        "&a ",
        "*a",
        "!",
        "[",
        "]",
        "{",
        "}",
        ":",
        "- ",
        "'",
        '"',
        "#",
        "no",
        "012",
        "~",
        "\x00",
        "é",
        "<<: ",
        "---\n",
    ]
)


@given(st.lists(st.tuples(st.integers(0, 2500), st.integers(0, 40), snippets), min_size=1, max_size=4))
@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_a_policy_with_something_torn_out_or_put_in_is_judged(
    tmp_path: Path, edits: list[tuple[int, int, str]]
) -> None:
    text = SAMPLE.read_text()
    for at, length, snippet in edits:
        text = text[:at] + snippet + text[at + length :]
    validation = validate(_repository(tmp_path, text.encode()), TEMPLATES)
    assert validation.valid == (not any(one.level is Level.ERROR for one in validation.findings))
    for one in validation.findings:
        assert one.file
        assert one.message
        assert one.hint
        assert one.line is not None or one.id in {"DOC001", "DOC010"}
