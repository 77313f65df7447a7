"""A developer, her cluster and her kubeconfig, as the checks are told of them."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from iamrbac.diagnosis.facts import (
    Described,
    Entry,
    Identity,
    Maps,
    Named,
    Place,
    Plugin,
    Refused,
    Says,
    SeenEntry,
    Source,
    Step,
    Taken,
    Token,
)
from iamrbac.diagnosis.verdict import Verdict
from iamrbac.mapping.aws_auth import Reading, read
from iamrbac.mapping.objects import AccessEntry
from iamrbac.rbac.objects import User

ACCOUNT, OTHER = "111122223333", "444455556666"
ALICE = f"arn:aws:iam::{ACCOUNT}:user/staff/alice"
CI = f"arn:aws:sts::{ACCOUNT}:assumed-role/deployer/run-1"
CI_ROLE = f"arn:aws:iam::{ACCOUNT}:role/ci/deployer"
ARN = f"arn:aws:eks:eu-west-1:{ACCOUNT}:cluster/staging"
SERVER = "https://0A1B.gr7.eu-west-1.eks.amazonaws.com"
DEVELOPERS = "iamrbac:acme:payments:developers"
THEN = datetime(2026, 1, 1, tzinfo=UTC)
LATER = THEN + timedelta(days=30)
SOURCE = Source("shared-credentials-file", "alice", (Step("profile alice", "static keys"),))
WHO = Identity(SOURCE, ALICE, ACCOUNT, "AIDAALICE", offset=timedelta(seconds=1))
PLUGIN = Plugin("iamrbac", "/usr/bin/iamrbac", "staging", "eu-west-1", "alice")
ENTRY = Entry(
    file="/home/alice/.kube/config",
    context="staging",
    cluster="staging",
    server=SERVER,
    certificate_authority="PEM",
    arn=ARN,
    namespace="payments",
    plugin=PLUGIN,
)
DESCRIBED = Described(ARN, "ACTIVE", SERVER, "PEM", "API_AND_CONFIG_MAP")
PLACE = Place(Named("staging", "staging", "eu-west-1", ACCOUNT), ENTRY, DESCRIBED, ACCOUNT)
NO_MAPS = Maps()
TOKEN = Token(500, "staging")
DENIED = Refused("denied", "eks:DescribeCluster failed with AccessDeniedException", "ask for it")
NOT_FOUND = Refused("not-found", "eks:DescribeCluster failed with ResourceNotFoundException")


def refused(fault: Any, **more: Any) -> Identity:
    """What AWS says to credentials that are no good."""
    return Identity(SOURCE, refused=Refused(fault, "it failed", "do this"), **more)


def entry(**changes: Any) -> Place:
    """The same cluster by another kubeconfig."""
    return replace(PLACE, entry=replace(ENTRY, **changes))


def rows(**sections: str) -> Reading:
    """What an aws-auth says."""
    return read(sections)


def seen(principal: str, *groups: str, created: datetime | None = THEN) -> SeenEntry:
    """An access entry."""
    return SeenEntry(AccessEntry(principal, principal, groups), created)


def taken(
    caller: str = ALICE,
    user: User | None = None,
    *,
    place: Place = PLACE,
    maps: Maps = NO_MAPS,
    says: Says | None = None,
    token: Token | None = TOKEN,
) -> Taken:
    """Whom the cluster takes her for: by default for nobody."""
    return Taken(caller, user, place, token, maps, says)


def ids(verdict: Verdict) -> list[str]:
    """The causes by id; one that was seen is marked."""
    return [f"{cause.id}{'!' if cause.sure else ''}" for cause in verdict.causes]
