"""Whom bindings in manifests name: everybody, nobody, Kubernetes itself."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from iamrbac.lint.grants import called
from iamrbac.lint.matter import Ground, Sourced, Told
from iamrbac.lint.references import EKS_GUIDE, GOOD_PRACTICES, RBAC, cis, cis_kubernetes, kubescape
from iamrbac.lint.rule import ERROR, INFO, LintRule, ObjectsCheck, always, manifests
from iamrbac.rbac.objects import Binding, Subject
from iamrbac.rbac.subjects import ANONYMOUS, AUTHENTICATED, MASTERS, UNAUTHENTICATED

_ACCOUNTS = "system:serviceaccounts"
_OWN_RULE = frozenset({ANONYMOUS, AUTHENTICATED, MASTERS, UNAUTHENTICATED, _ACCOUNTS})


def _subjects(says: str, meant: Callable[[Subject, Binding], bool]) -> ObjectsCheck:
    """Look for bindings with such subjects; {names} in `says` is these."""

    def find(sourced: Sequence[Sourced], _: Ground) -> Iterator[Told]:
        for one in sourced:
            if isinstance(one.item, Binding):
                names = [subject.name for subject in one.item.subjects if meant(subject, one.item)]
                if names:
                    told = f"{called(one.item)} {says.replace('{names}', ', '.join(dict.fromkeys(names)))}"
                    yield Told(told, one.spot, object=called(one.item), namespace=one.item.namespace or "")

    return ObjectsCheck(find)


def _nobody(sourced: Sequence[Sourced], _: Ground) -> Iterator[Told]:
    for one in sourced:
        if isinstance(one.item, Binding) and not one.item.subjects:
            yield Told(f"{called(one.item)} names nobody", one.spot, object=called(one.item))


def _group(subject: Subject, *names: str) -> bool:
    return subject.kind == "Group" and subject.name in names


def _is_kubernetes(subject: Subject, _: Binding) -> bool:
    return (
        subject.kind in ("User", "Group")
        and subject.name.startswith("system:")
        and subject.name not in _OWN_RULE
        and not subject.name.startswith("system:serviceaccount")
    )


def _binding(*subjects: str, kind: str = "RoleBinding") -> str:
    place = ", namespace: payments" if kind == "RoleBinding" else ""
    listed = "".join(f"\n  - {subject}" for subject in subjects) if subjects else " []"
    return (
        f"apiVersion: rbac.authorization.k8s.io/v1\nkind: {kind}\nmetadata: {{name: example{place}}}\n"
        "roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: view}\n"
        f"subjects:{listed}\n"
    )


def _subject(kind: str, name: str) -> str:
    return f"{{apiGroup: rbac.authorization.k8s.io, kind: {kind}, name: '{name}'}}"


_GOOD = manifests(_binding(_subject("Group", "payments-developers")))

RULES = (
    LintRule(
        id="IAM030",
        title="names the default service account",
        why="Every pod that names no service account runs as default, so that a right of default is every such pod's.",
        fix="Make a service account for the workload that needs the right, and name it there.",
        levels=always(ERROR),
        references=(cis("4.1.5"),),
        check=_subjects(
            "names the service account default, as which every pod runs that names none",
            lambda subject, _: subject.kind == "ServiceAccount" and subject.name == "default",
        ),
        good=manifests(_binding("{kind: ServiceAccount, name: web, namespace: payments}")),
        bad=manifests(_binding("{kind: ServiceAccount, name: default, namespace: payments}")),
    ),
    LintRule(
        id="IAM072",
        title="names system:masters",
        why="The API server lets this group do everything before it asks RBAC, so no binding takes anything from it. "
        "A binding that names it hints at somebody mapped to it, whose credentials nothing limits or revokes.",
        fix="Bind a group of your own, and map nobody to system:masters.",
        levels=always(ERROR),
        references=(GOOD_PRACTICES, cis_kubernetes("5.1.7"), kubescape("C-0246")),
        check=_subjects("names {names}, which may do everything anyway", lambda one, _: _group(one, MASTERS)),
        good=_GOOD,
        bad=manifests(_binding(_subject("Group", MASTERS))),
    ),
    LintRule(
        id="IAM073",
        title="is for everybody, logged in or not",
        why="system:anonymous and system:unauthenticated are whoever reaches the API server, from the internet where "
        "its endpoint is public. Ways in from there are scanned for all the time.",
        fix="Remove it. Only the built-in system:public-info-viewer is meant for them.",
        levels=always(ERROR),
        references=(GOOD_PRACTICES, EKS_GUIDE, kubescape("C-0262")),
        check=_subjects(
            "gives to whoever reaches the API server ({names})",
            lambda one, _: _group(one, UNAUTHENTICATED) or (one.kind == "User" and one.name == ANONYMOUS),
        ),
        good=_GOOD,
        bad=manifests(_binding(_subject("User", ANONYMOUS))),
    ),
    LintRule(
        id="IAM074",
        title="is for everybody who logs in",
        why="system:authenticated is every person, pipeline and service account that the cluster knows, and later "
        "ones.",
        fix="Name the group that needs it.",
        levels=always(ERROR),
        references=(GOOD_PRACTICES, kubescape("C-0265")),
        check=_subjects("gives to everybody who logs in ({names})", lambda one, _: _group(one, AUTHENTICATED)),
        good=_GOOD,
        bad=manifests(_binding(_subject("Group", AUTHENTICATED))),
    ),
    LintRule(
        id="IAM075",
        title="is for all service accounts",
        why="system:serviceaccounts is every pod of the cluster that may log in, those of every team and add-on.",
        fix="Name one service account.",
        levels=always(ERROR),
        references=(GOOD_PRACTICES,),
        check=_subjects("gives to every service account ({names})", lambda one, _: _group(one, _ACCOUNTS)),
        good=_GOOD,
        bad=manifests(_binding(_subject("Group", _ACCOUNTS))),
    ),
    LintRule(
        id="IAM076",
        title="names a user or group of Kubernetes itself",
        why="Names that begin with system: are the control plane's and the nodes': a right that is given to "
        "system:nodes is every node's, and whatever takes one node has it.",
        fix="Give it to a service account or group of your own.",
        levels=always(ERROR),
        references=(RBAC, EKS_GUIDE),
        check=_subjects("names {names} of Kubernetes itself", _is_kubernetes),
        good=_GOOD,
        bad=manifests(_binding(_subject("Group", "system:nodes"))),
    ),
    LintRule(
        id="IAM077",
        title="names a user by itself",
        why="A binding to one user outlives the user's place in any group: nobody finds it when the person leaves, "
        "and whoever gets the name later has it.",
        fix="Bind a group.",
        levels=always(INFO),
        references=(GOOD_PRACTICES,),
        check=_subjects(
            "names the user {names} by itself",
            lambda one, _: one.kind == "User" and not one.name.startswith("system:"),
        ),
        good=_GOOD,
        bad=manifests(_binding(_subject("User", "dana"))),
    ),
    LintRule(
        id="IAM078",
        title="names a service account of another namespace",
        why="Whoever may run pods in that namespace has the right in this one: its team's rights end no longer where "
        "the namespace ends.",
        fix="Make sure that the other namespace's team is meant to have it.",
        levels=always(INFO),
        references=(GOOD_PRACTICES,),
        check=_subjects(
            "names the service account {names} of another namespace",
            lambda one, binding: (
                one.kind == "ServiceAccount"
                and binding.namespace is not None
                and one.namespace not in (None, binding.namespace)
            ),
        ),
        good=manifests(_binding("{kind: ServiceAccount, name: web, namespace: payments}")),
        bad=manifests(_binding("{kind: ServiceAccount, name: web, namespace: search}")),
    ),
    LintRule(
        id="IAM084",
        title="names nobody",
        why="A binding without subjects gives nothing, and waits for somebody to fill it without another review of "
        "the role that it gives.",
        fix="Remove it.",
        levels=always(INFO),
        references=(RBAC,),
        check=ObjectsCheck(_nobody),
        good=_GOOD,
        bad=manifests(_binding()),
    ),
)
