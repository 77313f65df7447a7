"""Names for teams, sets and templates: as they were, where the policy language takes them."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from itertools import count

MOST_TEAM = 40
MOST_TEMPLATE = 63
_WORD = re.compile("(?<=[a-z0-9])(?=[A-Z])")


def label(text: str, most: int) -> str:
    """Return a text as a DNS label of at most `most` characters; one that is a label stays as it is."""
    found = re.sub("[^a-z0-9]+", "-", text.lower()).strip("-") if not _is_label(text) else text
    return found[:most].strip("-") or "imported"


def free(wanted: str, taken: Collection[str], most: int) -> str:
    """Return a name that is not taken: the wanted one, else with a number behind it."""
    return next(name for name in _numbered(wanted, most) if name not in taken)


def policy_label(name: str) -> str:
    """Return an EKS access policy's name as a short label: AmazonEKSClusterAdminPolicy is cluster-admin."""
    short = name.removeprefix("AmazonEKS").removesuffix("Policy") or name
    return label(_WORD.sub("-", short), MOST_TEAM)


def _numbered(wanted: str, most: int) -> Iterator[str]:
    yield wanted
    for number in count(2):
        end = f"-{number}"
        yield wanted[: most - len(end)].strip("-") + end


def _is_label(text: str) -> bool:
    return re.fullmatch("[a-z0-9]([-a-z0-9]*[a-z0-9])?", text) is not None
