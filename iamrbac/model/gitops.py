"""`gitops:` of the config and of a cluster: where and how a cluster's objects are kept in Git."""

from __future__ import annotations

from typing import Annotated, Literal, TypeAlias

from pydantic import Field, StrictBool

from iamrbac.model.base import Document, NotNull
from iamrbac.model.values import (
    BranchName,
    DnsLabel,
    DnsSubdomain,
    Duration,
    Folder,
    RepositoryPlace,
    Text,
)

Layout: TypeAlias = Literal["plain", "kustomize", "argocd", "flux"]
Publish: TypeAlias = Literal["push", "pull-request", "local"]
EntriesForm: TypeAlias = Literal["direct", "ack", "crossplane", "terraform", "cloudformation", "eksctl", "pulumi"]
ForgeKind: TypeAlias = Literal["github", "gitlab"]


class Author(Document):
    """Whose name the commits carry; without it, what git is configured with."""

    name: Text = Field(description="The author's name.")
    email: Text = Field(description="The author's e-mail address.")


class Forge(Document):
    """Where pull requests are opened; without it, what the repository's URL says (github.com, gitlab.com)."""

    kind: ForgeKind = Field(description="Whose API it has.")
    api: Annotated[Text | None, NotNull()] = Field(
        default=None, description="The API's URL where it is not the public one, e.g. https://git.example.com/api/v3."
    )


class ArgoCd(Document):
    """Objects for Argo CD itself, with layout: argocd."""

    namespace: DnsLabel = Field(default="argocd", description="Argo CD's namespace.")
    path: Folder = Field(
        default="argocd", description="The folder for AppProjects and Applications, which Argo CD's own cluster reads."
    )
    cluster: Annotated[Text | None, NotNull()] = Field(
        default=None,
        description="The cluster of this config where Argo CD runs, for `iamrbac status`; default: each cluster's own.",
    )
    repo_url: Annotated[RepositoryPlace | None, NotNull()] = Field(
        default=None,
        alias="repoURL",
        description="The URL by which Argo CD reads the repository, without credentials, where `repository` is a path "
        "or another URL.",
    )
    destination: Annotated[Text | None, NotNull()] = Field(
        default=None, description="What Argo CD calls the cluster: a name or an https:// URL; default: its name here."
    )
    application_set: StrictBool = Field(
        default=False,
        alias="applicationSet",
        description="One ApplicationSet for all clusters (it finds their folders by itself), not one Application each.",
    )


class Flux(Document):
    """Objects for Flux itself, with layout: flux."""

    namespace: DnsLabel = Field(default="flux-system", description="Flux's namespace.")
    path: Folder = Field(
        default="flux/{cluster}", description="The folder for the Kustomizations, which each cluster's Flux reads."
    )
    source: DnsSubdomain = Field(default="flux-system", description="The GitRepository that gives this repository.")
    interval: Duration = Field(default="10m", description="How often Flux looks for drift.")


class GitOps(Document):
    """Where and how objects are delivered by Git. A cluster's own keys win over the config's, key by key."""

    repository: Annotated[RepositoryPlace | None, NotNull()] = Field(
        default=None,
        description="What git calls the repository: a URL without credentials, or a path; `.` is this repository.",
    )
    branch: Annotated[BranchName | None, NotNull()] = Field(
        default=None, description="The branch that is pulled from; default: main."
    )
    path: Annotated[Folder | None, NotNull()] = Field(
        default=None, description="The cluster's folder; {cluster} is its name. Default: clusters/{cluster}."
    )
    layout: Annotated[Layout | None, NotNull()] = Field(
        default=None, description="plain (default): folders of manifests; kustomize; argocd; flux."
    )
    commit: Annotated[Publish | None, NotNull()] = Field(
        default=None,
        description="push (default): to the branch; pull-request: open or update one; local: commit, push nothing.",
    )
    access_entries: Annotated[EntriesForm | None, NotNull()] = Field(
        default=None,
        alias="accessEntries",
        description="direct (default): access entries are written to EKS, not to Git; else the form that they have in "
        "Git. Rows of aws-auth are always written directly.",
    )
    entries_path: Annotated[Folder | None, NotNull()] = Field(
        default=None,
        alias="entriesPath",
        description="The folder of forms that are no Kubernetes objects (terraform, cloudformation, eksctl, pulumi). "
        "Default: iam/{cluster}.",
    )
    entries_namespace: Annotated[DnsLabel | None, NotNull()] = Field(
        default=None,
        alias="entriesNamespace",
        description="The namespace of ACK's AccessEntry objects. Default: ack-system.",
    )
    author: Annotated[Author | None, NotNull()] = Field(default=None, description="Whose name the commits carry.")
    forge: Annotated[Forge | None, NotNull()] = Field(default=None, description="Where pull requests are opened.")
    argocd: Annotated[ArgoCd | None, NotNull()] = Field(default=None, description="Argo CD's own objects.")
    flux: Annotated[Flux | None, NotNull()] = Field(default=None, description="Flux's own objects.")
