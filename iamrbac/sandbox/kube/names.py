"""What names, labels and annotations may look like (apimachinery's validation), with its messages."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

from iamrbac.sandbox.kube.kinds import NameRule
from iamrbac.sandbox.kube.status import Cause, invalid_value

_LABEL: Final = r"[a-z0-9]([-a-z0-9]*[a-z0-9])?"
_SUBDOMAIN: Final = rf"{_LABEL}(\.{_LABEL})*"
_QUALIFIED: Final = r"([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]"
_VALUE: Final = rf"({_QUALIFIED})?"

_ALNUM = (
    "must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character"
)
_LABEL_WHY = (
    "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with "
    f"an alphanumeric character (e.g. 'my-name',  or '123-abc', regex used for validation is '{_LABEL}')"
)
_SUBDOMAIN_WHY = (
    "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and "
    f"end with an alphanumeric character (e.g. 'example.com', regex used for validation is '{_SUBDOMAIN}')"
)
_VALUE_WHY = (
    f"a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start and "
    f"end with an alphanumeric character (e.g. 'MyValue',  or 'my_value',  or '12345', regex used for validation is "
    f"'{_VALUE}')"
)
_RULES: Final = {
    "label": (63, re.compile(_LABEL), _LABEL_WHY),
    "subdomain": (253, re.compile(_SUBDOMAIN), _SUBDOMAIN_WHY),
}
_ANNOTATIONS_LIMIT: Final = 256 * 1024


def name_faults(name: str, rule: NameRule) -> Iterator[str]:
    """Why a name is not allowed; nothing when it is."""
    if rule == "path":
        if name in (".", ".."):
            yield f"may not be '{name}'"
        yield from (f"may not contain '{bad}'" for bad in "/%" if bad in name)
        return
    limit, pattern, why = _RULES[rule]
    if len(name) > limit:
        yield f"must be no more than {limit} characters"
    if not pattern.fullmatch(name):
        yield why


def qualified_name_faults(key: str) -> Iterator[str]:
    """Why a label or annotation key is not allowed."""
    prefix, slash, name = key.rpartition("/")
    if slash and not prefix:
        yield "prefix part must be non-empty"
    elif slash and not _RULES["subdomain"][1].fullmatch(prefix):
        yield f"prefix part {_SUBDOMAIN_WHY}"
    if not name:
        yield "name part must be non-empty"
    elif len(name) > 63:
        yield "name part must be no more than 63 characters"
    if not re.fullmatch(_QUALIFIED, name):
        yield (
            f"name part {_ALNUM} (e.g. 'MyName',  or 'my.name',  or '123-abc', "
            f"regex used for validation is '{_QUALIFIED}')"
        )


def label_value_faults(value: str) -> Iterator[str]:
    """Why a label's value is not allowed."""
    if len(value) > 63:
        yield "must be no more than 63 characters"
    if not re.fullmatch(_VALUE, value):
        yield _VALUE_WHY


def label_causes(labels: Mapping[str, str], field: str) -> Iterator[Cause]:
    """Everything wrong with a label map."""
    for key, value in labels.items():
        yield from (invalid_value(field, key, why) for why in qualified_name_faults(key))
        yield from (invalid_value(field, value, why) for why in label_value_faults(value))


def annotation_causes(annotations: Mapping[str, Any], field: str) -> Iterator[Cause]:
    """Everything wrong with an annotation map."""
    for key in annotations:
        yield from (invalid_value(field, key, why) for why in qualified_name_faults(key.lower()))
    size = sum(len(key.encode()) + len(str(value).encode()) for key, value in annotations.items())
    if size > _ANNOTATIONS_LIMIT:
        yield Cause("FieldValueTooLong", field, f"Too long: may not be more than {_ANNOTATIONS_LIMIT} bytes")
