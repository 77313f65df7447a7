"""`iamrbac compile` as a person runs it, on the sample repository and on broken ones."""

from __future__ import annotations

import json
import shutil
from collections.abc import Collection, Mapping
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest
import yaml
from jsonschema import Draft202012Validator

from iamrbac import wiring
from iamrbac.cli.main import run
from iamrbac.identity.snapshot import IamName, Identities, Unreadable, Wanted, Way
from tests.conftest import ROOT
from tests.golden import compare

GOLDEN = Path(__file__).parent / "golden"
AT = "2026-06-01T12:00:00Z"
ACCOUNT = "111122223333"


class FakePeople:
    """IAM as the sample's sandbox has it, without HTTP; counts what was asked."""

    def __init__(self, unreadable: bool = False) -> None:
        self.unreadable = unreadable
        self.asked: list[Wanted] = []

    def identities(self, wanted: Wanted) -> Identities:
        self.asked.append(wanted)
        if self.unreadable:
            why = Unreadable("AccessDenied. Next: allow iam:GetGroup")
            return Identities(dict.fromkeys(wanted.groups, why), dict.fromkeys(wanted.principals, why))
        groups = {
            "payments-developers": ("user/bob", "user/staff/alice"),
            "payments-oncall": ("user/carol",),
            "search-developers": ("user/dave", "user/erin"),
        }
        arn = f"arn:aws:iam::{ACCOUNT}:"
        return Identities(
            {name: tuple(arn + one for one in groups[name.name]) for name in wanted.groups},
            {name: arn + name.name for name in wanted.principals},
        )

    def existing(
        self, _kinds: Collection[IamName], _ways: Mapping[str, Way], /
    ) -> Mapping[IamName, frozenset[str] | Unreadable]:
        return {}


@pytest.fixture
def people(monkeypatch: pytest.MonkeyPatch) -> FakePeople:
    fake = FakePeople()
    monkeypatch.setattr(wiring, "people", lambda: fake)
    return fake


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    copy = tmp_path / "repository"
    shutil.copytree(ROOT / "policies", copy / "policies")
    shutil.copy(ROOT / "iamrbac.yaml", copy)
    return copy


def answer(capsys: pytest.CaptureFixture[str], *arguments: str, code: int = 0) -> str:
    assert run(["compile", "-C", str(ROOT), "--at", AT, *arguments]) == code
    return capsys.readouterr().out


def validate(value: Any) -> None:
    schema = json.loads(files("iamrbac.render").joinpath("schemas/compile.json").read_text())
    assert list(Draft202012Validator(schema).iter_errors(value)) == []


def test_manifests_need_no_aws_and_are_the_same_bytes(capsys: pytest.CaptureFixture[str], people: FakePeople) -> None:
    text = answer(capsys, "--cluster", "production")
    compare(text, GOLDEN / "compile-production.yaml")
    assert people.asked == []
    assert answer(capsys, "--cluster", "production") == text


def test_json_holds_the_same_objects(capsys: pytest.CaptureFixture[str]) -> None:
    value = json.loads(answer(capsys, "-o", "json"))
    validate(value)
    assert [cluster["name"] for cluster in value["clusters"]] == ["development", "production", "staging"]
    documents = list(yaml.safe_load_all(answer(capsys)))
    objects = [one for one in documents if one["kind"] != "Principals"]
    assert objects == [one for cluster in value["clusters"] for one in cluster["objects"]]
    groups = [one["groups"] for one in documents if one["kind"] == "Principals"]
    assert groups == [cluster["groups"] for cluster in value["clusters"]]


def test_access_entries_are_json_in_the_words_of_eks(capsys: pytest.CaptureFixture[str], people: FakePeople) -> None:
    text = answer(capsys, "--form", "access-entries", "--cluster", "staging")
    compare(text, GOLDEN / "compile-staging-entries.json")
    validate(json.loads(text))
    assert len(people.asked) == 1
    # erin and dave have access by name on production only.
    assert people.asked[0].principals == frozenset()


def test_aws_auth_rows_are_yaml_or_json(capsys: pytest.CaptureFixture[str], people: FakePeople) -> None:
    text = answer(capsys, "--form", "aws-auth", "--cluster", "production")
    compare(text, GOLDEN / "compile-production-rows.yaml")
    value = json.loads(answer(capsys, "--form", "aws-auth", "--cluster", "production", "-o", "json"))
    validate(value)
    rows = yaml.safe_load(text)
    assert {"name": "production", **rows} == value["clusters"][0]


def test_iam_that_does_not_say_is_exit_1_and_nothing_on_either_form(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(wiring, "people", lambda: FakePeople(unreadable=True))
    text = answer(capsys, "--form", "aws-auth", code=1)
    assert "policies/payments.yaml:12:9: error MAP102: " in text
    assert "who iamGroup payments-developers is could not be read: AccessDenied. Next: allow iam:GetGroup" in text
    assert "mapRoles" not in text


def test_out_writes_one_file_for_each_object_and_a_second_run_only_what_changed(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    out = tmp_path / "out"
    assert answer(capsys, "--out", str(out)) == f"{out}: 50 files written, 0 unchanged, 0 removed.\n"
    written = {path.relative_to(out).as_posix(): path.read_text() for path in out.rglob("*.yaml")}
    documents = list(yaml.safe_load_all(answer(capsys)))
    assert sorted(map(str, map(yaml.safe_load, written.values()))) == sorted(map(str, documents))
    for path, text in written.items():
        cluster, *rest = path.split("/")
        value = yaml.safe_load(text)
        if rest == ["principals.yaml"]:
            assert (value["kind"], value["metadata"]["name"]) == ("Principals", cluster)
        else:
            name = f"{value['kind']}-{value['metadata']['name']}.yaml"
            assert rest == [value["metadata"].get("namespace", "_cluster"), name]
    assert answer(capsys, "--out", str(out)) == f"{out}: 0 files written, 50 unchanged, 0 removed.\n"
    # The grant has ended by then, so its role and binding go.
    assert run(["compile", "-C", str(ROOT), "--at", "2036-01-31T18:00:00Z", "--out", str(out)]) == 0
    said = capsys.readouterr()
    assert said.out == f"{out}: 1 files written, 47 unchanged, 2 removed.\n"
    assert "info POL105: production: the temporary grant payments-launch ended" in said.err


def test_out_for_one_cluster_leaves_the_others(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    answer(capsys, "--out", str(tmp_path))
    assert answer(capsys, "--out", str(tmp_path), "--cluster", "staging").endswith(", 0 removed.\n")


def test_an_object_without_namespace_is_below_cluster(
    capsys: pytest.CaptureFixture[str], repository: Path, tmp_path: Path
) -> None:
    with (repository / "policies" / "search.yaml").open("a") as file:
        file.write("    - {to: [leads], clusters: [staging], scope: cluster, role: {clusterRole: view}}\n")
    assert run(["compile", "-C", str(repository), "--at", AT, "--out", str(tmp_path / "out")]) == 0
    (path,) = (tmp_path / "out" / "staging" / "_cluster").iterdir()
    assert path.name.startswith("ClusterRoleBinding-iamrbac-search-leads-view-")


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--at", "yesterday"], "--at 'yesterday' is not a time of RFC 3339 with its offset"),
        (["--at", "2026-06-01T12:00:00"], "with its offset. Next: write it like"),
        (["--cluster", "nowhere"], "no such cluster in iamrbac.yaml: nowhere. Next: use one of development"),
        (["--form", "aws-auth", "--out", "x"], "--out writes manifests only"),
        (["-o", "json", "--out", "x"], "--out writes manifests only"),
        (["--form", "terraform"], "terraform"),
    ],
)
def test_wrong_options_are_exit_64(capsys: pytest.CaptureFixture[str], arguments: list[str], says: str) -> None:
    assert run(["compile", "-C", str(ROOT), *arguments]) == 64
    said = capsys.readouterr()
    assert says in said.err
    assert said.out == ""


def test_documents_with_errors_are_exit_3_with_all_findings_and_nothing_written(
    capsys: pytest.CaptureFixture[str], repository: Path, tmp_path: Path
) -> None:
    payments = repository / "policies" / "payments.yaml"
    text = payments.read_text()
    text = text.replace("parameters: {exec: true}", "parameters: {exce: true}")
    text = text.replace("role: viewer", "role: viwer")
    payments.write_text(text)
    own = repository / "templates" / "roles"
    own.mkdir(parents=True)
    (own / "deployer.yaml.j2").write_text("rules:\n- {{ nothing }}\n")
    out = tmp_path / "out"
    assert run(["compile", "-C", str(repository), "--out", str(out)]) == 3
    assert "viwer" in capsys.readouterr().out
    payments.write_text(text.replace("viwer", "viewer"))
    assert run(["compile", "-C", str(repository), "--out", str(out)]) == 3
    said = capsys.readouterr().out
    assert "policies/payments.yaml:35:13: error TPL005: production: " in said
    assert "the template has no parameter 'exce'; it reads exec. Next: did you mean 'exec'?" in said
    # The same on all clusters, so it is said once.
    assert said.count("templates/roles/deployer.yaml.j2:2: 'nothing' is not defined") == 1
    assert not out.exists()


def test_a_pattern_without_a_catalogue_is_an_error_with_the_next_step(
    capsys: pytest.CaptureFixture[str], repository: Path
) -> None:
    config = repository / "iamrbac.yaml"
    config.write_text(config.read_text().replace("    namespaces: [payments, payments-batch, search]\n", ""))
    assert run(["compile", "-C", str(repository), "--at", AT, "-o", "json"]) == 3
    value = json.loads(capsys.readouterr().out)
    assert [(one["id"], one["line"], one["cluster"]) for one in value["findings"] if one["level"] == "error"] == [
        ("POL101", 22, "development"),
        ("POL101", 26, "staging"),
    ]


def test_a_namespace_that_the_catalogue_does_not_have_is_said_once(
    capsys: pytest.CaptureFixture[str], repository: Path
) -> None:
    search = repository / "policies" / "search.yaml"
    search.write_text(search.read_text().replace("namespaces: [search]", "namespaces: [search-later, search]", 1))
    assert run(["compile", "-C", str(repository), "--at", AT]) == 0
    said = capsys.readouterr()
    assert said.err.count("search-later") == 1
    assert "namespace: search-later" not in said.out


def test_files_of_others_in_the_way_are_exit_1(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    (tmp_path / "staging").write_text("mine")
    assert run(["compile", "-C", str(ROOT), "--at", AT, "--out", str(tmp_path)]) == 1
    assert "[ERR209]" in capsys.readouterr().err
    assert [path.name for path in tmp_path.iterdir()] == ["staging"]
