"""What a plain YAML scalar means here, on purpose and not by accident of the YAML version.

Where YAML 1.1 and 1.2 agree that it is no text (true, 12, 0.5, null) it is none; yes, no, on and off are booleans as
Kubernetes reads them; timestamps stay text. What one version reads as a number and the other as a text or as another
number (012, 0o17, 1_000, 1:20, 1e3) is disputed, and whoever wrote it is asked which it is.
"""

from __future__ import annotations

import re
from typing import Final, TypeAlias

Scalar: TypeAlias = str | int | float | bool | None


class Disputed:
    """Stands for a scalar that readers of YAML do not agree on."""


DISPUTED: Final = Disputed()

_WORDS: dict[str, bool | None] = {
    form: value
    for value, words in ((None, ("null",)), (True, ("true", "yes", "on")), (False, ("false", "no", "off")))
    for word in words
    for form in (word, word.capitalize(), word.upper())
} | {"": None, "~": None}
_INT = re.compile(r"[-+]?(?:0|[1-9][0-9]*)")
_FLOAT = re.compile(r"[-+]?(?:0|[1-9][0-9]*)\.[0-9]+(?:[eE][-+][0-9]+)?")
_DISPUTED = re.compile(
    r"""[-+]?(?:
      0[xob][0-9a-fA-F_]+                                                     # hexadecimal, octal, binary
    | [0-9][0-9_]*(?::[0-5]?[0-9])+(?:\.[0-9_]*)?                             # base 60
    | (?:[0-9][0-9_]*(?:\.[0-9_]*)?|\.[0-9][0-9_]*)(?:[eE][-+]?[0-9]+)?       # 012, 1_000, 1e3, .5
    | \.(?:inf|Inf|INF)
    )|\.(?:nan|NaN|NAN)""",
    re.VERBOSE,
)
# int() refuses longer ones itself (a limit of Python); nothing here counts so far.
_MAX_DIGITS = 18


def resolve(text: str) -> Scalar | Disputed:
    """Return what a plain scalar means, or DISPUTED."""
    if text in _WORDS:
        return _WORDS[text]
    if text[0] not in "+-.0123456789":
        return text
    if _INT.fullmatch(text):
        return int(text) if len(text) <= _MAX_DIGITS else DISPUTED
    if _FLOAT.fullmatch(text):
        number = float(text)
        return number if abs(number) != float("inf") else DISPUTED
    return DISPUTED if _DISPUTED.fullmatch(text) else text
