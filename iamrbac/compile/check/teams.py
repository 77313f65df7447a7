"""Teams, grants and sets: each name once, and every name that is used is there."""

from __future__ import annotations

from collections.abc import Iterator

from iamrbac.compile.check.said import Said, error, warning
from iamrbac.findings.finding import Finding
from iamrbac.model.documents import PolicySpec


def teams(said: Said) -> Iterator[Finding]:
    """POL001 a team twice, POL002 a grant twice, POL003 a grant for a team that is not there."""
    for policy in said.documents.policies:
        name = policy.document.metadata.name
        if said.teams[name] != policy.file:
            message = f"the team {name} has a policy already, in {said.teams[name]}"
            yield error(
                "POL001", policy.file, ("metadata", "name"), message, "put both into one file, or rename one team"
            )
    first: dict[str, str] = {}
    for grant in sorted(said.documents.grants, key=lambda one: one.file):
        name, team = grant.document.metadata.name, grant.document.spec.team
        if first.setdefault(name, grant.file) != grant.file:
            message = f"the temporary grant {name} is there already, in {first[name]}"
            yield error("POL002", grant.file, ("metadata", "name"), message, "give one of them another name")
        if said.complete and team not in said.teams:
            hint = said.suggest(team, said.teams, f"write a policy for {team}, or name a team that has one")
            yield error("POL003", grant.file, ("spec", "team"), f"there is no policy of a team {team}", hint)


def sets(said: Said) -> Iterator[Finding]:
    """POL004 an unknown set in `to`, POL021 a set that no line uses, POL022 a set with nobody in it."""
    for policy in said.documents.policies:
        spec = policy.document.spec
        yield from _unknown(said, policy.file, spec)
        for name, members in spec.members.items():
            path = ("spec", "members", name)
            if not members:
                yield warning(
                    "POL022", policy.file, path, f"nobody is in the set {name}", "add members, or remove the set"
                )
        if any(line.to is None for line in spec.access):
            continue
        used = {name for line in spec.access for name in line.to or ()}
        for name, members in spec.members.items():
            if members and name not in used:
                hint = "name it in a line's `to`, or remove the set"
                path = ("spec", "members", name)
                yield warning("POL021", policy.file, path, f"no line of access is for the set {name}", hint)


def _unknown(said: Said, file: str, spec: PolicySpec) -> Iterator[Finding]:
    for index, line in enumerate(spec.access):
        for place, name in enumerate(line.to or ()):
            if name not in spec.members:
                hint = said.suggest(name, spec.members, f"sets of this policy: {', '.join(spec.members)}")
                path = ("spec", "access", index, "to", place)
                yield error("POL004", file, path, f"the policy has no set {name}", hint)
