"""Label and field selectors of list, watch and deletecollection."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from iamrbac.rbac.aggregate import selects
from iamrbac.rbac.objects import Requirement, Selector
from iamrbac.sandbox.kube.kinds import Kind
from iamrbac.sandbox.kube.names import label_value_faults, qualified_name_faults
from iamrbac.sandbox.kube.status import bad_request
from iamrbac.sandbox.kube.store import Stored

_SET: Final = re.compile(r"([^\s!=(),]+)\s+(in|notin)\s*\(([^()]*)\)")
_EQUAL: Final = re.compile(r"([^\s!=(),]+)\s*(==|=|!=)\s*([^\s!=(),]*)")
_EXISTS: Final = re.compile(r"(!?)\s*([^\s!=(),]+)")
_FIELDS: Final = {
    "Secret": ("type",),
    "Event": (
        "involvedObject.kind", "involvedObject.namespace", "involvedObject.name", "involvedObject.uid",
        "involvedObject.apiVersion", "involvedObject.resourceVersion", "involvedObject.fieldPath",
        "reason", "reportingComponent", "source", "type",
    ),
    "Pod": ("spec.nodeName", "spec.restartPolicy", "spec.schedulerName", "spec.serviceAccountName", "status.phase"),
    "Namespace": ("status.phase",),
    "Job": ("status.successful",),
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class FieldTerm:
    """One term of a field selector."""

    path: str
    equal: bool
    value: str

    def holds(self, stored: Stored) -> bool:
        """Whether the object fulfils it; a missing field counts as empty."""
        value: object = stored.object
        for part in self.path.split("."):
            value = value.get(part, "") if isinstance(value, dict) else ""
        return (str(value) == self.value) is self.equal


@dataclass(frozen=True, slots=True)
class Query:
    """What a list asks for: a namespace ("" is all), labels and fields."""

    namespace: str
    labels: Selector
    fields: tuple[FieldTerm, ...]

    @property
    def selective(self) -> bool:
        """Whether labels or fields are asked for."""
        return bool(self.labels.match_expressions or self.fields)

    def matches(self, stored: Stored) -> bool:
        """Whether the object is asked for."""
        if self.namespace and stored.namespace != self.namespace:
            return False
        return all(term.holds(stored) for term in self.fields) and (
            not self.labels.match_expressions or selects(self.labels, stored.labels)
        )


def query(kind: Kind, namespace: str, label_selector: str, field_selector: str) -> Query:
    """Read the selectors of a request. Raises StatusError 400 for one that does not parse or an unknown field."""
    return Query(namespace, parse_labels(label_selector), parse_fields(kind, field_selector))


def parse_labels(text: str) -> Selector:
    """A label selector with all operators. Raises StatusError 400."""
    return Selector(match_expressions=tuple(_label_term(term.strip(), text) for term in _split(text)))


def _split(text: str) -> Iterator[str]:
    if text.strip():
        # A comma inside parentheses separates values, not terms.
        yield from re.split(r",(?![^()]*\))", text)


def _label_term(term: str, text: str) -> Requirement:
    if found := _SET.fullmatch(term):
        values = tuple(sorted(value.strip() for value in found[3].split(",")))
        return _checked(Requirement(found[1], "In" if found[2] == "in" else "NotIn", values))
    if found := _EQUAL.fullmatch(term):
        return _checked(Requirement(found[1], "NotIn" if found[2] == "!=" else "In", (found[3],)))
    if found := _EXISTS.fullmatch(term):
        return _checked(Requirement(found[2], "DoesNotExist" if found[1] else "Exists"))
    raise bad_request(f'unable to parse requirement: "{term}" in label selector "{text}"')


def _checked(term: Requirement) -> Requirement:
    for why in qualified_name_faults(term.key):
        raise bad_request(f'unable to parse requirement: <nil>: Invalid value: "{term.key}": {why}')
    for value in term.values:
        for why in label_value_faults(value):
            raise bad_request(f'unable to parse requirement: values[0][{term.key}]: Invalid value: "{value}": {why}')
    return term


def parse_fields(kind: Kind, text: str) -> tuple[FieldTerm, ...]:
    """A field selector. Raises StatusError 400, also for a field that this kind cannot be selected by."""
    return tuple(_field_term(kind, term.strip()) for term in text.split(",") if term.strip())


def _field_term(kind: Kind, term: str) -> FieldTerm:
    found = re.fullmatch(r"([^=!]+)(==|=|!=)(.*)", term)
    if not found:
        raise bad_request(f"invalid selector: '{term}'; can't understand '{term}'")
    known = ("metadata.name", "metadata.namespace", *_FIELDS.get(kind.kind, ()))
    if found[1] not in known and kind.kind in _FIELDS:
        raise bad_request(f'field label not supported: "{found[1]}"')
    if found[1] not in known:
        names = ", ".join(f'"{name}"' for name in known)
        raise bad_request(f'"{found[1]}" is not a known field selector: only {names}')
    return FieldTerm(found[1], found[2] != "!=", found[3])


def selected_name(field_selector: str) -> str:
    """The name that a field selector asks for alone; the authorizer may match it (rbac-semantics 5.1)."""
    found = re.fullmatch(r"(?:.*,)?\s*metadata\.name==?([^,=!/%]+)(?:,.*)?", field_selector)
    return found[1] if found else ""


def from_label_selector(selector: Mapping[str, Any]) -> Selector:
    """The LabelSelector of an object's spec as a value."""
    terms = selector.get("matchExpressions", ())
    return Selector(
        tuple(sorted(selector.get("matchLabels", {}).items())),
        tuple(Requirement(term["key"], term["operator"], tuple(term.get("values", ()))) for term in terms),
    )
