"""whoami and kubeconfig in memory: every cluster is answered for; what is not known never looks like no access."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from iamrbac.model.accounts import AssumeRole
from iamrbac.model.documents import Cluster
from iamrbac.model.errors import AwsError, IamrbacError, KubeError, NotMappedError, UsageError
from iamrbac.model.origin import Origin
from iamrbac.plan.observed import Target
from iamrbac.rbac.objects import Request, Rule, User
from iamrbac.render.kubeconfig import kubeconfig_json, kubeconfig_text
from iamrbac.render.whoami import whoami_json, whoami_text
from iamrbac.usecases.kubeconfig import KubeconfigRequest, KubeconfigResult, make_contexts
from iamrbac.usecases.ports import Caller, Context, Preview, Prune, WantedContexts, Written
from iamrbac.usecases.whoami import OwnEdges, WhoAmI, who_am_i
from iamrbac.wiring import repository, roles
from tests.usecases.fakes import ACCOUNT, FakeAws, Faults, Silent
from tests.usecases.world import AT, CONFIG, POLICY

ONESELF = Rule(("create",), ("authorization.k8s.io",), ("selfsubjectaccessreviews", "selfsubjectrulesreviews"))
PODS = Rule(("list",), ("",), ("pods",))
DEVELOPER = User("alice", ("iamrbac:acme:payments:developers", "system:authenticated"))
ONCALL = User("carol", ("iamrbac:acme:payments:oncall", "iamrbac:other:payments:developers", "oncall"))
CATALOGUE = CONFIG.replace("env: production}}", "env: production}, namespaces: [payments, payments-batch, search]}")
WAYS = CATALOGUE.replace(
    'account: "111122223333", groups: users',
    'account: "000011112222", groups: users, assumeRole: "arn:aws:iam::000011112222:role/people"',
).replace("labels: {env: staging}", "assumeRole: {roleArn: 'arn:aws:iam::111122223333:role/iamrbac'}")
NOT_MAPPED = NotMappedError("not mapped", where="production")
DOWN = KubeError("does not answer", where="production", hint="look at the VPN")


@dataclass
class FakeAccess:
    """What one cluster says of the caller."""

    user: User | IamrbacError
    namespaces: tuple[str, ...] = ()
    complete: bool = True
    asked: list[str] = field(default_factory=list)

    def whoami(self) -> User:
        if isinstance(self.user, IamrbacError):
            raise self.user
        return self.user

    def rules(self, namespace: str) -> tuple[tuple[Rule, ...], bool]:
        self.asked.append(namespace)
        return ((ONESELF, PODS) if namespace in self.namespaces and self.complete else (ONESELF,)), self.complete

    def can(self, request: Request) -> bool:
        self.asked.append(f"can {request.verb} {request.resource} in {request.namespace}")
        return request.namespace in self.namespaces

    def ruling(self, request: Request) -> tuple[bool, str]:
        allowed = self.can(request)
        return allowed, "RBAC: allowed by a binding" if allowed else ""


@dataclass
class FakeKubeconfig:
    """Remembers what it was to write."""

    contexts: Sequence[Context] = ()
    current: str | None = None
    fallback: str | None = None
    prune: Prune | None = None

    def write(self, wanted: WantedContexts) -> Written:
        self.contexts, self.current, self.fallback = wanted.contexts, wanted.current, wanted.fallback
        self.prune = wanted.prune
        return Written("/home/alice/.kube/config", True, wanted.current or wanted.fallback)

    def preview(self, wanted: WantedContexts) -> Preview:
        return Preview("/home/alice/.kube/config", "", "".join(f"{one.name}\n" for one in wanted.contexts))


class Developer:
    """Somebody at her desk, with a repository and two clusters."""

    def __init__(self, root: Path) -> None:
        self.root = root
        (root / "policies").mkdir()
        self.write(CATALOGUE, POLICY)
        self.aws = FakeAws(Faults(), {"staging": "API", "production": "CONFIG_MAP"})
        self.clusters = {
            "staging": FakeAccess(DEVELOPER, ("payments",)),
            "production": FakeAccess(DEVELOPER, ("payments",)),
        }
        self.kubeconfig = FakeKubeconfig()
        self.entered: Callable[[AssumeRole, str], Caller] | None = None

    def write(self, config: str, policy: str) -> None:
        (self.root / "iamrbac.yaml").write_text(config)
        (self.root / "policies/payments.yaml").write_text(policy)

    @property
    def edges(self) -> OwnEdges:
        def access(target: Target) -> FakeAccess:
            return self.clusters[target.name]

        return OwnEdges(repository(self.root), roles(self.root), self.aws, access, self.entered)

    def whoami(self, *clusters: str) -> WhoAmI:
        who = who_am_i(self.edges, AT, clusters, Silent())
        if who.caller is not None:
            assert_shape("whoami", whoami_json(who, self.line))
        return who

    def text(self, *clusters: str) -> str:
        return whoami_text(self.whoami(*clusters), self.line)

    def make(self, **changes: Any) -> KubeconfigResult:
        result = make_contexts(self.edges, self.kubeconfig, replace(KubeconfigRequest(AT), **changes), Silent())
        assert_shape("kubeconfig", kubeconfig_json(result))
        return result

    def line(self, origin: Origin) -> str:
        position = self.edges.repository.position(origin.file, origin.path)
        return f"{origin.file}:{position[0] if position else '?'}"


def assert_shape(name: str, document: dict[str, Any]) -> None:
    schema = json.loads(files("iamrbac.render").joinpath(f"schemas/{name}.json").read_text())
    assert list(Draft202012Validator(schema).iter_errors(json.loads(json.dumps(document)))) == []


@pytest.fixture
def developer(tmp_path: Path) -> Developer:
    return Developer(tmp_path)


HEAD = "arn:aws:iam::111122223333:user/pat\n  account 111122223333\n\n"
STAGING = """\
staging: alice
  group iamrbac:acme:payments:developers
  viewer in payments (policies/payments.yaml:9)
"""


def test_whoami_names_roles_namespaces_and_lines(developer: Developer) -> None:
    developer.clusters["production"].user = ONCALL
    assert developer.text() == HEAD + STAGING + (
        "\nproduction: carol\n"
        "  group iamrbac:acme:payments:oncall\n"
        "  group iamrbac:other:payments:developers\n"
        "  group oncall\n"
        "  operator in payments, payments-batch (policies/payments.yaml:10)\n"
    )


def test_whoami_tells_no_access_from_not_known(developer: Developer) -> None:
    developer.clusters["production"].user = NOT_MAPPED
    assert developer.text() == HEAD + STAGING + "\nproduction: no access\n"
    developer.clusters["production"].user = DOWN
    assert developer.text() == HEAD + STAGING + (
        "\nproduction: not known: [ERR202] does not answer. Next: look at the VPN\n"
    )
    del developer.aws.modes["production"]
    assert developer.text("production") == HEAD + (
        "production: not known: [ERR201] no such cluster. Next: look at eksName\n"
    )


def test_whoami_of_somebody_from_elsewhere(developer: Developer) -> None:
    developer.clusters["production"].user = User("pat", ("system:masters",))
    assert developer.text("production") == HEAD + (
        "production: pat\n"
        "  group system:masters\n"
        "  nothing from the policies; what this user may do comes from elsewhere\n"
    )


def test_the_roles_by_which_plan_and_apply_come(developer: Developer) -> None:
    developer.write(WAYS, POLICY)
    developer.clusters["production"].user = NOT_MAPPED
    staging, head = "arn:aws:iam::111122223333:role/iamrbac", HEAD.removesuffix("\n")
    people = "  who the people of account 000011112222 are is asked as arn:aws:iam::000011112222:role/people\n"
    assert developer.text() == head + people + "\n" + STAGING + (
        f"  plan and apply come as {staging}\n\nproduction: no access\n"
    )


@pytest.mark.parametrize("denied", [False, True])
def test_the_roles_assumed(developer: Developer, denied: bool) -> None:
    def entered(role: AssumeRole, region: str) -> Caller:
        if denied:
            raise AwsError("it cannot be entered", where=role.role_arn, hint="ask them")
        return Caller(role.account, f"arn:aws:sts::{role.account}:assumed-role/people/pat-in-{region}", "AROA:pat")

    developer.write(WAYS, POLICY)
    developer.entered = entered
    text = developer.text("staging")
    line = "not assumed: [ERR201] it cannot be entered. Next: ask them"
    assert ("    assumed: arn:aws:sts::000011112222:assumed-role/people/pat-in-eu-west-1\n" in text) != denied
    assert (line in text) == denied
    assert "  this is arn:aws:iam::111122223333:role/iamrbac\n" in text


def test_access_policies_are_named_with_their_lines(developer: Developer) -> None:
    policy = POLICY.replace("role: viewer", "role: {eksAccessPolicy: AmazonEKSViewPolicy}")
    developer.write(CATALOGUE, policy)
    assert "  eksAccessPolicy AmazonEKSViewPolicy in payments (policies/payments.yaml:9)\n" in developer.text("staging")


def test_a_pattern_without_a_catalogue_is_not_known(developer: Developer) -> None:
    developer.write(CONFIG, POLICY)
    developer.clusters["production"].user = ONCALL
    who = developer.whoami()
    assert [one.grants is None for one in who.clusters] == [False, True]
    assert developer.text("production").endswith("  what the policies give here is not known. Next: iamrbac validate\n")


def test_a_broken_policy_of_others_hides_no_cluster(developer: Developer) -> None:
    (developer.root / "policies/search.yaml").write_text("kind: [")
    who = developer.whoami()
    assert [one.user for one in who.clusters] == [DEVELOPER, DEVELOPER]
    assert [one.grants for one in who.clusters] == [None, None]
    assert who.findings
    result = developer.make()
    assert [context.name for context in developer.kubeconfig.contexts] == ["staging", "production"]
    assert result.written is not None


def test_a_broken_config_is_findings_only(developer: Developer) -> None:
    developer.write("kind: Config\n", POLICY)
    who = developer.whoami()
    assert (who.caller, who.clusters) == (None, ())
    assert who.findings
    for everything in (True, False):
        result = developer.make(everything=everything)
        assert (result.clusters, result.written) == ((), None)
        assert result.findings


def test_an_unknown_cluster_is_usage(developer: Developer) -> None:
    for ask in (lambda: developer.whoami("nope"), lambda: developer.make(clusters=("nope",), everything=True)):
        with pytest.raises(UsageError, match="no such cluster"):
            ask()


def test_contexts_for_the_clusters_that_take_her(developer: Developer) -> None:
    developer.clusters["production"].user = NOT_MAPPED
    result = developer.make(profile="alice")
    target = developer.aws.target(Cluster(name="staging", account=ACCOUNT, region="eu-west-1"))
    assert developer.kubeconfig.contexts == (Context("staging", target, "alice", "payments", instance="acme"),)
    assert (developer.kubeconfig.current, developer.kubeconfig.fallback) == (None, "staging")
    assert kubeconfig_text(result) == (
        "staging     namespace payments\n"
        "production  no access\n"
        "/home/alice/.kube/config: 1 context written; current context: staging.\n"
    )


def test_a_cluster_that_fails_leaves_the_others(developer: Developer) -> None:
    developer.clusters["staging"].user = DOWN
    result = developer.make()
    assert [context.name for context in developer.kubeconfig.contexts] == ["production"]
    assert kubeconfig_text(result).splitlines()[0] == (
        "staging     not known: [ERR202] production: does not answer. Next: look at the VPN"
    )


def test_without_access_nothing_is_written(developer: Developer) -> None:
    for cluster in developer.clusters.values():
        cluster.user = NOT_MAPPED
    result = developer.make()
    assert result.written is None
    assert developer.kubeconfig.contexts == ()
    assert kubeconfig_text(result).splitlines()[-1] == "No context was written."


@pytest.mark.parametrize("complete", [True, False])
def test_only_namespaces_that_the_cluster_confirms(developer: Developer, complete: bool) -> None:
    """EKS cannot list what its access policies give, and says so: then one right is asked for itself."""
    cluster = developer.clusters["production"] = FakeAccess(ONCALL, ("payments-batch",), complete)
    result = developer.make(clusters=("production",), namespace_contexts=True)
    assert [(one.name, one.namespace, one.pinned) for one in developer.kubeconfig.contexts] == [
        ("production", "payments-batch", False),
        ("payments-batch@production", "payments-batch", True),
    ]
    assert developer.kubeconfig.current == "production"
    assert result.clusters[0].namespaces == ("payments-batch",)
    probes = [] if complete else ["can list pods in payments", "can list pods in payments-batch"]
    assert sorted(cluster.asked) == sorted(["payments", "payments-batch", *probes])


def test_several_namespaces_leave_the_choice_to_her(developer: Developer) -> None:
    developer.clusters["production"] = FakeAccess(ONCALL, ("payments", "payments-batch"))
    result = developer.make(clusters=("production",))
    assert [(one.name, one.namespace) for one in developer.kubeconfig.contexts] == [("production", None)]
    assert kubeconfig_text(result).splitlines()[0] == "production  namespaces payments, payments-batch"


def test_all_asks_no_cluster(developer: Developer) -> None:
    developer.clusters = {}
    result = developer.make(everything=True)
    assert [(one.name, one.namespace) for one in developer.kubeconfig.contexts] == [
        ("staging", None),
        ("production", None),
    ]
    assert kubeconfig_text(result).splitlines()[:2] == ["staging", "production"]
    del developer.aws.modes["staging"]
    result = developer.make(everything=True)
    assert [one.error is not None for one in result.clusters] == [True, False]
