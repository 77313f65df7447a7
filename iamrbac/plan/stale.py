"""What differs between a plan that was saved and the same plan made now: one line for each thing that changed. Pure.

The saved side is a file, so that nothing about its shape is believed: what it does not say is not compared.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

from iamrbac.findings.finding import Level
from iamrbac.plan.change import Action, FailedCluster, Plan
from iamrbac.plan.document import access_json, fingerprint, plan_json
from iamrbac.plan.simulate import before

ENDED: Final = "POL105"
"""A temporary grant has ended: no more than an info in a plan, and a reason to look at an older one again."""
_TO_BE: Final = {
    Action.CREATE: "added",
    Action.UPDATE: "changed",
    Action.REPLACE: "replaced",
    Action.DELETE: "removed",
    Action.ADOPT: "adopted",
}
_Json = Mapping[str, Any]
_Place = tuple[str, str, str, str]
"""Cluster (or account, of what is in IAM), kind, namespace and name."""
_ACCOUNT = "account "


def differences(saved: _Json, now: Plan) -> tuple[str, ...]:
    """Return what changed since a plan was saved, in the order that a person wants it; () where nothing did.

    `saved` is what `plan --out` wrote. Compared are the policies, the clusters, every object that was or is to be
    written, as it is and as it should be, who gains and loses, and what is said about it.
    """
    document = plan_json(now, lambda origin: origin.file)
    found = [*_policies(saved, document), *_clusters(saved, document)]
    objects = tuple(_objects(saved, document, now))
    found += [f"{_named(place)} {said}" for place, said in objects]
    found += _access(saved, now, {place[0] for place, _ in objects})
    found += _findings(saved, document)
    if not found and saved.get("fingerprint") != fingerprint(now):
        found = ["what is to be written has other labels, or the files to commit are others"]
    return tuple(found)


def _policies(saved: _Json, document: _Json) -> Iterator[str]:
    if saved.get("policyDigest", document["policyDigest"]) != document["policyDigest"]:
        yield "the policies or the config say something else"


def _clusters(saved: _Json, document: _Json) -> Iterator[str]:
    then = {str(one.get("name")): one for one in _list(saved, "clusters")}
    for one in document["clusters"]:
        name, old = one["name"], then.get(one["name"])
        if old is None:
            yield f"{name} was not in the plan"
        elif one["status"] == "failed" == old.get("status"):
            continue
        elif one["status"] == "failed":
            error = one["error"]
            yield f"{name} cannot be planned now: [{error['code']}] {error['message']}"
        elif old.get("status") == "failed":
            yield f"{name} could not be planned then, and can be now"
        else:
            for key, said in (("mapping", "mapping"), ("endpoint", "endpoint")):
                if old.get(key, one[key]) != one[key]:
                    yield f"{name} has another {said}: {old[key]}, now {one[key]}"
            if _files(old) != _files(one):
                yield f"{name} is to get other files committed"


def _files(cluster: _Json) -> list[tuple[object, object]]:
    delivery = cluster.get("delivery")
    files = _list(delivery, "files") if isinstance(delivery, Mapping) else []
    return [(one.get("path"), one.get("action")) for one in files]


def _objects(saved: _Json, document: _Json, now: Plan) -> Iterator[tuple[_Place, str]]:
    then, is_ = _by_place(_list(saved, "changes")), _by_place(document["changes"])
    there = _there(now)
    failed = {cluster.name for cluster in now.clusters if isinstance(cluster, FailedCluster)}
    for place in sorted(then.keys() | is_.keys()):
        if place[0] in failed:
            continue
        old, new = then.get(place), is_.get(place)
        said = ""
        if old is None and new is not None:
            said = f"is to be {_to_be(new)} now, and was not"
        elif new is None and old is not None and place[0].startswith(_ACCOUNT):
            said = f"was to be {_to_be(old)}, and is not any more"
        elif new is None and old is not None:
            said = _no_longer(old, place in there)
        elif old is not None and new is not None:
            said = _otherwise(old, new)
        if said:
            yield place, said


def _no_longer(old: _Json, there: bool) -> str:
    """Say why a change is not made any more: somebody else has made it, or nobody wants it."""
    was = f"was to be {_to_be(old)}, and "
    match old.get("action"):
        case Action.DELETE:
            return was + ("is not to go any more" if there else "is gone already")
        case Action.CREATE:
            return was + ("is there already" if there else "nobody wants it any more")
        case _:
            return was + ("is not to be changed any more" if there else "is gone, and nobody wants it")


def _otherwise(old: _Json, new: _Json) -> str:
    if old.get("action") != new["action"]:
        return f"was to be {_to_be(old)}, and is to be {_to_be(new)} now"
    if old.get("before") != new["before"]:
        return f"was changed on the cluster: {_fields(old.get('before'), new['before'])}"
    if old.get("after") != new["after"]:
        return f"is to become something else: {_fields(old.get('after'), new['after'])}"
    if old.get("version", new["version"]) != new["version"]:
        return f"was written by somebody (resourceVersion {old['version']}, now {new['version']})"
    return ""


def _fields(was: object, is_: object) -> str:
    """Return the fields that differ, with their values where these are single ones."""
    if not isinstance(was, Mapping) or not isinstance(is_, Mapping):
        return "all of it"
    told = []
    for field in sorted(was.keys() | is_.keys()):
        old, new = was.get(field), is_.get(field)
        if old == new:
            continue
        plain = isinstance(old, str) and isinstance(new, str)
        told.append(f"{field} {old} → {new}" if plain else f"{field}{_items(old, new)}")
    return ", ".join(told)


def _items(was: object, is_: object) -> str:
    """Return what came into a list of names and what went: `groups +a -b`; "" for anything else."""
    if not isinstance(was, list) or not isinstance(is_, list):
        return ""
    if not all(isinstance(item, str) for item in (*was, *is_)):
        return ""
    came = [f"+{item}" for item in is_ if item not in was]
    went = [f"-{item}" for item in was if item not in is_]
    return "".join(f" {item}" for item in (*came, *went))


def _access(saved: _Json, now: Plan, told: Iterable[str]) -> Iterator[str]:
    """Who gains and loses, where no object says it: the same write gives more or less than it did."""
    skip = {*told, *(cluster.name for cluster in now.failed)}
    here = [access_json(change) for cluster in now.planned for change in cluster.access]
    then = [one for one in _list(saved, "access") if str(one.get("cluster")) not in skip]
    is_ = [one for one in here if one["cluster"] not in skip]
    yield from (f"{_who(one)} now, and that was not said" for one in is_ if one not in then)
    yield from (f"{_who(one)} no longer" for one in then if one not in is_)


def _who(one: _Json) -> str:
    verb = "gains" if one.get("change") == "gain" else "loses"
    part = "a part of " if one.get("rules") else ""
    where = one.get("namespace") or "the whole cluster"
    return f"{one.get('principal')} {verb} {part}{one.get('role')} in {where} ({one.get('cluster')})"


def _findings(saved: _Json, document: _Json) -> Iterator[str]:
    known = {_said(one) for one in _list(saved, "findings")}
    for one in document["findings"]:
        if _said(one) not in known and (one["level"] != Level.INFO or one["id"] == ENDED):
            cluster = f"{one['cluster']}: " if one["cluster"] else ""
            yield f"{one['level']} {one['id']} is new: {cluster}{one['message']}"


def _said(finding: _Json) -> tuple[object, ...]:
    return tuple(str(finding.get(key)) for key in ("id", "level", "cluster", "object", "message"))


def _there(now: Plan) -> frozenset[_Place]:
    """Return every object that is on a cluster now."""
    found: set[_Place] = set()
    for cluster in now.planned:
        name = cluster.name
        found |= {(name, item.key.kind, item.key.namespace, item.key.name) for item in cluster.state.objects}
        found |= {(name, "Namespace", "", namespace) for namespace in cluster.state.namespaces}
        rows = before(cluster.state).reading
        found |= {(name, "AwsAuthRow", "", row.arn) for row in (rows.rows if rows is not None else ())}
    return frozenset(found)


def _by_place(changes: Iterable[_Json]) -> dict[_Place, _Json]:
    keys = ("cluster", "kind", "namespace", "name")
    found: dict[_Place, _Json] = {}
    for change in changes:
        cluster, kind, namespace, name = (str(change.get(key) or "") for key in keys)
        # What is in IAM is of no cluster.
        where = cluster or f"{_ACCOUNT}{change.get('account') or ''}"
        found[where, kind, namespace, name] = change
    return found


def _named(place: _Place) -> str:
    cluster, *rest = place
    return f"{cluster}: {'/'.join(part for part in rest if part)}"


def _to_be(change: _Json) -> str:
    action = change.get("action")
    return next((word for one, word in _TO_BE.items() if one.value == action), "changed")


def _list(value: object, key: str) -> list[_Json]:
    """Return the mappings of a list, where it is one."""
    found = value.get(key) if isinstance(value, Mapping) else None
    return [one for one in found if isinstance(one, Mapping)] if isinstance(found, list) else []
