"""Strategic merge patch: lists merge by the keys that the API types declare, with `$patch` and its relatives.

Source of the rules: apimachinery's strategicpatch (the patch is applied, so null deletes and unmatched nulls vanish).
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

from iamrbac.sandbox.kube.schema import Anything, Field, List, Map, Named, Type
from iamrbac.sandbox.kube.status import StatusError, bad_request, plain_failure
from iamrbac.sandbox.kube.values import Json, clone

_PATCH: Final = "$patch"
_RETAIN: Final = "$retainKeys"
_ORDER: Final = "$setElementOrder/"
_DELETE: Final = "$deleteFromPrimitiveList/"


def strategic_merge(target: Json, patch: Json, type_name: str) -> Json:
    """`target` with the patch applied; neither is changed. Raises StatusError when the patch is malformed."""
    return _merge_map(clone(target), clone(patch), Named(type_name))


def _merge_map(target: Json, patch: Json, of: Type) -> Json:
    if _PATCH in patch:
        return _directive(patch)
    _retain_keys(target, patch)
    _ordered_lists(target, patch, of)
    for name, value in patch.items():
        deleting = name.startswith(_DELETE)
        field = name.removeprefix(_DELETE) if deleting else name
        if value is None:
            target.pop(field, None)
        elif deleting:
            doomed = _list(value)
            if field in target:
                target[field] = [item for item in target[field] or [] if item not in doomed]
        elif type(target.get(field)) is type(value):
            target[field] = _merge_field(target[field], value, of, field)
        else:
            target[field] = _fresh(value)
    return target


def _merge_field(target: Any, value: Any, of: Type, name: str) -> Any:
    field, inner = _field(of, name)
    strategies = field.strategies if field else ()
    if isinstance(value, dict):
        return value if "replace" in strategies else _merge_map(target, value, inner)
    if isinstance(value, list):
        if "merge" not in strategies or field is None:
            return value
        return _merge_list(target, value, inner, field.merge_key)
    return value


def _field(of: Type, name: str) -> tuple[Field | None, Type]:
    """The field and its type; lists give the type of their elements."""
    if isinstance(of, Map):
        return None, of.element
    field = of.struct.fields.get(name) if isinstance(of, Named) else None
    if field is None:
        return None, Anything()
    return field, field.type.element if isinstance(field.type, List) else field.type


def _merge_list(target: list[Any], patch: list[Any], element: Type, key: str) -> list[Any]:
    if not key:
        # A list of scalars is a set: what is there stays, what is new comes after it.
        merged = list(dict.fromkeys([*target, *patch]))
        return _in_order(merged, patch, target, key)
    if not all(isinstance(item, dict) for item in [*target, *patch]):
        raise bad_request("list element types are not identical")
    before = list(target)
    directives = [item for item in patch if _PATCH in item]
    additions = [item for item in patch if _PATCH not in item]
    merged = _after_directives(target, directives, key)
    for item in additions:
        value = _key(item, key)
        place = next((i for i, one in enumerate(merged) if one.get(key) == value), None)
        if place is None:
            merged.append(_fresh(item))
        else:
            merged[place] = _merge_map(merged[place], item, element)
    return _in_order(merged, additions, before, key)


def _after_directives(target: list[Any], directives: list[Json], key: str) -> list[Any]:
    for item in directives:
        match item[_PATCH]:
            case "delete":
                value = _key(item, key)
                target = [one for one in target if one.get(key) != value]
            case "replace":
                return []
            case other:
                raise plain_failure(f"unknown patch type: {other} in map: {item}")
    return target


def _key(item: Json, key: str) -> Any:
    if key not in item:
        raise plain_failure(f"map: {item} does not contain declared merge key: {key}")
    return item[key]


def _in_order(merged: list[Any], patch: list[Any], server: list[Any], key: str) -> list[Any]:
    """The patch's items in the patch's order, others in the server's, woven together by the server's order."""
    wanted, known = _ranks(patch, key), _ranks(server, key)
    ours = sorted((i for i in merged if _id(i, key) in wanted), key=lambda item: wanted[_id(item, key)])
    others = sorted(
        (item for item in merged if _id(item, key) not in wanted),
        key=lambda item: known.get(_id(item, key), len(known)),
    )
    woven: list[Any] = []
    while ours and others:
        left, right = known.get(_id(others[0], key)), known.get(_id(ours[0], key))
        first = others if left is not None and right is not None and left < right else ours
        woven.append(first.pop(0))
    return woven + ours + others


def _ranks(items: Iterable[Any], key: str) -> dict[Any, int]:
    ranks: dict[Any, int] = {}
    for rank, item in enumerate(items):
        ranks.setdefault(_id(item, key), rank)
    return ranks


def _id(item: Any, key: str) -> Any:
    return item.get(key) if key and isinstance(item, dict) else item


def _ordered_lists(target: Json, patch: Json, of: Type) -> None:
    """Apply each `$setElementOrder/LIST` with its list, in place, and take both from the patch."""
    for directive in [name for name in patch if name.startswith(_ORDER)]:
        order, name = _list(patch.pop(directive)), directive.removeprefix(_ORDER)
        field, inner = _field(of, name)
        key = field.merge_key if field else ""
        before, changes = target.get(name), patch.pop(name, None)
        _check_order(changes, order, key)
        doomed = patch.pop(_DELETE + name, None)
        if doomed:
            before = [item for item in before or [] if item not in doomed]
        if before is None and changes is None:
            continue
        if before and changes and field and "merge" in field.strategies:
            merged = _merge_list(clone(before), changes, inner, key)
        else:
            merged = _fresh(before if changes is None else changes)
        target[name] = _in_order(merged, order, before or [], key)


def _check_order(changes: Any, order: list[Any], key: str) -> None:
    known = _ranks(order, key)
    for item in changes or ():
        deleted = isinstance(item, dict) and item.get(_PATCH) in ("delete", "replace")
        if not deleted and _id(item, key) not in known:
            raise plain_failure(
                f"The order in patch list:\n{changes}\n doesn't match $setElementOrder list:\n{order}\n"
            )


def _retain_keys(target: Json, patch: Json) -> None:
    keep = patch.pop(_RETAIN, None)
    if keep is None:
        return
    keys = set(_list(keep))
    for name, value in patch.items():
        if value is not None and not name.startswith((_DELETE, _ORDER)) and name not in keys:
            raise bad_request("bad patch format: a $retainKeys list must name every field of its patch")
    for name in [name for name in target if name not in keys]:
        del target[name]


def _directive(patch: Json) -> Json:
    match patch.pop(_PATCH):
        case "replace":
            return patch
        case "delete":
            return {}
        case other:
            raise plain_failure(f"unknown patch type: {other} in map: {patch}")


def _fresh(value: Any) -> Any:
    """A patch's value where there is nothing to merge with: no nulls, no directives."""
    if isinstance(value, dict):
        return {
            name: _fresh(item)
            for name, item in value.items()
            if item is not None and not name.startswith("$") and not _is_directive(item)
        }
    if isinstance(value, list):
        return [_fresh(item) for item in value if not _is_directive(item)]
    return value


def _is_directive(value: Any) -> bool:
    return isinstance(value, dict) and _PATCH in value


def _list(value: Any) -> list[Any]:
    if not isinstance(value, list):
        raise _malformed(value)
    return value


def _malformed(value: Any) -> StatusError:
    return bad_request(f"expected a list in the patch, found {type(value).__name__}")
