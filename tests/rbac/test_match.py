from __future__ import annotations

import pytest
from hypothesis import given, settings

from iamrbac.rbac.match import allows
from iamrbac.rbac.objects import Request, Rule
from tests.rbac import oracle
from tests.rbac.strategies import requests, rules

GET_PODS = Rule(("get",), ("",), ("pods",))


def resources(*names: str) -> Rule:
    return Rule(("get",), ("",), names)


def urls(*names: str) -> Rule:
    return Rule(("get",), non_resource_urls=names)


TABLE = [
    # Verb, group and resource are equal or a star in the rule, as written.
    (GET_PODS, Request("get", "pods"), True),
    (GET_PODS, Request("list", "pods"), False),
    (Rule(("*",), ("",), ("pods",)), Request("escalate", "pods"), True),
    (GET_PODS, Request("get", "pods", "apps"), False),
    (Rule(("get",), ("*",), ("pods",)), Request("get", "pods", "apps"), True),
    (Rule(("get",), (), ("pods",)), Request("get", "pods"), False),
    (GET_PODS, Request("Get", "pods"), False),
    (GET_PODS, Request("get", "pod"), False),
    (GET_PODS, Request("get", "po"), False),
    (Rule((" get",), ("",), ("pods",)), Request("get", "pods"), False),
    # A star in the request is a letter.
    (GET_PODS, Request("*", "pods"), False),
    (GET_PODS, Request("get", "*"), False),
    # Subresources.
    (GET_PODS, Request("get", "pods", subresource="log"), False),
    (resources("*"), Request("get", "pods", subresource="log"), True),
    (resources("pods/log"), Request("get", "pods", subresource="log"), True),
    (resources("pods/log"), Request("get", "pods"), False),
    (resources("*/log"), Request("get", "pods", subresource="log"), True),
    (resources("*/log"), Request("get", "pods"), False),
    (resources("*/log"), Request("get", "pods", subresource="blog"), False),
    (resources("*/"), Request("get", "pods"), False),
    (resources("pods/*"), Request("get", "pods", subresource="log"), False),
    (resources("*/*"), Request("get", "pods", subresource="log"), False),
    # Names.
    (Rule(("get",), ("",), ("pods",), ("a",)), Request("get", "pods", name="a"), True),
    (Rule(("get",), ("",), ("pods",), ("a",)), Request("get", "pods", name="b"), False),
    (Rule(("list",), ("",), ("pods",), ("a",)), Request("list", "pods"), False),
    (Rule(("list",), ("",), ("pods",), ("a",)), Request("list", "pods", name="a"), True),
    (Rule(("get",), ("",), ("pods",), ("*",)), Request("get", "pods", name="a"), False),
    # Non-resource URLs.
    (urls("/healthz"), Request("get", path="/healthz"), True),
    (urls("/healthz"), Request("put", path="/healthz"), False),
    (urls("/foo/*"), Request("get", path="/foo"), False),
    (urls("/foo/*"), Request("get", path="/foo/"), True),
    (urls("/foo/*"), Request("get", path="/foo/bar/baz"), True),
    (urls("/foo**"), Request("get", path="/foobar"), True),
    (urls("*"), Request("get", path="/anything"), True),
    (urls("/a*b"), Request("get", path="/axb"), False),
    (urls("/a*b"), Request("get", path="/a*b"), True),
    # A resource rule never allows a URL, nor the other way round.
    (Rule(("*",), ("*",), ("*",)), Request("get", path="/healthz"), False),
    (urls("*"), Request("get", "pods"), False),
]


@pytest.mark.parametrize(("rule", "request_", "expected"), TABLE)
def test_table(rule: Rule, request_: Request, expected: bool) -> None:
    assert allows(rule, request_) is expected
    assert oracle.allows(rule, request_) is expected


@settings(max_examples=600, deadline=None)
@given(rules, requests)
def test_agrees_with_the_oracle(rule: Rule, request: Request) -> None:
    assert allows(rule, request) == oracle.allows(rule, request)
