"""whoami for people and as JSON (design §7)."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from datetime import UTC
from typing import Any

from iamrbac.diagnosis.credentials import describe
from iamrbac.diagnosis.differences import Difference
from iamrbac.diagnosis.facts import Held, Source
from iamrbac.model.errors import IamrbacError
from iamrbac.model.origin import Origin
from iamrbac.render.doctor import cause_json, cause_lines
from iamrbac.render.plain import printable
from iamrbac.usecases.granted import Grant
from iamrbac.usecases.whoami import ClusterAccess, PeopleWay, WhoAmI

Line = Callable[[Origin], str]
"""Origin → FILE:LINE."""
EVERYBODY = "system:authenticated"
NOTHING = "nothing from the policies; what this user may do comes from elsewhere"
UNKNOWN = "what the policies give here is not known. Next: iamrbac validate"
STATIC = frozenset({"env", "shared-credentials-file", "config-file"})
"""Providers that hand out keys as they are."""
SHOWN = 5
"""Roles of a cluster that are named."""


def whoami_text(who: WhoAmI, line: Line) -> str:
    """Return who the caller is, and a block for each cluster."""
    lines = [who.caller.arn, f"  account {who.caller.account}"] if who.caller is not None else []
    lines += _chain(who)
    if who.people is not None:
        lines += _people(who.people)
    for cluster in who.clusters:
        shown = _cluster(cluster, line) if cluster.asked else _expected(cluster)
        lines += ["", *shown, *_differs(cluster, line), *_way(cluster, assumed=who.assumed)]
    return "\n".join(lines) + "\n"


def whoami_json(who: WhoAmI, line: Line) -> dict[str, Any]:
    """Return the same as `-o json` writes it (render/schemas/whoami.json)."""
    caller = who.caller
    return {
        "formatVersion": 1,
        "caller": None if caller is None else {"account": caller.account, "arn": caller.arn, "userId": caller.user_id},
        "people": _people_json(who.people),
        "assumed": who.assumed,
        "credentials": _source_json(who.source),
        "teams": list(_teams(who)),
        "source": "clusters" if who.live or who.index is None else "index",
        "indexWritten": who.index.isoformat() if who.index is not None else None,
        "live": who.live,
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


def _chain(who: WhoAmI) -> Iterator[str]:
    """Yield how the credentials come about where that is more than keys, or was asked for; teams and the index too."""
    source = who.source
    if source is not None and (who.live or len(source.steps) > 1 or source.provider not in STATIC):
        yield f"  credentials {printable(describe(source))}"
    if (who.live or who.index is not None) and (teams := _teams(who)):
        yield f"  {'team' if len(teams) == 1 else 'teams'} {', '.join(teams)}"
    if who.index is not None:
        asked = (
            "the clusters were asked, and compared with it" if who.live else "no cluster was asked (--live asks them)"
        )
        yield f"  access index of {who.index.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}: {asked}"


def _teams(who: WhoAmI) -> tuple[str, ...]:
    """Return the teams of the groups that the caller has, or has by the index where that alone was asked."""
    groups = [group for one in who.clusters for group in _groups(one)]
    ours = f"iamrbac:{who.instance}:"
    return tuple(sorted({group.split(":")[2] for group in groups if group.startswith(ours) and group.count(":") > 2}))


def _groups(one: ClusterAccess) -> tuple[str, ...]:
    if one.user is not None:
        return one.user.groups
    return one.expected.groups if one.expected is not None and not one.asked else ()


def _expected(cluster: ClusterAccess) -> Iterator[str]:
    """Yield what the access index says of a cluster that was not asked."""
    expected = cluster.expected
    if expected is None:
        yield f"{cluster.cluster}: not known: somebody else maps there, or the index does not have it"
        return
    if expected.nobody:
        yield f"{cluster.cluster}: no access"
        return
    yield f"{cluster.cluster}: {printable(expected.username)}" if expected.groups else f"{cluster.cluster}: by a role"
    for group in expected.groups:
        yield f"  group {printable(group)}"
    yield from _held(expected.held, "  ")
    for way in expected.by_role:
        yield f"  as {way.role}, if it is yours to assume: group {printable(way.group)}"
        yield from _held(way.held, "    ")


def _held(held: Iterable[Held], indent: str) -> Iterator[str]:
    places: dict[str, list[str]] = defaultdict(list)
    because: dict[str, set[str]] = defaultdict(set)
    for one in held:
        places[one.role].append(one.namespace)
        because[one.role].update(str(origin) for origin in one.origins)
    for role, found in sorted(places.items()):
        place = "the whole cluster" if "" in found else ", ".join(found)
        lines = f" ({', '.join(sorted(because[role]))})" if because[role] else ""
        yield f"{indent}{printable(role)} in {printable(place)}{printable(lines)}"


def _differs(cluster: ClusterAccess, line: Line) -> Iterator[str]:
    differs = cluster.differs
    if differs is None:
        return
    for group in differs.missing:
        yield f"  expected, and not there: group {printable(group)}"
    for group in differs.extra:
        yield f"  there, and not expected: group {printable(group)}"
    for cause in differs.causes:
        for text in cause_lines(cause, line):
            yield f"    {text}"


def _source_json(source: Source | None) -> dict[str, Any] | None:
    if source is None:
        return None
    steps = [{"name": step.name, "how": step.how} for step in source.steps]
    return {"provider": source.provider or None, "profile": source.profile, "chain": steps}


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
    if not cluster.asked:
        return _expected_json(cluster)
    status = "failed" if cluster.error is not None else "no-access" if cluster.user is None else "mapped"
    return {
        "name": cluster.cluster,
        "status": status,
        "assumeRole": cluster.role.role_arn if cluster.role is not None else None,
        "username": cluster.user.name if cluster.user is not None else None,
        "groups": list(cluster.user.groups) if cluster.user is not None else [],
        "access": None if cluster.grants is None else [_grant_json(grant, line) for grant in cluster.grants],
        **({"roles": list(cluster.roles)} if cluster.roles else {}),
        "expectedGroups": list(cluster.expected.groups) if cluster.expected is not None else None,
        "differs": _differs_json(cluster.differs, line),
        "error": error_json(cluster.error),
    }


def _expected_json(cluster: ClusterAccess) -> dict[str, Any]:
    """Return a cluster that was not asked, as the index has it."""
    expected = cluster.expected
    status = "not-known" if expected is None else "no-access" if expected.nobody else "expected"
    return {
        "name": cluster.cluster,
        "status": status,
        "assumeRole": cluster.role.role_arn if cluster.role is not None else None,
        "username": expected.username if expected is not None and expected.groups else None,
        "groups": [],
        "access": None if expected is None else [_held_json(one) for one in expected.held],
        "roles": list(dict.fromkeys(way.role for way in expected.by_role)) if expected is not None else [],
        "expectedGroups": list(expected.groups) if expected is not None else None,
        "differs": None,
        "error": None,
    }


def _held_json(held: Held) -> dict[str, Any]:
    return {
        "namespace": held.namespace or None,
        "role": held.role,
        "group": None,
        "because": sorted(map(str, held.origins)),
    }


def _differs_json(differs: Difference | None, line: Line) -> dict[str, Any] | None:
    if differs is None:
        return None
    return {
        "missing": list(differs.missing),
        "extra": list(differs.extra),
        "causes": [cause_json(cause, line) for cause in differs.causes],
    }


def _grant_json(grant: Grant, line: Line) -> dict[str, Any]:
    return {
        "namespace": grant.namespace or None,
        "role": grant.role,
        "group": grant.group,
        "because": sorted(map(line, grant.origins)),
    }
