"""The keyed diff: applying it gives the desired mapping, whatever the two mappings are."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from iamrbac.plan.diff import diff_mappings

mappings = st.dictionaries(st.text(max_size=2), st.integers(0, 3), max_size=6)


@given(mappings, mappings)
def test_applying_the_diff_gives_the_desired_mapping(current: dict[str, int], desired: dict[str, int]) -> None:
    diff = diff_mappings(current, desired, lambda was, will: was == will)
    result = {key: value for key, value in current.items() if key not in diff.delete}
    result |= dict(diff.add) | {key: will for key, (_, will) in diff.change.items()}
    assert result == desired


@given(mappings, mappings)
def test_every_key_is_in_exactly_one_part(current: dict[str, int], desired: dict[str, int]) -> None:
    diff = diff_mappings(current, desired, lambda was, will: was == will)
    parts = [*diff.add, *diff.delete, *diff.change, *diff.same]
    assert sorted(parts) == sorted(current.keys() | desired.keys())


@given(mappings)
def test_nothing_to_do_against_itself(current: dict[str, int]) -> None:
    diff = diff_mappings(current, current, lambda was, will: was == will)
    assert not diff.add
    assert not diff.delete
    assert not diff.change
