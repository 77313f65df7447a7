"""Validation of the four RBAC kinds: what `rbac.validate` says, as causes of a 422."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

from iamrbac.rbac.validate import manifest_problems
from iamrbac.sandbox.kube.kinds import Kind
from iamrbac.sandbox.kube.status import Cause, invalid_value
from iamrbac.sandbox.kube.values import Json

_TYPES: Final[Mapping[str, str]] = {
    "Required value": "FieldValueRequired",
    "Invalid value": "FieldValueInvalid",
    "Unsupported value": "FieldValueNotSupported",
    "Forbidden": "FieldValueForbidden",
}
_ROLE_REF: Final[Mapping[str, str]] = {"APIGroup": "apiGroup", "Kind": "kind", "Name": "name"}


def rbac_causes(kind: Kind, obj: Json) -> Iterator[Cause]:
    """Everything wrong with a Role, ClusterRole, RoleBinding or ClusterRoleBinding, except its metadata."""
    for problem in manifest_problems({"kind": kind.kind, **obj}):
        field, _, message = problem.partition(": ")
        if not field.startswith("metadata."):
            yield Cause(_TYPES.get(message.partition(":")[0], "FieldValueInvalid"), field, message)


def rbac_update_causes(obj: Json, old: Json) -> Iterator[Cause]:
    """What an update may not change."""
    if obj.get("roleRef") != old.get("roleRef"):
        # The server shows its internal type, whose fields have Go's names.
        shown = {go: obj["roleRef"].get(name, "") for go, name in _ROLE_REF.items()}
        yield invalid_value("roleRef", shown, "cannot change roleRef")
