"""In which team's name a wish is: the owner of the namespace, a team that the owner accepts, one with access there."""

from __future__ import annotations

from collections.abc import Sequence

from iamrbac.compile.check.owners import Owners
from iamrbac.compile.documents import Documents
from iamrbac.compile.request.wish import TEAM, fault
from iamrbac.findings.finding import Finding
from iamrbac.model.documents import AccessPolicy, Cluster
from iamrbac.model.selection import consents, is_pattern, matches, selects


def team_of(documents: Documents, clusters: Sequence[Cluster], namespaces: Sequence[str]) -> str | Finding:
    """Return the team that could give access to all of the namespaces, or why none or several could.

    The only owner comes first, then the only team that has access there, then the only team that may.
    """
    config = documents.config.document
    owners = Owners(config.namespaces, config.home.namespace)
    policies = {one.document.metadata.name: one.document for one in documents.policies}
    able = sorted(team for team in policies if all(_consents(owners, team, one) for one in namespaces))
    rules = {rule.owner for one in namespaces if (rule := owners.of_name(one)) is not None}
    where = ", ".join(namespaces)
    if not able:
        whose = f": {', '.join(sorted(rules))} own them" if rules else ""
        hint = "ask for the namespaces of each owner by itself" if len(rules) > 1 else "let the owner write a policy"
        return fault("--team", f"no team may give access in {where}{whose}", hint, TEAM)
    owning = rules & set(able)
    if len(owning) == 1:
        return owning.pop()
    there = [team for team in able if all(_has(policies[team], clusters, one) for one in namespaces)]
    found = there or able
    if len(found) == 1:
        return found[0]
    listed = ", ".join(found)
    message = f"several teams could give access in {where}: {listed}"
    return fault("--team", message, f"name the one that you ask: --team {found[0]}", TEAM)


def _consents(owners: Owners, team: str, namespace: str) -> bool:
    if is_pattern(namespace):
        return next(owners.of_pattern(namespace, team), None) is None
    return consents(owners.of_name(namespace), team)


def _has(policy: AccessPolicy, clusters: Sequence[Cluster], namespace: str) -> bool:
    """Say whether a team has access in a namespace on any of the clusters."""
    return any(
        any(selects(line.clusters, cluster) for cluster in clusters)
        and (line.scope == "cluster" or any(matches(one, namespace) for one in line.namespaces or ()))
        for line in policy.spec.access
    )
