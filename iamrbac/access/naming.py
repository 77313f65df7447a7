"""How people name somebody and something: `alice`, `iamGroup:developers`, `team:payments/oncall`, `deploy/web`."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from dataclasses import dataclass, replace

from iamrbac.access.judge import Judge, Somebody
from iamrbac.compile.names import group_name
from iamrbac.mapping.resolve import identity
from iamrbac.model.errors import UsageError
from iamrbac.rbac.catalogue import VERBS, Catalogue, Resource, Unknown
from iamrbac.rbac.objects import Request, User
from iamrbac.rbac.subjects import SERVICE_ACCOUNT

_MODES = ("impersonate:", "impersonate-on:")


@dataclass(frozen=True, slots=True)
class Asked:
    """Whom a question is about, as it was named, and further groups to count in."""

    text: str
    groups: tuple[str, ...] = ()


def find_somebody(judge: Judge, asked: Asked, instance: str) -> Somebody | None:
    """Return whom a name means on one cluster; None where nobody there is called so.

    Raises UsageError for a name that several have.
    """
    found = _subject(asked.text, instance)
    if found is None:
        named = [one for one in judge.everybody() if _is_called(one.principal, asked.text)]
        if len(named) > 1:
            raise UsageError(
                f"{asked.text} may be {' or '.join(one.principal for one in named)}", hint="write the one that is meant"
            )
        found = named[0] if named else judge.somebody(asked.text) if asked.text.startswith("arn:") else None
    if found is None or not asked.groups:
        return found
    return replace(found, user=User(found.user.name, (*found.user.groups, *asked.groups)))


def similar(judges: Iterable[Judge], text: str) -> tuple[str, ...]:
    """Return who is called nearly so on any of the clusters."""
    names = {one.principal.rsplit("/", 1)[-1].rsplit(" ", 1)[-1] for judge in judges for one in judge.everybody()}
    return tuple(difflib.get_close_matches(text, sorted(names), 3))


def request_of(
    verb: str, target: str, catalogue: Catalogue, namespace: str = "", subresource: str = ""
) -> tuple[Request, str]:
    """Return a question as the authorizer is asked it, and a note for people ("" where there is nothing to say).

    `target` is RESOURCE, RESOURCE.GROUP, either with /NAME, or a path that begins with a slash. Raises UsageError for a
    verb or a resource that is not there: a misspelt question has no answer, neither yes nor no.
    """
    if target.startswith("/"):
        return Request(verb, path=target), ""
    if verb not in VERBS and not verb.startswith(_MODES):
        near = difflib.get_close_matches(verb, sorted(VERBS), 1)
        raise UsageError(
            f"there is no verb {verb}", hint=f"did you mean {near[0]}?" if near else "get, list, create, …"
        )
    text, _, name = target.partition("/")
    resource = _resource(text, catalogue)
    if subresource and resource.subresources and subresource not in resource.subresources:
        known = ", ".join(resource.subresources)
        raise UsageError(f"{resource.qualified} has no subresource {subresource}", hint=f"one of {known}")
    note = ""
    if (resource.group, resource.plural) == ("", "namespaces") and name:
        # The object itself lies in the namespace that it is (rbac-semantics §5.1).
        namespace = name
    elif namespace and not resource.namespaced:
        note = f"{resource.qualified} is in no namespace, so {namespace} does not count"
        namespace = ""
    return Request(verb, resource.plural, resource.group, subresource, name, namespace), note


def _resource(text: str, catalogue: Catalogue) -> Resource:
    if text == "*":
        return Resource("*", "*", "*", "*")
    found = catalogue.find(text)
    if isinstance(found, Unknown):
        hint = f"did you mean {' or '.join(found.near)}?" if found.near else "write PLURAL.GROUP for a custom resource"
        raise UsageError(f"Kubernetes has no resource {text}", hint=hint)
    return found


def _subject(text: str, instance: str) -> Somebody | None:
    """Read a name that needs no cluster: a Kubernetes user, group or service account, or a team's set."""
    kind, colon, rest = text.partition(":")
    if not colon or not rest:
        return None
    match kind:
        case "user":
            return Somebody("", User(rest))
        case "group":
            return Somebody("", User("", (rest,)))
        case "serviceaccount":
            namespace, _, name = rest.replace("/", ":").partition(":")
            groups = ("system:serviceaccounts", f"system:serviceaccounts:{namespace}")
            return Somebody("", User(f"{SERVICE_ACCOUNT}{namespace}:{name}", groups))
        case "team":
            team, slash, name = rest.partition("/")
            if not slash:
                raise UsageError(f"{text} names no set", hint="write team:TEAM/SET")
            return Somebody("", User("", (group_name(instance, team, name),)))
    return None


def _is_called(principal: str, text: str) -> bool:
    """Whether a principal (an ARN, or a member as declared) has this name, with its kind before it or not."""
    if identity(principal) == identity(text):
        return True
    kind, space, declared = principal.partition(" ")
    if space:
        names = {declared, declared.rsplit("/", 1)[-1]}
        return text in names or (text.partition(":")[0] == kind and text.partition(":")[2] in names)
    name, own = principal.rsplit("/", 1)[-1], principal.split(":", 5)[-1].split("/", 1)[0]
    shown = {"user": "iamUser", "role": "iamRole"}.get(own, "")
    return text in (name, f"{shown}:{name}")
