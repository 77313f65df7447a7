"""Which contexts are wanted, what they are called, and what may go."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from iamrbac.model.errors import UsageError
from iamrbac.plan.observed import Target
from iamrbac.render.kubeconfig import kubeconfig_diff, kubeconfig_json, kubeconfig_text
from iamrbac.usecases.context_names import Names
from iamrbac.usecases.kubeconfig import (
    ClusterContexts,
    Found,
    KubeconfigRequest,
    KubeconfigResult,
    preview_contexts,
    wanted_contexts,
)
from iamrbac.usecases.ports import Context, FileChange, Preview, Prune, Written
from tests.usecases.fakes import Silent
from tests.usecases.test_own_access import DOWN, NOT_MAPPED, Developer, assert_shape, developer
from tests.usecases.world import AT

__all__ = ["developer"]

STAGING = Target("staging", "staging", "arn:aws:eks:eu-west-1:111122223333:cluster/staging", "eu-west-1", "", "", "API")


@pytest.mark.parametrize(
    ("template", "namespace", "name"),
    [
        (None, None, "staging"),
        (None, "search", "search@staging"),
        ("{region}/{account}/{cluster}", None, "eu-west-1/111122223333/staging"),
        ("{team}@{cluster}", None, "payments@staging"),
        ("{cluster}:{namespace} ({team})", "search", None),
        ("{cluster}:{namespace}", "search", "staging:search"),
        ("{cluster}:{namespace}", None, "staging"),
    ],
)
def test_names(template: str | None, namespace: str | None, name: str | None) -> None:
    several = template is not None and "{namespace}" in template
    if name is None:
        with pytest.raises(UsageError, match="is no name with fields"):
            Names.parse(template, namespace_contexts=several)
        return
    assert Names.parse(template, namespace_contexts=several).of(STAGING, namespace, "payments") == name


@pytest.mark.parametrize(
    ("template", "several", "why"),
    [
        ("{clutser}", False, "there is no field {clutser}. Next: did you mean cluster?"),
        ("{cluster.name}", False, "there is no field {cluster.name}. Next: "),
        ("{cluster!r}", False, "{cluster} stands alone, without a format. Next: "),
        ("{cluster:>10}", False, "{cluster} stands alone, without a format. Next: "),
        ("{cluster:{region}}", False, "{cluster} stands alone, without a format. Next: "),
        ("{0}", False, "there is no field {0}. Next: use cluster, namespace, team, account, region"),
        ("{}", False, "there is no field {}. Next: use cluster"),
        ("{cluster", False, "expected '}' before end of string. Next: "),
        ("cluster", False, "is no name with fields. Next: "),
        ("", False, "is no name with fields. Next: "),
        ("{{x}}{cluster}", False, "is no name with fields. Next: "),
        ("{cluster}\n", False, "is no name with fields. Next: "),
        ("{namespace}@{cluster}", False, "has a {namespace}. Next: use it with --namespace-contexts"),
        ("{cluster}", True, "has no {namespace}. Next: write e.g. '{namespace}@{cluster}'"),
    ],
)
def test_templates_that_are_none(template: str, several: bool, why: str) -> None:
    with pytest.raises(UsageError) as caught:
        Names.parse(template, namespace_contexts=several)
    assert str(caught.value).startswith("--name-template")
    assert why in str(caught.value)


def test_a_team_that_is_not_known() -> None:
    with pytest.raises(UsageError, match=r"no single team gives the access to namespace a on staging"):
        Names(namespace="{team}-{namespace}").of(STAGING, "a", None)


def test_names_in_a_run(developer: Developer) -> None:
    names = Names.parse("{team}/{namespace}@{cluster}", namespace_contexts=True)
    developer.make(namespace_contexts=True, names=names)
    found = [(one.name, one.instance) for one in developer.kubeconfig.contexts]
    assert ("payments/payments@staging", "acme") in found
    assert ("staging", "acme") in found


def test_two_of_one_name_are_refused(developer: Developer) -> None:
    names = Names.parse("{region}", namespace_contexts=False)
    with pytest.raises(UsageError, match="several contexts would be called eu-west-1"):
        developer.make(names=names)
    assert developer.kubeconfig.contexts == ()


def test_the_current_one_is_one_of_ours(developer: Developer) -> None:
    developer.make(current="production")
    assert developer.kubeconfig.current == "production"
    with pytest.raises(UsageError) as caught:
        developer.make(current="prodution")
    assert str(caught.value) == (
        "--current prodution is none of the contexts that are written. Next: did you mean production?"
    )


def context(target: Target = STAGING, **more: Any) -> Context:
    return Context(target.name, target, instance="acme", **more)


def wanted_prune(*clusters: ClusterContexts, unasked: frozenset[str] = frozenset()) -> Prune | None:
    found = Found(clusters, instance="acme", unasked=unasked)
    wanted = wanted_contexts(found, KubeconfigRequest(AT, prune=True))
    return wanted.prune if wanted is not None else None


def test_only_what_was_judged_may_go() -> None:
    arn = STAGING.arn
    assert wanted_prune(ClusterContexts("staging", (context(),), ("a", "b"))) == Prune(
        "acme", frozenset(), frozenset({(arn, None, "a"), (arn, None, "b")})
    )
    assert wanted_prune(
        ClusterContexts("down", judged=False), ClusterContexts("none"), unasked=frozenset({"other"})
    ) == Prune("acme", frozenset({"down", "other"}))
    assert wanted_contexts(Found(()), KubeconfigRequest(AT, prune=True)) is None
    assert wanted_contexts(Found((ClusterContexts("none"),), instance="acme"), KubeconfigRequest(AT)) is None


def test_pruning_in_a_run(developer: Developer) -> None:
    developer.clusters["production"].user = DOWN
    developer.make(prune=True)
    assert developer.kubeconfig.prune == Prune(
        "acme", frozenset({"production"}), frozenset({(STAGING.arn, None, "payments")})
    )
    developer.clusters["production"].user = NOT_MAPPED
    developer.make(prune=True, clusters=("production",))
    assert developer.kubeconfig.prune == Prune("acme", frozenset({"staging"}))
    developer.make(prune=True, everything=True)
    assert developer.kubeconfig.prune == Prune("acme", frozenset({"staging", "production"}))


def test_with_errors_in_a_policy_no_namespace_goes(developer: Developer) -> None:
    policy = developer.root / "policies/payments.yaml"
    policy.write_text(policy.read_text() + "  nonsense: true\n")
    developer.make(prune=True)
    assert developer.kubeconfig.prune is not None
    assert developer.kubeconfig.prune.keep == {"staging", "production"}


def test_a_preview_writes_nothing(developer: Developer) -> None:
    result = preview_contexts(developer.edges, developer.kubeconfig, KubeconfigRequest(AT), Silent())
    assert developer.kubeconfig.contexts == ()
    assert result.written is None
    assert_shape("kubeconfig", kubeconfig_json(result))
    assert kubeconfig_json(result)["diff"] == (
        "--- /home/alice/.kube/config\n+++ /home/alice/.kube/config\n@@ -0,0 +1,2 @@\n+staging\n+production\n"
    )
    assert kubeconfig_text(result).endswith("/home/alice/.kube/config: 2 contexts would be written.\n")


def test_what_is_said_of_a_removal() -> None:
    clusters = (ClusterContexts("staging", (context(),), ("a", "b")), ClusterContexts("production"))
    written = Written("/c", True, None, ("production",), "production", ("/d",))
    result = KubeconfigResult(clusters, written, ())
    assert kubeconfig_text(result) == (
        "staging     namespaces a, b\n"
        "production  no access\n"
        "production  removed: no longer granted\n"
        "/c and /d: 1 context written; 1 removed; no current context any more (it was production): kubectl config"
        " use-context NAME.\n"
    )
    document = kubeconfig_json(result)
    assert (document["removed"], document["unsetContext"], document["diff"]) == (["production"], "production", None)
    assert_shape("kubeconfig", document)
    same = replace(written, changed=False, removed=(), unset=None, also=(), current="staging")
    assert kubeconfig_text(replace(result, written=same)).endswith(
        "\n/c: 1 context there already; current context: staging.\n"
    )


def test_a_diff_shows_no_comment_beside_a_change() -> None:
    before = "a: 1 # secret\nb: 2\nc: 3\x1b[31m\n"
    preview = Preview("/c", before, before.replace("2", "x"), also=(FileChange("/d", "a\n", "b\n"),))
    assert kubeconfig_diff(preview) == (
        "--- /c\n+++ /c\n@@ -1,3 +1,3 @@\n a: 1 #…\n-b: 2\n+b: x\n c: 3\\x1b[31m\n--- /d\n+++ /d\n@@ -1 +1 @@\n-a\n+b\n"
    )
