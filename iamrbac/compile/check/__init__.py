"""Everything that documents say together, judged without a cluster, IAM or the clock. Pure."""

from __future__ import annotations

from collections.abc import Collection

from iamrbac.compile.check.accounts import assumed_roles
from iamrbac.compile.check.clusters import config_clusters, roles, selectors
from iamrbac.compile.check.index import index_place
from iamrbac.compile.check.limits import limits
from iamrbac.compile.check.members import listed_principals, members
from iamrbac.compile.check.namespaces import namespaces, owner_rules
from iamrbac.compile.check.role_names import role_names
from iamrbac.compile.check.said import Said
from iamrbac.compile.check.teams import sets, teams
from iamrbac.compile.documents import Documents
from iamrbac.findings.finding import Finding

__all__ = ["check"]

CHECKS = (
    *(teams, sets, config_clusters, assumed_roles, selectors, roles),
    *(namespaces, owner_rules, members, role_names, listed_principals, limits, index_place),
)


def check(documents: Documents, template_names: Collection[str], *, complete: bool = True) -> tuple[Finding, ...]:
    """Return all findings of the documents together, with file and path, in no order of importance.

    `template_names` are the role templates that there are. `complete` is False when some file could not be read: then
    nothing is said about what seems to be missing, since it may be in that file.
    """
    said = Said(documents, template_names, complete)
    return tuple(finding for one in CHECKS for finding in one(said))
