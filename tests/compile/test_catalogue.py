from __future__ import annotations

from fnmatch import fnmatchcase

from hypothesis import given
from hypothesis import strategies as st

from iamrbac.compile.catalogue import Catalogue

names = st.text("ab-", min_size=1, max_size=4)


@given(st.sets(names), st.text("ab-*?", min_size=1, max_size=4))
def test_a_pattern_means_what_comparing_with_every_name_would_give(known: set[str], pattern: str) -> None:
    assert Catalogue(known, "home").matching(pattern) == tuple(sorted(n for n in known if fnmatchcase(n, pattern)))


def test_reserved_namespaces_are_meant_by_no_pattern() -> None:
    catalogue = Catalogue(["kube-system", "kube-public", "kubernetes", "home", "homes"], "home")
    assert catalogue.matching("*") == ("homes", "kubernetes")
    assert catalogue.matching("kube-*") == ()
    assert catalogue.matching("hom?") == ()
