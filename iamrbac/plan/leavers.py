"""Whose losses are nobody's mistake, read from the documents (design §4: expiry, suspension, people who left)."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from iamrbac.compile import names
from iamrbac.compile.documents import Documents
from iamrbac.identity.suspended import Suspended
from iamrbac.model.documents import IamGroup
from iamrbac.plan.guards import Leavers


def leavers(documents: Documents, at: datetime) -> Leavers:
    """Return the suspended principals, the groups that IAM fills, and those whose time is over."""
    config = documents.config.document
    return Leavers(
        suspended=Suspended(config.suspended),
        over=frozenset(_expired(documents, at)),
        from_iam=frozenset(_from_iam(documents)),
    )


def _from_iam(documents: Documents) -> Iterator[str]:
    instance = documents.config.document.metadata.name
    for policy in documents.policies:
        team = policy.document.metadata.name
        for name, members in policy.document.spec.members.items():
            if any(isinstance(member, IamGroup) for member in members):
                yield names.group_name(instance, team, name)
    for grant in documents.grants:
        if any(isinstance(member, IamGroup) for member in grant.document.spec.members):
            yield names.group_name(
                instance, grant.document.spec.team, names.temporary_set(grant.document.metadata.name)
            )


def _expired(documents: Documents, at: datetime) -> Iterator[str]:
    instance = documents.config.document.metadata.name
    for grant in documents.grants:
        spec = grant.document.spec
        if datetime.fromisoformat(spec.not_after) <= at:
            yield names.group_name(instance, spec.team, names.temporary_set(grant.document.metadata.name))
