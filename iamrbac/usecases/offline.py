"""IAM where people come from a file: it is asked only about what a plan may change there."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from iamrbac.compile.desired import Desired
from iamrbac.identity.snapshot import Way
from iamrbac.plan.accounts import AccountState
from iamrbac.plan.observed import Observed
from iamrbac.usecases.ports import Iam


@dataclass(frozen=True, slots=True)
class WantedOnly:
    """The Iam port that leaves accounts alone where the policies want no role of ours.

    What was left there by policies of before is not looked for, so that it stays: whoever uses this must say so.
    """

    iam: Iam

    def account(
        self,
        account: str,
        instance: str,
        roles: Collection[str],
        groups: Collection[str],
        *,
        known: Collection[str],
        way: Way | None = None,
    ) -> AccountState:
        """Read an account where something is wanted; of any other say nothing. Raises AwsError."""
        if not roles and not groups:
            return AccountState(account)
        return self.iam.account(account, instance, roles, groups, known=known, way=way)

    def create(self, desired: Desired) -> None:
        """Create it. Raises ExistsError, AwsError."""
        self.iam.create(desired)

    def update(self, observed: Observed, desired: Desired) -> None:
        """Change it. Raises ConflictError, AwsError."""
        self.iam.update(observed, desired)

    def delete(self, observed: Observed) -> None:
        """Delete it. Raises ConflictError, AwsError."""
        self.iam.delete(observed)
