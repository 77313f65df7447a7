"""One event as the authorizer saw it, and events in what they are kept in."""

from __future__ import annotations

import json
from typing import Any

import pytest

from iamrbac.audit.reading import bound_by, denied, impersonations, refused_of, request_of
from iamrbac.audit.shapes import OTHER, Broken, events_in
from iamrbac.rbac.objects import Request
from tests.audit.build import event


@pytest.mark.parametrize(
    ("given", "request_"),
    [
        (event("get", "pods", "blue", name="a"), Request("get", "pods", name="a", namespace="blue")),
        # The API server fills the name of what was created in when it has read the object.
        (event("create", "pods", "blue", name="a"), Request("create", "pods", namespace="blue")),
        (
            event("create", "pods", "blue", name="a", subresource="exec"),
            Request("create", "pods", subresource="exec", name="a", namespace="blue"),
        ),
        (
            event("list", "deployments", api_group="apps"),
            Request("list", "deployments", "apps"),
        ),
        (event("get", uri="/metrics?timeout=1s"), Request("get", path="/metrics")),
    ],
)
def test_the_request_is_the_authorizers(given: dict[str, Any], request_: Request) -> None:
    assert request_of(given) == request_


@pytest.mark.parametrize(
    "wrong",
    [{"verb": 1}, {"verb": None}, {"objectRef": "pods"}, {"objectRef": ["pods"]}, {"objectRef": {"resource": 1}}],
)
def test_what_is_not_shaped_as_one_is_none(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="it"):
        request_of(event("get", "pods") | wrong)


def test_the_authorizers_word_counts_before_the_code() -> None:
    assert denied(event("get", "pods", code=403))
    assert not denied(event("create", "pods", code=403, decision="allow"))
    bare = event("get", "pods", code=403)
    del bare["annotations"]
    assert denied(bare)
    assert not denied(bare | {"responseStatus": {"code": 200}})
    assert not denied(bare | {"responseStatus": None})


def test_the_binding_is_the_api_servers_word() -> None:
    reason = 'RBAC: allowed by RoleBinding "b/blue" of ClusterRole "edit" to Group "g"'
    told = event("get", "pods") | {"annotations": {"authorization.k8s.io/reason": reason}}
    assert bound_by(told) == ("RoleBinding", "blue", "b")
    told["annotations"]["authorization.k8s.io/reason"] = reason.replace("Role", "ClusterRole", 1).replace("/blue", "")
    assert bound_by(told) == ("ClusterRoleBinding", "", "b")
    assert bound_by(event("get", "pods")) == ("", "", "")


def acting(user: dict[str, Any], constraint: str = "") -> list[Request]:
    more: dict[str, Any] = {"impersonatedUser": user}
    if constraint:
        more["authenticationMetadata"] = {"impersonationConstraint": constraint}
    return list(impersonations(event("delete", "pods", "blue", name="a", more=more)))


def test_who_acts_as_somebody_was_asked_for_each_of_their_names() -> None:
    user = {"username": "ann", "groups": ["dev", "system:masters", "system:authenticated"]}
    assert acting(user) == [
        Request("impersonate", "users", name="ann"),
        Request("impersonate", "groups", name="dev"),
        Request("impersonate", "groups", name="system:masters"),
    ]
    account = {"username": "system:serviceaccount:ci:bot", "groups": ["system:serviceaccounts", "system:authenticated"]}
    assert acting(account) == [Request("impersonate", "serviceaccounts", name="bot", namespace="ci")]
    assert acting({"username": "ann", "uid": "7", "extra": {"team": ["blue"]}})[1:] == [
        Request("impersonate", "uids", "authentication.k8s.io", name="7"),
        Request("impersonate", "userextras", "authentication.k8s.io", "team", "blue"),
    ]
    assert acting({"groups": "all", "extra": [], "username": 3}) == []


@pytest.mark.parametrize(
    ("message", "refused"),
    [
        (
            'pods is forbidden: User "ann" cannot impersonate-on:user-info:delete resource "pods" in API group ""',
            Request("impersonate-on:user-info:delete", "pods", name="a", namespace="blue"),
        ),
        (
            'users "sam" is forbidden: User "ann" cannot impersonate resource "users" in API group ""',
            Request("impersonate", "users", name="sam"),
        ),
        (
            'serviceaccounts "sam" is forbidden: User "ann" cannot impersonate resource "serviceaccounts" in '
            'API group "" in the namespace "ci"',
            Request("impersonate", "serviceaccounts", name="sam", namespace="ci"),
        ),
        ('pods "a" is forbidden: User "ann" cannot delete resource "pods" in API group ""', None),
        (None, None),
    ],
)
def test_whoever_may_not_act_as_somebody_was_refused_that(message: str | None, refused: Request | None) -> None:
    status = {"code": 403, "message": message, "details": {"name": "sam"}}
    event_ = event("delete", "pods", "blue", name="a", more={"responseStatus": status})
    assert refused_of(event_) == request_of(event_)
    del event_["annotations"]
    assert refused_of(event_) == (refused or request_of(event_))


def test_constrained_impersonation_is_asked_for_what_is_done_by_it_too() -> None:
    assert acting({"username": "ann"}, "impersonate:user-info") == [
        Request("impersonate:user-info", "users", "authentication.k8s.io", name="ann"),
        Request("impersonate-on:user-info:delete", "pods", name="a", namespace="blue"),
    ]
    node = {"username": "system:node:ip-1", "groups": ["system:nodes"]}
    assert acting(node, "impersonate:arbitrary-node")[0] == Request(
        "impersonate:arbitrary-node", "nodes", "authentication.k8s.io", name="ip-1"
    )


ONE = event("get", "pods", "blue")


@pytest.mark.parametrize(
    "kept",
    [
        ONE,
        [ONE],
        {"kind": "EventList", "apiVersion": "audit.k8s.io/v1", "metadata": {}, "items": [ONE]},
        {"messageType": "DATA_MESSAGE", "logGroup": "g", "logEvents": [{"id": "1", "message": json.dumps(ONE)}]},
        {"events": [{"timestamp": 1, "message": json.dumps(ONE)}], "searchedLogStreams": []},
        {"id": "1", "timestamp": 1, "message": json.dumps(ONE)},
    ],
)
def test_an_event_is_found_wherever_it_is_kept(kept: object) -> None:
    assert list(events_in(kept)) == [ONE]


@pytest.mark.parametrize(
    "other",
    [
        {"kind": "Event", "apiVersion": "v1", "reason": "Pulled"},
        {"messageType": "CONTROL_MESSAGE", "logEvents": [{"message": "CWL CONTROL MESSAGE: Checking health"}]},
        {"message": "I1126 10:00:00.000000      10 controller.go:1] hello"},
        {},
        [[ONE]],
    ],
)
def test_what_is_no_audit_event_is_told_apart(other: object) -> None:
    assert list(events_in(other)) == [OTHER]


def test_what_is_broken_inside_is_broken() -> None:
    cut = {"events": [{"message": '{"kind":"Event",'}, {"message": json.dumps(ONE)}]}
    assert [isinstance(one, Broken) for one in events_in(cut)] == [True, False]
    assert isinstance(next(events_in(7)), Broken)
