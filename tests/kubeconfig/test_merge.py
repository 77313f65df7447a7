"""The merge: ours goes in, everybody else's bytes stay."""

from __future__ import annotations

import textwrap
from dataclasses import replace
from typing import Any

import pytest
import yaml

from iamrbac.kubeconfig.command import Plugin
from iamrbac.kubeconfig.text import Document
from iamrbac.kubeconfig.text import merge as merge_all
from iamrbac.model.errors import KubeconfigError
from iamrbac.plan.observed import Target
from iamrbac.usecases.ports import Context, Prune, WantedContexts

PLUGIN = Plugin(("/opt/bin/iamrbac",))


def target(name: str, eks_name: str) -> Target:
    arn = f"arn:aws:eks:eu-west-1:111122223333:cluster/{eks_name}"
    return Target(name, eks_name, arn, "eu-west-1", f"https://{name}.example.com", "PEM\n", "API")


DEVELOPMENT = Context("development", target("development", "dev-1"), "alice", "payments", instance="acme")
STAGING = Context("staging", target("staging", "staging"), instance="acme")
FRESH = """\
apiVersion: v1
kind: Config
clusters:
- cluster:
    certificate-authority-data: UEVNCg==
    extensions:
    - extension:
        arn: arn:aws:eks:eu-west-1:111122223333:cluster/dev-1
        instance: acme
      name: iamrbac.dev/cluster
    server: https://development.example.com
  name: development
users:
- name: development
  user:
    exec:
      apiVersion: client.authentication.k8s.io/v1
      args:
      - token
      - --cluster-name
      - dev-1
      - --region
      - eu-west-1
      command: /opt/bin/iamrbac
      env:
      - name: AWS_PROFILE
        value: alice
      interactiveMode: IfAvailable
    extensions:
    - extension:
        arn: arn:aws:eks:eu-west-1:111122223333:cluster/dev-1
        instance: acme
      name: iamrbac.dev/cluster
contexts:
- context:
    cluster: development
    extensions:
    - extension:
        arn: arn:aws:eks:eu-west-1:111122223333:cluster/dev-1
        instance: acme
      name: iamrbac.dev/cluster
    namespace: payments
    user: development
  name: development
current-context: development
"""
FOREIGN = textwrap.dedent(
    """\
    # my own config, keep it!
    apiVersion: v1
    clusters:   # two of them
    - cluster:
        server: https://10.0.0.1:6443   # the lab
        insecure-skip-tls-verify: true
      name: 'lab'

    -   cluster: {server: "https://home.example.com"}
        name: "home"   # trailing

    # contexts follow
    contexts:
      - context:
          cluster: lab
          user: me
        name: lab
    current-context: "lab"
    kind: Config
    preferences: {}
    users:
    - name: me
      user:
        token: |
          abc
          def
    # the end
    """
)


def merge(
    text: str,
    contexts: list[Context],
    current: str | None = None,
    fallback: str | None = None,
    prune: Prune | None = None,
    plugin: Plugin = PLUGIN,
) -> str:
    wanted = WantedContexts(tuple(contexts), current, fallback, prune)
    return merge_all([Document("config", text)], 0, wanted, plugin).texts[0]


def data(text: str) -> Any:
    return yaml.load(text, Loader=yaml.BaseLoader)


def names(text: str, section: str) -> list[str]:
    return [entry["name"] for entry in data(text)[section]]


def test_a_new_file() -> None:
    assert merge("", [DEVELOPMENT], fallback="development") == FRESH


@pytest.mark.parametrize("text", ["", "\n", "# only a comment\n", "---\n", "null\n", "{}", "{}\n", "# a\n{} # b\n"])
def test_a_file_without_content(text: str) -> None:
    result = merge(text, [DEVELOPMENT], fallback="development")
    assert {**data(result), "apiVersion": "v1", "kind": "Config"} == data(FRESH)
    assert all(line in result for line in text.splitlines() if line.startswith("#"))
    assert merge(result, [DEVELOPMENT], fallback="development") == result


def added_lines(before: str, after: str) -> list[str]:
    """Lines that came in; fails unless all lines of `before` are there in their order."""
    rest = iter(after.splitlines(keepends=True))
    added = []
    for line in before.splitlines(keepends=True):
        for other in rest:
            if other == line:
                break
            added.append(other)
        else:
            raise AssertionError(f"lost: {line!r}")
    return [*added, *rest]


def test_every_line_of_others_stays() -> None:
    result = merge(FOREIGN, [DEVELOPMENT, STAGING], fallback="development")
    assert len(added_lines(FOREIGN, result)) == 74
    assert data(result)["current-context"] == "lab"
    for section in ("clusters", "users", "contexts"):
        assert names(result, section) == [*names(FOREIGN, section), "development", "staging"]
        assert data(result)[section][: len(data(FOREIGN)[section])] == data(FOREIGN)[section]


def test_what_goes_in_looks_like_kubectls() -> None:
    result = merge(FOREIGN, [STAGING])
    assert '    name: "home"   # trailing\n- cluster:\n    certificate-authority-data: UEVNCg==\n' in result
    assert "    name: lab\n  - context:\n      cluster: staging\n      extensions:\n      - extension:\n" in result
    assert "      abc\n      def\n- name: staging\n  user:\n    exec:\n" in result
    assert result.endswith("        instance: acme\n      name: iamrbac.dev/cluster\n# the end\n")


SHAPES = {
    "as kubectl writes it": FOREIGN,
    "CRLF": FOREIGN.replace("\n", "\r\n"),
    "no last newline": FOREIGN.rstrip("\n"),
    "no last newline, empty value": "kind: Config\ncontexts:\nusers: []\nclusters:",
    "empty lists": 'clusters: []\ncontexts: null # none\ncurrent-context: ""\nkind: Config\nusers: []\n',
    "JSON": '{"apiVersion": "v1", "kind": "Config", "clusters": [], "contexts": [], "users": []}\n',
    "JSON with entries": '{"kind":"Config","clusters":[{"name":"lab","cluster":{"server":"https://x"}}],"users":[\n]}',
    "pretty JSON": '{\n  "clusters": [\n    {"name": "lab", "cluster": {"server": "https://x"}}\n  ]\n}\n',
    "one key": "kind: Config\n",
    "indented root": "  kind: Config\n  users:\n  - name: me\n    user: {}\n",
    "document marks": "---\nkind: Config\nusers:\n- {name: me, user: {token: abc}}\n...\n",
    "BOM": "\ufeffkind: Config\nusers: []\n",
    "blanks at line ends": "kind: Config  \nusers: [] \nclusters:  \n",
    "quoted keys": "'kind': Config\n\"users\": []\n",
    "flow lists in a block": "kind: Config\nusers: [{name: me, user: {token: abc}},]\n",
    "comment in the gap": "kind: Config\nusers:\n# none yet\ncontexts: []\n",
    "unicode": 'kind: Config\nusers:\n- name: zoë\n  user: {token: "é"}\n',
    "anchors of others": "kind: Config\nusers:\n- name: a\n  user: &u {token: abc}\n- name: b\n  user: *u\n",
}


@pytest.mark.parametrize("shape", SHAPES)
def test_shapes(shape: str) -> None:
    """Foreign values stay, ours go in, a second run changes nothing, and so does a third with fewer clusters."""
    text = SHAPES[shape]
    result = merge(text, [DEVELOPMENT, STAGING], fallback="staging")
    before, after = data(text), data(result)
    for section in ("clusters", "users", "contexts"):
        kept = before.get(section) if isinstance(before.get(section), list) else []
        assert after[section][: len(kept)] == kept
        assert [entry["name"] for entry in after[section][len(kept) :]] == ["development", "staging"]
    assert after["current-context"] == (before.get("current-context") or "staging")
    assert merge(result, [DEVELOPMENT, STAGING], fallback="staging") == result
    assert merge(result, [STAGING], fallback="staging") == result
    assert ("\r\n" in result) == ("\r\n" in text)
    assert result.count("\n") - result.count("\r\n") in (0, result.count("\n"))


def test_bytes_of_others_stay_in_json() -> None:
    text = '{ "clusters" : [ {"name":"lab" , "cluster":{}} ] , "users":[], "contexts":[] }'
    result = merge(text, [STAGING])
    assert result.startswith('{ "clusters" : [ {"name":"lab" , "cluster":{}}, {')
    assert result.count("}") == result.count("{")
    assert result.endswith("] }")


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ({"target": replace(DEVELOPMENT.target, endpoint="https://old.example.com")}, {}),
        ({"target": replace(DEVELOPMENT.target, certificate_authority="OLD\n")}, {}),
        ({"profile": None}, {}),
        ({}, {"profile": None}),
        ({"profile": "bob"}, {}),
        ({"namespace": None}, {}),
    ],
)
@pytest.mark.parametrize("around", ["", FOREIGN, FOREIGN.replace("\n", "\r\n"), '{"kind": "Config"}'])
def test_ours_is_brought_up_to_date(old: dict[str, Any], new: dict[str, Any], around: str) -> None:
    before = merge(around, [replace(DEVELOPMENT, **old), STAGING])
    wanted = replace(DEVELOPMENT, **new)
    after = merge(before, [wanted, STAGING])
    fresh = data(merge(around, [wanted, STAGING]))
    shown = data(after)
    if new == {"profile": None}:
        assert shown["users"][-2]["user"]["exec"].pop("env") == []
    assert shown["clusters"] == fresh["clusters"]
    assert shown["users"] == fresh["users"]
    assert shown["contexts"] == fresh["contexts"]
    assert merge(after, [wanted, STAGING]) == after


@pytest.mark.parametrize("command", [("/old/iamrbac",), ("/usr/bin/python3", "-m", "iamrbac")])
def test_an_installation_that_moved(command: tuple[str, ...]) -> None:
    before = merge(FOREIGN, [DEVELOPMENT], plugin=Plugin(command))
    assert merge(before, [DEVELOPMENT]) == merge(FOREIGN, [DEVELOPMENT])


def test_what_the_person_added_to_ours_stays() -> None:
    before = merge(FOREIGN, [DEVELOPMENT])
    before = before.replace("    namespace: payments\n", "    namespace: mine # for now\n")
    before = before.replace(
        "        - name: AWS_PROFILE\n", "        - {name: HTTPS_PROXY, value: p}\n        - name: AWS_PROFILE\n"
    )
    before = before.replace(
        "      - name: AWS_PROFILE\n", "      - {name: HTTPS_PROXY, value: p}  # needed\n      - name: AWS_PROFILE\n"
    )
    before = before.replace(
        "    server: https://development.example.com\n",
        "    proxy-url: http://p   # needed too\n    server: https://development.example.com\n",
    )
    assert before.count("needed") == 2
    after = merge(
        before, [replace(DEVELOPMENT, profile="bob", target=replace(DEVELOPMENT.target, certificate_authority="NEW\n"))]
    )
    assert after == before.replace("value: alice", "value: bob").replace("UEVNCg==", "TkVXCg==")


def test_a_namespace_context_keeps_the_namespace_in_its_name() -> None:
    pinned = replace(DEVELOPMENT, name="payments@development", pinned=True)
    before = merge("", [DEVELOPMENT, pinned])
    assert names(before, "contexts") == ["development", "payments@development"]
    assert names(before, "clusters") == names(before, "users") == ["development"]
    changed = before.replace("namespace: payments", "namespace: other")
    contexts = data(merge(changed, [DEVELOPMENT, pinned]))["contexts"]
    assert [context["context"]["namespace"] for context in contexts] == ["other", "payments"]


@pytest.mark.parametrize(
    ("text", "why"),
    [
        (
            "clusters:\n- name: development\n  cluster: {server: https://other}\n",
            "cluster development is there already, for https://other",
        ),
        (
            "users:\n- name: development\n  user: {token: hunter2}\n",
            "user development is there already, with other credentials",
        ),
        (
            "users:\n- name: development\n  user: {exec: {command: aws, args: [eks, get-token]}}\n",
            "user development is there already, with other credentials",
        ),
        (
            "contexts:\n- name: development\n  context: {cluster: c, user: u}\n",
            "context development is there already, for cluster c and user u",
        ),
        (
            "contexts:\n- name: development\n",
            "context development is there already, and has no `context`",
        ),
        (
            FRESH.replace("cluster/dev-1", "cluster/another"),
            "cluster development is there already, for arn:aws:eks:eu-west-1:111122223333:cluster/another;"
            " user development is there already, for arn:aws:eks:eu-west-1:111122223333:cluster/another",
        ),
        (
            "clusters:\n- name: development\n  cluster: {server: https://other}\n"
            "users:\n- name: development\n  user: {token: hunter2}\n",
            "cluster development is there already, for https://other;"
            " user development is there already, with other credentials",
        ),
    ],
)
def test_what_is_not_ours_is_refused(text: str, why: str) -> None:
    with pytest.raises(KubeconfigError) as caught:
        merge(text, [DEVELOPMENT])
    hint = "rename or remove it, or write to another file with --kubeconfig FILE"
    assert str(caught.value) == f"config: {why}. Next: {hint}"


def test_a_hand_made_entry_for_the_same_server_becomes_ours() -> None:
    text = "clusters:\n- name: development\n  cluster: {server: https://development.example.com/, proxy-url: p}\n"
    cluster = data(merge(text, [DEVELOPMENT]))["clusters"][0]["cluster"]
    assert cluster["server"] == "https://development.example.com"
    assert cluster["proxy-url"] == "p"
    assert cluster["extensions"][0]["extension"] == {"arn": DEVELOPMENT.target.arn, "instance": "acme"}


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("clusters: [", "it is not YAML: expected the node content, but found '<stream end>' (line 1, column 12)"),
        ("a: b\n c: d\n", "it is not YAML: mapping values are not allowed here (line 2, column 3)"),
        ("a: b\n---\nc: d\n", "it has more than one YAML document (line 2, column 1)"),
        ("kind: Config\nkind: Config\n", "'kind' is there twice (line 2)"),
        ("? [a]\n: b\n", "a key is not a text (line 1)"),
        ("users: &a [*a]\n", "its aliases make it endless"),
        (
            "a: &a [x,x,x,x,x,x,x,x,x]\n"
            + "".join(
                f"{name}: &{name} [{','.join([f'*{last}'] * 9)}]\n"
                for last, name in zip("abcdefgh", "bcdefghi", strict=True)
            ),
            "its aliases make it endless",
        ),
        ("[" * 1500, "it is not YAML: "),
        ("users: {}\n", "`users` is not a list of entries"),
        ("users: [a]\n", "`users` is not a list of entries"),
        (
            "users:\n- name: me\n  user: {}\n- name: me\n  user: {}\n",
            "user me is there 2 times, which kubectl refuses",
        ),
        ("users:\n\t- name: me\n", "it is not YAML: found character '\\t'"),
        ('{"users": [}', "it is not YAML: "),
        ("just text", "it is not a kubeconfig: expected clusters, users and contexts"),
        ("- a\n", "it is not a kubeconfig: expected clusters, users and contexts"),
        ("a: \x00", "it is not YAML: "),
    ],
)
def test_a_broken_file_is_refused(text: str, why: str) -> None:
    with pytest.raises(KubeconfigError) as caught:
        merge(text, [DEVELOPMENT])
    assert caught.value.message.startswith(why)
    assert caught.value.hint
    assert "\n" not in str(caught.value)


def test_what_cannot_be_edited_safely_is_refused() -> None:
    """Any line below this literal would give it a line break that it does not have."""
    text = "users:\n- name: me\n  user:\n    token: |\n      abc"
    with pytest.raises(KubeconfigError, match="cannot be edited safely"):
        merge(text, [DEVELOPMENT])


def test_current_context() -> None:
    assert data(merge("current-context: gone\n", [STAGING], fallback="staging"))["current-context"] == "staging"
    assert data(merge(FOREIGN, [STAGING], "staging"))["current-context"] == "staging"
    assert "\ncurrent-context: staging\nkind" in merge(FOREIGN, [STAGING], "staging")
    assert "current-context" not in data(merge("", [STAGING]))
