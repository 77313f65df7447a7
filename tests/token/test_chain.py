"""A role is assumed in the name of the person."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from moto.server import ThreadedMotoServer
from moto.sts.models import sts_backends

from iamrbac.token.chain import find, session_name
from iamrbac.token.errors import TokenError


@pytest.fixture
def sts(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[str]:
    server = ThreadedMotoServer("127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIA")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "hunter2")
    monkeypatch.delenv("AWS_PROFILE", raising=False)
    monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://{host}:{port}")
    yield f"http://{host}:{port}"
    server.stop()


def test_role_arn_gives_that_roles_credentials(sts: str) -> None:
    found = find(None, "eu-west-1", "arn:aws:iam::111122223333:role/ci/deployer")
    assert found.credentials.access_key.startswith("ASIA")
    assert found.credentials.token
    assert found.ends is not None
    sessions = [role.session_name for role in sts_backends["111122223333"]["aws"].assumed_roles]
    assert sessions[-1] == "moto", "what moto calls a caller that it does not know"


def test_an_endpoint_that_does_not_answer_is_one_fault(sts: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:1")
    with pytest.raises(TokenError) as caught:
        find(None, "eu-west-1", "arn:aws:iam::111122223333:role/deployer")
    assert "Could not connect to the endpoint URL" in str(caught.value)
    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize(
    ("arn", "name"),
    [
        ("arn:aws:iam::111122223333:user/staff/alice", "alice"),
        ("arn:aws:sts::111122223333:assumed-role/Developer/alice@example.com", "alice@example.com"),
        ("arn:aws:sts::111122223333:federated-user/bob", "bob"),
        ("arn:aws:iam::111122223333:root", "root"),
        ("arn:aws:iam::111122223333:user/x", "x-iamrbac"),
    ],
)
def test_the_session_is_named_after_the_person(arn: str, name: str) -> None:
    assert session_name(arn) == name


@given(st.text(max_size=100))
def test_any_name_is_one_that_sts_takes(name: str) -> None:
    assert re.fullmatch(r"[\w+=,.@-]{2,64}", session_name(f"arn:aws:iam::1:user/{name}"), re.ASCII)
