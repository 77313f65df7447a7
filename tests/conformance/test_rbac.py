"""RBAC as it is enforced: who may, what a refusal says, and that nobody gives what they do not have."""

from __future__ import annotations

from functools import partial
from typing import Any

import pytest

from tests.conformance.http import RBAC, Client

GROUP = "rbac.authorization.k8s.io"
PODS = {"apiGroups": [""], "resources": ["pods"], "verbs": ["get", "list"]}
ALL_RBAC = {"apiGroups": [GROUP], "resources": ["*"], "verbs": ["create", "update", "patch", "delete", "get", "list"]}


def group(name: str) -> dict[str, str]:
    """A Group subject."""
    return {"kind": "Group", "apiGroup": GROUP, "name": name}


def binding(name: str, kind: str, role: str, *subjects: dict[str, str]) -> dict[str, Any]:
    """A RoleBinding or ClusterRoleBinding."""
    ref = {"apiGroup": GROUP, "kind": kind, "name": role}
    return {"metadata": {"name": name}, "roleRef": ref, "subjects": list(subjects)}


class Rules:
    """Gives rules in one namespace to the group developers, in which alice is."""

    def __init__(self, admin: Client, namespace: str) -> None:
        self.admin = admin
        self.namespace = namespace
        self.path = f"{RBAC}/namespaces/{namespace}"

    def give(self, *rules: dict[str, Any]) -> None:
        """Replace the rules, and wait until a real API server's authorizer has seen them."""
        assert self.admin.put(f"{self.path}/roles/dev", {"metadata": {"name": "dev"}, "rules": rules}).code < 300
        body = binding("dev", "Role", "dev", group("developers"))
        assert self.admin.put(f"{self.path}/rolebindings/dev", body).code < 300
        if self.admin.patient:
            for rule in rules:
                assert self.admin.settled(partial(self._given, rule), True)

    def _given(self, rule: dict[str, Any]) -> bool:
        resource, _, subresource = rule["resources"][0].partition("/")
        asked = {
            "namespace": self.namespace,
            "verb": rule["verbs"][0],
            "group": rule["apiGroups"][0],
            "resource": resource,
            "subresource": subresource,
            "name": rule.get("resourceNames", [""])[0],
        }
        spec = {"user": "alice", "groups": ["developers"], "resourceAttributes": asked}
        answer = self.admin.post("/apis/authorization.k8s.io/v1/subjectaccessreviews", {"spec": spec})
        return bool(answer.json["status"]["allowed"])


@pytest.fixture
def developers(admin: Client, namespace: str) -> Rules:
    return Rules(admin, namespace)


def test_refusals_say_who_what_and_where(alice: Client, namespace: str) -> None:
    assert alice.get(f"{RBAC}/namespaces/{namespace}/roles").refusal == (
        403,
        "Forbidden",
        f'roles.{GROUP} is forbidden: User "alice" cannot list resource "roles" in API group "{GROUP}" '
        f'in the namespace "{namespace}"',
    )
    pod = alice.get(f"/api/v1/namespaces/{namespace}/pods/p/log")
    assert pod.json["message"] == (
        'pods "p" is forbidden: User "alice" cannot get resource "pods/log" in API group "" '
        f'in the namespace "{namespace}"'
    )
    assert pod.json["details"] == {"name": "p", "kind": "pods"}
    nodes = alice.get("/api/v1/nodes")
    assert nodes.refusal[::2] == (
        403,
        'nodes is forbidden: User "alice" cannot list resource "nodes" in API group "" at the cluster scope',
    )
    assert alice.get("/metrics").refusal[::2] == (403, 'forbidden: User "alice" cannot get path "/metrics"')


def test_a_binding_counts_at_once_and_only_in_its_namespace(
    alice: Client, developers: Rules, admin: Client, namespace: str
) -> None:
    pods = f"/api/v1/namespaces/{namespace}/pods"
    assert alice.get(pods).code == 403
    developers.give(PODS)
    assert alice.get(pods).code == 200
    assert alice.get(f"{pods}/p").code == 404
    assert alice.post(pods, {"metadata": {"name": "p"}}).code == 403
    assert alice.get("/api/v1/namespaces/default/pods").code == 403
    assert alice.get("/api/v1/pods").code == 403
    admin.delete(f"{developers.path}/rolebindings/dev")
    assert alice.settled(lambda: alice.get(pods).code, 403) == 403


def test_names_of_rules_match_field_selectors(alice: Client, developers: Rules, namespace: str) -> None:
    maps = f"/api/v1/namespaces/{namespace}/configmaps"
    developers.give({"apiGroups": [""], "resources": ["configmaps"], "verbs": ["*"], "resourceNames": ["mine"]})
    assert alice.get(maps).code == 403
    assert alice.get(maps, fieldSelector="metadata.name=mine").code == 200
    assert alice.get(maps, fieldSelector="metadata.name=other").code == 403
    assert alice.post(maps, {"metadata": {"name": "mine"}}).code == 403
    # What PATCH and PUT create is asked for by name.
    config = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "mine"}}
    assert alice.apply(f"{maps}/mine", config).code == 201
    assert alice.delete(f"{maps}/mine").code == 200
    assert alice.delete(maps).code == 403


def test_apply_of_a_new_object_needs_create_too(alice: Client, developers: Rules, namespace: str) -> None:
    developers.give({"apiGroups": [""], "resources": ["configmaps"], "verbs": ["patch"]})
    config = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "a"}}
    refusal = alice.apply(f"/api/v1/namespaces/{namespace}/configmaps/a", config).refusal
    assert refusal[0] == 403
    assert 'cannot create resource "configmaps"' in refusal[2]


def test_a_role_binding_can_grant_its_own_namespace_object(alice: Client, developers: Rules, namespace: str) -> None:
    developers.give({"apiGroups": [""], "resources": ["namespaces"], "verbs": ["get"]})
    assert alice.get(f"/api/v1/namespaces/{namespace}").code == 200
    assert alice.get("/api/v1/namespaces/default").code == 403
    assert alice.get("/api/v1/namespaces").code == 403


def test_a_binding_without_its_role_is_named(alice: Client, admin: Client, namespace: str) -> None:
    path = f"{RBAC}/namespaces/{namespace}/rolebindings"
    admin.post(path, binding("gone", "Role", "nothing", group("developers")))
    message = alice.get(f"/api/v1/namespaces/{namespace}/pods").json["message"]
    assert message.endswith(f': RBAC: role.{GROUP} "nothing" not found')


def test_role_ref_cannot_change(admin: Client, developers: Rules) -> None:
    developers.give(PODS)
    path = f"{developers.path}/rolebindings/dev"
    answer = admin.put(path, binding("dev", "ClusterRole", "view", group("developers")))
    value = f'{{"APIGroup":"{GROUP}","Kind":"ClusterRole","Name":"view"}}'
    why = f'RoleBinding.{GROUP} "dev" is invalid: roleRef: Invalid value: {value}: cannot change roleRef'
    assert answer.refusal == (422, "Invalid", why)
    assert admin.put(path, binding("dev", "Role", "dev")).json.get("subjects") is None


def test_groups_of_roles_and_subjects_are_defaulted(admin: Client, namespace: str) -> None:
    body = {
        "metadata": {"name": "b"},
        "roleRef": {"kind": "ClusterRole", "name": "view"},
        "subjects": [{"kind": "User", "name": "u"}, {"kind": "ServiceAccount", "name": "s", "namespace": "n"}],
    }
    stored = admin.post(f"{RBAC}/namespaces/{namespace}/rolebindings", body).json
    assert stored["roleRef"]["apiGroup"] == GROUP
    assert stored["subjects"] == [
        {"kind": "User", "apiGroup": GROUP, "name": "u"},
        {"kind": "ServiceAccount", "name": "s", "namespace": "n"},
    ]


@pytest.mark.parametrize(
    ("plural", "body", "fields"),
    [
        ("roles", {"rules": [{}]}, {"rules[0].verbs", "rules[0].apiGroups", "rules[0].resources"}),
        ("roles", {"rules": [{"verbs": ["get"], "nonResourceURLs": ["/a"]}]}, {"rules[0].nonResourceURLs"}),
        ("rolebindings", {"roleRef": {"kind": "Nope", "name": "x"}}, {"roleRef.kind"}),
        ("rolebindings", {"roleRef": {"kind": "Role", "name": ""}}, {"roleRef.name"}),
        (
            "rolebindings",
            {"roleRef": {"kind": "Role", "name": "x"}, "subjects": [{"kind": "Robot", "name": "r"}]},
            {"subjects[0].kind"},
        ),
        (
            "rolebindings",
            {"roleRef": {"kind": "Role", "name": "x"}, "subjects": [{"kind": "User", "name": "u", "apiGroup": "v1"}]},
            {"subjects[0].apiGroup"},
        ),
    ],
)
def test_what_is_not_valid(admin: Client, namespace: str, plural: str, body: dict[str, Any], fields: set[str]) -> None:
    answer = admin.post(f"{RBAC}/namespaces/{namespace}/{plural}", {"metadata": {"name": "a"}, **body})
    assert answer.refusal[:2] == (422, "Invalid")
    assert {cause["field"] for cause in answer.json["details"]["causes"]} == fields


def test_an_empty_role_shows_null_rules(admin: Client, namespace: str) -> None:
    path = f"{RBAC}/namespaces/{namespace}/roles"
    assert admin.post(path, {"metadata": {"name": "a"}, "rules": []}).json["rules"] is None


def test_roles_that_give_more_than_the_writer_has(alice: Client, developers: Rules) -> None:
    developers.give(ALL_RBAC, PODS)
    roles = f"{developers.path}/roles"
    assert alice.post(roles, {"metadata": {"name": "ok"}, "rules": [{**PODS, "verbs": ["get"]}]}).code == 201
    more = {"apiGroups": [""], "resources": ["pods", "secrets"], "verbs": ["get", "delete"]}
    held = 'user "alice" (groups=["developers" "system:authenticated"]) is attempting to grant RBAC permissions not'
    assert alice.post(roles, {"metadata": {"name": "more"}, "rules": [more]}).refusal == (
        403,
        "Forbidden",
        f'roles.{GROUP} "more" is forbidden: {held} currently held:\n'
        '{APIGroups:[""], Resources:["pods"], Verbs:["delete"]}\n'
        '{APIGroups:[""], Resources:["secrets"], Verbs:["get" "delete"]}',
    )
    assert alice.patch(f"{roles}/ok", {"rules": [more]}).refusal[:2] == (403, "Forbidden")
    # Any update is judged by all rules, except what garbage collection needs.
    assert alice.patch(f"{roles}/dev", {"metadata": {"finalizers": ["example.com/x"]}}).code == 200
    assert alice.patch(f"{roles}/dev", {"metadata": {"finalizers": None}}).code == 200


def test_bindings_that_give_more_than_the_writer_has(alice: Client, developers: Rules) -> None:
    developers.give(ALL_RBAC, PODS)
    path = f"{developers.path}/rolebindings"
    refusal = alice.post(path, binding("v", "ClusterRole", "view", group("x"))).refusal
    assert refusal[:2] == (403, "Forbidden")
    assert "is attempting to grant RBAC permissions not currently held" in refusal[2]
    missing = alice.post(path, binding("n", "ClusterRole", "nothing", group("x"))).refusal
    assert missing == (404, "NotFound", f'rolebindings.{GROUP} "nothing" not found')
    assert alice.post(path, binding("self", "Role", "dev", group("x"))).code == 201
    bind = {"apiGroups": [GROUP], "resources": ["clusterroles"], "verbs": ["bind"], "resourceNames": ["view"]}
    developers.give(ALL_RBAC, PODS, bind)
    assert alice.post(path, binding("v", "ClusterRole", "view", group("x"))).code == 201
    assert alice.post(path, binding("e", "ClusterRole", "edit", group("x"))).code == 403


def test_escalate_frees_writers_of_roles(alice: Client, developers: Rules) -> None:
    secrets = {"apiGroups": [""], "resources": ["secrets"], "verbs": ["*"]}
    developers.give(ALL_RBAC, {"apiGroups": [GROUP], "resources": ["roles"], "verbs": ["escalate"]})
    path = f"{developers.path}/roles"
    assert alice.post(path, {"metadata": {"name": "s"}, "rules": [secrets]}).code == 201


def test_aggregation(admin: Client, unique: str) -> None:
    roles = f"{RBAC}/clusterroles"
    label = {f"aggregate-to-{unique}": "true"}
    rule = {"clusterRoleSelectors": [{"matchLabels": label}]}
    # With the same rules the controller would change nothing, and own nothing.
    own = {**PODS, "verbs": ["watch"]}
    whole = {"metadata": {"name": f"{unique}-all"}, "aggregationRule": rule, "rules": [own]}
    assert admin.post(roles, whole).code == 201

    def rules() -> Any:
        return admin.get(f"{roles}/{unique}-all").json["rules"]

    # Where nothing is gathered the controller applies no rules, which leaves somebody else's.
    assert rules() == [own]
    part = {"metadata": {"name": f"{unique}-part", "labels": label}, "rules": [PODS]}
    admin.post(roles, part)
    assert admin.settled(rules, [PODS]) == [PODS]
    filled = admin.get(f"{roles}/{unique}-all").json
    managers = {entry["manager"]: entry["operation"] for entry in filled["metadata"]["managedFields"]}
    assert managers == {"clusterrole-aggregation-controller": "Apply", "tests": "Update"}
    admin.patch(f"{roles}/{unique}-part", {"metadata": {"labels": None}})
    assert admin.settled(rules, None) is None
    for name in ("all", "part"):
        assert admin.delete(f"{roles}/{unique}-{name}").code == 200


def test_an_aggregation_rule_needs_everything(alice: Client, admin: Client, unique: str) -> None:
    writer = f"{unique}-writer"
    admin.post(f"{RBAC}/clusterroles", {"metadata": {"name": writer}, "rules": [ALL_RBAC]})
    admin.post(f"{RBAC}/clusterrolebindings", binding(writer, "ClusterRole", writer, group("developers")))
    body = {
        "metadata": {"name": unique},
        "aggregationRule": {"clusterRoleSelectors": [{"matchLabels": {"a": "b"}}]},
    }
    why = f'clusterroles.{GROUP} "{unique}" is forbidden: must have cluster-admin privileges to use the aggregationRule'
    assert alice.post(f"{RBAC}/clusterroles", body).refusal == (403, "Forbidden", why)
    assert admin.delete(f"{RBAC}/clusterrolebindings/{writer}").code == 200


def test_the_built_in_roles(admin: Client) -> None:
    roles = {item["metadata"]["name"]: item for item in admin.get(f"{RBAC}/clusterroles").json["items"]}
    assert {"cluster-admin", "admin", "edit", "view", "system:discovery", "system:basic-user"} <= roles.keys()
    assert roles["view"]["metadata"]["labels"]["kubernetes.io/bootstrapping"] == "rbac-defaults"
    assert len(roles["view"]["rules"]) >= 10
    assert len(roles["admin"]["rules"]) > len(roles["edit"]["rules"]) > len(roles["view"]["rules"])


def test_impersonation(alice: Client, admin: Client, namespace: str) -> None:
    asked = "/apis/authentication.k8s.io/v1/selfsubjectreviews"
    headers = {"Impersonate-User": "carol", "Impersonate-Group": "ops", "Impersonate-Extra-Team": "x"}
    user = admin.send("POST", asked, {}, headers).json["status"]["userInfo"]
    assert user == {"username": "carol", "groups": ["ops", "system:authenticated"], "extra": {"team": ["x"]}}
    account = {"Impersonate-User": f"system:serviceaccount:{namespace}:bot"}
    groups = admin.send("POST", asked, {}, account).json["status"]["userInfo"]["groups"]
    assert groups == ["system:serviceaccounts", f"system:serviceaccounts:{namespace}", "system:authenticated"]
    assert admin.send("GET", f"/api/v1/namespaces/{namespace}/pods", None, {"Impersonate-User": "carol"}).code == 403
    refusal = alice.send("POST", asked, {}, {"Impersonate-User": "admin"}).refusal
    assert refusal[:2] == (403, "Forbidden")
    # Since 1.36 it names the constrained verb (impersonate-on:...) that would have done as well.
    assert 'User "alice" cannot impersonate' in refusal[2]
    assert admin.send("POST", asked, {}, {"Impersonate-Group": "ops"}).refusal[:2] == (400, "BadRequest")


def test_subresources_that_only_ask_for_permission(alice: Client, developers: Rules, namespace: str) -> None:
    pods = f"/api/v1/namespaces/{namespace}/pods"
    pod = {"metadata": {"name": "p"}, "spec": {"containers": [{"name": "c", "image": "i"}]}}
    assert developers.admin.post(pods, pod).json["status"]["phase"] == "Pending"
    developers.give(PODS)
    assert alice.post(f"{pods}/p/exec", None).code == 403
    assert alice.get(f"{pods}/p/log").code == 403
    developers.give({"apiGroups": [""], "resources": ["pods/log", "pods/exec"], "verbs": ["get", "create"]})
    assert alice.settled(lambda: alice.get(f"{pods}/q/log").code, 404) == 404


@pytest.mark.embedded_only
def test_subresources_that_are_not_done(alice: Client, developers: Rules, namespace: str) -> None:
    pods = f"/api/v1/namespaces/{namespace}/pods"
    pod = {"metadata": {"name": "p"}, "spec": {"containers": [{"name": "c", "image": "i"}]}}
    assert developers.admin.post(pods, pod).code == 201
    developers.give({"apiGroups": [""], "resources": ["pods/log", "pods/exec"], "verbs": ["get", "create"]})
    assert alice.post(f"{pods}/p/exec", None).refusal[:2] == (501, "NotImplemented")
    assert alice.get(f"{pods}/p/log").refusal[:2] == (501, "NotImplemented")
    assert alice.get(f"{pods}/q/log").refusal[:2] == (404, "NotFound")
