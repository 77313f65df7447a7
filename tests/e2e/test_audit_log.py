"""`audit-log` of the log that a real API server writes, of requests that are known."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from iamrbac import wiring
from iamrbac.audit.grants import SetGrant, grants_of
from iamrbac.audit.reading import bound_by
from iamrbac.rbac.wire import binding_to_json, role_to_json
from iamrbac.sandbox.controlplane.files import StaticUser
from iamrbac.sandbox.controlplane.server import ControlPlane, Plain
from iamrbac.usecases.audit_log import AuditAnswer, audit
from iamrbac.usecases.ground import Ground, policy_ground
from iamrbac.wiring.audit import audit_logs
from tests.audit.build import group
from tests.conformance.http import Client
from tests.conftest import ROOT

REPOSITORY = ROOT / "tests" / "cli" / "repositories" / "asked"
POLICY = {"apiVersion": "audit.k8s.io/v1", "kind": "Policy", "rules": [{"level": "RequestResponse"}]}
USERS = (
    StaticUser("admin", ("system:masters",)),
    StaticUser("ann", (group("payments/developers"),)),
    StaticUser("sam", (group("search/developers"),)),
)
PODS, MAPS = "/api/v1/namespaces/payments/pods", "/api/v1/namespaces/search/configmaps"
PATIENCE_SECONDS = 30.0


class Quiet:
    def step(self, text: str) -> None: ...

    def note(self, text: str) -> None: ...


@pytest.fixture(scope="module")
def ground() -> Ground:
    repository, builtin = wiring.repository(REPOSITORY), wiring.builtin().rbac
    return policy_ground(repository, wiring.roles(REPOSITORY), builtin, datetime.now(UTC), ("staging",))


@pytest.fixture(scope="module")
def log(ground: Ground, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """What people did, once what the policies mean was there."""
    folder = tmp_path_factory.mktemp("audit")
    (folder / "policy.json").write_text(json.dumps(POLICY))
    front = Plain(f"--audit-policy-file={folder / 'policy.json'}", f"--audit-log-path={folder / 'audit.log'}")
    with ControlPlane("audit", USERS, front) as plane:
        clients = {one.name: Client(plane.url, plane.ca_pem, plane.tokens[one.name], patient=True) for one in USERS}
        clients["nobody"] = Client(plane.url, plane.ca_pem, "nobody")
        _write(ground, clients["admin"])
        _act(clients)
        for client in clients.values():
            client.close()
        yield folder / "audit.log"


def _write(ground: Ground, admin: Client) -> None:
    judge, rbac = ground.judges["staging"], "/apis/rbac.authorization.k8s.io/v1"
    for name in ("payments", "search"):
        assert admin.post("/api/v1/namespaces", {"metadata": {"name": name}}).code == 201
    for binding in judge.world.rbac.bindings:
        role = judge.authorizer.role_of(binding)
        if judge.origins(binding) and role is not None:
            for one, value in ((role, role_to_json(role)), (binding, binding_to_json(binding))):
                place = f"{rbac}/namespaces/{one.namespace}" if one.namespace else rbac
                assert admin.post(f"{place}/{one.kind.lower()}s", value).code in (201, 409)


def _act(clients: dict[str, Client]) -> None:
    ann, sam, admin = clients["ann"], clients["sam"], clients["admin"]
    deadline = time.monotonic() + PATIENCE_SECONDS
    # The authorizer judges by what its caches have seen; until then these are denials, and not counted below.
    while sam.get(f"{MAPS}/none").code == 403 or ann.get(PODS).code == 403:
        assert time.monotonic() < deadline
    assert ann.get(f"{PODS}/web").code == 404
    assert ann.get(PODS, watch=1, timeoutSeconds=1).code == 200
    for name in ("a", "b", "c"):
        assert ann.delete(f"{PODS}/{name}").code == 403
    assert sam.post(MAPS, {"metadata": {"name": "new"}}).code == 201
    assert sam.post(MAPS, {"metadata": {"name": "dry"}}, dryRun="All").code == 201
    as_sam = {"Impersonate-User": "sam", "Impersonate-Group": group("search/developers")}
    assert admin.send("DELETE", f"{MAPS}/new", None, as_sam).code == 200
    for _ in range(2):
        assert ann.send("GET", PODS, None, {"Impersonate-User": "sam"}).code == 403
    assert clients["nobody"].get(PODS).code == 401


@pytest.fixture(scope="module")
def answer(ground: Ground, log: Path) -> AuditAnswer:
    return audit(ground, audit_logs([str(log)]), None, Quiet())


def test_every_line_is_an_event(answer: AuditAnswer) -> None:
    assert answer.counts["events"] > 100
    assert (answer.read.broken, answer.read.other, answer.read.failures) == (0, 0, [])
    assert answer.counts["unauthenticated"] == 1


def test_what_was_used_is_used(answer: AuditAnswer) -> None:
    states = {(one.grant.group, one.grant.role): one.state for one in answer.found.grants}
    assert states[group("payments/developers"), "viewer"] == "used"
    assert states[group("search/developers"), "developer"] == "used"
    assert states[group("payments/auditors"), "eksAccessPolicy AmazonEKSEditPolicy"] == "unused"
    assert answer.counts["otherwise"] == 0
    assert answer.counts["dryRuns"] == 1


def test_the_smallest_roles_are_what_was_done(answer: AuditAnswer) -> None:
    rules = {(one.group, one.role): one.rules for one in answer.found.proposals}
    (pods,) = rules[group("payments/developers"), "viewer"]
    assert (pods.resources, pods.verbs, pods.resource_names) == (("pods",), ("get", "list", "watch"), ())
    (maps,) = rules[group("search/developers"), "developer"]
    assert (maps.resources, maps.verbs) == (("configmaps",), ("get", "create", "delete"))


def test_denials_are_counted_together(answer: AuditAnswer) -> None:
    (denied,) = [one for one in answer.found.denials if one.refusal.request.verb == "delete"]
    assert (denied.times, denied.refusal.user, denied.refusal.request.namespace) == (3, "ann", "payments")
    assert denied.misses[0].lacks == ("verb",)
    (acting,) = [one for one in answer.found.denials if one.refusal.request.verb.startswith("impersonate")]
    assert (acting.times, acting.given) == (2, ())
    # Before the caches had seen the bindings, if it was so.
    assert all(one.given for one in answer.found.denials if one not in (denied, acting))


def test_our_word_is_the_api_servers(ground: Ground, log: Path) -> None:
    """Each request that it says a binding of ours allowed, and no other one, is allowed by that grant here."""
    bound = {one.binding: one for one in grants_of(ground.judges["staging"]) if one.binding is not None}
    told: set[SetGrant] = set()
    for line in log.read_bytes().splitlines():
        event: dict[str, Any] = json.loads(line)
        kind, namespace, name = bound_by(event)
        grant = bound.get((kind, namespace or None, name))
        if grant is not None:
            told.add(grant)
    assert {(one.group, one.namespace) for one in told} == {
        (group("payments/developers"), "payments"),
        (group("search/developers"), "search"),
    }
