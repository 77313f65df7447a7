"""The errors that a person can meet. Each has a stable code, an exit code and a next step."""

from __future__ import annotations

from typing import ClassVar


class IamrbacError(Exception):
    """Something could not be done or known.

    `message` says what and why, `where` the file, object or cluster, `hint` the next step.
    None of them may hold a secret.
    """

    code: ClassVar[str] = "ERR000"
    exit_code: ClassVar[int] = 1

    def __init__(self, message: str, *, where: str = "", hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.where = where
        self.hint = hint

    def __str__(self) -> str:
        line = f"{self.where}: {self.message}" if self.where else self.message
        return f"{line}. Next: {self.hint}" if self.hint else line


class UsageError(IamrbacError):
    """The command line asks for something that does not exist or does not go together (exit 64)."""

    code = "ERR064"
    exit_code = 64


class RepositoryError(IamrbacError):
    """The access repository cannot be found or read (not: what it says is wrong, which is a finding)."""

    code = "ERR101"


class HistoryError(IamrbacError):
    """A revision of the access repository cannot be found or read in git."""

    code = "ERR102"


class AwsError(IamrbacError):
    """AWS refused, did not answer, or answered what cannot be understood."""

    code = "ERR201"


class KubeError(IamrbacError):
    """A cluster's API refused, did not answer, or answered what cannot be understood."""

    code = "ERR202"


class ForbiddenError(KubeError):
    """The caller may not do this on the cluster (HTTP 403)."""


class NoNamespaceError(KubeError):
    """The namespace that something is to be written to is not there (HTTP 404)."""


class ConflictError(KubeError):
    """The object changed between our read and our write (HTTP 409, stale resourceVersion)."""

    code = "ERR203"


class ExistsError(KubeError):
    """An object of that name is already there and is not ours: a refusal, never a silent adoption."""

    code = "ERR204"


class NotMappedError(KubeError):
    """The cluster takes the caller's token for nobody's (HTTP 401): no access entry and no aws-auth row maps it."""

    code = "ERR208"


class AwsAuthError(IamrbacError):
    """The aws-auth ConfigMap does not parse, or an edit would not give what was intended; nothing was written."""

    code = "ERR205"


class KubeconfigError(IamrbacError):
    """The kubeconfig cannot be read, merged or written; it was left as it was."""

    code = "ERR206"


class DeliveryError(IamrbacError):
    """A delivery repository cannot be read, committed to, pushed to, or proposed to; nothing is half pushed."""

    code = "ERR211"


class MovedError(DeliveryError):
    """The branch moved between our fetch and our push: fetch, look again, try again."""

    code = "ERR212"


class LockError(IamrbacError):
    """Somebody else is writing to the cluster, or it cannot be known; nothing was written."""

    code = "ERR213"


class ApplySetError(IamrbacError):
    """Our ApplySet's parent on a cluster is somebody else's, or it cannot be known; no access was changed."""

    code = "ERR215"


class RecordError(IamrbacError):
    """The record of what was applied to a cluster is not there or cannot be read, so that drift is not known."""

    code = "ERR216"


class BackupError(IamrbacError):
    """A backup cannot be written, so nothing else was; or one cannot be read, which is not an empty one."""

    code = "ERR214"


class AccessIndexError(IamrbacError):
    """The access index is not there, cannot be read or verified, or is none; no other source stands in for it."""

    code = "ERR217"


class AuditLogError(IamrbacError):
    """An audit log cannot be read, so that nothing is known of what it would tell; other files are read."""

    code = "ERR221"


class MigrateError(IamrbacError):
    """A migration stopped: the cluster is not as it was agreed to, a write failed, or a probe is not who it was."""

    code = "ERR230"


class ModeError(IamrbacError):
    """A cluster's authentication mode could not be changed, or not in time; nothing else was changed."""

    code = "ERR231"


class ClusterTimeoutError(IamrbacError):
    """A cluster took longer than it may; what was not sent to it by then is not sent any more."""

    code = "ERR250"


class FleetStateError(IamrbacError):
    """How far a run over the fleet came cannot be read or kept; the clusters themselves know it too."""

    code = "ERR251"


class OutputError(IamrbacError):
    """A folder or stdout cannot be written as asked; files of others in a folder were left as they were."""

    code = "ERR209"


class OccupiedError(IamrbacError):
    """A new repository's files are there already; nothing was written (exit 3)."""

    code = "ERR210"
    exit_code = 3


class StalePlanError(IamrbacError):
    """A saved plan no longer fits the policy or the target (exit 4). `details` are lines that say what changed."""

    code = "ERR301"
    exit_code = 4

    def __init__(self, message: str, *, where: str = "", hint: str = "", details: tuple[str, ...] = ()) -> None:
        super().__init__(message, where=where, hint=hint)
        self.details = details


class DeclinedError(IamrbacError):
    """The person said no, or there was nobody to ask (exit 5)."""

    code = "ERR302"
    exit_code = 5


class CheckoutError(IamrbacError):
    """The access repository cannot be fetched or checked out by `sync`, so that nothing is known of what it says."""

    code = "ERR240"


class OvertimeError(IamrbacError):
    """A cluster kept `sync` longer than it may: nothing more is asked of it or written to it in this round."""

    code = "ERR241"


class EndedError(IamrbacError):
    """This `sync` was told to end, or does not lead any more: nothing more is written."""

    code = "ERR242"


class InClusterError(IamrbacError):
    """`sync` does not run in a Pod, or its ServiceAccount's token cannot be read."""

    code = "ERR243"
