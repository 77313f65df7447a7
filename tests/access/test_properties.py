"""`can`, `who-can`, what is held, what is near and what is not known are views of one thing, in any world."""

from __future__ import annotations

import json
from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from iamrbac.access.doubts import perhaps, unknown
from iamrbac.access.judge import Judge, Somebody, first_rule
from iamrbac.access.nearest import Miss, nearest
from iamrbac.access.world import World
from iamrbac.rbac.authorizer import Authorizer
from iamrbac.rbac.objects import Binding, BindingKind, RbacState, Request, Role, RoleRef, Rule, Subject, User
from iamrbac.rbac.subjects import keys_of, subject_key, with_authenticated
from iamrbac.usecases.batch import answer_lines
from tests.access.worlds import BUILTIN, PLACES, Case, cases, states, users
from tests.rbac import oracle
from tests.rbac.strategies import requests


def may(judge: Judge, somebody: Somebody, request: Request) -> bool:
    return any(True for _ in judge.chains(somebody, request))


@given(states(), users, requests)
def test_can_is_what_the_authorizer_says(state: RbacState, user: User, request: Request) -> None:
    asked = with_authenticated(user)
    ours = may(Judge(World(rbac=state)), Somebody("", user), request)
    assert ours == (Authorizer(state).allowed_by(asked, request) is not None) == oracle.allowed(state, asked, request)


@given(cases())
def test_who_can_names_everybody_who_can_and_nobody_else(case: Case) -> None:
    judge, request = case.judge, case.request
    chains = list(judge.who_can(request))
    able = {chain.somebody.principal for chain in chains}
    assert [one for one in judge.everybody() if may(judge, one, request) != (one.principal in able)] == []
    assert [chain for chain in chains if not may(judge, chain.somebody, request)] == []


@given(cases())
def test_who_can_names_every_subject_that_nobody_is_mapped_to(case: Case) -> None:
    judge, request = case.judge, case.request
    alone = {
        subject_key(chain.subject, chain.binding.namespace if chain.binding is not None else None)
        for chain in judge.who_can(request)
        if not chain.somebody.principal and chain.subject is not None
    }
    for binding in judge.world.rbac.bindings:
        for subject in binding.subjects:
            key = subject_key(subject, binding.namespace)
            if key is None or (judge.holders(key) and not key.name.startswith("system:")):
                continue
            user = User("", (key.name,)) if key.kind == "Group" else User(key.name)
            assert oracle.allowed(judge.world.rbac, user, request) == (key in alone), key


@given(cases())
def test_anywhere_is_in_one_place_or_another(case: Case) -> None:
    judge, request = case.judge, case.request
    asked = replace(request, namespace="") if not request.path else Request("get", "pods")
    somewhere = {chain.somebody for chain in judge.who_can(asked, anywhere=True)}
    places = [replace(asked, namespace=place) for place in PLACES]
    assert somewhere == {chain.somebody for place in places for chain in judge.who_can(place)}
    doubted = {one for one, _ in perhaps(judge, asked, anywhere=True)}
    assert doubted == {one for place in places for one, _ in perhaps(judge, place)}


@given(cases(), users)
def test_what_is_given_is_what_allows(case: Case, user: User) -> None:
    judge, request = case.judge, case.request
    for one in (Somebody("", user), *judge.everybody()):
        given_ = list(judge.given(one, request.namespace))
        allowed = any(item.rules is not None and first_rule(item.rules, request) is not None for item in given_)
        assert allowed == may(judge, one, request)
        there = {(item.binding, item.policy) for item in given_}
        assert there <= {(item.binding, item.policy) for item in judge.given(one)}


@given(cases())
def test_perhaps_are_those_of_whom_it_is_not_known(case: Case) -> None:
    judge, request = case.judge, case.request
    doubted: dict[Somebody, list[str]] = {}
    for one, why in perhaps(judge, request):
        doubted.setdefault(one, []).append(why)
    assert doubted == {one: list(found) for one in judge.everybody() if (found := unknown(judge, one, request))}


@given(cases(), users)
def test_the_one_change_of_a_near_miss_allows_it(case: Case, user: User) -> None:
    judge, request = case.judge, case.request
    for one in (Somebody("", user), *judge.everybody()):
        if may(judge, one, request):
            continue
        misses = nearest(judge, one, request)
        assert [miss for miss in misses if not 1 <= len(miss.lacks) <= 2] == []
        for miss in misses:
            if len(miss.lacks) == 1 and miss.policy is None:
                world, changed = _changed(judge.world, one, request, miss)
                assert may(Judge(world, BUILTIN.roles), changed, request), (miss, request)


def _changed(world: World, one: Somebody, request: Request, miss: Miss) -> tuple[World, Somebody]:
    """Do what a miss says, and nothing else."""
    binding, (lack,) = miss.binding, miss.lacks
    assert binding is not None
    if lack == "subject":
        keys = (subject_key(subject, binding.namespace) for subject in binding.subjects)
        key = next(key for key in keys if key is not None)
        user = User(one.user.name, (*one.user.groups, key.name)) if key.kind == "Group" else User(key.name)
        return world, replace(one, user=user)
    if lack == "role":
        here = binding.namespace if binding.role_ref.kind == "Role" else None
        role = Role(binding.role_ref.kind, here, binding.role_ref.name, (_exact(request),))
        return _with(world, role), one
    assert miss.role is not None
    assert miss.rule is not None
    if lack == "namespace":
        ref = RoleRef("ClusterRole", "changed")
        place = request.namespace or None
        kinds: tuple[BindingKind, ...] = ("RoleBinding", "ClusterRoleBinding")
        same = Binding(kinds[place is None], place, "changed", ref, tuple(_placed(binding)))
        return _with(world, replace(miss.role, kind="ClusterRole", namespace=None, name="changed"), same), one
    rule = {
        "verb": replace(miss.rule, verbs=(*miss.rule.verbs, request.verb)),
        "resource": replace(miss.rule, resources=(*miss.rule.resources, _resource(request))),
        "group": replace(miss.rule, api_groups=(*miss.rule.api_groups, request.api_group)),
        "path": replace(miss.rule, non_resource_urls=(*miss.rule.non_resource_urls, request.path)),
        "name": replace(miss.rule, resource_names=(*miss.rule.resource_names, request.name) if request.name else ()),
    }[lack]
    return _with(world, replace(miss.role, rules=(*miss.role.rules, rule))), one


def _with(world: World, *items: Role | Binding) -> World:
    roles = {(one.kind, one.namespace, one.name): one for one in world.rbac.roles}
    roles |= {(one.kind, one.namespace, one.name): one for one in items if isinstance(one, Role)}
    bindings = (*world.rbac.bindings, *(one for one in items if isinstance(one, Binding)))
    return replace(world, rbac=RbacState(tuple(roles.values()), bindings))


def _placed(binding: Binding) -> list[Subject]:
    """The subjects with the namespace that they have where the binding is."""
    return [
        replace(one, namespace=one.namespace or binding.namespace) if one.kind == "ServiceAccount" else one
        for one in binding.subjects
    ]


def _exact(request: Request) -> Rule:
    if request.path:
        return Rule((request.verb,), non_resource_urls=(request.path,))
    return Rule((request.verb,), (request.api_group,), (_resource(request),))


def _resource(request: Request) -> str:
    return f"{request.resource}/{request.subresource}" if request.subresource else request.resource


@given(cases(), st.lists(st.tuples(users, requests), max_size=3), users)
def test_a_batch_answers_as_single_questions(case: Case, more: list[tuple[User, Request]], user: User) -> None:
    judge, people = case.judge, [(user, case.request), *more]
    lines = []
    for number, (user, request) in enumerate(people):
        fields = {"verb": request.verb, "path": request.path, "resource": request.resource, "name": request.name}
        fields |= {"apiGroup": request.api_group, "subresource": request.subresource, "namespace": request.namespace}
        who = {"user": user.name, "groups": list(user.groups)}
        lines.append(json.dumps({"id": number, **who, **{key: value for key, value in fields.items() if value}}))
    answers = list(answer_lines(judge, "acme", [line.encode() for line in lines]))
    assert [answer["id"] for answer in answers] == list(range(len(lines)))
    for answer, (user, request) in zip(answers, people, strict=True):
        mapped = [one for one in judge.everybody() if one.user.name == user.name and one.source == "entry"]
        one = Somebody(mapped[0].principal, user, "entry") if len(mapped) == 1 else Somebody("", user)
        doubts = unknown(judge, one, request)
        expected = True if may(judge, one, request) else None if doubts else False
        assert answer["allowed"] is expected
        assert (answer["error"] is None) == (expected is not None)


@given(cases())
def test_a_chain_holds(case: Case) -> None:
    judge, request = case.judge, case.request
    for chain in judge.who_can(request):
        keys = keys_of(with_authenticated(chain.somebody.user))
        if chain.binding is not None:
            assert chain.role is not None
            assert chain.role == judge.authorizer.role_of(chain.binding)
            assert chain.rule in chain.role.rules
            assert chain.subject in chain.binding.subjects
            assert subject_key(chain.subject, chain.binding.namespace) in keys
            assert chain.binding.namespace in (None, request.namespace)
        if chain.rule is not None:
            assert oracle.allows(chain.rule, request)
        else:
            assert "system:masters" in chain.somebody.user.groups
