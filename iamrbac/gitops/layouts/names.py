"""Names of the deliverer's own objects: an instance and a cluster as one DNS label.

A cluster's name may have capitals, underscores and 100 characters (EKS's rules); both deliverers put the names of their
objects into labels, so that they have 63 characters at most.
"""

from __future__ import annotations

import hashlib
import re
from typing import Final

LABEL_LIMIT: Final = 63
_NOT_IN_A_LABEL: Final = re.compile(r"[^a-z0-9-]+")


def instance_prefix(instance: str) -> str:
    """Return what the names of all of an instance's objects begin with: iamrbac-INSTANCE-."""
    return f"iamrbac-{instance}-"


def cluster_label(instance: str, cluster: str, limit: int) -> str:
    """Return a cluster's name as the end of a label that begins with `instance_prefix`, `limit` characters at most.

    It is the name itself where that is possible. Else it ends in eight digits of a hash, as it does where the instance
    has a hyphen: a-b and c must not be called like a and b-c.
    """
    label = _NOT_IN_A_LABEL.sub("-", cluster.lower()).strip("-")
    if label == cluster and len(label) <= limit and "-" not in instance:
        return label
    return f"{label[: limit - 9].rstrip('-') or 'c'}-{hash8(instance, cluster)}"


def hash8(*parts: str) -> str:
    """Return eight hexadecimal digits that stand for some texts."""
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:8]
