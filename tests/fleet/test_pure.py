"""Waves, canaries, shards and stopping, whatever the clusters are called and labelled."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from iamrbac.fleet.part import Part
from iamrbac.fleet.result import COUNTS, FINISHED, Became, Result, exit_code, stops
from iamrbac.fleet.shards import MOST, Shard, parse_shard, shard_of
from iamrbac.fleet.waves import canaries, only, waves_of
from iamrbac.model.config import Config
from iamrbac.model.documents import Cluster
from iamrbac.model.fleet import Fleet
from iamrbac.model.selection import selects

ENVS = ["development", "staging", "production", ""]
NAMES = st.lists(st.from_regex("[a-c]{1,2}-[0-9]{1,3}", fullmatch=True), unique=True, max_size=30)
SELECTORS = st.one_of(
    st.sampled_from(ENVS[:3]).map(lambda env: {"env": env}),
    st.lists(st.sampled_from(["a-*", "b-*", "*-1", "a-1", "*"]), min_size=1, max_size=2).map(tuple),
)
ORDERS = st.lists(SELECTORS, max_size=5)


@st.composite
def fleets(draw: st.DrawFn) -> tuple[Cluster, ...]:
    names = draw(NAMES)
    return tuple(cluster(name, draw(st.sampled_from(ENVS))) for name in names)


def cluster(name: str, env: str = "") -> Cluster:
    return Cluster(name=name, account="111122223333", region="eu-west-1", labels={"env": env} if env else {})


def config(clusters: tuple[Cluster, ...], order: object) -> Config:
    return Config.model_validate(
        {
            "apiVersion": "iamrbac.dev/v1alpha1",
            "kind": "Config",
            "metadata": {"name": "acme"},
            "clusters": clusters,
            "fleet": Fleet.model_validate({"order": order}),
        }
    )


@given(fleets(), ORDERS)
def test_every_cluster_is_in_the_first_wave_that_means_it_and_in_no_other(
    clusters: tuple[Cluster, ...], order: list[dict[str, str] | tuple[str, ...]]
) -> None:
    waves = waves_of(order, clusters)
    assert sorted(name for wave in waves for name in wave.clusters) == sorted(one.name for one in clusters)
    assert [wave.number for wave in waves] == list(range(1, len(waves) + 1))
    for one in clusters:
        (wave,) = [wave for wave in waves if one.name in wave.clusters]
        first = next((number for number, some in enumerate(order, 1) if selects(some, one)), len(order) + 1)
        assert wave.number == first
    places = {one.name: place for place, one in enumerate(clusters)}
    for wave in waves:
        assert [places[name] for name in wave.clusters] == sorted(places[name] for name in wave.clusters)
    assert [wave for wave in waves if wave.rest] == ([waves[-1]] if order and len(waves) > len(order) else [])


@given(fleets(), ORDERS, st.data())
def test_a_part_of_the_waves_keeps_their_order(
    clusters: tuple[Cluster, ...], order: list[dict[str, str] | tuple[str, ...]], data: st.DataObject
) -> None:
    waves = waves_of(order, clusters)
    names = [one.name for one in clusters]
    some = data.draw(st.sets(st.sampled_from(names))) if names else set()
    part = only(waves, some)
    assert [wave.number for wave in part] == [wave.number for wave in waves]
    for whole, few in zip(waves, part, strict=True):
        assert few.clusters == tuple(name for name in whole.clusters if name in some)


@given(NAMES, st.data(), st.integers(0, 40))
def test_canaries_are_the_first_that_change_and_leave_somebody_to_warn(
    names: list[str], data: st.DataObject, count: int
) -> None:
    changed = data.draw(st.sets(st.sampled_from(names))) if names else set()
    first = canaries(names, changed, count)
    able = [name for name in names if name in changed]
    assert list(first) == (able[:count] if count < len(able) else [])


@given(NAMES, st.integers(1, 25))
def test_each_cluster_is_in_one_shard(names: list[str], count: int) -> None:
    for name in names:
        assert [index for index in range(count) if Shard(index, count).has(name)] == [shard_of(name, count)]


@given(NAMES, st.integers(1, 25))
def test_one_shard_more_takes_clusters_and_moves_no_other(names: list[str], count: int) -> None:
    for name in names:
        assert shard_of(name, count + 1) in (shard_of(name, count), count)


def test_shards_are_about_even() -> None:
    sizes = [0] * 20
    for number in range(2000):
        sizes[shard_of(f"cluster-{number:04}", 20)] += 1
    assert min(sizes) > 65 and max(sizes) < 140


@given(fleets(), ORDERS, st.integers(1, 6))
def test_waves_and_shards_together_have_every_cluster_once(
    clusters: tuple[Cluster, ...], order: list[dict[str, str] | tuple[str, ...]], count: int
) -> None:
    if not clusters:
        return
    made = config(clusters, order)
    numbers = [str(wave.number) for wave in waves_of(order, clusters)]
    found = [
        name for number in numbers for index in range(count) for name in Part((number,), Shard(index, count)).of(made)
    ]
    assert sorted(found) == sorted(one.name for one in clusters)
    leaders = [index for index in range(count) if Part(shard=Shard(index, count)).leads(clusters)]
    assert len(leaders) == 1


def test_a_wave_that_is_not_there_is_told_with_those_that_are() -> None:
    made = config((cluster("a-1", "staging"),), [{"env": "staging"}])
    with pytest.raises(ValueError, match=r"there is no wave 2; there are 1 \(env=staging\)"):
        Part(("2",)).of(made)
    assert Part(("env=staging",)).of(made) == {"a-1"}


@pytest.mark.parametrize("text", ["", "1", "1/1", "2/2", "-1/2", "01/2", "0/0", f"0/{MOST + 1}", "a/b", "1/2/3", "٠/2"])
def test_what_is_no_shard(text: str) -> None:
    with pytest.raises(ValueError, match="shard"):
        parse_shard(text)


def test_a_shard_reads_as_it_is_written() -> None:
    assert [str(parse_shard(text)) for text in ("0/1", "19/20")] == ["0/1", "19/20"]


RESULTS = st.lists(
    st.builds(
        Result,
        cluster=st.text(min_size=1, max_size=3),
        wave=st.integers(1, 3),
        became=st.sampled_from(Became),
        done=st.integers(0, 2),
    ),
    max_size=10,
)


@given(RESULTS, st.integers(1, 5))
def test_it_stops_after_so_many_and_not_before(results: list[Result], limit: int) -> None:
    assert bool(stops(results, limit)) == (sum(one.became in COUNTS for one in results) >= limit)


@given(RESULTS, st.booleans(), st.booleans())
def test_zero_only_where_everything_is_done(results: list[Result], interrupted: bool, iam: bool) -> None:
    code = exit_code(results, interrupted=interrupted, iam_undone=iam)
    everything = all(one.became in FINISHED for one in results) and not iam
    assert code == (130 if interrupted else code)
    assert (code == 0) == (everything and not interrupted)
    assert code in (0, 1, 3, 6, 130)


@pytest.mark.parametrize(
    ("became", "code"),
    [
        ([Became.DONE, Became.UNCHANGED], 0),
        ([Became.DONE, Became.NOT_PLANNED], 1),
        ([Became.DONE, Became.FAILED], 6),
        ([Became.DONE, Became.REFUSED], 6),
        ([Became.EARLIER, Became.NOT_BEGUN], 6),
        ([Became.REFUSED, Became.NOT_BEGUN], 3),
        ([Became.NOT_PLANNED, Became.NOT_BEGUN], 1),
        ([Became.TIMED_OUT], 6),
        ([Became.FAILED, Became.NOT_BEGUN], 1),
    ],
)
def test_exit_codes(became: list[Became], code: int) -> None:
    assert exit_code([Result("a", 1, one) for one in became]) == code
