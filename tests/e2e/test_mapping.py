"""Our reading of aws-auth and access entries against EKS's own authenticator, map by map, caller by caller."""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from iamrbac.mapping.aws_auth import Reading, read
from iamrbac.mapping.edit import edit
from iamrbac.mapping.objects import AccessEntry, AwsAuthRow
from iamrbac.mapping.resolve import Mapped, identity, mapped, resolve
from iamrbac.model.arn import Arn
from iamrbac.token.sign import Credentials, presign, token
from tests.e2e.maps import ANNA, BERT, ROLE, STRANGER, Drawn, entries, maps
from tests.e2e.real import ACCOUNT, REGION, RealCluster, RealSandbox, Who, eventually
from tests.e2e.tally import Tally, examples

CLUSTER = "staging"
SESSION = f"arn:aws:sts::{ACCOUNT}:assumed-role/robot/build@42"
BY_ROW, BY_ENTRY = f"arn:aws:iam::{ACCOUNT}:user/by-row", f"arn:aws:iam::{ACCOUNT}:user/by-entry"
"""Whose names say which map and which entries have arrived."""
_TRUST = {
    "Version": "2012-10-17",
    "Statement": [
        {"Effect": "Allow", "Principal": {"AWS": f"arn:aws:iam::{ACCOUNT}:root"}, "Action": "sts:AssumeRole"},
    ],
}
QUESTIONS = 4
# What we refuse to read, and EKS reads: better refused than misread (mapping.go_json, mapping.yaml_tree).
STRICTER = ("is not read here", "levels deep", "EKS takes the ? in it for a key")
_COUNT = itertools.count(1)
_TALLY = Tally("aws-auth and access entries at EKS's authenticator, no difference")


@dataclass(frozen=True)
class Stage:
    """A cluster in mode API_AND_CONFIG_MAP, and its callers: some are asked about, and two say what has arrived."""

    sandbox: RealSandbox
    cluster: RealCluster
    callers: Mapping[str, Credentials]

    def who(self, keys: Credentials) -> Who:
        """A TokenReview with a token that no cache has seen."""
        number = next(_COUNT)
        text = token(presign(keys, REGION, CLUSTER, datetime.now(UTC), expires=number % 900 + 1))
        user = self.cluster.review(text)
        if user is None:
            return None
        return user.get("username", ""), tuple(g for g in user.get("groups", []) if g != "system:authenticated")

    def set_map(self, drawn: Drawn) -> Mapping[str, str]:
        """Write a map, wait until the authenticator has it, and return it."""
        mark = f"epoch-{next(_COUNT)}"
        text = drawn.data[drawn.sound]
        data = {**drawn.data, **edit({drawn.sound: text}, [AwsAuthRow(drawn.sound, BY_ROW, mark)], ())}
        self.cluster.set_aws_auth(data)
        assert eventually(lambda: (self.who(self.callers[BY_ROW]) or ("",))[0], mark) == mark, data
        return data

    def set_entries(self, wanted: tuple[AccessEntry, ...]) -> None:
        """Make the access entries, and wait until the authenticator has them."""
        eks, mark = self.sandbox.client("eks"), f"epoch:{next(_COUNT)}"
        there = set(eks.list_access_entries(clusterName=CLUSTER)["accessEntries"])
        for arn in (ANNA, BERT, ROLE):
            if arn in there:
                eks.delete_access_entry(clusterName=CLUSTER, principalArn=arn)
        for entry in wanted:
            eks.create_access_entry(
                clusterName=CLUSTER,
                principalArn=entry.principal,
                username=entry.username,
                kubernetesGroups=list(entry.groups),
            )
        eks.update_access_entry(clusterName=CLUSTER, principalArn=BY_ENTRY, username=mark)
        assert eventually(lambda: (self.who(self.callers[BY_ENTRY]) or ("",))[0], mark) == mark


@pytest.fixture(scope="module")
def stage(real: RealSandbox) -> Iterator[Stage]:
    cluster = real.clusters[CLUSTER]
    before = cluster.objects.get("ConfigMap", "kube-system", "aws-auth")
    assert before is not None
    iam, eks = real.client("iam"), real.client("eks")
    callers = {arn: _user(iam, arn) for arn in (ANNA, BERT, STRANGER, BY_ROW, BY_ENTRY)}
    iam.create_role(RoleName="robot", Path="/fuzz/", AssumeRolePolicyDocument=json.dumps(_TRUST))
    eks.create_access_entry(clusterName=CLUSTER, principalArn=BY_ENTRY)
    yield Stage(real, cluster, {**callers, SESSION: real.session("robot", "build@42")})
    for arn in eks.list_access_entries(clusterName=CLUSTER)["accessEntries"]:
        if arn in (ANNA, BERT, ROLE, BY_ENTRY):
            eks.delete_access_entry(clusterName=CLUSTER, principalArn=arn)
    cluster.set_aws_auth(before["data"])
    _TALLY.tell()


def _user(iam: Any, arn: str) -> Credentials:
    about = Arn.parse(arn)
    iam.create_user(UserName=about.name, Path=about.path)
    key = iam.create_access_key(UserName=about.name)["AccessKey"]
    return Credentials(key["AccessKeyId"], key["SecretAccessKey"])


@settings(
    max_examples=examples(200, QUESTIONS),
    deadline=None,
    phases=[Phase.explicit, Phase.reuse, Phase.generate, Phase.shrink],
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)
@given(maps(), st.one_of(st.just(()), entries()))
def test_everybody_is_whom_our_reading_says(stage: Stage, drawn: Drawn, wanted: tuple[AccessEntry, ...]) -> None:
    stage.set_entries(wanted)
    data = stage.set_map(drawn)
    reading = read(data)
    _TALLY.add("maps with a broken section" if reading.broken else "maps without one")
    if any(why in line for line in reading.broken for why in STRICTER):
        _TALLY.add("maps that only EKS reads")
        return
    for arn in (ANNA, BERT, SESSION, STRANGER):
        keys = stage.callers[arn]
        said = stage.who(keys)
        answers = expected(arn, keys, wanted, reading)
        assert said in answers, (arn, data)
        if len(answers) == 1 and arn != SESSION:
            assert said == _planned(arn, keys, wanted, reading), (arn, data)
        _TALLY.add("callers mapped" if said else "callers refused")


def expected(arn: str, keys: Credentials, wanted: tuple[AccessEntry, ...], reading: Reading) -> set[Who]:
    """What our reading says; several answers where EKS picks one of two spellings of a user at random."""
    found = {_who(arn, keys, wanted, reading)}
    spellings = {row.arn for row in reading.rows if row.section == "mapUsers" and row.arn.lower() == identity(arn)}
    if len(spellings) > 1:
        for spelling in spellings:
            kept = tuple(row for row in reading.rows if row.arn not in spellings - {spelling})
            found.add(_who(arn, keys, wanted, Reading(kept, reading.accounts)))
    return found


def _planned(arn: str, keys: Credentials, wanted: tuple[AccessEntry, ...], reading: Reading) -> Who:
    """What a plan takes a user for, who is on its list of everybody that is mapped by name, or in by the account."""
    by_name = {identity(one.principal): one for one in mapped(wanted, reading)}
    found = by_name.get(identity(arn))
    if found is None:
        return (arn, ()) if ACCOUNT in reading.accounts else None
    return _filled(found, keys)


def _who(arn: str, keys: Credentials, wanted: tuple[AccessEntry, ...], reading: Reading) -> Who:
    found = resolve(arn, wanted, reading)
    return None if found is None else _filled(found, keys)


def _filled(found: Mapped, keys: Credentials) -> Who:
    username, *groups = (text.replace("{{AccessKeyID}}", keys.access_key) for text in (found.username, *found.groups))
    return username, tuple(groups)
