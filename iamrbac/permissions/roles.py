"""IAM policy statements for the roles that groups may assume (`via: role`).

Which action is judged by which ARN: Service Authorization Reference, "AWS IAM". Nothing here lets anybody write a
policy into a group that the policies do not name: that would be a way to become anything in the account.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, Final

from iamrbac.compile.desired import Desired
from iamrbac.identity.assumable import PATH, AssumableRole, GroupPolicy

LOOK: Final = ("iam:ListRoles",)
"""Whether roles of ours are left, asked in the people's account by every run."""
WHOLE: Final = ("iam:GetAccountAuthorizationDetails", "iam:ListGroups")
POLICIES: Final = ("iam:GetPolicy", "iam:GetPolicyVersion")
"""AWS's own managed policies that users or groups have: who else gets in."""
IN_GROUPS: Final = ("iam:GetGroup", "iam:GetGroupPolicy", "iam:ListGroupPolicies")
ROLES: Final = ("iam:CreateRole", "iam:DeleteRole", "iam:TagRole", "iam:UpdateAssumeRolePolicy")


def role_statements(
    partition: str, account: str, wanted: Iterable[Desired], *, people: bool, writes: bool
) -> list[dict[str, Any]]:
    """Return the statements for one account; `people` says that it is the one that is always looked at."""
    items = [item for item in wanted if item.key.account == account]
    if not items:
        return [_allow(LOOK, ["*"])] if people else []
    prefix = f"arn:{partition}:iam::{account}"
    names = [item.key.name for item in items if isinstance(item.spec, AssumableRole)]
    groups = sorted({item.spec.group for item in items if isinstance(item.spec, GroupPolicy)})
    # A role that has the name and another path is looked for too: names are there once in an account.
    roles = [f"{prefix}:role{PATH}*", *(f"{prefix}:role/{place}{name}" for name in names for place in ("", "*/"))]
    statements = [
        _allow((*LOOK, *WHOLE), ["*"]),
        _allow(("iam:GetRole",), roles),
        _allow(IN_GROUPS, [f"{prefix}:group/*"]),
        _allow(POLICIES, [f"arn:{partition}:iam::aws:policy/*"]),
    ]
    if writes:
        statements.append(_allow(ROLES, [f"{prefix}:role{PATH}*"]))
        statements.append(_allow(("iam:DeleteGroupPolicy",), [f"{prefix}:group/*"]))
        named = [f"{prefix}:group/{place}{name}" for name in groups for place in ("", "*/")]
        statements.append(_allow(("iam:PutGroupPolicy",), named))
    return statements


def _allow(actions: Sequence[str], resources: Sequence[str]) -> dict[str, Any]:
    return {"Effect": "Allow", "Action": sorted(actions), "Resource": sorted(resources)}
