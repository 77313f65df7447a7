"""The matrix says what `can` says: it shows no right that is not there, and leaves none out that is."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from iamrbac.access.eks_policies import matches_star
from iamrbac.access.judge import Judge, first_rule
from iamrbac.access.rights import common, rights
from iamrbac.rbac.objects import Request, Rule
from iamrbac.report.grants import Profile, profiles
from iamrbac.report.matrix import rows
from iamrbac.report.strength import RANK, Strength, size, strength
from tests.access.worlds import Case, cases, judges
from tests.rbac import strategies as rbac


def shown(found: tuple[Profile, ...], names: set[str], request: Request) -> bool | None:
    """Say whether a matrix shows that people may do something; None: it holds a role that nobody knows."""
    unknown = False
    for profile in found:
        if names.isdisjoint(profile.principals):
            continue
        for namespace, holdings in profile.holdings.items():
            if namespace and not matches_star(namespace, request.namespace):
                continue
            for one in holdings:
                if one.rules is None:
                    unknown = True
                elif first_rule(one.rules, request) is not None:
                    return True
    return None if unknown else False


@settings(max_examples=150)
@given(cases())
def test_the_matrix_says_what_can_says(case: Case) -> None:
    judge, request = case.judge, case.request
    found = profiles(judge)
    for one in judge.everybody():
        allowed = any(True for _ in judge.chains(one, request))
        said = shown(found, {one.principal, "Group system:authenticated"}, request)
        everybody = any(
            right.reaches(request.namespace) and first_rule(right.rules or (), request) is not None
            for right in common(rights(judge, one))
        )
        if allowed:
            assert said or everybody, (one, request)
        elif said:
            raise AssertionError((one, request, found))


@settings(max_examples=60)
@given(judges)
def test_equal_rows_together_are_every_cell_once(judge: Judge) -> None:
    found = profiles(judge)
    single = {
        (principal, namespace, one.role)
        for profile in found
        for principal in profile.principals
        for namespace, holdings in profile.holdings.items()
        for one in holdings
    }
    together = [
        (principal, namespace, one.role)
        for row in rows(found)
        for principal in row.principals
        for namespace in row.namespaces
        for one in row.holdings
    ]
    assert len(together) == len(set(together))
    assert set(together) == single


@given(st.lists(rbac.rules, max_size=3), st.lists(rbac.rules, max_size=3), st.sampled_from(("", "blue")))
def test_more_rules_are_never_weaker(some: list[Rule], more: list[Rule], namespace: str) -> None:
    less, all_ = strength(tuple(some), namespace), strength((*some, *more), namespace)
    assert RANK[all_] <= RANK[less]
    assert size((*some, *more)) >= size(tuple(some))
    assert strength(None, namespace) is Strength.UNKNOWN
