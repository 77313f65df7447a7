from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from iamrbac.compile import names
from iamrbac.compile.desired import ClusterFacts, Compiled, Desired, PolicyGrant, Principals
from iamrbac.findings.finding import Finding, Level
from iamrbac.identity.snapshot import IamName, Identities, Missing, Unreadable
from iamrbac.mapping.objects import AccessEntry, AwsAuthRow, PolicyAssociation
from iamrbac.model.origin import Origin
from iamrbac.rbac.objects import Binding, Role, RoleRef, Subject
from tests.compile.builders import (
    ACCOUNT,
    NOW,
    PEOPLE,
    RULES,
    cluster,
    compiled,
    config,
    documents,
    facts,
    grant,
    identities,
    line,
    policy,
    role,
    shown,
    user,
)

DEVELOPERS = {"developers": [{"iamGroup": "devs"}]}
PEOPLE_OF_DEVS = identities(devs=[user("alice"), user("staff/bob")])
GROUP = "iamrbac:acme:payments:developers"


def hash8(*parts: str) -> str:
    return names.object_name("acme", "t", "s", "r", *parts)[-8:]


def levels(result: Compiled) -> list[tuple[str, str, str | None]]:
    return [(finding.id, finding.level.value, finding.cluster) for finding in result.findings]


def only(result: Compiled, cluster_: str, kind: str) -> list[Desired]:
    return [item for item in result.clusters[cluster_].objects if item.key.kind == kind]


def test_a_line_with_a_template_gives_a_role_a_binding_and_an_entry_each_with_its_origin() -> None:
    result = compiled(documents([policy("payments", DEVELOPERS, [line(["staging"])])]), PEOPLE_OF_DEVS)
    assert result.findings == ()
    assert list(result.clusters) == ["production", "staging"]
    assert result.clusters["production"].objects == ()
    name = f"iamrbac-payments-developers-viewer-{hash8(names.template_identity('viewer', '{}'))}"
    labels = {
        "app.kubernetes.io/managed-by": "iamrbac",
        "iamrbac.dev/instance": "acme",
        "iamrbac.dev/policy": "payments",
        "iamrbac.dev/set": "developers",
        "iamrbac.dev/role": "viewer",
        "applyset.kubernetes.io/part-of": names.applyset_id("acme", "iamrbac-system"),
    }
    access = (Origin("policies/payments.yaml", ("spec", "access", 0)),)
    member = (Origin("policies/payments.yaml", ("spec", "members", "developers", 0)),)
    tags = {"iamrbac.dev/instance": "acme"}
    entries = [(item.key.name, item.spec, item.labels, item.origins) for item in only(result, "staging", "AccessEntry")]
    assert entries == [
        (user("alice"), AccessEntry(user("alice"), user("alice"), (GROUP,)), tags, member),
        (user("staff/bob"), AccessEntry(user("staff/bob"), user("staff/bob"), (GROUP,)), tags, member),
    ]
    (made,) = only(result, "staging", "Role")
    assert isinstance(made.spec, Role)
    assert (made.spec.name, made.spec.namespace, made.spec.rules[:1]) == (name, "payments", RULES)
    assert (made.labels, made.spec.labels, made.origins) == (labels, labels, access)
    (bound,) = only(result, "staging", "RoleBinding")
    assert bound.spec == Binding(
        "RoleBinding", "payments", name, RoleRef("Role", name), (Subject("Group", GROUP),), labels
    )
    assert (bound.labels, bound.origins) == (labels, access)
    assert result.clusters["staging"].principals == (Principals(GROUP, ("iamGroup devs",)),)
    assert result.clusters["staging"].roles == {name: "viewer"}


def test_scope_cluster_gives_a_cluster_role_and_a_cluster_role_binding() -> None:
    result = compiled(documents([policy("payments", DEVELOPERS, [line(["staging"], None)])]), PEOPLE_OF_DEVS)
    assert [text.rsplit("-", 1)[0] for text in shown(result, "staging")[2:]] == [
        "ClusterRole - iamrbac-payments-developers-viewer",
        "ClusterRoleBinding - iamrbac-payments-developers-viewer",
    ]


@pytest.mark.parametrize(("namespaces", "kind"), [(["payments"], "RoleBinding"), (None, "ClusterRoleBinding")])
def test_an_existing_cluster_role_gives_a_binding_only(namespaces: list[str] | None, kind: str) -> None:
    lines = [line(["staging"], namespaces, {"clusterRole": "system:Aggregate View"[:16]})]
    result = compiled(documents([policy("payments", DEVELOPERS, lines)]), PEOPLE_OF_DEVS)
    objects = [item for item in result.clusters["staging"].objects if item.key.kind != "AccessEntry"]
    (bound,) = objects
    assert bound.key.kind == kind
    assert isinstance(bound.spec, Binding)
    assert bound.spec.role_ref == RoleRef("ClusterRole", "system:Aggregate")
    assert bound.key.name.startswith("iamrbac-payments-developers-system-aggregate-")
    assert names.ROLE_LABEL not in bound.labels
    assert list(result.clusters["staging"].roles.values()) == ["clusterRole system:Aggregate"]


def test_patterns_mean_the_clusters_namespaces_but_never_the_reserved_ones() -> None:
    lines = [line(["staging"], ["pay*", "*-system", "pay*"])]
    known = facts("access-entries", "payments", "pay", "search", "kube-system", "iamrbac-system", "cert-system")
    result = compiled(documents([policy("payments", DEVELOPERS, lines)]), PEOPLE_OF_DEVS, known)
    assert [item.key.namespace for item in only(result, "staging", "Role")] == ["cert-system", "pay", "payments"]
    assert result.findings == ()


def test_a_pattern_that_matches_nothing_is_told_and_gives_nobody_an_entry() -> None:
    result = compiled(documents([policy("payments", DEVELOPERS, [line(["staging"], ["x-*"])])]), PEOPLE_OF_DEVS)
    assert levels(result) == [("POL103", "info", "staging")]
    assert result.clusters["staging"].objects == ()


def test_a_pattern_where_no_namespace_is_known_is_an_error_of_that_cluster_only() -> None:
    known = facts() | {"staging": ClusterFacts("neutral", None)}
    result = compiled(documents([policy("payments", DEVELOPERS, [line(["*"], ["pay*"])])]), PEOPLE_OF_DEVS, known)
    assert levels(result) == [("POL101", "error", "staging")]
    assert list(result.clusters) == ["production"]


def test_a_name_is_taken_as_it_is_where_no_namespace_is_known() -> None:
    known = {"staging": ClusterFacts("neutral", None)}
    result = compiled(documents([policy("payments", DEVELOPERS, [line(["*"], ["anything"])])]), facts_=known)
    assert [item.key.namespace for item in result.clusters["staging"].objects] == ["anything", "anything"]


def test_a_missing_namespace_is_a_warning_and_nothing_is_made_in_it() -> None:
    lines = [line(["staging"], ["payments", "later"])]
    result = compiled(documents([policy("payments", DEVELOPERS, lines)]), PEOPLE_OF_DEVS)
    assert levels(result) == [("POL102", "warning", "staging")]
    assert result.findings[0].path == ("spec", "access", 0, "namespaces", 1)
    assert {item.key.namespace for item in result.clusters["staging"].objects} == {"", "payments"}


def test_manage_namespaces_makes_missing_ones_that_are_named_and_no_others() -> None:
    managed = config(clusters=[cluster("staging", manageNamespaces=True)])
    lines = [line(["staging"], ["payments", "later", "later-*"])]
    result = compiled(
        documents([policy("payments", DEVELOPERS, lines)], (), managed),
        PEOPLE_OF_DEVS,
        {"staging": ClusterFacts("external", frozenset({"payments"}))},
    )
    assert levels(result) == [("POL103", "info", "staging")]
    (made,) = only(result, "staging", "Namespace")
    assert (made.key.name, made.key.namespace) == ("later", "")
    assert made.labels == {"app.kubernetes.io/managed-by": "iamrbac", "iamrbac.dev/instance": "acme"}
    assert [item.key.namespace for item in only(result, "staging", "Role")] == ["later", "payments"]


def test_consent_is_judged_where_a_pattern_reaches() -> None:
    owned = config(namespaces=[{"name": "search", "owner": "search"}, {"name": "*", "owner": "payments"}])
    docs = documents([policy("payments", DEVELOPERS, [line(["staging"], ["*s*"])])], (), owned)
    result = compiled(docs, PEOPLE_OF_DEVS)
    assert levels(result) == [("POL104", "error", "staging")]
    accepted = config(namespaces=[{"name": "search", "owner": "search", "accepts": ["payments"]}])
    docs = documents([policy("payments", DEVELOPERS, [line(["staging"], ["*s*"])])], (), accepted)
    assert compiled(docs, PEOPLE_OF_DEVS).findings == ()


def test_a_principal_has_one_entry_with_the_groups_of_all_its_sets_that_have_access_here() -> None:
    members = {"a": [{"iamGroup": "devs"}], "b": [{"iamUser": "staff/bob"}], "c": [{"iamUser": "staff/bob"}]}
    lines = [line(["staging"], to=["a"]), line(["staging"], role="operator", to=["b"]), line(["production"], to=["c"])]
    result = compiled(documents([policy("payments", members, lines)]), PEOPLE_OF_DEVS)
    groups = {
        item.key.name: item.spec.groups
        for item in result.clusters["staging"].objects
        if isinstance(item.spec, AccessEntry)
    }
    a, b = (names.group_name("acme", "payments", one) for one in "ab")
    assert groups == {user("alice"): (a,), user("staff/bob"): (a, b)}
    assert [item.key.name for item in only(result, "production", "AccessEntry")] == [user("staff/bob")]


def test_aws_auth_rows_have_role_arns_without_path_and_users_with_theirs() -> None:
    members = {"all": [{"iamRole": "ci/deployer"}, {"iamUser": "staff/bob"}]}
    result = compiled(documents([policy("payments", members, [line(["staging"])])]), facts_=facts("aws-auth"))
    group = names.group_name("acme", "payments", "all")
    session = f"arn:aws:sts::{ACCOUNT}:assumed-role/deployer/{{{{SessionName}}}}"
    assert [item.spec for item in only(result, "staging", "AwsAuthRow")] == [
        AwsAuthRow("mapRoles", role("deployer"), session, (group,)),
        AwsAuthRow("mapUsers", user("staff/bob"), user("staff/bob"), (group,)),
    ]
    assert [item.key.name for item in only(result, "staging", "AwsAuthRow")] == [role("deployer"), user("staff/bob")]


def test_two_roles_that_would_be_one_row_are_an_error() -> None:
    members = {"all": [{"iamRole": "ci/deployer"}, {"iamRole": "cd/deployer"}]}
    docs = documents([policy("payments", members, [line(["staging"])])])
    result = compiled(docs, facts_=facts("aws-auth"))
    assert levels(result) == [("MAP108", "error", "staging")]
    assert compiled(docs).findings == ()


def test_eks_access_policies_are_joined_by_principal_and_the_whole_cluster_absorbs() -> None:
    view, edit = {"eksAccessPolicy": "AmazonEKSViewPolicy"}, {"eksAccessPolicy": "AmazonEKSEditPolicy"}
    members = {"a": [{"iamUser": "x/bob"}], "b": [{"iamUser": "x/bob"}]}
    lines = [
        line(["staging"], ["payments"], view, to=["a"]),
        line(["staging"], ["sea*"], view, to=["b"]),
        line(["staging"], ["payments"], edit, to=["a"]),
        line(["staging"], None, edit, to=["b"]),
    ]
    result = compiled(documents([policy("payments", members, lines)]))
    bob, arn = user("x/bob"), names.access_policy_arn("aws", "AmazonEKSViewPolicy")
    admin = names.access_policy_arn("aws", "AmazonEKSEditPolicy")
    associations = only(result, "staging", "AccessPolicyAssociation")
    assert [(item.key.name, item.spec) for item in associations] == [
        (f"{bob}#{admin}", PolicyAssociation(bob, admin, "cluster")),
        (f"{bob}#{arn}", PolicyAssociation(bob, arn, "namespace", ("payments", "search"))),
    ]
    assert [[origin.path[-1] for origin in item.origins] for item in associations] == [[2, 3], [0, 1]]
    assert result.clusters["staging"].principals[0].policies == (
        PolicyGrant("AmazonEKSEditPolicy", ("payments",)),
        PolicyGrant("AmazonEKSViewPolicy", ("payments",)),
    )


@pytest.mark.parametrize("form", ["aws-auth", "external"])
def test_eks_access_policies_need_access_entries(form: Any) -> None:
    lines = [line(["staging"], ["payments"], {"eksAccessPolicy": "AmazonEKSViewPolicy"})]
    docs = documents([policy("payments", {"a": [{"iamUser": "x/bob"}]}, lines)])
    result = compiled(docs, facts_=facts(form))
    assert levels(result) == [("MAP105", "error", "staging")]
    assert result.findings[0].path == ("spec", "access", 0, "role")
    mapped = config(clusters=[cluster("staging", mapping=form)])
    offline = compiled(documents(docs.policies, (), mapped), facts_=facts("neutral"))
    # The only cluster, so the error is its own.
    assert levels(offline) == [("MAP105", "error", "staging")]


def test_neutral_and_external_need_no_identities() -> None:
    docs = documents([policy("payments", DEVELOPERS, [line(["staging"])])])
    for form in ("neutral", "external"):
        result = compiled(docs, Identities(), facts(form))
        assert result.findings == ()
        assert {item.key.kind for item in result.clusters["staging"].objects} == {"Role", "RoleBinding"}
        assert result.clusters["staging"].principals == (Principals(GROUP, ("iamGroup devs",)),)


def test_a_temporary_grant_is_a_set_of_its_own_until_its_time_is_over() -> None:
    end = datetime(2026, 6, 1, 14, 0, tzinfo=UTC)
    member = [{"iamUser": "x/dana"}]
    docs = documents([], [grant("inc-1", member, [line(["staging"])], "2026-06-01T16:00:00+02:00")])
    before = compiled(docs, at=end - timedelta(microseconds=1))
    (entry,) = only(before, "staging", "AccessEntry")
    assert isinstance(entry.spec, AccessEntry)
    assert entry.spec.groups == ("iamrbac:acme:payments:temporary.inc-1",)
    assert only(before, "staging", "Role")[0].labels["iamrbac.dev/set"] == "temporary.inc-1"
    for at in (end, end + timedelta(days=1)):
        after = compiled(docs, at=at)
        assert after.clusters["staging"].objects == ()
        assert levels(after) == [("POL105", "info", "staging")]
        assert after.findings[0].path == ("spec", "notAfter")


def test_suspended_principals_get_nothing_by_whatever_way_they_come() -> None:
    docs = documents(
        [policy("payments", {"a": [{"iamGroup": "devs"}, {"iamUser": "staff/bob"}, {"iamRole": "ci/x"}]}, [line()])],
        (),
        # Written without their paths: a name is unique in its account.
        config(suspended=[user("bob"), f"arn:aws:sts::{ACCOUNT}:assumed-role/x/session"]),
    )
    result = compiled(docs, PEOPLE_OF_DEVS)
    assert [item.key.name for item in only(result, "staging", "AccessEntry")] == [user("alice")]
    assert result.clusters["staging"].principals[0].members == ("iamGroup devs",)


def test_a_suspension_that_cannot_be_read_stops_everything() -> None:
    docs = documents([policy("payments", DEVELOPERS, [line()])], (), config(suspended=["mallory", user("x")]))
    result = compiled(docs, PEOPLE_OF_DEVS)
    assert result.clusters == {}
    assert levels(result) == [("MAP109", "error", None)]
    assert result.findings[0].path == ("suspended", 0)


def test_unknown_is_not_empty() -> None:
    docs = documents([policy("payments", DEVELOPERS, [line(["staging"])])])
    key = IamName(PEOPLE, "devs")
    for answer, id_ in ((Missing(), "MAP101"), (Unreadable("AccessDenied. Next: ask"), "MAP102")):
        result = compiled(docs, Identities({key: answer}))
        assert levels(result) == [(id_, "error", "staging")]
        assert list(result.clusters) == ["production"]
    empty = compiled(docs, Identities({key: ()}))
    assert levels(empty) == [("MAP104", "info", "staging")]
    assert {item.key.kind for item in empty.clusters["staging"].objects} == {"Role", "RoleBinding"}
    never_asked = compiled(docs, Identities())
    assert levels(never_asked) == [("MAP102", "error", "staging")]


def test_an_error_that_all_clusters_share_is_said_once_for_all() -> None:
    docs = documents([policy("payments", DEVELOPERS, [line()])])
    result = compiled(docs, Identities({IamName(PEOPLE, "devs"): Missing()}))
    assert result.clusters == {}
    assert result.findings == (
        Finding(
            "MAP101",
            Level.ERROR,
            "IAM has no iamGroup devs",
            "correct the name, create it, or remove the member",
            "policies/payments.yaml",
            ("spec", "members", "developers", 0),
        ),
    )


def test_an_error_that_some_clusters_share_is_said_for_each_of_them() -> None:
    three = config(clusters=[cluster(name) for name in ("a", "b", "c")])
    docs = documents([policy("payments", DEVELOPERS, [line(["a", "b"])])], (), three)
    known = dict.fromkeys("abc", ClusterFacts("access-entries", frozenset({"payments"})))
    result = compiled(docs, Identities({IamName(PEOPLE, "devs"): Missing()}), known)
    assert levels(result) == [("MAP101", "error", "a"), ("MAP101", "error", "b")]
    assert list(result.clusters) == ["c"]


def test_a_template_fault_is_a_finding_at_the_role_of_the_line() -> None:
    docs = documents([policy("payments", DEVELOPERS, [line(["staging"], role="broken")])])
    result = compiled(docs, PEOPLE_OF_DEVS)
    (finding,) = result.findings
    assert (finding.id, finding.file, finding.path) == (
        "TPL003",
        "policies/payments.yaml",
        ("spec", "access", 0, "role"),
    )
    assert finding.message == "templates/roles/broken.yaml.j2:3: unexpected '}'"


def test_rules_for_urls_hold_for_a_cluster_only() -> None:
    docs = documents([policy("payments", DEVELOPERS, [line(["staging"], role="urls")])])
    assert levels(compiled(docs, PEOPLE_OF_DEVS)) == [("TPL012", "error", "staging")]
    docs = documents([policy("payments", DEVELOPERS, [line(["staging"], None, "urls")])])
    assert compiled(docs, PEOPLE_OF_DEVS).findings == ()


def test_a_role_that_is_another_one_has_another_name_and_the_same_one_twice_is_one_object() -> None:
    lines = [
        line(["staging"], ["payments"]),
        line(["staging"], ["payments"], {"template": "viewer"}),
        line(["staging"], ["payments"], {"template": "viewer", "parameters": {"a": 1, "b": 2}}),
        line(["staging"], ["payments"], {"template": "viewer", "parameters": {"b": 2, "a": 1}}),
    ]
    result = compiled(documents([policy("payments", DEVELOPERS, lines)]), PEOPLE_OF_DEVS)
    for kind in ("Role", "RoleBinding"):
        origins = [[origin.path[-1] for origin in item.origins] for item in only(result, "staging", kind)]
        assert sorted(origins, key=str) == [[0, 1], [2, 3]]


def test_one_request_is_rendered_once_and_equal_rules_are_one_object() -> None:
    asked = []

    def counting(request: Any) -> Any:
        asked.append(request)
        return (*RULES,)

    from iamrbac.compile.compiler import compile_documents

    lines = [line(["*"], ["payments", "search"]), line(["*"], None)]
    docs = documents([policy(team, DEVELOPERS, lines) for team in ("payments", "search")])
    result = compile_documents(docs, PEOPLE_OF_DEVS, facts(), NOW, counting)
    assert sorted(request.cluster for request in asked) == ["production", "staging"]
    roles = [item.spec for one in result.clusters.values() for item in one.objects if isinstance(item.spec, Role)]
    assert len(roles) == 12
    assert len({id(made.rules) for made in roles}) == 1


@pytest.mark.parametrize(
    ("member", "id_", "says"),
    [
        ({"iamUser": "arn:aws-cn:iam::222233334444:user/bob"}, "MAP103", "partition aws-cn"),
        ({"iamRole": "arn:aws:iam::111122223333:user/bob"}, "MAP103", "is the ARN of a user, not of a role"),
        ({"iamRole": "aws-service-role/eks.amazonaws.com/AWSServiceRoleForAmazonEKS"}, "MAP103", "AWS service"),
    ],
)
def test_members_that_cannot_be_principals_are_errors_with_a_next_step(
    member: dict[str, str], id_: str, says: str
) -> None:
    result = compiled(documents([policy("payments", {"a": [member]}, [line(["staging"])])]), PEOPLE_OF_DEVS)
    (finding,) = result.findings
    assert (finding.id, finding.level, finding.cluster) == (id_, Level.ERROR, "staging")
    assert says in finding.message
    assert finding.hint


def test_limits_of_eks() -> None:
    many = [{"iamUser": f"x/u{number}"} for number in range(3001)]
    result = compiled(documents([policy("payments", {"a": many}, [line(["staging"])])]))
    assert levels(result) == [("MAP106", "error", "staging")]
    lines = [line(["staging"], ["payments"], {"eksAccessPolicy": f"Policy{number}"}) for number in range(21)]
    result = compiled(documents([policy("payments", {"a": [{"iamUser": "x/bob"}]}, lines)]))
    assert levels(result) == [("MAP107", "error", "staging")]
