"""Every name that we give in a cluster or in AWS. Plan and the edges read what is ours by the same names."""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Mapping

MANAGED_BY_LABEL = "app.kubernetes.io/managed-by"
MANAGED_BY = "iamrbac"
INSTANCE_LABEL = "iamrbac.dev/instance"
"""The Kubernetes label and the access entry's tag that say which repository an object belongs to."""
POLICY_LABEL = "iamrbac.dev/policy"
SET_LABEL = "iamrbac.dev/set"
ROLE_LABEL = "iamrbac.dev/role"
"""The template's name, on objects that were made for a role template."""
MIGRATED_TAG = "iamrbac.dev/migrated-by"
"""An access entry's tag: which instance's `migrate` made it of a row. It says whence it comes, and owns nothing."""
PART_OF_LABEL = "applyset.kubernetes.io/part-of"

_NOT_IN_A_NAME = re.compile(r"[^a-z0-9.-]+")


def group_name(instance: str, team: str, set_name: str) -> str:
    """Return the Kubernetes group of a set: iamrbac:acme:payments:developers."""
    return f"iamrbac:{instance}:{team}:{set_name}"


def team_of(group: str) -> str:
    """Return the team whose set a Kubernetes group is; "" for a group that is not ours."""
    parts = group.split(":")
    return parts[2] if parts[0] == "iamrbac" and len(parts) == 4 else ""


def temporary_set(grant: str) -> str:
    """Return the name of the set that a TemporaryGrant is. The dot keeps it apart from every set of a policy."""
    return f"temporary.{grant}"


def object_name(instance: str, team: str, set_name: str, role: str, identity: str) -> str:
    """Return iamrbac-TEAM-SET-ROLE-HASH for a role and its binding.

    `role` is for people to read; `identity` is all that makes the role what it is: a roleRef cannot be changed, so a
    role that is another one needs another name (design §4).
    """
    hash8 = hashlib.sha256(f"{instance}\0{identity}".encode()).hexdigest()[:8]
    slug = _NOT_IN_A_NAME.sub("-", role.lower())[:63]
    return f"iamrbac-{team}-{set_name}-{slug}-{hash8}"


def template_identity(template: str, parameters: str) -> str:
    """Return what makes a template's role what it is; `parameters` is canonical JSON."""
    return f"template\0{template}\0{parameters}"


def cluster_role_identity(name: str) -> str:
    """Return what makes an existing ClusterRole what it is."""
    return f"ClusterRole\0{name}"


def applyset_id(instance: str, home_namespace: str) -> str:
    """Return the id of our ApplySet (KEP-3659): its parent is the ConfigMap iamrbac-INSTANCE in the home namespace."""
    parent = f"iamrbac-{instance}.{home_namespace}.ConfigMap."
    digest = base64.urlsafe_b64encode(hashlib.sha256(parent.encode()).digest()).decode().rstrip("=")
    return f"applyset-{digest}-v1"


MOST_ROLE_NAME = 64
MOST_POLICY_NAME = 128
"""Characters that IAM allows (IAM quotas)."""


def role_name(template: str, instance: str, team: str, set_name: str) -> str:
    """Return the name of a set's IAM role; one that is too long for IAM ends with a hash in place of its rest."""
    filled = template.replace("{instance}", instance).replace("{team}", team).replace("{set}", set_name)
    return shortened(filled, f"{instance}\0{team}\0{set_name}", MOST_ROLE_NAME)


def group_policy_prefix(instance: str) -> str:
    """Return how the names of our group policies begin: no instance has a dot in its name."""
    return f"{MANAGED_BY}.{instance}."


def group_policy_name(instance: str, team: str, set_name: str) -> str:
    """Return the name of the inline policy that lets a group's users assume a set's role."""
    name = f"{group_policy_prefix(instance)}{team}.{set_name}"
    return shortened(name, f"{instance}\0{team}\0{set_name}", MOST_POLICY_NAME)


def role_tags(instance: str, team: str, set_name: str) -> dict[str, str]:
    """Return the tags of an IAM role of ours, keys sorted."""
    return {
        MANAGED_BY_LABEL: MANAGED_BY,
        INSTANCE_LABEL: instance,
        POLICY_LABEL: team,
        SET_LABEL: set_name,
    }


def shortened(name: str, identity: str, most: int) -> str:
    """Return a name as it is, or so much of it as leaves room for a hash of its identity."""
    if len(name) <= most:
        return name
    return f"{name[: most - 9]}-{hashlib.sha256(identity.encode()).hexdigest()[:8]}"


def labels(instance: str, home_namespace: str, team: str, set_name: str, template: str | None = None) -> dict[str, str]:
    """Return the labels of an RBAC object of ours, keys sorted; with `template` for a template's role and binding."""
    role = {ROLE_LABEL: template} if template is not None else {}
    return {
        MANAGED_BY_LABEL: MANAGED_BY,
        PART_OF_LABEL: applyset_id(instance, home_namespace),
        INSTANCE_LABEL: instance,
        POLICY_LABEL: team,
        **role,
        SET_LABEL: set_name,
    }


def namespace_labels(instance: str) -> dict[str, str]:
    """Return the labels of a namespace that we create: no ApplySet, so that nobody ever prunes one."""
    return {MANAGED_BY_LABEL: MANAGED_BY, INSTANCE_LABEL: instance}


def entry_tags(instance: str) -> Mapping[str, str]:
    """Return the tags of an access entry of ours."""
    return {INSTANCE_LABEL: instance}


def rows_annotation(instance: str) -> str:
    """Return the key of aws-auth's annotation that holds the ARNs of our rows, as a sorted JSON list."""
    return f"rows.iamrbac.dev/{instance}"


KEEPS = "iamrbac.dev/keeps."
"""How the tags begin that say which user name and groups of before an adopted mapping keeps (see plan.kept)."""


def keeps_annotation(instance: str) -> str:
    """Return the key of aws-auth's annotation that holds these tags for rows of ours, as JSON by ARN."""
    return f"keeps.iamrbac.dev/{instance}"


def access_policy_arn(partition: str, policy: str) -> str:
    """Return the ARN of an access policy that AWS manages (eks-facts §1.4)."""
    return f"arn:{partition}:eks::aws:cluster-access-policy/{policy}"
