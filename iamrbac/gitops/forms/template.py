"""Text that must mean itself in Terraform, where `${…}` and `%{…}` are templates.

Terraform: "Strings and Templates", escape sequences: a doubled sign before a brace is the sign itself.
"""

from __future__ import annotations

import re

_OPENING = re.compile(r"[$%]\{")
_DOUBLED = re.compile(r"([$%])\1\{")


def literal(text: str) -> str:
    """Return the template that gives this text."""
    return _OPENING.sub(lambda match: match[0][0] + match[0], text)


def text_of(template: str) -> str:
    """Return the text that a template of ours gives: the opposite of `literal`."""
    return _DOUBLED.sub(r"\1{", template)
