"""The people, groups and roles of a sandbox, put into moto's IAM in this process."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any

from moto.iam.models import iam_backends

from iamrbac.model.arn import Arn, partition_of
from iamrbac.sandbox.errors import SandboxError
from iamrbac.sandbox.spec import RoleSpec
from iamrbac.sandbox.world import World

NODE_ROLE = "eks-node-role"
CLUSTER_ROLE = "eks-cluster-role"


@dataclass(frozen=True, slots=True)
class Profile:
    """Somebody's access key in one account, as a profile of the credentials file."""

    name: str
    user: str
    arn: str
    account: str
    access_key: str
    secret_key: str = field(repr=False)


class Directory:
    """Who is who in the sandbox's accounts. All accounts are of one partition, the first cluster's."""

    def __init__(self, world: World) -> None:
        self._region = world.clusters[0].cluster.region
        self.partition = partition_of(self._region)
        self.account = world.account
        self.profiles: dict[str, Profile] = {}
        self._fill(world)

    def __contains__(self, name: str) -> bool:
        return name in self._backend(self.account).users

    def arn(self, name: str) -> str:
        """Return the ARN of a user of the people's account. Raises SandboxError for one that is not there."""
        user = self._backend(self.account).users.get(name)
        if user is None:
            raise SandboxError(f"there is no user {name} in the sandbox", hint=f"one of {', '.join(self.profiles)}")
        return str(user.arn)

    def role_arn(self, name: str, account: str) -> str:
        """Return the ARN of a role, path included."""
        return str(self._backend(account).get_role(name).arn)

    def add_to_group(self, user: str, group: str) -> None:
        """Add a user to a group of the people's account."""
        self._backend(self.account).add_user_to_group(group, user)

    def remove_from_group(self, user: str, group: str) -> None:
        """Take a user out of a group of the people's account."""
        self._backend(self.account).remove_user_from_group(group, user)

    def _backend(self, account: str) -> Any:
        return iam_backends[account][self.partition]

    def _fill(self, world: World) -> None:
        for group in world.groups:
            self._backend(world.account).create_group(group)
        for person in world.people:
            self._make_user(world.account, person.user, person.path, person.user)
            for group in person.groups:
                self.add_to_group(person.user, group)
        # An access key belongs to one account: an admin is a user, with a profile, in each of them.
        for account in world.accounts[1:]:
            for admin in world.admins:
                self._make_user(account, admin.user, admin.path, f"{admin.user}-{account}")
        for account in world.accounts:
            own = (RoleSpec(name=NODE_ROLE), RoleSpec(name=CLUSTER_ROLE))
            for role in {role.name: role for role in (*own, *world.roles)}.values():
                self._make_role(account, role)
        for arn in map(Arn.parse, world.role_arns):
            self._make_role(arn.account, RoleSpec(name=arn.name, path=arn.path))

    def _make_user(self, account: str, name: str, path: str, profile: str) -> None:
        backend = self._backend(account)
        user = backend.create_user(self._region, name, path)
        key = backend.create_access_key(name)
        self.profiles[profile] = Profile(
            profile, name, str(user.arn), account, str(key.access_key_id), str(key.secret_access_key)
        )

    def _make_role(self, account: str, role: RoleSpec) -> None:
        trust = {
            "Version": "2012-10-17",
            "Statement": [
                {
                    "Effect": "Allow",
                    "Principal": {"AWS": f"arn:{self.partition}:iam::{account}:root"},
                    "Action": "sts:AssumeRole",
                }
            ],
        }
        self._backend(account).create_role(
            role_name=role.name,
            assume_role_policy_document=json.dumps(trust),
            path=role.path,
            permissions_boundary=None,
            description="made by the sandbox",
            tags=[],
            max_session_duration=None,
        )
