"""A new access repository: which files it begins with, and what is in them."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import Final, Literal, TypeAlias, get_args

from iamrbac.model.errors import OccupiedError
from iamrbac.model.parse import CONFIG_FILE
from iamrbac.model.schema import SchemaName, json_schema
from iamrbac.usecases.ports import NewFolder

CiSystem: TypeAlias = Literal["github", "gitlab", "none"]
DeliveryKind: TypeAlias = Literal["direct", "gitops"]
SCHEMAS: Final = ".iamrbac/schema"
DOCUMENTS: Final = (
    CONFIG_FILE,
    "waivers.yaml",
    "policies/payments.yaml",
    "templates/roles/restarter.yaml.j2",
    "tests/access/payments.yaml",
)
"""The documents themselves: a repository that has a config keeps its own, and gets none of ours."""
# Where a file goes → where its text is among ours.
_REVIEW: Final[dict[CiSystem, dict[str, str]]] = {
    "github": {
        ".github/CODEOWNERS": "documents/CODEOWNERS",
        ".github/workflows/access.yml": "github/workflows/access.yml",
    },
    "gitlab": {"CODEOWNERS": "documents/CODEOWNERS"},
    "none": {},
}
_DELIVERY: Final[dict[tuple[CiSystem, DeliveryKind], dict[str, str]]] = {
    ("github", "direct"): {".github/workflows/apply.yml": "github/workflows/apply.yml"},
    ("github", "gitops"): {
        ".github/actions/delivery/action.yml": "github/actions/delivery/action.yml",
        ".github/workflows/deliver.yml": "github/workflows/deliver.yml",
    },
    ("gitlab", "direct"): {".gitlab-ci.yml": "gitlab/gitlab-ci.yml"},
    ("gitlab", "gitops"): {".gitlab-ci.yml": "gitlab/gitlab-ci-gitops.yml"},
}
_PIPELINES: Final[dict[CiSystem, str]] = {"github": ".github/", "gitlab": ".gitlab-ci.yml", "none": ""}
_FORGES: Final[dict[CiSystem, str]] = {"github": "github.com", "gitlab": "gitlab.com", "none": "git.example.com"}
_PREPRODUCTION: Final[dict[DeliveryKind, str]] = {"direct": "{env: staging}", "gitops": "[development, staging]"}
_FALLBACK: Final = "access"
_LONGEST: Final = 40


@dataclass(frozen=True, slots=True)
class Scaffolded:
    """What a folder holds now of all that a new repository begins with."""

    written: tuple[str, ...]
    kept: tuple[str, ...]
    """Were there before, and are as they were."""


def create_repository(
    folder: NewFolder, version: str, ci: CiSystem, delivery: DeliveryKind = "direct", *, keep: bool = False
) -> Scaffolded:
    """Write a new repository, whose instance is called after the folder and whose pipelines install `version`.

    `delivery` says whether its pipeline writes to the clusters, or commits for Argo CD or Flux, environment by
    environment.

    Raises OccupiedError, and writes nothing, where some of its files are there already, unless they are to be kept.
    Raises OutputError where the disk refuses.
    """
    files = _files(folder, version, ci, delivery)
    there = folder.there(files)
    if there and not keep:
        hint = "name another folder, or leave these as they are and write the others: --keep"
        message = f"there already: {', '.join(sorted(there))}; nothing was written"
        raise OccupiedError(message, where=folder.shown, hint=hint)
    if CONFIG_FILE in there:
        files = {path: text for path, text in files.items() if path not in DOCUMENTS}
    new = {path: text for path, text in files.items() if path not in there}
    folder.create(new)
    return Scaffolded(tuple(sorted(new)), tuple(sorted(there)))


def _files(folder: NewFolder, version: str, ci: CiSystem, delivery: DeliveryKind) -> dict[str, str]:
    """Return path → text of every file."""
    places = {path: f"documents/{path}" for path in DOCUMENTS}
    if delivery == "gitops":
        places[CONFIG_FILE] = f"gitops/{CONFIG_FILE}"
    places |= {".pre-commit-config.yaml": "documents/pre-commit-config.yaml"}
    places |= _REVIEW[ci] | _DELIVERY.get((ci, delivery), {})
    filled = {
        "INSTANCE": instance_name(folder.name),
        "VERSION": version,
        "PIPELINE": _PIPELINES[ci],
        "FORGE": _FORGES[ci],
        "PREPRODUCTION": _PREPRODUCTION[delivery],
        "CODEOWNERS_FILE": next((path for path in places if path.endswith("CODEOWNERS")), ""),
    }
    files = {path: _fill(folder.text(name), filled) for path, name in places.items()}
    return files | {f"{SCHEMAS}/{name}.json": _schema(name) for name in get_args(SchemaName)}


def instance_name(folder: str) -> str:
    """Return a folder's name as the name of an instance: a DNS label of at most 40 characters."""
    label = re.sub("[^a-z0-9]+", "-", folder.lower())[:_LONGEST].strip("-")
    return label or _FALLBACK


def _fill(text: str, values: dict[str, str]) -> str:
    words = "|".join(sorted(values, key=len, reverse=True))
    return re.sub(rf"\b({words})\b", lambda found: values[found[0]], text)


def _schema(name: SchemaName) -> str:
    return json.dumps(json_schema(name), indent=2, ensure_ascii=False) + "\n"
