"""Whether the packages of the extra `sandbox` are there."""

from __future__ import annotations

from importlib.util import find_spec

from iamrbac.model.errors import UsageError

PACKAGES = ("flask", "flask_cors", "moto", "trustme", "werkzeug")


def require() -> None:
    """Raise UsageError, with what to install, unless the sandbox can run. Imports nothing."""
    missing = [name for name in PACKAGES if find_spec(name) is None]
    if missing:
        raise UsageError(
            f"the sandbox needs packages that are not installed ({', '.join(missing)})",
            hint="pip install 'iamrbac[sandbox]'",
        )
