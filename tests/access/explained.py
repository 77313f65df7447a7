"""Holding a change of access against answers, whoever gave them: our authorizer, or an API server before and after."""

from __future__ import annotations

from datetime import UTC, datetime

from iamrbac.access.effective import Delta, delta
from iamrbac.access.judge import Judge, Somebody
from iamrbac.access.world import World
from iamrbac.rbac.objects import RbacState, Request, User

AT = datetime(2026, 6, 1, 12, tzinfo=UTC)


def delta_of(before: RbacState, after: RbacState, user: User) -> Delta | None:
    """Return what changes for somebody whom a cluster takes for `user` before and after.

    The groups are complete: system:authenticated is among them where the answers are given with it (`delta` adds it,
    as the API server does; a SubjectAccessReview does not).
    """
    somebody = Somebody("somebody", user)
    return delta("a cluster", Judge(World(rbac=before)), somebody, Judge(World(rbac=after)), somebody, AT)


def unexplained(change: Delta | None, request: Request, before: bool, after: bool) -> str:
    """Return what is wrong with a change beside two answers to one request; "" where it explains them.

    Denied and then allowed must be in a gain and in no loss, allowed and then denied in a loss and in no gain.
    """
    gained = change is not None and change.about(request, "gain")
    lost = change is not None and change.about(request, "lose")
    if not before and after and (not gained or lost):
        return "it is allowed now, and no gain says so" if not gained else "it is allowed now, and a loss speaks of it"
    if before and not after and (not lost or gained):
        return "it is denied now, and no loss says so" if not lost else "it is denied now, and a gain speaks of it"
    if not before and not after and (gained or lost):
        return "it is denied as before, and a change speaks of it"
    return ""
