"""The commands that ask AWS or a cluster for something, and what each does there."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Final


class Command(StrEnum):
    """A command that needs rights."""

    IMPORT = "import"
    MIGRATE = "migrate"
    PLAN = "plan"
    APPLY = "apply"
    SYNC = "sync"
    """What `apply` does, and its own Lease in the home namespace, beside those of the applies."""
    FLEET = "fleet"
    """`fleet apply`; `fleet plan` needs what `plan` does."""
    SNAPSHOT = "snapshot"
    CAN = "can"
    """`can`, `who-can` and `access` with --live."""
    REPORT = "report"
    """With --live."""
    ROLLBACK = "rollback"
    REVOKE = "revoke"
    HISTORY = "history"
    STATUS = "status"
    DRIFT = "drift"
    INDEX = "index"
    KUBECONFIG = "kubeconfig"
    WHOAMI = "whoami"
    REQUEST = "request"
    AUDIT_LOG = "audit-log"
    DOCTOR = "doctor"
    """About oneself; with --principal it needs what `can --live` does."""


@dataclass(frozen=True, slots=True)
class Does:
    """What a command does."""

    people: bool = False
    """It asks IAM who is who."""
    roles: bool = False
    """It looks at the IAM roles that groups may assume."""
    everybody: bool = False
    """It asks IAM about every user and role that clusters map, and who is in which group."""
    mapped: bool = False
    """It asks IAM whether users and roles that clusters map are still there."""
    mappings: bool = False
    """It reads access entries and aws-auth."""
    rbac: bool = False
    """It reads RBAC objects and namespaces."""
    maps: bool = False
    """It writes access entries and aws-auth, and keeps objects of its own in the home namespace."""
    grants: bool = False
    """It writes RBAC objects too."""
    witness: bool = False
    """It asks for single RBAC objects (who changed them), and for what Argo CD or Flux says of itself."""
    record: bool = False
    """It reads the record of what was applied, and asks for single RBAC objects (who changed them)."""
    kept: bool = False
    """It reads the backups."""
    gives_back: bool = False
    """It takes our tags off access entries that were adopted."""
    migrates: bool = False
    """It makes access entries of rows of aws-auth, and changes the authentication mode."""
    clusters: bool = True
    """It asks EKS where clusters are."""
    keeps_index: bool = False
    """It reads and writes the access index."""
    by_index: bool = False
    """It goes by the access index where there is one, and then asks EKS for nothing."""


DOES: Final = {
    Command.IMPORT: Does(everybody=True, mappings=True, rbac=True),
    Command.MIGRATE: Does(mappings=True, rbac=True, migrates=True),
    Command.PLAN: Does(people=True, mapped=True, roles=True, mappings=True, rbac=True),
    Command.APPLY: Does(people=True, mapped=True, roles=True, mappings=True, rbac=True, maps=True, grants=True),
    Command.SYNC: Does(people=True, mapped=True, roles=True, mappings=True, rbac=True, maps=True, grants=True),
    Command.FLEET: Does(people=True, mapped=True, roles=True, mappings=True, rbac=True, maps=True, grants=True),
    Command.SNAPSHOT: Does(people=True, clusters=False),
    Command.CAN: Does(mappings=True, rbac=True),
    Command.REPORT: Does(mappings=True, rbac=True),
    Command.ROLLBACK: Does(mappings=True, rbac=True, maps=True, grants=True, kept=True, gives_back=True),
    Command.REVOKE: Does(mappings=True, rbac=True, maps=True),
    Command.HISTORY: Does(kept=True),
    Command.STATUS: Does(mappings=True, rbac=True, witness=True),
    Command.DRIFT: Does(mappings=True, rbac=True, record=True),
    Command.INDEX: Does(people=True, keeps_index=True),
    Command.KUBECONFIG: Does(by_index=True),
    Command.WHOAMI: Does(by_index=True),
    Command.REQUEST: Does(clusters=False),
    Command.AUDIT_LOG: Does(clusters=False),
    Command.DOCTOR: Does(by_index=True),
}
