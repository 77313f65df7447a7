"""Rights over RBAC itself: to hand out rights, and the two verbs that lift the API server's check of who may."""

from __future__ import annotations

from collections.abc import Iterator

from iamrbac.access.abilities import BIND, BIND_ROLES, ESCALATE, ESCALATE_ROLES, WRITE_BINDINGS, WRITE_CLUSTER_BINDINGS
from iamrbac.access.powers import RBAC as RBAC_GROUP
from iamrbac.access.powers import WRITE, Held, Power
from iamrbac.lint.matter import Ground, Hit, Where
from iamrbac.lint.references import GOOD_PRACTICES, RBAC, cis, trivy
from iamrbac.lint.rule import ERROR, WARNING, Levels, LintRule, RightsCheck, always, in_cluster, in_namespace, may

_WRITE_ROLES = (
    Power(WRITE, "clusterroles", RBAC_GROUP, namespaced=False),
    Power(WRITE, "roles", RBAC_GROUP),
)


def _bind_any(held: Held, _: Where, __: Ground) -> Iterator[Hit]:
    for right in (BIND, BIND_ROLES):
        reach = held.reach(right)
        if reach is not None and reach.unlimited:
            yield Hit(f"may bind any role, whatever it holds (bind on {right.resource})", reach.rules)
            return


def _bind_powerful(held: Held, where: Where, ground: Ground) -> Iterator[Hit]:
    reach = held.reach(BIND)
    for name in sorted(reach.names) if reach is not None else ():
        role = ground.roles.get(name)
        if reach is not None and role is not None and (name == "cluster-admin" or ground.errs(role.rules, where)):
            yield Hit(f"may bind clusterRole {name}, which is dangerous itself", reach.rules)


def _bind(name: str) -> str:
    return f"- {{apiGroups: [{RBAC_GROUP}], resources: [clusterroles], verbs: [bind], resourceNames: [{name}]}}"


RULES = (
    LintRule(
        id="IAM006",
        title="writes more into a role than it has",
        why="The API server lets nobody write rights into a role that the writer lacks, unless by the verb escalate. "
        "Who has it and may change a role that is bound to everybody or to itself is whatever it wants to be.",
        fix="Leave escalate to the pipeline that applies the policies.",
        levels=always(ERROR),
        references=(GOOD_PRACTICES, RBAC, cis("4.1.8"), trivy("KSV-0050")),
        check=may("may write any right into a role (escalate on {what})", ESCALATE, ESCALATE_ROLES),
        good=in_cluster(
            "- {apiGroups: [rbac.authorization.k8s.io], resources: [clusterroles], verbs: [get, list, watch]}"
        ),
        bad=in_cluster("- {apiGroups: [rbac.authorization.k8s.io], resources: [clusterroles], verbs: [escalate]}"),
    ),
    LintRule(
        id="IAM007",
        title="binds any role",
        why="The API server lets nobody bind a role whose rights the writer lacks, unless by the verb bind on that "
        "role. Without resourceNames that is every role, cluster-admin too. The verb counts on roles and "
        "clusterroles; on bindings it does nothing.",
        fix="List in resourceNames the ClusterRoles that may be handed out.",
        levels=always(ERROR),
        references=(GOOD_PRACTICES, RBAC, cis("4.1.8")),
        check=RightsCheck(_bind_any),
        good=in_cluster(_bind("view")),
        bad=in_cluster("- {apiGroups: [rbac.authorization.k8s.io], resources: [clusterroles], verbs: [bind]}"),
    ),
    LintRule(
        id="IAM008",
        title="binds a dangerous role",
        why="A name in resourceNames makes the verb bind no safer where the role of that name is dangerous by itself.",
        fix="Let only harmless roles be bound, or give what is needed by a policy.",
        levels=always(ERROR),
        references=(GOOD_PRACTICES, cis("4.1.8")),
        check=RightsCheck(_bind_powerful),
        good=in_cluster(_bind("view")),
        bad=in_cluster(_bind("edit")),
    ),
    LintRule(
        id="IAM009",
        title="writes ClusterRoleBindings",
        why="Whoever writes them hands its own rights to anybody in the whole cluster, past the policies; with the "
        "verb bind, any rights at all.",
        fix="Give access by a policy, so that it is reviewed.",
        levels=Levels(ERROR),
        references=(GOOD_PRACTICES, RBAC, trivy("KSV-0052")),
        check=may("may hand out rights in the whole cluster ({what})", WRITE_CLUSTER_BINDINGS),
        good=in_cluster(
            "- {apiGroups: [rbac.authorization.k8s.io], resources: [clusterrolebindings], verbs: [get, list, watch]}"
        ),
        bad=in_cluster("- {apiGroups: [rbac.authorization.k8s.io], resources: [clusterrolebindings], verbs: [create]}"),
    ),
    LintRule(
        id="IAM010",
        title="writes RoleBindings",
        why="Whoever writes them hands its own rights there to anybody, past the policies: the built-in admin can. "
        "What iamrbac does not know it does not take away.",
        fix="Give access by a policy. Where a team must bind roles itself, keep it to its own namespace.",
        levels=Levels(ERROR, WARNING, ERROR),
        references=(RBAC, trivy("KSV-0051", "KSV-0055")),
        check=may("may hand its own rights to others ({what})", WRITE_BINDINGS),
        good=in_namespace(
            "- {apiGroups: [rbac.authorization.k8s.io], resources: [rolebindings], verbs: [get, list, watch]}"
        ),
        bad=in_namespace(
            "- {apiGroups: [rbac.authorization.k8s.io], resources: [rolebindings], verbs: [get, create, patch]}"
        ),
    ),
    LintRule(
        id="IAM011",
        title="writes roles",
        why="Whoever changes a role changes the rights of everybody who is bound to it, as far as its own rights "
        "reach; nobody sees it in a policy.",
        fix="Keep roles in templates/roles and let the policies make them.",
        levels=Levels(ERROR, WARNING, ERROR),
        references=(RBAC,),
        check=may("may change what roles hold ({what})", *_WRITE_ROLES),
        good=in_namespace("- {apiGroups: [rbac.authorization.k8s.io], resources: [roles], verbs: [get, list, watch]}"),
        bad=in_namespace("- {apiGroups: [rbac.authorization.k8s.io], resources: [roles], verbs: [get, update]}"),
        unless=("IAM006",),
    ),
)
