"""Asking for an MFA code: on the terminal, never on stdout, which is kubectl's."""

from __future__ import annotations

import getpass
import json
import warnings
from collections.abc import Mapping

from iamrbac.token.errors import TokenError
from iamrbac.token.reasons import option


def ask(text: str, profile: str | None, environ: Mapping[str, str]) -> str:
    """Return the code that the person types. Raises TokenError where there is nobody to ask.

    kubectl says in KUBERNETES_EXEC_INFO whether the plug-in may ask (`spec.interactive`).
    """
    if not _interactive(environ):
        raise _nobody(profile)
    try:
        with warnings.catch_warnings():
            # getpass takes /dev/tty, else stdin if that is a terminal, else it warns before it reads.
            warnings.simplefilter("error", getpass.GetPassWarning)
            code = getpass.getpass(text).strip()
    except (getpass.GetPassWarning, EOFError, OSError) as error:
        raise _nobody(profile) from error
    if not code:
        raise TokenError("no MFA code was given", "try again, and type the code that your MFA device shows")
    return code


def _interactive(environ: Mapping[str, str]) -> bool:
    try:
        spec = json.loads(environ.get("KUBERNETES_EXEC_INFO") or "{}").get("spec")
    except (ValueError, AttributeError):
        return True
    return not (isinstance(spec, dict) and spec.get("interactive") is False)


def _nobody(profile: str | None) -> TokenError:
    return TokenError(
        "the role needs an MFA code, and there is no terminal to ask on",
        f"run `aws sts get-caller-identity{option(profile)}` in a terminal; the session that it gets is used here too",
    )
