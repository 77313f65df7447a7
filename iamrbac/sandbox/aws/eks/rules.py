"""What EKS takes in an access entry and refuses (eks-facts §1.2)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from iamrbac.model.arn import Arn, default_username
from iamrbac.sandbox.aws.eks import errors
from iamrbac.sandbox.aws.eks.errors import BadRequestError, EksError, InvalidParameterError

STANDARD = "STANDARD"
# Type → username that EKS makes where none is asked for. EC2 (Auto Mode) and HyperPod nodes: the role's default.
NODE_USERNAMES = {
    "EC2_LINUX": "system:node:{{EC2PrivateDNSName}}",
    "EC2_WINDOWS": "system:node:{{EC2PrivateDNSName}}",
    "EC2": "system:node:{{EC2PrivateDNSName}}",
    "FARGATE_LINUX": "system:node:{{SessionName}}",
    "HYBRID_LINUX": "system:node:{{SessionName}}",
    "HYPERPOD_LINUX": "system:node:{{SessionName}}",
}
NODE_GROUPS = ("system:nodes",)
USERNAME_BANS = ("system:", "eks:", "aws:", "amazon:", "iam:")
TEMPLATES = ("{{SessionName}}", "{{SessionNameRaw}}")
MOST_TAGS, LONGEST_TAG_KEY, LONGEST_TAG_VALUE = 50, 128, 256


def check_principal(text: str, type_: str, account: str) -> None:
    """Raise where an ARN cannot be a principal of this type in `account`'s cluster, existing or not."""
    try:
        principal = Arn.parse(text)
    except ValueError:
        raise InvalidParameterError(errors.INVALID_PRINCIPAL) from None
    if principal.service_linked:
        raise InvalidParameterError(errors.SERVICE_LINKED_ROLE)
    if principal.kind not in ("user", "role"):
        raise InvalidParameterError(errors.INVALID_PRINCIPAL)
    if type_ != STANDARD and (principal.kind != "role" or principal.account != account):
        raise InvalidParameterError(errors.INVALID_PRINCIPAL)


def check_type(type_: str) -> None:
    """Raise where there is no such type."""
    if type_ != STANDARD and type_ not in NODE_USERNAMES:
        raise InvalidParameterError(f"The specified type is invalid: {type_}.")


def check_username(username: str) -> None:
    """Raise for a username that EKS keeps to itself, or whose template has no colon before it."""
    for ban in USERNAME_BANS:
        if username.startswith(ban):
            raise InvalidParameterError(f"The username must not begin with {ban}")
    for template in TEMPLATES:
        before, found, _ = username.partition(template)
        if found and ":" not in before:
            raise InvalidParameterError(f"The username must have a colon before {template}")


def check_groups(groups: Sequence[str], type_: str) -> None:
    """Raise for a group of Kubernetes' own, and for any group where the type is not STANDARD."""
    if type_ != STANDARD:
        raise InvalidParameterError(errors.STANDARD_ONLY)
    for group in groups:
        if group.startswith("system:"):
            raise InvalidParameterError(
                f"The kubernetes group name {group} is invalid, it cannot start with system:",
            )


def check_tags(tags: Mapping[str, str], error: type[EksError] = BadRequestError) -> None:
    """Raise for tags that no AWS resource can have."""
    if len(tags) > MOST_TAGS:
        raise error(f"A resource can have at most {MOST_TAGS} tags.")
    for key, value in tags.items():
        if key.lower().startswith("aws:"):
            raise error(f"The tag key {key} is reserved: it begins with aws:")
        if not 1 <= len(key) <= LONGEST_TAG_KEY or len(value) > LONGEST_TAG_VALUE:
            raise error(f"A tag key has 1 to {LONGEST_TAG_KEY} characters, a value at most {LONGEST_TAG_VALUE}.")


def username_of(principal: str, type_: str) -> str:
    """Return the username that EKS gives a principal where none is asked for."""
    return NODE_USERNAMES.get(type_) or default_username(principal)
