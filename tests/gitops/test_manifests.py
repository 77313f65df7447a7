from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from iamrbac.compile.desired import ClusterDesired, Desired, Key, Kind, Namespace, PolicyGrant, Principals, Spec
from iamrbac.compile.manifest import manifest_json
from iamrbac.gitops.manifests import Manifests, principals_json
from iamrbac.mapping.objects import AccessEntry
from iamrbac.rbac.objects import Binding, Role, RoleRef, Rule, Selector, Subject
from iamrbac.rbac.wire import binding_from_json, role_from_json

odd = st.one_of(
    st.text(max_size=12), st.sampled_from(["no", "1e3", "a: b", "- x", "#", "null", "12:30", "'\"", "é\n", "system:x"])
)
many = st.lists(odd, max_size=3).map(tuple)
rules = st.lists(st.builds(Rule, many, many, many, many, many), max_size=3).map(tuple)
labels = st.dictionaries(odd, odd, max_size=3)
subjects = st.lists(
    st.one_of(
        st.builds(Subject, st.sampled_from(["User", "Group"]), odd),
        st.builds(Subject, st.just("ServiceAccount"), odd, st.text("ab", min_size=1, max_size=3)),
    ),
    max_size=2,
).map(tuple)
places = st.one_of(st.none(), st.text("ab01-", min_size=1, max_size=5))


def desired(spec: Spec, marks: Mapping[str, str]) -> Desired:
    kind: Kind = (
        "Namespace" if isinstance(spec, Namespace) else spec.kind if isinstance(spec, Role | Binding) else "AccessEntry"
    )
    namespace = spec.namespace if isinstance(spec, Role | Binding) else None
    name = spec.principal if isinstance(spec, AccessEntry) else getattr(spec, "name", "")
    return Desired(Key("staging", kind, namespace or "", name), spec, marks)


def role(namespace: str | None, name: str, made: tuple[Rule, ...], marks: dict[str, str]) -> Desired:
    return desired(Role("ClusterRole" if namespace is None else "Role", namespace, name, made, (), marks), marks)


def binding(namespace: str | None, name: str, ref: str, who: tuple[Subject, ...], marks: dict[str, str]) -> Desired:
    kind = "ClusterRoleBinding" if namespace is None else "RoleBinding"
    bound = Binding(
        "ClusterRoleBinding" if namespace is None else "RoleBinding",
        namespace,
        name,
        RoleRef("ClusterRole", ref),
        who,
        marks,
    )
    assert bound.kind == kind
    return desired(bound, marks)


items = st.one_of(
    st.builds(role, places, odd, rules, labels),
    st.builds(binding, places, odd, odd, subjects, labels),
    st.builds(lambda name, marks: desired(Namespace(name), marks), odd, labels),
)


@given(st.lists(items, min_size=1, max_size=6))
def test_text_is_read_back_as_the_json_and_the_json_as_the_object(objects: list[Desired]) -> None:
    manifests = Manifests()
    for item in objects:
        text = manifests.text(item)
        value: dict[str, Any] = yaml.load(text, yaml.CSafeLoader)
        assert value == manifest_json(item)
        assert manifests.text(item) == text == Manifests().text(item)
        if isinstance(item.spec, Role):
            back = role_from_json(value)
            assert (back, dict(back.labels)) == (item.spec, dict(item.labels))
        elif isinstance(item.spec, Binding):
            back_binding = binding_from_json(value)
            assert (back_binding, dict(back_binding.labels)) == (item.spec, dict(item.labels))
        else:
            assert value["kind"] == "Namespace"


@given(st.lists(items, min_size=1, max_size=4))
def test_a_stream_holds_each_object_once(objects: list[Desired]) -> None:
    manifests = Manifests()
    stream = "".join(f"---\n{manifests.text(item)}" for item in objects)
    assert list(yaml.load_all(stream, yaml.CSafeLoader)) == [manifest_json(item) for item in objects]


def test_a_role_reads_like_one_of_kubectls() -> None:
    made = role("payments", "r", (Rule(("get", "list"), ("", "apps"), ("pods",)),), {"b": "x", "a": "yes"})
    assert Manifests().text(made) == (
        "apiVersion: rbac.authorization.k8s.io/v1\n"
        "kind: Role\n"
        "metadata:\n"
        "  name: r\n"
        "  namespace: payments\n"
        "  labels:\n"
        '    a: "yes"\n'
        "    b: x\n"
        "rules:\n"
        "- apiGroups:\n"
        '  - ""\n'
        "  - apps\n"
        "  resources:\n"
        "  - pods\n"
        "  verbs:\n"
        "  - get\n"
        "  - list\n"
    )


def test_an_aggregated_role_keeps_its_selectors() -> None:
    spec = Role("ClusterRole", None, "r", (), (Selector((("a", "b"),)),))
    value = yaml.load(Manifests().text(desired(spec, {})), yaml.CSafeLoader)
    assert role_from_json(value) == spec


def test_an_access_entry_is_no_kubernetes_object() -> None:
    with pytest.raises(TypeError, match="AccessEntry"):
        Manifests().text(desired(AccessEntry("arn", "me"), {}))


def test_principals_say_who_carries_a_group_and_its_access_policies() -> None:
    groups = (
        Principals("iamrbac:a:b:c", ("iamGroup x", "iamUser y")),
        Principals("iamrbac:a:b:d", (), (PolicyGrant("View", ("p", "q")), PolicyGrant("Edit", None))),
    )
    assert principals_json(ClusterDesired("staging", (), groups, {})) == {
        "apiVersion": "iamrbac.dev/v1alpha1",
        "kind": "Principals",
        "metadata": {"name": "staging"},
        "groups": [
            {"name": "iamrbac:a:b:c", "members": ["iamGroup x", "iamUser y"]},
            {
                "name": "iamrbac:a:b:d",
                "members": [],
                "eksAccessPolicies": [
                    {"name": "View", "scope": "namespace", "namespaces": ["p", "q"]},
                    {"name": "Edit", "scope": "cluster"},
                ],
            },
        ],
    }
