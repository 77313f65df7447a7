"""Wildcards: more than anybody meant, and more with every new resource and verb."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from iamrbac.access.powers import RBAC as RBAC_GROUP
from iamrbac.access.powers import Held, Power
from iamrbac.access.steps import full
from iamrbac.lint.matter import Ground, Hit, Where
from iamrbac.lint.references import GOOD_PRACTICES, RBAC, cis, kubescape, trivy
from iamrbac.lint.rule import (
    ERROR,
    INFO,
    WARNING,
    Levels,
    LintRule,
    RightsCheck,
    always,
    in_cluster,
    in_namespace,
    listed,
)
from iamrbac.rbac.match import ALL
from iamrbac.rbac.objects import Rule

_SENSITIVE = (
    *(Power((ALL,), name) for name in ("secrets", "pods", "pods/exec", "serviceaccounts", "serviceaccounts/token")),
    *(Power((ALL,), name, "apps") for name in ("deployments", "daemonsets", "statefulsets", "replicasets")),
    *(Power((ALL,), name, "batch") for name in ("jobs", "cronjobs")),
    *(Power((ALL,), name, RBAC_GROUP) for name in ("roles", "rolebindings", "clusterroles")),
    Power((ALL,), "clusterrolebindings", RBAC_GROUP, namespaced=False),
    *(Power((ALL,), name, namespaced=False) for name in ("nodes", "nodes/proxy", "users", "groups")),
    *(
        Power((ALL,), name, "admissionregistration.k8s.io", namespaced=False)
        for name in ("mutatingwebhookconfigurations", "validatingwebhookconfigurations")
    ),
)
_VERBS = frozenset({ALL, "get", "list", "watch", "create", "update", "patch", "delete", "deletecollection"})


def _everything(held: Held, _: Where, __: Ground) -> Iterator[Hit]:
    given = full(held.rules)
    if given:
        yield Hit("may do everything", given)


def _every_resource(rule: Rule) -> bool:
    """Whether it is about all resources of the core group: secrets, exec and proxies are among them."""
    return (
        ALL in rule.resources
        and not rule.resource_names
        and not _VERBS.isdisjoint(rule.verbs)
        and not {ALL, ""}.isdisjoint(rule.api_groups)
        and not full((rule,))
    )


def _every_verb_on_sensitive(held: Held, _: Where, __: Ground) -> Iterator[Hit]:
    found: dict[str, None] = {}
    rules: dict[Rule, None] = {}
    for right in _SENSITIVE:
        reach = held.reach(right)
        for rule in reach.rules if reach is not None else ():
            if not rule.resource_names and not _every_resource(rule) and not full((rule,)):
                found[right.qualified] = rules[rule] = None
    if found:
        yield Hit(f"may do everything with {listed(tuple(found))}", tuple(rules))


def _rules(says: str, meant: Callable[[Rule], bool]) -> RightsCheck:
    """Look for rules that are written so."""

    def find(held: Held, _: Where, __: Ground) -> Iterator[Hit]:
        given = tuple(rule for rule in held.rules if meant(rule))
        if given:
            resources = dict.fromkeys(resource for rule in given for resource in rule.resources)
            verbs = dict.fromkeys(verb for rule in given for verb in rule.verbs)
            what = says.replace("{resources}", listed(tuple(resources))).replace("{verbs}", listed(tuple(verbs)))
            yield Hit(what, given)

    return RightsCheck(find)


RULES = (
    LintRule(
        id="IAM001",
        title="does everything",
        why="A rule with every verb, group and resource is full authority in its scope: all secrets, all workloads, "
        "all roles. What holds it for the whole cluster is cluster-admin under another name.",
        fix="Name the resources and verbs that the work needs. For emergencies have a break-glass principal outside "
        "of the policies, and protect it in guards.protectedPrincipals.",
        levels=always(ERROR),
        references=(GOOD_PRACTICES, cis("4.1.3"), trivy("KSV-0044")),
        check=RightsCheck(_everything),
        good=in_cluster('- {apiGroups: [""], resources: [pods], verbs: [get, list, watch]}'),
        bad=in_cluster('- {apiGroups: ["*"], resources: ["*"], verbs: ["*"]}'),
        broad=True,
    ),
    LintRule(
        id="IAM002",
        title="every verb on something sensitive",
        why="The verb * holds what nobody thinks of when writing it: bind and escalate on roles, impersonate on "
        "users, groups and service accounts, deletecollection, and whatever a later version adds.",
        fix="Write the verbs out: get, list, watch, create, update, patch, delete.",
        levels=always(ERROR),
        references=(GOOD_PRACTICES, cis("4.1.3"), trivy("KSV-0045")),
        check=RightsCheck(_every_verb_on_sensitive),
        good=in_namespace("- {apiGroups: [apps], resources: [deployments], verbs: [get, list, watch]}"),
        bad=in_namespace('- {apiGroups: [""], resources: [secrets], verbs: ["*"]}'),
        broad=True,
    ),
    LintRule(
        id="IAM003",
        title="every resource of the core group",
        why="The resource * includes every subresource: whoever may get everything may read secrets, open a shell in "
        "pods over WebSockets, and reach the kubelet through nodes/proxy.",
        fix="Name the resources. A reader of everything but secrets has to be a list, too: RBAC has no deny.",
        levels=always(ERROR),
        references=(GOOD_PRACTICES, cis("4.1.3"), trivy("KSV-0046", "KSV-0112"), kubescape("C-0187")),
        check=_rules("may {verbs} every resource, secrets and ways into pods too", _every_resource),
        good=in_cluster('- {apiGroups: [example.com], resources: ["*"], verbs: [get, list, watch]}'),
        bad=in_cluster('- {apiGroups: [""], resources: ["*"], verbs: [get, list, watch]}'),
        broad=True,
    ),
    LintRule(
        id="IAM004",
        title="every verb",
        why="The verb * holds deletecollection, which empties a namespace in one request, special verbs, and whatever "
        "a later version adds.",
        fix="Write the verbs out.",
        levels=Levels(WARNING, INFO, WARNING),
        references=(GOOD_PRACTICES, cis("4.1.3")),
        check=_rules("may use every verb, later ones too, on {resources}", lambda rule: ALL in rule.verbs),
        good=in_cluster("- {apiGroups: [example.com], resources: [widgets], verbs: [get, list, watch, patch]}"),
        bad=in_cluster('- {apiGroups: [example.com], resources: [widgets], verbs: ["*"]}'),
        unless=("IAM001", "IAM002", "IAM003"),
    ),
    LintRule(
        id="IAM005",
        title="a resource of every API group",
        why="With the group * a rule is about all resources of that name, also those of custom resources that "
        "somebody installs later.",
        fix='Name the groups; the core group is "".',
        levels=Levels(WARNING, INFO, WARNING),
        references=(RBAC,),
        check=_rules(
            "may {verbs} {resources} of every API group",
            lambda rule: ALL in rule.api_groups and ALL not in rule.resources,
        ),
        good=in_cluster("- {apiGroups: [example.com], resources: [widgets], verbs: [get, list, watch]}"),
        bad=in_cluster('- {apiGroups: ["*"], resources: [widgets], verbs: [get, list, watch]}'),
    ),
)
