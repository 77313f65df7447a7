"""The sixth check: may this Kubernetes user do what was asked, or anything at all."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from iamrbac.diagnosis import mapping, maps
from iamrbac.diagnosis.facts import May, Says
from iamrbac.diagnosis.verdict import NEAREST, Cause, Fixer, Verdict, failed, ok, unknown
from iamrbac.model.selection import matches
from iamrbac.rbac.objects import Request

CHECK: Final = "rbac"
_SHOWN: Final = 5


def judge(may: May) -> Verdict:
    """Judge what the cluster's authorizer answered."""
    if may.allowed:
        return ok(CHECK, _allowed(may))
    causes = tuple(_causes(may))
    if may.guessed and not any(cause.sure for cause in causes):
        text = "nothing here names a namespace to ask about, and rights are given in namespaces"
        ask = Cause("namespace-not-named", text, Fixer.YOU, "name one: iamrbac doctor -n NAMESPACE")
        return unknown(CHECK, f"{may.user.name} has no rights in {', '.join(may.namespaces)}", [ask])
    return failed(CHECK, f"{may.user.name} may not {_doing(may)} (403)", causes)


def words(request: Request) -> str:
    """Return a request as people say it: `list pods in payments`."""
    what = request.path or request.resource + (f"/{request.subresource}" if request.subresource else "")
    what += f".{request.api_group}" if request.api_group else ""
    name = f" {request.name}" if request.name else ""
    place = f" in {request.namespace}" if request.namespace else "" if request.path else " in the whole cluster"
    return f"{request.verb} {what}{name}{place}"


def _allowed(may: May) -> str:
    if may.asked is not None:
        return f"{may.user.name} may {words(may.asked)}"
    shown = ", ".join(may.where[:_SHOWN])
    more = f" and {len(may.where) - _SHOWN} more" if len(may.where) > _SHOWN else ""
    return f"{may.user.name} has rights in {shown}{more}" if may.where else f"{may.user.name} has rights"


def _doing(may: May) -> str:
    if may.asked is not None:
        return words(may.asked)
    return f"do anything in {', '.join(may.namespaces[:_SHOWN])}" if may.namespaces else "do anything"


def _causes(may: May) -> Iterator[Cause]:
    says = may.taken.says
    if says is not None and says.suspended:
        text = "this identity is under `suspended` in iamrbac.yaml: it gets nothing anywhere"
        yield Cause("suspended", text, Fixer.PLATFORM, "ask why, and for the line to be taken out", sure=True)
    yield from maps.weakened(may.taken.caller, may.user, may.taken.maps)
    if says is None:
        text = "no RoleBinding or ClusterRoleBinding gives it to this user or its groups"
        yield Cause("not-granted", text, Fixer.PLATFORM, f"ask for the right to {_doing(may)}")
        return
    yield from _by_policies(may, says)


def _by_policies(may: May, says: Says) -> Iterator[Cause]:
    cluster = may.taken.place.named.name
    namespace = may.asked.namespace if may.asked is not None else next(iter(may.namespaces), "")
    here = [held for held in says.held if held.namespace in ("", namespace)]
    lines = tuple(origin for held in here for origin in held.origins)
    if says.allowed or (may.asked is None and here):
        text = "the policies give it, and the cluster does not: what they say is not applied, or was changed there"
        yield Cause("not-applied", text, Fixer.PLATFORM, f"iamrbac plan --cluster {cluster}", sure=True, origins=lines)
        return
    for ended in says.ended:
        if not ended.namespaces or not namespace or any(matches(one, namespace) for one in ended.namespaces):
            yield mapping.over(ended, may.taken)
    people = says.owner.people if says.owner is not None else ()
    whose = f"; it belongs to {says.owner.team}" if says.owner is not None else ""
    run = mapping.asking(cluster, namespace)
    if here:
        roles = ", ".join(dict.fromkeys(held.role for held in here))
        text = f"the roles that the policies give here do not hold it: {roles}{whose}"
        yield Cause("role-without-it", text, Fixer.OWNERS, run, people=people, origins=lines)
    else:
        elsewhere = ", ".join(dict.fromkeys(held.namespace for held in says.held if held.namespace))
        text = f"the policies give these groups nothing in {namespace or 'the whole cluster'}{whose}"
        text += f"; they have {elsewhere}" if elsewhere else ""
        yield Cause("namespace-not-granted", text, Fixer.OWNERS, run, people=people)
    for text, origins in says.near:
        yield Cause(NEAREST, text, Fixer.OWNERS, run, people=people, origins=origins)
