"""waivers.yaml as typed values: what is known, accepted for a while, and why."""

from __future__ import annotations

from typing import Annotated, Final, Literal

from pydantic import ConfigDict, Field, model_validator

from iamrbac.model.base import Document, NotNull
from iamrbac.model.choice import any_of, check_any_of
from iamrbac.model.selector import ClusterSelector
from iamrbac.model.values import RuleId, RulePattern, TeamName, Text, Time

WAIVERS_FILE: Final = "waivers.yaml"
_SCOPES: Final = ("team", "role", "clusters", "namespaces")


class WaiverScope(Document):
    """What a waiver is about; every key that is there must hold, so more keys mean less."""

    model_config = ConfigDict(json_schema_extra=any_of(*_SCOPES))

    team: Annotated[TeamName | None, NotNull()] = Field(default=None, description="The team whose policy it is.")
    role: Annotated[Text | None, NotNull()] = Field(
        default=None, description="The role as lint names it: operator, or clusterRole edit."
    )
    clusters: Annotated[ClusterSelector | None, NotNull()] = Field(
        default=None, description="Names and patterns of clusters, or labels that must all match."
    )
    namespaces: Annotated[tuple[RulePattern, ...] | None, NotNull(), Field(min_length=1)] = Field(
        default=None, description="Names and patterns; what holds in the whole cluster is in none of them."
    )

    @model_validator(mode="after")
    def _something(self) -> WaiverScope:
        return check_any_of(self, *_SCOPES)


class Waiver(Document):
    """One rule, waived for a part of the repository until a day, with the reason."""

    rule: RuleId = Field(description="A rule of iamrbac lint (IAM042), or gate/NAME.")
    scope: WaiverScope = Field(description='What it is about; {clusters: ["*"]} is everything.')
    reason: Text = Field(description="Why it is acceptable; for people to read.")
    not_after: Time = Field(alias="notAfter", description="When it ends: RFC 3339 with an offset.")


class Waivers(Document):
    """waivers.yaml: findings of lint and refusals of gates that are accepted for a while."""

    api_version: Literal["iamrbac.dev/v1alpha1"] = Field(alias="apiVersion", description="The language's version.")
    kind: Literal["Waivers"] = Field(description="The document's kind.")
    waivers: tuple[Waiver, ...] = Field(description="One for each thing that is accepted.")
