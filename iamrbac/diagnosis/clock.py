"""The second check: this machine's clock, by the Date of answers.

AWS refuses a signature that is more than 5 minutes off, and EKS a token older than 15 (Signature Version 4;
aws-iam-authenticator, pkg/token, `now <= date + 15 min`).
"""

from __future__ import annotations

from datetime import timedelta
from typing import Final

from iamrbac.diagnosis.verdict import Cause, Fixer, Verdict, failed, ok, unknown

CHECK: Final = "clock"
SIGNATURE: Final = timedelta(minutes=5)
TOKEN: Final = timedelta(minutes=15)
_WORTH_SAYING: Final = timedelta(seconds=30)


def judge(aws: timedelta | None, cluster: timedelta | None) -> Verdict:
    """Judge the clocks of AWS and of the cluster minus ours; None where there was no answer with a date."""
    offset = aws if aws is not None else cluster
    if offset is None:
        return unknown(CHECK, "nothing answered with a date to compare with")
    whose = "AWS's" if aws is not None else "the cluster's"
    if not breaks_signatures(offset):
        near = abs(offset) < _WORTH_SAYING
        return ok(CHECK, f"as {whose}" if near else f"{_shown(offset)} {whose}, which does no harm")
    harm = "every token is too old for EKS" if abs(offset) >= TOKEN else "AWS refuses whatever is signed here"
    cause = Cause(
        "clock-skew",
        f"this machine's clock is {_shown(offset)} {whose}: {harm}",
        Fixer.YOU,
        "set the clock: timedatectl set-ntp true (in a container or WSL: on its host)",
        sure=True,
    )
    return failed(CHECK, f"{_shown(offset)} {whose}", [cause])


def breaks_signatures(offset: timedelta | None) -> bool:
    """Say whether AWS refuses what is signed with a clock that is this much off."""
    return offset is not None and abs(offset) >= SIGNATURE


def _shown(offset: timedelta) -> str:
    seconds = round(abs(offset).total_seconds())
    minutes, rest = divmod(seconds, 60)
    amount = f"{minutes} min" if minutes else f"{rest} s"
    return f"{amount} {'behind' if offset > timedelta() else 'ahead of'}"
