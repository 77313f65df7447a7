"""All access entries and associations of a cluster, with as few calls as EKS allows.

N entries of which K have access policies, P policies in AWS's list: one List per 100 entries and N Describe are
unavoidable. Associations cost one List per entry (N), or one List per policy to learn which entries have any, and one
for each of those (1 + P + K). The second is taken for large clusters, where K is small beside N.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from iamrbac.aws.cluster import EksCluster
from iamrbac.aws.session import CALLS_AT_ONCE
from iamrbac.plan.observed import Observed
from iamrbac.usecases.pool import Pool

ASK_BY_POLICY_FROM = 60
"""Entries; AWS had 33 access policies in 2026."""
_MOST_IN_TURN = 20
"""Entries: after a refusal, as many calls at most are still made by each thread."""


def read(cluster: EksCluster) -> tuple[Observed, ...]:
    """Return entries and associations, sorted by key. Raises AwsError unless every one could be read.

    An entry that was deleted between the listing and its own reading is simply gone.
    """
    principals = cluster.principals()
    with Pool(max_workers=CALLS_AT_ONCE) as pool:
        described = pool.map(lambda some: [cluster.describe(one) for one in some], _in_turns(principals))
        entries = [found.observed for some in described for found in some if found is not None]
        there = [observed.key.name for observed in entries]
        asked = _with_policies(cluster, pool, there)
        found = [associations or () for associations in pool.map(cluster.associations, asked)]
    return tuple(sorted((*entries, *(one for some in found for one in some)), key=lambda observed: observed.key))


def _in_turns(principals: Sequence[str]) -> Iterable[Sequence[str]]:
    """Return the principals in parts, one for each turn of a thread: a turn costs a tenth of a call."""
    size = min(_MOST_IN_TURN, len(principals) // (4 * CALLS_AT_ONCE) or 1)
    return (principals[begin : begin + size] for begin in range(0, len(principals), size))


def _with_policies(cluster: EksCluster, pool: Pool, principals: list[str]) -> Iterable[str]:
    """Return the entries whose associations have to be asked for."""
    if len(principals) < ASK_BY_POLICY_FROM:
        return principals
    having = {principal for some in pool.map(cluster.principals, cluster.policies()) for principal in some}
    return [principal for principal in principals if principal in having]
