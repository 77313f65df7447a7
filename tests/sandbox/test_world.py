"""What a sandbox starts with."""

from __future__ import annotations

import pytest

from iamrbac.sandbox.errors import SandboxError
from iamrbac.sandbox.spec import Person, RoleSpec, parse_spec
from iamrbac.sandbox.world import World, world
from tests.sandbox.documents import documents

CONFIG = """
identity: {account: "222233334444"}
clusters:
  - {name: one, account: "111122223333", region: eu-west-1, namespaces: [a, b]}
  - {name: two, account: "222233334444", region: eu-west-1, mapping: aws-auth}
  - {name: three, account: "333344445555", region: eu-west-1, mapping: access-entries}
guards:
  protectedPrincipals:
    - arn:aws:iam::222233334444:user/ops/pat
    - arn:aws:iam::111122223333:role/break-glass
"""
POLICY = """
members:
  developers: [{iamGroup: web}, {iamGroup: "arn:aws:iam::222233334444:group/x/data"}, {iamUser: staff/alice}]
  ci: [{iamRole: ci/deploy}, {iamRole: "arn:aws:iam::111122223333:role/other"}, {permissionSet: Dev}]
access:
  - {clusters: ["*"], namespaces: [web, "web-*", data], role: viewer}
"""
GRANT = """
team: team
members: [{iamUser: dana}, {iamGroup: web}]
access: [{clusters: [one], namespaces: [hot], role: viewer}]
notAfter: "2036-01-01T00:00:00Z"
reason: r
"""


def plans(made: World) -> dict[str, tuple[str, tuple[str, ...]]]:
    return {plan.cluster.name: (plan.mode, plan.namespaces) for plan in made.clusters}


def test_without_a_file_names_come_from_the_policies() -> None:
    made = world(documents(CONFIG, POLICY, GRANT), None)
    assert made.account == "222233334444"
    assert made.people == (
        Person(user="bob", groups=("data",)),
        Person(user="carol", groups=("web",)),
        Person(user="alice", path="/staff/"),
        Person(user="dana"),
        Person(user="pat", path="/ops/", admin=True),
    )
    assert made.groups == ("data", "web")
    assert made.roles == (
        RoleSpec(name="break-glass"),
        RoleSpec(name="deploy", path="/ci/"),
        RoleSpec(name="other"),
    )
    assert made.accounts == ("222233334444", "111122223333", "333344445555")
    named = ("web", "data", "hot")
    assert plans(made) == {
        "one": ("API_AND_CONFIG_MAP", ("a", "b")),
        "two": ("CONFIG_MAP", named),
        "three": ("API", named),
    }


def test_without_anything_there_is_an_admin_where_the_clusters_are() -> None:
    made = world(documents('{clusters: [{name: a, account: "999988887777", region: eu-west-1}]}'), None)
    assert (made.account, made.people) == ("999988887777", (Person(user="admin", admin=True),))


def test_more_groups_than_names() -> None:
    groups = ", ".join(f"{{iamGroup: g{number:02}}}" for number in range(14))
    made = world(
        documents(
            CONFIG, f"{{members: {{a: [{groups}]}}, access: [{{clusters: [one], scope: cluster, role: viewer}}]}}"
        ),
        None,
    )
    assert [person.user for person in made.people][-4:] == ["niaj", "person-13", "person-14", "pat"]


def test_the_file_decides() -> None:
    spec = parse_spec(
        "{apiVersion: iamrbac.dev/v1alpha1, kind: Sandbox, people: [{user: pat, groups: [ops], admin: true}],"
        " groups: [empty], clusters: {one: {authenticationMode: CONFIG_MAP, namespaces: []}}}"
    )
    made = world(documents(CONFIG, POLICY), spec)
    assert (made.people, made.groups, made.roles) == (spec.people, ("empty", "ops"), ())
    assert plans(made)["one"] == ("CONFIG_MAP", ())
    assert plans(made)["two"] == ("CONFIG_MAP", ("web", "data"))


@pytest.mark.parametrize(("name", "hint"), [("onee", "did you mean one?"), ("x", "the config has one, two, three")])
def test_a_cluster_that_the_config_lacks(name: str, hint: str) -> None:
    spec = parse_spec(
        "{apiVersion: iamrbac.dev/v1alpha1, kind: Sandbox, people: [{user: pat, admin: true}], clusters: {"
        + name
        + ": {}}}"
    )
    with pytest.raises(SandboxError) as caught:
        world(documents(CONFIG), spec)
    assert str(caught.value) == f"sandbox.yaml: clusters.{name}: the config has no such cluster. Next: {hint}"
