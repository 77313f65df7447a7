"""How changes in IAM read: what of a document differs, in words."""

from __future__ import annotations

from iamrbac.identity.assumable import AssumableRole, GroupPolicy, suspended_names
from iamrbac.plan.change import AccountPlan, Change


def iam_head(account: AccountPlan) -> str:
    """Return the line above an account's changes."""
    return f"account {account.account}  IAM, for all clusters"


def iam_details(change: Change) -> list[str]:
    """Return what a change in IAM means beside its name."""
    before = change.before.spec if change.before is not None else None
    after = change.after.spec if change.after is not None else None
    if isinstance(after, AssumableRole):
        out, was = suspended_names(after.trust), frozenset[str]()
        lines: list[str] = []
        if isinstance(before, AssumableRole):
            was = suspended_names(before.trust)
            if before.trust != after.trust and was == out:
                lines.append("trust: not as it was written → the account's users, each under their own name")
        lines += [f"+ kept out: {name}" for name in sorted(out - was)]
        return lines + [f"- kept out: {name}" for name in sorted(was - out)]
    if isinstance(before, GroupPolicy) and isinstance(after, GroupPolicy) and before.document != after.document:
        return ["document: not as it was written → it lets the group assume the role"]
    return []
