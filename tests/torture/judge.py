"""Who may do what on a cluster, by iamrbac's own resolver of mappings and authorizer, and whose bytes are where."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from itertools import product
from typing import TypeAlias

from iamrbac.access.world import World, people, policy_name
from iamrbac.compile import names
from iamrbac.mapping.aws_auth import read
from iamrbac.model.arn import comparable
from iamrbac.plan import simulate
from iamrbac.plan.observed import ClusterState
from iamrbac.rbac.authorizer import Authorizer
from iamrbac.rbac.objects import Request, User
from tests.torture.repository import NAMESPACES

Piece: TypeAlias = tuple[str, str, str]
"""A principal, a namespace, and what it may do there."""
_BUILT_IN = frozenset({"view"})
"""What policies bind of the cluster's own roles."""


def requests(states: Iterable[ClusterState]) -> frozenset[Request]:
    """Return everything that the roles of these states speak of, in every namespace."""
    found: set[Request] = set()
    for role in (role for state in states for role in simulate.before(state).rbac.roles):
        if names.INSTANCE_LABEL not in role.labels and role.name not in _BUILT_IN:
            continue
        for rule in role.rules:
            for verb, group, resource, namespace in product(rule.verbs, rule.api_groups, rule.resources, NAMESPACES):
                plural, _, sub = resource.partition("/")
                found.add(Request(verb, plural, api_group=group, subresource=sub, namespace=namespace))
    return frozenset(found)


def access(state: ClusterState, asked: Iterable[Request]) -> frozenset[Piece]:
    """Return all that everybody who is mapped may do, of what is asked."""
    world = simulate.before(state)
    authorizer = Authorizer(world.rbac)
    found: set[Piece] = set()
    for one in people(world):
        user, name = User(one.username, one.groups), comparable(one.principal)
        for request in asked:
            if authorizer.allowed_by(user, request) is not None:
                what = f"{request.verb} {request.resource}/{request.subresource}.{request.api_group}"
                found.add((name, request.namespace, what))
        for given in world.associations:
            if one.source == "entry" and given.principal == one.principal:
                found |= {(name, place, policy_name(given.policy)) for place in given.namespaces or NAMESPACES}
    return frozenset(found)


def said(state: ClusterState, instance: str) -> object:
    """Return all that is an instance's or nobody's on a cluster, but not when it was written, nor in which order."""
    objects = {
        item.key: (item.spec, dict(item.meta.labels), dict(item.meta.annotations))
        for item in state.objects
        if item.meta.labels.get(names.INSTANCE_LABEL, instance) == instance
    }
    if state.aws_auth is None:
        return objects
    rows = {(row.section, row.arn, row.username, row.groups) for row in read(state.aws_auth.data).rows}
    return objects, rows, state.aws_auth.annotations.get(names.rows_annotation(instance))


def dangling(world: World) -> list[str]:
    """Return the bindings of ours whose role is not there."""
    there = {(role.kind, role.namespace, role.name) for role in world.rbac.roles}
    return [
        one.name
        for one in world.rbac.bindings
        if names.INSTANCE_LABEL in one.labels
        and (one.role_ref.kind, one.namespace if one.role_ref.kind == "Role" else None, one.role_ref.name) not in there
    ]


def lost_bytes(foreign: Mapping[str, str], now: Mapping[str, str], ours: Iterable[str]) -> list[str]:
    """Return what is no longer as others wrote it in aws-auth: their lines in their order, and nothing else beside
    rows for `ours`.
    """
    mine = frozenset(ours)
    wrong: list[str] = []
    for key, text in foreign.items():
        rest = _without(now.get(key, "").splitlines(keepends=True), text.splitlines(keepends=True))
        if rest is None:
            wrong.append(f"{key}: a line of others is gone or changed")
            continue
        reading = read({key: "".join(rest)})
        wrong += [f"{key}: {row.arn}" for row in reading.rows if row.arn not in mine]
        wrong += [f"{key}: {line!r}" for line in rest if line.lstrip().startswith("#")]
    return wrong


def _without(lines: list[str], theirs: list[str]) -> list[str] | None:
    """Return the lines without these, which must all be there in this order."""
    rest: list[str] = []
    left = iter(theirs)
    wanted = next(left, None)
    for line in lines:
        if line == wanted:
            wanted = next(left, None)
        else:
            rest.append(line)
    return rest if wanted is None else None
