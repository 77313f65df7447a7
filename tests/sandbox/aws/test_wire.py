"""Routes are botocore's own, and pages lose nothing."""

from __future__ import annotations

import re

import botocore.session
from hypothesis import given
from hypothesis import strategies as st

from iamrbac.sandbox.aws.eks.routes import OPERATIONS, operation
from iamrbac.sandbox.aws.eks.wire import page
from iamrbac.sandbox.aws.http import AwsRequest


def test_every_route_is_the_service_models() -> None:
    model = botocore.session.Session().get_service_model("eks")
    access = {name for name in model.operation_names if "AccessEntr" in name or "AccessPolic" in name}
    assert len(access) == 9
    assert access < OPERATIONS
    for name in OPERATIONS:
        http = model.operation_model(name).http
        arguments: list[str] = []

        def fill(match: re.Match[str], into: list[str] = arguments) -> str:
            into.append(f"a/{len(into)}")
            return f"a%2F{len(into) - 1}"

        path = re.sub(r"\{\w+\}", fill, http["requestUri"])
        request = AwsRequest(http["method"], path, "", {}, b"", "eks", "eu-west-1", "AKIA")
        assert operation(request) == (name, tuple(arguments))


@given(st.lists(st.text(min_size=1), unique=True).map(sorted), st.integers(1, 100))
def test_pages_together_are_the_whole(names: list[str], size: int) -> None:
    seen: list[str] = []
    query = {"maxResults": str(size)}
    while True:
        shown, more = page(names, query)
        seen += shown
        assert len(shown) <= size
        if not more:
            break
        assert len(shown) == size
        query |= more
    assert seen == names
