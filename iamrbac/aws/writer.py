"""Writes of access entries and associations.

EKS has no versions, so what is changed or deleted is read again just before and compared with what the plan saw.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from typing import TypedDict, TypeVar

from botocore.exceptions import ClientError

from iamrbac.aws.cluster import EksCluster
from iamrbac.aws.errors import code_of, text_of
from iamrbac.compile import names
from iamrbac.compile.desired import Desired
from iamrbac.mapping.objects import AccessEntry, PolicyAssociation
from iamrbac.model.arn import default_username
from iamrbac.model.errors import AwsError, ConflictError, ExistsError
from iamrbac.plan.observed import Observed

T = TypeVar("T")
STANDARD = "STANDARD"
OUR_TAGS = "iamrbac.dev/"
NEW_PRINCIPAL_WAITS = (1.0, 2.0, 4.0)
"""Seconds between attempts: a role or user that was just made is unknown to EKS for a moment (eks-facts 1.2)."""


class _Fields(TypedDict, total=False):
    username: str
    kubernetesGroups: list[str]


def create(cluster: EksCluster, desired: Desired, sleep: Callable[[float], None]) -> None:
    """Create an entry, or associate a policy. Raises ExistsError or AwsError."""
    spec = desired.spec
    if isinstance(spec, AccessEntry):
        _retried(lambda: _create_entry(cluster, spec, dict(desired.labels)), sleep)
    elif isinstance(spec, PolicyAssociation):
        # AssociateAccessPolicy on an existing association would silently replace its scope.
        if _current(cluster, spec) is not None:
            raise _exists(cluster, desired.key.name)
        _retried(lambda: _associate(cluster, spec), sleep)


def update(cluster: EksCluster, observed: Observed, desired: Desired) -> None:
    """Change an entry's username, groups or tags (only what differs), or an association's scope.

    Raises ConflictError or AwsError.
    """
    was, will = observed.spec, desired.spec
    if isinstance(was, AccessEntry) and isinstance(will, AccessEntry):
        _update_entry(cluster, observed, will, dict(desired.labels), released=desired.released)
    elif isinstance(was, PolicyAssociation) and isinstance(will, PolicyAssociation):
        if _current(cluster, was) != was:
            raise _conflict(cluster, observed.key.name)
        _associate(cluster, will)


def delete(cluster: EksCluster, observed: Observed) -> None:
    """Delete an entry or disassociate a policy; already gone is fine. Raises ConflictError or AwsError."""
    spec = observed.spec
    if isinstance(spec, AccessEntry):
        found = cluster.describe(spec.principal)
        if found is None:
            return
        if found.observed != observed:
            raise _conflict(cluster, observed.key.name)
        cluster.unless_gone(
            lambda: cluster.client.delete_access_entry(clusterName=cluster.target.eks_name, principalArn=spec.principal)
        )
    elif isinstance(spec, PolicyAssociation):
        current = _current(cluster, spec)
        if current is None:
            return
        if current != spec:
            raise _conflict(cluster, observed.key.name)
        cluster.unless_gone(
            lambda: cluster.client.disassociate_access_policy(
                clusterName=cluster.target.eks_name, principalArn=spec.principal, policyArn=spec.policy
            )
        )


def _create_entry(cluster: EksCluster, spec: AccessEntry, tags: dict[str, str]) -> None:
    fields: _Fields = {} if spec.username == _default(spec.principal) else {"username": spec.username}
    # EKS gives nodes their username and groups itself, and takes none.
    fields = {**fields, "kubernetesGroups": list(spec.groups)} if spec.type == STANDARD else {}

    def make() -> None:
        try:
            cluster.client.create_access_entry(
                clusterName=cluster.target.eks_name,
                principalArn=spec.principal,
                type=spec.type,
                tags=tags,
                **fields,
            )
        except ClientError as error:
            if code_of(error) == "ResourceInUseException":
                raise _exists(cluster, spec.principal) from error
            raise

    cluster.call(make)


def _update_entry(
    cluster: EksCluster, observed: Observed, will: AccessEntry, tags: dict[str, str], *, released: bool
) -> None:
    found = cluster.describe(will.principal)
    if found is None or found.observed != observed or not isinstance(was := observed.spec, AccessEntry):
        raise _conflict(cluster, observed.key.name)
    if tags.items() - observed.meta.labels.items():
        # First: if the next call fails, the entry is already ours and the same command goes on from there.
        cluster.call(lambda: cluster.client.tag_resource(resourceArn=found.arn, tags=tags))
    name, principal = cluster.target.eks_name, will.principal
    # Only what differs: EKS refuses some usernames that it made itself when they are sent back (eks-facts 1.2).
    if was.groups != will.groups and was.username != will.username:
        cluster.call(
            lambda: cluster.client.update_access_entry(
                clusterName=name, principalArn=principal, kubernetesGroups=list(will.groups), username=will.username
            )
        )
    elif was.groups != will.groups:
        cluster.call(
            lambda: cluster.client.update_access_entry(
                clusterName=name, principalArn=principal, kubernetesGroups=list(will.groups)
            )
        )
    elif was.username != will.username:
        cluster.call(
            lambda: cluster.client.update_access_entry(clusterName=name, principalArn=principal, username=will.username)
        )
    ours = OUR_TAGS if released else names.KEEPS
    gone = [tag for tag in observed.meta.labels if tag.startswith(ours) and tag not in tags]
    if gone:
        # Last: if a call before fails, the entry is still ours and the same command goes on from there.
        cluster.call(lambda: cluster.client.untag_resource(resourceArn=found.arn, tagKeys=gone))


def _associate(cluster: EksCluster, spec: PolicyAssociation) -> None:
    cluster.call(
        lambda: cluster.client.associate_access_policy(
            clusterName=cluster.target.eks_name,
            principalArn=spec.principal,
            policyArn=spec.policy,
            accessScope={"type": "cluster"}
            if spec.scope == "cluster"
            else {"type": "namespace", "namespaces": list(spec.namespaces)},
        )
    )


def _current(cluster: EksCluster, spec: PolicyAssociation) -> PolicyAssociation | None:
    """Return the association of the same principal and policy as it is now, None when there is none."""
    for observed in cluster.associations(spec.principal) or ():
        found = observed.spec
        if isinstance(found, PolicyAssociation) and found.policy == spec.policy:
            return found
    return None


def _retried(make: Callable[[], None], sleep: Callable[[float], None]) -> None:
    """Make a call again while EKS does not know a principal that was just made. Raises what `make` raises."""
    for seconds in NEW_PRINCIPAL_WAITS:
        try:
            return make()
        except AwsError as error:
            if not _not_yet_known(error):
                raise
        sleep(seconds)
    return make()


def _not_yet_known(error: AwsError) -> bool:
    cause = error.__cause__
    if not isinstance(cause, ClientError):
        return False
    text = text_of(cause)
    return "invalid principal" in text or (code_of(cause) == "ResourceNotFoundException" and "principalArn" in text)


def _default(principal: str) -> str | None:
    with suppress(ValueError):
        return default_username(principal)
    return None


def _exists(cluster: EksCluster, name: str) -> ExistsError:
    return ExistsError(
        f"{name} is there already", where=cluster.target.name, hint="run the plan again: it was made since"
    )


def _conflict(cluster: EksCluster, name: str) -> ConflictError:
    return ConflictError(
        f"{name} changed since it was read", where=cluster.target.name, hint="run the same command again"
    )
