"""whoami for people and as JSON (design §7)."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from iamrbac.model.errors import IamrbacError
from iamrbac.model.origin import Origin
from iamrbac.render.plain import printable
from iamrbac.usecases.granted import Grant
from iamrbac.usecases.whoami import ClusterAccess, PeopleWay, WhoAmI

Line = Callable[[Origin], str]
"""Origin → FILE:LINE."""
EVERYBODY = "system:authenticated"
NOTHING = "nothing from the policies; what this user may do comes from elsewhere"
UNKNOWN = "what the policies give here is not known. Next: iamrbac validate"
SHOWN = 5
"""Roles of a cluster that are named."""


def whoami_text(who: WhoAmI, line: Line) -> str:
    """Return who the caller is, and a block for each cluster."""
    lines = [who.caller.arn, f"  account {who.caller.account}"] if who.caller is not None else []
    if who.people is not None:
        lines += _people(who.people)
    for cluster in who.clusters:
        lines += ["", *_cluster(cluster, line), *_way(cluster, assumed=who.assumed)]
    return "\n".join(lines) + "\n"


def whoami_json(who: WhoAmI, line: Line) -> dict[str, Any]:
    """Return the same as `-o json` writes it (render/schemas/whoami.json)."""
    caller = who.caller
    return {
        "formatVersion": 1,
        "caller": None if caller is None else {"account": caller.account, "arn": caller.arn, "userId": caller.user_id},
        "people": _people_json(who.people),
        "assumed": who.assumed,
        "clusters": [_cluster_json(cluster, line) for cluster in who.clusters],
    }


def error_json(error: IamrbacError | None) -> dict[str, str | None] | None:
    """Return why something is not known, as every `-o json` writes it."""
    if error is None:
        return None
    return {"code": error.code, "message": shown(error), "hint": error.hint or None}


def shown(error: IamrbacError, name: str = "") -> str:
    """Return an error's message, with its place unless that is `name`, which stands before it anyway."""
    where = f"{error.where}: " if error.where and error.where != name else ""
    return printable(where + error.message)


def failure_text(error: IamrbacError, name: str) -> str:
    """Return an error as one line behind a cluster's name."""
    hint = f". Next: {printable(error.hint)}" if error.hint else ""
    return f"[{error.code}] {shown(error, name)}{hint}"


def _people(people: PeopleWay) -> Iterator[str]:
    role = people.role
    yield f"  who the people of account {role.account} are is asked as {role.role_arn}"
    if people.caller is not None:
        yield f"    assumed: {people.caller.arn}"
    if people.error is not None:
        yield f"    not assumed: {failure_text(people.error, role.role_arn)}"


def _way(cluster: ClusterAccess, *, assumed: bool) -> Iterator[str]:
    if cluster.role is not None:
        yield f"  {'this is' if assumed else 'plan and apply come as'} {cluster.role.role_arn}"


def _people_json(people: PeopleWay | None) -> dict[str, Any] | None:
    if people is None:
        return None
    return {
        "account": people.role.account,
        "assumeRole": people.role.role_arn,
        "arn": people.caller.arn if people.caller is not None else None,
        "error": error_json(people.error),
    }


def _cluster(cluster: ClusterAccess, line: Line) -> Iterator[str]:
    if cluster.error is not None:
        yield f"{cluster.cluster}: not known: {failure_text(cluster.error, cluster.cluster)}"
    elif cluster.user is None:
        yield f"{cluster.cluster}: no access"
        if cluster.roles:
            more = f" and {len(cluster.roles) - SHOWN} more" if len(cluster.roles) > SHOWN else ""
            yield f"  as yourself; whoever is in its IAM group gets in as {', '.join(cluster.roles[:SHOWN])}{more}"
    else:
        yield f"{cluster.cluster}: {printable(cluster.user.name)}"
        for group in cluster.user.groups:
            if group != EVERYBODY:
                yield f"  group {printable(group)}"
        if cluster.grants is None:
            yield f"  {UNKNOWN}"
        elif cluster.grants:
            yield from _grants(cluster.grants, line)
        else:
            yield f"  {NOTHING}"


def _grants(grants: Iterable[Grant], line: Line) -> Iterator[str]:
    """Yield one line for each role of a set, with all its namespaces."""
    namespaces: dict[tuple[str, str], list[str]] = defaultdict(list)
    because: dict[tuple[str, str], set[str]] = defaultdict(set)
    for grant in grants:
        namespaces[grant.role, grant.group].append(grant.namespace)
        because[grant.role, grant.group].update(map(line, grant.origins))
    for (role, group), found in sorted(namespaces.items()):
        place = "the whole cluster" if "" in found else ", ".join(found)
        lines = ", ".join(sorted(because[role, group]))
        yield f"  {role} in {place} ({lines})" if lines else f"  {role} in {place}"


def _cluster_json(cluster: ClusterAccess, line: Line) -> dict[str, Any]:
    status = "failed" if cluster.error is not None else "no-access" if cluster.user is None else "mapped"
    return {
        "name": cluster.cluster,
        "status": status,
        "assumeRole": cluster.role.role_arn if cluster.role is not None else None,
        "username": cluster.user.name if cluster.user is not None else None,
        "groups": list(cluster.user.groups) if cluster.user is not None else [],
        "access": None if cluster.grants is None else [_grant_json(grant, line) for grant in cluster.grants],
        **({"roles": list(cluster.roles)} if cluster.roles else {}),
        "error": error_json(cluster.error),
    }


def _grant_json(grant: Grant, line: Line) -> dict[str, Any]:
    return {
        "namespace": grant.namespace or None,
        "role": grant.role,
        "group": grant.group,
        "because": sorted(map(line, grant.origins)),
    }
