"""Steps: each cluster once, wave after wave, canaries first, and only where there is somebody whom they could warn."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from iamrbac.fleet.steps import Step, steps
from iamrbac.fleet.waves import Wave

NAMES = [f"c{number}" for number in range(12)]


@given(
    st.permutations(NAMES),
    st.lists(st.integers(0, 12), max_size=3),
    st.frozensets(st.sampled_from(NAMES)),
    st.integers(0, 4),
)
def test_every_cluster_is_in_one_step_in_the_order_of_the_waves(
    order: list[str], cuts: list[int], changed: frozenset[str], canary: int
) -> None:
    bounds = [0, *sorted(cuts), len(order)]
    waves = [
        Wave(number, f"w{number}", tuple(order[start:end]))
        for number, (start, end) in enumerate(pairwise(bounds), start=1)
    ]
    made = list(steps(waves, changed, canary))
    assert sorted(name for step in made for name in step.clusters) == sorted(NAMES)
    assert all(step.clusters for step in made)
    place = {name: wave.number for wave in waves for name in wave.clusters}
    numbers = [place[name] for step in made for name in step.clusters]
    assert numbers == sorted(numbers)
    for step, following in zip(made, [*made[1:], None], strict=True):
        if step.canary:
            assert following is not None
            assert following.wave == step.wave
            assert len(step.clusters) == canary
            assert set(step.clusters) <= changed


def test_a_wave_of_one_has_no_canary() -> None:
    assert list(steps([Wave(1, "one", ("a",)), Wave(2, "two", ("b", "c"))], {"a", "b", "c"}, 1)) == [
        Step("one", ("a",)),
        Step("two", ("b",), canary=True),
        Step("two", ("c",)),
    ]
