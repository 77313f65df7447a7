"""Credentials, clock, endpoint, cluster: each known cause is named, with who can fix it."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from iamrbac.diagnosis import clock, cluster, credentials, endpoint
from iamrbac.diagnosis.facts import Place, Probe, Source, Step
from iamrbac.diagnosis.verdict import Fixer, Status
from tests.diagnosis.facts import (
    ACCOUNT,
    DENIED,
    DESCRIBED,
    NOT_FOUND,
    OTHER,
    PLACE,
    PLUGIN,
    SERVER,
    WHO,
    entry,
    ids,
    refused,
)

MINUTE = timedelta(minutes=1)


@pytest.mark.parametrize(
    ("fault", "cause", "fixer"),
    [
        ("missing", "credentials-missing", Fixer.YOU),
        ("partial", "credentials-partial", Fixer.YOU),
        ("no-profile", "profile-missing", Fixer.YOU),
        ("sso", "sso-expired", Fixer.YOU),
        ("expired", "credentials-expired", Fixer.YOU),
        ("unknown-key", "key-unknown", Fixer.YOU),
        ("signature", "secret-wrong", Fixer.YOU),
        ("assume-denied", "assume-denied", Fixer.PLATFORM),
    ],
)
def test_credentials_that_are_no_good(fault: Any, cause: str, fixer: Fixer) -> None:
    verdict = credentials.judge(refused(fault))
    assert (verdict.status, ids(verdict), verdict.causes[0].fixer) == (Status.FAILED, [f"{cause}!"], fixer)
    assert verdict.causes[0].run


@pytest.mark.parametrize("fault", ["unreachable", "other"])
def test_an_aws_that_cannot_be_asked_is_unknown(fault: Any) -> None:
    verdict = credentials.judge(refused(fault))
    assert (verdict.status, ids(verdict)) == (Status.UNKNOWN, ["aws-not-asked"])


def test_the_chain_is_told_from_the_profile_to_the_keys() -> None:
    steps = (Step("profile dev", "role arn:aws:iam::111122223333:role/dev"), Step("profile base", "static keys"))
    verdict = credentials.judge(replace(WHO, source=Source("assume-role", "dev", steps)))
    assert verdict.status is Status.OK
    assert verdict.saw.endswith("from profile dev: role arn:aws:iam::111122223333:role/dev ← profile base: static keys")


@pytest.mark.parametrize("fault", ["signature", "expired"])
def test_a_wrong_clock_is_not_a_wrong_secret(fault: Any) -> None:
    skewed = refused(fault, offset=-7 * MINUTE)
    assert credentials.judge(skewed).status is Status.OK
    verdict = clock.judge(skewed.offset, None)
    assert (verdict.status, ids(verdict)) == (Status.FAILED, ["clock-skew!"])
    assert verdict.saw == "7 min ahead of AWS's"


@pytest.mark.parametrize(
    ("aws", "of_cluster", "status", "saw"),
    [
        (timedelta(), None, Status.OK, "as AWS's"),
        (2 * MINUTE, None, Status.OK, "2 min behind AWS's, which does no harm"),
        (5 * MINUTE, None, Status.FAILED, "5 min behind AWS's"),
        (None, 20 * MINUTE, Status.FAILED, "20 min behind the cluster's"),
        (None, None, Status.UNKNOWN, "nothing answered with a date to compare with"),
    ],
)
def test_the_clock(aws: timedelta | None, of_cluster: timedelta | None, status: Status, saw: str) -> None:
    verdict = clock.judge(aws, of_cluster)
    assert (verdict.status, verdict.saw) == (status, saw)


def test_how_much_a_clock_breaks() -> None:
    assert "every token" in clock.judge(15 * MINUTE, None).causes[0].text
    assert "whatever is signed" in clock.judge(14 * MINUTE, None).causes[0].text


GONE = replace(PLACE, described=NOT_FOUND)
ANEW = replace(PLACE, described=replace(DESCRIBED, endpoint="https://9Z.gr7.eu-west-1.eks.amazonaws.com"))
NEW_CA = replace(PLACE, described=replace(DESCRIBED, certificate_authority="ANOTHER"))
BLIND = replace(PLACE, described=DENIED)


@pytest.mark.parametrize(
    ("place", "probe", "causes"),
    [
        (BLIND, Probe(SERVER, "unresolved"), ["name-unresolved", "cluster-gone"]),
        (GONE, Probe(SERVER, "unresolved"), ["cluster-gone!"]),
        (ANEW, Probe(SERVER, "unresolved"), ["kubeconfig-stale!"]),
        (PLACE, Probe(SERVER, "timeout", private=True, address="10.0.0.7"), ["private-endpoint"]),
        (PLACE, Probe(SERVER, "timeout"), ["endpoint-unreachable", "public-access-cidrs"]),
        (PLACE, Probe(SERVER, "refused"), ["endpoint-unreachable", "public-access-cidrs"]),
        (PLACE, Probe(SERVER, "proxy", proxy="proxy:3128"), ["proxy-refuses"]),
        (NEW_CA, Probe(SERVER, "untrusted"), ["certificate-changed!"]),
        (PLACE, Probe(SERVER, "untrusted"), ["tls-opened!"]),
        (BLIND, Probe(SERVER, "untrusted"), ["certificate-changed", "tls-opened"]),
        (PLACE, Probe(SERVER, "wrong-name"), ["certificate-name"]),
        (PLACE, Probe(SERVER, "not-now"), ["certificate-time"]),
        (PLACE, Probe(SERVER, "tls"), ["not-kubernetes"]),
        (PLACE, Probe(SERVER, "not-kubernetes"), ["not-kubernetes"]),
    ],
)
def test_an_endpoint_that_does_not_answer(place: Place, probe: Probe, causes: list[str]) -> None:
    verdict = endpoint.judge(place, probe)
    assert (verdict.status, ids(verdict)) == (Status.FAILED, causes)


def test_a_cluster_of_another_account_is_not_gone() -> None:
    """EKS answers only for the caller's own account."""
    elsewhere = endpoint.judge(replace(GONE, account=OTHER), Probe(SERVER, "unresolved"))
    assert ids(elsewhere) == ["name-unresolved", "cluster-gone"]


def test_an_endpoint_that_answers() -> None:
    verdict = endpoint.judge(PLACE, Probe(SERVER, proxy="proxy:3128"))
    assert verdict.saw == f"{SERVER} answers by the proxy proxy:3128, TLS as expected"
    assert "is not checked" in endpoint.judge(entry(insecure=True), Probe(SERVER)).saw


def test_nothing_says_where_the_cluster_is() -> None:
    verdict = endpoint.judge(replace(BLIND, entry=None), None)
    assert (verdict.status, ids(verdict)) == (Status.UNKNOWN, ["endpoint-not-known"])
    assert ids(endpoint.judge(replace(GONE, entry=None), None)) == ["cluster-gone!"]


@pytest.mark.parametrize(
    ("place", "status", "causes"),
    [
        (PLACE, Status.OK, []),
        (BLIND, Status.OK, []),
        (replace(BLIND, entry=None), Status.UNKNOWN, []),
        (replace(GONE, account=OTHER), Status.OK, []),
        (GONE, Status.FAILED, ["cluster-gone!"]),
        (ANEW, Status.FAILED, ["kubeconfig-stale!"]),
        (NEW_CA, Status.FAILED, ["certificate-changed!"]),
        (replace(PLACE, described=replace(DESCRIBED, status="DELETING")), Status.FAILED, ["cluster-not-active!"]),
        (entry(arn=f"arn:aws:eks:eu-west-1:{ACCOUNT}:cluster/old"), Status.FAILED, ["other-cluster!"]),
    ],
)
def test_the_cluster(place: Place, status: Status, causes: list[str]) -> None:
    verdict = cluster.judge(place)
    assert (verdict.status, ids(verdict)) == (status, causes)


@pytest.mark.parametrize(
    ("region", "place", "causes"),
    [("us-east-1", PLACE, []), ("us-east-1", GONE, ["wrong-region!"]), ("cn-north-1", BLIND, ["wrong-region!"])],
)
def test_a_token_of_another_region_is_as_good_within_a_partition(region: str, place: Place, causes: list[str]) -> None:
    other = replace(place, entry=entry(plugin=replace(PLUGIN, region=region)).entry)
    assert ids(cluster.judge(other)) == causes


def test_why_eks_was_not_asked() -> None:
    assert "not needed" in cluster.judge(BLIND).saw
    assert f"you are of {OTHER}" in cluster.judge(replace(GONE, account=OTHER)).saw
