"""Entries, associations, updates and pages as EKS writes them in JSON. Times are seconds since 1970."""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Mapping, Sequence
from typing import Any

from iamrbac.sandbox.aws.eks.access import Association, ClusterAccess, Entry, Update
from iamrbac.sandbox.aws.eks.errors import EksError, InvalidParameterError
from iamrbac.sandbox.aws.http import AwsRequest, Reply

JSON = "application/json"
MOST_RESULTS = 100


def reply(body: Mapping[str, Any]) -> Reply:
    """Return a 200 with a JSON body."""
    return Reply(200, json.dumps(body).encode(), JSON)


def refusal(error: EksError, cluster: str | None) -> Reply:
    """Return an error as EKS writes it."""
    body = json.dumps({"message": error.text, "clusterName": cluster}).encode()
    return Reply(error.status, body, JSON, {"x-amzn-ErrorType": error.code})


def body_of(request: AwsRequest) -> dict[str, Any]:
    """Return the request's JSON object."""
    try:
        value = json.loads(request.body or b"{}")
    except ValueError:
        raise InvalidParameterError("The request body is not JSON.") from None
    if not isinstance(value, dict):
        raise InvalidParameterError("The request body is not a JSON object.")
    return value


def text(body: Mapping[str, Any], name: str, default: str = "") -> str:
    """Return a string of the body."""
    value = body.get(name)
    if value is None:
        return default
    if not isinstance(value, str):
        raise InvalidParameterError(f"{name} is not a string.")
    return value


def texts(body: Mapping[str, Any], name: str) -> list[str] | None:
    """Return a list of strings of the body; None where it is not there."""
    value = body.get(name)
    if value is None:
        return None
    if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
        raise InvalidParameterError(f"{name} is not a list of strings.")
    return value


def tags_of(body: Mapping[str, Any]) -> dict[str, str]:
    """Return the tags of the body."""
    value = body.get("tags") or {}
    if not isinstance(value, dict) or not all(isinstance(item, str) for item in value.values()):
        raise InvalidParameterError("tags is not a map of strings.")
    return value


def page(names: Sequence[str], query: Mapping[str, str]) -> tuple[list[str], dict[str, str]]:
    """Return the page of sorted names that was asked for, and `nextToken` where there are more.

    A token says after which name to go on, so that a page survives what is made or deleted meanwhile.
    """
    results = query.get("maxResults", str(MOST_RESULTS))
    if not results.isdigit() or not 1 <= int(results) <= MOST_RESULTS:
        raise InvalidParameterError(f"maxResults must be between 1 and {MOST_RESULTS}.")
    after = _last_name(query["nextToken"]) if query.get("nextToken") else ""
    rest = [name for name in names if name > after]
    shown = rest[: int(results)]
    more = len(rest) > len(shown)
    return shown, {"nextToken": base64.urlsafe_b64encode(shown[-1].encode()).decode()} if more else {}


def entry_json(access: ClusterAccess, entry: Entry) -> dict[str, Any]:
    """Return an accessEntry."""
    return {
        "clusterName": access.name,
        "principalArn": entry.principal,
        "kubernetesGroups": list(entry.groups),
        "accessEntryArn": entry.arn,
        "createdAt": entry.created_at.timestamp(),
        "modifiedAt": entry.modified_at.timestamp(),
        "tags": dict(entry.tags),
        "username": entry.username,
        "type": entry.type,
    }


def association_json(association: Association) -> dict[str, Any]:
    """Return an associatedAccessPolicy."""
    return {
        "policyArn": association.policy,
        "accessScope": {"type": association.scope, "namespaces": list(association.namespaces)},
        "associatedAt": association.associated_at.timestamp(),
        "modifiedAt": association.modified_at.timestamp(),
    }


def update_json(update: Update) -> dict[str, Any]:
    """Return an update."""
    return {
        "id": update.id,
        "status": update.status,
        "type": "AccessConfigUpdate",
        "params": [{"type": "AuthenticationMode", "value": json.dumps(update.mode)}],
        "createdAt": update.created_at.timestamp(),
        "errors": [],
    }


def _last_name(token: str) -> str:
    try:
        return base64.b64decode(token.encode(), b"-_", validate=True).decode()
    except (binascii.Error, UnicodeDecodeError, UnicodeEncodeError):
        raise InvalidParameterError("The specified nextToken is invalid.") from None
