"""Clients of the sandbox's AWS, and clusters of a test's own."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from iamrbac.sandbox.runner import Sandbox

ACCOUNT = "111122223333"
ROLE = f"arn:aws:iam::{ACCOUNT}:role/eks-cluster-role"


@pytest.fixture
def eks(sandbox: Sandbox) -> Any:
    """EKS as the admin."""
    return sandbox.client("eks")


@pytest.fixture
def iam(sandbox: Sandbox) -> Any:
    """IAM as the admin."""
    return sandbox.client("iam")


def make_cluster(eks: Any, mode: str = "API", bootstrap: bool = True) -> str:
    """Make a cluster with a name that no other test has."""
    name = f"c-{uuid.uuid4().hex[:12]}"
    eks.create_cluster(
        name=name,
        roleArn=ROLE,
        resourcesVpcConfig={},
        accessConfig={"authenticationMode": mode, "bootstrapClusterCreatorAdminPermissions": bootstrap},
    )
    return name


@pytest.fixture
def cluster(eks: Any) -> str:
    """A cluster with access entries, and none made."""
    return make_cluster(eks, bootstrap=False)


@pytest.fixture
def user(iam: Any) -> str:
    """The ARN of a new IAM user with a path."""
    arn: str = iam.create_user(UserName=f"u-{uuid.uuid4().hex[:12]}", Path="/staff/")["User"]["Arn"]
    return arn


@pytest.fixture
def role(iam: Any) -> str:
    """The ARN of a new IAM role with a path."""
    name = f"r-{uuid.uuid4().hex[:12]}"
    arn: str = iam.create_role(RoleName=name, Path="/ci/", AssumeRolePolicyDocument="{}")["Role"]["Arn"]
    return arn
