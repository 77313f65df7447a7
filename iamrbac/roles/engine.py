"""Renders one role template: Jinja2's immutable sandbox, strict about undefined, and bounded in every direction.

`grammar` has judged the template before; this is the second wall. Attributes are keys of mappings and nothing else, so
no Python object can be reached, and a parameter called `items` is a parameter.
"""

from __future__ import annotations

import json
import re
import traceback
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import wraps
from typing import Any

from jinja2 import StrictUndefined, Template, TemplateSyntaxError, Undefined, UndefinedError, nodes
from jinja2.exceptions import SecurityError
from jinja2.runtime import LoopContext
from jinja2.sandbox import ImmutableSandboxedEnvironment, safe_range

from iamrbac.roles import faults, grammar
from iamrbac.roles.faults import TemplateError

MOST_OUTPUT = 64 * 1024
"""Characters that a template may render to; a value inside it may not be longer either."""
MOST_LOOPS = 1_000
"""Iterations of all loops of one rendering together; also the length of a list."""
_LOOP = frozenset({"index", "index0", "first", "last", "length", "revindex", "revindex0"})
_COUNT = "_counted"
_NOT_ASCII = re.compile(r"[^ -~]")


class TooLargeError(SecurityError):
    """A value, the output or the number of iterations is beyond the limits."""


class _Environment(ImmutableSandboxedEnvironment):
    """Without globals but range, with few filters and tests, and no attribute of any Python object."""

    def __init__(self) -> None:
        super().__init__(
            undefined=StrictUndefined, autoescape=False, optimized=False, finalize=_scalar, keep_trailing_newline=True
        )
        self.globals = {"range": safe_range}
        self.filters = {name: _bounded(self.filters[name]) for name in grammar.FILTERS}
        self.filters["tojson"] = _bounded(_json)
        self.filters[_COUNT] = iter
        self.tests = {name: self.tests[name] for name in grammar.TESTS}

    def getattr(self, obj: Any, attribute: str) -> Any:
        """Return a mapping's value, or a property of `loop`."""
        if isinstance(obj, LoopContext) and attribute in _LOOP:
            return getattr(obj, attribute)
        return self.getitem(obj, attribute)

    def getitem(self, obj: Any, argument: Any) -> Any:
        """Return a mapping's value or a sequence's item; else something undefined that says what there is."""
        if isinstance(obj, Undefined):
            return obj[argument]
        if isinstance(obj, Mapping):
            if argument in obj:
                return obj[argument]
            there = ", ".join(sorted(map(str, obj))) or "nothing"
            return self.undefined(f"there is no {argument!r}, only: {there}")
        if isinstance(obj, list | tuple | str) and isinstance(argument, int) and -len(obj) <= argument < len(obj):
            return obj[argument]
        return self.undefined(f"{type(obj).__name__} has no {argument!r}")


class Compiled:
    """A template that was read once and can be rendered often. Raises TemplateError when it is no role template."""

    def __init__(self, source: str, shown: str) -> None:
        self.shown = shown
        self._environment = _Environment()
        try:
            tree = self._environment.parse(source, filename=shown)
            grammar.check(tree)
            self.parameters = grammar.parameters_read(tree)
            _count_loops(tree)
            code = self._environment.compile(tree, filename=shown)
        except TemplateSyntaxError as error:
            raise TemplateError(faults.SYNTAX, error.message or "syntax error", "correct it", error.lineno) from error
        except (RecursionError, MemoryError, SyntaxError) as error:
            raise TemplateError(faults.TOO_LARGE, "it is nested too deeply", "make it flatter") from error
        self._template = Template.from_code(self._environment, code, self._environment.globals)

    def render(self, cluster: str, labels: Mapping[str, str], parameters: Mapping[str, Any]) -> str:
        """Return the text. Raises TemplateError."""
        self._environment.filters[_COUNT] = _Counter()
        context = {"cluster": {"name": cluster, "labels": dict(labels)}, "parameters": parameters}
        try:
            return _joined(self._template.generate(context))
        except UndefinedError as error:
            raise self._failed(faults.UNDEFINED, error, "correct the name, or give it a `default`") from error
        except SecurityError as error:
            raise self._failed(faults.TOO_LARGE, error, "render less; a role is a few rules") from error
        except (TypeError, ValueError, ArithmeticError, LookupError, RecursionError) as error:
            raise self._failed(faults.FAILED, error, "look at this line and at the parameters' types") from error

    def _failed(self, id_: str, error: Exception, hint: str) -> TemplateError:
        lines = [frame.lineno for frame in traceback.extract_tb(error.__traceback__) if frame.filename == self.shown]
        return TemplateError(id_, str(error) or type(error).__name__, hint, lines[-1] if lines else None)


class _Counter:
    """Counts the iterations of all loops of one rendering."""

    def __init__(self) -> None:
        self._left = MOST_LOOPS

    def __call__(self, values: Iterable[Any]) -> list[Any]:
        counted = []
        for value in values:
            self._left -= 1
            if self._left < 0:
                raise TooLargeError(f"its loops run more than {MOST_LOOPS} times")
            counted.append(value)
        return counted


def _count_loops(tree: nodes.Template) -> None:
    """Put the counter around what every loop runs over."""
    for loop in list(tree.find_all(nodes.For)):
        loop.iter = nodes.Filter(loop.iter, _COUNT, [], [], None, None, lineno=loop.lineno)


def _joined(parts: Iterator[str]) -> str:
    text: list[str] = []
    size = 0
    for part in parts:
        size += len(part)
        if size > MOST_OUTPUT:
            raise TooLargeError(f"it renders to more than {MOST_OUTPUT} characters")
        text.append(part)
    return "".join(text)


def _json(value: Any) -> str:
    """Return JSON that YAML reads as the same value: of JSON's escapes it does not know surrogate pairs."""
    return _NOT_ASCII.sub(_escape, json.dumps(value, ensure_ascii=False, sort_keys=True, default=_no_json))


def _no_json(value: Any) -> Any:
    if isinstance(value, Undefined):
        str(value)
    raise TypeError(f"{type(value).__name__} cannot be written as JSON")


def _escape(match: re.Match[str]) -> str:
    code = ord(match[0])
    return f"\\u{code:04X}" if code <= 0xFFFF else f"\\U{code:08X}"


def _scalar(value: Any) -> Any:
    """Only text and numbers can be written into YAML as they are."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str | int | float | Undefined):
        return value
    raise TypeError(f"{type(value).__name__} cannot be written as it is; use `| tojson`")


def _bounded(function: Callable[..., Any]) -> Callable[..., Any]:
    """Return the filter with a limit on what it gives."""

    @wraps(function)
    def bounded(*args: Any, **kwargs: Any) -> Any:
        result = function(*args, **kwargs)
        if isinstance(result, str) and len(result) > MOST_OUTPUT:
            raise TooLargeError(f"a value is longer than {MOST_OUTPUT} characters")
        if isinstance(result, list) and len(result) > MOST_LOOPS:
            raise TooLargeError(f"a list is longer than {MOST_LOOPS}")
        return result

    return bounded
