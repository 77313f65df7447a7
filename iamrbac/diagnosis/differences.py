"""Where a cluster's answer about the caller is not what is expected, and why that may be."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta

from iamrbac.diagnosis import clock, mapping, maps
from iamrbac.diagnosis.facts import Taken
from iamrbac.diagnosis.verdict import Cause, Fixer, failed


@dataclass(frozen=True, slots=True)
class Difference:
    """What a cluster says otherwise."""

    missing: tuple[str, ...] = ()
    """Groups that the caller should have there, sorted."""
    extra: tuple[str, ...] = ()
    """Groups of ours that the caller should not have, sorted."""
    causes: tuple[Cause, ...] = ()
    """What may be why, the likeliest first."""


def difference(
    taken: Taken, expected: frozenset[str] | None, prefix: str, offset: timedelta | None
) -> Difference | None:
    """Return in what a cluster's answer differs from the groups that are expected, None where it does not.

    `expected` is None where nobody but IAM and the cluster know it: then being taken for nobody has causes to look at,
    and no group is amiss. `prefix` begins the names of our groups. `offset` is AWS's clock minus ours.
    """
    if taken.user is None:
        if expected is not None and not expected:
            return None
        causes = (*clock.judge(offset, None).causes, *mapping.judge(taken).causes)
        return Difference(tuple(sorted(expected or ())), causes=causes)
    has = frozenset(taken.user.groups)
    missing = tuple(sorted((expected or frozenset()) - has))
    extra = tuple(sorted(one for one in has if one.startswith(prefix) and expected is not None and one not in expected))
    found = failed("mapping", "", _causes(taken, missing, extra)).causes
    return Difference(missing, extra, found) if missing or extra or found else None


def _causes(taken: Taken, missing: tuple[str, ...], extra: tuple[str, ...]) -> Iterator[Cause]:
    user = taken.user
    if user is None:
        return
    weak = tuple(maps.weakened(taken.caller, user, taken.maps))
    yield from weak
    cluster = taken.place.named.name
    if missing and not weak:
        text = "what the policies say is not applied, or was changed on the cluster since"
        yield Cause("not-applied", text, Fixer.PLATFORM, f"iamrbac plan --cluster {cluster}")
    ended = [one for one in taken.says.ended if one.mine] if taken.says is not None else []
    for one in ended if extra else ():
        text = f"the temporary grant {one.name} of {one.team} ended on {one.not_after}: the next apply takes it away"
        yield Cause("grant-expired", text, Fixer.PLATFORM, f"iamrbac apply --cluster {cluster}", origins=(one.origin,))
    if extra and not ended:
        text = "the policies do not give it any more, and that is not applied; or the index is older than they are"
        yield Cause("not-taken-away", text, Fixer.PLATFORM, f"iamrbac plan --cluster {cluster}")
