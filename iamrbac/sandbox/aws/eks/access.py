"""One cluster's access: authentication mode, entries, policy associations, updates. The caller holds the lock."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal, TypeAlias

from iamrbac.sandbox.aws.eks import errors, rules
from iamrbac.sandbox.aws.eks.errors import (
    InvalidParameterError,
    InvalidRequestError,
    ResourceInUseError,
    ResourceLimitExceededError,
    ResourceNotFoundError,
)
from iamrbac.sandbox.aws.eks.policies import AUTO_NODE, policy_name

Mode: TypeAlias = Literal["CONFIG_MAP", "API_AND_CONFIG_MAP", "API"]
MODES: tuple[Mode, ...] = ("CONFIG_MAP", "API_AND_CONFIG_MAP", "API")
MOST_ENTRIES, MOST_POLICIES = 3000, 20


@dataclass(slots=True)
class Association:
    """An access policy on an entry."""

    policy: str
    scope: Literal["cluster", "namespace"]
    namespaces: tuple[str, ...]
    associated_at: datetime
    modified_at: datetime


@dataclass(slots=True)
class Entry:
    """An access entry."""

    principal: str
    principal_id: str
    """The principal's unique id when the entry was made; EKS recognises callers by it, and shows it nowhere."""
    username: str
    groups: tuple[str, ...]
    type: str
    arn: str
    created_at: datetime
    modified_at: datetime
    request: tuple[object, ...]
    """What was asked for, with the client's token: the same call again (a retry) is no conflict."""
    tags: dict[str, str] = field(default_factory=dict)
    associations: dict[str, Association] = field(default_factory=dict)


@dataclass(slots=True)
class Update:
    """A change of the authentication mode that takes a while."""

    id: str
    mode: Mode
    created_at: datetime
    status: Literal["InProgress", "Successful"] = "InProgress"


@dataclass(slots=True)
class ClusterAccess:
    """A cluster's access as EKS keeps it."""

    name: str
    account: str
    region: str
    partition: str
    mode: Mode = "CONFIG_MAP"
    bootstrap: bool = True
    """bootstrapClusterCreatorAdminPermissions, as it was when the cluster was made."""
    entries: dict[str, Entry] = field(default_factory=dict)
    updates: dict[str, Update] = field(default_factory=dict)

    def entry(self, principal: str) -> Entry:
        """Return a principal's entry. Raises as EKS does where there is none, or the mode has none."""
        self._need_entries()
        try:
            return self.entries[principal]
        except KeyError:
            raise ResourceNotFoundError(errors.ENTRY_NOT_FOUND) from None

    def all_entries(self, policy: str = "") -> list[str]:
        """Return the principals of all entries, sorted; of those with an access policy where one is named."""
        self._need_entries()
        return sorted(arn for arn, entry in self.entries.items() if not policy or policy in entry.associations)

    def create(
        self,
        principal: str,
        now: datetime,
        unique_id: Callable[[str], str | None],
        *,
        username: str = "",
        groups: Sequence[str] = (),
        type_: str = rules.STANDARD,
        tags: Mapping[str, str] | None = None,
        token: str = "",
    ) -> Entry:
        """Create an entry. `unique_id` knows which principals there are; raises whatever EKS would refuse."""
        self._need_entries()
        asked = (token, principal, username, tuple(groups), type_, tuple(sorted((tags or {}).items())))
        self._check_create(principal, username, groups, type_, tags or {})
        principal_id = unique_id(principal)
        if principal_id is None:
            raise InvalidParameterError(errors.INVALID_PRINCIPAL)
        there = self.entries.get(principal)
        if there is not None and token and there.request == asked:
            return there
        if there is not None:
            raise ResourceInUseError(errors.ENTRY_EXISTS)
        if len(self.entries) >= MOST_ENTRIES:
            raise ResourceLimitExceededError(f"The cluster has the maximum of {MOST_ENTRIES} access entries.")
        entry = Entry(
            principal=principal,
            principal_id=principal_id,
            username=username or rules.username_of(principal, type_),
            groups=tuple(dict.fromkeys(groups)) if type_ == rules.STANDARD else rules.NODE_GROUPS,
            type=type_,
            arn=self._entry_arn(principal),
            created_at=now,
            modified_at=now,
            request=asked,
            tags=dict(tags or {}),
        )
        self.entries[principal] = entry
        return entry

    def update(self, principal: str, now: datetime, username: str | None, groups: Sequence[str] | None) -> Entry:
        """Change what is given and leave what is None; groups are declarative: all that there shall be."""
        entry = self.entry(principal)
        if username:
            rules.check_username(username)
        if groups is not None:
            rules.check_groups(groups, entry.type)
            entry.groups = tuple(dict.fromkeys(groups))
        entry.username = username or entry.username
        entry.modified_at = now
        return entry

    def delete(self, principal: str) -> None:
        """Delete an entry, and its policy associations with it."""
        self.entry(principal)
        del self.entries[principal]

    def associate(
        self, principal: str, policy: str, scope: str, namespaces: Sequence[str], now: datetime
    ) -> Association:
        """Associate an access policy; one that is associated already gets the new scope."""
        entry = self.entry(principal)
        name = policy_name(policy, self.partition)
        if name is None:
            raise InvalidParameterError("The specified policyArn is invalid: invalid policy.")
        if entry.type != rules.STANDARD and not (entry.type == "EC2" and name == AUTO_NODE):
            raise InvalidParameterError(errors.STANDARD_ONLY)
        if scope == "namespace" and namespaces and all(namespaces):
            kind: Literal["cluster", "namespace"] = "namespace"
        elif scope == "cluster" and not namespaces:
            kind = "cluster"
        else:
            raise InvalidParameterError("The accessScope is invalid: namespaces go with type namespace.")
        old = entry.associations.get(policy)
        if old is None and len(entry.associations) >= MOST_POLICIES:
            raise ResourceLimitExceededError(f"The access entry has the maximum of {MOST_POLICIES} access policies.")
        since = old.associated_at if old is not None else now
        entry.associations[policy] = Association(policy, kind, tuple(dict.fromkeys(namespaces)), since, now)
        return entry.associations[policy]

    def disassociate(self, principal: str, policy: str) -> None:
        """Take an access policy off an entry."""
        if self.entry(principal).associations.pop(policy, None) is None:
            raise ResourceNotFoundError("The specified policyArn could not be found on the access entry.")

    def change_mode(self, mode: str, now: datetime) -> Update:
        """Begin to change the authentication mode; one step forward at a time, never back, never to the same."""
        running = next((update for update in self.updates.values() if update.status == "InProgress"), None)
        if running is not None:
            text = f"because cluster {self.name} currently has update {running.id} in progress"
            raise ResourceInUseError(f"Cannot AccessConfigUpdate {text}")
        after = MODES[MODES.index(self.mode) + 1 :][:1]
        if mode not in after:
            raise InvalidParameterError(f"Unsupported authentication mode update from {self.mode} to {mode}")
        update = Update(str(uuid.uuid4()), after[0], now)
        self.updates[update.id] = update
        return update

    def finish(self, update: Update) -> None:
        """Let an update take effect."""
        self.mode = update.mode
        update.status = "Successful"

    def _need_entries(self) -> None:
        if self.mode == "CONFIG_MAP":
            raise InvalidRequestError(errors.WRONG_MODE)

    def _check_create(
        self, principal: str, username: str, groups: Sequence[str], type_: str, tags: Mapping[str, str]
    ) -> None:
        rules.check_type(type_)
        rules.check_principal(principal, type_, self.account)
        if username:
            rules.check_username(username)
        if groups:
            rules.check_groups(groups, type_)
        rules.check_tags(tags, InvalidParameterError)

    def _entry_arn(self, principal: str) -> str:
        """Return a new entry's ARN; a role's path does not stand in it (eks-facts §1.2)."""
        kind, _, path_and_name = principal.split(":", 5)[5].partition("/")
        owner = f"{kind}/{principal.split(':')[4]}/{path_and_name.rsplit('/', 1)[-1]}"
        prefix = f"arn:{self.partition}:eks:{self.region}:{self.account}:access-entry"
        return f"{prefix}/{self.name}/{owner}/{uuid.uuid4()}"
