"""Rules of RBAC that silently do nothing, or less than they say. The API server stores all of them.

RBAC compares words: what is misspelt, in the wrong group or scope is no error, and no right.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator

from iamrbac.lint.matter import Hit, Rules, Scope, Where
from iamrbac.lint.references import RBAC, issue
from iamrbac.lint.rule import (
    INFO,
    WARNING,
    LintRule,
    RolesCheck,
    always,
    in_namespace,
    listed,
    manifests,
)
from iamrbac.lint.rules.words import meant, parts
from iamrbac.rbac.catalogue import Catalogue
from iamrbac.rbac.match import ALL
from iamrbac.rbac.objects import Rule

_OWN_NAMESPACE = frozenset({"get", "update", "patch", "delete", ALL})
_STREAMS = ("pods/exec", "pods/attach", "pods/portforward")


def _outside(rules: Rules, where: Where, catalogue: Catalogue) -> Iterator[Hit]:
    if where.scope is Scope.CLUSTER:
        return
    found: dict[str, Rule] = {}
    for rule, name, _ in parts(rules):
        resources = meant(catalogue, rule, name)
        if not resources or any(one.namespaced for one in resources):
            continue
        if (resources[0].group, name) == ("", "namespaces") and not _OWN_NAMESPACE.isdisjoint(rule.verbs):
            continue
        found[resources[0].qualified] = rule
    if found:
        says = f"gives nothing of what is in no namespace ({listed(tuple(found))})"
        yield Hit(says, tuple(dict.fromkeys(found.values())))


def _names(rules: Rules, _: Where, __: Catalogue) -> Iterator[Hit]:
    for rule in rules:
        if not rule.resource_names:
            continue
        plain = any("/" not in resource for resource in rule.resources)
        useless = [
            verb
            for verb in rule.verbs
            if verb == "deletecollection" or (verb == "create" and plain and "patch" not in rule.verbs)
        ]
        what = listed(rule.resources)
        if useless:
            yield Hit(f"gives nothing by {' and '.join(useless)} of {what}: such a request has no name", (rule,))
        elif {"list", "watch"} & set(rule.verbs):
            yield Hit(
                f"gives list and watch of {what} only to who asks for one name by a field selector", (rule,), level=INFO
            )


def _urls(rules: Rules, where: Where, _: Catalogue) -> Iterator[Hit]:
    given = tuple(rule for rule in rules if rule.non_resource_urls)
    if given and where.scope is not Scope.CLUSTER:
        paths = dict.fromkeys(url for rule in given for url in rule.non_resource_urls)
        yield Hit(f"gives nothing of paths, which are in no namespace ({listed(tuple(paths))})", given)


def _streams(rules: Rules, _: Where, __: Catalogue) -> Iterator[Hit]:
    for stream in _STREAMS:
        given = tuple(rule for rule in rules if stream in rule.resources and "" in rule.api_groups)
        verbs = {verb for rule in given for verb in rule.verbs} & {"get", "create", ALL}
        if verbs == {"get"}:
            yield Hit(f"gives {stream} by get alone, which works up to Kubernetes 1.34", given)
        elif verbs == {"create"}:
            yield Hit(f"gives {stream} by create alone, which clients that use WebSockets may need get beside", given)


def _incomplete(rules: Rules, _: Where, __: Catalogue) -> Iterator[Hit]:
    verbs: dict[tuple[str, str], set[str]] = defaultdict(set)
    for rule, name, subresource in parts(rules):
        for group in rule.api_groups:
            verbs[group, f"{name}/{subresource}" if subresource else name].update(rule.verbs)
    blind = sorted(name for (_, name), some in verbs.items() if _writes_blindly(name, some))
    unlisted = sorted(name for (_, name), some in verbs.items() if "watch" in some and not some & {"list", ALL})
    if blind:
        yield Hit(f"may change {listed(blind)} and not get them, which kubectl apply and edit do first")
    if unlisted:
        yield Hit(f"may watch {listed(unlisted)} and not list them, which clients do first")


def _writes_blindly(name: str, verbs: set[str]) -> bool:
    return "/" not in name and bool(verbs & {"update", "patch"}) and not verbs & {"get", ALL}


_BOUND = """\
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata: {name: health}
rules:
  - {nonResourceURLs: [/healthz], verbs: [get]}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: BINDING
metadata: {name: healthPLACE}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: health}
subjects: [{apiGroup: rbac.authorization.k8s.io, kind: Group, name: monitors}]
"""

RULES = (
    LintRule(
        id="IAM090",
        title="cannot give in a namespace what is in none",
        why="Nodes, persistent volumes, ClusterRoles and the like are in no namespace, so that a role in one gives "
        "nothing of them. Whoever wrote the rule believes otherwise. The namespace itself is the exception: it may be "
        "read and changed by name.",
        fix="Take the resource out, or give the role by scope: cluster if it is really meant.",
        levels=always(WARNING),
        references=(RBAC, issue("kubernetes/kubernetes", "75970")),
        check=RolesCheck(_outside, placed=True),
        good=in_namespace('- {apiGroups: [""], resources: [namespaces], verbs: [get]}'),
        bad=in_namespace('- {apiGroups: [""], resources: [nodes], verbs: [get, list, watch]}'),
    ),
    LintRule(
        id="IAM091",
        title="limits by name what has none",
        why="A create or deletecollection has no name when it is authorized, so a rule with resourceNames never "
        "allows it; list and watch only with a field selector metadata.name. A create by server-side apply has one, "
        "beside patch.",
        fix="Put create into a rule of its own, without resourceNames.",
        levels=always(WARNING),
        references=(RBAC, issue("kubernetes/kubernetes", "93845")),
        check=RolesCheck(_names),
        good=in_namespace('- {apiGroups: [""], resources: [configmaps], verbs: [get], resourceNames: [settings]}'),
        bad=in_namespace('- {apiGroups: [""], resources: [pods], verbs: [get, create], resourceNames: [web]}'),
    ),
    LintRule(
        id="IAM092",
        title="cannot give paths in a namespace",
        why="Paths such as /healthz and /metrics are in no namespace: a ClusterRole's rules about them give nothing "
        "by way of a RoleBinding.",
        fix="Bind it with a ClusterRoleBinding, or take the rule out.",
        levels=always(WARNING),
        references=(RBAC,),
        check=RolesCheck(_urls, placed=True),
        good=manifests(_BOUND.replace("BINDING", "ClusterRoleBinding").replace("PLACE", "")),
        bad=manifests(_BOUND.replace("BINDING", "RoleBinding").replace("PLACE", ", namespace: payments")),
    ),
    LintRule(
        id="IAM096",
        title="opens streams by one verb only",
        why="kubectl exec, attach and port-forward ask for create by POST, and for get over WebSockets; from "
        "Kubernetes 1.35 WebSockets need create as well. With one of the two it depends on versions whether a shell "
        "opens.",
        fix="Give both get and create, or neither.",
        levels=always(WARNING),
        references=(issue("kubernetes/kubernetes", "133515"),),
        check=RolesCheck(_streams),
        good=in_namespace('- {apiGroups: [""], resources: [pods/portforward], verbs: [get, create]}'),
        bad=in_namespace('- {apiGroups: [""], resources: [pods/portforward], verbs: [create]}'),
        also=("IAM038",),
    ),
    LintRule(
        id="IAM097",
        title="lacks a verb that clients need",
        why="kubectl apply and edit read before they write, and clients that watch list first. Without these verbs a "
        "right is there, and people cannot use it.",
        fix="Add get to patch and update, and list to watch.",
        levels=always(INFO),
        references=(
            "Kubernetes, Efficient detection of changes: https://kubernetes.io/docs/reference/using-api/api-concepts/",
        ),
        check=RolesCheck(_incomplete),
        good=in_namespace('- {apiGroups: [""], resources: [pods], verbs: [get, list, watch]}'),
        bad=in_namespace('- {apiGroups: [""], resources: [pods], verbs: [get, watch]}'),
    ),
)
