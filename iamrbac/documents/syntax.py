"""What libyaml says about broken YAML, in words that help."""

from __future__ import annotations

import re
from collections.abc import Iterator

from yaml.error import MarkedYAMLError, YAMLError
from yaml.reader import ReaderError

from iamrbac.documents import problem as ids
from iamrbac.documents.problem import Problem
from iamrbac.model.hidden import hidden, named

# What YAML does not allow in its text (YAML 1.1 §5.1, as libyaml checks it).
_FORBIDDEN = re.compile("[^\t\n\r\x20-\x7e\x85\xa0-\ud7ff\ue000-\ufefe\uff00-\ufffd\U00010000-\U0010ffff]")
_BREAK = re.compile("\r\n|[\r\n\x85\u2028\u2029]")

_SPECIAL = "`@%&*!|>{}[],?"
_INDENT = "look at the indentation and the colons of this line and the one above"
_HINTS = (
    ("while scanning an alias", 'an asterisk at the start of a pattern must be quoted: "*-batch"'),
    ("while scanning an anchor", "a value that begins with & must be quoted"),
    ("mapping values are not allowed", "quote a value that has a colon and a blank in it, or correct the indentation"),
    ("found undefined tag handle", "remove the tag (the word that begins with !)"),
    ("while parsing a flow", "close the bracket or brace, and put commas between the items"),
    ("while scanning a quoted scalar", "close the quote; inside double quotes a backslash is written twice"),
    ("while scanning a simple key", "put a colon and a blank after the key"),
    ("while parsing a block", _INDENT),
)


def position(text: str, offset: int) -> tuple[int, int]:
    """Return line and column, from 1, of an offset in the text, lines as YAML counts them."""
    breaks = [match.end() for match in _BREAK.finditer(text, 0, offset)]
    return len(breaks) + 1, offset - (breaks[-1] if breaks else 0) + 1


def hidden_in(text: bytes) -> Iterator[tuple[str, Problem]]:
    """Yield each character of a UTF-8 text that people do not see, with its problem; YAML itself refuses ASCII's."""
    if text.isascii():
        return
    decoded = text.decode("utf-8", "replace")
    for offset, character in hidden(decoded):
        message, hint = hidden_words(character)
        yield character, Problem(ids.HIDDEN, message, hint, *position(decoded, offset))


def hidden_words(character: str) -> tuple[str, str]:
    """Return message and hint for a character that people do not see."""
    return f"{named(character)} stands here: it hides or reorders what a reviewer sees", "remove it"


def explain(error: YAMLError, data: bytes) -> Problem:
    """Turn an error of the YAML parser over `data` into a problem with its place and the next step."""
    text = data.decode("utf-8", "replace")
    forbidden = _FORBIDDEN.search(text) if isinstance(error, ReaderError) else None
    if forbidden is not None:
        message = f"the character U+{ord(forbidden[0]):04X} stands here, and YAML does not allow it"
        return Problem(ids.NOT_TEXT, message, "remove it", *position(text, forbidden.start()))
    mark = error.problem_mark or error.context_mark if isinstance(error, MarkedYAMLError) else None
    if not isinstance(error, MarkedYAMLError) or mark is None:
        return Problem(ids.SYNTAX, "this is not YAML", "check it with a YAML linter")
    problem, context = error.problem or "", error.context or ""
    line, column = mark.line + 1, mark.column + 1
    if _character(text, line, column) == "\t":
        message = "a tab stands here, and YAML is indented with blanks"
        return Problem(ids.SYNTAX, message, "write two blanks for each tab", line, column)
    said = f"{context}, {problem}" if context else problem
    begun = error.context_mark
    if begun is not None and begun.line != mark.line:
        said += f" (it begins in line {begun.line + 1}, column {begun.column + 1})"
    return Problem(ids.SYNTAX, f"YAML cannot be read here: {said}", _hint(said, text, line, column), line, column)


def _hint(said: str, text: str, line: int, column: int) -> str:
    known = next((hint for words, hint in _HINTS if words in said), None)
    if known is not None:
        return known
    character = _character(text, line, column)
    return f"quote the value that begins with {character}" if character and character in _SPECIAL else _INDENT


def _character(text: str, line: int, column: int) -> str:
    lines = _BREAK.split(text)
    row = lines[line - 1] if line <= len(lines) else ""
    return row[column - 1 : column]
