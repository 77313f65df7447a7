"""`iamrbac can`, `who-can` and `access` as people and programs use them: whole outputs, exit codes, JSON shapes."""

from __future__ import annotations

import io
import json
import re
import shutil
import sys
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from iamrbac.cli.main import run
from tests.cli.shapes import SCHEMAS, check
from tests.conftest import ROOT
from tests.golden import compare

HERE = Path(__file__).parent
REPOSITORY = HERE / "repositories" / "asked"
GOLDEN = HERE / "golden" / "asking"
STAGING, PRODUCTION = ("--cluster", "staging"), ("--cluster", "production")
PEOPLE = ("--people", "people.json")
FILES = ("-f", "manifests")
PAYMENTS = ("-n", "payments")


@pytest.fixture(autouse=True)
def here(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(REPOSITORY)


def ask(capsys: pytest.CaptureFixture[str], *argv: str) -> tuple[int, str, str]:
    code = run(list(argv))
    return (code, *capsys.readouterr())


def as_json(capsys: pytest.CaptureFixture[str], *argv: str) -> tuple[int, Any]:
    code, out, _ = ask(capsys, *argv, "-o", "json")
    return code, json.loads(out)


CASES: dict[str, tuple[tuple[str, ...], int]] = {
    "can-chain": (("can", "payments-oncall", "create", "pods", *PAYMENTS, "--subresource", "exec", *PRODUCTION), 0),
    "can-person": (("can", "alice", "get", "po/web", *PAYMENTS, *PEOPLE), 0),
    "can-access-policy": (("can", "erin", "create", "deploy", *PAYMENTS, *STAGING), 0),
    "can-set": (("can", "team:payments/auditors", "list", "secrets", *PAYMENTS, *PRODUCTION), 0),
    "can-path": (("can", "system:anonymous", "get", "/healthz", *STAGING), 0),
    "can-masters": (("can", "payments-developers", "get", "nodes", "--as-group", "system:masters", *STAGING), 0),
    "can-near": (("can", "payments-developers", "delete", "pods", *PAYMENTS, *PRODUCTION), 3),
    "can-near-policy": (("can", "erin", "create", "deployments.apps", "-n", "search", *STAGING), 3),
    "can-nothing-near": (("can", "payments-developers", "get", "/metrics/slis", *STAGING), 3),
    "can-not-mapped": (("can", "payments-oncall", "get", "pods", *PAYMENTS, *STAGING), 3),
    "can-nothing-here": (("can", "team:search/developers", "get", "pods", "-n", "search", *PRODUCTION), 3),
    "can-suspended": (("can", "mallory", "get", "pods", "-n", "search"), 3),
    "can-unknown": (("can", "payments-deployer", "get", "pods", *PAYMENTS, *STAGING), 1),
    "can-service-account": (("can", "serviceaccount:payments:web", "get", "pods", *PAYMENTS, *PRODUCTION), 3),
    "can-files": (("can", "serviceaccount:shop:web", "get", "pods", "-n", "shop", "--subresource", "log", *FILES), 0),
    "can-files-near": (("can", "user:ann", "get", "cm/db", "-n", "shop", *FILES), 3),
    "can-files-custom": (("can", "group:viewers", "list", "widgets.example.com", "-A", *FILES), 0),
    "who-can": (("who-can", "list", "secrets", *PAYMENTS), 0),
    "who-can-people": (("who-can", "delete", "pods", *PAYMENTS, *PEOPLE, *PRODUCTION), 0),
    "who-can-anywhere": (("who-can", "create", "pods", "-A", *STAGING), 0),
    "who-can-files": (("who-can", "get", "pods", "-n", "shop", *FILES), 0),
    "access": (("access",), 0),
    "access-people": (("access", *PEOPLE), 0),
    "access-matrix": (("access", "--matrix"), 0),
    "access-principal": (("access", "--principal", "erin", *STAGING), 0),
    "access-namespace": (("access", "--namespace", "search"), 0),
    "access-team": (("access", "--team", "search"), 0),
    "access-nothing": (("access", "--principal", "mallory", "--matrix", *STAGING), 0),
    "access-nothing-here": (("access", "--principal", "payments-oncall", *STAGING), 0),
    "access-files": (("access", *FILES), 0),
}


@pytest.mark.parametrize("name", list(CASES))
def test_whole_outputs(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    argv, code = CASES[name]
    got, out, _ = ask(capsys, *argv)
    assert got == code
    assert "\x1b" not in out
    compare(out, GOLDEN / f"{name}.txt")


@pytest.mark.parametrize("name", list(CASES))
def test_json_says_the_same_in_its_published_shape(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    argv, code = CASES[name]
    got, answer = as_json(capsys, *argv)
    assert got == code
    check(argv[0], answer)
    if argv[0] == "can":
        assert answer["allowed"] is {0: True, 1: None, 3: False}[code]
        assert bool(answer["via"]) is (code == 0)


@pytest.mark.parametrize("name", ["can-access-policy", "can-near", "can-unknown", "who-can", "access-team"])
def test_whole_json(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    _, answer = as_json(capsys, *CASES[name][0])
    compare(json.dumps(answer, indent=2, ensure_ascii=False) + "\n", GOLDEN / f"{name}.json")


@pytest.mark.parametrize(
    ("argv", "said"),
    [
        (
            ("can", "payments-developers", "get", "nodes", *PAYMENTS),
            "nodes is in no namespace, so -n payments does not",
        ),
        (
            ("can", "payments-developers", "get", "pods", "-n", "paymnts"),
            "there is no namespace paymnts on staging, prod",
        ),
        (("can", "group:x", "get", "widgets.example.com", *FILES), "widgets.example.com is none of Kubernetes' own"),
        (("who-can", "get", "nodes", "-A", *FILES), "nodes is in no namespace, so -A does not count"),
        (("access", "--principal", "mallory"), "mallory is suspended in iamrbac.yaml"),
    ],
)
def test_notes_are_told_beside_the_answer(argv: tuple[str, ...], said: str, capsys: pytest.CaptureFixture[str]) -> None:
    _, out, err = ask(capsys, *argv)
    assert err.startswith(f"note: {said}")
    assert "note:" not in out


@pytest.mark.parametrize(
    ("argv", "said"),
    [
        (
            ("can",),
            "a question needs VERB and RESOURCE, after PRINCIPAL where it is not about me. Next: iamrbac can --",
        ),
        (("can", "get"), "a question needs VERB and RESOURCE, after PRINCIPAL where it is not about me."),
        (
            ("can", "erin", "get"),
            "a question needs VERB and RESOURCE, and erin get has no resource. Next: iamrbac can erin get RESOURCE",
        ),
        (("can", "gte", "pods"), "there is no verb gte here. Next: did you mean get?"),
        (("can", "get", "podz"), "Kubernetes has no resource podz. Next: did you mean pod or pods or po?"),
        (
            ("can", "get", "pods", *FILES),
            "manifests map nobody, so they know nothing of me. Next: name PRINCIPAL: user:",
        ),
        (("can", "get", "pods", "--live", *PEOPLE), "--live, --filename and --identities exclude each other."),
        (("can", "get", "pods", "--live", "--as-group", "x"), "a cluster answers for the groups that I have."),
        (("can", "erin", "gte", "pods"), "there is no verb gte here. Next: did you mean get?"),
        (("can", "erin", "get", "podz"), "Kubernetes has no resource podz. Next: did you mean pod or pods or po?"),
        (
            ("can", "eirn", "get", "pods"),
            "nobody is called eirn here. Next: did you mean erin? iamrbac access lists everybody; --identities FILE "
            "knows people",
        ),
        (
            ("can", "nobody", "get", "pods", *PEOPLE),
            "nobody is called nobody here. Next: iamrbac access lists everybody",
        ),
        (
            ("can", "ann", "get", "pods", *FILES),
            "nobody is called ann here. Next: manifests map nobody: ask about user:NAME, group:NAME or "
            "serviceaccount:NAMESPACE:NAME",
        ),
        (
            ("can", "team:payment/oncall", "get", "pods"),
            "nobody is called team:payment/oncall here. Next: did you mean team:payments/oncall",
        ),
        (("can", "erin", "get", "pods", "-n", "a", "-A"), "--namespace and --all-namespaces exclude each other."),
        (("can", "erin", "get", "pods", "--live", *FILES), "--live, --filename and --identities exclude each other."),
        (("can", "erin", "get", "pods", *PEOPLE, *FILES), "--live, --filename and --identities exclude each other."),
        (("can", "erin", "get", "pods", *FILES, *STAGING), "--filename asks manifests, which are of no cluster."),
        (("can", "erin", "get", "pods", "--cluster", "x"), "no such cluster in iamrbac.yaml: x."),
        (("can", "erin", "get", "pods", "--people", "x"), "x: cannot be read: No such file or directory."),
        (
            ("can", "erin", "get", "pods", "--people", "iamrbac.yaml"),
            "iamrbac.yaml: is no snapshot of identities: Expecting value: line 1 column 1 (char 0). Next: write one "
            "with `iamrbac identities export --out FILE`",
        ),
        (("can", "erin", "get", "pods", "-f", "x"), "x: there is no such file or folder."),
        (("can", "erin", "--batch", "x"), "--batch has its own questions."),
        (("can", "--batch", "x"), "--batch asks one cluster, and there are 2. Next: add --cluster NAME"),
        (("can", "--batch", "x", *STAGING), "x: cannot be read: No such file or directory."),
        (("access", "--team", "x"), "no policy is of a team x. Next: use one of payments, search"),
        (("access", "--team", "x", *FILES), "no policy is of a team x. Next: leave --team out: there are no policies"),
        (("access", "--principal", "x"), "nobody is called x here."),
        (
            ("who-can", "get", "pods/a/log"),
            "pods/a/log is no resource with a name. Next: write pods/a --subresource log",
        ),
    ],
)
def test_a_question_without_answer(argv: tuple[str, ...], said: str, capsys: pytest.CaptureFixture[str]) -> None:
    code, out, err = ask(capsys, *argv)
    assert (code, out) == (64, "")
    assert f"error: [ERR064] {said}" in err


HERE_ACCOUNT = "111122223333"
MINE: dict[str, tuple[str, tuple[str, ...], int]] = {
    "user": ("user/erin", ("create", "deploy", *PAYMENTS, *STAGING), 0),
    "session": ("assumed-role/payments-deployer/ci", ("get", "pods", *PAYMENTS, *STAGING), 1),
    "maybe-by-group": ("user/staff/alice", ("create", "pods", *PAYMENTS, "--subresource", "exec", *PRODUCTION), 1),
    "no": ("user/staff/alice", ("delete", "nodes", *STAGING), 3),
    "person": ("user/staff/alice", ("get", "po/web", *PAYMENTS, *PEOPLE), 0),
    "person-no": ("user/nobody", ("get", "po/web", *PAYMENTS, *PEOPLE), 3),
    "suspended": ("user/mallory", ("get", "pods", "-n", "search"), 3),
    "as-group": ("user/nobody", ("get", "nodes", "--as-group", "system:masters", *STAGING), 3),
}


@pytest.mark.parametrize("name", list(MINE))
def test_about_me(name: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    who, argv, code = MINE[name]
    arn = f"arn:aws:{'sts' if 'assumed' in who else 'iam'}::{HERE_ACCOUNT}:{who}"
    monkeypatch.setattr("iamrbac.wiring.me", lambda: arn)
    got, out, err = ask(capsys, "can", *argv)
    assert got == code
    assert f"I am {arn}\n" in err
    compare(out, GOLDEN / f"me-{name}.txt")
    got, answer = as_json(capsys, "can", *argv)
    check("can", answer)
    assert (got, answer["allowed"]) == (code, {0: True, 1: None, 3: False}[code])


def test_a_namesake_in_another_account_is_not_me(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("iamrbac.wiring.me", lambda: "arn:aws:iam::999999999999:user/erin")
    assert ask(capsys, "can", "create", "deploy", *PAYMENTS, *STAGING)[0] == 3
    monkeypatch.setattr("iamrbac.wiring.me", lambda: "arn:aws:iam::999999999999:role/payments-deployer")
    assert ask(capsys, "can", "get", "pods", *PAYMENTS, *STAGING)[1].startswith("unknown  I may or may not get pods")


def test_me_without_credentials(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_PROFILE", "AWS_DEFAULT_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    for name in ("AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE"):
        monkeypatch.setenv(name, "/dev/null")
    code, out, err = ask(capsys, "can", "get", "pods", *PAYMENTS)
    assert (code, out) == (1, "")
    assert err.startswith("error: [ERR201] ")
    assert len(err.splitlines()) == 1


def test_nobody_may(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    """Only where Kubernetes' own role of its administrators is not theirs any more."""
    (tmp_path / "admin.yaml").write_text(
        "apiVersion: rbac.authorization.k8s.io/v1\nkind: ClusterRoleBinding\nmetadata: {name: cluster-admin}\n"
        "roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: gone}\n"
    )
    code, out, _ = ask(capsys, "who-can", "get", "secrets", "-f", str(tmp_path))
    assert (code, out.splitlines()[1]) == (0, "  Group system:masters                 system:masters")


def test_invalid_policies_are_findings_and_no_answer(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    repository = Path(shutil.copytree(REPOSITORY, tmp_path / "repository"))
    (repository / "policies" / "bad.yaml").write_text("kind: AccessPolicy\n")
    for argv in (("can", "erin", "get", "pods"), ("who-can", "get", "pods"), ("access",)):
        code, out, _ = ask(capsys, *argv, "-C", str(repository))
        assert code == 3
        assert out.startswith("policies/bad.yaml:1:1: error ")
        code, answer = as_json(capsys, *argv, "-C", str(repository))
        check("validate", answer)
        assert (code, answer["valid"]) == (3, False)


def test_wrong_manifests_are_findings_and_no_answer(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    (tmp_path / "role.yaml").write_text(
        "apiVersion: rbac.authorization.k8s.io/v1\nkind: ClusterRole\nmetadata: {name: r}\nrules: [{verbs: [get]}]\n"
    )
    code, out, _ = ask(capsys, "who-can", "get", "pods", "-f", str(tmp_path))
    assert code == 3
    assert out.startswith(f"{tmp_path}/role.yaml:1:1: error MAN001: ClusterRole r would be refused: rules[0].apiGroups")


QUESTIONS: list[dict[str, Any] | str] = [
    {"id": 1, "principal": "erin", "verb": "list", "resource": "secrets", "namespace": "payments"},
    {"id": "two", "principal": "payments-deployer", "verb": "get", "resource": "pods", "namespace": "payments"},
    "",
    {"id": None, "user": "ann", "groups": ["iamrbac:acme:payments:developers"], "verb": "get", "resource": "pods"},
    {"user": "ann", "verb": "get", "path": "/healthz"},
    {"id": 5, "principal": "eirn", "verb": "get", "resource": "pods"},
    {"id": 6, "verb": "get", "resource": "pods"},
    {"id": 7, "user": "ann", "verb": "get", "resource": "pods", "kind": "x"},
    "{nonsense",
    "[1]",
]


def test_a_batch_is_answered_line_by_line(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = "".join(f"{one if isinstance(one, str) else json.dumps(one)}\n" for one in QUESTIONS)
    file = tmp_path / "questions.jsonl"
    file.write_text(text)
    code, out, err = ask(capsys, "can", "--batch", str(file), *STAGING)
    assert (code, err) == (1, "")
    compare(out, GOLDEN / "batch.jsonl")
    for line in out.splitlines():
        check("can-batch", json.loads(line))
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(text.encode())))
    assert ask(capsys, "can", "--batch", "-", *STAGING) == (1, out, "")


def test_a_batch_that_is_known_whole(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    file = tmp_path / "questions.jsonl"
    file.write_text('{"id": 1, "user": "ann", "verb": "get", "resource": "pods", "namespace": "shop"}')
    code, out, _ = ask(capsys, "can", "--batch", str(file), *FILES)
    assert (code, out) == (0, '{"id":1,"allowed":true,"error":null}\n')


def test_what_is_printed_is_harmless(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    (tmp_path / "r.json").write_text(
        json.dumps(
            {
                "apiVersion": "rbac.authorization.k8s.io/v1",
                "kind": "ClusterRoleBinding",
                "metadata": {"name": "b"},
                "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "view\x1b[2J"},
                "subjects": [
                    {"kind": "User", "apiGroup": "rbac.authorization.k8s.io", "name": "eve\u202e\x1b]0;x\x07"}
                ],
            }
        )
    )
    for argv in (("access",), ("access", "--matrix"), ("can", "user:\x1b[2J", "get", "pods")):
        _, out, _ = ask(capsys, *argv, "-f", str(tmp_path))
        assert not {"\x1b", "\x07", "\u202e"} & set(out)


@pytest.mark.parametrize("command", ["can", "who-can", "access", "snapshot"])
def test_help_has_examples(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = ask(capsys, command, "--help")
    assert code == 0
    assert f"iamrbac {command} " in out.partition("Examples")[2]


def test_the_questions_that_readme_shows_are_answered(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    (text,) = re.findall(r"```json\n(\{\"id\".*?)```", (ROOT / "README.md").read_text(), re.DOTALL)
    file = tmp_path / "questions.jsonl"
    file.write_text(text)
    schema = json.loads((SCHEMAS / "can-batch.json").read_text())
    for line in text.splitlines():
        Draft202012Validator(schema["$defs"]["question"]).validate(json.loads(line))
    code, out, _ = ask(capsys, "can", "--batch", str(file), "-C", str(ROOT), *PRODUCTION)
    assert code == 0
    assert [json.loads(line)["allowed"] for line in out.splitlines()] == [True, False, False]
