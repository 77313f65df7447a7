"""`can` and `who-can` of living clusters against what the clusters themselves say to those who are asked about."""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

from iamrbac.token.sign import Credentials
from tests.e2e.real import RealCluster, RealSandbox, may

CLUSTER = "staging"
POLICIES = {
    "AmazonEKSViewPolicy": ["pay*"],
    "AmazonEKSEditPolicy": ["search"],
    "AmazonEKSAdminPolicy": ["payments-batch"],
}
GRID = [
    (verb, resource, namespace)
    for verb in ("list", "create", "delete")
    for resource in ("pods", "secrets", "services", "serviceaccounts", "nodes")
    for namespace in ("payments", "payments-batch", "search", "")
]


@pytest.fixture(scope="module")
def cluster(real: RealSandbox) -> RealCluster:
    """A cluster with entries, rows and access policies, and with what the sample's policies give."""
    done = real.run("iamrbac", "apply", "--yes", "-q", "--cluster", CLUSTER)
    assert done.returncode == 0, done.stdout + done.stderr
    return real.clusters[CLUSTER]


@pytest.fixture(scope="module")
def guest(real: RealSandbox, cluster: RealCluster) -> Iterator[tuple[str, Credentials]]:
    """The ARN and keys of somebody with access policies, and with a group that RBAC gives something too."""
    iam, eks, name = real.client("iam"), real.client("eks"), f"u-{uuid.uuid4().hex[:12]}"
    arn = iam.create_user(UserName=name, Path="/guests/")["User"]["Arn"]
    key = iam.create_access_key(UserName=name)["AccessKey"]
    keys = Credentials(key["AccessKeyId"], key["SecretAccessKey"])
    eks.create_access_entry(clusterName=CLUSTER, principalArn=arn, kubernetesGroups=["iamrbac:acme:search:developers"])
    for policy, namespaces in POLICIES.items():
        eks.associate_access_policy(
            clusterName=CLUSTER,
            principalArn=arn,
            policyArn=f"arn:aws:eks::aws:cluster-access-policy/{policy}",
            accessScope={"type": "namespace", "namespaces": namespaces},
        )
    expected = (arn, ("iamrbac:acme:search:developers",))
    assert cluster.settled(keys, expected) == expected
    yield arn, keys
    eks.delete_access_entry(clusterName=CLUSTER, principalArn=arn)
    iam.delete_access_key(UserName=name, AccessKeyId=key["AccessKeyId"])
    iam.delete_user(UserName=name)


def test_can_says_what_the_cluster_says(
    real: RealSandbox, cluster: RealCluster, guest: tuple[str, Credentials], tmp_path: Path
) -> None:
    asked = {guest[0]: guest[1], **{real.people[name].arn: real.people[name].keys for name in ("alice", "dave", "pat")}}
    questions, said = [], []
    for arn, keys in asked.items():
        client = cluster.as_(keys)
        for verb, resource, namespace in GRID:
            questions.append({"principal": arn, "verb": verb, "resource": resource, "namespace": namespace})
            said.append(may(client, verb, resource, namespace))
    file = tmp_path / "questions.jsonl"
    file.write_text("".join(f"{json.dumps(one)}\n" for one in questions))
    done = real.run("iamrbac", "can", "--live", "--batch", str(file), "--cluster", CLUSTER)
    assert done.returncode == 0, done.stderr
    ours = [json.loads(line)["allowed"] for line in done.stdout.splitlines()]
    different = [one for one, mine, theirs in zip(questions, ours, said, strict=True) if mine is not theirs]
    assert different == []
    assert {True, False} == set(said[: len(GRID)])


@pytest.mark.parametrize(
    ("verb", "resource", "namespace"), [("list", "secrets", "search"), ("create", "pods", "payments")]
)
def test_who_can_names_whom_the_cluster_lets(
    verb: str, resource: str, namespace: str, real: RealSandbox, cluster: RealCluster, guest: tuple[str, Credentials]
) -> None:
    asked = ("iamrbac", "who-can", verb, resource, "-n", namespace, "--live", "--cluster", CLUSTER, "-o", "json")
    done = real.run(*asked)
    assert done.returncode == 0, done.stderr
    (answer,) = json.loads(done.stdout)["clusters"]
    able = {chain["principal"] for chain in answer["chains"]}
    everybody = {guest[0]: guest[1], **{person.arn: person.keys for person in real.people.values()}}
    mapped = {arn: keys for arn, keys in everybody.items() if cluster.who(keys) is not None}
    let = {arn for arn, keys in mapped.items() if may(cluster.as_(keys), verb, resource, namespace)}
    assert able & everybody.keys() == let
    assert let
