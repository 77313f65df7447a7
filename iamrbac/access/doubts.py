"""What cannot be known from outside of a cluster: why a "no" to somebody may be a "yes" all the same."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from iamrbac.access.judge import Judge, Somebody, first_rule
from iamrbac.access.sessions import sessions
from iamrbac.access.world import policy_name
from iamrbac.rbac.objects import Binding, Request
from iamrbac.rbac.subjects import SubjectKey, subject_key

NODES = "system:nodes"
NODE = "system:node:"
_Loose = Mapping[SubjectKey, Binding]


def unknown(judge: Judge, somebody: Somebody, request: Request) -> tuple[str, ...]:
    """Return why somebody may be able to although no chain says so; () where a "no" is sure."""
    loose = _loose(judge, request) if sessions(somebody.user) is not None else {}
    return (*_undecided(judge, somebody, request), *_as_a_session(somebody, loose))


def perhaps(judge: Judge, request: Request, *, anywhere: bool = False) -> Iterator[tuple[Somebody, str]]:
    """Yield everybody mapped of whom it is not known, with why; some of them can for other reasons all the same."""
    loose = _loose(judge, request, anywhere=anywhere)
    for one in judge.everybody():
        for why in _undecided(judge, one, request, anywhere=anywhere):
            yield one, why
        for why in _as_a_session(one, loose):
            yield one, why


def _undecided(judge: Judge, somebody: Somebody, request: Request, *, anywhere: bool = False) -> Iterator[str]:
    """Yield what other authorizers than RBAC may say."""
    for association in judge.reaching(somebody, None if anywhere else request.namespace):
        name, given = policy_name(association.policy), judge.policy_rules(association)
        if given is None:
            yield f"AWS does not document what its access policy {name} gives"
        elif first_rule(given, request) is not None and (without := judge.without(somebody, association, request)):
            yield f"the set has its access policy {name}, but {', '.join(without)} lacks it there"
    # Source: Kubernetes' plugin/pkg/auth/authorizer/node; it allows nothing that the ClusterRole system:node has not.
    node = judge.defaults.get("system:node")
    is_node = NODES in somebody.user.groups and somebody.user.name.startswith(NODE)
    if is_node and node is not None and first_rule(node.rules, request) is not None:
        yield "the Node authorizer lets a node do this for what runs on it"


def _loose(judge: Judge, request: Request, *, anywhere: bool = False) -> _Loose:
    """Return the subjects that may do it and that nobody is for certain, each with its binding."""
    return {
        key: binding
        for binding, _, _ in judge.allowing(request, anywhere=anywhere)
        for subject in binding.subjects
        if (key := subject_key(subject, binding.namespace)) is not None and not judge.holders(key)
    }


def _as_a_session(somebody: Somebody, loose: _Loose) -> Iterator[str]:
    if not loose or (may_be := sessions(somebody.user)) is None:
        return
    for key, binding in loose.items():
        if may_be.are(key):
            yield f"the one who is the {key.kind} {key.name} there may, by {binding.kind} {binding.name}"
