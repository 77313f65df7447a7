"""Which clusters a command is about: names, or labels, as the command line has them."""

from __future__ import annotations

from collections.abc import Collection, Iterable

from iamrbac.fleet.part import Part
from iamrbac.model.documents import Cluster, Config
from iamrbac.model.errors import UsageError


def select(clusters: Iterable[Cluster], asked: Collection[str]) -> tuple[Cluster, ...]:
    """Return the clusters that are asked for (all where nothing is), in the config's order.

    Each of `asked` is a cluster's name, or labels that must all match: `env=staging` or `env=staging,region=eu`, as
    kubectl writes them. No name has a `=` in it. Raises UsageError for a name or labels that no cluster has: a pipeline
    that means an environment must not go on with nothing.
    """
    clusters = tuple(clusters)
    if not asked:
        return clusters
    names = {one for one in asked if "=" not in one}
    unknown = sorted(names - {cluster.name for cluster in clusters})
    if unknown:
        hint = f"use one of {', '.join(cluster.name for cluster in clusters)}, or labels: env=staging"
        raise UsageError(f"no such cluster in iamrbac.yaml: {', '.join(unknown)}", hint=hint)
    for words in sorted(set(asked) - names):
        names |= _labelled(clusters, words)
    return tuple(cluster for cluster in clusters if cluster.name in names)


def select_part(config: Config, asked: Collection[str], part: Part) -> tuple[Cluster, ...]:
    """Return the clusters that are asked for, as `select` does, as far as they are of a part of the fleet.

    There may be none: a shard of few clusters has none, and what is asked of it is done. Raises UsageError as `select`,
    and for a wave that the config does not have.
    """
    selected = select(config.clusters, asked)
    try:
        names = part.of(config)
    except ValueError as error:
        raise UsageError(str(error), hint="look at fleet.order in iamrbac.yaml") from error
    return tuple(cluster for cluster in selected if cluster.name in names)


def _labelled(clusters: Iterable[Cluster], words: str) -> set[str]:
    """Return the names of the clusters with all of these labels. Raises UsageError where none has them."""
    pairs = [pair.strip().partition("=") for pair in words.split(",")]
    if not all(key and equals and value and "=" not in value for key, equals, value in pairs):
        raise UsageError(f"these are no labels: {words!r}", hint="write them like env=staging, or env=staging,tier=web")
    found = {one.name for one in clusters if all(one.labels.get(key) == value for key, _, value in pairs)}
    if not found:
        hint = "look at the labels of clusters in iamrbac.yaml"
        raise UsageError(f"no cluster in iamrbac.yaml is labelled {words}", hint=hint)
    return found
