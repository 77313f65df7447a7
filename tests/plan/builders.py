"""Small builders for plans in tests: a cluster, our objects, other people's."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from iamrbac.compile import names
from iamrbac.compile.desired import ClusterDesired, Desired, Key, Kind, Spec
from iamrbac.identity.assumable import AssumableRole, GroupPolicy
from iamrbac.mapping.objects import AccessEntry, AwsAuthRow, PolicyAssociation
from iamrbac.model.origin import Origin
from iamrbac.plan.observed import AuthenticationMode, AwsAuth, ClusterState, Meta, Observed, Target
from iamrbac.rbac.objects import Binding, Role, RoleRef, Rule, Subject

INSTANCE = "acme"
ALICE = "arn:aws:iam::111122223333:user/staff/alice"
BOB = "arn:aws:iam::111122223333:user/bob"
PAT = "arn:aws:iam::111122223333:user/pat"
NODE = "arn:aws:iam::111122223333:role/eks-node"
DEVELOPERS = "iamrbac:acme:payments:developers"
VIEWERS = "iamrbac:acme:payments:viewers"
READ_PODS = Rule(("get", "list"), ("",), ("pods",))
READ_LOGS = Rule(("get",), ("",), ("pods/log",))
ADMIN_POLICY = "arn:aws:eks::aws:cluster-access-policy/AmazonEKSClusterAdminPolicy"
Item = tuple[Spec, Mapping[str, str]]
ORIGIN = Origin("policies/payments.yaml", ("spec", "access", 0))


def target(name: str = "staging", mode: AuthenticationMode = "API_AND_CONFIG_MAP") -> Target:
    return Target(
        name,
        name,
        f"arn:aws:eks:eu-west-1:111122223333:cluster/{name}",
        "eu-west-1",
        "https://127.0.0.1:1",
        "PEM",
        mode,
    )


def labels(set_name: str = "developers", role: str | None = "developer") -> dict[str, str]:
    value = {
        names.MANAGED_BY_LABEL: names.MANAGED_BY,
        names.INSTANCE_LABEL: INSTANCE,
        names.POLICY_LABEL: "payments",
        names.SET_LABEL: set_name,
    }
    return value | ({names.ROLE_LABEL: role} if role else {})


def object_name(set_name: str = "developers", role: str = "developer") -> str:
    return f"iamrbac-payments-{set_name}-{role}-0a1b2c3d"


def role(*rules: Rule, set_name: str = "developers", role: str = "developer", namespace: str = "payments") -> Item:
    marks = labels(set_name, role)
    return Role("Role", namespace, object_name(set_name, role), rules or (READ_PODS,), (), marks), marks


def binding(
    *subjects: Subject,
    set_name: str = "developers",
    role: str = "developer",
    namespace: str = "payments",
    ref: RoleRef | None = None,
) -> Item:
    marks = labels(set_name, role)
    name = object_name(set_name, role)
    who = subjects or (Subject("Group", f"iamrbac:acme:payments:{set_name}"),)
    return Binding("RoleBinding", namespace, name, ref or RoleRef("Role", name), who, marks), marks


def entry(principal: str, *groups: str, type: str = "STANDARD") -> Item:
    return AccessEntry(principal, principal, tuple(sorted(groups)), type), names.entry_tags(INSTANCE)


def row(arn: str, *groups: str) -> Item:
    return AwsAuthRow("mapUsers", arn, arn, tuple(sorted(groups))), {}


def association(principal: str, policy: str = ADMIN_POLICY) -> Item:
    return PolicyAssociation(principal, policy, "cluster"), {}


def key_of(spec: Spec, cluster: str = "staging") -> Key:
    kind: Kind
    if isinstance(spec, Role | Binding):
        return Key(cluster, spec.kind, spec.namespace or "", spec.name)
    if isinstance(spec, AccessEntry):
        kind, name = "AccessEntry", spec.principal
    elif isinstance(spec, PolicyAssociation):
        kind, name = "AccessPolicyAssociation", f"{spec.principal}#{spec.policy}"
    elif isinstance(spec, AwsAuthRow):
        kind, name = "AwsAuthRow", spec.arn
    elif isinstance(spec, AssumableRole | GroupPolicy):
        raise TypeError("what is in IAM is of no cluster")
    else:
        kind, name = "Namespace", spec.name
    return Key(cluster, kind, "", name)


def desired(*items: Item, cluster: str = "staging") -> ClusterDesired:
    objects = [Desired(key_of(spec, cluster), spec, marks, (ORIGIN,)) for spec, marks in items]
    return ClusterDesired(cluster, tuple(sorted(objects, key=lambda item: item.key)), (), {})


def observed(item: Item, *, cluster: str = "staging", version: str = "7") -> Observed:
    spec, marks = item
    return Observed(key_of(spec, cluster), spec, Meta(labels=marks, version=version))


def foreign(item: Item, marks: Mapping[str, str] | None = None) -> Observed:
    spec, _ = item
    return Observed(key_of(spec), spec, Meta(labels=marks or {}, version="3"))


def state(
    *objects: Observed, mode: AuthenticationMode = "API_AND_CONFIG_MAP", aws_auth: AwsAuth | None = None
) -> ClusterState:
    return ClusterState(target(mode=mode), frozenset({"payments", "search"}), objects, aws_auth)


def config_map(map_users: str = "", map_roles: str = "", owned: Iterable[str] = ()) -> AwsAuth:
    data = {key: text for key, text in (("mapRoles", map_roles), ("mapUsers", map_users)) if text}
    rows = ", ".join(f'"{arn}"' for arn in sorted(owned))
    annotations = {names.rows_annotation(INSTANCE): f"[{rows}]"} if rows else {}
    return AwsAuth(data, annotations, "11")
