"""What moto's IAM leaves out and the real one does: pages, and refusals to delete who is still in a group."""

from __future__ import annotations

import base64
import binascii
import uuid
from collections.abc import Mapping, Sequence
from typing import Any
from xml.sax.saxutils import escape

from moto.iam.models import iam_backends

from iamrbac.model.arn import partition_of
from iamrbac.sandbox.aws.http import AwsRequest, Reply
from iamrbac.sandbox.aws.keys import account_of

NAMESPACE = "https://iam.amazonaws.com/doc/2010-05-08/"
DEFAULT_ITEMS, MOST_ITEMS = 100, 1000
STILL_IN_GROUP = "Cannot delete entity, must remove users from group first."
STILL_HAS_KEYS = "Cannot delete entity, must delete access keys first."


def answer(request: AwsRequest) -> Reply | None:
    """Answer what moto would answer wrongly; None where moto may go on (also: for a group or user that is missing)."""
    form = request.form
    backend = iam_backends[account_of(request.access_key)][partition_of(request.region)]
    action = form.get("Action", "")
    if action in ("GetGroup", "ListUsers", "ListGroups", "ListGroupsForUser"):
        return _bad_page(form) or _page(action, form, backend)
    if action == "DeleteUser":
        return _kept_user(form, backend)
    if action == "DeleteGroup":
        group = backend.groups.get(form.get("GroupName", ""))
        return _error(409, "DeleteConflict", STILL_IN_GROUP) if group is not None and group.users else None
    return None


def _kept_user(form: Mapping[str, str], backend: Any) -> Reply | None:
    user = backend.users.get(form.get("UserName", ""))
    if user is None:
        return None
    if any(user in group.users for group in list(backend.groups.values())):
        return _error(409, "DeleteConflict", STILL_IN_GROUP)
    return _error(409, "DeleteConflict", STILL_HAS_KEYS) if user.access_keys else None


def _page(action: str, form: Mapping[str, str], backend: Any) -> Reply | None:
    """Return one page of a list as IAM writes it."""
    prefix = form.get("PathPrefix", "/")
    groups, users = list(backend.groups.values()), list(backend.users.values())
    if action == "GetGroup":
        group = backend.groups.get(form.get("GroupName", ""))
        if group is None:
            return None
        return _listing(action, form, f"<Group>{_group(group)}</Group>", "Users", [_user(user) for user in group.users])
    if action == "ListUsers":
        return _listing(action, form, "", "Users", [_user(each) for each in users if each.path.startswith(prefix)])
    if action == "ListGroups":
        return _listing(action, form, "", "Groups", [_group(each) for each in groups if each.path.startswith(prefix)])
    user = backend.users.get(form.get("UserName", ""))
    if user is None:
        return None
    return _listing(action, form, "", "Groups", [_group(group) for group in groups if user in group.users])


def _listing(action: str, form: Mapping[str, str], before: str, name: str, items: Sequence[str]) -> Reply:
    start = _offset(form.get("Marker", "")) or 0
    stop = start + int(form.get("MaxItems", DEFAULT_ITEMS))
    truncated = stop < len(items)
    members = "".join(f"<member>{item}</member>" for item in items[start:stop])
    after = f"<Marker>{_marker(stop)}</Marker>" if truncated else ""
    text = (
        f'<{action}Response xmlns="{NAMESPACE}"><{action}Result>{before}<{name}>{members}</{name}>'
        f"<IsTruncated>{str(truncated).lower()}</IsTruncated>{after}</{action}Result>"
        f"<ResponseMetadata><RequestId>{uuid.uuid4()}</RequestId></ResponseMetadata></{action}Response>"
    )
    return Reply(200, text.encode(), "text/xml")


def _user(user: Any) -> str:
    return _fields(user, UserName=user.name, UserId=user.id)


def _group(group: Any) -> str:
    return _fields(group, GroupName=group.name, GroupId=group.id)


def _fields(entity: Any, **named: str) -> str:
    fields = {"Path": entity.path, **named, "Arn": entity.arn, "CreateDate": f"{entity.create_date:%Y-%m-%dT%H:%M:%SZ}"}
    return "".join(f"<{name}>{escape(value)}</{name}>" for name, value in fields.items())


def _bad_page(form: Mapping[str, str]) -> Reply | None:
    items = form.get("MaxItems")
    if items is not None and not (items.isdigit() and 1 <= int(items) <= MOST_ITEMS):
        text = f"Value '{items}' at 'maxItems' failed to satisfy constraint: Member must be between 1 and {MOST_ITEMS}"
        return _error(400, "ValidationError", f"1 validation error detected: {text}")
    if "Marker" in form and _offset(form["Marker"]) is None:
        return _error(400, "ValidationError", f"Invalid Marker: {form['Marker']}")
    return None


def _marker(offset: int) -> str:
    return base64.urlsafe_b64encode(f"from:{offset}".encode()).decode()


def _offset(marker: str) -> int | None:
    try:
        kind, _, number = base64.b64decode(marker.encode(), b"-_", validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        return None
    return int(number) if kind == "from" and number.isdigit() else None


def _error(status: int, code: str, text: str) -> Reply:
    body = (
        f'<ErrorResponse xmlns="{NAMESPACE}"><Error><Type>Sender</Type><Code>{code}</Code>'
        f"<Message>{escape(text)}</Message></Error><RequestId>{uuid.uuid4()}</RequestId></ErrorResponse>"
    )
    return Reply(status, body.encode(), "text/xml")
