"""The published schemas of the objects that we write for Argo CD and Flux (see definitions/README.md)."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

from iamrbac.gitops.layouts import LAYOUTS, LaidOut
from tests.gitops.layouts import sample

FOLDER = Path(__file__).parent / "definitions"


def definitions() -> list[dict[str, Any]]:
    """Return the CustomResourceDefinitions."""
    return [json.loads(file.read_text()) for file in sorted(FOLDER.glob("*.json"))]


def written() -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield all that the layouts write for a few deliveries: (path, object), but no kustomization and no parameters."""
    for layout in sample.ALL:
        for keys in ({}, {"argocd": {"applicationSet": True}}, {"argocd": {"destination": "https://prod.example.com"}}):
            for namespaces in (None, ["payments", "search"]):
                one = sample.delivery(layout, "Prod_1", namespaces=namespaces, accessEntries="ack", **keys)
                yield from objects(LAYOUTS[layout](one, sample.OBJECTS, sample.RESOURCES))


def objects(found: LaidOut) -> Iterator[tuple[str, dict[str, Any]]]:
    for path, text in {**found.files, **found.shared}.items():
        value = yaml.load(text, yaml.CSafeLoader)
        if "kind" in value and not path.endswith("/kustomization.yaml"):
            yield path, value
