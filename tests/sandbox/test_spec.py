"""sandbox.yaml: what it may say, and how each mistake is told."""

from __future__ import annotations

from pathlib import Path

import pytest

from iamrbac.sandbox.errors import SandboxError
from iamrbac.sandbox.spec import ClusterSpec, Person, RoleSpec, SandboxSpec, parse_spec, read_spec

ROOT = Path(__file__).parents[2]
HEAD = "apiVersion: iamrbac.dev/v1alpha1\nkind: Sandbox\n"
PAT = "people: [{user: pat, admin: true}]\n"


def faults(text: str) -> list[str]:
    with pytest.raises(SandboxError) as caught:
        parse_spec(text)
    where = f"{caught.value.where}: " if caught.value.where else ""
    return (where + caught.value.message).splitlines()


def test_the_whole_form() -> None:
    text = (
        HEAD
        + """
people:
  - {user: alice, path: /staff/, groups: [payments-developers]}
  - {user: pat, groups: [platform-admins], admin: true}
groups: [contractors]
roles: [{name: payments-deployer, path: /ci/}]
clusters:
  staging: {authenticationMode: API_AND_CONFIG_MAP, namespaces: [payments, search], manifests: sandbox/staging/}
"""
    )
    assert parse_spec(text) == SandboxSpec(
        api_version="iamrbac.dev/v1alpha1",
        kind="Sandbox",
        people=(
            Person(user="alice", path="/staff/", groups=("payments-developers",)),
            Person(user="pat", groups=("platform-admins",), admin=True),
        ),
        groups=("contractors",),
        roles=(RoleSpec(name="payments-deployer", path="/ci/"),),
        clusters={
            "staging": ClusterSpec(
                authentication_mode="API_AND_CONFIG_MAP",
                namespaces=("payments", "search"),
                manifests="sandbox/staging/",
            )
        },
    )


def test_the_samples() -> None:
    spec = read_spec(ROOT)
    assert spec is not None
    assert [person.user for person in spec.people] == ["alice", "bob", "carol", "dave", "erin", "pat"]
    assert {name: cluster.authentication_mode for name, cluster in spec.clusters.items()} == {
        "development": "API",
        "staging": "API_AND_CONFIG_MAP",
        "production": "CONFIG_MAP",
    }


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            HEAD + "people: [{user: pat, admin: true, grups: [a]}]\nclustrs: {}\n",
            [
                "sandbox.yaml:3:42: people[0].grups: unknown key (did you mean groups?)",
                "sandbox.yaml:4:10: clustrs: unknown key (did you mean clusters?)",
            ],
        ),
        (HEAD, ["sandbox.yaml:1:1: people: is missing"]),
        ("", ["sandbox.yaml: should be a valid dictionary or instance of SandboxSpec"]),
        (
            HEAD + "people: []\n",
            ["sandbox.yaml: nobody has `admin: true`; a platform engineer is needed, whose credentials a command gets"],
        ),
        (HEAD + PAT + PAT, ["sandbox.yaml:4:1: the key people is there twice"]),
        (
            HEAD + "people: [{user: pat, admin: true}, {user: pat}]\nroles: [{name: a}, {name: a}]\n",
            ["sandbox.yaml: the user pat is there twice", "sandbox.yaml: the role a is there twice"],
        ),
        (HEAD + "people: [{user: no, admin: true}]\n", ["sandbox.yaml:3:17: people[0].user: should be a valid string"]),
        (
            HEAD + PAT + "clusters: {staging: {authenticationMode: IAM}}\n",
            [
                "sandbox.yaml:4:42: clusters.staging.authenticationMode: "
                "should be 'CONFIG_MAP', 'API_AND_CONFIG_MAP' or 'API'"
            ],
        ),
        (
            HEAD + "people: [{user: pat, admin: true, path: staff}]\n",
            ["sandbox.yaml:3:41: people[0].path: String should match pattern '^/([!-~]+/)?$'"],
        ),
        (HEAD + "people: [", ["sandbox.yaml:4:1: is not YAML: did not find expected node content"]),
        ("a: *b", ["sandbox.yaml:1:4: is not YAML: found undefined alias"]),
        ("a: 1\n---\nb: 2\n", ["sandbox.yaml:2:1: is not YAML: but found another document"]),
    ],
)
def test_mistakes(text: str, expected: list[str]) -> None:
    assert faults(text) == expected


def test_files(tmp_path: Path) -> None:
    assert read_spec(tmp_path) is None
    (tmp_path / "sandbox.yaml").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(SandboxError, match=r"^sandbox\.yaml: cannot be read"):
        read_spec(tmp_path)
    (tmp_path / "sandbox.yaml").unlink()
    (tmp_path / "sandbox.yaml").mkdir()
    with pytest.raises(SandboxError, match=r"^sandbox\.yaml: cannot be read"):
        read_spec(tmp_path)
