"""Why a sandbox cannot start."""

from __future__ import annotations

from iamrbac.model.errors import IamrbacError


class SandboxError(IamrbacError):
    """sandbox.yaml is wrong, or something of the sandbox does not start."""

    code = "ERR601"
