"""Whom somebody means by a name or an ARN on the command line. Pure."""

from __future__ import annotations

from iamrbac.model.arn import Arn, canonical, partition_of
from iamrbac.model.documents import Config
from iamrbac.model.errors import UsageError

_EXAMPLE = "name a user or role by its ARN, or a user of identity.account by its name"


def principal_arn(text: str, config: Config) -> str:
    """Return the ARN of the user or role that is meant; a name without ARN is a user's, with its path or without.

    Raises UsageError for what is neither; of a session it proposes the role, which is what a cluster maps.
    """
    if not text.startswith("arn:"):
        return _user(text, config)
    try:
        arn = Arn.parse(text)
    except ValueError as error:
        raise UsageError(str(error), hint=_EXAMPLE) from error
    if arn.kind in ("user", "role") and not arn.service_linked:
        return text
    message, hint = _no_principal(text, arn)
    raise UsageError(message, hint=hint)


def _no_principal(text: str, arn: Arn) -> tuple[str, str]:
    """Return message and next step for what no cluster maps, or we do not."""
    if arn.service_linked:
        return f"{text} is a role of an AWS service, which iamrbac never touches", "leave it to that service"
    if arn.kind == "assumed-role":
        message = f"{text} is one session, and a cluster maps its role: all its sessions go together"
        return message, f"name the role: {canonical(text)}"
    if arn.kind == "root":
        return f"{text} is an account's root user", "no policy maps it; look after its account instead"
    if arn.kind == "group":
        return f"{text} is a group, which no cluster maps", "name its members one by one, or change the policy"
    return f"{text} is neither a user nor a role", _EXAMPLE


def _user(text: str, config: Config) -> str:
    account = config.identity.account if config.identity is not None else None
    if account is None:
        raise UsageError(
            f"{text!r} is a name, and iamrbac.yaml has no identity.account that it could be of", hint="name the ARN"
        )
    written = f"arn:{partition_of(config.clusters[0].region)}:iam::{account}:user/{text.lstrip('/')}"
    try:
        return str(Arn.parse(written))
    except ValueError as error:
        raise UsageError(f"{text!r} is not the name of a user", hint=_EXAMPLE) from error
