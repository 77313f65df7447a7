"""Which keys a part of a document may have: read from the models, so that a "did you mean" is never out of date."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from types import UnionType
from typing import Annotated, Any, Union, get_args, get_origin

from pydantic import BaseModel, Tag

Located = tuple[str | int, ...]


def keys_at(model: type[BaseModel], location: Located) -> tuple[str, ...]:
    """Return the keys that are known at a location of a validation error (tags of unions included), sorted."""
    types: list[Any] = [model]
    for part in location:
        types = [inner for one in types for inner in _step(one, part)]
    return tuple(sorted({alias for one in types for model in _models(one) for alias in _fields(model)}))


def _step(type_: Any, part: str | int) -> Iterator[Any]:
    """Go one part of a location down: into a branch of a union, a field, an item or a mapping's value."""
    origin = get_origin(type_)
    if origin is Annotated:
        yield from _step(get_args(type_)[0], part)
    elif origin in (Union, UnionType):
        for branch in get_args(type_):
            if Tag(str(part)) in getattr(branch, "__metadata__", ()):
                yield branch
            elif not _tagged(branch):
                yield from _step(branch, part)
    elif origin is tuple and isinstance(part, int):
        yield get_args(type_)[0]
    elif isinstance(origin, type) and issubclass(origin, Mapping):
        yield get_args(type_)[1]
    else:
        for model in _models(type_):
            if part in _fields(model):
                yield _fields(model)[str(part)]


def _models(type_: Any) -> Iterator[type[BaseModel]]:
    if get_origin(type_) is Annotated:
        yield from _models(get_args(type_)[0])
    elif get_origin(type_) in (Union, UnionType):
        for branch in get_args(type_):
            yield from _models(branch)
    elif isinstance(type_, type) and issubclass(type_, BaseModel):
        yield type_


def _fields(model: type[BaseModel]) -> dict[str, Any]:
    return {field.alias or name: field.annotation for name, field in model.model_fields.items()}


def _tagged(branch: Any) -> bool:
    return any(isinstance(one, Tag) for one in getattr(branch, "__metadata__", ()))
