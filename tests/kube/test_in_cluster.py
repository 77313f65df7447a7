"""The cluster that we run on, as a Pod reaches it."""

from __future__ import annotations

from pathlib import Path

import pytest

from iamrbac.kube.in_cluster import TOKEN_LIFE, ServiceAccount
from iamrbac.kube.transport import _Tokens
from iamrbac.model.accounts import AssumeRole
from iamrbac.model.errors import InClusterError
from iamrbac.plan.observed import Target


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name, text in (("token", "first\n"), ("ca.crt", "PEM\n"), ("namespace", "iamrbac-system")):
        (tmp_path / name).write_text(text)
    return tmp_path


def account(folder: Path, host: str = "10.96.0.1") -> ServiceAccount:
    environ = {"KUBERNETES_SERVICE_HOST": host, "KUBERNETES_SERVICE_PORT": "443"}
    return ServiceAccount.found({**environ, "IAMRBAC_SERVICE_ACCOUNT_DIR": str(folder)})


@pytest.mark.parametrize(
    ("host", "url"), [("10.96.0.1", "https://10.96.0.1:443"), ("fd00::1", "https://[fd00::1]:443")]
)
def test_where_it_is(folder: Path, host: str, url: str) -> None:
    own = account(folder, host)
    assert (own.endpoint, own.namespace()) == (url, "iamrbac-system")
    role = AssumeRole(role_arn="arn:aws:iam::111122223333:role/reach")
    eks = Target(
        "a", "b", "arn:aws:eks:eu-west-1:1:cluster/b", "eu-west-1", "https://e", "x", "API", role, "http://p", "s"
    )
    found = own.reached(eks)
    assert (found.endpoint, found.certificate_authority, found.arn) == (url, "PEM", eks.arn)
    assert (found.role, found.proxy_url, found.tls_server_name) == (None, None, None)


@pytest.mark.parametrize("environ", [{}, {"KUBERNETES_SERVICE_HOST": "10.96.0.1"}])
def test_outside_of_a_pod(environ: dict[str, str]) -> None:
    with pytest.raises(InClusterError, match="are not set"):
        ServiceAccount.found(environ)


@pytest.mark.parametrize("text", [None, "", b"\xff"])
def test_a_token_that_cannot_be_read(folder: Path, text: str | bytes | None) -> None:
    (folder / "token").unlink()
    if text is not None:
        (folder / "token").write_bytes(text if isinstance(text, bytes) else text.encode())
    with pytest.raises(InClusterError) as caught:
        account(folder).token()
    assert caught.value.where == str(folder / "token")


def test_the_token_is_read_again_long_before_it_ends(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    clock = [1000.0]
    monkeypatch.setattr("iamrbac.kube.transport.time.monotonic", lambda: clock[0])
    tokens = _Tokens(account(folder).token, TOKEN_LIFE)
    assert tokens.current() == ("first", True)
    (folder / "token").write_text("second")
    assert tokens.current() == ("first", False)
    clock[0] += TOKEN_LIFE
    assert tokens.current() == ("second", True)
