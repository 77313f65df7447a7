"""The aws-auth ConfigMap as EKS's authenticator reads it: which rows count, and what each of them says.

Source: aws-iam-authenticator, pkg/mapper/configmap (ParseMap) and pkg/config. A wrong type empties its field and no
more, keys of a row match whatever their case (those of the ConfigMap do not), and a section with an error is empty.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from iamrbac.mapping.go_json import check, fields, is_null, string
from iamrbac.mapping.objects import Section
from iamrbac.mapping.yaml_tree import BrokenSectionError, Document, Node, Scalar, Sequence, parse, resolved
from iamrbac.mapping.yaml_tree import Mapping as MapNode
from iamrbac.model.arn import canonical

SECTIONS: tuple[Section, ...] = ("mapRoles", "mapUsers")
ACCOUNTS = "mapAccounts"
ARN_KEYS: Mapping[Section, str] = {"mapRoles": "rolearn", "mapUsers": "userarn"}


@dataclass(frozen=True, slots=True)
class ReadRow:
    """A row that the authenticator takes. `index` is its place in the section's list, from 0."""

    section: Section
    arn: str
    """As written, which is how a row is named and owned."""
    canonical: str
    """The principal that the ARN means: a session stands for its role. Compare without case."""
    username: str
    """As written, with templates; "" where there is none or it is not a string."""
    groups: tuple[str, ...]
    """As written, in order; "" for an item that is not a string."""
    index: int


@dataclass(frozen=True, slots=True)
class Reading:
    """All that aws-auth says."""

    rows: tuple[ReadRow, ...]
    """In order: mapRoles, then mapUsers."""
    accounts: tuple[str, ...] = ()
    """mapAccounts: every principal of these is let in with its ARN as name and no groups."""
    broken: tuple[str, ...] = ()
    """One line for each section that cannot be read: name, place, why. EKS takes such a section for empty."""
    faults: tuple[str, ...] = ()
    """One line for each thing in a readable section that EKS ignores: a row without ARN, a field of a wrong type."""


@dataclass(frozen=True, slots=True)
class ReadSection:
    """mapRoles or mapUsers with the nodes that its rows stand in, for the editor."""

    document: Document
    items: tuple[Node, ...]
    """All items of the list, also those that are no rows."""
    rows: tuple[ReadRow, ...]
    faults: tuple[str, ...]


def read(data: Mapping[str, str]) -> Reading:
    """Read aws-auth's `data`. Never raises: what cannot be read is in `broken`, what is ignored in `faults`."""
    rows: list[ReadRow] = []
    accounts: tuple[str, ...] = ()
    broken: list[str] = []
    faults = list(_misnamed(data))
    for section in SECTIONS:
        try:
            found = read_section(section, data.get(section, ""))
        except BrokenSectionError as error:
            broken.append(f"{section}: {error}")
        else:
            rows.extend(found.rows)
            faults.extend(found.faults)
    try:
        accounts = _accounts(data.get(ACCOUNTS, ""), faults)
    except BrokenSectionError as error:
        broken.append(f"{ACCOUNTS}: {error}")
    return Reading(tuple(rows), accounts, tuple(broken), tuple(faults))


def read_section(section: Section, text: str) -> ReadSection:
    """Read mapRoles or mapUsers. Raises BrokenSectionError where EKS would take the section for empty."""
    document, items = _list(text, "rows")
    if document.root is not None:
        check(document.root, text)
    rows: list[ReadRow] = []
    faults: list[str] = []
    for index, item in enumerate(items):
        row = _Row(section, index, faults).read(item)
        if row is not None:
            rows.append(row)
    return ReadSection(document, items, tuple(rows), tuple(faults))


def skippable(text: str) -> bool:
    """Return whether the authenticator skips a section's text without parsing it."""
    return text.strip() in ("", "``", '""', "''")


def _list(text: str, what: str) -> tuple[Document, tuple[Node, ...]]:
    if skippable(text):
        return Document(None, len(text)), ()
    document = parse(text)
    if document.root is None or is_null(document.root):
        return document, ()
    root = resolved(document.root)
    if not isinstance(root, Sequence):
        raise BrokenSectionError(f"it is not a list of {what}")
    return document, tuple(root.items)


class _Row:
    """Decodes one item as Go does: field by field, where a wrong type leaves the field as it was."""

    def __init__(self, section: Section, index: int, faults: list[str]) -> None:
        self._section = section
        self._index = index
        self._faults = faults

    def read(self, item: Node) -> ReadRow | None:
        node = resolved(item)
        if not isinstance(node, MapNode):
            self._fault("EKS ignores this row: it is not a map")
            return None
        arn = username = ""
        groups: tuple[str, ...] = ()
        sso = False
        arn_key = ARN_KEYS[self._section]
        for key, value in fields(node):
            if key == arn_key:
                arn = self._string(key, value, arn)
            elif key == "username":
                username = self._string(key, value, username)
            elif key == "groups":
                groups = self._groups(value, groups)
            elif key == "sso" and self._section == "mapRoles":
                sso = not is_null(value)
        if sso or not arn:
            why = f"it has no {arn_key}" if not sso else "EKS has `sso` switched off" if not arn else "it has `sso` too"
            self._fault(f"EKS ignores this row: {why}")
            return None
        return ReadRow(self._section, arn, canonical(arn), username, groups, self._index)

    def _string(self, key: str, value: Node, before: str) -> str:
        if is_null(value):
            return before
        text = string(value)
        if text is None:
            self._fault(f"{key} is not a string, so EKS takes it for empty")
            return before
        return text

    def _groups(self, value: Node, before: tuple[str, ...]) -> tuple[str, ...]:
        if is_null(value):
            return ()
        node = resolved(value)
        if not isinstance(node, Sequence):
            self._fault("groups is not a list, so EKS takes it for empty")
            return before
        texts = [string(item) for item in node.items]
        if None in texts:
            self._fault("groups holds something that is not a string")
        return tuple(text or "" for text in texts)

    def _fault(self, why: str) -> None:
        self._faults.append(f"{self._section}[{self._index}]: {why}")


def _accounts(text: str, faults: list[str]) -> tuple[str, ...]:
    """Go decodes mapAccounts straight from YAML, so that an unquoted number stays as it was written."""
    _, items = _list(text, "accounts")
    found: list[str] = []
    for index, item in enumerate(items):
        node = resolved(item)
        if not isinstance(node, Scalar):
            faults.append(f"{ACCOUNTS}[{index}]: EKS ignores this account: it is not a string")
        elif not is_null(node):
            found.append(node.value)
    return tuple(found)


def _misnamed(data: Mapping[str, str]) -> Iterator[str]:
    names = {name.casefold(): name for name in (*SECTIONS, ACCOUNTS)}
    for key in sorted(data):
        meant = names.get(key.casefold())
        if meant is not None and key != meant:
            yield f"{key}: EKS ignores it, keys of the ConfigMap are case-sensitive (meant {meant}?)"
