"""How people name somebody and something, and what is said to a name that nobody has."""

from __future__ import annotations

import pytest

from iamrbac.access.judge import Judge, Somebody
from iamrbac.access.naming import Asked, find_somebody, in_namespaces, names_of, request_of, similar
from iamrbac.access.world import World
from iamrbac.mapping.objects import AccessEntry
from iamrbac.model.errors import UsageError
from iamrbac.rbac.objects import Request, User
from iamrbac.roles.builtin import builtin
from tests.access.company import ANN, BOB, NODE, ROBOT, SET, judge

CATALOGUE = builtin().catalogue


@pytest.mark.parametrize(
    ("name", "principal"),
    [
        ("ann", ANN),
        ("iamUser:ann", ANN),
        (ANN, ANN),
        ("bob", BOB),
        ("staff/bob", BOB),
        ("iamUser:staff/bob", BOB),
        ("robot", ROBOT),
        ("iamRole:ci/robot", ROBOT),
        ("node", NODE),
    ],
)
def test_a_principal_by_each_of_its_names(name: str, principal: str) -> None:
    found = find_somebody(judge(), Asked(name), "acme")
    assert found is not None
    assert found.principal == principal


@pytest.mark.parametrize("name", ["nobody", "iamRole:ann", "arn:aws:iam::1:user/ann", "arn:nonsense", "", "x:y"])
def test_a_name_that_nobody_has(name: str) -> None:
    assert find_somebody(judge(), Asked(name), "acme") is None


@pytest.mark.parametrize(
    ("name", "somebody"),
    [
        ("user:eve", Somebody("", User("eve"))),
        ("user:ann", Somebody(ANN, User("ann"), "entry")),
        ("user:carol", Somebody("", User("carol"))),
        ("group:ops", Somebody("", User("", ("ops",)))),
        ("group:system:masters", Somebody("", User("", ("system:masters",)))),
        (
            "serviceaccount:mon:prometheus",
            Somebody(
                "",
                User(
                    "system:serviceaccount:mon:prometheus",
                    ("system:serviceaccounts", "system:serviceaccounts:mon"),
                ),
            ),
        ),
        (
            "system:serviceaccount:mon:prometheus",
            Somebody(
                "",
                User(
                    "system:serviceaccount:mon:prometheus",
                    ("system:serviceaccounts", "system:serviceaccounts:mon"),
                ),
            ),
        ),
        ("system:anonymous", Somebody("", User("system:anonymous", ("system:unauthenticated",)))),
        ("system:kube-scheduler", Somebody("", User("system:kube-scheduler"))),
        ("team:payments/oncall", Somebody("", User("", (SET,)), "set")),
        ("team:payments/nobody", None),
        ("team:search/oncall", None),
    ],
)
def test_a_subject_by_its_own_name(name: str, somebody: Somebody | None) -> None:
    assert find_somebody(judge(), Asked(name), "acme") == somebody


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("user:", "user: names nobody"),
        ("group:", "group: names nobody"),
        ("serviceaccount:prometheus", "serviceaccount:prometheus is no service account"),
        ("serviceaccount::prometheus", "serviceaccount::prometheus is no service account"),
        ("team:payments", "team:payments names no set"),
    ],
)
def test_a_name_that_cannot_be_one(name: str, said: str) -> None:
    with pytest.raises(UsageError, match=said):
        find_somebody(judge(), Asked(name), "acme")


def test_further_groups_are_counted_in_once() -> None:
    found = find_somebody(judge(), Asked("ann", ("ops", "dev")), "acme")
    assert found == Somebody(ANN, User("ann", ("dev", "ops")), "entry")


def test_namesakes_are_told_apart_by_their_kind() -> None:
    user, role = (f"arn:aws:iam::111122223333:{kind}/deploy" for kind in ("user", "role"))
    two = Judge(World(tuple(AccessEntry(arn, arn) for arn in (user, role))))
    with pytest.raises(UsageError, match=f"deploy may be {role} or {user}"):
        find_somebody(two, Asked("deploy"), "acme")
    found = find_somebody(two, Asked("iamUser:deploy"), "acme")
    assert found is not None
    assert found.principal == user


def test_names_of_a_member_as_declared() -> None:
    assert names_of("iamRole ci/deployer") == {
        "iamRole ci/deployer",
        "ci/deployer",
        "deployer",
        "iamRole:ci/deployer",
        "iamRole:deployer",
    }
    assert "ops" in names_of("iamGroup ops (account 111122223333)")


def test_similar_names_are_in_the_form_that_was_asked() -> None:
    assert similar([judge()], "robt", "acme")[0] == "robot"
    assert similar([judge()], "iamUser:anne", "acme")[0] == "iamUser:ann"
    assert similar([judge()], "team:payment/oncal", "acme") == ("team:payments/oncall",)
    assert similar([judge()], "zzzzzz", "acme") == ()


@pytest.mark.parametrize(
    ("words", "request_", "note"),
    [
        ("get pods", Request("get", "pods"), ""),
        ("get po", Request("get", "pods"), ""),
        ("get Pod/web", Request("get", "pods", name="web"), ""),
        ("get deploy/web", Request("get", "deployments", "apps", name="web"), ""),
        ("list deployments.apps", Request("list", "deployments", "apps"), ""),
        ("list deployments.v1.apps", Request("list", "deployments", "apps"), ""),
        ("get ev", Request("get", "events"), ""),
        ("* *", Request("*", "*", "*"), ""),
        ("use *", Request("use", "*", "*"), ""),
        ("get /healthz", Request("get", path="/healthz"), ""),
        ("impersonate users/root", Request("impersonate", "users", name="root"), ""),
        (
            "approve signers/kubernetes.io/kubelet-serving",
            Request("approve", "signers", "certificates.k8s.io", name="kubernetes.io/kubelet-serving"),
            "",
        ),
        (
            "get widgets.example.com",
            Request("get", "widgets", "example.com"),
            "widgets.example.com is none of Kubernetes' own resources: taken as written, PLURAL.GROUP",
        ),
        (
            "get pods/log",
            Request("get", "pods", name="log"),
            "pods/log is the one named log; for the subresource use --subresource log",
        ),
        ("get ns/blue", Request("get", "namespaces", name="blue", namespace="blue"), ""),
    ],
)
def test_a_question_in_kubectls_words(words: str, request_: Request, note: str) -> None:
    verb, target = words.split(" ")
    assert request_of(verb, target, CATALOGUE) == (request_, note)


def test_a_namespace_counts_where_there_is_one() -> None:
    assert request_of("get", "pods", CATALOGUE, "blue", "log") == (
        Request("get", "pods", subresource="log", namespace="blue"),
        "",
    )
    assert request_of("get", "nodes", CATALOGUE, "blue") == (
        Request("get", "nodes"),
        "nodes is in no namespace, so -n blue does not count",
    )
    assert request_of("get", "/metrics", CATALOGUE, "blue") == (
        Request("get", path="/metrics"),
        "/metrics is a path, and in no namespace, so -n blue does not count",
    )
    assert request_of("get", "ns/blue", CATALOGUE, "green")[0].namespace == "blue"


@pytest.mark.parametrize(
    ("request_", "inside"),
    [
        (Request("get", "pods"), True),
        (Request("get", "widgets", "example.com"), True),
        (Request("*", "*", "*"), True),
        (Request("get", "nodes"), False),
        (Request("get", "namespaces", name="blue", namespace="blue"), False),
        (Request("impersonate", "users"), False),
        (Request("get", path="/healthz"), False),
    ],
)
def test_what_lies_in_namespaces(request_: Request, inside: bool) -> None:
    assert in_namespaces(request_, CATALOGUE) is inside


@pytest.mark.parametrize(
    ("verb", "target", "subresource", "said"),
    [
        ("gte", "pods", "", "there is no verb gte here. Next: did you mean get?"),
        ("GET", "pods", "", "there is no verb GET here. Next: did you mean get?"),
        ("read", "pods", "", "there is no verb read here"),
        ("list", "/healthz", "", "there is no verb list here"),
        ("get", "posd", "", "Kubernetes has no resource posd. Next: did you mean pod or"),
        ("get", "", "", "Kubernetes has no resource without a name"),
        ("get", "deploy.app", "", "Kubernetes has no API group app. Next: did you mean deployments.apps?"),
        ("get", "pods.apps", "", "Kubernetes has no resource pods.apps. Next: did you mean pods"),
        ("get", "pods/a/log", "", "pods/a/log is no resource with a name. Next: write pods/a --subresource log"),
        ("get", "pods/", "", "pods/ is no resource with a name. Next: write pods/NAME"),
        ("get", "pods", "lgo", "pods has no subresource lgo. Next: one of attach,"),
        ("get", "configmaps", "status", "configmaps has no subresource status. Next: leave --subresource out"),
        ("get", "/healthz", "log", "/healthz is a path, and a path has no subresource"),
    ],
)
def test_a_misspelt_question_has_no_answer(verb: str, target: str, subresource: str, said: str) -> None:
    with pytest.raises(UsageError) as caught:
        request_of(verb, target, CATALOGUE, "", subresource)
    assert f"{caught.value.message}. Next: {caught.value.hint}".startswith(said)
