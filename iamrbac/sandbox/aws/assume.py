"""sts:AssumeRole of roles of ours, judged by their trust and by the user's policies.

moto lets everybody assume every role. Only roles below our path are judged: what others in the sandbox may assume is no
part of it, and the sandbox's own roles have no trust that means anything.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from moto.iam.models import iam_backends

from iamrbac.identity.assumable import PATH, AssumableRole
from iamrbac.identity.assume import IamUserRights, May, may_assume
from iamrbac.model.arn import Arn, partition_of
from iamrbac.sandbox.aws.http import AwsRequest, Reply
from iamrbac.sandbox.aws.keys import find_key
from iamrbac.sandbox.aws.sts import RefusedError, refusal

ACTION = "AssumeRole"


def answer(request: AwsRequest) -> Reply | None:
    """Return the refusal where IAM would refuse; None where moto may go on."""
    form = request.form
    try:
        arn = Arn.parse(form.get("RoleArn", ""))
    except ValueError:
        return None
    if form.get("Action") != ACTION or arn.kind != "role" or arn.path != PATH:
        return None
    partition = partition_of(request.region)
    key = find_key(request.access_key, partition)
    if key is not None and _may(str(arn), key.identity.arn, form):
        return None
    who = key.identity.arn if key is not None else "nobody"
    text = f"User: {who} is not authorized to perform: sts:AssumeRole on resource: {arn}"
    return refusal(RefusedError("AccessDenied", text), as_json=False)


def _may(role: str, caller: str, form: Any) -> bool:
    who, arn = Arn.parse(caller), Arn.parse(role)
    names = {form.get("RoleSessionName", ""), form.get("SourceIdentity", who.name)}
    # The session of a role has no user name, which the trust asks for.
    if who.kind != "user" or names != {who.name} or arn.account not in iam_backends:
        return False
    found = next((one for one in iam_backends[arn.account][arn.partition].get_roles() if one.arn == role), None)
    if found is None:
        return False
    backend = iam_backends[who.account][who.partition]
    rights = IamUserRights(caller, dict(_policies(backend, who.name)))
    return may_assume(AssumableRole(role, str(found.assume_role_policy_document)), rights) is May.YES


def _policies(backend: Any, name: str) -> Iterator[tuple[str, str]]:
    """Yield the name and the document of every policy that speaks for a user."""
    user = backend.users[name]
    groups = [group for group in list(backend.groups.values()) if user in group.users]
    for holder in (user, *groups):
        for policy, document in list(holder.policies.items()):
            yield f"{holder.name}/{policy}", str(document)
        for arn, managed in list(holder.managed_policies.items()):
            yield arn, str(managed.document)
