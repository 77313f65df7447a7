"""The list of our files in a cluster's folder: what a run does not write any more it removes, and nothing else."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final

from iamrbac.gitops.header import header, without_header

INVENTORY: Final = ".iamrbac-inventory"
"""Beside the cluster's objects. It has no ending that kubectl, Argo CD, Flux or kustomize would read."""
_PART: Final = r"[0-9A-Za-z_][0-9A-Za-z_.@-]*"
_PATH: Final = re.compile(rf"{_PART}(?:/{_PART})+")


def inventory_text(instance: str, paths: Iterable[str]) -> str:
    """Return the file's text; paths are from the top of the repository."""
    return header(instance) + "".join(f"{path}\n" for path in sorted(paths))


def inventory_paths(text: str) -> frozenset[str]:
    """Return the paths of an inventory. Raises ValueError for one that we cannot have written."""
    listed = frozenset(without_header(text).splitlines())
    wrong = sorted(path for path in listed if not _PATH.fullmatch(path))
    if wrong:
        raise ValueError(f"it lists {wrong[0]!r}, which iamrbac cannot have written")
    return listed
