from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from iamrbac.backup.retention import expired

DONE, DIED = True, False


@pytest.mark.parametrize(
    ("runs", "keep", "gone"),
    [
        ([], 1, ()),
        ([("1", DONE), ("2", DONE)], 2, ()),
        ([("3", DONE), ("1", DONE), ("2", DONE)], 1, ("1", "2")),
        ([("1", DIED), ("2", DONE), ("3", DONE)], 2, ("1",)),
        ([("1", DONE), ("2", DIED), ("3", DIED)], 1, ("1",)),
        ([("1", DIED), ("2", DIED)], 1, ()),
    ],
)
def test_the_oldest_go_but_none_that_still_says_how_to_go_back(
    runs: list[tuple[str, bool]], keep: int, gone: tuple[str, ...]
) -> None:
    assert expired(runs, keep) == gone


@given(st.dictionaries(st.text(min_size=1, max_size=3), st.booleans(), max_size=8), st.integers(1, 4))
def test_never_fewer_than_wanted_are_left_and_never_the_last_that_died(runs: dict[str, bool], keep: int) -> None:
    gone = expired(runs.items(), keep)
    left = sorted(set(runs) - set(gone))
    assert len(left) >= min(keep, len(runs))
    last = max((one for one, finished in runs.items() if finished), default="")
    assert all(one in left for one, finished in runs.items() if not finished and one > last)
