"""A cluster to ask. The behaviour tests know only a URL, a CA and tokens, so that a real API server can be it too.

With IAMRBAC_TEST_SERVER=real it is one, and only the tests of behaviour run.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from iamrbac.rbac.objects import User
from iamrbac.sandbox.controlplane.files import StaticUser
from iamrbac.sandbox.controlplane.server import ControlPlane
from iamrbac.sandbox.kube.caller import Caller
from iamrbac.sandbox.kube.server import EmbeddedCluster
from tests.sandbox.kube.http import REAL, Client

CALLERS = {
    "token-admin": Caller(User("admin", ("system:masters",)), uid="1"),
    "token-alice": Caller(User("alice", ("developers",)), uid="2", extra={"team": ("payments",)}),
    "token-bob": Caller(User("bob"), uid="3"),
}
EMBEDDED_ONLY = "embedded_only"
_COUNT = itertools.count()


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out what is no behaviour of an API server, or one that only the embedded API has."""
    here = Path(__file__).parent
    if not REAL:
        return
    left_out = [item for item in items if here in item.path.parents and not _is_behaviour(item)]
    config.hook.pytest_deselected(items=left_out)
    items[:] = [item for item in items if item not in left_out]


def _is_behaviour(item: pytest.Item) -> bool:
    return "target" in getattr(item, "fixturenames", ()) and item.get_closest_marker(EMBEDDED_ONLY) is None


@dataclass(frozen=True)
class Target:
    """Where the API is, and a token for each of admin (system:masters), alice (group developers) and bob."""

    url: str
    ca_pem: str
    tokens: dict[str, str]


@pytest.fixture(scope="session")
def target() -> Iterator[Target]:
    if REAL:
        users = [StaticUser(one.user.name, one.user.groups, one.uid or "") for one in CALLERS.values()]
        with ControlPlane("tests", users) as real:
            yield Target(real.url, real.ca_pem, dict(real.tokens))
        return
    with EmbeddedCluster("tests", CALLERS.get) as cluster:
        tokens = {caller.user.name: token for token, caller in CALLERS.items()}
        yield Target(cluster.url, cluster.ca_pem, tokens)


@pytest.fixture
def login(target: Target) -> Iterator[Callable[[str], Client]]:
    """A client for a user by name; "" is nobody."""
    clients: list[Client] = []

    def log_in(user: str) -> Client:
        clients.append(Client(target.url, target.ca_pem, target.tokens.get(user, "")))
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
