"""What an object says, read back from the JSON that `plan.document.spec_json` writes."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final, Literal, cast, get_args

from iamrbac.compile.desired import Key, Kind, Namespace, Spec
from iamrbac.mapping.objects import AccessEntry, AwsAuthRow, PolicyAssociation, Section
from iamrbac.rbac.wire import binding_from_json, role_from_json

Json = Mapping[str, Any]
_SCOPE = Literal["cluster", "namespace"]


def spec_from_json(key: Key, value: object) -> Spec:
    """Return the spec of an object with this key; labels are not in it. Raises ValueError naming the field."""
    return _READERS[key.kind](key, mapping(value, "spec"))


def text(value: Json, name: str) -> str:
    """Return a text. Raises ValueError."""
    found = value.get(name)
    if not isinstance(found, str):
        raise ValueError(f"{name}: expected a text")
    return found


def texts(value: Json, name: str) -> tuple[str, ...]:
    """Return a list of texts. Raises ValueError."""
    found = value.get(name)
    if not isinstance(found, list) or not all(isinstance(one, str) for one in found):
        raise ValueError(f"{name}: expected a list of texts")
    return tuple(found)


def text_map(value: Json, name: str) -> dict[str, str]:
    """Return texts by name. Raises ValueError."""
    found = mapping(value.get(name), name)
    if not all(isinstance(one, str) for one in found.values()):
        raise ValueError(f"{name}: expected texts")
    return dict(found)


def mapping(value: object, name: str) -> Json:
    """Return a JSON object. Raises ValueError."""
    if not isinstance(value, dict):
        raise ValueError(f"{name}: expected an object")
    return value


def one_of(kinds: object, value: Json, name: str) -> str:
    """Return one of the values of a Literal. Raises ValueError."""
    found = text(value, name)
    if found not in get_args(kinds):
        raise ValueError(f"{name}: {found!r} is not known")
    return found


def _namespace(key: Key, value: Json) -> Spec:
    del value
    return Namespace(key.name)


def _rbac(read: Callable[[Json], Spec]) -> Callable[[Key, Json], Spec]:
    def reader(key: Key, value: Json) -> Spec:
        place = {"namespace": key.namespace} if key.namespace else {}
        return read({**value, "kind": key.kind, "metadata": {"name": key.name, **place}})

    return reader


def _entry(key: Key, value: Json) -> Spec:
    return AccessEntry(key.name, text(value, "username"), texts(value, "groups"), text(value, "type"))


def _association(key: Key, value: Json) -> Spec:
    principal, hash_, policy = key.name.partition("#")
    if not hash_:
        raise ValueError("name: expected PRINCIPAL#POLICY")
    scope = cast(_SCOPE, one_of(_SCOPE, value, "scope"))
    return PolicyAssociation(principal, policy, scope, texts(value, "namespaces"))


def _row(key: Key, value: Json) -> Spec:
    section = cast(Section, one_of(Section, value, "section"))
    return AwsAuthRow(section, key.name, text(value, "username"), texts(value, "groups"))


_READERS: Final[Mapping[Kind, Callable[[Key, Json], Spec]]] = {
    "Namespace": _namespace,
    "Role": _rbac(role_from_json),
    "ClusterRole": _rbac(role_from_json),
    "RoleBinding": _rbac(binding_from_json),
    "ClusterRoleBinding": _rbac(binding_from_json),
    "AccessEntry": _entry,
    "AccessPolicyAssociation": _association,
    "AwsAuthRow": _row,
}
