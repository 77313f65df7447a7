"""Roles that others are made of."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from iamrbac.lint.grants import called
from iamrbac.lint.matter import Ground, Scope, Sourced, Told, Where
from iamrbac.lint.references import RBAC
from iamrbac.lint.rule import ERROR, INFO, WARNING, LintRule, ObjectsCheck, always, listed, manifests
from iamrbac.rbac.objects import Role

_INTO = "rbac.authorization.k8s.io/aggregate-to-"


def _injected(sourced: Sequence[Sourced], ground: Ground) -> Iterator[Told]:
    for one in sourced:
        role = one.item
        if isinstance(role, Role) and role.kind == "ClusterRole":
            into = sorted(
                key.removeprefix(_INTO)
                for key, value in role.labels.items()
                if key.startswith(_INTO) and value == "true"
            )
            if into:
                dangerous = ground.errs(role.rules, Where(Scope.NAMESPACE))
                more = ", and it is dangerous by itself" if dangerous else ""
                says = f"{called(role)} adds to what everybody has who is bound to {listed(into)}{more}"
                yield Told(says, one.spot, object=called(role), level=WARNING if dangerous else INFO)


def _broad(sourced: Sequence[Sourced], _: Ground) -> Iterator[Told]:
    for one in sourced:
        role = one.item
        if isinstance(role, Role) and any(not (s.match_labels or s.match_expressions) for s in role.aggregation):
            says = f"{called(role)} takes in every ClusterRole there is, with an empty selector"
            yield Told(says, one.spot, object=called(role))


_HEAD = "apiVersion: rbac.authorization.k8s.io/v1\nkind: ClusterRole\n"


def _adding(rules: str) -> str:
    labels = "labels: {rbac.authorization.k8s.io/aggregate-to-view: 'true'}"
    return f"{_HEAD}metadata:\n  name: widgets-view\n  {labels}\nrules:\n  - {rules}\n"


def _taking(selector: str) -> str:
    aggregation = f"aggregationRule:\n  clusterRoleSelectors:\n    - {selector}\n"
    return f"{_HEAD}metadata: {{name: everything}}\n{aggregation}rules: []\n"


RULES = (
    LintRule(
        id="IAM012",
        title="adds to view, edit or admin",
        why="A ClusterRole with an aggregate-to label is part of the built-in role from then on: everybody who is "
        "bound to view, in any namespace, has its rules too. No policy shows that.",
        fix="For custom resources that is the way, with reading for view. Leave out what the built-in role would "
        "never hold, and review it as a grant to all of its holders.",
        levels=always(WARNING),
        references=(RBAC,),
        check=ObjectsCheck(_injected),
        good=manifests(
            _adding("{apiGroups: [example.com], resources: [widgets], verbs: [get, list, watch]}").replace(
                "-to-view: 'true'", "-to-view: 'false'"
            )
        ),
        bad=manifests(_adding("{apiGroups: [''], resources: [secrets], verbs: [get, list, watch]}")),
        also=("IAM043",),
    ),
    LintRule(
        id="IAM013",
        title="takes in every role",
        why="An aggregationRule with an empty selector takes in every ClusterRole, later ones and cluster-admin too: "
        "whoever is bound to it may do everything.",
        fix="Select by a label of your own.",
        levels=always(ERROR),
        references=(RBAC,),
        check=ObjectsCheck(_broad),
        good=manifests(_taking("{matchLabels: {example.com/part-of-everything: 'true'}}")),
        bad=manifests(_taking("{}")),
    ),
)
