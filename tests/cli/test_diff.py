"""`iamrbac diff` on real git repositories: whole outputs in every format, exit codes, by whose rules it judges."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from iamrbac.cli.main import run
from tests.cli.changes import (
    ACCOUNT,
    AT,
    BASE,
    CLUSTERS,
    GATES,
    PAYMENTS,
    WAIVERS,
    cluster,
    config,
    grant,
    history,
    policy,
)
from tests.git.repo import Repo
from tests.golden import compare

HERE = Path(__file__).parent
GOLDEN = HERE / "golden" / "diff"
SCHEMA = json.loads((HERE.parents[1] / "iamrbac" / "render" / "schemas" / "diff.json").read_text())
GAIN = policy(
    "payments",
    PAYMENTS,
    '{to: [developers], clusters: ["*"], namespaces: ["payments*"], role: developer}',
    "{to: [oncall], clusters: [production], namespaces: [payments], role: operator}",
)
"""One gain in production, without a reason."""


@pytest.fixture(autouse=True)
def clock(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("iamrbac.cli.diff.at_now", lambda: AT)


@pytest.fixture
def repo(tmp_path: Path) -> Repo:
    """The base alone."""
    repo = Repo.init(tmp_path / "repo")
    repo.commit(BASE)
    return repo


def diff(capsys: pytest.CaptureFixture[str], repo: Repo, *argv: str, base: str = "main") -> tuple[int, str, str]:
    code = run(["diff", "-C", str(repo.folder), "--base", base, *argv])
    return (code, *capsys.readouterr())


def as_json(capsys: pytest.CaptureFixture[str], repo: Repo, *argv: str, base: str = "main") -> tuple[int, Any]:
    code, out, err = diff(capsys, repo, *argv, "-o", "json", base=base)
    assert err == ""
    answer = json.loads(out)
    Draft202012Validator(SCHEMA).validate(answer)
    return code, answer


def ids(answer: Mapping[str, Any]) -> list[str]:
    return sorted(finding["id"] for finding in answer["refusals"])


@pytest.mark.parametrize(("form", "suffix"), [("text", "txt"), ("markdown", "md"), ("html", "html"), ("json", "json")])
def test_a_bit_of_everything(form: str, suffix: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, out, err = diff(capsys, history(tmp_path / "repo"), "-o", form)
    assert (code, err) == (3, "")
    compare(out, GOLDEN / f"everything.{suffix}")


def test_json_has_its_published_shape(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, answer = as_json(capsys, history(tmp_path / "repo"))
    assert code == 3
    assert answer["summary"]["refused"] == len(answer["refusals"]) > 3
    assert {one["cluster"] for one in answer["access"]} == {"development", "staging", "production"}


@pytest.mark.parametrize("form", ["text", "markdown", "html"])
def test_no_change_is_told_in_every_format(repo: Repo, form: str, capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = diff(capsys, repo, "-o", form)
    assert code == 0
    assert "No access changes on 3 clusters" in out
    assert out.startswith("<!-- iamrbac-diff -->\n") is (form == "markdown")


def test_a_refactoring_changes_nobodys_access(repo: Repo, capsys: pytest.CaptureFixture[str]) -> None:
    """A file renamed, a set renamed, a line split, a pattern spelt out, a template copied, a member by ARN."""
    members = (
        f'{{builders: [{{iamGroup: "arn:aws:iam::{ACCOUNT}:group/payments-developers"}}], oncall: '
        f'[{{iamUser: "arn:aws:iam::{ACCOUNT}:user/erin"}}, {{iamGroup: payments-oncall}}]}}'
    )
    shipped = HERE.parents[1] / "templates" / "roles" / "developer.yaml.j2"
    repo.commit(
        {
            "policies/payments.yaml": None,
            "templates/roles/builder.yaml.j2": shipped.read_text(),
            "policies/teams/pay.yaml": policy(
                "payments",
                members,
                "{to: [builders], clusters: [production], namespaces: [payments, payments-batch], role: builder}",
                '{to: [builders], clusters: [development, "stag*"], namespaces: [payments-batch], role: developer}',
                '{to: [builders], clusters: [development, "stag*"], namespaces: [payments], role: developer}',
                "{to: [oncall], clusters: {env: production}, namespaces: [payments], role: viewer}",
                "{to: [oncall], clusters: {env: production}, namespaces: [payments], role: viewer, reason: again}",
            ),
        },
    )
    code, answer = as_json(capsys, repo, base="HEAD~1")
    assert (code, answer["access"]) == (0, [])


def test_a_changed_template_is_a_change_for_all_who_have_the_role(
    repo: Repo, capsys: pytest.CaptureFixture[str]
) -> None:
    repo.write(
        {"templates/roles/viewer.yaml.j2": "rules: [{apiGroups: [''], resources: [pods], verbs: [get, delete]}]"}
    )
    code, answer = as_json(capsys, repo)
    assert code == 3
    gained = {
        (one["principal"], one["cluster"]): change["rules"]
        for one in answer["access"]
        for change in one["changes"]
        if change["change"] == "gain"
    }
    delete = [{"apiGroups": [""], "resources": ["pods"], "verbs": ["delete"]}]
    assert gained == {
        ("iamGroup payments-oncall", "production"): delete,
        ("iamUser erin", "production"): delete,
        ("iamGroup search-developers", "staging"): delete,
        ("iamUser dave", "production"): delete,
    }


def test_the_work_tree_is_the_head_with_all_that_is_not_committed(
    repo: Repo, capsys: pytest.CaptureFixture[str]
) -> None:
    repo.write({"policies/new.yaml": policy("new", "{a: [{iamUser: zoe}]}", NEW)})
    code, answer = as_json(capsys, repo)
    assert (code, answer["head"]) == (0, {"revision": None, "commit": None})
    assert [one["principal"] for one in answer["access"]] == ["iamUser zoe"]
    code, answer = as_json(capsys, repo, "--head", "HEAD")
    assert (code, answer["access"]) == (0, [])


NEW = "{clusters: [staging], namespaces: [free], role: viewer}"


def test_what_the_base_got_meanwhile_is_not_the_heads_doing(repo: Repo, capsys: pytest.CaptureFixture[str]) -> None:
    start = repo.git("rev-parse", "HEAD")
    repo.git("switch", "--quiet", "-c", "change")
    repo.commit({"policies/new.yaml": policy("new", "{a: [{iamUser: zoe}]}", NEW)})
    repo.git("switch", "--quiet", "main")
    tip = repo.commit({"policies/search.yaml": None})
    repo.git("switch", "--quiet", "change")
    code, answer = as_json(capsys, repo)
    assert (code, [one["principal"] for one in answer["access"]]) == (0, ["iamUser zoe"])
    assert answer["base"] == {"revision": "main", "commit": tip, "mergeBase": start}


def test_a_gate_that_the_base_got_meanwhile_judges_all_the_same(repo: Repo, capsys: pytest.CaptureFixture[str]) -> None:
    repo.commit({"iamrbac.yaml": config()})
    repo.git("switch", "--quiet", "-c", "change")
    repo.commit({"policies/payments.yaml": GAIN})
    assert as_json(capsys, repo)[0] == 0
    repo.git("switch", "--quiet", "main")
    repo.commit({"iamrbac.yaml": config(GATES)})
    repo.git("switch", "--quiet", "change")
    code, answer = as_json(capsys, repo)
    assert (code, ids(answer)) == (3, ["GATE001"])


OWN_WAIVER = """\
  - rule: gate/production-reason
    scope: {clusters: ["*"]}
    reason: we say so ourselves
    notAfter: "2026-07-01T00:00:00Z"
"""


@pytest.mark.parametrize(
    "files",
    [
        {},
        {"iamrbac.yaml": config()},
        {"waivers.yaml": WAIVERS + OWN_WAIVER},
        {"iamrbac.yaml": config(GATES, CLUSTERS.replace("production", "sandbox"))},
        {"iamrbac.yaml": config(GATES, CLUSTERS.replace("{env: production}", "{env: development}"))},
        {
            "iamrbac.yaml": config(
                GATES,
                cluster("development", "development")
                + cluster("staging", "staging")
                + cluster("toy", "toy", ", eksName: production"),
            )
        },
    ],
    ids=[
        "as it is",
        "without the gates",
        "with a waiver of its own",
        "env by another word",
        "env relabelled",
        "renamed",
    ],
)
def test_a_branch_cannot_open_its_own_gate(
    repo: Repo, files: dict[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    named = "toy" if "toy" in files.get("iamrbac.yaml", "") else "production"
    if "sandbox" in files.get("iamrbac.yaml", ""):
        named = "sandbox"
        files = {"iamrbac.yaml": files["iamrbac.yaml"].replace("name: sandbox", "name: sandbox, eksName: production")}
    repo.write(files | {"policies/payments.yaml": GAIN.replace("[production]", f"[{named}]")})
    repo.write({"policies/temporary/launch.yaml": BASE["policies/temporary/launch.yaml"].replace("production", named)})
    code, answer = as_json(capsys, repo)
    assert code == 3
    assert "GATE001" in ids(answer)
    assert any("erin" in one["message"] for one in answer["refusals"] if one["id"] == "GATE001")


def test_a_waiver_of_the_base_accepts_and_is_told(repo: Repo, capsys: pytest.CaptureFixture[str]) -> None:
    repo.commit({"waivers.yaml": WAIVERS + OWN_WAIVER})
    repo.write({"policies/payments.yaml": GAIN})
    code, answer = as_json(capsys, repo)
    assert (code, ids(answer), answer["summary"]["accepted"]) == (0, [], 1)
    assert answer["accepted"][0]["reason"] == "we say so ourselves"
    assert [one["id"] for one in answer["findings"]] == ["WVR001"]


def test_a_reason_or_an_end_satisfies_the_gate(repo: Repo, capsys: pytest.CaptureFixture[str]) -> None:
    repo.write({"policies/payments.yaml": GAIN.replace("role: operator", "role: operator, reason: PAY-1")})
    assert as_json(capsys, repo)[0] == 0
    repo.write({"policies/payments.yaml": BASE["policies/payments.yaml"]})
    repo.write({"policies/temporary/inc.yaml": grant("inc", "2026-06-02T00:00:00Z", role="operator")})
    code, answer = as_json(capsys, repo)
    assert (code, len(answer["access"])) == (0, 1)


def test_a_base_without_a_config_has_no_gates(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    repo = Repo.init(tmp_path / "repo")
    repo.commit({"README.md": "soon"})
    repo.write(BASE)
    code, answer = as_json(capsys, repo)
    assert code == 0
    assert answer["summary"]["gain"] == 5
    assert "no iamrbac.yaml" in answer["notes"][0]


def test_people_of_a_snapshot(repo: Repo, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Alice is in both groups, so that of what oncall gains she has a part already; zoe's group nobody asked for."""
    arn = f"arn:aws:iam::{ACCOUNT}:user"
    snapshot = {
        "formatVersion": 1,
        "kind": "Identities",
        "groups": [
            {"account": ACCOUNT, "name": "payments-developers", "members": [f"{arn}/alice"]},
            {"account": ACCOUNT, "name": "payments-oncall", "members": [f"{arn}/alice", f"{arn}/ops/bob"]},
            {"account": ACCOUNT, "name": "search-developers", "members": []},
        ],
        "principals": [{"account": ACCOUNT, "name": "user/erin", "arn": f"{arn}/staff/erin"}],
    }
    people = tmp_path / "people.json"
    people.write_text(json.dumps(snapshot))
    repo.write({"policies/payments.yaml": GAIN.replace("{iamUser: erin}", "{iamUser: erin}, {iamGroup: newcomers}")})
    code, out, err = diff(capsys, repo, "--identities", str(people), "-o", "json")
    answer = json.loads(out)
    assert err == f"people as of an unknown time, from {people}\n"
    changed = {one["principal"]: [change["change"] for change in one["changes"]] for one in answer["access"]}
    assert changed.keys() == {f"{arn}/alice", f"{arn}/ops/bob", f"{arn}/staff/erin", "iamGroup newcomers"}
    assert (code, answer["notes"]) == (
        3,
        ["not in the snapshot of people, and shown as declared: iamGroup newcomers, iamUser dave"],
    )


def test_a_cluster_that_leaves_the_config_is_let_go(repo: Repo, capsys: pytest.CaptureFixture[str]) -> None:
    only = cluster("development", "development") + cluster("production", "production")
    repo.write({"iamrbac.yaml": config(GATES, only), "policies/search.yaml": None})
    code, answer = as_json(capsys, repo)
    assert (code, answer["access"]) == (0, [])
    assert "staging: no longer in iamrbac.yaml" in answer["notes"][0]


@pytest.mark.parametrize("form", ["text", "markdown", "html", "json"])
def test_an_invalid_head_is_refused_with_its_findings(
    repo: Repo, form: str, capsys: pytest.CaptureFixture[str]
) -> None:
    repo.write({"policies/bad.yaml": "kind: AccessPolicy\n", "waivers.yaml": "kind: Waivers\n"})
    code, out, _ = diff(capsys, repo, "-o", form)
    assert code == 3
    assert "policies/bad.yaml" in out
    assert "waivers.yaml" in out
    if form == "json":
        Draft202012Validator(SCHEMA).validate(json.loads(out))


def test_of_an_invalid_base_nothing_is_known(repo: Repo, capsys: pytest.CaptureFixture[str]) -> None:
    repo.commit({"policies/search.yaml": "kind: AccessPolicy\n"})
    repo.write({"policies/search.yaml": BASE["policies/search.yaml"]})
    code, out, err = diff(capsys, repo)
    assert code == 1
    assert "the documents of main are invalid" in err
    assert "policies/search.yaml:1:1" in out


@pytest.mark.parametrize("base", ["nowhere", "main^{tree}", "-x", "main...HEAD"])
def test_a_base_that_is_not_there(repo: Repo, base: str, capsys: pytest.CaptureFixture[str]) -> None:
    code, out, err = diff(capsys, repo, base=base)
    assert (code, out) == (1, "")
    assert "[ERR102]" in err
    assert "Next: " in err


def test_a_shallow_clone_says_how_to_get_the_rest(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    repo = history(tmp_path / "repo")
    clone = repo.clone(tmp_path / "clone", "--depth", "1")
    code, out, err = diff(capsys, clone, base="origin/main")
    assert (code, out) == (1, "")
    assert "git fetch --unshallow" in err
    clone.git("fetch", "--quiet", "--depth", "1", "origin", "main:refs/remotes/origin/main")
    code, _, err = diff(capsys, clone, base="origin/main")
    assert code == 1
    assert "is not in this shallow clone" in err
    clone.git("fetch", "--quiet", "--unshallow", "origin", "change")
    assert diff(capsys, clone, base="origin/main")[0] == 3


def test_without_a_base_it_is_usage(repo: Repo, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["diff", "-C", str(repo.folder)]) == 64
    assert "--base" in capsys.readouterr().err


def test_outside_of_git_it_cannot_be_known(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "iamrbac.yaml").write_text(config())
    assert run(["diff", "-C", str(tmp_path), "--base", "main"]) == 1
    assert "it is in no git repository" in capsys.readouterr().err
