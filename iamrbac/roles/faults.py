"""What can be wrong with a role template. The compiler makes a finding of it, at the policy that asked for the role."""

from __future__ import annotations

from iamrbac.compile.desired import RoleFault

MISSING = "TPL001"
UNREADABLE = "TPL002"
SYNTAX = "TPL003"
UNDEFINED = "TPL004"
UNKNOWN_PARAMETER = "TPL005"
FORBIDDEN = "TPL006"
TOO_LARGE = "TPL007"
NOT_YAML = "TPL008"
NOT_RULES = "TPL009"
INVALID_RULE = "TPL010"
FAILED = "TPL011"


class TemplateError(Exception):
    """A template gives no rules. Never leaves this package: `fault` is what the caller gets."""

    def __init__(self, id_: str, message: str, hint: str, line: int | None = None) -> None:
        super().__init__(message)
        self.id = id_
        self.message = message
        self.hint = hint
        self.line = line

    def fault(self, shown: str) -> RoleFault:
        """Return the fault with the template's file in front, and its line where one is known."""
        where = shown if self.line is None else f"{shown}:{self.line}"
        return RoleFault(self.id, f"{where}: {self.message}", self.hint, self.line)
