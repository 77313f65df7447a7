"""tests/access/*.yaml as typed values: who must be able to do what, and who must not."""

from __future__ import annotations

from typing import Annotated, Any, Final, Literal, TypeAlias

from pydantic import ConfigDict, Discriminator, Field, StrictBool, Tag, model_validator

from iamrbac.model.base import TAG, Document, NotNull
from iamrbac.model.choice import any_of, check_any_of, check_needs, check_one_of, one_of
from iamrbac.model.selector import ClusterSelector
from iamrbac.model.values import ActionText, RulePattern, SetPath, Text

TESTS_FOLDER: Final = "tests/access"
_WHO: Final = {"principal": "principal", "group": "group", "team": "team"}
_WHAT: Final = {"resources": "resources", "paths": "paths"}


class Action(Document):
    """Verbs on resources or on paths, as in a rule of RBAC."""

    model_config = ConfigDict(json_schema_extra=one_of(*_WHAT.values(), needs={"names": "resources"}))

    verbs: Annotated[tuple[Text, ...], Field(min_length=1)] = Field(
        description='get, list, create, …; "*" is each of the verbs that Kubernetes has.'
    )
    resources: Annotated[tuple[Text, ...] | None, NotNull(), Field(min_length=1)] = Field(
        default=None, description='pods, pods/log, deployments.apps; "*" is each resource that Kubernetes has.'
    )
    names: Annotated[tuple[Text, ...] | None, NotNull(), Field(min_length=1)] = Field(
        default=None, description="Names of objects; without it, objects of any name."
    )
    paths: Annotated[tuple[Text, ...] | None, NotNull(), Field(min_length=1)] = Field(
        default=None, description="Paths that are no resources, e.g. /healthz."
    )

    @model_validator(mode="after")
    def _one_what(self) -> Action:
        return check_needs(check_one_of(self, _WHAT), "names", "resources")


def _action_branch(value: Any) -> str | None:
    if isinstance(value, str):
        return TAG + "text"
    return TAG + "mapping" if isinstance(value, dict | Action) else None


AnyAction: TypeAlias = Annotated[
    Annotated[ActionText, Tag(TAG + "text")] | Annotated[Action, Tag(TAG + "mapping")],
    Discriminator(_action_branch),
]


class _Who(Document):
    """Whom a case or a row is about: one of three ways to say it."""

    principal: Annotated[Text | None, NotNull()] = Field(
        default=None,
        description="As `iamrbac can` takes it: alice, an ARN, iamRole:ci/deployer, group:system:authenticated; "
        "a pattern (*) is everybody who is called so.",
    )
    group: Annotated[Text | None, NotNull()] = Field(default=None, description="An IAM group that policies name.")
    team: Annotated[SetPath | None, NotNull()] = Field(
        default=None, description="A set of a team, payments/oncall, or a team: everybody in its sets."
    )


class Case(_Who):
    """What somebody can and cannot do, on some clusters, in some namespaces."""

    model_config = ConfigDict(json_schema_extra=one_of(*_WHO, needs={"but": "principal"}) | any_of("can", "cannot"))

    name: Annotated[Text | None, NotNull()] = Field(default=None, description="What the case is about.")
    but: Annotated[tuple[Text, ...] | None, NotNull(), Field(min_length=1)] = Field(
        default=None, description="Who is left out, where principal is a pattern."
    )
    clusters: Annotated[ClusterSelector | None, NotNull()] = Field(
        default=None, description="Names and patterns of clusters, or labels; without it, every cluster."
    )
    namespaces: Annotated[tuple[RulePattern, ...] | None, NotNull(), Field(min_length=1)] = Field(
        default=None, description="Names, and patterns of names in the catalogue; without it, the whole cluster."
    )
    can: Annotated[tuple[AnyAction, ...] | None, NotNull(), Field(min_length=1)] = Field(
        default=None, description="What must be allowed, all of it."
    )
    cannot: Annotated[tuple[AnyAction, ...] | None, NotNull(), Field(min_length=1)] = Field(
        default=None, description="What must not be allowed, none of it."
    )

    @model_validator(mode="after")
    def _one_who(self) -> Case:
        check_needs(check_one_of(self, _WHO), "but", "principal")
        return check_any_of(self, "can", "cannot")


class Row(_Who):
    """One line of a table."""

    model_config = ConfigDict(json_schema_extra=one_of(*_WHO))

    allowed: Annotated[tuple[StrictBool, ...], Field(min_length=1)] = Field(
        description="yes or no for each column, in order."
    )

    @model_validator(mode="after")
    def _one_who(self) -> Row:
        return check_one_of(self, _WHO)


class Table(Document):
    """A row for each principal, a column for each action."""

    columns: Annotated[tuple[AnyAction, ...], Field(min_length=1)] = Field(description="Actions: get,list pods.")
    rows: Annotated[tuple[Row, ...], Field(min_length=1)] = Field(description="Who, and yes or no for each column.")


class TableCase(Document):
    """A table of who can do what, on some clusters, in some namespaces."""

    name: Annotated[Text | None, NotNull()] = Field(default=None, description="What the table is about.")
    clusters: Annotated[ClusterSelector | None, NotNull()] = Field(
        default=None, description="Names and patterns of clusters, or labels; without it, every cluster."
    )
    namespaces: Annotated[tuple[RulePattern, ...] | None, NotNull(), Field(min_length=1)] = Field(
        default=None, description="Names, and patterns of names in the catalogue; without it, the whole cluster."
    )
    table: Table = Field(description="The columns and the rows.")


def _case_branch(value: Any) -> str:
    tabled = "table" in value if isinstance(value, dict) else isinstance(value, TableCase)
    return TAG + ("table" if tabled else "case")


AnyCase: TypeAlias = Annotated[
    Annotated[Case, Tag(TAG + "case")] | Annotated[TableCase, Tag(TAG + "table")], Discriminator(_case_branch)
]


class AccessTest(Document):
    """Expected access: cases that hold for the policies as they are."""

    api_version: Literal["iamrbac.dev/v1alpha1"] = Field(alias="apiVersion", description="The language's version.")
    kind: Literal["AccessTest"] = Field(description="The document's kind.")
    tests: Annotated[tuple[AnyCase, ...], Field(min_length=1)] = Field(description="The cases.")
