"""Three clusters of different habits that iamrbac has never seen: by hand, eksctl, Terraform with access policies."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import yaml

from tests.conftest import ROOT

HABITS = {"production": "by-hand", "staging": "eksctl", "development": "terraform"}
ACCOUNT = "111122223333"
ALICE, BOB, CAROL, PAT = (f"arn:aws:iam::{ACCOUNT}:user/{name}" for name in ("staff/alice", "bob", "carol", "pat"))
DEPLOYER = f"arn:aws:iam::{ACCOUNT}:role/ci/payments-deployer"
CONFIG = f"""\
apiVersion: iamrbac.dev/v1alpha1
kind: Config
metadata: {{name: acme}}
identity: {{account: "{ACCOUNT}", groups: users}}
clusters:
  - {{name: development, account: "{ACCOUNT}", region: eu-west-1}}
  - {{name: staging, account: "{ACCOUNT}", region: eu-west-1}}
  - {{name: production, account: "{ACCOUNT}", region: eu-west-1}}
"""


def manifests() -> Iterator[tuple[str, dict[str, Any]]]:
    """What others made: cluster and object."""
    for cluster, habit in HABITS.items():
        text = (ROOT / "tests" / "importing" / "habits" / f"{habit}.yaml").read_text()
        yield from ((cluster, manifest) for manifest in yaml.safe_load_all(text))


def terraform(eks: Any) -> None:
    """Make the entries of development, as Terraform's module does."""
    cluster = "development"
    for arn, groups, policies in (
        (ALICE, ["restarters"], {"AmazonEKSViewPolicy": ["payments"]}),
        (BOB, ["restarters"], {"AmazonEKSViewPolicy": ["payments"]}),
        (CAROL, [], {"AmazonEKSEditPolicy": ["payments", "payments-batch"], "AmazonEKSAdminViewPolicy": []}),
        (DEPLOYER, [], {}),
    ):
        eks.create_access_entry(clusterName=cluster, principalArn=arn, kubernetesGroups=groups)
        for policy, namespaces in policies.items():
            scope = {"type": "namespace", "namespaces": namespaces} if namespaces else {"type": "cluster"}
            policy_arn = f"arn:aws:eks::aws:cluster-access-policy/{policy}"
            eks.associate_access_policy(clusterName=cluster, principalArn=arn, policyArn=policy_arn, accessScope=scope)
