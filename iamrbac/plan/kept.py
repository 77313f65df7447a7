"""What an adopted mapping keeps of before: the groups and the user name that other people's bindings name.

To adopt an entry or a row makes it ours, with the groups of our sets. Somebody else's chart may go on binding roles to
the group that it had: that must not break on the day of adoption. So what a binding that is not ours names is kept, and
written down (tags of an entry, an annotation for a row), so that a group that somebody adds by hand later is not taken
for one of these. What no such binding names any more goes with the next apply. Groups of Kubernetes itself (`system:`)
are never kept, nor is anything of whoever leaves. Pure.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Final, TypeAlias

from iamrbac.compile import names
from iamrbac.compile.desired import ClusterDesired, Desired, Form
from iamrbac.findings.finding import Finding, Level
from iamrbac.mapping.objects import AccessEntry, AwsAuthRow
from iamrbac.mapping.resolve import identity
from iamrbac.plan import ownership
from iamrbac.plan.keeps import Kept, kept_by, tags_of
from iamrbac.plan.keys import display_key
from iamrbac.plan.observed import ClusterState, Observed
from iamrbac.plan.planner import with_owners
from iamrbac.rbac.objects import Binding
from iamrbac.rbac.subjects import SubjectKey, subject_key

KEPT, TOO_MUCH = "OWN006", "OWN007"
MOST_TAGS: Final = 40
"""EKS has room for fifty tags on an entry (eks-facts 1.1); others have theirs there too."""
MOST_VALUE: Final = 256
_NAMED: Final = 3
_Mapped: TypeAlias = AccessEntry | AwsAuthRow
_NOT_FOR_ENTRIES: Final = ("system:", "eks:", "aws:", "amazon:", "iam:")
"""How the name of an entry's user must not begin (eks-facts 1.2); a row's may."""


def with_kept(
    desired: ClusterDesired, state: ClusterState, form: Form, instance: str, adopt: Collection[str]
) -> tuple[ClusterDesired, tuple[Finding, ...]]:
    """Return what is wanted with what mappings keep, one finding for each name that is kept, and refusals.

    `adopt` holds the display keys that are adopted; an entry that is made in the place of an adopted row keeps the
    row's names. Of a cluster whose RBAC objects were not all read nobody knows what others bind: all is kept there.
    Raises AwsAuthError as `plan_cluster` does.
    """
    mappings = {one.key: one for one in desired.objects if isinstance(one.spec, AccessEntry | AwsAuthRow)}
    if not _concerned(state, instance, adopt):
        return desired, ()
    observed, owners = with_owners(state, form, instance)
    rows = {identity(key.name): item for key, item in observed.items() if key.kind == "AwsAuthRow"}
    named = None if state.partial else _named_by_others(state.objects, instance)
    findings: list[Finding] = []
    by_name: Counter[SubjectKey] = Counter()
    for key, will in mappings.items():
        was = observed.get(key) or rows.get(identity(key.name))
        kept = _kept(was, will, owners[was.key], instance, adopt, named) if was is not None else Kept()
        if was is None or not kept:
            continue
        if not _fits(kept):
            findings.append(_too_much(was))
            continue
        mappings[key] = _keeping(was, will, kept)
        by_name.update(_names(was, kept))
    findings += (_told(desired.cluster, name, many, named) for name, many in sorted(by_name.items()))
    return replace(desired, objects=tuple(mappings.get(one.key, one) for one in desired.objects)), tuple(findings)


def _concerned(state: ClusterState, instance: str, adopt: Collection[str]) -> bool:
    """Whether anything is adopted or keeps something: nearly always nothing does, and there are thousands."""
    if any(key.startswith(("AccessEntry/", "AwsAuthRow/")) for key in adopt):
        return True
    if state.aws_auth is not None and names.keeps_annotation(instance) in state.aws_auth.annotations:
        return True
    return any(key.startswith(names.KEEPS) for one in state.objects for key in one.meta.labels)


def _kept(
    was: Observed,
    will: Desired,
    owner: ownership.Owner,
    instance: str,
    adopt: Collection[str],
    named: Mapping[SubjectKey, tuple[str, ...]] | None,
) -> Kept:
    before, after = was.spec, will.spec
    if not isinstance(before, _Mapped) or not isinstance(after, _Mapped):
        return Kept()
    if isinstance(owner, ownership.Ours) and was.key == will.key:
        may = kept_by(was.meta.labels)
        groups, username = may.groups & frozenset(before.groups), may.username
    elif isinstance(owner, ownership.Unclaimed) and display_key(was.key) in adopt:
        groups, username = frozenset(before.groups), not before.username.startswith(_NOT_FOR_ENTRIES)
    else:
        return Kept()
    ours = ("system:", f"iamrbac:{instance}:")
    groups = frozenset(
        group
        for group in groups
        if not group.startswith(ours) and (named is None or SubjectKey("Group", group) in named)
    )
    return Kept(groups, username and before.username != after.username and _is_named(before.username, named))


def _is_named(username: str, named: Mapping[SubjectKey, tuple[str, ...]] | None) -> bool:
    """Whether a binding names the user, or the user of a session (`dev:alice` for `dev:{{SessionName}}`)."""
    if named is None:
        return True
    start, template, _ = username.partition("{{")
    if not template:
        return SubjectKey("User", username) in named
    return any(key.kind == "User" and key.name.startswith(start) for key in named)


def _keeping(was: Observed, will: Desired, kept: Kept) -> Desired:
    spec = will.spec
    if not isinstance(spec, _Mapped) or not isinstance(was.spec, _Mapped):
        return will
    groups = tuple(sorted({*spec.groups, *kept.groups}))
    username = was.spec.username if kept.username else spec.username
    return replace(will, spec=replace(spec, groups=groups, username=username), labels={**will.labels, **tags_of(kept)})


def _named_by_others(objects: Iterable[Observed], instance: str) -> dict[SubjectKey, tuple[str, ...]]:
    """Return the users and groups that bindings name which are not ours, each with these bindings."""
    found: dict[SubjectKey, list[str]] = {}
    for item in objects:
        if isinstance(item.spec, Binding) and not isinstance(ownership.owner_of(item.meta, instance), ownership.Ours):
            for subject in item.spec.subjects:
                if (key := subject_key(subject, item.spec.namespace)) is not None:
                    found.setdefault(key, []).append(display_key(item.key))
    return {key: tuple(dict.fromkeys(shown)) for key, shown in found.items()}


def _fits(kept: Kept) -> bool:
    tags = tags_of(kept)
    return len(tags) <= MOST_TAGS and all(len(value) <= MOST_VALUE for value in tags.values())


def _names(was: Observed, kept: Kept) -> Iterator[SubjectKey]:
    yield from (SubjectKey("Group", group) for group in kept.groups)
    if kept.username and isinstance(was.spec, _Mapped):
        yield SubjectKey("User", was.spec.username)


def _told(cluster: str, name: SubjectKey, many: int, named: Mapping[SubjectKey, tuple[str, ...]] | None) -> Finding:
    keep = "mapping keeps" if many == 1 else "mappings keep"
    return Finding(
        KEPT,
        Level.INFO,
        f"{many} {keep} the {name.kind.lower()} {name.name} of before: {_why(name, named)}",
        "once nothing needs them, delete these bindings: the next apply takes the name away",
        cluster=cluster,
        object=f"{name.kind}/{name.name}",
    )


def _why(name: SubjectKey, named: Mapping[SubjectKey, tuple[str, ...]] | None) -> str:
    if named is None:
        return "who binds what here was not read"
    bindings = named.get(name)
    if bindings is None:
        return "bindings that are not of this repository name its sessions"
    more = f" and {len(bindings) - _NAMED} more" if len(bindings) > _NAMED else ""
    verb = "names" if len(bindings) == 1 else "name"
    return f"{', '.join(bindings[:_NAMED])}{more}, not of this repository, {verb} it"


def _too_much(was: Observed) -> Finding:
    return Finding(
        TOO_MUCH,
        Level.ERROR,
        f"{display_key(was.key)} has groups of before, on which bindings of others depend, that cannot be written down "
        f"(at most {MOST_TAGS}, each of {MOST_VALUE} letters)",
        "let these bindings name other groups, or delete those that nobody needs, then adopt it",
        cluster=was.key.cluster,
        object=display_key(was.key),
    )
