from __future__ import annotations

import pytest

from iamrbac.mapping.aws_auth import Reading, ReadRow, read
from iamrbac.mapping.objects import AccessEntry
from iamrbac.mapping.resolve import Mapped, Shadow, identity, mapped, resolve, shadows

IAM = "arn:aws:iam::111122223333:"
STS = "arn:aws:sts::111122223333:"
TEMPLATE = STS + "assumed-role/dev/{{SessionName}}"
ALICE = IAM + "user/staff/alice"


def reading(roles: str = "", users: str = "", accounts: str = "") -> Reading:
    found = read({"mapRoles": roles, "mapUsers": users, "mapAccounts": accounts})
    assert found.broken == ()
    return found


def role(name: str, username: str, *groups: str) -> str:
    return f"- rolearn: {IAM}role/{name}\n  username: '{username}'\n  groups: {list(groups)}\n"


def user(name: str, username: str, *groups: str) -> str:
    return f"- userarn: {IAM}user/{name}\n  username: '{username}'\n  groups: {list(groups)}\n"


def entry(principal: str, username: str = "u", *groups: str) -> AccessEntry:
    return AccessEntry(principal, username, groups)


def test_a_session_finds_its_role_whose_path_only_the_entry_has() -> None:
    entries = [entry(IAM + "role/teams/dev", TEMPLATE, "g:{{SessionNameRaw}}", "{{AccountID}}")]
    assert resolve(STS + "assumed-role/dev/ann@example.com", entries, None) == Mapped(
        IAM + "role/teams/dev",
        STS + "assumed-role/dev/ann-example.com",
        ("g:ann@example.com", "111122223333"),
        "entry",
    )
    assert resolve(STS + "assumed-role/ops/ann", entries, None) is None


def test_a_row_with_the_roles_path_matches_nobody() -> None:
    rows = reading(role("teams/dev", "u"))
    assert resolve(STS + "assumed-role/dev/ann", [], rows) is None
    assert resolve(IAM + "role/teams/dev", [], rows) is None
    assert mapped([], rows) == ()


def test_a_user_is_found_with_the_path() -> None:
    rows = reading(users=user("staff/alice", "alice") + user("bob", "bob"))
    assert resolve(ALICE, [], rows) == Mapped(ALICE, "alice", (), "row")
    assert resolve(IAM + "user/alice", [], rows) is None
    assert resolve(IAM + "user/staff/bob", [], rows) is None


def test_arns_are_compared_without_case_and_rows_as_they_are_written() -> None:
    rows = reading(role("DEV", "u", "a"))
    assert resolve(STS + "assumed-role/dev/ann", [], rows) == Mapped(IAM + "role/DEV", "u", ("a",), "row")


def test_a_row_in_capitals_is_a_principals_all_the_same() -> None:
    rows = reading(
        users=f"- userarn: {(IAM + 'user/bob').upper()}\n  username: 'u:{{{{AccountID}}}}:{{{{SessionName}}}}'\n"
    )
    assert [(one.username, one.source) for one in mapped([], rows)] == [("u:111122223333:", "row")]
    assert resolve(IAM + "user/bob", [], rows) == Mapped((IAM + "user/bob").upper(), "u:111122223333:", (), "row")


def test_an_entry_beats_a_row_a_role_row_beats_a_user_row_and_any_row_an_account() -> None:
    rows = reading(
        f"- rolearn: {ALICE}\n  username: by-role\n",
        user("staff/alice", "by-user") + user("bob", "by-user"),
        "['111122223333']",
    )
    assert resolve(ALICE, [entry(ALICE, "by-entry")], rows) == Mapped(ALICE, "by-entry", (), "entry")
    assert resolve(ALICE, [], rows) == Mapped(ALICE, "by-role", (), "row")
    assert resolve(IAM + "user/bob", [], rows) == Mapped(IAM + "user/bob", "by-user", (), "row")
    assert resolve(STS + "assumed-role/any/x", [], rows) == Mapped(IAM + "role/any", IAM + "role/any", (), "account")
    assert resolve("arn:aws:iam::444455556666:user/x", [], rows) is None


def test_of_two_rows_the_last_counts_and_groups_are_not_merged() -> None:
    rows = reading(role("dev", "first", "a") + role("Dev", "last", "b"))
    assert resolve(STS + "assumed-role/dev/ann", [], rows) == Mapped(IAM + "role/Dev", "last", ("b",), "row")


def test_a_user_has_no_session_name() -> None:
    rows = reading(users=user("bob", "x:{{SessionName}}:{{SessionNameRaw}}", "{{AccountID}}"))
    assert resolve(IAM + "user/bob", [], rows) == Mapped(IAM + "user/bob", "x::", ("111122223333",), "row")


def test_templates_of_a_session_stay_where_no_session_is_known() -> None:
    entries = [entry(IAM + "role/dev", TEMPLATE, "{{AccountID}}")]
    assert resolve(IAM + "role/dev", entries, None) == Mapped(IAM + "role/dev", TEMPLATE, ("111122223333",), "entry")
    assert mapped(entries, None) == (Mapped(IAM + "role/dev", TEMPLATE, ("111122223333",), "entry"),)


def test_an_access_key_is_never_known() -> None:
    entries = [entry(IAM + "user/bob", "bob:{{AccessKeyID}}")]
    assert resolve(IAM + "user/bob", entries, None) == Mapped(IAM + "user/bob", "bob:{{AccessKeyID}}", (), "entry")


@pytest.mark.parametrize(
    ("session", "username"),
    [("i-0123456789abcdef0", "system:node:{{EC2PrivateDNSName}}"), ("i-01234567", "system:node:{{EC2PrivateDNSName}}")],
)
def test_a_nodes_name_stays_since_only_ec2_knows_it(session: str, username: str) -> None:
    rows = reading(role("node", "system:node:{{EC2PrivateDNSName}}"))
    assert resolve(f"{STS}assumed-role/node/{session}", [], rows) == Mapped(IAM + "role/node", username, (), "row")


@pytest.mark.parametrize("session", ["ann", "i-xyz", "i-0123456789abcdef01"])
def test_a_node_role_lets_only_instances_in(session: str) -> None:
    rows = reading(role("node", "system:node:{{EC2PrivateDNSName}}"), accounts="['111122223333']")
    assert resolve(f"{STS}assumed-role/node/{session}", [], rows) is None


@pytest.mark.parametrize("caller", ["", "alice", "arn:aws:s3:::bucket", "arn:moon:iam::111122223333:user/x"])
def test_what_is_no_principal_is_not_mapped(caller: str) -> None:
    assert resolve(caller, [], reading(accounts="['111122223333']")) is None


def test_the_root_user_and_federated_users_can_be_mapped() -> None:
    federated = f"- userarn: {STS}federated-user/fed\n  username: 'f:{{{{SessionName}}}}'\n"
    users = f"- userarn: {IAM}root\n  username: root\n{federated}"
    rows = reading(users=users)
    assert resolve(IAM + "root", [], rows) == Mapped(IAM + "root", "root", (), "row")
    assert resolve(STS + "federated-user/fed", [], rows) == Mapped(STS + "federated-user/fed", "f:fed", (), "row")


def test_mapped_lists_what_takes_effect() -> None:
    entries = [entry(IAM + "role/x/dev", "entry")]
    rows = reading(
        role("dev", "hidden")
        + role("ops", "old")
        + role("ops", "new", "g")
        + role("a/b", "path")
        + "- rolearn: junk\n",
        user("bob", "bob:{{SessionName}}"),
        "['444455556666']",
    )
    assert mapped(entries, rows) == (
        Mapped(IAM + "role/x/dev", "entry", (), "entry"),
        Mapped(IAM + "user/bob", "bob:", (), "row"),
        Mapped(IAM + "role/ops", "new", ("g",), "row"),
    )
    assert mapped([], None) == ()


def test_shadows_name_what_hides_a_row_and_why() -> None:
    hiding = entry(IAM + "role/x/dev")
    rows = reading(
        role("DEV", "a") + role("ops", "b") + role("Ops", "c") + f"- rolearn: {ALICE}\n",
        user("staff/alice", "d") + user("bob", "e") + user("bob", "f") + user("eve", "g") + user("Eve", "h"),
    )
    by = {(row.section, row.index): row for row in rows.rows}

    def row(section: str, index: int) -> ReadRow:
        return next(one for key, one in by.items() if key == (section, index))

    assert shadows([hiding], rows) == (
        Shadow(row("mapRoles", 0), hiding, "entry"),
        Shadow(row("mapRoles", 1), row("mapRoles", 2), "later row"),
        Shadow(row("mapUsers", 0), row("mapRoles", 3), "mapRoles"),
        Shadow(row("mapUsers", 1), row("mapUsers", 2), "later row"),
        Shadow(row("mapUsers", 3), row("mapUsers", 4), "spelling"),
    )
    assert shadows([hiding], None) == ()
    assert shadows([], reading(role("dev", "a") + role("ops", "b"))) == ()


@pytest.mark.parametrize(
    ("arn", "expected"),
    [
        (IAM + "role/a/b/Dev", IAM + "role/dev"),
        (STS + "assumed-role/Dev/Ann", IAM + "role/dev"),
        (IAM + "user/Staff/Alice", IAM + "user/staff/alice"),
        ("Junk", "junk"),
    ],
)
def test_identity(arn: str, expected: str) -> None:
    assert identity(arn) == expected
