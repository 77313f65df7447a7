"""Several accounts in one run: each is entered by its role, once, and its credentials stay in the process."""

from __future__ import annotations

import base64
import logging
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from moto.iam.models import iam_backends

from iamrbac import wiring
from iamrbac.aws.accounts import Accounts, session_name
from iamrbac.aws.eks import EksApi
from iamrbac.aws.people import IamPeople
from iamrbac.aws.session import session
from iamrbac.compile.desired import Desired, Key
from iamrbac.identity.snapshot import IamName, Identities, Unreadable, Wanted, Way
from iamrbac.mapping.objects import AccessEntry
from iamrbac.model.accounts import AssumeRole
from iamrbac.model.arn import partition_of
from iamrbac.model.documents import Cluster
from iamrbac.model.errors import AwsError
from iamrbac.plan.observed import Target
from iamrbac.sandbox.aws.http import AwsRequest, Reply
from iamrbac.sandbox.aws.sts import verify
from tests.aws.conftest import ACCOUNT, PEM, REGION, World, query_refusal

# Leading zeros: an account that becomes a number anywhere is another one.
PEOPLE, PRODUCTION = "000011112222", "000033334444"
PEOPLE_ROLE = AssumeRole(role_arn=f"arn:aws:iam::{PEOPLE}:role/ops/iamrbac-people")
ROLE = AssumeRole(role_arn=f"arn:aws:iam::{PRODUCTION}:role/iamrbac", external_id="acme-1")
CLUSTER = Cluster(name="production", eks_name="prod-1", account=PRODUCTION, region=REGION, assume_role=ROLE)
WAYS = {PEOPLE: Way(PEOPLE_ROLE, REGION), PRODUCTION: Way(ROLE, REGION)}
DENIED = "User: x is not authorized to perform: sts:AssumeRole"


@pytest.fixture
def accounts(world: World) -> Accounts:
    for account in (PEOPLE, PRODUCTION):
        iam_backends[account]["aws"].reset()
    iam_backends[PEOPLE]["aws"].create_group("developers")
    iam_backends[PEOPLE]["aws"].create_user(REGION, "alice", "/staff/")
    iam_backends[PEOPLE]["aws"].add_user_to_group("developers", "alice")
    clusters = world.server.front.eks.clusters
    if "prod-1" not in {one.name for one in clusters.everything(PRODUCTION, REGION)}:
        clusters.create(PRODUCTION, REGION, "prod-1", f"arn:aws:iam::{PRODUCTION}:role/eks", "API")
        clusters.connect(PRODUCTION, REGION, "prod-1", "https://127.0.0.1:1/", base64.b64encode(PEM).decode())
    return Accounts(session())


class Asked:
    """Remembers what STS is asked for, and lets it answer."""

    def __init__(self, world: World) -> None:
        self.forms: list[dict[str, str]] = []
        world.faults.replies["sts:AssumeRole"] = [self] * 50

    def __call__(self, request: AwsRequest) -> Reply | None:
        self.forms.append(dict(request.form))
        return None


def ask(accounts: Accounts, *names: str) -> Identities:
    wanted = frozenset(IamName(PEOPLE, name) for name in names or ("developers",))
    return IamPeople(accounts).identities(Wanted(wanted, ways=WAYS))


def test_each_account_is_asked_by_its_own_role(world: World, accounts: Accounts) -> None:
    found = ask(accounts)
    assert found.groups == {IamName(PEOPLE, "developers"): (f"arn:aws:iam::{PEOPLE}:user/staff/alice",)}
    target = EksApi(accounts).target(CLUSTER)
    assert target.arn == f"arn:aws:eks:{REGION}:{PRODUCTION}:cluster/prod-1"
    assert target.role == ROLE
    assert (target.account, target.partition) == (PRODUCTION, "aws")


def test_a_cluster_of_another_account_is_read_and_written_by_its_role(world: World, accounts: Accounts) -> None:
    api = EksApi(accounts)
    target = api.target(CLUSTER)
    alice = f"arn:aws:iam::{PEOPLE}:user/staff/alice"
    key = Key("production", "AccessEntry", "", alice)
    api.create(target, Desired(key, AccessEntry(alice, alice, ("iamrbac:acme:payments:dev",)), {"a": "b"}))
    (entry,) = (one for one in api.mappings(target) if one.key == key)
    api.delete(target, entry)
    assert [one for one in api.mappings(target) if one.key == key] == []
    assert api.caller().account == ACCOUNT


def test_a_role_is_assumed_once_for_clusters_people_and_tokens(world: World, accounts: Accounts) -> None:
    asked = Asked(world)
    api = EksApi(accounts)
    for _ in range(3):
        api.mappings(api.target(CLUSTER))
        accounts.keys(ROLE, REGION)
        IamPeople(accounts).identities(Wanted(frozenset({IamName(PRODUCTION, "x")}), ways=WAYS))
    assert [form["RoleArn"] for form in asked.forms] == [ROLE.role_arn]
    assert world.server.front.calls["sts:GetCallerIdentity"] == 1


def test_the_session_has_the_callers_name_and_the_external_id(world: World, accounts: Accounts) -> None:
    asked = Asked(world)
    accounts.keys(ROLE, REGION)
    accounts.keys(AssumeRole(role_arn=PEOPLE_ROLE.role_arn, session_name="ci"), REGION)
    assert [(form["RoleSessionName"], form.get("ExternalId")) for form in asked.forms] == [
        (session_name(accounts.caller().arn), "acme-1"),
        ("ci", None),
    ]


@pytest.mark.parametrize(
    ("caller", "name"),
    [
        (f"arn:aws:iam::{PEOPLE}:user/staff/alice", "alice"),
        (f"arn:aws:iam::{PEOPLE}:user/a", "iamrbac-a"),
        (f"arn:aws:sts::{PEOPLE}:assumed-role/AWSReservedSSO_Ops_0123456789abcdef/pat@example.com", "pat@example.com"),
        (f"arn:aws:iam::{PEOPLE}:root", "root"),
        ("nonsense", "iamrbac"),
    ],
)
def test_the_person_stays_in_the_audit_log(caller: str, name: str) -> None:
    assert session_name(caller) == name


def test_a_token_for_a_cluster_of_another_account_is_signed_by_its_role(
    world: World, accounts: Accounts, monkeypatch: pytest.MonkeyPatch
) -> None:
    tokens: list[Callable[[], str]] = []
    monkeypatch.setattr("iamrbac.kube.client.KubeApi", lambda _target, token, **_: tokens.append(token))
    opened = wiring.kube_opener(accounts)
    opened(EksApi(accounts).target(CLUSTER))
    opened(world.target)
    other, own = (token().removeprefix("k8s-aws-v1.") for token in tokens)
    url = urlsplit(base64.urlsafe_b64decode(other + "=" * (-len(other) % 4)).decode())
    headers = {"host": url.hostname or "", "x-k8s-aws-id": "prod-1"}
    who = verify(url.query, headers, datetime.now(UTC)).identity
    assert who.account == PRODUCTION
    assert who.arn.startswith(f"arn:aws:sts::{PRODUCTION}:assumed-role/iamrbac/")
    assert b"AKIATEST" in base64.urlsafe_b64decode(own + "=" * (-len(own) % 4))


@pytest.mark.parametrize(
    ("code", "why", "next_step"),
    [
        ("AccessDenied", DENIED, "sts:AssumeRole on it, let its trust policy name that caller, with the external ID"),
        ("ExpiredToken", "expired", "sign in again"),
        ("RegionDisabledException", "STS is not activated", "correct what AWS names"),
    ],
)
def test_a_role_that_cannot_be_assumed_names_it_the_account_and_the_next_step(
    world: World, accounts: Accounts, code: str, why: str, next_step: str
) -> None:
    world.faults.replies["sts:AssumeRole"] = [query_refusal(403, code, why)] * 9
    with pytest.raises(AwsError) as caught:
        EksApi(accounts).target(CLUSTER)
    line = str(caught.value)
    begin = f"{ROLE.role_arn}: account {PRODUCTION} cannot be entered: sts:AssumeRole failed with {code}: {why}. Next: "
    assert line.startswith(begin)
    assert next_step in line
    assert "hunter2" not in line
    assert "eks:DescribeCluster" not in world.server.front.calls


def test_people_behind_a_closed_door_are_unreadable_and_it_is_tried_once(world: World, accounts: Accounts) -> None:
    world.faults.replies["sts:AssumeRole"] = [query_refusal(403, "AccessDenied", DENIED)] * 9
    found = ask(accounts, *(f"group-{number}" for number in range(9))).groups
    assert len(found) == 9
    for name, answer in found.items():
        assert isinstance(answer, Unreadable)
        assert answer.reason.startswith(f"IAM group {name.name}: {PEOPLE_ROLE.role_arn}: account {PEOPLE} cannot be")
        assert "Next: allow " in answer.reason
    assert world.server.front.calls["sts:AssumeRole"] == 1
    assert "iam:GetGroup" not in world.server.front.calls


def test_throttled_is_tried_again(world: World, accounts: Accounts) -> None:
    world.faults.replies["sts:AssumeRole"] = [query_refusal(400, "Throttling", "Rate exceeded")] * 2
    assert ask(accounts).groups == {IamName(PEOPLE, "developers"): (f"arn:aws:iam::{PEOPLE}:user/staff/alice",)}


def test_credentials_that_end_are_fetched_again_before_they_do(world: World, accounts: Accounts) -> None:
    backend = iam_backends[PRODUCTION]["aws"]
    backend.create_user(REGION, "stand-in", "/")
    key = backend.create_access_key("stand-in")

    def ends(when: timedelta) -> Reply:
        fields = {
            "AccessKeyId": key.access_key_id,
            "SecretAccessKey": key.secret_access_key,
            "SessionToken": "t",
            "Expiration": f"{datetime.now(UTC) + when:%Y-%m-%dT%H:%M:%SZ}",
        }
        inner = "".join(f"<{name}>{value}</{name}>" for name, value in fields.items())
        user = f"<AssumedRoleUser><AssumedRoleId>AROA:x</AssumedRoleId><Arn>{ROLE.role_arn}</Arn></AssumedRoleUser>"
        body = (
            '<AssumeRoleResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><AssumeRoleResult>'
            f"<Credentials>{inner}</Credentials>{user}</AssumeRoleResult></AssumeRoleResponse>"
        )
        return Reply(200, body.encode(), "text/xml")

    world.faults.replies["sts:AssumeRole"] = [
        ends(timedelta(minutes=1)),
        query_refusal(403, "AccessDenied", DENIED),
        ends(timedelta(hours=1)),
    ]
    api = EksApi(accounts)
    assert api.target(CLUSTER).account == PRODUCTION
    with pytest.raises(AwsError, match=r"cannot be entered"):
        api.target(CLUSTER)
    for _ in range(3):
        assert api.target(CLUSTER).account == PRODUCTION
    assert world.server.front.calls["sts:AssumeRole"] == 3


def test_keys_of_other_accounts_are_neither_on_disk_nor_in_logs(
    world: World, accounts: Accounts, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    found = accounts.keys(ROLE, REGION)
    assert found.secret_key
    assert found.secret_key not in caplog.text
    assert [path for path in tmp_path.rglob("*") if path.is_file() and found.secret_key in path.read_text()] == []


@pytest.mark.parametrize("region", ["cn-north-1", "us-gov-west-1", "us-iso-east-1", "us-isob-east-1"])
def test_sts_and_iam_are_asked_in_the_partition_of_the_cluster(world: World, accounts: Accounts, region: str) -> None:
    role = AssumeRole(role_arn=f"arn:{partition_of(region)}:iam::{PRODUCTION}:role/x")
    assert accounts.clients(role, region).iam().meta.region_name == region
    assert accounts.clients(role, region).sts().meta.region_name == region


def test_all_sessions_share_one_loader(world: World, accounts: Accounts) -> None:
    first, second = (accounts.clients(role, REGION).session for role in (ROLE, PEOPLE_ROLE))
    assert first is not second
    assert first._loader is second._loader


def test_without_assuming_the_caller_asks(world: World, accounts: Accounts) -> None:
    with pytest.raises(AwsError) as caught:
        EksApi(accounts, assume=False).target(CLUSTER)
    assert str(caught.value).endswith(
        f"Next: use credentials of account {PRODUCTION}, or write assumeRole for it in iamrbac.yaml"
    )
    assert "sts:AssumeRole" not in world.server.front.calls


def test_targets_of_two_accounts_in_one_run(world: World, accounts: Accounts) -> None:
    api = EksApi(accounts)
    targets: list[Target] = [api.target(CLUSTER), world.target]
    assert [one.account for one in targets] == [PRODUCTION, ACCOUNT]
