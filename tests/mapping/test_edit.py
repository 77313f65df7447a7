"""The editor on maps as people write them: whole texts before and after, judged by eye once and held since."""

from __future__ import annotations

import pytest

from iamrbac.mapping.aws_auth import read
from iamrbac.mapping.edit import edit
from iamrbac.mapping.objects import AwsAuthRow
from iamrbac.model.errors import AwsAuthError

OURS = "arn:aws:iam::111122223333:role/ours"
NEW = AwsAuthRow(
    "mapRoles",
    "arn:aws:iam::111122223333:role/new",
    "arn:aws:sts::111122223333:assumed-role/new/{{SessionName}}",
    ("iamrbac:acme:payments:developers", "second"),
)
CHANGED = AwsAuthRow("mapRoles", OURS, "after", ("a", "c"))


def add(text: str) -> str:
    return edit({"mapRoles": text}, [NEW], ())["mapRoles"]


def change(text: str) -> str:
    return edit({"mapRoles": text}, [CHANGED], ())["mapRoles"]


def remove(text: str) -> str:
    return edit({"mapRoles": text}, (), [OURS])["mapRoles"]


NODES = """\
- groups:
  - system:bootstrappers
  - system:nodes
  rolearn: arn:aws:iam::111122223333:role/node
  username: system:node:{{EC2PrivateDNSName}}
"""
DOCS = f"""\
# people, see the wiki
- rolearn: {OURS}  # keep
  username: before
  groups:
    - a
    # why b
    - b   # because
# the end

"""
BRACES = f"""\
- {{rolearn: {OURS}, username: before, groups: [a, b]}}
- {{ rolearn: "x", username: "y", groups: [ "z" ] }}
"""
JSON = f"""\
[
  {{
    "rolearn": "{OURS}",
    "username": "before",
    "groups": [
      "a",
      "b"
    ]
  }},
  {{"rolearn": "x"}}
]
"""


def test_added_rows_are_written_as_the_last_row_is() -> None:
    assert add(NODES) == NODES + (
        "- groups:\n"
        "  - iamrbac:acme:payments:developers\n"
        "  - second\n"
        "  rolearn: arn:aws:iam::111122223333:role/new\n"
        "  username: arn:aws:sts::111122223333:assumed-role/new/{{SessionName}}\n"
    )
    assert add(DOCS) == DOCS.removesuffix("\n") + (
        "- rolearn: arn:aws:iam::111122223333:role/new\n"
        "  username: arn:aws:sts::111122223333:assumed-role/new/{{SessionName}}\n"
        "  groups:\n"
        "    - iamrbac:acme:payments:developers\n"
        "    - second\n"
        "\n"
    )
    assert add(BRACES) == BRACES + (
        '- { rolearn: "arn:aws:iam::111122223333:role/new", '
        'username: "arn:aws:sts::111122223333:assumed-role/new/{{SessionName}}", '
        'groups: ["iamrbac:acme:payments:developers", "second"] }\n'
    )
    assert add(JSON) == JSON.removesuffix("\n]\n") + (
        ',\n  {"rolearn": "arn:aws:iam::111122223333:role/new", '
        '"username": "arn:aws:sts::111122223333:assumed-role/new/{{SessionName}}", '
        '"groups": ["iamrbac:acme:payments:developers", "second"]}\n]\n'
    )


def test_a_map_of_another_platform_and_quotes_and_blanks() -> None:
    text = f"  -   rolearn: '{OURS}'\r\n      username: 'u'\r\n      groups:\r\n        -  'g'"
    assert add(text) == text + (
        "\r\n  -   rolearn: 'arn:aws:iam::111122223333:role/new'"
        "\r\n      username: 'arn:aws:sts::111122223333:assumed-role/new/{{SessionName}}'"
        "\r\n      groups:"
        "\r\n        -  'iamrbac:acme:payments:developers'"
        "\r\n        -  'second'"
    )


BLOCK = """\
- rolearn: arn:aws:iam::111122223333:role/new
  username: arn:aws:sts::111122223333:assumed-role/new/{{SessionName}}
  groups:
  - iamrbac:acme:payments:developers
  - second
"""
FLOW = (
    '{rolearn: "arn:aws:iam::111122223333:role/new", '
    'username: "arn:aws:sts::111122223333:assumed-role/new/{{SessionName}}", '
    'groups: ["iamrbac:acme:payments:developers", second]}'
)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", BLOCK),
        ("\n \n", BLOCK),
        ('""', BLOCK),
        ("[]\n", f"[{FLOW}]\n"),
        ("[ # nobody\n]\n", f"[{FLOW} # nobody\n]\n"),
        ("~ # nobody\n", f"[{FLOW}] # nobody\n"),
        ("# nobody", f"# nobody\n{BLOCK}".removesuffix("\n")),
        ("# nobody\n\n", f"# nobody\n{BLOCK}\n"),
        ("---\n# nobody\n...\n", f"---\n# nobody\n{BLOCK}...\n"),
        ("- 5\n---\n- second document\n", f"- 5\n{BLOCK}---\n- second document\n"),
        ("- rolearn: x\n  username: |+\n    kept\n\n\n", f"- rolearn: x\n  username: |+\n    kept\n\n\n{BLOCK}"),
    ],
)
def test_added_to_an_empty_or_an_odd_section(text: str, expected: str) -> None:
    assert add(text) == expected


def test_a_section_is_made_when_it_is_not_there_and_only_then() -> None:
    assert edit({"mapUsers": "[]"}, [NEW], ()) == {"mapUsers": "[]", "mapRoles": BLOCK}
    assert edit({}, (), [OURS]) == {}
    user = AwsAuthRow("mapUsers", "arn:aws:iam::111122223333:user/staff/alice", "alice", ())
    assert edit({}, [user], ()) == {
        "mapUsers": "- userarn: arn:aws:iam::111122223333:user/staff/alice\n  username: alice\n  groups: []\n"
    }


def test_a_section_whose_only_row_is_replaced_keeps_its_style_and_its_end() -> None:
    text = f"  - rolearn: '{OURS}'"
    other = AwsAuthRow("mapRoles", "other", "u", ())
    assert edit({"mapRoles": text}, [other], [OURS])["mapRoles"] == (
        "  - rolearn: 'other'\n    username: 'u'\n    groups: []"
    )
    assert edit({"mapRoles": f"{text}\n"}, [other], [OURS])["mapRoles"].endswith("groups: []\n")


def test_several_rows_at_once_into_a_flow_list_stand_on_lines_of_their_own() -> None:
    two = [AwsAuthRow("mapRoles", name, "u", ()) for name in ("one", "two")]
    text = edit({"mapRoles": "[]"}, two, ())["mapRoles"]
    assert text == "[{rolearn: one, username: u, groups: []},\n {rolearn: two, username: u, groups: []}]"
    assert edit({"mapRoles": text}, (), ["one"])["mapRoles"] == "[{rolearn: two, username: u, groups: []}]"
    assert edit({"mapRoles": text}, (), ["one", "two"])["mapRoles"] == "[]"


def test_a_change_touches_the_username_and_the_groups_that_differ() -> None:
    assert change(DOCS) == DOCS.replace("before", "after").replace("    - b   # because\n", "    - c\n")
    assert change(BRACES) == BRACES.replace("before", "after").replace("[a, b]", "[a, c]")
    assert change(JSON) == JSON.replace("before", "after").replace('"b"', '"c"')


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ("username: after\n  groups: [a, c]\n", "username: after\n  groups: [a, c]\n"),
        ("username: 'x' # n\n  groups: [c] # m\n", "username: 'after' # n\n  groups: [a, c] # m\n"),
        ("username: 5\n  groups: system:masters\n", "username: after\n  groups: [a, c]\n"),
        ("username:\n  groups: # none\n", "username: after\n  groups: # none\n  - a\n  - c\n"),
        ("username: *u\n  groups: *g\n", "username: after\n  groups: [a, c]\n"),
        ("userid: AROA\n", "userid: AROA\n  username: after\n  groups:\n  - a\n  - c\n"),
        ("GROUPS: []\n  userName: \"x\"\n", "GROUPS: [a, c]\n  userName: \"after\"\n"),
        ("username: after\n  groups:\n  - c\n", "username: after\n  groups:\n  - a\n  - c\n"),
        ("username: after\n  groups:\n  - a\n", "username: after\n  groups:\n  - a\n  - c\n"),
        ("username: after\n  groups:\n    - x\n    # n\n    - a\n    - y\n    - c\n    - z\n",
         "username: after\n  groups:\n    # n\n    - a\n    - c\n"),
        ("username: after\n  groups: [x, # n\n    a, y, c, z]\n", "username: after\n  groups: [# n\n    a, c]\n"),
        ("username: >-\n    be\n    fore\n  groups: [a]\n", "username: after\n  groups: [a, c]\n"),
        ("username: {a: b}\n  # n\n  groups: {a: b}\n", "username: after\n  # n\n  groups: [a, c]\n"),
        # What small edits cannot do is written anew, in the section's style.
        ("username: a\n  username: b\n  groups: [a]\n", "username: after\n  groups: [a, c]\n"),
        ("more: x\n  username:\n    a: b\n    # n\n  groups: [a]\n", "username: after\n  groups: [a, c]\n    # n\n"),
    ],
)  # fmt: skip
def test_changed_rows(fields: str, expected: str) -> None:
    head = f"- username: &u bob\n  groups: &g\n  - dev\n- rolearn: {OURS}\n  "
    tail = "- rolearn: z\n  username: z\n"
    assert change(f"{head}{fields}{tail}") == f"{head}{expected}{tail}"
    assert change(f"{head}{expected}{tail}") == f"{head}{expected}{tail}"


def test_no_groups_are_an_empty_list() -> None:
    none = AwsAuthRow("mapRoles", OURS, "u", ())
    text = f"- rolearn: {OURS}\n  username: u\n  groups:\n  - a\n"
    assert edit({"mapRoles": text}, [none], ())["mapRoles"] == f"- rolearn: {OURS}\n  username: u\n  groups:\n"
    flow = f"- {{rolearn: {OURS}, username: u, groups: [a, b]}}\n"
    assert edit({"mapRoles": flow}, [none], ())["mapRoles"] == f"- {{rolearn: {OURS}, username: u, groups: []}}\n"


def test_a_removed_row_takes_its_own_lines_and_no_comment_line() -> None:
    assert remove(DOCS) == "# people, see the wiki\n    # why b\n# the end\n\n"
    assert remove(NODES + DOCS) == NODES + "# people, see the wiki\n    # why b\n# the end\n\n"
    assert remove(BRACES) == '- { rolearn: "x", username: "y", groups: [ "z" ] }\n'
    assert remove(JSON) == '[\n  {"rolearn": "x"}\n]\n'
    assert remove(f"- rolearn: x\n-\n  # c\n  rolearn: {OURS}") == "- rolearn: x\n  # c"
    assert remove(f"- rolearn: {OURS}\n") == ""
    assert remove(f"- rolearn: {OURS}\n...\n") == "[]\n...\n"
    assert remove(f"[{{rolearn: x}}, {{rolearn: {OURS}}},]") == "[{rolearn: x},]"
    assert remove(f"[{{rolearn: {OURS}}},]") == "[]"
    assert remove(f"[{{rolearn: {OURS}}}, # c\n {{rolearn: x}}]") == "[# c\n {rolearn: x}]"


def test_a_hash_in_a_text_is_no_comment() -> None:
    text = f"- rolearn: {OURS}\n  username: |\n    # text\n  groups: ['\n    # text']\n- rolearn: x\n"
    assert remove(text) == "- rolearn: x\n"


def test_of_rows_with_one_arn_the_last_is_changed_and_all_are_removed() -> None:
    """The last one counts for EKS; to remove it alone would bring the older one back into effect."""
    text = f"- rolearn: {OURS}\n  username: old\n- rolearn: {OURS}\n  username: before\n  groups: [a, c]\n"
    assert change(text) == text.replace("before", "after")
    assert remove(text) == ""


def test_a_row_for_the_same_principal_that_would_win_is_an_error() -> None:
    text = f"- rolearn: {OURS}\n  username: before\n- rolearn: {OURS.upper()}\n  username: theirs\n"
    with pytest.raises(AwsAuthError, match="would have no effect beside another one for the same principal"):
        change(text)
    assert remove(text) == f"- rolearn: {OURS.upper()}\n  username: theirs\n"
    user = AwsAuthRow("mapUsers", OURS, "u")
    with pytest.raises(AwsAuthError, match="would have no effect"):
        edit({"mapRoles": f"- rolearn: {OURS}\n"}, [user], ())


def test_wanted_beats_remove() -> None:
    assert edit({}, [NEW], [NEW.arn]) == {"mapRoles": BLOCK}


def test_sections_that_do_not_parse_are_all_named_and_nothing_is_edited() -> None:
    data = {"mapRoles": "- rolearn: x\n  username: {{SessionName}}\n", "mapUsers": "- 'x\n", "mapAccounts": "x"}
    with pytest.raises(AwsAuthError) as caught:
        edit(data, [NEW], ())
    assert str(caught.value) == (
        "kube-system/aws-auth: cannot be edited, since it does not parse: "
        "mapRoles: line 2, column 14: a key is itself a map or a list (quote a value that begins with {{ or [); "
        "mapUsers: line 2, column 1: found unexpected end of stream; mapAccounts: it is not a list of accounts. "
        "Next: correct it by hand: kubectl -n kube-system edit configmap aws-auth"
    )


@pytest.mark.parametrize(
    ("text", "why"),
    [
        (
            f"- rolearn: {OURS}\n  groups: &g [a]\n- rolearn: x\n  groups: *g\n",
            "it would not parse any more (mapRoles: line 2, column 11: the alias *g has no anchor before it)",
        ),
        (
            f"- &r\n  rolearn: {OURS}\n- <<: *r\n  rolearn: x\n",
            "it would not parse any more (mapRoles: line 1, column 7",
        ),
    ],
)
def test_what_others_refer_to_is_not_taken_away(text: str, why: str) -> None:
    with pytest.raises(AwsAuthError) as caught:
        remove(text)
    assert caught.value.message.startswith(f"cannot be edited without harm to other rows: {why}")


def test_a_changed_anchor_would_change_others() -> None:
    text = f"- rolearn: {OURS}\n  groups: &g\n  - b\n- rolearn: x\n  groups: *g\n"
    with pytest.raises(AwsAuthError, match="without harm to other rows"):
        change(text)


def test_nothing_can_follow_a_block_scalar_without_a_break_at_its_end() -> None:
    text = "- rolearn: x\n  username: |\n    text"
    with pytest.raises(AwsAuthError, match="other rows of mapRoles would change"):
        add(text)


def test_more_than_a_config_map_holds_is_refused_before_it_is_sent() -> None:
    with pytest.raises(AwsAuthError, match=r"would have 10\d{5} bytes, and a ConfigMap holds 1048576") as caught:
        edit({"mapRoles": "", "other": "é" * 524_288}, [NEW], ())
    assert caught.value.hint == "let this cluster use access entries (mapping: access-entries)"


def test_every_text_can_be_a_username_or_a_group() -> None:
    odd = (
        "",
        " ",
        "a: b",
        "a #b",
        "- x",
        "yes",
        "null",
        "012",
        "é",
        "😀",
        "\t",
        "a\nb",
        "\x85",
        "\u2028",
        "'",
        '"',
        "{{x}}",
        "*a",
        "%",
    )
    for style in ("", "- {rolearn: x, username: 'y', groups: [\"z\"]}\n", "- rolearn: 'x'\n  groups: ['z']\n", "[]"):
        for text in odd:
            row = AwsAuthRow("mapRoles", OURS, text, (text, "plain"))
            (found,) = [one for one in read(edit({"mapRoles": style}, [row], ())).rows if one.arn == OURS]
            assert (found.username, found.groups) == (text, (text, "plain"))


def test_three_thousand_rows() -> None:
    text = "".join(
        f"- rolearn: arn:aws:iam::111122223333:role/r{i}\n  username: u{i}\n  groups:\n  - a{i}\n  - b\n"
        for i in range(3000)
    )
    wanted = [
        AwsAuthRow("mapRoles", f"arn:aws:iam::111122223333:role/r{i}", "u", ("b", "c")) for i in range(0, 3300, 3)
    ]
    gone = [f"arn:aws:iam::111122223333:role/r{i}" for i in range(1, 3300, 3)]
    assert len(read(edit({"mapRoles": text}, wanted, gone)).rows) == 2100


def test_the_row_before_the_last_one_may_end_in_a_block_scalar_that_needs_its_break() -> None:
    kept = f"- rolearn: {OURS}-not\n  username: |\n    text\n"
    text = f"{kept}- {{rolearn: '{OURS}'}}"
    assert remove(text) == kept
