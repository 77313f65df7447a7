"""Text of others in Markdown: in code spans, where GitHub and GitLab see no markup, no HTML, no mention, no link."""

from __future__ import annotations

import re

from iamrbac.render.plain import printable

_WORD = re.compile(r"(\(*)(.*?)([),.;:]*)", re.DOTALL)
_PLAIN = re.compile(r"[A-Za-z0-9]+(['-][A-Za-z0-9]+)*")
_SPAN = re.compile(r"`[^`]+`")


def code(text: str) -> str:
    """Return a text as a code span that it cannot end."""
    text = printable(text)
    if not text.strip():
        return "` `"
    fence = "`" * (max((len(run) for run in re.findall("`+", text)), default=0) + 1)
    pad = " " if text[0] in "` " or text[-1] in "` " else ""
    # In a row of a table a bar would end the cell even here.
    return f"{fence}{pad}{text}{pad}{fence}"


def sentence(text: str) -> str:
    """Return a text with every word that is more than letters, digits and punctuation as a code span."""
    return " ".join(map(_word, printable(text).split(" ")))


def _word(word: str) -> str:
    found = _WORD.fullmatch(word)
    before, core, after = found.groups() if found is not None else ("", word, "")
    if core in ("", "→", "—", "…") or _PLAIN.fullmatch(core) or _SPAN.fullmatch(core):
        return word
    return f"{before}{code(core)}{after}"
