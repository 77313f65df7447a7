"""The edges of `migrate`: those of apply, EKS's modes, and tokens of whoever is to notice nothing."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from random import SystemRandom
from typing import TYPE_CHECKING

from iamrbac.usecases.migrate_ports import MigrateEdges, Probe

if TYPE_CHECKING:
    from iamrbac.aws.accounts import Accounts
    from iamrbac.plan.change import Plan
    from iamrbac.plan.observed import Target
    from iamrbac.usecases.keep import Keeping
    from iamrbac.usecases.lock import Locking
    from iamrbac.usecases.migrate import Wanted
    from iamrbac.usecases.migrate_how import How
    from iamrbac.usecases.ports import OwnAccess, Progress
    from iamrbac.usecases.recording import Recording


def edges(root: Path | None, profiles: Sequence[str]) -> MigrateEdges:
    """Return them, with the credentials of the environment, and those of each profile to probe with.

    Raises AwsError.
    """
    from iamrbac import wiring
    from iamrbac.aws.accounts import Accounts
    from iamrbac.aws.eks import EksApi
    from iamrbac.aws.session import session

    own = Accounts(session())
    probes = [_probe("you", own, own=True)]
    probes += [_probe(profile, Accounts(session(profile)), own=False) for profile in profiles]
    return MigrateEdges(wiring.edges(root, aws=own), EksApi(own), tuple(probes))


def how(
    wanted: Wanted,
    progress: Progress,
    locking: Locking | None,
    leaving: Callable[[Plan, str], tuple[Keeping | None, Recording | None]],
    *,
    settle: float,
    timeout: float,
    keep_rows: bool,
) -> How:
    """Return how to go about it, with the clocks of this machine."""
    from iamrbac.usecases.migrate_how import How
    from iamrbac.usecases.rows import pause_after

    chance = SystemRandom().random
    return How(
        wanted.instance,
        wanted.home,
        wanted.keeping,
        progress,
        time.sleep,
        time.monotonic,
        lambda: datetime.now(UTC),
        locking,
        leaving,
        settle,
        timeout,
        keep_rows,
        lambda conflicts: time.sleep(pause_after(conflicts, chance())),
    )


def _probe(name: str, accounts: Accounts, *, own: bool) -> Probe:
    """Return a probe. Whoever runs this comes by the role that the config names for a cluster; others as themselves."""
    from iamrbac import wiring

    opener = wiring.kube_opener(accounts)

    def arn(target: Target) -> str:
        return target.role.role_arn if own and target.role is not None else accounts.caller().arn

    def open_(target: Target) -> OwnAccess:
        return opener(target if own else replace(target, role=None))

    return Probe(name, arn, open_)
