"""A cluster to ask, twice: the embedded API and a real API server. The tests know a URL, a CA and tokens, no more.

A behaviour that we rely on is one test here, and has two names in a run: `test_x[embedded]` and `test_x[real]`.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import pytest

from iamrbac.rbac.objects import User
from iamrbac.sandbox.controlplane.files import StaticUser
from iamrbac.sandbox.controlplane.server import ControlPlane
from iamrbac.sandbox.kube.caller import Caller
from iamrbac.sandbox.kube.server import EmbeddedCluster
from tests.conformance.http import Client

CALLERS = {
    "token-admin": Caller(User("admin", ("system:masters",)), uid="1"),
    "token-alice": Caller(User("alice", ("developers",)), uid="2", extra={"team": ("payments",)}),
    "token-bob": Caller(User("bob"), uid="3"),
}
EMBEDDED_ONLY = "embedded_only"
_COUNT = itertools.count()


@dataclass(frozen=True)
class Target:
    """Where the API is, and a token for each of admin (system:masters), alice (group developers) and bob."""

    url: str
    ca_pem: str
    tokens: dict[str, str]
    real: bool


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave a refusal (501) that only the embedded API has out of the real one's tests."""
    left_out = [item for item in items if item.get_closest_marker(EMBEDDED_ONLY) and item.get_closest_marker("e2e")]
    config.hook.pytest_deselected(items=left_out)
    items[:] = [item for item in items if item not in left_out]


@pytest.fixture(scope="session")
def embedded_target() -> Iterator[Target]:
    with EmbeddedCluster("tests", CALLERS.get) as cluster:
        tokens = {caller.user.name: token for token, caller in CALLERS.items()}
        yield Target(cluster.url, cluster.ca_pem, tokens, real=False)


@pytest.fixture(scope="session")
def real_target() -> Iterator[Target]:
    users = [StaticUser(one.user.name, one.user.groups, one.uid or "") for one in CALLERS.values()]
    with ControlPlane("tests", users) as real:
        yield Target(real.url, real.ca_pem, dict(real.tokens), real=True)


@pytest.fixture(params=["embedded", pytest.param("real", marks=pytest.mark.e2e)])
def target(request: pytest.FixtureRequest) -> Target:
    """One API and then the other, each started once for all tests of a process."""
    found: Target = request.getfixturevalue(f"{request.param}_target")
    return found


@pytest.fixture
def login(target: Target) -> Iterator[Callable[[str], Client]]:
    """A client for a user by name; "" is nobody."""
    clients: list[Client] = []

    def log_in(user: str) -> Client:
        clients.append(Client(target.url, target.ca_pem, target.tokens.get(user, ""), patient=target.real))
        return clients[-1]

    yield log_in
    for client in clients:
        client.close()


@pytest.fixture
def admin(login: Callable[[str], Client]) -> Client:
    return login("admin")


@pytest.fixture
def alice(login: Callable[[str], Client]) -> Client:
    return login("alice")


@pytest.fixture
def unique() -> str:
    """A name that no other test has, for objects without a namespace."""
    return f"t{next(_COUNT)}"


@pytest.fixture
def namespace(admin: Client, unique: str) -> Iterator[str]:
    """A namespace of the test's own."""
    name = f"ns-{unique}"
    assert admin.post("/api/v1/namespaces", {"metadata": {"name": name}}).code == 201
    yield name
    admin.delete(f"/api/v1/namespaces/{name}")


@pytest.fixture
def maps(namespace: str) -> str:
    """The path of the namespace's ConfigMaps."""
    return f"/api/v1/namespaces/{namespace}/configmaps"
