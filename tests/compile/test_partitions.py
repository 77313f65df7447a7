"""Every partition, the isolated ones too, and accounts with leading zeros: the cluster's region decides, texts stay."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import pytest
import yaml

from iamrbac.compile.desired import ClusterDesired, ClusterFacts, Compiled, Desired, Form
from iamrbac.documents.files import FileRepository
from iamrbac.gitops.forms import FORMS
from iamrbac.identity.snapshot import IamName, Identities
from iamrbac.identity.suspended import Suspended
from iamrbac.mapping.objects import AccessEntry, AwsAuthRow, PolicyAssociation
from iamrbac.model.arn import PARTITIONS, partition_of
from iamrbac.model.gitops import EntriesForm
from iamrbac.render.compiled import CompileForm, compiled_json, compiled_text
from iamrbac.token.sign import sts_host
from iamrbac.usecases.load import load
from tests.compile.builders import cluster, compiled, config, documents, line, policy
from tests.gitops.forms.entries import VIEW, delivery_to, files_of, mapped, parsed

CLUSTERS, PEOPLE = "000011112222", "012345670001"
REGIONS: Final = {
    "aws": "eu-west-1",
    "aws-cn": "cn-northwest-1",
    "aws-us-gov": "us-gov-east-1",
    "aws-iso": "us-iso-west-1",
    "aws-iso-b": "us-isob-east-1",
    "aws-iso-e": "eu-isoe-west-1",
    "aws-iso-f": "us-isof-south-1",
    "aws-eusc": "eusc-de-east-1",
}
EDIT = {"eksAccessPolicy": "AmazonEKSEditPolicy"}


def test_all_partitions_are_looked_at() -> None:
    assert set(REGIONS) == set(PARTITIONS)
    assert {partition_of(region): region for region in REGIONS.values()} == REGIONS


def objects(partition: str, form: Form) -> tuple[Desired, ...]:
    region = REGIONS[partition]
    arn = f"arn:{partition}:iam::"
    members = [
        *({"iamGroup": "devs"}, {"iamUser": "staff/ann"}, {"iamRole": "deployer"}, {"iamRole": "ci/runner"}),
        *({"permissionSet": "Dev"}, {"iamRole": f"{arn}{PEOPLE}:role/x/other"}),
    ]
    found = documents(
        [policy("payments", {"a": members}, [line(), *([line(role=EDIT)] if form == "access-entries" else [])])],
        config_=config(
            identity={"account": PEOPLE, "groups": "users"},
            clusters=[cluster("staging", account=CLUSTERS, region=region)],
        ),
    )
    reserved = f"{arn}{CLUSTERS}:role/aws-reserved/sso.amazonaws.com/{region}/AWSReservedSSO_Dev_0123456789abcdef"
    people = Identities(
        {IamName(PEOPLE, "devs"): (f"{arn}{PEOPLE}:user/bob",)},
        {
            IamName(CLUSTERS, "role/deployer"): f"{arn}{CLUSTERS}:role/ci/deployer",
            IamName(CLUSTERS, "permissionSet/Dev"): reserved,
        },
    )
    facts = {"staging": ClusterFacts(form, frozenset({"payments"}), partition)}
    result = compiled(found, people, facts)
    assert result.findings == ()
    return result.clusters["staging"].objects


@pytest.mark.parametrize("partition", list(REGIONS))
def test_entries_follow_the_cluster(partition: str) -> None:
    specs = [item.spec for item in objects(partition, "access-entries")]
    own, people = f"arn:{partition}:iam::{CLUSTERS}:role/", f"arn:{partition}:iam::{PEOPLE}:"
    reserved = f"aws-reserved/sso.amazonaws.com/{REGIONS[partition]}/AWSReservedSSO_Dev_0123456789abcdef"
    session = f"arn:{partition}:sts::{CLUSTERS}:assumed-role/"
    assert {spec.principal: spec.username for spec in specs if isinstance(spec, AccessEntry)} == {
        f"{people}user/bob": f"{people}user/bob",
        f"{people}user/staff/ann": f"{people}user/staff/ann",
        f"{own}ci/deployer": f"{session}deployer/{{{{SessionName}}}}",
        f"{own}ci/runner": f"{session}runner/{{{{SessionName}}}}",
        f"{own}{reserved}": f"{session}AWSReservedSSO_Dev_0123456789abcdef/{{{{SessionName}}}}",
        f"{people}role/x/other": f"arn:{partition}:sts::{PEOPLE}:assumed-role/other/{{{{SessionName}}}}",
    }
    policies = {spec.policy for spec in specs if isinstance(spec, PolicyAssociation)}
    assert policies == {f"arn:{partition}:eks::aws:cluster-access-policy/AmazonEKSEditPolicy"}


@pytest.mark.parametrize("partition", list(REGIONS))
@pytest.mark.parametrize("form", ["access-entries", "aws-auth"])
def test_groups_and_usernames_keep_the_rules_of_eks(partition: str, form: Form) -> None:
    """No reserved prefix, and a colon before a template (eks-facts §1.2)."""
    for item in objects(partition, form):
        if isinstance(item.spec, AccessEntry | AwsAuthRow):
            assert not item.spec.username.startswith(("system:", "eks:", "aws:", "amazon:", "iam:"))
            before, template, _ = item.spec.username.partition("{{SessionName}}")
            assert not template or ":" in before
            assert [group for group in item.spec.groups if group.startswith("system:")] == []


@pytest.mark.parametrize("partition", list(REGIONS))
def test_rows_have_no_role_paths_and_users_keep_theirs(partition: str) -> None:
    rows = {item.spec.arn for item in objects(partition, "aws-auth") if isinstance(item.spec, AwsAuthRow)}
    own, people = f"arn:{partition}:iam::{CLUSTERS}:role/", f"arn:{partition}:iam::{PEOPLE}:"
    assert rows == {
        *(f"{people}user/bob", f"{people}user/staff/ann", f"{people}role/other"),
        *(f"{own}deployer", f"{own}runner", f"{own}AWSReservedSSO_Dev_0123456789abcdef"),
    }


@pytest.mark.parametrize("partition", list(REGIONS))
def test_nobody_of_another_partition_gets_in(partition: str) -> None:
    other = "aws-cn" if partition != "aws-cn" else "aws"
    member = {"iamRole": f"arn:{other}:iam::{CLUSTERS}:role/x"}
    found = documents(
        [policy("payments", {"a": [member]}, [line()])],
        config_=config(clusters=[cluster("staging", region=REGIONS[partition])]),
    )
    facts = {"staging": ClusterFacts("access-entries", frozenset({"payments"}), partition)}
    assert {one.id for one in compiled(found, facts_=facts).findings} == {"MAP103"}


@pytest.mark.parametrize("partition", list(REGIONS))
def test_the_suspended_and_the_token_s_host(partition: str) -> None:
    arn = f"arn:{partition}:iam::{CLUSTERS}:role/x/y"
    assert Suspended([arn]).covers(f"arn:{partition}:sts::{CLUSTERS}:assumed-role/y/session")
    assert sts_host(REGIONS[partition]).startswith(f"sts.{REGIONS[partition]}.")


def scalars(value: Any) -> Iterator[Any]:
    if isinstance(value, dict):
        for key, inner in value.items():
            yield key
            yield from scalars(inner)
    elif isinstance(value, list | tuple):
        for inner in value:
            yield from scalars(inner)
    else:
        yield value


def assert_texts(value: Any, account: str) -> None:
    """The account is there, and nowhere as a number: a reader of YAML 1.1 would take 000011112222 for an octal one."""
    found = list(scalars(value))
    assert any(account in one for one in found if isinstance(one, str))
    numbers = {int(account), int(account, 8)} if set(account) <= set("01234567") else {int(account)}
    assert [one for one in found if isinstance(one, int) and not isinstance(one, bool) and one in numbers] == []


@pytest.mark.parametrize("form", sorted(FORMS))
def test_accounts_with_leading_zeros_stay_texts_in_every_form_of_git(form: EntriesForm) -> None:
    arn = f"arn:aws:iam::{CLUSTERS}:role/ci/deployer"
    delivery = replace(delivery_to(form), account=CLUSTERS)
    files = files_of(delivery, [mapped(arn, groups=["iamrbac:acme:payments:dev"], policies={VIEW: None})])
    assert_texts(list(parsed(files).values()), CLUSTERS)
    (read,) = FORMS[form].read(delivery, parsed(files))
    assert read.entry.principal == arn


@pytest.mark.parametrize("form", ["access-entries", "aws-auth"])
def test_accounts_with_leading_zeros_stay_texts_in_what_compile_prints(form: CompileForm) -> None:
    made = objects("aws", "access-entries" if form == "access-entries" else "aws-auth")
    result = Compiled({"staging": ClusterDesired("staging", made, (), {})}, ())
    for account in (CLUSTERS, PEOPLE):
        assert_texts(compiled_json(result, form), account)
        if form == "aws-auth":
            assert_texts(list(yaml.safe_load_all("".join(compiled_text(result, form)))), account)


@pytest.mark.parametrize(
    ("account", "why"),
    [("000011112222", "000011112222"), ("012345678901", "012345678901"), ("111122223333", "the number 111122223333")],
)
def test_an_account_without_quotes_is_refused_as_it_was_written(tmp_path: Path, account: str, why: str) -> None:
    (tmp_path / "policies").mkdir()
    (tmp_path / "iamrbac.yaml").write_text(
        "apiVersion: iamrbac.dev/v1alpha1\nkind: Config\nmetadata: {name: acme}\n"
        f"clusters: [{{name: staging, account: {account}, region: eu-west-1}}]\n"
    )
    loaded = load(FileRepository(tmp_path))
    assert loaded.readable is None
    assert any(why in one.message and f'"{account}"' in one.hint for one in loaded.findings), loaded.findings
