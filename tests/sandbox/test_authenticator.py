"""From a token to a Kubernetes user: modes, unique ids, aws-auth beside entries, and access policies."""

from __future__ import annotations

import json
import ssl
import urllib.error
import urllib.request
import uuid
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from iamrbac.rbac.objects import Request, Role, Rule, User
from iamrbac.sandbox.authenticator import Authenticator
from iamrbac.sandbox.kube.caller import Caller
from iamrbac.token.sign import Credentials, presign, token

if TYPE_CHECKING:
    from iamrbac.sandbox.aws.eks.access import ClusterAccess
    from iamrbac.sandbox.aws.eks.clusters import Clusters
    from iamrbac.sandbox.runner import Sandbox

ACCOUNT, REGION = "111122223333", "eu-west-1"
ROLE = f"arn:aws:iam::{ACCOUNT}:role/eks-cluster-role"
POLICY = "arn:aws:eks::aws:cluster-access-policy/"
VIEW_RULE = Rule(("get",), ("",), ("pods",))
BUILT_IN = {"view": Role("ClusterRole", None, "view", (VIEW_RULE,))}


class Side:
    """A cluster without an API: its access at EKS, its aws-auth, and its authenticator."""

    def __init__(self, sandbox: Sandbox, mode: Any) -> None:
        self.sandbox = sandbox
        self.name = f"c-{uuid.uuid4().hex[:12]}"
        self.clusters: Clusters = sandbox.aws.front.eks.clusters
        self.access: ClusterAccess = self.clusters.create(ACCOUNT, REGION, self.name, ROLE, mode)
        self.aws_auth: Mapping[str, str] | None = None
        self.authenticator = Authenticator(
            self.clusters, ACCOUNT, REGION, self.name, lambda: self.aws_auth, lambda: BUILT_IN
        )

    def enter(self, principal: str, **fields: Any) -> None:
        from iamrbac.sandbox.aws.keys import unique_id

        self.access.create(principal, self.clusters.now(), unique_id, **fields)

    def who(self, keys: Any, *, cluster: str = "", at: datetime | None = None) -> Caller | None:
        url = presign(keys, REGION, cluster or self.name, at or datetime.now(UTC))
        return self.authenticator.authenticate(token(url))


def keys_of(sandbox: Sandbox, person: str) -> Credentials:
    profile = sandbox.profile(person)
    return Credentials(profile.access_key, profile.secret_key)


def row(arn: str, username: str, *groups: str) -> dict[str, str]:
    key, section = ("rolearn", "mapRoles") if ":role/" in arn else ("userarn", "mapUsers")
    return {section: json.dumps([{key: arn, "username": username, "groups": list(groups)}])}


def test_an_entry_maps_a_user(sandbox: Sandbox) -> None:
    side = Side(sandbox, "API")
    alice = sandbox.arn("alice")
    assert side.who(keys_of(sandbox, "alice")) is None
    side.enter(alice, groups=["iamrbac:acme:payments:developers"])
    profile = sandbox.profile("alice")
    caller = side.who(keys_of(sandbox, "alice"))
    assert caller is not None
    user_id = sandbox.client("sts", "alice").get_caller_identity()["UserId"]
    assert caller == Caller(
        User(alice, ("iamrbac:acme:payments:developers",)),
        f"aws-iam-authenticator:{ACCOUNT}:{user_id}",
        {
            "arn": (alice,),
            "canonicalArn": (alice,),
            "accessKeyId": (profile.access_key,),
            "principalId": (user_id,),
            "sessionName": ("",),
            "sigs.k8s.io/aws-iam-authenticator/principalId": (user_id,),
        },
    )
    assert side.who(keys_of(sandbox, "bob")) is None
    side.access.delete(alice)
    assert side.who(keys_of(sandbox, "alice")) is None, "a change counts at once"


def test_a_session_of_a_role_with_a_path(sandbox: Sandbox) -> None:
    side = Side(sandbox, "API")
    arn = sandbox.people.role_arn("payments-deployer", ACCOUNT)
    side.enter(arn, username="ci:{{SessionName}}:{{AccessKeyID}}", groups=["deployers"])
    answer = sandbox.client("sts").assume_role(RoleArn=arn, RoleSessionName="me@example.com")["Credentials"]
    keys = Credentials(answer["AccessKeyId"], answer["SecretAccessKey"], answer["SessionToken"])
    caller = side.who(keys)
    assert caller is not None
    assert caller.user == User(f"ci:me-example.com:{keys.access_key}", ("deployers",))
    assert caller.extra["canonicalArn"] == (f"arn:aws:iam::{ACCOUNT}:role/payments-deployer",)
    assert caller.extra["sessionName"] == ("me@example.com",)
    assert caller.extra["principalId"][0].startswith("AROA")
    assert ":" not in caller.extra["principalId"][0]


def test_somebody_made_anew_is_somebody_else(sandbox: Sandbox) -> None:
    side = Side(sandbox, "API_AND_CONFIG_MAP")
    iam = sandbox.client("iam")
    name = f"u-{uuid.uuid4().hex[:12]}"

    def make() -> tuple[str, Credentials]:
        arn = iam.create_user(UserName=name)["User"]["Arn"]
        key = iam.create_access_key(UserName=name)["AccessKey"]
        return arn, Credentials(key["AccessKeyId"], key["SecretAccessKey"])

    arn, keys = make()
    side.enter(arn, groups=["g"])
    assert side.who(keys) is not None
    iam.delete_access_key(UserName=name, AccessKeyId=keys.access_key)
    iam.delete_user(UserName=name)
    again, keys = make()
    assert again == arn
    assert side.who(keys) is None
    assert list(side.access.entries) == [arn], "and nothing shows why"
    side.access.delete(arn)
    side.enter(arn, groups=["g"])
    assert side.who(keys) is not None


@pytest.mark.parametrize(
    ("mode", "expected"),
    [
        ("CONFIG_MAP", ("by-row", ("row",))),
        ("API_AND_CONFIG_MAP", ("by-entry", ("entry",))),
        ("API", ("by-entry", ("entry",))),
    ],
)
def test_an_entry_beats_a_row(sandbox: Sandbox, mode: str, expected: Any) -> None:
    side = Side(sandbox, "API")
    side.enter(sandbox.arn("alice"), username="by-entry", groups=["entry"])
    side.access.mode = "CONFIG_MAP" if mode == "CONFIG_MAP" else "API" if mode == "API" else "API_AND_CONFIG_MAP"
    side.aws_auth = row(sandbox.arn("alice"), "by-row", "row")
    caller = side.who(keys_of(sandbox, "alice"))
    assert caller is not None
    assert (caller.user.name, caller.user.groups) == expected


def test_rows_count_where_the_mode_has_them(sandbox: Sandbox) -> None:
    bob = sandbox.arn("bob")
    for mode, mapped in (("CONFIG_MAP", True), ("API_AND_CONFIG_MAP", True), ("API", False)):
        side = Side(sandbox, mode)
        side.aws_auth = row(bob, "bob", "system:masters")
        caller = side.who(keys_of(sandbox, "bob"))
        assert (caller.user if caller else None) == (User("bob", ("system:masters",)) if mapped else None)
    side.aws_auth = {"mapUsers": "- broken: ["}
    assert side.who(keys_of(sandbox, "bob")) is None


def test_a_token_is_for_one_cluster_and_fifteen_minutes(sandbox: Sandbox) -> None:
    side = Side(sandbox, "API")
    side.enter(sandbox.arn("alice"))
    keys = keys_of(sandbox, "alice")
    assert side.who(keys) is not None
    assert side.who(keys, cluster="staging") is None
    assert side.who(keys, at=datetime.now(UTC) - timedelta(minutes=16)) is None
    assert side.who(Credentials(keys.access_key, keys_of(sandbox, "bob").secret_key)) is None
    assert side.authenticator.authenticate("k8s-aws-v1.nonsense") is None
    assert side.authenticator.authenticate("") is None


def test_access_policies(sandbox: Sandbox) -> None:
    side = Side(sandbox, "API_AND_CONFIG_MAP")
    alice = sandbox.arn("alice")
    side.enter(alice)
    caller = side.who(keys_of(sandbox, "alice"))
    assert caller is not None
    pods = Request("get", "pods", namespace="dev-1")
    allows = side.authenticator.allows

    def associate(policy: str, scope: str, *namespaces: str) -> None:
        side.access.associate(alice, POLICY + policy, scope, namespaces, side.clusters.now())

    assert not allows(caller, pods)
    associate("AmazonEKSViewPolicy", "namespace", "dev-*", "payments")
    assert allows(caller, pods)
    assert allows(caller, Request("get", "pods", namespace="payments"))
    for refused in (
        Request("get", "pods", namespace="dev"),
        Request("get", "pods", namespace="payments-batch"),
        Request("get", "pods", namespace="my-dev-1"),
        Request("get", "pods"),
        Request("delete", "pods", namespace="dev-1"),
        Request("get", path="/healthz"),
    ):
        assert not allows(caller, refused), refused
    associate("AmazonEKSViewPolicy", "cluster")
    assert allows(caller, Request("get", "pods"))
    assert not allows(caller, Request("get", path="/metrics"))
    associate("AmazonEKSClusterAdminPolicy", "cluster")
    assert allows(caller, Request("escalate", "clusterroles", "rbac.authorization.k8s.io"))
    assert allows(caller, Request("get", path="/metrics"))
    associate("AmazonEKSEventPolicy", "cluster")
    side.access.mode = "CONFIG_MAP"
    assert not allows(caller, pods)


def test_an_impersonated_user_has_no_access_policies(sandbox: Sandbox) -> None:
    side = Side(sandbox, "API")
    side.enter(sandbox.arn("alice"))
    side.access.associate(
        sandbox.arn("alice"), POLICY + "AmazonEKSClusterAdminPolicy", "cluster", (), side.clusters.now()
    )
    caller = side.who(keys_of(sandbox, "alice"))
    assert caller is not None
    pods = Request("get", "pods", namespace="x")
    assert side.authenticator.allows(caller, pods)
    assert not side.authenticator.allows(Caller(caller.user), pods)
    assert not side.authenticator.allows(Caller(caller.user, extra=caller.extra), pods)


def status(sandbox: Sandbox, person: str, cluster: str, path: str) -> int:
    """Ask a cluster's real port as a person."""
    embedded = sandbox.cluster(cluster)
    bearer = token(presign(keys_of(sandbox, person), REGION, cluster, datetime.now(UTC)))
    request = urllib.request.Request(embedded.url + path, headers={"Authorization": f"Bearer {bearer}"})
    context = ssl.create_default_context(cadata=embedded.ca_pem)
    try:
        with urllib.request.urlopen(request, context=context) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as error:
        with error:
            return error.code


def test_all_of_it_over_the_wire(fresh_sandbox: Sandbox) -> None:
    pods = "/api/v1/namespaces/payments/pods"
    for cluster in ("development", "staging", "production"):
        assert status(fresh_sandbox, "pat", cluster, pods) == 200
        assert status(fresh_sandbox, "alice", cluster, pods) == 401
    eks = fresh_sandbox.client("eks")
    named = {"clusterName": "staging", "principalArn": fresh_sandbox.arn("alice")}
    eks.create_access_entry(**named)
    assert status(fresh_sandbox, "alice", "staging", pods) == 403
    scope = {"type": "namespace", "namespaces": ["payments"]}
    eks.associate_access_policy(**named, policyArn=POLICY + "AmazonEKSViewPolicy", accessScope=scope)
    assert status(fresh_sandbox, "alice", "staging", pods) == 200
    assert status(fresh_sandbox, "alice", "staging", "/api/v1/namespaces/search/pods") == 403
    assert status(fresh_sandbox, "alice", "staging", "/api/v1/namespaces/payments/secrets") == 403
    eks.delete_access_entry(**named)
    assert status(fresh_sandbox, "alice", "staging", pods) == 401
