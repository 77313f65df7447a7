"""Options that several commands share, so that they read the same everywhere."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated, TypeAlias

import typer

from iamrbac.cli import completing


class Output(StrEnum):
    """How an answer is written."""

    TEXT = "text"
    JSON = "json"


class Format(StrEnum):
    """How the findings of a check are written."""

    TEXT = "text"
    JSON = "json"
    SARIF = "sarif"
    JUNIT = "junit"
    GITHUB = "github"
    GITLAB = "gitlab"


class Kube(StrEnum):
    """What the sandbox's clusters are."""

    EMBEDDED = "embedded"
    REAL = "real"


RepoOption: TypeAlias = Annotated[
    Path | None,
    typer.Option("--repo", "-C", help="The access repository; default: the nearest folder upwards with iamrbac.yaml."),
]
ClusterOption: TypeAlias = Annotated[
    list[str] | None,
    typer.Option(
        "--cluster",
        help="Only this cluster, or those with these labels, e.g. env=staging (may be given several times); "
        "default: all of the config.",
        autocompletion=completing.clusters,
    ),
]
ShardOption: TypeAlias = Annotated[
    str | None,
    typer.Option(
        "--shard",
        metavar="I/N",
        help="Only the I-th of N parts of the clusters, counted from 0; each cluster is in one, whatever others come.",
    ),
]
WaveOption: TypeAlias = Annotated[
    list[str] | None,
    typer.Option(
        "--wave", metavar="WAVE", help="Only this wave of fleet.order: its number from 1, or its name (several times)."
    ),
]
OutputOption: TypeAlias = Annotated[Output, typer.Option("--output", "-o", help="How the answer is written.")]
FormatOption: TypeAlias = Annotated[
    Format,
    typer.Option(
        "--output",
        "-o",
        help="How the answer is written; github: annotations and the job's summary, gitlab: code quality.",
    ),
]
NoColorOption: TypeAlias = Annotated[bool, typer.Option("--no-color", help="No colours (also: NO_COLOR).")]
QuietOption: TypeAlias = Annotated[bool, typer.Option("--quiet", "-q", help="No progress on stderr.")]
VerboseOption: TypeAlias = Annotated[bool, typer.Option("--verbose", "-v", help="Times and details on stderr.")]
KubeOption: TypeAlias = Annotated[
    Kube,
    typer.Option(
        "--kube",
        help="The clusters: an embedded API, at once, or real servers (Go builds them once, a quarter of an hour).",
    ),
]
