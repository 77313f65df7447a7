"""What a change of the policies is measured by before it is merged: gates, and how strict `lint` is."""

from __future__ import annotations

from typing import Annotated, Final, Literal

from pydantic import ConfigDict, Field, model_validator

from iamrbac.model.base import Document, NotNull
from iamrbac.model.choice import check_needs, check_one_of, one_of
from iamrbac.model.selector import ClusterSelector
from iamrbac.model.values import Days, DnsLabel, RulePattern

PRIVILEGED: Final = (
    "kube-*",
    "amazon-cloudwatch",
    "argocd",
    "cert-manager",
    "external-secrets",
    "flux-system",
    "gatekeeper-system",
    "istio-system",
    "karpenter",
    "kyverno",
)
"""Namespaces whose workloads may do much on a cluster, so that writing there is more than writing elsewhere."""
_KINDS: Final = {"refuse": "refuse", "max_days": "maxDays"}


class Gate(Document):
    """A plain rule for changes: what is refused where. `iamrbac diff` takes it from the base, not from the branch."""

    model_config = ConfigDict(json_schema_extra=one_of(*_KINDS.values(), needs={"unless": "refuse"}))

    name: DnsLabel = Field(description="What a refusal and a waiver (gate/NAME) call it.")
    clusters: Annotated[ClusterSelector | None, NotNull()] = Field(
        default=None, description="Names and patterns of clusters, or labels; without it, every cluster."
    )
    namespaces: Annotated[tuple[RulePattern, ...] | None, NotNull(), Field(min_length=1)] = Field(
        default=None, description="Names and patterns; without it, all namespaces and the whole cluster."
    )
    refuse: Annotated[Literal["gain", "danger", "cluster-wide"] | None, NotNull()] = Field(
        default=None,
        description="gain: whoever may do more than before; danger: a new way to become more than what is granted; "
        "cluster-wide: a gain in the whole cluster.",
    )
    unless: Annotated[tuple[Literal["reason", "temporary"], ...] | None, NotNull(), Field(min_length=1)] = Field(
        default=None,
        description="What makes it acceptable, one is enough: reason: the line that gives it says why; "
        "temporary: a temporary grant gives it.",
    )
    max_days: Annotated[Days | None, NotNull()] = Field(
        default=None, alias="maxDays", description="A temporary grant that is new or longer may last so long at most."
    )

    @model_validator(mode="after")
    def _one_kind(self) -> Gate:
        return check_needs(check_one_of(self, _KINDS), "unless", "refuse")


class Lint(Document):
    """How strict `iamrbac lint` is."""

    fail_on: Literal["error", "warning", "info"] = Field(
        default="error", alias="failOn", description="The lowest level that makes lint say no (exit code 3)."
    )
    privileged_namespaces: tuple[RulePattern, ...] = Field(
        default=PRIVILEGED,
        alias="privilegedNamespaces",
        description="Namespaces whose workloads may do much on the whole cluster: names, and patterns with * and ?.",
    )
