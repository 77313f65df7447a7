"""Which clusters `--cluster` means: names, and labels as kubectl writes them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from iamrbac.model.config import Cluster
from iamrbac.model.errors import UsageError
from iamrbac.usecases.select import select

KEYS = ("env", "tier")
VALUES = ("a", "b", "")
LABELS = st.dictionaries(st.sampled_from(KEYS), st.sampled_from(VALUES))


def cluster(name: str, **labels: str) -> Cluster:
    return Cluster(name=name, account="111122223333", region="eu-west-1", labels=labels)


FOUR = (
    cluster("dev", env="development"),
    cluster("shop-1", env="production", tier="web"),
    cluster("shop-2", env="production", tier="data"),
    cluster("bare"),
)


@pytest.mark.parametrize(
    ("asked", "found"),
    [
        ((), ["dev", "shop-1", "shop-2", "bare"]),
        (("shop-2", "dev"), ["dev", "shop-2"]),
        (("env=production",), ["shop-1", "shop-2"]),
        (("env=production,tier=web",), ["shop-1"]),
        (("tier=web, env=production",), ["shop-1"]),
        (("tier=data", "bare", "env=development"), ["dev", "shop-2", "bare"]),
        (("env=production", "shop-1"), ["shop-1", "shop-2"]),
    ],
)
def test_names_and_labels(asked: tuple[str, ...], found: list[str]) -> None:
    assert [one.name for one in select(FOUR, asked)] == found


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        ("shop", "no such cluster in iamrbac.yaml: shop. Next: use one of dev, shop-1, shop-2, bare, or labels"),
        ("env=prod", "no cluster in iamrbac.yaml is labelled env=prod. Next: look at the labels"),
        ("env=production,tier=x", "no cluster in iamrbac.yaml is labelled env=production,tier=x."),
        ("env=", "these are no labels: 'env='. Next: write them like env=staging"),
        ("=a", "these are no labels: '=a'."),
        ("env==a", "these are no labels: 'env==a'."),
        ("env=production,", "these are no labels: 'env=production,'."),
    ],
)
def test_what_no_cluster_has_is_an_error_and_never_nothing(asked: str, message: str) -> None:
    with pytest.raises(UsageError) as caught:
        select(FOUR, ("dev", asked))
    assert message in str(caught.value)


@given(st.lists(LABELS, max_size=5), LABELS.filter(lambda labels: labels and "" not in labels.values()))
def test_labels_choose_the_clusters_that_have_all_of_them(all_: list[dict[str, str]], wanted: dict[str, str]) -> None:
    clusters = [cluster(f"c{number}", **labels) for number, labels in enumerate(all_)]
    having = [one for one in clusters if wanted.items() <= dict(one.labels).items()]
    asked = ",".join(f"{key}={value}" for key, value in wanted.items())
    if having:
        assert list(select(clusters, [asked])) == having
    else:
        with pytest.raises(UsageError):
            select(clusters, [asked])
