"""What the services that keep things for us say when they refuse, in one line with the next step."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, TypeVar

from botocore.exceptions import BotoCoreError, ClientError

from iamrbac.model.errors import IamrbacError

T = TypeVar("T")
_DENIED: Final = frozenset({"AccessDenied", "AccessDeniedException", "403"})


def code_of(error: ClientError) -> str:
    """Return AWS's error code, "" without one."""
    return str(error.response.get("Error", {}).get("Code", ""))


@dataclass(frozen=True, slots=True)
class Asking:
    """How failures of one place are told."""

    fault: type[IamrbacError]
    where: str
    denied: str
    """What must be so, beside the permission, for access not to be denied: `the bucket must be of account 1`."""
    otherwise: str
    """The next step for what AWS says else."""

    def ask(self, action: str, ask: Callable[[], T]) -> T:
        """Ask, and raise the place's own error for whatever botocore raises; `action` is the IAM permission."""
        try:
            return ask()
        except ClientError as error:
            code = code_of(error)
            reason = " ".join(str(error.response.get("Error", {}).get("Message", "")).split()).rstrip(".")
            hint = f"ask for {action} there; {self.denied}" if code in _DENIED else self.otherwise
            message = f"{action} failed with {code or 'an unknown error'}: {reason or 'no reason given'}"
            raise self.fault(message, where=self.where, hint=hint) from error
        except (BotoCoreError, KeyError, ValueError) as error:
            said = " ".join(str(error).split()).rstrip(".")
            hint = "check the network, the credentials and AWS_ENDPOINT_URL"
            raise self.fault(f"{action} failed: {said}", where=self.where, hint=hint) from error
