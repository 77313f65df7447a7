"""The proof by itself, on two clusters: one is the other with its rules cut up and joined anew, or less of them."""

from __future__ import annotations

import os
from dataclasses import replace

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from iamrbac.access.judge import Judge
from iamrbac.access.world import World
from iamrbac.importing.proof import FRESH, prove, witness
from iamrbac.rbac.covers import Atom, ResourceAtom, UrlAtom, atoms, compact
from iamrbac.rbac.match import allows
from iamrbac.rbac.objects import Request, Role, Rule
from tests.access.worlds import BUILTIN, worlds
from tests.importing.clusters import AT
from tests.rbac import strategies as rbac

EXAMPLES = int(os.environ.get("IAMRBAC_FUZZ", "60"))
SLOW = settings(max_examples=EXAMPLES, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
_OWN = {(one.kind, one.namespace, one.name) for one in BUILTIN.roles}


def recut(world: World, left_out: int | None) -> World:
    """The same rules in other pieces, without one atom of somebody's where `left_out` says which."""
    own = [one for one in world.rbac.roles if (one.kind, one.namespace, one.name) not in _OWN]
    pieces = [(role.name, role.namespace, atom) for role in own for rule in role.rules for atom in atoms(rule)]
    gone = pieces[left_out % len(pieces)] if left_out is not None and pieces else None

    def rules(role: Role) -> tuple[Rule, ...]:
        kept = [a for rule in role.rules for a in atoms(rule) if (role.name, role.namespace, a) != gone]
        return compact(reversed(kept))

    roles = tuple(replace(one, rules=rules(one)) if one in own else one for one in world.rbac.roles)
    return replace(world, rbac=replace(world.rbac, roles=roles))


@SLOW
@given(worlds())
def test_rules_in_other_pieces_are_equal(world: World) -> None:
    named = replace(world, reading=replace(world.reading, accounts=()) if world.reading is not None else None)
    proof = prove("one", named, recut(named, None), BUILTIN.roles, AT)
    assert proof.equal, proof.deltas


@SLOW
@given(worlds(), st.integers(0, 40), st.lists(rbac.requests, min_size=10, max_size=30))
def test_whatever_is_answered_otherwise_is_told(world: World, left_out: int, requests: list[Request]) -> None:
    other = recut(world, left_out)
    proof = prove("one", world, other, BUILTIN.roles, AT)
    assert proof.unlike == ()
    had, has = Judge(world, BUILTIN.roles), Judge(other, BUILTIN.roles)
    told = {one.principal: one for one in proof.deltas}
    for somebody in had.everybody():
        for request in requests:
            before = any(True for _ in had.chains(somebody, request))
            after = any(True for _ in has.chains(somebody, request))
            if before != after:
                assert told[somebody.principal].about(request, "gain" if after else "lose")


@given(rbac.rules, rbac.rules, rbac.requests)
def test_a_witness_stands_for_all_that_its_atom_allows(one: Rule, other: Rule, request: Request) -> None:
    """The lemma of the proof, on two rules."""
    for atom in atoms(one):
        asked = witness("", atom)
        rule = _rule(atom)
        if asked is not None:
            assert allows(rule, asked)
            if allows(other, asked) and allows(rule, request):
                assert allows(other, request) or any(allows(_rule(b), request) for b in atoms(other))


def test_witnesses_have_what_no_cluster_has() -> None:
    assert witness("", ResourceAtom("*", "*", "*", None)) == Request(FRESH, FRESH, FRESH, FRESH, FRESH, "")
    assert witness("dev-*", ResourceAtom("", "*/log", "get", "a")) == Request(
        "get", FRESH, "", "log", "a", f"dev-{FRESH}"
    )
    assert witness("", UrlAtom("/api/**", "*")) == Request(FRESH, path=f"/api/{FRESH}")
    assert witness("blue", UrlAtom("/api", "get")) is None


def _rule(atom: Atom) -> Rule:
    return compact([atom])[0]
