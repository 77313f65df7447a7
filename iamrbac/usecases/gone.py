"""Other people's mappings whose user or role is gone: asked once for all clusters, and only where there are any."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from iamrbac.findings.finding import Finding
from iamrbac.identity.snapshot import Identities
from iamrbac.identity.ways import ways
from iamrbac.model.arn import Arn
from iamrbac.model.documents import Config
from iamrbac.plan.change import ClusterPlan, FailedCluster
from iamrbac.plan.gone import gone, name_of, staying, unknown
from iamrbac.usecases.ports import People


def with_gone(
    people: People, plans: Sequence[ClusterPlan | FailedCluster], config: Config, identities: Identities
) -> tuple[list[ClusterPlan | FailedCluster], tuple[Finding, ...]]:
    """Return the plans with a warning for each mapping whose principal is gone, and notes on what is not known.

    Looked at are users and roles of the config's accounts; of others nobody here can know.
    """
    accounts = {cluster.account for cluster in config.clusters}
    accounts |= {config.identity.account} if config.identity is not None else set()
    known = frozenset(_known(identities))
    stays = {plan.name: tuple(staying(plan, accounts, known)) for plan in plans if isinstance(plan, ClusterPlan)}
    asked = frozenset(one.asked for some in stays.values() for one in some)
    if not asked:
        return list(plans), ()
    existing = people.existing(asked, ways(config))
    found = [
        replace(plan, findings=(*plan.findings, *gone(plan, stays[plan.name], existing)))
        if isinstance(plan, ClusterPlan)
        else plan
        for plan in plans
    ]
    return found, tuple(unknown(existing))


def _known(identities: Identities) -> Iterator[str]:
    """Yield everybody whom IAM has just named."""
    for some in (*identities.groups.values(), *((one,) for one in identities.principals.values())):
        for arn in some if isinstance(some, tuple) else ():
            if isinstance(arn, str):
                yield name_of(Arn.parse(arn))
