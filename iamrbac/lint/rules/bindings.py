"""Where a role is given: everywhere, in a privileged namespace, in default; and what is not known of it."""

from __future__ import annotations

from collections.abc import Iterator

from iamrbac.access.abilities import READ_SECRETS
from iamrbac.access.eks_policies import rules as policy_rules
from iamrbac.access.powers import Held
from iamrbac.access.steps import full
from iamrbac.lint.matter import DEFAULT, Grant, Ground, Hit, Scope, Where
from iamrbac.lint.references import ACCESS_POLICIES, RBAC, cis, kubescape, trivy
from iamrbac.lint.rule import (
    ERROR,
    EVERY,
    INFO,
    WARNING,
    GrantCheck,
    Levels,
    LintRule,
    RightsCheck,
    always,
    documents,
    in_namespace,
    listed,
    manifests,
)

_READS = frozenset({"get", "list", "watch"})


def _edits_everywhere(held: Held, where: Where, ground: Ground) -> Iterator[Hit]:
    secrets = held.reach(READ_SECRETS)
    if where.scope is not Scope.CLUSTER or secrets is None or full(held.rules):
        return
    edit, admin = policy_rules("AmazonEKSEditPolicy", ground.roles), ground.roles.get("admin")
    if edit is not None and admin is not None and ground.covers(held.rules, edit):
        given = tuple(rule for rule in held.rules if ground.covers(admin.rules, (rule,)))
        yield Hit("has all that the built-in edit gives, in every namespace", given or held.rules)


def _writes_there(held: Held, where: Where, _: Ground) -> Iterator[Hit]:
    if where.scope is Scope.PRIVILEGED:
        given = tuple(rule for rule in held.rules if not _READS.issuperset(rule.verbs))
        resources = tuple(dict.fromkeys(resource for rule in given for resource in rule.resources))
        if given:
            yield Hit(f"may write in a privileged namespace ({listed(resources)})", given)


def _in_default(grant: Grant, _: Ground) -> Iterator[Hit]:
    if grant.namespace == DEFAULT:
        yield Hit("is given in the namespace default, which nobody owns")


def _dangling(grant: Grant, _: Ground) -> Iterator[Hit]:
    if grant.rules is None and not grant.policy:
        yield Hit("is a role that is not known here, so nothing of it is judged", level=None if grant.object else INFO)


def _undocumented(grant: Grant, _: Ground) -> Iterator[Hit]:
    if grant.rules is None and grant.policy:
        yield Hit("gives what AWS does not document, so nothing of it is judged")


_EDIT = """\
apiVersion: iamrbac.dev/v1alpha1
kind: AccessPolicy
metadata: {name: payments}
spec:
  members:
    oncall: [{iamGroup: payments-oncall}]
  access:
    - {clusters: [production], PLACE, role: ROLE}
"""
_BINDING = """\
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: {name: ci, namespace: payments}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: NAME}
subjects:
  - {kind: ServiceAccount, name: ci}
"""


def _line(place: str, role: str) -> str:
    return _EDIT.replace("PLACE", place).replace("ROLE", role)


RULES = (
    LintRule(
        id="IAM071",
        title="edits everywhere",
        why="What edit and admin hold is meant for one namespace. In the whole cluster it is kube-system too: its "
        "secrets and its service accounts, which may write any role. That is cluster-admin in two steps. "
        "AmazonEKSEditPolicy and AmazonEKSAdminPolicy for the cluster are the same.",
        fix="Name namespaces, by patterns where they are many; no pattern matches kube-*.",
        levels=Levels(ERROR),
        references=(trivy("KSV-0111"), kubescape("C-0035"), ACCESS_POLICIES),
        check=RightsCheck(_edits_everywhere),
        good=documents(_line("scope: cluster", "{clusterRole: view}")),
        bad=documents(_line("scope: cluster", "{clusterRole: edit}")),
        broad=True,
        also=("IAM125", "IAM130"),
    ),
    LintRule(
        id="IAM079",
        title="writes in a privileged namespace",
        why="What runs in these namespaces may do much on the whole cluster, so that changing its configuration, its "
        "services or its volumes reaches further than elsewhere (lint.privilegedNamespaces names them).",
        fix="Let the platform's pipeline write there; others read.",
        levels=Levels(None, None, WARNING),
        references=("Palo Alto Networks, Kubernetes privilege escalation: excessive permissions in popular platforms",),
        check=RightsCheck(_writes_there),
        good=in_namespace(
            '- {apiGroups: [""], resources: [persistentvolumeclaims], verbs: [get, list]}', "kube-system"
        ),
        bad=in_namespace('- {apiGroups: [""], resources: [persistentvolumeclaims], verbs: [create]}', "kube-system"),
        unless=(EVERY, "IAM067"),
    ),
    LintRule(
        id="IAM080",
        title="is given in the namespace default",
        why="Whatever names no namespace lands in default, of every team. Nobody owns it, so nobody knows what a "
        "right in it reaches.",
        fix="Give a team a namespace of its own.",
        levels=always(INFO),
        references=(cis("4.5.3"), kubescape("C-0212")),
        check=GrantCheck(_in_default),
        good=in_namespace('- {apiGroups: [""], resources: [pods], verbs: [get, list, watch]}'),
        bad=in_namespace('- {apiGroups: [""], resources: [pods], verbs: [get, list, watch]}', "default"),
    ),
    LintRule(
        id="IAM081",
        title="gives a role that is not known",
        why="A binding to a role that is not there gives nothing, until somebody creates a role of that name: then it "
        "gives whatever that one wants. What a role of the cluster's own holds is not judged here.",
        fix="Correct the name, use a template, or judge the cluster's manifests with the role among them.",
        levels=always(WARNING),
        references=(RBAC,),
        check=GrantCheck(_dangling),
        good=manifests(_BINDING.replace("NAME", "view")),
        bad=manifests(_BINDING.replace("NAME", "viewer")),
    ),
    LintRule(
        id="IAM119",
        title="gives an access policy that is not documented",
        why="AWS documents what some of its access policies give, and may change that of all of them. Of the others "
        "nobody can say whether they are dangerous.",
        fix="Use a documented policy, or a role template.",
        levels=always(WARNING),
        references=(ACCESS_POLICIES,),
        check=GrantCheck(_undocumented),
        good=documents(_line("namespaces: [payments]", "{eksAccessPolicy: AmazonEKSViewPolicy}")),
        bad=documents(_line("namespaces: [payments]", "{eksAccessPolicy: AmazonEKSComputePolicy}")),
    ),
)
