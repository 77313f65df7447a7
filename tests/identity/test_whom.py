"""Whom a name or an ARN on the command line means."""

from __future__ import annotations

import pytest

from iamrbac.identity.whom import principal_arn
from iamrbac.model.documents import Config
from iamrbac.model.errors import UsageError

ACCOUNT = "222233334444"


def config(region: str = "eu-west-1", account: str | None = ACCOUNT) -> Config:
    value = {
        "apiVersion": "iamrbac.dev/v1alpha1",
        "kind": "Config",
        "metadata": {"name": "acme"},
        "clusters": [{"name": "staging", "account": "111122223333", "region": region}],
    }
    if account is not None:
        value["identity"] = {"account": account, "groups": "users"}
    return Config.model_validate(value)


@pytest.mark.parametrize(
    ("text", "arn"),
    [
        ("dana", f"arn:aws:iam::{ACCOUNT}:user/dana"),
        ("staff/dana", f"arn:aws:iam::{ACCOUNT}:user/staff/dana"),
        ("/staff/dana", f"arn:aws:iam::{ACCOUNT}:user/staff/dana"),
        (f"arn:aws:iam::{ACCOUNT}:user/staff/dana", f"arn:aws:iam::{ACCOUNT}:user/staff/dana"),
        ("arn:aws:iam::111122223333:role/ci/deployer", "arn:aws:iam::111122223333:role/ci/deployer"),
    ],
)
def test_a_user_or_role(text: str, arn: str) -> None:
    assert principal_arn(text, config()) == arn


def test_a_name_is_of_the_clusters_partition() -> None:
    assert principal_arn("dana", config("cn-north-1")).startswith("arn:aws-cn:iam:")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (
            "arn:aws:sts::111122223333:assumed-role/deployer/run-1",
            "name the role: arn:aws:iam::111122223333:role/deployer",
        ),
        ("arn:aws:iam::111122223333:root", "root user"),
        ("arn:aws:iam::111122223333:group/devs", "is a group"),
        ("arn:aws:sts::111122223333:federated-user/x", "neither a user nor a role"),
        ("arn:aws:iam::111122223333:role/aws-service-role/eks.amazonaws.com/AWSServiceRoleForAmazonEKS", "AWS service"),
        ("arn:aws:s3:::bucket", "not the ARN of an IAM or STS principal"),
        ("da na", "not the name of a user"),
        ("", "not the name of a user"),
        ("-", None),
    ],
)
def test_everything_else_is_refused_with_the_next_step(text: str, said: str | None) -> None:
    if said is None:
        assert principal_arn(text, config()).endswith("user/-")
        return
    with pytest.raises(UsageError) as caught:
        principal_arn(text, config())
    assert said in str(caught.value)


def test_a_name_without_an_account_to_be_of() -> None:
    with pytest.raises(UsageError, match=r"no identity\.account"):
        principal_arn("dana", config(account=None))
