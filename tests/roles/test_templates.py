from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from iamrbac.compile.desired import RoleFault, RoleRequest
from iamrbac.rbac.objects import Rule
from iamrbac.roles.templates import MOST_SOURCE, TemplateRoles

PODS = "rules:\n  - {apiGroups: [''], resources: [pods], verbs: [get]}\n"
POD_RULES = (Rule(("get",), ("",), ("pods",)),)


def write(root: Path, source: str | bytes, name: str = "own") -> Path:
    folder = root / "templates" / "roles"
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{name}.yaml.j2"
    path.write_bytes(source if isinstance(source, bytes) else source.encode())
    return path


def request(name: str = "own", parameters: Mapping[str, Any] | None = None, **labels: str) -> RoleRequest:
    return RoleRequest(name, json.dumps(parameters or {}, sort_keys=True), "staging", tuple(sorted(labels.items())))


def render(
    root: Path, source: str | bytes, parameters: Mapping[str, Any] | None = None, **labels: str
) -> tuple[Rule, ...] | RoleFault:
    write(root, source)
    return TemplateRoles(root).render(request("own", parameters, **labels))


def fault(root: Path, source: str | bytes, parameters: Mapping[str, Any] | None = None, **labels: str) -> RoleFault:
    found = render(root, source, parameters, **labels)
    assert isinstance(found, RoleFault), found
    assert found.hint
    assert "\n" not in found.message
    assert found.message.startswith("templates/roles/own.yaml.j2")
    return found


def test_a_template_gives_rules_by_cluster_and_parameters(tmp_path: Path) -> None:
    source = """{# for tests #}
    {%- set production = cluster.labels.env | default("production") == "production" %}
    rules:
      - apiGroups: [""]
        resources: {{ parameters.resources | tojson }}
        verbs: [get{% if not production %}, delete{% endif %}]
    {%- for name in parameters.more | default([]) %}
      - {apiGroups: [{{ name }}], resources: [things], verbs: [{{ cluster.name }}{{ loop.index }}]}
    {%- endfor %}
    """
    given_ = {"resources": ["pods", "no"], "more": ["a.io", "b.io"]}
    assert render(tmp_path, source, given_, env="staging") == (
        Rule(("get", "delete"), ("",), ("pods", "no")),
        Rule(("staging1",), ("a.io",), ("things",)),
        Rule(("staging2",), ("b.io",), ("things",)),
    )
    assert render(tmp_path, source, {"resources": ["pods"]}) == (Rule(("get",), ("",), ("pods",)),)


def test_a_repositorys_own_template_wins_by_name_and_both_are_listed(tmp_path: Path) -> None:
    write(tmp_path, PODS, "viewer")
    write(tmp_path, PODS, "own")
    (tmp_path / "templates" / "roles" / "README.md").write_text("no template")
    roles = TemplateRoles(tmp_path)
    assert roles.names() == ("deployer", "developer", "operator", "own", "viewer")
    assert roles.render(request("viewer")) == POD_RULES
    assert roles.render(request("developer")) == TemplateRoles(None).render(request("developer"))
    assert TemplateRoles(None).names() == ("deployer", "developer", "operator", "viewer")
    assert TemplateRoles(tmp_path / "nowhere").names() == TemplateRoles(None).names()


def test_equal_rules_are_the_same_object(tmp_path: Path) -> None:
    write(tmp_path, PODS)
    write(tmp_path, PODS, "other")
    roles = TemplateRoles(tmp_path)
    assert roles.render(request("own")) is roles.render(request("other"))


@pytest.mark.parametrize("name", ["missing", "../own", "roles/own", "OWN", "", ".", "own.yaml", "a" * 300])
def test_a_template_that_is_not_there(tmp_path: Path, name: str) -> None:
    write(tmp_path, PODS)
    (tmp_path / "templates" / "own.yaml.j2").write_text(PODS)
    found = TemplateRoles(tmp_path).render(request(name))
    assert isinstance(found, RoleFault)
    assert found.id == "TPL001"
    assert "viewer" in found.hint or "did you mean" in found.hint


def test_did_you_mean(tmp_path: Path) -> None:
    found = TemplateRoles(None).render(request("develper"))
    assert found == RoleFault(
        "TPL001", "templates/roles/develper.yaml.j2: there is no such role template", "did you mean 'developer'?"
    )
    assert fault(tmp_path, "rules: {{ param.x }}").hint == "did you mean 'parameters'?"
    assert fault(tmp_path, "rules: {{ [] | defaul }}").hint == "did you mean 'default'?"
    found = fault(tmp_path, PODS + "# {{ parameters.exec | default(1) }}", {"exce": True})
    assert (found.id, found.hint) == ("TPL005", "did you mean 'exec'?")
    assert "there is no field 'verb' (did you mean 'verbs'?)" in fault(tmp_path, "rules: [{verb: [get]}]").message


@pytest.mark.parametrize(
    ("source", "id_", "line", "says"),
    [
        ("rules:\n{% if %}\n", "TPL003", 2, "Expected an expression"),
        ("rules:\n\n{{ }\n", "TPL003", 3, "unexpected '}'"),
        ("rules:\n{% for x in [1] %}\n", "TPL003", 2, "endfor"),
        ("{% unknown %}", "TPL003", 1, "unknown tag"),
        ("rules:\n- {{ nothing }}", "TPL004", 2, "'nothing' is not defined"),
        ("rules:\n- {{ parameters.x }}", "TPL004", 2, "there is no 'x', only: nothing"),
        ("rules:\n- {{ cluster.region }}", "TPL004", 2, "there is no 'region', only: labels, name"),
        ("rules:\n- {{ cluster.labels.env }}", "TPL004", 2, "there is no 'env'"),
        ("rules:\n- {{ cluster.labels.a.b }}", "TPL004", 2, "there is no 'a'"),
        ("rules: {{ parameters.x | tojson }}", "TPL004", 1, "there is no 'x'"),
        ("rules: {{ range(3) | tojson }}", "TPL011", 1, "range cannot be written as JSON"),
        ("{% if parameters.x %}{% endif %}", "TPL004", 1, "there is no 'x'"),
        ("rules:\n- {{ cluster.labels }}", "TPL011", 2, "dict cannot be written as it is"),
        ("rules:\n- {{ none }}", "TPL011", 2, "NoneType cannot be written"),
        ("rules: {{ ['a', 1] | sort | tojson }}", "TPL011", 1, "not supported"),
        ("rules: [", "TPL008", None, "in line 1 of its output"),
        ("rules: []\n---\nrules: []\n", "TPL008", None, "expected a single document"),
        ("rules: !!python/object/apply:os.system [id]", "TPL008", None, "could not determine a constructor"),
        ("rules: []\nrules: []\n", "TPL008", None, "the key 'rules' stands twice"),
        ("rules: [{verbs: [get], verbs: [list]}]", "TPL008", None, "the key 'verbs' stands twice"),
        ("rules: " + "[" * 3000, "TPL008", None, "does not render to YAML"),
        ("rules: \x01", "TPL006", 1, "U+0001 (control character) stands here"),
        ("? [a]\n: b", "TPL008", None, "unhashable"),
        ("? {a: b}\n: b", "TPL008", None, "unhashable"),
        ("", "TPL009", None, "renders to nothing"),
        ("[]", "TPL009", None, "renders to a list"),
        ("kind: Role\nrules: []", "TPL009", None, "a mapping with kind, rules"),
        ("rules:", "TPL009", None, "`rules:` is not a list"),
        ("rules: {}", "TPL009", None, "`rules:` is not a list"),
        ("rules: [x]", "TPL010", None, "rules[0]: expected a mapping"),
        ("rules: [{apiGroups: [''], resources: [pods]}]", "TPL010", None, "rules[0].verbs: Required value"),
        ("rules: [{apiGroups: [''], resources: [pods], verbs: [no]}]", "TPL010", None, "rules[0].verbs[0]: expected"),
        ("rules: [{apiGroups: '', resources: [pods], verbs: [get]}]", "TPL010", None, "rules[0].apiGroups: expected"),
        ("rules: [{resources: [pods], verbs: [get]}, {verbs: [get]}]", "TPL010", None, "; rules[1]"),
        ("rules: [{nonResourceURLs: [/a], resources: [pods], verbs: [get]}]", "TPL010", None, "both regular"),
    ],
)
def test_what_can_be_wrong_has_an_id_a_line_and_a_next_step(
    tmp_path: Path, source: str, id_: str, line: int | None, says: str
) -> None:
    found = fault(tmp_path, source)
    assert (found.id, found.template_line) == (id_, line), found
    assert says in found.message
    assert line is None or found.message.startswith(f"templates/roles/own.yaml.j2:{line}: ")


def test_parameters_that_nothing_reads_are_refused_unless_all_are_read(tmp_path: Path) -> None:
    for read in ("parameters.a", 'parameters["a"]', '"a" in parameters'):
        source = PODS + f"# {{{{ {read} }}}}"
        assert render(tmp_path, source, {"a": "x"}) == POD_RULES
        assert fault(tmp_path, source, {"a": "x", "b": 1, "c": 2}).message == (
            "templates/roles/own.yaml.j2: the template has no parameter 'b', 'c'; it reads a"
        )
    whole = PODS + "# {% for name in parameters %}{{ name }}{% endfor %}"
    assert render(tmp_path, whole, {"b": 1}) == POD_RULES


def test_a_parameter_is_a_parameter_whatever_it_is_called(tmp_path: Path) -> None:
    source = "rules: [{apiGroups: [''], resources: [pods], verbs: [{{ parameters.items }}, {{ parameters.get }}]}]"
    assert render(tmp_path, source, {"items": "list", "get": "get"}) == (Rule(("list", "get"), ("",), ("pods",)),)
    assert fault(tmp_path, source, {"items": "list"}).id == "TPL004"


def test_a_fault_of_a_shipped_template_says_that_it_is_shipped() -> None:
    found = TemplateRoles(None).render(request("viewer", {"exec": True}))
    assert isinstance(found, RoleFault)
    assert found.message == (
        "templates/roles/viewer.yaml.j2 (shipped with iamrbac): the template has no parameter 'exec'; it reads none"
    )


def test_files_that_are_no_templates(tmp_path: Path) -> None:
    assert fault(tmp_path, b"rules: []\n# \xff").message.endswith("it is not UTF-8 text")
    assert fault(tmp_path, "#" * (MOST_SOURCE + 1)).id == "TPL007"
    path = write(tmp_path, PODS, "folder")
    path.unlink()
    path.mkdir()
    found = TemplateRoles(tmp_path).render(request("folder"))
    assert isinstance(found, RoleFault)
    assert (found.id, "it is not a file" in found.message) == ("TPL002", True)
    pipe = path.with_name("pipe.yaml.j2")
    os.mkfifo(pipe)
    found = TemplateRoles(tmp_path).render(request("pipe"))
    assert isinstance(found, RoleFault)
    assert found.id == "TPL002"


@pytest.mark.parametrize("what", ["file", "roles", "templates"])
def test_a_link_that_leads_out_of_the_repository_is_not_followed(tmp_path: Path, what: str) -> None:
    outside, root = tmp_path / "outside", tmp_path / "repository"
    write(outside, PODS)
    root.mkdir()
    if what == "templates":
        (root / "templates").symlink_to(outside / "templates")
    elif what == "roles":
        (root / "templates").mkdir()
        (root / "templates" / "roles").symlink_to(outside / "templates" / "roles")
    else:
        (root / "templates" / "roles").mkdir(parents=True)
        (root / "templates" / "roles" / "own.yaml.j2").symlink_to(outside / "templates" / "roles" / "own.yaml.j2")
    found = TemplateRoles(root).render(request())
    assert isinstance(found, RoleFault)
    assert (found.id, "leads out of the repository" in found.message) == ("TPL002", True)


def test_links_inside_the_repository_work_and_broken_ones_are_told(tmp_path: Path) -> None:
    path = write(tmp_path, PODS)
    path.with_name("alias.yaml.j2").symlink_to("own.yaml.j2")
    path.with_name("broken.yaml.j2").symlink_to("nowhere.yaml.j2")
    path.with_name("loop.yaml.j2").symlink_to("loop.yaml.j2")
    roles = TemplateRoles(tmp_path)
    assert roles.render(request("alias")) == POD_RULES
    for name in ("broken", "loop"):
        found = roles.render(request(name))
        assert isinstance(found, RoleFault)
        assert found.id == "TPL002"


SCALARS = st.one_of(st.text(max_size=20), st.integers(), st.booleans(), st.none(), st.lists(st.text(max_size=5)))


@settings(max_examples=100, deadline=None)
@given(SCALARS)
def test_a_parameter_given_through_tojson_arrives_as_it_was(
    tmp_path_factory: pytest.TempPathFactory, value: Any
) -> None:
    root = tmp_path_factory.mktemp("own")
    source = "rules: [{apiGroups: [''], resources: {{ parameters.x | tojson }}, verbs: [get]}]"
    found = render(root, source, {"x": value})
    if isinstance(value, list) and value and all(isinstance(item, str) for item in value):
        assert found == (Rule(("get",), ("",), tuple(value)),)
    else:
        assert isinstance(found, RoleFault)


@settings(max_examples=200, deadline=None)
@given(st.text(alphabet=st.sampled_from(list("{%}#|()[]'\".: \nabprules-")), max_size=60))
def test_no_source_whatever_raises(tmp_path_factory: pytest.TempPathFactory, source: str) -> None:
    found = render(tmp_path_factory.mktemp("own"), source)
    assert isinstance(found, RoleFault | tuple)
