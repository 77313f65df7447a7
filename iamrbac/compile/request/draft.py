"""The document that a wish becomes."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from iamrbac.compile.documents import Documents
from iamrbac.compile.request.team import team_of
from iamrbac.compile.request.wish import Wish, fault
from iamrbac.findings.finding import Finding
from iamrbac.identity.myself import FORMS, Named, member, named
from iamrbac.model.base import API_VERSION
from iamrbac.model.documents import Cluster
from iamrbac.model.errors import IamrbacError
from iamrbac.model.selection import selects
from iamrbac.model.span import span

LONGEST: Final = timedelta(days=365)
SHORTEST: Final = timedelta(minutes=5)
CLUSTER_ROLES: Final = ("admin", "edit", "view")
"""What every cluster has, and people call so ("Using RBAC Authorization", User-facing roles)."""
_NOBODY: Final = Named({"iamRole": "nobody"})
_PREFIXES: Final = {"clusterRole": "clusterRole", "eksAccessPolicy": "eksAccessPolicy", "template": ""}


@dataclass(frozen=True, slots=True)
class Draft:
    """A grant without its name. With faults something stands in for what is wrong, so that the rest can be judged."""

    team: str
    members: tuple[Named, ...]
    access: dict[str, Any]
    not_after: datetime
    length: timedelta
    reason: str
    asker: str | None
    """The ARN of whoever asks, where AWS was asked."""
    faults: tuple[Finding, ...] = ()
    """Everything that is wrong with the options themselves."""

    def document(self, name: str) -> dict[str, Any]:
        """Return the document as a value."""
        return {
            "apiVersion": API_VERSION,
            "kind": "TemporaryGrant",
            "metadata": {"name": name},
            "spec": {
                "team": self.team,
                "members": [dict(one.member) for one in self.members],
                "access": [self.access],
                "notAfter": self.not_after.strftime("%Y-%m-%dT%H:%M:%SZ"),
                "reason": self.reason,
            },
        }


def draft(
    documents: Documents, templates: Collection[str], wish: Wish, caller: Callable[[], str], at: datetime
) -> Draft:
    """Return what a wish asks for, with everything that is wrong with its options.

    `templates` are the role templates that there are; `caller` says who asks, and is asked where no member is named
    (what it raises is one of the faults).
    """
    faults: list[Finding] = []
    selector = _selector(wish.clusters, faults)
    clusters = [one for one in documents.config.document.clusters if selector and selects(selector, one)]
    if not wish.namespaces:
        faults.append(fault("--namespace", "no namespace is named", "name one or more: --namespace NAME"))
    if not wish.role:
        hint = f"name one of {', '.join(sorted({*templates, *CLUSTER_ROLES}))}"
        faults.append(fault("--role", "no role is named", hint))
    length = _length(wish.length, faults)
    if not wish.reason.strip():
        faults.append(fault("--reason", "there is no reason", "write why, for the one who reviews it"))
    team = wish.team or _team(documents, clusters, wish.namespaces, faults)
    asker, members = _members(documents, wish, clusters, caller, faults)
    access: dict[str, Any] = {
        "clusters": selector or [documents.config.document.clusters[0].name],
        "namespaces": list(wish.namespaces or ("default",)),
        "role": _role(wish.role, templates) if wish.role else {"clusterRole": "view"},
    }
    end = (at.astimezone(UTC) + length).replace(microsecond=0)
    reason = wish.reason.strip() or "none"
    return Draft(team, members or (_NOBODY,), access, end, length, reason, asker, tuple(faults))


def _team(documents: Documents, clusters: Sequence[Cluster], namespaces: Sequence[str], faults: list[Finding]) -> str:
    """Return the team, any where it is not clear: what is judged then does not hang on it."""
    found = team_of(documents, clusters, namespaces) if namespaces else ""
    if isinstance(found, Finding):
        faults.append(found)
    if isinstance(found, str) and found:
        return found
    return next((one.document.metadata.name for one in documents.policies), "nobody")


def _selector(clusters: Sequence[str], faults: list[Finding]) -> list[str] | dict[str, str]:
    """Return `clusters:` of names and patterns, or of labels as the command line has them everywhere."""
    labels = [one for one in clusters if "=" in one]
    if not clusters:
        faults.append(fault("--cluster", "no cluster is named", "name one or more: --cluster NAME, or labels"))
    if not labels:
        return list(clusters)
    pairs = [pair.strip().partition("=") for pair in labels[0].split(",")]
    if len(clusters) > 1:
        hint = "name the clusters, or write one selector: env=staging,region=eu"
        faults.append(fault("--cluster", "labels stand alone, and here is more than one selector", hint))
    elif not all(key and value and "=" not in value for key, _, value in pairs):
        faults.append(fault("--cluster", f"these are no labels: {labels[0]!r}", "write them like env=staging"))
    else:
        return {key: value for key, _, value in pairs}
    return []


def _members(
    documents: Documents, wish: Wish, clusters: Sequence[Cluster], caller: Callable[[], str], faults: list[Finding]
) -> tuple[str | None, tuple[Named, ...]]:
    config = documents.config.document
    people = config.identity.account if config.identity is not None else None
    accounts = {one.account for one in clusters}
    found: list[Named] = []
    for text in wish.members:
        try:
            found.append(member(text, people, accounts))
        except ValueError as error:
            faults.append(fault("--member", str(error), f"write {FORMS}"))
    if wish.members:
        return None, tuple(found)
    try:
        asker = caller()
        me = named(asker, people, accounts)
    except ValueError as error:
        faults.append(fault("--member", str(error), f"name who gets it: {FORMS}"))
        return None, ()
    except IamrbacError as error:
        hint = f"{error.hint}; or name who gets it with --member" if error.hint else "name who gets it with --member"
        faults.append(fault("--member", f"who asks is not known: {error.message}", hint, error.code))
        return None, ()
    return asker, (me,)


def _length(text: str, faults: list[Finding]) -> timedelta:
    length = span(text)
    if not text:
        faults.append(fault("--for", "it is not said for how long", "write it like 90m, 4h, 1h30m or 2d"))
    elif length is None:
        faults.append(fault("--for", f"{text!r} is no span of time", "write it like 90m, 4h, 1h30m or 2d"))
    elif not SHORTEST <= length <= LONGEST:
        hint = f"write something from 5m to {LONGEST.days}d; what lasts longer belongs in the team's policy"
        faults.append(fault("--for", f"{text} is too {'long' if length > LONGEST else 'short'}", hint))
    else:
        return length
    return SHORTEST


def _role(text: str, templates: Collection[str]) -> str | dict[str, str]:
    """Return `role:` of a name: a template, else a role that every cluster has; KIND:NAME says which is meant."""
    kind, colon, name = text.partition(":")
    if colon and kind in _PREFIXES:
        return {_PREFIXES[kind]: name} if _PREFIXES[kind] else name
    if text in templates:
        return text
    if text in CLUSTER_ROLES:
        return {"clusterRole": text}
    return {"eksAccessPolicy": text} if text.startswith("AmazonEKS") else text
