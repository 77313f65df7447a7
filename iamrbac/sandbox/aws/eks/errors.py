"""The errors of EKS with the texts that real clients report (eks-facts §1.2, §1.3); ours where none is known."""

from __future__ import annotations

ENTRY_NOT_FOUND = (
    "The specified principalArn could not be found. You can view your available access entries with "
    "'list-access-entries'."
)
ENTRY_EXISTS = "The specified access entry resource is already in use on this cluster."
INVALID_PRINCIPAL = "The specified principalArn is invalid: invalid principal."
SERVICE_LINKED_ROLE = (
    "The caller is not allowed to modify access entries with a principalArn value of a Service Linked Role"
)
STANDARD_ONLY = 'This operation can only be performed on Access Entries with a type of "STANDARD".'
WRONG_MODE = (
    "The cluster's authentication mode must be set to one of [API, API_AND_CONFIG_MAP] to perform this operation."
)
NO_BOOTSTRAP = (
    "bootstrapClusterCreatorAdminPermissions must be true if cluster authentication mode is set to CONFIG_MAP"
)


class EksError(Exception):
    """An answer that is not 2xx: HTTP status, AWS error code and text."""

    status = 400
    code = "InvalidRequestException"

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self.text = text


class InvalidRequestError(EksError):
    """The state of the cluster does not allow it."""


class InvalidParameterError(EksError):
    """A value is not one."""

    code = "InvalidParameterException"


class ResourceLimitExceededError(EksError):
    """A quota is used up."""

    code = "ResourceLimitExceededException"


class ResourceNotFoundError(EksError):
    """The cluster, entry or update is not there."""

    status = 404
    code = "ResourceNotFoundException"


class ResourceInUseError(EksError):
    """It is there already, or another update is under way."""

    status = 409
    code = "ResourceInUseException"


class NotFoundError(EksError):
    """What tags are asked of is not there (the tag operations have errors of their own)."""

    status = 404
    code = "NotFoundException"


class BadRequestError(EksError):
    """Tags that cannot be."""

    code = "BadRequestException"
