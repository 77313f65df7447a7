"""An API server that is filled with a state of RBAC and asked, the real one and the embedded one alike."""

from __future__ import annotations

import itertools
from functools import partial
from typing import Any
from urllib.parse import quote

from iamrbac.rbac.aggregate import aggregate
from iamrbac.rbac.objects import Binding, RbacState, Request, Role, RoleRef, Rule, Subject, User
from iamrbac.rbac.validate import manifest_problems
from iamrbac.rbac.wire import (
    binding_from_json,
    binding_to_json,
    role_from_json,
    role_to_json,
    rule_from_json,
    rule_to_json,
)
from tests.conformance.http import JSON, RBAC, Answer, Client
from tests.e2e.states import MARK, NAMESPACES, RBAC_GROUP, WRITERS

AUTHORIZATION = "/apis/authorization.k8s.io/v1"
_KINDS = ("roles", "rolebindings", "clusterroles", "clusterrolebindings")
_MINE = {"labelSelector": ",".join(f"{key}={value}" for key, value in MARK.items())}
_COUNT = itertools.count(1)
_WRITER = Rule(("create", "update", "get"), (RBAC_GROUP,), _KINDS)


class Server:
    """One API server, as its superuser."""

    def __init__(self, admin: Client) -> None:
        self._admin = admin
        for name in NAMESPACES:
            answer = admin.post("/api/v1/namespaces", {"metadata": {"name": name}})
            assert answer.code in (201, 409), answer.raw
        admin.settled(lambda: admin.get(f"/api/v1/namespaces/{NAMESPACES[-1]}").json["status"]["phase"], "Active")
        self._put(role_to_json(Role("ClusterRole", None, WRITERS, (_WRITER,))))
        ref = RoleRef("ClusterRole", WRITERS)
        writers = Binding("ClusterRoleBinding", None, WRITERS, ref, (Subject("Group", WRITERS),))
        self._put(binding_to_json(writers))
        # Without what another module's states have left here.
        others = {"labelSelector": ",".join(f"{key}!={value}" for key, value in MARK.items())}
        roles, bindings = (admin.get(f"{RBAC}/{kind}", **others).json["items"] for kind in _KINDS[2:])
        self.others = RbacState(
            tuple(role_from_json({"kind": "ClusterRole", **one}) for one in roles),
            tuple(binding_from_json({"kind": "ClusterRoleBinding", **one}) for one in bindings),
        )
        """What is there besides the states: the built-in roles, and who may write at all."""

    def fill(self, state: RbacState) -> RbacState:
        """Replace what is here by a state, and return what was taken of it, filled; wait until it is in force.

        The server must take exactly what our validation does.
        """
        for place in (*(f"{RBAC}/namespaces/{one}/{kind}" for one in NAMESPACES for kind in _KINDS[:2]), *_CLUSTER):
            assert self._admin.delete(place, **_MINE).code == 200
        roles = tuple(one for one in state.roles if self._create(_role(one)))
        bindings = tuple(one for one in state.bindings if self._create(binding_to_json(one)))
        filled = aggregate(roles)
        self._await_aggregation(filled)
        self._await_caches()
        return RbacState(filled, bindings)

    def allowed(self, user: User, request: Request) -> bool:
        """What a SubjectAccessReview says."""
        if request.path:
            what: dict[str, Any] = {"nonResourceAttributes": {"verb": request.verb, "path": request.path}}
        else:
            fields = {"group": request.api_group, "subresource": request.subresource, "name": request.name}
            place = {"verb": request.verb, "resource": request.resource, "namespace": request.namespace}
            what = {"resourceAttributes": {key: value for key, value in {**fields, **place}.items() if value}}
        spec = {"user": user.name, "groups": list(user.groups), **what}
        answer = self._admin.post(f"{AUTHORIZATION}/subjectaccessreviews", {"spec": spec})
        assert answer.code == 201, answer.raw
        return bool(answer.json["status"]["allowed"])

    def rules(self, user: User, namespace: str) -> frozenset[Rule]:
        """What a SelfSubjectRulesReview lists."""
        body = {"spec": {"namespace": namespace}}
        answer = self._as(user, "POST", f"{AUTHORIZATION}/selfsubjectrulesreviews", body)
        assert answer.code == 201, answer.raw
        status = answer.json["status"]
        assert not status["incomplete"]
        return frozenset(rule_from_json(one) for one in (*status["resourceRules"], *status["nonResourceRules"]))

    def write(self, user: User, item: Role | Binding, *, update: bool) -> tuple[int, str]:
        """Try a write as somebody, without doing it: the code, and for a refusal its message."""
        manifest = _role(item) if isinstance(item, Role) else binding_to_json(item)
        place = _place(manifest)
        path = f"{place}/{quote(item.name)}" if update else place
        answer = self._as(user, "PUT" if update else "POST", path, manifest, dryRun="All")
        return answer.code, "" if answer.code < 400 else answer.json["message"]

    def _as(self, user: User, method: str, path: str, body: object, **query: object) -> Answer:
        headers = [("Content-Type", JSON), ("Impersonate-User", user.name)]
        headers += [("Impersonate-Group", group) for group in user.groups]
        return self._admin.send(method, path, body, headers, **query)

    def _create(self, manifest: dict[str, Any]) -> bool:
        place, wrong = _place(manifest), manifest_problems(manifest)
        answer = self._admin.post(place, manifest)
        assert answer.code == (422 if wrong else 201), (wrong, manifest, answer.raw)
        return not wrong

    def _put(self, manifest: dict[str, Any]) -> None:
        answer = self._admin.put(f"{_place(manifest)}/{manifest['metadata']['name']}", manifest)
        assert answer.code in (200, 201), answer.raw

    def _await_aggregation(self, filled: tuple[Role, ...]) -> None:
        for role in filled:
            if role.aggregation:
                found = self._admin.settled(partial(self._stored, role.name), role.rules)
                assert found == role.rules, role

    def _stored(self, name: str) -> tuple[Rule, ...]:
        return role_from_json(
            {"kind": "ClusterRole", **self._admin.get(f"{RBAC}/clusterroles/{quote(name)}").json}
        ).rules

    def _await_caches(self) -> None:
        """The server judges by caches that follow its writes in their order: what was written last is seen last."""
        verb, user = f"epoch-{next(_COUNT)}", User(f"fz-epoch-{next(_COUNT)}")
        rule, subjects = Rule((verb,), ("",), ("epochs",)), (Subject("User", user.name),)
        cluster = (
            Role("ClusterRole", None, "fz-epoch", (rule,)),
            Binding("ClusterRoleBinding", None, "fz-epoch", RoleRef("ClusterRole", "fz-epoch"), subjects),
        )
        place = NAMESPACES[0]
        local = (
            Role("Role", place, "fz-epoch", (rule,)),
            Binding("RoleBinding", place, "fz-epoch", RoleRef("Role", "fz-epoch"), subjects),
        )
        for role, binding in (cluster, local):
            self._put(role_to_json(role))
            self._put(binding_to_json(binding))
        for role, _ in (cluster, local):
            request = Request(verb, "epochs", namespace=role.namespace or "")
            assert self._admin.settled(partial(self.allowed, user, request), True)


_CLUSTER = tuple(f"{RBAC}/{kind}" for kind in _KINDS[2:])


def _role(role: Role) -> dict[str, Any]:
    """A manifest with the rules of an aggregated role too, which we ourselves never write."""
    return {**role_to_json(role), "rules": [rule_to_json(rule) for rule in role.rules]}


def _place(manifest: dict[str, Any]) -> str:
    namespace, plural = manifest["metadata"].get("namespace"), f"{manifest['kind'].lower()}s"
    return f"{RBAC}/namespaces/{namespace}/{plural}" if namespace else f"{RBAC}/{plural}"
