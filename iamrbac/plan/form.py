"""Which of the two mappings a cluster gets (design §2: auto, and a change of mode alone never migrates)."""

from __future__ import annotations

import json

from iamrbac.compile import names
from iamrbac.compile.desired import Form
from iamrbac.findings.finding import Finding, Level
from iamrbac.model.documents import Cluster
from iamrbac.plan.observed import AwsAuth, ClusterState


def owned_rows(aws_auth: AwsAuth | None, instance: str) -> frozenset[str] | None:
    """Return the ARNs of aws-auth rows that our annotation records; None when the annotation does not parse."""
    if aws_auth is None:
        return frozenset()
    text = aws_auth.annotations.get(names.rows_annotation(instance))
    if text is None:
        return frozenset()
    try:
        value = json.loads(text)
    except ValueError:
        return None
    if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
        return None
    return frozenset(value)


def choose(cluster: Cluster, state: ClusterState, instance: str) -> Form | Finding:
    """Return the mapping to write, or why there is none."""
    mode = state.target.authentication_mode
    if cluster.mapping == "external":
        return "external"
    if cluster.mapping == "access-entries":
        return "access-entries" if mode != "CONFIG_MAP" else _refused(cluster, mode, "API_AND_CONFIG_MAP or API")
    if cluster.mapping == "aws-auth":
        return "aws-auth" if mode != "API" else _refused(cluster, mode, "CONFIG_MAP or API_AND_CONFIG_MAP")
    if mode == "CONFIG_MAP":
        return "aws-auth"
    if mode == "API_AND_CONFIG_MAP" and owned_rows(state.aws_auth, instance):
        return "aws-auth"
    return "access-entries"


def _refused(cluster: Cluster, mode: str, needed: str) -> Finding:
    return Finding(
        id="MAP001",
        level=Level.ERROR,
        message=f"mapping {cluster.mapping} needs the authentication mode {needed}, and the cluster's is {mode}",
        hint="set mapping: auto for this cluster in iamrbac.yaml, or change the cluster's authentication mode",
        cluster=cluster.name,
    )
