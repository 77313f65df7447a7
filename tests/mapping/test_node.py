from __future__ import annotations

import pytest

from iamrbac.mapping.aws_auth import ReadRow
from iamrbac.mapping.node import is_system
from iamrbac.mapping.objects import AccessEntry, AwsAuthRow

ROLE = "arn:aws:iam::111122223333:role/"


@pytest.mark.parametrize(
    ("arn", "username", "groups", "expected"),
    [
        (ROLE + "dev", "dev", ("iamrbac:acme:payments:developers",), False),
        (ROLE + "admin", "admin", ("system:masters",), False),
        (ROLE + "dev", "a-system:node", ("nodes",), False),
        (ROLE + "x", "system:node:{{EC2PrivateDNSName}}", (), True),
        (ROLE + "x", "system:node:{{SessionName}}", (), True),
        (ROLE + "x", "x", ("system:bootstrappers",), True),
        (ROLE + "x", "x", ("other", "system:nodes"), True),
        (ROLE + "fargate", "x", ("system:node-proxier",), True),
        (ROLE + "windows", "x", ("eks:kube-proxy-windows",), True),
        (ROLE + "aws-service-role/eks.amazonaws.com/AWSServiceRoleForAmazonEKS", "x", (), True),
        (ROLE + "AWSServiceRoleForAmazonEKSNodegroup", "x", (), True),
        (ROLE + "team/AWSServiceRoleForX", "x", (), False),
        ("arn:aws:iam::111122223333:user/AWSServiceRoleForX", "x", (), False),
    ],
)
def test_entries_and_rows_alike(arn: str, username: str, groups: tuple[str, ...], expected: bool) -> None:
    assert is_system(AccessEntry(arn, username, groups)) is expected
    assert is_system(AwsAuthRow("mapRoles", arn, username, groups)) is expected
    assert is_system(ReadRow("mapRoles", arn, arn, username, groups, 0)) is expected


@pytest.mark.parametrize("kind", ["EC2_LINUX", "EC2_WINDOWS", "FARGATE_LINUX", "EC2", "HYBRID_LINUX", "HYPERPOD_LINUX"])
def test_every_type_but_standard_is_a_systems(kind: str) -> None:
    assert is_system(AccessEntry(ROLE + "dev", "dev", (), kind))
