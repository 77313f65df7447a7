"""From pydantic's errors to faults that a person can act on: what, why, and the next step, one for each mistake."""

from __future__ import annotations

import re
from collections.abc import Callable, Container, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from pydantic import BaseModel, ValidationError

from iamrbac.model.base import TAG
from iamrbac.model.documents import MEMBER_KEYS, ROLE_KEYS
from iamrbac.model.keys import keys_at
from iamrbac.model.origin import Fault, KeyAt, Path
from iamrbac.model.short import short
from iamrbac.model.suggest import closest, did_you_mean
from iamrbac.model.values import FORMS, LABEL, NAMESPACE, NAMESPACE_RULE, TIME, Form

UNKNOWN_KIND: Final = "DOC020"
WRONG_PLACE: Final = "DOC021"
UNKNOWN_KEY: Final = "DOC022"
MISSING_KEY: Final = "DOC023"
WRONG_TYPE: Final = "DOC024"
WRONG_VALUE: Final = "DOC025"
TOGETHER: Final = "DOC026"
MANY: Final = "DOC027"

_CREDENTIALS: Final = re.compile("://[^/@ ]*@")
MAX_FAULTS: Final = 50
"""Of one document; who has more has one mistake many times."""

Written = Callable[[Path], str | None]
"""Gives the scalar at a path as it is written in the file."""

_NEEDED: Final = {
    "string_type": "a text",
    "bool_type": "true or false",
    "int_type": "a whole number",
    "float_type": "a number",
    "tuple_type": "a list",
    "dict_type": "a mapping",
    "model_type": "a mapping",
}
_KINDS: Final = {dict: "a mapping", list: "a list", bool: "the boolean", int: "the number", float: "the number"}
_LOWER: Final = (LABEL, NAMESPACE, NAMESPACE_RULE)
_EMPTY: Final = {
    "to": "name sets, or remove the key to mean every set",
    "clusters": 'name clusters ("*" means all of them), or give labels',
    "namespaces": "name namespaces, or write scope: cluster instead",
}


@dataclass(frozen=True, slots=True)
class _Error:
    """One error of pydantic, at a path."""

    path: Path
    type: str
    value: Any
    context: Mapping[str, Any]
    shown: str
    """The value in words: the boolean no, a list, "text"."""
    known: tuple[str, ...]

    @property
    def name(self) -> str:
        last = self.path[-1] if self.path else "the document"
        if isinstance(last, KeyAt):
            return "the key"
        if isinstance(last, int):
            return f"item {last + 1} of {next((part for part in reversed(self.path) if isinstance(part, str)), 'it')}"
        return short(last)


def faults(error: ValidationError, model: type[BaseModel], written: Written) -> tuple[Fault, ...]:
    """Return what is wrong, in the order of the document's keys, one fault for each mistake."""
    found = [_read(raw, model, written) for raw in error.errors(include_url=False)]
    unknown = [one for one in found if one.known][:MAX_FAULTS]
    meant = {(one.path[:-1], closest(str(one.path[-1]), one.known)) for one in unknown}
    told = [one for one in found if not _echo(one) and not _misspelled(one, meant)]
    translated = tuple(_translate(one) for one in told[:MAX_FAULTS])
    if len(told) <= MAX_FAULTS:
        return translated
    return (*translated, Fault(MANY, (), f"{len(told) - MAX_FAULTS} more faults in this file", "correct these first"))


def describe(value: object, written: str | None) -> str:
    """Return a value in words, short: the boolean no, the number 12, "text", a list, nothing."""
    if value is None:
        return "nothing (null)"
    if isinstance(value, str):
        return f'"{short(value)}"'
    kind = _KINDS[type(value)]
    return (
        kind
        if isinstance(value, dict | list)
        else f"{kind} {short(str(value).lower() if written is None else written)}"
    )


def _read(raw: Any, model: type[BaseModel], written: Written) -> _Error:
    """Turn pydantic's location into a path: without tags of unions, a key's own error pointing at the key."""
    location: tuple[str | int, ...] = raw["loc"]
    # Where a key itself is meant it is one, whatever it begins with.
    meant = {"extra_forbidden": len(location) - 1}.get(raw["type"], len(location) - 2 if "[key]" in location else -1)
    path: Path = tuple(part for at, part in enumerate(location) if at == meant or not str(part).startswith(TAG))
    known: tuple[str, ...] = ()
    if path[-1:] == ("[key]",):
        path = (*path[:-2], KeyAt(path[-2]))
    elif raw["type"] == "extra_forbidden":
        known = keys_at(model, location[:-1])
        path = (*path[:-1], KeyAt(path[-1]))
    elif raw["type"] == "to_forbidden":
        path = (*path, KeyAt("to"))
    value = raw["input"]
    as_written = written(path) if isinstance(value, bool | int | float) else None
    return _Error(path, raw["type"], value, raw.get("ctx", {}), describe(value, as_written), known)


def _echo(error: _Error) -> bool:
    """A list whose items are all refused is called empty by pydantic too; that says nothing new."""
    return error.type == "too_short" and len(error.value) >= error.context["min_length"]


def _misspelled(error: _Error, meant: Container[tuple[Path, str | None]]) -> bool:
    """A key that is missing because it is misspelled is one mistake: the unknown key tells it."""
    return error.type == "missing" and (error.path[:-1], str(error.path[-1])) in meant


def _translate(error: _Error) -> Fault:
    if error.type in _NEEDED:
        return _wrong_type(error, _NEEDED[error.type])
    known = _TRANSLATIONS.get(error.type)
    if known is not None:
        return known(error)
    return Fault(WRONG_VALUE, error.path, f"{error.name} is {error.shown}, which is not allowed", "see iamrbac schema")


def _wrong_type(error: _Error, needed: str) -> Fault:
    return Fault(
        WRONG_TYPE, error.path, f"{error.name} is {error.shown}, and {needed} is needed", _retype(error, needed)
    )


def _retype(error: _Error, needed: str) -> str:
    if error.value is None:
        return "write a value, or remove the key"
    if needed == "a list":
        return (
            "put it in brackets: [" + error.shown + "]" if isinstance(error.value, str) else "begin each item with - "
        )
    if needed == "a mapping":
        return "write keys and values, one a line: key: value"
    if isinstance(error.value, dict | list):
        return f"write {needed}"
    if isinstance(error.value, str):
        return f"write {needed}, without quotes"
    return f'quote it: "{error.shown.rsplit(" ", 1)[-1]}"' if needed.startswith("a text") else f"write {needed}"


def _extra(error: _Error) -> Fault:
    key = short(str(error.path[-1]))
    hint = did_you_mean(key, error.known, f"known keys here: {', '.join(error.known)}")
    return Fault(UNKNOWN_KEY, error.path, f"the key {key} is not known here", hint)


def _missing(error: _Error) -> Fault:
    *parents, key = error.path
    where = next((f" from {part}" for part in reversed(parents) if isinstance(part, str)), "")
    return Fault(MISSING_KEY, error.path, f"the key {key} is missing{where}", f"write {key}: and its value")


def _literal(error: _Error) -> Fault:
    choices = [word.strip("'") for word in error.context["expected"].replace(" or ", ", ").split(", ")]
    if not isinstance(error.value, str):
        return _wrong_type(error, " or ".join(choices))
    hint = did_you_mean(error.value, choices, f"write {' or '.join(choices)}")
    message = f"{error.name} is {error.shown}, and must be {' or '.join(choices)}"
    return Fault(WRONG_VALUE, error.path, message, hint)


def _pattern(error: _Error) -> Fault:
    form = FORMS[error.context["pattern"]]
    # A password in a URL is one of the mistakes.
    shown = _CREDENTIALS.sub("://***@", error.shown)
    message = f"{error.name} is {shown}, and must be {form.words}"
    hint = f"write something like {form.example}"
    if form is NAMESPACE and error.value and not error.value.strip("*?"):
        message = f"{error.shown} would be every namespace, and that is a grant on the whole cluster"
        hint = "write scope: cluster instead of namespaces, if that is what you mean"
    elif form is TIME and _fits(TIME, f"{error.value}Z"):
        message = f"{error.name} is {error.shown}, a time without its offset from UTC"
        hint = f'write "{error.value}Z" if it is UTC, or add an offset such as +01:00'
    elif form in _LOWER and _fits(form, better := error.value.lower().replace("_", "-").replace(" ", "-")):
        hint = f"write {better}"
    return Fault(WRONG_VALUE, error.path, message, hint)


def _fits(form: Form, text: str) -> bool:
    return re.fullmatch(form.pattern, text) is not None


def _too_long(error: _Error) -> Fault:
    limit = error.context["max_length"]
    message = f"{error.name} has {len(error.value)} characters, and at most {limit} are allowed"
    return Fault(WRONG_VALUE, error.path, message, "write a shorter one")


def _too_short(error: _Error) -> Fault:
    if isinstance(error.value, str):
        least = error.context["min_length"]
        if error.value:
            message = f"{error.name} has {len(error.value)} characters, and at least {least} are needed"
            return Fault(WRONG_VALUE, error.path, message, "write a longer one")
        return Fault(WRONG_VALUE, error.path, f"{error.name} is empty", "write a text")
    name = str(error.path[-1])
    return Fault(WRONG_VALUE, error.path, f"{error.name} is empty", _EMPTY.get(name, "write at least one into it"))


def _range(error: _Error) -> Fault:
    bounds = {"ge": "at least", "le": "at most"}
    bound = next(f"{words} {error.context[key]:g}" for key, words in bounds.items() if key in error.context)
    return Fault(WRONG_VALUE, error.path, f"{error.name} is {error.shown}, and must be {bound}", f"write {bound}")


def _reach_missing(error: _Error) -> Fault:
    message = "this line has neither namespaces nor scope"
    return Fault(TOGETHER, error.path, message, "add namespaces: [NAME], or scope: cluster for the whole cluster")


def _reach_twice(error: _Error) -> Fault:
    message = "this line has both namespaces and scope: cluster"
    return Fault(TOGETHER, error.path, message, "keep one: the namespaces, or the whole cluster")


def _to_forbidden(error: _Error) -> Fault:
    return Fault(TOGETHER, error.path, "to means nothing here: a temporary grant is one set of its own", "remove to")


def _none_of(error: _Error) -> Fault:
    keys = " or ".join(error.context["keys"])
    return Fault(TOGETHER, error.path, f"this has none of {keys}", f"write {keys}")


def _several_of(error: _Error) -> Fault:
    message = f"this has {' and '.join(error.context['found'])}, and one of them is allowed"
    return Fault(TOGETHER, error.path, message, "keep one of them")


def _needs(error: _Error) -> Fault:
    key, other = error.context["key"], error.context["other"]
    message = f"{key} means nothing without {other}"
    return Fault(TOGETHER, (*error.path, KeyAt(key)), message, f"remove {key}, or write {other}")


def _branch(error: _Error) -> Fault:
    """A value that is none of a union's forms: say which forms there are, by the discriminator that was asked."""
    meant = error.context["discriminator"]
    if "selector" in meant:
        message = f"{error.name} is {error.shown}, and a list of names or a mapping of labels is needed"
        return Fault(WRONG_TYPE, error.path, message, _retype(error, "a list"))
    if "backups" in meant:
        message = f"{error.name} is {error.shown}, and a place in S3 or a mapping is needed"
        return Fault(WRONG_TYPE, error.path, message, "write something like s3://acme-iamrbac/backups")
    if "action" in meant:
        message = f"{error.name} is {error.shown}, and a text or a mapping is needed"
        return Fault(WRONG_TYPE, error.path, message, "write something like get,list pods")
    if "assume" in meant:
        message = f"{error.name} is {error.shown}, and the ARN of a role or a mapping is needed"
        return Fault(WRONG_TYPE, error.path, message, "write something like arn:aws:iam::111122223333:role/iamrbac")
    if "member" in meant:
        return _form(error, "a member", MEMBER_KEYS, "iamGroup: NAME")
    return _form(error, "a role", ROLE_KEYS, "role: NAME for a template")


def _form(error: _Error, what: str, keys: Iterable[str], example: str) -> Fault:
    """A member or a role that is none of its forms, or several at once."""
    if not isinstance(error.value, dict):
        quoted = what == "a role" and isinstance(error.value, bool | int | float)
        hint = _retype(error, "a text") if quoted else f"write {example}, or one of {', '.join(keys)}"
        return Fault(WRONG_TYPE, error.path, f"{error.name} is {error.shown}, and {what} is needed", hint)
    present = [key for key in keys if key in error.value]
    if len(present) > 1:
        message = f"{what} is {' or '.join(present)}, not both"
        return Fault(TOGETHER, error.path, message, "keep one of them")
    typo = next((key for key in error.value if closest(key, keys)), None)
    if typo is not None:
        path = (*error.path, KeyAt(typo))
        return Fault(UNKNOWN_KEY, path, f"the key {short(typo)} is not known here", did_you_mean(typo, keys, ""))
    return Fault(MISSING_KEY, error.path, f"{what} names one of {', '.join(keys)}", f"write {example}")


_TRANSLATIONS: Final[Mapping[str, Callable[[_Error], Fault]]] = {
    "extra_forbidden": _extra,
    "missing": _missing,
    "literal_error": _literal,
    "string_pattern_mismatch": _pattern,
    "string_too_long": _too_long,
    "string_too_short": _too_short,
    "too_short": _too_short,
    "greater_than_equal": _range,
    "less_than_equal": _range,
    "reach_missing": _reach_missing,
    "reach_twice": _reach_twice,
    "to_forbidden": _to_forbidden,
    "none_of": _none_of,
    "several_of": _several_of,
    "needs": _needs,
    "union_tag_not_found": _branch,
}
