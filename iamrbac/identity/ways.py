"""By which role each account is entered to ask its IAM."""

from __future__ import annotations

from iamrbac.identity.snapshot import Way
from iamrbac.model.arn import partition_of
from iamrbac.model.documents import Config


def ways(config: Config) -> dict[str, Way]:
    """Return account → way: identity.assumeRole for the people's, else that of the account's first cluster with one.

    An account that has none is asked by whoever runs iamrbac, where it is theirs.
    """
    found: dict[str, Way] = {}
    role = config.identity.role if config.identity is not None else None
    if role is not None:
        regions = [cluster.region for cluster in config.clusters]
        near = next((region for region in regions if partition_of(region) == role.partition), regions[0])
        found[role.account] = Way(role, near)
    for cluster in config.clusters:
        if cluster.role is not None:
            found.setdefault(cluster.role.account, Way(cluster.role, cluster.region))
    return found
