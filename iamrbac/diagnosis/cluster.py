"""The fourth check: is it the cluster that is meant, in its region and account, and does it work."""

from __future__ import annotations

import re
from typing import Final

from iamrbac.diagnosis.endpoint import again, gone, stale
from iamrbac.diagnosis.facts import Described, Place, Refused
from iamrbac.diagnosis.verdict import Cause, Fixer, Verdict, failed, ok, unknown
from iamrbac.model.arn import partition_of

CHECK: Final = "cluster"
_USABLE: Final = frozenset({"ACTIVE", "UPDATING"})
# https://ID.HASH.REGION.eks.amazonaws.com, with another suffix in other partitions.
_REGION_OF_HOST: Final = re.compile(r"https://[^/]+\.([a-z]{2,}(?:-[a-z]+)+-[0-9])\.eks\.")


def judge(place: Place) -> Verdict:
    """Judge what EKS says of the cluster, and what the kubeconfig says of it.

    An endpoint that answers with a certificate of the expected authority is the cluster, so that a developer who may
    not ask EKS lacks nothing.
    """
    for cause in (_other_region(place), gone(place), stale(place), _not_active(place), _other_cluster(place)):
        if cause is not None:
            return failed(CHECK, cause.text, [cause])
    found = place.described
    if isinstance(found, Described) and not found.status:
        return ok(CHECK, f"{found.arn}, by its certificate and {found.by}; EKS was not asked")
    if isinstance(found, Described):
        return ok(CHECK, f"{found.arn}, {found.status}, authentication mode {found.mode}")
    named = place.arn or f"{place.named.eks_name} in {place.named.region}"
    if place.entry is not None and not place.entry.insecure:
        return ok(CHECK, f"{named}, by its certificate; EKS was not asked{_why(place)}")
    return unknown(CHECK, f"{named}: EKS was not asked{_why(place)}")


def _why(place: Place) -> str:
    if not isinstance(place.described, Refused):
        return ""
    if place.described.fault == "denied":
        return " (eks:DescribeCluster is not allowed, and not needed)"
    if place.account and place.cluster_account and place.account != place.cluster_account:
        return f" (it is in account {place.cluster_account}, and you are of {place.account})"
    return f" ({place.described.message})"


def _other_region(place: Place) -> Cause | None:
    """A token of any region of the partition is taken (pkg/token, Verify): another one alone does no harm."""
    entry = place.entry
    match = _REGION_OF_HOST.match(entry.server) if entry is not None else None
    if entry is None or match is None:
        return None
    asked = entry.plugin.region if entry.plugin is not None and entry.plugin.region else place.named.region
    apart = partition_of(match[1]) != partition_of(asked)
    lost = isinstance(place.described, Refused) and place.described.fault == "not-found" and match[1] != asked
    if not apart and not lost:
        return None
    text = f"the kubeconfig's server is in {match[1]}, and its plug-in names {asked}"
    return Cause("wrong-region", text, Fixer.YOU, again(place), sure=True)


def _not_active(place: Place) -> Cause | None:
    found = place.described
    if not isinstance(found, Described) or not found.status or found.status in _USABLE:
        return None
    run = f"aws eks wait cluster-active --name {place.named.eks_name} --region {place.named.region}"
    return Cause("cluster-not-active", f"the cluster is {found.status}", Fixer.PLATFORM, run, sure=True)


def _other_cluster(place: Place) -> Cause | None:
    entry = place.entry
    if entry is None or not entry.arn or not isinstance(place.described, Described) or entry.arn == place.described.arn:
        return None
    text = f"the kubeconfig's entry is of {entry.arn}, and {place.described.arn} is meant"
    return Cause("other-cluster", text, Fixer.YOU, again(place), sure=True)
