"""The whole chain on real servers: what iamrbac writes is what EKS's own code and a real API server act on."""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest

from iamrbac.token.sign import Credentials
from tests.e2e.real import ACCOUNT, RealCluster, RealSandbox, bearer, eventually, may

MODES = {"development": "API", "staging": "API_AND_CONFIG_MAP", "production": "CONFIG_MAP"}
DEVELOPERS = "iamrbac:acme:payments:developers"
VIEW = "arn:aws:eks::aws:cluster-access-policy/AmazonEKSViewPolicy"


@pytest.fixture(scope="module")
def applied(real: RealSandbox) -> RealSandbox:
    done = real.run("iamrbac", "apply", "--yes", "-q")
    assert done.returncode == 0, done.stdout + done.stderr
    return real


@pytest.fixture
def somebody(real: RealSandbox) -> Iterator[tuple[str, Credentials]]:
    """The ARN and keys of a user whom nothing maps."""
    iam, name = real.client("iam"), f"u-{uuid.uuid4().hex[:12]}"
    arn = iam.create_user(UserName=name, Path="/guests/")["User"]["Arn"]
    key = iam.create_access_key(UserName=name)["AccessKey"]
    yield arn, Credentials(key["AccessKeyId"], key["SecretAccessKey"])
    iam.delete_access_key(UserName=name, AccessKeyId=key["AccessKeyId"])
    iam.delete_user(UserName=name)


@pytest.fixture(params=MODES)
def cluster(request: pytest.FixtureRequest, applied: RealSandbox) -> RealCluster:
    return applied.clusters[request.param]


def test_a_second_apply_has_nothing_to_do(applied: RealSandbox) -> None:
    again = applied.run("iamrbac", "plan", "--detailed-exitcode", "-o", "json")
    assert again.returncode == 0, again.stdout
    assert set(json.loads(again.stdout)["summary"].values()) == {0}


def test_the_mapped_are_whom_the_policies_say(applied: RealSandbox, cluster: RealCluster) -> None:
    alice = applied.people["alice"]
    assert cluster.settled(alice.keys, (alice.arn, (DEVELOPERS,))) == (alice.arn, (DEVELOPERS,))
    user = cluster.review(bearer(cluster.name, alice.keys))
    assert user is not None
    user_id = applied.client("sts", "alice").get_caller_identity()["UserId"]
    assert user["uid"] == f"aws-iam-authenticator:{ACCOUNT}:{user_id}"
    assert user["extra"]["arn"] == [alice.arn]
    assert user["extra"]["principalId"] == [user_id]


def test_a_session_of_a_role_with_a_path(applied: RealSandbox, cluster: RealCluster) -> None:
    keys = applied.session("payments-deployer", "build@42")
    name = f"arn:aws:sts::{ACCOUNT}:assumed-role/payments-deployer/build-42"
    expected = (name, ("iamrbac:acme:payments:deployer",))
    assert cluster.settled(keys, expected) == expected


def test_the_unmapped_are_nobody(applied: RealSandbox, cluster: RealCluster, somebody: tuple[str, Credentials]) -> None:
    assert cluster.who(somebody[1]) is None
    assert cluster.as_(somebody[1]).get("/api").code == 401


def test_tokens_that_are_no_good(applied: RealSandbox, cluster: RealCluster) -> None:
    alice = applied.people["alice"].keys
    good = bearer(cluster.name, alice)
    assert cluster.review(good) is not None
    wrong = Credentials(alice.access_key, alice.secret_key[:-1] + ("a" if alice.secret_key[-1] != "a" else "b"))
    old = datetime.now(UTC) - timedelta(minutes=16)
    for bad in (
        bearer("another", alice),
        bearer(cluster.name, wrong),
        bearer(cluster.name, alice, old),
        bearer(cluster.name, Credentials("AKIAUNKNOWN", "x")),
        good[:-4],
        good + "=",
        good.removeprefix("k8s-aws-v1."),
        "k8s-aws-v1.",
    ):
        assert cluster.review(bad) is None, bad


def test_developers_may_what_the_policies_say(applied: RealSandbox) -> None:
    made = applied.run("iamrbac", "kubeconfig", person="alice")
    assert made.returncode == 0, made.stdout + made.stderr
    for context, namespace, verb, code in (
        ("staging", "payments", "create deployments", 0),
        ("staging", "search", "create deployments", 1),
        ("production", "payments", "list pods", 0),
        ("production", "payments", "delete pods", 1),
        ("production", "search", "list pods", 1),
    ):
        asked = ("kubectl", "--context", context, "-n", namespace, "auth", "can-i", *verb.split())
        done = applied.run(*asked, person="alice")
        assert (done.returncode, done.stdout) == (code, "no\n" if code else "yes\n"), (asked, done.stderr)
    well = applied.run("iamrbac", "doctor", "--context", "production", person="alice")
    assert (well.returncode, well.stdout.splitlines()[-1]) == (0, "All checks held."), well.stdout + well.stderr
    asked = ("iamrbac", "doctor", "--context", "production", "list", "pods", "-n", "search", "-o", "json")
    denied = applied.run(*asked, person="alice")
    assert (denied.returncode, json.loads(denied.stdout)["failed"]) == (3, "rbac"), denied.stdout + denied.stderr


def test_the_admin_may_everything(applied: RealSandbox, cluster: RealCluster) -> None:
    """By aws-auth and system:masters, or by EKS's cluster admin policy, which is the webhook's to judge."""
    pat = cluster.as_(applied.people["pat"].keys)
    assert may(pat, "delete", "nodes", "")
    review = pat.post("/apis/authorization.k8s.io/v1/selfsubjectrulesreviews", {"spec": {"namespace": "payments"}})
    assert review.json["status"]["incomplete"]


@pytest.mark.parametrize("name", ["development", "staging"])
def test_an_access_policy_is_judged_behind_rbac(
    applied: RealSandbox, name: str, somebody: tuple[str, Credentials]
) -> None:
    arn, keys = somebody
    eks, cluster = applied.client("eks"), applied.clusters[name]
    eks.create_access_entry(clusterName=name, principalArn=arn)
    scope = {"type": "namespace", "namespaces": ["pay*"]}
    eks.associate_access_policy(clusterName=name, principalArn=arn, policyArn=VIEW, accessScope=scope)
    try:
        assert cluster.settled(keys, (arn, ())) == (arn, ())
        client = cluster.as_(keys)
        assert client.get("/api/v1/namespaces/payments/pods").code == 200
        assert client.get("/api/v1/namespaces/payments/secrets").code == 403
        assert client.get("/api/v1/namespaces/search/pods").code == 403
        assert client.get("/api/v1/pods").code == 403
        eks.disassociate_access_policy(clusterName=name, principalArn=arn, policyArn=VIEW)
        assert client.get("/api/v1/namespaces/payments/pods").code == 403
    finally:
        eks.delete_access_entry(clusterName=name, principalArn=arn)
    # The API server remembers a token for ten seconds; the next one is judged anew.
    assert cluster.settled(keys, None) is None


def test_an_entry_beats_a_row_and_a_row_comes_back(applied: RealSandbox, somebody: tuple[str, Credentials]) -> None:
    arn, keys = somebody
    eks, cluster = applied.client("eks"), applied.clusters["staging"]
    before = cluster.objects.get("ConfigMap", "kube-system", "aws-auth")
    assert before is not None
    row = json.dumps([{"userarn": arn, "username": "by-row", "groups": ["row"]}])
    cluster.set_aws_auth({**before["data"], "mapUsers": row})
    try:
        assert cluster.settled(keys, ("by-row", ("row",))) == ("by-row", ("row",))
        eks.create_access_entry(clusterName="staging", principalArn=arn, kubernetesGroups=["entry"])
        assert cluster.settled(keys, (arn, ("entry",))) == (arn, ("entry",))
        eks.delete_access_entry(clusterName="staging", principalArn=arn)
        assert cluster.settled(keys, ("by-row", ("row",))) == ("by-row", ("row",))
    finally:
        cluster.set_aws_auth(before["data"])
    assert cluster.settled(keys, None) is None


def test_somebody_made_anew_is_somebody_else(applied: RealSandbox) -> None:
    iam, eks, cluster = applied.client("iam"), applied.client("eks"), applied.clusters["development"]
    name = f"u-{uuid.uuid4().hex[:12]}"

    def make() -> tuple[str, Credentials]:
        arn = iam.create_user(UserName=name)["User"]["Arn"]
        key = iam.create_access_key(UserName=name)["AccessKey"]
        return arn, Credentials(key["AccessKeyId"], key["SecretAccessKey"])

    def unmake(keys: Credentials) -> None:
        iam.delete_access_key(UserName=name, AccessKeyId=keys.access_key)
        iam.delete_user(UserName=name)

    arn, keys = make()
    eks.create_access_entry(clusterName="development", principalArn=arn, kubernetesGroups=["g"])
    assert cluster.settled(keys, (arn, ("g",))) == (arn, ("g",))
    unmake(keys)
    again, keys = make()
    assert again == arn
    assert cluster.who(keys) is None, "the entry is about somebody who is gone"
    eks.delete_access_entry(clusterName="development", principalArn=arn)
    eks.create_access_entry(clusterName="development", principalArn=arn, kubernetesGroups=["g"])
    assert cluster.settled(keys, (arn, ("g",))) == (arn, ("g",))
    eks.delete_access_entry(clusterName="development", principalArn=arn)
    unmake(keys)


def test_a_new_mode_takes_effect(applied: RealSandbox, somebody: tuple[str, Credentials]) -> None:
    """Last in this file: a mode never goes back."""
    arn, keys = somebody
    eks, cluster = applied.client("eks"), applied.clusters["production"]
    alice = applied.people["alice"]
    update = eks.update_cluster_config(name="production", accessConfig={"authenticationMode": "API_AND_CONFIG_MAP"})[
        "update"
    ]["id"]
    ask = {"name": "production", "updateId": update}
    assert eventually(lambda: eks.describe_update(**ask)["update"]["status"], "Successful") == "Successful"
    eks.create_access_entry(clusterName="production", principalArn=arn, kubernetesGroups=["new"])
    assert cluster.settled(keys, (arn, ("new",))) == (arn, ("new",))
    assert cluster.settled(alice.keys, (alice.arn, (DEVELOPERS,))) == (alice.arn, (DEVELOPERS,)), "rows count as before"
    eks.delete_access_entry(clusterName="production", principalArn=arn)
    assert cluster.settled(keys, None) is None
