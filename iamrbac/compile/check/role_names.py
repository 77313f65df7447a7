"""The IAM roles of sets with `via: role`: each set has one of its own."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from iamrbac.compile import names
from iamrbac.compile.check.said import Said, error
from iamrbac.findings.finding import Finding
from iamrbac.identity.members import via
from iamrbac.model.documents import IamGroup, Member
from iamrbac.model.origin import Path


def role_names(said: Said) -> Iterator[Finding]:
    """POL014 two sets that would have one IAM role: whoever is in either would have the access of both."""
    config = said.config
    if config.identity is None:
        return
    taken: dict[str, tuple[str, str]] = {}
    for file, path, team, name, members in _sets(said):
        place = next((index for index, one in enumerate(members) if _by_role(said, one)), None)
        if place is None:
            continue
        role = names.role_name(config.identity.role_name, config.metadata.name, team, name)
        other = taken.setdefault(role.lower(), (team, name))
        if other != (team, name):
            message = f"{other[0]}/{other[1]} and {team}/{name} would have one IAM role, {role}"
            hint = f"write {{team}} and {{set}} into identity.roleName in {said.config_file}"
            yield error("POL014", file, (*path, place, "iamGroup"), message, hint)


def _by_role(said: Said, member: Member) -> bool:
    return isinstance(member, IamGroup) and via(member, said.config) == "role"


def _sets(said: Said) -> Iterable[tuple[str, Path, str, str, tuple[Member, ...]]]:
    for policy in said.documents.policies:
        for name, members in policy.document.spec.members.items():
            yield policy.file, ("spec", "members", name), policy.document.metadata.name, name, members
    for grant in said.documents.grants:
        spec = grant.document.spec
        yield (
            grant.file,
            ("spec", "members"),
            spec.team,
            names.temporary_set(grant.document.metadata.name),
            spec.members,
        )
