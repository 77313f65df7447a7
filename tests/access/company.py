"""One world by hand: people with entries, a row, an account; roles, access policies, and what nobody is mapped to."""

from __future__ import annotations

from iamrbac.access.judge import Judge
from iamrbac.access.world import World
from iamrbac.compile.desired import PolicyGrant
from iamrbac.mapping.aws_auth import read
from iamrbac.mapping.objects import AccessEntry, PolicyAssociation
from iamrbac.model.origin import Origin
from iamrbac.rbac.objects import Binding, RbacState, Role, RoleRef, Rule, Subject
from tests.access.worlds import ACCOUNT, BUILTIN, policy_arn

OTHERS = "444455556666"
ANN, BOB, CAROL = (f"arn:aws:iam::{ACCOUNT}:user/{name}" for name in ("ann", "staff/bob", "carol"))
ROBOT, NODE = (f"arn:aws:iam::{ACCOUNT}:role/{name}" for name in ("ci/robot", "node"))
SESSIONS = f"arn:aws:sts::{ACCOUNT}:assumed-role/robot/"
SET = "iamrbac:acme:payments:oncall"
LINE = Origin("policies/payments.yaml", ("spec", "access", 0))
READ = Rule(("get", "list"), ("",), ("pods", "pods/log"))
WEB = Rule(("get", "update"), ("",), ("configmaps",), ("web",))
METRICS = Rule(("get",), non_resource_urls=("/metrics",))


def bound(name: str, role: str, *subjects: Subject, namespace: str | None = "blue", kind: str = "Role") -> Binding:
    """A binding of a Role, or of a ClusterRole."""
    ref = RoleRef("Role" if kind == "Role" else "ClusterRole", role)
    return Binding("RoleBinding" if namespace else "ClusterRoleBinding", namespace, name, ref, subjects)


def group(name: str) -> Subject:
    """A group as a binding names it."""
    return Subject("Group", name)


ENTRIES = (
    AccessEntry(ANN, "ann", ("dev",)),
    AccessEntry(BOB, BOB, (SET,)),
    AccessEntry(ROBOT, f"{SESSIONS}{{{{SessionName}}}}", ("robots",)),
    AccessEntry(NODE, "system:node:{{EC2PrivateDNSName}}", ("system:nodes",), "EC2_LINUX"),
)
ASSOCIATIONS = (
    PolicyAssociation(ANN, policy_arn("AmazonEKSViewPolicy"), "namespace", ("green*",)),
    PolicyAssociation(BOB, policy_arn("AmazonEKSBrandNewPolicy"), "cluster"),
)
ROLES = (
    Role("Role", "blue", "reader", (READ, WEB)),
    Role("ClusterRole", None, "operator", (Rule(("delete",), ("",), ("pods",)),)),
    Role("ClusterRole", None, "metrics", (METRICS,)),
)
BINDINGS = (
    bound("readers", "reader", group("dev")),
    bound("operators", "operator", group(SET), kind="ClusterRole"),
    bound("lost", "gone", Subject("User", "ann")),
    bound("scrapers", "metrics", Subject("ServiceAccount", "prometheus", "mon"), namespace=None, kind="ClusterRole"),
    bound("alice", "reader", Subject("User", f"{SESSIONS}alice")),
    bound("carol", "operator", Subject("User", "carol"), namespace=None, kind="ClusterRole"),
    bound("account", "reader", Subject("User", f"arn:aws:iam::{OTHERS}:user/eve")),
)
WORLD = World(
    ENTRIES,
    ASSOCIATIONS,
    read({"mapUsers": f"- {{userarn: {CAROL}, username: carol}}\n", "mapAccounts": f'- "{OTHERS}"\n'}),
    RbacState((*ROLES, *BUILTIN.roles), (*BINDINGS, *BUILTIN.bindings)),
    display={("ClusterRole", None, "operator"): "operator"},
    origins={("RoleBinding", "blue", "operators"): (LINE,)},
    policies={SET: (PolicyGrant("AmazonEKSViewPolicy", ("blue",), (LINE,)),)},
)


def judge() -> Judge:
    """A new judge of this world."""
    return Judge(WORLD, BUILTIN.roles)
