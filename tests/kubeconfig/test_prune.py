"""What --prune removes: our own, of this instance, no longer granted, and never anything else."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from iamrbac.kubeconfig.text import Document, Result
from iamrbac.kubeconfig.text import merge as merge_all
from iamrbac.usecases.ports import Context, Prune, WantedContexts
from tests.kubeconfig.test_merge import DEVELOPMENT, FOREIGN, PLUGIN, STAGING, data, merge, names

SECTIONS = ("clusters", "users", "contexts")
PAYMENTS = replace(DEVELOPMENT, name="payments@development", pinned=True)


def prune(text: str, *contexts: Context, current: str | None = None, fallback: str | None = None, **how: Any) -> Result:
    wanted = WantedContexts(contexts, current, fallback, Prune("acme", **how))
    return merge_all([Document("config", text)], 0, wanted, PLUGIN)


def test_what_is_not_wanted_goes_and_every_byte_of_others_stays() -> None:
    before = merge(FOREIGN, [STAGING])
    result = prune(merge(before, [DEVELOPMENT, PAYMENTS]), STAGING)
    assert result.texts == (before,)
    assert result.removed == ("development", "payments@development")
    assert prune(before, STAGING).removed == ()


@pytest.mark.parametrize("keep", ["development", DEVELOPMENT.target.arn])
def test_what_was_not_judged_stays(keep: str) -> None:
    before = merge(FOREIGN, [STAGING, DEVELOPMENT])
    assert prune(before, STAGING, keep=frozenset({keep})).texts == (before,)


def test_a_namespace_that_is_still_granted_stays_where_only_clusters_are_asked_for() -> None:
    before = merge(FOREIGN, [DEVELOPMENT, PAYMENTS])
    granted = frozenset({(DEVELOPMENT.target.arn, None, "payments")})
    assert prune(before, DEVELOPMENT, granted=granted).texts == (before,)
    assert prune(before, DEVELOPMENT).removed == ("payments@development",)


def test_a_role_that_is_no_longer_granted() -> None:
    role = replace(STAGING, name="team@staging", user="team@staging", role_arn="arn:aws:iam::111122223333:role/team")
    before = merge(FOREIGN, [STAGING, role])
    assert names(before, "users")[-2:] == ["staging", "team@staging"]
    assert "      - --role-arn\n      - arn:aws:iam::111122223333:role/team\n" in before
    result = prune(before, STAGING)
    assert (result.removed, result.texts) == (("team@staging",), (merge(FOREIGN, [STAGING]),))


@pytest.mark.parametrize("instance", [None, "other"])
def test_of_another_instance_or_of_none_nothing_goes(instance: str | None) -> None:
    before = merge(FOREIGN, [replace(DEVELOPMENT, instance=instance)])
    assert prune(before, STAGING).texts == (merge(before, [STAGING]),)


OLD = """\
clusters:
- cluster:
    certificate-authority-data: UEVNCg==
    extensions:
    - extension:
        arn: arn:aws:eks:eu-west-1:111122223333:cluster/NAME
      name: iamrbac.dev/cluster
    server: https://NAME.example.com
  name: NAME
users:
- name: NAME
  user:
    exec:
      apiVersion: client.authentication.k8s.io/v1
      args: [token, --cluster-name, NAME, --region, eu-west-1]
      command: /opt/bin/iamrbac
      interactiveMode: IfAvailable
contexts:
- context:
    cluster: NAME
    user: NAME
  name: NAME
"""


def test_what_older_versions_wrote_is_marked_when_it_is_wanted_and_not_removed_before() -> None:
    old = OLD.replace("NAME", "staging")
    assert prune(old, DEVELOPMENT).removed == ()
    marked = prune(old, STAGING).texts[0]
    assert marked.count("instance: acme") == 3
    assert prune(marked, DEVELOPMENT).removed == ("staging",)


def test_the_current_context_is_unset_and_nothing_takes_its_place() -> None:
    before = merge(FOREIGN, [DEVELOPMENT, STAGING], "development")
    result = prune(before, STAGING, fallback="staging")
    assert (result.unset, result.current) == ("development", None)
    assert data(result.texts[0])["current-context"] == ""
    chosen = prune(before, STAGING, current="staging")
    assert (chosen.unset, chosen.current) == (None, "staging")
    # The next run may choose again.
    assert data(merge(result.texts[0], [STAGING], fallback="staging"))["current-context"] == "staging"


def test_a_persons_own_context_keeps_what_it_needs() -> None:
    mine = "- context: {cluster: development, user: development, namespace: x}\n  name: mine\ncurrent-context: mine\n"
    before = merge("", [DEVELOPMENT]) + mine
    result = prune(before, fallback=None)
    text = result.texts[0]
    assert (result.removed, result.unset) == (("development",), None)
    assert names(text, "contexts") == ["mine"]
    assert names(text, "clusters") == names(text, "users") == ["development"]
    assert mine in text


def test_a_user_with_credentials_of_the_persons_own_stays() -> None:
    before = merge("", [DEVELOPMENT]).replace("command: /opt/bin/iamrbac", "command: /opt/bin/my-wrapper")
    result = prune(before)
    assert [names(result.texts[0], section) for section in SECTIONS] == [[], ["development"], []]


def test_to_the_last_one() -> None:
    text = prune(merge("", [DEVELOPMENT], "development")).texts[0]
    assert text == ('apiVersion: v1\nkind: Config\nclusters: []\nusers: []\ncontexts: []\ncurrent-context: ""\n')


JSON = (
    '{"clusters":[{"name":"a","cluster":{}}],"users":[{"name":"a","user":{}}],"contexts":[{"name":"a","context":{}}]}'
)


@pytest.mark.parametrize(
    "text",
    [
        JSON,
        JSON.replace("[", "[\n\t").replace("]", "\n]").replace(",", ",\n\t"),
        JSON.replace(":", " : "),
        FOREIGN.replace("\n", "\r\n"),
        "\ufeff" + FOREIGN,
        FOREIGN.removesuffix("# the end\n").rstrip("\n") + "\n  # no break at the end",
    ],
)
def test_in_any_style(text: str) -> None:
    first = merge(text, [STAGING])
    assert prune(merge(first, [DEVELOPMENT, PAYMENTS]), STAGING).texts == (first,)
    every = prune(first).texts[0]
    if not text.startswith("{"):
        assert every == text
    for section in SECTIONS:
        assert names(every.replace("\t", " "), section) == names(text.replace("\t", " "), section)
