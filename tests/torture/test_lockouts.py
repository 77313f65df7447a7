"""Attempts at locking people out, through the command line on real clusters: refused, and not a byte is written."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import pytest

from iamrbac.compile import names
from tests.torture import run
from tests.torture.ground import Ground
from tests.torture.repository import ENTRIES, REGION, Policy, arn_of, write_config, write_policy
from tests.torture.road import Road
from tests.torture.sizes import Tally

MINE, OTHER = "platform", "other"
SELF: Final = "sam"
NODES: Final = "arn:aws:iam::111122223333:role/eks-node-role"
ADMINS: Final = 'clusters: ["*"], scope: cluster, role: {clusterRole: cluster-admin}'


def policy(admins: tuple[str, ...] = (SELF, "cluster-admins"), breakglass: tuple[str, ...] = ("breakglass",)) -> Policy:
    """Who administers the clusters."""
    sets = {name: who for name, who in (("admins", admins), ("breakglass", breakglass)) if who}
    return Policy("platform", sets, tuple(f"to: [{name}], {ADMINS}" for name in sets))


@dataclass
class Company:
    """Two clusters whose administrators, beside the platform engineer, come from a policy."""

    ground: Ground
    folder: Path
    tally: Tally
    count: int = 0

    def repository(self, wanted: Policy | None, instance: str = MINE, **config: Any) -> Path:
        """Write a repository that wants this, or nothing."""
        self.count += 1
        root = self.folder / str(self.count)
        write_config(root, instance, **config)
        if wanted is not None:
            write_policy(root, wanted)
        return root

    def apply(self, root: Path, person: str = "pat", *arguments: str) -> run.Ran:
        return run.here(self.ground.environment(person), root, "apply", "--yes", *arguments)

    def changes_nothing(self, attempt: Callable[[], run.Ran]) -> run.Ran:
        """Try it, and compare every byte; what is not refused may write down that it was there."""
        before = self.ground.everything()
        ran = attempt()
        after = self.ground.everything()
        if ran.code not in (1, 3):
            del before["home"], after["home"]
        assert after == before, ran.said
        self.tally.add("attempts")
        self.tally.add("of them refused" if ran.code in (1, 3) else "of them without effect")
        return ran

    def refused(self, root: Path, finding: str, person: str = "pat", *arguments: str) -> None:
        """Try an apply that a finding has to refuse, although any number of removals is allowed."""
        ran = self.changes_nothing(lambda: self.apply(root, person, *(arguments or run.MEANT)))
        assert ran.code == 3, ran.said
        assert finding in ran.out


@pytest.fixture(scope="module")
def company(ground: Ground, road: Road, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Company]:
    made = Company(ground, tmp_path_factory.mktemp("lockouts"), Tally("Attempts at a lock-out"))
    ran = made.apply(made.repository(policy()))
    assert ran.code == 0, ran.said
    yield made
    ran = made.apply(made.repository(None), "pat", *run.MEANT)
    assert ran.code == 0, ran.said
    made.tally.tell()


def test_oneself(company: Company) -> None:
    company.refused(company.repository(policy(("cluster-admins",))), "it is you", SELF)


def test_break_glass(company: Company) -> None:
    protected = (arn_of("breakglass"),)
    company.refused(
        company.repository(policy(breakglass=()), protected=protected), "guards.protectedPrincipals names it"
    )


def test_break_glass_by_suspension(company: Company) -> None:
    arn = (arn_of("breakglass"),)
    company.refused(company.repository(policy(), protected=arn, suspended=arn), "guards.protectedPrincipals names it")


def test_the_last_administrators(company: Company) -> None:
    # On entries pat is left, on rows pat and quinn, whom others have mapped.
    company.refused(company.repository(policy((), ("breakglass",)), min_admins=3), "below guards.minAdmins (3)")


def test_an_emptied_group_of_administrators(company: Company) -> None:
    iam = company.ground.real.client("iam")
    members = ("rosa", "ruth")
    for user in members:
        iam.remove_user_from_group(GroupName="cluster-admins", UserName=user)
    try:
        company.refused(company.repository(policy(), min_admins=4), "below guards.minAdmins (4)")
    finally:
        for user in members:
            iam.add_user_to_group(GroupName="cluster-admins", UserName=user)


def test_nodes_that_a_policy_names(company: Company) -> None:
    company.refused(company.repository(policy((SELF, "cluster-admins", "/eks-node-role"))), NODES.rpartition("/")[2])


def test_nodes_that_carry_our_marks(company: Company) -> None:
    """Whoever has marked them as ours: they are no orphans."""
    ground, eks = company.ground, company.ground.real.client("eks")
    entry = eks.describe_access_entry(clusterName=ENTRIES, principalArn=NODES)["accessEntry"]
    before = ground.aws_auth_map()
    annotation = names.rows_annotation(MINE)
    ours = before["metadata"]["annotations"][annotation]
    marked = {annotation: ours.replace("[", f'["{NODES}", ', 1)}
    eks.tag_resource(resourceArn=entry["accessEntryArn"], tags=names.entry_tags(MINE))
    ground.put_aws_auth(before["data"], before["metadata"]["annotations"] | marked)
    try:
        ran = company.changes_nothing(lambda: company.apply(company.repository(policy()), "pat", *run.MEANT))
        assert ran.code == 0, ran.said
    finally:
        eks.untag_resource(resourceArn=entry["accessEntryArn"], tagKeys=sorted(names.entry_tags(MINE)))
        ground.put_aws_auth(before["data"], before["metadata"]["annotations"])


def test_an_empty_repository(company: Company) -> None:
    company.refused(company.repository(None), "the policies want nothing on", "pat", "--allow-removals", "3")


def test_another_repository_for_the_same_people(company: Company) -> None:
    company.refused(company.repository(policy(), OTHER), MINE)


def test_another_repository_that_wants_nothing(company: Company) -> None:
    ran = company.changes_nothing(lambda: company.apply(company.repository(None, OTHER), "pat", *run.MEANT))
    assert ran.code == 0, ran.said
    assert "No changes" in ran.out


def test_another_region_s_cluster_of_that_name(company: Company) -> None:
    root = company.repository(policy())
    config = root / "iamrbac.yaml"
    config.write_text(config.read_text().replace(REGION, "eu-central-1"))
    ran = company.changes_nothing(lambda: company.apply(root, "pat", *run.MEANT))
    assert ran.code == 1, ran.said
