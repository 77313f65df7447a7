"""Names, labels and marks of everything that iamrbac makes (design §2, §4); plan and edges judge by them too."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping
from typing import Final

MANAGED_BY_LABEL: Final = "app.kubernetes.io/managed-by"
MANAGED_BY: Final = "iamrbac"
INSTANCE_LABEL: Final = "iamrbac.dev/instance"
"""Also the tag of access entries."""
POLICY_LABEL: Final = "iamrbac.dev/policy"
SET_LABEL: Final = "iamrbac.dev/set"
ROLE_LABEL: Final = "iamrbac.dev/role"
PART_OF_LABEL: Final = "applyset.kubernetes.io/part-of"


def group_name(instance: str, team: str, set_name: str) -> str:
    """Return the Kubernetes group of a set."""
    return f"iamrbac:{instance}:{team}:{set_name}"


def temporary_set(grant: str) -> str:
    """Return the set name of a temporary grant; the dot keeps it apart from every set that a policy can name."""
    return f"temporary.{grant}"


def object_name(instance: str, team: str, set_name: str, role: str, reference: str) -> str:
    """Return the name of a role and its binding; `reference` is the roleRef, or the template with its parameters."""
    digest = hashlib.sha256(f"{instance}\0{reference}".encode()).hexdigest()[:8]
    return f"iamrbac-{team}-{set_name}-{role}-{digest}"


def applyset_id(instance: str, home: str) -> str:
    """Return the id of our ApplySet, whose parent is ConfigMap iamrbac-INSTANCE in the home namespace (KEP-3659)."""
    digest = hashlib.sha256(f"iamrbac-{instance}.{home}.ConfigMap.".encode()).digest()
    return f"applyset-{base64.urlsafe_b64encode(digest).decode().rstrip('=')}-v1"


def entry_tags(instance: str) -> Mapping[str, str]:
    """Return the tags that make an access entry ours."""
    return {INSTANCE_LABEL: instance}


def rows_annotation(instance: str) -> str:
    """Return the annotation of kube-system/aws-auth that records which rows are ours."""
    return f"rows.iamrbac.dev/{instance}"
