"""From an HTTP request to what it asks: resource or URL, verb, options (rbac-semantics 5.1)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Final
from urllib.parse import parse_qs, unquote, urlsplit

from iamrbac.rbac.objects import Request
from iamrbac.sandbox.kube.selectors import selected_name
from iamrbac.sandbox.kube.status import bad_request

_VERBS: Final = {"POST": "create", "GET": "get", "HEAD": "get", "PUT": "update", "PATCH": "patch", "DELETE": "delete"}
_NAMESPACE_SUBRESOURCES: Final = ("status", "finalize")


@dataclass(frozen=True, slots=True)
class Call:
    """One HTTP request, parsed. `verb` is the authorizer's; `group` and what follows are set for a resource only."""

    method: str
    path: str
    query: Mapping[str, str] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    """Names in lower case."""
    body: bytes = b""
    is_resource: bool = False
    verb: str = ""
    group: str = ""
    version: str = ""
    namespace: str = ""
    resource: str = ""
    name: str = ""
    """The name in the path."""
    subresource: str = ""
    rest: tuple[str, ...] = ()
    """Path segments after the subresource."""
    selected: str = ""
    """The one name that a field selector asks for; counts as the name for the authorizer."""
    impersonate: tuple[tuple[str, str], ...] = ()
    """Impersonate-* headers in order, names in lower case; they may repeat."""

    @property
    def attributes(self) -> Request:
        """What the authorizer is asked."""
        if not self.is_resource:
            return Request(verb=self.verb, path=self.path)
        return Request(
            self.verb, self.resource, self.group, self.subresource, self.name or self.selected, self.namespace
        )

    def flag(self, name: str) -> bool:
        """A boolean query parameter, as Go reads one: there and neither false nor 0."""
        return self.query.get(name, "false").lower() not in ("false", "0")

    def number(self, name: str) -> int:
        """A query parameter that is a number; 0 when it is not there. Raises StatusError 400."""
        text = self.query.get(name, "") or "0"
        try:
            return int(text)
        except ValueError:
            raise bad_request(f'strconv.ParseInt: parsing "{text}": invalid syntax') from None

    @property
    def media_type(self) -> str:
        """The Content-Type without its parameters."""
        return self.headers.get("content-type", "").partition(";")[0].strip().lower()


def parse(
    method: str,
    target: str,
    headers: Mapping[str, str],
    impersonate: tuple[tuple[str, str], ...] = (),
    body: bytes = b"",
) -> Call:
    """Read a request. `target` is the request line's path with its query; of a repeated parameter the first counts."""
    url = urlsplit(target)
    query = {name: values[0] for name, values in parse_qs(url.query, keep_blank_values=True).items()}
    plain = Call(method, unquote(url.path), query, headers, body, verb=method.lower(), impersonate=impersonate)
    parts = [unquote(part) for part in url.path.strip("/").split("/")]
    if parts[0] == "api" and len(parts) >= 3:
        return _resource(plain, "", parts[1], parts[2:])
    if parts[0] == "apis" and len(parts) >= 4:
        return _resource(plain, parts[1], parts[2], parts[3:])
    return plain


def _resource(plain: Call, group: str, version: str, parts: list[str]) -> Call:
    namespace = ""
    if parts[0] == "namespaces" and len(parts) > 1:
        namespace = parts[1]
        if len(parts) > 2 and parts[2] not in _NAMESPACE_SUBRESOURCES:
            parts = parts[2:]
    name = parts[1] if len(parts) > 1 else ""
    selected = "" if name else selected_name(plain.query.get("fieldSelector", ""))
    return replace(
        plain,
        is_resource=True,
        verb=_verb(plain, name),
        group=group,
        version=version,
        namespace=namespace,
        resource=parts[0],
        name=name,
        subresource=parts[2] if len(parts) > 2 else "",
        rest=tuple(parts[3:]),
        selected=selected if plain.method in ("GET", "HEAD") else "",
    )


def _verb(plain: Call, name: str) -> str:
    verb = _VERBS.get(plain.method, "")
    if verb == "get" and not name:
        return "watch" if plain.flag("watch") else "list"
    return "deletecollection" if verb == "delete" and not name else verb
