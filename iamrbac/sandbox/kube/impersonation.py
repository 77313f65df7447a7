"""Impersonate-* headers: acting as somebody else, if one may."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final
from urllib.parse import unquote

from iamrbac.rbac.objects import Request, User
from iamrbac.rbac.subjects import ANONYMOUS, SERVICE_ACCOUNT, UNAUTHENTICATED
from iamrbac.sandbox.kube.access import Access
from iamrbac.sandbox.kube.caller import Caller, authenticated
from iamrbac.sandbox.kube.request import Call
from iamrbac.sandbox.kube.status import StatusError

_AUTHENTICATION: Final = "authentication.k8s.io"
_EXTRA: Final = "impersonate-extra-"


def impersonated(access: Access, caller: Caller, call: Call) -> Caller:
    """The caller that Impersonate-* headers ask for.

    Raises StatusError 403 when the real caller may not, and 400 for a group without a user.
    """
    headers = call.impersonate
    if not headers:
        return caller
    name = next((value for header, value in headers if header == "impersonate-user"), "")
    groups = tuple(value for header, value in headers if header == "impersonate-group")
    uid = next((value for header, value in headers if header == "impersonate-uid"), "")
    extra = [(unquote(header.removeprefix(_EXTRA)), value) for header, value in headers if header.startswith(_EXTRA)]
    if not name:
        raise StatusError(
            400,
            "BadRequest",
            "requested impersonation of groups, a UID or extra without impersonating a user name",
        )
    for request in _impersonations(name, groups, uid, extra):
        access.require(caller, request)
    return authenticated(Caller(User(name, _groups(name, groups)), uid, _collected(extra)))


def _impersonations(name: str, groups: Iterable[str], uid: str, extra: Iterable[tuple[str, str]]) -> Iterable[Request]:
    account = _service_account(name)
    if account:
        yield Request("impersonate", "serviceaccounts", name=account[1], namespace=account[0])
    else:
        yield Request("impersonate", "users", name=name)
    for group in groups:
        yield Request("impersonate", "groups", name=group)
    for key, value in extra:
        yield Request("impersonate", "userextras", _AUTHENTICATION, key, value)
    if uid:
        yield Request("impersonate", "uids", _AUTHENTICATION, name=uid)


def _service_account(name: str) -> tuple[str, str] | None:
    namespace, colon, account = name.removeprefix(SERVICE_ACCOUNT).partition(":")
    return (namespace, account) if name.startswith(SERVICE_ACCOUNT) and colon and namespace and account else None


def _groups(name: str, asked: tuple[str, ...]) -> tuple[str, ...]:
    account = _service_account(name)
    if account and not asked:
        return ("system:serviceaccounts", f"system:serviceaccounts:{account[0]}")
    if name == ANONYMOUS and UNAUTHENTICATED not in asked:
        return (*asked, UNAUTHENTICATED)
    return asked


def _collected(extra: Iterable[tuple[str, str]]) -> dict[str, tuple[str, ...]]:
    found: dict[str, tuple[str, ...]] = {}
    for key, value in extra:
        found[key] = (*found.get(key, ()), value)
    return found
