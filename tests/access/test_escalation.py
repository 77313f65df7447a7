"""Who can become whom: each edge of the graph by its own rights and not without one of them, and whole paths."""

from __future__ import annotations

import pytest

from iamrbac.access.escalation import Danger, dangers, foremost, leads_on
from iamrbac.access.judge import Judge, Somebody
from iamrbac.access.world import World
from iamrbac.mapping.objects import AccessEntry, PolicyAssociation
from iamrbac.rbac.objects import Binding, RbacState, Role, RoleRef, Rule, Subject, User
from iamrbac.roles.builtin import builtin

ANN = User("ann")
RBAC = "rbac.authorization.k8s.io"
CERTIFICATES = "certificates.k8s.io"
ADMISSION = "admissionregistration.k8s.io"


def rule(verbs: str, resources: str, group: str = "", names: str = "") -> Rule:
    """`rule("get,list", "pods,pods/log")`."""
    return Rule(
        tuple(verbs.split(",")), (group,), tuple(resources.split(",")), tuple(name for name in names.split(",") if name)
    )


def bound(name: str, subject: Subject, namespace: str, *rules: Rule) -> tuple[Role, Binding]:
    """A ClusterRole and its binding, in a namespace or ("") everywhere."""
    binding = Binding(
        "RoleBinding" if namespace else "ClusterRoleBinding",
        namespace or None,
        name,
        RoleRef("ClusterRole", name),
        (subject,),
    )
    return Role("ClusterRole", None, name, rules), binding


def cluster(*pairs: tuple[Role, Binding]) -> Judge:
    """A cluster with these roles and bindings and those of Kubernetes itself."""
    own = builtin().rbac
    roles, bindings = (*own.roles, *(role for role, _ in pairs)), (*own.bindings, *(binding for _, binding in pairs))
    return Judge(World(rbac=RbacState(roles, bindings)))


def of_ann(namespace: str, *rules: Rule, others: tuple[tuple[Role, Binding], ...] = ()) -> tuple[Danger, ...]:
    """What ann can become with some rules in a namespace, or ("") everywhere."""
    judge = cluster(bound("held", Subject("User", "ann"), namespace, *rules), *others)
    return dangers(judge, Somebody("", ANN))


def told(found: tuple[Danger, ...]) -> set[tuple[str, str]]:
    return {(one.rule, one.becomes) for one in found}


ONE_STEP: list[tuple[str, list[Rule], str, str]] = [
    ("", [Rule(("*",), ("*",), ("*",))], "IAM001", "cluster-admin"),
    ("pay", [Rule(("*",), ("*",), ("*",))], "IAM001", "administrator of pay"),
    (
        "",
        [rule("escalate", "clusterroles", RBAC), rule("patch", "clusterroles", RBAC)],
        "IAM006",
        "cluster-admin",
    ),
    ("pay", [rule("escalate", "roles", RBAC), rule("update", "roles", RBAC)], "IAM006", "administrator of pay"),
    (
        "",
        [rule("bind", "clusterroles", RBAC), rule("create", "clusterrolebindings", RBAC)],
        "IAM007",
        "cluster-admin",
    ),
    (
        "",
        [rule("bind", "clusterroles", RBAC, "cluster-admin"), rule("create", "clusterrolebindings", RBAC)],
        "IAM008",
        "cluster-admin",
    ),
    (
        "pay",
        [rule("bind", "clusterroles", RBAC), rule("create", "rolebindings", RBAC)],
        "IAM007",
        "administrator of pay",
    ),
    (
        "pay",
        [rule("bind", "clusterroles", RBAC, "edit"), rule("patch", "rolebindings", RBAC)],
        "IAM008",
        "whoever holds clusterRole edit in pay",
    ),
    ("", [rule("impersonate", "users,groups")], "IAM014", "any group"),
    ("", [rule("impersonate", "users,groups", "", "root")], "IAM014", "group root"),
    ("", [rule("impersonate", "users")], "IAM015", "any user"),
    ("", [rule("impersonate", "users", "", "root")], "IAM015", "user root"),
    ("pay", [rule("impersonate", "serviceaccounts")], "IAM016", "any service account of pay"),
    ("pay", [rule("impersonate", "serviceaccounts", "", "web")], "IAM016", "service account pay:web"),
    ("", [rule("impersonate", "serviceaccounts", "", "web")], "IAM016", "service account web of every namespace"),
    ("pay", [rule("create", "serviceaccounts/token")], "IAM019", "any service account of pay"),
    ("pay", [rule("create", "serviceaccounts/token", "", "web")], "IAM019", "service account pay:web"),
    (
        "pay",
        [rule("list", "secrets")],
        "IAM020",
        "the service accounts whose tokens are kept as secrets in pay",
    ),
    ("pay", [rule("create", "secrets"), rule("get", "secrets")], "IAM022", "any service account of pay"),
    (
        "",
        [
            rule("create", "certificatesigningrequests", CERTIFICATES),
            rule("update", "certificatesigningrequests/approval", CERTIFICATES),
            rule("approve", "signers", CERTIFICATES, "kubernetes.io/kube-apiserver-client"),
        ],
        "IAM024",
        "any user",
    ),
    (
        "",
        [
            rule("create", "certificatesigningrequests", CERTIFICATES),
            rule("patch", "certificatesigningrequests/approval", CERTIFICATES),
            rule("approve", "signers", CERTIFICATES, "kubernetes.io/*"),
        ],
        "IAM024",
        "a node",
    ),
    ("kube-system", [rule("update", "configmaps", "", "aws-auth")], "IAM027", "cluster-admin"),
    ("", [rule("patch", "configmaps")], "IAM027", "cluster-admin"),
    ("pay", [rule("create", "pods")], "IAM031", "any service account of pay"),
    ("pay", [rule("patch", "deployments", "apps")], "IAM031", "any service account of pay"),
    ("pay", [rule("patch", "cronjobs", "batch", "nightly")], "IAM031", "any service account of pay"),
    ("pay", [rule("get", "pods/exec")], "IAM034", "the service accounts that pods of pay run as"),
    ("pay", [rule("create", "*/attach")], "IAM034", "the service accounts that pods of pay run as"),
    ("pay", [rule("patch", "pods/ephemeralcontainers")], "IAM036", "the service accounts that pods of pay run as"),
    ("", [rule("get", "nodes/proxy")], "IAM044", "a node"),
    ("", [rule("patch", "nodes/status")], "IAM046", "whoever decides where pods run"),
    ("", [rule("create", "persistentvolumes,pods")], "IAM047", "a node"),
    ("pay", [rule("patch", "namespaces"), rule("create", "pods")], "IAM049", "a node"),
    ("", [rule("create", "mutatingwebhookconfigurations", ADMISSION)], "IAM055", "cluster-admin"),
    (
        "",
        [rule("patch", "validatingwebhookconfigurations", ADMISSION)],
        "IAM055",
        "a reader of all that is written",
    ),
    (
        "",
        [rule("create", "mutatingadmissionpolicies,mutatingadmissionpolicybindings", ADMISSION)],
        "IAM056",
        "cluster-admin",
    ),
    (
        "",
        [rule("patch", "customresourcedefinitions", "apiextensions.k8s.io")],
        "IAM057",
        "the author of every custom resource",
    ),
    ("", [rule("update", "apiservices", "apiregistration.k8s.io")], "IAM058", "the server of an API that others trust"),
    ("argocd", [rule("create", "applications", "argoproj.io")], "IAM060", "Argo CD"),
]


@pytest.mark.parametrize(("namespace", "rules", "id_", "becomes"), ONE_STEP)
def test_one_step(namespace: str, rules: list[Rule], id_: str, becomes: str) -> None:
    found = of_ann(namespace, *rules)
    assert (id_, becomes) in told(found)
    assert {one.namespace for one in found} == {namespace}


@pytest.mark.parametrize(("namespace", "rules", "id_", "becomes"), ONE_STEP)
def test_no_step_without_one_of_its_rules(namespace: str, rules: list[Rule], id_: str, becomes: str) -> None:
    for left_out in range(len(rules)):
        assert (id_, becomes) not in told(of_ann(namespace, *rules[:left_out], *rules[left_out + 1 :]))


@pytest.mark.parametrize(
    "resources",
    [
        rule("impersonate", "users,groups"),
        rule("get", "nodes/proxy"),
        rule("create", "persistentvolumes"),
        rule("patch", "nodes"),
        rule("create", "mutatingwebhookconfigurations", ADMISSION),
        rule("patch", "customresourcedefinitions", "apiextensions.k8s.io"),
        rule("update", "configmaps", "", "aws-auth"),
    ],
)
def test_what_is_asked_in_the_cluster_scope_is_not_given_in_a_namespace(resources: Rule) -> None:
    assert of_ann("pay", resources) == ()


def test_bind_is_asked_of_roles_and_not_of_bindings() -> None:
    assert of_ann("", rule("bind,create", "clusterrolebindings,rolebindings", RBAC)) == ()


def test_a_group_is_impersonated_with_a_user_only() -> None:
    groups = rule("impersonate", "groups")
    assert of_ann("", groups) == ()
    assert ("IAM014", "any group") in told(of_ann("", groups, rule("impersonate", "users", "", "nobody")))
    account = bound("account", Subject("User", "ann"), "pay", rule("impersonate", "serviceaccounts", "", "web"))
    assert ("IAM014", "any group") in told(of_ann("", groups, others=(account,)))


def test_a_certificate_needs_a_signer_that_the_api_server_trusts() -> None:
    rules = [
        rule("create", "certificatesigningrequests", CERTIFICATES),
        rule("update", "certificatesigningrequests/approval", CERTIFICATES),
    ]
    assert of_ann("", *rules, rule("approve", "signers", CERTIFICATES, "example.com/own,*/*")) == ()


def test_masters_are_cluster_admin_without_a_binding() -> None:
    found = dangers(cluster(), Somebody("", User("ann", ("system:masters",))))
    assert ("IAM072", "cluster-admin") in told(found)
    assert {one.rule for one in foremost(found)} == {"IAM001", "IAM072"}


def test_everybody_who_logs_in_counts() -> None:
    everybody = bound("open", Subject("Group", "system:authenticated"), "", rule("get", "nodes/proxy"))
    assert ("IAM044", "a node") in told(dangers(cluster(everybody), Somebody("", ANN)))


def test_an_access_policy_counts() -> None:
    me = "arn:aws:iam::111122223333:role/ann"
    policy = "arn:aws:eks::aws:cluster-access-policy/AmazonEKSAdminViewPolicy"
    world = World((AccessEntry(me, "ann"),), (PolicyAssociation(me, policy, "cluster"),), rbac=builtin().rbac)
    judge = Judge(world)
    somebody = judge.somebody(me)
    assert somebody is not None
    assert {"IAM044", "IAM020"} <= {one.rule for one in dangers(judge, somebody)}
    narrow = PolicyAssociation(me, policy, "namespace", ("pay-*",))
    judge = Judge(World((AccessEntry(me, "ann"),), (narrow,), rbac=builtin().rbac))
    assert {(one.rule, one.namespace) for one in dangers(judge, somebody)} == {
        ("IAM020", "pay-*"),
        ("IAM034", "pay-*"),
    }


def account(name: str, namespace: str, where: str, *rules: Rule, via: str = "ServiceAccount") -> tuple[Role, Binding]:
    subject = (
        Subject("User", f"system:serviceaccount:{namespace}:{name}")
        if via == "User"
        else Subject("ServiceAccount", name, namespace)
    )
    return bound(f"of-{name}", subject, where, *rules)


ROOT = Rule(("*",), ("*",), ("*",))


def paths(found: tuple[Danger, ...], becomes: str) -> list[Danger]:
    return [one for one in found if (one.rule, one.becomes) == ("IAM130", becomes)]


@pytest.mark.parametrize("via", ["ServiceAccount", "User"])
def test_pods_with_a_powerful_service_account(via: str) -> None:
    found = of_ann("pay", rule("create", "pods"), others=(account("web", "pay", "", ROOT, via=via),))
    (danger,) = paths(found, "cluster-admin")
    assert danger == Danger("IAM130", "cluster-admin", "may create pods with service account pay:web", "pay", ())
    assert danger.path == ("create pods in pay", "service account pay:web", "do everything in the whole cluster")
    assert ("IAM031", "service account pay:web") in told(found)
    # Another namespace's account is nobody that ann may use.
    assert not paths(of_ann("pay", rule("create", "pods"), others=(account("web", "shop", "", ROOT),)), "cluster-admin")


def test_a_service_account_without_namespace_is_of_its_bindings() -> None:
    own = bound("own", Subject("ServiceAccount", "web"), "pay", ROOT)
    assert paths(of_ann("pay", rule("create", "pods"), others=(own,)), "administrator of pay")


def test_what_every_service_account_of_a_namespace_has() -> None:
    for group in ("system:serviceaccounts", "system:serviceaccounts:pay"):
        wide = bound("wide", Subject("Group", group), "", ROOT)
        (danger,) = paths(of_ann("pay", rule("create", "pods"), others=(wide,)), "cluster-admin")
        assert danger.path[1] == f"as any of them, in {group}"
    shop = bound("wide", Subject("Group", "system:serviceaccounts:shop"), "", ROOT)
    assert not paths(of_ann("pay", rule("create", "pods"), others=(shop,)), "cluster-admin")


def test_a_path_through_several() -> None:
    others = (
        account("web", "pay", "shop", rule("create", "serviceaccounts/token")),
        account("cart", "shop", "", rule("impersonate", "users,groups")),
    )
    (danger,) = paths(of_ann("pay", rule("patch", "deployments", "apps"), others=others), "cluster-admin")
    assert danger.path == (
        "patch deployments.apps in pay",
        "service account pay:web",
        "create serviceaccounts/token in shop",
        "as service account shop:cart",
        "impersonate groups",
        "as group system:masters",
        "do everything",
    )


def test_what_runs_is_not_known_and_said_so() -> None:
    found = of_ann("pay", rule("create", "pods/exec"), others=(account("web", "pay", "", ROOT),))
    (danger,) = paths(found, "cluster-admin")
    assert danger.path[1] == "where a pod runs as service account pay:web"
    assert danger.ability == "may run commands in running pods in pay"


def test_kube_system_has_an_account_that_may_write_any_role() -> None:
    assert paths(of_ann("kube-system", rule("create", "pods")), "cluster-admin")
    assert paths(of_ann("", rule("create", "pods")), "cluster-admin")
    assert not paths(of_ann("pay", rule("create", "pods")), "cluster-admin")


def test_a_bound_role_gives_what_it_holds() -> None:
    rules = [rule("bind", "clusterroles", RBAC, "edit"), rule("create", "rolebindings", RBAC)]
    found = of_ann("kube-system", *rules)
    assert [one.path[-1] for one in paths(found, "cluster-admin")]


def test_accounts_in_a_circle_end() -> None:
    others = (
        account("a", "pay", "shop", rule("create", "pods")),
        account("b", "shop", "pay", rule("create", "pods")),
    )
    assert ("IAM031", "service account pay:a") in told(of_ann("pay", rule("create", "pods"), others=others))


def test_nobody_without_rights_is_a_danger() -> None:
    assert of_ann("pay") == ()
    view = Binding("RoleBinding", "pay", "v", RoleRef("ClusterRole", "view"), (Subject("User", "ann"),))
    own = builtin().rbac
    judge = Judge(World(rbac=RbacState(own.roles, (*own.bindings, view))))
    assert dangers(judge, Somebody("", ANN)) == ()


def test_foremost_keeps_what_is_not_implied() -> None:
    found = of_ann("pay", rule("create", "pods"), rule("list", "secrets"), others=(account("web", "pay", "", ROOT),))
    assert [(one.rule, one.becomes, one.ability) for one in foremost(found)] == [
        ("IAM031", "any service account of pay", "may create pods with any service account of pay"),
        ("IAM130", "cluster-admin", "may create pods with service account pay:web"),
        ("IAM130", "cluster-admin", "may read every secret in pay"),
    ]


def test_where_something_leads_on() -> None:
    def places(judge: Judge, *rules: Rule) -> list[str]:
        return [place for place in ("", "pay", "kube-system") if leads_on(judge, {place: [rules]})]

    pods = rule("create", "pods")
    assert places(cluster(), pods) == ["", "kube-system"]
    assert "pay" in places(cluster(account("web", "pay", "", ROOT)), pods)
    assert "pay" in places(cluster(bound("wide", Subject("Group", "system:serviceaccounts"), "", ROOT)), pods)
    harmless = bound("wide", Subject("Group", "system:serviceaccounts:pay"), "", rule("get", "pods"))
    assert "pay" not in places(cluster(harmless), pods)
    # Who may write any role there is its administrator, who may lift pod security.
    assert "pay" in places(cluster(), rule("escalate", "roles", RBAC), rule("update", "roles", RBAC))
