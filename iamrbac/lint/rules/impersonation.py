"""Impersonation: to be somebody else for a request, without their credentials."""

from __future__ import annotations

from collections.abc import Iterator

from iamrbac.access.abilities import ACT_AS_ACCOUNTS, ACT_AS_GROUPS, ACT_AS_USERS
from iamrbac.access.powers import Held, Power
from iamrbac.lint.matter import Ground, Hit, Where
from iamrbac.lint.references import GOOD_PRACTICES, IMPERSONATION, cis, issue, kubescape, trivy
from iamrbac.lint.rule import (
    ERROR,
    WARNING,
    Levels,
    LintRule,
    RightsCheck,
    always,
    hold,
    in_cluster,
    in_namespace,
    listed,
    may,
)
from iamrbac.rbac.match import ALL
from iamrbac.rbac.subjects import MASTERS

_GROUP = "authentication.k8s.io"
_MODES = ("impersonate:", "impersonate-on:")


def _groups(held: Held, _: Where, __: Ground) -> Iterator[Hit]:
    reach = held.reach(ACT_AS_GROUPS)
    if reach is not None and not reach.unlimited and MASTERS in reach.names:
        yield Hit(f"may impersonate {MASTERS}, which may do everything", reach.rules)
        return
    yield from hold(held, "may impersonate groups", (ACT_AS_GROUPS,))


def _extra(held: Held, _: Where, __: Ground) -> Iterator[Hit]:
    reach = held.reach(Power(("impersonate",), "uids", _GROUP, namespaced=False))
    given = dict.fromkeys(reach.rules if reach is not None else ())
    for rule in held.cluster.rules:
        groups = {_GROUP, ALL} & set(rule.api_groups)
        if (
            groups
            and {"impersonate", ALL} & set(rule.verbs)
            and any(r.startswith("userextras") for r in rule.resources)
        ):
            given[rule] = None
    if given:
        yield Hit("may impersonate what a user's id and extra fields say", tuple(given))


def _constrained(held: Held, _: Where, __: Ground) -> Iterator[Hit]:
    given = tuple(rule for rule in held.rules if any(verb.startswith(_MODES) for verb in rule.verbs))
    if given:
        verbs = dict.fromkeys(verb for rule in given for verb in rule.verbs if verb.startswith(_MODES))
        yield Hit(f"may impersonate for some requests ({listed(tuple(verbs))})", given)


RULES = (
    LintRule(
        id="IAM014",
        title="impersonates groups",
        why="Whoever may impersonate groups, and any user or service account to go with them, adds system:masters to "
        "itself and may do everything. Impersonation needs no credentials of the other, and the audit log names both.",
        fix="Remove it. For a test of rights use `iamrbac can`, or name harmless groups in resourceNames.",
        levels=Levels(ERROR),
        references=(GOOD_PRACTICES, IMPERSONATION, cis("4.1.8"), trivy("KSV-0043"), kubescape("C-0065")),
        check=RightsCheck(_groups),
        good=in_cluster('- {apiGroups: [""], resources: [pods], verbs: [get, list, watch]}'),
        bad=in_cluster('- {apiGroups: [""], resources: [groups], verbs: [impersonate]}'),
    ),
    LintRule(
        id="IAM015",
        title="impersonates users",
        why="Whoever may impersonate any user is any user: people with more rights, and Kubernetes' own components "
        "such as system:kube-controller-manager.",
        fix="Remove it, or name users in resourceNames who may do no more than the impersonator.",
        levels=Levels(ERROR),
        references=(GOOD_PRACTICES, IMPERSONATION, cis("4.1.8"), kubescape("C-0065")),
        check=may("may impersonate users", ACT_AS_USERS),
        good=in_cluster('- {apiGroups: [""], resources: [pods], verbs: [get, list, watch]}'),
        bad=in_cluster('- {apiGroups: [""], resources: [users], verbs: [impersonate]}'),
        also=("IAM130",),
    ),
    LintRule(
        id="IAM016",
        title="impersonates service accounts",
        why="Whoever may impersonate the service accounts of a namespace has all of their rights, without a pod that "
        "admission would see. The built-in edit and admin may, and so may AmazonEKSEditPolicy and "
        "AmazonEKSAdminPolicy.",
        fix="Use a template without it: the shipped developer has what people use of edit.",
        levels=Levels(ERROR, WARNING, ERROR),
        references=(GOOD_PRACTICES, IMPERSONATION, cis("4.1.8"), kubescape("C-0065")),
        check=may("may impersonate service accounts", ACT_AS_ACCOUNTS),
        good=in_namespace('- {apiGroups: [""], resources: [serviceaccounts], verbs: [get, list, watch]}'),
        bad=in_namespace('- {apiGroups: [""], resources: [serviceaccounts], verbs: [impersonate]}'),
    ),
    LintRule(
        id="IAM017",
        title="impersonates uids and extra fields",
        why="Extra fields carry what authenticators and webhooks decide by: scopes, the pod that a token belongs to, "
        "EKS's own fields with the caller's ARN and session.",
        fix="Remove it unless a proxy that authenticates people needs exactly this field.",
        levels=Levels(WARNING),
        references=(IMPERSONATION,),
        check=RightsCheck(_extra),
        good=in_cluster('- {apiGroups: [""], resources: [pods], verbs: [get, list, watch]}'),
        bad=in_cluster("- {apiGroups: [authentication.k8s.io], resources: [uids], verbs: [impersonate]}"),
    ),
    LintRule(
        id="IAM018",
        title="impersonates for some requests",
        why="Constrained impersonation (Kubernetes 1.36) splits impersonation into whom (impersonate:MODE) and what "
        "for (impersonate-on:MODE:VERB). It is narrower than impersonate, and still somebody else's rights.",
        fix="Keep both lists as short as the proxy or agent that needs them.",
        levels=always(ERROR),
        references=(issue("kubernetes/enhancements", "5284"), IMPERSONATION),
        check=RightsCheck(_constrained),
        good=in_cluster('- {apiGroups: [""], resources: [pods], verbs: [get, list, watch]}'),
        bad=in_cluster("- {apiGroups: [authentication.k8s.io], resources: [users], verbs: ['impersonate:user-info']}"),
    ),
)
