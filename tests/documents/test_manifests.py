"""RBAC objects of other people's manifests: all of them, or a finding that says which one is not there."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from iamrbac.documents.manifests import read_manifests
from iamrbac.model.errors import UsageError
from iamrbac.rbac.objects import Binding, RbacState, Role
from iamrbac.rbac.validate import problems
from iamrbac.rbac.wire import binding_to_json, role_to_json
from tests.rbac.strategies import states

RBAC = "rbac.authorization.k8s.io/v1"
ROLE = f"""\
apiVersion: {RBAC}
kind: Role
metadata: {{name: reader, namespace: shop}}
rules:
- {{apiGroups: [""], resources: [pods], verbs: [get]}}
"""
BINDING = f"""\
apiVersion: {RBAC}
kind: RoleBinding
metadata: {{name: readers, namespace: shop}}
roleRef: {{apiGroup: rbac.authorization.k8s.io, kind: Role, name: reader}}
subjects:
- {{kind: ServiceAccount, name: web}}
"""
DEPLOYMENT = "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: web}\ntwice: 1\ntwice: 2\n"


def read(file: Path, text: str) -> tuple[list[str], list[str]]:
    """What is in a file, and what is wrong with it: `LINE:COLUMN ID message`."""
    file.write_text(text)
    return told(file)


def told(path: Path) -> tuple[list[str], list[str]]:
    objects, findings = read_manifests(path)
    return (
        [f"{one.kind} {one.namespace or '-'}/{one.name}" for one in objects],
        [f"{one.line}:{one.column} {one.id} {one.message}" for one in findings],
    )


def test_documents_of_a_file_and_what_is_passed_over(tmp_path: Path) -> None:
    text = f"# only words\n---\n{ROLE}---\n{DEPLOYMENT}--- # nothing\n---\n{BINDING}...\n"
    assert read(tmp_path / "a.yaml", text) == (["Role shop/reader", "RoleBinding shop/readers"], [])


@pytest.mark.parametrize(
    ("kind", "items"),
    [
        ("List", [{"apiVersion": RBAC, "kind": "ClusterRole", "metadata": {"name": "a"}, "rules": []}]),
        ("ClusterRoleList", [{"metadata": {"name": "a"}, "rules": None}]),
        (
            "List",
            [{"apiVersion": RBAC, "kind": "ClusterRoleList", "items": [{"metadata": {"name": "a"}}]}, "nonsense", None],
        ),
    ],
)
def test_lists_as_kubectl_and_the_server_give_them(kind: str, items: list[object], tmp_path: Path) -> None:
    version = "v1" if kind == "List" else RBAC
    value = {"apiVersion": version, "kind": kind, "items": items}
    assert read(tmp_path / "a.json", json.dumps(value)) == (["ClusterRole -/a"], [])
    assert read(tmp_path / "a.json", json.dumps({**value, "items": None})) == ([], [])


def test_a_folder_is_read_whole_but_for_what_is_hidden(tmp_path: Path) -> None:
    for name in ("b/role.yml", "a.YAML", ".git/role.yaml", ".hidden.yaml", "notes.txt"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(ROLE.replace("reader", name.replace("/", "-").lower()))
    assert told(tmp_path) == (["Role shop/a.yaml", "Role shop/b-role.yml"], [])


def test_the_same_object_twice_and_another_of_its_name(tmp_path: Path) -> None:
    same = f"{ROLE}---\n{ROLE}"
    assert read(tmp_path / "a.yaml", same) == (["Role shop/reader"], [])
    objects, findings = read(tmp_path / "a.yaml", f"{same}---\n{ROLE.replace('[get]', '[list]')}")
    assert objects == ["Role shop/reader"]
    assert findings == [
        f"13:None MAN002 Role reader is here for the second time, and says something else than in {tmp_path}/a.yaml:1"
    ]


@pytest.mark.parametrize(
    ("text", "finding"),
    [
        (ROLE.replace('[""]', "[]"), "1:None MAN001 Role reader would be refused: rules[0].apiGroups: Required value"),
        (ROLE.replace(", namespace: shop", ""), "1:None MAN001 Role reader would be refused: metadata.namespace"),
        (ROLE.replace("[get]", "get"), "1:None MAN001 Role reader is malformed: "),
        (ROLE.replace("{name: reader, namespace: shop}", "[]"), "1:None MAN001 a Role "),
        (ROLE.replace("[pods]", "[pods"), "5:"),
        ("\x00", "1:1 DOC002 "),
        (
            f"apiVersion: {RBAC}\nkind: RoleList\nitems: {{}}\n",
            "1:None MAN001 a RoleList is malformed: items is no list",
        ),
    ],
)
def test_what_is_wrong_is_said_with_its_place(text: str, finding: str, tmp_path: Path) -> None:
    objects, findings = read(tmp_path / "a.yaml", text)
    assert (objects, [one for one in findings if not one.startswith(finding)]) == ([], [])
    assert findings


def test_what_readers_of_yaml_take_differently_is_refused_in_rbac_alone(tmp_path: Path) -> None:
    _, findings = read(tmp_path / "a.yaml", f"{DEPLOYMENT}---\n{ROLE}rules: []\n")
    assert [one.partition(" the key")[0] for one in findings] == ["12:1 DOC005"]
    _, findings = read(tmp_path / "a.yaml", ROLE.replace("[get]", "[get, yes]"))
    assert findings == ["1:None MAN001 Role reader is malformed: rules[0].verbs[1]: expected a string, found a boolean"]


@pytest.mark.parametrize(
    ("text", "finding"),
    [
        ('{"kind": }', "1:10 DOC003 this is not JSON: Expecting value"),
        ("[" * 100_000, "None:None DOC009 this is no manifest: "),
        ('{"kind": "List", "items": 1' + "0" * 5000 + "}", "None:None DOC009 this is no manifest: "),
    ],
)
def test_json_that_is_none(text: str, finding: str, tmp_path: Path) -> None:
    objects, (said,) = read(tmp_path / "a.json", text)
    assert objects == []
    assert said.startswith(finding)


def test_bytes_that_are_no_text_and_files_that_are_none(tmp_path: Path) -> None:
    (tmp_path / "latin.yaml").write_bytes(b"a: \xe9\n")
    (tmp_path / "gone.yaml").symlink_to("nowhere")
    os.mkfifo(tmp_path / "pipe.yaml")
    _, findings = read_manifests(tmp_path)
    assert [(Path(one.file or "").name, one.id) for one in findings] == [
        ("gone.yaml", "DOC001"),
        ("latin.yaml", "DOC002"),
        ("pipe.yaml", "DOC001"),
    ]


def test_a_path_with_nothing_to_read(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="there is no such file or folder"):
        read_manifests(tmp_path / "nowhere")
    with pytest.raises(UsageError, match="holds no manifest"):
        read_manifests(tmp_path)


def test_a_bomb_of_aliases_is_no_bomb(tmp_path: Path) -> None:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 12)]
    text = "\n".join([f"apiVersion: {RBAC}", "kind: Role", *lines])
    objects, findings = read(tmp_path / "a.yaml", text)
    assert objects == []
    assert findings


@given(states())
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_what_the_api_would_store_is_read_back(tmp_path: Path, state: RbacState) -> None:
    everything: list[Role | Binding] = [*state.roles, *state.bindings]
    given_ = [one for one in everything if not problems(one)]
    items = [role_to_json(one) if isinstance(one, Role) else binding_to_json(one) for one in given_]
    file = tmp_path / "all.json"
    file.write_text(json.dumps({"apiVersion": "v1", "kind": "List", "items": items}))
    assert read_manifests(file) == (tuple(given_), ())


@given(
    st.lists(
        st.sampled_from([*"[]{}:,-&*!|>'\"% ab1\n\t", "- ", ": ", "---\n", "kind: Role\n", f"apiVersion: {RBAC}\n"]),
        max_size=30,
    )
)
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_text_gives_objects_or_findings(tmp_path: Path, parts: list[str]) -> None:
    (tmp_path / "a.yaml").write_text("".join(parts))
    objects, findings = read_manifests(tmp_path / "a.yaml")
    assert all(one.file and one.message and one.hint for one in findings)
    assert not objects
