"""Nobody may give what they do not have: the check before a role or a binding is written (rbac-semantics 5.6)."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from typing import Final

from iamrbac.rbac.covers import Atom, ResourceAtom, missing
from iamrbac.rbac.escalation import MissingRoleError, may_write_binding, may_write_role
from iamrbac.rbac.objects import Role, Rule
from iamrbac.rbac.subjects import MASTERS
from iamrbac.rbac.wire import binding_from_json, role_from_json
from iamrbac.sandbox.kube.access import errors_text
from iamrbac.sandbox.kube.kinds import RBAC_GROUP
from iamrbac.sandbox.kube.options import Write
from iamrbac.sandbox.kube.status import StatusError, forbidden, not_found
from iamrbac.sandbox.kube.values import Json, metadata_of

ROLES: Final = ("Role", "ClusterRole")
BINDINGS: Final = ("RoleBinding", "ClusterRoleBinding")
_GARBAGE_COLLECTED: Final = ("ownerReferences", "finalizers", "managedFields")
_AGGREGATION: Final = "must have cluster-admin privileges to use the aggregationRule"


def check(write: Write, obj: Json, old: Json | None) -> None:
    """Raise StatusError 403 when the caller would give more than they have; 404 when that cannot be told."""
    if write.kind.kind not in (*ROLES, *BINDINGS) or MASTERS in write.caller.user.groups:
        return
    if old is not None and _only_garbage_collection(obj, old):
        return
    if write.kind.kind in ROLES:
        _check_role(write, obj, old)
    else:
        _check_binding(write, obj)


def _check_role(write: Write, obj: Json, old: Json | None) -> None:
    access, caller = write.cluster.access, write.caller
    role, before = _role(write, obj), _role(write, old) if old is not None else None
    authorizer = access.authorizer(write.namespace)
    if not may_write_role(authorizer, caller.user, role, old=before, others=access.others(caller)):
        return
    raise _forbidden(write, role.name, _escalation(write, role.rules) or _AGGREGATION)


def _check_binding(write: Write, obj: Json) -> None:
    access, caller = write.cluster.access, write.caller
    binding = binding_from_json(_manifest(write, obj))
    authorizer, roles = access.authorizer(write.namespace), access.roles(write.namespace)
    try:
        lacks = may_write_binding(authorizer, caller.user, binding, roles, others=access.others(caller))
    except MissingRoleError:
        # Upstream names the resource that is written, and the role that is not there.
        raise not_found(RBAC_GROUP, write.kind.plural, binding.role_ref.name) from None
    if lacks:
        role = authorizer.role_of(binding)
        raise _forbidden(write, binding.name, _escalation(write, role.rules if role is not None else ()))


def _role(write: Write, obj: Json) -> Role:
    return role_from_json(_manifest(write, obj))


def _manifest(write: Write, obj: Json) -> Json:
    return {"kind": write.kind.kind, **obj}


def _only_garbage_collection(obj: Json, old: Json) -> bool:
    return _without(obj) == _without(old)


def _without(obj: Json) -> Json:
    metadata = {key: value for key, value in metadata_of(obj).items() if key not in _GARBAGE_COLLECTED}
    return {**obj, "metadata": metadata}


def _forbidden(write: Write, name: str, why: str) -> StatusError:
    return forbidden(write.kind.group, write.kind.plural, name, why)


def _escalation(write: Write, rules: Iterable[Rule]) -> str:
    """Say what of the rules the writer does not hold; "" where it is nothing."""
    user, namespace = write.caller.user, write.namespace
    authorizer = write.cluster.access.authorizer(namespace)
    pieces = missing(authorizer.rules(user, namespace), rules)
    if not pieces:
        return ""
    described = "\n".join(sorted({_describe(rule) for rule in _joined(pieces)}))
    who = f"user {_quoted(user.name)} (groups={_list(user.groups)})"
    text = f"{who} is attempting to grant RBAC permissions not currently held:\n{described}"
    # Upstream names the resource that is written here too.
    lost = (binding.role_ref.name for binding, role in authorizer.bindings_of(user, namespace) if role is None)
    errors = errors_text(f'{write.kind.plural}.{RBAC_GROUP} "{name}" not found' for name in lost)
    return f"{text}; resolution errors: [{errors}]" if errors else text


def _joined(pieces: Iterable[Atom]) -> Iterator[Rule]:
    """Put verbs on the same thing together, and nothing else (component-helpers' CompactRules)."""
    verbs: dict[tuple[str, str, str | None], list[str]] = {}
    for piece in pieces:
        if isinstance(piece, ResourceAtom):
            verbs.setdefault((piece.group, piece.resource, piece.name), []).append(piece.verb)
        else:
            yield Rule((piece.verb,), non_resource_urls=(piece.url,))
    for (group, resource, name), found in verbs.items():
        yield Rule(tuple(found), (group,), (resource,), () if name is None else (name,))


def _describe(rule: Rule) -> str:
    parts = {
        "APIGroups": rule.api_groups,
        "Resources": rule.resources,
        "NonResourceURLs": rule.non_resource_urls,
        "ResourceNames": rule.resource_names,
        "Verbs": rule.verbs,
    }
    return "{" + ", ".join(f"{name}:{_list(values)}" for name, values in parts.items() if values) + "}"


def _list(values: Iterable[str]) -> str:
    return "[" + " ".join(_quoted(value) for value in values) + "]"


def _quoted(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)
