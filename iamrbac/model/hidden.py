"""Characters that a reviewer does not see, or that change what he sees: no document has a use for them.

Control characters, and the format characters that reorder text (Unicode's bidirectional controls, as in CVE-2021-42574)
or take no room. The two joiners stay: Persian and emoji are written with them, and they hide nothing.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

_HIDDEN: Final = re.compile(
    "[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\xad\u061c\u180e\u200b\u200e\u200f\u2028-\u202e\u2060-\u2064\u2066-\u206f"
    "\ud800-\udfff\ufeff\ufff9-\ufffb\U000e0000-\U000e007f]"
)
_CONTROLS: Final = (0x1F, 0x7F, 0x9F)


def hidden(text: str) -> Iterator[tuple[int, str]]:
    """Yield each of them with its offset; tabs and line ends are none."""
    if not text.isprintable():
        yield from ((match.start(), match[0]) for match in _HIDDEN.finditer(text))


def named(character: str) -> str:
    """Return a character's code point and name: U+202E (right-to-left override)."""
    import unicodedata

    code = ord(character)
    plain = "control character" if code <= _CONTROLS[0] or _CONTROLS[1] <= code <= _CONTROLS[2] else "no character"
    return f"U+{code:04X} ({unicodedata.name(character, plain).lower()})"
