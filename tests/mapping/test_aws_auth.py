"""What EKS's authenticator makes of aws-auth; every expectation was checked against its own ParseMap."""

from __future__ import annotations

import pytest

from iamrbac.mapping.aws_auth import Reading, ReadRow, read

ROLE = "arn:aws:iam::111122223333:role/dev"
Rows = list[tuple[str, str, tuple[str, ...]]]


def rows(text: str, section: str = "mapRoles") -> Rows:
    reading = read({section: text})
    assert reading.broken == ()
    return [(row.arn, row.username, row.groups) for row in reading.rows]


def test_a_whole_map() -> None:
    reading = read(
        {
            "mapRoles": f"- rolearn: {ROLE}\n  username: dev:{{{{SessionName}}}}\n  groups:\n  - a\n  - b\n",
            "mapUsers": "- userarn: arn:aws:iam::111122223333:user/staff/alice\n  username: alice\n",
            "mapAccounts": "- '444455556666'\n",
            "other": "kept: out",
        }
    )
    assert reading == Reading(
        rows=(
            ReadRow("mapRoles", ROLE, ROLE, "dev:{{SessionName}}", ("a", "b"), 0),
            ReadRow(
                "mapUsers",
                "arn:aws:iam::111122223333:user/staff/alice",
                "arn:aws:iam::111122223333:user/staff/alice",
                "alice",
                (),
                0,
            ),
        ),
        accounts=("444455556666",),
    )


def test_a_session_stands_for_its_role_in_canonical_only() -> None:
    (row,) = read({"mapRoles": "- rolearn: arn:aws:sts::111122223333:assumed-role/dev/ann\n"}).rows
    assert (row.arn, row.canonical) == ("arn:aws:sts::111122223333:assumed-role/dev/ann", ROLE)


@pytest.mark.parametrize(
    "text", ["", " \n\t\n", '""', "''", " ``\n", "[]", "# nobody\n", "null", "~", "---\n", "---\n...\n"]
)
def test_empty_forms(text: str) -> None:
    assert read({"mapRoles": text, "mapUsers": text, "mapAccounts": text}) == Reading(rows=())


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        # Keys of a row match whatever their case; unknown ones mean nothing.
        ("- rOlEaRn: x\n  UserName: u\n  GROUPS: [a]\n  userid: AROA\n  more: [1]\n", [("x", "u", ("a",))]),
        # Of equal keys the last one counts; of keys that differ in case, the last one in the order of bytes.
        ("- rolearn: x\n  rolearn: w\n", [("w", "", ())]),
        ("- rolearn: x\n  roleArn: y\n  ROLEARN: z\n", [("x", "", ())]),
        # A wrong type empties its field, not the row.
        ("- rolearn: x\n  username: 5\n  groups: system:masters\n", [("x", "", ())]),
        ("- rolearn: x\n  username: [u]\n  groups: {a: b}\n", [("x", "", ())]),
        ("- rolearn: x\n  groups: [a, 1, yes, null, b]\n", [("x", "", ("a", "", "", "", "b"))]),
        ("- rolearn: x\n  Username: u\n  username: 5\n  Groups: [a]\n  groups: g\n", [("x", "u", ("a",))]),
        ("- rolearn: x\n  username:\n  groups:\n", [("x", "", ())]),
        # Go's YAML: what is a string, and what is not.
        (
            "- rolearn: x\n  groups: [2026-01-01, 1:30, 0b2, 1.2.3, _1, =, ok]\n",
            [("x", "", ("2026-01-01", "1:30", "0b2", "1.2.3", "_1", "=", "ok"))],
        ),
        (
            "- rolearn: x\n  groups: [y, N, on, Off, 012345678901, 1e3, 0x1F, 0o17, 0b11, 1_000, .5, -1, ~]\n",
            [("x", "", ("",) * 13)],
        ),
        ("- rolearn: x\n  groups: ['y', \"1\", !!str 5]\n", [("x", "", ("y", "1", "5"))]),
        # A list of groups that is indented wrongly is one group.
        (
            "- rolearn: x\n  groups:\n    - system:bootstrappers\n      - system:nodes\n",
            [("x", "", ("system:bootstrappers - system:nodes",))],
        ),
        ("- rolearn: x\n  username: admin:{{SessionName}}\n", [("x", "admin:{{SessionName}}", ())]),
        # Rows without ARN are dropped, the others stay; `sso` is off, and beside a rolearn it is an error.
        ("- username: u\n- 5\n- null\n- [x]\n- rolearn: ''\n- rolearn: 7\n- rolearn: x\n", [("x", "", ())]),
        ("- sso: {permissionSetName: P, accountID: '111122223333'}\n- rolearn: x\n  sso: {}\n- rolearn: w\n  sso:\n",
         [("w", "", ())]),
        ("- userarn: x\n", []),
        # Anchors, merges, several documents.
        ("- &a {rolearn: x, groups: &g [a]}\n- {<<: *a, rolearn: w}\n- {rolearn: z, groups: *g}\n",
         [("x", "", ("a",)), ("w", "", ("a",)), ("z", "", ("a",))]),
        ("- <<: [{rolearn: x, username: u}, {rolearn: y, groups: [g]}]\n", [("x", "u", ("g",))]),
        ("---\n- rolearn: x\n---\n- rolearn: [\n", [("x", "", ())]),
        ("- rolearn: x\r\n  groups:\r\n  - a\r\n", [("x", "", ("a",))]),
    ],
)  # fmt: skip
def test_rows(text: str, expected: Rows) -> None:
    assert rows(text) == expected


def test_duplicates_stay_in_order_for_the_last_to_win() -> None:
    assert [row.index for row in read({"mapRoles": "- rolearn: x\n- 5\n- rolearn: x\n"}).rows] == [0, 2]


@pytest.mark.parametrize(
    ("text", "why"),
    [
        (
            "- rolearn: x\n  username: {{SessionName}}\n",
            "line 2, column 14: a key is itself a map or a list (quote a value that begins with {{ or [)",
        ),
        ("- rolearn: x\n  username: 'u\n", "line 3, column 1: found unexpected end of stream"),
        ("- rolearn: x\n\tusername: u\n", "line 2, column 1: found a tab character that violates indentation"),
        ("rolearn: x\n", "it is not a list of rows"),
        ("just text", "it is not a list of rows"),
        ("- rolearn: x\n  groups: *g\n", "line 2, column 11: the alias *g has no anchor before it"),
        ("- &a\n  rolearn: x\n  more: *a\n", "line 3, column 9: the alias *a stands inside its own anchor"),
        ("- rolearn: x\n  more: .inf\n", "line 2, column 9: .inf is a number that JSON cannot hold"),
        ("- rolearn: x\n  ~: y\n", "line 2, column 3: a key is null"),
        ("- rolearn: x\n  <<: y\n", "line 2, column 3: << merges maps only"),
        ("- rolearn: !env x\n", "line 1, column 12: the tag !env is not read here"),
        ("- {rolearn: a, what? : b}\n", "line 1, column 16: quote this, EKS takes the ? in it for a key"),
        ("- rolearn: x\n  more: " + "[" * 70 + "]" * 70 + "\n", "line 2, column 71: nested more than 64 levels deep"),
        ("- rolearn: \x07\n", "unacceptable character #x0007: control characters are not allowed"),
    ],
)
def test_a_broken_section_is_named_and_the_others_are_read(text: str, why: str) -> None:
    reading = read({"mapRoles": text, "mapUsers": "- userarn: x\n"})
    (broken,) = reading.broken
    assert broken.startswith(f"mapRoles: {why}")
    assert [row.arn for row in reading.rows] == ["x"]


def test_accounts_stay_as_written_since_go_reads_them_from_yaml() -> None:
    reading = read({"mapAccounts": "- 012345678901\n- '111122223333'\n- yes\n- {}\n- null\n"})
    assert reading.accounts == ("012345678901", "111122223333", "yes")
    assert reading.faults == ("mapAccounts[3]: EKS ignores this account: it is not a string",)
    assert read({"mapAccounts": "111122223333"}).broken == ("mapAccounts: it is not a list of accounts",)


def test_keys_of_the_config_map_are_case_sensitive() -> None:
    reading = read({"mapusers": "- userarn: x\n", "MapRoles": "- rolearn: ["})
    assert reading == Reading(
        rows=(),
        faults=(
            "MapRoles: EKS ignores it, keys of the ConfigMap are case-sensitive (meant mapRoles?)",
            "mapusers: EKS ignores it, keys of the ConfigMap are case-sensitive (meant mapUsers?)",
        ),
    )


def test_what_is_ignored_is_said() -> None:
    text = (
        "- rolearn: x\n  username: 5\n  groups: [1]\n- rolearn: x\n  groups: g\n- text\n- username: u\n"
        "- sso: {}\n- rolearn: x\n  sso: {}\n"
    )
    assert read({"mapRoles": text}).faults == (
        "mapRoles[0]: groups holds something that is not a string",
        "mapRoles[0]: username is not a string, so EKS takes it for empty",
        "mapRoles[1]: groups is not a list, so EKS takes it for empty",
        "mapRoles[2]: EKS ignores this row: it is not a map",
        "mapRoles[3]: EKS ignores this row: it has no rolearn",
        "mapRoles[4]: EKS ignores this row: EKS has `sso` switched off",
        "mapRoles[5]: EKS ignores this row: it has `sso` too",
    )


def test_an_alias_bomb_costs_nothing() -> None:
    layers = ["a0: &a0 [x, x]"] + [f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 9)}]" for i in range(1, 40)]
    assert rows("- rolearn: x\n" + "".join(f"  {layer}\n" for layer in layers)) == [("x", "", ())]
