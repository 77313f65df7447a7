"""Lines of access beside each other, and documents: what a policy says twice, or of whom."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

from iamrbac.lint.matter import Grant, Grants, Ground, Hit, Shelf, Spot, Told
from iamrbac.lint.references import EKS_GUIDE, GOOD_PRACTICES
from iamrbac.lint.rule import INFO, WARNING, DocumentsCheck, LintRule, TogetherCheck, always, documents
from iamrbac.model.documents import IamUser

_LONG = timedelta(days=30)


def _subsumed(grants: Grants, ground: Ground) -> Iterator[tuple[Grant, Hit]]:
    for index, grant in enumerate(grants):
        for place, other in enumerate(grants):
            if (
                grant.rules is None
                or other.rules is None
                or other is grant
                or other.namespace not in ("", grant.namespace)
            ):
                continue
            if not ground.covers(other.rules, grant.rules):
                continue
            equal = other.namespace == grant.namespace and ground.covers(grant.rules, other.rules)
            # Of two that give the same only the later one is too much.
            if not equal or place < index:
                where = "in the whole cluster" if not other.namespace else "there"
                yield grant, Hit(f"gives nothing that {other.role} does not give the same people {where}")
                break


def _double(grants: Grants, _: Ground) -> Iterator[tuple[Grant, Hit]]:
    bound = {grant.namespace for grant in grants if not grant.policy}
    for grant in grants:
        if grant.policy and (grant.namespace in bound or "" in bound or (not grant.namespace and bound)):
            yield grant, Hit("comes beside a role for the same people there: to take one away leaves the other")


def _people(shelf: Shelf) -> Iterator[Told]:
    for sourced in shelf.documents.policies:
        team = sourced.document.metadata.name
        for name, members in sourced.document.spec.members.items():
            for index, member in enumerate(members):
                if isinstance(member, IamUser):
                    says = f"the set {name} of {team} names the IAM user {member.iam_user} by itself"
                    yield Told(says, Spot(sourced.file, ("spec", "members", name, index)), team)


def _long(shelf: Shelf) -> Iterator[Told]:
    for sourced in shelf.documents.grants:
        spec = sourced.document.spec
        if datetime.fromisoformat(spec.not_after) - shelf.at > _LONG:
            name = sourced.document.metadata.name
            says = f"the temporary grant {name} goes on for more than {_LONG.days} days, until {spec.not_after}"
            yield Told(says, Spot(sourced.file, ("spec", "notAfter")), spec.team)


def _everywhere(shelf: Shelf) -> Iterator[Told]:
    for sourced in shelf.documents.policies:
        for index, line in enumerate(sourced.document.spec.access):
            if line.scope is not None and line.reason is None:
                team = sourced.document.metadata.name
                says = "the line gives a role in the whole cluster and does not say why"
                yield Told(says, Spot(sourced.file, ("spec", "access", index, "scope")), team)


_POLICY = """\
apiVersion: iamrbac.dev/v1alpha1
kind: AccessPolicy
metadata: {name: payments}
spec:
  members:
    developers: [MEMBER]
  access:
    - LINE
"""
_GRANT = """\
apiVersion: iamrbac.dev/v1alpha1
kind: TemporaryGrant
metadata: {name: inc-4211}
spec:
  team: payments
  members: [{iamUser: dana}]
  access: [{clusters: [production], namespaces: [payments], role: {clusterRole: view}}]
  notAfter: "WHEN"
  reason: INC-4211
"""
_VIEW = "{clusters: [production], namespaces: [payments], role: {clusterRole: view}}"
_GROUP = "{iamGroup: payments-developers}"


def _policy(*lines: str, member: str = _GROUP) -> str:
    return _POLICY.replace("MEMBER", member).replace("LINE", "\n    - ".join(lines))


RULES = (
    LintRule(
        id="IAM087",
        title="gives nothing new",
        why="A line whose rights another line gives the same people already changes nothing, and taking away one of "
        "them takes away nothing: whoever revokes access by it is mistaken.",
        fix="Remove one of the lines.",
        levels=always(INFO),
        references=(GOOD_PRACTICES,),
        check=TogetherCheck(_subsumed),
        good=documents(_policy(_VIEW, _VIEW.replace("payments", "payments-batch"))),
        bad=documents(
            _policy(_VIEW, "{clusters: [production], scope: cluster, reason: support, role: {clusterRole: view}}")
        ),
    ),
    LintRule(
        id="IAM113",
        title="gives by two ways at once",
        why="EKS access policies are judged beside RBAC, and either is enough. To take away the one leaves the other, "
        "and the API server's escalation check does not see access policies.",
        fix="Choose one way for each set: roles, or access policies.",
        levels=always(WARNING),
        references=(EKS_GUIDE,),
        check=TogetherCheck(_double),
        good=documents(
            _policy("{clusters: [production], namespaces: [payments], role: {eksAccessPolicy: AmazonEKSViewPolicy}}")
        ),
        bad=documents(
            _policy(
                "{clusters: [production], namespaces: [payments], role: {eksAccessPolicy: AmazonEKSViewPolicy}}", _VIEW
            )
        ),
        also=("IAM087",),
    ),
    LintRule(
        id="IAM121",
        title="names an IAM user",
        why="IAM users have keys that last, and a person who is named by itself keeps the access when it leaves its "
        "group.",
        fix="Name a group, a role or a permission set; for a while, write a TemporaryGrant.",
        levels=always(INFO),
        references=(EKS_GUIDE,),
        check=DocumentsCheck(_people),
        good=documents(_policy(_VIEW)),
        bad=documents(_policy(_VIEW, member="{iamUser: dana}")),
    ),
    LintRule(
        id="IAM124",
        title="is temporary for long",
        why="A temporary grant of more than thirty days outlives its reason, and escapes what is reviewed of policies.",
        fix="End it sooner, or give the access by a policy.",
        levels=always(WARNING),
        references=(GOOD_PRACTICES,),
        check=DocumentsCheck(_long),
        good=documents(_policy(_VIEW) + "---\n" + _GRANT.replace("WHEN", "2026-12-01T18:00:00Z")),
        bad=documents(_policy(_VIEW) + "---\n" + _GRANT.replace("WHEN", "2027-12-01T18:00:00Z")),
    ),
    LintRule(
        id="IAM125",
        title="reaches the whole cluster without a reason",
        why="scope: cluster is all namespaces, also those that come later, and what has none. A reviewer has to guess "
        "whether that was meant.",
        fix="Name namespaces, or write a reason beside it.",
        levels=always(INFO),
        references=(GOOD_PRACTICES,),
        check=DocumentsCheck(_everywhere),
        good=documents(_policy("{clusters: [production], scope: cluster, reason: support, role: {clusterRole: view}}")),
        bad=documents(_policy("{clusters: [production], scope: cluster, role: {clusterRole: view}}")),
    ),
)
