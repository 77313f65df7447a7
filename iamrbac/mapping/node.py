"""Which mappings belong to nodes and to AWS's own services: iamrbac never touches these."""

from __future__ import annotations

import re

from iamrbac.mapping.aws_auth import ReadRow
from iamrbac.mapping.objects import AccessEntry, AwsAuthRow

_SYSTEM_GROUPS = frozenset({"system:bootstrappers", "system:nodes", "system:node-proxier", "eks:kube-proxy-windows"})
_NODE_USER = "system:node"
# The path is lost in aws-auth, but IAM lets nobody else begin a role's name so.
_SERVICE_LINKED = re.compile(r"arn:[^:]+:iam::[0-9]{12}:role/(aws-service-role/.*|AWSServiceRoleFor.*)", re.IGNORECASE)


def is_system(mapping: AccessEntry | AwsAuthRow | ReadRow) -> bool:
    """Return whether a mapping is that of nodes (EC2, Fargate, Windows, hybrid, Auto Mode) or a service-linked role.

    Told by an entry's type, the username, the groups, or the role's path or name; one of them is enough.
    """
    if isinstance(mapping, AccessEntry):
        if mapping.type != "STANDARD":
            return True
        arn = mapping.principal
    else:
        arn = mapping.arn
    return (
        mapping.username.startswith(_NODE_USER)
        or not _SYSTEM_GROUPS.isdisjoint(mapping.groups)
        or _SERVICE_LINKED.fullmatch(arn) is not None
    )
