"""How people name somebody and something: `alice`, `iamGroup:developers`, `team:payments/oncall`, `deploy/web`."""

from __future__ import annotations

import difflib
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Final

from iamrbac.access.judge import Judge, Somebody
from iamrbac.compile.names import group_name
from iamrbac.identity.permission_sets import KEY, set_of
from iamrbac.model.arn import Arn, canonical
from iamrbac.model.errors import UsageError
from iamrbac.rbac.catalogue import PATH_VERBS, VERBS, VIRTUAL, Catalogue, Resource, Unknown
from iamrbac.rbac.objects import Request, User
from iamrbac.rbac.subjects import ANONYMOUS, SERVICE_ACCOUNT, UNAUTHENTICATED, SubjectKey

_MODES: Final = ("impersonate:", "impersonate-on:")
_MEMBERS: Final = {"user": "iamUser", "role": "iamRole"}
_NAMES_WITH_SLASH: Final = frozenset({"signers"})
"""A signer is called DOMAIN/NAME."""


@dataclass(frozen=True, slots=True)
class Asked:
    """Whom a question is about, as it was named, and further groups to count in."""

    text: str
    groups: tuple[str, ...] = ()


def find_somebody(judge: Judge, asked: Asked, instance: str) -> Somebody | None:
    """Return whom a name means on one cluster; None where nobody there is called so, and for a set without access.

    Raises UsageError for a name that several have, or that cannot be one.
    """
    text = asked.text
    found = _subject(judge, text, instance)
    if found is None and text.startswith("arn:"):
        found = judge.somebody(text)
    if found is None:
        named = by_name(judge).get(text, ())
        if len(named) > 1:
            raise UsageError(
                f"{text} may be {' or '.join(one.principal for one in named)}", hint="write the one that is meant"
            )
        found = named[0] if named else None
    if found is None or not asked.groups:
        return found
    return replace(found, user=User(found.user.name, tuple(dict.fromkeys((*found.user.groups, *asked.groups)))))


def find_caller(judge: Judge, arn: str, groups: tuple[str, ...] = ()) -> Somebody | None:
    """Return whom one cluster takes a caller for, by what STS says; or the members as declared that it is.

    None where nothing names it. Of IAM groups as declared nobody knows who is in them.
    """
    found = judge.somebody(arn)
    some = [found] if found is not None else _declared(judge, arn)
    if not some:
        return None
    carried = (group for one in some for group in one.user.groups)
    return replace(some[0], user=User(some[0].user.name, tuple(dict.fromkeys((*carried, *groups)))))


def _declared(judge: Judge, arn: str) -> list[Somebody]:
    try:
        who = Arn.parse(canonical(arn))
    except ValueError:
        return []
    keys = {f"{_MEMBERS.get(who.kind)} {who.account} {who.kind}/{who.name}".lower()}
    permission_set = set_of(who.name) if who.kind == "role" else None
    if permission_set is not None:
        keys.add(f"permissionSet {who.account} {KEY}{permission_set}".lower())
    names = (name for name, key in judge.world.same.items() if key in keys)
    return [one for name in sorted(names) if (one := judge.somebody(name)) is not None]


def similar(judges: Iterable[Judge], text: str, instance: str) -> tuple[str, ...]:
    """Return who is called nearly so on any of the clusters: of a name that has its kind before it, with kinds too."""
    if text.startswith("team:"):
        ours = group_name(instance, "", "")[:-1]
        names = {
            f"team:{group.removeprefix(ours).replace(':', '/')}"
            for judge in judges
            for group in judge.groups
            if group.startswith(ours)
        }
    else:
        named = (name for judge in judges for name in by_name(judge))
        names = {name for name in named if " " not in name and (":" in name) == (":" in text)}
    return tuple(difflib.get_close_matches(text, sorted(names), 3))


def known_user(judge: Judge, user: User) -> Somebody:
    """Return a Kubernetes user; one whom an access entry maps has the entry's access policies, by that name alone."""
    entries = [one for one in judge.holders(SubjectKey("User", user.name)) if one.source == "entry"]
    return Somebody(entries[0].principal, user, "entry") if len(entries) == 1 else Somebody("", user)


def request_of(
    verb: str, target: str, catalogue: Catalogue, namespace: str = "", subresource: str = ""
) -> tuple[Request, str]:
    """Return a question as the authorizer is asked it, and a note for people ("" where there is nothing to say).

    `target` is RESOURCE, RESOURCE.GROUP, RESOURCE.VERSION.GROUP, each with /NAME or without, or a path that begins
    with a slash. Raises UsageError for a verb or a resource that is not there: a misspelt question has no answer,
    neither yes nor no.
    """
    if target.startswith("/"):
        return _path(verb, target, namespace, subresource)
    check_verb(verb)
    text, slash, name = target.partition("/")
    resource = find_resource(text, catalogue)
    if slash and (not name or ("/" in name and resource.plural not in _NAMES_WITH_SLASH)):
        what, _, rest = name.partition("/")
        hint = f"{text}/{what} --subresource {rest}" if what and rest else f"{text}/NAME"
        raise UsageError(f"{target} is no resource with a name", hint=f"write {hint}")
    own = resource.plural == "*" or resource in (*catalogue.resources, *VIRTUAL)
    if own and resource.plural != "*":
        _check_subresource(resource, subresource, catalogue)
    notes = _notes(resource, name, subresource)
    if not own:
        notes.append(f"{resource.qualified} is none of Kubernetes' own resources: taken as written, PLURAL.GROUP")
    if (resource.group, resource.plural) == ("", "namespaces") and name:
        # The object itself lies in the namespace that it is (rbac-semantics §5.1).
        namespace = name
    elif namespace and not resource.namespaced:
        notes.append(f"{resource.qualified} is in no namespace, so -n {namespace} does not count")
        namespace = ""
    return Request(verb, resource.plural, resource.group, subresource, name, namespace), "; ".join(notes)


def in_namespaces(request: Request, catalogue: Catalogue) -> bool:
    """Return whether what is asked about lies in namespaces, as a custom resource is taken to."""
    if request.path:
        return False
    virtual = (one for one in VIRTUAL if (one.group, one.plural) == (request.api_group, request.resource))
    known = catalogue.exact(request.api_group, request.resource) or next(virtual, None)
    return known is None or known.namespaced


def asked(request: Request, *, anywhere: bool = False) -> str:
    """Return a request as a person says it: `get pods/log named a in payments`."""
    if request.path:
        return f"{request.verb} {request.path}"
    resource = f"{request.resource}/{request.subresource}" if request.subresource else request.resource
    group = f".{request.api_group}" if request.api_group not in ("", "*") else ""
    name = f" named {request.name}" if request.name else ""
    if anywhere:
        return f"{request.verb} {resource}{group}{name} in some namespace"
    where = f"in {request.namespace}" if request.namespace else "in the whole cluster"
    return f"{request.verb} {resource}{group}{name} {where}"


def _subject(judge: Judge, text: str, instance: str) -> Somebody | None:
    """Read a name of Kubernetes' own: a user, a group or a service account; or of a team's set."""
    kind, colon, rest = text.partition(":")
    if not colon:
        return None
    match kind:
        case "user":
            return known_user(judge, _user(_named(text, rest)))
        case "group":
            return Somebody("", User("", (_named(text, rest),)))
        case "serviceaccount":
            namespace, _, name = rest.replace("/", ":").partition(":")
            if not namespace or not name:
                raise UsageError(f"{text} is no service account", hint="write serviceaccount:NAMESPACE:NAME")
            return Somebody("", _user(f"{SERVICE_ACCOUNT}{namespace}:{name}"))
        case "system":
            return known_user(judge, _user(text))
        case "team":
            team, slash, name = rest.partition("/")
            if not slash:
                raise UsageError(f"{text} names no set", hint="write team:TEAM/SET")
            group = group_name(instance, team, name)
            return Somebody("", User("", (group,)), "set") if group in judge.groups else None
    return None


def _named(text: str, rest: str) -> str:
    if not rest:
        raise UsageError(f"{text} names nobody", hint="write user:NAME or group:NAME")
    return rest


def _user(name: str) -> User:
    """Return a user with the groups that it has by its name.

    Source: Kubernetes' serviceaccount.MakeGroupNames, and the anonymous authenticator.
    """
    if name == ANONYMOUS:
        return User(name, (UNAUTHENTICATED,))
    namespace, colon, account = name.removeprefix(SERVICE_ACCOUNT).partition(":")
    if name.startswith(SERVICE_ACCOUNT) and namespace and colon and account:
        return User(name, ("system:serviceaccounts", f"system:serviceaccounts:{namespace}"))
    return User(name)


def _path(verb: str, path: str, namespace: str, subresource: str) -> tuple[Request, str]:
    if verb not in PATH_VERBS and verb != "*":
        raise _no_verb(verb, PATH_VERBS, "a path is asked about with get, head, post, put, patch, delete or options")
    if subresource:
        raise UsageError(f"{path} is a path, and a path has no subresource", hint="leave --subresource out")
    note = f"{path} is a path, and in no namespace, so -n {namespace} does not count" if namespace else ""
    return Request(verb, path=path), note


def check_verb(verb: str) -> None:
    """Raise UsageError for a verb that no authorizer asks about."""
    if verb not in VERBS and not verb.startswith(_MODES):
        raise _no_verb(verb, VERBS, "get, list, create, …")


def find_resource(text: str, catalogue: Catalogue) -> Resource:
    """Return the resource of a name that kubectl takes, or * itself. Raises UsageError for one that is not there."""
    if text == "*":
        return Resource("*", "*", "*", "*")
    found = catalogue.find(text)
    if isinstance(found, Unknown):
        near = " or ".join(found.near)
        hint = f"did you mean {near}?" if near else "write PLURAL.GROUP for a custom resource"
        raise UsageError(f"Kubernetes has no resource {text or 'without a name'}", hint=hint)
    if found not in (*catalogue.resources, *VIRTUAL):
        _check_group(found, catalogue)
    return found


def names_of(principal: str) -> frozenset[str]:
    """Return what a principal (an ARN, or a member as declared) is called: with its path or not, its kind before it."""
    kind, space, name = principal.partition(" (account ")[0].partition(" ")
    if not space:
        own, _, name = principal.split(":", 5)[-1].partition("/")
        kind = {"user": "iamUser", "role": "iamRole"}.get(own, "")
    names = {name, name.rsplit("/", 1)[-1]} - {""}
    return frozenset({principal, *names, *(f"{kind}:{one}" for one in names if kind)})


@lru_cache(maxsize=64)
def by_name(judge: Judge) -> Mapping[str, tuple[Somebody, ...]]:
    """Return everybody by each of their names. Kept: many questions are asked of the same clusters."""
    found: dict[str, list[Somebody]] = defaultdict(list)
    for one in judge.everybody():
        for name in names_of(one.principal):
            found[name].append(one)
    return {name: tuple(some) for name, some in found.items()}


def _no_verb(verb: str, known: Collection[str], otherwise: str) -> UsageError:
    near = difflib.get_close_matches(verb.lower(), sorted(known), 1)
    return UsageError(f"there is no verb {verb} here", hint=f"did you mean {near[0]}?" if near else otherwise)


def _check_group(resource: Resource, catalogue: Catalogue) -> None:
    # The group of a custom resource is a domain (Kubernetes: ValidateCustomResourceDefinition).
    if "." not in resource.group:
        near = " or ".join(one.qualified for one in catalogue.named(resource.plural))
        hint = f"did you mean {near}?" if near else "write PLURAL.GROUP for a custom resource"
        raise UsageError(f"Kubernetes has no API group {resource.group}", hint=hint)


def _check_subresource(resource: Resource, subresource: str, catalogue: Catalogue) -> None:
    known = catalogue.subresources(resource)
    # The key of a user's extra field is its subresource, whatever it is called.
    if not subresource or subresource in (*known, "*") or resource.plural == "userextras":
        return
    hint = f"one of {', '.join(sorted(known))}" if known else "leave --subresource out"
    raise UsageError(f"{resource.qualified} has no subresource {subresource}", hint=hint)


def _notes(resource: Resource, name: str, subresource: str) -> list[str]:
    # A custom resource may have these two.
    known = resource.subresources if resource.verbs else ("status", "scale")
    if name in known and not subresource:
        return [f"{resource.plural}/{name} is the one named {name}; for the subresource use --subresource {name}"]
    return []
