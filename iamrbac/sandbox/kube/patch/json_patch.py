"""JSON patch (RFC 6902)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from iamrbac.sandbox.kube.status import StatusError, bad_request, rejected
from iamrbac.sandbox.kube.values import clone

MAX_OPERATIONS: Final = 10_000


def json_patch(target: Any, operations: Any) -> Any:
    """`target` with the operations applied in order; `target` is not changed.

    Raises StatusError 400 when the patch is malformed, 413 when it is too long, 422 when it does not apply.
    """
    if not isinstance(operations, list) or not all(isinstance(one, dict) for one in operations):
        raise bad_request("json: cannot unmarshal the patch into a list of operations")
    if len(operations) > MAX_OPERATIONS:
        message = f"The allowed maximum operations in a JSON patch is {MAX_OPERATIONS}, got {len(operations)}"
        raise StatusError(413, "RequestEntityTooLarge", f"Request entity too large: {message}")
    document = clone(target)
    for operation in operations:
        document = _apply(document, operation)
    return document


def _apply(document: Any, operation: Mapping[str, Any]) -> Any:
    path, source = _pointer(operation.get("path")), operation.get("from")
    match operation.get("op"):
        case "add" if path:
            return _add(document, path, _value(operation))
        case "remove":
            return _remove(document, path)
        case "replace":
            # Evans' library replaces a member that an object does not have, too.
            if path and isinstance(_read(document, path[:-1]), list):
                _read(document, path)
            return _change(document, path, _set, _value(operation)) if path else _value(operation)
        case "move":
            moved = clone(_read(document, _pointer(source)))
            return _add(_remove(document, _pointer(source)), path, moved)
        case "copy":
            return _add(document, path, clone(_read(document, _pointer(source))))
        case "test":
            if not _same(_read(document, path, missing=None), operation.get("value")):
                raise rejected()
            return document
    raise rejected()


def _pointer(text: Any) -> tuple[str, ...]:
    # What stands before the first slash is nobody's business, to that library.
    if not isinstance(text, str) or (text and "/" not in text):
        raise rejected()
    return tuple(part.replace("~1", "/").replace("~0", "~") for part in text.split("/")[1:])


def _value(operation: Mapping[str, Any]) -> Any:
    if "value" not in operation:
        raise rejected()
    return clone(operation["value"])


_REQUIRED: Final = object()


def _read(document: Any, path: tuple[str, ...], missing: Any = _REQUIRED) -> Any:
    here = document
    for part in path:
        try:
            here = here[_index(here, part)] if isinstance(here, list) else here[part]
        except (KeyError, IndexError, TypeError):
            if missing is _REQUIRED:
                raise rejected() from None
            return missing
    return here


def _index(items: list[Any], part: str) -> int:
    # Evans' library, which the API server uses, takes negative indices as positions from the end.
    try:
        index = int(part)
    except ValueError:
        raise rejected() from None
    if not -len(items) <= index < len(items):
        raise IndexError(part)
    return index


def _change(document: Any, path: tuple[str, ...], change: Callable[[Any, str, Any], None], value: Any = None) -> Any:
    holder = _read(document, path[:-1])
    if not isinstance(holder, dict | list):
        raise rejected()
    change(holder, path[-1], value)
    return document


def _add(document: Any, path: tuple[str, ...], value: Any) -> Any:
    return _change(document, path, _insert, value) if path else value


def _remove(document: Any, path: tuple[str, ...]) -> Any:
    if not path:
        raise rejected()
    _read(document, path)
    return _change(document, path, _delete)


def _insert(holder: Any, part: str, value: Any) -> None:
    if isinstance(holder, dict):
        holder[part] = value
    elif part == "-" or part == str(len(holder)):
        holder.append(value)
    else:
        try:
            holder.insert(_index(holder, part), value)
        except IndexError:
            raise rejected() from None


def _set(holder: Any, part: str, value: Any) -> None:
    holder[part if isinstance(holder, dict) else _index(holder, part)] = value


def _delete(holder: Any, part: str, _: Any) -> None:
    del holder[part if isinstance(holder, dict) else _index(holder, part)]


def _same(one: Any, other: Any) -> bool:
    """JSON equality: True is not 1."""
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(_same(one[key], other[key]) for key in one)
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(_same, one, other))
    return isinstance(one, bool) is isinstance(other, bool) and bool(one == other)
