"""The doctor's order with edges in memory: nothing is asked after a check that failed, and unknown is not failed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from iamrbac.diagnosis.facts import Described, Entry, Identity, Probe, Refused, SeenEntry
from iamrbac.index.index import AccessIndex
from iamrbac.model.errors import AccessIndexError, IamrbacError, KubeError, NotMappedError, UsageError
from iamrbac.plan.observed import Target
from iamrbac.rbac.objects import Request, Rule, User
from iamrbac.usecases.doctor import Diagnosis, DoctorRequest, diagnose
from iamrbac.usecases.doctor_edges import DoctorEdges
from tests.diagnosis.facts import ALICE, ARN, DENIED, DESCRIBED, DEVELOPERS, ENTRY, SERVER, WHO, refused
from tests.index.builders import cluster, index, set_
from tests.usecases.fakes import Silent

AT = datetime(2026, 6, 1, tzinfo=UTC)
USER = User("alice", (DEVELOPERS, "system:authenticated"))
PODS = Rule(("list",), ("",), ("pods",))


@dataclass
class Fake:
    """AWS, a kubeconfig and a cluster that say what a test wants, and remember what they were asked."""

    identity_: Identity = WHO
    described_: Described | Refused = DESCRIBED
    probe_: Probe = field(default_factory=lambda: Probe(SERVER, offset=timedelta()))
    user: User | IamrbacError = USER
    entry: Entry | None = ENTRY
    allowed: bool | IamrbacError = True
    asked: list[str] = field(default_factory=list)
    targets: list[Target] = field(default_factory=list)

    def context(self, name: str | None) -> Entry | None:
        return self.entry

    def of_cluster(self, arn: str, name: str) -> Entry | None:
        return self.entry

    def own(self, profile: str | None, role_arn: str | None, region: str) -> Fake:
        self.asked.append(f"as {profile} by {role_arn} in {region}")
        return self

    def identity(self) -> Identity:
        return self.identity_

    def described(self, name: str, region: str) -> Described | Refused:
        self.asked.append(f"describe {name}")
        return self.described_

    def entries(self, name: str, region: str, like: Callable[[str], bool]) -> tuple[SeenEntry, ...] | None:
        self.asked.append("entries")
        return None

    def made(self, arn: str) -> datetime | None:
        return None

    def access(self, target: Target) -> Fake:
        self.targets.append(target)
        return self

    def token_length(self, target: Target) -> int | None:
        return 500

    def probe(self, endpoint: str, authority: str, **ways: Any) -> Probe:
        self.asked.append(f"probe {endpoint} {ways}")
        return self.probe_

    def whoami(self) -> User:
        if isinstance(self.user, IamrbacError):
            raise self.user
        return self.user

    def rules(self, namespace: str) -> tuple[tuple[Rule, ...], bool]:
        return ((PODS,) if self.allowed else ()), True

    def can(self, request: Request) -> bool:
        if isinstance(self.allowed, IamrbacError):
            raise self.allowed
        return self.allowed

    def ruling(self, request: Request) -> tuple[bool, str]:
        return self.can(request), ""

    def diagnose(self, **request: Any) -> Diagnosis:
        edges = DoctorEdges(self, self.own, self.probe)
        return diagnose(edges, DoctorRequest(AT, **request), Silent())


def statuses(found: Diagnosis) -> str:
    return " ".join(one.status.value for one in found.verdicts)


def test_all_is_well() -> None:
    fake = Fake()
    found = fake.diagnose()
    assert (statuses(found), found.code, found.caller) == ("ok ok ok ok ok ok", 0, ALICE)
    assert fake.asked[0] == "as alice by None in eu-west-1"
    target = fake.targets[0]
    assert (target.endpoint, target.eks_name, target.certificate_authority) == (SERVER, "staging", "PEM")


def test_nothing_is_asked_after_what_failed() -> None:
    fake = Fake(refused("sso"))
    found = fake.diagnose()
    assert statuses(found) == "failed not-reached not-reached not-reached not-reached not-reached"
    assert (found.code, fake.asked, fake.targets) == (3, ["as alice by None in eu-west-1"], [])
    skewed = Fake(refused("signature", offset=timedelta(minutes=8)))
    found = skewed.diagnose()
    assert statuses(found) == "ok failed not-reached not-reached not-reached not-reached"
    assert len(skewed.asked) == 1
    down = Fake(probe_=Probe(SERVER, "timeout"))
    assert statuses(down.diagnose()) == "ok ok failed not-reached not-reached not-reached"
    gone = Fake(described_=Refused("not-found", "gone"))
    assert statuses(gone.diagnose()) == "ok ok ok failed not-reached not-reached"
    nobody = Fake(user=NotMappedError("401"))
    assert statuses(nobody.diagnose()) == "ok ok ok ok failed not-reached"
    assert nobody.asked[-1] == "entries"
    no = Fake(allowed=False)
    assert statuses(no.diagnose()) == "ok ok ok ok ok failed"


def test_the_clusters_clock_where_aws_gave_no_date() -> None:
    fake = Fake(replace(WHO, offset=None), probe_=Probe(SERVER, offset=timedelta(minutes=20)))
    assert statuses(fake.diagnose()) == "ok failed not-reached not-reached not-reached not-reached"


def test_unknown_is_not_failed() -> None:
    """Static keys are signed with on this machine: kubectl works although AWS cannot be asked from it."""
    found = Fake(refused("unreachable")).diagnose()
    assert (statuses(found), found.code) == ("unknown ok ok ok ok ok", 1)
    busy = KubeError("busy", where="staging", hint="wait")
    found = Fake(user=busy).diagnose()
    assert (statuses(found), found.code) == ("ok ok ok ok unknown not-reached", 1)
    found = Fake(allowed=busy).diagnose(asked=Request("list", "pods", namespace="payments"))
    assert (statuses(found), found.code) == ("ok ok ok ok ok unknown", 1)


def test_a_developer_may_not_describe_and_lacks_nothing() -> None:
    assert Fake(described_=DENIED).diagnose().code == 0


def test_no_cluster_is_meant() -> None:
    with pytest.raises(UsageError, match="no current context"):
        Fake(entry=None).diagnose()
    with pytest.raises(UsageError, match="nothing here knows a cluster x"):
        Fake(entry=None).diagnose(cluster="x")
    with pytest.raises(UsageError, match="is not of an EKS cluster"):
        Fake(entry=replace(ENTRY, plugin=None, arn="")).diagnose()
    with pytest.raises(UsageError, match="exclude each other"):
        Fake().diagnose(cluster="x", context="y")


def indexed(fake: Fake, found: AccessIndex | IamrbacError, **request: Any) -> Diagnosis:
    def read(_config: object, _at: datetime) -> AccessIndex:
        if isinstance(found, IamrbacError):
            raise found
        return found

    return diagnose(DoctorEdges(fake, fake.own, fake.probe, index=read), DoctorRequest(AT, **request), Silent())


def test_the_index_says_where_a_cluster_is_and_who_is_meant_to_get_in() -> None:
    one = cluster("staging", set_(principals=(ALICE,)), arn=ARN, proxy_url="http://proxy:3128")
    fake = Fake(entry=None, described_=DENIED, user=NotMappedError("401"))
    found = indexed(fake, index(one), cluster="staging")
    assert found.failed is not None
    assert [cause.id for cause in found.failed.causes][:2] == ["not-applied", "entry-of-deleted-principal"]
    assert "'proxy_url': 'http://proxy:3128'" in fake.asked[1]
    assert not [one for one in fake.asked if one.startswith("describe")]
    assert (fake.targets[0].endpoint, fake.targets[0].proxy_url) == (one.endpoint, "http://proxy:3128")
    asked = Request("list", "secrets", namespace="search")
    here = replace(one, endpoint=SERVER, certificate_authority="PEM")
    denied = indexed(Fake(allowed=False), index(here), asked=asked)
    assert denied.failed is not None
    assert denied.failed.causes[0].text == "the policies give these groups nothing in search; they have payments"


def test_an_index_tells_a_kubeconfig_of_an_earlier_cluster() -> None:
    """Nobody needs to ask EKS for that."""
    one = cluster("staging", arn=ARN, endpoint="https://new.gr7.eu-west-1.eks.amazonaws.com")
    found = indexed(Fake(probe_=Probe(SERVER, "unresolved")), index(one))
    assert found.failed is not None
    assert [cause.id for cause in found.failed.causes] == ["kubeconfig-stale"]
    assert "and the access index https://new.gr7" in found.failed.causes[0].text
    same = cluster("staging", arn=ARN, endpoint=SERVER, certificate_authority="PEM")
    well = indexed(Fake(), index(same))
    assert well.verdicts[3].saw == f"{ARN}, by its certificate and the access index; EKS was not asked"
    opened = indexed(Fake(probe_=Probe(SERVER, "untrusted")), index(same)).failed
    assert opened is not None
    assert [cause.id for cause in opened.causes] == ["certificate-changed", "tls-opened"]


def test_an_index_that_cannot_be_read_is_said_and_the_rest_goes_on() -> None:
    assert indexed(Fake(), AccessIndexError("tampered with", where="s3")).code == 0
